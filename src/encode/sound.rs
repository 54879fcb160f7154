//! The seam of encoders of sound: [`SoundEncoder`], what one says of itself, and the list of those that there are.
//!
//! An encoder turns samples into coded packets, and nothing more. It knows no file, no clock and no track: when a packet was heard
//! follows from the number of its first sample.

use super::error::EncodeError;
use super::flac::FlacKind;
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

/// Every kind of encoder of sound; the first one is taken where nobody asks for another.
pub static SOUND_ENCODERS: &[&dyn SoundEncoderKind] = &[&FlacKind];

/// Returns the kind of a name.
pub fn sound_kind(name: &str) -> Option<&'static dyn SoundEncoderKind> {
    SOUND_ENCODERS.iter().copied().find(|kind| kind.name() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What every encoder of the list must hold, at every size of what it is given.
    #[test]
    fn every_encoder_makes_packets_without_a_hole_and_survives_nonsense() {
        for kind in SOUND_ENCODERS {
            assert!(sound_kind(kind.name()).is_some() && !kind.about().is_empty());
            let settings = SoundSettings { rate: 48_000, channels: 2, bitrate_kbps: DEFAULT_SOUND_KBPS };
            let mut encoder = kind.open(&settings).expect("an encoder");
            let priming = encoder.config().priming();
            let mut units = Vec::new();
            let mut given = 0;
            for size in [1, 479, 480, 4097, 10_000, 24_000] {
                let samples: Vec<f32> = (0..size * 2)
                    .map(|at| if at % 97 == 0 { f32::NAN } else { (at as f32 * 0.03).sin() * 2.0 })
                    .collect();
                encoder.encode(&samples, &mut units).expect("packets");
                given += size as u64;
            }
            encoder.finish(&mut units).expect("the rest");
            let made: u64 = units.iter().map(|unit| u64::from(unit.samples)).sum();
            let most = u64::from(units.iter().map(|unit| unit.samples).max().unwrap_or(0));
            assert!(
                made >= given + u64::from(priming) && made < given + u64::from(priming) + 2 * most,
                "{}: {made} of {given}",
                kind.name()
            );
            assert!(units.iter().all(|unit| !unit.bytes.is_empty() && unit.samples > 0));
        }
    }
}
