//! The built-in encoder: OpenH264, with parameters that were measured (`docs/MEASUREMENTS.md`), an IDR by recorded time,
//! and unchanged pictures that cost next to nothing.
//!
//! Invariants: one access unit for each picture, never an empty one; the same parameter sets from start to end; every
//! group of pictures is closed and decodes alone; the decoder's reference picture is at any time the one that the
//! encoder thinks it is. It reads no clock: time is that of the stamps.
//!
//! An unchanged picture goes through the encoder a few more times, so that it sharpens; then it is a hand-made picture
//! of skipped macroblocks ([`super::slice`]). When an IDR is due and the group before showed that one picture only, its
//! bytes are sent again instead of being made again: an IDR and what sharpened it decode to the same pictures a second
//! time, and leave the decoder where the encoder already is.

use openh264_sys2::{
    CAMERA_VIDEO_REAL_TIME, CM_BT709, CONSTANT_ID, CP_BT709, HIGH_COMPLEXITY, LOW_COMPLEXITY, MEDIUM_COMPLEXITY,
    PRO_BASELINE, RC_BITRATE_MODE, SEncParamExt, SM_FIXEDSLCNUM_SLICE, SM_SINGLE_SLICE, TRC_BT709, VF_UNDEF,
};

use super::bitstream::{NAL_IDR, NAL_PPS, NAL_SLICE, NAL_SPS, annex_b_nals, nal_type, push_sei};
use super::raw::{Outcome, RawEncoder, RawError};
use super::slice::SliceSyntax;
use super::{
    EncodeError, EncodeSettings, Encoded, EncoderDescription, FrameStamp, I420, ParameterSets, Quality, VideoEncoder,
};
use crate::time::MonoNs;

/// Smallest side of a picture: `CWelsH264SVCEncoder::EncodeFrameInternal` refuses less.
pub const MIN_SIDE: u32 = 16;
/// Macroblocks of the largest picture, from level 5.2: 3840x2160 has 32,400, 5120x1440 has 28,800.
pub const MAX_MACROBLOCKS: u32 = 36_864;
/// Frames per second that are accepted.
pub const MAX_FPS: u32 = 240;
/// Kilobits per second that are accepted.
pub const BITRATE_KBPS: std::ops::RangeInclusive<u32> = 100..=200_000;
/// The library clips its frame rate to this (`MAX_FRAME_RATE`); beyond it the bit rate is scaled to keep the bits of a picture.
const LIBRARY_MAX_FPS: u32 = 60;

/// Bytes of a group of pictures that are kept to be sent again: an IDR and [`REFINEMENTS`] pictures at 200 Mbit/s and
/// 30 fps are 6 × 0.83 MB on average. A group that needs more is made again.
const STILL_BYTES: usize = 8 << 20;
/// Times that an unchanged picture goes through the encoder before it is only repeated.
const REFINEMENTS: u32 = 5;
/// An IDR of a screen that stands still gets this many times the bits, so that the picture does not lose at it what
/// repeating has sharpened. At 400 % of an average picture that is 8 pictures' worth, and [`STILL_REFINEMENTS`] of 2 each:
/// 12 of the 15 that a group of 0.5 s has at 30 fps, as the copies behind them cost nothing.
const STILL_BOOST: i64 = 2;
/// Repeats behind such an IDR that go through the encoder.
const STILL_REFINEMENTS: u32 = 2;
/// Pictures that a group must have for that; a shorter one has not the bits.
const STILL_BOOST_PICTURES: i64 = 12;
/// A picture of fewer bytes than macroblocks divided by this sharpened nothing worth another pass: with CAVLC, a macroblock
/// that is not skipped takes at least a byte.
const CONVERGED_MACROBLOCKS_PER_BYTE: usize = 64;

/// Levels of H.264, Table A-1: `level_idc`, macroblocks per second, per picture, kbit/s (`MaxBR`, in units of 1200 bit/s
/// for NAL units of these profiles).
const LEVELS: [(i32, u64, u32, u64); 14] = [
    (10, 1_485, 99, 64),
    (11, 3_000, 396, 192),
    (12, 6_000, 396, 384),
    (13, 11_880, 396, 768),
    (20, 11_880, 396, 2_000),
    (21, 19_800, 792, 4_000),
    (22, 20_250, 1_620, 4_000),
    (30, 40_500, 1_620, 10_000),
    (31, 108_000, 3_600, 14_000),
    (32, 216_000, 5_120, 20_000),
    (40, 245_760, 8_192, 20_000),
    (42, 522_240, 8_704, 50_000),
    (51, 983_040, 36_864, 240_000),
    (52, 2_073_600, 36_864, 240_000),
];

/// What shapes the bits, besides [`EncodeSettings`]. [`Tuning::of`] gives what was measured to be best.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tuning {
    /// How long motion is searched for: 0 low, 1 medium, 2 high.
    pub complexity: u8,
    /// Deblocking: 0 on, 1 off, 2 on except across slices (`disable_deblocking_filter_idc`).
    pub deblocking_idc: u8,
    /// Slices of a picture, each coded by a thread of its own.
    pub slices: u16,
    /// Lowest quantiser, 1–51.
    pub min_qp: u8,
    /// Highest quantiser, `min_qp`–51.
    pub max_qp: u8,
    /// Bits of an IDR, in percent of the average picture's.
    pub idr_percent: u16,
}

impl Tuning {
    /// The measured best for a quality.
    pub fn of(quality: Quality) -> Self {
        let fast = Self { complexity: 0, deblocking_idc: 1, slices: 1, min_qp: 12, max_qp: 42, idr_percent: 400 };
        match quality {
            Quality::Fast => fast,
            Quality::Balanced => Self { deblocking_idc: 0, ..fast },
            Quality::Sharp => Self { deblocking_idc: 0, complexity: 1, ..fast },
        }
    }
}

/// OpenH264.
pub struct OpenH264 {
    raw: RawEncoder,
    settings: EncodeSettings,
    tuning: Tuning,
    sets: ParameterSets,
    syntax: SliceSyntax,
    /// Pictures made; also the index of the next.
    frame: u64,
    /// The encoder failed: it answers nothing but that.
    failed: bool,
    /// Time of the first picture, the encoder's zero.
    first: Option<MonoNs>,
    /// Time of the last IDR.
    last_idr: MonoNs,
    /// The last access unit was an IDR.
    after_idr: bool,
    /// `frame_num` of the next picture that is no IDR.
    next_frame_num: u32,
    /// Repeats of the current picture that went through the encoder.
    refined: u32,
    /// The encoder works at [`STILL_BOOST`] times its bit rate.
    boosted: bool,
    /// The group of pictures so far, when it shows one picture only.
    still: Still,
    /// The NAL units of one picture, Annex B, as the encoder made them.
    made: Vec<u8>,
}

/// The access units of a group of pictures that shows one picture only, without SEI, as far as the encoder made them.
#[derive(Default)]
struct Still {
    bytes: Vec<u8>,
    /// Where each access unit ends; empty when there is nothing to be sent again.
    ends: Vec<usize>,
    /// How many were sent again since the IDR was; `None` when the decoder has them all from the encoder itself.
    sent_again: Option<usize>,
}

impl Still {
    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.sent_again = None;
    }

    fn push(&mut self, unit: &[u8]) {
        if self.bytes.len() + unit.len() > STILL_BYTES {
            self.clear();
        } else {
            self.bytes.extend_from_slice(unit);
            self.ends.push(self.bytes.len());
        }
    }

    fn unit(&self, index: usize) -> Option<&[u8]> {
        let end = *self.ends.get(index)?;
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.bytes.get(start..end)
    }

    /// The next access unit that has to be sent again, when the decoder is behind the encoder.
    fn behind(&self) -> Option<usize> {
        self.sent_again.filter(|&sent| sent < self.ends.len())
    }
}

impl OpenH264 {
    /// An encoder with the tuning that [`EncodeSettings::quality`] stands for.
    ///
    /// # Errors
    /// [`EncodeError::Settings`] when the settings are out of range or the library refuses them.
    pub fn new(settings: &EncodeSettings) -> Result<Self, EncodeError> {
        Self::with_tuning(settings, Tuning::of(settings.quality))
    }

    /// An encoder with a tuning of one's own, for measurements.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_tuning(settings: &EncodeSettings, tuning: Tuning) -> Result<Self, EncodeError> {
        let refuse = |why: String| EncodeError::Settings {
            width: settings.width,
            height: settings.height,
            fps: settings.fps,
            bitrate_kbps: settings.bitrate_kbps,
            why,
        };
        check(settings).map_err(refuse)?;
        let mut raw = RawEncoder::open(|parameters| fill(parameters, settings, tuning))
            .map_err(|error| refuse(error.to_string()))?;
        let mut sets = ParameterSets::default();
        raw.parameter_sets(|layer| {
            for nal in annex_b_nals(layer) {
                match nal_type(nal) {
                    NAL_SPS => sets.sps = nal.to_vec(),
                    NAL_PPS => sets.pps = nal.to_vec(),
                    _ => {}
                }
            }
        })
        .map_err(|error| refuse(error.to_string()))?;
        let syntax = SliceSyntax::read(&sets)
            .filter(SliceSyntax::can_skip)
            .ok_or_else(|| refuse("the encoder made parameter sets of an unknown kind".into()))?;
        Ok(Self {
            raw,
            settings: settings.clone(),
            tuning,
            sets,
            syntax,
            frame: 0,
            failed: false,
            first: None,
            last_idr: MonoNs::default(),
            after_idr: false,
            next_frame_num: 0,
            refined: 0,
            boosted: false,
            still: Still::default(),
            made: Vec::new(),
        })
    }

    /// Whether the picture at `t` has to be an IDR. Half the time between two pictures is forgiven, so that jitter does
    /// not move an IDR to the picture after the one it belongs to.
    fn idr_due(&self, t: MonoNs) -> bool {
        let forgiven = 500_000_000 / i64::from(self.settings.fps.max(1));
        self.first.is_none() || t.0.saturating_sub(self.last_idr.0) >= self.settings.gop_ns.saturating_sub(forgiven)
    }

    /// Begins an access unit.
    fn begin(&mut self, stamp: FrameStamp, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        if self.failed {
            return Err(EncodeError::Failed { frame: self.frame, why: "it failed before".into() });
        }
        out.clear();
        push_sei(stamp, out);
        Ok(())
    }

    /// Ends an access unit.
    fn end(&mut self, keyframe: bool, t: MonoNs) -> Encoded {
        if keyframe {
            self.last_idr = t;
        }
        self.first.get_or_insert(t);
        self.after_idr = keyframe;
        self.next_frame_num = if keyframe { 1 } else { self.syntax.next_frame_num(self.next_frame_num) };
        self.frame += 1;
        Encoded { keyframe }
    }

    /// Gives the encoder [`STILL_BOOST`] times its bits, as far as the level allows, or what the settings say.
    fn boost(&mut self, boosted: bool) -> Result<(), EncodeError> {
        if self.boosted == boosted {
            return Ok(());
        }
        let plain = i64::from(library_bitrate(&self.settings));
        let limit = LEVELS.iter().rev().find(|level| level.0 == i32::from(self.sets.sps[3])).map_or(0, |level| level.3);
        let bits = if boosted { (plain * STILL_BOOST).min(limit as i64 * 1200).max(plain) } else { plain };
        self.boosted = boosted;
        self.raw.set_bitrate(bits as i32).map_err(|error| {
            self.failed = true;
            EncodeError::Failed { frame: self.frame, why: error.to_string() }
        })
    }

    /// Lets the encoder make a picture; appends its slices to `out` and tells whether they are an IDR.
    fn make(&mut self, picture: &I420, idr: bool, t: MonoNs, out: &mut Vec<u8>) -> Result<bool, EncodeError> {
        self.try_make(picture, idr, t, out).map_err(|why| {
            self.failed = true;
            EncodeError::Failed { frame: self.frame, why }
        })
    }

    fn try_make(&mut self, picture: &I420, idr: bool, t: MonoNs, out: &mut Vec<u8>) -> Result<bool, String> {
        let size = (self.settings.width, self.settings.height);
        if (picture.width(), picture.height()) != size {
            let found = (picture.width(), picture.height());
            return Err(format!("a picture of {found:?} for an encoder of {size:?}"));
        }
        let says = |error: RawError| error.to_string();
        let ms = t.since(self.first.unwrap_or(t)).as_millis() as i64;
        if idr {
            self.raw.force_idr().map_err(says)?;
        }
        let made = &mut self.made;
        made.clear();
        let mut outcome = self.raw.encode(picture, ms, |layer| made.extend_from_slice(layer)).map_err(says)?;
        if outcome == Outcome::Skipped {
            // Frame skipping is off, so this should not be; an IDR cannot be skipped.
            made.clear();
            self.raw.force_idr().map_err(says)?;
            outcome = self.raw.encode(picture, ms, |layer| made.extend_from_slice(layer)).map_err(says)?;
        }
        let keyframe = outcome == Outcome::Idr;
        let before = out.len();
        for nal in annex_b_nals(&self.made) {
            match nal_type(nal) {
                NAL_SLICE | NAL_IDR => {
                    let frame_num = if keyframe { 0 } else { self.next_frame_num };
                    if !self.syntax.push_with_frame_num(nal, frame_num, out) {
                        return Err("a slice without a header".into());
                    }
                }
                NAL_SPS if nal != self.sets.sps => return Err("the sequence parameter set changed".into()),
                NAL_PPS if nal != self.sets.pps => return Err("the picture parameter set changed".into()),
                _ => {}
            }
        }
        if out.len() == before {
            return Err("no slice was made".into());
        }
        Ok(keyframe)
    }
}

impl VideoEncoder for OpenH264 {
    fn describe(&self) -> EncoderDescription {
        let (major, minor, revision) = RawEncoder::version();
        let Tuning { complexity, deblocking_idc, slices, min_qp, max_qp, idr_percent } = self.tuning;
        let EncodeSettings { width, height, fps, bitrate_kbps, gop_ns, quality } = &self.settings;
        let &[_, profile, constraints, level, ..] = self.sets.sps.as_slice() else {
            unreachable!("SliceSyntax::read took more bytes of the sequence parameter set than these")
        };
        let settings = [
            ("width", width.to_string()),
            ("height", height.to_string()),
            ("fps", fps.to_string()),
            ("bitrate_kbps", bitrate_kbps.to_string()),
            ("gop_ns", gop_ns.to_string()),
            ("quality", format!("{quality:?}").to_lowercase()),
            ("complexity", complexity.to_string()),
            ("deblocking_idc", deblocking_idc.to_string()),
            ("slices", slices.to_string()),
            ("min_qp", min_qp.to_string()),
            ("max_qp", max_qp.to_string()),
            ("idr_percent", idr_percent.to_string()),
            ("refinements", REFINEMENTS.to_string()),
        ];
        EncoderDescription {
            name: format!("openh264 {major}.{minor}.{revision}"),
            codec_string: format!("avc1.{profile:02x}{constraints:02x}{level:02x}"),
            settings: settings.map(|(name, value)| (name.to_owned(), value)).into(),
        }
    }

    fn parameter_sets(&self) -> &ParameterSets {
        &self.sets
    }

    fn encode(&mut self, picture: &I420, stamp: FrameStamp, out: &mut Vec<u8>) -> Result<Encoded, EncodeError> {
        self.begin(stamp, out)?;
        let start = out.len();
        // A decoder that is behind has another reference picture than the encoder: only an IDR needs none.
        let idr = self.idr_due(stamp.t) || self.still.behind().is_some();
        self.boost(false)?;
        let keyframe = self.make(picture, idr, stamp.t, out)?;
        self.refined = 0;
        self.still.clear();
        if keyframe {
            self.still.push(&out[start..]);
        }
        Ok(self.end(keyframe, stamp.t))
    }

    fn repeat(&mut self, picture: &I420, stamp: FrameStamp, out: &mut Vec<u8>) -> Result<Encoded, EncodeError> {
        if self.first.is_none() {
            return self.encode(picture, stamp, out);
        }
        self.begin(stamp, out)?;
        let start = out.len();
        let due = self.idr_due(stamp.t);
        let pictures = self.settings.gop_ns.saturating_mul(i64::from(self.settings.fps)) / 1_000_000_000;
        let boost = pictures >= STILL_BOOST_PICTURES;
        // Two IDRs in a row must differ in idr_pic_id, so the same one does not follow itself; and the group of a picture
        // that had just changed is made once more, with more bits.
        if due
            && !self.after_idr
            && self.boosted == boost
            && let Some(idr) = self.still.unit(0)
        {
            out.extend_from_slice(idr);
            self.still.sent_again = Some(1);
            return Ok(self.end(true, stamp.t));
        }
        if !due && let Some(unit) = self.still.behind().and_then(|index| self.still.unit(index)) {
            out.extend_from_slice(unit);
            self.still.sent_again = self.still.sent_again.map(|sent| sent + 1);
            return Ok(self.end(false, stamp.t));
        }
        if due || self.refined < REFINEMENTS {
            if due {
                self.boost(boost)?;
            }
            let keyframe = self.make(picture, due, stamp.t, out)?;
            let unit = &out[start..];
            if keyframe {
                self.still.clear();
                self.refined = if self.boosted { REFINEMENTS - STILL_REFINEMENTS } else { 0 };
            } else if unit.len() < self.syntax.macroblocks() as usize / CONVERGED_MACROBLOCKS_PER_BYTE {
                self.refined = REFINEMENTS;
            } else {
                self.refined += 1;
            }
            if keyframe || !self.still.ends.is_empty() {
                self.still.push(unit);
                // The decoder has this one from the encoder, and all before it.
                self.still.sent_again = None;
            }
            return Ok(self.end(keyframe, stamp.t));
        }
        self.syntax.push_skip(self.next_frame_num, out);
        Ok(self.end(false, stamp.t))
    }
}

/// Why settings are out of range.
fn check(settings: &EncodeSettings) -> Result<(), String> {
    let EncodeSettings { width, height, fps, bitrate_kbps, gop_ns, .. } = *settings;
    if width % 2 != 0 || height % 2 != 0 {
        return Err("4:2:0 needs even sides".into());
    }
    if width < MIN_SIDE || height < MIN_SIDE {
        return Err(format!("a side is smaller than {MIN_SIDE} pixels"));
    }
    if u64::from(width.div_ceil(16)) * u64::from(height.div_ceil(16)) > u64::from(MAX_MACROBLOCKS) {
        return Err(format!("the picture has more than {MAX_MACROBLOCKS} blocks of 16x16 pixels"));
    }
    // Level 5.2: no side longer than the square root of 8 × MaxFS macroblocks.
    if width.max(height).div_ceil(16) > (8 * MAX_MACROBLOCKS).isqrt() {
        return Err(format!("a side is longer than {} pixels", (8 * MAX_MACROBLOCKS).isqrt() * 16));
    }
    if fps == 0 || fps > MAX_FPS {
        return Err(format!("the frame rate is not in 1 to {MAX_FPS}"));
    }
    if !BITRATE_KBPS.contains(&bitrate_kbps) {
        return Err(format!("the bit rate is not in {} to {}", BITRATE_KBPS.start(), BITRATE_KBPS.end()));
    }
    if gop_ns <= 0 {
        return Err("the time between two IDRs is not positive".into());
    }
    Ok(())
}

/// The lowest level whose limits the settings keep; the highest when there is none.
fn level(settings: &EncodeSettings) -> i32 {
    let (columns, rows) = (settings.width.div_ceil(16), settings.height.div_ceil(16));
    let fits = |&&(_, per_second, per_picture, kbps): &&(i32, u64, u32, u64)| {
        u64::from(columns * rows) * u64::from(settings.fps) <= per_second
            && columns * rows <= per_picture
            && columns.max(rows) <= (8 * per_picture).isqrt()
            && u64::from(settings.bitrate_kbps) * 1000 <= kbps * 1200
    };
    LEVELS.iter().find(fits).unwrap_or(&LEVELS[LEVELS.len() - 1]).0
}

/// Bits per second that give each picture its share at a frame rate that the library accepts.
fn library_bitrate(settings: &EncodeSettings) -> i32 {
    let fps = settings.fps.min(LIBRARY_MAX_FPS);
    (u64::from(settings.bitrate_kbps) * 1000 * u64::from(fps) / u64::from(settings.fps)) as i32
}

/// Sets the library's parameters. What is not set here keeps the library's default.
fn fill(parameters: &mut SEncParamExt, settings: &EncodeSettings, tuning: Tuning) {
    let fps = settings.fps.min(LIBRARY_MAX_FPS);
    let bits = library_bitrate(settings);
    parameters.iUsageType = CAMERA_VIDEO_REAL_TIME;
    parameters.iPicWidth = settings.width.cast_signed();
    parameters.iPicHeight = settings.height.cast_signed();
    parameters.iTargetBitrate = bits;
    parameters.iRCMode = RC_BITRATE_MODE;
    parameters.fMaxFrameRate = fps as f32;
    parameters.iTemporalLayerNum = 1;
    parameters.iSpatialLayerNum = 1;
    parameters.iComplexityMode = match tuning.complexity {
        0 => LOW_COMPLEXITY,
        1 => MEDIUM_COMPLEXITY,
        _ => HIGH_COMPLEXITY,
    };
    // No IDR but those that are forced.
    parameters.uiIntraPeriod = 0;
    parameters.bEnableSceneChangeDetect = false;
    parameters.iNumRefFrame = 1;
    parameters.bEnableLongTermReference = false;
    parameters.eSpsPpsIdStrategy = CONSTANT_ID;
    parameters.iEntropyCodingModeFlag = 0;
    // One access unit for each picture.
    parameters.bEnableFrameSkip = false;
    parameters.iMinQp = i32::from(tuning.min_qp);
    parameters.iMaxQp = i32::from(tuning.max_qp);
    parameters.iIdrBitrateRatio = i32::from(tuning.idr_percent);
    parameters.iMultipleThreadIdc = tuning.slices;
    parameters.bUseLoadBalancing = false;
    parameters.iLoopFilterDisableIdc = i32::from(tuning.deblocking_idc);
    // Measured to change nothing but the time.
    parameters.bEnableDenoise = false;
    parameters.bEnableBackgroundDetection = false;
    parameters.bEnableAdaptiveQuant = false;
    let layer = &mut parameters.sSpatialLayers[0];
    layer.iVideoWidth = settings.width.cast_signed();
    layer.iVideoHeight = settings.height.cast_signed();
    layer.fFrameRate = fps as f32;
    layer.iSpatialBitrate = bits;
    layer.uiProfileIdc = PRO_BASELINE;
    layer.uiLevelIdc = level(settings);
    layer.sSliceArgument.uiSliceMode = if tuning.slices > 1 { SM_FIXEDSLCNUM_SLICE } else { SM_SINGLE_SLICE };
    layer.sSliceArgument.uiSliceNum = u32::from(tuning.slices);
    // What the pixels were converted to.
    layer.bVideoSignalTypePresent = true;
    layer.uiVideoFormat = VF_UNDEF as u8;
    layer.bFullRange = false;
    layer.bColorDescriptionPresent = true;
    layer.uiColorPrimaries = CP_BT709 as u8;
    layer.uiTransferCharacteristics = TRC_BT709 as u8;
    layer.uiColorMatrix = CM_BT709 as u8;
}

#[cfg(test)]
mod tests {
    use openh264::decoder::Decoder;
    use openh264::formats::YUVSource;

    use super::super::bitstream::{is_idr, nals, parse_sei, to_annex_b};
    use super::*;
    use crate::id::FrameRef;

    const FPS: u32 = 30;

    fn settings(width: u32, height: u32) -> EncodeSettings {
        EncodeSettings { width, height, fps: FPS, bitrate_kbps: 2000, gop_ns: 500_000_000, quality: Quality::Fast }
    }

    /// A picture with edges and texture that moves with `n`.
    fn picture(width: u32, height: u32, n: u32) -> I420 {
        let mut picture = I420::new(width, height);
        let (y, u, v) = picture.planes_mut();
        for (at, sample) in y.iter_mut().enumerate() {
            let (column, row) = (at as u32 % width + 3 * n, at as u32 / width + n);
            let texture = ((column * 7) ^ (row * 13)) % 23;
            *sample = (if (column / 20 + row / 12) % 2 == 0 { 40 } else { 180 } + texture) as u8;
        }
        for (at, sample) in u.iter_mut().chain(v).enumerate() {
            *sample = (90 + (at as u32 / 64 + n) % 70) as u8;
        }
        picture
    }

    fn stamp(frame: u64) -> FrameStamp {
        let t = MonoNs(1_000_000_007 + frame as i64 * 1_000_000_000 / i64::from(FPS));
        FrameStamp { frame_ref: FrameRef(frame), t }
    }

    /// A stream: for each frame its access unit, whether it is an IDR, and which picture it shows.
    struct Stream {
        sets: ParameterSets,
        units: Vec<Vec<u8>>,
        keyframes: Vec<bool>,
    }

    /// Encodes pictures; a number that is the one before it is a repeat.
    fn stream(settings: &EncodeSettings, shown: &[u32]) -> Stream {
        let mut encoder = OpenH264::new(settings).expect("open");
        let mut stream = Stream { sets: encoder.parameter_sets().clone(), units: Vec::new(), keyframes: Vec::new() };
        let mut last = None;
        for (frame, &n) in shown.iter().enumerate() {
            let picture = picture(settings.width, settings.height, n);
            let stamp = stamp(frame as u64);
            let mut unit = vec![0xee; 3];
            let encoded = if last == Some(n) {
                encoder.repeat(&picture, stamp, &mut unit)
            } else {
                encoder.encode(&picture, stamp, &mut unit)
            }
            .expect("encode");
            assert_eq!(parse_sei(&unit), Some(stamp));
            assert_eq!(is_idr(&unit), encoded.keyframe);
            let kinds: Vec<u8> = nals(&unit).map(|nal| nal_type(nal.expect("a NAL unit"))).collect();
            assert!(kinds.len() >= 2 && kinds[0] == super::super::bitstream::NAL_SEI, "frame {frame}: {kinds:?}");
            assert!(kinds[1..].iter().all(|&kind| kind == if encoded.keyframe { NAL_IDR } else { NAL_SLICE }));
            stream.units.push(unit);
            stream.keyframes.push(encoded.keyframe);
            last = Some(n);
        }
        assert_eq!(encoder.parameter_sets(), &stream.sets);
        stream
    }

    /// Decodes access units with OpenH264's decoder, one picture each, planes one behind the other.
    fn decode<'a>(sets: &ParameterSets, units: impl IntoIterator<Item = &'a Vec<u8>>) -> Vec<Vec<u8>> {
        let mut decoder = Decoder::new().expect("decoder");
        let mut pictures = Vec::new();
        for unit in units {
            let mut bytes = Vec::new();
            to_annex_b(unit, is_idr(unit).then_some(sets), &mut bytes).expect("an access unit");
            let yuv = decoder.decode(&bytes).expect("decodes").expect("a picture for each access unit");
            let (width, height) = yuv.dimensions();
            let mut samples = Vec::new();
            let planes = [
                (yuv.y(), yuv.strides().0, width),
                (yuv.u(), yuv.strides().1, width / 2),
                (yuv.v(), yuv.strides().2, width / 2),
            ];
            for (index, (plane, stride, columns)) in planes.into_iter().enumerate() {
                let rows = if index == 0 { height } else { height / 2 };
                for row in plane.chunks(stride).take(rows) {
                    samples.extend_from_slice(&row[..columns]);
                }
            }
            pictures.push(samples);
        }
        pictures
    }

    fn mean_error(decoded: &[u8], picture: &I420) -> f64 {
        let (y, u, v) = picture.planes();
        let sum: u64 = decoded
            .iter()
            .zip(y.iter().chain(u).chain(v))
            .map(|(found, expected)| u64::from(found.abs_diff(*expected)))
            .sum();
        sum as f64 / decoded.len() as f64
    }

    /// Moving, a short run of repeats, moving, a run over several IDRs, moving. `extra` moves the last change against
    /// the IDRs, so that it comes before, on or behind one that was sent again.
    fn mixed(extra: usize) -> Vec<u32> {
        let mut shown: Vec<u32> = (0..8).collect();
        shown.extend([7; 3]);
        shown.extend(8..20);
        shown.extend(vec![19; 50 + extra]);
        shown.extend(20..30);
        shown
    }

    fn slice_header(unit: &[u8]) -> (u32, Option<u32>) {
        let nal = nals(unit).map(|nal| nal.expect("a NAL unit")).nth(1).expect("a slice");
        let mut rbsp = Vec::new();
        super::super::bitstream::unescape(&nal[1..], &mut rbsp);
        let mut reader = super::super::bits::BitReader::new(&rbsp);
        for _ in 0..3 {
            reader.ue().expect("a header");
        }
        let frame_num = reader.bits(15).expect("frame_num");
        (frame_num, (nal_type(nal) == NAL_IDR).then(|| reader.ue().expect("idr_pic_id")))
    }

    #[test]
    fn frame_num_counts_every_picture_and_idrs_in_a_row_differ() {
        let mut behind = 0;
        for extra in 0..16 {
            behind += check_numbers(&stream(&settings(320, 192), &mixed(extra)));
        }
        assert!(behind > 1, "no change came behind an IDR that was sent again");
        let only_idrs = EncodeSettings { gop_ns: 1, ..settings(320, 192) };
        assert_eq!(check_numbers(&stream(&only_idrs, &[0, 0, 0, 0, 1, 1])), 5);
    }

    /// Checks `frame_num` and `idr_pic_id` of a stream; how many IDRs came before their time.
    fn check_numbers(stream: &Stream) -> usize {
        let (mut group, mut early) = (0, 0);
        let (mut expected, mut last_idr): (u32, Option<u32>) = (0, None);
        for (frame, unit) in stream.units.iter().enumerate() {
            let (frame_num, idr) = slice_header(unit);
            expected = if idr.is_some() { 0 } else { expected + 1 };
            assert_eq!(frame_num, expected, "frame {frame}");
            assert!(idr.is_none() || idr != last_idr, "frame {frame}: two IDRs in a row with the same id");
            last_idr = idr;
            group = if idr.is_some() {
                early += usize::from(frame > 0 && group < 15);
                1
            } else {
                group + 1
            };
        }
        early
    }

    #[test]
    fn repeats_decode_to_the_picture_before_and_what_follows_is_sharp() {
        for extra in [0, 4, 8, 12] {
            check_pictures(&mixed(extra));
        }
    }

    fn check_pictures(shown: &[u32]) {
        let stream = stream(&settings(320, 192), shown);
        let decoded = decode(&stream.sets, &stream.units);
        assert_eq!(decoded.len(), shown.len());
        let mut copies = 0;
        for (frame, &n) in shown.iter().enumerate() {
            let error = mean_error(&decoded[frame], &picture(320, 192, n));
            assert!(error < 6.0, "frame {frame} is off by {error} on average");
            let tiny = stream.units[frame].len() < 80;
            if tiny {
                assert_eq!(decoded[frame], decoded[frame - 1], "frame {frame} is no copy");
                copies += 1;
            }
        }
        assert!(copies > 20, "only {copies} pictures were copies");
    }

    #[test]
    fn an_idr_comes_in_time_and_each_group_decodes_alone() {
        let shown = mixed(3);
        let stream = stream(&settings(320, 192), &shown);
        let whole = decode(&stream.sets, &stream.units);
        let idrs: Vec<usize> = (0..shown.len()).filter(|&frame| stream.keyframes[frame]).collect();
        assert_eq!(idrs[0], 0);
        assert!(idrs.windows(2).all(|pair| pair[1] - pair[0] <= 15), "{idrs:?}");
        for (index, &start) in idrs.iter().enumerate() {
            let end = idrs.get(index + 1).copied().unwrap_or(shown.len());
            let alone = decode(&stream.sets, &stream.units[start..end]);
            assert_eq!(alone, whole[start..end], "the group at {start}");
        }
    }

    #[test]
    fn ffmpeg_decodes_the_same_pictures_without_complaint() {
        let directory = tempfile::tempdir().expect("a directory");
        let (stream_path, raw_path) = (directory.path().join("stream.h264"), directory.path().join("raw.yuv"));
        for (extra, width, height) in [(0, 320, 192), (5, 320, 192), (7, 322, 182), (2, 16, 16)] {
            let stream = stream(&settings(width, height), &mixed(extra));
            let mut bytes = Vec::new();
            for (unit, keyframe) in stream.units.iter().zip(&stream.keyframes) {
                to_annex_b(unit, keyframe.then_some(&stream.sets), &mut bytes).expect("an access unit");
            }
            std::fs::write(&stream_path, &bytes).expect("written");
            let run = std::process::Command::new("ffmpeg")
                .args(["-v", "warning", "-xerror", "-err_detect", "explode", "-y", "-i"])
                .arg(&stream_path)
                .args(["-fps_mode", "passthrough", "-f", "rawvideo"])
                .arg(&raw_path)
                .output()
                .expect("ffmpeg, which scripts/setup.sh installs");
            let said = String::from_utf8_lossy(&run.stderr);
            assert!(run.status.success() && said.is_empty(), "{width}x{height}: {said}");
            let raw = std::fs::read(&raw_path).expect("raw pictures");
            assert!(raw == decode(&stream.sets, &stream.units).concat(), "{width}x{height}: other pictures");
        }
    }

    #[test]
    fn pictures_behind_a_run_of_copies_decode_as_without_it() {
        // The same calls of the encoder, once with copies between them: what the encoder made must decode alike.
        let settings = EncodeSettings { gop_ns: i64::MAX, ..settings(320, 192) };
        let mut with: Vec<u32> = vec![0, 1, 2];
        with.extend([2; 40]);
        with.extend(3..12);
        let stream = stream(&settings, &with);
        let decoded = decode(&stream.sets, &stream.units);
        let made: Vec<usize> = (0..with.len()).filter(|&frame| stream.units[frame].len() >= 80).collect();
        assert!(made.len() < 3 + REFINEMENTS as usize + 10 && made.len() >= 12, "{made:?}");
        // Without the copies, frame_num has to be made continuous again: that is what the encoder itself wrote.
        let syntax = SliceSyntax::read(&stream.sets).expect("known sets");
        let without: Vec<Vec<u8>> = made
            .iter()
            .enumerate()
            .map(|(index, &frame)| {
                let mut unit = Vec::new();
                for nal in nals(&stream.units[frame]).map(|nal| nal.expect("a NAL unit")).skip(1) {
                    assert!(syntax.push_with_frame_num(nal, index as u32, &mut unit));
                }
                unit
            })
            .collect();
        let expected: Vec<Vec<u8>> = made.iter().map(|&frame| decoded[frame].clone()).collect();
        assert_eq!(decode(&stream.sets, &without), expected);
    }

    #[test]
    fn repeating_sharpens() {
        let low = EncodeSettings { bitrate_kbps: 400, ..settings(640, 368) };
        let shown = [0, 1, 2, 3, 3, 3, 3, 3, 3, 3];
        let stream = stream(&low, &shown);
        let decoded = decode(&stream.sets, &stream.units);
        let last = picture(640, 368, 3);
        let (fresh, settled) = (mean_error(&decoded[3], &last), mean_error(&decoded[9], &last));
        assert!(settled < fresh, "{fresh} became {settled}");
    }

    #[test]
    fn every_size_from_the_smallest_is_encoded_and_others_are_refused() {
        for (width, height) in [(16, 16), (16, 64), (18, 16), (98, 30), (322, 182)] {
            let stream = stream(&settings(width, height), &[0, 1, 1, 1, 1, 1, 1, 1, 1, 2]);
            let decoded = decode(&stream.sets, &stream.units);
            assert_eq!(decoded[0].len(), (width * height * 3 / 2) as usize, "{width}x{height}");
        }
        for (width, height) in [(3840, 2160), (5120, 1440)] {
            let large = EncodeSettings { bitrate_kbps: 40_000, ..settings(width, height) };
            let stream = stream(&large, &[0, 1]);
            let decoded = decode(&stream.sets, &stream.units);
            assert_eq!(decoded[1].len(), (width * height * 3 / 2) as usize, "{width}x{height}");
        }
        for (width, height) in [(14, 16), (16, 14), (17, 16), (0, 16), (4098, 4096), (16384, 16)] {
            let refused = OpenH264::new(&settings(width, height)).err();
            assert!(matches!(refused, Some(EncodeError::Settings { .. })), "{width}x{height}: {refused:?}");
        }
    }

    #[test]
    fn all_rates_open_and_say_their_level() {
        for (width, height, fps, bitrate_kbps, level) in [
            (1920, 1080, 30, 8000, 40),
            (1920, 1080, 60, 12_000, 42),
            (1920, 1080, 240, 50_000, 52),
            (1280, 720, 30, 4000, 31),
            (3840, 2160, 60, 100_000, 52),
            (5120, 1440, 60, 200_000, 52),
            (320, 200, 1, 100, 11),
        ] {
            let settings = EncodeSettings { fps, bitrate_kbps, ..settings(width, height) };
            let encoder = OpenH264::new(&settings).expect("open");
            assert_eq!(encoder.parameter_sets().sps[3], level, "{width}x{height} at {fps}");
            assert!(encoder.describe().codec_string.ends_with(&format!("{level:02x}")));
        }
        for (fps, bitrate_kbps) in [(0, 8000), (241, 8000), (30, 99), (30, 200_001)] {
            let refused = OpenH264::new(&EncodeSettings { fps, bitrate_kbps, ..settings(64, 64) }).err();
            assert!(matches!(refused, Some(EncodeError::Settings { .. })), "{fps} {bitrate_kbps}: {refused:?}");
        }
    }

    #[test]
    fn a_picture_of_another_size_fails_and_the_encoder_stays_failed() {
        let mut encoder = OpenH264::new(&settings(64, 64)).expect("open");
        let mut out = Vec::new();
        assert!(encoder.encode(&I420::new(64, 66), stamp(0), &mut out).is_err());
        let refused = encoder.encode(&I420::new(64, 64), stamp(0), &mut out);
        assert!(matches!(refused, Err(EncodeError::Failed { frame: 0, .. })), "{refused:?}");
    }
}
