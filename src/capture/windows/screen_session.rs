//! The pictures of a screen by a session of the system's ([`super::pictures`]): taken when they come, with their own time.
//!
//! The system may take the session away at any time: for another mode, a program in full screen, a prompt for consent, a graphics card that is
//! reset. Then there is no picture, which becomes a gap, and a session is begun anew until it works. The duplication may have no picture of a desktop that
//! stands still when it begins: then the first one is a copy of the desktop, of the time at which it was taken.

use std::time::Duration;

use super::choice::Way;
use super::ffi::{self, Fault, Got};
use super::flow::{Came, Flow, Then};
use super::pictures::{Pictures, Subject, item, unavailable};
use super::places::{self, Monitor};
use super::screen::{Away, DesktopScreen};
use crate::base::event::Area;
use crate::base::time::MonoNs;
use crate::capture::{Absence, CaptureError, Look};

/// How long the first picture of a session is waited for, and how often it is looked for.
const FIRST: Duration = Duration::from_secs(2);
const LOOK_EVERY: Duration = Duration::from_millis(5);

impl DesktopScreen {
    /// Waits for the first picture: a session that has none is of no use.
    pub(super) fn begin(&mut self) -> Result<(), CaptureError> {
        let begun = self.clock.now();
        while self.pictures.is_some() && self.first.is_none() {
            let monitors = ffi::monitors();
            match self.look_by_session(self.area, &monitors, false)? {
                look @ Look::New { .. } => self.first = Some(look),
                Look::Hidden { why, .. } => return Err(unavailable(self.way, why.told().into())),
                Look::Same { .. } if self.clock.now().since(begun) >= FIRST => {
                    let why = format!("no picture came in {} s", FIRST.as_secs());
                    return Err(unavailable(self.way, why));
                }
                Look::Same { .. } => self.clock.sleep_until(self.clock.now().plus(LOOK_EVERY)),
            }
        }
        Ok(())
    }

    /// Where that lies which the session takes.
    fn within(&self, area: Area, monitors: &[Monitor]) -> Option<Area> {
        match &self.subject {
            Subject::Window(id) => ffi::frame_of(*id),
            Subject::Monitor(_) | Subject::Region(_) => places::host(monitors, area).map(|monitor| monitor.area),
        }
    }

    /// The system has taken the session away, or it has nothing.
    fn interrupted(&mut self, detail: &str) -> Result<Look, CaptureError> {
        if !ffi::is_own_desktop() {
            return self.absent(Away::For(Absence::ScreenLocked));
        }
        tracing::debug!(target: "capture", detail, "the system has taken the pictures away");
        let gone = CaptureError::Gone { what: "screen", detail: detail.into() };
        self.absent(Away::Lost(Absence::AccessLost, gone))
    }

    /// Has a session that is open. One that is begun anew is of an absence until its first picture.
    fn reopen(&mut self, area: Area, monitors: &[Monitor]) -> Result<(), Fault> {
        let now = self.clock.now();
        let Some(pictures) = self.pictures.as_mut().filter(|pictures| !pictures.is_open()) else { return Ok(()) };
        let why = if self.renewed.is_some() { Absence::WindowGone } else { Absence::AccessLost };
        self.away.get_or_insert((now, why));
        let Some(item) = item(&self.subject, area, monitors) else {
            return Err(Fault { code: 0, said: "the region lies on more than one monitor now".into() });
        };
        pictures.reopen(&item)?;
        self.stamps.restart(now);
        self.flow = Flow::begun(now);
        Ok(())
    }

    /// Takes what came since the last look into `next`.
    fn take(&mut self, area: Area, monitors: &[Monitor]) -> Result<Got, Fault> {
        let fault = |said: String| Fault { code: 0, said };
        let within = self.within(area, monitors).ok_or_else(|| fault("it is on no monitor".into()))?;
        self.make_room((area.width, area.height)).map_err(|error| fault(error.to_string()))?;
        let Some(pictures) = &mut self.pictures else { return Ok(Got::Nothing) };
        let got = pictures.take(area, within, &mut self.next)?;
        if got != Got::Nothing || self.way != Way::Dxgi || !self.flow.is_quiet(self.clock.now()) {
            return Ok(got);
        }
        self.next.copy_desktop((area.x, area.y)).map_err(fault)?;
        Ok(Got::Picture(self.clock.now().0))
    }

    /// What follows from what was taken.
    fn took(&mut self, got: Got, now: MonoNs) -> Then {
        let came = match got {
            Got::Picture(_) => Came::Picture,
            Got::Nothing => Came::Nothing,
            Got::Unfit => Came::Unfit,
        };
        self.flow.took(came, self.away.is_some(), now)
    }

    /// Looks whether something came.
    pub(super) fn look_by_session(
        &mut self,
        area: Area,
        monitors: &[Monitor],
        whole: bool,
    ) -> Result<Look, CaptureError> {
        if let Err(fault) = self.reopen(area, monitors) {
            return self.interrupted(&fault.said);
        }
        self.list(monitors);
        let got = self.take(area, monitors);
        let now = self.clock.now();
        self.list(monitors);
        self.roster.note(now);
        let got = match got {
            Err(fault) => return self.interrupted(&fault.said),
            Ok(got) => got,
        };
        match (self.took(got, now), got, self.away) {
            (Then::Picture, Got::Picture(stamp), _) => {
                let t = self.stamps.picture(stamp, now);
                let first = self.first.take();
                // It may be the same as the first, which nobody has seen.
                Ok(match (first, self.came(area, whole, t, now)) {
                    (Some(first), Look::Same { .. }) => first,
                    (_, look) => look,
                })
            }
            (Then::Anew(why), ..) => self.interrupted(why),
            (_, _, Some((since, why))) => Ok(Look::Hidden { since, why }),
            (Then::Same, ..) => Ok(self.nothing(area, whole, now)),
            // Nothing is vouched for beyond what was.
            _ => Ok(Look::same(self.stamps.known(), self.stamps.age_us(self.stamps.known()))),
        }
    }

    /// A picture of `t` is in `next`.
    fn came(&mut self, area: Area, whole: bool, t: MonoNs, now: MonoNs) -> Look {
        let late = self.stamps.age_us(now);
        if !self.cursor {
            return self.hand_out(area, whole, (t, late), (t, late));
        }
        self.clean.clear();
        self.clean.extend_from_slice(self.next.pixels());
        let drawn = self.draw_pointer(area);
        let age_us = self.stamps.age_us(drawn);
        self.hand_out(area, whole, (drawn, age_us), (t, late))
    }

    /// Draws the pointer where it is now, which is the time of the picture then.
    fn draw_pointer(&mut self, area: Area) -> MonoNs {
        self.next.draw_pointer((area.x, area.y));
        self.clock.now()
    }

    /// Nothing came: the picture before stands, but for the pointer where that is drawn here.
    fn nothing(&mut self, area: Area, whole: bool, now: MonoNs) -> Look {
        let until = self.stamps.nothing(now);
        if let Some(first) = self.first.take() {
            return first;
        }
        let stale_us = self.stamps.age_us(until);
        if self.cursor && self.clean.len() == self.next.pixels().len() {
            self.next.pixels_mut().copy_from_slice(&self.clean);
            let drawn = self.draw_pointer(area);
            let age_us = self.stamps.age_us(drawn);
            return self.hand_out(area, whole, (drawn, age_us), (until, stale_us));
        }
        let mut look = Look::same(until, stale_us);
        if self.shown.size() == (area.width, area.height) && std::mem::replace(&mut self.told, area) != area {
            self.area = area;
            let moved = places::surface(area, self.description.surface.scale);
            look = Look::Same { until, capture_us: stale_us, surface: Some(moved) };
        }
        look
    }

    /// In a pause: takes what comes, so that what is shown behind it is what was shown last.
    pub(super) fn keep_up(&mut self) {
        let monitors = ffi::monitors();
        let found = self.find(&monitors);
        let is_open = self.pictures.as_ref().is_some_and(Pictures::is_open);
        let Ok(area) = found else {
            if let Some(pictures) = &mut self.pictures {
                pictures.close();
            }
            return;
        };
        if !is_open {
            return;
        }
        let Ok(got) = self.take(area, &monitors) else { return };
        let now = self.clock.now();
        if let (Then::Picture, Got::Picture(stamp)) = (self.took(got, now), got) {
            let t = self.stamps.picture(stamp, now);
            // The next look tells of where it is, and of the first picture.
            let (told, renewed, is_first) = (self.told, self.renewed.take(), self.first.is_some());
            let look = self.came(area, true, t, now);
            (self.told, self.renewed) = (told, renewed);
            self.first = is_first.then_some(look);
        }
    }
}
