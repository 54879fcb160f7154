//! xcap's pictures, as the registry knows them.

use std::sync::Arc;

use super::{refuse_blind, refuse_wayland, screen};
use crate::capture::backend::{Backend, Grant, ScreenPlan, Targets, Wanted};
use crate::capture::{CaptureError, OpenScreen, XCAP};

/// Pictures through xcap.
pub(crate) struct Xcap;

impl Backend for Xcap {
    fn name(&self) -> &'static str {
        XCAP
    }
    fn about(&self) -> &'static str {
        "Portable, slower, without the pointer"
    }
    fn serves(&self) -> Wanted {
        Wanted { screen: true, ..Wanted::default() }
    }
    fn is_native(&self) -> bool {
        false
    }
    fn ready(&self) -> Result<(), CaptureError> {
        refuse_wayland()?;
        refuse_blind()
    }
    fn ask(&self, _wanted: Wanted) -> Result<Grant, CaptureError> {
        refuse_blind().map(|()| Grant::default())
    }
    fn targets(&self) -> Result<Option<Targets>, CaptureError> {
        screen::list().map(|list| Some(Targets::List(list)))
    }
    fn screen(&self, plan: &ScreenPlan, _grant: &Grant) -> Option<OpenScreen> {
        let (target, clock) = (plan.target.clone(), Arc::clone(&plan.clock));
        Some(Box::new(move |_outlets| screen::open(&target, clock)))
    }
}
