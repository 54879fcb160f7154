//! The command line of the child.
//!
//! Which pictures are IDRs reaches ffmpeg through their times: those of pictures that are to be IDRs are odd, and
//! `-force_key_frames` is told so. So our clock decides, and not a count of the child's.

use std::ffi::OsString;

use super::flavour::Flavour;
use crate::encode::settings::EncodeSettings;
use crate::media::picture::Sampling;
use crate::media::track::Colour;

/// What stands before the input: one thread reads pictures, and nothing is guessed from the first of them.
const BEFORE: &str =
    "-hide_banner -nostdin -loglevel error -probesize 32 -analyzeduration 0 -fpsprobesize 0 -protocol_whitelist pipe";
/// The input, and that its pictures are taken as they come, with their times.
const INPUT: &str = "-f matroska -i pipe:0 -map 0:v:0 -an -sn -dn -fps_mode passthrough -enc_time_base 1:1000000";
/// Odd times are those of IDRs.
const FORCED: &str = "expr:mod(round(t*1000000),2)";
/// How the answer comes: each packet at once.
const OUTPUT: &str = "-flush_packets 1 -f nut -protocol_whitelist pipe pipe:1";

/// Returns the arguments for an encoder.
pub(super) fn arguments(flavour: &Flavour, settings: &EncodeSettings) -> Vec<OsString> {
    let words = |text: &str| text.split_ascii_whitespace().map(OsString::from).collect::<Vec<_>>();
    let rate = settings.bitrate_kbps;
    let mut args = words(BEFORE);
    args.extend(words(flavour.before));
    args.extend(words(INPUT));
    let encoder = match (settings.sampling, flavour.lossless) {
        (Sampling::Rgb, Some(lossless)) => lossless,
        _ => flavour.encoder,
    };
    args.extend(["-force_key_frames".into(), FORCED.into(), "-c:v".into(), encoder.into()]);
    let preset = flavour.preset(settings.quality);
    if !preset.is_empty() {
        args.extend([flavour.preset_option().into(), preset.into()]);
    }
    args.extend(words(flavour.behind));
    if settings.is_lossless() {
        args.extend(words("-qp 0"));
    } else {
        // At most one and a half times the rate, over a second.
        args.extend(words(&format!("-b:v {rate}k -maxrate {}k -bufsize {rate}k", rate.saturating_mul(3) / 2)));
    }
    let Colour { primaries, transfer, matrix, full_range } = settings.sampling.colour();
    let range = if full_range { "pc" } else { "tv" };
    args.extend(words(&format!(
        "-color_primaries {primaries} -color_trc {transfer} -colorspace {matrix} -color_range {range}"
    )));
    args.extend(words(OUTPUT));
    args
}

/// Returns the time of a picture, microseconds, for [`arguments`]: odd for an IDR.
pub(super) fn time_us(picture: u64, fps: u32, idr: bool) -> u64 {
    let half = (u128::from(picture) * 500_000 / u128::from(fps.max(1))) as u64;
    half * 2 + u64::from(idr)
}

#[cfg(test)]
mod tests {
    use super::super::flavour::{HEVC_NVENC, LIBX264, LIBX265};
    use super::*;
    use crate::encode::settings::Quality;

    #[test]
    fn times_grow_and_odd_ones_are_idrs() {
        let mut before = None;
        for picture in 0..1000 {
            for idr in [false, true] {
                let t = time_us(picture, 240, idr);
                assert_eq!((t % 2 == 1, Some(t) > before), (idr, true));
                before = Some(t);
            }
        }
        assert_eq!(time_us(90, 30, false), 3_000_000);
    }

    #[test]
    fn a_command_line_has_the_rate_the_preset_and_what_answers_at_once() {
        let gop_ns = 500_000_000;
        let settings = EncodeSettings {
            width: 64,
            height: 64,
            fps: 30,
            bitrate_kbps: 2000,
            gop_ns,
            quality: Quality::Balanced,
            sampling: Sampling::Yuv420,
        };
        let told = |flavour| {
            let words: Vec<_> =
                arguments(flavour, &settings).iter().map(|word| word.to_string_lossy().into_owned()).collect();
            words.join(" ")
        };
        let nvenc = told(&HEVC_NVENC);
        for part in [
            "-c:v hevc_nvenc -preset p3 -tune ull",
            "-forced-idr 1",
            "-bf 0",
            "-b:v 2000k -maxrate 3000k -bufsize 2000k",
        ] {
            assert!(nvenc.contains(part), "{part}: {nvenc}");
        }
        assert!(told(&LIBX265).contains("-preset superfast -tune zerolatency"));
        let lossless = EncodeSettings { sampling: Sampling::Rgb, ..settings };
        let words: Vec<_> =
            arguments(&LIBX264, &lossless).iter().map(|word| word.to_string_lossy().into_owned()).collect();
        let rgb = words.join(" ");
        assert!(
            rgb.contains("-c:v libx264rgb") && rgb.contains("-qp 0 -color_primaries 1 -color_trc 13 -colorspace 0")
        );
        assert!(rgb.contains("-color_range pc") && !rgb.contains("-b:v"), "{rgb}");
    }
}
