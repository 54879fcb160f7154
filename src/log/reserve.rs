//! Room for sealing, kept from the start: `log/reserve`, a file whose blocks are allocated and whose contents mean nothing.
//!
//! Owns guarantee G8 of [`super`] and the arithmetic of what sealing needs. It grows with the recording, ahead of it, and is
//! removed by `finalize` before that writes anything, so that a disk that another program filled at once can still be sealed on.
//! Where the file system makes no promise for allocated blocks (those that compress or copy on write), it is only a good guess.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::LogError;
use crate::base::io_error::IoError;

/// What sealing writes however short the recording is, bytes: metadata (4 kB and 0.1 kB for each reading of the clocks), seal, the
/// table's footer, and the last chunks of the log; each file takes whole blocks.
const FIXED: u64 = 256 << 10;
/// A row of the table beside its text and numbers, bytes: 16 of hash that nothing compresses, and pages and statistics. (Measured:
/// 30 to 34 bytes a row in all; the chunks count what the rest is made of.)
const PER_ROW: u64 = 24;
/// A frame in the video's index, bytes: 8 of duration, 4 of size, 12 + 8 of place, 4 when it is an IDR.
pub const PER_FRAME: u64 = 36;
/// Growing in steps of at least this much keeps it from being done all the time, bytes.
const STEP: u64 = 256 << 10;

/// What sealing is going to write.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Recorded {
    /// Records in the log: each is a row at the most.
    pub records: u64,
    /// Bytes of their chunks.
    pub chunk_bytes: u64,
    /// Frames in the video.
    pub frames: u64,
}

impl Recorded {
    /// Bytes that sealing needs at the most: the table compressed is no larger than what its rows hold (the chunks) and what is
    /// made for each of them.
    pub fn bytes_to_seal(self) -> u64 {
        FIXED + self.records * PER_ROW + self.chunk_bytes + self.frames * PER_FRAME
    }
}

/// Allocated room.
#[derive(Debug)]
pub struct Reserve {
    file: File,
    path: PathBuf,
    bytes: u64,
}

impl Reserve {
    /// Allocates it.
    ///
    /// # Errors
    /// [`LogError::Io`] when the disk has no such room or the file cannot be made.
    pub fn create(path: &Path, bytes: u64) -> Result<Self, LogError> {
        let file = crate::base::files::create_private_file(path).map_err(IoError::at("create", path))?;
        let mut reserve = Self { file, path: path.to_path_buf(), bytes: 0 };
        reserve.grow_to(bytes)?;
        Ok(reserve)
    }

    /// Bytes allocated.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Makes it at least `bytes` large, in steps that follow its size. Does nothing when it is.
    ///
    /// # Errors
    /// [`LogError::Io`] when the disk has no such room; what was allocated before stays.
    pub fn grow_to(&mut self, bytes: u64) -> Result<(), LogError> {
        if bytes <= self.bytes {
            return Ok(());
        }
        let more = (bytes - self.bytes).max(STEP).max(self.bytes / 8);
        crate::base::files::blocks::allocate(&self.file, self.bytes, more)
            .map_err(IoError::at("allocate", &self.path))?;
        self.bytes += more;
        Ok(())
    }
}

/// Gives a part of the reserve back, so that a few bytes can be written on a full disk.
pub(super) fn give_back(path: &Path, bytes: u64) {
    let less = || {
        let file = crate::base::files::own(path)?;
        file.set_len(file.metadata()?.len().saturating_sub(bytes))
    };
    if let Err(error) = less() {
        tracing::debug!(%error, "nothing of the reserve could be given back");
    }
}

/// Gives all of it back: sealing begins. There may be none.
///
/// # Errors
/// [`LogError::Io`] when it is there and cannot be removed.
pub fn release(path: &Path) -> Result<(), LogError> {
    crate::base::files::remove_file(path).map(drop).map_err(IoError::at("remove", path))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_takes_blocks_grows_and_gives_them_back() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("reserve");
        let mut reserve = Reserve::create(&path, 1 << 20).expect("room");
        let blocks = || crate::base::files::blocks::on_disk(&path).expect("a file");
        assert!(blocks() >= 1 << 20, "{} bytes are allocated", blocks());
        reserve.grow_to((1 << 20) + 1).expect("room");
        assert!(reserve.bytes() >= (1 << 20) + STEP && blocks() >= reserve.bytes());
        give_back(&path, 64 << 10);
        assert_eq!(std::fs::metadata(&path).expect("a file").len(), reserve.bytes() - (64 << 10));
        // Under Wine the name of what is open goes with its last handle.
        drop(reserve);
        release(&path).expect("its removal");
        assert!(!path.exists());
        release(&path).expect("nothing to remove");
    }

    #[test]
    fn what_sealing_needs_follows_what_was_recorded() {
        let none = Recorded::default().bytes_to_seal();
        assert_eq!(none, FIXED);
        let hour = Recorded { records: 3_600_000, chunk_bytes: 3_600_000 * 28, frames: 216_000 };
        assert_eq!(hour.bytes_to_seal(), FIXED + 3_600_000 * 52 + 216_000 * 36);
    }
}
