//! Finds the access units of a log's video in its own bytes, for when the frame references are lost.
//!
//! Each access unit starts with an SEI (in AV1 with metadata, behind the sequence header of a key frame) that says which frame it is; who can
//! read that is handed in. Nothing is taken for an
//! access unit that is not whole: its lengths must add up to the next one, to filler, or to the end of the box. What the
//! slices hold is not judged: a flipped bit inside one is the decoder's to find. Reads one box at a time
//! (at most [`MAX_BOX_SIZE`](crate::media::mp4::append::MAX_BOX_SIZE) bytes), changes nothing.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use crate::base::file_at::read_exact_at;
use crate::base::files::open_regular;
use crate::media::mp4::append::{BoxLayout, VideoError};
use crate::media::syntax::UnitSyntax;

/// Most slices of an access unit that are looked at: the encoder makes one. Bounds the time that hostile bytes cost, where many units
/// seem to begin and all of them would go through the same slices to the end.
const MAX_SLICES: u32 = 32;

/// An access unit found in the bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FoundUnit<S> {
    /// Its first byte, from the start of the file.
    pub offset: u64,
    /// Its bytes.
    pub len: u32,
    /// It holds an IDR slice.
    pub keyframe: bool,
    /// What its SEI says.
    pub stamp: S,
}

/// The access units in `contents`, the contents of one box (or the part of it that the file has), which start at `base`.
/// `recognise` is given a part that may hold a stamp, and answers when it is the one that starts an access unit. Damage in between is stepped over:
/// the search goes on at the next SEI that is recognised.
pub fn find_access_units<S>(
    contents: &[u8],
    base: u64,
    syntax: UnitSyntax,
    recognise: &mut dyn FnMut(&[u8]) -> Option<S>,
) -> Vec<FoundUnit<S>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < contents.len() {
        let Some((stamp, after_sei)) = starting_sei(contents, at, syntax, recognise) else {
            at += 1;
            continue;
        };
        match slices(contents, after_sei, syntax, recognise) {
            Some((end, keyframe)) => {
                found.push(FoundUnit { offset: base + at as u64, len: (end - at) as u32, keyframe, stamp });
                at = end;
            }
            // Not whole: the search goes on behind its SEI.
            None => at = after_sei,
        }
    }
    found
}

fn starting_sei<S>(
    contents: &[u8],
    at: usize,
    syntax: UnitSyntax,
    recognise: &mut dyn FnMut(&[u8]) -> Option<S>,
) -> Option<(S, usize)> {
    let (part, end) = syntax.stamp_at(contents, at)?;
    Some((recognise(part)?, end))
}

/// Where the slices from `at` on end, and whether they are an IDR's; none when there are none or they end in damage.
fn slices<S>(
    contents: &[u8],
    mut at: usize,
    syntax: UnitSyntax,
    recognise: &mut dyn FnMut(&[u8]) -> Option<S>,
) -> Option<(usize, bool)> {
    let (mut count, mut keyframe) = (0, false);
    loop {
        let rest = &contents[at..];
        // The end of the box, or filler: no NAL unit has the length 0, and no unit of AV1 the type 0. Up to three bytes may be left of either.
        let filler = rest.iter().take(4).all(|byte| *byte == 0);
        if filler || syntax.is_cut_begin(rest) || starting_sei(contents, at, syntax, recognise).is_some() {
            return (count > 0).then_some((at, keyframe));
        }
        let (part, end) = syntax.part_at(contents, at)?;
        keyframe |= syntax.picture(part)?;
        count += 1;
        if count > MAX_SLICES {
            return None;
        }
        at = end;
    }
}

/// Goes through `range` of a log's video box by box; `each` is given the access units of a box, in the order of the file. The
/// range begins where an access unit may begin, and ends where one begins or at [`data_len`](crate::media::mp4::finish::data_len).
///
/// # Errors
/// When the file cannot be read.
pub fn scan<S>(
    path: &Path,
    layout: BoxLayout,
    range: &Range<u64>,
    syntax: UnitSyntax,
    recognise: &mut dyn FnMut(&[u8]) -> Option<S>,
    each: &mut dyn FnMut(Vec<FoundUnit<S>>),
) -> Result<(), VideoError> {
    let file =
        open_regular(path).map_err(|source| VideoError::Open { path: path.to_owned(), source: Arc::new(source) })?;
    let mut contents = Vec::new();
    for of_box in layout.contents(range.end).skip_while(|of_box| of_box.end <= range.start) {
        let start = of_box.start.max(range.start);
        contents.resize((of_box.end - start) as usize, 0);
        read_exact_at(&file, &mut contents, start).map_err(|source| VideoError::Read {
            path: path.to_owned(),
            offset: start,
            source: Arc::new(source),
        })?;
        each(find_access_units(&contents, start, syntax, recognise));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::mp4::append::VideoWriter;
    use crate::media::mp4::finish::data_len;

    /// An access unit whose SEI is the number behind `stmp`.
    fn unit(number: u32, keyframe: bool, len: usize) -> Vec<u8> {
        let mut sei = vec![6];
        sei.extend_from_slice(b"stmp");
        sei.extend_from_slice(&number.to_be_bytes());
        let mut slice = vec![if keyframe { 0x65 } else { 0x41 }];
        slice.extend((0..len).map(|at| (at % 250 + 1) as u8));
        [&sei, &slice].into_iter().flat_map(|nal| [&(nal.len() as u32).to_be_bytes()[..], nal].concat()).collect()
    }

    fn recognise(nal: &[u8]) -> Option<u32> {
        nal.strip_prefix(b"\x06stmp").and_then(|number| Some(u32::from_be_bytes(*number.first_chunk()?)))
    }

    fn scanned(path: &Path, layout: BoxLayout) -> Vec<FoundUnit<u32>> {
        let mut all = Vec::new();
        let end = data_len(path, layout).unwrap();
        scan(path, layout, &(0..end), UnitSyntax::Avc, &mut recognise, &mut |units| all.extend(units)).unwrap();
        let middle = all.get(7).map_or(end, |unit: &FoundUnit<u32>| unit.offset);
        let mut parts = Vec::new();
        for range in [0..middle, middle..end] {
            scan(path, layout, &range, UnitSyntax::Avc, &mut recognise, &mut |units| parts.extend(units)).unwrap();
        }
        assert_eq!(parts, all, "in two parts");
        all
    }

    #[test]
    fn every_whole_unit_is_found_and_damage_costs_only_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("v");
        let mut writer = VideoWriter::create(&path, 1024).unwrap();
        let mut wanted = Vec::new();
        for number in 0..60 {
            let bytes = unit(number, number % 7 == 0, 20 + (number as usize * 53) % 300);
            let extent = writer.append(&bytes).unwrap();
            wanted.push(FoundUnit { offset: extent.offset, len: extent.len, keyframe: number % 7 == 0, stamp: number });
        }
        let layout = writer.layout();
        assert!(writer.len() > 8 * 1024);
        assert_eq!(scanned(&path, layout), wanted);

        let whole = std::fs::read(&path).unwrap();
        // Cut anywhere inside the last unit, also inside its SEI or its length: the one before is whole.
        let last = wanted[59];
        assert!(layout.last_box(last.offset) == layout.last_box(last.offset + u64::from(last.len)));
        for cut in 1..=last.len as usize {
            std::fs::write(&path, &whole[..whole.len() - cut]).unwrap();
            assert_eq!(scanned(&path, layout), wanted[..59], "{cut} bytes cut");
        }
        // The length of a slice, damaged: that unit is lost, the next ones are found.
        let mut bytes = whole.clone();
        bytes[wanted[20].offset as usize + 4 + 9 + 2] ^= 0x40;
        std::fs::write(&path, &bytes).unwrap();
        let found = scanned(&path, layout);
        assert_eq!(found, wanted.iter().filter(|unit| unit.stamp != 20).copied().collect::<Vec<_>>());
        // The header of a box, damaged: nothing is lost, boxes lie where arithmetic says.
        let mut bytes = whole;
        bytes[32 + 1024..32 + 1032].fill(0xff);
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(scanned(&path, layout), wanted);
    }

    #[test]
    fn any_bytes_are_answered() {
        let mut state = 7_u64;
        for _ in 0..300 {
            let mut bytes: Vec<u8> = (0..12).flat_map(|number| unit(number, number == 0, 30)).collect();
            for _ in 0..6 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let at = (state >> 33) as usize % bytes.len();
                bytes[at] = (state >> 20) as u8;
            }
            let mut end = 0;
            for unit in find_access_units(&bytes, 0, UnitSyntax::Avc, &mut recognise) {
                assert!(unit.offset >= end && unit.offset + u64::from(unit.len) <= bytes.len() as u64);
                end = unit.offset + u64::from(unit.len);
            }
        }
    }
}
