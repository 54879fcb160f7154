//! AAC of this program: ffmpeg and PyAV decode it without a lag and at its length, times follow its index, and it is as good as ffmpeg's.

use std::path::Path;

use serde_json::Value;
use watchcap::encode::sound::{DEFAULT_SOUND_KBPS, SoundSettings, SoundUnit, sound_kind};
use watchcap::media::mp4::sound::SoundPacket;
use watchcap::media::mp4::sound_index;
use watchcap::media::mp4::writer::{SoundTrack, Writer};
use watchcap::media::track::{AAC_PACKET, TrackCodec};

use crate::support::python;

const RATE: u32 = 48_000;
const CHANNELS: u16 = 2;

/// Encodes samples as a recording does, 10 ms at once.
fn encoded(samples: &[f32]) -> (TrackCodec, Vec<SoundUnit>) {
    let settings = SoundSettings { rate: RATE, channels: CHANNELS, bitrate_kbps: DEFAULT_SOUND_KBPS };
    let mut encoder = sound_kind("aac").expect("AAC").open(&settings).expect("an encoder");
    let mut units = Vec::new();
    for (at, block) in samples.chunks(960).enumerate() {
        encoder.encode(block, &mut units).expect("packets");
        // A packet is ready as soon as its last sample is there, one packet late.
        let given = (at * 480 + block.len() / 2) as u32;
        assert_eq!(units.len() as u32, given / AAC_PACKET);
    }
    encoder.finish(&mut units).expect("the rest");
    (encoder.config(), units)
}

/// Writes packets of which each 20th lasts `longer` samples longer, as a slow device has it.
fn write(path: &Path, codec: TrackCodec, units: &[SoundUnit], longer: u64) {
    let mut writer = Writer::create(path).expect("a file");
    let mut tick = 0;
    for (number, unit) in units.iter().enumerate() {
        let packet = SoundPacket { offset: 0, size: 0, tick, samples: unit.samples };
        writer.push(&unit.bytes, packet).expect("room");
        tick += u64::from(unit.samples) + if number % 20 == 19 { longer } else { 0 };
    }
    writer.finish(&SoundTrack { codec, rate: RATE, channels: CHANNELS }).expect("an index");
}

fn samples_of(path: &Path) -> Vec<f32> {
    let bytes = std::fs::read(path).expect("a clip");
    bytes.as_chunks::<4>().0.iter().map(|sample| f32::from_le_bytes(*sample)).collect()
}

#[test]
fn readers_hear_it_without_a_lag_at_its_length_and_as_well_as_that_of_ffmpeg() {
    let dir = tempfile::tempdir().expect("a folder");
    assert_eq!(python("aac_check.py", &[Path::new("make"), dir.path()]), "");
    for name in ["music", "desktop"] {
        let (codec, units) = encoded(&samples_of(&dir.path().join(format!("{name}.f32"))));
        let path = dir.path().join(format!("{name}.mp4"));
        write(&path, codec, &units, 0);
        let index = sound_index::read_index(&std::fs::File::open(&path).expect("the file")).expect("an index");
        assert_eq!((index.track.codec, index.track.priming, index.packets.len()), (*b"mp4a", AAC_PACKET, units.len()));
    }
    let said: Value = serde_json::from_str(&python("aac_check.py", &[Path::new("check"), dir.path()])).expect("JSON");
    for name in ["music", "desktop"] {
        let clip = &said[name];
        let number = |key: &str| clip[key].as_f64().unwrap_or_else(|| panic!("{name} {key}: {clip}"));
        assert_eq!(
            (clip["codec"].as_str(), number("lag_pyav"), number("lag_ffmpeg")),
            (Some("aac"), 0.0, 0.0),
            "{clip}"
        );
        assert_eq!(clip["first_pts"], 0, "{clip}");
        for key in ["pyav_samples", "ffmpeg_samples"] {
            // What is missing of the last packet is silence.
            let more = number(key) - number("samples");
            assert!((0.0..f64::from(AAC_PACKET)).contains(&more), "{name} {key}: {clip}");
        }
        assert!(number("kbps") <= 132.0, "{clip}");
        assert!(number("snr") >= number("snr_ffmpeg"), "{name}: {clip}");
    }
}

#[test]
fn the_drift_of_a_device_is_in_the_times_that_readers_give() {
    let dir = tempfile::tempdir().expect("a folder");
    assert_eq!(python("aac_check.py", &[Path::new("make"), dir.path()]), "");
    let mut packets = 0;
    for name in ["music", "desktop"] {
        let (codec, units) = encoded(&samples_of(&dir.path().join(format!("{name}.f32"))));
        write(&dir.path().join(format!("{name}.mp4")), codec, &units, 1);
        packets = units.len() as u64;
    }
    let said: Value = serde_json::from_str(&python("aac_check.py", &[Path::new("check"), dir.path()])).expect("JSON");
    // Before the last packet, without the one that is left out.
    let last = (packets - 2) * u64::from(AAC_PACKET) + (packets - 1) / 20;
    for name in ["music", "desktop"] {
        assert_eq!(
            (said[name]["first_pts"].as_u64(), said[name]["last_pts"].as_u64()),
            (Some(0), Some(last)),
            "{said}"
        );
    }
}
