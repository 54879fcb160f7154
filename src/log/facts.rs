//! `log/facts`: every chunk that holds facts, a second time and outside of the database.
//!
//! What a session cannot do without (which session it is, the consent, how the video is to be decoded, the clocks, the state of
//! the hash, the end) is a few chunks of the log. They are written here too, byte for byte as they went into the database, one behind the
//! other, so that a log whose database is gone is still a recording and not a heap of pictures. The reader scans both files in
//! the same way ([`super::salvage`]) and takes from this one what the database does not have. Some kilobytes at the start and one
//! chunk every ten seconds: it costs nothing beside the database. Appends only; the file is the owner's alone.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::LogError;
use crate::base::file_at::write_all_at;
use crate::base::io_error::IoError;

/// Appends chunks to the file.
#[derive(Debug)]
pub struct FactsFile {
    file: File,
    path: PathBuf,
    len: u64,
}

impl FactsFile {
    /// Makes the file, empty and private.
    ///
    /// # Errors
    /// [`LogError::Io`] when it cannot be made.
    pub fn create(path: &Path) -> Result<Self, LogError> {
        let file = crate::base::files::create_private_file(path).map_err(IoError::at("create", path))?;
        Ok(Self { file, path: path.to_path_buf(), len: 0 })
    }

    /// Appends a chunk; it outlives this process when this returns.
    ///
    /// # Errors
    /// [`LogError::Io`] when the system does not take it.
    pub fn append(&mut self, chunk: &[u8]) -> Result<(), LogError> {
        write_all_at(&self.file, chunk, self.len).map_err(IoError::at("write", &self.path))?;
        self.len += chunk.len() as u64;
        Ok(())
    }

    /// Bytes written.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether nothing was written yet.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Brings what was written to the disk.
    ///
    /// # Errors
    /// [`LogError::Io`]; it must not be tried again.
    pub fn sync(&self) -> Result<(), LogError> {
        Ok(self.file.sync_all().map_err(IoError::at("sync", &self.path))?)
    }

    /// Another handle on the file, so that another thread can sync it.
    ///
    /// # Errors
    /// [`LogError::Io`] when the system has no more handles.
    pub fn sync_handle(&self) -> Result<(File, PathBuf), LogError> {
        let file = self.file.try_clone().map_err(IoError::at("open", &self.path))?;
        Ok((file, self.path.clone()))
    }
}
