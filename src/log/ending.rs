//! `log/ending.json`: what became of a recording whose log could not be closed.
//!
//! After a failed write nothing more goes into the database (G6), so the reason of the end cannot be its last record. It is
//! written here instead, once, by the recorder, and read by `finalize`, which makes `end_reason` and `gap` rows of it. A log that
//! was closed in good order has none, and so has one whose recorder was killed.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{LogError, reserve};
use crate::base::io_error::IoError;

/// Largest file that is read, bytes: a few words and numbers.
const MAX_BYTES: u64 = 4096;
/// What is given back of the reserve so that the file can be written on a full disk: a block of any file system in use.
const ROOM: u64 = 64 << 10;

/// Why and when a recording ended that could not close its log, and what it lost thereby.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Ending {
    /// Why the recording ended: `disk_full`, `io_error`, or what was asked for before the failure.
    pub reason: String,
    /// What kept the log from being closed: `disk_full`, `file_too_large`, `io_error`.
    pub failure: String,
    /// When, nanoseconds of the monotonic clock.
    pub t_ns: i64,
    /// Items that were taken and are not in the log, by stream; none of it had been acknowledged.
    pub lost: BTreeMap<String, u64>,
}

impl Ending {
    /// Writes it to the disk, on room that the reserve gives back.
    ///
    /// # Errors
    /// [`LogError::Io`]; the log is then like that of a recorder that was killed.
    pub fn write(&self, path: &Path, reserve: &Path) -> Result<(), LogError> {
        reserve::give_back(reserve, ROOM);
        let write = || {
            use std::io::Write;
            let mut file = crate::base::files::create_private_file(path)?;
            file.write_all(&serde_json::to_vec(self)?)?;
            file.sync_all()
        };
        Ok(write().map_err(IoError::at("write", path))?)
    }

    /// Reads it; `None` when there is none that can be understood.
    pub fn read(path: &Path) -> Option<Self> {
        let bytes = crate::base::files::read_at_most(path, MAX_BYTES).ok()?;
        let mut ending: Self = serde_json::from_slice(&bytes).ok()?;
        for word in [&mut ending.reason, &mut ending.failure] {
            word.retain(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        }
        Some(ending)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_back_and_nonsense_is_none() {
        let dir = tempfile::tempdir().expect("a folder");
        let (path, reserve) = (dir.path().join("ending.json"), dir.path().join("reserve"));
        assert_eq!(Ending::read(&path), None);
        let lost = BTreeMap::from([("input".to_owned(), 3), ("screen".to_owned(), 1)]);
        let ending = Ending { reason: "sigint".into(), failure: "disk_full".into(), t_ns: 7, lost };
        ending.write(&path, &reserve).expect("a file");
        assert_eq!(Ending::read(&path), Some(ending));
        for nonsense in [&b"{"[..], b"", &[0xff; 9000], b"{\"reason\":1}"] {
            std::fs::write(&path, nonsense).expect("a file");
            assert_eq!(Ending::read(&path), None);
        }
    }
}
