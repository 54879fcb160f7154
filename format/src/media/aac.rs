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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(specific: &[u8]) -> Option<(u32, u16)> {
        described(specific).map(|described| (described.rate, described.channels))
    }

    #[test]
    fn what_is_aac_lc_is_read_and_nothing_else() {
        assert_eq!(read(&[0x11, 0x90]), Some((48_000, 2)));
        assert_eq!(read(&[0x12, 0x08]), Some((44_100, 1)));
        // An extension behind it (SBR that is signalled as not there, as ffmpeg writes it) changes nothing.
        assert_eq!(read(&[0x11, 0x90, 0x56, 0xe5, 0x00]), Some((48_000, 2)));
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
