//! Blocks of the disk behind a file: allocated ahead, counted, and shared between two files, where the system has such calls.

use std::fs::File;
use std::io;
use std::path::Path;

/// Bytes that are written at a time where blocks cannot be allocated otherwise.
const PART: u64 = 64 << 10;

/// Allocates `len` bytes of a file from `offset` on. Where the system has no such call, or the file system not, zeros are written: blocks that
/// were written are allocated on any file system that writes in place.
///
/// # Errors
/// When the disk has no such room, or the file cannot be written.
pub fn allocate(file: &File, offset: u64, len: u64) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use rustix::io::Errno;
        loop {
            match rustix::fs::fallocate(file, rustix::fs::FallocateFlags::empty(), offset, len) {
                Ok(()) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(Errno::OPNOTSUPP | Errno::NOSYS) => break,
                Err(error) => return Err(error.into()),
            }
        }
    }
    write_zeros(file, offset, len)
}

fn write_zeros(file: &File, offset: u64, len: u64) -> io::Result<()> {
    let zeros = vec![0; len.min(PART) as usize];
    let mut at = offset;
    while at < offset + len {
        let now = (offset + len - at).min(PART);
        crate::base::file_at::write_all_at(file, &zeros[..now as usize], at)?;
        at += now;
    }
    Ok(())
}

/// Bytes of disk under a regular file; where the system does not tell, its length.
///
/// # Errors
/// When it is no regular file, or cannot be looked at.
pub fn on_disk(path: &Path) -> io::Result<u64> {
    let found = super::reading::open_regular(path)?.metadata()?;
    #[cfg(unix)]
    return Ok(std::os::unix::fs::MetadataExt::blocks(&found) * 512);
    #[cfg(not(unix))]
    Ok(found.len())
}

/// Gives an empty file the blocks of another one, which copies nothing. False where the file system cannot do it.
pub fn share(from: &File, to: &File) -> bool {
    #[cfg(target_os = "linux")]
    return rustix::fs::ioctl_ficlone(to, from).is_ok();
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (from, to);
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_allocated_is_on_the_disk_whichever_way() {
        let dir = tempfile::tempdir().expect("a folder");
        for (name, make) in [("allocated", allocate as fn(&File, u64, u64) -> io::Result<()>), ("written", write_zeros)]
        {
            let path = dir.path().join(name);
            let file = File::create(&path).expect("a file");
            make(&file, 0, 100_000).expect("room");
            make(&file, 100_000, 2 * PART + 1).expect("more room");
            assert_eq!(file.metadata().expect("a length").len(), 100_000 + 2 * PART + 1, "{name}");
            assert!(on_disk(&path).expect("blocks") >= 100_000 + 2 * PART, "{name}");
        }
        assert_eq!(on_disk(&dir.path().join("none")).expect_err("no file").kind(), io::ErrorKind::NotFound);
    }
}
