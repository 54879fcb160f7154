//! Pictures of a monitor or a window, through either protocol.
//!
//! One frame is always asked for; it comes once something has changed. Invariants:
//! - A new picture carries the time at which it was presented ([`guard`]), so what it shows is never newer.
//! - That nothing changed is said of a time by which the compositor would have told ([`Lag`]); `capture_us` says by how much a repeat can be
//!   older than its time: it was on the screen when it was presented, and up to when the compositor has proved that it still is ([`Proof`]).
//! - A picture is read only between a frame that is ready and the next one that is asked for, when the compositor does not write.
//! - What stood there when a subject went away is not vouched for any more: there is no picture until there is a new one.
//!
//! Of a monitor it does not know where windows are, and covers none; a window is covered while what it says of itself is excluded ([`Own`]).

use std::sync::Arc;
use std::time::Duration;

use super::buffer::Buffer;
use super::connection::{BACKEND, Desk, compositor};
use super::copier::Copier;
use super::detour::Detour;
use super::find::{Subject, find};
use super::own::Own;
use super::pointer::PointerWatch;
use super::proof::Proof;
use crate::base::event::{Area, Surface};
use crate::base::time::{Clock, MonoNs};
use crate::capture::backend::ScreenPlan;
use crate::capture::presented::guard::{self, Stamped};
use crate::capture::presented::lag::Lag;
use crate::capture::{
    Absence, Behind, BgraView, CaptureError, Covered, Facet, FacetSet, Look, Outlets, ScreenDescription, ScreenSource,
};
use crate::privacy::exclude::Exclusions;

/// How long the compositor may take to say how a frame would lie, when recording starts.
const FIRST_WORD: Duration = Duration::from_secs(3);
/// How long a look waits for the compositor to describe a frame, so that it can be copied at the next refresh: the answer is under a
/// millisecond away, unless the compositor is busy; then the next look goes on.
const SHORTLY: Duration = Duration::from_millis(4);
/// How long a look that must have a picture waits for it: some refreshes.
const WHOLE: Duration = Duration::from_millis(250);
/// Frames in a row that the compositor may fail to copy: at one a look, some seconds.
const MAX_FAILED: u32 = 200;

/// Opens what the plan names on the compositor that the environment names.
///
/// # Errors
/// As [`Desk::open`]; [`CaptureError::NoTarget`], [`CaptureError::BadSize`], and [`CaptureError::Unavailable`] for what cannot be copied.
pub(super) fn open(plan: &ScreenPlan, outlets: &Outlets) -> Result<Box<dyn ScreenSource>, CaptureError> {
    let mut desk = Desk::open(plan.target.is_window())?;
    let windows = desk.managers.copies_windows().then_some(&desk.state.windows);
    let subject = find(&desk.state.outputs, windows, &plan.target)?;
    subject.followed(&mut desk.state.windows);
    let lacks = |detail: String| CaptureError::Unavailable { backend: BACKEND, what: "screen".into(), detail };
    let what = if subject.is_window() { "window" } else { "monitor" };
    // A compositor draws no pointer into a window alone, and does not say so.
    let cursor = plan.cursor && !subject.is_window();
    if plan.cursor && !cursor {
        tracing::warn!(target: "capture", "the pointer is not in the pictures: the compositor does not draw it into those of a window");
    }
    let mut copier = Copier::new(&desk, &subject, cursor)
        .ok_or_else(|| lacks(format!("the compositor does not copy this {what}")))?;
    copier.ask(&mut desk, &subject, false)?;
    let clock = Arc::clone(&plan.clock);
    let is_described = desk
        .wait(clock.as_ref(), clock.now().plus(FIRST_WORD), |state| state.shot.is_described || state.shot.has_failed)?;
    let Some(layout) = desk.state.shot.layout.filter(|_| is_described) else {
        let offered = desk.state.shot.unread.take();
        return Err(lacks(offered.map_or_else(
            || format!("the compositor does not copy this {what}"),
            |format| format!("the compositor copies in a format that is not known here: {format}"),
        )));
    };
    let buffer = Buffer::new(&desk.shm, layout, &desk.handle())?;
    let gone = || lacks(format!("the {what} went away"));
    let area = subject.surface(&desk.state.outputs, layout.size).ok_or_else(gone)?;
    if area.width < 2 || area.height < 2 {
        let why = "it is too small".into();
        return Err(CaptureError::BadSize { width: area.width, height: area.height, why, nearest: None });
    }
    let refresh_hz = subject.output(&desk.state.outputs).and_then(super::output::Output::refresh_hz);
    // wlroots tells where the pointer is only while it draws it into no picture.
    let pointer = if cursor { None } else { PointerWatch::start(&subject, outlets, &clock)? };
    let description = ScreenDescription {
        backend: format!("{BACKEND}-{}", copier.name()),
        surface: area,
        refresh_hz,
        cursor,
        sees_changes: true,
        target: subject.called.clone(),
        window_id: subject.window_id().map(str::to_owned),
        masks_windows: subject.is_window(),
        display_server: Some(format!("Wayland: {}", compositor())),
        names_programs: false,
        hands_in: if pointer.is_some() { FacetSet::of(&[Facet::Position]) } else { FacetSet::NONE },
        settings: Vec::new(),
    };
    let rules = Arc::clone(&plan.exclusions);
    let own = subject.window(&desk.state.windows).map(|(window, _)| Own::new(&rules, window.number, layout.size));
    let out = vec![0; area.width as usize * area.height as usize * 4];
    let mut screen = CopyScreen {
        desk,
        clock,
        subject,
        wait: plan.wait_target,
        copier,
        buffer,
        description,
        area,
        told: area,
        out,
        detour: None,
        own,
        rules,
        renewed: None,
        lag: Lag::default(),
        proof: Proof::default(),
        looked: MonoNs(i64::MIN),
        asked: MonoNs(i64::MAX),
        is_at_once: true,
        last: None,
        vouched: None,
        is_in_doubt: false,
        away: None,
        failed: 0,
        _pointer: pointer,
    };
    screen.copy(false)?;
    Ok(Box::new(screen))
}

/// There is nothing to take a picture of.
struct Away {
    since: MonoNs,
    why: Absence,
    /// It is there again, and a picture of it was asked for.
    is_back: bool,
}

struct CopyScreen {
    desk: Desk,
    clock: Arc<dyn Clock>,
    subject: Subject,
    /// How long a monitor that was switched off, or a window that was closed, is waited for.
    wait: Duration,
    copier: Copier,
    buffer: Buffer,
    description: ScreenDescription,
    /// Where the surface is, and where it was said to be.
    area: Surface,
    told: Surface,
    /// The picture that is handed out; its size never changes.
    out: Vec<u8>,
    /// The picture is of another size than at the start: it is read there and scaled into the one that is handed out.
    detour: Option<Detour>,
    /// The recorded window.
    own: Option<Own>,
    rules: Arc<Exclusions>,
    /// Another window took the place of the recorded one, and no picture of it was handed out.
    renewed: Option<String>,
    lag: Lag,
    proof: Proof,
    /// When everything that had arrived was read last.
    looked: MonoNs,
    /// When the frame was given memory to be copied into; and whether it was asked for at once, and not for when something changes.
    asked: MonoNs,
    is_at_once: bool,
    /// The time of the last picture.
    last: Option<Stamped>,
    /// The latest time that was vouched for.
    vouched: Option<MonoNs>,
    /// Something has changed, of which there is no picture yet: no later time is vouched for.
    is_in_doubt: bool,
    away: Option<Away>,
    failed: u32,
    /// Tells where the pointer is, until it is dropped.
    _pointer: Option<PointerWatch>,
}

impl CopyScreen {
    /// Gives the frame that was described memory to be copied into, once something has changed or at the next refresh.
    fn copy(&mut self, when_changed: bool) -> Result<(), CaptureError> {
        let shot = &mut self.desk.state.shot;
        let (true, true, false) = (self.copier.is_asked, shot.is_described, shot.is_copying) else { return Ok(()) };
        let Some(layout) = shot.layout else {
            shot.has_failed = true;
            return Ok(());
        };
        if layout != self.buffer.layout {
            self.buffer = Buffer::new(&self.desk.shm, layout, &self.desk.handle())?;
        }
        // Before it is: the compositor stamps after it was asked.
        self.asked = self.clock.now();
        self.proof.copying(when_changed);
        self.copier.copy(&mut self.desk, &self.buffer, when_changed)
    }

    /// Asks for the next frame, and has it copied as soon as it is described.
    fn ask(&mut self, when_changed: bool) -> Result<(), CaptureError> {
        self.is_at_once = !when_changed;
        self.proof.ends();
        self.copier.ask(&mut self.desk, &self.subject, when_changed)?;
        let until = self.clock.now().plus(SHORTLY);
        self.desk.wait(self.clock.as_ref(), until, |state| state.shot.is_described || state.shot.has_failed)?;
        self.copy(when_changed)
    }

    /// Asks again for a frame that the compositor did not copy.
    fn ask_again(&mut self, when_changed: bool) -> Result<(), CaptureError> {
        self.failed += 1;
        if self.failed > MAX_FAILED {
            return Err(CaptureError::System {
                what: "taking a picture",
                detail: "the compositor does not copy any more".into(),
            });
        }
        self.ask(when_changed)
    }

    /// Reads the frame that is ready into the picture that is handed out.
    fn take(&mut self) -> Result<(), CaptureError> {
        let size = self.buffer.layout.size;
        let start = (self.description.surface.width, self.description.surface.height);
        let is_flipped = self.desk.state.shot.is_flipped;
        if let Some((corner, _)) = self.subject.part {
            self.buffer.read(is_flipped, corner, &mut self.out, start)?;
        } else if size == start {
            self.detour = None;
            self.buffer.read(is_flipped, (0, 0), &mut self.out, start)?;
        } else {
            let detour = Detour::of(self.detour.take(), size, start);
            self.detour.insert(detour).read(&self.buffer, is_flipped, &mut self.out)?;
        }
        if let Some(area) = self.subject.surface(&self.desk.state.outputs, size) {
            self.area = area;
        }
        if let Some(own) = &mut self.own {
            own.sized(size);
        }
        Ok(())
    }

    /// Takes in what the recorded window says of itself; a picture was taken before that.
    fn look_at_window(&mut self) {
        let news = self.desk.state.windows.news();
        let facts = self.subject.window(&self.desk.state.windows).map(|(_, facts)| facts);
        if let Some(own) = &mut self.own {
            own.look(&news, facts, self.looked);
        }
    }

    /// Looks whether what is recorded is there, or another window has taken the place of the recorded one.
    fn is_there(&mut self) -> bool {
        let state = &self.desk.state;
        if self.subject.is_there(&state.outputs, &state.windows) {
            return true;
        }
        let gone = self.away.as_ref().map_or(self.looked, |away| away.since);
        let Some(next) = self.subject.renewed(&state.windows, gone) else { return false };
        self.own = next.window(&state.windows).map(|(window, _)| match &self.own {
            Some(own) => own.renewed(&self.rules, window.number, self.buffer.layout.size),
            None => Own::new(&self.rules, window.number, self.buffer.layout.size),
        });
        self.renewed = next.window_id().map(str::to_owned);
        next.followed(&mut self.desk.state.windows);
        self.subject = next;
        self.copier.end();
        self.away.get_or_insert(Away { since: gone, why: Absence::WindowGone, is_back: false }).is_back = false;
        true
    }

    /// It is not there: waits for it, as long as was asked.
    fn absent(&mut self) -> Result<Look, CaptureError> {
        self.copier.end();
        let now = self.clock.now();
        let why = if self.subject.is_window() { Absence::WindowGone } else { Absence::MonitorGone };
        let away = self.away.get_or_insert(Away { since: now, why, is_back: false });
        away.is_back = false;
        let since = away.since;
        if now.since(since) >= self.wait || self.subject.is_hopeless() {
            let what = self.subject.kind();
            let detail = match why {
                Absence::WindowGone => "it was closed".into(),
                _ => format!("{} was switched off or disconnected", self.subject.called),
            };
            return Err(CaptureError::Gone { what, detail });
        }
        Ok(Look::Hidden { since, why })
    }

    /// The frame is ready: hands it out, and asks for the next one.
    fn new_picture(&mut self, stamp: i64, arrival: MonoNs, before: MonoNs) -> Result<Look, CaptureError> {
        if self.desk.state.shot.is_turned {
            let detail = format!("{} was turned, and its pictures would lie on their side", self.subject.called);
            return Err(CaptureError::Gone { what: "screen", detail });
        }
        self.take()?;
        self.look_at_window();
        let stamped = guard::time_of(stamp, arrival, Some(self.asked), self.last.map(|last| last.t));
        let t = stamped.t;
        // When it was looked for last it had been asked for, and was not told of: that late it was.
        let late = if self.asked <= before { before.0.saturating_sub(t.0) } else { 0 };
        self.lag.saw(late, t, self.vouched);
        (self.last, self.failed, self.is_in_doubt, self.away) = (Some(stamped), 0, false, None);
        let capture_us = stamped.age_us(arrival);
        let surface = (self.area != std::mem::replace(&mut self.told, self.area)).then_some(self.area);
        if self.subject.is_there(&self.desk.state.outputs, &self.desk.state.windows) {
            self.ask(true)?;
        } else {
            self.copier.give_up();
        }
        Ok(Look::New { t, capture_us, surface, renewed: self.renewed.take() })
    }

    /// Asks for a frame where none is on its way that can come.
    fn ask_where_needed(&mut self, whole: bool) -> Result<(), CaptureError> {
        let shot = &self.desk.state.shot;
        let is_coming = self.copier.is_asked && !shot.has_failed;
        let comes_back = self.away.as_ref().is_some_and(|away| !away.is_back);
        if comes_back || (whole && is_coming && !(self.is_at_once && shot.ready.is_none())) {
            // What stood there when it went, or when nobody looked, is not what stands there now; a frame that waits for a change may wait for ever.
            self.away.iter_mut().for_each(|away| away.is_back = true);
            self.is_in_doubt |= shot.ready.is_some();
            return self.ask(false);
        }
        if !is_coming {
            self.is_in_doubt |= shot.has_failed && self.last.is_some();
            return self.ask_again(false);
        }
        if shot.ready.is_some() {
            return Ok(());
        }
        if shot.is_outdated || shot.is_refused {
            self.is_in_doubt = true;
            let is_new = self.desk.state.offer.holds.as_ref().and_then(|holds| holds.as_ref().ok());
            // One that is refused though it lies as was offered has failed.
            let when_changed = !self.is_at_once;
            let has_failed = is_new == Some(&self.buffer.layout);
            return if has_failed { self.ask_again(when_changed) } else { self.ask(when_changed) };
        }
        self.copy(!self.is_at_once)
    }
}

impl ScreenSource for CopyScreen {
    fn describe(&self) -> ScreenDescription {
        self.description.clone()
    }

    fn look(&mut self, whole: bool) -> Result<Look, CaptureError> {
        let before = std::mem::replace(&mut self.looked, self.clock.now());
        self.desk.state.windows.now = self.looked;
        self.desk.read()?;
        if !self.is_there() {
            return self.absent();
        }
        self.ask_where_needed(whole)?;
        if whole {
            let until = self.clock.now().plus(WHOLE);
            self.desk.wait(self.clock.as_ref(), until, |state| state.shot.ready.is_some() || state.shot.has_failed)?;
        }
        if let Some(stamp) = self.desk.state.shot.ready {
            let arrival = self.clock.now();
            return self.new_picture(stamp, arrival, before);
        }
        if let Some(Away { since, why, .. }) = &self.away {
            return Ok(Look::Hidden { since: *since, why: *why });
        }
        self.look_at_window();
        let until = match (self.is_in_doubt, self.vouched.or(self.last.map(|last| last.t))) {
            (true, Some(vouched)) => vouched,
            _ => MonoNs(self.looked.0 - self.lag.allowed_ns()),
        };
        self.vouched = self.vouched.max(Some(until));
        if let Some(question) = self.proof.look(self.desk.state.answered, self.clock.now()) {
            self.desk.question(question)?;
        }
        Ok(Look::same(until, self.proof.age_us(self.last, until)))
    }

    fn behind(&mut self) -> Option<Behind> {
        Some(self.lag.told())
    }

    fn rest(&mut self) -> Result<(), CaptureError> {
        // A compositor hangs up on who does not listen.
        self.desk.state.windows.now = self.clock.now();
        self.desk.read()
    }

    fn frame(&mut self) -> Result<BgraView<'_>, CaptureError> {
        let (width, height) = (self.description.surface.width, self.description.surface.height);
        Ok(BgraView { data: &mut self.out, stride: width as usize * 4, width, height })
    }

    fn place(&self, area: Area) -> Area {
        self.detour.as_ref().map_or(area, |detour| detour.place(area))
    }

    fn covered(&self) -> Vec<Covered> {
        let size = (self.area.width, self.area.height);
        let covered = self.own.iter().flat_map(|own| own.covered(size));
        covered.map(|covered| Covered { area: self.place(covered.area), ..covered }).collect()
    }

    fn games(&self) -> u64 {
        self.own.as_ref().map_or(0, Own::games)
    }
}
