//! The controls of a gamepad, from the kernel's codes: which control a code is by the standard mapping, and where an axis is between its ends.
//!
//! By the kernel's specification of gamepads (`Documentation/input/gamepad.rst`), and what drivers do beside it. A device that is none of these (a
//! joystick, a wheel) has controls without names, which their codes tell apart. Pure.

use crate::base::pad::PadControl;

/// The first absolute axis that no control of a gamepad is.
pub(super) const FIRST_OTHER_AXIS: u16 = 0x18;

const ABS_X: u16 = 0x00;
const ABS_Y: u16 = 0x01;
const ABS_Z: u16 = 0x02;
const ABS_RX: u16 = 0x03;
const ABS_RY: u16 = 0x04;
const ABS_RZ: u16 = 0x05;
const ABS_GAS: u16 = 0x09;
const ABS_BRAKE: u16 = 0x0a;
const ABS_HAT0X: u16 = 0x10;
const ABS_HAT0Y: u16 = 0x11;
const ABS_HAT1X: u16 = 0x12;
const ABS_HAT1Y: u16 = 0x13;
const ABS_HAT2X: u16 = 0x14;
const ABS_HAT2Y: u16 = 0x15;

/// The ends of an axis, as the device says, and where it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Span {
    pub(super) code: u16,
    pub(super) min: i32,
    pub(super) max: i32,
}

/// What an axis is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Role {
    /// A stick, or something without a name.
    Tilts(Option<PadControl>),
    /// A trigger.
    Presses(PadControl),
    /// Two buttons of the directional pad: towards the least and the greatest value.
    Directions(PadControl, PadControl),
}

/// Where a value of an axis puts what.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Place {
    Axis {
        control: Option<PadControl>,
        value: f32,
    },
    /// Two buttons, of which one at most is down.
    Buttons([(PadControl, bool); 2]),
}

/// The controls of one device.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct PadMap {
    pub(super) standard: bool,
    /// The driver names the left and the upper button by the letters on Xbox pads, X and Y, and not by where they are.
    letters: bool,
    axes: Vec<(Span, Role)>,
}

impl PadMap {
    /// The controls of a device with these axes; an axis without an extent is none.
    pub(super) fn new(standard: bool, letters: bool, spans: &[Span]) -> Self {
        let has = |code| spans.iter().any(|span| span.code == code);
        let has_tilts = has(ABS_RX) && has(ABS_RY);
        let role = |code| {
            use PadControl as C;
            match code {
                _ if !standard => Role::Tilts(None),
                ABS_X => Role::Tilts(Some(C::LeftX)),
                ABS_Y => Role::Tilts(Some(C::LeftY)),
                ABS_RX if has_tilts => Role::Tilts(Some(C::RightX)),
                ABS_RY if has_tilts => Role::Tilts(Some(C::RightY)),
                // Triggers where the right stick has axes of its own, else the right stick.
                ABS_Z if has_tilts => Role::Presses(C::LeftTrigger),
                ABS_RZ if has_tilts => Role::Presses(C::RightTrigger),
                ABS_Z if has(ABS_RZ) => Role::Tilts(Some(C::RightX)),
                ABS_RZ if has(ABS_Z) => Role::Tilts(Some(C::RightY)),
                ABS_BRAKE if !has_tilts && has(ABS_GAS) => Role::Presses(C::LeftTrigger),
                ABS_GAS if !has_tilts && has(ABS_BRAKE) => Role::Presses(C::RightTrigger),
                ABS_HAT0X => Role::Directions(C::DpadLeft, C::DpadRight),
                ABS_HAT0Y => Role::Directions(C::DpadUp, C::DpadDown),
                ABS_HAT1X => Role::Presses(C::RightShoulder),
                ABS_HAT1Y => Role::Presses(C::LeftShoulder),
                ABS_HAT2X if !has_tilts || !has(ABS_RZ) => Role::Presses(C::RightTrigger),
                ABS_HAT2Y if !has_tilts || !has(ABS_Z) => Role::Presses(C::LeftTrigger),
                _ => Role::Tilts(None),
            }
        };
        let axes = spans.iter().filter(|span| span.max > span.min).map(|span| (*span, role(span.code))).collect();
        Self { standard, letters, axes }
    }

    /// The control of a button.
    pub(super) fn button(&self, code: u16) -> Option<PadControl> {
        use PadControl as C;
        if !self.standard {
            return None;
        }
        let (third, fourth) = if self.letters { (C::West, C::North) } else { (C::North, C::West) };
        Some(match code {
            0x130 => C::South,
            0x131 => C::East,
            0x133 => third,
            0x134 => fourth,
            0x136 => C::LeftShoulder,
            0x137 => C::RightShoulder,
            0x138 => C::LeftTrigger,
            0x139 => C::RightTrigger,
            0x13a => C::Back,
            0x13b => C::Start,
            0x13c => C::Guide,
            0x13d => C::LeftStick,
            0x13e => C::RightStick,
            0x220 => C::DpadUp,
            0x221 => C::DpadDown,
            0x222 => C::DpadLeft,
            0x223 => C::DpadRight,
            _ => return None,
        })
    }

    /// Where a value of an axis puts its control; `None` for an axis that the device does not have.
    pub(super) fn axis(&self, code: u16, raw: i32) -> Option<Place> {
        let (span, role) = self.axes.iter().find(|(span, _)| span.code == code)?;
        let (raw, min, max) = (f64::from(raw), f64::from(span.min), f64::from(span.max));
        let share = ((raw - min) / (max - min)).clamp(0.0, 1.0);
        Some(match role {
            Role::Presses(control) => Place::Axis { control: Some(*control), value: share as f32 },
            Role::Directions(low, high) => {
                let middle = f64::midpoint(min, max);
                Place::Buttons([(*low, raw < middle), (*high, raw > middle)])
            }
            Role::Tilts(control) => {
                // Where the range has a sign, 0 is the middle: each side is scaled on its own, so that rest is rest.
                let value = match raw {
                    _ if min >= 0.0 || max <= 0.0 => share * 2.0 - 1.0,
                    raw if raw < 0.0 => -(raw / min).min(1.0),
                    raw => (raw / max).min(1.0),
                };
                Place::Axis { control: *control, value: value as f32 }
            }
        })
    }

    /// The codes of the axes.
    pub(super) fn axes(&self) -> impl Iterator<Item = u16> + '_ {
        self.axes.iter().map(|(span, _)| span.code)
    }
}

/// Whether the driver of a device names the left and the upper button by letters: `xpad` does, and Microsoft's own pads over Bluetooth.
pub(super) fn goes_by_letters(vendor: u16, name: &str, driver: Option<&str>) -> bool {
    const MICROSOFT: u16 = 0x045e;
    let name = name.to_ascii_lowercase();
    vendor == MICROSOFT || driver == Some("xpad") || name.contains("x-box") || name.contains("xbox")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(codes: &[(u16, i32, i32)]) -> PadMap {
        let spans: Vec<_> = codes.iter().map(|&(code, min, max)| Span { code, min, max }).collect();
        PadMap::new(true, false, &spans)
    }

    fn axis(map: &PadMap, code: u16, raw: i32) -> (Option<PadControl>, f32) {
        match map.axis(code, raw) {
            Some(Place::Axis { control, value }) => (control, value),
            other => panic!("{code}: {other:?}"),
        }
    }

    #[test]
    fn a_pad_with_two_sticks_and_triggers() {
        use PadControl as C;
        const SIGNED: (i32, i32) = (-32_768, 32_767);
        let sticks = [ABS_X, ABS_Y, ABS_RX, ABS_RY].map(|code| (code, SIGNED.0, SIGNED.1));
        let map = map(
            &[&sticks[..], &[(ABS_Z, 0, 1023), (ABS_RZ, 0, 1023), (ABS_HAT0X, -1, 1), (ABS_HAT0Y, -1, 1)]].concat()
        );
        assert_eq!(axis(&map, ABS_X, 0), (Some(C::LeftX), 0.0), "rest is rest");
        assert_eq!(axis(&map, ABS_Y, SIGNED.0), (Some(C::LeftY), -1.0));
        assert_eq!(axis(&map, ABS_RX, SIGNED.1), (Some(C::RightX), 1.0));
        assert_eq!(axis(&map, ABS_RY, -16_384), (Some(C::RightY), -0.5));
        assert_eq!(axis(&map, ABS_Z, 0), (Some(C::LeftTrigger), 0.0));
        assert_eq!(axis(&map, ABS_RZ, 1023), (Some(C::RightTrigger), 1.0));
        assert_eq!(axis(&map, ABS_RZ, 5000), (Some(C::RightTrigger), 1.0), "beyond its own end");
        let directions = |code, raw| match map.axis(code, raw) {
            Some(Place::Buttons(buttons)) => buttons,
            other => panic!("{other:?}"),
        };
        assert_eq!(directions(ABS_HAT0X, -1), [(C::DpadLeft, true), (C::DpadRight, false)]);
        assert_eq!(directions(ABS_HAT0Y, 1), [(C::DpadUp, false), (C::DpadDown, true)]);
        assert_eq!(directions(ABS_HAT0Y, 0), [(C::DpadUp, false), (C::DpadDown, false)]);
        assert_eq!(map.axis(ABS_GAS, 1), None, "it has none");
    }

    #[test]
    fn a_pad_whose_right_stick_is_z_and_rz() {
        use PadControl as C;
        let bytes = [ABS_X, ABS_Y, ABS_Z, ABS_RZ, ABS_GAS, ABS_BRAKE].map(|code| (code, 0, 255));
        let map = map(&bytes);
        assert_eq!(axis(&map, ABS_Z, 0), (Some(C::RightX), -1.0));
        assert_eq!(axis(&map, ABS_RZ, 255), (Some(C::RightY), 1.0));
        assert_eq!(axis(&map, ABS_GAS, 255), (Some(C::RightTrigger), 1.0));
        assert_eq!(axis(&map, ABS_BRAKE, 51), (Some(C::LeftTrigger), 0.2));
        // Its middle is between two values: neither is made 0.
        assert!(axis(&map, ABS_X, 127).1 < 0.0 && axis(&map, ABS_X, 128).1 > 0.0);
    }

    #[test]
    fn buttons_are_where_they_are_and_not_what_is_printed_on_them() {
        use PadControl as C;
        let [by_place, by_letter] = [false, true].map(|letters| PadMap::new(true, letters, &[]));
        let buttons = |map: &PadMap| [0x130, 0x131, 0x133, 0x134].map(|code| map.button(code));
        assert_eq!(buttons(&by_place), [Some(C::South), Some(C::East), Some(C::North), Some(C::West)]);
        assert_eq!(buttons(&by_letter), [Some(C::South), Some(C::East), Some(C::West), Some(C::North)]);
        assert_eq!((by_place.button(0x2c0), by_place.button(0x223)), (None, Some(C::DpadRight)));
        assert!(goes_by_letters(0x045e, "Controller", None) && goes_by_letters(1, "Generic X-Box pad", None));
        assert!(goes_by_letters(1, "F310", Some("xpad")) && !goes_by_letters(0x054c, "DualSense", Some("playstation")));
    }

    #[test]
    fn joysticks_have_controls_without_names() {
        let joystick =
            PadMap::new(false, false, &[Span { code: 6, min: -127, max: 127 }, Span { code: 0, min: 0, max: 0 }]);
        assert_eq!(axis(&joystick, 6, 127), (None, 1.0));
        assert_eq!((joystick.axis(0, 1), joystick.button(0x120)), (None, None));
    }
}
