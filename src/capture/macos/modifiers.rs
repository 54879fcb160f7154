//! Whether a modifier key went down or up. The system says only that the modifiers changed, with the code of the key and all flags.
//!
//! Pure. Invariant: left and right are told apart by the flags that depend on the device (IOKit's `IOLLEvent.h`, `NX_DEVICE…KEYMASK`); where they are
//! not set, as in events of remote desktops, a key goes the other way than it was last known to be.

use super::keys::{CAPS_LOCK, FN};

/// Virtual key code, the flag of that side, and the flag of either side.
const MODIFIERS: [(u16, u64, u64); 8] = [
    (0x38, 0x0000_0002, SHIFT),
    (0x3c, 0x0000_0004, SHIFT),
    (0x3b, 0x0000_0001, CONTROL),
    (0x3e, 0x0000_2000, CONTROL),
    (0x3a, 0x0000_0020, OPTION),
    (0x3d, 0x0000_0040, OPTION),
    (0x37, 0x0000_0008, COMMAND),
    (0x36, 0x0000_0010, COMMAND),
];
const SHIFT: u64 = 0x0002_0000;
const CONTROL: u64 = 0x0004_0000;
const OPTION: u64 = 0x0008_0000;
const COMMAND: u64 = 0x0010_0000;
/// `kCGEventFlagMaskSecondaryFn`.
const SECONDARY_FN: u64 = 0x0080_0000;

/// What a change of the modifiers means for the key that it names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Change {
    /// It is down now, or up.
    To(bool),
    /// It was pressed. Its release is not told.
    Tapped,
}

/// Reads a change of the modifiers. `is_held`: the key was down before, as far as is known. `None` for a key that is no modifier.
pub(super) fn change(code: u16, flags: u64, is_held: bool) -> Option<Change> {
    match code {
        CAPS_LOCK => return Some(Change::Tapped),
        FN => return Some(Change::To(flags & SECONDARY_FN != 0)),
        _ => {}
    }
    let (_, own, either) = *MODIFIERS.iter().find(|(key, ..)| *key == code)?;
    let sides = MODIFIERS.iter().filter(|(.., of)| *of == either).fold(0, |sides, (_, side, _)| sides | side);
    Some(Change::To(match flags {
        flags if flags & sides != 0 => flags & own != 0,
        flags if flags & either == 0 => false,
        _ => !is_held,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_side_is_told_by_its_own_flag() {
        for (code, own, either) in MODIFIERS {
            assert_eq!(change(code, own | either, false), Some(Change::To(true)), "{code:#x}");
            assert_eq!(change(code, 0, true), Some(Change::To(false)), "{code:#x}");
            // Released while the other side is held: the common flag stays.
            let other = MODIFIERS.iter().find(|(key, _, of)| *of == either && *key != code).expect("the other side").1;
            assert_eq!(change(code, other | either, true), Some(Change::To(false)), "{code:#x}");
            assert_eq!(change(code, own | other | either, false), Some(Change::To(true)), "{code:#x}");
        }
    }

    #[test]
    fn flags_of_other_modifiers_say_nothing_of_this_one() {
        assert_eq!(change(0x38, COMMAND | 0x8, true), Some(Change::To(false)));
        assert_eq!(change(0x37, SHIFT | 0x2 | COMMAND | 0x8, false), Some(Change::To(true)));
    }

    #[test]
    fn without_sides_a_key_goes_the_other_way() {
        assert_eq!(change(0x38, SHIFT, false), Some(Change::To(true)));
        assert_eq!(change(0x38, SHIFT, true), Some(Change::To(false)), "the other side is still held");
        assert_eq!(change(0x38, 0, true), Some(Change::To(false)));
        assert_eq!(change(0x38, 0, false), Some(Change::To(false)));
    }

    #[test]
    fn caps_lock_is_only_pressed_and_fn_has_a_flag_of_its_own() {
        assert_eq!(change(CAPS_LOCK, 0x0001_0000, false), Some(Change::Tapped));
        assert_eq!(change(CAPS_LOCK, 0, true), Some(Change::Tapped));
        assert_eq!(change(FN, SECONDARY_FN, false), Some(Change::To(true)));
        assert_eq!(change(FN, SHIFT, true), Some(Change::To(false)));
        assert_eq!(change(0x00, SHIFT, false), None, "no modifier");
    }
}
