//! Boxes of an MP4 file as slices: how readers walk through them, bounded, and why they stop.

use std::io;

/// Why a video's index cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The system failed.
    #[error("cannot read at {offset}: {source}")]
    Read {
        /// Where.
        offset: u64,
        /// What the system said.
        source: io::Error,
    },
    /// The boxes do not fit together.
    #[error("the index is damaged: {what}")]
    Malformed {
        /// What is wrong.
        what: &'static str,
    },
    /// There is no `moov` box: the log was not finalized, or the file was cut.
    #[error("there is no index (moov box)")]
    NoIndex,
    /// A number is beyond what a reader takes on.
    #[error("{what} is {found}, the most that is read is {most}")]
    Limit {
        /// Which.
        what: &'static str,
        /// The number found.
        found: u64,
        /// The bound.
        most: u64,
    },
    /// A valid file, but not one of this format.
    #[error("this is not a video of a watchcap session: {what}")]
    Unsupported {
        /// What it has.
        what: &'static str,
    },
}

impl IndexError {
    /// What the person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoIndex => Some("run `watchcap finalize` on its session".into()),
            Self::Malformed { .. } => Some("run `watchcap verify` on its session to see what was damaged".into()),
            _ => None,
        }
    }
}

pub(crate) fn malformed(what: &'static str) -> IndexError {
    IndexError::Malformed { what }
}

/// The boxes of a slice, one behind the other: kind and contents. Stops after the first error.
pub(crate) struct Boxes<'a>(pub(crate) &'a [u8]);

impl<'a> Iterator for Boxes<'a> {
    type Item = Result<([u8; 4], &'a [u8]), IndexError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let split = split_box(self.0);
        self.0 = split.as_ref().map_or(&[], |(_, _, rest)| rest);
        Some(split.map(|(kind, body, _)| (kind, body)))
    }
}

#[expect(clippy::type_complexity, reason = "kind, contents and rest, used in the one place above")]
fn split_box(bytes: &[u8]) -> Result<([u8; 4], &[u8], &[u8]), IndexError> {
    let damaged = || malformed("a box does not fit into the one around it");
    let (mut size, mut header) = (u64::from(be32(bytes, 0)?), 8);
    let kind = *bytes.get(4..).and_then(<[u8]>::first_chunk::<4>).ok_or_else(damaged)?;
    if size == 1 {
        (size, header) = (be64(bytes, 8)?, 16);
    }
    let size = usize::try_from(size).map_err(|_overflow| damaged())?;
    if size < header || size > bytes.len() {
        return Err(damaged());
    }
    Ok((kind, &bytes[header..size], &bytes[size..]))
}

pub(crate) fn child(parent: &[u8], kind: [u8; 4]) -> Result<Option<&[u8]>, IndexError> {
    for item in Boxes(parent) {
        let (found, body) = item?;
        if found == kind {
            return Ok(Some(body));
        }
    }
    Ok(None)
}

pub(crate) fn required<'a>(parent: &'a [u8], kind: [u8; 4], what: &'static str) -> Result<&'a [u8], IndexError> {
    child(parent, kind)?.ok_or(malformed(what))
}

/// `count` entries of `width` bytes from `at` on.
pub(crate) fn table(body: &[u8], at: usize, count: usize, width: usize) -> Result<&[u8], IndexError> {
    count
        .checked_mul(width)
        .and_then(|bytes| body.get(at..at.checked_add(bytes)?))
        .ok_or(malformed("a table is longer than its box"))
}

pub(crate) fn be16(bytes: &[u8], at: usize) -> Result<u16, IndexError> {
    let field = bytes.get(at..).and_then(<[u8]>::first_chunk).ok_or(malformed("a field is cut off"))?;
    Ok(u16::from_be_bytes(*field))
}

pub(crate) fn be32(bytes: &[u8], at: usize) -> Result<u32, IndexError> {
    let field = bytes.get(at..).and_then(<[u8]>::first_chunk).ok_or(malformed("a field is cut off"))?;
    Ok(u32::from_be_bytes(*field))
}

pub(crate) fn be64(bytes: &[u8], at: usize) -> Result<u64, IndexError> {
    let field = bytes.get(at..).and_then(<[u8]>::first_chunk).ok_or(malformed("a field is cut off"))?;
    Ok(u64::from_be_bytes(*field))
}
