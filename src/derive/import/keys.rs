//! The tables that other recorders take key codes from, and the keys of this format: USB HID usages, which name places on a keyboard.
//!
//! Keeps the invariant that a code is one key or none: what several keys may have given (Shift of Windows, without its side) is none.
//! Tables of characters (X keysyms, virtual keys) are read as a keyboard with the US layout has them.

use crate::base::event::HidUsage;
use crate::base::hid;
use crate::base::vk;

use super::keysym;

/// A table of key codes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyTable {
    /// USB HID usages of the keyboard page, those of this format.
    Hid,
    /// X11 keysyms.
    Keysym,
    /// Windows virtual-key codes.
    Vk,
    /// Linux evdev codes.
    Evdev,
    /// X11 keycodes: evdev codes plus 8.
    X11,
}

impl KeyTable {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Hid, Self::Keysym, Self::Vk, Self::Evdev, Self::X11];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hid => "hid",
            Self::Keysym => "keysym",
            Self::Vk => "vk",
            Self::Evdev => "evdev",
            Self::X11 => "x11",
        }
    }

    /// Reads a name.
    ///
    /// # Errors
    /// A sentence for the command line when it is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        let table = Self::ALL.into_iter().find(|table| table.name() == text);
        table.ok_or_else(|| format!("'{text}' is none of {}", Self::ALL.map(Self::name).join(", ")))
    }

    /// Whether its codes are of characters, so that a layout has to be assumed.
    pub fn assumes_layout(self) -> bool {
        matches!(self, Self::Keysym | Self::Vk)
    }

    /// The key with this code; `None` when there is none, or more than one.
    pub fn usage(self, code: i64) -> Option<i32> {
        let usage = match self {
            Self::Hid => return i32::try_from(code).ok().filter(|usage| is_usage(*usage)),
            Self::Keysym => keysym::usage(u32::try_from(code).ok()?),
            Self::Vk => usage_of_vk(u8::try_from(code).ok()?),
            Self::Evdev => hid::usage_of_evdev(u16::try_from(code).ok()?),
            Self::X11 => hid::usage_of_x11(u32::try_from(code).ok()?),
        };
        usage.map(|usage| i32::from(usage.0))
    }
}

/// Whether a number is assigned to a key on the keyboard page of the HID Usage Tables 1.5.
pub fn is_usage(code: i32) -> bool {
    matches!(code, 0x04..=0xa4 | 0xb0..=0xdd | 0xe0..=0xe7)
}

/// The key with this virtual-key code on a keyboard with the US layout. The code of both Enter keys is that of the larger one.
fn usage_of_vk(code: u8) -> Option<HidUsage> {
    hid::KEYS.iter().map(|key| key.usage).find(|usage| vk::of_usage(i32::from(usage.0)) == Some(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_key_has_a_code_in_each_table() {
        // W, ArrowLeft, Enter, ShiftLeft.
        for (usage, codes) in [
            (0x1a, [0x1a, 0x77, 0x57, 17, 25]),
            (0x50, [0x50, 0xff51, 0x25, 105, 113]),
            (0x28, [0x28, 0xff0d, 0x0d, 28, 36]),
            (0xe1, [0xe1, 0xffe1, 0xa0, 42, 50]),
        ] {
            for (table, code) in KeyTable::ALL.into_iter().zip(codes) {
                assert_eq!(table.usage(code), Some(usage), "{table:?} {code}");
            }
        }
        // Codes without a key, or of two keys (VK_SHIFT).
        for (table, code) in KeyTable::ALL.into_iter().zip([0xff51, 0x1000_0000, 0x10, 600, 3]) {
            assert_eq!(table.usage(code), None, "{table:?} {code}");
        }
        for table in KeyTable::ALL {
            assert_eq!(KeyTable::parse(table.name()), Ok(table));
            assert_eq!([-1, i64::MAX, i64::MIN].map(|code| table.usage(code)), [None; 3]);
        }
    }

    #[test]
    fn reserved_numbers_are_no_usages() {
        assert!(hid::KEYS.iter().all(|key| is_usage(i32::from(key.usage.0))));
        for code in [-1, 0, 1, 3, 0xa5, 0xaf, 0xde, 0xe8, 0x100, 65_361] {
            assert!(!is_usage(code), "{code}");
        }
    }
}
