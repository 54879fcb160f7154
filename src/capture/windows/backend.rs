//! The ways to the pictures, and Raw Input, as the registry knows them.

use super::choice::Way;
use super::ffi::{self, Programs};
use super::{asker, input, pad_source, places, presence, screen};
use crate::capture::backend::{Backend, Gamepads, Grant, InputPlan, ScreenPlan, Targets, Wanted};
use crate::capture::{CaptureError, FacetSet, OpenInput, OpenScreen};

/// Pictures by one of the ways.
pub(crate) struct Pictures(Way);

/// Pictures by Windows.Graphics.Capture.
pub(crate) static WGC: Pictures = Pictures(Way::Wgc);
/// Pictures by DXGI Desktop Duplication.
pub(crate) static DXGI: Pictures = Pictures(Way::Dxgi);
/// Pictures by GDI.
pub(crate) static GDI: Pictures = Pictures(Way::Gdi);

/// Inputs by Raw Input.
pub(crate) struct RawInputs;

/// Gamepads by XInput.
pub(crate) struct XInputPads;

fn monitors() -> Result<Vec<places::Monitor>, CaptureError> {
    ffi::be_aware_of_pixels();
    let monitors = ffi::monitors();
    places::monitor(&monitors, None)?;
    Ok(monitors)
}

impl Backend for Pictures {
    fn name(&self) -> &'static str {
        self.0.name()
    }
    fn about(&self) -> &'static str {
        match self.0 {
            Way::Wgc => {
                "Windows.Graphics.Capture: monitors, parts of one, and windows by themselves; Windows 10 from 1903 on"
            }
            Way::Dxgi => "Windows by DXGI Desktop Duplication: monitors and parts of one",
            Way::Gdi => "Windows by copying the desktop, on any version",
        }
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
        let active = ffi::front(&mut programs, &monitors).map(|front| front.facts.id);
        Ok(Some(Targets::List(places::targets(&monitors, &list, active))))
    }
    fn screen(&self, plan: &ScreenPlan, _grant: &Grant) -> Option<OpenScreen> {
        let (way, plan) = (self.0, plan.clone());
        Some(Box::new(move |_outlets| screen::open(way, &plan)))
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
    fn session(&self) -> Option<String> {
        Some(presence::told(ffi::is_elevated(), ffi::is_remote(), asker::is_there()))
    }
    fn inputs(&self, plan: &InputPlan, _grant: &Grant) -> Vec<OpenInput> {
        let plan = plan.clone();
        vec![Box::new(move || input::open(&plan))]
    }
}

impl Backend for XInputPads {
    fn name(&self) -> &'static str {
        pad_source::XINPUT
    }
    fn about(&self) -> &'static str {
        "Gamepads on Windows that speak XInput, and nothing else"
    }
    fn serves(&self) -> Wanted {
        Wanted { input: true, ..Wanted::default() }
    }
    fn is_native(&self) -> bool {
        true
    }
    fn lacks(&self) -> FacetSet {
        FacetSet::PROMISED
    }
    // Where there is no desktop, Raw Input says so, which is first.
    fn ready(&self) -> Result<(), CaptureError> {
        monitors().map(drop)
    }
    fn inputs(&self, plan: &InputPlan, _grant: &Grant) -> Vec<OpenInput> {
        let plan = plan.clone();
        vec![Box::new(move || pad_source::open(&plan))]
    }
    fn gamepads(&self, plan: &InputPlan) -> Result<Option<Gamepads>, CaptureError> {
        let plan = plan.clone();
        let open = move || -> OpenInput { Box::new(move || pad_source::open(&plan)) };
        Ok(pad_source::names().map(|names| Gamepads { names, open: open() }))
    }
}
