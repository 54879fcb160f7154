//! The seam of sound: [`SoundSource`], and what it hands over.

use serde_json::Value;

use super::plan::SoundRole;
use super::sink::SoundSink;
use crate::base::time::MonoNs;
use crate::capture::{CaptureError, StopFlag};

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

/// A stretch of sound as a device delivers it.
#[derive(Clone, PartialEq, Debug)]
pub struct SoundBlock {
    /// When its first sample was heard (or left for the speakers), on the clock of the recording. A guess where `is_measured` is false.
    pub t: MonoNs,
    /// `t` was measured: only such times are taken into the line that places samples.
    pub is_measured: bool,
    /// The device's number of its first sample (per channel), counted from 0. Samples that the device made and nobody got are counted
    /// too, so that a jump is a hole of that length.
    pub first: u64,
    /// The samples, -1 to 1, channel by channel in turns.
    pub samples: Vec<f32>,
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
