//! From the events of a tap to inputs: what is held, what was lost while the tap was off, and what happens around the lock.
//!
//! Pure. Invariants: a key or button that went down goes up once, also when its release was not heard; while the tap is off, from the last moment
//! at which it was known to listen, there is a loss; what was typed while a program had the keyboard for itself is not found out afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::keys::{self, CAPS_LOCK};
use super::modifiers::{Change, change};
use super::places::Desktop;
use crate::base::event::{Axis, Button, HidUsage};
use crate::base::time::MonoNs;
use crate::capture::RawInput;

/// How long the system may refuse to turn the tap on again.
const MOST_OFF: Duration = Duration::from_secs(5);
/// How often moves without a motion are told.
const UNPROVED_EVERY: Duration = Duration::from_secs(1);
/// Points of one line of a wheel that turns smoothly, unless the person's settings say otherwise.
const LINE_POINTS: f64 = 10.0;

/// What an event says.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Act {
    Key {
        code: u16,
        is_iso: bool,
        down: bool,
        repeat: bool,
    },
    /// The modifiers changed by this key.
    Modifiers {
        code: u16,
        is_iso: bool,
        flags: u64,
    },
    /// By how much, after and before the system's acceleration.
    Moved {
        accelerated: (f64, f64),
        plain: (f64, f64),
    },
    Button {
        number: i64,
        down: bool,
    },
    /// Up and left are positive: lines with their fractions, and points; it turns smoothly.
    Wheel {
        lines: (f64, f64),
        points: (f64, f64),
        smooth: bool,
    },
    /// The system has turned the tap off.
    Off {
        by_user: bool,
    },
}

/// An event of the tap.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct TapEvent {
    /// Its time, as the system gave it.
    pub(super) stamp: u64,
    /// Where the pointer was, points.
    pub(super) at: (f64, f64),
    pub(super) act: Act,
}

impl TapEvent {
    /// The system has turned the tap off, at a time that it does not tell.
    pub(super) fn off(by_user: bool) -> Self {
        Self { stamp: 0, at: (0.0, 0.0), act: Act::Off { by_user } }
    }

    /// Whether it may go with another active window.
    pub(super) fn is_news(&self) -> bool {
        !matches!(self.act, Act::Moved { .. } | Act::Wheel { .. })
    }
}

/// A button by the system's number.
pub(super) fn button(number: i64) -> Option<Button> {
    [Button::Left, Button::Right, Button::Middle, Button::X1, Button::X2].get(usize::try_from(number).ok()?).copied()
}

/// What is down now, as the system says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Down {
    pub(super) keys: BTreeSet<u16>,
    pub(super) buttons: Vec<Button>,
}

/// The system does not turn the tap on again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Deaf;

/// Inputs with their times.
pub(super) type Stamped = Vec<(MonoNs, RawInput)>;

/// Follows the events of a tap.
pub(super) struct Follower {
    keys: BTreeMap<u16, Option<HidUsage>>,
    buttons: Vec<Button>,
    is_iso: bool,
    /// When the tap was last known to listen.
    alive: MonoNs,
    /// Since when it is off, and why.
    off: Option<(MonoNs, &'static str)>,
    locked: Option<MonoNs>,
    /// Moves without a motion: since when, and how many.
    unproved: Option<(MonoNs, MonoNs, u64)>,
}

impl Follower {
    /// Begins with what is down.
    pub(super) fn new(down: &Down, is_iso: bool, now: MonoNs) -> Self {
        let keys = down.keys.iter().map(|code| (*code, keys::usage_of(*code, is_iso))).collect();
        let (off, locked, unproved) = (None, None, None);
        Self { keys, buttons: down.buttons.clone(), is_iso, alive: now, off, locked, unproved }
    }

    /// Keys that are down, as an initial state tells them.
    pub(super) fn keys(&self) -> Vec<(Option<HidUsage>, u32)> {
        self.keys.iter().map(|(code, usage)| (*usage, u32::from(*code))).collect()
    }

    /// Whether another session is shown.
    pub(super) fn is_locked(&self) -> bool {
        self.locked.is_some()
    }

    /// Takes an event that happened at `t`.
    pub(super) fn take(&mut self, event: &TapEvent, t: MonoNs, desktop: &Desktop, out: &mut Stamped) {
        if let Act::Off { by_user } = event.act {
            let why = if by_user { "tap_disabled_by_user" } else { "tap_disabled_by_timeout" };
            self.off.get_or_insert((self.alive, why));
            return;
        }
        if self.locked.is_some() {
            return;
        }
        let position = desktop.pixels(event.at);
        match event.act {
            Act::Key { code, is_iso, down, repeat } => {
                self.is_iso = is_iso;
                self.key(code, down, repeat, t, out);
            }
            Act::Modifiers { code, is_iso, flags } => {
                self.is_iso = is_iso;
                match change(code, flags, self.keys.contains_key(&code)) {
                    Some(Change::To(down)) if down == self.keys.contains_key(&code) => {}
                    Some(Change::To(down)) => self.key(code, down, false, t, out),
                    Some(Change::Tapped) => {
                        self.key(code, true, false, t, out);
                        self.key(code, false, false, t, out);
                    }
                    None => {}
                }
            }
            Act::Moved { accelerated, plain } => {
                // The system says by how much the device moved, or it does not; what it made of that is no motion of the device.
                let is_told = plain != (0.0, 0.0) || accelerated == (0.0, 0.0);
                if !is_told {
                    let (since, _, count) = self.unproved.unwrap_or((t, t, 0));
                    self.unproved = Some((since, t, count + 1));
                }
                let motion = Some(plain).filter(|plain| *plain != (0.0, 0.0));
                out.push((t, RawInput::Motion { position, motion, warped: false }));
            }
            Act::Button { number, down } => self.button(number, down, position, t, out),
            Act::Wheel { lines, points, smooth } => {
                let steps = |lines: f64, points: f64| if lines == 0.0 { points / LINE_POINTS } else { lines };
                let turns = [(Axis::Vertical, steps(lines.0, points.0)), (Axis::Horizontal, -steps(lines.1, points.1))];
                for (axis, delta) in turns.into_iter().filter(|(_, delta)| *delta != 0.0) {
                    let hi_res = smooth || delta.fract() != 0.0;
                    out.push((t, RawInput::Wheel { axis, delta, hi_res, position }));
                }
            }
            Act::Off { .. } => {}
        }
    }

    fn key(&mut self, code: u16, down: bool, repeat: bool, t: MonoNs, out: &mut Stamped) {
        let usage = keys::usage_of(code, self.is_iso);
        let native = u32::from(code);
        if down {
            let was_down = self.keys.insert(code, usage).is_some();
            out.push((t, RawInput::Key { usage, native, down, repeat: repeat || was_down }));
        } else if let Some(usage) = self.keys.remove(&code) {
            out.push((t, RawInput::Key { usage, native, down, repeat: false }));
        }
    }

    fn button(&mut self, number: i64, down: bool, position: Option<(f64, f64)>, t: MonoNs, out: &mut Stamped) {
        let Some(button) = button(number) else { return };
        let was_down = self.buttons.contains(&button);
        if was_down == down {
            return;
        }
        if down {
            self.buttons.push(button);
        } else {
            self.buttons.retain(|held| *held != button);
        }
        out.push((t, RawInput::Button { button, pressed: down, position }));
    }

    /// Hands over how many moves had no motion, once a second.
    pub(super) fn tell_unproved(&mut self, now: MonoNs, out: &mut Stamped) {
        if let Some((since, until, count)) = self.unproved.filter(|(since, ..)| now.since(*since) >= UNPROVED_EVERY) {
            self.unproved = None;
            out.push((since, RawInput::Unproved { count, until }));
        }
    }

    /// Takes in whether the tap listened until now, whether it does from here on, and what is down.
    ///
    /// # Errors
    /// [`Deaf`] when it has been off for too long.
    pub(super) fn watch(
        &mut self,
        (was_on, is_on): (bool, bool),
        down: impl FnOnce() -> Down,
        now: MonoNs,
        out: &mut Stamped,
    ) -> Result<(), Deaf> {
        if !was_on {
            self.off.get_or_insert((self.alive, "tap_disabled"));
        }
        match self.off {
            None => self.alive = now,
            Some((since, reason)) if is_on => {
                (self.off, self.alive) = (None, now);
                out.push((since, RawInput::Lost { reason, count: None, until: now }));
                if self.locked.is_none() {
                    let down = down();
                    self.release(&down, now, out);
                    self.press(&down, now, out);
                }
            }
            Some((since, _)) if now.since(since) >= MOST_OFF => return Err(Deaf),
            Some(_) => {}
        }
        Ok(())
    }

    /// Releases what is not down any more. Of what was pressed meanwhile nothing is said.
    pub(super) fn release(&mut self, down: &Down, now: MonoNs, out: &mut Stamped) {
        let up: Vec<u16> = self.keys.keys().copied().filter(|code| !down.keys.contains(code)).collect();
        for code in up {
            self.key(code, false, false, now, out);
        }
        for button in self.buttons.clone().into_iter().filter(|button| !down.buttons.contains(button)) {
            self.buttons.retain(|held| *held != button);
            out.push((now, RawInput::Button { button, pressed: false, position: None }));
        }
    }

    fn press(&mut self, down: &Down, now: MonoNs, out: &mut Stamped) {
        for code in down.keys.iter().copied().filter(|code| *code != CAPS_LOCK) {
            if !self.keys.contains_key(&code) {
                self.key(code, true, false, now, out);
            }
        }
        for button in down.buttons.iter().copied().filter(|button| !self.buttons.contains(button)).collect::<Vec<_>>() {
            self.buttons.push(button);
            out.push((now, RawInput::Button { button, pressed: true, position: None }));
        }
    }

    /// Takes in whether another session is shown: the lock screen, or another user. What is held there is not known, and what was held counts as
    /// released.
    pub(super) fn lock(&mut self, is_locked: bool, now: MonoNs, out: &mut Stamped) {
        match (is_locked, self.locked) {
            (true, None) => {
                self.release(&Down::default(), now, out);
                self.locked = Some(now);
            }
            (false, Some(since)) => {
                self.locked = None;
                out.push((since, RawInput::Skipped { reason: "session_locked", count: 0, until: now }));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
#[path = "follow_tests.rs"]
mod tests;
