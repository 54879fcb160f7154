//! GDI and Raw Input, as the registry knows them.

use super::ffi::{self, Programs};
use super::{input, places, screen};
use crate::capture::backend::{Backend, Grant, InputPlan, ScreenPlan, Targets, Wanted};
use crate::capture::{CaptureError, OpenInput, OpenScreen};

/// Pictures by GDI.
pub(crate) struct Gdi;

/// Inputs by Raw Input.
pub(crate) struct RawInputs;

fn monitors() -> Result<Vec<places::Monitor>, CaptureError> {
    ffi::be_aware_of_pixels();
    let monitors = ffi::monitors();
    places::monitor(&monitors, None)?;
    Ok(monitors)
}

impl Backend for Gdi {
    fn name(&self) -> &'static str {
        screen::GDI
    }
    fn about(&self) -> &'static str {
        "Windows by copying the desktop, on any version"
    }
    fn serves(&self) -> Wanted {
        Wanted { screen: true, ..Wanted::default() }
    }
    fn is_native(&self) -> bool {
        true
    }
    fn ready(&self) -> Result<(), CaptureError> {
        monitors().map(drop)
    }
    fn targets(&self) -> Result<Option<Targets>, CaptureError> {
        let (monitors, mut programs) = (monitors()?, Programs::default());
        let list = ffi::windows(&mut programs, &monitors);
        let active = ffi::front(&mut programs).map(|front| front.facts.id);
        Ok(Some(Targets::List(places::targets(&monitors, &list, active))))
    }
    fn screen(&self, plan: &ScreenPlan, _grant: &Grant) -> Option<OpenScreen> {
        let plan = plan.clone();
        Some(Box::new(move |_outlets| screen::open(&plan)))
    }
}

impl Backend for RawInputs {
    fn name(&self) -> &'static str {
        input::RAW_INPUT
    }
    fn about(&self) -> &'static str {
        "Windows with Raw Input, without hooks"
    }
    fn serves(&self) -> Wanted {
        Wanted { input: true, ..Wanted::default() }
    }
    fn is_native(&self) -> bool {
        true
    }
    fn ready(&self) -> Result<(), CaptureError> {
        monitors().map(drop)
    }
    fn inputs(&self, plan: &InputPlan, _grant: &Grant) -> Vec<OpenInput> {
        let plan = plan.clone();
        vec![Box::new(move || input::open(&plan))]
    }
}
