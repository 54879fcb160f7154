//! The seam of sound: [`SoundSource`], and what it says of itself.

use serde_json::Value;

use super::plan::SoundRole;
use super::sink::SoundSink;
use crate::capture::error::CaptureError;
use crate::capture::sink::StopFlag;

/// What a source of sound says of itself once it is open; goes into the metadata.
#[derive(Clone, PartialEq, Debug)]
pub struct SoundDescription {
    /// The backend: `synthetic`, `pulse`.
    pub backend: String,
    /// The device, by the name that asks for it.
    pub device: String,
    /// What the device hears, where the backend knows.
    pub role: Option<SoundRole>,
    /// Samples per second and channel; the same from start to end.
    pub rate: u32,
    /// Channels; the same from start to end.
    pub channels: u16,
    /// What else is worth knowing (server, size of a fragment), name and value.
    pub settings: Vec<(String, Value)>,
}

/// A source of sound. Opened and run in one thread, so it need not be `Send`.
pub trait SoundSource {
    /// What it is; the same from start to end.
    fn describe(&self) -> SoundDescription;

    /// Hands over every sample until `stop` is set, then returns; within 100 ms of it. Blocks are in the device's order, 5 to 50 ms each.
    /// A device that goes away for a while is told by [`SoundSink::silent`], and the next block ends that.
    ///
    /// # Errors
    /// [`CaptureError::Gone`] when the source is no more. The recording goes on without it.
    fn run(self: Box<Self>, sink: &SoundSink, stop: &StopFlag) -> Result<(), CaptureError>;
}

/// Opens a source of sound in the thread that will run it.
pub type OpenSound = Box<dyn FnOnce() -> Result<Box<dyn SoundSource>, CaptureError> + Send>;
