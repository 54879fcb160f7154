//! How the source is opened: its devices, whether the session is locked, which window is active, and what is held.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use watchcap_input_helper::wire::MAX_DEVICES;

use super::active::{self, ActiveWatch};
use super::decode::BTN_MISC;
use super::device::{Device, Wants};
use super::folder::{Folder, Found, NAME};
use super::gate::{Gate, Session};
use super::held::Held;
use super::hold::{self, Hold};
use super::lent::Lent;
use super::packet::button;
use super::permission::none_found;
use super::session::SessionWatch;
use super::source::{Desk, EvdevInput, FACETS, secret, usage};
use super::supply::Supply;
use crate::base::event::Source;
use crate::base::time::MonoNs;
use crate::capture::backend::InputPlan;
use crate::capture::{CaptureError, Facet, FacetSet, InitialState, InputDescription, InputSource};
use crate::privacy::exclude::Reason;

/// Opens the gamepads of a folder, which may come at any time.
///
/// # Errors
/// As [`open`].
pub(super) fn open_gamepads(folder: &Path, plan: &InputPlan) -> Result<Box<dyn InputSource>, CaptureError> {
    let mut folder = Folder::open(folder, Wants::Gamepads);
    let found = folder.scan();
    open(folder, found, Wants::Gamepads, plan)
}

/// Opens what was found in a folder.
///
/// # Errors
/// [`CaptureError::Unavailable`] when nobody tells of locks.
pub(super) fn open(
    folder: Folder,
    found: Found,
    wants: Wants,
    plan: &InputPlan,
) -> Result<Box<dyn InputSource>, CaptureError> {
    if !found.denied.is_empty() && wants != Wants::Gamepads {
        tracing::warn!(target: "capture", "these devices may not be read, and are not recorded: {}", found.denied.join(", "));
    }
    let watch = if plan.may_miss_lock { None } else { Some(SessionWatch::open()?) };
    opened(Supply::Folder(folder, watch), found.devices, wants, plan)
}

/// Opens the devices that the helper lends, for which the person is asked.
///
/// # Errors
/// [`CaptureError::Unavailable`] when it lends none.
pub(super) fn open_lent(
    command: &[OsString],
    wants: Wants,
    plan: &InputPlan,
) -> Result<Box<dyn InputSource>, CaptureError> {
    let mut lent = Lent::ask(command, wants, &plan.clock)?;
    let devices = lent.arrivals(MAX_DEVICES);
    // While the session is locked none is lent yet.
    if lent.session()? == Session::Open && !has_input(&devices) {
        return Err(none_found(&[], None));
    }
    opened(Supply::Lent(lent), devices, wants, plan)
}

/// Whether there is a keyboard or a mouse.
fn has_input(devices: &[(PathBuf, Device)]) -> bool {
    devices.iter().any(|(_, device)| device.pad.is_none())
}

fn opened(
    mut supply: Supply,
    devices: Vec<(PathBuf, Device)>,
    wants: Wants,
    plan: &InputPlan,
) -> Result<Box<dyn InputSource>, CaptureError> {
    let clock = Arc::clone(&plan.clock);
    let session = supply.session()?.unwrap_or(Session::Open);
    let began = clock.now();
    let gate = Gate::new(session, began, supply.settle());
    // Which window is active decides over keys, and is told by their source.
    let desk = if wants == Wants::Gamepads { None } else { open_desk(plan)? };
    let (desk, secret) = match desk {
        Some((desk, secret)) => (Some(desk), secret),
        None => (None, None),
    };
    let gamepads = FacetSet::of(&[Facet::Gamepads]);
    let own = match wants {
        Wants::All => FACETS.with(gamepads),
        Wants::Desktop => FACETS,
        Wants::Gamepads => gamepads,
    };
    let told = if desk.is_some() { FacetSet::of(&[Facet::Focus, Facet::Redaction]) } else { FacetSet::NONE };
    let description = InputDescription {
        backend: NAME.into(),
        devices: devices.iter().map(|(_, device)| device.name.clone()).collect(),
        keyboard_layout: None,
        warps: None,
        poll_us: None,
        facets: own.with(told),
    };
    let mut source = EvdevInput {
        clock,
        source: Source::named(NAME),
        supply,
        devices: BTreeMap::new(),
        held: Held::default(),
        pads: BTreeMap::new(),
        gone: BTreeSet::new(),
        gate,
        taken: began,
        told: began,
        desk,
        description,
        initial: InitialState { secret, ..InitialState::default() },
    };
    for (path, device) in devices {
        source.add(path, device);
    }
    if !source.gate.is_shut() {
        for code in source.held.codes() {
            if code < BTN_MISC {
                source.initial.keys.push((usage(code), code.into()));
            } else {
                source.initial.buttons.extend(button(code));
            }
        }
        source.initial.pads = source.pads_at_start();
    }
    Ok(Box::new(source))
}

/// Follows the active window, where somebody tells it; with why keys are hidden at the start.
fn open_desk(plan: &InputPlan) -> Result<Option<(Desk, Option<Reason>)>, CaptureError> {
    let Some((name, compositor)) = active::find() else { return Ok(None) };
    let (watch, first) = ActiveWatch::open(compositor, Arc::clone(&plan.clock))?;
    let rules = Arc::clone(&plan.exclusions);
    let secret = secret(&rules, first.active.as_ref());
    tracing::info!(target: "capture", "{name} tells which window is active");
    let hold = rules.has_rules().then(|| RefCell::new(Hold::new(secret)));
    let first = Some(hold::focus(first.active.as_ref(), secret.is_some()));
    Ok(Some((Desk { watch, rules, first, began: MonoNs(i64::MIN), hold }, secret)))
}

/// Names of the gamepads of a folder that may be read.
pub(super) fn gamepads(folder: &Path) -> Vec<String> {
    Folder::open(folder, Wants::Gamepads).scan().devices.into_iter().map(|(_, device)| device.name).collect()
}
