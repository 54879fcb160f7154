//! The seam of encoders: [`VideoEncoder`], what it is asked, and what it says of itself.
//!
//! An encoder turns pictures into coded pictures, and nothing more: which of them are IDRs is decided by [`super::gop`]; access units
//! are made of what it hands over by [`super::outbox`]. It knows no file and no clock.

use super::ask::Ask;
use super::error::EncodeError;
use super::masked::Masked;
use super::outbox::Outbox;
use crate::media::picture::PixelFormat;
use crate::media::track::CodecConfig;

/// What an encoder says of itself; goes into the metadata.
#[derive(Clone, PartialEq, Debug)]
pub struct EncoderDescription {
    /// Its name and version, e.g. `openh264 2.6.0`.
    pub name: String,
    /// RFC 6381 codec string, e.g. `avc1.42c028`.
    pub codec_string: String,
    /// Every setting that shapes the bits, name and value.
    pub settings: Vec<(String, String)>,
    /// Most pictures for which it may owe an answer; 0 when it answers each at once.
    pub delay: usize,
}

/// Checks that a picture is of the size that an encoder was opened for, and of a format that it takes.
///
/// # Errors
/// What is otherwise.
pub(super) fn check_picture(picture: &Masked, size: (u32, u32), takes: &[PixelFormat]) -> Result<(), String> {
    let (found, format) = (picture.size(), picture.format());
    if found == size && takes.contains(&format) {
        return Ok(());
    }
    Err(format!("a picture of {found:?} in {format:?} for an encoder of {size:?} {takes:?}"))
}

/// Turns pictures into coded pictures. Used through [`super::driver::Driver`], which keeps the stamps.
pub trait VideoEncoder: Send {
    /// What it is.
    fn describe(&self) -> EncoderDescription;

    /// The formats of pictures that it takes, best first. It is given those of the first that can be made.
    fn takes(&self) -> &[PixelFormat];

    /// What a decoder needs before the first picture; the same from start to end.
    fn config(&self) -> &CodecConfig;

    /// Encodes one picture. What was made goes to `out`: one push for each picture, in order, for this one or for an earlier one
    /// whose answer is late. It must be an IDR when `ask` says so.
    ///
    /// # Errors
    /// When the encoder fails; it is then not used any more.
    fn encode(&mut self, picture: &Masked, ask: Ask, out: &mut Outbox) -> Result<(), EncodeError>;

    /// Encodes the picture of the last [`encode`](Self::encode) once more: what was on screen has not changed. Decodes to
    /// a picture at least as good as the last one; costs as little as it can. `picture` is that same picture.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    fn repeat(&mut self, picture: &Masked, ask: Ask, out: &mut Outbox) -> Result<(), EncodeError> {
        self.encode(picture, ask, out)
    }

    /// Hands over what was made in the meantime. Called when no picture comes for a while and answers are owed; does not wait.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    fn collect(&mut self, out: &mut Outbox) -> Result<(), EncodeError> {
        let _ = out;
        Ok(())
    }

    /// Hands over everything that is owed: no picture follows.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    fn finish(&mut self, out: &mut Outbox) -> Result<(), EncodeError>;
}
