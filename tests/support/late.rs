//! An encoder that answers late, as encoders with threads or a process of their own do: the built-in one behind a queue.

use std::collections::VecDeque;

use watchcap::encode::openh264::{OpenH264, OpenH264Kind};
use watchcap::encode::{
    Ask, Codec, Driver, EncodeError, EncodeSettings, EncoderDescription, EncoderKind, Masked, Outbox, VideoEncoder,
};
use watchcap::media::avc::nal::to_annex_b;
use watchcap::media::picture::{PixelFormat, Sampling};
use watchcap::media::track::CodecConfig;

/// Pictures for which it owes an answer.
pub(crate) const DELAY: usize = 2;

/// Answers each picture [`DELAY`] pictures later, with everything in the stream that an encoder may put there: start codes, a delimiter,
/// parameter sets before each IDR, an SEI of its own.
pub(crate) struct Late {
    inner: Driver,
    config: CodecConfig,
    made: VecDeque<Vec<u8>>,
    /// Answers are handed over when asked for, without a further picture.
    collects: bool,
}

impl Late {
    pub(crate) fn open(settings: &EncodeSettings, collects: bool) -> Result<Box<dyn VideoEncoder>, EncodeError> {
        let inner = Driver::new(Box::new(OpenH264::new(settings)?));
        let config = inner.config().clone();
        Ok(Box::new(Self { inner, config, made: VecDeque::new(), collects }))
    }

    fn take_made(&mut self) {
        while let Some(unit) = self.inner.next_unit() {
            let sets = self.config.avc().expect("H.264");
            let mut stream = vec![0, 0, 0, 1, 9, 0xf0];
            to_annex_b(&unit.bytes, unit.keyframe.then_some(sets), &mut stream).expect("an access unit");
            self.made.push_back(stream);
        }
    }

    fn hand_over(&mut self, keep: usize, out: &mut Outbox) -> Result<(), EncodeError> {
        while self.made.len() > keep
            && let Some(stream) = self.made.pop_front()
        {
            out.push_coded(&stream)?;
        }
        Ok(())
    }
}

impl VideoEncoder for Late {
    fn describe(&self) -> EncoderDescription {
        let described = self.inner.describe();
        EncoderDescription { name: "late 1.0".into(), delay: DELAY, ..described }
    }
    fn takes(&self) -> &[PixelFormat] {
        &[PixelFormat::Nv12, PixelFormat::Planar(Sampling::Yuv420)]
    }
    fn config(&self) -> &CodecConfig {
        &self.config
    }
    fn encode(&mut self, picture: &Masked, ask: Ask, out: &mut Outbox) -> Result<(), EncodeError> {
        self.inner.encode(picture, ask)?;
        self.take_made();
        self.hand_over(DELAY, out)
    }
    fn repeat(&mut self, picture: &Masked, ask: Ask, out: &mut Outbox) -> Result<(), EncodeError> {
        self.inner.repeat(picture, ask)?;
        self.take_made();
        self.hand_over(DELAY, out)
    }
    fn collect(&mut self, out: &mut Outbox) -> Result<(), EncodeError> {
        if self.collects { self.hand_over(0, out) } else { Ok(()) }
    }
    fn finish(&mut self, out: &mut Outbox) -> Result<(), EncodeError> {
        self.inner.finish()?;
        self.hand_over(0, out)
    }
}

/// The kind of [`Late`], as if it were on the list.
pub(crate) struct LateKind;

impl EncoderKind for LateKind {
    fn name(&self) -> &'static str {
        "late"
    }
    fn about(&self) -> &'static str {
        "for tests"
    }
    fn codecs(&self) -> &'static [Codec] {
        OpenH264Kind.codecs()
    }
    fn open(&self, settings: &EncodeSettings) -> Result<Box<dyn VideoEncoder>, EncodeError> {
        Late::open(settings, false)
    }
}
