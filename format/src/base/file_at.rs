//! Positional reads and writes of files, on every platform.
//!
//! Nothing in the log or the session relies on a file's cursor: a handle is shared between threads (one appends, one
//! syncs, one reads), and a shared cursor would be a shared variable without a lock.

use std::fs::File;
use std::io;

/// Writes all of `bytes` at `offset`. Bytes between the old end of the file and `offset` read as zero.
///
/// # Errors
/// What the system says; some of the bytes may be written then.
pub fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    #[cfg(unix)]
    {
        std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
    }
    #[cfg(windows)]
    {
        let (mut rest, mut at) = (bytes, offset);
        while !rest.is_empty() {
            match std::os::windows::fs::FileExt::seek_write(file, rest, at) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    rest = &rest[written..];
                    at += written as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Reads from `offset` on, up to as much as `bytes` has room for; 0 at the end of the file.
pub(crate) fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
    #[cfg(unix)]
    return std::os::unix::fs::FileExt::read_at(file, bytes, offset);
    #[cfg(windows)]
    std::os::windows::fs::FileExt::seek_read(file, bytes, offset)
}

/// Fills `bytes` from `offset` on.
///
/// # Errors
/// What the system says, and `UnexpectedEof` behind the end.
pub fn read_exact_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    #[cfg(unix)]
    {
        std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
    }
    #[cfg(windows)]
    {
        let mut done = 0;
        while done < bytes.len() {
            match read_at(file, &mut bytes[done..], offset + done as u64) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => done += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
