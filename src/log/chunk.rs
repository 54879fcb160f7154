//! The framing of a chunk: pure bytes, no I/O. A chunk stands for itself wherever its bytes are found, so that a log can be
//! rebuilt from the raw bytes of the database file when the database refuses to open.
//!
//! Owns the layout of the header (FORMAT.md has the same table, and a test compares them). Does not know what is in the body.

use crate::base::id::Seq;
use crate::base::time::MonoNs;

/// The first bytes of every chunk.
pub const MAGIC: [u8; 4] = *b"WCK1";
/// Length of the header, bytes.
pub const HEADER_LEN: usize = 60;
/// Largest chunk, header included. sled keeps up to 27 values in one node and moves a node of more than 128 KiB to a file of its
/// own that it never syncs: 27 x 4 KiB = 108 KiB stays below.
pub const MAX_LEN: usize = 4096;
/// Most records in one chunk; a record takes at least 10 bytes.
pub const MAX_RECORDS: u32 = MAX_LEN as u32 / 10;

/// Header fields: name, offset, length in bytes. FORMAT.md's table is compared with this.
pub const FIELDS: [(&str, usize, usize); 11] = [
    ("magic", 0, 4),
    ("schema", 4, 2),
    ("flags", 6, 2),
    ("session", 8, 8),
    ("first_seq", 16, 8),
    ("count", 24, 4),
    ("body_len", 28, 4),
    ("min_t_ns", 32, 8),
    ("max_t_ns", 40, 8),
    ("video_synced", 48, 8),
    ("crc32c", 56, 4),
];

/// [`Header::flags`]: the chunk holds a setup, an anchor, a digest or the end.
pub const FLAG_FACTS: u16 = 1;
/// [`Header::flags`]: the chunk holds references to frames.
pub const FLAG_FRAMES: u16 = 2;
/// [`Header::flags`]: the chunk holds references to packets of further tracks.
pub const FLAG_PACKETS: u16 = 4;

/// What stands before the body. All numbers are little-endian on disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// Schema of the body.
    pub schema: u16,
    /// [`FLAG_FACTS`], [`FLAG_FRAMES`], [`FLAG_PACKETS`].
    pub flags: u16,
    /// Last 8 bytes of the session's UUID: a chunk of another recording is not taken for one of this.
    pub session: u64,
    /// Number of the first record.
    pub first: Seq,
    /// How many records.
    pub count: u32,
    /// Smallest time of its records.
    pub min_t: MonoNs,
    /// Largest time of its records.
    pub max_t: MonoNs,
    /// Bytes of the video file that were on the disk for certain when the chunk was cut.
    pub video_synced: u64,
}

impl Header {
    /// The number of the record behind the last one of this chunk.
    pub fn end(&self) -> u64 {
        self.first.0.saturating_add(u64::from(self.count))
    }
}

/// Why bytes are not a chunk.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChunkError {
    /// They end before the chunk does.
    #[error("chunk is cut off: {found} of {expected} bytes")]
    Short {
        /// Bytes there.
        found: usize,
        /// Bytes needed.
        expected: usize,
    },
    /// They do not begin like one.
    #[error("not a chunk: begins with {found:02x?}")]
    Magic {
        /// The first bytes.
        found: [u8; 4],
    },
    /// The sum does not match: bytes were changed.
    #[error("chunk at record {first} is damaged: sum {found:08x}, expected {expected:08x}")]
    Sum {
        /// First record, as far as the header can be believed.
        first: u64,
        /// Sum of the bytes.
        found: u32,
        /// Sum in the header.
        expected: u32,
    },
    /// A number in the header is impossible.
    #[error("chunk header is impossible: {what} is {found}")]
    Range {
        /// Which field.
        what: &'static str,
        /// Its value.
        found: u64,
    },
}

fn number<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut out = [0; N];
    if let Some(part) = bytes.get(at..at + N) {
        out.copy_from_slice(part);
    }
    out
}

/// Puts a header and a body together.
pub fn join(header: &Header, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEADER_LEN + body.len());
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&header.schema.to_le_bytes());
    out.extend_from_slice(&header.flags.to_le_bytes());
    out.extend_from_slice(&header.session.to_le_bytes());
    out.extend_from_slice(&header.first.0.to_le_bytes());
    out.extend_from_slice(&header.count.to_le_bytes());
    out.extend_from_slice(&(body.len() as u32).to_le_bytes());
    out.extend_from_slice(&header.min_t.0.to_le_bytes());
    out.extend_from_slice(&header.max_t.0.to_le_bytes());
    out.extend_from_slice(&header.video_synced.to_le_bytes());
    let sum = crc32c::crc32c_append(crc32c::crc32c(&out), body);
    out.extend_from_slice(&sum.to_le_bytes());
    out.extend_from_slice(body);
    out
}

/// Takes a chunk from the front of `bytes`; what stands behind it is ignored.
///
/// # Errors
/// [`ChunkError`] when the bytes are not a whole, unchanged chunk. Never panics, never allocates.
pub fn split(bytes: &[u8]) -> Result<(Header, &[u8]), ChunkError> {
    if bytes.len() < HEADER_LEN {
        return Err(ChunkError::Short { found: bytes.len(), expected: HEADER_LEN });
    }
    let magic: [u8; 4] = number(bytes, 0);
    if magic != MAGIC {
        return Err(ChunkError::Magic { found: magic });
    }
    let body_len = u32::from_le_bytes(number(bytes, 28)) as usize;
    if body_len > MAX_LEN - HEADER_LEN {
        return Err(ChunkError::Range { what: "body_len", found: body_len as u64 });
    }
    let Some(body) = bytes.get(HEADER_LEN..HEADER_LEN + body_len) else {
        return Err(ChunkError::Short { found: bytes.len(), expected: HEADER_LEN + body_len });
    };
    let first = u64::from_le_bytes(number(bytes, 16));
    let expected = u32::from_le_bytes(number(bytes, 56));
    let found = crc32c::crc32c_append(crc32c::crc32c(&bytes[..56]), body);
    if found != expected {
        return Err(ChunkError::Sum { first, found, expected });
    }
    let count = u32::from_le_bytes(number(bytes, 24));
    if count == 0 || count > MAX_RECORDS {
        return Err(ChunkError::Range { what: "count", found: u64::from(count) });
    }
    if first > u64::MAX - u64::from(count) {
        return Err(ChunkError::Range { what: "first_seq", found: first });
    }
    let header = Header {
        schema: u16::from_le_bytes(number(bytes, 4)),
        flags: u16::from_le_bytes(number(bytes, 6)),
        session: u64::from_le_bytes(number(bytes, 8)),
        first: Seq(first),
        count,
        min_t: MonoNs(i64::from_le_bytes(number(bytes, 32))),
        max_t: MonoNs(i64::from_le_bytes(number(bytes, 40))),
        video_synced: u64::from_le_bytes(number(bytes, 48)),
    };
    Ok((header, body))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> (Header, Vec<u8>) {
        let header = Header {
            schema: 1,
            flags: FLAG_FRAMES,
            session: 0x0102_0304_0506_0708,
            first: Seq(42),
            count: 3,
            min_t: MonoNs(-5),
            max_t: MonoNs(77),
            video_synced: 1 << 40,
        };
        (header, (0..200u8).collect())
    }

    #[test]
    fn a_chunk_reads_back_with_bytes_behind_it() {
        let (header, body) = sample();
        let mut bytes = join(&header, &body);
        bytes.extend_from_slice(b"more");
        assert_eq!(split(&bytes), Ok((header, body.as_slice())));
    }

    #[test]
    fn the_fields_cover_the_header_without_holes() {
        let mut at = 0;
        for (name, offset, length) in FIELDS {
            assert_eq!(offset, at, "{name}");
            at += length;
        }
        assert_eq!(at, HEADER_LEN);
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_seen() {
        let (header, body) = sample();
        let bytes = join(&header, &body);
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(split(&damaged).is_err(), "bit {bit} was not seen");
        }
        for cut in 0..bytes.len() {
            assert!(split(&bytes[..cut]).is_err(), "cut at {cut} was not seen");
        }
    }
}
