//! Exports: a sealed session in the form that some trainer reads.
//!
//! Keeps the invariants that a session is only read; that what is published is whole, says what it was made of ([`manifest`]), and is
//! the same to the byte when it is made again; and that nothing leaves a session which its consent does not cover. One piece is one
//! session in one format: its files are written under temporary names, published, and its manifest comes last. A piece whose manifest
//! says what would be made again is left as it is, so an export that was interrupted goes on with the session at which it stopped.
//! What no earlier export made is never replaced; what can be told beforehand is refused before anything is written ([`ahead`]).
//!
//! A format is one file with an implementation of [`Format`] and a line in [`FORMATS`]. It gets a [`Source`] (a session that was
//! checked, with its frames), the [`Options`] it said it takes, and an [`Out`] to write to.

pub mod actions;
mod ahead;
mod error;
pub mod frames_json;
pub mod inputs;
pub mod lerobot;
pub mod manifest;
pub mod mcap;
pub mod out;
pub mod source;
pub mod steps;
pub mod video;
mod vk;
pub mod vpt;
pub mod webdataset;

use std::path::{Path, PathBuf};

pub use error::ExportError;
use manifest::Manifest;
use out::Out;
use serde_json::{Map, Value};
use source::Source;

use crate::event::Stream;
use crate::progress::Step;
use crate::redact::span::Moment;

/// Every format, in the order in which they are listed.
pub const FORMATS: &[&dyn Format] =
    &[&actions::Actions, &frames_json::FramesJson, &vpt::Vpt, &webdataset::WebDataset, &lerobot::LeRobot, &mcap::Mcap];

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
    /// Whether it is about sessions as a whole, so that a part that was accepted does not do.
    fn is_whole(&self) -> bool {
        false
    }
    /// Whether names of files are made of a session's id, so that two editions of a recording cannot lie in one folder.
    fn is_by_id(&self) -> bool {
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
    /// Do not compare the session's files with its seal first.
    pub no_verify: bool,
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
}

/// What became of all of them.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Done {
    /// The sessions that are there now, in the order in which they were named.
    pub made: Vec<Made>,
    /// Names of those that no reviewer accepted, when that was asked for.
    pub passed_over: Vec<String>,
    /// Files that are about all of them.
    pub about_all: Vec<PathBuf>,
}

/// Exports sessions.
///
/// # Errors
/// [`ExportError`] at the first session that cannot be exported; those before it are whole. Folders in which nothing was made are gone.
pub fn run(
    format: &dyn Format,
    sessions: &[PathBuf],
    target: &Path,
    options: &Options,
    progress: Progress<'_>,
) -> Result<Done, ExportError> {
    options.check(format.name(), format.takes())?;
    let (places, created) = out::places(format, sessions, target)?;
    let done = ahead::check(format, sessions, &places, options)
        .and_then(|()| all(format, sessions, &places, options, progress));
    if !done.as_ref().is_ok_and(|done| !done.made.is_empty()) {
        out::remove_empty(&created);
    }
    done
}

fn all(
    format: &dyn Format,
    sessions: &[PathBuf],
    places: &[out::Place],
    options: &Options,
    progress: Progress<'_>,
) -> Result<Done, ExportError> {
    let mut done = Done::default();
    let mut manifests: Vec<Manifest> = Vec::new();
    for (index, (session, place)) in sessions.iter().zip(places).enumerate() {
        if let Some(made) = one(format, (index, &manifests), session, place, options, progress)? {
            manifests.push(made.manifest.clone());
            done.made.push(made);
        } else {
            done.passed_over.push(place.name.clone());
        }
    }
    if let Some(place) = places.first() {
        done.about_all = format.finish(&manifests, &place.dir)?;
    }
    Ok(done)
}

/// Whether reviewers accepted nothing of a session that could be exported, and that was asked for.
fn is_passed_over(format: &dyn Format, source: &mut Source, options: &Options) -> Result<bool, ExportError> {
    Ok(options.only_accepted && !(source.read_review()? && (source.is_accepted_whole() || !format.is_whole())))
}

fn one(
    format: &dyn Format,
    (index, before): (usize, &[Manifest]),
    session: &Path,
    place: &out::Place,
    options: &Options,
    progress: Progress<'_>,
) -> Result<Option<Made>, ExportError> {
    let mut source = Source::open(session)?;
    source.check_consent(format)?;
    let mut out = Out::begin(place, format)?;
    if is_passed_over(format, &mut source, options)? {
        // What was made of it when that was not asked for must not stay among what was accepted.
        out.remove()?;
        return Ok(None);
    }
    let mut manifest = Manifest::of(format, &source, options, &place.name);
    manifest.options.extend(format.place(&source, before));
    let path = out.manifest_path().to_path_buf();
    if let Some(there) = out.kept(&manifest)? {
        return Ok(Some(Made { manifest: there, path, kept: true }));
    }
    out.check(format)?;
    if !options.no_verify {
        source.verify(progress)?;
    }
    let source = source.survey(progress)?;
    let piece = Piece { source: &source, options, name: &place.name, index, manifest: &manifest };
    let made = format.export(&piece, &mut out, progress).and_then(|()| out.publish(manifest.clone()));
    let manifest = made.inspect_err(|_| out.discard())?;
    Ok(Some(Made { manifest, path, kept: false }))
}
