//! Pictures of the desktop, of a region or of a window, by any of the ways that Windows has.
//!
//! GDI copies what the desktop shows when it is asked: it works on every Windows, and a window is cut out of the desktop, so that the picture is
//! black where windows of others lie over it. The others hand out what the compositor has, with its time ([`super::pictures`]): a window alone by
//! Windows.Graphics.Capture is what it draws itself, whatever lies over it.
//!
//! Invariants: what a picture shows is never newer than its time; the list of windows is read before and behind it. "Unchanged" means that every
//! pixel is the same. Behind an absence no picture from before it is handed out.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::choice::Way;
use super::ffi::{self, Canvas, Programs, Standing};
use super::flow::Flow;
use super::front::id_text;
use super::pictures::{self, Pictures, Subject, session, unavailable};
use super::places::{self, Monitor, surface};
use super::roster::{Roster, WindowFacts, over};
use super::stamps::Stamps;
use crate::base::event::{Area, Surface};
use crate::base::time::{Clock, MonoNs};
use crate::capture::backend::ScreenPlan;
use crate::capture::letterbox::{Letterbox, Picture};
use crate::capture::{
    Absence, Behind, BgraView, CaptureError, Covered, FacetSet, Look, ScreenDescription, ScreenSource, Target,
};

/// How long it is tried to have the screen again that the system took away, where `--wait-target` says less.
const PATIENCE: Duration = Duration::from_secs(30);

/// What keeps a surface away, and whether it may come again.
pub(super) enum Away {
    For(Absence),
    Lost(Absence, CaptureError),
}

pub(super) struct DesktopScreen {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) target: Target,
    pub(super) subject: Subject,
    pub(super) description: ScreenDescription,
    pub(super) way: Way,
    /// The session of a way that hands out pictures by itself.
    pub(super) pictures: Option<Pictures>,
    pub(super) stamps: Stamps,
    /// What comes of the session.
    pub(super) flow: Flow,
    /// The pointer is drawn here.
    pub(super) cursor: bool,
    /// Where it is, the last picture without it.
    pub(super) clean: Vec<u8>,
    pub(super) wait: Duration,
    /// Where the surface is, and where it was said to be.
    pub(super) area: Area,
    pub(super) told: Area,
    /// The picture that was handed out, and the one that is taken next.
    pub(super) shown: Canvas,
    pub(super) next: Canvas,
    /// The surface is of another size than at the start: its picture in that size.
    pub(super) fitted: Option<(Letterbox, Vec<u8>)>,
    /// Something was handed out of this size.
    pub(super) is_fresh: bool,
    /// The first picture of a session, which nobody has asked for yet.
    pub(super) first: Option<Look>,
    pub(super) away: Option<(MonoNs, Absence)>,
    pub(super) renewed: Option<String>,
    pub(super) programs: Programs,
    pub(super) roster: Roster,
}

/// Opens what the plan names.
///
/// # Errors
/// [`CaptureError::NoDisplay`], [`CaptureError::NoTarget`], [`CaptureError::BadSize`] for a region that is odd or not on the desktop,
/// [`CaptureError::Unavailable`] when no picture can be taken.
pub(super) fn open(way: Way, plan: &ScreenPlan) -> Result<Box<dyn ScreenSource>, CaptureError> {
    ffi::be_aware_of_pixels();
    let mut programs = Programs::default();
    let monitors = ffi::monitors();
    let (subject, area, on) = match &plan.target {
        Target::Primary | Target::Monitor(_) => {
            let wanted = if let Target::Monitor(wanted) = &plan.target { Some(wanted.as_str()) } else { None };
            let found = places::monitor(&monitors, wanted)?;
            (Subject::Monitor(found.name.clone()), found.area, Some(found))
        }
        Target::Region { x, y, width, height } => {
            let area = places::region((*x, *y), (*width, *height), ffi::desktop())?;
            (Subject::Region(area), area, None)
        }
        Target::WindowId(_) | Target::WindowTitle(_) | Target::WindowApp(_) => {
            let list = ffi::windows(&mut programs, &monitors);
            let id = places::window(&list, &plan.target)?.id;
            let Standing::There(area) = ffi::standing(id) else {
                return Err(CaptureError::NoTarget { wanted: "the window (it is minimised or gone)".into() });
            };
            (Subject::Window(id), area, None)
        }
    };
    let size = (area.width, area.height);
    if size.0 < 2 || size.1 < 2 {
        let why = "it is too small".into();
        return Err(CaptureError::BadSize { width: size.0, height: size.1, why, nearest: None });
    }
    let canvas = || Canvas::new(size).map_err(|detail| unavailable(way, detail));
    let (mut shown, next) = (canvas()?, canvas()?);
    let session = session(way, plan, &subject, area, &monitors)?;
    let draws = session.as_ref().is_some_and(Pictures::draws_pointer);
    if session.is_none() {
        shown.copy_desktop((area.x, area.y)).map_err(|detail| unavailable(way, detail))?;
    }
    // Wine has no shapes of the pointers of other programs.
    let cursor = plan.cursor && (draws || shown.draw_pointer((area.x, area.y)));
    if plan.cursor && !cursor {
        tracing::warn!(target: "capture", "the system does not show the shape of the pointer: it is not in the pictures");
    }
    let (target, window_id) = match &subject {
        Subject::Monitor(name) => (format!("monitor {name}"), None),
        Subject::Region(_) => ("region".into(), None),
        Subject::Window(id) => (format!("window {}{}", id_text(*id), plan.target.asked()), Some(id_text(*id))),
    };
    let description = ScreenDescription {
        backend: way.name().into(),
        surface: surface(area, on.as_ref().and_then(|monitor| monitor.scale)),
        refresh_hz: on.and_then(|monitor| monitor.refresh_hz),
        cursor,
        sees_changes: true,
        target,
        window_id,
        masks_windows: true,
        display_server: None,
        names_programs: true,
        hands_in: FacetSet::NONE,
        settings: pictures::settings(session.as_ref(), cursor),
    };
    let mut screen = DesktopScreen {
        clock: Arc::clone(&plan.clock),
        target: plan.target.clone(),
        subject,
        description,
        way,
        pictures: session,
        stamps: Stamps::default(),
        flow: Flow::begun(plan.clock.now()),
        cursor: cursor && !draws,
        clean: Vec::new(),
        wait: plan.wait_target,
        area,
        told: area,
        shown,
        next,
        fitted: None,
        is_fresh: false,
        first: None,
        away: None,
        renewed: None,
        programs,
        roster: Roster::new(Arc::clone(&plan.exclusions), ffi::desktop()),
    };
    screen.begin()?;
    Ok(Box::new(screen))
}

impl DesktopScreen {
    fn start(&self) -> (u32, u32) {
        (self.description.surface.width, self.description.surface.height)
    }

    /// Where the surface is now.
    pub(super) fn find(&mut self, monitors: &[Monitor]) -> Result<Area, Away> {
        if !ffi::is_own_desktop() {
            return Err(Away::For(Absence::ScreenLocked));
        }
        let gone = |what, detail: &str| CaptureError::Gone { what, detail: detail.into() };
        match &self.subject {
            Subject::Monitor(name) => {
                let there = monitors.iter().find(|monitor| monitor.name == *name);
                let lost = || Away::Lost(Absence::MonitorGone, gone("screen", "the monitor is not there any more"));
                there.map(|monitor| monitor.area).ok_or_else(lost)
            }
            Subject::Region(area) => {
                let lost =
                    || Away::Lost(Absence::RegionGone, gone("screen", "the desktop became smaller than the region"));
                area.and(ffi::desktop()).filter(|inside| inside == area).ok_or_else(lost)
            }
            Subject::Window(id) => match ffi::standing(*id) {
                Standing::There(area) if area.width >= 2 && area.height >= 2 => Ok(area),
                Standing::There(_) | Standing::Minimised => Err(Away::For(Absence::WindowMinimised)),
                Standing::Gone => self.seek(monitors),
            },
        }
    }

    /// The recorded window was closed: looks for one that takes its place. Of a window that was named by its handle there is none.
    fn seek(&mut self, monitors: &[Monitor]) -> Result<Area, Away> {
        let error = CaptureError::Gone { what: "window", detail: "it was closed".into() };
        let list = ffi::windows(&mut self.programs, monitors);
        let found = places::window(&list, &self.target).ok().map(|facts| facts.id);
        let Some(id) = found.filter(|_| !matches!(self.target, Target::WindowId(_))) else {
            return Err(Away::Lost(Absence::WindowGone, error));
        };
        match ffi::standing(id) {
            Standing::There(area) if area.width >= 2 && area.height >= 2 => {
                self.subject = Subject::Window(id);
                if let Some(pictures) = &mut self.pictures {
                    pictures.close();
                }
                self.renewed = Some(id_text(id));
                Ok(area)
            }
            _ => Err(Away::Lost(Absence::WindowGone, error)),
        }
    }

    /// There is no picture: says so, and for how long that may be.
    pub(super) fn absent(&mut self, away: Away) -> Result<Look, CaptureError> {
        let now = self.clock.now();
        if let Some(pictures) = &mut self.pictures {
            // What comes meanwhile is not of the recording, nor is what came before.
            pictures.close();
        }
        let (why, error) = match away {
            Away::For(why) => (why, None),
            Away::Lost(why, error) => (why, Some(error)),
        };
        let since = self.away.map_or(now, |(since, _)| since);
        self.away = Some((since, why));
        let is_hopeless = matches!(self.target, Target::WindowId(_)) && why == Absence::WindowGone;
        let patience = if why == Absence::AccessLost { self.wait.max(PATIENCE) } else { self.wait };
        match error {
            Some(error) if is_hopeless || now.since(since) >= patience => Err(error),
            _ => Ok(Look::Hidden { since, why }),
        }
    }

    /// The windows, where anybody wants to know; of a window that is taken by itself that one alone.
    pub(super) fn list(&mut self, monitors: &[Monitor]) -> Vec<WindowFacts> {
        let needs_others = self.pictures.is_none() && matches!(self.subject, Subject::Window(_));
        if self.roster.is_idle() && !needs_others {
            return Vec::new();
        }
        let mut list = ffi::windows(&mut self.programs, monitors);
        if let (Some(_), Subject::Window(id)) = (&self.pictures, &self.subject) {
            list.retain(|facts| facts.id == *id);
        }
        let now = self.clock.now();
        self.roster.take(&list, now);
        list
    }

    /// Has a canvas of this size for the next picture.
    pub(super) fn make_room(&mut self, size: (u32, u32)) -> Result<(), CaptureError> {
        if self.next.size() != size {
            let failed = |detail| CaptureError::System { what: "taking a picture", detail };
            self.next = Canvas::new(size).map_err(failed)?;
        }
        Ok(())
    }

    /// Copies a picture of this area into `next`, and answers with its time; `None` when the window that is recorded was not shown around it.
    fn copy(&mut self, area: Area, monitors: &[Monitor]) -> Result<Option<MonoNs>, CaptureError> {
        let failed = |detail| CaptureError::System { what: "taking a picture", detail };
        let size = (area.width, area.height);
        self.make_room(size)?;
        let before = self.list(monitors);
        self.next.copy_desktop((area.x, area.y)).map_err(failed)?;
        if self.cursor {
            self.next.draw_pointer((area.x, area.y));
        }
        let t = self.clock.now();
        let behind = self.list(monitors);
        self.roster.note(self.clock.now());
        if let Subject::Window(id) = self.subject {
            let (Some(before), Some(behind)) = (over(&before, id), over(&behind, id)) else { return Ok(None) };
            for other in before.into_iter().chain(behind) {
                let other = self.roster.reach(other);
                let place = Area { x: other.x.saturating_sub(area.x), y: other.y.saturating_sub(area.y), ..other };
                if let Some(place) = place.inside(size) {
                    blacken(self.next.pixels_mut(), size.0, place);
                }
            }
        }
        Ok(Some(t))
    }

    /// Looks whether the copy of the desktop is another one.
    fn look_by_copy(&mut self, area: Area, monitors: &[Monitor], whole: bool) -> Result<Look, CaptureError> {
        let asked = self.clock.now();
        let t = match self.copy(area, monitors) {
            Ok(Some(t)) => t,
            // It went to another virtual desktop, or is gone, which the next look says.
            Ok(None) => return self.absent(Away::For(Absence::WindowMinimised)),
            // The desktop was changed under the copy.
            Err(_) if !ffi::is_own_desktop() => return self.absent(Away::For(Absence::ScreenLocked)),
            Err(error) => return Err(error),
        };
        let us = u32::try_from(t.since(asked).as_micros()).unwrap_or(u32::MAX);
        Ok(self.hand_out(area, whole, (t, us), (t, us)))
    }

    /// Decides whether `next` is a new picture, of the first time, or the one before, which then stands up to the second.
    pub(super) fn hand_out(&mut self, area: Area, whole: bool, new: (MonoNs, u32), same: (MonoNs, u32)) -> Look {
        self.away = None;
        self.area = area;
        let moved = std::mem::replace(&mut self.told, area) != area;
        let surface: Option<Surface> = moved.then(|| surface(area, self.description.surface.scale));
        let is_same =
            self.is_fresh && self.shown.size() == self.next.size() && self.shown.pixels() == self.next.pixels();
        if is_same && !whole && self.renewed.is_none() {
            return Look::Same { until: same.0, capture_us: same.1, surface };
        }
        std::mem::swap(&mut self.shown, &mut self.next);
        self.is_fresh = true;
        self.fit();
        Look::New { t: new.0, capture_us: new.1, surface, renewed: self.renewed.take() }
    }
}

/// Paints an area of a packed picture black.
fn blacken(pixels: &mut [u8], width: u32, area: Area) {
    let (left, length) = (area.x as usize * 4, area.width as usize * 4);
    for row in pixels.chunks_exact_mut(width as usize * 4).skip(area.y as usize).take(area.height as usize) {
        row[left..left + length].fill(0);
    }
}

impl ScreenSource for DesktopScreen {
    fn describe(&self) -> ScreenDescription {
        self.description.clone()
    }

    fn look(&mut self, whole: bool) -> Result<Look, CaptureError> {
        let monitors = ffi::monitors();
        let area = match self.find(&monitors) {
            Ok(area) => area,
            Err(away) => return self.absent(away),
        };
        if self.pictures.is_some() {
            self.look_by_session(area, &monitors, whole)
        } else {
            self.look_by_copy(area, &monitors, whole)
        }
    }

    fn behind(&mut self) -> Option<Behind> {
        self.pictures.is_some().then(|| self.stamps.behind())
    }

    fn rest(&mut self) -> Result<(), CaptureError> {
        if self.pictures.is_some() {
            self.keep_up();
        }
        Ok(())
    }

    fn passed_over(&mut self, refused: &[String]) {
        self.description.settings.push(("instead_of".into(), json!(refused)));
    }

    fn frame(&mut self) -> Result<BgraView<'_>, CaptureError> {
        let (width, height) = self.start();
        let data = match &mut self.fitted {
            Some((_, pixels)) => pixels.as_mut_slice(),
            None => self.shown.pixels_mut(),
        };
        Ok(BgraView { data, stride: width as usize * 4, width, height })
    }

    fn covered(&self) -> Vec<Covered> {
        let inside = self.roster.covered().into_iter().filter_map(|covered| covered.inside(self.area));
        inside.map(|covered| Covered { area: self.place(covered.area), ..covered }).collect()
    }

    fn games(&self) -> u64 {
        self.roster.games()
    }

    fn place(&self, area: Area) -> Area {
        self.fitted.as_ref().map_or(area, |(letterbox, _)| letterbox.place(area))
    }
}

impl DesktopScreen {
    /// Brings a picture of another size into that of the start.
    pub(super) fn fit(&mut self) {
        let (size, start) = (self.shown.size(), self.start());
        if size == start {
            self.fitted = None;
            return;
        }
        let (width, height) = start;
        let fresh = || (Letterbox::fitted(size, start), vec![0; width as usize * height as usize * 4]);
        let (letterbox, pixels) = self.fitted.get_or_insert_with(fresh);
        if letterbox.source() != size {
            *letterbox = Letterbox::fitted(size, start);
        }
        let picture = Picture { data: self.shown.pixels(), stride: size.0 as usize * 4, width: size.0, height: size.1 };
        letterbox.apply(picture, &mut BgraView { data: pixels, stride: width as usize * 4, width, height });
    }
}
