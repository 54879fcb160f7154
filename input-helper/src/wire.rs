//! What is said over the socket: packets of eight bytes, numbers little-endian. Pure.
//!
//! | packet | bytes | goes with it |
//! |---|---|---|
//! | hello, of the recorder, once and first | `WINP`, version u16, 0 twice | |
//! | greeting, of the helper, once and first | 1, 0, version u16, 0 four times | |
//! | device | 2, 0 three times, number of the device u32 | its descriptor |
//! | open: the devices that are there were lent | 3, 0 seven times | |
//! | closed: all devices are being taken back | 4, why u8, 0 six times | |
//!
//! The socket keeps the borders of packets, so there is no length to trust: a packet of any other length or with any other byte is refused by whoever
//! reads it. The recorder says nothing after its hello; the helper takes no names, paths or orders.

use std::fmt;

/// Version of what is said.
pub const VERSION: u16 = 1;
/// Bytes of a packet.
pub const PACKET: usize = 8;
/// The most devices that are lent at once.
pub const MAX_DEVICES: usize = 64;
/// The highest number of a device that is lent: the kernel has room for 1024 of them.
pub const MAX_NUMBER: u32 = 4095;

const MAGIC: [u8; 4] = *b"WINP";

/// Why the devices are taken back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Why {
    /// The session is locked.
    Locked = 1,
    /// Another session is in front, or this one has no seat.
    Inactive = 2,
    /// Nobody tells any more.
    Unknown = 3,
}

/// What the helper says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Word {
    /// It is there.
    Greeting,
    /// Here is a device: `/dev/input/eventN`.
    Device(u32),
    /// All devices that are there were lent, and those that come will be.
    Open,
    /// All devices are taken back.
    Closed(Why),
}

/// Why a packet is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WireError {
    /// It has another length.
    Length(usize),
    /// The other side speaks another version.
    Version(u16),
    /// It is none of those that there are.
    Unknown,
    /// Another number of descriptors came with it.
    Descriptors {
        /// How many there must be.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// It is not due.
    Order,
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length(found) => write!(f, "a packet of {found} bytes, not {PACKET}"),
            Self::Version(found) => write!(f, "the other side speaks version {found}, this one {VERSION}"),
            Self::Unknown => f.write_str("a packet of no known kind"),
            Self::Descriptors { expected, found } => write!(f, "{found} descriptors with a packet, not {expected}"),
            Self::Order => f.write_str("a packet that is not due"),
        }
    }
}

impl std::error::Error for WireError {}

/// The recorder's only packet.
pub fn hello() -> [u8; PACKET] {
    let [low, high] = VERSION.to_le_bytes();
    let [a, b, c, d] = MAGIC;
    [a, b, c, d, low, high, 0, 0]
}

/// Reads the recorder's only packet.
///
/// # Errors
/// What is wrong with it.
pub fn read_hello(packet: &[u8]) -> Result<(), WireError> {
    let Ok(packet) = <&[u8; PACKET]>::try_from(packet) else { return Err(WireError::Length(packet.len())) };
    let [a, b, c, d, low, high, rest @ ..] = *packet;
    match u16::from_le_bytes([low, high]) {
        _ if [a, b, c, d] != MAGIC || rest != [0, 0] => Err(WireError::Unknown),
        VERSION => Ok(()),
        other => Err(WireError::Version(other)),
    }
}

impl Word {
    /// Returns its bytes.
    pub fn bytes(self) -> [u8; PACKET] {
        let mut out = [0; PACKET];
        match self {
            Self::Greeting => {
                out[0] = 1;
                out[2..4].copy_from_slice(&VERSION.to_le_bytes());
            }
            Self::Device(number) => {
                out[0] = 2;
                out[4..].copy_from_slice(&number.to_le_bytes());
            }
            Self::Open => out[0] = 3,
            Self::Closed(why) => (out[0], out[1]) = (4, why as u8),
        }
        out
    }

    /// How many descriptors go with it.
    pub fn descriptors(self) -> usize {
        usize::from(matches!(self, Self::Device(_)))
    }

    /// Reads a packet with which this many descriptors came.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(packet: &[u8], found: usize) -> Result<Self, WireError> {
        let Ok(packet) = <&[u8; PACKET]>::try_from(packet) else { return Err(WireError::Length(packet.len())) };
        let [kind, why, low, high, number @ ..] = *packet;
        let (short, number) = (u16::from_le_bytes([low, high]), u32::from_le_bytes(number));
        let word = match (kind, why, short, number) {
            (1, 0, VERSION, 0) => Self::Greeting,
            (1, 0, other, 0) => return Err(WireError::Version(other)),
            (2, 0, 0, 0..=MAX_NUMBER) => Self::Device(number),
            (3, 0, 0, 0) => Self::Open,
            (4, 1, 0, 0) => Self::Closed(Why::Locked),
            (4, 2, 0, 0) => Self::Closed(Why::Inactive),
            (4, 3, 0, 0) => Self::Closed(Why::Unknown),
            _ => return Err(WireError::Unknown),
        };
        let expected = word.descriptors();
        if found == expected { Ok(word) } else { Err(WireError::Descriptors { expected, found }) }
    }
}

/// What the recorder has heard so far: whether the next packet is due.
#[derive(Default)]
pub struct Heard {
    greeted: bool,
    is_open: bool,
}

impl Heard {
    /// Takes a packet in, with which this many descriptors came.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn take(&mut self, packet: &[u8], found: usize) -> Result<Word, WireError> {
        let word = Word::read(packet, found)?;
        let is_due = match word {
            Word::Greeting => !std::mem::replace(&mut self.greeted, true),
            Word::Device(_) => self.greeted,
            Word::Open => self.greeted && !std::mem::replace(&mut self.is_open, true),
            // Also when it was closed again before all devices were lent.
            Word::Closed(_) => {
                self.is_open = false;
                self.greeted
            }
        };
        if is_due { Ok(word) } else { Err(WireError::Order) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: [Word; 6] = [
        Word::Greeting,
        Word::Device(MAX_NUMBER),
        Word::Open,
        Word::Closed(Why::Locked),
        Word::Closed(Why::Inactive),
        Word::Closed(Why::Unknown),
    ];

    #[test]
    fn what_is_written_is_read_and_the_bytes_are_these() {
        for word in WORDS {
            assert_eq!(Word::read(&word.bytes(), word.descriptors()), Ok(word));
        }
        assert_eq!(Word::Device(0x0102).bytes(), [2, 0, 0, 0, 2, 1, 0, 0]);
        assert_eq!(Word::Greeting.bytes(), [1, 0, 1, 0, 0, 0, 0, 0]);
        assert_eq!(Word::Closed(Why::Inactive).bytes(), [4, 2, 0, 0, 0, 0, 0, 0]);
        assert_eq!(&hello(), b"WINP\x01\0\0\0");
        assert_eq!(read_hello(&hello()), Ok(()));
    }

    /// Each packet has one form, and everything else is refused: every byte of every packet, changed in every way.
    #[test]
    fn nothing_but_these_packets_is_taken() {
        for word in WORDS {
            for (at, value) in (0..PACKET).flat_map(|at| (0..=255).map(move |value| (at, value))) {
                let mut packet = word.bytes();
                packet[at] = value;
                if let Ok(read) = Word::read(&packet, word.descriptors()) {
                    assert_eq!(read.bytes(), packet);
                }
            }
            assert!(Word::read(&word.bytes()[..7], word.descriptors()).is_err());
            assert!(Word::read(&[word.bytes().as_slice(), &[0]].concat(), word.descriptors()).is_err());
            for found in [0, 1, 2, 253] {
                let read = Word::read(&word.bytes(), found);
                assert_eq!(read.is_ok(), found == word.descriptors(), "{word:?} with {found} descriptors");
            }
        }
        for at in 0..PACKET {
            let mut packet = hello();
            packet[at] ^= 0x40;
            assert!(read_hello(&packet).is_err(), "byte {at}");
        }
        assert_eq!(read_hello(b"WINP\x02\0\0\0"), Err(WireError::Version(2)));
        assert_eq!(read_hello(b""), Err(WireError::Length(0)));
        assert!(Word::read(&Word::Device(MAX_NUMBER + 1).bytes(), 1).is_err());
    }

    #[test]
    fn words_come_in_their_order() {
        let said = |words: &[Word]| {
            let mut heard = Heard::default();
            words.iter().try_for_each(|word| heard.take(&word.bytes(), word.descriptors()).map(drop))
        };
        let (greeting, device, open, closed) = (Word::Greeting, Word::Device(3), Word::Open, Word::Closed(Why::Locked));
        assert_eq!(said(&[greeting, device, open, device, closed, device, open, closed]), Ok(()));
        assert_eq!(said(&[greeting, closed, open]), Ok(()), "a session that was locked at the start");
        assert_eq!(said(&[greeting, closed, device, closed, device, open]), Ok(()), "locked again at once");
        for wrong in [
            &[device][..],
            &[open],
            &[closed],
            &[greeting, greeting],
            &[greeting, open, open],
            &[greeting, open, device, greeting],
        ] {
            assert_eq!(said(wrong), Err(WireError::Order), "{wrong:?}");
        }
    }
}
