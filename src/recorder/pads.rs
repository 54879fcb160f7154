//! Gamepads that are there, and what of them is held: which of their changes are written, and what edges of the recording state.
//!
//! Invariants: what is written of a gamepad lies between the row that it is there and the row that it is gone; at an edge (a pause, a window that lost
//! the focus) its buttons are released and its axes are at rest in what is written, and behind the edge they are stated where they are.

use std::collections::BTreeMap;

use crate::base::event::Event;
use crate::base::pad::{PadAbout, PadChange, PadControl};
use crate::session::held::Holds;

/// A control: an axis or a button, its name, the system's own code.
type Control = (bool, Option<PadControl>, u32);

/// A gamepad.
struct Pad {
    about: PadAbout,
    /// It is there; else its end has not been written.
    is_here: bool,
    /// What is written says that it is there.
    told: bool,
    /// Buttons that are down, and axes that are not at rest, with where they are.
    controls: Holds<Control, f32>,
}

/// The gamepads of a recording.
#[derive(Default)]
pub(super) struct Pads(BTreeMap<u8, Pad>);

impl Pads {
    /// Takes a change. `attends`: inputs are for the recording; `paused`: they are not written, and the caller leaves the answer out.
    pub(super) fn take(&mut self, pad: u8, change: PadChange, attends: bool, paused: bool) -> Option<Event> {
        let writes = attends && !paused;
        let written = match &change {
            PadChange::Connected(about) => {
                let controls = Holds::default();
                let told = writes || self.0.get(&pad).is_some_and(|before| before.told);
                self.0.insert(pad, Pad { about: about.clone(), is_here: true, told, controls });
                writes
            }
            PadChange::Disconnected => {
                let known = self.0.get_mut(&pad)?;
                known.is_here = false;
                known.controls = Holds::default();
                let told = known.told;
                if writes || !told {
                    self.0.remove(&pad);
                }
                writes && told
            }
            PadChange::Button { control, native, pressed } => {
                let known = self.0.get_mut(&pad)?;
                let name = (false, *control, *native);
                if *pressed {
                    known.controls.insert(name, 1.0, writes);
                    writes
                } else {
                    known.controls.remove(&name).map_or(writes, |(_, told)| told)
                }
            }
            PadChange::Axis { control, native, value } => {
                let known = self.0.get_mut(&pad)?;
                let name = (true, *control, *native);
                if *value == 0.0 {
                    known.controls.remove(&name);
                } else {
                    known.controls.insert(name, *value, writes);
                }
                attends
            }
        };
        written.then_some(Event::Pad { pad, change })
    }

    /// The edge at which inputs are written no more: what is held is released, and axes are at rest.
    pub(super) fn hide(&mut self, mut each: impl FnMut(Event)) {
        for (&pad, known) in &mut self.0 {
            known.controls.hide(|name, _| each(Event::Pad { pad, change: at(*name, 0.0) }));
        }
    }

    /// What is written begins anew: nothing of what was told counts.
    pub(super) fn forget_told(&mut self) {
        self.hide(drop);
        self.0.retain(|_, known| {
            known.told = false;
            known.is_here
        });
    }

    /// The edge at which inputs are written again: which gamepads came and went, and what is held.
    pub(super) fn show(&mut self, mut each: impl FnMut(Event)) {
        self.0.retain(|&pad, known| {
            if !known.is_here {
                each(Event::Pad { pad, change: PadChange::Disconnected });
            } else if !std::mem::replace(&mut known.told, true) {
                each(Event::Pad { pad, change: PadChange::Connected(known.about.clone()) });
            }
            known.is_here
        });
        for (&pad, known) in &mut self.0 {
            known.controls.show(|name, value| each(Event::Pad { pad, change: at(*name, *value) }));
        }
    }

    /// The gamepads and what of them is held, where a start would say it.
    pub(super) fn state(&self) -> Vec<(u8, PadChange)> {
        let mut state = Vec::new();
        for (&pad, known) in self.0.iter().filter(|(_, known)| known.is_here) {
            state.push((pad, PadChange::Connected(known.about.clone())));
            state.extend(known.controls.iter().map(|(name, value)| (pad, at(*name, *value))));
        }
        state
    }
}

/// A control at a place.
fn at((is_axis, control, native): Control, value: f32) -> PadChange {
    if is_axis {
        PadChange::Axis { control, native, value }
    } else {
        PadChange::Button { control, native, pressed: value != 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connected() -> PadChange {
        PadChange::Connected(PadAbout { name: "P".into(), standard: true, ..PadAbout::default() })
    }

    fn axis(value: f32) -> PadChange {
        PadChange::Axis { control: Some(PadControl::LeftX), native: 0, value }
    }

    fn button(pressed: bool) -> PadChange {
        PadChange::Button { control: Some(PadControl::South), native: 0x130, pressed }
    }

    fn changes(run: impl FnOnce(&mut dyn FnMut(Event))) -> Vec<(u8, PadChange)> {
        let mut said = Vec::new();
        run(&mut |event| {
            if let Event::Pad { pad, change } = event {
                said.push((pad, change));
            }
        });
        said
    }

    #[test]
    fn an_edge_releases_what_is_held_and_states_it_behind() {
        let mut pads = Pads::default();
        for change in [connected(), axis(0.5), button(true)] {
            assert!(pads.take(0, change, true, false).is_some());
        }
        assert_eq!(changes(|each| pads.hide(each)), [(0, button(false)), (0, axis(0.0))]);
        // Behind the edge it moves on, and nobody is told.
        assert_eq!(pads.take(0, axis(-1.0), false, false), None);
        assert_eq!(pads.take(0, button(false), false, false), None, "it was released at the edge");
        assert_eq!(changes(|each| pads.show(each)), [(0, axis(-1.0))]);
        assert!(pads.take(0, axis(0.0), true, false).is_some());
        assert!(changes(|each| pads.hide(each)).is_empty());
    }

    #[test]
    fn gamepads_that_came_and_went_behind_an_edge_are_told_there() {
        let mut pads = Pads::default();
        assert!(pads.take(0, connected(), true, false).is_some());
        assert_eq!(pads.take(0, PadChange::Disconnected, false, false), None);
        assert_eq!(pads.take(1, connected(), false, false), None);
        assert_eq!(pads.take(2, connected(), false, false), None);
        assert_eq!(pads.take(2, PadChange::Disconnected, false, false), None);
        assert_eq!(pads.take(1, axis(0.25), false, false), None);
        let expected = [(0, PadChange::Disconnected), (1, connected()), (1, axis(0.25))];
        assert_eq!(changes(|each| pads.show(each)), expected);
        assert_eq!(pads.state(), expected[1..]);
        assert_eq!(pads.take(0, axis(1.0), true, false), None, "it is not there");
        pads.forget_told();
        assert_eq!(changes(|each| pads.show(each)), expected[1..], "a part states it all");
    }
}
