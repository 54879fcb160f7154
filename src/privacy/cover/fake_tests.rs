//! A desktop without a system: windows that answer when they are asked, and a clock that is moved by hand.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;

/// What a window of the fake desktop is.
#[derive(Clone)]
pub(super) struct Nature {
    pub(super) said: Said,
    pub(super) opaque: bool,
    pub(super) paints: bool,
}

impl Nature {
    /// A window of an application that nothing is below of.
    pub(super) fn of(app: &str) -> Self {
        Self { said: Said { app: app.into(), ..Said::default() }, opaque: true, paints: true }
    }

    /// One that says nothing of itself.
    pub(super) fn nameless() -> Self {
        Self::of("")
    }

    pub(super) fn clear(self) -> Self {
        Self { opaque: false, ..self }
    }

    pub(super) fn by(mut self, program: &str) -> Self {
        self.said.programs = vec![program.into()];
        self
    }
}

pub(super) fn area(x: i32, y: i32, width: u32, height: u32) -> Area {
    Area { x, y, width, height }
}

pub(super) struct Fake {
    pub(super) cover: Cover,
    pub(super) now: MonoNs,
    natures: BTreeMap<WindowId, Nature>,
}

impl Fake {
    pub(super) fn new(rules: Exclusions, scope: Scope) -> Self {
        let cover = Cover::new(Arc::new(rules), scope, (320, 240));
        Self { cover, now: MonoNs(1_000_000_000), natures: BTreeMap::new() }
    }

    pub(super) fn desktop() -> Self {
        Self::new(Exclusions::usual(), Scope::Desktop)
    }

    pub(super) fn wait(&mut self, ms: u64) {
        self.now = self.now.plus(Duration::from_millis(ms));
    }

    pub(super) fn event(&mut self, event: WindowEvent) {
        self.cover.event(&event, self.now);
    }

    fn new_window(area: Area, unmanaged: bool) -> NewWindow {
        NewWindow { area, shown: false, unmanaged, client: Some(ClientId(1)), is_new: true }
    }

    /// Makes a window that is not shown yet.
    pub(super) fn make(&mut self, id: u64, new: NewWindow, nature: Nature) -> WindowId {
        self.natures.insert(WindowId(id), nature);
        self.event(WindowEvent::Appeared(WindowId(id), new));
        WindowId(id)
    }

    pub(super) fn show(&mut self, window: WindowId, unmanaged: bool) {
        self.event(WindowEvent::Shown { window, unmanaged });
    }

    /// Makes and shows a window that a window manager places.
    pub(super) fn open(&mut self, id: u64, area: Area, nature: Nature) -> WindowId {
        let window = self.make(id, Self::new_window(area, false), nature);
        self.show(window, false);
        window
    }

    /// Makes and shows one that none places.
    pub(super) fn open_unmanaged(&mut self, id: u64, area: Area, nature: Nature) -> WindowId {
        let window = self.make(id, Self::new_window(area, true), nature);
        self.show(window, true);
        window
    }

    pub(super) fn place(&mut self, window: WindowId, area: Area, stacking: Stacking) {
        self.event(WindowEvent::Placed { window, area, unmanaged: false, stacking });
    }

    pub(super) fn keyboard(&mut self, event: KeyboardEvent) {
        self.cover.keyboard(event);
    }

    pub(super) fn grab(&mut self, news: GrabNews) {
        self.keyboard(KeyboardEvent::Grab(news));
    }

    /// The window says something else of itself from now on.
    pub(super) fn becomes(&mut self, window: WindowId, nature: Nature) {
        self.natures.insert(window, nature);
        self.event(WindowEvent::Changed(window));
    }

    fn answer(&mut self, unasked: &Unasked, inset: [i32; 4]) {
        let mut judged = self.cover.judge(unasked);
        let nature = &self.natures[&unasked.window];
        judged.hear(&nature.said);
        let told = Told { judged, opaque: nature.opaque, paints: nature.paints, inset };
        self.cover.told(unasked.window, &told);
    }

    /// Asks each window for which `asks` says so.
    pub(super) fn ask(&mut self, asks: impl Fn(WindowId) -> bool) {
        for unasked in self.cover.unasked() {
            if asks(unasked.window) {
                self.answer(&unasked, [0; 4]);
            }
        }
        self.cover.settle();
    }

    pub(super) fn ask_all(&mut self) {
        while !self.cover.unasked().is_empty() {
            self.ask(|_| true);
        }
        self.cover.settle();
    }

    /// Asks all; game windows lie this far inside their frames.
    pub(super) fn ask_framed(&mut self, inset: [i32; 4]) {
        for unasked in self.cover.unasked() {
            self.answer(&unasked, inset);
        }
    }

    /// What is covered in a picture that is taken now, with no window asked before.
    pub(super) fn look_unasked(&mut self) -> Vec<(Area, &'static str)> {
        self.cover.note(self.now);
        self.cover.covered().into_iter().map(|covered| (covered.area, covered.reason.name())).collect()
    }

    /// What is covered in a picture that is taken now.
    pub(super) fn look(&mut self) -> Vec<(Area, &'static str)> {
        self.ask_all();
        self.look_unasked()
    }

    /// What is covered when all is quiet: what was covered before lingers no longer.
    pub(super) fn look_later(&mut self) -> Vec<(Area, &'static str)> {
        self.look();
        self.wait(LINGER.as_millis() as u64);
        self.look()
    }

    pub(super) fn secret(&self) -> Option<&'static str> {
        self.cover.secret(self.now).map(Reason::name)
    }
}
