//! An encoder of ffmpeg behind the seam of encoders.
//!
//! Keeps these invariants: every picture is answered, also when the child dies or stalls: a new child is given those that were not, the
//! first as an IDR, and must have the same parameter sets; an IDR that was asked for is forced through the picture's time
//! ([`super::command`]). It is opened by encoding a picture with it, so what cannot work on this machine is known before a recording
//! begins.

use std::collections::VecDeque;
use std::sync::OnceLock;
use std::time::Duration;

use super::child::{Child, Gone};
use super::command::{arguments, time_us};
use super::flavour::Flavour;
use super::nut::Item;
use crate::base::child::ffmpeg;
use crate::encode::ask::Ask;
use crate::encode::encoder::{EncoderDescription, VideoEncoder, check_picture};
use crate::encode::error::EncodeError;
use crate::encode::kind::Codec;
use crate::encode::masked::Masked;
use crate::encode::openh264::check;
use crate::encode::outbox::Outbox;
use crate::encode::settings::EncodeSettings;
use crate::media::av1::sequence::Av1Config;
use crate::media::avc::nal::{NAL_PPS, NAL_SPS, annex_b_nals, nal_type};
use crate::media::avc::sets::ParameterSets;
use crate::media::hevc::sets::HevcSets;
use crate::media::picture::{PixelFormat, Planar};
use crate::media::track::CodecConfig;

/// Most pictures that wait for their answer. Two are in the pipes; the others are the child's stages, which run beside each other. Each
/// costs a buffer.
const DELAY: usize = 6;
/// How long the child may take for the first picture: hardware is woken, and a loaded machine starts a process.
const FIRST: Duration = Duration::from_secs(20);
/// How long it may take for any other: the queue before the encoder is full long before.
const STALL: Duration = Duration::from_secs(5);
/// How long it may take for what is owed at the end.
const LAST: Duration = Duration::from_secs(10);
/// Children that are started in a row without [`WELL`] answers in between; then the encoder has failed.
const MAX_RESTARTS: u32 = 3;
/// Answers behind which a restart is forgotten.
const WELL: u32 = 300;

/// An encoder of ffmpeg.
pub struct FfmpegEncoder {
    flavour: Flavour,
    settings: EncodeSettings,
    takes: [PixelFormat; 1],
    config: CodecConfig,
    child: Option<Child>,
    /// Pictures given to this child.
    given: u64,
    /// Pictures that were not answered, in order.
    owed: VecDeque<(Masked, bool)>,
    restarts: u32,
    answers: u32,
}

impl FfmpegEncoder {
    /// Opens an encoder, by encoding a black picture with it.
    ///
    /// # Errors
    /// [`EncodeError::Settings`] when the settings are out of range; [`EncodeError::Absent`] when ffmpeg or what the encoder needs is not there.
    pub fn open(flavour: Flavour, settings: &EncodeSettings) -> Result<Self, EncodeError> {
        let &EncodeSettings { width, height, fps, bitrate_kbps, .. } = settings;
        check(settings).map_err(|why| EncodeError::Settings { width, height, fps, bitrate_kbps, why })?;
        let (child, config) = begun(&flavour, settings)?;
        let settings = settings.clone();
        let (owed, given) = (VecDeque::new(), 1);
        let takes = [PixelFormat::Planar(settings.sampling)];
        Ok(Self { flavour, settings, takes, config, child: Some(child), given, owed, restarts: 0, answers: 0 })
    }

    fn failed(ask: Option<Ask>, why: impl Into<String>) -> EncodeError {
        EncodeError::Failed { frame: ask.map_or(0, |ask| ask.stamp.frame_ref.0), why: why.into() }
    }

    /// Gives the child the picture.
    fn give(&mut self, picture: &Masked, idr: bool) -> Result<(), Gone> {
        let t_us = time_us(self.given, self.settings.fps, idr);
        self.given += 1;
        self.child.as_ref().ok_or(Gone::Ended)?.send(picture.clone(), t_us, STALL)
    }

    /// Takes answers until no more than `owed` are left; those that are there already in any case.
    fn answers(&mut self, owed: usize, within: Duration, out: &mut Outbox) -> Result<Result<(), Gone>, EncodeError> {
        while !self.owed.is_empty() {
            let wait = (self.owed.len() > owed).then_some(within);
            let Some(child) = &self.child else { return Ok(Err(Gone::Ended)) };
            match child.take(wait) {
                Ok(Some(Item::Packet(packet))) => {
                    self.owed.pop_front();
                    self.answers += 1;
                    if self.answers >= WELL {
                        self.restarts = 0;
                    }
                    out.push_coded(&packet)?;
                }
                Ok(Some(Item::Private(_))) => {}
                Ok(None) => return Ok(Ok(())),
                Err(gone) => return Ok(Err(gone)),
            }
        }
        Ok(Ok(()))
    }

    /// A new child for the one that is gone, with the pictures that were not answered.
    fn restart(&mut self, gone: &Gone, ask: Option<Ask>) -> Result<(), EncodeError> {
        let said = self.child.take().map(|child| child.end(false)).unwrap_or_default();
        let what = match gone {
            Gone::Ended => "ended",
            Gone::Stalled => "did not answer",
        };
        self.restarts += 1;
        self.answers = 0;
        tracing::warn!(
            said,
            restarts = self.restarts,
            "the child of {} {what}; another one is started",
            self.flavour.name
        );
        if self.restarts > MAX_RESTARTS {
            return Err(Self::failed(ask, format!("ffmpeg {what} again and again: {said}")));
        }
        let (child, config) = begun(&self.flavour, &self.settings)?;
        if config != self.config {
            return Err(Self::failed(ask, "a new ffmpeg makes other parameter sets"));
        }
        (self.child, self.given) = (Some(child), 1);
        let owed: Vec<_> = self.owed.iter().cloned().collect();
        for (at, (picture, idr)) in owed.iter().enumerate() {
            if self.give(picture, *idr || at == 0).is_err() {
                // Found out when its answer is waited for.
                break;
            }
        }
        Ok(())
    }

    /// Waits until no more than `most` are owed, through as many children as it takes.
    fn settle(&mut self, most: usize, within: Duration, ask: Option<Ask>, out: &mut Outbox) -> Result<(), EncodeError> {
        while let Err(gone) = self.answers(most, within, out)? {
            self.restart(&gone, ask)?;
        }
        Ok(())
    }
}

/// Starts a child, gives it a black picture, and reads the parameter sets. The picture is not handed on.
fn begun(flavour: &Flavour, settings: &EncodeSettings) -> Result<(Child, CodecConfig), EncodeError> {
    let encoder = flavour.name;
    let absent = |why: String| EncodeError::Absent { encoder, why };
    let size = (settings.width, settings.height);
    let child = Child::start(&arguments(flavour, settings), settings).map_err(|error| absent(error.to_string()))?;
    let black = Masked::not_captured(Planar::new(settings.sampling, size.0, size.1));
    let mut private = Vec::new();
    let packet = child.send(black, time_us(0, settings.fps, false), FIRST).and_then(|()| {
        loop {
            match child.take(Some(FIRST))? {
                Some(Item::Private(found)) => private = found,
                Some(Item::Packet(packet)) => return Ok(packet),
                None => {}
            }
        }
    });
    let packet = match packet {
        Ok(packet) => packet,
        Err(Gone::Ended) => {
            let said = child.end(true);
            return Err(absent(if said.is_empty() { "ffmpeg ended without a word".into() } else { said }));
        }
        Err(Gone::Stalled) => {
            drop(child);
            return Err(absent(format!("ffmpeg made no picture within {} s", FIRST.as_secs())));
        }
    };
    let refused = |what: &str| absent(format!("its {} cannot be recorded: {what}", flavour.codec.name()));
    let config = config_in(flavour.codec, &private)
        .or_else(|| config_in(flavour.codec, &packet))
        .ok_or_else(|| refused("there are no parameter sets"))?;
    let made = config.stream_info().map_err(|_fault| refused("it is of a kind that is not read"))?;
    if (made.width, made.height) != size {
        return Err(refused("its pictures have another size"));
    }
    if made.sampling != settings.sampling {
        return Err(refused("its pictures are not of the kind that was asked for"));
    }
    match config.push_coded(&packet, &mut Vec::new()) {
        Ok(true) => Ok((child, config)),
        Ok(false) => Err(refused("decoding cannot begin with the first picture")),
        Err(error) => Err(refused(&error.to_string())),
    }
}

/// The parameter sets in a stream.
fn config_in(codec: Codec, stream: &[u8]) -> Option<CodecConfig> {
    match codec {
        Codec::H264 => {
            let one = |kind: u8| annex_b_nals(stream).find(|nal| nal_type(nal) == kind).map(<[u8]>::to_vec);
            Some(CodecConfig::Avc(ParameterSets { sps: one(NAL_SPS)?, pps: one(NAL_PPS)? }))
        }
        Codec::H265 => HevcSets::of_annex_b(stream).map(CodecConfig::Hevc),
        Codec::Av1 => Av1Config::of_stream(stream).map(CodecConfig::Av1),
    }
}

/// The version of ffmpeg, as it says it; asked for once.
fn version() -> &'static str {
    static VERSION: OnceLock<String> = OnceLock::new();
    VERSION.get_or_init(|| {
        let said = std::process::Command::new(ffmpeg()).arg("-version").output();
        let said = said.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
        let word = said.split_ascii_whitespace().nth(2).unwrap_or("of an unknown version");
        word.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').take(40).collect()
    })
}

impl VideoEncoder for FfmpegEncoder {
    fn describe(&self) -> EncoderDescription {
        let settings = [
            ("preset", self.flavour.preset(self.settings.quality).to_owned()),
            ("options", self.flavour.behind.to_owned()),
        ];
        EncoderDescription {
            name: format!("{} {}", self.flavour.name, version()),
            codec_string: self.config.codec_string().unwrap_or_default(),
            settings: self.settings.told(settings),
            delay: DELAY,
        }
    }

    fn takes(&self) -> &[PixelFormat] {
        &self.takes
    }

    fn config(&self) -> &CodecConfig {
        &self.config
    }

    fn encode(&mut self, picture: &Masked, ask: Ask, out: &mut Outbox) -> Result<(), EncodeError> {
        check_picture(picture, (self.settings.width, self.settings.height), &self.takes)
            .map_err(|why| Self::failed(Some(ask), why))?;
        self.owed.push_back((picture.clone(), ask.idr));
        if let Err(gone) = self.give(picture, ask.idr) {
            self.restart(&gone, Some(ask))?;
        }
        self.settle(DELAY, STALL, Some(ask), out)
    }

    fn collect(&mut self, out: &mut Outbox) -> Result<(), EncodeError> {
        self.settle(self.owed.len(), STALL, None, out)
    }

    fn finish(&mut self, out: &mut Outbox) -> Result<(), EncodeError> {
        loop {
            if let Some(child) = &mut self.child {
                child.close();
            }
            match self.answers(0, LAST, out)? {
                Ok(()) => break,
                Err(gone) => self.restart(&gone, None)?,
            }
        }
        if let Some(child) = self.child.take() {
            child.end(true);
        }
        Ok(())
    }
}
