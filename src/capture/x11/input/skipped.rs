//! States that came and went faster than they could be told, counted: of the active window, of its title, of the keyboard's layout.
//!
//! Who asks for a state after an event gets the newest one, and several events may have one answer. Each change that an event tells of is counted up
//! and each that is told counted down; what is left when nothing is waiting any more was never told. Some events tell of no change for certain
//! (a window manager writes the same word twice, a menu takes the keyboard for its window): a few of those are no loss.

use std::time::Duration;

use crate::base::time::MonoNs;

/// While changes go on, what was not told is reported once in this time.
const REPORT_EVERY: Duration = Duration::from_secs(1);
/// Doubtful changes that are no loss: desktops make one or two each time that somebody goes to another window.
const FLICKER: i64 = 16;
/// One of these is forgotten in this time, so that many in a row are a loss and one now and then is not.
const FORGET_EVERY: Duration = Duration::from_millis(500);
/// A state may be told before the events that tell of it are read; more than this many are not ahead.
const AHEAD: i64 = 4;

/// Of one kind of state.
#[derive(Debug)]
pub(super) struct Skipped {
    /// The word for it in the gap.
    pub(super) reason: &'static str,
    /// Changes less what was told.
    open: i64,
    /// How many of the changes may be none.
    doubtful: i64,
    /// The first and the last change since the last report.
    span: Option<(MonoNs, MonoNs)>,
    /// Doubtful changes that were forgiven and are not forgotten, and since when.
    forgiven: (MonoNs, i64),
}

impl Skipped {
    pub(super) fn new(reason: &'static str) -> Self {
        Self { reason, open: 0, doubtful: 0, span: None, forgiven: (MonoNs(i64::MIN), 0) }
    }

    /// An event tells of a change, for certain or not.
    pub(super) fn changed(&mut self, t: MonoNs, is_certain: bool) {
        self.open = self.open.saturating_add(1);
        self.doubtful += i64::from(!is_certain);
        self.span = Some((self.span.map_or(t, |(first, _)| first), t));
    }

    /// A change is told.
    pub(super) fn told(&mut self) {
        self.open = (self.open - 1).max(-AHEAD);
    }

    /// What is to be reported: from when to when, and how many. With `quiet`, no event is waiting.
    pub(super) fn take(&mut self, now: MonoNs, quiet: bool) -> Option<(MonoNs, MonoNs, u64)> {
        let Some((first, last)) = self.span else {
            // What was told early is settled once nothing is waiting.
            self.open = if quiet { 0 } else { self.open };
            return None;
        };
        if !quiet && now.since(first) < REPORT_EVERY {
            return None;
        }
        let (count, doubtful) = (self.open, std::mem::take(&mut self.doubtful));
        self.span = None;
        self.open = if quiet { 0 } else { count.min(0) };
        if count <= 0 || self.is_flicker(count, doubtful, now) {
            return None;
        }
        Some((first, last, count as u64))
    }

    fn is_flicker(&mut self, count: i64, doubtful: i64, now: MonoNs) -> bool {
        let (since, before) = self.forgiven;
        let forgotten = (now.since(since).as_nanos() / FORGET_EVERY.as_nanos()).min(FLICKER as u128) as i64;
        let before = (before - forgotten).max(0);
        // A menu that takes the keyboard gives it back: two changes for one that is in doubt.
        let forgives = count <= 2 * doubtful && before + count <= FLICKER;
        let since = if forgotten > 0 { now } else { since };
        self.forgiven = if forgives { (since, before + count) } else { (now, FLICKER) };
        forgives
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: i64) -> MonoNs {
        MonoNs(ms * 1_000_000)
    }

    #[test]
    fn what_was_never_told_is_counted_to_one() {
        let mut skipped = Skipped::new("x");
        assert_eq!(skipped.take(ms(0), true), None);
        // Told before its event is read, and behind it.
        skipped.told();
        skipped.changed(ms(1), true);
        skipped.changed(ms(2), true);
        skipped.told();
        assert_eq!(skipped.take(ms(3), true), None);
        for n in 0..3000 {
            skipped.changed(ms(10 + n), true);
            if n % 100 == 0 {
                skipped.told();
            }
            if n == 1500 {
                assert_eq!(skipped.take(ms(1510), false), Some((ms(10), ms(1510), 1501 - 16)));
            }
        }
        assert_eq!(skipped.take(ms(2400), false), None, "not yet");
        assert_eq!(skipped.take(ms(3100), true), Some((ms(1511), ms(3009), 1499 - 14)));
        assert_eq!(skipped.take(ms(9000), true), None);
    }

    #[test]
    fn a_flicker_is_no_loss_and_a_flood_of_them_is() {
        let lost = |each_ms: i64| {
            let mut skipped = Skipped::new("x");
            let each = (0..40 * each_ms).step_by(each_ms as usize).map(|t| {
                skipped.changed(ms(t), false);
                skipped.take(ms(t), true).map_or(0, |(.., count)| count)
            });
            each.sum::<u64>()
        };
        assert_eq!((lost(600), lost(10)), (0, 40 - FLICKER as u64));
        let mut skipped = Skipped::new("x");
        // Certain ones are always one.
        skipped.changed(ms(9000), true);
        assert_eq!(skipped.take(ms(9000), true), Some((ms(9000), ms(9000), 1)));
    }
}
