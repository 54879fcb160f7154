//! The sound of all parts: that of the part which is played is heard, and no other, since two parts may have the same tenth of a second.

use std::path::PathBuf;

use watchcap_replay::Sound;

use crate::play::voice::Voice;
use crate::session::layout;
use crate::session::metadata::Metadata;

/// The sound of all parts.
pub(super) struct SeriesVoice {
    /// The folder of each part, and when it begins.
    parts: Vec<(PathBuf, i64)>,
    /// The part that is heard, by its place, and what plays it; `None` of one without sound.
    now: Option<(usize, Option<Voice>)>,
}

impl SeriesVoice {
    /// Of parts in their order, each with its first instant.
    pub(super) fn new(parts: Vec<(PathBuf, i64)>) -> Self {
        Self { parts, now: None }
    }
}

impl Sound for SeriesVoice {
    fn play(&mut self, at_ns: i64) {
        let part = self.parts.partition_point(|(_, begin_ns)| *begin_ns <= at_ns).saturating_sub(1);
        if self.now.as_ref().is_none_or(|(now, _)| *now != part) {
            let voice = self.parts.get(part).and_then(|(dir, _)| {
                let known = Metadata::read(&layout::metadata_path(dir)).ok()?;
                Voice::of(dir, &known, None)
            });
            // What was heard before falls silent when it goes.
            self.now = Some((part, voice));
        }
        if let Some((_, Some(voice))) = &mut self.now {
            voice.play(at_ns);
        }
    }

    fn stop(&mut self) {
        if let Some((_, Some(voice))) = &mut self.now {
            voice.stop();
        }
    }

    fn trouble(&mut self) -> Option<String> {
        self.now.as_mut()?.1.as_mut()?.trouble()
    }
}
