//! A stretch of sound on its way to the recorder.

use crate::base::time::MonoNs;

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
