//! The other ways out of a screen source, beside its pictures.

use std::sync::Arc;

use super::raw::RawInput;
use super::sink::InputSink;
use crate::base::event::Source;
use crate::base::time::MonoNs;

/// Handed to a screen source when it is opened. On some systems the pointer's position comes with the pictures, and is an input.
#[derive(Clone, Default)]
pub struct Outlets {
    inputs: Option<Arc<InputSink>>,
}

impl Outlets {
    /// Returns outlets that pass inputs on.
    pub fn to(inputs: Arc<InputSink>) -> Self {
        Self { inputs: Some(inputs) }
    }

    /// Returns outlets that lead nowhere: inputs are not recorded.
    pub fn closed() -> Self {
        Self::default()
    }

    /// Returns whether inputs are recorded, so that handing them in is worth the work.
    pub fn takes_inputs(&self) -> bool {
        self.inputs.is_some()
    }

    /// Hands in where the pointer surely was at this time, desktop pixels, or that it is not known.
    pub fn proved(&self, t: MonoNs, source: Source, place: Option<(f64, f64)>) {
        if let Some(inputs) = &self.inputs {
            inputs.send(t, source, RawInput::Proved { place });
        }
    }

    /// Hands in where the pointer is, desktop pixels.
    pub fn pointer(&self, t: MonoNs, source: Source, position: (f64, f64)) {
        if let Some(inputs) = &self.inputs {
            inputs.send(t, source, RawInput::Motion { position: Some(position), motion: None, warped: false });
        }
    }
}
