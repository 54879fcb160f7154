//! x264 behind the seam of encoders: a child that is given one picture at a time, and unchanged pictures that cost as little as with the built-in
//! encoder.
//!
//! Keeps these invariants: every picture is answered at once, also when the child dies or stalls: a new one is given the picture, as an IDR, and
//! must have the same parameter sets; every group of pictures is closed and decodes alone; the decoder's reference picture is at any time
//! the one that the child thinks it is. It reads no clock: time is that of the stamps.

use std::ffi::OsString;

use super::child::{Child, Greeting};
use super::place::find;
use super::rate::RateControl;
use crate::encode::ask::Ask;
use crate::encode::encoder::{EncoderDescription, VideoEncoder, check_picture};
use crate::encode::error::EncodeError;
use crate::encode::kind::{Codec, EncoderKind};
use crate::encode::masked::Masked;
use crate::encode::openh264::check;
use crate::encode::openh264::still::Still;
use crate::encode::outbox::Outbox;
use crate::encode::settings::EncodeSettings;
use crate::media::avc::nal::{NAL_PPS, NAL_SPS, annex_b_nals, nal_type};
use crate::media::avc::sets::ParameterSets;
use crate::media::avc::slice::SliceSyntax;
use crate::media::codec::StreamInfo;
use crate::media::picture::{PixelFormat, Sampling};
use crate::media::track::CodecConfig;

/// Its name.
const NAME: &str = "x264";
/// Children that are started in a row without [`WELL`] answers in between; then the encoder has failed.
const MAX_RESTARTS: u32 = 3;
/// Answers behind which a restart is forgotten.
const WELL: u32 = 300;

/// x264 in a child.
pub struct X264Encoder {
    program: OsString,
    settings: EncodeSettings,
    config: CodecConfig,
    syntax: SliceSyntax,
    build: u32,
    takes: [PixelFormat; 1],
    rate: RateControl,
    child: Option<Child>,
    /// This child has made nothing, so its first picture is an IDR.
    is_fresh: bool,
    restarts: u32,
    answers: u32,
    /// No picture was handed over so far.
    is_first: bool,
    /// The last picture was an IDR.
    after_idr: bool,
    /// `frame_num` of the next picture that is no IDR.
    next_frame_num: u32,
    /// Quantiser of the last picture that was made.
    qp: u8,
    /// The group of pictures so far, when it shows one picture only.
    still: Still,
    /// The NAL units of one picture, behind start codes, as the child made them.
    made: Vec<u8>,
    /// The slices of one picture, each behind its length, as they are handed over.
    unit: Vec<u8>,
}

impl X264Encoder {
    /// Opens an encoder of a program.
    ///
    /// # Errors
    /// [`EncodeError::Settings`] when the settings are out of range; [`EncodeError::Absent`] when the program cannot be used.
    pub fn open(program: OsString, settings: &EncodeSettings) -> Result<Self, EncodeError> {
        let &EncodeSettings { width, height, fps, bitrate_kbps, gop_ns, .. } = settings;
        check(settings).map_err(|why| EncodeError::Settings { width, height, fps, bitrate_kbps, why })?;
        let absent = |why: String| EncodeError::Absent { encoder: NAME, why };
        let (child, greeting) = Child::start(&program, settings).map_err(absent)?;
        let (sets, syntax) =
            sets_of(&greeting, settings).ok_or_else(|| absent("its stream is of a kind that is not read".into()))?;
        Ok(Self {
            program,
            settings: settings.clone(),
            config: CodecConfig::Avc(sets),
            syntax,
            build: greeting.build,
            takes: [PixelFormat::Planar(settings.sampling)],
            rate: if settings.is_lossless() {
                RateControl::lossless()
            } else {
                RateControl::new(bitrate_kbps, fps, gop_ns)
            },
            child: Some(child),
            is_fresh: true,
            restarts: 0,
            answers: 0,
            is_first: true,
            after_idr: false,
            next_frame_num: 0,
            qp: 0,
            still: Still::default(),
            made: Vec::new(),
            unit: Vec::new(),
        })
    }

    /// Hands over `self.unit` as the picture of `ask`.
    fn hand_over(&mut self, keyframe: bool, out: &mut Outbox) -> Result<(), EncodeError> {
        self.is_first = false;
        self.after_idr = keyframe;
        self.next_frame_num = if keyframe { 1 } else { self.syntax.next_frame_num(self.next_frame_num) };
        out.push_lengths(&self.unit)
    }

    /// Hands over bytes that were made before.
    fn hand_over_again(&mut self, keyframe: bool, out: &mut Outbox) -> Result<(), EncodeError> {
        self.rate.stored(self.unit.len() * 8);
        self.hand_over(keyframe, out)
    }

    /// Has a picture made into `self.unit`; tells whether it is an IDR. Of a child that is gone, the next one makes it.
    fn make(
        &mut self,
        picture: &Masked,
        (idr, qp): (bool, u8),
        is_repeat: bool,
        ask: Ask,
    ) -> Result<bool, EncodeError> {
        let failed = |why: String| EncodeError::Failed { frame: ask.stamp.frame_ref.0, why };
        check_picture(picture, (self.settings.width, self.settings.height), &self.takes).map_err(failed)?;
        let keyframe = loop {
            let idr = idr || self.is_fresh;
            let Some(child) = &mut self.child else { return Err(failed("its child is gone".into())) };
            match child.encode(picture, qp, idr, &mut self.made) {
                Ok(keyframe) => break keyframe,
                Err(gone) => self.restart(gone.told()).map_err(failed)?,
            }
        };
        self.is_fresh = false;
        self.answers += 1;
        if self.answers >= WELL {
            self.restarts = 0;
        }
        self.qp = qp;
        self.unit.clear();
        let frame_num = if keyframe { 0 } else { self.next_frame_num };
        if !self.syntax.push_numbered(annex_b_nals(&self.made), frame_num, &mut self.unit) {
            return Err(failed("a slice without a header".into()));
        }
        if keyframe || !is_repeat {
            self.rate.made(qp, keyframe, self.unit.len() * 8);
        } else {
            self.rate.stored(self.unit.len() * 8);
        }
        Ok(keyframe)
    }

    /// A new child for the one that is gone.
    fn restart(&mut self, what: &str) -> Result<(), String> {
        let said = self.child.take().map(|child| child.end(false)).unwrap_or_default();
        self.restarts += 1;
        self.answers = 0;
        tracing::warn!(said, restarts = self.restarts, "the child of x264 {what}; another one is started");
        if self.restarts > MAX_RESTARTS {
            return Err(format!("watchcap-x264 {what} again and again: {said}"));
        }
        let (child, greeting) = Child::start(&self.program, &self.settings)?;
        match sets_of(&greeting, &self.settings) {
            Some((sets, _)) if CodecConfig::Avc(sets.clone()) == self.config => {}
            _ => return Err("a new watchcap-x264 makes other parameter sets".into()),
        }
        (self.child, self.is_fresh) = (Some(child), true);
        self.still.clear();
        Ok(())
    }
}

/// The parameter sets of a child, when they are of the size that was asked for, and pictures of skipped macroblocks fit between its own.
fn sets_of(greeting: &Greeting, settings: &EncodeSettings) -> Option<(ParameterSets, SliceSyntax)> {
    let one = |kind: u8| annex_b_nals(&greeting.sets).find(|nal| nal_type(nal) == kind).map(<[u8]>::to_vec);
    let sets = ParameterSets { sps: one(NAL_SPS)?, pps: one(NAL_PPS)? };
    let syntax = SliceSyntax::read(&sets).filter(SliceSyntax::can_skip)?;
    let made = CodecConfig::Avc(sets.clone()).stream_info().ok()?;
    let asked = StreamInfo { width: settings.width, height: settings.height, sampling: settings.sampling };
    (made == asked).then_some((sets, syntax))
}

impl VideoEncoder for X264Encoder {
    fn describe(&self) -> EncoderDescription {
        let control = if self.settings.is_lossless() { "none: lossless" } else { "one quantiser a picture" };
        let settings = [("rate_control", control.to_owned())];
        EncoderDescription {
            name: format!("{NAME} {}", self.build),
            codec_string: self.config.codec_string().unwrap_or_default(),
            settings: self.settings.told(settings),
            delay: 0,
        }
    }

    fn takes(&self) -> &[PixelFormat] {
        &self.takes
    }

    fn config(&self) -> &CodecConfig {
        &self.config
    }

    fn encode(&mut self, picture: &Masked, ask: Ask, out: &mut Outbox) -> Result<(), EncodeError> {
        // A decoder that is behind has another reference picture than the child: only an IDR needs none.
        let idr = ask.idr || self.still.behind().is_some();
        let qp = self.rate.qp(idr);
        let keyframe = self.make(picture, (idr, qp), false, ask)?;
        self.still.clear();
        if keyframe {
            self.still.push(&self.unit);
        }
        self.hand_over(keyframe, out)
    }

    fn repeat(&mut self, picture: &Masked, ask: Ask, out: &mut Outbox) -> Result<(), EncodeError> {
        if self.is_first {
            return self.encode(picture, ask, out);
        }
        // Two IDRs in a row must differ in idr_pic_id, so the same one does not follow itself.
        if ask.idr && !self.after_idr && self.still.begin_again(self.syntax, &mut self.unit) {
            return self.hand_over_again(true, out);
        }
        if !ask.idr && self.still.go_on(self.syntax, self.next_frame_num, &mut self.unit) {
            return self.hand_over_again(false, out);
        }
        let sharper = self.rate.still_qp(self.qp, self.still.len() * 8);
        if ask.idr || sharper.is_some() {
            let qp = if ask.idr { self.rate.still_idr_qp(self.qp) } else { sharper.unwrap_or(self.qp) };
            let keyframe = self.make(picture, (ask.idr, qp), true, ask)?;
            if keyframe {
                self.still.clear();
            }
            if keyframe || !self.still.is_empty() {
                self.still.push(&self.unit);
            }
            return self.hand_over(keyframe, out);
        }
        self.unit.clear();
        self.syntax.push_skip(self.next_frame_num, &mut self.unit);
        self.hand_over_again(false, out)
    }

    fn finish(&mut self, _out: &mut Outbox) -> Result<(), EncodeError> {
        if let Some(child) = self.child.take() {
            child.end(true);
        }
        Ok(())
    }
}

/// x264 among the encoders of this build.
pub struct X264Kind;

impl EncoderKind for X264Kind {
    fn name(&self) -> &'static str {
        NAME
    }

    fn about(&self) -> &'static str {
        "by watchcap-x264 beside this program, on the CPU; two thirds of the work of the built-in one, as sharp"
    }

    fn codecs(&self) -> &'static [Codec] {
        &[Codec::H264]
    }

    fn samplings(&self) -> &'static [Sampling] {
        &[Sampling::Yuv420, Sampling::Yuv444, Sampling::Rgb]
    }

    fn is_built_in(&self) -> bool {
        false
    }

    fn is_measured(&self) -> bool {
        false
    }

    fn open(&self, settings: &EncodeSettings) -> Result<Box<dyn VideoEncoder>, EncodeError> {
        let program = find().map_err(|why| EncodeError::Absent { encoder: NAME, why })?;
        Ok(Box::new(X264Encoder::open(program, settings)?))
    }
}
