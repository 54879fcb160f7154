//! What is in an open file, up to a limit.

use std::fs::File;
use std::io;

/// Reads an open file of at most `most` bytes.
///
/// # Errors
/// When it is larger, or cannot be read.
pub(super) fn read_open(file: File, most: u64) -> io::Result<Vec<u8>> {
    use std::io::Read;
    let mut bytes = Vec::new();
    // One byte more tells that there is more, whatever its metadata say.
    file.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it has more than {most} bytes")));
    }
    Ok(bytes)
}

/// Bytes as text.
///
/// # Errors
/// When they are no UTF-8.
pub(super) fn text(bytes: Vec<u8>) -> io::Result<String> {
    let not_text = |_bytes| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8");
    String::from_utf8(bytes).map_err(not_text)
}
