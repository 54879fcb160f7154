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
        let profile: String = self.sets.sps.iter().skip(1).take(3).map(|byte| format!("{byte:02x}")).collect();
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
            codec_string: format!("avc1.{profile}"),
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
        // Two IDRs in a row must differ in idr_pic_id, so the same one does not follow itself.
        if due
            && !self.after_idr
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
            let keyframe = self.make(picture, due, stamp.t, out)?;
            let unit = &out[start..];
            if keyframe {
                self.still.clear();
                self.refined = 0;
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

/// Sets the library's parameters. What is not set here keeps the library's default.
fn fill(parameters: &mut SEncParamExt, settings: &EncodeSettings, tuning: Tuning) {
    let fps = settings.fps.min(LIBRARY_MAX_FPS);
    let bits = (u64::from(settings.bitrate_kbps) * 1000 * u64::from(fps) / u64::from(settings.fps)) as i32;
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
