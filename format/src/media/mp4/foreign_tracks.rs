//! What a video file of another program holds beside the coded pictures of its first video track: other tracks, and how the pictures are to be
//! shown (rotation, the shape of a pixel, a cut-out).
//!
//! Names it, since an import takes over the coded pictures alone. Reads boxes of a `moov` that is in memory; bounded by [`MAX_NAMED`].

use crate::media::mp4::boxes::{Boxes, IndexError, be16, be32, child};

/// Most things that are named of a file.
const MAX_NAMED: usize = 32;

/// A codec by the four letters of its sample description, with its usual name where it has one.
pub(crate) fn codec(kind: [u8; 4]) -> String {
    let letters: String =
        kind.iter().map(|byte| if byte.is_ascii_graphic() { char::from(*byte) } else { '?' }).collect();
    let name = match &kind {
        b"hvc1" | b"hev1" => "H.265",
        b"av01" => "AV1",
        b"vp08" => "VP8",
        b"vp09" => "VP9",
        b"mp4v" => "MPEG-4 Part 2",
        b"jpeg" | b"mjpa" | b"mjpb" => "Motion JPEG",
        b"apch" | b"apcn" | b"apcs" | b"apco" | b"ap4h" | b"ap4x" => "ProRes",
        b"mp4a" => "AAC",
        b"Opus" => "Opus",
        b"fLaC" => "FLAC",
        b"tx3g" => "timed text",
        b"wvtt" => "WebVTT",
        b"raw " => return "uncompressed pictures".to_owned(),
        _ => return letters,
    };
    format!("{letters} ({name})")
}

/// Names what `moov` holds beside the coded pictures of the track `taken`.
pub(crate) fn besides(moov: &[u8], taken: &[u8]) -> Result<Vec<String>, IndexError> {
    let mut out = presentation(taken)?;
    for (number, item) in Boxes(moov).filter(|item| !matches!(item, Ok((kind, _)) if kind != b"trak")).enumerate() {
        let (_, trak) = item?;
        if std::ptr::eq(trak, taken) {
            continue;
        }
        if out.len() == MAX_NAMED {
            out.push("more tracks".to_owned());
            break;
        }
        out.push(format!("track {} ({})", number + 1, track(trak)?));
    }
    Ok(out)
}

/// Names a track as [`besides`] does.
pub(crate) fn name_of(moov: &[u8], wanted: &[u8]) -> Result<String, IndexError> {
    let mut number = 0;
    for item in Boxes(moov) {
        let (kind, trak) = item?;
        number += usize::from(&kind == b"trak");
        if std::ptr::eq(trak, wanted) {
            break;
        }
    }
    Ok(format!("track {number} ({})", track(wanted)?))
}

/// What a track is.
fn track(trak: &[u8]) -> Result<String, IndexError> {
    let Some(mdia) = child(trak, *b"mdia")? else { return Ok("empty".to_owned()) };
    let hdlr = child(mdia, *b"hdlr")?.and_then(|hdlr| hdlr.get(8..12)).unwrap_or_default();
    let what = match hdlr {
        b"vide" => "another video",
        b"soun" => "sound",
        b"text" | b"sbtl" | b"subt" | b"clcp" => "subtitles",
        b"tmcd" => "time code",
        b"meta" => "timed metadata",
        _ => "data",
    };
    let coded = || -> Result<Option<String>, IndexError> {
        let Some(minf) = child(mdia, *b"minf")? else { return Ok(None) };
        let Some(stbl) = child(minf, *b"stbl")? else { return Ok(None) };
        let Some(stsd) = child(stbl, *b"stsd")? else { return Ok(None) };
        let first = Boxes(stsd.get(8..).unwrap_or_default()).next().transpose()?;
        Ok(first.map(|(kind, _)| codec(kind)))
    };
    // What cannot be read of a track that is left out keeps nothing from being imported.
    Ok(match coded().ok().flatten() {
        Some(coded) => format!("{what}, {coded}"),
        None => what.to_owned(),
    })
}

/// How the pictures of a track are to be shown, where that is not pixel for pixel and upright.
fn presentation(trak: &[u8]) -> Result<Vec<String>, IndexError> {
    let mut out = Vec::new();
    if let Some(tkhd) = child(trak, *b"tkhd")? {
        let at = if tkhd.first() == Some(&1) { 52 } else { 40 };
        let entry = |index: usize| be32(tkhd, at + 4 * index).map(u32::cast_signed);
        if tkhd.len() >= at + 36
            && let Some(turned) = turned([entry(0)?, entry(1)?, entry(3)?, entry(4)?])
        {
            out.push(turned);
        }
    }
    let entry = || -> Option<&[u8]> {
        let mdia = child(trak, *b"mdia").ok()??;
        let stbl = child(child(mdia, *b"minf").ok()??, *b"stbl").ok()??;
        Boxes(child(stbl, *b"stsd").ok()??.get(8..)?).next()?.ok().map(|(_, entry)| entry)
    };
    let Some((entry, boxes)) = entry().and_then(|entry| Some((entry, entry.get(78..)?))) else { return Ok(out) };
    if let Some(pasp) = child(boxes, *b"pasp")? {
        let (across, down) = (be32(pasp, 0)?, be32(pasp, 4)?);
        if across != down {
            out.push(format!("pixels of the shape {across}:{down}"));
        }
    }
    if let Some(clap) = child(boxes, *b"clap")? {
        // Fractions: numerator and denominator of the width, and of the height.
        let [width, across, height, down] =
            [be32(clap, 0)?, be32(clap, 4)?, be32(clap, 8)?, be32(clap, 12)?].map(u64::from);
        let coded = (u64::from(be16(entry, 24)?), u64::from(be16(entry, 26)?));
        if (width, height) != (coded.0 * across, coded.1 * down) {
            out.push(format!("a cut-out of {width}/{across} by {height}/{down} pixels"));
        }
    }
    Ok(out)
}

/// What the four numbers of a matrix that turn say, 65536 being 1; `None` when it leaves pictures as they are.
fn turned(matrix: [i32; 4]) -> Option<String> {
    const ONE: i32 = 65_536;
    const MINUS: i32 = -ONE;
    match matrix {
        [ONE, 0, 0, ONE] | [0, 0, 0, 0] => None,
        [0, ONE, MINUS, 0] => Some("a rotation by 90 degrees".to_owned()),
        [MINUS, 0, 0, MINUS] => Some("a rotation by 180 degrees".to_owned()),
        [0, MINUS, ONE, 0] => Some("a rotation by 270 degrees".to_owned()),
        [MINUS, 0, 0, ONE] | [ONE, 0, 0, MINUS] => Some("a mirroring".to_owned()),
        _ => Some("a transformation of its pictures".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(kind: [u8; 4], body: &[u8]) -> Vec<u8> {
        [&(body.len() as u32 + 8).to_be_bytes()[..], &kind, body].concat()
    }

    fn track(handler: [u8; 4], codec: [u8; 4], matrix: [i32; 4], boxes: &[u8]) -> Vec<u8> {
        let mut tkhd = vec![0; 84];
        for (place, value) in [0, 1, 3, 4].into_iter().zip(matrix) {
            tkhd[40 + 4 * place..44 + 4 * place].copy_from_slice(&value.to_be_bytes());
        }
        let mut hdlr = vec![0; 24];
        hdlr[8..12].copy_from_slice(&handler);
        let mut entry = [0; 78];
        entry[24..28].copy_from_slice(&[0, 160, 0, 120]);
        let stsd = [&[0, 0, 0, 0, 0, 0, 0, 1][..], &boxed(codec, &[&entry[..], boxes].concat())].concat();
        let minf = boxed(*b"minf", &boxed(*b"stbl", &boxed(*b"stsd", &stsd)));
        let mdia = boxed(*b"mdia", &[boxed(*b"hdlr", &hdlr), minf].concat());
        boxed(*b"trak", &[boxed(*b"tkhd", &tkhd), mdia].concat())
    }

    #[test]
    fn tracks_and_the_way_pictures_are_shown_are_named() {
        const ONE: i32 = 65_536;
        let clap = |width: u32| {
            let numbers = [width, 1, 120, 1, 0, 1, 0, 1];
            boxed(*b"clap", &numbers.iter().flat_map(|number| number.to_be_bytes()).collect::<Vec<_>>())
        };
        let boxes = [boxed(*b"pasp", &[0, 0, 0, 4, 0, 0, 0, 3]), clap(100)].concat();
        let moov = [
            boxed(*b"mvhd", &[0; 100]),
            track(*b"vide", *b"avc1", [0, ONE, -ONE, 0], &boxes),
            track(*b"soun", *b"mp4a", [0; 4], &[]),
            track(*b"sbtl", *b"tx3g", [0; 4], &[]),
            boxed(*b"trak", &[]),
        ]
        .concat();
        let taken = crate::media::mp4::index::video_track(&moov).expect("a video");
        let named = besides(&moov, taken).expect("boxes");
        let expected = [
            "a rotation by 90 degrees",
            "pixels of the shape 4:3",
            "a cut-out of 100/1 by 120/1 pixels",
            "track 2 (sound, mp4a (AAC))",
            "track 3 (subtitles, tx3g (timed text))",
            "track 4 (empty)",
        ];
        assert_eq!(named, expected);
        let plain = track(
            *b"vide",
            *b"avc1",
            [ONE, 0, 0, ONE],
            &[boxed(*b"pasp", &[0, 0, 0, 1, 0, 0, 0, 1]), clap(160)].concat(),
        );
        let taken = crate::media::mp4::index::video_track(&plain).expect("a video");
        assert!(besides(&plain, taken).expect("boxes").is_empty());
        let many: Vec<u8> = (0..100).flat_map(|_| track(*b"vide", *b"hvc1", [0; 4], &[])).collect();
        let taken = crate::media::mp4::index::video_track(&many).expect("a video");
        assert_eq!(besides(&many, taken).expect("boxes").len(), MAX_NAMED + 1);
    }
}
