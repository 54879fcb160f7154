//! Holes of a file: parts that were never written, which take no room and are read as zeros.
//!
//! A file of a terabyte that is one hole is made in an instant and takes hours to read. Invariant: the time that a reader takes follows the bytes
//! that somebody wrote. Where the system does not tell holes, a file has none.

use std::fs::File;
use std::io;

/// Most bytes of holes in a file that is read: a crash leaves up to 64 MiB of zeros in a video, which `cp --sparse` makes a hole of. Reading
/// as much takes some seconds.
pub const MAX_HOLE_BYTES: u64 = 8 << 30;

/// Refuses a file with more holes than any of this program has.
///
/// # Errors
/// When it has; when it cannot be looked at.
pub(super) fn refuse(file: &File) -> io::Result<()> {
    if file.metadata()?.len() <= MAX_HOLE_BYTES || !exceed(file, MAX_HOLE_BYTES) {
        return Ok(());
    }
    let what = format!("more than {} GiB of it are holes, in which nothing was ever written", MAX_HOLE_BYTES >> 30);
    Err(io::Error::new(io::ErrorKind::InvalidData, what))
}

/// Whether the holes of a file have more than `most` bytes in all. Goes from hole to hole, each a block or more: 2,097,152 at the most.
#[cfg(target_os = "linux")]
fn exceed(file: &File, most: u64) -> bool {
    use rustix::fs::{SeekFrom, seek};

    let (mut at, mut total) = (0, 0u64);
    // The end of the file is the begin of a hole to the system, and behind it there is no data.
    let answer = loop {
        let Ok(hole) = seek(file, SeekFrom::Hole(at)) else { break false };
        let data = match seek(file, SeekFrom::Data(hole)) {
            Ok(data) => data,
            Err(rustix::io::Errno::NXIO) => {
                let Ok(end) = seek(file, SeekFrom::End(0)) else { break false };
                break total.saturating_add(end.saturating_sub(hole)) > most;
            }
            Err(_not_told) => break false,
        };
        total = total.saturating_add(data.saturating_sub(hole));
        if total > most {
            break true;
        }
        if data <= at {
            break false;
        }
        at = data;
    };
    // Readers begin at the begin.
    seek(file, SeekFrom::Start(0)).is_err() || answer
}

#[cfg(not(target_os = "linux"))]
fn exceed(_file: &File, _most: u64) -> bool {
    false
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::io::Read as _;
    use std::os::unix::fs::FileExt as _;

    use super::*;

    #[test]
    fn holes_are_added_up_and_the_file_is_read_from_its_begin() {
        let mut file = tempfile::tempfile().expect("a file");
        // Data at 0 and at every second mebibyte: holes of almost eight in all, and one at the end.
        for part in 0..8 {
            file.write_all_at(b"data", part << 21).expect("room");
        }
        file.set_len(16 << 20).expect("a size");
        assert!(!exceed(&file, 16 << 20));
        // File systems whose blocks are larger than a part have fewer; this one tells holes when a file that is one is told.
        let hole = tempfile::tempfile().expect("a file");
        hole.set_len(16 << 20).expect("a size");
        if exceed(&hole, 8 << 20) {
            assert!(exceed(&file, 14 << 20) && refuse(&file).is_ok());
            hole.set_len(MAX_HOLE_BYTES + (1 << 20)).expect("a size");
            assert!(refuse(&hole).expect_err("a hole").to_string().contains("more than 8 GiB"));
        }
        let mut first = [0; 4];
        file.read_exact(&mut first).expect("data");
        assert_eq!(&first, b"data");
        assert!(!exceed(&tempfile::tempfile().expect("a file"), 0));
    }
}
