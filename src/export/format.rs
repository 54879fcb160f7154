//! What a format does: one session, and what is about all of them.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::error::ExportError;
use super::kind::FormatKind;
use super::manifest::Manifest;
use super::options::Options;
use super::out::Out;
use super::source::Source;
use crate::base::progress::Progress;

/// A form in which sessions can be had.
pub trait Format: FormatKind {
    /// The size of its pictures, where it is one for all sessions.
    ///
    /// # Errors
    /// When they cannot have the size that was asked for, or there are none.
    fn size(&self, source: &Source, options: &Options) -> Result<Option<(u32, u32)>, ExportError> {
        let _ = (source, options);
        Ok(None)
    }
    /// Names of the dimensions of its actions, where they are the same for all sessions.
    fn dimensions(&self, source: &Source, options: &Options) -> Vec<String> {
        let _ = (source, options);
        Vec::new()
    }
    /// Whether files that are about all sessions may be written to the folder.
    ///
    /// # Errors
    /// When somebody else's have their names.
    fn check_folder(&self, dir: &Path) -> Result<(), ExportError> {
        let _ = dir;
        Ok(())
    }
    /// Whether coded pictures of the session go into its files as they are, with whatever codec they have.
    fn copies_pictures(&self, options: &Options) -> bool {
        let _ = options;
        false
    }
    /// What of its place among the others (those before it, in the order of the command line) a session's files depend on: it goes into
    /// the manifest's options, so that they are made anew when it changes.
    fn place(&self, source: &Source, before: &[Manifest]) -> Map<String, Value> {
        let _ = (source, before);
        Map::new()
    }
    /// Writes one session.
    ///
    /// # Errors
    /// [`ExportError`]; what was written until then is thrown away.
    fn export(&self, piece: &Piece<'_>, out: &mut Out, progress: Progress<'_>) -> Result<(), ExportError>;
    /// Called when every session is there, with their manifests in the order of the command line: for what is about all of them.
    /// Answers with the files that are.
    ///
    /// # Errors
    /// [`ExportError`].
    fn finish(&self, made: &[Manifest], dir: &Path) -> Result<Vec<PathBuf>, ExportError> {
        let _ = (made, dir);
        Ok(Vec::new())
    }
}

/// One session in one format.
pub struct Piece<'a> {
    /// The session.
    pub source: &'a Source,
    /// What was asked for.
    pub options: &'a Options,
    /// Name of the session's folder: names of files begin with it.
    pub name: &'a str,
    /// Place of the session on the command line, from 0.
    pub index: usize,
    /// What the export says of itself, for formats that have a place for it.
    pub manifest: &'a Manifest,
}
