//! The X11 backends, as the registry knows them: pictures and inputs are two, and each can be combined with a portable one.

use std::sync::Arc;

use super::{input, kind, recording_sign, screen, targets};
use crate::capture::backend::{Backend, Grant, InputPlan, ScreenPlan, Targets, Wanted};
use crate::capture::recording_sign::{OpenSign, SignPlan};
use crate::capture::{CaptureError, OpenInput, OpenScreen};

/// Pictures.
pub(crate) struct X11;

impl Backend for X11 {
    fn name(&self) -> &'static str {
        "x11"
    }
    fn about(&self) -> &'static str {
        "X11 with shared memory"
    }
    fn serves(&self) -> Wanted {
        Wanted { screen: true, ..Wanted::default() }
    }
    fn is_native(&self) -> bool {
        true
    }
    fn ready(&self) -> Result<(), CaptureError> {
        kind::refuse_xwayland(None).map(drop)
    }
    fn targets(&self) -> Result<Option<Targets>, CaptureError> {
        targets::list(None).map(|list| Some(Targets::List(list)))
    }
    fn display_kind(&self) -> Result<Option<&'static str>, CaptureError> {
        kind::of_display(None).map(|kind| Some(kind.name()))
    }
    fn screen(&self, plan: &ScreenPlan, _grant: &Grant) -> Option<OpenScreen> {
        let clock = Arc::clone(&plan.clock);
        let options = screen::ScreenOptions {
            target: plan.target.clone(),
            cursor: plan.cursor,
            exclusions: Arc::clone(&plan.exclusions),
            wait: plan.wait_target,
        };
        Some(Box::new(move |_outlets| screen::open(None, options, clock)))
    }
    fn sign(&self, plan: &SignPlan) -> Option<OpenSign> {
        let plan = plan.clone();
        Some(Box::new(move |screen, areas| recording_sign::open(&plan, screen, areas)))
    }
}

/// Inputs.
pub(crate) struct Xi2;

impl Backend for Xi2 {
    fn name(&self) -> &'static str {
        "xi2"
    }
    fn about(&self) -> &'static str {
        "X11 with XInput2 raw events"
    }
    fn serves(&self) -> Wanted {
        Wanted { input: true, ..Wanted::default() }
    }
    fn is_native(&self) -> bool {
        true
    }
    fn ready(&self) -> Result<(), CaptureError> {
        kind::refuse_xwayland(None).map(drop)
    }
    fn inputs(&self, plan: &InputPlan, _grant: &Grant) -> Vec<OpenInput> {
        let (exclusions, clock) = (Arc::clone(&plan.exclusions), Arc::clone(&plan.clock));
        vec![Box::new(move || input::open(None, exclusions, clock))]
    }
}
