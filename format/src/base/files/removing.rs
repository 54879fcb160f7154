//! What is removed, and what a library made and has to be closed to others: below a handle, without following anything.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use super::folder::Folder;
use super::look::Kind;
use super::pins;

/// How deep a folder is gone into: what we make has four levels.
const MAX_DEPTH: usize = 64;

/// Removes what has a name and is no folder; a link goes, and what it leads to stays. True when it was there.
///
/// # Errors
/// When it is there and cannot be removed.
pub fn remove_file(path: &Path) -> io::Result<bool> {
    let removed = pins::place_to_change(path).and_then(|place| place.folder.remove_file(&place.name));
    match removed {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Removes a folder in which nothing is.
///
/// # Errors
/// When it is no such folder, or cannot be removed.
pub fn remove_empty_dir(path: &Path) -> io::Result<()> {
    let place = pins::place_to_change(path)?;
    pins::check_name(path, &place)?;
    place.folder.remove_dir(&place.name)
}

/// Removes those of the folders that [`super::create_private_dirs`] made in which nothing is.
pub fn remove_empty_dirs(created: &[PathBuf]) {
    for dir in created.iter().rev() {
        if let Err(error) = remove_empty_dir(dir) {
            tracing::debug!(%error, path = %dir.display(), "a folder stays");
        }
    }
}

/// As [`remove_tree`], and goes on after an error: removes as much as can be. Returns why something is left, if something is.
pub fn remove_what_can_be(path: &Path) -> Option<io::Error> {
    let begun = || {
        let place = pins::place_to_change(path)?;
        pins::check_name(path, &place)?;
        let folder = place.folder.below_on_same_mount(&place.name)?;
        Ok((place, folder))
    };
    let (place, folder) = match begun() {
        Ok(begun) => begun,
        Err(error) => return Some(error).filter(|error: &io::Error| error.kind() != io::ErrorKind::NotFound),
    };
    // Before: a folder below may be pinned as well, and a held one cannot be removed on Windows.
    pins::let_go(path);
    let first = empty_what_can_be(&folder, 0);
    drop(folder);
    match place.folder.remove_dir(&place.name) {
        Ok(()) => None,
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => Some(first.unwrap_or(error)),
    }
}

fn empty_what_can_be(folder: &Folder, depth: usize) -> Option<io::Error> {
    if depth > MAX_DEPTH {
        return Some(io::Error::other("it is deeper than anything that is made here"));
    }
    let names = match folder.list() {
        Ok(names) => names,
        Err(error) => return Some(error),
    };
    let mut first = None;
    for (name, kind) in names {
        let removed = if kind == Kind::Folder {
            folder.below_on_same_mount(&name).and_then(|below| {
                let inside = empty_what_can_be(&below, depth + 1);
                drop(below);
                folder.remove_dir(&name).map_err(|error| inside.unwrap_or(error))
            })
        } else {
            remove(folder, &name)
        };
        if let Err(error) = removed
            && error.kind() != io::ErrorKind::NotFound
        {
            first.get_or_insert(error);
        }
    }
    first
}

/// Removes a folder and everything in it. Links in it go, and what they lead to stays; where something else is mounted in it, it ends with
/// an error. When it is pinned, it is that one which is removed, and only while it has its name.
///
/// # Errors
/// When it is not there, is no folder or not the pinned one, or something in it cannot be removed.
pub fn remove_tree(path: &Path) -> io::Result<()> {
    remove_tree_last(path, None)
}

/// As [`remove_tree`]; what has the name `last` in the folder itself goes last of all, so that as long as anything is there it still says
/// what it was.
///
/// # Errors
/// As there.
pub fn remove_tree_last(path: &Path, last: Option<&str>) -> io::Result<()> {
    let place = pins::place_to_change(path)?;
    pins::check_name(path, &place)?;
    // By its one name: a link is not followed.
    let folder = place.folder.below_on_same_mount(&place.name)?;
    // Before: a folder below may be pinned as well, and a held one cannot be removed on Windows.
    pins::let_go(path);
    empty(&folder, 0, last.map(OsStr::new))?;
    drop(folder);
    place.folder.remove_dir(&place.name)
}

fn empty(folder: &Folder, depth: usize, last: Option<&OsStr>) -> io::Result<()> {
    if depth > MAX_DEPTH {
        return Err(io::Error::other("it is deeper than anything that is made here"));
    }
    let names = folder.list()?;
    for (name, _) in names.iter().filter(|(_, kind)| *kind == Kind::Folder) {
        let below = folder.below_on_same_mount(name)?;
        empty(&below, depth + 1, None)?;
        drop(below);
        folder.remove_dir(name)?;
    }
    let files = names.iter().filter(|(_, kind)| *kind != Kind::Folder).map(|(name, _)| name.as_os_str());
    files.clone().filter(|name| last != Some(name)).try_for_each(|name| remove(folder, name))?;
    files.filter(|name| last == Some(name)).try_for_each(|name| remove(folder, name))
}

fn remove(folder: &Folder, name: &OsStr) -> io::Result<()> {
    match folder.remove_file(name) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Gives every file and folder below (and with) `path` the private modes: for files that a library made.
///
/// # Errors
/// When a folder cannot be listed or a mode not be set.
pub fn restrict_tree(path: &Path) -> io::Result<()> {
    restrict(&pins::folder(path)?.0, 0)
}

fn restrict(folder: &Folder, depth: usize) -> io::Result<()> {
    if depth > MAX_DEPTH {
        return Err(io::Error::other("it is deeper than anything that is made here"));
    }
    folder.restrict()?;
    for (name, kind) in folder.list()? {
        match kind {
            Kind::Folder => restrict(&folder.below_on_same_mount(&name)?, depth + 1)?,
            Kind::File => folder.restrict_file(&name)?,
            Kind::Link | Kind::Other => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn only_what_is_in_the_folder_is_removed() {
        let dir = tempfile::tempdir().expect("a folder");
        let at = |name: &str| dir.path().join(name);
        std::fs::create_dir_all(at("tree/a/b")).expect("folders");
        std::fs::create_dir(at("elsewhere")).expect("a folder");
        for name in ["tree/a/b/file", "tree/file", "elsewhere/keep"] {
            std::fs::write(at(name), "x").expect("a file");
        }
        std::os::unix::fs::symlink(at("elsewhere"), at("tree/link")).expect("a link");
        std::os::unix::fs::symlink(at("tree"), at("way")).expect("a link");
        remove_tree(&at("way")).expect_err("a link was followed");
        assert!(at("tree/a/b/file").exists());
        remove_tree(&at("tree")).expect("it can be removed");
        assert!(!at("tree").exists() && at("elsewhere/keep").exists());
        assert!(!remove_file(&at("tree")).expect("nothing"), "it is not there");
    }

    #[cfg(unix)]
    #[test]
    fn a_pinned_folder_is_removed_only_while_it_has_its_name() {
        let dir = tempfile::tempdir().expect("a folder");
        let at = |name: &str| dir.path().join(name);
        let pin = super::super::make_pinned_dir(&at("work")).expect("a folder");
        super::super::create_private_file(&at("work/file")).expect("a file");
        std::fs::rename(at("work"), at("gone")).expect("a rename");
        std::fs::create_dir(at("other")).expect("a folder");
        std::fs::write(at("other/keep"), "x").expect("a file");
        std::fs::rename(at("other"), at("work")).expect("a rename");
        assert!(!pin.is_in_place());
        remove_tree(&at("work")).expect_err("it is another folder");
        assert!(at("work/keep").exists() && at("gone/file").exists());
        // What is made goes on in the folder that was begun with.
        super::super::create_private_file(&at("work/more")).expect("a file");
        assert!(at("gone/more").exists() && !at("work/more").exists());
    }

    #[test]
    fn pinned_folders_go_with_what_is_in_them() {
        type Remove = fn(&Path) -> Option<io::Error>;
        for remove in [remove_what_can_be as Remove, |path| remove_tree(path).err()] {
            let dir = tempfile::tempdir().expect("a folder");
            let (log, below) = (dir.path().join("log"), dir.path().join("log/events"));
            let _pins = [&log, &below].map(|path| super::super::make_pinned_dir(path).expect("a folder"));
            std::fs::write(below.join("db"), "x").expect("a file");
            assert!(remove(&log).is_none(), "what is pinned is removed");
            assert!(!log.exists());
        }
    }
}
