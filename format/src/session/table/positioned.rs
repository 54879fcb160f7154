//! A file that is read at positions: the decoder's view of `events.parquet`.
//!
//! Invariant: no reading moves anything that another reading sees. The decoder's own way with a `File` is to duplicate
//! the handle and seek, and duplicates share one position, so that two readers of one table would read each other's bytes.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::sync::Arc;

use bytes::Bytes;
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};

/// Bytes read ahead where the decoder reads a page header: about 30 bytes, and a page is then read whole.
const HEADER_BUFFER: usize = 512;

/// An open file with the size it had when it was opened.
#[derive(Clone, Debug)]
pub struct PositionedFile {
    file: Arc<File>,
    size: u64,
}

impl PositionedFile {
    /// Takes an open file.
    ///
    /// # Errors
    /// When its size cannot be read.
    pub(crate) fn new(file: File) -> io::Result<Self> {
        let size = file.metadata()?.len();
        Ok(Self { file: Arc::new(file), size })
    }

    /// Bytes in the file.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Fills `buffer` from a position.
    ///
    /// # Errors
    /// When the file ends before that, or cannot be read.
    pub(crate) fn read_exact_at(&self, buffer: &mut [u8], position: u64) -> io::Result<()> {
        At { file: self.clone(), position }.read_exact(buffer)
    }

    fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize> {
        crate::base::file_at::read_at(&self.file, buffer, position)
    }
}

/// Reads on from a position of its own.
#[derive(Debug)]
pub struct At {
    file: PositionedFile,
    position: u64,
}

impl Read for At {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.position)?;
        self.position += read as u64;
        Ok(read)
    }
}

impl Length for PositionedFile {
    fn len(&self) -> u64 {
        self.size
    }
}

impl ChunkReader for PositionedFile {
    type T = BufReader<At>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        Ok(BufReader::with_capacity(HEADER_BUFFER, At { file: self.clone(), position: start }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        // Before anything is allocated: what is asked for comes from the file.
        if start.checked_add(length as u64).is_none_or(|end| end > self.size) {
            return Err(ParquetError::EOF(format!("{length} bytes at {start} go beyond the end of the file")));
        }
        let mut buffer = vec![0; length];
        self.read_exact_at(&mut buffer, start)?;
        Ok(buffer.into())
    }
}
