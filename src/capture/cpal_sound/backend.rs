//! The system's sound, as the registry knows it.

use super::devices::{self, NAME};
use super::source;
use crate::capture::CaptureError;
use crate::capture::backend::{Backend, Grant, Wanted};
use crate::capture::sound::{OpenSound, SoundDevice, SoundPlan};

/// Sound of the system's own interface.
pub(crate) struct Cpal;

impl Backend for Cpal {
    fn name(&self) -> &'static str {
        NAME
    }
    fn about(&self) -> &'static str {
        "WASAPI and Core Audio: microphones, and what the system plays"
    }
    fn serves(&self) -> Wanted {
        Wanted { sound: true, ..Wanted::default() }
    }
    fn is_native(&self) -> bool {
        true
    }
    fn ready(&self) -> Result<(), CaptureError> {
        devices::list().map(drop)
    }
    fn sounds(&self) -> Result<Vec<SoundDevice>, CaptureError> {
        devices::list()
    }
    fn sound(&self, plan: &SoundPlan, _grant: &Grant) -> Option<OpenSound> {
        let plan = plan.clone();
        Some(Box::new(move || source::open(&plan)))
    }
}
