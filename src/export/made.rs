//! What became of the sessions of an export.

use std::path::PathBuf;

use super::error::ExportError;
use super::manifest::Manifest;

/// What became of one session.
#[derive(Clone, PartialEq, Debug)]
pub struct Made {
    /// What it says of itself, with its files.
    pub manifest: Manifest,
    /// Where the manifest is.
    pub path: PathBuf,
    /// It was there already.
    pub kept: bool,
    /// Facts about it that people should know: names that were changed, steps that were left out.
    pub notes: Vec<String>,
}

/// A session that was not exported.
#[derive(Debug)]
pub struct Failed {
    /// Its folder, as it was named.
    pub session: PathBuf,
    /// Why.
    pub error: ExportError,
}

/// What became of all of them.
#[derive(Debug, Default)]
pub struct Done {
    /// The sessions that are there now, in the order in which they were named.
    pub made: Vec<Made>,
    /// Names of those that no reviewer accepted, when that was asked for.
    pub passed_over: Vec<String>,
    /// The sessions that are not there, in the order in which that was found.
    pub failed: Vec<Failed>,
    /// How many were not tried, since the place that is written to takes nothing more.
    pub untried: usize,
    /// Files that are about all of them.
    pub about_all: Vec<PathBuf>,
}
