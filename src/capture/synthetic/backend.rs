//! The synthetic sound, as the registry knows it. The synthetic picture is no backend: it is a source of its own (`--source`).

use super::clicks;
use crate::capture::CaptureError;
use crate::capture::backend::{Backend, Grant, Wanted};
use crate::capture::sound::{OpenSound, SoundDevice, SoundPlan};

/// The click track.
pub(crate) struct Synthetic;

impl Backend for Synthetic {
    fn name(&self) -> &'static str {
        "synthetic"
    }
    fn about(&self) -> &'static str {
        "A click each half second, for tests and to try it out"
    }
    fn serves(&self) -> Wanted {
        Wanted { sound: true, ..Wanted::default() }
    }
    fn is_native(&self) -> bool {
        false
    }
    fn ready(&self) -> Result<(), CaptureError> {
        Ok(())
    }
    fn sounds(&self) -> Result<Vec<SoundDevice>, CaptureError> {
        Ok(clicks::devices())
    }
    fn sound(&self, plan: &SoundPlan, _grant: &Grant) -> Option<OpenSound> {
        Some(clicks::open_clicks(plan))
    }
}
