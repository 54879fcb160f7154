//! From pixels of a desktop with a high dynamic range to those of a video: half floats in linear light to 8 bits of sRGB.
//!
//! Windows composes such a desktop in scRGB: linear light with the primaries of sRGB, where 1.0 is 80 cd/m². What programs without HDR draw lies
//! below the level that the person has set for their white. That level becomes the white of the video; what is brighter, up to the monitor's peak, is
//! compressed into the upper fifth, so that it differs still. Each channel is mapped by itself through a table of all half floats. Pure.

/// cd/m² of 1.0.
const UNIT_NITS: f32 = 80.0;
/// Up to here, of the white, nothing is changed when something is brighter than white.
const KNEE: f32 = 0.8;
/// The white where the system does not tell: that of SDR content on most HDR monitors as Windows sets it.
const USUAL_WHITE_NITS: f32 = 200.0;

/// The levels of a desktop with a high dynamic range, cd/m².
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Levels {
    /// What is white in programs without HDR.
    pub(super) white_nits: f32,
    /// The brightest that the monitor shows.
    pub(super) peak_nits: f32,
}

impl Levels {
    /// Returns levels that can be, of what the system says.
    pub(super) fn said(white_nits: Option<f32>, peak_nits: f32) -> Self {
        let white_nits =
            white_nits.filter(|white| white.is_finite() && *white >= UNIT_NITS).unwrap_or(USUAL_WHITE_NITS);
        let peak_nits = if peak_nits.is_finite() { peak_nits.clamp(white_nits, 10_000.0) } else { 1000.0 };
        Self { white_nits, peak_nits: peak_nits.max(white_nits) }
    }
}

/// What each half float becomes.
pub(super) struct Tones(Box<[u8]>);

impl Tones {
    /// Makes the table.
    pub(super) fn new(levels: Levels) -> Self {
        let peak = levels.peak_nits / levels.white_nits;
        let one = |bits: u16| {
            let light = half(bits) * UNIT_NITS / levels.white_nits;
            // What is no number is black, as is what lies outside of sRGB.
            if light > 0.0 { (encoded(compressed(light, peak)) * 255.0).round() as u8 } else { 0 }
        };
        Self((0..=u16::MAX).map(one).collect())
    }

    /// What a channel becomes.
    pub(super) fn of(&self, bits: u16) -> u8 {
        self.0[usize::from(bits)]
    }
}

/// The value of a half float.
fn half(bits: u16) -> f32 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f32::from(bits & 0x3ff));
    let size = match exponent {
        0 => fraction * 2_f32.powi(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1.0 + fraction / 1024.0) * 2_f32.powi(exponent - 15),
    };
    if bits >> 15 == 0 { size } else { -size }
}

/// Brings light up to `peak` below 1: unchanged up to the knee, then by a curve that leaves it with the same slope and reaches 1 at the peak.
fn compressed(light: f32, peak: f32) -> f32 {
    if peak <= 1.0 || light <= KNEE {
        return light.min(1.0);
    }
    let (over, most) = ((light.min(peak) - KNEE) / (1.0 - KNEE), (peak - KNEE) / (1.0 - KNEE));
    KNEE + (1.0 - KNEE) * over * (1.0 + over / (most * most)) / (1.0 + over)
}

/// Linear light in sRGB's curve.
fn encoded(light: f32) -> f32 {
    if light <= 0.003_130_8 { light * 12.92 } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1.0, 0.5, 2.0, -1.0, the least, infinity, not a number.
    const SOME: [(u16, f32); 6] = [
        (0x3c00, 1.0),
        (0x3800, 0.5),
        (0x4000, 2.0),
        (0xbc00, -1.0),
        (0x0001, 5.960_464_5e-8),
        (0x7c00, f32::INFINITY),
    ];

    #[test]
    fn half_floats_are_read() {
        for (bits, value) in SOME {
            assert_eq!(half(bits).to_bits(), value.to_bits(), "{bits:#x}");
        }
        assert!(half(0x7e00).is_nan() && half(0).to_bits() == 0);
    }

    #[test]
    fn without_anything_brighter_the_white_of_programs_is_white_and_grey_is_grey() {
        let tones = Tones::new(Levels { white_nits: 160.0, peak_nits: 160.0 });
        // 2.0 is 160 cd/m2: the white. Linear 0.2158 of it is the grey 128.
        assert_eq!((tones.of(0x4000), tones.of(0x4400), tones.of(0)), (255, 255, 0));
        assert_eq!(tones.of(0x36e8), 128, "0.4316");
        assert_eq!((tones.of(0xc000), tones.of(0x7e00), tones.of(0xfc00), tones.of(0x7c00)), (0, 0, 0, 255));
    }

    #[test]
    fn what_is_brighter_than_white_differs_still_and_order_is_kept() {
        let tones = Tones::new(Levels { white_nits: 200.0, peak_nits: 1000.0 });
        let rising: Vec<u8> = (0..0x7c00).map(|bits| tones.of(bits)).collect();
        assert!(rising.windows(2).all(|two| two[0] <= two[1]), "brighter never becomes darker");
        // 2.5 is white, 5.0 twice that, 12.5 the peak.
        let (white, twice, peak) = (tones.of(0x4100), tones.of(0x4500), tones.of(0x4a40));
        assert!(white < twice && twice < peak && peak == 255, "{white} {twice} {peak}");
        assert!(white >= 235, "{white}");
        // Below four fifths of white nothing is changed: 1.0 is 0.4 of it.
        assert_eq!(tones.of(0x3c00), (encoded(0.4) * 255.0).round() as u8);
    }

    #[test]
    fn levels_that_cannot_be_are_not_taken() {
        let usual = Levels { white_nits: 200.0, peak_nits: 400.0 };
        assert_eq!(Levels::said(None, 400.0), usual);
        assert_eq!(Levels::said(Some(0.0), 400.0), usual);
        assert_eq!(Levels::said(Some(f32::NAN), 400.0), usual);
        assert_eq!(Levels::said(Some(480.0), 100.0), Levels { white_nits: 480.0, peak_nits: 480.0 });
        assert_eq!(Levels::said(Some(240.0), f32::INFINITY), Levels { white_nits: 240.0, peak_nits: 1000.0 });
        assert_eq!(Levels::said(Some(240.0), 1e9), Levels { white_nits: 240.0, peak_nits: 10_000.0 });
    }
}
