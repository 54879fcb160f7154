//! What an event of the server says, read without asking the server anything.

use x11rb::protocol::Event;
use x11rb::protocol::xinput::{RawButtonPressEvent, RawKeyPressEvent};

use super::devices::{Device, Devices, fixed};
use super::path::Step;
use crate::event::{Axis, Button};

/// What an event is, with everything decoded that does not need the pointer's position.
pub(super) enum Decoded {
    Key { event: RawKeyPressEvent, down: bool },
    Button { time: u32, button: Button, pressed: bool },
    Wheel { time: u32, axis: Axis, delta: f64 },
    Move { time: u32, step: Step, raw: Option<(f64, f64)>, injected: bool, scrolls: Vec<(Axis, f64)> },
    Nameless { time: u32 },
    Other(Event),
}

/// Whether the pointer did it.
pub(super) fn is_pointer(event: &Decoded) -> bool {
    matches!(event, Decoded::Button { .. } | Decoded::Wheel { .. } | Decoded::Move { .. } | Decoded::Nameless { .. })
}

/// Reads an event; [`Decoded::Other`] when it is none of an input device, or says nothing new.
pub(super) fn decode(event: Event, devices: &Devices, mapping: &[u8]) -> Decoded {
    match event {
        Event::XinputRawKeyPress(event) => Decoded::Key { event, down: true },
        Event::XinputRawKeyRelease(event) => Decoded::Key { event, down: false },
        Event::XinputRawButtonPress(ref e) => decode_button(e, true, devices, mapping).unwrap_or(Decoded::Other(event)),
        Event::XinputRawButtonRelease(ref e) => {
            decode_button(e, false, devices, mapping).unwrap_or(Decoded::Other(event))
        }
        Event::XinputRawMotion(ref e) => decode_motion(e, devices.get(e.sourceid)).unwrap_or(Decoded::Other(event)),
        other => Decoded::Other(other),
    }
}

/// A button by what it does; `None` when the event says nothing new.
fn decode_button(event: &RawButtonPressEvent, pressed: bool, devices: &Devices, mapping: &[u8]) -> Option<Decoded> {
    let time = event.time;
    // Raw events carry the physical number; a person may have swapped them, or switched one off (0).
    let physical = usize::try_from(event.detail).ok()?.checked_sub(1)?;
    let number = mapping.get(physical).map_or(event.detail, |&mapped| u32::from(mapped));
    if let Some(button) = named_button(number) {
        return Some(Decoded::Button { time, button, pressed });
    }
    let (axis, delta) = match number {
        0 => return None,
        4 => (Axis::Vertical, 1.0),
        5 => (Axis::Vertical, -1.0),
        6 => (Axis::Horizontal, -1.0),
        7 => (Axis::Horizontal, 1.0),
        _ => return pressed.then_some(Decoded::Nameless { time }),
    };
    let scrolls = devices.get(event.sourceid).is_some_and(|d| d.scrolls.iter().any(|scroll| scroll.axis == axis));
    (pressed && !scrolls).then_some(Decoded::Wheel { time, axis, delta })
}

fn decode_motion(event: &RawButtonPressEvent, device: Option<&Device>) -> Option<Decoded> {
    let unknown = Device::default();
    let device = device.unwrap_or(&unknown);
    let (mut raw, mut moved) = ((None, None), (None, None));
    let mut scrolls = Vec::new();
    let set = (0..event.valuator_mask.len() as u32 * 32).filter(|&n| bit(&event.valuator_mask, n));
    for (number, (value, value_raw)) in set.zip(event.axisvalues.iter().zip(&event.axisvalues_raw)) {
        let (value, value_raw) = (fixed(*value), fixed(*value_raw));
        match number {
            0 => (raw.0, moved.0) = (Some(value_raw), Some(value)),
            1 => (raw.1, moved.1) = (Some(value_raw), Some(value)),
            _ => {
                if let Some(scroll) = device.scrolls.iter().find(|scroll| u32::from(scroll.number) == number) {
                    let steps = value_raw / scroll.increment;
                    // The protocol's vertical axis grows downwards; ours upwards.
                    let delta = if scroll.axis == Axis::Vertical { -steps } else { steps };
                    if delta != 0.0 {
                        scrolls.push((scroll.axis, delta));
                    }
                }
            }
        }
    }
    let step = match (raw, device.absolute) {
        ((None, None), _) => Step::Still,
        (_, true) => Step::Jump,
        _ => Step::Numbers(moved.0, moved.1),
    };
    if step == Step::Still && scrolls.is_empty() {
        return None;
    }
    let raw = matches!(step, Step::Numbers(..)).then(|| (raw.0.unwrap_or(0.0), raw.1.unwrap_or(0.0)));
    Some(Decoded::Move { time: event.time, step, raw, injected: device.injected, scrolls })
}

/// The buttons that the format has names for, by X11 number.
fn named_button(number: u32) -> Option<Button> {
    match number {
        1 => Some(Button::Left),
        2 => Some(Button::Middle),
        3 => Some(Button::Right),
        8 => Some(Button::X1),
        9 => Some(Button::X2),
        _ => None,
    }
}

fn bit(words: &[u32], number: u32) -> bool {
    words.get(number as usize / 32).is_some_and(|word| word >> (number % 32) & 1 == 1)
}

/// Buttons whose bit is set in the answer to `XIQueryPointer`.
pub(super) fn buttons_down(buttons: &[u32]) -> impl Iterator<Item = Button> {
    (1..=9).filter(|&number| bit(buttons, number)).filter_map(named_button)
}

/// Keycodes whose bit is set in the answer to `QueryKeymap`.
pub(super) fn keys_down(keys: &[u8; 32]) -> impl Iterator<Item = u32> {
    (0..256_u32).filter(|&code| keys[code as usize / 8] >> (code % 8) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use x11rb::protocol::xinput::Fp3232;

    use super::super::devices::Scroll;
    use super::*;

    fn event(detail: u32, valuators: &[(u32, i32, i32)]) -> RawButtonPressEvent {
        let number = |integral| Fp3232 { integral, frac: 0 };
        let mut event = RawButtonPressEvent { detail, sourceid: 9, ..blank() };
        event.valuator_mask = vec![valuators.iter().fold(0, |mask, (n, ..)| mask | 1 << n)];
        event.axisvalues = valuators.iter().map(|v| number(v.1)).collect();
        event.axisvalues_raw = valuators.iter().map(|v| number(v.2)).collect();
        event
    }

    fn blank() -> RawButtonPressEvent {
        RawButtonPressEvent {
            response_type: 0,
            extension: 0,
            sequence: 0,
            length: 0,
            event_type: 0,
            deviceid: 2,
            time: 77,
            detail: 0,
            sourceid: 0,
            flags: 0_u32.into(),
            valuator_mask: Vec::new(),
            axisvalues: Vec::new(),
            axisvalues_raw: Vec::new(),
        }
    }

    fn wheel_mouse() -> Device {
        let scrolls = vec![
            Scroll { number: 2, axis: Axis::Horizontal, increment: 120.0 },
            Scroll { number: 3, axis: Axis::Vertical, increment: 120.0 },
        ];
        Device { id: 9, scrolls, ..Device::default() }
    }

    #[test]
    fn one_turn_of_a_wheel_is_read_once() {
        let mapping: Vec<u8> = (1..=10).collect();
        let plain = Devices::default();
        let mut smooth = Devices::default();
        smooth.set(vec![wheel_mouse()]);
        let turn = |n, pressed, devices: &Devices| match decode_button(&event(n, &[]), pressed, devices, &mapping) {
            Some(Decoded::Wheel { axis, delta, .. }) => Some((axis, delta)),
            _ => None,
        };
        assert_eq!(turn(4, true, &plain), Some((Axis::Vertical, 1.0)));
        assert_eq!(turn(5, true, &plain), Some((Axis::Vertical, -1.0)));
        assert_eq!(turn(6, true, &plain), Some((Axis::Horizontal, -1.0)));
        assert_eq!(turn(7, true, &plain), Some((Axis::Horizontal, 1.0)));
        assert_eq!(turn(4, false, &plain), None);
        assert_eq!(turn(4, true, &smooth), None, "its axis tells it already");
        let Some(Decoded::Move { step, scrolls, .. }) =
            decode_motion(&event(0, &[(2, 60, 60), (3, 120, 120)]), Some(&wheel_mouse()))
        else {
            panic!("a turn is no motion")
        };
        assert_eq!((step, scrolls), (Step::Still, vec![(Axis::Horizontal, 0.5), (Axis::Vertical, -1.0)]));
    }

    #[test]
    fn buttons_follow_the_persons_mapping() {
        let devices = Devices::default();
        let button = |n, mapping: &[u8]| match decode_button(&event(n, &[]), true, &devices, mapping) {
            Some(Decoded::Button { button, .. }) => Some(button),
            _ => None,
        };
        let usual: Vec<u8> = (1..=10).collect();
        let found: Vec<_> = [1, 2, 3, 8, 9].into_iter().map(|n| button(n, &usual)).collect();
        assert_eq!(found, [Button::Left, Button::Middle, Button::Right, Button::X1, Button::X2].map(Some));
        assert_eq!(button(1, &[3, 2, 1]), Some(Button::Right));
        assert_eq!(button(2, &[1, 0, 3]), None);
        let lost = decode_button(&event(12, &[]), true, &devices, &usual);
        assert!(matches!(lost, Some(Decoded::Nameless { time: 77 })), "a button without a name vanished");
    }

    #[test]
    fn motion_is_raw_and_the_walk_is_accelerated() {
        let Some(Decoded::Move { step, raw, .. }) =
            decode_motion(&event(0, &[(0, 6, 3), (1, -2, -1)]), Some(&wheel_mouse()))
        else {
            panic!("no motion")
        };
        assert_eq!((step, raw), (Step::Numbers(Some(6.0), Some(-2.0)), Some((3.0, -1.0))));
        let tablet = Device { absolute: true, ..Device::default() };
        let Some(Decoded::Move { step, raw, .. }) = decode_motion(&event(0, &[(0, 6, 3)]), Some(&tablet)) else {
            panic!("no motion")
        };
        assert_eq!((step, raw), (Step::Jump, None));
        assert!(decode_motion(&event(0, &[(5, 9, 9)]), None).is_none(), "pressure is no motion");
    }

    #[test]
    fn the_key_map_is_read_by_bits() {
        let mut keys = [0; 32];
        keys[4] = 0b0100_0000;
        keys[31] = 0x80;
        assert_eq!(keys_down(&keys).collect::<Vec<_>>(), [38, 255]);
        assert!(bit(&[0, 1 << 3], 35) && !bit(&[0, 1 << 3], 3) && !bit(&[], 0));
    }
}
