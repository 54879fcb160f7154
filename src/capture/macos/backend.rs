//! ScreenCaptureKit and the event tap, as the registry knows them.

use super::access::{application, has_desktop, may_listen, may_record};
use super::ffi::desk::{self, Apps};
use super::places;
use super::rights::{self, Right};
use super::{input, screen};
use crate::capture::backend::{Backend, Grant, InputPlan, ScreenPlan, Targets, Wanted};
use crate::capture::{CaptureError, OpenInput, OpenScreen};

/// Pictures by ScreenCaptureKit.
pub(crate) struct ScreenKit;

/// Inputs by an event tap.
pub(crate) struct EventTap;

impl Backend for ScreenKit {
    fn name(&self) -> &'static str {
        screen::SCREEN_KIT
    }
    fn about(&self) -> &'static str {
        "macOS with ScreenCaptureKit, from 12.3 on"
    }
    fn serves(&self) -> Wanted {
        Wanted { screen: true, ..Wanted::default() }
    }
    fn is_native(&self) -> bool {
        true
    }
    fn ready(&self) -> Result<(), CaptureError> {
        has_desktop()?;
        may_record()
    }
    fn request(&self) -> Result<Option<String>, CaptureError> {
        has_desktop()?;
        Ok(Some(rights::asked(Right::Record, &application(), desk::may_record() || desk::ask_to_record())))
    }
    fn targets(&self) -> Result<Option<Targets>, CaptureError> {
        has_desktop()?;
        let list = desk::windows(&mut Apps::default());
        Ok(Some(Targets::List(places::targets(&desk::desktop(), &list))))
    }
    fn screen(&self, plan: &ScreenPlan, _grant: &Grant) -> Option<OpenScreen> {
        let plan = plan.clone();
        Some(Box::new(move |_outlets| screen::open(&plan)))
    }
}

impl Backend for EventTap {
    fn name(&self) -> &'static str {
        input::EVENT_TAP
    }
    fn about(&self) -> &'static str {
        "macOS with an event tap that only listens"
    }
    fn serves(&self) -> Wanted {
        Wanted { input: true, ..Wanted::default() }
    }
    fn is_native(&self) -> bool {
        true
    }
    fn ready(&self) -> Result<(), CaptureError> {
        has_desktop()?;
        may_listen()
    }
    fn request(&self) -> Result<Option<String>, CaptureError> {
        has_desktop()?;
        Ok(Some(rights::asked(Right::Listen, &application(), desk::may_listen() || desk::ask_to_listen())))
    }
    fn inputs(&self, plan: &InputPlan, _grant: &Grant) -> Vec<OpenInput> {
        let plan = plan.clone();
        vec![Box::new(move || input::open(&plan))]
    }
}
