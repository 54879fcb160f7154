//! Which encoder makes the pictures of a recording, and whether this machine holds it: decided before anything is on disk.

use std::sync::Arc;
use std::time::Duration;

use crate::base::time::Clock;
use clap::ValueEnum as _;

use crate::cli::{ChromaArg, CodecArg, RecordArgs};
use crate::cmd::failure::Failure;
use crate::cmd::text;
use crate::config::RecordConfig;
use crate::encode::kind::{Codec, EncoderKind};
use crate::encode::registry::{self, AUTO};
use crate::encode::settings::EncodeSettings;
use crate::encode::{Driver, EncodeError, VideoEncoder, rate};
use crate::media::picture::Sampling;
use crate::recorder::MakeEncoder;

/// How long an encoder is measured. A recording begins that much later.
const MEASURED: Duration = Duration::from_millis(600);
/// Pixels a second that the built-in encoder and x264 are not measured at: 1920x1080 at 60 fps, which they hold on two cores.
const UNMEASURED: u64 = 1920 * 1080 * 60;

/// What the planes of the pictures are to be: flags over the configuration.
pub(super) fn sampling(args: &RecordArgs, config: &RecordConfig) -> Result<Sampling, Failure> {
    let flag = |chroma| match chroma {
        ChromaArg::Half => Sampling::Yuv420,
        ChromaArg::Full => Sampling::Yuv444,
    };
    if args.lossless && args.chroma == Some(ChromaArg::Half) {
        return Err(Failure::usage(
            "4:2:0 loses colours, and --lossless loses nothing",
            "leave out one of --chroma 420 and --lossless",
        ));
    }
    if args.lossless || (args.chroma.is_none() && config.lossless == Some(true)) {
        if args.bitrate_kbps.is_some() {
            let hint = "leave out --bitrate-kbps, or use --chroma 444 with it";
            return Err(Failure::usage("pictures without a loss take as many bits as they need", hint));
        }
        return Ok(Sampling::Rgb);
    }
    let configured = || match config.chroma.as_deref() {
        None => Ok(Sampling::Yuv420),
        Some(chroma) => ChromaArg::from_str(chroma, false)
            .map(flag)
            .map_err(|_unknown| Failure::usage(format!("unknown chroma '{chroma}'"), "420 or 444")),
    };
    args.chroma.map_or_else(configured, |chroma| Ok(flag(chroma)))
}

/// What was asked for.
#[derive(Clone, Debug)]
pub(super) struct Choice {
    name: String,
    codec: Codec,
    fallback: Option<String>,
    measure: bool,
}

impl Choice {
    /// Reads what was asked for: flags over the configuration. An encoder that a flag names takes none of what the configuration says of
    /// another one.
    pub(super) fn of(args: &RecordArgs, config: &RecordConfig, sampling: Sampling) -> Result<Self, Failure> {
        let configured = |what: Option<&String>| what.filter(|_| args.encoder.is_none()).cloned();
        let name = args.encoder.clone().or_else(|| config.encoder.clone()).unwrap_or_else(|| AUTO.into());
        let fallback = args.encoder_fallback.clone().or_else(|| configured(config.encoder_fallback.as_ref()));
        for (key, name) in [("encoder", Some(&name)), ("encoder_fallback", fallback.as_ref())] {
            if let Some(name) = name.filter(|name| *name != AUTO && registry::kind(name).is_none()) {
                let hint = "`watchcap doctor` names the encoders; `watchcap config check` says where the key stands";
                return Err(Failure::usage(
                    format!("there is no encoder '{name}', which {key} of the configuration names"),
                    hint,
                ));
            }
        }
        let named = registry::kind(&name);
        let configured = configured(config.codec.as_ref());
        let codec = configured.as_deref().map(|codec| {
            let found = CodecArg::from_str(codec, false).map(Codec::from);
            found.map_err(|_unknown| Failure::usage(format!("unknown codec '{codec}'"), "h264, h265 or av1"))
        });
        let asked = args.codec.map(Codec::from).or(codec.transpose()?);
        let made = named.and_then(|kind| kind.codecs().first().copied());
        let codec = asked.or(made).unwrap_or(Codec::H264);
        if let (Some(kind), Some(made)) = (named, made)
            && !kind.codecs().contains(&codec)
        {
            let error =
                EncodeError::OtherCodec { encoder: kind.name().into(), makes: made.name(), codec: codec.name() };
            return Err(Failure::usage(error.to_string(), error.hint().unwrap_or_default()));
        }
        // The fallback as well: what was asked for is not left out where the first one is missing.
        let fallback_kind = fallback.as_deref().and_then(registry::kind);
        let cannot = |kind: &&dyn EncoderKind| !kind.samplings().contains(&sampling);
        if let Some(kind) = named.into_iter().chain(fallback_kind).find(cannot) {
            let error = EncodeError::OtherSampling { encoder: kind.name().into(), sampling: sampling.title() };
            return Err(Failure::usage(error.to_string(), error.hint().unwrap_or_default()));
        }
        Ok(Self { name, codec, fallback, measure: !args.no_encoder_check })
    }

    /// Returns what makes the encoder once the size of the surface is known.
    pub(super) fn maker(self, clock: Arc<dyn Clock>) -> MakeEncoder {
        Box::new(move |settings| {
            let Some(fallback) = &self.fallback else { return self.open(&self.name, self.codec, settings, &clock) };
            self.open(&self.name, self.codec, settings, &clock).or_else(|error| {
                let codec = registry::kind(fallback).and_then(|kind| kind.codecs().first().copied());
                let opened = self.open(fallback, codec.unwrap_or(Codec::H264), settings, &clock)?;
                text::warn(&text::printable(&format!("{error}; {} takes its place", opened.describe().name)));
                Ok(opened)
            })
        })
    }

    fn open(
        &self,
        name: &str,
        codec: Codec,
        settings: &EncodeSettings,
        clock: &Arc<dyn Clock>,
    ) -> Result<Box<dyn VideoEncoder>, EncodeError> {
        let opened = registry::open(name, codec, settings)?;
        let said = opened.describe().name;
        let kind = registry::kind_of(&said);
        if name == AUTO && !kind.is_some_and(EncoderKind::is_built_in) {
            text::say(&text::printable(&format!("encoder: {said}")));
        }
        let is_measured = kind.is_none_or(EncoderKind::is_measured);
        let pixels = u64::from(settings.width) * u64::from(settings.height) * u64::from(settings.fps);
        if !self.measure || (!is_measured && pixels <= UNMEASURED) {
            return Ok(opened);
        }
        // What was measured is of no more use: its groups and its rate control are those of other pictures.
        let held = rate::held(Driver::new(opened), settings, clock.as_ref(), MEASURED)?;
        tracing::info!(encoder = said, held, fps = settings.fps, "encoder, measured");
        if held < settings.fps {
            let EncodeSettings { width, height, fps, .. } = *settings;
            return Err(EncodeError::TooSlow { encoder: said, held, fps, width, height });
        }
        registry::open(name, codec, settings)
    }
}
