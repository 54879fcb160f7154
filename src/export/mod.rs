//! Exports: a sealed session in the form that some trainer reads.
//!
//! Keeps the invariants that a session is only read; that what is published is whole, says what it was made of ([`manifest`]), and is
//! the same to the byte when it is made again; and that nothing leaves a session which its consent does not cover. One piece is one
//! session in one format: its files are written under temporary names, published, and its manifest comes last. A piece whose manifest
//! says what would be made again is left as it is, so an export that was interrupted goes on with the session at which it stopped.
//! What no earlier export made is never replaced, nor what one made with other options; what can be told beforehand is refused before
//! anything is written ([`ahead`]). Of many sessions the bad ones are left out and counted ([`run`]).
//!
//! A format is one file with an implementation of [`Format`] and a line in [`FORMATS`]. It gets a [`Source`] (a session that was
//! checked, with its frames), the [`Options`] it said it takes, and an [`Out`] to write to.

pub mod actions;
mod ahead;
pub mod copy;
pub mod dense;
mod error;
pub mod frames_json;
pub mod inputs;
pub mod lerobot;
pub mod manifest;
pub mod mcap;
pub mod out;
mod run;
pub mod source;
pub mod space;
pub mod steps;
pub mod unseen;
pub mod video;
pub mod vpt;
pub mod webdataset;

use std::path::{Path, PathBuf};

pub use error::ExportError;
use manifest::Manifest;
use out::Out;
pub use run::Plan;
use serde_json::{Map, Value};
use source::Source;
use space::Keys;

use crate::base::event::Stream;
use crate::base::progress::Step;
use crate::session::span::Moment;

/// Every format, in the order in which they are listed.
pub const FORMATS: &[&dyn Format] = &[
    &actions::Actions,
    &frames_json::FramesJson,
    &copy::Video,
    &vpt::Vpt,
    &webdataset::WebDataset,
    &lerobot::LeRobot,
    &mcap::Mcap,
];

/// A form in which sessions can be had.
pub trait Format: Sync {
    /// Its name on the command line and in manifests.
    fn name(&self) -> &'static str;
    /// One line for the help text.
    fn about(&self) -> &'static str;
    /// Version of its layout: another one is made anew.
    fn version(&self) -> u32;
    /// The options that it takes; others are refused.
    fn takes(&self) -> &'static [Opt];
    /// The streams whose consent it needs.
    fn needs(&self) -> &'static [Stream];
    /// End of the name of its one file per session; `None` when a session becomes several files. With it, `--out` may name a file.
    fn suffix(&self) -> Option<&'static str> {
        None
    }
    /// Whether it makes a file of this name (a path inside the folder): `stem` is the session's name, or that of the one file that was
    /// asked for. A manifest that names anything else is not believed: what it names would be deleted.
    fn makes(&self, file: &str, stem: &str, session_id: &str) -> bool;
    /// Whether it is about sessions as a whole, so that a part that was accepted does not do.
    fn is_whole(&self) -> bool {
        false
    }
    /// Whether names of files are made of a session's id, so that two editions of a recording cannot lie in one folder.
    fn is_by_id(&self) -> bool {
        false
    }
    /// Whether names of files are made of a session's place among the others, so that one session's may have been another's before.
    fn is_by_place(&self) -> bool {
        false
    }
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

/// The format of a name.
pub fn format_named(name: &str) -> Option<&'static dyn Format> {
    FORMATS.iter().copied().find(|format| format.name() == name)
}

/// An option that some formats take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Opt {
    /// A constant rate.
    Fps,
    /// A part of the time.
    Span,
    /// Leave out what was redacted.
    ExcludeRedacted,
    /// Only what a reviewer accepted.
    OnlyAccepted,
    /// Smaller pictures.
    Resize,
    /// Length of a clip.
    Clips,
    /// Size of a shard.
    Shards,
    /// Share of the sessions that is for validation.
    Split,
    /// What an action as a vector has a number for.
    Space,
    /// Keep steps of which not everything is known.
    KeepUnknown,
    /// One of the files for readers of MCAP.
    McapFor,
}

impl Opt {
    /// How it is written on the command line.
    pub fn flag(self) -> &'static str {
        match self {
            Self::Fps => "--fps",
            Self::Span => "--from and --to",
            Self::ExcludeRedacted => "--exclude-redacted",
            Self::OnlyAccepted => "--only-accepted",
            Self::Resize => "--resize",
            Self::Clips => "--clip-seconds",
            Self::Shards => "--shard-mb",
            Self::Split => "--val-percent",
            Self::Space => "--keys, --mouse and --pointer",
            Self::KeepUnknown => "--keep-unknown",
            Self::McapFor => "--mcap-for",
        }
    }
}

/// What was asked for. `None` and `false` are what a format does by itself.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Options {
    /// Steps per second of a constant-rate grid.
    pub fps: Option<u32>,
    /// Begin of the part.
    pub from: Option<Moment>,
    /// Its end.
    pub to: Option<Moment>,
    /// Leave out steps in which something was redacted.
    pub exclude_redacted: bool,
    /// Only steps that a reviewer accepted; sessions without any are passed over.
    pub only_accepted: bool,
    /// Width and height of the pictures, pixels.
    pub resize: Option<(u32, u32)>,
    /// Shortest length of a clip, seconds.
    pub clip_seconds: Option<u32>,
    /// Largest size of a shard, 1,000,000 bytes.
    pub shard_mb: Option<u32>,
    /// How many sessions of a hundred are for validation.
    pub val_percent: Option<u8>,
    /// Keys that have a number in an action as a vector.
    pub keys: Option<Keys>,
    /// Buttons, wheel and motion have one.
    pub mouse: bool,
    /// Buttons, wheel and the pointer's place have one.
    pub pointer: bool,
    /// Keep steps of which not everything is known.
    pub keep_unknown: bool,
    /// Only the file for these readers of MCAP.
    pub mcap_for: Option<mcap::McapFor>,
    /// Do not compare the session's files with its seal first.
    pub no_verify: bool,
    /// Replace what an earlier export made with other options, or of another session of the same name.
    pub replace: bool,
    /// Export what was recorded before consent to it was taken back.
    pub include_withdrawn: bool,
}

impl Options {
    /// The options that differ from what a format does by itself.
    fn given(&self) -> impl Iterator<Item = Opt> {
        let all = [
            (Opt::Fps, self.fps.is_some()),
            (Opt::Span, self.from.is_some() || self.to.is_some()),
            (Opt::ExcludeRedacted, self.exclude_redacted),
            (Opt::OnlyAccepted, self.only_accepted),
            (Opt::Resize, self.resize.is_some()),
            (Opt::Clips, self.clip_seconds.is_some()),
            (Opt::Shards, self.shard_mb.is_some()),
            (Opt::Split, self.val_percent.is_some()),
            (Opt::Space, self.keys.is_some() || self.mouse || self.pointer),
            (Opt::KeepUnknown, self.keep_unknown),
            (Opt::McapFor, self.mcap_for.is_some()),
        ];
        all.into_iter().filter(|(_, given)| *given).map(|(opt, _)| opt)
    }

    /// Refuses what a format does not take.
    ///
    /// # Errors
    /// [`ExportError::Option`] with the first of these.
    pub fn check(&self, format: &'static str, takes: &'static [Opt]) -> Result<(), ExportError> {
        match self.given().find(|opt| !takes.contains(opt)) {
            None => Ok(()),
            Some(opt) => Err(ExportError::Option { format, opt, takes }),
        }
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

/// Who is told how far it is.
pub type Progress<'a> = &'a mut dyn FnMut(Step);

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
