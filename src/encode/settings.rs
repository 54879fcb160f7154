//! What to encode with, and what of that when nothing was asked for.

use crate::config::limits::BITRATE_KBPS;
use crate::media::picture::Sampling;

/// Smallest side of a picture that can be asked for: no encoder need take less.
pub const MIN_SIDE: u32 = 16;

/// What to encode with.
#[derive(Clone, PartialEq, Debug)]
pub struct EncodeSettings {
    /// Coded width, even.
    pub width: u32,
    /// Coded height, even.
    pub height: u32,
    /// Frames per second that will come.
    pub fps: u32,
    /// Target bit rate, kilobits per second.
    pub bitrate_kbps: u32,
    /// Longest time between two IDRs, nanoseconds of recorded time: what to expect of [`super::gop`], which decides.
    pub gop_ns: i64,
    /// How to trade time against picture.
    pub quality: Quality,
    /// What the planes of the pictures are; those of [`Sampling::Rgb`] are encoded without a loss, whatever the bit rate.
    pub sampling: Sampling,
}

impl EncodeSettings {
    /// Whether the pictures come back to the bit.
    pub fn is_lossless(&self) -> bool {
        self.sampling == Sampling::Rgb
    }

    /// Returns what the metadata say of an encoder: these, and what is its own.
    pub(super) fn told<const N: usize>(&self, own: [(&str, String); N]) -> Vec<(String, String)> {
        let Self { width, height, fps, bitrate_kbps, gop_ns, quality, sampling } = self;
        let shared = [
            ("width", width.to_string()),
            ("height", height.to_string()),
            ("fps", fps.to_string()),
            ("gop_ns", gop_ns.to_string()),
            ("quality", format!("{quality:?}").to_lowercase()),
        ];
        // Each says what was not usual: no bit rate counts where nothing is lost.
        let rate = (!self.is_lossless()).then(|| ("bitrate_kbps", bitrate_kbps.to_string()));
        let planes = (*sampling != Sampling::Yuv420).then(|| ("pix_fmt", sampling.pix_fmt().to_owned()));
        shared.into_iter().chain(rate).chain(planes).chain(own).map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// How to trade encoding time against the picture at the same bit rate.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Quality {
    /// Least CPU.
    #[default]
    Fast,
    /// In between.
    Balanced,
    /// Sharpest.
    Sharp,
}

/// The bit rate when none was asked for: 0.075 bit per pixel and frame at 30 fps (4.7 Mbit/s at 1080p30), growing with the
/// square root of the rate since neighbouring frames differ less; at least 500 kbit/s.
pub fn default_bitrate_kbps(width: u32, height: u32, fps: u32) -> u32 {
    let pixels = f64::from(width) * f64::from(height);
    let rate = 30.0 * (f64::from(fps) / 30.0).sqrt();
    ((pixels * rate * 0.075 / 1000.0).round() as u32).clamp(500, 100_000)
}

/// How many times the default bit rate pictures without a loss take: 27 instead of 4.7 Mbit/s on a desktop at 1080p30; a game takes far more.
const LOSSLESS: u32 = 6;

/// The bit rate when none was asked for: the default, and of pictures without a loss what to expect of them.
pub fn expected_kbps((width, height): (u32, u32), fps: u32, sampling: Sampling) -> u32 {
    let usual = default_bitrate_kbps(width, height, fps);
    if sampling == Sampling::Rgb { (usual * LOSSLESS).min(*BITRATE_KBPS.end()) } else { usual }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_rate_grows_with_size_and_slower_with_frames() {
        assert_eq!(default_bitrate_kbps(1920, 1080, 30), 4666);
        assert_eq!(default_bitrate_kbps(1920, 1080, 60), 6598);
        assert_eq!(default_bitrate_kbps(64, 64, 30), 500);
        let of = |sampling| expected_kbps((1920, 1080), 30, sampling);
        assert_eq!([Sampling::Yuv420, Sampling::Yuv444, Sampling::Rgb].map(of), [4666, 4666, 27_996]);
    }
}
