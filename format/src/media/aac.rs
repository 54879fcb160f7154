//! What is known of a stream of AAC-LC from the bytes in front of it, and what its packets stand for.
//!
//! A pure function over bytes. Packets are coded over their own samples and those of the next packet (the transform overlaps), so what a
//! decoder puts out for a packet is whole only behind the packet before it.

use super::track::AAC_PACKET;

/// Samples (per channel) of which a packet has something in it: what it decodes to, and as much behind it.
pub const WINDOW: u32 = 2 * AAC_PACKET;
/// Sampling rates by their index (ISO/IEC 14496-3, table 1.18).
const RATES: [u32; 13] =
    [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350];

/// Stream of AAC-LC as its `AudioSpecificConfig` describes it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Described {
    /// Samples per second and channel.
    pub rate: u32,
    /// Channels.
    pub channels: u16,
}

/// Reads an `AudioSpecificConfig`; `None` when it is not that of AAC-LC with packets of 1024 samples and named channels.
pub fn described(specific: &[u8]) -> Option<Described> {
    let bits = u16::from_be_bytes(*specific.first_chunk::<2>()?);
    // Five bits of object type, four of the rate's index, four of the channels, and then: packets of 960 samples, depends on another
    // stream, has an extension.
    let (object, index, channels, rest) = (bits >> 11, bits >> 7 & 0xf, bits >> 3 & 0xf, bits & 7);
    let channels = match channels {
        1..=6 => channels,
        7 => 8,
        _ => return None,
    };
    (object == 2 && rest == 0).then_some(())?;
    Some(Described { rate: *RATES.get(usize::from(index))?, channels })
}

/// Returns whether an `AudioSpecificConfig` says behind its description that there is an extension (SBR): a decoder then makes twice as many samples.
pub fn is_extended(specific: &[u8]) -> bool {
    // A sync extension of the type 5, and the bit that it is there.
    specific.get(2..5).is_some_and(|rest| rest[..2] == [0x56, 0xe5] && rest[2] & 0x80 != 0)
}

/// Bytes of the header of a packet that stands without a container ([`adts`]).
pub const ADTS_BYTES: usize = 7;

/// Returns the header of a packet of so many bytes where packets follow each other without a container; `None` where it is too long for one,
/// or the stream is not AAC-LC.
pub fn adts(specific: &[u8], bytes: usize) -> Option<[u8; ADTS_BYTES]> {
    described(specific)?;
    let length = u16::try_from(bytes + ADTS_BYTES).ok().filter(|length| *length < 1 << 13)?;
    let bits = u16::from_be_bytes(*specific.first_chunk::<2>()?);
    let (rate, channels) = ((bits >> 7 & 0xf) as u8, (bits >> 3 & 0xf) as u8);
    Some([
        0xff,
        // MPEG-4, no sum.
        0xf1,
        // AAC-LC is 1 here.
        1 << 6 | rate << 2 | channels >> 2,
        (channels & 3) << 6 | (length >> 11) as u8,
        (length >> 3) as u8,
        ((length & 7) << 5) as u8 | 0x1f,
        0xfc,
    ])
}

/// What a packet is made of, by the number of its channels (ISO/IEC 14496-3, table 1.19): a single channel, a pair, or one of deep sounds.
const ELEMENTS: [&[u32]; 9] = [&[], &[0], &[1], &[0, 1], &[0, 1, 0], &[0, 1, 1], &[0, 1, 1, 3], &[], &[0, 1, 1, 1, 3]];
/// The element that ends a packet.
const END: u32 = 7;

/// Returns a packet that has nothing in it: it decodes to zeros, but for what the packet before it has in the same samples. `None` for a number of
/// channels that has no name.
///
/// The channels of a pair each say their own windows, so that nothing has to be said of both; no band is coded, and so no factor and no line.
pub fn silence(channels: u16) -> Option<Vec<u8>> {
    let elements = ELEMENTS.get(usize::from(channels)).filter(|elements| !elements.is_empty())?;
    let mut bits = Bits::default();
    for (at, element) in elements.iter().enumerate() {
        bits.push(*element, 3);
        let tag = elements[..at].iter().filter(|other| *other == element).count() as u32;
        bits.push(tag, 4);
        let is_pair = *element == 1;
        if is_pair {
            bits.push(0, 1);
        }
        for _ in 0..if is_pair { 2 } else { 1 } {
            // Its gain; then one long window with the shape of a sine and no band of it; no pulses, no shaping in time, no control of gain.
            bits.push(100, 8);
            bits.push(0, 1 + 2 + 1 + 6 + 1 + 1 + 1 + 1);
        }
    }
    bits.push(END, 3);
    Some(bits.bytes)
}

/// Bits, the highest one of each byte first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    free: u32,
}

impl Bits {
    fn push(&mut self, value: u32, count: u32) {
        for at in (0..count).rev() {
            if self.free == 0 {
                self.bytes.push(0);
                self.free = 8;
            }
            self.free -= 1;
            if let Some(last) = self.bytes.last_mut() {
                *last |= ((value >> at & 1) as u8) << self.free;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_short_and_of_every_number_of_channels_that_has_a_name() {
        // A channel: element 0, tag 0, gain 100, fourteen bits of nothing, element 7.
        assert_eq!(silence(1), Some(vec![0b0000_0000, 0b1100_1000, 0b0000_0000, 0b0000_0111]));
        let lengths = [2, 3, 4, 5, 6, 8].map(|channels| silence(channels).map(|packet| packet.len()));
        assert_eq!(lengths, [7, 11, 15, 17, 21, 28].map(Some));
        assert_eq!([0, 7, 9, u16::MAX].map(silence), [None, None, None, None]);
    }

    fn read(specific: &[u8]) -> Option<(u32, u16)> {
        described(specific).map(|described| (described.rate, described.channels))
    }

    #[test]
    fn what_is_aac_lc_is_read_and_nothing_else() {
        assert_eq!(read(&[0x11, 0x90]), Some((48_000, 2)));
        assert_eq!(read(&[0x12, 0x08]), Some((44_100, 1)));
        // An extension behind it (SBR that is signalled as not there, as ffmpeg writes it) changes nothing.
        assert_eq!(read(&[0x11, 0x90, 0x56, 0xe5, 0x00]), Some((48_000, 2)));
        assert!(!is_extended(&[0x11, 0x90, 0x56, 0xe5, 0x00]) && !is_extended(&[0x11, 0x90]));
        assert!(is_extended(&[0x11, 0x90, 0x56, 0xe5, 0x80]));
        for (specific, what) in [
            (&[0x11][..], "cut"),
            (&[], "nothing"),
            (&[0x29, 0x90], "SBR"),
            (&[0x11, 0x94], "960 samples"),
            (&[0x17, 0x90], "a rate of its own"),
            (&[0x11, 0x80], "channels that are not named"),
        ] {
            assert_eq!(read(specific), None, "{what}");
        }
    }

    #[test]
    fn the_header_of_a_packet_says_what_the_description_says() {
        assert_eq!(adts(&[0x11, 0x90], 300), Some([0xff, 0xf1, 0x4c, 0x80, 0x26, 0x7f, 0xfc]));
        assert_eq!((adts(&[0x11, 0x90], 8185), adts(&[0x29, 0x90], 300)), (None, None));
    }
}
