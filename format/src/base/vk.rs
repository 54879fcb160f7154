//! Windows virtual-key codes of physical keys, which is how OWAMcap names a key.
//!
//! Invariant: a code is what the key gives on a keyboard with the US layout, whatever layout was in use: the session records places on the
//! keyboard, not what is printed on them. Keys without a code there are left out. Source: Microsoft's "Virtual-Key Codes".

/// The code of a HID usage (page 0x07); `None` when Windows has none.
pub fn of_usage(usage: i32) -> Option<u8> {
    let usage = u8::try_from(usage).ok()?;
    Some(match usage {
        // Letters are their capital ASCII letters.
        0x04..=0x1d => usage - 0x04 + b'A',
        // 1 to 9 are theirs; 0 comes after 9 on the keyboard.
        0x1e..=0x26 => usage - 0x1e + b'1',
        0x27 => b'0',
        0x28 | 0x58 => 0x0d, // Enter, NumpadEnter: one code, told apart by a flag that has no place here
        0x29 => 0x1b,        // Escape
        0x2a => 0x08,        // Backspace
        0x2b => 0x09,        // Tab
        0x2c => 0x20,        // Space
        0x2d => 0xbd,        // Minus: VK_OEM_MINUS
        0x2e => 0xbb,        // Equal: VK_OEM_PLUS
        0x2f => 0xdb,        // BracketLeft: VK_OEM_4
        0x30 => 0xdd,        // BracketRight: VK_OEM_6
        0x31 | 0x32 => 0xdc, // Backslash: VK_OEM_5
        0x33 => 0xba,        // Semicolon: VK_OEM_1
        0x34 => 0xde,        // Quote: VK_OEM_7
        0x35 => 0xc0,        // Backquote: VK_OEM_3
        0x36 => 0xbc,        // Comma: VK_OEM_COMMA
        0x37 => 0xbe,        // Period: VK_OEM_PERIOD
        0x38 => 0xbf,        // Slash: VK_OEM_2
        0x39 => 0x14,        // CapsLock: VK_CAPITAL
        0x3a..=0x45 => usage - 0x3a + 0x70, // F1 to F12
        0x46 => 0x2c,        // PrintScreen: VK_SNAPSHOT
        0x47 => 0x91,        // ScrollLock
        0x48 => 0x13,        // Pause
        0x49 => 0x2d,        // Insert
        0x4a => 0x24,        // Home
        0x4b => 0x21,        // PageUp: VK_PRIOR
        0x4c => 0x2e,        // Delete
        0x4d => 0x23,        // End
        0x4e => 0x22,        // PageDown: VK_NEXT
        0x4f => 0x27,        // ArrowRight
        0x50 => 0x25,        // ArrowLeft
        0x51 => 0x28,        // ArrowDown
        0x52 => 0x26,        // ArrowUp
        0x53 => 0x90,        // NumLock
        0x54 => 0x6f,        // NumpadDivide
        0x55 => 0x6a,        // NumpadMultiply
        0x56 => 0x6d,        // NumpadSubtract
        0x57 => 0x6b,        // NumpadAdd
        0x59..=0x61 => usage - 0x59 + 0x61, // Numpad1 to Numpad9
        0x62 => 0x60,        // Numpad0
        0x63 => 0x6e,        // NumpadDecimal
        0x64 => 0xe2,        // IntlBackslash: VK_OEM_102
        0x65 => 0x5d,        // ContextMenu: VK_APPS
        0x68..=0x73 => usage - 0x68 + 0x7c, // F13 to F24
        0x75 => 0x2f,        // Help
        0x77 => 0x29,        // Select
        0x7f => 0xad,        // AudioVolumeMute
        0x80 => 0xaf,        // AudioVolumeUp
        0x81 => 0xae,        // AudioVolumeDown
        0x85 => 0xc2,        // NumpadComma: VK_ABNT_C2
        0x87 => 0xc1,        // IntlRo: VK_ABNT_C1
        0x88 => 0x15,        // KanaMode: VK_KANA
        0x8a => 0x1c,        // Convert
        0x8b => 0x1d,        // NonConvert
        0xe0 => 0xa2,        // ControlLeft: VK_LCONTROL
        0xe1 => 0xa0,        // ShiftLeft
        0xe2 => 0xa4,        // AltLeft: VK_LMENU
        0xe3 => 0x5b,        // MetaLeft: VK_LWIN
        0xe4 => 0xa3,        // ControlRight
        0xe5 => 0xa1,        // ShiftRight
        0xe6 => 0xa5,        // AltRight
        0xe7 => 0x5c,        // MetaRight
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::of_usage;
    use crate::base::hid;

    #[test]
    fn a_code_is_one_key_but_for_enter_and_the_keys_that_are_one_place() {
        let mut keys: BTreeMap<u8, Vec<&str>> = BTreeMap::new();
        for key in hid::KEYS {
            if let Some(code) = of_usage(i32::from(key.usage.0)) {
                keys.entry(code).or_default().push(key.code);
            }
        }
        let twice: Vec<_> = keys.into_values().filter(|codes| codes.len() > 1).collect();
        assert_eq!(twice, [vec!["Enter", "NumpadEnter"]]);
        let without: Vec<_> =
            hid::KEYS.iter().filter(|key| of_usage(i32::from(key.usage.0)).is_none()).map(|key| key.code).collect();
        assert_eq!(
            without,
            [
                "Power",
                "NumpadEqual",
                "Open",
                "Again",
                "Undo",
                "Cut",
                "Copy",
                "Paste",
                "Find",
                "IntlYen",
                "Lang1",
                "Lang2",
                "Lang3",
                "Lang4",
                "Lang5",
                "NumpadParenLeft",
                "NumpadParenRight"
            ]
        );
        assert_eq!(
            [0x04, 0x1e, 0x27, 0x3a, 0xe0].map(of_usage),
            [Some(0x41), Some(0x31), Some(0x30), Some(0x70), Some(0xa2)]
        );
        assert_eq!([-1, 0, 0x100, 0x104].map(of_usage), [None; 4]);
    }
}
