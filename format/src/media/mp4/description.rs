//! The sample description of the pictures (`stsd`): from a [`CodecConfig`] to its bytes and back.
//!
//! One line here for each codec. `mp4-atom` writes it: the `mp4` crate knows neither `colr` nor the High profile's part of `avcC`.

use mp4_atom::{Av01, Avc1, Avcc, AvccExt, Codec, Colr, Encode, Hvc1, Pasp, Stsd, Visual};

use super::boxes::{Boxes, IndexError, be16, be32, malformed, required};
use crate::media::av1::sequence::{Av1Config, RecordError as Av1Error};
use crate::media::avc::sets::ParameterSets;
use crate::media::hevc::sets::{HevcSets, RecordError};
use crate::media::track::{CodecConfig, Colour};

/// Profiles whose `avcC` ends with chroma format and bit depths (ISO/IEC 14496-15, 5.3.3.1.2).
const HIGH_PROFILES: [u8; 5] = [100, 110, 122, 144, 244];

/// Bytes of a visual sample entry before its boxes.
const VISUAL_BYTES: usize = 78;

/// Refuses parameter sets that no description can hold: lengths are of 16 bits.
///
/// # Errors
/// With the bytes of each.
pub(super) fn check(config: &CodecConfig) -> Result<(), Vec<usize>> {
    let sets = config.parameter_sets();
    // Profile and level are bytes 1 to 3 of the SPS of H.264; the sets of H.265 and the sequence header of AV1 have a header of two bytes and
    // more.
    let least = |at: usize| match config {
        CodecConfig::Avc(_) => [4, 1][at],
        CodecConfig::Hevc(_) | CodecConfig::Av1(_) => 3,
    };
    if sets.iter().enumerate().all(|(at, set)| set.len() >= least(at) && u16::try_from(set.len()).is_ok()) {
        return Ok(());
    }
    Err(sets.iter().map(|set| set.len()).collect())
}

/// Bytes of a box before its contents.
const BOX_HEADER: usize = 8;

/// Returns what a decoder needs before the first picture, as MP4 and Matroska have it: the contents of `avcC`, `hvcC` or `av1C`; `None` when the parameter
/// sets cannot be read.
pub(crate) fn record(config: &CodecConfig) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    match config {
        CodecConfig::Avc(sets) => avcc(config, sets).ok()?.encode(&mut bytes),
        CodecConfig::Hevc(sets) => sets.to_record()?.encode(&mut bytes),
        CodecConfig::Av1(config) => config.to_record()?.encode(&mut bytes),
    }
    .ok()?;
    Some(bytes.split_off(BOX_HEADER.min(bytes.len())))
}

fn avcc(config: &CodecConfig, sets: &ParameterSets) -> mp4_atom::Result<Avcc> {
    let mut avcc = Avcc::new(&sets.sps, &sets.pps)?;
    if HIGH_PROFILES.contains(&avcc.avc_profile_indication) {
        // 8 bits: the only pictures that this format has.
        let whole = config.stream_info().is_ok_and(|info| info.sampling.shift() == 0);
        avcc.ext = Some(AvccExt { chroma_format: if whole { 3 } else { 1 }, ..AvccExt::default() });
    }
    Ok(avcc)
}

/// Returns the `stsd` box: the codec, its colours as far as they are known, square pixels.
///
/// # Errors
/// What the library said.
pub(super) fn write(config: &CodecConfig, coded: (u32, u32), colour: Option<Colour>) -> Result<Vec<u8>, String> {
    let failed = |error: mp4_atom::Error| error.to_string();
    let visual = Visual { data_reference_index: 1, width: coded.0 as u16, height: coded.1 as u16, ..Visual::default() };
    let colr = colour.map(|colour| Colr::Nclx {
        colour_primaries: colour.primaries,
        transfer_characteristics: colour.transfer,
        matrix_coefficients: colour.matrix,
        full_range_flag: colour.full_range,
    });
    // Said, so that a surface with an odd side is not taken for one of slightly narrow pixels.
    let pasp = Some(Pasp { h_spacing: 1, v_spacing: 1 });
    let codec = match config {
        CodecConfig::Avc(sets) => {
            let avcc = avcc(config, sets).map_err(failed)?;
            Codec::Avc1(Avc1 { visual, avcc, colr, pasp, ..Avc1::default() })
        }
        CodecConfig::Hevc(sets) => {
            let unreadable = || "the sequence parameter set cannot be read".to_owned();
            Codec::Hvc1(Hvc1 { visual, hvcc: sets.to_record().ok_or_else(unreadable)?, colr, pasp, ..Hvc1::default() })
        }
        CodecConfig::Av1(config) => {
            let unreadable = || "the sequence header cannot be read".to_owned();
            let av1c = config.to_record().ok_or_else(unreadable)?;
            Codec::Av01(Av01 { visual, av1c, colr, pasp, ..Av01::default() })
        }
    };
    let mut bytes = Vec::new();
    Stsd { codecs: vec![codec] }.encode(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

/// Reads what a decoder needs first, and the coded size, from the one sample description.
pub(super) fn read(stsd: &[u8]) -> Result<(CodecConfig, (u32, u32)), IndexError> {
    if be32(stsd, 4)? != 1 {
        return Err(IndexError::Unsupported { what: "more than one sample description" });
    }
    let entry = Boxes(stsd.get(8..).unwrap_or_default()).next().ok_or(malformed("there is no sample description"))?;
    let (kind, body) = entry?;
    let boxes = body.get(VISUAL_BYTES..).unwrap_or_default();
    let config = match &kind {
        b"avc1" => CodecConfig::Avc(avc(required(boxes, *b"avcC", "there are no parameter sets")?)?),
        b"hvc1" => {
            let record = required(boxes, *b"hvcC", "there are no parameter sets")?;
            CodecConfig::Hevc(HevcSets::of_record(record).map_err(|error| match error {
                RecordError::Cut => malformed("the parameter sets are cut off"),
                RecordError::Lengths => IndexError::Unsupported { what: "NAL unit lengths that are not of four bytes" },
                RecordError::Count => IndexError::Unsupported { what: "not exactly one parameter set of each kind" },
            })?)
        }
        b"av01" => {
            let record = required(boxes, *b"av1C", "there is no sequence header")?;
            CodecConfig::Av1(Av1Config::of_record(record).map_err(|error| match error {
                Av1Error::Malformed => malformed("the record of the sequence header is broken"),
                Av1Error::Count => IndexError::Unsupported { what: "not exactly one sequence header" },
            })?)
        }
        _ => return Err(IndexError::Unsupported { what: "a codec other than H.264, H.265 and AV1" }),
    };
    Ok((config, (u32::from(be16(body, 24)?), u32::from(be16(body, 26)?))))
}

fn avc(avcc: &[u8]) -> Result<ParameterSets, IndexError> {
    if avcc.first() != Some(&1) || avcc.get(4).is_none_or(|flags| flags & 3 != 3) {
        return Err(IndexError::Unsupported { what: "NAL unit lengths that are not of four bytes" });
    }
    let mut at = 5;
    let mut one_set = |mask: u8| {
        let count = *avcc.get(at).ok_or(malformed("the parameter sets are cut off"))? & mask;
        if count != 1 {
            return Err(IndexError::Unsupported { what: "not exactly one parameter set of each kind" });
        }
        let len = usize::from(be16(avcc, at + 1)?);
        let set = avcc.get(at + 3..at + 3 + len).ok_or(malformed("the parameter sets are cut off"))?;
        at += 3 + len;
        Ok(set.to_vec())
    };
    let sets = ParameterSets { sps: one_set(0x1f)?, pps: one_set(0xff)? };
    if sets.sps.len() < 4 || sets.pps.is_empty() {
        return Err(malformed("a parameter set is empty"));
    }
    Ok(sets)
}
