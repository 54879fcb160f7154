//! The sessions that a verb is to work on: folders that were named, those below a folder, a list on standard input, a catalog.
//!
//! Keeps the order in which they were named; those below a folder come sorted by path. The same folder named twice counts once.

use std::collections::HashSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::failure::Failure;
use super::text;
use crate::base::files;
use crate::inspect::catalog::{chosen, find};
use crate::inspect::survey::is_recording;

/// Stands for the list on standard input.
const STDIN: &str = "-";
/// Largest list that is read: half a million paths of 128 bytes.
const MAX_LIST_BYTES: u64 = 64 << 20;
/// Most sessions of one command: each keeps some hundred bytes until its end.
const MAX_SESSIONS: usize = 1_000_000;

/// Sessions, and what could not be looked into.
#[derive(Default)]
pub(super) struct Named {
    /// Folders of the sessions, in order.
    pub(super) sessions: Vec<PathBuf>,
    /// Folders that could not be read.
    pub(super) unreadable: Vec<PathBuf>,
    seen: HashSet<PathBuf>,
}

impl Named {
    /// Takes all of `args`, and the sessions of a catalog behind them.
    pub(super) fn gather(args: &[PathBuf], catalog: Option<&Path>) -> Result<Self, Failure> {
        let mut named = Self::default();
        let mut listed = false;
        for arg in args {
            if arg == Path::new(STDIN) {
                if !std::mem::replace(&mut listed, true) {
                    for path in read_list()? {
                        named.folder(&path);
                    }
                }
            } else {
                named.folder(arg);
            }
        }
        if let Some(catalog) = catalog {
            let paths = chosen::sessions(catalog).map_err(|error| Failure::new(&error, error.hint()))?;
            for path in paths {
                named.add(path);
            }
        }
        if named.sessions.len() > MAX_SESSIONS {
            let found = named.sessions.len();
            let message = format!("{found} sessions are more than one command takes ({MAX_SESSIONS})");
            return Err(Failure::usage(message, "name a part of them"));
        }
        if named.sessions.is_empty() {
            return Err(Failure::usage("no session was named", "give folders of sessions, or a list that names some"));
        }
        Ok(named)
    }

    /// Takes a session, or those in the folders below. What is neither stays as it was named, to be refused with its reason.
    fn folder(&mut self, path: &Path) {
        if is_recording(path) || !path.is_dir() {
            return self.add(path.to_path_buf());
        }
        let found = find::below(path);
        if found.paths.is_empty() && found.unreadable.is_empty() {
            return self.add(path.to_path_buf());
        }
        for inside in &found.paths {
            self.add(path.join(inside));
        }
        self.unreadable.extend(found.unreadable);
    }

    fn add(&mut self, path: PathBuf) {
        if self.seen.insert(path.canonicalize().unwrap_or_else(|_missing| path.clone())) {
            self.sessions.push(path);
        }
    }

    /// Says which folders could not be read.
    pub(super) fn tell_unreadable(&self) {
        for path in &self.unreadable {
            let what = format!("note: {} could not be looked into: what is in it is left out", path.display());
            text::warn(&text::printable(&what));
        }
    }
}

/// Reads paths from standard input: one a line, or ended by zero bytes when there are any.
fn read_list() -> Result<Vec<PathBuf>, Failure> {
    let mut bytes = Vec::new();
    let read = std::io::stdin().lock().take(MAX_LIST_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(|error| Failure::new(&format!("cannot read the list on standard input: {error}"), None))?;
    if bytes.len() as u64 > MAX_LIST_BYTES {
        return Err(Failure::usage("the list on standard input is larger than 64 MiB", "give a part of it"));
    }
    Ok(split_list(&bytes).into_iter().map(files::path_of_bytes).collect())
}

fn split_list(bytes: &[u8]) -> Vec<&[u8]> {
    let by = if bytes.contains(&0) { 0 } else { b'\n' };
    let parts = bytes.split(|byte| *byte == by);
    let parts = parts.map(|part| if by == 0 { part } else { part.strip_suffix(b"\r").unwrap_or(part) });
    parts.filter(|part| !part.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_of_lines_or_of_what_zero_bytes_end() {
        assert_eq!(split_list(b"a\r\n\nb c\n"), [b"a".as_slice(), b"b c"]);
        assert_eq!(split_list(b"a\nb\0c\0"), [b"a\nb".as_slice(), b"c"]);
        assert!(split_list(b"").is_empty());
    }

    #[test]
    fn a_folder_stands_for_the_sessions_below_it() {
        let dir = tempfile::tempdir().expect("a folder");
        for name in ["b/s2", "a/s1", "b/log"] {
            std::fs::create_dir_all(dir.path().join(name)).expect("a folder");
        }
        for sealed in ["b/s2", "a/s1"] {
            std::fs::write(dir.path().join(sealed).join("integrity.sha256"), "").expect("a file");
        }
        let named = Named::gather(&[dir.path().join("b/s2"), dir.path().to_path_buf()], None).expect("sessions");
        // `b` holds a log: it is a recording itself.
        assert_eq!(named.sessions, [dir.path().join("b/s2"), dir.path().join("a/s1"), dir.path().join("b")]);
        let missing = dir.path().join("missing");
        assert_eq!(Named::gather(std::slice::from_ref(&missing), None).expect("a path").sessions, [missing]);
    }
}
