//! The copy protocols, as the registry knows them.

use super::connection::{BACKEND, Desk};
use super::{recording_sign, screen, targets};
use crate::capture::backend::{Backend, Grant, ScreenPlan, Targets, Wanted};
use crate::capture::recording_sign::{OpenSign, SignPlan};
use crate::capture::{CaptureError, OpenScreen};

/// Pictures of a Wayland compositor.
pub(crate) struct WaylandCopy;

impl Backend for WaylandCopy {
    fn name(&self) -> &'static str {
        BACKEND
    }
    fn about(&self) -> &'static str {
        "Wayland with ext-image-copy-capture or wlr-screencopy: sway, labwc, Hyprland, niri, COSMIC"
    }
    fn serves(&self) -> Wanted {
        Wanted { screen: true, ..Wanted::default() }
    }
    fn is_native(&self) -> bool {
        true
    }
    fn ready(&self) -> Result<(), CaptureError> {
        Desk::open(false).map(drop)
    }
    fn targets(&self) -> Result<Option<Targets>, CaptureError> {
        match targets::list() {
            Ok(list) => Ok(Some(Targets::List(list))),
            Err(CaptureError::Unavailable { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
    fn display_kind(&self) -> Result<Option<&'static str>, CaptureError> {
        match Desk::open(false) {
            Ok(_) => Ok(Some("wayland")),
            Err(CaptureError::Unavailable { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
    fn offers_window_alone(&self) -> bool {
        Desk::open(false).is_ok_and(|desk| desk.managers.copies_windows())
    }
    fn screen(&self, plan: &ScreenPlan, _grant: &Grant) -> Option<OpenScreen> {
        let plan = plan.clone();
        Some(Box::new(move |outlets| screen::open(&plan, &outlets)))
    }
    fn sign(&self, plan: &SignPlan) -> Option<OpenSign> {
        let plan = plan.clone();
        Some(Box::new(move |screen, areas| recording_sign::open(&plan, screen, areas)))
    }
}
