//! From settings to the library's parameters: what is accepted, which level it needs, and the tuning that was measured.
//!
//! Invariant: what [`check`] lets through, the library opens. Nothing here calls it.

use openh264_sys2::{
    CAMERA_VIDEO_REAL_TIME, CM_BT709, CONSTANT_ID, CP_BT709, HIGH_COMPLEXITY, LOW_COMPLEXITY, MEDIUM_COMPLEXITY,
    PRO_BASELINE, RC_BITRATE_MODE, SEncParamExt, SM_FIXEDSLCNUM_SLICE, SM_SINGLE_SLICE, TRC_BT709, VF_UNDEF,
};

use super::super::settings::{EncodeSettings, MIN_SIDE, Quality};

/// Macroblocks of the largest picture, from level 5.2: 3840x2160 has 32,400, 5120x1440 has 28,800.
pub const MAX_MACROBLOCKS: u32 = 36_864;
/// Frames per second that are accepted.
pub const MAX_FPS: u32 = 240;
/// Kilobits per second that are accepted.
pub const BITRATE_KBPS: std::ops::RangeInclusive<u32> = 100..=200_000;
/// The library clips its frame rate to this (`MAX_FRAME_RATE`); beyond it the bit rate is scaled to keep the bits of a picture.
const LIBRARY_MAX_FPS: u32 = 60;

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
    /// The measured best for a quality, on a game at 1080p and 8 Mbit/s (`docs/MEASUREMENTS.md`): fast leaves deblocking
    /// out (SSIM 0.9775, a little over libx264 ultrafast), balanced has it (0.9795 at 1.14 times the CPU), sharp searches
    /// motion longer as well (0.9807 at 1.57 times).
    pub fn of(quality: Quality) -> Self {
        let fast = Self { complexity: 0, deblocking_idc: 1, slices: 1, min_qp: 12, max_qp: 42, idr_percent: 400 };
        match quality {
            Quality::Fast => fast,
            Quality::Balanced => Self { deblocking_idc: 0, ..fast },
            Quality::Sharp => Self { deblocking_idc: 0, complexity: 1, ..fast },
        }
    }
}

/// Why settings are out of range.
pub(in crate::encode) fn check(settings: &EncodeSettings) -> Result<(), String> {
    let EncodeSettings { width, height, fps, bitrate_kbps, gop_ns, .. } = *settings;
    if width % 2 != 0 || height % 2 != 0 {
        return Err("pictures have even sides".into());
    }
    // `CWelsH264SVCEncoder::EncodeFrameInternal` refuses less.
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
pub(super) fn level(settings: &EncodeSettings) -> i32 {
    let (columns, rows) = (settings.width.div_ceil(16), settings.height.div_ceil(16));
    let fits = |&&(_, per_second, per_picture, kbps): &&(i32, u64, u32, u64)| {
        u64::from(columns * rows) * u64::from(settings.fps) <= per_second
            && columns * rows <= per_picture
            && columns.max(rows) <= (8 * per_picture).isqrt()
            && u64::from(settings.bitrate_kbps) * 1000 <= kbps * 1200
    };
    LEVELS.iter().find(fits).unwrap_or(&LEVELS[LEVELS.len() - 1]).0
}

/// The highest bit rate of a level, bits per second: 1200 for each unit of `MaxBR`.
pub(super) fn level_bitrate(level_idc: u8) -> i64 {
    LEVELS.iter().find(|level| level.0 == i32::from(level_idc)).map_or(0, |level| level.3.cast_signed() * 1200)
}

/// Bits per second that give each picture its share at a frame rate that the library accepts.
pub(super) fn library_bitrate(settings: &EncodeSettings) -> i32 {
    let fps = settings.fps.min(LIBRARY_MAX_FPS);
    (u64::from(settings.bitrate_kbps) * 1000 * u64::from(fps) / u64::from(settings.fps)) as i32
}

/// Sets the library's parameters. What is not set here keeps the library's default.
pub(super) fn fill(parameters: &mut SEncParamExt, settings: &EncodeSettings, tuning: Tuning) {
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
