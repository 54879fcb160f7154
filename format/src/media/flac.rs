//! FLAC frames of sound, 16 bits, stored as it is: lossless, and no more work than a copy.
//!
//! A pure function over samples. Silence takes 20 bytes a frame, everything else two bytes a sample; a real encoder may take this one's
//! place without any change of a format. Each frame says the number of its first sample, so a frame stands for itself.

/// Bits of a sample.
pub const BITS: u16 = 16;
/// Most samples (per channel) of a frame.
pub const MAX_BLOCK: u16 = 4096;
/// Fewest samples of a frame but the last: the format's own bound.
pub const MIN_BLOCK: u16 = 16;
/// Most channels of a stream.
pub const MAX_CHANNELS: u16 = 8;

/// Returns the frame of these samples, channel by channel in turns; `first` is the number of the first one in the stream. `None` when they
/// are no frame: too many, none, or not as many of each channel.
pub fn frame(samples: &[i16], channels: u16, first: u64) -> Option<Vec<u8>> {
    let count = usize::from(channels);
    if !(1..=MAX_CHANNELS).contains(&channels) || samples.is_empty() || !samples.len().is_multiple_of(count) {
        return None;
    }
    let block = samples.len() / count;
    if block > usize::from(MAX_BLOCK) || first >= 1 << 36 {
        return None;
    }
    let mut out = Vec::with_capacity(samples.len() * 2 + 24);
    // Sync code with blocks of any size; size of the block in 16 bits behind the number, rate as in the stream's description.
    out.extend([0xff, 0xf9, 0x70, ((channels - 1) as u8) << 4 | 0b100 << 1]);
    push_number(&mut out, first);
    out.extend(((block - 1) as u16).to_be_bytes());
    out.push(crc8(&out));
    for channel in 0..count {
        let mut of_channel = samples.iter().skip(channel).step_by(count);
        let head = samples[channel];
        if of_channel.clone().all(|sample| *sample == head) {
            out.push(0);
            out.extend(head.to_be_bytes());
        } else {
            out.push(0b10);
            of_channel.by_ref().for_each(|sample| out.extend(sample.to_be_bytes()));
        }
    }
    let sum = crc16(&out);
    out.extend(sum.to_be_bytes());
    Some(out)
}

/// Returns how many samples (per channel) a frame that [`frame`] made has; `None` for other bytes.
pub fn samples_in(frame: &[u8]) -> Option<u32> {
    let (head, rest) = frame.split_at_checked(4)?;
    if head[..2] != [0xff, 0xf9] || head[2] != 0x70 {
        return None;
    }
    // The number of the first sample, as long as its first byte says.
    let behind = match rest.first()?.leading_ones() {
        0 => 0,
        ones @ 2..=7 => ones as usize - 1,
        _ => return None,
    };
    let block: &[u8; 2] = rest.get(1 + behind..)?.first_chunk()?;
    Some(u32::from(u16::from_be_bytes(*block)) + 1)
}

/// Returns the samples of a frame that [`frame`] made, channel by channel in turns; `None` for bytes that are damaged, or of another
/// encoder.
pub fn decode(frame: &[u8], channels: u16) -> Option<Vec<i16>> {
    let count = usize::from(channels);
    let block = samples_in(frame)? as usize;
    let (body, sum) = frame.split_last_chunk::<2>()?;
    if crc16(body) != u16::from_be_bytes(*sum) || body[3] != (channels.checked_sub(1)? as u8) << 4 | 0b100 << 1 {
        return None;
    }
    let behind = (body[4].leading_ones() as usize).saturating_sub(1);
    // The number of the first sample, and the size of the block.
    let head = 4 + 1 + behind + 2;
    if crc8(body.get(..head)?) != *body.get(head)? {
        return None;
    }
    let mut at = head + 1;
    let mut samples = vec![0; block.checked_mul(count)?];
    for channel in 0..count {
        let kind = *body.get(at)?;
        let length = match kind {
            0 => 2,
            0b10 => block * 2,
            _ => return None,
        };
        let values = body.get(at + 1..at + 1 + length)?;
        let value = |n: usize| values.get(n * 2..)?.first_chunk().map(|value| i16::from_be_bytes(*value));
        for n in 0..block {
            samples[n * count + channel] = value(if kind == 0 { 0 } else { n })?;
        }
        at += 1 + length;
    }
    (at == body.len()).then_some(samples)
}

/// Returns the frame with these of its samples silent, all channels of each; `None` as [`decode`].
pub fn muted(frame: &[u8], channels: u16, silent: std::ops::Range<u32>) -> Option<Vec<u8>> {
    let mut samples = decode(frame, channels)?;
    let count = samples.len();
    let at = |sample: u32| (sample as usize).saturating_mul(usize::from(channels)).min(count);
    let (from, until) = (at(silent.start), at(silent.end));
    samples.get_mut(from..until)?.fill(0);
    self::frame(&samples, channels, number(frame.get(4..)?)?)
}

/// Reads a number that [`push_number`] made.
fn number(bytes: &[u8]) -> Option<u64> {
    let (first, rest) = bytes.split_first()?;
    let ones = first.leading_ones();
    if ones == 0 {
        return Some(u64::from(*first));
    }
    let behind = rest.get(..(ones as usize).checked_sub(1).filter(|behind| (1..=6).contains(behind))?)?;
    let of_first = u64::from(*first) & (0x7f >> ones);
    Some(behind.iter().fold(of_first, |sum, byte| sum << 6 | u64::from(byte & 0x3f)))
}

/// Appends a number of up to 36 bits, coded as UTF-8 would.
fn push_number(out: &mut Vec<u8>, number: u64) {
    if number < 0x80 {
        return out.push(number as u8);
    }
    // With n bytes behind it the first one has 6 - n bits.
    let behind = (1..6u32).find(|behind| number < 1 << (behind * 6 + (6 - behind))).unwrap_or(6);
    let marker = !(0xff_u8 >> (behind + 1));
    out.push(marker | (number >> (behind * 6)) as u8);
    for part in (0..behind).rev() {
        out.push(0x80 | (number >> (part * 6) & 0x3f) as u8);
    }
}

fn crc8(bytes: &[u8]) -> u8 {
    let step = |sum: u8, _| if sum & 0x80 != 0 { sum << 1 ^ 0x07 } else { sum << 1 };
    bytes.iter().fold(0, |sum, byte| (0..8).fold(sum ^ byte, step))
}

/// The sums of single bytes.
const CRC16: [u16; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut sum = (byte as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            sum = if sum & 0x8000 != 0 { sum << 1 ^ 0x8005 } else { sum << 1 };
            bit += 1;
        }
        table[byte] = sum;
        byte += 1;
    }
    table
};

fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |sum: u16, byte| sum << 8 ^ CRC16[usize::from((sum >> 8) as u8 ^ byte)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_coded_as_utf_8_codes_them() {
        for number in [0, 0x7f, 0x80, 0x7ff, 0x800, 0xffff, 0x1_0000, 0x10_ffff] {
            let mut coded = Vec::new();
            push_number(&mut coded, number);
            if let Some(character) = char::from_u32(number as u32) {
                assert_eq!(coded, character.to_string().as_bytes(), "{number:x}");
            }
        }
        for (number, length) in [(0x1f_ffff, 4), (0x20_0000, 5), (0x3ff_ffff, 5), (0x7fff_ffff, 6), ((1 << 36) - 1, 7)]
        {
            let mut coded = Vec::new();
            push_number(&mut coded, number);
            assert_eq!(coded.len(), length, "{number:x}: {coded:02x?}");
        }
        for number in (0..36).flat_map(|bit| [(1 << bit) - 1, 1 << bit]) {
            let mut coded = Vec::new();
            push_number(&mut coded, number);
            assert_eq!(self::number(&coded), Some(number), "{number:x}: {coded:02x?}");
            assert_eq!(self::number(&coded[..coded.len() - 1]), None, "{number:x}");
        }
        assert_eq!(self::number(&[0x80, 0x80]), None, "no first byte");
    }

    #[test]
    fn what_is_muted_is_zero_and_the_rest_as_it_was() {
        let samples: Vec<i16> = (1..=40).collect();
        let made = frame(&samples, 2, 77_777).expect("a frame");
        let cut = muted(&made, 2, 5..12).expect("a frame");
        let expected: Vec<i16> = (1..=40).map(|n| if (11..=24).contains(&n) { 0 } else { n }).collect();
        assert_eq!(decode(&cut, 2), Some(expected));
        assert_eq!(muted(&made, 2, 0..0), Some(made.clone()));
        let silent = muted(&made, 2, 0..u32::MAX).expect("a frame");
        assert_eq!(silent, frame(&[0; 40], 2, 77_777).expect("a frame"));
        assert_eq!((muted(&made, 1, 0..1), muted(&made[1..], 2, 0..1)), (None, None));
    }

    #[test]
    fn frames_decode_to_what_they_are_made_of_and_damaged_ones_to_nothing() {
        for (channels, block, first) in [(1, 16, 0), (2, 960, 0x1_0000), (8, 33, (1 << 36) - 1)] {
            let samples: Vec<i16> = (0..block * i32::from(channels))
                .map(|at| if at % i32::from(channels) == 0 { -7 } else { (at * 7919) as i16 })
                .collect();
            let made = frame(&samples, channels, first).expect("a frame");
            assert_eq!(decode(&made, channels).as_deref(), Some(&samples[..]));
            assert_eq!(decode(&made, channels + 1), None);
            for place in 0..made.len() {
                let mut changed = made.clone();
                changed[place] ^= 0x10;
                assert_eq!(decode(&changed, channels), None, "byte {place}");
                assert_eq!(decode(&made[..place], channels), None, "cut at {place}");
            }
        }
    }

    #[test]
    fn what_is_no_frame_is_none_and_silence_is_small() {
        assert_eq!(frame(&[], 1, 0), None);
        assert_eq!(frame(&[1, 2, 3], 2, 0), None);
        assert_eq!(frame(&vec![0; usize::from(MAX_BLOCK) + 1], 1, 0), None);
        assert_eq!(frame(&[1], 1, 1 << 36), None);
        for first in [0, 0x7f, 0x80, 0xffff, 1 << 20, 1 << 35] {
            let some = frame(&[1, 2, 3, 4, 5, 6], 2, first).expect("a frame");
            assert_eq!(samples_in(&some), Some(3), "{first:x}");
            assert_eq!(samples_in(&some[..5]), None, "{first:x}");
        }
        assert_eq!(samples_in(b"no frame at all"), None);
        let silence = frame(&vec![0; 2 * usize::from(MAX_BLOCK)], 2, 1 << 35).expect("a frame");
        assert!(silence.len() <= 24, "{} bytes", silence.len());
        assert_eq!(crc8(b"123456789"), 0xf4);
        assert_eq!(crc16(b"123456789"), 0xfee8);
    }
}
