//! Folders that a verb works in, each opened once: as long as one is pinned, every path that begins with its path is resolved below its
//! handle, whatever its names have become meanwhile.
//!
//! One table for the process, so that no function on the way can forget to hand a handle on: a path is what the person gave, and is
//! printed as such; what it leads to is decided here. When a pinned folder gets another name by us, its handle goes along.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::folder::Folder;
use super::look::Look;
use super::trust;

/// A folder in the table.
struct Entry {
    id: u64,
    path: PathBuf,
    folder: Arc<Folder>,
    users: usize,
}

struct Table {
    entries: Vec<Entry>,
    next: u64,
}

static TABLE: Mutex<Table> = Mutex::new(Table { entries: Vec::new(), next: 0 });

fn table() -> MutexGuard<'static, Table> {
    TABLE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A folder that is pinned as long as this lives.
#[derive(Debug)]
pub struct Pin {
    id: u64,
}

impl Drop for Pin {
    fn drop(&mut self) {
        let mut table = table();
        for entry in &mut table.entries {
            if entry.id == self.id {
                entry.users -= 1;
            }
        }
        table.entries.retain(|entry| entry.users > 0);
    }
}

impl Pin {
    /// Whether its path still leads to it.
    pub fn is_in_place(&self) -> bool {
        let held =
            table().entries.iter().find(|entry| entry.id == self.id).map(|e| (e.path.clone(), Arc::clone(&e.folder)));
        let Some((path, folder)) = held else { return false };
        let there = std::fs::metadata(&path).map(|meta| Look::of(&meta).identity);
        matches!((there, folder.look_at_self()), (Ok(there), Ok(held)) if there == held.identity)
    }

    /// Where it is now, as far as the system tells.
    pub fn whereabouts(&self) -> Option<PathBuf> {
        let way = table().entries.iter().find(|entry| entry.id == self.id)?.folder.reach()?;
        std::fs::read_link(way).ok().filter(|path| path.is_dir())
    }
}

/// Pins a folder to work in. When it is pinned already, it is that one.
///
/// # Errors
/// When it is no folder; when it is a link of somebody else's; when names in it or beside it cannot be relied on ([`trust`]).
pub fn pin(path: &Path) -> io::Result<Pin> {
    let pin = pin_to_read(path)?;
    let (place, folder) = (place(path).ok(), folder(path)?.0);
    // Whoever can exchange names beside it decides which folder this is.
    if let Some(place) = place.filter(|_| is_named(path)) {
        trust::check(&place.folder, above(path))?;
    }
    trust::check(&folder, path)?;
    Ok(pin)
}

/// As [`pin`], for a folder in which nothing is changed, which may be anybody's.
///
/// # Errors
/// When it is no folder, or a link of somebody else's.
pub fn pin_to_read(path: &Path) -> io::Result<Pin> {
    if let Some(pin) = join(path) {
        return Ok(pin);
    }
    let folder = open(path)?;
    let mut table = table();
    table.next += 1;
    let id = table.next;
    table.entries.push(Entry { id, path: path.to_path_buf(), folder: Arc::new(folder), users: 1 });
    Ok(Pin { id })
}

/// Pins a folder that was just made and is open.
pub(super) fn pin_open(path: &Path, folder: Folder) -> Pin {
    let mut table = table();
    table.next += 1;
    let id = table.next;
    table.entries.push(Entry { id, path: path.to_path_buf(), folder: Arc::new(folder), users: 1 });
    Pin { id }
}

/// One more user of a folder that is pinned.
fn join(path: &Path) -> Option<Pin> {
    let mut table = table();
    let entry = table.entries.iter_mut().find(|entry| entry.path == path)?;
    entry.users += 1;
    Some(Pin { id: entry.id })
}

/// Whether a path ends in a name, which is one in the folder above it.
fn is_named(path: &Path) -> bool {
    matches!(path.components().next_back(), Some(Component::Normal(_)))
}

fn open(path: &Path) -> io::Result<Folder> {
    let folder = if is_named(path) {
        let place = place(path)?;
        let found = place.folder.look(&place.name)?;
        if found.kind == super::look::Kind::Link {
            // A link of one's own is a name like any other; what it leads to is opened without another. Not in a folder that is worked in.
            if place.is_pinned || !found.is_by_us {
                return Err(io::Error::other("it is a link that somebody else made"));
            }
            let real = path.canonicalize()?;
            return open(&real);
        }
        place.folder.below(&place.name)?
    } else {
        Folder::open(path)?
    };
    folder.hold()
}

/// The folder above, as a path that can be printed.
pub(super) fn above(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A name in an open folder.
pub(super) struct Place {
    pub(super) folder: Arc<Folder>,
    pub(super) name: OsString,
    /// Whether the folder is a pinned one, or below it.
    pub(super) is_pinned: bool,
}

/// The pinned folder with the longest path that `path` begins with, and what is left of the path.
fn nearest(path: &Path) -> Option<(Arc<Folder>, PathBuf)> {
    let table = table();
    let begins = table.entries.iter().filter_map(|entry| Some((entry, path.strip_prefix(&entry.path).ok()?)));
    let (entry, rest) = begins.min_by_key(|(_, rest)| rest.components().count())?;
    Some((Arc::clone(&entry.folder), rest.to_path_buf()))
}

/// Opens the folders that `rest` names below `folder`, one after the other, and follows nothing.
fn walk(mut folder: Arc<Folder>, rest: &Path) -> io::Result<Arc<Folder>> {
    for part in rest.components() {
        match part {
            Component::CurDir => {}
            Component::Normal(name) => folder = Arc::new(folder.below(name)?),
            _ => return Err(io::Error::new(io::ErrorKind::InvalidInput, "the path leads out of its folder")),
        }
    }
    Ok(folder)
}

/// The folder that `path` names: a pinned one, or one below it, or opened by its path.
pub(super) fn folder(path: &Path) -> io::Result<(Arc<Folder>, bool)> {
    match nearest(path) {
        Some((folder, rest)) => Ok((walk(folder, &rest)?, true)),
        None => Ok((Arc::new(Folder::open(path)?), false)),
    }
}

/// The folder above what `path` names, and the name in it. The name of a pinned folder itself is one in the folder above it.
pub(super) fn place(path: &Path) -> io::Result<Place> {
    let name = path
        .file_name()
        .map(OsStr::to_os_string)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the path names nothing in a folder"))?;
    let (folder, is_pinned) = folder(path.parent().unwrap_or(Path::new("")))?;
    Ok(Place { folder, name, is_pinned })
}

/// As [`place`], where something is going to be changed: names there must be such as can be relied on.
pub(super) fn place_to_change(path: &Path) -> io::Result<Place> {
    let place = place(path)?;
    trust::check(&place.folder, above(path))?;
    Ok(place)
}

/// Checks that a pinned folder is what has the name; true when it is pinned and is.
pub(super) fn check_name(path: &Path, place: &Place) -> io::Result<()> {
    let held = table().entries.iter().find(|entry| entry.path == path).map(|entry| Arc::clone(&entry.folder));
    let Some(held) = held else { return Ok(()) };
    if place.folder.look(&place.name)?.identity == held.look_at_self()?.identity {
        Ok(())
    } else {
        Err(io::Error::other("it is not the folder any more that was begun with: somebody exchanged it"))
    }
}

/// Keeps the handles of two folders with their names, after these were exchanged, or one was given a free name.
pub(super) fn renamed(from: &Path, to: &Path) {
    for entry in &mut table().entries {
        let moved = match (entry.path.strip_prefix(from), entry.path.strip_prefix(to)) {
            (Ok(rest), _) => to.join(rest),
            (_, Ok(rest)) => from.join(rest),
            _ => continue,
        };
        // Joining nothing would add a slash.
        entry.path = moved.components().collect();
        #[cfg(not(unix))]
        if let Ok(folder) = Folder::open(&entry.path).and_then(Folder::hold) {
            entry.folder = Arc::new(folder);
        }
    }
}

/// Lets go of a folder where one that is held cannot get another name; [`renamed`] takes it again.
#[cfg(not(unix))]
pub(super) fn let_go(path: &Path) {
    for entry in &mut table().entries {
        if entry.path.starts_with(path)
            && let Ok(folder) = Folder::open(&entry.path)
        {
            entry.folder = Arc::new(folder);
        }
    }
}

/// Handles do not mind.
#[cfg(unix)]
pub(super) fn let_go(_: &Path) {}
