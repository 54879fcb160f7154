//! Names that are given, exchanged and doubled.

use std::fs::File;
use std::io;
use std::path::Path;

use super::pins::{self, Place};

/// End of the name of a folder between the renames that exchange two where there is no such step.
const ASIDE_SUFFIX: &str = ".old.tmp";

/// Brings a file under its final name: its bytes to the disk, then the name, then the folder to the disk. What had the name before is
/// replaced in one step. What gets the name is the file whose bytes were brought to the disk.
///
/// # Errors
/// When one of the three fails, or `temp` is no regular file.
pub fn publish(temp: &Path, target: &Path) -> io::Result<()> {
    let (from, to) = (pins::place_to_change(temp)?, pins::place_to_change(target)?);
    if !from.folder.look(&from.name)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
    }
    // Opened for writing: some systems refuse to sync what is open only for reading.
    let file = from.folder.open_to_write(&from.name)?;
    file.sync_all()?;
    give_name(&file, &from, &to)?;
    super::syncing::sync_dir(pins::above(target))
}

fn give_name(file: &File, from: &Place, to: &Place) -> io::Result<()> {
    let identity = super::look::Look::of(&file.metadata()?).identity;
    from.folder.rename(&from.name, &to.folder, &to.name)?;
    if to.folder.look(&to.name)?.identity == identity {
        Ok(())
    } else {
        Err(io::Error::other("somebody put another file in its place"))
    }
}

/// Gives a folder another name, which must be free.
///
/// # Errors
/// When the name is taken, when a pinned folder is not what has its name any more, or the system refuses.
pub fn rename_dir(path: &Path, target: &Path) -> io::Result<()> {
    let (from, to) = (pins::place_to_change(path)?, pins::place_to_change(target)?);
    if to.folder.look(&to.name).is_ok() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    pins::check_name(path, &from)?;
    pins::let_go(path);
    let moved = from.folder.rename(&from.name, &to.folder, &to.name);
    pins::renamed(path, if moved.is_ok() { target } else { path });
    moved?;
    // Somebody may have exchanged it in between.
    pins::check_name(target, &to)?;
    super::syncing::sync_dir(pins::above(target))
}

/// Exchanges the names of two folders beside each other, in one step where the system can. Else by three renames: interrupted between
/// them, both folders are there, one of them under a name that ends in `.old.tmp`.
///
/// # Errors
/// When a pinned folder is not what has its name any more, or the system refuses; without such a step the second name may be free then.
pub fn exchange(new: &Path, old: &Path) -> io::Result<()> {
    let (from, to) = (pins::place_to_change(new)?, pins::place_to_change(old)?);
    pins::check_name(new, &from)?;
    pins::check_name(old, &to)?;
    pins::let_go(new);
    pins::let_go(old);
    let exchanged = from
        .folder
        .exchange(&from.name, &to.folder, &to.name)
        .and_then(|done| if done { Ok(()) } else { exchange_by_steps(&from, &to) });
    if exchanged.is_ok() {
        pins::renamed(new, old);
    } else {
        pins::renamed(new, new);
        pins::renamed(old, old);
    }
    exchanged?;
    pins::check_name(new, &from)?;
    pins::check_name(old, &to)?;
    super::syncing::sync_dir(pins::above(old))
}

fn exchange_by_steps(new: &Place, old: &Place) -> io::Result<()> {
    let mut aside = old.name.clone();
    aside.push(ASIDE_SUFFIX);
    if old.folder.look(&aside).is_ok() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    old.folder.rename(&old.name, &old.folder, &aside)?;
    new.folder.rename(&new.name, &old.folder, &old.name)?;
    old.folder.rename(&aside, &new.folder, &new.name)
}

/// Gives a regular file a second name, which must be free.
///
/// # Errors
/// When the file system has no such thing, `from` is no regular file, or something has the name.
pub fn link(from: &Path, to: &Path) -> io::Result<()> {
    let (from, to) = (pins::place(from)?, pins::place_to_change(to)?);
    if !from.folder.look(&from.name)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
    }
    from.folder.link(&from.name, &to.folder, &to.name)
}
