//! Physical keys: the one table of USB HID usage ids (page 0x07), W3C `code` values and Linux evdev codes.
//!
//! Invariant: each of the three names of a key occurs once, so that every look-up has one answer and goes back to
//! where it came from (tested). The pairs are those of the HID Usage Tables 1.5 §10, of W3C "UI Events
//! KeyboardEvent code Values" and of Linux `drivers/hid/hid-input.c` (`hid_keyboard`).
//!
//! What it does not do: layouts and characters (a key is a place on the keyboard, not what is printed on it), and keys
//! that exist on other usage pages only (play, next track, brightness): those have no usage here and are recorded by
//! their native code. Usage 0x32 ("Non-US #") is the same physical place as 0x31 and is reported as 0x31, as every
//! evdev system does.

use crate::base::event::HidUsage;

/// An X11 keycode is the evdev code plus this, on every server that uses the `evdev` keycodes (XKB: `minimum = 8`).
pub const X11_OFFSET: u16 = 8;

/// A key and its three names.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PhysicalKey {
    /// USB HID usage id on page 0x07.
    pub usage: HidUsage,
    /// W3C `KeyboardEvent.code`.
    pub code: &'static str,
    /// Linux evdev code (`KEY_*` of `input-event-codes.h`), below 248 so that it fits an X11 keycode.
    pub evdev: u16,
}

const fn key(usage: u16, code: &'static str, evdev: u16) -> PhysicalKey {
    PhysicalKey { usage: HidUsage(usage), code, evdev }
}

/// Every key, by rising usage.
pub const KEYS: &[PhysicalKey] = &[
    key(0x04, "KeyA", 30),
    key(0x05, "KeyB", 48),
    key(0x06, "KeyC", 46),
    key(0x07, "KeyD", 32),
    key(0x08, "KeyE", 18),
    key(0x09, "KeyF", 33),
    key(0x0a, "KeyG", 34),
    key(0x0b, "KeyH", 35),
    key(0x0c, "KeyI", 23),
    key(0x0d, "KeyJ", 36),
    key(0x0e, "KeyK", 37),
    key(0x0f, "KeyL", 38),
    key(0x10, "KeyM", 50),
    key(0x11, "KeyN", 49),
    key(0x12, "KeyO", 24),
    key(0x13, "KeyP", 25),
    key(0x14, "KeyQ", 16),
    key(0x15, "KeyR", 19),
    key(0x16, "KeyS", 31),
    key(0x17, "KeyT", 20),
    key(0x18, "KeyU", 22),
    key(0x19, "KeyV", 47),
    key(0x1a, "KeyW", 17),
    key(0x1b, "KeyX", 45),
    key(0x1c, "KeyY", 21),
    key(0x1d, "KeyZ", 44),
    key(0x1e, "Digit1", 2),
    key(0x1f, "Digit2", 3),
    key(0x20, "Digit3", 4),
    key(0x21, "Digit4", 5),
    key(0x22, "Digit5", 6),
    key(0x23, "Digit6", 7),
    key(0x24, "Digit7", 8),
    key(0x25, "Digit8", 9),
    key(0x26, "Digit9", 10),
    key(0x27, "Digit0", 11),
    key(0x28, "Enter", 28),
    key(0x29, "Escape", 1),
    key(0x2a, "Backspace", 14),
    key(0x2b, "Tab", 15),
    key(0x2c, "Space", 57),
    key(0x2d, "Minus", 12),
    key(0x2e, "Equal", 13),
    key(0x2f, "BracketLeft", 26),
    key(0x30, "BracketRight", 27),
    key(0x31, "Backslash", 43),
    key(0x33, "Semicolon", 39),
    key(0x34, "Quote", 40),
    key(0x35, "Backquote", 41),
    key(0x36, "Comma", 51),
    key(0x37, "Period", 52),
    key(0x38, "Slash", 53),
    key(0x39, "CapsLock", 58),
    key(0x3a, "F1", 59),
    key(0x3b, "F2", 60),
    key(0x3c, "F3", 61),
    key(0x3d, "F4", 62),
    key(0x3e, "F5", 63),
    key(0x3f, "F6", 64),
    key(0x40, "F7", 65),
    key(0x41, "F8", 66),
    key(0x42, "F9", 67),
    key(0x43, "F10", 68),
    key(0x44, "F11", 87),
    key(0x45, "F12", 88),
    key(0x46, "PrintScreen", 99),
    key(0x47, "ScrollLock", 70),
    key(0x48, "Pause", 119),
    key(0x49, "Insert", 110),
    key(0x4a, "Home", 102),
    key(0x4b, "PageUp", 104),
    key(0x4c, "Delete", 111),
    key(0x4d, "End", 107),
    key(0x4e, "PageDown", 109),
    key(0x4f, "ArrowRight", 106),
    key(0x50, "ArrowLeft", 105),
    key(0x51, "ArrowDown", 108),
    key(0x52, "ArrowUp", 103),
    key(0x53, "NumLock", 69),
    key(0x54, "NumpadDivide", 98),
    key(0x55, "NumpadMultiply", 55),
    key(0x56, "NumpadSubtract", 74),
    key(0x57, "NumpadAdd", 78),
    key(0x58, "NumpadEnter", 96),
    key(0x59, "Numpad1", 79),
    key(0x5a, "Numpad2", 80),
    key(0x5b, "Numpad3", 81),
    key(0x5c, "Numpad4", 75),
    key(0x5d, "Numpad5", 76),
    key(0x5e, "Numpad6", 77),
    key(0x5f, "Numpad7", 71),
    key(0x60, "Numpad8", 72),
    key(0x61, "Numpad9", 73),
    key(0x62, "Numpad0", 82),
    key(0x63, "NumpadDecimal", 83),
    key(0x64, "IntlBackslash", 86),
    key(0x65, "ContextMenu", 127),
    key(0x66, "Power", 116),
    key(0x67, "NumpadEqual", 117),
    key(0x68, "F13", 183),
    key(0x69, "F14", 184),
    key(0x6a, "F15", 185),
    key(0x6b, "F16", 186),
    key(0x6c, "F17", 187),
    key(0x6d, "F18", 188),
    key(0x6e, "F19", 189),
    key(0x6f, "F20", 190),
    key(0x70, "F21", 191),
    key(0x71, "F22", 192),
    key(0x72, "F23", 193),
    key(0x73, "F24", 194),
    key(0x74, "Open", 134),
    key(0x75, "Help", 138),
    key(0x77, "Select", 132),
    key(0x79, "Again", 129),
    key(0x7a, "Undo", 131),
    key(0x7b, "Cut", 137),
    key(0x7c, "Copy", 133),
    key(0x7d, "Paste", 135),
    key(0x7e, "Find", 136),
    key(0x7f, "AudioVolumeMute", 113),
    key(0x80, "AudioVolumeUp", 115),
    key(0x81, "AudioVolumeDown", 114),
    key(0x85, "NumpadComma", 121),
    key(0x87, "IntlRo", 89),
    key(0x88, "KanaMode", 93),
    key(0x89, "IntlYen", 124),
    key(0x8a, "Convert", 92),
    key(0x8b, "NonConvert", 94),
    key(0x90, "Lang1", 122),
    key(0x91, "Lang2", 123),
    key(0x92, "Lang3", 90),
    key(0x93, "Lang4", 91),
    key(0x94, "Lang5", 85),
    key(0xb6, "NumpadParenLeft", 179),
    key(0xb7, "NumpadParenRight", 180),
    key(0xe0, "ControlLeft", 29),
    key(0xe1, "ShiftLeft", 42),
    key(0xe2, "AltLeft", 56),
    key(0xe3, "MetaLeft", 125),
    key(0xe4, "ControlRight", 97),
    key(0xe5, "ShiftRight", 54),
    key(0xe6, "AltRight", 100),
    key(0xe7, "MetaRight", 126),
];

/// The codes that the two direct tables below span: X11 keycodes end at 255, so evdev codes end at 247, and page 0x07
/// ends its keys at 0xE7.
const SPAN: usize = 256;

/// Index into [`KEYS`] plus one, zero for none (`KEYS` has fewer than 255 rows; checked where the table is built).
const BY_EVDEV: [u8; SPAN] = index(false);
const BY_USAGE: [u8; SPAN] = index(true);

const fn index(by_usage: bool) -> [u8; SPAN] {
    assert!(KEYS.len() < 255, "an index of one byte is too small");
    let mut table = [0; SPAN];
    let mut row = 0;
    while row < KEYS.len() {
        let slot = if by_usage { KEYS[row].usage.0 } else { KEYS[row].evdev };
        table[slot as usize] = row as u8 + 1;
        row += 1;
    }
    table
}

fn find(table: &[u8; SPAN], slot: u16) -> Option<&'static PhysicalKey> {
    let row = *table.get(usize::from(slot))?;
    KEYS.get(usize::from(row).checked_sub(1)?)
}

/// The key with this evdev code.
pub fn usage_of_evdev(evdev: u16) -> Option<HidUsage> {
    find(&BY_EVDEV, evdev).map(|key| key.usage)
}

/// The evdev code of a key.
pub fn evdev_of_usage(usage: HidUsage) -> Option<u16> {
    find(&BY_USAGE, usage.0).map(|key| key.evdev)
}

/// The key with this X11 keycode, on a server with `evdev` keycodes.
pub fn usage_of_x11(keycode: u32) -> Option<HidUsage> {
    usage_of_evdev(u16::try_from(keycode).ok()?.checked_sub(X11_OFFSET)?)
}

/// The X11 keycode of a key, on a server with `evdev` keycodes.
pub fn x11_of_usage(usage: HidUsage) -> Option<u32> {
    evdev_of_usage(usage).map(|evdev| u32::from(evdev + X11_OFFSET))
}

/// The W3C code of a key: `KeyA`.
pub fn code_of_usage(usage: HidUsage) -> Option<&'static str> {
    find(&BY_USAGE, usage.0).map(|key| key.code)
}

/// The key with this W3C code. Walks the table: for configuration and tests, not for every event.
pub fn usage_of_code(code: &str) -> Option<HidUsage> {
    KEYS.iter().find(|key| key.code == code).map(|key| key.usage)
}

/// Control, Shift, Alt or Meta, left or right (usages 0xE0 to 0xE7).
pub fn is_modifier(usage: HidUsage) -> bool {
    matches!(usage.0, 0xe0..=0xe7)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_name_occurs_once_and_goes_back() {
        let mut seen = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for key in KEYS {
            let name = key.code;
            assert!(seen.0.insert(key.usage), "{name}: usage twice");
            assert!(seen.1.insert(key.code), "{name}: code twice");
            assert!(seen.2.insert(key.evdev), "{name}: evdev twice");
            assert!(usage_of_evdev(key.evdev) == Some(key.usage), "{name}: evdev does not lead to its usage");
            assert_eq!(evdev_of_usage(key.usage), Some(key.evdev), "{name}");
            assert_eq!(code_of_usage(key.usage), Some(key.code), "{name}");
            assert!(usage_of_code(name) == Some(key.usage), "{name}: code does not lead to its usage");
            assert_eq!(x11_of_usage(key.usage).and_then(usage_of_x11).map(|u| u.0), Some(key.usage.0), "{name}");
        }
        assert!(KEYS.is_sorted_by_key(|key| key.usage), "the table is not in order");
    }

    #[test]
    fn anchors_of_the_three_standards() {
        // From the HID Usage Tables, the W3C code list and input-event-codes.h, typed here a second time by hand.
        for (usage, code, evdev) in [
            (0x04, "KeyA", 30),
            (0x1d, "KeyZ", 44),
            (0x1e, "Digit1", 2),
            (0x27, "Digit0", 11),
            (0x28, "Enter", 28),
            (0x29, "Escape", 1),
            (0x2c, "Space", 57),
            (0x31, "Backslash", 43),
            (0x39, "CapsLock", 58),
            (0x3a, "F1", 59),
            (0x45, "F12", 88),
            (0x46, "PrintScreen", 99),
            (0x48, "Pause", 119),
            (0x4f, "ArrowRight", 106),
            (0x52, "ArrowUp", 103),
            (0x53, "NumLock", 69),
            (0x58, "NumpadEnter", 96),
            (0x5d, "Numpad5", 76),
            (0x63, "NumpadDecimal", 83),
            (0x64, "IntlBackslash", 86),
            (0x65, "ContextMenu", 127),
            (0x73, "F24", 194),
            (0x80, "AudioVolumeUp", 115),
            (0x87, "IntlRo", 89),
            (0x90, "Lang1", 122),
            (0xe0, "ControlLeft", 29),
            (0xe3, "MetaLeft", 125),
            (0xe7, "MetaRight", 126),
        ] {
            let found = usage_of_code(code).unwrap_or_else(|| panic!("{code} is missing"));
            assert_eq!(found.0, usage, "{code}");
            assert_eq!(evdev_of_usage(found), Some(evdev), "{code}");
        }
        assert!(is_modifier(HidUsage(0xe0)) && is_modifier(HidUsage(0xe7)));
        assert!(!is_modifier(HidUsage(0xe8)) && !is_modifier(HidUsage(0x39)));
    }

    #[test]
    fn what_has_no_name_has_none() {
        assert!(usage_of_evdev(0).is_none() && usage_of_evdev(164).is_none() && usage_of_evdev(u16::MAX).is_none());
        assert!(usage_of_x11(0).is_none() && usage_of_x11(7).is_none() && usage_of_x11(u32::MAX).is_none());
        assert!(code_of_usage(HidUsage(0)).is_none() && code_of_usage(HidUsage(u16::MAX)).is_none());
        assert!(usage_of_code("keya").is_none());
    }
}
