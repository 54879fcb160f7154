//! Pictures of a log: its video has no index yet, so frames are found by the references in the log, and more of them come while
//! it is recorded. When the log was sealed, the session's video is handed over and takes the place.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use watchcap_replay::{Picture, Pictures};

use crate::media::frames::FrameReader;
use crate::play::log::reel::LogReel;
use crate::play::sealed;
use crate::play::sealed::SealedPictures;

/// Where the session's pictures wait for being taken.
#[derive(Default)]
pub(crate) struct Handover(Mutex<Option<SealedPictures>>);

impl Handover {
    /// Puts them there.
    pub(crate) fn give(&self, pictures: SealedPictures) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(pictures);
    }

    fn take(&self) -> Option<SealedPictures> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Pictures of a log, and then of its session.
pub(crate) struct LogPictures {
    log: Arc<LogReel>,
    handover: Arc<Handover>,
    video: Option<FrameReader>,
    session: Option<SealedPictures>,
}

impl LogPictures {
    /// Pictures of a log; the session's are taken from `handover` once they are there.
    pub(crate) fn new(log: Arc<LogReel>, handover: Arc<Handover>) -> Self {
        Self { log, handover, video: None, session: None }
    }

    /// Takes what has come since the last call.
    fn update(&mut self) -> Result<(), String> {
        if let Some(session) = self.handover.take() {
            (self.session, self.video) = (Some(session), None);
        }
        if self.session.is_some() {
            return Ok(());
        }
        let (samples, config, surface) = self.log.samples(self.video.as_ref().map_or(0, FrameReader::len));
        if samples.is_empty() {
            return Ok(());
        }
        match (&mut self.video, config) {
            (Some(video), _) => video.extend(samples).map_err(|error| error.to_string()),
            (None, Some(config)) => {
                let file = self.log.video_file().and_then(std::fs::File::try_clone);
                let file = file.map_err(|error| format!("cannot open {}: {error}", self.log.video.display()))?;
                let video = FrameReader::of_file(&self.log.video, file, samples, config, surface);
                self.video = Some(video.map_err(|error| error.to_string())?);
                Ok(())
            }
            (None, None) => Err("the log does not say how its video is to be decoded".into()),
        }
    }
}

impl Pictures for LogPictures {
    fn picture(&mut self, frame: u64, within: (u32, u32)) -> Result<Picture, String> {
        self.update()?;
        match (&mut self.session, &mut self.video) {
            (Some(session), _) => session.picture(frame, within),
            (None, Some(video)) => sealed::picture(video, frame, within),
            (None, None) => Err("there is no frame yet".into()),
        }
    }

    fn approach(&mut self, frame: u64, decodes: u64) -> Result<u64, String> {
        self.update()?;
        match (&mut self.session, &mut self.video) {
            (Some(session), _) => session.approach(frame, decodes),
            (None, Some(video)) => sealed::approach(video, frame, decodes),
            (None, None) => Ok(0),
        }
    }

    fn group(&mut self, frame: u64) -> Range<u64> {
        if let Err(problem) = self.update() {
            tracing::debug!(problem, "the video of the log cannot be read");
        }
        match (&mut self.session, &self.video) {
            (Some(session), _) => session.group(frame),
            (None, Some(video)) => sealed::group(video, frame),
            (None, None) => frame..frame.saturating_add(1),
        }
    }
}
