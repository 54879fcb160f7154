//! Reads and writes what the metadata of a session say of its sound: the settings of the stream `audio`.
//!
//! Owns the names of these settings. They are in `streams.audio.settings` because each is one stream's, and FORMAT.md lists them.

use serde_json::Value;

use super::layout;
use super::metadata::{Metadata, StreamInfo};
use crate::base::event::Stream;

/// The name of the file.
pub const FILE: &str = "file";
/// The codec.
pub const CODEC: &str = "codec";
/// Samples per second and channel.
pub const RATE_HZ: &str = "rate_hz";
/// Channels.
pub const CHANNELS: &str = "channels";
/// Time 0 of the file on the clock of the session.
pub const T0_NS: &str = "t0_ns";
/// Packets in the file.
pub const PACKETS: &str = "packets";
/// Samples (per channel) in the file.
pub const SAMPLES: &str = "samples";
/// Packets that the log tells of and the file lacks.
pub const LOST_PACKETS: &str = "lost_packets";
/// Those of them whose bytes were on the disk for certain.
pub const DAMAGED_PACKETS: &str = "damaged_packets";

/// Returns the stream, when the session has a file of its sound.
fn stream(metadata: &Metadata) -> Option<&StreamInfo> {
    let info = metadata.streams.get(Stream::Audio.name())?;
    (info.settings.get(FILE)?.as_str()? == layout::AUDIO_FILE).then_some(info)
}

/// Returns whether the session has a file of its sound, as its metadata say it.
pub fn is_there(metadata: &Metadata) -> bool {
    stream(metadata).is_some()
}

/// Returns time 0 of the file on the clock of the session.
pub fn t0_ns(metadata: &Metadata) -> Option<i64> {
    stream(metadata)?.settings.get(T0_NS)?.as_i64()
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
    pub fn tell(self, metadata: &mut Metadata) {
        let Some(info) = metadata.streams.get_mut(Stream::Audio.name()) else { return };
        for key in [LOST_PACKETS, DAMAGED_PACKETS] {
            // How many of those that the whole lacks are of this part, nothing says.
            if info.settings.get(key).is_some_and(|lost| lost.as_u64() != Some(0)) {
                info.settings.insert(key.to_owned(), Value::Null);
            }
        }
        info.settings.insert(PACKETS.to_owned(), self.packets.into());
        info.settings.insert(SAMPLES.to_owned(), self.samples.into());
        if let Some(t0_ns) = self.t0_ns {
            info.settings.insert(T0_NS.to_owned(), t0_ns.into());
        } else {
            info.settings.remove(FILE);
            info.settings.remove(T0_NS);
        }
    }
}
