//! What an event of the server says, read without asking the server anything.

use x11rb::protocol::Event;
use x11rb::protocol::xinput::{RawButtonPressEvent, RawKeyPressEvent};

use super::devices::{Device, Devices, fixed};
use super::join::{Act, Raw};
use super::path::Step;
use crate::base::event::{Axis, Button};

/// What an event is, with everything decoded that does not need what the pointer did.
pub(super) enum Decoded {
    Key {
        event: RawKeyPressEvent,
        down: bool,
    },
    /// A button by its physical number.
    Button {
        time: u32,
        source: u16,
        physical: u32,
        pressed: bool,
    },
    Move {
        time: u32,
        source: u16,
        step: Step,
        raw: Option<(f64, f64)>,
        scrolls: Vec<(Axis, f64)>,
    },
    Other(Event),
}

/// What a button is by its number.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Pushed {
    Button(Button),
    Wheel(Axis, f64),
    /// The format has no name for it.
    Nameless,
}

/// What the pointer did in an event; `None` when it was not the pointer.
pub(super) fn raw_of(event: &Decoded) -> Option<Raw> {
    match event {
        Decoded::Button { time, pressed, .. } => {
            let act = if *pressed { Act::Press } else { Act::Release };
            Some(Raw { act, time: *time })
        }
        Decoded::Move { time, step, .. } => Some(Raw { act: Act::Move(*step), time: *time }),
        Decoded::Key { .. } | Decoded::Other(_) => None,
    }
}

/// Reads an event; [`Decoded::Other`] when it is none of an input device, or says nothing new.
pub(super) fn decode(event: Event, devices: &Devices) -> Decoded {
    let button = |e: &RawButtonPressEvent, pressed| Decoded::Button {
        time: e.time,
        source: e.sourceid,
        physical: e.detail,
        pressed,
    };
    match event {
        Event::XinputRawKeyPress(event) => Decoded::Key { event, down: true },
        Event::XinputRawKeyRelease(event) => Decoded::Key { event, down: false },
        Event::XinputRawButtonPress(ref e) => button(e, true),
        Event::XinputRawButtonRelease(ref e) => button(e, false),
        Event::XinputRawMotion(ref e) => decode_motion(e, devices.get(e.sourceid)).unwrap_or(Decoded::Other(event)),
        other => Decoded::Other(other),
    }
}

/// The number of a button after the person's mapping of the desktop's pointer; 0 when it is switched off.
pub(super) fn mapped(physical: u32, mapping: &[u8]) -> u32 {
    let entry = usize::try_from(physical).ok().and_then(|physical| mapping.get(physical.checked_sub(1)?));
    entry.map_or(physical, |&mapped| u32::from(mapped))
}

/// A button by what it does; `None` when the event says nothing new: a wheel that goes up, or whose axis `scrolls` on its own.
pub(super) fn push(number: u32, pressed: bool, scrolls: impl Fn(Axis) -> bool) -> Option<Pushed> {
    if let Some(button) = named_button(number) {
        return Some(Pushed::Button(button));
    }
    let (axis, delta) = match number {
        0 => return None,
        4 => (Axis::Vertical, 1.0),
        5 => (Axis::Vertical, -1.0),
        6 => (Axis::Horizontal, -1.0),
        7 => (Axis::Horizontal, 1.0),
        _ => return pressed.then_some(Pushed::Nameless),
    };
    (pressed && !scrolls(axis)).then_some(Pushed::Wheel(axis, delta))
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
    Some(Decoded::Move { time: event.time, source: event.sourceid, step, raw, scrolls })
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
        let turn = |n, pressed| push(n, pressed, |_| false);
        assert_eq!(turn(4, true), Some(Pushed::Wheel(Axis::Vertical, 1.0)));
        assert_eq!(turn(5, true), Some(Pushed::Wheel(Axis::Vertical, -1.0)));
        assert_eq!(turn(6, true), Some(Pushed::Wheel(Axis::Horizontal, -1.0)));
        assert_eq!(turn(7, true), Some(Pushed::Wheel(Axis::Horizontal, 1.0)));
        assert_eq!(turn(4, false), None);
        assert_eq!(push(4, true, |axis| axis == Axis::Vertical), None, "its axis tells it already");
        let Some(Decoded::Move { step, scrolls, .. }) =
            decode_motion(&event(0, &[(2, 60, 60), (3, 120, 120)]), Some(&wheel_mouse()))
        else {
            panic!("a turn is no motion")
        };
        assert_eq!((step, scrolls), (Step::Still, vec![(Axis::Horizontal, 0.5), (Axis::Vertical, -1.0)]));
    }

    #[test]
    fn buttons_follow_the_persons_mapping() {
        let button = |n, mapping: &[u8]| push(mapped(n, mapping), true, |_| false);
        let usual: Vec<u8> = (1..=10).collect();
        let found: Vec<_> = [1, 2, 3, 8, 9].into_iter().map(|n| button(n, &usual)).collect();
        let named = [Button::Left, Button::Middle, Button::Right, Button::X1, Button::X2];
        assert_eq!(found, named.map(|button| Some(Pushed::Button(button))));
        assert_eq!(button(1, &[3, 2, 1]), Some(Pushed::Button(Button::Right)));
        assert_eq!(button(2, &[1, 0, 3]), None);
        assert_eq!(button(12, &usual), Some(Pushed::Nameless), "a button without a name vanished");
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
