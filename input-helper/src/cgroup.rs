//! The groups of processes that this one is in. A desktop hands its user a part of the tree of groups, and whoever owns a group can freeze all that is
//! in it, a process of root's as well; and logind stops, for the owner of a session and without a password (`KillSession`, `KillUser`), every process
//! that is in the group of the session or of its user. One that is frozen or stopped takes nothing back. So it goes to the top of each tree.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

/// Where trees of groups are: of version 2 alone or beside version 1; of version 1 the one that systemd keeps, and the one by which is frozen.
const TREES: [&str; 4] =
    ["/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/systemd", "/sys/fs/cgroup/freezer"];

/// Leaves the groups that somebody else than root can freeze or stop.
///
/// # Errors
/// When it is still in one.
pub(crate) fn leave() -> Result<(), String> {
    let trees: Vec<PathBuf> = TREES.map(PathBuf::from).into_iter().filter(|tree| is_tree(tree)).collect();
    let mut refused = None;
    for tree in &trees {
        // The top belongs to root, and `0` is this process. Where it may not go there (a container) the check below decides.
        let moved = rustix::fs::open(tree.join("cgroup.procs"), OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())
            .and_then(|file| rustix::io::write(file, b"0"));
        refused = refused.or(moved.err());
    }
    let text = std::fs::read_to_string("/proc/self/cgroup").map_err(|error| format!("/proc/self/cgroup: {error}"))?;
    // The others are of version 1.
    let mut second = trees.iter().filter(|tree| !tree.ends_with("systemd") && !tree.ends_with("freezer"));
    if second.any(|tree| is_of_others(tree, &text)) || is_stopped_by_others(&text) {
        let why = refused.map_or_else(String::new, |error| format!(": {error}"));
        return Err(format!("others can freeze or stop this process, and so keep devices{why}"));
    }
    Ok(())
}

fn is_tree(tree: &Path) -> bool {
    tree.join("cgroup.procs").is_file()
}

/// The group of version 2, by what `/proc/self/cgroup` says; the top when there is none.
fn group(text: &str) -> &str {
    text.lines().find_map(|line| line.strip_prefix("0::")).unwrap_or("/").trim_matches('/')
}

/// Whether logind stops this process for somebody, or a group of version 1 can be frozen around it, by what `/proc/self/cgroup` says.
fn is_stopped_by_others(text: &str) -> bool {
    text.lines().any(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(kinds), Some(group)) = (parts.next(), parts.next()) else { return true };
        let is_session = |part: &str| {
            part == "user.slice" || part.strip_suffix(".scope").is_some_and(|name| name.starts_with("session-"))
        };
        let may_freeze = kinds.split(',').any(|kind| kind == "freezer") && group != "/";
        may_freeze || matches!(kinds, "" | "name=systemd") && group.split('/').any(is_session)
    })
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
    fn a_group_of_a_session_or_of_its_user_is_told() {
        for (text, is_stopped) in [
            ("0::/\n", false),
            ("0::/system.slice/cron.service\n", false),
            ("0::/user.slice/user-1000.slice/session-3.scope\n", true),
            ("0::/user.slice/user-1000.slice/user@1000.service/app.slice/app.scope\n", true),
            ("0::/session-c1.scope\n", true),
            ("9:name=systemd:/\n6:freezer:/\n4:memory:/user.slice\n0::/\n", false),
            ("9:name=systemd:/user.slice/user-1000.slice\n0::/\n", true),
            ("6:freezer:/one\n0::/\n", true),
            ("6:cpu,freezer:/one\n0::/\n", true),
            ("what is no line of it\n", true),
        ] {
            assert_eq!(is_stopped_by_others(text), is_stopped, "{text}");
        }
    }

    #[test]
    fn this_process_is_in_a_group_of_roots_afterwards() {
        if rustix::process::geteuid().is_root() {
            leave().expect("a group of root's");
        }
    }
}
