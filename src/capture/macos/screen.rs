//! Pictures by ScreenCaptureKit: the system's compositor delivers them, with the time at which they were displayed.
//!
//! Invariants:
//! - A new picture carries the time of its display, or that of its delivery where that is earlier, so what it shows is never newer.
//! - That nothing changed is said of a time by which the system would have told ([`Lag`]).
//! - A picture is taken before the list of windows that it is judged by: what was in it is in that list, or in the one before.
//! - Of what was delivered before or during an absence nothing is handed out behind it: another stream is asked for, whose first picture is of then.
//! - A stream that the system ends is a gap, and another one is asked for; one that the person ends is the end.

use std::sync::Arc;
use std::time::Duration;

use super::access::{application, has_desktop};
use super::ffi::desk::{self, Apps, Session};
use super::ffi::output::{Refused, Shot};
use super::ffi::stream::{Request, Stream};
use super::frames::{Placed, copy};
use super::places::{self, Desktop, surface};
use super::points::Points;
use super::retries::{Enough, Retries};
use super::rights::{self, Right};
use super::roster::{Kept, Roster, kept_out, order};
use super::subject::{Away, Found, Subject, gone};
use super::window::WindowFacts;
use crate::base::event::Area;
use crate::base::time::{Clock, MonoNs};
use crate::capture::backend::ScreenPlan;
use crate::capture::letterbox::{Letterbox, Picture};
use crate::capture::presented::guard;
use crate::capture::presented::lag::Lag;
use crate::capture::{
    Absence, Behind, BgraView, CaptureError, Covered, FacetSet, Look, ScreenDescription, ScreenSource, Target,
};

/// The name of this way.
pub(super) const SCREEN_KIT: &str = "screencapturekit";
/// How long an answer of the system is waited for: its first one may start the service. While recording, the end may be asked for meanwhile.
const ANSWER: Duration = Duration::from_secs(10);
const NEXT_ANSWER: Duration = Duration::from_secs(2);
/// How long the first picture is waited for.
const FIRST: Duration = Duration::from_secs(5);
/// How often it is asked whose session is shown, and on which displays.
const DESK_EVERY: Duration = Duration::from_millis(100);
/// How often the system is asked to leave out something else, and the same again, where it does not find it.
const ORDER_EVERY: Duration = Duration::from_millis(250);
const AGAIN_EVERY: Duration = Duration::from_secs(2);
/// By how much a repeat can be older than its time beside what [`Lag`] allows for: the least time between two pictures.
const REFRESH_US: u32 = 16_667;

pub(super) struct ScreenKit {
    clock: Arc<dyn Clock>,
    target: Target,
    cursor: bool,
    wait: Duration,
    subject: Subject,
    description: ScreenDescription,
    stream: Option<Stream>,
    /// What the stream was asked for last: the part of a display, the size of the pictures, and when.
    part: Option<Points>,
    asked: ((u32, u32), MonoNs),
    /// Where the subject is, and where it was said to be.
    area: Area,
    scale: f64,
    told: Area,
    /// The picture that is handed out; its size never changes.
    out: Vec<u8>,
    fitted: Option<Letterbox>,
    /// The picture that was handed out.
    shown: Option<Shot>,
    /// Since when a stream that runs has delivered none.
    waiting: Option<MonoNs>,
    lag: Lag,
    last: Option<MonoNs>,
    vouched: Option<MonoNs>,
    away: Option<MonoNs>,
    retries: Retries,
    renewed: Option<String>,
    apps: Apps,
    roster: Roster,
    /// What the system was asked to leave out last, and when.
    ordered: (Kept, MonoNs),
    /// Whose session is shown, on which displays, and when that was asked.
    session: Session,
    desktop: Desktop,
    asked_desk: MonoNs,
}

/// Why there is no stream at the start.
fn refused(why: Refused) -> CaptureError {
    let detail = match why {
        Refused::NotAllowed => return rights::missing(Right::Record, &application()),
        Refused::ByPerson => "it was stopped in the menu bar".into(),
        Refused::Missing => "the system does not show what was asked for".into(),
        Refused::Said(detail) => detail,
    };
    CaptureError::Unavailable { backend: SCREEN_KIT, what: "screen".into(), detail }
}

/// Opens what the plan names.
///
/// # Errors
/// [`CaptureError::NoDisplay`], [`CaptureError::NoTarget`], [`CaptureError::BadSize`] for a region that is odd or on no display,
/// [`CaptureError::NotAllowed`] without the right to record, [`CaptureError::Unavailable`] when no picture comes.
pub(super) fn open(plan: &ScreenPlan) -> Result<Box<dyn ScreenSource>, CaptureError> {
    has_desktop()?;
    let (mut apps, desktop) = (Apps::default(), desk::desktop());
    let list = desk::windows(&mut apps);
    let mut refresh_hz = None;
    let (subject, target) = match &plan.target {
        Target::Primary | Target::Monitor(_) => {
            let wanted = if let Target::Monitor(wanted) = &plan.target { Some(wanted.as_str()) } else { None };
            let display = desktop.display(wanted)?;
            refresh_hz = display.refresh_hz;
            (Subject::Display(display.id), format!("monitor {}", display.name()))
        }
        Target::Region { x, y, width, height } => {
            let area = Area { x: *x, y: *y, width: *width, height: *height };
            refresh_hz = desktop.region(area)?.0.refresh_hz;
            (Subject::Region(area), "region".into())
        }
        Target::WindowId(_) | Target::WindowTitle(_) | Target::WindowApp(_) => {
            let id = places::window(&list, &plan.target)?.id;
            (Subject::Window(id), format!("window {id}{}", plan.target.asked()))
        }
    };
    let found = subject.find(&desktop, &mut apps).map_err(|away| match away {
        Away::For(Absence::MonitorGone) => CaptureError::NoTarget { wanted: format!("{target} (its display sleeps)") },
        Away::For(_) => CaptureError::NoTarget { wanted: format!("{target} (it is minimised, or on another desktop)") },
        Away::Lost(_, error) => error,
    })?;
    let size = (found.area.width, found.area.height);
    if size.0 < 2 || size.1 < 2 {
        let why = "it is too small".into();
        return Err(CaptureError::BadSize { width: size.0, height: size.1, why, nearest: None });
    }
    let description = ScreenDescription {
        backend: SCREEN_KIT.into(),
        surface: surface(found.area, found.scale),
        refresh_hz,
        cursor: plan.cursor,
        sees_changes: true,
        target,
        window_id: if let Subject::Window(id) = subject { Some(id.to_string()) } else { None },
        masks_windows: true,
        display_server: None,
        names_programs: false,
        hands_in: FacetSet::NONE,
        settings: Vec::new(),
    };
    let now = plan.clock.now();
    let mut screen = ScreenKit {
        clock: Arc::clone(&plan.clock),
        target: plan.target.clone(),
        cursor: plan.cursor,
        wait: plan.wait_target,
        subject,
        description,
        stream: None,
        part: found.part,
        asked: (size, now),
        area: found.area,
        scale: found.scale,
        told: found.area,
        out: vec![0; size.0 as usize * size.1 as usize * 4],
        fitted: None,
        shown: None,
        waiting: None,
        lag: Lag::default(),
        last: None,
        vouched: None,
        away: None,
        retries: Retries::default(),
        renewed: None,
        apps,
        roster: Roster::new(Arc::clone(&plan.exclusions), desktop.whole()),
        ordered: (Kept::default(), now),
        session: desk::session(),
        desktop: desktop.clone(),
        asked_desk: now,
    };
    let stream = screen.start(&found, &list, ANSWER).map_err(refused)?;
    if !stream.shots().wait(FIRST) {
        let detail = format!("no picture came in {} s", FIRST.as_secs());
        return Err(refused(stream.ended().unwrap_or(Refused::Said(detail))));
    }
    screen.stream = Some(stream);
    Ok(Box::new(screen))
}

/// Looks whether a stream that has ended or was refused may be asked for again, by what the system says and by what was tried.
fn judge_end(why: &Refused, tried: Result<(), Enough>) -> Result<(), CaptureError> {
    match why {
        Refused::ByPerson => return Err(gone("screen", "it was stopped in the menu bar")),
        Refused::NotAllowed => return Err(gone("screen", "the right to record it was taken back")),
        Refused::Missing | Refused::Said(_) => tracing::warn!(?why, "the system delivers no pictures"),
    }
    tried.map_err(|Enough| gone("screen", "the system has ended or refused the pictures again and again"))
}

impl ScreenKit {
    fn size(&self) -> (u32, u32) {
        (self.description.surface.width, self.description.surface.height)
    }

    /// What of a list the system is to leave out: nothing of a window's own picture.
    fn kept(&self, list: &[WindowFacts]) -> Kept {
        match self.subject {
            Subject::Window(_) => Kept::default(),
            Subject::Display(_) | Subject::Region(_) => kept_out(list, self.roster.rules()),
        }
    }

    fn start(&mut self, found: &Found, list: &[WindowFacts], limit: Duration) -> Result<Stream, Refused> {
        let (of, part, cursor) = (found.of, found.part, self.cursor);
        let size = (found.area.width, found.area.height);
        (self.part, self.asked) = (part, (size, self.clock.now()));
        let request = Request { of, part, size, cursor, kept: self.kept(list) };
        Stream::start(request, Arc::clone(&self.clock), limit)
    }

    /// Whether the person's session is shown, asked now and then.
    fn is_own_session(&mut self, now: MonoNs) -> bool {
        if now.since(self.asked_desk) >= DESK_EVERY {
            let desktop = desk::desktop().or_before(&self.desktop);
            (self.session, self.desktop, self.asked_desk) = (desk::session(), desktop, now);
        }
        self.session == Session::Own
    }

    /// Where the subject is now. Of a window that was closed another one may take the place, unless it was named by its number.
    fn find(&mut self, desktop: &Desktop, list: &[WindowFacts]) -> Result<Found, Away> {
        let found = self.subject.find(desktop, &mut self.apps);
        let is_closed = matches!(found, Err(Away::Lost(Absence::WindowGone, _)));
        if !is_closed || matches!(self.target, Target::WindowId(_)) {
            return found;
        }
        let Ok(other) = places::window(list, &self.target) else { return found };
        let subject = Subject::Window(other.id);
        let found = subject.find(desktop, &mut self.apps)?;
        (self.subject, self.renewed) = (subject, Some(other.id.to_string()));
        self.let_go();
        Ok(found)
    }

    /// There is no picture: says so, and for how long that may be.
    fn absent(&mut self, away: Away, now: MonoNs) -> Result<Look, CaptureError> {
        let since = *self.away.get_or_insert(now);
        match away {
            Away::For(why) => Ok(Look::Hidden { since, why }),
            Away::Lost(why, error) => {
                let is_hopeless = matches!(self.target, Target::WindowId(_));
                if is_hopeless || now.since(since) >= self.wait { Err(error) } else { Ok(Look::Hidden { since, why }) }
            }
        }
    }

    /// Ends the stream, with what it delivered.
    fn let_go(&mut self) {
        (self.stream, self.shown, self.waiting) = (None, None, None);
    }

    /// An attempt brought no picture.
    fn refused(&mut self, why: &Refused) -> Result<(), CaptureError> {
        let tried = self.retries.refused(self.clock.now(), self.wait);
        judge_end(why, tried)
    }

    /// There is no stream: asks for another one, now and then.
    fn restart(&mut self, found: &Found, list: &[WindowFacts], now: MonoNs) -> Result<Look, CaptureError> {
        if self.retries.is_due(now) {
            match self.start(found, list, NEXT_ANSWER) {
                Ok(stream) => {
                    self.stream = Some(stream);
                    self.retries.started(self.clock.now());
                }
                Err(why) => self.refused(&why)?,
            }
        }
        self.absent(Away::For(Absence::StreamStopped), now)
    }

    /// The stream has ended.
    fn ended(&mut self, why: &Refused, now: MonoNs) -> Result<Look, CaptureError> {
        self.let_go();
        let tried = self.retries.ended(now);
        judge_end(why, tried)?;
        // Nothing is known of what came behind what was told last.
        let since = self.vouched.max(self.last).unwrap_or(now);
        self.absent(Away::For(Absence::StreamStopped), since)
    }

    /// The stream runs and has not delivered a picture yet. One that goes on like that is given up for another.
    fn without_picture(&mut self, now: MonoNs) -> Result<Look, CaptureError> {
        let since = *self.waiting.get_or_insert(now);
        if now.since(since) >= FIRST {
            self.let_go();
            self.refused(&Refused::Said(format!("no picture came in {} s", FIRST.as_secs())))?;
        }
        self.absent(Away::For(Absence::StreamStopped), now)
    }

    /// Takes in the windows, and has the system leave out what must not be seen.
    fn judge(&mut self, list: &[WindowFacts], desktop: &Desktop) {
        let Some(stream) = self.stream.as_ref().filter(|_| !self.roster.is_idle()) else { return };
        let now = self.clock.now();
        if let Subject::Window(id) = self.subject {
            let own: Vec<WindowFacts> = list.iter().filter(|facts| facts.id == id).cloned().collect();
            self.roster.take(&own, |points| desktop.area_of(points).0, &Kept::default(), now);
        } else {
            let out = stream.out();
            if let Some(kept) = order(list, self.roster.rules(), &out) {
                let every = if self.ordered.0 == kept { AGAIN_EVERY } else { ORDER_EVERY };
                if now.since(self.ordered.1) >= every {
                    stream.leave_out(&kept);
                    self.ordered = (kept, now);
                }
            }
            self.roster.take(list, |points| desktop.touched(points), &out.common(&stream.out()), now);
        }
        self.roster.note(self.clock.now());
    }

    /// Reads a picture into the one that is handed out.
    fn read(&mut self, shot: &Shot) -> Result<(), CaptureError> {
        let size = self.size();
        let (out, fitted) = (&mut self.out, &mut self.fitted);
        let read = |picture: Picture<'_>| copy(picture, shot.placed, size, out, fitted);
        shot.pixels.with(read).map_err(|detail| CaptureError::System { what: "reading a picture", detail })
    }

    /// A window has another size than its pictures were asked for: asks for larger or smaller ones.
    fn follow_size(&mut self, shot: &Shot, now: MonoNs) {
        let own = shot.placed.and_then(Placed::own_size).filter(|_| matches!(self.subject, Subject::Window(_)));
        let wanted = own.filter(|own| *own != self.asked.0 && now.since(self.asked.1) >= ORDER_EVERY);
        if let (Some(wanted), Some(stream)) = (wanted, &self.stream) {
            stream.resize(wanted);
            self.asked = (wanted, now);
        }
    }

    /// Whether a display has another size, or a region another place on it, than the stream was asked for.
    fn is_other(&self, found: &Found) -> bool {
        let is_window = matches!(self.subject, Subject::Window(_));
        !is_window && ((found.area.width, found.area.height), found.part) != (self.asked.0, self.part)
    }

    fn moved(&mut self) -> Option<crate::base::event::Surface> {
        (std::mem::replace(&mut self.told, self.area) != self.area).then(|| surface(self.area, self.scale))
    }
}

impl ScreenSource for ScreenKit {
    fn describe(&self) -> ScreenDescription {
        self.description.clone()
    }

    fn look(&mut self, whole: bool) -> Result<Look, CaptureError> {
        let now = self.clock.now();
        if !self.is_own_session(now) {
            // Nothing is taken there, and what it looks like behind it is asked for anew.
            self.let_go();
            self.retries.rest();
            return self.absent(Away::For(Absence::ScreenLocked), now);
        }
        if let Some(why) = self.stream.as_ref().and_then(Stream::ended) {
            return self.ended(&why, now);
        }
        // The picture first: its windows are in the list that comes behind, or were in the one before.
        let taken = self.stream.as_ref().and_then(|stream| stream.shots().take());
        let desktop = self.desktop.clone();
        let list = if self.needs_list() { desk::windows(&mut self.apps) } else { Vec::new() };
        let found = match self.find(&desktop, &list) {
            Ok(found) => found,
            Err(away) => {
                // What it looked like before is judged by no list of then any more.
                self.let_go();
                self.retries.rest();
                return self.absent(away, now);
            }
        };
        (self.area, self.scale) = (found.area, found.scale);
        if self.is_other(&found) {
            self.let_go();
        }
        let Some(stream) = &self.stream else { return self.restart(&found, &list, now) };
        let is_away = stream.is_away();
        self.judge(&list, &desktop);
        if let Some((stamp, shot)) = taken {
            self.read(&shot)?;
            self.follow_size(&shot, now);
            // One that came while nothing was to be seen stands still: nothing came behind it.
            let stamp = if self.away.is_some() { now } else { stamp };
            let stamped = guard::time_of(stamp.0, shot.arrival.max(stamp), None, self.last);
            let t = stamped.t;
            self.retries.delivered();
            self.waiting = None;
            self.lag.saw(self.clock.now().0 - t.0, t, self.vouched);
            let capture_us = stamped.age_us(shot.arrival);
            (self.last, self.away, self.shown) = (Some(t), None, Some(shot));
            return Ok(Look::New { t, capture_us, surface: self.moved(), renewed: self.renewed.take() });
        }
        if is_away {
            (self.shown, self.waiting) = (None, None);
            let is_window = matches!(self.subject, Subject::Window(_));
            let why = if is_window { Absence::WindowMinimised } else { Absence::MonitorGone };
            return self.absent(Away::For(why), now);
        }
        let Some(shot) = self.shown.take() else { return self.without_picture(now) };
        if whole {
            // What was painted on the picture is gone with this.
            self.read(&shot)?;
        }
        (self.shown, self.away) = (Some(shot), None);
        let allowed = self.lag.allowed_ns();
        let until = MonoNs(now.0.saturating_sub(allowed));
        self.vouched = self.vouched.max(Some(until));
        let stale_us = u32::try_from(allowed / 1000).unwrap_or(u32::MAX).saturating_add(REFRESH_US);
        Ok(Look::Same { until, capture_us: stale_us, surface: self.moved() })
    }

    fn behind(&mut self) -> Option<Behind> {
        Some(self.lag.told())
    }

    fn frame(&mut self) -> Result<BgraView<'_>, CaptureError> {
        let (width, height) = self.size();
        Ok(BgraView { data: &mut self.out, stride: width as usize * 4, width, height })
    }

    fn covered(&self) -> Vec<Covered> {
        let inside = self.roster.covered().into_iter().filter_map(|covered| covered.inside(self.area));
        inside.map(|covered| Covered { area: self.place(covered.area), ..covered }).collect()
    }

    fn games(&self) -> u64 {
        self.roster.games()
    }

    fn place(&self, area: Area) -> Area {
        self.fitted.as_ref().map_or(area, |letterbox| letterbox.place(area))
    }
}

impl ScreenKit {
    /// Whether anybody wants to know which windows there are.
    fn needs_list(&self) -> bool {
        !self.roster.is_idle() || self.stream.is_none() || matches!(self.subject, Subject::Window(_))
    }
}
