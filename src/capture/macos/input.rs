//! Inputs by a tap that listens to the events of the session, in a thread with a run loop.
//!
//! An input has the time that its event has. Keys, buttons, both wheels and motion come from every keyboard and mouse, whatever application is
//! active; the tap changes nothing and holds nothing up. The active window is looked at behind each batch with keys or buttons, and every tenth of a second: by
//! the list of windows, since what the workspace says of it is only brought up to date in the main run loop of an application.

use std::sync::Arc;
use std::time::Duration;

use super::access::{application, has_desktop, may_listen};
use super::ffi::desk::{self, Apps, Session};
use super::ffi::tap::Tap;
use super::follow::{Deaf, Follower, Stamped, TapEvent};
use super::front::{Front, Fronts};
use super::host_time::Timebase;
use super::places::Desktop;
use super::rights;
use crate::base::event::Source;
use crate::base::time::{Clock, MonoNs};
use crate::capture::backend::InputPlan;
use crate::capture::{
    CaptureError, FacetSet, InitialState, InputDescription, InputSink, InputSource, RawInput, StopFlag,
};

/// The name of this way.
pub(super) const EVENT_TAP: &str = "eventtap";
/// How long is waited at once.
const WAIT: Duration = Duration::from_millis(20);
/// The active window is looked at this often when nothing else has it looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);

pub(super) struct EventTap {
    clock: Arc<dyn Clock>,
    source: Source,
    timebase: Timebase,
    tap: Tap,
    apps: Apps,
    desktop: Desktop,
    follower: Follower,
    fronts: Fronts,
    looked: MonoNs,
    /// The time of what was sent last.
    sent: MonoNs,
    /// A program had the keyboard for itself at the last look, or since what is held was compared last.
    secure: bool,
    was_secure: bool,
    description: InputDescription,
    initial: InitialState,
}

/// Opens a tap.
///
/// # Errors
/// [`CaptureError::NotAllowed`] without the right to listen, or where titles are excluded and are not told; [`CaptureError::NoDisplay`] without a desktop.
pub(super) fn open(plan: &InputPlan) -> Result<Box<dyn InputSource>, CaptureError> {
    has_desktop()?;
    // Asked first: without the right, opening a tap has the system ask for it.
    may_listen()?;
    let (mut apps, desktop) = (Apps::default(), desk::desktop());
    let list = desk::windows(&mut apps);
    rights::titles_are_told(&plan.exclusions, desk::may_record(), (&list, std::process::id()), &application())?;
    let tap = Tap::open().ok_or_else(|| CaptureError::Unavailable {
        backend: EVENT_TAP,
        what: "input".into(),
        detail: "the system refuses to open a tap".into(),
    })?;
    let now = plan.clock.now();
    let secure = desk::is_secure();
    let front = Front::of(&desk::windows(&mut apps), &desktop, secure);
    let fronts = Fronts::new(Arc::clone(&plan.exclusions), &front);
    let down = desk::down();
    let follower = Follower::new(&down, false, now);
    let initial = InitialState {
        keys: follower.keys(),
        buttons: down.buttons,
        pointer: desk::pointer().and_then(|at| desktop.pixels(at)),
        secret: fronts.secret(&front),
        ..InitialState::default()
    };
    let description =
        InputDescription { backend: EVENT_TAP.into(), facets: FacetSet::PROMISED, ..InputDescription::default() };
    Ok(Box::new(EventTap {
        clock: Arc::clone(&plan.clock),
        source: Source::named(EVENT_TAP),
        timebase: desk::timebase(),
        tap,
        apps,
        desktop,
        follower,
        fronts,
        looked: now,
        sent: now,
        secure,
        was_secure: secure,
        description,
        initial,
    }))
}

impl EventTap {
    /// Hands over an input, never before the one that was handed over last.
    fn send(&mut self, t: MonoNs, sink: &InputSink, input: RawInput) {
        self.sent = self.sent.max(t);
        sink.send(self.sent, self.source, input);
    }

    fn send_all(&mut self, all: Stamped, sink: &InputSink) {
        for (t, input) in all {
            match input {
                // A span begins where it began.
                RawInput::Lost { .. } | RawInput::Skipped { .. } | RawInput::Unproved { .. } => {
                    sink.send(t, self.source, input);
                }
                input => self.send(t, sink, input),
            }
        }
    }

    /// Hands over what was heard in one go.
    fn hear(&mut self, heard: &[TapEvent], sink: &InputSink) -> Result<(), CaptureError> {
        let now = self.clock.now();
        let mut out = Stamped::new();
        let looks = heard.iter().any(TapEvent::is_news) || now.since(self.looked) >= LOOK_EVERY;
        let turn = if looks { self.look(now, &mut out) } else { super::front::Turn::default() };
        self.send_all(std::mem::take(&mut out), sink);
        let stamps: Vec<MonoNs> = heard.iter().map(|event| self.timebase.stamp(event.stamp, now)).collect();
        let first = stamps.iter().copied().min().unwrap_or(now);
        for input in turn.before {
            self.send(first, sink, input);
        }
        for (event, t) in heard.iter().zip(stamps) {
            self.follower.take(event, t, &self.desktop, &mut out);
        }
        self.follower.tell_unproved(now, &mut out);
        if self.was_secure && !self.follower.is_locked() {
            // Keys were not heard meanwhile, so neither were their releases.
            self.follower.release(&desk::down(), now, &mut out);
            self.was_secure = self.secure;
        }
        let was_on = self.tap.is_on();
        if !was_on {
            self.tap.turn_on();
        }
        let watched = self.follower.watch((was_on, self.tap.is_on()), desk::down, now, &mut out);
        self.send_all(out, sink);
        for input in turn.behind {
            self.send(now, sink, input);
        }
        watched.map_err(|Deaf| CaptureError::Gone {
            what: "input",
            detail: "the system has turned the tap off, and does not turn it on again: the right to listen may have been taken back".into(),
        })
    }

    /// Looks at the active window, whose session is shown, and whether a program has the keyboard for itself.
    fn look(&mut self, now: MonoNs, out: &mut Stamped) -> super::front::Turn {
        self.looked = now;
        self.desktop = desk::desktop().or_before(&self.desktop);
        self.follower.lock(desk::session() != Session::Own, now, out);
        if self.follower.is_locked() {
            return super::front::Turn::default();
        }
        self.secure = desk::is_secure();
        self.was_secure |= self.secure;
        self.fronts.look(Front::of(&desk::windows(&mut self.apps), &self.desktop, self.secure))
    }
}

impl InputSource for EventTap {
    fn describe(&self) -> InputDescription {
        self.description.clone()
    }

    fn initial(&self) -> InitialState {
        self.initial.clone()
    }

    fn run(mut self: Box<Self>, sink: &InputSink, stop: &StopFlag) -> Result<(), CaptureError> {
        let mut heard = Vec::new();
        self.looked = MonoNs(i64::MIN / 2);
        self.hear(&heard, sink)?;
        while !stop.is_set() {
            let until = self.clock.now().plus(WAIT);
            if !self.tap.listen(WAIT, &mut heard) {
                // The run loop has nothing to wait for: the tap is not there any more, which is found out here.
                self.clock.sleep_until(until);
            }
            self.hear(&heard, sink)?;
            heard.clear();
        }
        let mut out = Stamped::new();
        self.follower.tell_unproved(MonoNs(i64::MAX), &mut out);
        self.send_all(out, sink);
        Ok(())
    }
}
