//! The desktop's portal, as the registry knows it.

use std::sync::Arc;

use super::portal::{BACKEND, Portal};
use super::{child, screen};
use crate::capture::backend::{Backend, Grant, ScreenPlan, Targets, Wanted};
use crate::capture::{CaptureError, OpenScreen};

/// Pictures of a Wayland desktop that asks the person what is recorded.
pub(crate) struct WaylandPortal;

impl Backend for WaylandPortal {
    fn name(&self) -> &'static str {
        BACKEND
    }
    fn about(&self) -> &'static str {
        "Wayland through the desktop's portal and PipeWire: GNOME, KDE Plasma, sandboxes"
    }
    fn serves(&self) -> Wanted {
        Wanted { screen: true, ..Wanted::default() }
    }
    fn is_native(&self) -> bool {
        true
    }
    fn ready(&self) -> Result<(), CaptureError> {
        self.offers().map(drop)
    }
    fn offers(&self) -> Result<Option<String>, CaptureError> {
        let told = Portal::open()?.told();
        child::program().map_err(|why| screen::no_program(&why))?;
        Ok(Some(format!("{told}; the desktop asks what is recorded when recording starts")))
    }
    fn targets(&self) -> Result<Option<Targets>, CaptureError> {
        match self.ready() {
            Ok(()) => Ok(Some(Targets::Picker)),
            Err(CaptureError::Portal { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
    fn display_kind(&self) -> Result<Option<&'static str>, CaptureError> {
        Ok(self.targets()?.map(|_| "wayland"))
    }
    fn screen(&self, plan: &ScreenPlan, _grant: &Grant) -> Option<OpenScreen> {
        let (target, cursor, clock) = (plan.target.clone(), plan.cursor, Arc::clone(&plan.clock));
        // The person is asked by the thread that takes the pictures, so that the end can be asked for meanwhile.
        Some(Box::new(move |outlets| screen::open(&target, cursor, clock, outlets)))
    }
}
