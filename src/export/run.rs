//! Runs an export over sessions: all of them are looked at first, then the good ones are made, and the bad ones counted.
//!
//! Keeps the invariants that nothing is written before every session was looked at, and that one bad session costs no other one. What makes
//! all of them impossible (options, names, a folder that is somebody else's) is an error of the whole.

use std::path::{Path, PathBuf};

use super::ahead::{self, Look};
use super::error::ExportError;
use super::format::{Format, Piece};
use super::made::{Done, Failed, Made};
use super::manifest::{self, Manifest};
use super::opt::Opt;
use super::options::Options;
use super::out::{self, Out, Place};
use super::pads;
use super::sound;
use super::source::Source;
use super::steps;
use crate::base::io_error::IoError;
use crate::base::progress::Progress;
use crate::base::shown::counted;
use crate::session::metadata::readers_of;
use crate::session::stills;

/// An export that is about to be made: every session was looked at.
pub struct Plan<'a> {
    format: &'static dyn Format,
    options: &'a Options,
    /// The sessions that can be exported, as far as that can be told beforehand.
    todo: Vec<(PathBuf, Place)>,
    done: Done,
    /// The folder that is written to; `None` when no session was named.
    dir: Option<PathBuf>,
    /// Folders that were made since they were not there.
    created: Vec<PathBuf>,
    /// Holds the folder while it is worked in.
    _pin: crate::base::files::Pin,
}

impl<'a> Plan<'a> {
    /// Looks at every session.
    ///
    /// # Errors
    /// [`ExportError`] that is about all of them; nothing was written then.
    pub fn new(
        format: &'static dyn Format,
        sessions: &[PathBuf],
        target: &Path,
        options: &'a Options,
    ) -> Result<Self, ExportError> {
        options.check(format.name(), format.takes())?;
        let (places, created) = out::places(format, sessions, target)?;
        let dir = places.first().map(|place| place.dir.clone());
        let held = dir.as_deref().unwrap_or(target);
        let pin = crate::base::files::pin(held).map_err(IoError::at("write to", held))?;
        let mut plan = Self { format, options, todo: Vec::new(), done: Done::default(), dir, created, _pin: pin };
        match ahead::check(format, sessions, &places, options) {
            Ok(looks) => plan.take(sessions, places, looks),
            Err(error) => {
                crate::base::files::remove_empty_dirs(&plan.created);
                return Err(error);
            }
        }
        Ok(plan)
    }

    fn take(&mut self, sessions: &[PathBuf], places: Vec<Place>, looks: Vec<Look>) {
        for ((session, place), look) in sessions.iter().zip(places).zip(looks) {
            match look {
                // What was made before of one that is passed over goes when its turn comes.
                Look::Good | Look::PassedOver => self.todo.push((session.clone(), place)),
                Look::Bad(error) => self.done.failed.push(Failed { session: session.clone(), error }),
            }
        }
    }

    /// Returns the sessions that cannot be exported.
    pub fn failed(&self) -> &[Failed] {
        &self.done.failed
    }

    /// Makes them; `each` is told of every one that fails now.
    ///
    /// # Errors
    /// [`ExportError`] that is about all of them.
    pub fn run(mut self, progress: Progress<'_>, each: &mut dyn FnMut(&Failed)) -> Result<Done, ExportError> {
        let mut manifests: Vec<Manifest> = Vec::new();
        let todo = std::mem::take(&mut self.todo);
        let of = todo.len();
        for (index, (session, place)) in todo.into_iter().enumerate() {
            match self.one((index, &manifests), &session, &place, progress) {
                Ok(Some(made)) => {
                    manifests.push(made.manifest.clone());
                    self.done.made.push(made);
                }
                Ok(None) => self.done.passed_over.push(place.name),
                Err(error) => {
                    let stops = error.is_of_the_place();
                    let failed = Failed { session, error };
                    each(&failed);
                    self.done.failed.push(failed);
                    if stops {
                        self.done.untried = of - index - 1;
                        break;
                    }
                }
            }
        }
        let finished = match &self.dir {
            // After a failure of everything, what earlier exports left stays.
            Some(dir) if !manifests.is_empty() || self.done.failed.is_empty() => self.format.finish(&manifests, dir),
            _ => Ok(Vec::new()),
        };
        if finished.is_err() || self.done.made.is_empty() {
            crate::base::files::remove_empty_dirs(&self.created);
        }
        self.done.about_all = finished?;
        Ok(self.done)
    }

    fn one(
        &self,
        (index, before): (usize, &[Manifest]),
        session: &Path,
        place: &Place,
        progress: Progress<'_>,
    ) -> Result<Option<Made>, ExportError> {
        let (format, options) = (self.format, self.options);
        let mut source = Source::open(session)?;
        source.check_consent(format, options)?;
        let mut out = Out::begin(place, format)?;
        let passed_over = ahead::is_passed_over(format, &mut source, options)?;
        let mut manifest = Manifest::of(format, &source, options, &place.name);
        out.check_earlier(&manifest, options)?;
        if passed_over {
            // What was made of it when reviewers accepted it must not stay among what they accept.
            out.remove()?;
            return Ok(None);
        }
        manifest.options.extend(format.place(&source, before));
        let path = out.manifest_path().to_path_buf();
        if let Some(there) = out.kept(&manifest)? {
            return Ok(Some(Made { manifest: there, path, kept: true, notes: Vec::new() }));
        }
        out.check()?;
        let leaves_out = |name: &str| manifest.left_out.iter().any(|left_out| left_out == name);
        if leaves_out(pads::NAME) {
            out.note(if format.takes().contains(&Opt::Space) {
                "what gamepads did is left out; --gamepad takes the first one along"
            } else {
                "what gamepads did is left out: this format has no place for it"
            });
        }
        if leaves_out(stills::PNG) {
            let count = stills::count(source.reader().metadata()).unwrap_or_default();
            let pictures = counted(count, "PNG picture");
            out.note(format!("{pictures} of the session: left out, this format has no place for them"));
        }
        if leaves_out(sound::NAME) && !options.sound {
            out.note(if format.takes().contains(&Opt::Sound) {
                "the sound is left out; --sound takes it along"
            } else {
                "the sound is left out: this format has no place for it"
            });
        }
        let codec = source.reader().metadata().codec_string.as_deref();
        if let Some(readers) = codec.filter(|_| format.copies_pictures(options)).and_then(readers_of) {
            out.note(format!("the pictures are copied, and they are {readers}"));
        }
        if !options.no_verify {
            source.verify(progress)?;
        }
        let source = source.survey(progress)?;
        let span = steps::span(&source, options)?;
        manifest.about = manifest.about.with_marks(&source.marks, |t_ns| {
            let withheld = options.exclude_redacted && source.redacted.hold(t_ns);
            span.holds(t_ns) && source.is_accepted(t_ns) && !withheld
        });
        let piece = Piece { source: &source, options, name: &place.name, index, manifest: &manifest };
        let exported = format.export(&piece, &mut out, progress);
        let has_pads = format.has_gamepads(options);
        let (has_sound, has_stills) = (out.has_sound(), out.has_stills());
        manifest.left_out = manifest::left_out(source.reader().metadata(), has_sound, has_pads, has_stills);
        let made = exported.and_then(|()| out.publish(manifest.clone()));
        let manifest = made.inspect_err(|_| out.discard())?;
        Ok(Some(Made { manifest, path, kept: false, notes: out.notes() }))
    }
}
