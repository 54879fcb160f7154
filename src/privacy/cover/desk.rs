//! The windows of a desktop: where they are, in which order they lie, and what is known of each.
//!
//! It takes in events and answers; it decides nothing. Where the order is not known, no window counts as hidden.

use std::collections::BTreeMap;

use super::super::reason::Reason;
use super::games::GameWindow;
use super::window::{ClientId, NewWindow, Stacking, Told, WindowEvent, WindowId};
use crate::base::event::Area;
use crate::base::time::MonoNs;

/// A window that is one part of so many of the screen may be a locker's, with others of the same client.
const LARGE_PARTS: u64 = 8;
/// Pieces into which windows above cut an area. More, and the whole counts as seen: that is simpler, and never too little.
const MAX_PIECES: usize = 64;

/// A window.
#[derive(Debug)]
pub(super) struct TopLevel {
    /// On the desktop, with its frame.
    pub(super) area: Area,
    pub(super) mapped: bool,
    pub(super) unmanaged: bool,
    pub(super) client: Option<ClientId>,
    /// Nothing below it can be seen through it.
    pub(super) opaque: bool,
    /// It must be asked (again) what it is.
    pub(super) stale: bool,
    /// It was asked, so that its events are heard.
    pub(super) heard: bool,
    /// Neither it nor what is inside it has a class or a title.
    pub(super) nameless: bool,
    /// Its program is known.
    pub(super) has_program: bool,
    /// Something of it can be seen: it is no window for input alone.
    pub(super) paints: bool,
    /// It grabs the keyboard only to keep what is typed for itself.
    pub(super) secure_keyboard: bool,
    /// When it was made or shown, where that was seen.
    pub(super) since: Option<MonoNs>,
    pub(super) verdict: Option<Reason>,
    /// Only its program says that it is a screen locker's: lockers that wait have small windows, too.
    pub(super) by_program: bool,
    pub(super) game: Option<GameWindow>,
}

impl TopLevel {
    fn new(new: NewWindow, since: Option<MonoNs>) -> Self {
        Self {
            area: new.area,
            mapped: new.shown,
            unmanaged: new.unmanaged,
            client: new.client,
            opaque: false,
            stale: true,
            heard: false,
            nameless: false,
            has_program: false,
            paints: true,
            secure_keyboard: false,
            since,
            verdict: None,
            by_program: false,
            game: None,
        }
    }

    /// It could be a locker that says nothing of itself, or is about to be one.
    pub(super) fn is_suspect(&self) -> bool {
        self.unmanaged && self.nameless && self.heard
    }
}

/// The windows that are followed.
#[derive(Debug)]
pub(super) struct Desk {
    windows: BTreeMap<WindowId, TopLevel>,
    /// From the bottom to the top.
    order: Vec<WindowId>,
    /// The order is not known for certain.
    order_unknown: bool,
    /// Width and height of the desktop.
    size: (u32, u32),
    /// Only this window is followed, with those that join it.
    only: Option<WindowId>,
}

impl Desk {
    pub(super) fn new(size: (u32, u32), only: Option<WindowId>) -> Self {
        Self { windows: BTreeMap::new(), order: Vec::new(), order_unknown: false, size, only }
    }

    pub(super) fn only(&self) -> Option<WindowId> {
        self.only
    }

    pub(super) fn get(&self, window: WindowId) -> Option<&TopLevel> {
        self.windows.get(&window)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (WindowId, &TopLevel)> {
        self.windows.iter().map(|(window, top)| (*window, top))
    }

    /// From the bottom to the top, with their places in the order.
    pub(super) fn upwards(&self) -> impl DoubleEndedIterator<Item = (usize, WindowId, &TopLevel)> {
        let order = self.order.iter().enumerate();
        order.filter_map(|(at, window)| Some((at, *window, self.windows.get(window)?)))
    }

    /// Whether what is known is another after this event, where that can change the picture.
    pub(super) fn changes_with(&self, event: &WindowEvent) -> bool {
        let knows = |window: &WindowId| self.windows.contains_key(window);
        match event {
            WindowEvent::Appeared(window, new) => new.shown || knows(window),
            WindowEvent::Placed { window, .. }
            | WindowEvent::Moved { window, .. }
            | WindowEvent::Shown { window, .. }
            | WindowEvent::Restacked(window, _)
            | WindowEvent::Hidden(window)
            | WindowEvent::Changed(window) => knows(window),
            WindowEvent::Went { window, into } => knows(window) || into.as_ref().is_some_and(knows),
            WindowEvent::Desktop(..) => true,
        }
    }

    /// Takes in an event that was read at `now`.
    pub(super) fn event(&mut self, event: &WindowEvent, now: MonoNs) {
        match *event {
            WindowEvent::Appeared(window, new) => self.add(window, new, new.is_new.then_some(now)),
            WindowEvent::Placed { window, area, unmanaged, stacking } => {
                if let Some(top) = self.windows.get_mut(&window) {
                    (top.area, top.unmanaged) = (area, unmanaged);
                    self.restack(window, stacking);
                }
            }
            WindowEvent::Moved { window, corner } => {
                if let Some(top) = self.windows.get_mut(&window) {
                    (top.area.x, top.area.y) = corner;
                }
            }
            WindowEvent::Restacked(window, stacking) => self.restack(window, stacking),
            WindowEvent::Shown { window, unmanaged } => {
                if let Some(top) = self.windows.get_mut(&window) {
                    (top.mapped, top.stale, top.unmanaged) = (true, true, unmanaged);
                    top.since = Some(now);
                }
            }
            WindowEvent::Hidden(window) => {
                if let Some(top) = self.windows.get_mut(&window) {
                    // The frame of a recorded window may be gone for the moment: it is followed all the same.
                    top.mapped = self.only == Some(window);
                }
            }
            WindowEvent::Went { window, into } => {
                self.windows.remove(&window);
                self.order.retain(|known| *known != window);
                if let Some(frame) = into {
                    self.make_stale(frame);
                }
            }
            WindowEvent::Changed(window) => self.make_stale(window),
            WindowEvent::Desktop(width, height) => self.size = (width, height),
        }
    }

    /// Takes up a window, over all others.
    pub(super) fn add(&mut self, window: WindowId, new: NewWindow, since: Option<MonoNs>) {
        let mut top = TopLevel::new(new, since);
        top.mapped |= self.only == Some(window);
        if self.windows.insert(window, top).is_none() {
            self.order.push(window);
        }
    }

    fn make_stale(&mut self, window: WindowId) {
        if let Some(top) = self.windows.get_mut(&window) {
            top.stale = true;
        }
    }

    fn restack(&mut self, window: WindowId, stacking: Stacking) {
        if !self.windows.contains_key(&window) {
            return;
        }
        self.order.retain(|known| *known != window);
        let at = match stacking {
            Stacking::Top => self.order.len(),
            Stacking::Bottom => 0,
            Stacking::Above(below) => {
                let below = self.order.iter().position(|known| *known == below);
                self.order_unknown |= below.is_none();
                below.map_or(0, |below| below + 1)
            }
        };
        self.order.insert(at, window);
    }

    pub(super) fn is_order_unknown(&self) -> bool {
        self.order_unknown
    }

    /// The order, asked for anew. The only window that is followed may be none of those that are ordered: it stays at the bottom.
    pub(super) fn set_order(&mut self, from_bottom: &mut dyn Iterator<Item = WindowId>) {
        let below = self.only.filter(|only| self.windows.contains_key(only));
        let above = from_bottom.filter(|window| Some(*window) != below && self.windows.contains_key(window));
        self.order = below.into_iter().chain(above).collect();
        self.order_unknown = false;
    }

    /// Takes in what was learnt of a window.
    pub(super) fn told(&mut self, window: WindowId, told: &Told) {
        let Some(top) = self.windows.get_mut(&window) else { return };
        let Told { judged, opaque, paints, inset } = told;
        (top.stale, top.heard) = (false, true);
        (top.verdict, top.by_program, top.nameless) = (judged.verdict, judged.is_by_program(), judged.nameless);
        (top.opaque, top.paints) = (*opaque, *paints);
        (top.has_program, top.secure_keyboard) = (judged.has_program, judged.secure_keyboard);
        top.game = judged.game.map(|game| GameWindow { game, inset: *inset });
    }

    /// The parts of an area of the window with this place in the order that no opaque window hides. Other windows of the same game hide nothing
    /// of it: what they show is the game's, too.
    pub(super) fn not_hidden(&self, at: usize, area: Area, game: Option<GameWindow>) -> Vec<Area> {
        let mut seen = vec![area];
        if self.order_unknown {
            return seen;
        }
        for above in self.order[at + 1..].iter().filter_map(|above| self.windows.get(above)) {
            let same = game.zip(above.game).is_some_and(|(one, other)| one.game == other.game);
            if above.mapped && above.opaque && !above.stale && !same {
                seen = seen.into_iter().flat_map(|part| part.without(above.area)).collect();
            }
            if seen.len() > MAX_PIECES {
                return vec![area];
            }
        }
        seen
    }

    /// How many pixels the desktop has.
    pub(super) fn pixels(&self) -> u64 {
        u64::from(self.size.0) * u64::from(self.size.1)
    }

    /// How many pixels of an area are on the desktop.
    pub(super) fn pixels_inside(&self, area: Area) -> u64 {
        area.inside(self.size).map_or(0, |area| u64::from(area.width) * u64::from(area.height))
    }

    /// Whether an area is a good part of the screen: lockers may have a window for each monitor.
    pub(super) fn is_large(&self, area: Area) -> bool {
        self.pixels_inside(area) * LARGE_PARTS >= self.pixels()
    }
}
