//! A sealed session that is used for something: opened through the lift, compared with its seal, and with what was agreed to.
//!
//! Never writes. Every verb that reads sessions opens them here, so that all refuse the same with the same words.

use std::path::{Path, PathBuf};

use super::edition;
use super::metadata::Metadata;
use super::refusal::Refusal;
use super::seal::FileHash;
use super::sound;
use super::table::read::SessionReader;
use super::table::row::event_type;
use crate::base::event::Stream;
use crate::base::progress::Step;

/// A sealed session.
#[derive(Debug)]
pub struct SealedSession {
    dir: PathBuf,
    identity: FileHash,
    reader: SessionReader,
}

impl SealedSession {
    /// Opens a sealed session.
    ///
    /// # Errors
    /// When it is no folder, not sealed, or cannot be read.
    pub fn open(dir: &Path) -> Result<Self, Refusal> {
        Refusal::unless_sealed(dir)?;
        let (dir, identity) = (dir.to_path_buf(), edition::identity(dir)?);
        Ok(Self { reader: SessionReader::open(&dir)?, dir, identity })
    }

    /// Returns its folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Returns its metadata and rows, lifted to the newest version.
    pub fn reader(&self) -> &SessionReader {
        &self.reader
    }

    /// Returns its metadata, lifted to the newest version.
    pub fn metadata(&self) -> &Metadata {
        self.reader.metadata()
    }

    /// Returns the SHA-256 of its `integrity.sha256`, as it was when it was opened: says which session it is, to the byte.
    pub fn identity(&self) -> FileHash {
        self.identity
    }

    /// Compares every file with the seal, and table, video and metadata with each other. No frame is decoded.
    ///
    /// # Errors
    /// [`Refusal::Damaged`] with the first fault.
    pub fn verify(&self, progress: &mut dyn FnMut(Step)) -> Result<(), Refusal> {
        verify(&self.dir, progress)
    }

    /// Returns the streams that it holds anything of.
    pub fn holds(&self) -> impl Iterator<Item = Stream> {
        let metadata = self.metadata();
        let holds_input = metadata.counts.iter().any(|(name, count)| *count > 0 && event_type::is_input(name));
        let held = [
            (Stream::Screen, metadata.frames > 0),
            (Stream::Input, holds_input),
            (Stream::Audio, sound::is_there(metadata)),
        ];
        held.into_iter().filter(|(_, is_held)| *is_held).map(|(stream, _)| stream)
    }

    /// Refuses a stream that the session's consent does not cover. Metadata that do not say are no consent. `needed_by` says what needs
    /// the streams, `state` how consent can be stated of a session that says nothing.
    ///
    /// # Errors
    /// [`Refusal::Consent`] with the first stream.
    pub fn check_consent(
        &self,
        streams: impl IntoIterator<Item = Stream>,
        needed_by: Option<&'static str>,
        state: impl FnOnce(&Path, &Metadata) -> Option<String>,
    ) -> Result<(), Refusal> {
        let consent = &self.metadata().consent;
        let said = |stream| match stream {
            Stream::Screen => consent.record_screen,
            Stream::Input => consent.record_input,
            Stream::Audio => consent.record_audio,
            Stream::Log | Stream::Clock => Some(true),
        };
        match streams.into_iter().map(|stream| (stream, said(stream))).find(|(_, said)| *said != Some(true)) {
            None => Ok(()),
            Some((stream, said)) => Err(Refusal::Consent {
                path: self.dir.clone(),
                stream,
                needed_by,
                refused: said.is_some(),
                state: state(&self.dir, self.metadata()),
            }),
        }
    }

    /// Refuses a session whose consent to one of these streams was taken back.
    ///
    /// # Errors
    /// [`Refusal::Withdrawn`] with the first stream.
    pub fn check_withdrawn(&self, streams: &[Stream]) -> Result<(), Refusal> {
        match self.metadata().consent.withdrawn_of(streams) {
            None => Ok(()),
            Some((stream, withdrawal)) => {
                Err(Refusal::Withdrawn { path: self.dir.clone(), stream, at: withdrawal.at.clone() })
            }
        }
    }
}

/// Compares the session in `dir` with its seal, as [`SealedSession::verify`].
///
/// # Errors
/// [`Refusal::Damaged`] with the first fault.
pub fn verify(dir: &Path, progress: &mut dyn FnMut(Step)) -> Result<(), Refusal> {
    match edition::fault(dir, false, &mut |at| progress(Step { what: "verify", ..at })) {
        None => Ok(()),
        Some(what) => Err(Refusal::Damaged { path: dir.to_path_buf(), what }),
    }
}
