//! FLAC of this program: lossless at 16 bits, and no more work than a copy ([`crate::media::flac`]).

use super::error::EncodeError;
use super::sound_encoder::{SoundEncoder, SoundEncoderKind, SoundSettings, SoundUnit};
use crate::media::flac::{self, MAX_CHANNELS};
use crate::media::track::TrackCodec;

/// The kind.
pub struct FlacKind;

/// Samples (per channel) of a packet: 20 ms at 48 kHz, since what is not full yet is lost with a process that is killed.
const PACKET: usize = 960;

impl SoundEncoderKind for FlacKind {
    fn name(&self) -> &'static str {
        "flac"
    }

    fn about(&self) -> &'static str {
        "lossless, 16 bits"
    }

    fn open(&self, settings: &SoundSettings) -> Result<Box<dyn SoundEncoder>, EncodeError> {
        let SoundSettings { rate, channels, .. } = *settings;
        // The index has 16 bits for the rate.
        if !(1..=MAX_CHANNELS).contains(&channels) || !(8_000..=48_000).contains(&rate) {
            return Err(EncodeError::Sound { encoder: "flac", rate, channels });
        }
        Ok(Box::new(FlacEncoder { channels, waiting: Vec::new(), done: 0 }))
    }
}

struct FlacEncoder {
    channels: u16,
    /// Samples of a packet that is not full.
    waiting: Vec<i16>,
    /// Samples (per channel) of the packets that were made.
    done: u64,
}

impl FlacEncoder {
    fn push(&mut self, samples: usize, out: &mut Vec<SoundUnit>) -> Result<(), EncodeError> {
        let packet: Vec<i16> = self.waiting.drain(..samples * usize::from(self.channels)).collect();
        let frame = flac::frame(&packet, self.channels, self.done);
        let why = || EncodeError::Failed { frame: self.done, why: "it has more samples than FLAC numbers".into() };
        out.push(SoundUnit { bytes: frame.ok_or_else(why)?, samples: samples as u32 });
        self.done += samples as u64;
        Ok(())
    }
}

/// Rounds a sample to 16 bits.
fn rounded(sample: f32) -> i16 {
    // What is no number becomes 0, and what is out of range the end of it.
    (sample * 32_768.0).round() as i16
}

impl SoundEncoder for FlacEncoder {
    fn describe(&self) -> String {
        format!("flac {}", env!("CARGO_PKG_VERSION"))
    }

    fn config(&self) -> TrackCodec {
        TrackCodec::Flac
    }

    fn encode(&mut self, samples: &[f32], out: &mut Vec<SoundUnit>) -> Result<(), EncodeError> {
        self.waiting.extend(samples.iter().copied().map(rounded));
        while self.waiting.len() >= PACKET * usize::from(self.channels) {
            self.push(PACKET, out)?;
        }
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<SoundUnit>) -> Result<(), EncodeError> {
        // A block of fewer is no frame; what is missing is silence.
        let rest = self.waiting.len() / usize::from(self.channels);
        if rest == 0 {
            return Ok(());
        }
        let samples = rest.max(usize::from(flac::MIN_BLOCK));
        self.waiting.resize(samples * usize::from(self.channels), 0);
        self.push(samples, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_rounded_and_never_wrap() {
        assert_eq!(
            [1.0, -1.0, 2.0, -7.0, 0.0, f32::NAN, f32::INFINITY].map(rounded),
            [i16::MAX, i16::MIN, i16::MAX, i16::MIN, 0, 0, i16::MAX]
        );
        assert_eq!([0.5, -0.5, 1.0 / 32_768.0].map(rounded), [16_384, -16_384, 1]);
    }

    #[test]
    fn what_the_index_cannot_say_is_refused() {
        for (rate, channels) in [(96_000, 2), (4_000, 2), (48_000, 0), (48_000, 9)] {
            let refused = FlacKind.open(&SoundSettings { rate, channels, bitrate_kbps: 128 });
            assert!(matches!(refused, Err(EncodeError::Sound { .. })), "{rate} {channels}");
        }
    }
}
