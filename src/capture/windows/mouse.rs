//! From a raw mouse event to motion, buttons and wheels.
//!
//! Pure. Invariant: absolute coordinates (remote desktops, virtual machines, tablets) are places and never become motion: what lies between two
//! of them was not measured.

use crate::base::event::{Area, Axis, Button};
use crate::capture::RawInput;

/// The coordinates are a place (`MOUSE_MOVE_ABSOLUTE`).
const ABSOLUTE: u16 = 1;
/// … on the whole desktop (`MOUSE_VIRTUAL_DESKTOP`), else on the primary monitor.
const WHOLE_DESKTOP: u16 = 2;
/// Bits of `usButtonFlags`: down and up of each button.
const BUTTONS: [(u16, Button, bool); 10] = [
    (0x0001, Button::Left, true),
    (0x0002, Button::Left, false),
    (0x0004, Button::Right, true),
    (0x0008, Button::Right, false),
    (0x0010, Button::Middle, true),
    (0x0020, Button::Middle, false),
    (0x0040, Button::X1, true),
    (0x0080, Button::X1, false),
    (0x0100, Button::X2, true),
    (0x0200, Button::X2, false),
];
const WHEEL: u16 = 0x0400;
const WHEEL_ACROSS: u16 = 0x0800;
/// One notch of a wheel.
const NOTCH: i16 = 120;
/// Absolute coordinates are 0 to this.
const FULL: f64 = 65535.0;

/// What a raw mouse event says (`RAWMOUSE`), and of which device.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct MousePacket {
    pub(super) device: u64,
    pub(super) flags: u16,
    pub(super) x: i32,
    pub(super) y: i32,
    pub(super) buttons: u16,
    pub(super) data: i16,
}

/// What an event is read by: where absolute coordinates lie, and which buttons are the primary ones.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Setting {
    pub(super) primary: Area,
    pub(super) desktop: Area,
    /// The person has exchanged the left and the right button.
    pub(super) swapped: bool,
}

/// Whether a button goes down, by which the focus may move.
pub(super) fn is_press(packet: &MousePacket) -> bool {
    BUTTONS.iter().any(|(bit, _, pressed)| *pressed && packet.buttons & bit != 0)
}

/// Reads an event: what moved first, then buttons, then wheels. `pointer` is where the system has the pointer now; that is the place of a
/// motion only when no other motion came behind it (`is_last`).
pub(super) fn read(
    packet: &MousePacket,
    setting: &Setting,
    pointer: Option<(f64, f64)>,
    is_last: bool,
) -> Vec<RawInput> {
    let mut told = Vec::new();
    let is_absolute = packet.flags & ABSOLUTE != 0;
    let position = if is_absolute { Some(place(packet, setting)) } else { pointer };
    let moved = (packet.x, packet.y) != (0, 0);
    if is_absolute && (moved || packet.buttons == 0) {
        told.push(RawInput::Motion { position, motion: None, warped: false });
    } else if moved && !is_absolute {
        let motion = Some((f64::from(packet.x), f64::from(packet.y)));
        told.push(RawInput::Motion { position: position.filter(|_| is_last), motion, warped: false });
    }
    for (bit, button, pressed) in BUTTONS {
        if packet.buttons & bit != 0 {
            told.push(RawInput::Button { button: named(button, setting.swapped), pressed, position });
        }
    }
    for (bit, axis) in [(WHEEL, Axis::Vertical), (WHEEL_ACROSS, Axis::Horizontal)] {
        if packet.buttons & bit != 0 && packet.data != 0 {
            let delta = f64::from(packet.data) / f64::from(NOTCH);
            told.push(RawInput::Wheel { axis, delta, hi_res: packet.data % NOTCH != 0, position });
        }
    }
    told
}

/// A button by what it does: the system applies the exchange only after raw input.
pub(super) fn named(button: Button, swapped: bool) -> Button {
    match button {
        Button::Left if swapped => Button::Right,
        Button::Right if swapped => Button::Left,
        other => other,
    }
}

/// Where absolute coordinates are on the desktop, pixels.
fn place(packet: &MousePacket, setting: &Setting) -> (f64, f64) {
    let area = if packet.flags & WHOLE_DESKTOP != 0 { setting.desktop } else { setting.primary };
    let along = |at: i32, start: i32, length: u32| {
        f64::from(start) + f64::from(at) * f64::from(length.saturating_sub(1)) / FULL
    };
    (along(packet.x, area.x, area.width), along(packet.y, area.y, area.height))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTING: Setting = Setting {
        primary: Area { x: 0, y: 0, width: 1920, height: 1080 },
        desktop: Area { x: -1280, y: -200, width: 3200, height: 1280 },
        swapped: false,
    };
    const AT: Option<(f64, f64)> = Some((5.0, 6.0));

    fn told(packet: MousePacket) -> Vec<RawInput> {
        read(&packet, &SETTING, AT, true)
    }

    #[test]
    fn motion_is_in_counts_beside_the_pointer() {
        let packet = MousePacket { x: -7, y: 3, ..MousePacket::default() };
        let moved = RawInput::Motion { position: AT, motion: Some((-7.0, 3.0)), warped: false };
        assert!(told(packet) == [moved]);
        assert!(told(MousePacket::default()).is_empty(), "an event without anything");
        // Another motion came behind it, so the pointer was not there yet.
        let moved = RawInput::Motion { position: None, motion: Some((-7.0, 3.0)), warped: false };
        assert!(read(&packet, &SETTING, AT, false) == [moved]);
    }

    #[test]
    fn absolute_coordinates_are_places_and_never_motion() {
        let centre = MousePacket { flags: ABSOLUTE, x: 65535, y: 0, ..MousePacket::default() };
        for (flags, expected) in [(ABSOLUTE, (1919.0, 0.0)), (ABSOLUTE | WHOLE_DESKTOP, (-1280.0 + 3199.0, -200.0))] {
            let all = told(MousePacket { flags, ..centre });
            let [RawInput::Motion { position: Some(at), motion: None, warped: false }] = all[..] else {
                panic!("{} inputs", all.len())
            };
            assert!((at.0 - expected.0).abs() < 1e-9 && (at.1 - expected.1).abs() < 1e-9, "{at:?}");
        }
        // The corner of the monitor is a place too.
        assert_eq!(told(MousePacket { flags: ABSOLUTE, ..MousePacket::default() }).len(), 1);
        let click = MousePacket { flags: ABSOLUTE, x: 9, y: 9, buttons: 1, ..MousePacket::default() };
        assert!(matches!(told(click)[..], [RawInput::Motion { motion: None, .. }, RawInput::Button { .. }]));
    }

    #[test]
    fn buttons_are_told_one_by_one_behind_the_motion() {
        for (bit, button, pressed) in BUTTONS {
            let all = told(MousePacket { x: 1, buttons: bit, ..MousePacket::default() });
            let [RawInput::Motion { .. }, ref changed] = all[..] else { panic!("{} inputs", all.len()) };
            assert!(*changed == RawInput::Button { button, pressed, position: AT });
            assert_eq!(is_press(&MousePacket { buttons: bit, ..MousePacket::default() }), pressed);
        }
        assert_eq!(told(MousePacket { buttons: 0x0006, ..MousePacket::default() }).len(), 2);
    }

    #[test]
    fn buttons_that_are_exchanged_are_named_by_what_they_do() {
        let swapped = Setting { swapped: true, ..SETTING };
        let all = read(&MousePacket { buttons: 0x0001 | 0x0010, ..MousePacket::default() }, &swapped, AT, true);
        let is = |input: &RawInput, wanted| matches!(input, RawInput::Button { button, .. } if *button == wanted);
        assert!(is(&all[0], Button::Right) && is(&all[1], Button::Middle));
    }

    #[test]
    fn both_wheels_turn_in_notches_and_parts_of_them() {
        for (buttons, axis) in [(WHEEL, Axis::Vertical), (WHEEL_ACROSS, Axis::Horizontal)] {
            for (data, delta, hi_res) in [(120, 1.0, false), (-240, -2.0, false), (40, 1.0 / 3.0, true)] {
                let all = told(MousePacket { buttons, data, ..MousePacket::default() });
                assert!(all == [RawInput::Wheel { axis, delta, hi_res, position: AT }], "{data}");
            }
        }
    }
}
