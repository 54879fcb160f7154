//! The source of gamepads: asks XInput some hundred times a second, in a thread of its own.
//!
//! While the system shows another desktop than the person's, nothing is told, and what is held counts as let go of.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::ffi::{self, XInput};
use super::pads::{self, Missed, XPad};
use crate::base::event::Source;
use crate::base::pad::{MAX_PADS, PadChange};
use crate::base::time::{Clock, MonoNs};
use crate::capture::backend::InputPlan;
use crate::capture::{
    CaptureError, Facet, FacetSet, InitialState, InputDescription, InputSink, InputSource, RawInput, StopFlag,
};

/// The name of this way.
pub(super) const XINPUT: &str = "xinput";
/// Pads that XInput has.
const SLOTS: u32 = 4;
/// How often pads are asked: pads send 125 to 250 times a second.
const EVERY: Duration = Duration::from_millis(4);
/// How often pads are looked for that were not there, and the desktop is looked at.
const SEEK_EVERY: Duration = Duration::from_secs(2);
const DESKTOP_EVERY: Duration = Duration::from_millis(100);

struct XInputPads {
    clock: Arc<dyn Clock>,
    library: XInput,
    /// By XInput's number.
    pads: BTreeMap<u32, XPad>,
    sought: MonoNs,
    looked: MonoNs,
    is_away: bool,
    initial: InitialState,
}

fn missing() -> CaptureError {
    let detail = "the system has no XInput".into();
    CaptureError::Unavailable { backend: XINPUT, what: "input".into(), detail }
}

/// The names of the pads that are there; `None` where the system has no XInput.
pub(super) fn names() -> Option<Vec<String>> {
    let library = XInput::load()?;
    Some((0..SLOTS).filter(|slot| library.ask(*slot).is_some()).map(pads::name).collect())
}

/// Opens the gamepads, and those that come later.
///
/// # Errors
/// [`CaptureError::Unavailable`] where the system has no XInput.
pub(super) fn open(plan: &InputPlan) -> Result<Box<dyn InputSource>, CaptureError> {
    let library = XInput::load().ok_or_else(missing)?;
    let now = plan.clock.now();
    let mut source = XInputPads {
        clock: Arc::clone(&plan.clock),
        library,
        pads: BTreeMap::new(),
        sought: now,
        looked: now,
        is_away: !ffi::is_own_desktop(),
        initial: InitialState::default(),
    };
    if !source.is_away {
        let mut told = Vec::new();
        source.seek(now, &mut |_, input| told.push(input));
        let pad = |input| if let RawInput::Pad { pad, change } = input { Some((pad, change)) } else { None };
        source.initial.pads = told.into_iter().filter_map(pad).collect();
    }
    Ok(Box::new(source))
}

/// Takes what is told.
type Tell<'a> = &'a mut dyn FnMut(MonoNs, RawInput);

impl XInputPads {
    /// Looks for pads that were not there.
    fn seek(&mut self, t: MonoNs, tell: Tell<'_>) {
        self.sought = t;
        for slot in (0..SLOTS).filter(|slot| !self.pads.contains_key(slot)).collect::<Vec<_>>() {
            let Some(report) = self.library.ask(slot) else { continue };
            let is_free = |number: &u8| self.pads.values().all(|pad| pad.number != *number);
            let Some(number) = (0..MAX_PADS).find(is_free) else { continue };
            let mut pad = XPad::new(number);
            let state = std::iter::once(XPad::connected(slot)).chain(pad.look(&report, t));
            for change in state {
                tell(t, RawInput::Pad { pad: number, change });
            }
            self.pads.insert(slot, pad);
        }
    }

    /// Asks those that are there.
    fn ask(&mut self, tell: Tell<'_>) {
        let library = self.library;
        let clock = Arc::clone(&self.clock);
        self.pads.retain(|slot, pad| {
            let report = library.ask(*slot);
            let t = clock.now();
            let number = pad.number;
            let (is_there, changes) = match report {
                Some(report) => (true, pad.look(&report, t)),
                None => (false, pad.release().into_iter().chain([PadChange::Disconnected]).collect()),
            };
            for change in changes {
                tell(t, RawInput::Pad { pad: number, change });
            }
            if let Some(missed) = pad.missed(t, !is_there) {
                lost(missed, tell);
            }
            is_there
        });
    }

    /// Looks whether the desktop is the person's.
    fn look(&mut self, t: MonoNs, tell: Tell<'_>) {
        self.looked = t;
        let is_away = !ffi::is_own_desktop();
        if is_away && !std::mem::replace(&mut self.is_away, is_away) {
            for pad in self.pads.values_mut() {
                let number = pad.number;
                for change in pad.release() {
                    tell(t, RawInput::Pad { pad: number, change });
                }
            }
        }
        self.is_away = is_away;
    }
}

fn lost(Missed { since, until, count }: Missed, tell: Tell<'_>) {
    tell(since, RawInput::PadLost { reason: "gamepad_rate", count: Some(count), until });
}

impl InputSource for XInputPads {
    fn describe(&self) -> InputDescription {
        InputDescription {
            backend: XINPUT.into(),
            devices: self.pads.keys().map(|slot| pads::name(*slot)).collect(),
            facets: FacetSet::of(&[Facet::Gamepads]),
            ..InputDescription::default()
        }
    }

    fn initial(&self) -> InitialState {
        self.initial.clone()
    }

    fn run(mut self: Box<Self>, sink: &InputSink, stop: &StopFlag) -> Result<(), CaptureError> {
        let tell: Tell<'_> = &mut |t, input| sink.send(t, Source::named(XINPUT), input);
        while !stop.is_set() {
            let now = self.clock.now();
            if now.since(self.looked) >= DESKTOP_EVERY {
                self.look(now, tell);
            }
            if !self.is_away {
                if now.since(self.sought) >= SEEK_EVERY {
                    self.seek(now, tell);
                }
                self.ask(tell);
            }
            self.clock.sleep_until(now.plus(EVERY));
        }
        let now = self.clock.now();
        for pad in self.pads.values_mut() {
            if let Some(missed) = pad.missed(now, true) {
                lost(missed, tell);
            }
        }
        Ok(())
    }
}
