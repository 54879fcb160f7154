//! Displays, points and pixels: where a point of the desktop is in pixels, and what of it a target names.
//!
//! Pure. The system counts in points, and each display has its own number of pixels for one. Places of a recording are pixels, so a display lies where
//! its corner is in pixels of the finest display, and is as large as its own pixels are: with one scale that is the desktop exactly; with
//! several, displays of fewer pixels leave room between themselves and the next. Invariants: no two displays overlap; pictures and inputs use the same map.

use super::points::Points;
use super::window::WindowFacts;
use crate::base::event::{Area, Content, Surface};
use crate::capture::{CaptureError, Target, TargetInfo};
use crate::privacy::names;

/// The layer of what stands in the menu bar (`kCGStatusWindowLevel`), and more points than the bar is high.
const MENU_EXTRA: i32 = 25;
const MENU_BAR: f64 = 50.0;

/// A display.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Display {
    /// The system's number of it.
    pub(super) id: u32,
    pub(super) points: Points,
    /// Pixels for one point.
    pub(super) scale: f64,
    pub(super) is_main: bool,
    pub(super) refresh_hz: Option<f64>,
    /// It shows nothing, and what it is is known from before it went to sleep.
    pub(super) asleep: bool,
}

impl Display {
    /// Its name, as `--monitor` takes it.
    pub(super) fn name(&self) -> String {
        self.id.to_string()
    }
}

/// The displays, the main one first.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Desktop(pub(super) Vec<Display>);

fn missing(wanted: impl Into<String>) -> CaptureError {
    CaptureError::NoTarget { wanted: wanted.into() }
}

/// A length or a place in whole pixels.
fn whole(pixels: f64) -> i32 {
    pixels.round() as i32
}

/// The least area with both.
fn both(all: Area, one: Area) -> Area {
    let (x, y) = (all.x.min(one.x), all.y.min(one.y));
    let right = (all.x + all.width as i32).max(one.x + one.width as i32);
    let bottom = (all.y + all.height as i32).max(one.y + one.height as i32);
    Area { x, y, width: right.abs_diff(x), height: bottom.abs_diff(y) }
}

impl Desktop {
    fn finest(&self) -> f64 {
        self.0.iter().map(|display| display.scale).fold(1.0, f64::max)
    }

    fn corner(&self, display: &Display) -> (f64, f64) {
        let finest = self.finest();
        (f64::from(whole(display.points.x * finest)), f64::from(whole(display.points.y * finest)))
    }

    /// The display on which a point is, or to which it is nearest.
    fn nearest(&self, at: (f64, f64)) -> Option<&Display> {
        self.0.iter().min_by(|a, b| a.points.away(at).total_cmp(&b.points.away(at)))
    }

    /// Where a point is, pixels.
    pub(super) fn pixels(&self, at: (f64, f64)) -> Option<(f64, f64)> {
        let display = self.0.iter().find(|display| display.points.has(at)).or_else(|| self.nearest(at))?;
        let (x, y) = self.corner(display);
        Some((x + (at.0 - display.points.x) * display.scale, y + (at.1 - display.points.y) * display.scale))
    }

    /// Where a display is, pixels.
    pub(super) fn area(&self, display: &Display) -> Area {
        let (x, y) = self.corner(display);
        let length = |points: f64| u32::try_from(whole(points * display.scale)).unwrap_or(0);
        Area { x: x as i32, y: y as i32, width: length(display.points.width), height: length(display.points.height) }
    }

    /// Where a window is, in pixels of the display that its centre is on, and the scale of that. Never less than what it touches.
    pub(super) fn area_of(&self, points: Points) -> (Area, f64) {
        let Some(display) = self.nearest(points.centre()) else { return (Area::default(), 1.0) };
        (self.on(display, points), display.scale)
    }

    /// A rectangle in pixels of this display, wherever it is.
    fn on(&self, display: &Display, points: Points) -> Area {
        let (x, y) = self.corner(display);
        let at = |along: f64, from: f64| (along - from) * display.scale;
        let (left, top) = ((x + at(points.x, display.points.x)).floor(), (y + at(points.y, display.points.y)).floor());
        let right = (x + at(points.x + points.width, display.points.x)).ceil();
        let bottom = (y + at(points.y + points.height, display.points.y)).ceil();
        let (width, height) = ((right - left).max(0.0) as u32, (bottom - top).max(0.0) as u32);
        Area { x: left as i32, y: top as i32, width, height }
    }

    /// What a window touches: on each display in pixels of that one, and all of them in one area. Never less than what is seen of it.
    pub(super) fn touched(&self, points: Points) -> Area {
        let parts = self.0.iter().filter_map(|display| Some((display, points.and(display.points)?)));
        let parts = parts.map(|(display, part)| self.on(display, part));
        parts.reduce(both).unwrap_or_else(|| self.area_of(points).0)
    }

    /// A sign in the menu bar: always there, and nothing is typed into it.
    pub(super) fn is_menu_extra(&self, facts: &WindowFacts) -> bool {
        let Points { y, height, .. } = facts.points;
        // Also while the bar slides in or out above a program in full screen.
        let is_on_top = |display: &Display| {
            (y - display.points.y).abs() <= 1.0 || (y < display.points.y && y + height > display.points.y)
        };
        let near = self.nearest(facts.points.centre());
        facts.layer == MENU_EXTRA && height <= MENU_BAR && near.is_some_and(is_on_top)
    }

    /// Of displays that sleep, what was known before: their modes say nothing meanwhile.
    #[must_use]
    pub(super) fn or_before(mut self, before: &Self) -> Self {
        for display in self.0.iter_mut().filter(|display| display.asleep) {
            if let Some(known) = before.0.iter().find(|known| known.id == display.id) {
                *display = Display { asleep: true, is_main: display.is_main, ..known.clone() };
            }
        }
        self
    }

    /// Where all displays together are, pixels.
    pub(super) fn whole(&self) -> Area {
        let areas = self.0.iter().map(|display| self.area(display));
        areas.reduce(both).unwrap_or_default()
    }

    /// The display that a target names: the main one, or one by its number or its place in the list. Its own number goes before that.
    pub(super) fn display(&self, wanted: Option<&str>) -> Result<&Display, CaptureError> {
        let Some(wanted) = wanted else {
            let main = self.0.iter().find(|display| display.is_main).or(self.0.first());
            return main.ok_or_else(|| CaptureError::NoDisplay { detail: "the system has no display".into() });
        };
        let named = self.0.iter().find(|display| display.name() == wanted);
        let counted = || self.0.get(wanted.parse::<usize>().ok()?.checked_sub(1)?);
        named.or_else(counted).ok_or_else(|| missing(format!("monitor {wanted}")))
    }

    /// The display that a region lies on, and where it is there, in points from its corner.
    pub(super) fn region(&self, wanted: Area) -> Result<(&Display, Points), CaptureError> {
        let on = |display: &&Display| {
            wanted.and(self.area(display)).map(|room| u64::from(room.width) * u64::from(room.height))
        };
        let Area { x, y, width, height } = wanted;
        let display = self.0.iter().filter(|display| on(display).is_some()).max_by_key(on);
        let display = display.ok_or_else(|| missing(format!("a region at {x},{y} (no display is there)")))?;
        let area = self.area(display);
        let room = wanted.and(area).unwrap_or_default();
        let nearest = (room.width & !1, room.height & !1);
        if (room.x, room.y) != (x, y) || nearest.0 < 2 || nearest.1 < 2 {
            return Err(missing(format!("a region at {x},{y} (it begins outside of display {})", display.name())));
        }
        if nearest != (width, height) {
            let why = if (room.width, room.height) == (width, height) {
                "a region needs an even width and height".to_owned()
            } else {
                format!(
                    "a region lies on one display, and {} has {}x{} pixels",
                    display.name(),
                    area.width,
                    area.height
                )
            };
            return Err(CaptureError::BadSize { width, height, why, nearest: Some(nearest) });
        }
        let points = |pixels: i32| f64::from(pixels) / display.scale;
        let (x, y) = (points(x - area.x), points(y - area.y));
        Ok((display, Points { x, y, width: points(width as i32), height: points(height as i32) }))
    }
}

/// The window that a target names, in a list from the top to the bottom.
pub(super) fn window<'a>(list: &'a [WindowFacts], target: &Target) -> Result<&'a WindowFacts, CaptureError> {
    let mut usual = list.iter().filter(|facts| facts.layer == 0);
    let (found, wanted) = match target {
        Target::WindowId(text) => {
            let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
            let id = hex.map_or_else(|| text.parse().ok(), |hex| u32::from_str_radix(hex, 16).ok());
            (list.iter().find(|facts| Some(facts.id) == id), format!("window {text}"))
        }
        Target::WindowTitle(part) => (
            usual.find(|facts| !facts.title.is_empty() && names::title_fits(part, &facts.title)),
            format!("a window with a title that contains {part:?}"),
        ),
        Target::WindowApp(app) => (
            usual.find(|facts| names::app_fits(app, &facts.app, &facts.bundle)),
            format!("a window of the application {app:?}"),
        ),
        Target::Primary | Target::Monitor(_) | Target::Region { .. } => (None, "a window".into()),
    };
    found.ok_or_else(|| missing(wanted))
}

/// A surface with its scale.
pub(super) fn surface(area: Area, scale: f64) -> Surface {
    Surface { x: area.x, y: area.y, width: area.width, height: area.height, scale: Some(scale as f32) }
}

/// What `watchcap targets` lists: displays, then usual windows with a title or of an application from the top to the bottom.
pub(super) fn targets(desktop: &Desktop, list: &[WindowFacts]) -> Vec<TargetInfo> {
    let shown = desktop.0.iter().map(|display| TargetInfo {
        kind: "monitor",
        id: display.name(),
        title: Content::default(),
        app: String::new(),
        instance: String::new(),
        pid: None,
        surface: Some(surface(desktop.area(display), display.scale)),
        refresh_hz: display.refresh_hz,
        primary: display.is_main,
    });
    let usual = || list.iter().filter(|facts| facts.layer == 0 && facts.on_screen);
    let active = usual().next().map(|facts| facts.id);
    let windows = usual().map(|facts| {
        let (area, scale) = desktop.area_of(facts.points);
        TargetInfo {
            kind: "window",
            id: facts.id.to_string(),
            title: Content(facts.title.clone()),
            app: facts.app.clone(),
            instance: facts.bundle.clone(),
            pid: Some(facts.pid),
            surface: Some(surface(area, scale)),
            refresh_hz: None,
            primary: active == Some(facts.id),
        }
    });
    shown.chain(windows).collect()
}

#[cfg(test)]
#[path = "places_tests.rs"]
mod tests;
