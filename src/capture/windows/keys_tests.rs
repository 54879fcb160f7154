//! The table of make codes, a row at a time and both ways, and the events that no key made.

use super::*;

/// Every key of a keyboard with a make code: W3C name, code. Written from Microsoft's "Keyboard Scan Code Specification" and not from the table
/// that is tested.
const ROWS: &[(&str, u16)] = &[
    ("Escape", 0x01),
    ("Digit1", 0x02),
    ("Digit2", 0x03),
    ("Digit3", 0x04),
    ("Digit4", 0x05),
    ("Digit5", 0x06),
    ("Digit6", 0x07),
    ("Digit7", 0x08),
    ("Digit8", 0x09),
    ("Digit9", 0x0a),
    ("Digit0", 0x0b),
    ("Minus", 0x0c),
    ("Equal", 0x0d),
    ("Backspace", 0x0e),
    ("Tab", 0x0f),
    ("KeyQ", 0x10),
    ("KeyW", 0x11),
    ("KeyE", 0x12),
    ("KeyR", 0x13),
    ("KeyT", 0x14),
    ("KeyY", 0x15),
    ("KeyU", 0x16),
    ("KeyI", 0x17),
    ("KeyO", 0x18),
    ("KeyP", 0x19),
    ("BracketLeft", 0x1a),
    ("BracketRight", 0x1b),
    ("Enter", 0x1c),
    ("ControlLeft", 0x1d),
    ("KeyA", 0x1e),
    ("KeyS", 0x1f),
    ("KeyD", 0x20),
    ("KeyF", 0x21),
    ("KeyG", 0x22),
    ("KeyH", 0x23),
    ("KeyJ", 0x24),
    ("KeyK", 0x25),
    ("KeyL", 0x26),
    ("Semicolon", 0x27),
    ("Quote", 0x28),
    ("Backquote", 0x29),
    ("ShiftLeft", 0x2a),
    ("Backslash", 0x2b),
    ("KeyZ", 0x2c),
    ("KeyX", 0x2d),
    ("KeyC", 0x2e),
    ("KeyV", 0x2f),
    ("KeyB", 0x30),
    ("KeyN", 0x31),
    ("KeyM", 0x32),
    ("Comma", 0x33),
    ("Period", 0x34),
    ("Slash", 0x35),
    ("ShiftRight", 0x36),
    ("NumpadMultiply", 0x37),
    ("AltLeft", 0x38),
    ("Space", 0x39),
    ("CapsLock", 0x3a),
    ("F1", 0x3b),
    ("F2", 0x3c),
    ("F3", 0x3d),
    ("F4", 0x3e),
    ("F5", 0x3f),
    ("F6", 0x40),
    ("F7", 0x41),
    ("F8", 0x42),
    ("F9", 0x43),
    ("F10", 0x44),
    ("Pause", 0x45),
    ("ScrollLock", 0x46),
    ("Numpad7", 0x47),
    ("Numpad8", 0x48),
    ("Numpad9", 0x49),
    ("NumpadSubtract", 0x4a),
    ("Numpad4", 0x4b),
    ("Numpad5", 0x4c),
    ("Numpad6", 0x4d),
    ("NumpadAdd", 0x4e),
    ("Numpad1", 0x4f),
    ("Numpad2", 0x50),
    ("Numpad3", 0x51),
    ("Numpad0", 0x52),
    ("NumpadDecimal", 0x53),
    ("IntlBackslash", 0x56),
    ("F11", 0x57),
    ("F12", 0x58),
    ("NumpadEqual", 0x59),
    ("F13", 0x64),
    ("F14", 0x65),
    ("F15", 0x66),
    ("F16", 0x67),
    ("F17", 0x68),
    ("F18", 0x69),
    ("F19", 0x6a),
    ("F20", 0x6b),
    ("F21", 0x6c),
    ("F22", 0x6d),
    ("F23", 0x6e),
    ("KanaMode", 0x70),
    ("IntlRo", 0x73),
    ("F24", 0x76),
    ("Lang4", 0x77),
    ("Lang3", 0x78),
    ("Convert", 0x79),
    ("NonConvert", 0x7b),
    ("IntlYen", 0x7d),
    ("NumpadComma", 0x7e),
    ("Lang2", 0xf1),
    ("Lang1", 0xf2),
    ("NumpadEnter", 0xe01c),
    ("ControlRight", 0xe01d),
    ("AudioVolumeMute", 0xe020),
    ("AudioVolumeDown", 0xe02e),
    ("AudioVolumeUp", 0xe030),
    ("NumpadDivide", 0xe035),
    ("PrintScreen", 0xe037),
    ("AltRight", 0xe038),
    ("NumLock", 0xe045),
    ("Home", 0xe047),
    ("ArrowUp", 0xe048),
    ("PageUp", 0xe049),
    ("ArrowLeft", 0xe04b),
    ("ArrowRight", 0xe04d),
    ("End", 0xe04f),
    ("ArrowDown", 0xe050),
    ("PageDown", 0xe051),
    ("Insert", 0xe052),
    ("Delete", 0xe053),
    ("MetaLeft", 0xe05b),
    ("MetaRight", 0xe05c),
    ("ContextMenu", 0xe05d),
    ("Power", 0xe05e),
];

#[test]
fn every_row_goes_both_ways() {
    let names: std::collections::BTreeSet<_> = ROWS.iter().map(|(name, _)| name).collect();
    let codes: std::collections::BTreeSet<_> = ROWS.iter().map(|(_, code)| code).collect();
    assert_eq!((names.len(), codes.len()), (ROWS.len(), ROWS.len()), "a name or a code is there twice");
    for (name, code) in ROWS {
        let usage = hid::usage_of_code(name).unwrap_or_else(|| panic!("no key {name}"));
        assert_eq!(usage_of(*code), Some(usage), "{name}");
        assert_eq!(code_of(usage), Some(*code), "{name}");
    }
    // And no code has a key that is not in the rows, but for the second codes of two of them.
    let all = (0..=0xff_u16).chain(0xe000..=0xe0ff);
    let beyond: Vec<_> = all.filter(|code| usage_of(*code).is_some() && !codes.contains(code)).collect();
    assert_eq!(beyond, [0x54, 0xe046]);
    assert_eq!(usage_of(0x54), usage_of(0xe037), "PrintScreen with Alt");
    assert_eq!(usage_of(0xe046), usage_of(PAUSE), "Pause with Control");
}

fn told(make: u16, flags: u16, vkey: u16) -> KeyNews {
    read(&KeyPacket { device: 1, make, flags, vkey }, |vkey| match vkey {
        0xb3 => 0xe022,
        0x41 => 0x1e,
        _ => 0,
    })
}

#[test]
fn keys_go_down_and_up_with_their_prefix() {
    assert_eq!(told(0x1e, 0, 0x41), KeyNews::Key(0x1e, true));
    assert_eq!(told(0x1e, BREAK, 0x41), KeyNews::Key(0x1e, false));
    assert_eq!(told(0x1d, E0, 0x11), KeyNews::Key(0xe01d, true));
    assert_eq!(told(0x1c, E0 | BREAK, 0x0d), KeyNews::Key(0xe01c, false));
}

#[test]
fn pause_and_numlock_are_told_apart() {
    // As Windows sends them: Pause as E1 1D with its virtual key and 45 with none, NumLock by its virtual key.
    let mut keys = Keys::default();
    let mut all = |events: &[(u16, u16, u16)]| -> Vec<KeyNews> {
        let packet = |&(make, flags, vkey): &_| KeyPacket { device: 1, make, flags, vkey };
        events.iter().map(|event| keys.read(&packet(event), |_| 0)).collect()
    };
    let (down, up, nothing) = (KeyNews::Key(PAUSE, true), KeyNews::Key(PAUSE, false), KeyNews::Nothing);
    let changes = [(0x1d, E1, VK_PAUSE), (0x45, 0, VK_NONE), (0x1d, E1 | BREAK, VK_PAUSE), (0x45, BREAK, VK_NONE)];
    assert_eq!(all(&changes), [down, nothing, up, nothing]);
    // Where the second half says what it is of, it is the same change.
    assert_eq!(all(&[(0x1d, E1, VK_PAUSE), (0x45, 0, VK_PAUSE), (0x45, BREAK, VK_PAUSE)]), [down, nothing, up]);
    let locks = [(0x1d, E1, VK_PAUSE), (0x45, 0, VK_NUMLOCK), (0x1d, E1, VK_NONE)];
    assert_eq!(all(&locks), [down, KeyNews::Key(NUMLOCK, true), nothing]);
    // As Wine does: without E1 1D before it.
    assert_eq!(all(&[(0x45, 0, VK_PAUSE), (0x45, BREAK, VK_PAUSE)]), [down, up]);
    assert_eq!(told(0x45, 0, VK_NUMLOCK), KeyNews::Key(NUMLOCK, true));
    assert_eq!(told(0x45, BREAK, VK_NUMLOCK), KeyNews::Key(NUMLOCK, false));
    // As Wine does: NumLock with E0.
    assert_eq!(told(0x45, E0, VK_NUMLOCK), KeyNews::Key(NUMLOCK, true));
    assert_eq!(told(0x45, E0, 0), KeyNews::Key(NUMLOCK, true));
}

#[test]
fn what_no_key_did_is_nothing() {
    for flags in [E0, E0 | BREAK] {
        assert_eq!(told(0x2a, flags, VK_SHIFT), KeyNews::Nothing, "the shift around PrintScreen and the arrows");
        assert_eq!(told(0x36, flags, VK_SHIFT), KeyNews::Nothing);
        assert_eq!(told(0x2a, flags, VK_NONE), KeyNews::Nothing);
    }
    // Shift and a key of the number pad: a release of Shift with the pad's code.
    assert_eq!(told(0x4b, BREAK, VK_SHIFT), KeyNews::Nothing);
    assert_eq!(told(0x53, 0, VK_SHIFT), KeyNews::Nothing);
    assert_eq!(told(0x2a, 0, VK_SHIFT), KeyNews::Key(0x2a, true), "the real one");
    assert_eq!(told(OVERRUN, 0, VK_NONE), KeyNews::Overrun);
}

#[test]
fn a_device_without_make_codes_is_read_by_its_virtual_keys() {
    assert_eq!(told(0, 0, 0x41), KeyNews::Key(0x1e, true));
    assert_eq!(told(0, BREAK, 0xb3), KeyNews::Key(0xe022, false));
    assert_eq!(told(0, 0, 0x07), KeyNews::Nothing);
}

#[test]
fn tab_and_enter_going_down_move_the_focus() {
    let moves = |make, flags, vkey| moves_focus(&KeyPacket { device: 1, make, flags, vkey });
    assert!(moves(0x0f, 0, 0x09) && moves(0x1c, E0, 0x0d), "Tab, and Enter of the number pad");
    assert!(moves(0, 0, 0x09) && moves(0x0f, 0, 0), "one of the two numbers is enough");
    assert!(!moves(0x0f, BREAK, 0x09) && !moves(0x1e, 0, 0x41));
}
