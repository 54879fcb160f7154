//! The encoders of sound that there are. Their seam is in [`super::sound_encoder`].

use super::flac::FlacKind;
pub use super::sound_encoder::{DEFAULT_SOUND_KBPS, SoundEncoder, SoundEncoderKind, SoundSettings, SoundUnit};

/// Every kind of encoder of sound; the first one is taken where nobody asks for another.
pub static SOUND_ENCODERS: &[&dyn SoundEncoderKind] = &[
    #[cfg(feature = "sound")]
    &super::aac::AacKind,
    &FlacKind,
];

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
