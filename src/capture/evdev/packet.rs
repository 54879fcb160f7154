//! From events of one device to inputs: a packet ends with a report, and what is in it happened at once.
//!
//! Pure. After events were lost nothing is taken until the next report; then the caller compares what the device holds.

use super::decode::{
    BTN_JOYSTICK, BTN_MISC, BTN_MOUSE, EV_ABS, EV_KEY, EV_REL, EV_SYN, REL_HWHEEL, REL_HWHEEL_HI_RES, REL_WHEEL,
    REL_WHEEL_HI_RES, REL_X, REL_Y, RawEvent, SYN_DROPPED, SYN_REPORT,
};
use super::gamepad::FIRST_OTHER_AXIS;
use crate::base::event::{Axis, Button};

/// Steps of a wheel's high resolution in one notch.
const HI_RES_STEPS: f64 = 120.0;
/// The most things in one packet: a keyboard has fewer keys.
const MAX_PACKET: usize = 512;

/// What a device did.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Deed {
    /// A key of a keyboard.
    Key {
        code: u16,
        down: bool,
        repeat: bool,
    },
    /// A button of a mouse.
    Button {
        code: u16,
        pressed: bool,
    },
    /// Relative motion, in the device's counts.
    Motion {
        dx: f64,
        dy: f64,
    },
    Wheel {
        axis: Axis,
        delta: f64,
        hi_res: bool,
    },
    /// A button of a gamepad.
    PadButton {
        code: u16,
        pressed: bool,
    },
    /// An axis of a gamepad is at a value.
    PadAxis {
        code: u16,
        raw: i32,
    },
    /// The packet of a gamepad has ended.
    PadReport,
    /// Events were lost: what is held must be asked for.
    Dropped,
}

/// What of a device is taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Takes {
    /// Its relative axes are motion of a pointer.
    pub(super) motion: bool,
    /// It tells each wheel in high resolution.
    pub(super) hi_res: bool,
    pub(super) hi_res_across: bool,
    /// It is a gamepad: all its keys are buttons of that.
    pub(super) pad: bool,
}

/// Gathers the packets of one device.
#[derive(Default)]
pub(super) struct Packets {
    takes: Takes,
    waiting: Vec<Deed>,
    moved: Option<(f64, f64)>,
    /// Events were lost, and the next report has not come.
    lost: bool,
}

impl Packets {
    pub(super) fn new(takes: Takes) -> Self {
        Self { takes, ..Self::default() }
    }

    /// Forgets what it has of a packet that did not end, and a loss.
    pub(super) fn reset(&mut self) {
        *self = Self::new(self.takes);
    }

    /// Takes an event; what a packet holds, once it has ended.
    pub(super) fn take(&mut self, event: RawEvent, out: &mut Vec<(i64, Deed)>) {
        match (event.kind, event.code) {
            (EV_SYN, SYN_DROPPED) => {
                self.lost = true;
                self.waiting.clear();
                self.moved = None;
            }
            (EV_SYN, SYN_REPORT) => {
                if std::mem::take(&mut self.lost) {
                    out.push((event.t_ns, Deed::Dropped));
                    return;
                }
                let motion = self.moved.take().map(|(dx, dy)| Deed::Motion { dx, dy });
                let report = (self.takes.pad && !self.waiting.is_empty()).then_some(Deed::PadReport);
                let deeds = motion.into_iter().chain(self.waiting.drain(..)).chain(report);
                out.extend(deeds.map(|deed| (event.t_ns, deed)));
            }
            _ if self.lost || self.waiting.len() >= MAX_PACKET => {}
            (EV_KEY, code) if self.takes.pad => self.waiting.extend(pad_button(code, event.value)),
            (EV_KEY, code) => self.waiting.extend(key(code, event.value)),
            (EV_ABS, code) if self.takes.pad && code < FIRST_OTHER_AXIS => {
                self.waiting.push(Deed::PadAxis { code, raw: event.value });
            }
            (EV_REL, axis) => self.turn(axis, f64::from(event.value)),
            _ => {}
        }
    }

    fn turn(&mut self, axis: u16, value: f64) {
        let moved = |at: Option<(f64, f64)>, by: (f64, f64)| {
            let (x, y) = at.unwrap_or_default();
            Some((x + by.0, y + by.1))
        };
        let Takes { motion, hi_res, hi_res_across, .. } = self.takes;
        let wheel = match axis {
            REL_X if motion => {
                self.moved = moved(self.moved, (value, 0.0));
                None
            }
            REL_Y if motion => {
                self.moved = moved(self.moved, (0.0, value));
                None
            }
            REL_WHEEL_HI_RES if hi_res => Some((Axis::Vertical, value / HI_RES_STEPS, true)),
            REL_WHEEL if !hi_res => Some((Axis::Vertical, value, false)),
            REL_HWHEEL_HI_RES if hi_res_across => Some((Axis::Horizontal, value / HI_RES_STEPS, true)),
            REL_HWHEEL if !hi_res_across => Some((Axis::Horizontal, value, false)),
            _ => None,
        };
        self.waiting.extend(wheel.map(|(axis, delta, hi_res)| Deed::Wheel { axis, delta, hi_res }));
    }
}

fn key(code: u16, value: i32) -> Option<Deed> {
    match (code, value) {
        (0..BTN_MISC, 0..=2) => Some(Deed::Key { code, down: value != 0, repeat: value == 2 }),
        (BTN_MOUSE..BTN_JOYSTICK, 0 | 1) => Some(Deed::Button { code, pressed: value == 1 }),
        // Fingers and tools of touchpads, buttons of gamepads.
        _ => None,
    }
}

fn pad_button(code: u16, value: i32) -> Option<Deed> {
    matches!(value, 0 | 1).then_some(Deed::PadButton { code, pressed: value == 1 })
}

/// Returns the button of a mouse with this code; `None` for one that the format has no name for.
pub(super) fn button(code: u16) -> Option<Button> {
    Some(match code {
        0x110 => Button::Left,
        0x111 => Button::Right,
        0x112 => Button::Middle,
        // Side and extra, which browsers take for back and forward.
        0x113 => Button::X1,
        0x114 => Button::X2,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: u16, code: u16, value: i32) -> RawEvent {
        RawEvent { t_ns: 7, kind, code, value }
    }

    fn deeds(takes: Takes, events: &[(u16, u16, i32)]) -> Vec<Deed> {
        let (mut packets, mut out) = (Packets::new(takes), Vec::new());
        for (kind, code, value) in events {
            packets.take(event(*kind, *code, *value), &mut out);
        }
        out.into_iter().map(|(_, deed)| deed).collect()
    }

    const END: (u16, u16, i32) = (EV_SYN, SYN_REPORT, 0);

    #[test]
    fn a_packet_is_one_motion_and_its_keys() {
        let takes = Takes { motion: true, ..Takes::default() };
        let packet = [(EV_REL, REL_X, 3), (EV_REL, REL_Y, -4), (EV_KEY, 0x110, 1), (4, 4, 0x90001)];
        assert_eq!(deeds(takes, &packet), [], "it has not ended");
        let all = [&packet[..], &[END, (EV_KEY, 30, 1), END, (EV_KEY, 30, 2), END, (EV_KEY, 30, 0), END]].concat();
        let key = |down, repeat| Deed::Key { code: 30, down, repeat };
        let expected = [
            Deed::Motion { dx: 3.0, dy: -4.0 },
            Deed::Button { code: 0x110, pressed: true },
            key(true, false),
            key(true, true),
            key(false, false),
        ];
        assert_eq!(deeds(takes, &all), expected);
        assert_eq!(deeds(Takes::default(), &[packet[0], END]), [], "motion of a touchpad");
    }

    #[test]
    fn a_wheel_is_read_once_in_its_best_resolution() {
        let turn = [(EV_REL, REL_WHEEL, -1), (EV_REL, REL_WHEEL_HI_RES, -120), (EV_REL, REL_HWHEEL, 1), END];
        let fine = Takes { hi_res: true, ..Takes::default() };
        let across = Deed::Wheel { axis: Axis::Horizontal, delta: 1.0, hi_res: false };
        assert_eq!(deeds(fine, &turn), [Deed::Wheel { axis: Axis::Vertical, delta: -1.0, hi_res: true }, across]);
        let coarse = Deed::Wheel { axis: Axis::Vertical, delta: -1.0, hi_res: false };
        assert_eq!(deeds(Takes::default(), &turn), [coarse, across]);
    }

    #[test]
    fn a_packet_of_a_gamepad_is_its_buttons_and_axes() {
        let takes = Takes { pad: true, ..Takes::default() };
        let all = [(EV_ABS, 0, -5), (EV_KEY, 0x130, 1), (EV_ABS, 0x28, 9), (EV_KEY, 0x130, 2), END, END];
        let expected =
            [Deed::PadAxis { code: 0, raw: -5 }, Deed::PadButton { code: 0x130, pressed: true }, Deed::PadReport];
        assert_eq!(deeds(takes, &all), expected);
        assert_eq!(deeds(Takes::default(), &all), [], "of what is no gamepad");
    }

    #[test]
    fn what_was_lost_is_told_once_and_its_packet_is_not_taken() {
        let events = [(EV_KEY, 30, 1), (EV_SYN, SYN_DROPPED, 0), (EV_KEY, 31, 1), END, (EV_KEY, 32, 1), END];
        let after = Deed::Key { code: 32, down: true, repeat: false };
        assert_eq!(deeds(Takes::default(), &events), [Deed::Dropped, after]);
        assert_eq!(deeds(Takes::default(), &[(EV_KEY, 0x14a, 1), (EV_KEY, 30, 7), END]), [], "a finger, and nonsense");
    }
}
