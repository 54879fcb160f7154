//! AAC-LC by `syom`, pure Rust: packets of 1024 samples, one behind what was given.

use syom::{EncodeOptions, Encoder};

use super::error::EncodeError;
use super::sound_encoder::{SoundEncoder, SoundEncoderKind, SoundSettings, SoundUnit};
use crate::media::aac::{self, Described};
use crate::media::track::{AAC_PACKET, TrackCodec};

/// The kind.
pub struct AacKind;

const NAME: &str = "aac";
/// Most channels: those of more have an order of their own.
const MAX_CHANNELS: u16 = 2;
/// Most bits of a packet for a channel, by the format.
const MAX_CHANNEL_BITS: u64 = 6144;
/// The library says its version nowhere; Cargo.toml pins it.
const LIBRARY: &str = "syom 0.9.0";

impl SoundEncoderKind for AacKind {
    fn name(&self) -> &'static str {
        NAME
    }

    fn about(&self) -> &'static str {
        "AAC-LC, as small as it is heard"
    }

    fn open(&self, settings: &SoundSettings) -> Result<Box<dyn SoundEncoder>, EncodeError> {
        let SoundSettings { rate, channels, bitrate_kbps } = *settings;
        let refused = || EncodeError::Sound { encoder: NAME, rate, channels };
        // The index has 16 bits for the rate.
        if !(1..=MAX_CHANNELS).contains(&channels) || !(8_000..=48_000).contains(&rate) {
            return Err(refused());
        }
        // At low rates the format allows less than is asked for.
        let most = MAX_CHANNEL_BITS * u64::from(channels) * u64::from(rate) / u64::from(AAC_PACKET);
        let bits = (u64::from(bitrate_kbps.max(1)) * 1000).min(most) as u32;
        let options = EncodeOptions::raw().with_bitrate_bps(bits);
        let encoder = Encoder::new(rate, usize::from(channels), &options)
            .map_err(|error| EncodeError::Failed { frame: 0, why: error.to_string() })?;
        aac::described(encoder.asc()).filter(|said| *said == Described { rate, channels }).ok_or_else(refused)?;
        Ok(Box::new(AacEncoder { encoder, planes: vec![Vec::new(); usize::from(channels)] }))
    }
}

struct AacEncoder {
    encoder: Encoder,
    /// The samples of each channel, as the library wants them.
    planes: Vec<Vec<f32>>,
}

/// The library takes nothing else, and takes nothing any more once it was given it.
fn clean(sample: f32) -> f32 {
    if sample.is_nan() { 0.0 } else { sample.clamp(-1.0, 1.0) }
}

fn unit(bytes: &[u8]) -> SoundUnit {
    SoundUnit { bytes: bytes.to_vec(), samples: AAC_PACKET }
}

impl AacEncoder {
    fn failed(&self, error: &syom::AacError) -> EncodeError {
        EncodeError::Failed { frame: self.encoder.frames(), why: error.to_string() }
    }
}

impl SoundEncoder for AacEncoder {
    fn describe(&self) -> String {
        format!("{NAME} ({LIBRARY})")
    }

    fn config(&self) -> TrackCodec {
        // One packet: what it decodes to is before the first sample.
        TrackCodec::Aac { specific: self.encoder.asc().to_vec(), priming: AAC_PACKET as u16 }
    }

    fn encode(&mut self, samples: &[f32], out: &mut Vec<SoundUnit>) -> Result<(), EncodeError> {
        let channels = self.planes.len();
        for (at, plane) in self.planes.iter_mut().enumerate() {
            plane.clear();
            plane.extend(samples.iter().skip(at).step_by(channels).copied().map(clean));
        }
        let planes: Vec<&[f32]> = self.planes.iter().map(Vec::as_slice).collect();
        let fed = self.encoder.feed(&planes, |frame| {
            out.push(unit(frame.payload));
            Ok(())
        });
        fed.map(drop).map_err(|error| self.failed(&error))
    }

    fn finish(&mut self, out: &mut Vec<SoundUnit>) -> Result<(), EncodeError> {
        // Without a sample there is nothing to end, and the library calls that an error.
        if self.encoder.samples() == 0 || self.encoder.is_finished() {
            return Ok(());
        }
        let finished = self.encoder.finish(|frame| {
            out.push(unit(frame.payload));
            Ok(())
        });
        finished.map(drop).map_err(|error| self.failed(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(rate: u32, channels: u16) -> Result<Box<dyn SoundEncoder>, EncodeError> {
        AacKind.open(&SoundSettings { rate, channels, bitrate_kbps: 128 })
    }

    #[test]
    fn samples_that_are_none_do_not_end_the_encoder() {
        let cleaned = [0.5, -0.5, 7.0, -7.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY].map(clean);
        assert_eq!(cleaned.map(f32::to_bits), [0.5_f32, -0.5, 1.0, -1.0, 0.0, 1.0, -1.0].map(f32::to_bits));
    }

    #[test]
    fn what_the_format_cannot_say_is_refused_and_low_rates_get_what_they_can() {
        for (rate, channels) in [(96_000, 2), (47_999, 2), (4_000, 1), (48_000, 0), (48_000, 3)] {
            assert!(open(rate, channels).is_err(), "{rate} {channels}");
        }
        for (rate, channels) in [(8_000, 1), (16_000, 2), (44_100, 2), (48_000, 1)] {
            let mut encoder = open(rate, channels).expect("an encoder");
            let mut units = Vec::new();
            encoder.encode(&vec![0.1; 4096 * usize::from(channels)], &mut units).expect("packets");
            assert_eq!(units.len(), 4, "{rate} {channels}: at once, one of them priming");
        }
    }

    #[test]
    fn nothing_ends_as_nothing() {
        let mut units = Vec::new();
        let mut encoder = open(48_000, 2).expect("an encoder");
        encoder.finish(&mut units).expect("nothing");
        assert!(units.is_empty());
        encoder.encode(&[0.5; 2], &mut units).expect("a sample");
        encoder.finish(&mut units).expect("the rest");
        encoder.finish(&mut units).expect("nothing more");
        assert_eq!(units.len(), 2, "the priming, and the packet of the sample");
    }
}
