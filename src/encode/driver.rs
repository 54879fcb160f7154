//! An encoder with its outbox: what recorder, `redact`, `export` and measurements hold.
//!
//! Keeps the invariants that every picture is expected before the encoder sees it, that the first is an IDR, that an encoder owes no more
//! answers than it said, that none is owed at the end, and that one which failed is not used again.

use super::ask::Ask;
use super::encoder::{EncoderDescription, VideoEncoder};
use super::error::EncodeError;
use super::masked::Masked;
use super::outbox::{CodedUnit, Outbox};
use crate::media::picture::PixelFormat;
use crate::media::track::CodecConfig;

/// Drives an encoder.
pub struct Driver {
    encoder: Box<dyn VideoEncoder>,
    out: Outbox,
    delay: usize,
    /// No picture was encoded so far.
    fresh: bool,
    failed: bool,
    /// The last frame that was asked for.
    frame: u64,
}

impl Driver {
    /// For an encoder that has not encoded anything.
    pub fn new(encoder: Box<dyn VideoEncoder>) -> Self {
        let (out, delay) = (Outbox::new(encoder.config().clone()), encoder.describe().delay);
        Self { encoder, out, delay, fresh: true, failed: false, frame: 0 }
    }

    /// What the encoder is.
    pub fn describe(&self) -> EncoderDescription {
        self.encoder.describe()
    }

    /// The formats of pictures that it takes, best first.
    pub fn takes(&self) -> &[PixelFormat] {
        self.encoder.takes()
    }

    /// What a decoder needs before the first picture.
    pub fn config(&self) -> &CodecConfig {
        self.encoder.config()
    }

    /// Encodes one picture; the first is an IDR in any case. Then look at [`next_unit`](Self::next_unit).
    ///
    /// # Errors
    /// When the encoder fails, or makes what a recording cannot hold.
    pub fn encode(&mut self, picture: &Masked, ask: Ask) -> Result<(), EncodeError> {
        self.give(ask, |encoder, ask, out| encoder.encode(picture, ask, out))
    }

    /// Encodes the picture of the last [`encode`](Self::encode) once more.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    pub fn repeat(&mut self, picture: &Masked, ask: Ask) -> Result<(), EncodeError> {
        self.give(ask, |encoder, ask, out| encoder.repeat(picture, ask, out))
    }

    /// Takes what was made in the meantime, without waiting.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    pub fn collect(&mut self) -> Result<(), EncodeError> {
        self.call(|encoder, out| encoder.collect(out))
    }

    /// Takes everything that is owed: no picture follows.
    ///
    /// # Errors
    /// When the encoder fails, or still owes an answer.
    pub fn finish(&mut self) -> Result<(), EncodeError> {
        self.call(|encoder, out| encoder.finish(out))?;
        self.check_owed(0)
    }

    /// The next access unit, in the order of the pictures.
    pub fn next_unit(&mut self) -> Option<CodedUnit> {
        self.out.take()
    }

    /// Pictures that the encoder has not answered.
    pub fn waiting(&self) -> usize {
        self.out.waiting()
    }

    fn give(
        &mut self,
        ask: Ask,
        encode: impl FnOnce(&mut dyn VideoEncoder, Ask, &mut Outbox) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        let ask = Ask { idr: ask.idr || self.fresh, ..ask };
        self.frame = ask.stamp.frame_ref.0;
        self.call(|encoder, out| {
            out.expect(ask);
            encode(encoder, ask, out)
        })?;
        self.fresh = false;
        self.check_owed(self.delay)
    }

    fn call(
        &mut self,
        call: impl FnOnce(&mut dyn VideoEncoder, &mut Outbox) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        if self.failed {
            return Err(EncodeError::Failed { frame: self.frame, why: "it failed before".into() });
        }
        call(self.encoder.as_mut(), &mut self.out).inspect_err(|_| self.failed = true)
    }

    fn check_owed(&mut self, most: usize) -> Result<(), EncodeError> {
        let owed = self.out.waiting();
        if owed <= most {
            return Ok(());
        }
        self.failed = true;
        let why = format!("it has not answered {owed} pictures, and at most {most} were to be");
        Err(EncodeError::Failed { frame: self.frame, why })
    }
}
