//! Decides of which frames a PNG picture is taken: by recorded time, and by what was asked for since the frame before.
//!
//! A burst covers the frames that follow: the first of them in any case, the others as far as they show something new. It reads no clock.

use super::options::StillOptions;
use crate::base::time::MonoNs;

/// Follows the bursts of a recording.
pub(in crate::recorder) struct Bursts {
    options: StillOptions,
    /// When the timer's next burst begins; `None` before the first frame.
    next: Option<MonoNs>,
    /// Frames that the burst still covers.
    left: u32,
    /// Its first picture is not taken yet.
    first: bool,
}

impl Bursts {
    /// Before the first frame.
    pub(in crate::recorder) fn new(options: StillOptions) -> Self {
        Self { options, next: None, left: 0, first: false }
    }

    /// Looks at the frame of this time; `asked` is for how many frames a burst was asked for. True when a picture is wanted whether or not
    /// the screen has changed.
    pub(in crate::recorder) fn due(&mut self, t: MonoNs, asked: u32) -> bool {
        let mut begin = |frames: u32| {
            if frames > 0 {
                (self.left, self.first) = (self.left.max(frames), true);
            }
        };
        begin(asked);
        if let Some(every) = self.options.every
            && self.next.is_none_or(|next| t >= next)
        {
            begin(self.options.frames);
            // Those that passed in a pause are not made up for.
            let next = self.next.map_or(t, |next| next.plus(every));
            self.next = Some(if next > t { next } else { t.plus(every) });
        }
        self.first
    }

    /// Whether a picture of the frame is wanted, which shows something new or not.
    pub(in crate::recorder) fn wants(&self, changed: bool) -> bool {
        self.left > 0 && (self.first || changed)
    }

    /// The frame was handed on; with its picture, or with none since there was no room for it, when one was wanted.
    pub(in crate::recorder) fn passed(&mut self) {
        self.left = self.left.saturating_sub(1);
        self.first = false;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn taken(options: StillOptions, frames: &[(i64, u32, bool)]) -> Vec<i64> {
        let mut bursts = Bursts::new(options);
        let mut taken = Vec::new();
        for &(ms, asked, changed) in frames {
            let due = bursts.due(MonoNs(ms * 1_000_000), asked);
            assert!(!due || bursts.wants(false));
            if bursts.wants(changed) {
                taken.push(ms);
            }
            bursts.passed();
        }
        taken
    }

    #[test]
    fn the_timer_begins_with_the_first_frame_and_keeps_its_step() {
        let options = StillOptions { every: Some(Duration::from_millis(100)), frames: 2, ..StillOptions::default() };
        let frames: Vec<_> = (0..10).map(|n| (n * 30, 0, true)).collect();
        assert_eq!(taken(options, &frames), [0, 30, 120, 150, 210, 240]);
        // A pause of a second is one burst behind it.
        assert_eq!(
            taken(options, &[(0, 0, true), (30, 0, true), (1030, 0, true), (1060, 0, true), (1090, 0, true)]),
            [0, 30, 1030, 1060]
        );
    }

    #[test]
    fn of_a_screen_that_stands_a_burst_has_one_picture() {
        let options = StillOptions { frames: 3, ..StillOptions::default() };
        let frames = [(0, 0, true), (30, 3, false), (60, 0, false), (90, 0, true), (120, 0, true), (150, 1, false)];
        assert_eq!(taken(options, &frames), [30, 90, 150]);
    }

    #[test]
    fn bursts_that_meet_are_as_long_as_the_longer() {
        let frames = [(0, 3, true), (30, 1, true), (60, 0, true), (90, 0, true)];
        assert_eq!(taken(StillOptions::default(), &frames), [0, 30, 60]);
    }
}
