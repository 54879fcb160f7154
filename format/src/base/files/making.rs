//! New files and folders, and files that are there and are going to be written to.
//!
//! A file that is made is new: what had its name is removed first, never emptied or given our mode, since it may be somebody else's, or a
//! second name of a file that lies elsewhere. A file that is there is written to only when it has no other name.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::folder::Folder;
use super::pins::{self, Pin, Place};
use super::trust;

/// End of the name of a copy that takes the place of a file with several names.
const OWN_SUFFIX: &str = ".own.tmp";

/// Makes a folder that only its owner can enter; nothing may have its name.
///
/// # Errors
/// When something has its name, or it cannot be created.
pub fn create_private_dir(path: &Path) -> io::Result<()> {
    make(path).map(drop)
}

/// As [`create_private_dir`], and pins it.
///
/// # Errors
/// As there.
pub fn make_pinned_dir(path: &Path) -> io::Result<Pin> {
    Ok(pins::pin_open(path, make(path)?.hold()?))
}

/// Makes a folder that only its owner can enter, and those above it that are not there. Adds what it made to `created`, those above
/// first, also when it fails half-way.
///
/// # Errors
/// When one of them cannot be created.
pub fn create_private_dirs(dir: &Path, created: &mut Vec<PathBuf>) -> io::Result<()> {
    if dir.as_os_str().is_empty() || dir.is_dir() {
        return Ok(());
    }
    if let Some(above) = dir.parent() {
        create_private_dirs(above, created)?;
    }
    create_private_dir(dir).map_err(|error| match error.kind() {
        // Something else than a folder has the name.
        io::ErrorKind::AlreadyExists if !dir.is_dir() => io::ErrorKind::NotADirectory.into(),
        _ => error,
    })?;
    created.push(dir.to_path_buf());
    Ok(())
}

fn make(path: &Path) -> io::Result<Folder> {
    let place = pins::place_to_change(path)?;
    let folder = place.folder.make_dir(&place.name)?;
    if let Err(error) = trust::check(&folder, path) {
        // A disk that gives what root makes to somebody else.
        drop(place.folder.remove_dir(&place.name));
        return Err(error);
    }
    Ok(folder)
}

/// Makes a file that only its owner can read, open for reading and writing; what had its name is removed, whatever it was, unless it is a
/// folder.
///
/// # Errors
/// When what is there cannot be removed, or the file not be created.
pub fn create_private_file(path: &Path) -> io::Result<File> {
    let place = pins::place_to_change(path)?;
    create(&place)
}

/// As [`create_private_file`]; nothing may have its name.
///
/// # Errors
/// When something has, or the file cannot be created.
pub fn create_new_file(path: &Path) -> io::Result<File> {
    let place = pins::place_to_change(path)?;
    place.folder.create_new(&place.name)
}

fn create(place: &Place) -> io::Result<File> {
    remove_if_there(place)?;
    place.folder.create_new(&place.name)
}

fn remove_if_there(place: &Place) -> io::Result<()> {
    match place.folder.look(&place.name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(found) if found.is_dir() => Err(io::Error::new(io::ErrorKind::AlreadyExists, "a folder has its name")),
        Ok(_) => place.folder.remove_file(&place.name).map_err(|error| {
            io::Error::new(error.kind(), format!("something has its name, and cannot be removed ({error})"))
        }),
    }
}

/// Makes a file with these bytes, and brings them to the disk.
///
/// # Errors
/// As [`create_private_file`], and when it cannot be written.
pub fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::io::Write as _;
    let mut file = create_private_file(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Opens a regular file for reading and writing; one that is not there is made. What has several names is replaced by an empty one.
///
/// # Errors
/// When it is no regular file, or cannot be opened or made.
pub fn open_own(path: &Path) -> io::Result<File> {
    let place = pins::place_to_change(path)?;
    match place.folder.look(&place.name) {
        Ok(found) if found.is_file() && found.links == 1 => {
            let file = place.folder.open_to_write(&place.name)?;
            // It may have got another one since.
            if is_alone(&file)? { Ok(file) } else { create(&place) }
        }
        Ok(found) if found.is_file() => create(&place),
        Ok(_) => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => place.folder.create_new(&place.name),
        Err(error) => Err(error),
    }
}

/// Opens a regular file that is there for reading and writing; one that has several names becomes one of its own first, with the same
/// bytes, and the file under its other names stays as it is.
///
/// # Errors
/// When it is not there, is no regular file, or cannot be opened or copied.
pub fn own(path: &Path) -> io::Result<File> {
    let place = pins::place_to_change(path)?;
    if !place.folder.look(&place.name)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
    }
    let file = place.folder.open_to_write(&place.name)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
    }
    if is_alone(&file)? {
        return Ok(file);
    }
    let mut name = place.name.clone();
    name.push(OWN_SUFFIX);
    let beside = Place { folder: std::sync::Arc::clone(&place.folder), name, is_pinned: place.is_pinned };
    let mut copy = create(&beside)?;
    let mut from = &file;
    let copied = io::copy(&mut from, &mut copy).and_then(|_bytes| copy.sync_all());
    if let Err(error) = copied.and_then(|()| beside.folder.rename(&beside.name, &place.folder, &place.name)) {
        drop(beside.folder.remove_file(&beside.name));
        return Err(error);
    }
    Ok(copy)
}

/// Opens a regular file so that all that is written goes to its end; one that is not there is made. What has several names becomes one of
/// its own first, as [`own`] does.
///
/// # Errors
/// As there.
pub fn open_to_append(path: &Path) -> io::Result<File> {
    let place = pins::place_to_change(path)?;
    match place.folder.look(&place.name) {
        Ok(found) if found.is_file() && found.links > 1 => drop(own(path)?),
        Ok(found) if found.is_file() => {}
        Ok(_) => return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => match place.folder.create_new(&place.name) {
            // Somebody else made it just now.
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            made => drop(made),
        },
        Err(error) => return Err(error),
    }
    let file = place.folder.open_to_append(&place.name)?;
    let found = super::look::Look::of(&file.metadata()?);
    if found.is_file() && found.links <= 1 {
        Ok(file)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file of its own"))
    }
}

fn is_alone(file: &File) -> io::Result<bool> {
    Ok(super::look::Look::of(&file.metadata()?).links <= 1)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_is_new_and_what_was_there_stays_as_it_is() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().expect("a folder");
        let at = |name: &str| dir.path().join(name);
        let keep = || std::fs::write(at("theirs"), "keep").expect("a file");
        let kept = || std::fs::read(at("theirs")).expect("a file") == b"keep";
        keep();
        std::fs::set_permissions(at("theirs"), std::fs::Permissions::from_mode(0o644)).expect("a mode");
        std::fs::hard_link(at("theirs"), at("linked")).expect("a second name");
        std::os::unix::fs::symlink(at("theirs"), at("link")).expect("a link");
        std::os::unix::fs::symlink(at("none"), at("dangling")).expect("a link");
        for name in ["linked", "link", "dangling", "new"] {
            let file = create_private_file(&at(name)).expect(name);
            let meta = file.metadata().expect("metadata");
            assert_eq!((meta.len(), meta.permissions().mode() & 0o777), (0, 0o600), "{name}");
            assert!(std::fs::symlink_metadata(at(name)).expect(name).is_file() && kept(), "{name}");
        }
        assert!(!at("none").exists(), "a link was followed");
        assert_eq!(std::fs::metadata(at("theirs")).expect("a file").permissions().mode() & 0o777, 0o644);
        std::fs::create_dir(at("folder")).expect("a folder");
        create_private_file(&at("folder")).expect_err("a folder has its name");
    }

    #[test]
    fn nothing_is_written_through_a_second_name() {
        use std::io::{Read as _, Write as _};
        let dir = tempfile::tempdir().expect("a folder");
        let at = |name: &str| dir.path().join(name);
        std::fs::write(at("theirs"), "keep").expect("a file");
        for (name, opened) in [("own", own as fn(&Path) -> io::Result<File>), ("open_own", open_own)] {
            std::fs::hard_link(at("theirs"), at(name)).expect("a second name");
            let mut file = opened(&at(name)).expect(name);
            file.write_all(b"mine").expect("a write");
            assert_eq!(std::fs::read(at("theirs")).expect("a file"), b"keep", "{name}");
        }
        std::fs::hard_link(at("theirs"), at("copy")).expect("a second name");
        let mut text = String::new();
        drop(own(&at("copy")).expect("a file"));
        File::open(at("copy")).expect("a file").read_to_string(&mut text).expect("text");
        assert_eq!(text, "keep", "it has the same bytes");
        std::os::unix::fs::symlink(at("theirs"), at("link")).expect("a link");
        own(&at("link")).expect_err("a link was followed");
        open_own(&at("link")).expect_err("a link was followed");
    }
}
