//! Reads and writes what the metadata of a session say of its sound: the settings of the stream `audio`.
//!
//! Owns the names of these settings. They are in `streams.audio.settings` because each is one stream's, and FORMAT.md lists them.

use std::collections::BTreeMap;

use serde_json::Value;

use super::layout;
use super::metadata::Metadata;
use crate::base::event::Stream;

/// The name of the file.
pub const FILE: &str = "file";
/// The codec.
pub const CODEC: &str = "codec";
/// What is heard: `system` or `mic`; null where nobody knows.
pub const ROLE: &str = "role";
/// Samples per second and channel.
pub const RATE_HZ: &str = "rate_hz";
/// Channels.
pub const CHANNELS: &str = "channels";
/// Time 0 of the file on the clock of the session.
pub const T0_NS: &str = "t0_ns";
/// Time 0 is a guess: the recording was killed before the stamps of the device agreed. Not there where it is none.
pub const T0_IS_GUESSED: &str = "t0_is_guessed";
/// How much faster the device's clock was than that of the recording, parts per million; null where it was too short to be measured.
pub const DRIFT_PPM: &str = "drift_ppm";
/// Packets in the file.
pub const PACKETS: &str = "packets";
/// Samples (per channel) in the file.
pub const SAMPLES: &str = "samples";
/// Packets that the log tells of and the file lacks.
pub const LOST_PACKETS: &str = "lost_packets";
/// Those of them whose bytes were on the disk for certain.
pub const DAMAGED_PACKETS: &str = "damaged_packets";

/// That of a microphone beside the system's sound: an object of the same settings.
pub const MICROPHONE: &str = "microphone";

/// What is to be silent is so for so much longer on both sides: the time of a sound is known to 10 ms, or 15.
pub const MARGIN_NS: i64 = 20_000_000;

/// Returns what the metadata say of a file of sound, when they say that there is one.
fn told<'a>(metadata: &'a Metadata, file: &str) -> Option<Settings<'a>> {
    let settings = &metadata.streams.get(Stream::Audio.name())?.settings;
    let told = match file {
        layout::MICROPHONE_FILE => Settings::Further(settings.get(MICROPHONE)?),
        _ => Settings::Stream(settings),
    };
    (told.get(FILE)?.as_str()? == file).then_some(told)
}

/// The settings of a track of sound.
enum Settings<'a> {
    Stream(&'a BTreeMap<String, Value>),
    Further(&'a Value),
}

impl Settings<'_> {
    fn get(&self, key: &str) -> Option<&Value> {
        match self {
            Self::Stream(settings) => settings.get(key),
            Self::Further(settings) => settings.get(key),
        }
    }
}

/// Returns the files of the sound, as the metadata say it.
pub fn files(metadata: &Metadata) -> Vec<&'static str> {
    let files = [layout::AUDIO_FILE, layout::MICROPHONE_FILE];
    files.into_iter().filter(|file| told(metadata, file).is_some()).collect()
}

/// Returns the files of the sound whose time 0 on the clock of the session the metadata say, and that time.
pub fn placed(metadata: &Metadata) -> Vec<(&'static str, i64)> {
    files(metadata).into_iter().filter_map(|file| Some((file, t0_ns(metadata, file)?))).collect()
}

/// Returns whether the session has a file of sound, as its metadata say it.
pub fn is_there(metadata: &Metadata) -> bool {
    !files(metadata).is_empty()
}

/// Returns time 0 of a file on the clock of the session.
pub fn t0_ns(metadata: &Metadata, file: &str) -> Option<i64> {
    told(metadata, file)?.get(T0_NS)?.as_i64()
}

/// Returns whether that time is a guess.
pub fn t0_is_guessed(metadata: &Metadata, file: &str) -> bool {
    told(metadata, file).and_then(|told| told.get(T0_IS_GUESSED)?.as_bool()).unwrap_or(false)
}

/// Returns a word that the metadata say of a file (see the keys above).
pub fn word<'a>(metadata: &'a Metadata, file: &str, key: &str) -> Option<&'a str> {
    match told(metadata, file)? {
        Settings::Stream(settings) => settings.get(key)?.as_str(),
        Settings::Further(settings) => settings.get(key)?.as_str(),
    }
}

/// Returns a number that the metadata say of a file (see the keys above).
pub fn number(metadata: &Metadata, file: &str, key: &str) -> Option<u64> {
    told(metadata, file)?.get(key)?.as_u64()
}

/// The sound of a part of a session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Part {
    /// Time 0 of its file on the clock of the session; `None` without a packet, and so without a file.
    pub t0_ns: Option<i64>,
    /// Packets in the file.
    pub packets: u64,
    /// Samples (per channel) in the file.
    pub samples: u64,
}

impl Part {
    /// Says it in the metadata, which are those of the whole session so far.
    pub fn tell(self, metadata: &mut Metadata, file: &str) {
        let Some(info) = metadata.streams.get_mut(Stream::Audio.name()) else { return };
        if file == layout::MICROPHONE_FILE {
            if let Some(settings) = info.settings.get_mut(MICROPHONE).and_then(Value::as_object_mut) {
                let mut own: BTreeMap<String, Value> = std::mem::take(settings).into_iter().collect();
                self.change(&mut own);
                settings.extend(own);
            }
        } else {
            self.change(&mut info.settings);
        }
    }

    fn change(self, settings: &mut BTreeMap<String, Value>) {
        for key in [LOST_PACKETS, DAMAGED_PACKETS] {
            // How many of those that the whole lacks are of this part, nothing says.
            if settings.get(key).is_some_and(|lost| lost.as_u64() != Some(0)) {
                settings.insert(key.to_owned(), Value::Null);
            }
        }
        settings.insert(PACKETS.to_owned(), self.packets.into());
        settings.insert(SAMPLES.to_owned(), self.samples.into());
        if let Some(t0_ns) = self.t0_ns {
            settings.insert(T0_NS.to_owned(), t0_ns.into());
        } else {
            settings.remove(FILE);
            settings.remove(T0_NS);
        }
    }
}
