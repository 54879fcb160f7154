//! What is asked of a source of sound, and what there is to choose from.

use std::sync::Arc;

use crate::base::time::Clock;

/// What a device hears.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SoundRole {
    /// What the system plays: a monitor, a loopback.
    System,
    /// What is said in the room: a microphone, a line in.
    Microphone,
}

impl SoundRole {
    /// Returns the name in flags and in the metadata.
    pub fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Microphone => "mic",
        }
    }
}

/// Which device is wanted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SoundWanted {
    /// The default one of its kind.
    Role(SoundRole),
    /// One by the name that [`SoundDevice::id`] lists.
    Device(String),
}

impl SoundWanted {
    /// Returns what people read of it.
    pub fn shown(&self) -> &str {
        match self {
            Self::Role(role) => role.name(),
            Self::Device(id) => id,
        }
    }
}

/// What is asked of a source of sound.
#[derive(Clone)]
pub struct SoundPlan {
    /// Which device.
    pub wanted: SoundWanted,
    /// Stamps the sound.
    pub clock: Arc<dyn Clock>,
}

/// A device that can be recorded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SoundDevice {
    /// The name by which it is asked for.
    pub id: String,
    /// What the system calls it for people.
    pub title: String,
    /// What it hears.
    pub role: SoundRole,
    /// It is the one that its role alone means.
    pub is_default: bool,
    /// Samples per second and channel, where the system tells before it is opened.
    pub rate: Option<u32>,
    /// Channels, likewise.
    pub channels: Option<u16>,
}
