//! The built-in encoder: OpenH264, with parameters that were measured (`docs/MEASUREMENTS.md`), and unchanged pictures that cost next to
//! nothing.
//!
//! Keeps these invariants: every picture is answered at once; every group of pictures is closed and decodes alone; the decoder's
//! reference picture is at any time the one that the encoder thinks it is. It reads no clock: time is that of the stamps.
//!
//! An unchanged picture goes through the encoder a few more times, so that it sharpens; then it is a hand-made picture
//! of skipped macroblocks ([`crate::media::avc::slice`]). When an IDR is due and the group before showed that one picture only, its
//! bytes are sent again instead of being made again: an IDR and what sharpened it decode to the same pictures a second
//! time, and leave the decoder where the encoder already is.

mod parameters;
pub(in crate::encode) mod still;

use super::ask::Ask;
use super::encoder::{EncoderDescription, VideoEncoder, check_picture};
use super::error::EncodeError;
use super::kind::{Codec, EncoderKind};
use super::masked::Masked;
use super::outbox::Outbox;
use super::raw::{Outcome, RawEncoder, RawError};
use super::settings::EncodeSettings;
use crate::base::time::MonoNs;
use crate::media::avc::nal::{NAL_PPS, NAL_SPS, annex_b_nals, nal_type};
use crate::media::avc::sets::ParameterSets;
use crate::media::avc::slice::SliceSyntax;
use crate::media::picture::{PixelFormat, Sampling};
use crate::media::track::CodecConfig;

pub use parameters::{BITRATE_KBPS, MAX_FPS, MAX_MACROBLOCKS, Tuning};

pub(in crate::encode) use parameters::check;
use parameters::{fill, level_bitrate, library_bitrate};
use still::Still;

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

/// OpenH264.
pub struct OpenH264 {
    raw: RawEncoder,
    settings: EncodeSettings,
    tuning: Tuning,
    config: CodecConfig,
    /// Profile, constraints and level, as the sequence parameter set says them.
    profile: [u8; 3],
    syntax: SliceSyntax,
    /// Time of the first picture, the encoder's zero.
    first: Option<MonoNs>,
    /// The last picture was an IDR.
    after_idr: bool,
    /// `frame_num` of the next picture that is no IDR.
    next_frame_num: u32,
    /// Repeats of the current picture that went through the encoder.
    refined: u32,
    /// The encoder works at [`STILL_BOOST`] times its bit rate.
    boosted: bool,
    /// The group of pictures so far, when it shows one picture only.
    still: Still,
    /// The NAL units of one picture, Annex B, as the library made them.
    made: Vec<u8>,
    /// The slices of one picture, each behind its length, as they are handed over.
    unit: Vec<u8>,
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
        if settings.sampling != Sampling::Yuv420 {
            let sampling = settings.sampling.title();
            return Err(EncodeError::OtherSampling { encoder: OpenH264Kind.name().to_owned(), sampling });
        }
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
        let unknown = || refuse("the encoder made parameter sets of an unknown kind".into());
        let syntax = SliceSyntax::read(&sets).filter(SliceSyntax::can_skip).ok_or_else(unknown)?;
        let &[_, profile, constraints, level, ..] = sets.sps.as_slice() else { return Err(unknown()) };
        Ok(Self {
            raw,
            settings: settings.clone(),
            tuning,
            config: CodecConfig::Avc(sets),
            profile: [profile, constraints, level],
            syntax,
            first: None,
            after_idr: false,
            next_frame_num: 0,
            refined: 0,
            boosted: false,
            still: Still::default(),
            made: Vec::new(),
            unit: Vec::new(),
        })
    }

    /// Hands over `self.unit` as the picture of `ask`.
    fn hand_over(&mut self, ask: Ask, keyframe: bool, out: &mut Outbox) -> Result<(), EncodeError> {
        self.first.get_or_insert(ask.stamp.t);
        self.after_idr = keyframe;
        self.next_frame_num = if keyframe { 1 } else { self.syntax.next_frame_num(self.next_frame_num) };
        out.push_lengths(&self.unit)
    }

    /// Gives the encoder [`STILL_BOOST`] times its bits, as far as the level allows, or what the settings say.
    fn boost(&mut self, boosted: bool, ask: Ask) -> Result<(), EncodeError> {
        if self.boosted == boosted {
            return Ok(());
        }
        let plain = i64::from(library_bitrate(&self.settings));
        let limit = level_bitrate(self.profile[2]);
        let bits = if boosted { (plain * STILL_BOOST).min(limit).max(plain) } else { plain };
        self.boosted = boosted;
        self.raw.set_bitrate(bits as i32).map_err(|error| failed(ask, error.to_string()))
    }

    /// Lets the library make a picture into `self.unit`; tells whether it is an IDR.
    fn make(&mut self, picture: &Masked, idr: bool, ask: Ask) -> Result<bool, EncodeError> {
        self.try_make(picture, idr, ask.stamp.t).map_err(|why| failed(ask, why))
    }

    fn try_make(&mut self, picture: &Masked, idr: bool, t: MonoNs) -> Result<bool, String> {
        check_picture(picture, (self.settings.width, self.settings.height), self.takes())?;
        let says = |error: RawError| error.to_string();
        let ms = t.since(self.first.unwrap_or(t)).as_millis() as i64;
        if idr {
            self.raw.force_idr().map_err(says)?;
        }
        let made = &mut self.made;
        made.clear();
        let picture = picture.planar();
        let mut outcome = self.raw.encode(picture, ms, |layer| made.extend_from_slice(layer)).map_err(says)?;
        if outcome == Outcome::Skipped {
            // Frame skipping is off, so this should not be; an IDR cannot be skipped.
            made.clear();
            self.raw.force_idr().map_err(says)?;
            outcome = self.raw.encode(picture, ms, |layer| made.extend_from_slice(layer)).map_err(says)?;
        }
        let keyframe = outcome == Outcome::Idr;
        self.unit.clear();
        // Parameter sets among them the outbox compares.
        let frame_num = if keyframe { 0 } else { self.next_frame_num };
        if !self.syntax.push_numbered(annex_b_nals(&self.made), frame_num, &mut self.unit) {
            return Err("a slice without a header".into());
        }
        Ok(keyframe)
    }
}

fn failed(ask: Ask, why: String) -> EncodeError {
    EncodeError::Failed { frame: ask.stamp.frame_ref.0, why }
}

impl VideoEncoder for OpenH264 {
    fn describe(&self) -> EncoderDescription {
        let Tuning { complexity, deblocking_idc, slices, min_qp, max_qp, idr_percent } = self.tuning;
        let [profile, constraints, level] = self.profile;
        let settings = [
            ("complexity", complexity.to_string()),
            ("deblocking_idc", deblocking_idc.to_string()),
            ("slices", slices.to_string()),
            ("min_qp", min_qp.to_string()),
            ("max_qp", max_qp.to_string()),
            ("idr_percent", idr_percent.to_string()),
            ("refinements", REFINEMENTS.to_string()),
        ];
        let (major, minor, revision) = RawEncoder::version();
        EncoderDescription {
            name: format!("{} {major}.{minor}.{revision}", OpenH264Kind.name()),
            codec_string: format!("avc1.{profile:02x}{constraints:02x}{level:02x}"),
            settings: self.settings.told(settings),
            delay: 0,
        }
    }

    fn takes(&self) -> &[PixelFormat] {
        &[PixelFormat::Planar(Sampling::Yuv420)]
    }

    fn config(&self) -> &CodecConfig {
        &self.config
    }

    fn encode(&mut self, picture: &Masked, ask: Ask, out: &mut Outbox) -> Result<(), EncodeError> {
        // A decoder that is behind has another reference picture than the encoder: only an IDR needs none.
        let idr = ask.idr || self.still.behind().is_some();
        self.boost(false, ask)?;
        let keyframe = self.make(picture, idr, ask)?;
        self.refined = 0;
        self.still.clear();
        if keyframe {
            self.still.push(&self.unit);
        }
        self.hand_over(ask, keyframe, out)
    }

    fn repeat(&mut self, picture: &Masked, ask: Ask, out: &mut Outbox) -> Result<(), EncodeError> {
        if self.first.is_none() {
            return self.encode(picture, ask, out);
        }
        let due = ask.idr;
        let pictures = self.settings.gop_ns.saturating_mul(i64::from(self.settings.fps)) / 1_000_000_000;
        let boost = pictures >= STILL_BOOST_PICTURES;
        // Two IDRs in a row must differ in idr_pic_id, so the same one does not follow itself; and the group of a picture
        // that had just changed is made once more, with more bits.
        if due && !self.after_idr && self.boosted == boost && self.still.begin_again(self.syntax, &mut self.unit) {
            return self.hand_over(ask, true, out);
        }
        if !due && self.still.go_on(self.syntax, self.next_frame_num, &mut self.unit) {
            return self.hand_over(ask, false, out);
        }
        if due || self.refined < REFINEMENTS {
            if due {
                self.boost(boost, ask)?;
            }
            let keyframe = self.make(picture, due, ask)?;
            if keyframe {
                self.still.clear();
                self.refined = if self.boosted { REFINEMENTS - STILL_REFINEMENTS } else { 0 };
            } else if self.unit.len() < self.syntax.macroblocks() as usize / CONVERGED_MACROBLOCKS_PER_BYTE {
                self.refined = REFINEMENTS;
            } else {
                self.refined += 1;
            }
            if keyframe || !self.still.is_empty() {
                self.still.push(&self.unit);
            }
            return self.hand_over(ask, keyframe, out);
        }
        self.unit.clear();
        self.syntax.push_skip(self.next_frame_num, &mut self.unit);
        self.hand_over(ask, false, out)
    }

    fn finish(&mut self, _out: &mut Outbox) -> Result<(), EncodeError> {
        Ok(())
    }
}

/// OpenH264 among the encoders of this build.
pub struct OpenH264Kind;

impl EncoderKind for OpenH264Kind {
    fn name(&self) -> &'static str {
        "openh264"
    }

    fn about(&self) -> &'static str {
        "built in, on the CPU; unchanged pictures cost next to nothing"
    }

    fn codecs(&self) -> &'static [Codec] {
        &[Codec::H264]
    }

    fn open(&self, settings: &EncodeSettings) -> Result<Box<dyn VideoEncoder>, EncodeError> {
        Ok(Box::new(OpenH264::new(settings)?))
    }
}

#[cfg(test)]
mod tests;
