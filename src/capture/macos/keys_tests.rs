//! The table of virtual key codes, a row at a time and both ways.

use super::*;
use crate::base::hid;

/// Returns the code of a key.
fn code_of(usage: HidUsage, is_iso: bool) -> Option<u16> {
    KEYS.iter().find(|(_, own)| *own == usage.0).map(|(code, _)| of_ansi(*code, is_iso))
}

/// Every key of Carbon's `Events.h`: W3C name, code. Written from that header and from W3C's "UI Events KeyboardEvent code Values", and not from the
/// table that is tested.
const ROWS: &[(&str, u16)] = &[
    ("KeyA", 0x00),
    ("KeyS", 0x01),
    ("KeyD", 0x02),
    ("KeyF", 0x03),
    ("KeyH", 0x04),
    ("KeyG", 0x05),
    ("KeyZ", 0x06),
    ("KeyX", 0x07),
    ("KeyC", 0x08),
    ("KeyV", 0x09),
    ("IntlBackslash", 0x0a),
    ("KeyB", 0x0b),
    ("KeyQ", 0x0c),
    ("KeyW", 0x0d),
    ("KeyE", 0x0e),
    ("KeyR", 0x0f),
    ("KeyY", 0x10),
    ("KeyT", 0x11),
    ("Digit1", 0x12),
    ("Digit2", 0x13),
    ("Digit3", 0x14),
    ("Digit4", 0x15),
    ("Digit6", 0x16),
    ("Digit5", 0x17),
    ("Equal", 0x18),
    ("Digit9", 0x19),
    ("Digit7", 0x1a),
    ("Minus", 0x1b),
    ("Digit8", 0x1c),
    ("Digit0", 0x1d),
    ("BracketRight", 0x1e),
    ("KeyO", 0x1f),
    ("KeyU", 0x20),
    ("BracketLeft", 0x21),
    ("KeyI", 0x22),
    ("KeyP", 0x23),
    ("Enter", 0x24),
    ("KeyL", 0x25),
    ("KeyJ", 0x26),
    ("Quote", 0x27),
    ("KeyK", 0x28),
    ("Semicolon", 0x29),
    ("Backslash", 0x2a),
    ("Comma", 0x2b),
    ("Slash", 0x2c),
    ("KeyN", 0x2d),
    ("KeyM", 0x2e),
    ("Period", 0x2f),
    ("Tab", 0x30),
    ("Space", 0x31),
    ("Backquote", 0x32),
    ("Backspace", 0x33),
    ("Escape", 0x35),
    ("MetaRight", 0x36),
    ("MetaLeft", 0x37),
    ("ShiftLeft", 0x38),
    ("CapsLock", 0x39),
    ("AltLeft", 0x3a),
    ("ControlLeft", 0x3b),
    ("ShiftRight", 0x3c),
    ("AltRight", 0x3d),
    ("ControlRight", 0x3e),
    ("F17", 0x40),
    ("NumpadDecimal", 0x41),
    ("NumpadMultiply", 0x43),
    ("NumpadAdd", 0x45),
    ("NumLock", 0x47),
    ("AudioVolumeUp", 0x48),
    ("AudioVolumeDown", 0x49),
    ("AudioVolumeMute", 0x4a),
    ("NumpadDivide", 0x4b),
    ("NumpadEnter", 0x4c),
    ("NumpadSubtract", 0x4e),
    ("F18", 0x4f),
    ("F19", 0x50),
    ("NumpadEqual", 0x51),
    ("Numpad0", 0x52),
    ("Numpad1", 0x53),
    ("Numpad2", 0x54),
    ("Numpad3", 0x55),
    ("Numpad4", 0x56),
    ("Numpad5", 0x57),
    ("Numpad6", 0x58),
    ("Numpad7", 0x59),
    ("F20", 0x5a),
    ("Numpad8", 0x5b),
    ("Numpad9", 0x5c),
    ("IntlYen", 0x5d),
    ("IntlRo", 0x5e),
    ("NumpadComma", 0x5f),
    ("F5", 0x60),
    ("F6", 0x61),
    ("F7", 0x62),
    ("F3", 0x63),
    ("F8", 0x64),
    ("F9", 0x65),
    ("Lang2", 0x66),
    ("F11", 0x67),
    ("Lang1", 0x68),
    ("F13", 0x69),
    ("F16", 0x6a),
    ("F14", 0x6b),
    ("F10", 0x6d),
    ("ContextMenu", 0x6e),
    ("F12", 0x6f),
    ("F15", 0x71),
    ("Insert", 0x72),
    ("Home", 0x73),
    ("PageUp", 0x74),
    ("Delete", 0x75),
    ("F4", 0x76),
    ("End", 0x77),
    ("F2", 0x78),
    ("PageDown", 0x79),
    ("F1", 0x7a),
    ("ArrowLeft", 0x7b),
    ("ArrowRight", 0x7c),
    ("ArrowDown", 0x7d),
    ("ArrowUp", 0x7e),
    ("Power", 0x7f),
];

#[test]
fn every_row_goes_both_ways() {
    let names: std::collections::BTreeSet<_> = ROWS.iter().map(|(name, _)| name).collect();
    let codes: std::collections::BTreeSet<_> = ROWS.iter().map(|(_, code)| *code).collect();
    assert_eq!((names.len(), codes.len()), (ROWS.len(), ROWS.len()), "a name or a code is there twice");
    for (name, code) in ROWS {
        let usage = hid::usage_of_code(name).unwrap_or_else(|| panic!("no key {name}"));
        assert_eq!(usage_of(*code, false).map(|key| key.0), Some(usage.0), "{name}");
        assert_eq!(code_of(usage, false), Some(*code), "{name}");
        let on_iso = code_of(usage, true).expect("a code");
        assert_eq!(usage_of(on_iso, true), Some(usage), "{name} on an ISO keyboard");
    }
    let beyond: Vec<_> = (0..=0xff).filter(|code| usage_of(*code, false).is_some() && !codes.contains(code)).collect();
    assert_eq!(beyond, Vec::<u16>::new());
    assert_eq!(super::codes().collect::<std::collections::BTreeSet<_>>(), codes);
    assert_eq!(usage_of(FN, false), None);
}

#[test]
fn an_iso_keyboard_has_two_keys_exchanged() {
    let named = |code, is_iso| usage_of(code, is_iso).and_then(hid::code_of_usage);
    assert_eq!((named(0x32, false), named(0x0a, false)), (Some("Backquote"), Some("IntlBackslash")));
    assert_eq!((named(0x0a, true), named(0x32, true)), (Some("Backquote"), Some("IntlBackslash")));
}
