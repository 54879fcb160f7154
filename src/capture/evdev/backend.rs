//! The kernel's devices, as the registry knows them.

use std::path::{Path, PathBuf};

use super::device::{FOLDER, Wants};
use super::folder::NAME;
use super::permission::Way;
use super::session::SessionWatch;
use super::source_open;
use crate::capture::backend::{Backend, Gamepads, Grant, InputPlan, Wanted};
use crate::capture::{CaptureError, Facet, FacetSet, OpenInput};

/// Another folder than the kernel's, for tests.
const FOLDER_VARIABLE: &str = "WATCHCAP_EVDEV_DIR";

/// Inputs of the kernel's devices.
pub(crate) struct Evdev;

fn folder() -> PathBuf {
    std::env::var_os(FOLDER_VARIABLE).map_or_else(|| Path::new(FOLDER).to_path_buf(), PathBuf::from)
}

impl Backend for Evdev {
    fn name(&self) -> &'static str {
        NAME
    }
    fn about(&self) -> &'static str {
        "The kernel's devices, on any desktop; the active window where sway tells it, and never the pointer's position"
    }
    fn serves(&self) -> Wanted {
        Wanted { input: true, ..Wanted::default() }
    }
    fn is_native(&self) -> bool {
        true
    }
    fn lacks(&self) -> FacetSet {
        FacetSet::of(&[Facet::Position, Facet::Focus])
    }
    fn ready(&self) -> Result<(), CaptureError> {
        Way::find(&folder(), Wants::All).map(drop)
    }
    fn offers(&self) -> Result<Option<String>, CaptureError> {
        Ok(Way::find(&folder(), Wants::All)?.told())
    }
    fn inputs(&self, plan: &InputPlan, _grant: &Grant) -> Vec<OpenInput> {
        let plan = plan.clone();
        let wants = if plan.gamepads { Wants::All } else { Wants::Desktop };
        // The person is asked by the thread that reads the devices, so that the end can be asked for meanwhile.
        vec![Box::new(move || match Way::find(&folder(), wants)? {
            Way::Own(folder, found) => source_open::open(folder, found, wants, &plan),
            Way::Lent(command, folder, found) => match source_open::open_lent(&command, wants, &plan) {
                // Those that may be read anyhow are recorded without the others.
                Err(error @ CaptureError::Unavailable { .. }) if found.has_input() => {
                    tracing::warn!(target: "capture", "{error}");
                    source_open::open(folder, found, wants, &plan)
                }
                lent => lent,
            },
        })]
    }
    fn gamepads(&self, plan: &InputPlan) -> Result<Option<Gamepads>, CaptureError> {
        let names = source_open::gamepads(&folder());
        // Where none is there it is asked when the source is opened.
        if !names.is_empty() && !plan.may_miss_lock {
            drop(SessionWatch::open()?);
        }
        let plan = plan.clone();
        Ok(Some(Gamepads { names, open: Box::new(move || source_open::open_gamepads(&folder(), &plan)) }))
    }
}
