//! PulseAudio's protocol, as the registry knows it.

use std::sync::Arc;

use super::connection::Connection;
use super::devices::Devices;
use super::failure::NAME;
use super::source;
use crate::base::time::{Clock, SystemClock};
use crate::capture::CaptureError;
use crate::capture::backend::{Backend, Grant, Wanted};
use crate::capture::sound::{OpenSound, SoundDevice, SoundPlan};

/// Sound of PulseAudio and of PipeWire.
pub(crate) struct Pulse;

fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock)
}

impl Backend for Pulse {
    fn name(&self) -> &'static str {
        NAME
    }
    fn about(&self) -> &'static str {
        "PulseAudio and PipeWire: microphones, and what the system plays"
    }
    fn serves(&self) -> Wanted {
        Wanted { sound: true, ..Wanted::default() }
    }
    fn is_native(&self) -> bool {
        true
    }
    fn ready(&self) -> Result<(), CaptureError> {
        Connection::open(&clock()).map(drop).map_err(|failure| failure.unavailable())
    }
    fn sounds(&self) -> Result<Vec<SoundDevice>, CaptureError> {
        let listed = Connection::open(&clock()).and_then(|mut connection| Devices::of(&mut connection));
        listed.map(|devices| devices.list()).map_err(|failure| failure.unavailable())
    }
    fn sound(&self, plan: &SoundPlan, _grant: &Grant) -> Option<OpenSound> {
        let plan = plan.clone();
        Some(Box::new(move || source::open(&plan)))
    }
}
