//! The encoders of this build. The values of `--encoder`, the order of `auto`, the lines of `doctor` and the table in
//! `docs/design/encoding.md` come from this list.

use super::encoder::VideoEncoder;
use super::error::EncodeError;
use super::ffmpeg;
use super::kind::{Codec, EncoderKind};
use super::openh264::OpenH264Kind;
use super::settings::EncodeSettings;
use super::x264::X264Kind;

/// Every kind of encoder, in the order in which `auto` tries them.
pub static ENCODERS: &[&dyn EncoderKind] = &[
    &X264Kind,
    &OpenH264Kind,
    &ffmpeg::LIBX264,
    &ffmpeg::H264_NVENC,
    &ffmpeg::H264_VAAPI,
    &ffmpeg::H264_QSV,
    &ffmpeg::H264_VIDEOTOOLBOX,
    &ffmpeg::HEVC_NVENC,
    &ffmpeg::HEVC_VAAPI,
    &ffmpeg::HEVC_QSV,
    &ffmpeg::HEVC_VIDEOTOOLBOX,
    &ffmpeg::LIBX265,
    &ffmpeg::AV1_NVENC,
    &ffmpeg::AV1_VAAPI,
    &ffmpeg::AV1_QSV,
    &ffmpeg::LIBAOM,
];

/// The name that stands for the first encoder that can be opened.
pub const AUTO: &str = "auto";

/// Returns the kind of a name.
pub fn kind(name: &str) -> Option<&'static dyn EncoderKind> {
    ENCODERS.iter().copied().find(|kind| kind.name() == name)
}

/// Returns the kind of an encoder by what it calls itself: its kind's name comes first.
pub fn kind_of(described: &str) -> Option<&'static dyn EncoderKind> {
    kind(described.split(' ').next().unwrap_or(described))
}

/// Opens the encoder of a name, or with [`AUTO`] the first of a codec that can be opened.
///
/// # Errors
/// [`EncodeError::Unknown`] when the list has no such name, [`EncodeError::NoCodec`] when none makes this codec, and else what the encoder said
/// (with `auto`, the last of them).
pub fn open(name: &str, codec: Codec, settings: &EncodeSettings) -> Result<Box<dyn VideoEncoder>, EncodeError> {
    open_of(ENCODERS, name, codec, settings)
}

/// Opens the encoder that is part of this program: what it makes is a function of the pictures, whatever else this machine has.
///
/// # Errors
/// As [`open`].
pub fn open_built_in(codec: Codec, settings: &EncodeSettings) -> Result<Box<dyn VideoEncoder>, EncodeError> {
    let built_in: Vec<_> = ENCODERS.iter().copied().filter(|kind| kind.is_built_in()).collect();
    open_of(&built_in, AUTO, codec, settings)
}

/// Opens an encoder for the codec of a stream that exists; `made_by` is the name of the encoder that made it, whose kind is tried first.
///
/// # Errors
/// As [`open`].
pub fn open_like(
    made_by: Option<&str>,
    codec: Codec,
    settings: &EncodeSettings,
) -> Result<Box<dyn VideoEncoder>, EncodeError> {
    let fits =
        |kind: &&dyn EncoderKind| kind.codecs().contains(&codec) && kind.samplings().contains(&settings.sampling);
    let same = made_by.and_then(kind_of).filter(fits);
    match same.map(|kind| kind.open(settings)) {
        // It may not be on this machine, where another one is.
        Some(Err(EncodeError::Absent { .. })) | None => open(AUTO, codec, settings),
        Some(opened) => opened,
    }
}

fn open_of(
    kinds: &[&dyn EncoderKind],
    name: &str,
    codec: Codec,
    settings: &EncodeSettings,
) -> Result<Box<dyn VideoEncoder>, EncodeError> {
    if name != AUTO && !kinds.iter().any(|kind| kind.name() == name) {
        let names = [AUTO].into_iter().chain(kinds.iter().map(|kind| kind.name())).collect();
        return Err(EncodeError::Unknown { asked: name.to_owned(), names });
    }
    let sampling = settings.sampling;
    let makes = |kind: &&&dyn EncoderKind| kind.codecs().contains(&codec) && kind.samplings().contains(&sampling);
    let fitting = kinds.iter().filter(|kind| (name == AUTO || kind.name() == name) && makes(kind));
    let mut refused = match kinds.iter().find(|kind| kind.name() == name && kind.codecs().contains(&codec)) {
        Some(kind) => EncodeError::OtherSampling { encoder: kind.name().to_owned(), sampling: sampling.title() },
        None => EncodeError::NoCodec { codec: codec.name(), sampling: sampling.title() },
    };
    for kind in fitting {
        match kind.open(settings) {
            Ok(encoder) => return Ok(encoder),
            Err(error) => {
                tracing::debug!(encoder = kind.name(), %error, "cannot be opened");
                refused = error;
            }
        }
    }
    Err(refused)
}

#[cfg(test)]
mod tests {
    use super::super::settings::Quality;
    use super::*;
    use crate::media::picture::Sampling;

    /// A kind that is on the list and not on this machine.
    struct Absent;

    impl EncoderKind for Absent {
        fn name(&self) -> &'static str {
            "absent"
        }
        fn about(&self) -> &'static str {
            "nowhere"
        }
        fn codecs(&self) -> &'static [Codec] {
            &[Codec::H264]
        }
        fn open(&self, _settings: &EncodeSettings) -> Result<Box<dyn VideoEncoder>, EncodeError> {
            Err(EncodeError::Failed { frame: 0, why: "no such device".into() })
        }
    }

    fn settings() -> EncodeSettings {
        let gop_ns = 500_000_000;
        EncodeSettings {
            width: 64,
            height: 64,
            fps: 30,
            bitrate_kbps: 200,
            gop_ns,
            quality: Quality::Fast,
            sampling: Sampling::Yuv420,
        }
    }

    #[test]
    fn auto_takes_the_first_that_opens_and_a_name_only_its_own() {
        let kinds: [&dyn EncoderKind; 2] = [&Absent, &OpenH264Kind];
        let opened =
            |name: &str| open_of(&kinds, name, Codec::H264, &settings()).map(|encoder| encoder.describe().name);
        assert!(opened(AUTO).is_ok_and(|name| name.starts_with("openh264 ")));
        assert!(matches!(opened("absent"), Err(EncodeError::Failed { .. })));
        let unknown = opened("x265").expect_err("no such encoder");
        assert_eq!(unknown.hint().as_deref(), Some("use --encoder auto, absent, openh264"));
        assert!(matches!(open_of(&[], AUTO, Codec::H264, &settings()), Err(EncodeError::NoCodec { .. })));
    }

    #[test]
    fn a_sampling_is_made_by_those_that_say_so_and_by_no_other() {
        let settings = EncodeSettings { sampling: Sampling::Rgb, ..settings() };
        let refused = open("openh264", Codec::H264, &settings).err().expect("refused");
        assert!(matches!(refused, EncodeError::OtherSampling { sampling: "lossless RGB", .. }), "{refused}");
        assert!(refused.hint().is_some_and(|hint| hint.contains("x264") && hint.contains("ffmpeg:libx264")));
        for codec in [Codec::H265, Codec::Av1] {
            assert!(matches!(open(AUTO, codec, &settings), Err(EncodeError::NoCodec { .. })));
        }
        let kinds = ENCODERS.iter().filter(|kind| kind.samplings().contains(&Sampling::Rgb));
        assert_eq!(kinds.map(|kind| kind.name()).collect::<Vec<_>>(), ["x264", "ffmpeg:libx264"]);
    }

    #[test]
    fn a_stream_is_continued_by_the_kind_that_made_it_or_by_any_of_its_codec() {
        for made_by in [Some("openh264 2.6.0"), Some("x265 4.1"), None] {
            assert!(open_like(made_by, Codec::H264, &settings()).is_ok(), "{made_by:?}");
        }
    }

    #[test]
    fn names_are_unique_and_begin_what_encoders_call_themselves() {
        for (n, kind) in ENCODERS.iter().enumerate() {
            assert!(kind.name() != AUTO && ENCODERS[..n].iter().all(|other| other.name() != kind.name()));
            assert!(!kind.codecs().is_empty());
            match kind.open(&settings()) {
                Ok(encoder) => assert_eq!(encoder.describe().name.split(' ').next(), Some(kind.name())),
                Err(error) => assert!(!kind.is_built_in() && error.hint().is_some(), "{}: {error}", kind.name()),
            }
        }
    }

    #[test]
    #[cfg_attr(windows, ignore = "needs ffmpeg, ffprobe and PyAV, which the scripts install on Linux alone")]
    fn a_probe_encodes_and_decodes() {
        let software = ["openh264", "ffmpeg:libx264", "ffmpeg:libx265", "ffmpeg:libaom-av1"]
            .map(|name| kind(name).expect("on the list"));
        for kind in software {
            for sampling in kind.samplings() {
                let probe = kind.probe((98, 30), *sampling).expect("it works");
                assert!(probe.name.starts_with(kind.name()) && !probe.codec_string.is_empty());
            }
        }
        assert!(Absent.probe((64, 64), Sampling::Yuv420).is_err());
    }
}
