//! Bits of an RBSP, most significant first: fixed lengths and the Exp-Golomb codes of H.264 (clause 9.1).
//!
//! Invariant: reading behind the end gives `None`, never a panic. Bytes here are without emulation prevention.

/// Reads bits.
#[derive(Clone, Debug)]
pub struct BitReader<'a> {
    bytes: &'a [u8],
    /// Bits read.
    at: usize,
}

impl<'a> BitReader<'a> {
    /// At the first bit of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Bits read so far.
    pub fn position(&self) -> usize {
        self.at
    }

    /// One bit: u(1).
    pub fn flag(&mut self) -> Option<bool> {
        let byte = *self.bytes.get(self.at / 8)?;
        let bit = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        Some(bit == 1)
    }

    /// A number of `bits` ≤ 32 bits: u(n).
    pub fn bits(&mut self, bits: u32) -> Option<u32> {
        (0..bits).try_fold(0_u32, |value, _| Some(value << 1 | u32::from(self.flag()?)))
    }

    /// An unsigned Exp-Golomb number below 2^31: ue(v).
    pub fn ue(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.flag()? {
            zeros += 1;
            if zeros > 30 {
                return None;
            }
        }
        Some((1 << zeros) - 1 + self.bits(zeros)?)
    }

    /// A signed Exp-Golomb number: se(v).
    pub fn se(&mut self) -> Option<i32> {
        let code = self.ue()?.cast_signed();
        Some(if code % 2 == 0 { -(code / 2) } else { code / 2 + 1 })
    }
}

/// Writes bits.
#[derive(Clone, Debug, Default)]
pub struct BitWriter {
    bytes: Vec<u8>,
    /// Bits of the last byte that are taken, 0 when it is full.
    used: u32,
}

impl BitWriter {
    /// A number in `bits` ≤ 32 bits: u(n).
    pub fn bits(&mut self, value: u32, bits: u32) {
        for shift in (0..bits).rev() {
            let bit = (value >> shift & 1) as u8;
            match self.bytes.last_mut() {
                Some(last) if self.used > 0 => *last |= bit << (7 - self.used),
                _ => self.bytes.push(bit << 7),
            }
            self.used = (self.used + 1) % 8;
        }
    }

    /// An unsigned Exp-Golomb number below 2^31: ue(v).
    pub fn ue(&mut self, value: u32) {
        let length = (value + 1).ilog2();
        self.bits(0, length);
        self.bits(value + 1, length + 1);
    }

    /// `rbsp_trailing_bits`: a stop bit, then zeros to the end of the byte.
    pub fn finish(mut self) -> Vec<u8> {
        self.bits(1, 1);
        self.bytes
    }
}

/// Replaces `bits` ≤ 32 bits at bit `at` of `bytes`; false, and nothing changed, when they are not all there.
pub fn replace_bits(bytes: &mut [u8], at: usize, value: u32, bits: u32) -> bool {
    if at + bits as usize > bytes.len() * 8 {
        return false;
    }
    for index in 0..bits as usize {
        let bit = (value >> (bits as usize - 1 - index) & 1) as u8;
        let (byte, shift) = ((at + index) / 8, 7 - (at + index) % 8);
        bytes[byte] = bytes[byte] & !(1 << shift) | bit << shift;
    }
    true
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn codes_are_those_of_the_standard() {
        // Table 9-2: 0 is 1, 1 is 010, 2 is 011, 3 is 00100; then the stop bit.
        let mut writer = BitWriter::default();
        for value in 0..4 {
            writer.ue(value);
        }
        assert_eq!(writer.finish(), [0b1010_0110, 0b0100_1000]);
        let mut reader = BitReader::new(&[0b1010_0110, 0b0100_1000]);
        assert_eq!([reader.se(), reader.se(), reader.se()], [Some(0), Some(1), Some(-1)]);
        assert_eq!(BitReader::new(&[0; 9]).ue(), None);
        assert_eq!(BitReader::new(&[0b0010_0000]).ue(), Some(3));
        assert_eq!(BitReader::new(&[0b0000_0001]).ue(), None);
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_and_replaced(
            values in vec((any::<u32>(), 1_u32..33), 1..20), ue in 0_u32..0x7fff_fffe, new in any::<u32>(),
        ) {
            let mut writer = BitWriter::default();
            writer.ue(ue);
            for &(value, bits) in &values {
                writer.bits(value, bits);
            }
            let mut bytes = writer.finish();
            let mask = |value: u32, bits: u32| value & (u32::MAX >> (32 - bits));
            let mut reader = BitReader::new(&bytes);
            prop_assert_eq!(reader.ue(), Some(ue));
            let first = reader.position();
            for &(value, bits) in &values {
                prop_assert_eq!(reader.bits(bits), Some(mask(value, bits)));
            }
            prop_assert!(replace_bits(&mut bytes, first, new, values[0].1));
            let mut reader = BitReader::new(&bytes);
            prop_assert_eq!(reader.ue(), Some(ue));
            prop_assert_eq!(reader.bits(values[0].1), Some(mask(new, values[0].1)));
            for &(value, bits) in &values[1..] {
                prop_assert_eq!(reader.bits(bits), Some(mask(value, bits)));
            }
            let length = bytes.len() * 8;
            prop_assert!(!replace_bits(&mut bytes, length - 3, 0, 4));
        }
    }
}
