//! The parameter sets of an H.264 stream.

/// The parameter sets that a decoder needs before the first access unit, without start codes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ParameterSets {
    /// Sequence parameter set NAL unit.
    pub sps: Vec<u8>,
    /// Picture parameter set NAL unit.
    pub pps: Vec<u8>,
}

impl ParameterSets {
    /// Both sets in lowercase hex, SPS first: as the log's facts hold them.
    pub fn to_hex(&self) -> [String; 2] {
        [&self.sps, &self.pps].map(|bytes| hex(bytes))
    }

    /// The sets of [`Self::to_hex`]; `None` when a text is no hex.
    pub fn from_hex(sps: &str, pps: &str) -> Option<Self> {
        Some(Self { sps: unhex(sps)?, pps: unhex(pps)? })
    }
}

/// Returns bytes in lowercase hex.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    bytes.iter().flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]).collect()
}

/// Returns the bytes of a text in hex; `None` when it is none.
pub fn unhex(hex: &str) -> Option<Vec<u8>> {
    let pairs = hex.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}
