//! What of the screen must not be seen, and when what is typed must not be known: windows and events in, covered areas and secrets out.
//!
//! A backend tells [`Cover`] what happens to windows and to the keyboard, in the order in which it happened, and what a window is once it
//! has asked it. No type of a platform appears here. `docs/design/privacy.md` says how a backend does that.
//!
//! Invariants:
//! - A window that is shown and has not been asked yet what it is counts as covered.
//! - What happened between two looks counts too: a window that came, was in the picture, and moved on or went before this process had its turn
//!   is covered where it was.
//! - What was covered stays so for [`LINGER`]: programs repaint what was under a window when they come to it, and compositors
//!   fade windows out.
//! - A window is covered only where it can be seen: where an opaque window lies over it, it is not. Windows that may not be opaque never count
//!   as opaque, and nothing is hidden while the order is not known.
//! - However much happens, work and memory are bounded ([`hull`]); what is simplified covers more, never less.
//!
//! Limit: a window that changes what it says twice between two looks is judged by the last word.

mod desk;
mod games;
mod hull;
mod judged;
mod keyboard;
mod known;
mod locker;
mod typing;
mod window;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use self::desk::Desk;
use self::hull::{Areas, Changes, Effort, Seen};
pub use self::judged::{Judged, Said};
use self::keyboard::Keyboard;
use self::known::Known;
use self::locker::Covering;
pub use self::window::{
    ActiveWindow, ClientId, GrabNews, KeyboardEvent, NewWindow, Stacking, Told, Unasked, WindowEvent, WindowId,
};
use super::exclude::Exclusions;
use super::reason::Reason;
use crate::base::event::Area;
use crate::base::time::MonoNs;

/// How long an area stays covered after its window is gone from there: the fade-outs of usual compositors take up to 0.3 s,
/// and a program that was under the window is given as long to repaint.
pub const LINGER: Duration = Duration::from_millis(400);
/// Windows that are asked at once; desktops have tens. The others stay covered unasked until it is their turn.
pub const MAX_WINDOWS: usize = 4096;
/// The most places in which windows were between two looks that are kept apart; more, and everything is covered.
const MAX_PASSED: usize = 1024;
/// Everything, wherever the desktop lies.
const EVERYWHERE: Area = Area { x: i16::MIN as i32, y: i16::MIN as i32, width: 1 << 17, height: 1 << 17 };
/// The first of all areas in their order.
const LEAST_AREA: Area = Area { x: i32::MIN, y: i32::MIN, width: 0, height: 0 };

/// A part of the screen, or of a picture of it, that must not be seen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Covered {
    /// Where it is.
    pub area: Area,
    /// Why it must not be seen.
    pub reason: Reason,
}

impl Covered {
    /// Returns what of it lies in a part of the desktop, from the corner of that; `None` where nothing does.
    pub fn inside(self, part: Area) -> Option<Self> {
        let (x, y) = (self.area.x.saturating_sub(part.x), self.area.y.saturating_sub(part.y));
        let area = Area { x, y, ..self.area }.inside((part.width, part.height))?;
        Some(Self { area, ..self })
    }
}

/// What a policy is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope {
    /// What of the desktop must not be seen.
    Desktop,
    /// What of one window's picture, with those that are drawn into it ([`Cover::found`]). All of it is covered when that window is excluded.
    Window(WindowId),
    /// Only when what is typed must not be known: places are not kept.
    Keyboard,
}

/// Follows windows and the keyboard by what a backend tells.
pub struct Cover {
    known: Known,
    /// Places are kept.
    watches: bool,
    /// Where windows could be seen since the last look, before something changed; why they must not be, or `None` where they were not asked yet.
    passed: BTreeMap<(Option<WindowId>, Area), Option<Reason>>,
    /// Changes of the picture since the last look.
    changes: Changes,
    /// What was covered lately, by when it was last.
    lately: BTreeMap<(Area, Reason), MonoNs>,
    /// Where the only window is that is followed, on the desktop.
    place: Area,
    /// The games that had a window so far, a bit each.
    games: u64,
}

impl Cover {
    /// Knows no window yet. `size` is the desktop's width and height.
    pub fn new(rules: Arc<Exclusions>, scope: Scope, size: (u32, u32)) -> Self {
        let only = if let Scope::Window(window) = scope { Some(window) } else { None };
        Self {
            known: Known {
                rules,
                desk: Desk::new(size, only),
                keyboard: Keyboard::default(),
                covering: Covering::default(),
            },
            watches: scope != Scope::Keyboard,
            passed: BTreeMap::new(),
            changes: Changes::default(),
            lately: BTreeMap::new(),
            place: EVERYWHERE,
            games: 0,
        }
    }

    /// Nothing is kept out, so nothing need be told.
    pub fn is_idle(&self) -> bool {
        self.known.rules.is_empty()
    }

    /// Takes up a window that was there before anything was listened to, over those that were found before it; or one that is drawn into the
    /// picture of the only one from now on.
    pub fn found(&mut self, window: WindowId, new: NewWindow) {
        self.known.desk.add(window, new, None);
    }

    /// Takes in what happened to a window, read at `now`.
    pub fn event(&mut self, event: &WindowEvent, now: MonoNs) {
        // Beside the only window, those are followed that were named.
        if matches!(event, WindowEvent::Appeared(..)) && self.known.desk.only().is_some() {
            return;
        }
        if self.known.desk.changes_with(event) {
            self.pass(now);
            self.known.covering.stale = true;
        }
        self.known.event(event, now);
    }

    /// Takes in what happened to the keyboard.
    pub fn keyboard(&mut self, event: KeyboardEvent) {
        self.known.keyboard.event(event);
    }

    /// Whether a window is known.
    pub fn knows(&self, window: WindowId) -> bool {
        self.known.desk.get(window).is_some()
    }

    /// Whether a window is known, and no window manager places it.
    pub fn is_unmanaged(&self, window: WindowId) -> bool {
        self.known.desk.get(window).is_some_and(|top| top.unmanaged)
    }

    /// The order of windows must be asked for anew, and told by [`Cover::set_order`].
    pub fn is_order_unknown(&self) -> bool {
        self.known.desk.is_order_unknown()
    }

    /// Takes in the order of all windows.
    pub fn set_order(&mut self, mut from_bottom: impl Iterator<Item = WindowId>) {
        self.known.desk.set_order(&mut from_bottom);
    }

    /// The windows that must be asked what they are, at most [`MAX_WINDOWS`], the lowest first.
    pub fn unasked(&self) -> Vec<Unasked> {
        let desk = &self.known.desk;
        let stale = desk.upwards().filter(|(_, window, top)| {
            let passed = || {
                let mut places = self.passed.range((Some(*window), LEAST_AREA)..);
                places.next().is_some_and(|((of, _), _)| *of == Some(*window))
            };
            // A locker may grab the keyboard before its window is shown, so that is asked when it is made.
            let comes = || top.unmanaged && !top.heard && desk.is_large(top.area);
            top.stale && (top.mapped || comes() || passed())
        });
        let unasked = stale.map(|(_, window, top)| Unasked { window, unmanaged: top.unmanaged, is_first: !top.heard });
        unasked.take(MAX_WINDOWS).collect()
    }

    /// Begins to judge a window by its answers.
    pub fn judge(&self, unasked: &Unasked) -> Judged {
        Judged::new(&self.known.rules, unasked.unmanaged)
    }

    /// Takes in what a window is.
    pub fn told(&mut self, window: WindowId, told: &Told) {
        self.known.desk.told(window, told);
        self.known.covering.stale = true;
    }

    /// Brings up to date what follows from all windows together; to be called when what could be asked was.
    pub fn settle(&mut self) {
        if self.known.covering.stale {
            self.known.find_covering();
        }
    }

    /// Keeps where windows can be seen now, since that is about to change: the picture may be from before.
    fn pass(&mut self, now: MonoNs) {
        if !self.watches {
            return;
        }
        let effort = self.changes.another();
        if effort != Effort::Nothing {
            let seen = self.seen(now, effort);
            self.passed.extend(seen.into_iter().map(|(window, area, reason)| ((window, area), reason)));
        }
        if effort == Effort::Nothing || self.passed.len() > MAX_PASSED {
            self.passed = [((None, EVERYWHERE), Some(Reason::Unclassified))].into();
        }
    }

    /// Notes what is covered now, and what was since the last time; to be called when a picture was taken, and everything from before it was told.
    pub fn note(&mut self, now: MonoNs) {
        self.lately.retain(|_, seen| now.since(*seen) < LINGER);
        for ((window, area), reason) in std::mem::take(&mut self.passed) {
            let reason = reason.or_else(|| match window.and_then(|window| self.known.desk.get(window)) {
                Some(top) if !top.stale => top.verdict,
                _ => Some(Reason::Unclassified),
            });
            if let Some(reason) = reason {
                self.lately.insert((area, reason), now);
            }
        }
        self.changes = Changes::default();
        for (_, area, reason) in self.seen(now, Effort::Exact) {
            self.lately.insert((area, reason.unwrap_or(Reason::Unclassified)), now);
        }
        let there = self.known.desk.iter().filter(|(_, top)| top.mapped && !top.stale);
        let games = there.filter_map(|(_, top)| top.game).fold(0, |bits, window| bits | 1 << window.game);
        self.games |= games;
    }

    /// Takes in where the only window is that is followed.
    pub fn set_place(&mut self, place: Area) {
        self.place = place;
    }

    /// The games ([`super::games`]) that had a window so far, by their place in the list, a bit each.
    pub fn games(&self) -> u64 {
        self.games
    }

    /// What was covered when it was noted last, and up to [`LINGER`] before; on the desktop.
    pub fn covered(&self) -> Vec<Covered> {
        self.lately.keys().map(|(area, reason)| Covered { area: *area, reason: *reason }).collect()
    }

    /// Why what is typed now must not be known; `None`: nothing that is told says so.
    pub fn secret(&self, now: MonoNs) -> Option<Reason> {
        self.known.secret(now)
    }

    /// Whether it is unclear who gets what is typed, while this window is the active one.
    pub fn is_unclear(&self, active: Option<ActiveWindow>) -> bool {
        self.known.is_unclear(active)
    }

    /// Where windows that must not be seen can be seen now, and why they must not; `None` for those that were not asked yet.
    fn seen(&self, now: MonoNs, effort: Effort) -> Vec<Seen> {
        let Known { rules, desk, .. } = &self.known;
        let mut all = Areas::new();
        // Of too many, none is looked at by itself.
        let parts = |all: &Areas, at: usize, area: Area, game| {
            if effort == Effort::Exact && !all.is_around() { desk.not_hidden(at, area, game) } else { vec![area] }
        };
        for (at, window, top) in desk.upwards().filter(|(_, _, top)| top.mapped && top.paints) {
            let reason = self.known.hides(window, top, now);
            let is_only = desk.only() == Some(window);
            if !top.stale && reason.is_none() {
                let masks = top.game.map(|game| {
                    if is_only { game.masks_at(&rules.games, self.place) } else { game.masks(&rules.games, top.area) }
                });
                for (mask, reason) in masks.into_iter().flatten() {
                    for part in parts(&all, at, mask, top.game) {
                        all.push(window, part, Some(reason));
                    }
                }
                continue;
            }
            let reason = reason.filter(|_| !top.stale);
            if is_only {
                all.push(window, EVERYWHERE, reason);
                continue;
            }
            for part in parts(&all, at, top.area, None) {
                all.push(window, part, reason);
            }
        }
        all.finish()
    }
}

#[cfg(test)]
mod fake_tests;
#[cfg(test)]
mod picture_tests;
#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod typing_tests;
