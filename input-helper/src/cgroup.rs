//! The group of processes that this one is in. A desktop hands its user a part of the tree of groups, and whoever owns a group can freeze all that is
//! in it, a process of root's as well: one that is frozen takes nothing back. So it leaves such a group.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

/// Leaves a group that somebody else than root can freeze.
///
/// # Errors
/// When it is still in one.
pub(crate) fn leave() -> Result<(), String> {
    let Some(tree) = tree() else { return Ok(()) };
    if !is_of_others(&tree, &own()?) {
        return Ok(());
    }
    // The top belongs to root, and `0` is this process.
    let path = tree.join("cgroup.procs");
    let moved = rustix::fs::open(&path, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())
        .and_then(|file| rustix::io::write(file, b"0"));
    if is_of_others(&tree, &own()?) {
        let why = moved.err().map_or_else(String::new, |error| format!(": {error}"));
        return Err(format!("others can freeze this process, and so keep devices{why}"));
    }
    Ok(())
}

/// Where the tree of groups is, if there is one.
fn tree() -> Option<PathBuf> {
    let places = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].map(PathBuf::from);
    places.into_iter().find(|place| place.join("cgroup.procs").is_file())
}

fn own() -> Result<String, String> {
    std::fs::read_to_string("/proc/self/cgroup").map_err(|error| format!("/proc/self/cgroup: {error}"))
}

/// The group, by what `/proc/self/cgroup` says; the top when there is none.
fn group(text: &str) -> &str {
    text.lines().find_map(|line| line.strip_prefix("0::")).unwrap_or("/").trim_matches('/')
}

/// Whether somebody else than root can freeze this process, by its own group or by one around it.
fn is_of_others(tree: &Path, text: &str) -> bool {
    let is_roots = |about: &Metadata| about.uid() == 0 && about.mode() & 0o022 == 0;
    let mut place = tree.to_path_buf();
    group(text).split('/').filter(|part| !part.is_empty()).any(|part| {
        place.push(part);
        // Without that file it cannot be frozen; a group that is not to be seen counts as one of others.
        let may_freeze = place.join("cgroup.freeze").symlink_metadata().is_ok_and(|about| !is_roots(&about));
        !place.symlink_metadata().is_ok_and(|about| about.is_dir()) || may_freeze
    })
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests put files where they want them")]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, chown};

    use super::*;

    #[test]
    fn a_group_that_somebody_else_can_freeze_is_told() {
        if !rustix::process::geteuid().is_root() {
            println!("NOT RUN: giving files away needs root");
            return;
        }
        let tree = tempfile::tempdir().expect("a folder");
        let app = tree.path().join("user.slice/user@1000.service/app.scope");
        std::fs::create_dir_all(&app).expect("folders");
        let freeze = |dir: &Path| {
            std::fs::write(dir.join("cgroup.freeze"), "0").expect("a file");
            std::fs::set_permissions(dir.join("cgroup.freeze"), std::fs::Permissions::from_mode(0o644))
                .expect("a mode");
        };
        freeze(&app);
        freeze(app.parent().expect("a folder"));
        let is = |text: &str| is_of_others(tree.path(), text);
        let text = "12:freezer:/x\n0::/user.slice/user@1000.service/app.scope\n";
        assert!(!is(text) && !is("0::/\n") && !is("1:name=systemd:/\n"));
        chown(app.join("cgroup.freeze"), Some(1000), None).expect("its owner");
        assert!(is(text) && !is("0::/user.slice/user@1000.service"));
        chown(app.join("cgroup.freeze"), Some(0), None).expect("its owner");
        // The one around it.
        chown(app.parent().expect("a folder").join("cgroup.freeze"), Some(1000), None).expect("its owner");
        assert!(is(text));
        assert!(is("0::/../outside"), "a group that is not to be seen");
    }

    #[test]
    fn this_process_is_in_a_group_of_roots_afterwards() {
        if rustix::process::geteuid().is_root() {
            leave().expect("a group of root's");
        }
    }
}
