//! The track of a `moov` box by what it holds, and the parts of it that every reader wants first.

use crate::media::mp4::boxes::{Boxes, IndexError, be32, child, malformed, required};

/// Returns the first track of a handler (`vide`, `soun`); `absent` is said when there is none.
pub(crate) fn of_handler<'a>(moov: &'a [u8], handler: [u8; 4], absent: &'static str) -> Result<&'a [u8], IndexError> {
    for item in Boxes(moov) {
        let (kind, body) = item?;
        if &kind == b"trak"
            && let Some(mdia) = child(body, *b"mdia")?
            && let Some(hdlr) = child(mdia, *b"hdlr")?
            && hdlr.get(8..12) == Some(&handler)
        {
            return Ok(body);
        }
    }
    Err(malformed(absent))
}

/// The media of a track.
pub(crate) struct Media<'a> {
    /// Ticks per second; not checked, and 0 in a damaged file.
    pub(crate) timescale: u32,
    /// The body of its sample table.
    pub(crate) stbl: &'a [u8],
}

impl<'a> Media<'a> {
    /// Reads the media header of a track, and finds its sample table.
    pub(crate) fn of(trak: &'a [u8]) -> Result<Self, IndexError> {
        let mdia = required(trak, *b"mdia", "a track has no media")?;
        let mdhd = required(mdia, *b"mdhd", "a track has no media header")?;
        let timescale_at = match mdhd.first() {
            Some(0) => 12,
            Some(1) => 20,
            _ => return Err(malformed("the media header has no known version")),
        };
        let timescale = be32(mdhd, timescale_at)?;
        let minf = required(mdia, *b"minf", "a track has no media information")?;
        Ok(Self { timescale, stbl: required(minf, *b"stbl", "a track has no sample table")? })
    }
}
