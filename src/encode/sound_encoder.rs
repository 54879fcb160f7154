//! The seam of encoders of sound: [`SoundEncoder`], and what one says of itself.
//!
//! An encoder turns samples into coded packets, and nothing more. It knows no file, no clock and no track: when a packet was heard
//! follows from the number of its first sample.

use super::error::EncodeError;
use crate::media::track::TrackCodec;

/// What a recording asks of an encoder of sound.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SoundSettings {
    /// Samples per second and channel.
    pub rate: u32,
    /// Channels.
    pub channels: u16,
    /// Kilobits per second, for encoders that lose something; of both channels together.
    pub bitrate_kbps: u32,
}

/// Kilobits per second where nobody asks for another rate.
pub const DEFAULT_SOUND_KBPS: u32 = 128;

/// A coded packet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SoundUnit {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// How many samples (per channel) it decodes to.
    pub samples: u32,
}

/// Turns samples into packets. The packets of a stream follow each other without a hole: the first sample of each has as its number the sum
/// of the samples of those before.
pub trait SoundEncoder: Send {
    /// Its name and version, e.g. `flac`; goes into the metadata.
    fn describe(&self) -> String;

    /// How its packets are coded, with what a decoder needs before the first; the same from start to end.
    fn config(&self) -> TrackCodec;

    /// Encodes samples between -1 and 1, channel by channel in turns, as many of each as come. What was made goes to `out`, for these
    /// samples or for earlier ones. What is no number is silence, and what is louder than 1 is 1.
    ///
    /// # Errors
    /// When the encoder fails; it is then not used any more.
    fn encode(&mut self, samples: &[f32], out: &mut Vec<SoundUnit>) -> Result<(), EncodeError>;

    /// Hands over everything that is owed: no sample follows. What is missing of the last packet is silence.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    fn finish(&mut self, out: &mut Vec<SoundUnit>) -> Result<(), EncodeError>;
}

/// A kind of encoder of sound.
pub trait SoundEncoderKind: Sync {
    /// The name that flags take.
    fn name(&self) -> &'static str;

    /// Describes it in a few words, for the help.
    fn about(&self) -> &'static str;

    /// Opens one.
    ///
    /// # Errors
    /// When it cannot encode this.
    fn open(&self, settings: &SoundSettings) -> Result<Box<dyn SoundEncoder>, EncodeError>;
}
