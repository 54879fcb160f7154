//! Pictures by GDI: what the desktop shows, copied.
//!
//! Works on every Windows, and asks nothing of other processes. A window is cut out of what the desktop shows, so that what is drawn by
//! the graphics card is there too; where windows of others lie over it, the picture is black.
//!
//! Invariants: what a picture shows is never newer than its time, which is read behind the copy; the list of windows is read before and
//! behind it. "Unchanged" means that every pixel is the same.

use std::sync::Arc;
use std::time::Duration;

use super::ffi::{self, Canvas, Programs, Standing};
use super::front::id_text;
use super::places::{self, Monitor, surface};
use super::roster::{Roster, WindowFacts, over};
use crate::base::event::{Area, Surface};
use crate::base::time::{Clock, MonoNs};
use crate::capture::backend::ScreenPlan;
use crate::capture::letterbox::{Letterbox, Picture};
use crate::capture::{
    Absence, BgraView, CaptureError, Covered, FacetSet, Look, ScreenDescription, ScreenSource, Target,
};

/// The name of this way.
pub(super) const GDI: &str = "gdi";

/// What is recorded.
enum Subject {
    Monitor(String),
    Region(Area),
    Window(u64),
}

/// What keeps a surface away, and whether it may come again.
enum Away {
    For(Absence),
    Lost(Absence, CaptureError),
}

pub(super) struct GdiScreen {
    clock: Arc<dyn Clock>,
    target: Target,
    subject: Subject,
    description: ScreenDescription,
    cursor: bool,
    wait: Duration,
    /// Where the surface is, and where it was said to be.
    area: Area,
    told: Area,
    /// The picture that was handed out, and the one that is taken next.
    shown: Canvas,
    next: Canvas,
    /// The surface is of another size than at the start: its picture in that size.
    fitted: Option<(Letterbox, Vec<u8>)>,
    /// Something was handed out of this size.
    is_fresh: bool,
    away: Option<MonoNs>,
    renewed: Option<String>,
    programs: Programs,
    roster: Roster,
}

fn unavailable(detail: String) -> CaptureError {
    CaptureError::Unavailable { backend: GDI, what: "screen".into(), detail }
}

/// Opens what the plan names.
///
/// # Errors
/// [`CaptureError::NoDisplay`], [`CaptureError::NoTarget`], [`CaptureError::BadSize`] for a region that is odd or not on the desktop,
/// [`CaptureError::Unavailable`] when no picture can be taken.
pub(super) fn open(plan: &ScreenPlan) -> Result<Box<dyn ScreenSource>, CaptureError> {
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
    let canvas = || Canvas::new(size).map_err(unavailable);
    let (mut shown, next) = (canvas()?, canvas()?);
    shown.copy_desktop((area.x, area.y)).map_err(unavailable)?;
    // Wine has no shapes of the pointers of other programs.
    let cursor = plan.cursor && shown.draw_pointer((area.x, area.y));
    if plan.cursor && !cursor {
        tracing::warn!(target: "capture", "the system does not show the shape of the pointer: it is not in the pictures");
    }
    let (target, window_id) = match &subject {
        Subject::Monitor(name) => (format!("monitor {name}"), None),
        Subject::Region(_) => ("region".into(), None),
        Subject::Window(id) => (format!("window {}{}", id_text(*id), plan.target.asked()), Some(id_text(*id))),
    };
    let description = ScreenDescription {
        backend: GDI.into(),
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
    };
    Ok(Box::new(GdiScreen {
        clock: Arc::clone(&plan.clock),
        target: plan.target.clone(),
        subject,
        description,
        cursor,
        wait: plan.wait_target,
        area,
        told: area,
        shown,
        next,
        fitted: None,
        is_fresh: false,
        away: None,
        renewed: None,
        programs,
        roster: Roster::new(Arc::clone(&plan.exclusions), ffi::desktop()),
    }))
}

impl GdiScreen {
    fn start(&self) -> (u32, u32) {
        (self.description.surface.width, self.description.surface.height)
    }

    /// Where the surface is now.
    fn find(&mut self, monitors: &[Monitor]) -> Result<Area, Away> {
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
                self.renewed = Some(id_text(id));
                Ok(area)
            }
            _ => Err(Away::Lost(Absence::WindowGone, error)),
        }
    }

    /// There is no picture: says so, and for how long that may be.
    fn absent(&mut self, away: Away) -> Result<Look, CaptureError> {
        let now = self.clock.now();
        let since = *self.away.get_or_insert(now);
        match away {
            Away::For(why) => Ok(Look::Hidden { since, why }),
            Away::Lost(why, error) => {
                let is_hopeless = matches!(self.target, Target::WindowId(_));
                if is_hopeless || now.since(since) >= self.wait { Err(error) } else { Ok(Look::Hidden { since, why }) }
            }
        }
    }

    /// The windows, where anybody wants to know.
    fn list(&mut self, monitors: &[Monitor]) -> Vec<WindowFacts> {
        if self.roster.is_idle() && !matches!(self.subject, Subject::Window(_)) {
            return Vec::new();
        }
        let list = ffi::windows(&mut self.programs, monitors);
        let now = self.clock.now();
        self.roster.take(&list, now);
        list
    }

    /// Takes a picture of this area into `next`, and answers with its time.
    fn take(&mut self, area: Area, monitors: &[Monitor]) -> Result<MonoNs, CaptureError> {
        let failed = |detail| CaptureError::System { what: "taking a picture", detail };
        let size = (area.width, area.height);
        if self.next.size() != size {
            self.next = Canvas::new(size).map_err(failed)?;
        }
        let before = self.list(monitors);
        self.next.copy_desktop((area.x, area.y)).map_err(failed)?;
        if self.cursor {
            self.next.draw_pointer((area.x, area.y));
        }
        let t = self.clock.now();
        let behind = self.list(monitors);
        self.roster.note(self.clock.now());
        if let Subject::Window(id) = self.subject {
            for other in over(&before, id).into_iter().chain(over(&behind, id)) {
                let other = self.roster.reach(other);
                let place = Area { x: other.x.saturating_sub(area.x), y: other.y.saturating_sub(area.y), ..other };
                if let Some(place) = place.inside(size) {
                    blacken(self.next.pixels_mut(), size.0, place);
                }
            }
        }
        Ok(t)
    }
}

/// Paints an area of a packed picture black.
fn blacken(pixels: &mut [u8], width: u32, area: Area) {
    let (left, length) = (area.x as usize * 4, area.width as usize * 4);
    for row in pixels.chunks_exact_mut(width as usize * 4).skip(area.y as usize).take(area.height as usize) {
        row[left..left + length].fill(0);
    }
}

impl ScreenSource for GdiScreen {
    fn describe(&self) -> ScreenDescription {
        self.description.clone()
    }

    fn look(&mut self, whole: bool) -> Result<Look, CaptureError> {
        let asked = self.clock.now();
        let monitors = ffi::monitors();
        let area = match self.find(&monitors) {
            Ok(area) => area,
            Err(away) => return self.absent(away),
        };
        let t = match self.take(area, &monitors) {
            Ok(t) => t,
            // The desktop was changed under the copy.
            Err(_) if !ffi::is_own_desktop() => return self.absent(Away::For(Absence::ScreenLocked)),
            Err(error) => return Err(error),
        };
        self.away = None;
        self.area = area;
        let capture_us = u32::try_from(t.since(asked).as_micros()).unwrap_or(u32::MAX);
        let moved = std::mem::replace(&mut self.told, area) != area;
        let surface: Option<Surface> = moved.then(|| surface(area, self.description.surface.scale));
        let is_same =
            self.is_fresh && self.shown.size() == self.next.size() && self.shown.pixels() == self.next.pixels();
        if is_same && !whole && self.renewed.is_none() {
            return Ok(Look::Same { until: t, capture_us, surface });
        }
        std::mem::swap(&mut self.shown, &mut self.next);
        self.is_fresh = true;
        self.fit();
        Ok(Look::New { t, capture_us, surface, renewed: self.renewed.take() })
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
        let inside = |mut covered: Covered| {
            covered.area.x = covered.area.x.saturating_sub(self.area.x);
            covered.area.y = covered.area.y.saturating_sub(self.area.y);
            covered.area = self.place(covered.area.inside((self.area.width, self.area.height))?);
            Some(covered)
        };
        self.roster.covered().into_iter().filter_map(inside).collect()
    }

    fn games(&self) -> u64 {
        self.roster.games()
    }

    fn place(&self, area: Area) -> Area {
        self.fitted.as_ref().map_or(area, |(letterbox, _)| letterbox.place(area))
    }
}

impl GdiScreen {
    /// Brings a picture of another size into that of the start.
    fn fit(&mut self) {
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
