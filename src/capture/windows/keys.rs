//! From a raw keyboard event to a key: make codes (scan code set 1), their prefixes, and the events that no key made.
//!
//! Pure. Invariant: each code names one key, and each key of the table has one code ([`code_of`] goes back). A code is the make code, with
//! `0xE000` where the prefix E0 came with it: that is also the `native` of its rows.

use crate::base::event::HidUsage;
use crate::base::hid;

/// The key went up.
const BREAK: u16 = 1;
/// The prefix E0.
const E0: u16 = 2;
/// The prefix E1.
const E1: u16 = 4;
/// Virtual keys that tell what a make code does not.
const VK_PAUSE: u16 = 0x13;
const VK_SHIFT: u16 = 0x10;
const VK_NUMLOCK: u16 = 0x90;
/// Tab and Enter, by their virtual keys and by their codes without the prefix.
const VKS_THAT_MOVE: [u16; 2] = [0x09, 0x0d];
const MAKES_THAT_MOVE: [u16; 2] = [0x0f, 0x1c];
/// No virtual key: a part of a longer sequence.
const VK_NONE: u16 = 0xff;
/// More keys are down than the keyboard can tell.
const OVERRUN: u16 = 0xff;
/// How a code with the prefix E0 is written.
const EXTENDED: u16 = 0xe000;
/// NumLock, and Pause by what it sends behind E1 1D.
const NUMLOCK: u16 = 0xe045;
const PAUSE: u16 = 0x45;
/// The shift and control keys that are sent along with others, and were not pressed.
const FAKES: [u16; 4] = [0xe02a, 0xe036, 0xe0aa, 0xe0b6];

/// What a raw keyboard event says (`RAWKEYBOARD`), and of which device.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct KeyPacket {
    pub(super) device: u64,
    pub(super) make: u16,
    pub(super) flags: u16,
    pub(super) vkey: u16,
}

/// What became of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum KeyNews {
    /// A key changed: its code, and whether it is down.
    Key(u16, bool),
    /// The keyboard could not tell what is down.
    Overrun,
    /// No key did that.
    Nothing,
}

/// Whether an event has programs move the focus to another field, as a rule: Tab and Enter go down.
pub(super) fn moves_focus(packet: &KeyPacket) -> bool {
    packet.flags & BREAK == 0 && (VKS_THAT_MOVE.contains(&packet.vkey) || MAKES_THAT_MOVE.contains(&packet.make))
}

/// Reads events one behind the other.
#[derive(Default)]
pub(super) struct Keys {
    /// The first half of a change of Pause came last, of this device.
    pausing: Option<u64>,
}

impl Keys {
    /// Reads an event as [`read`] does, without the second half of Pause: where it says what key it is of, Pause would be told twice.
    pub(super) fn read(&mut self, packet: &KeyPacket, by_vkey: impl Fn(u16) -> u16) -> KeyNews {
        let is_second_half = self.pausing.take() == Some(packet.device)
            && (packet.make, packet.vkey) == (PAUSE, VK_PAUSE)
            && packet.flags & (E0 | E1) == 0;
        self.pausing = is_pause(packet).then_some(packet.device);
        if is_second_half { KeyNews::Nothing } else { read(packet, by_vkey) }
    }
}

/// E1 1D, the first half of Pause; the second is 45 without a virtual key.
fn is_pause(packet: &KeyPacket) -> bool {
    packet.flags & E1 != 0 && (packet.make, packet.vkey) == (0x1d, VK_PAUSE)
}

/// Reads an event. `by_vkey` answers with the make code of a virtual key (`MapVirtualKeyW`), for devices that send none.
pub(super) fn read(packet: &KeyPacket, by_vkey: impl Fn(u16) -> u16) -> KeyNews {
    let KeyPacket { make, flags, vkey, .. } = *packet;
    if make == OVERRUN {
        return KeyNews::Overrun;
    }
    if is_pause(packet) {
        return KeyNews::Key(PAUSE, flags & BREAK == 0);
    }
    if vkey == VK_NONE || flags & E1 != 0 && make == 0x1d {
        return KeyNews::Nothing;
    }
    let code = match make {
        0 => match by_vkey(vkey) {
            0 => return KeyNews::Nothing,
            code if code >> 8 == 0xe0 => EXTENDED | code & 0xff,
            code => code & 0xff,
        },
        _ if flags & E0 != 0 => EXTENDED | make,
        _ => make,
    };
    if FAKES.contains(&code) {
        return KeyNews::Nothing;
    }
    // Both are sent with the code 0x45, and only the virtual key tells them apart; where they have the codes of messages, E0 does.
    let code = if code == PAUSE && vkey == VK_NUMLOCK { NUMLOCK } else { code };
    // With Shift held, a key of the number pad is preceded by a release of Shift that carries the pad's code.
    if vkey == VK_SHIFT && usage_of(code).is_some_and(|usage| (0x59..=0x63).contains(&usage.0)) {
        return KeyNews::Nothing;
    }
    KeyNews::Key(code, flags & BREAK == 0)
}

/// Codes whose evdev code is another number: all with the prefix E0, and the further ones of Japanese, Korean and terminal keyboards.
const OTHERS: [(u16, u16); 46] = [
    (PAUSE, 119),
    (0x54, 99),
    (0x59, 117),
    (0x64, 183),
    (0x65, 184),
    (0x66, 185),
    (0x67, 186),
    (0x68, 187),
    (0x69, 188),
    (0x6a, 189),
    (0x6b, 190),
    (0x6c, 191),
    (0x6d, 192),
    (0x6e, 193),
    (0x70, 93),
    (0x73, 89),
    (0x76, 194),
    (0x77, 91),
    (0x78, 90),
    (0x79, 92),
    (0x7b, 94),
    (0x7d, 124),
    (0x7e, 121),
    (0xf1, 123),
    (0xf2, 122),
    (0xe01c, 96),
    (0xe01d, 97),
    (0xe020, 113),
    (0xe02e, 114),
    (0xe030, 115),
    (0xe035, 98),
    (0xe037, 99),
    (0xe038, 100),
    (NUMLOCK, 69),
    (0xe046, 119),
    (0xe047, 102),
    (0xe048, 103),
    (0xe049, 104),
    (0xe04b, 105),
    (0xe04d, 106),
    (0xe04f, 107),
    (0xe050, 108),
    (0xe051, 109),
    (0xe052, 110),
    (0xe053, 111),
    (0xe05b, 125),
];
/// The rest of them.
const MORE: [(u16, u16); 3] = [(0xe05c, 126), (0xe05d, 127), (0xe05e, 116)];
/// Codes up to here are the numbers of evdev, but for those above.
const LAST_SAME: u16 = 0x58;
/// No key of Windows has it; evdev's number is another key's.
const UNUSED: u16 = 0x55;
/// Second codes of a key: PrintScreen with Alt, and Pause with Control.
#[cfg(test)]
const SECOND: [u16; 2] = [0x54, 0xe046];

/// Returns the key of a code.
pub(super) fn usage_of(code: u16) -> Option<HidUsage> {
    let other = OTHERS.iter().chain(&MORE).find(|(own, _)| *own == code).map(|(_, evdev)| *evdev);
    let is_same = (1..=LAST_SAME).contains(&code) && code != UNUSED;
    hid::usage_of_evdev(other.or(is_same.then_some(code))?)
}

/// Returns the code of a key.
#[cfg(test)]
pub(super) fn code_of(usage: HidUsage) -> Option<u16> {
    let evdev = hid::evdev_of_usage(usage)?;
    let other = OTHERS.iter().chain(&MORE).find(|(code, number)| *number == evdev && !SECOND.contains(code));
    let is_same = (1..=LAST_SAME).contains(&evdev) && evdev != UNUSED;
    let is_taken = OTHERS.iter().any(|(code, _)| *code == evdev);
    other.map(|(code, _)| *code).or((is_same && !is_taken).then_some(evdev))
}

#[cfg(test)]
#[path = "keys_tests.rs"]
mod tests;
