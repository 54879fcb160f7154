//! X11 keysyms as places on a keyboard with the US layout.
//!
//! Source: `keysymdef.h` and `XF86keysym.h` of X.Org, and the symbols `us` of xkeyboard-config. A test compares it with the map of a real server.

use crate::base::event::HidUsage;

/// Characters of the keys from `Digit1` on, without and with Shift, and their usages.
const CHARACTERS: [(u8, u8, u16); 22] = [
    (b'1', b'!', 0x1e),
    (b'2', b'@', 0x1f),
    (b'3', b'#', 0x20),
    (b'4', b'$', 0x21),
    (b'5', b'%', 0x22),
    (b'6', b'^', 0x23),
    (b'7', b'&', 0x24),
    (b'8', b'*', 0x25),
    (b'9', b'(', 0x26),
    (b'0', b')', 0x27),
    (b' ', b' ', 0x2c),
    (b'-', b'_', 0x2d),
    (b'=', b'+', 0x2e),
    (b'[', b'{', 0x2f),
    (b']', b'}', 0x30),
    (b'\\', b'|', 0x31),
    (b';', b':', 0x33),
    (b'\'', b'"', 0x34),
    (b'`', b'~', 0x35),
    (b',', b'<', 0x36),
    (b'.', b'>', 0x37),
    (b'/', b'?', 0x38),
];

/// Keysyms of keys that give no character of ASCII.
const NAMED: [(u32, u16); 68] = [
    (0xff08, 0x2a),      // BackSpace
    (0xff09, 0x2b),      // Tab
    (0xfe20, 0x2b),      // ISO_Left_Tab
    (0xff0d, 0x28),      // Return
    (0xff13, 0x48),      // Pause
    (0xff6b, 0x48),      // Break
    (0xff14, 0x47),      // Scroll_Lock
    (0xff15, 0x46),      // Sys_Req
    (0xff61, 0x46),      // Print
    (0xff1b, 0x29),      // Escape
    (0xffff, 0x4c),      // Delete
    (0xff63, 0x49),      // Insert
    (0xff50, 0x4a),      // Home
    (0xff51, 0x50),      // Left
    (0xff52, 0x52),      // Up
    (0xff53, 0x4f),      // Right
    (0xff54, 0x51),      // Down
    (0xff55, 0x4b),      // Prior
    (0xff56, 0x4e),      // Next
    (0xff57, 0x4d),      // End
    (0xff67, 0x65),      // Menu
    (0xff6a, 0x75),      // Help
    (0xff65, 0x7a),      // Undo
    (0xff66, 0x79),      // Redo, on the key Again
    (0xff68, 0x7e),      // Find
    (0xff7f, 0x53),      // Num_Lock
    (0xff8d, 0x58),      // KP_Enter
    (0xff95, 0x5f),      // KP_Home
    (0xff96, 0x5c),      // KP_Left
    (0xff97, 0x60),      // KP_Up
    (0xff98, 0x5e),      // KP_Right
    (0xff99, 0x5a),      // KP_Down
    (0xff9a, 0x61),      // KP_Prior
    (0xff9b, 0x5b),      // KP_Next
    (0xff9c, 0x59),      // KP_End
    (0xff9d, 0x5d),      // KP_Begin
    (0xff9e, 0x62),      // KP_Insert
    (0xff9f, 0x63),      // KP_Delete
    (0xffaa, 0x55),      // KP_Multiply
    (0xffab, 0x57),      // KP_Add
    (0xffad, 0x56),      // KP_Subtract
    (0xffae, 0x63),      // KP_Decimal
    (0xffaf, 0x54),      // KP_Divide
    (0xffb0, 0x62),      // KP_0
    (0xffbd, 0x67),      // KP_Equal
    (0xffe1, 0xe1),      // Shift_L
    (0xffe2, 0xe5),      // Shift_R
    (0xffe3, 0xe0),      // Control_L
    (0xffe4, 0xe4),      // Control_R
    (0xffe5, 0x39),      // Caps_Lock
    (0xffe7, 0xe2),      // Meta_L, which is Shift and Alt_L
    (0xffe8, 0xe6),      // Meta_R
    (0xffe9, 0xe2),      // Alt_L
    (0xffea, 0xe6),      // Alt_R
    (0xfe03, 0xe6),      // ISO_Level3_Shift, which other layouts have in the place of Alt_R
    (0xffeb, 0xe3),      // Super_L
    (0xffec, 0xe7),      // Super_R
    (0xff22, 0x8b),      // Muhenkan
    (0xff23, 0x8a),      // Henkan_Mode
    (0xff27, 0x88),      // Hiragana_Katakana
    (0xff31, 0x90),      // Hangul
    (0xff34, 0x91),      // Hangul_Hanja
    (0x1008_ff11, 0x81), // XF86AudioLowerVolume
    (0x1008_ff12, 0x7f), // XF86AudioMute
    (0x1008_ff13, 0x80), // XF86AudioRaiseVolume
    (0x1008_ff57, 0x7c), // XF86Copy
    (0x1008_ff58, 0x7b), // XF86Cut
    (0x1008_ff6d, 0x7d), // XF86Paste
];

/// The key that gives a keysym on a keyboard with the US layout.
pub(crate) fn usage(keysym: u32) -> Option<HidUsage> {
    const KP_1: u32 = 0xffb1;
    const F1: u32 = 0xffbe;
    const F13: u32 = 0xffca;
    let usage = match keysym {
        0x41..=0x5a => keysym - 0x41 + 0x04,
        0x61..=0x7a => keysym - 0x61 + 0x04,
        KP_1..=0xffb9 => keysym - KP_1 + 0x59,
        F1..=0xffc9 => keysym - F1 + 0x3a,
        F13..=0xffd5 => keysym - F13 + 0x68,
        0x20..=0x7e => {
            let key = CHARACTERS
                .iter()
                .find(|(plain, shifted, _)| [u32::from(*plain), u32::from(*shifted)].contains(&keysym));
            u32::from(key?.2)
        }
        _ => u32::from(NAMED.iter().find(|(named, _)| *named == keysym)?.1),
    };
    u16::try_from(usage).ok().map(HidUsage)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_of_ascii_has_a_key_and_nothing_else_has() {
        for keysym in 0x20..0x7f {
            assert!(
                usage(keysym).is_some_and(|usage| crate::base::hid::evdev_of_usage(usage).is_some()),
                "{keysym:#x}"
            );
        }
        for keysym in [0, 0x1f, 0x7f, 0xe9, 0xfe50, 0xff00, 0xffff_ffff, 0x0100_20ac] {
            assert_eq!(usage(keysym), None, "{keysym:#x}");
        }
        let keys = [u32::from(b'w'), u32::from(b'W'), 0xffb5, 0xffbe, 0xffd5, 0xff51].map(usage);
        assert_eq!(keys, [0x1a, 0x1a, 0x5d, 0x3a, 0x73, 0x50].map(|usage| Some(HidUsage(usage))));
    }
}
