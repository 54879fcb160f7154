//! What gamepads hold, and at which rate they are told: from codes of one device to changes of one gamepad.
//!
//! Every change of a button is told. Of axes every change is told as long as the device sends at most [`REPORTS_PER_SECOND`] reports a second on the
//! average; of one that sends more, positions between are left out and counted, and where an axis comes to rest is always told. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::gamepad::{PadMap, Place};
use crate::base::pad::{PadAbout, PadChange, PadControl};
use crate::base::time::MonoNs;

/// Reports with axes in them that are told of one gamepad in a second.
const REPORTS_PER_SECOND: i64 = 1000;
/// What a report costs, nanoseconds of saved time.
const COST_NS: i64 = 1_000_000_000 / REPORTS_PER_SECOND;
/// The most time that is saved: a device at 1000 Hz by its own clock, and one that was held up, are told whole.
const SAVED_NS: i64 = 100 * COST_NS;

/// How long what is left out is counted together.
const TELL_NS: i64 = 1_000_000_000;

/// After how long without a report a pad rests.
const REST_NS: i64 = 100_000_000;

/// What is told of a gamepad, and when it happened.
pub(super) type Told = (MonoNs, PadChange);

/// A control: its name, and the kernel's code.
type Control = (Option<PadControl>, u16);

/// Positions that were left out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct LeftOut {
    pub(super) since: MonoNs,
    pub(super) until: MonoNs,
    pub(super) count: u64,
}

/// One gamepad.
pub(super) struct Pad {
    /// Its number, from 0.
    pub(super) number: u8,
    about: PadAbout,
    map: PadMap,
    /// It was told that it is there.
    pub(super) told: bool,
    down: BTreeSet<Control>,
    /// Where each axis is, and since when.
    axes: BTreeMap<u16, (Option<PadControl>, f32, MonoNs)>,
    /// Where each was last told to be; at 0 where nothing was told.
    told_at: BTreeMap<u16, f32>,
    /// Saved time.
    saved_ns: i64,
    last: Option<MonoNs>,
    left_out: Option<LeftOut>,
}

impl Pad {
    pub(super) fn new(number: u8, about: PadAbout, map: PadMap) -> Self {
        Self {
            number,
            about,
            map,
            told: false,
            down: BTreeSet::new(),
            axes: BTreeMap::new(),
            told_at: BTreeMap::new(),
            saved_ns: SAVED_NS,
            last: None,
            left_out: None,
        }
    }

    /// Takes a change of a button; what is told of it.
    pub(super) fn button(&mut self, code: u16, pressed: bool) -> Option<PadChange> {
        let control = self.map.button(code);
        self.set_button((control, code), pressed)
    }

    fn set_button(&mut self, name: Control, pressed: bool) -> Option<PadChange> {
        let changed = if pressed { self.down.insert(name) } else { self.down.remove(&name) };
        changed.then(|| button(name, pressed))
    }

    /// Takes where an axis is; what is told at once: buttons that are axes of the device. What else moved, [`Self::report`] tells.
    pub(super) fn axis(&mut self, t: MonoNs, code: u16, raw: i32) -> Vec<PadChange> {
        match self.map.axis(code, raw) {
            None => Vec::new(),
            Some(Place::Axis { control, value }) => {
                self.axes.insert(code, (control, value, t));
                Vec::new()
            }
            // What is let go of first.
            Some(Place::Buttons(mut buttons)) => {
                buttons.sort_by_key(|(_, down)| *down);
                buttons.into_iter().filter_map(|(control, down)| self.set_button((Some(control), code), down)).collect()
            }
        }
    }

    /// A report has ended at `t`, or time passed up to there: tells which axes moved, or leaves it out. With what was left out before.
    pub(super) fn report(&mut self, t: MonoNs, is_report: bool) -> (Option<LeftOut>, Vec<Told>) {
        let told_at = &self.told_at;
        let moved: Vec<_> = self
            .axes
            .iter()
            .filter(|(code, (_, value, _))| told_at.get(*code).unwrap_or(&0.0).to_bits() != value.to_bits())
            .map(|(code, (control, value, t))| (*code, *control, *value, *t))
            .collect();
        if moved.is_empty() {
            // Back where it was last told to be, by way of what was left out.
            match &mut self.left_out {
                Some(left_out) if is_report => (left_out.until, left_out.count) = (t, left_out.count + 1),
                // Between two reports of a fast pad there is time, too: it rests when none has come for longer.
                Some(left_out) if t.0.saturating_sub(left_out.until.0) >= REST_NS => {
                    return (self.take_left_out(), Vec::new());
                }
                _ => {}
            }
            return (None, Vec::new());
        }
        let passed = self.last.map_or(SAVED_NS, |last| t.0.saturating_sub(last.0).max(0));
        self.saved_ns = self.saved_ns.saturating_add(passed).min(SAVED_NS);
        self.last = Some(self.last.map_or(t, |last| last.max(t)));
        if self.saved_ns < COST_NS {
            if is_report {
                let before = self.left_out.unwrap_or(LeftOut { since: t, until: t, count: 0 });
                self.left_out = Some(LeftOut { until: t, count: before.count + 1, ..before });
            }
            return (None, Vec::new());
        }
        self.saved_ns -= COST_NS;
        if let Some(left_out) = self.left_out.as_mut().filter(|_| !is_report) {
            // The last one that was left out is told now.
            left_out.count = left_out.count.saturating_sub(1);
        }
        let is_due = self.left_out.is_some_and(|left_out| t.0.saturating_sub(left_out.since.0) >= TELL_NS);
        let left_out = if is_due { self.take_left_out() } else { None };
        self.told_at.extend(moved.iter().map(|(code, _, value, _)| (*code, *value)));
        let told = moved.into_iter().map(|(code, control, value, t)| (t, axis(control, code, value))).collect();
        (left_out, told)
    }

    /// What was left out and not told of yet.
    pub(super) fn take_left_out(&mut self) -> Option<LeftOut> {
        self.left_out.take().filter(|left_out| left_out.count > 0)
    }

    /// Takes the device's own word of what it holds: buttons that are down, and where its axes are. What is told of it.
    pub(super) fn compare(&mut self, t: MonoNs, down: &BTreeSet<u16>, axes: &[(u16, i32)]) -> Vec<PadChange> {
        let is_axis = |code: &u16| self.map.axes().any(|axis| axis == *code);
        let gone: Vec<_> =
            self.down.iter().filter(|(_, code)| !is_axis(code) && !down.contains(code)).copied().collect();
        let mut told: Vec<_> = gone.into_iter().filter_map(|name| self.set_button(name, false)).collect();
        told.extend(down.iter().filter_map(|code| self.button(*code, true)));
        told.extend(axes.iter().flat_map(|(code, raw)| self.axis(t, *code, *raw)));
        told
    }

    /// Its axes, to be asked for.
    pub(super) fn axes(&self) -> Vec<u16> {
        self.map.axes().collect()
    }

    /// That it is there.
    pub(super) fn connected(&self) -> PadChange {
        PadChange::Connected(self.about.clone())
    }

    /// What it holds: buttons that are down and axes that are not at rest, which count as told from here on.
    pub(super) fn state(&mut self) -> Vec<PadChange> {
        let buttons = self.down.iter().map(|name| button(*name, true));
        let tilted = self.axes.iter().filter(|(_, (_, value, _))| *value != 0.0);
        let axes = tilted.clone().map(|(code, (control, value, _))| axis(*control, *code, *value));
        let state = buttons.chain(axes).collect();
        self.told_at = tilted.map(|(code, (_, value, _))| (*code, *value)).collect();
        state
    }

    /// Nothing of it is told from here on: what was told to be held, let go of.
    pub(super) fn release(&mut self) -> Vec<PadChange> {
        let axes = &self.axes;
        let control = |code: &u16| axes.get(code).and_then(|(control, ..)| *control);
        let told = std::mem::take(&mut self.told_at);
        let tilted = told.iter().filter(|(_, value)| **value != 0.0);
        let at_rest = tilted.map(|(code, _)| axis(control(code), *code, 0.0));
        self.down.iter().map(|name| button(*name, false)).chain(at_rest).collect()
    }
}

fn button((control, code): Control, pressed: bool) -> PadChange {
    PadChange::Button { control, native: code.into(), pressed }
}

fn axis(control: Option<PadControl>, code: u16, value: f32) -> PadChange {
    PadChange::Axis { control, native: code.into(), value }
}

#[cfg(test)]
mod tests {
    use super::super::gamepad::Span;
    use super::*;

    fn pad() -> Pad {
        let spans = [(0, -100, 100), (1, -100, 100), (0x10, -1, 1)].map(|(code, min, max)| Span { code, min, max });
        Pad::new(0, PadAbout::default(), PadMap::new(true, false, &spans))
    }

    fn at(us: i64) -> MonoNs {
        MonoNs(us * 1000)
    }

    fn value(change: &PadChange) -> f32 {
        match change {
            PadChange::Axis { value, .. } => *value,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_report_of_a_fast_pad_is_told_with_its_own_time() {
        let mut pad = pad();
        for report in 0..20_000 {
            // A little faster than it says, and with both axes.
            let t = at(report * 9_999 / 10);
            let raw = (report % 100) as i32 + 1;
            assert!(pad.axis(t, 0, raw).is_empty() && pad.axis(t, 1, -raw).is_empty());
            let (left_out, told) = pad.report(t, true);
            assert!(left_out.is_none(), "report {report}");
            assert_eq!(told.iter().map(|(t, _)| *t).collect::<Vec<_>>(), [t, t]);
        }
    }

    #[test]
    fn what_comes_too_fast_is_counted_and_its_end_is_told() {
        let mut pad = pad();
        let (mut told, mut left_out) = (Vec::new(), 0);
        for report in 0..8000 {
            let t = at(report * 125);
            assert!(pad.axis(t, 0, (report % 99) as i32 + 1).is_empty());
            let (missing, news) = pad.report(t, true);
            left_out += missing.map_or(0, |missing| missing.count);
            told.extend(news);
        }
        assert!((1000..=1101).contains(&told.len()), "{} in a second", told.len());
        // Nothing comes any more: where it came to rest is told, with the time at which it did.
        assert_eq!(pad.report(at(7999 * 125), false).1, []);
        let (missing, news) = pad.report(at(1_020_000), false);
        left_out += missing.map_or(0, |missing| missing.count);
        told.extend(news);
        let (t, last) = told.last().expect("an end");
        assert_eq!((*t, value(last)), (at(7999 * 125), ((7999 % 99) + 1) as f32 / 100.0));
        assert_eq!(pad.report(at(1_021_000), false).0, None, "it may go on at once");
        left_out += pad.report(at(1_121_000), false).0.map_or(0, |missing| missing.count);
        assert_eq!(told.len() as u64 + left_out, 8000, "every report was told or counted");
        assert_eq!(pad.report(at(2_000_000), false), (None, vec![]));
    }

    #[test]
    fn a_direction_goes_over_to_the_other_by_way_of_none() {
        let mut pad = pad();
        let said = |changes: Vec<PadChange>| -> Vec<(PadControl, bool)> {
            let button = |change| match change {
                PadChange::Button { control: Some(control), pressed, native: 0x10 } => (control, pressed),
                other => panic!("{other:?}"),
            };
            changes.into_iter().map(button).collect()
        };
        assert_eq!(said(pad.axis(at(1), 0x10, -1)), [(PadControl::DpadLeft, true)]);
        assert_eq!(said(pad.axis(at(2), 0x10, 1)), [(PadControl::DpadLeft, false), (PadControl::DpadRight, true)]);
        assert_eq!(said(pad.release()), [(PadControl::DpadRight, false)]);
    }

    #[test]
    fn after_a_loss_the_device_is_asked() {
        let mut pad = pad();
        assert!(pad.button(0x130, true).is_some() && pad.button(0x130, true).is_none());
        assert!(pad.button(0x131, true).is_some());
        assert!(pad.axis(at(1), 0, 50).is_empty());
        assert_eq!(pad.report(at(1), true).1.len(), 1);
        let told = pad.compare(at(9), &BTreeSet::from([0x131, 0x136]), &[(0, 0), (1, 100), (0x10, 1)]);
        let pressed: Vec<_> = told
            .iter()
            .map(|change| match change {
                PadChange::Button { native, pressed, .. } => (*native, *pressed),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(pressed, [(0x130, false), (0x136, true), (0x10, true)]);
        let (_, axes) = pad.report(at(9), true);
        assert_eq!(axes.iter().map(|(_, change)| value(change)).collect::<Vec<_>>(), [0.0, 1.0]);
        assert_eq!(pad.release().len(), 4);
        assert_eq!(pad.state().len(), 4, "behind an edge it holds what it did");
    }
}
