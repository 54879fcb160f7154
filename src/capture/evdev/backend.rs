//! The kernel's devices, as the registry knows them.

use std::path::{Path, PathBuf};

use super::folder::{FOLDER, Folder, NAME};
use super::source;
use crate::capture::backend::{Backend, Grant, InputPlan, Wanted};
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
        let found = Folder::open(&folder()).scan();
        if found.devices.is_empty() { Err(source::none_found(found.denied)) } else { Ok(()) }
    }
    fn inputs(&self, plan: &InputPlan, _grant: &Grant) -> Vec<OpenInput> {
        let plan = plan.clone();
        vec![Box::new(move || source::open(&folder(), &plan))]
    }
}
