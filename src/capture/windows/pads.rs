//! Gamepads as XInput tells of them: from what a pad says when it is asked to changes of its controls.
//!
//! Why XInput: it hears pads whatever window is active, which Windows.Gaming.Input does not promise, and its controls are those of the standard mapping,
//! where Raw Input has reports whose meaning each device decides for itself, and both triggers of an Xbox pad on one axis. What it costs: only pads that
//! speak XInput, four of them, without the guide button; and they are asked, so what lies between two answers is not told one by one. Pure.

use crate::base::pad::{PadAbout, PadChange, PadControl};
use crate::base::time::MonoNs;

/// How long changes that nobody was told of are counted together.
const TELL_NS: i64 = 1_000_000_000;

/// What a pad says (`XINPUT_STATE`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Report {
    /// Goes up by one with each change.
    pub(super) number: u32,
    pub(super) buttons: u16,
    /// Left and right, 0 to 255.
    pub(super) triggers: [u8; 2],
    /// Left and right stick: right and up are positive.
    pub(super) sticks: [i16; 4],
}

/// The bits of buttons, which are their `native` code as well.
const BUTTONS: [(u16, PadControl); 14] = [
    (0x1000, PadControl::South),
    (0x2000, PadControl::East),
    (0x4000, PadControl::West),
    (0x8000, PadControl::North),
    (0x0100, PadControl::LeftShoulder),
    (0x0200, PadControl::RightShoulder),
    (0x0020, PadControl::Back),
    (0x0010, PadControl::Start),
    (0x0040, PadControl::LeftStick),
    (0x0080, PadControl::RightStick),
    (0x0001, PadControl::DpadUp),
    (0x0002, PadControl::DpadDown),
    (0x0004, PadControl::DpadLeft),
    (0x0008, PadControl::DpadRight),
];
/// The axes, in the order of their `native` code.
const AXES: [PadControl; 6] = [
    PadControl::LeftX,
    PadControl::LeftY,
    PadControl::RightX,
    PadControl::RightY,
    PadControl::LeftTrigger,
    PadControl::RightTrigger,
];

/// Where the axes are.
fn axes(report: &Report) -> [f32; 6] {
    let [left_x, left_y, right_x, right_y] = report.sticks;
    // Each side is scaled on its own, so that rest is rest and both ends are reached; down is positive here.
    let tilt = |raw: i16| f32::from(raw) / if raw < 0 { 32768.0 } else { 32767.0 };
    let down = |raw: i16| if raw == 0 { 0.0 } else { -tilt(raw) };
    let press = |raw: u8| f32::from(raw) / 255.0;
    let [left, right] = report.triggers;
    [tilt(left_x), down(left_y), tilt(right_x), down(right_y), press(left), press(right)]
}

/// Changes that came and went between two answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Missed {
    pub(super) since: MonoNs,
    pub(super) until: MonoNs,
    pub(super) count: u64,
}

/// A pad that is there.
pub(super) struct XPad {
    /// Its number, from 0.
    pub(super) number: u8,
    /// What was told of it.
    told: Report,
    last: Option<u32>,
    missed: Option<Missed>,
}

impl XPad {
    pub(super) fn new(number: u8) -> Self {
        Self { number, told: Report::default(), last: None, missed: None }
    }

    /// That it is there. XInput tells no name; `slot` is the number by which it knows the pad.
    pub(super) fn connected(slot: u32) -> PadChange {
        PadChange::Connected(PadAbout { name: name(slot), vendor: None, product: None, standard: true })
    }

    /// Takes an answer: what changed since what was told.
    pub(super) fn look(&mut self, report: &Report, t: MonoNs) -> Vec<PadChange> {
        let skipped = self.last.map_or(0, |last| report.number.wrapping_sub(last).saturating_sub(1));
        // Where the numbers begin anew, nothing can be said.
        if skipped > 0 && skipped < u32::from(u16::MAX) {
            let missed = self.missed.get_or_insert(Missed { since: t, until: t, count: 0 });
            (missed.until, missed.count) = (t, missed.count + u64::from(skipped));
        }
        self.last = Some(report.number);
        let before = std::mem::replace(&mut self.told, *report);
        changes(&before, report)
    }

    /// What was not told, when it is due or at the end.
    pub(super) fn missed(&mut self, t: MonoNs, at_end: bool) -> Option<Missed> {
        let is_due = |missed: &mut Missed| at_end || t.0.saturating_sub(missed.since.0) >= TELL_NS;
        self.missed.take_if(is_due)
    }

    /// Nothing of it is told from here on: what was told to be held, let go of. What changes meanwhile is not missed.
    pub(super) fn release(&mut self) -> Vec<PadChange> {
        self.last = None;
        let before = std::mem::take(&mut self.told);
        changes(&before, &Report::default())
    }
}

/// The name of the pad with this number.
pub(super) fn name(slot: u32) -> String {
    format!("XInput gamepad {}", slot + 1)
}

/// From one answer to the next: what goes up first, then what goes down, then what moved.
fn changes(before: &Report, after: &Report) -> Vec<PadChange> {
    let turned = |pressed: bool| {
        BUTTONS.into_iter().filter_map(move |(bit, control)| {
            let is_so = (before.buttons ^ after.buttons) & bit != 0 && (after.buttons & bit != 0) == pressed;
            is_so.then(|| PadChange::Button { control: Some(control), native: bit.into(), pressed })
        })
    };
    let (old, new) = (axes(before), axes(after));
    let moved = AXES.into_iter().zip(0_u32..).filter_map(move |(control, native)| {
        let (old, value) = (old[native as usize], new[native as usize]);
        (old.to_bits() != value.to_bits()).then_some(PadChange::Axis { control: Some(control), native, value })
    });
    turned(false).chain(turned(true)).chain(moved).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> MonoNs {
        MonoNs(ms * 1_000_000)
    }

    #[test]
    fn each_button_is_a_control_of_its_own() {
        let mut seen = std::collections::BTreeSet::new();
        for (bit, control) in BUTTONS {
            let mut pad = XPad::new(0);
            let down = pad.look(&Report { number: 1, buttons: bit, ..Report::default() }, at(1));
            assert_eq!(down, [PadChange::Button { control: Some(control), native: bit.into(), pressed: true }]);
            let up = pad.look(&Report { number: 2, ..Report::default() }, at(2));
            assert_eq!(up, [PadChange::Button { control: Some(control), native: bit.into(), pressed: false }]);
            assert!(seen.insert(control) && bit.is_power_of_two());
        }
        // All of the standard mapping but the triggers, which are axes, and the guide button.
        assert_eq!(seen.len(), PadControl::BUTTONS - 3);
    }

    #[test]
    fn axes_reach_both_ends_rest_at_nought_and_down_is_positive() {
        let value = |triggers, sticks| axes(&Report { triggers, sticks, ..Report::default() }).map(f32::to_bits);
        let ends = [-1.0, 1.0, 1.0, -1.0, 0.0, 1.0].map(f32::to_bits);
        assert_eq!(value([0, 255], [i16::MIN, i16::MIN, i16::MAX, i16::MAX]), ends);
        assert_eq!(value([0; 2], [0; 4]), [0; 6], "no sign at rest");
        let mut pad = XPad::new(0);
        let told = pad.look(&Report { triggers: [51, 0], sticks: [0, 16384, 0, 0], ..Report::default() }, at(1));
        let PadChange::Axis { control: Some(PadControl::LeftY), native: 1, value } = told[0] else {
            panic!("{told:?}")
        };
        assert!((value + 0.5).abs() < 1e-4, "{value}");
        assert_eq!(told[1], PadChange::Axis { control: Some(PadControl::LeftTrigger), native: 4, value: 0.2 });
        assert_eq!(told.len(), 2);
    }

    #[test]
    fn what_is_let_go_of_is_told_before_what_is_pressed() {
        let mut pad = XPad::new(0);
        pad.look(&Report { buttons: 0x0004, ..Report::default() }, at(1));
        let told = pad.look(&Report { buttons: 0x0008, ..Report::default() }, at(2));
        let pressed: Vec<bool> =
            told.iter().map(|change| matches!(change, PadChange::Button { pressed: true, .. })).collect();
        assert_eq!(pressed, [false, true]);
        assert_eq!(pad.release().len(), 1);
        assert!(pad.release().is_empty());
        // Behind an edge it holds what it did, and what changed meanwhile is no loss.
        assert_eq!(pad.look(&Report { number: 900, buttons: 0x0008, ..Report::default() }, at(3)).len(), 1);
        assert_eq!(pad.missed(at(4), true), None);
    }

    #[test]
    fn changes_between_two_answers_are_counted() {
        let mut pad = XPad::new(0);
        for (number, ms) in [(7, 0), (8, 4), (11, 8), (11, 12), (13, 500)] {
            pad.look(&Report { number, ..Report::default() }, at(ms));
        }
        assert_eq!(pad.missed(at(900), false), None);
        let missed = Missed { since: at(8), until: at(500), count: 3 };
        assert_eq!(pad.missed(at(1_008), false), Some(missed));
        assert_eq!(pad.missed(at(2_000), true), None);
        pad.look(&Report { number: 15, ..Report::default() }, at(2_000));
        assert_eq!(pad.missed(at(2_001), true).map(|missed| missed.count), Some(1));
        assert_eq!(XPad::new(3).number, 3);
        // It was plugged in anew.
        pad.look(&Report { number: 1, ..Report::default() }, at(2_100));
        assert_eq!(pad.missed(at(9_000), true), None);
        assert!(
            matches!(XPad::connected(0), PadChange::Connected(about) if about.name.ends_with('1') && about.standard)
        );
    }
}
