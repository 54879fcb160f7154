//! Playing whatever a folder holds: a sealed session, a log that nobody writes any more, a log that is being recorded.
//!
//! Owns the choice between them, and the going over from one to the other: a log that is sealed while it is played is played
//! on as the session that became of it. Never writes, and waits for no lock.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use watchcap_replay::{
    Density, Direction, Filter, Found, FrameInfo, InputState, Levels, Overlay, Pictures, Rows, Sound, Spans, Summary,
    Timeline,
};

use crate::base::shown::shell;
use crate::finalize::FinalizeError;
use crate::log::LogError;
use crate::play::log::pictures::{Handover, LogPictures};
use crate::play::log::reel::LogReel;
use crate::play::sealed;
use crate::play::sealed::SealedError;
use crate::play::timeline::ReelTimeline;
use crate::play::voice::Voice;
use crate::session::layout::{self, DirState};
use crate::session::metadata::Metadata;

/// The version of a timeline that went over to the session: no log's, which count from 1.
const WENT_OVER: u64 = u64::MAX;

/// Why a folder cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum PlaybackError {
    /// There is no such folder.
    #[error("{} is no folder", path.display())]
    NoFolder {
        /// Which.
        path: PathBuf,
    },
    /// The folder holds neither a session nor a log.
    #[error("{} holds neither a session nor a log", path.display())]
    Nothing {
        /// Which.
        path: PathBuf,
    },
    /// Its session cannot be read.
    #[error(transparent)]
    Session(#[from] SealedError),
    /// Its log cannot be read.
    #[error(transparent)]
    Log(#[from] FinalizeError),
}

impl PlaybackError {
    /// What the person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoFolder { .. } => {
                Some("give the folder that `watchcap record` printed (session_YYYYMMDD_HHMMSS)".into())
            }
            Self::Nothing { path } => {
                Some(format!("list the sessions in the folders below with: watchcap info {}", shell(path)))
            }
            Self::Session(error) => error.hint(),
            Self::Log(error) => error.hint(),
        }
    }
}

/// A recording, ready to be played.
pub struct Playback {
    /// What happened when.
    pub timeline: Box<dyn Timeline>,
    /// What frames look like.
    pub pictures: Box<dyn Pictures>,
    /// What plays the sound; `None` of a recording without, and of a log.
    pub sound: Option<Box<dyn Sound>>,
    /// What is played is the sealed session: from the beginning, or since the log went over to it.
    pub is_session: Arc<AtomicBool>,
}

/// Opens what a folder holds.
///
/// # Errors
/// [`PlaybackError`] when that cannot be read.
pub fn open(dir: &Path) -> Result<Playback, PlaybackError> {
    if !dir.is_dir() {
        return Err(PlaybackError::NoFolder { path: dir.to_owned() });
    }
    if layout::state_of(dir) == DirState::Log {
        match LogReel::open(dir) {
            Ok(reel) => return Ok(open_log(dir, reel)),
            // It was sealed and deleted this very moment.
            Err(FinalizeError::Log(LogError::NoLog { .. } | LogError::Io(_)))
                if layout::state_of(dir) == DirState::Sealed => {}
            Err(error) => return Err(error.into()),
        }
    }
    // One that never was sealed plays as well: what it lacks is said.
    if !layout::metadata_path(dir).exists() && !layout::events_path(dir).exists() {
        return Err(PlaybackError::Nothing { path: dir.to_owned() });
    }
    let (reel, pictures) = sealed::open(dir)?;
    let voice = Metadata::read(&layout::metadata_path(dir)).ok().and_then(|known| Voice::of(dir, &known, None));
    let timeline = Box::new(ReelTimeline::new(reel));
    let sound = voice.map(|voice| Box::new(voice) as Box<dyn Sound>);
    Ok(Playback { timeline, pictures: Box::new(pictures), sound, is_session: Arc::new(AtomicBool::new(true)) })
}

fn open_log(dir: &Path, reel: LogReel) -> Playback {
    let log = Arc::new(reel);
    let handover = Arc::new(Handover::default());
    let pictures = LogPictures::new(Arc::clone(&log), Arc::clone(&handover));
    let current = ReelTimeline::new(Arc::clone(&log) as _);
    let playing = Playing { log: Some(log), current };
    let is_session = Arc::new(AtomicBool::new(false));
    let playing = RefCell::new(playing);
    let timeline = LogTimeline { dir: dir.to_owned(), playing, handover, is_session: Arc::clone(&is_session) };
    Playback { timeline: Box::new(timeline), pictures: Box::new(pictures), sound: None, is_session }
}

struct Playing {
    /// `None` when it went over to the session.
    log: Option<Arc<LogReel>>,
    current: ReelTimeline,
}

/// The timeline of a log, and then of its session.
struct LogTimeline {
    dir: PathBuf,
    playing: RefCell<Playing>,
    handover: Arc<Handover>,
    /// It went over to the session.
    is_session: Arc<AtomicBool>,
}

impl LogTimeline {
    fn ask<T>(&self, ask: impl FnOnce(&ReelTimeline) -> T) -> T {
        ask(&self.playing.borrow().current)
    }
}

impl Timeline for LogTimeline {
    fn refresh(&self) -> u64 {
        let mut playing = self.playing.borrow_mut();
        let Some(log) = &playing.log else { return WENT_OVER };
        if !log.is_sealed() {
            return playing.current.refresh();
        }
        match sealed::open(&self.dir) {
            Ok((reel, pictures)) => {
                self.handover.give(pictures);
                *playing = Playing { log: None, current: ReelTimeline::new(reel) };
                self.is_session.store(true, Ordering::Release);
                WENT_OVER
            }
            Err(error) => {
                // The files of the log are open: it can be played on.
                tracing::warn!(%error, "the session that the log became cannot be read");
                playing.current.refresh()
            }
        }
    }

    fn summary(&self) -> Summary {
        let provisional = self.playing.borrow().log.is_some();
        Summary { provisional, ..self.ask(Timeline::summary) }
    }

    fn frame_at(&self, t_ns: i64) -> Option<u64> {
        self.ask(|timeline| timeline.frame_at(t_ns))
    }

    fn frame(&self, index: u64) -> Option<FrameInfo> {
        self.ask(|timeline| timeline.frame(index))
    }

    fn rows(&self, t_ns: i64, before: usize, after: usize, filter: &Filter) -> Result<Rows, String> {
        self.ask(|timeline| timeline.rows(t_ns, before, after, filter))
    }

    fn nearest(&self, t_ns: i64, direction: Direction, filter: &Filter) -> Result<Found, String> {
        self.ask(|timeline| timeline.nearest(t_ns, direction, filter))
    }

    fn state_at(&self, t_ns: i64) -> Result<InputState, String> {
        self.ask(|timeline| timeline.state_at(t_ns))
    }

    fn overlay(&self, since_ns: i64, t_ns: i64) -> Result<Overlay, String> {
        self.ask(|timeline| timeline.overlay(since_ns, t_ns))
    }

    fn density(&self, from_ns: i64, until_ns: i64, buckets: usize) -> Result<Density, String> {
        self.ask(|timeline| timeline.density(from_ns, until_ns, buckets))
    }

    fn levels(&self, from_ns: i64, until_ns: i64, parts: usize) -> Option<Levels> {
        self.ask(|timeline| timeline.levels(from_ns, until_ns, parts))
    }

    fn spans(&self, from_ns: i64, until_ns: i64, at_most: usize) -> Result<Spans, String> {
        self.ask(|timeline| timeline.spans(from_ns, until_ns, at_most))
    }
}
