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

mod parameters;
mod still;

use super::bitstream::{NAL_IDR, NAL_PPS, NAL_SLICE, NAL_SPS, annex_b_nals, nal_type, push_sei};
use super::raw::{Outcome, RawEncoder, RawError};
use super::slice::SliceSyntax;
use super::{EncodeError, EncodeSettings, Encoded, EncoderDescription, FrameStamp, I420, ParameterSets, VideoEncoder};
use crate::time::MonoNs;

pub use parameters::{BITRATE_KBPS, MAX_FPS, MAX_MACROBLOCKS, MIN_SIDE, Tuning};

use parameters::{check, fill, level_bitrate, library_bitrate};
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
    /// The next picture has to be an IDR.
    restart: bool,
    /// `frame_num` of the next picture that is no IDR.
    next_frame_num: u32,
    /// Repeats of the current picture that went through the encoder.
    refined: u32,
    /// The encoder works at [`STILL_BOOST`] times its bit rate.
    boosted: bool,
    /// The group of pictures so far, when it shows one picture only.
    still: Still,
    /// The NAL units of one picture, Annex B, as the encoder made them.
    made: Vec<u8>,
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
            restart: false,
            next_frame_num: 0,
            refined: 0,
            boosted: false,
            still: Still::default(),
            made: Vec::new(),
        })
    }

    /// Whether the picture at `t` has to be an IDR. Half the time between two pictures is forgiven, so that jitter does
    /// not move an IDR to the picture after the one it belongs to.
    fn idr_due(&self, t: MonoNs) -> bool {
        let forgiven = 500_000_000 / i64::from(self.settings.fps.max(1));
        self.first.is_none()
            || self.restart
            || t.0.saturating_sub(self.last_idr.0) >= self.settings.gop_ns.saturating_sub(forgiven)
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
            self.restart = false;
        }
        self.first.get_or_insert(t);
        self.after_idr = keyframe;
        self.next_frame_num = if keyframe { 1 } else { self.syntax.next_frame_num(self.next_frame_num) };
        self.frame += 1;
        Encoded { keyframe }
    }

    /// Gives the encoder [`STILL_BOOST`] times its bits, as far as the level allows, or what the settings say.
    fn boost(&mut self, boosted: bool) -> Result<(), EncodeError> {
        if self.boosted == boosted {
            return Ok(());
        }
        let plain = i64::from(library_bitrate(&self.settings));
        let limit = level_bitrate(self.sets.sps[3]);
        let bits = if boosted { (plain * STILL_BOOST).min(limit).max(plain) } else { plain };
        self.boosted = boosted;
        self.raw.set_bitrate(bits as i32).map_err(|error| {
            self.failed = true;
            EncodeError::Failed { frame: self.frame, why: error.to_string() }
        })
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
        let &[_, profile, constraints, level, ..] = self.sets.sps.as_slice() else {
            unreachable!("SliceSyntax::read took more bytes of the sequence parameter set than these")
        };
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
            codec_string: format!("avc1.{profile:02x}{constraints:02x}{level:02x}"),
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
        self.boost(false)?;
        let keyframe = self.make(picture, idr, stamp.t, out)?;
        self.refined = 0;
        self.still.clear();
        if keyframe {
            self.still.push(&out[start..]);
        }
        Ok(self.end(keyframe, stamp.t))
    }

    fn restart(&mut self) {
        self.restart = true;
    }

    fn repeat(&mut self, picture: &I420, stamp: FrameStamp, out: &mut Vec<u8>) -> Result<Encoded, EncodeError> {
        if self.first.is_none() {
            return self.encode(picture, stamp, out);
        }
        self.begin(stamp, out)?;
        let start = out.len();
        let due = self.idr_due(stamp.t);
        let pictures = self.settings.gop_ns.saturating_mul(i64::from(self.settings.fps)) / 1_000_000_000;
        let boost = pictures >= STILL_BOOST_PICTURES;
        // Two IDRs in a row must differ in idr_pic_id, so the same one does not follow itself; and the group of a picture
        // that had just changed is made once more, with more bits.
        if due
            && !self.after_idr
            && self.boosted == boost
            && let Some(idr) = self.still.unit(0)
        {
            out.extend_from_slice(idr);
            self.still.send_again();
            return Ok(self.end(true, stamp.t));
        }
        if !due && let Some(unit) = self.still.behind().and_then(|index| self.still.unit(index)) {
            out.extend_from_slice(unit);
            self.still.sent_one();
            return Ok(self.end(false, stamp.t));
        }
        if due || self.refined < REFINEMENTS {
            if due {
                self.boost(boost)?;
            }
            let keyframe = self.make(picture, due, stamp.t, out)?;
            let unit = &out[start..];
            if keyframe {
                self.still.clear();
                self.refined = if self.boosted { REFINEMENTS - STILL_REFINEMENTS } else { 0 };
            } else if unit.len() < self.syntax.macroblocks() as usize / CONVERGED_MACROBLOCKS_PER_BYTE {
                self.refined = REFINEMENTS;
            } else {
                self.refined += 1;
            }
            if keyframe || !self.still.is_empty() {
                self.still.push(unit);
            }
            return Ok(self.end(keyframe, stamp.t));
        }
        self.syntax.push_skip(self.next_frame_num, out);
        Ok(self.end(false, stamp.t))
    }
}

#[cfg(test)]
mod tests;
