//! What a device is, by what the kernel says of it: the one rule by which devices are read, and lent.

use std::os::fd::BorrowedFd;

use input_linux::{EvdevHandle, EventKind};

/// Types of events (`input-event-codes.h`).
pub const EV_KEY: u16 = 0x01;
/// Relative axes.
pub const EV_REL: u16 = 0x02;
/// Absolute axes.
pub const EV_ABS: u16 = 0x03;
/// Motion to the right.
pub const REL_X: u16 = 0x00;
/// The first code that is no key of a keyboard.
pub const BTN_MISC: u16 = 0x100;
/// The first button of a mouse.
pub const BTN_MOUSE: u16 = 0x110;
/// The first code behind the buttons of a mouse.
pub const BTN_JOYSTICK: u16 = 0x120;
/// The first code of a gamepad's buttons; a device that has it follows the specification.
pub const BTN_GAMEPAD: u16 = 0x130;
const ABS_X: u16 = 0x00;
const ABS_Y: u16 = 0x01;

/// Bytes of a mask of keys, and of one of axes: more than there are codes.
pub const KEY_BYTES: usize = 96;
const AXIS_BYTES: usize = 8;

/// What a device has.
pub struct Kind {
    kinds: Vec<u8>,
    keys: Vec<u8>,
    relative: Vec<u8>,
    absolute: Vec<u8>,
}

impl Kind {
    /// Asks the kernel.
    pub fn of(handle: &EvdevHandle<BorrowedFd<'_>>) -> Self {
        let mask = |kind: EventKind, bytes: usize| {
            let mut mask = vec![0; bytes];
            // A kind that it does not have is an error of some kernels, and an empty mask of others.
            drop(handle.event_bits_raw(kind, &mut mask));
            mask
        };
        Self {
            kinds: mask(EventKind::Synchronize, AXIS_BYTES),
            keys: mask(EventKind::Key, KEY_BYTES),
            relative: mask(EventKind::Relative, AXIS_BYTES),
            absolute: mask(EventKind::Absolute, AXIS_BYTES),
        }
    }

    /// Whether it has a key or button of this code.
    pub fn has_key(&self, code: u16) -> bool {
        has(&self.kinds, EV_KEY) && has(&self.keys, code)
    }

    /// Whether it has a relative axis of this code.
    pub fn has_relative(&self, code: u16) -> bool {
        has(&self.kinds, EV_REL) && has(&self.relative, code)
    }

    /// Whether it has an absolute axis of this code.
    pub fn has_absolute(&self, code: u16) -> bool {
        has(&self.absolute, code)
    }

    /// Whether it has keys of a keyboard or buttons of a mouse.
    pub fn has_keys(&self) -> bool {
        (1..BTN_MISC).chain(BTN_MOUSE..BTN_JOYSTICK).any(|code| self.has_key(code))
    }

    /// Whether it tells motion.
    pub fn has_motion(&self) -> bool {
        self.has_relative(REL_X)
    }

    /// Whether it tells places.
    pub fn is_absolute(&self) -> bool {
        has(&self.kinds, EV_ABS) && (0..8).any(|axis| self.has_absolute(axis))
    }

    /// Whether it is a gamepad or a joystick.
    pub fn is_pad(&self) -> bool {
        self.has_key(BTN_GAMEPAD)
            || (self.has_absolute(ABS_X)
                && self.has_absolute(ABS_Y)
                && (BTN_JOYSTICK..BTN_GAMEPAD).any(|code| self.has_key(code)))
    }

    /// Whether it is one of those that are recorded at all: a keyboard, a mouse, a touchpad, a gamepad.
    pub fn is_input(&self) -> bool {
        self.is_pad() || self.has_keys() || self.has_motion()
    }
}

/// Whether a mask has a code.
pub fn has(mask: &[u8], code: u16) -> bool {
    mask.get(usize::from(code / 8)).is_some_and(|byte| byte >> (code % 8) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(kinds: &[u16], keys: &[u16], relative: &[u16], absolute: &[u16]) -> Kind {
        let mask = |codes: &[u16], bytes: usize| {
            let mut mask = vec![0; bytes];
            for code in codes {
                mask[usize::from(code / 8)] |= 1 << (code % 8);
            }
            mask
        };
        Kind {
            kinds: mask(kinds, AXIS_BYTES),
            keys: mask(keys, KEY_BYTES),
            relative: mask(relative, AXIS_BYTES),
            absolute: mask(absolute, AXIS_BYTES),
        }
    }

    #[test]
    fn keyboards_mice_touchpads_and_gamepads_are_inputs_and_nothing_else_is() {
        let keyboard = kind(&[EV_KEY], &[30, 31], &[], &[]);
        let mouse = kind(&[EV_KEY, EV_REL], &[0x110], &[0, 1, 8], &[]);
        // A finger (BTN_TOUCH, BTN_TOOL_FINGER) is none of the recorded codes: its button is.
        let touchpad = kind(&[EV_KEY, EV_ABS], &[0x110, 0x145, 0x14a], &[], &[0, 1]);
        let pad = kind(&[EV_KEY, EV_ABS], &[0x130, 0x131], &[], &[0, 1]);
        let stick = kind(&[EV_KEY, EV_ABS], &[0x120], &[], &[0, 1]);
        for (one, is_pad) in [(&keyboard, false), (&mouse, false), (&touchpad, false), (&pad, true), (&stick, true)] {
            assert!(one.is_input());
            assert_eq!(one.is_pad(), is_pad);
        }
        assert!(touchpad.is_absolute() && !touchpad.has_motion());
        // An accelerometer, a lid, the lights of a keyboard.
        let accelerometer = kind(&[EV_ABS], &[], &[], &[0, 1, 2]);
        let lid = kind(&[5], &[], &[], &[]);
        let lights = kind(&[0x11], &[], &[], &[]);
        assert!(![accelerometer, lid, lights].iter().any(Kind::is_input));
        assert!(!kind(&[EV_KEY], &[0x120, 0x121], &[], &[]).is_pad(), "buttons alone");
        // Codes of a kind that it says not to have do not count.
        assert!(!kind(&[], &[30], &[0], &[]).is_input());
    }
}
