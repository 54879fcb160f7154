//! Finds what a target names among the monitors and windows.

use super::connection::{BACKEND, compositor};
use super::output::Output;
use super::toplevel::{Facts, Toplevel, Windows};
use crate::base::event::{Area, Surface};
use crate::base::time::MonoNs;
use crate::capture::{CaptureError, Target};
use crate::privacy::names;

/// How long before the recorded window was closed the one that takes its place may have come: some programs make it first. So one that was opened beside
/// it within this time, and that the same name fits, takes its place as well: nothing tells these apart.
const BEFORE_NS: i64 = 5_000_000_000;

/// Which it is.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Which {
    /// A monitor, by its name, or by its number in the registry where it has none.
    Monitor { name: String, global: u32 },
    /// A window, by its identifier.
    Window(String),
}

/// What is recorded.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    which: Which,
    /// The rule by which it was found.
    target: Target,
    /// Upper left corner in its pictures, and the size, when it is a part.
    pub(super) part: Option<((u32, u32), (u32, u32))>,
    /// How it is called in the metadata.
    pub(super) called: String,
}

impl Subject {
    fn of_window(facts: &Facts, target: &Target) -> Self {
        let called = format!("window {}{}", facts.identifier, target.asked());
        Self { which: Which::Window(facts.identifier.clone()), target: target.clone(), part: None, called }
    }

    pub(super) fn is_window(&self) -> bool {
        matches!(self.which, Which::Window(_))
    }

    /// What it is called when it is gone.
    pub(super) fn kind(&self) -> &'static str {
        if self.is_window() { "window" } else { "screen" }
    }

    /// Its identifier, when it is a window.
    pub(super) fn window_id(&self) -> Option<&str> {
        if let Which::Window(identifier) = &self.which { Some(identifier) } else { None }
    }

    /// Returns the monitor, when it is one and it is there.
    pub(super) fn output<'a>(&self, outputs: &'a [Output]) -> Option<&'a Output> {
        let Which::Monitor { name, global } = &self.which else { return None };
        outputs.iter().find(|output| if name.is_empty() { output.global == *global } else { output.name == *name })
    }

    /// Returns the window, when it is one and it is there.
    pub(super) fn window<'a>(&self, windows: &'a Windows) -> Option<(&'a Toplevel, &'a Facts)> {
        windows.get(self.window_id()?)
    }

    /// Has what it says of itself kept from now on, when it is a window.
    pub(super) fn followed(&self, windows: &mut Windows) {
        let number = self.window(windows).map(|(window, _)| window.number);
        windows.follow(number);
    }

    /// Whether it is there.
    pub(super) fn is_there(&self, outputs: &[Output], windows: &Windows) -> bool {
        self.output(outputs).is_some() || self.window(windows).is_some()
    }

    /// Returns where the surface is on the desktop, when its picture has this size. Of a window nobody tells: its corner is that of its picture.
    pub(super) fn surface(&self, outputs: &[Output], picture: (u32, u32)) -> Option<Surface> {
        if self.is_window() {
            return Some(Surface { x: 0, y: 0, width: picture.0, height: picture.1, scale: None });
        }
        let whole = self.output(outputs)?.surface();
        Some(match self.part {
            Some(((x, y), (width, height))) => {
                Surface { x: whole.x + x as i32, y: whole.y + y as i32, width, height, scale: whole.scale }
            }
            None => Surface { width: picture.0, height: picture.1, ..whole },
        })
    }

    /// Whether nothing can take its place: a window that was named by its identifier, which is never given again.
    pub(super) fn is_hopeless(&self) -> bool {
        matches!(self.target, Target::WindowId(_))
    }

    /// The window that takes the place of one that was closed at `gone`: one that came then, or up to [`BEFORE_NS`] before, and that the rule
    /// fits; never one that was there longer.
    pub(super) fn renewed(&self, windows: &Windows, gone: MonoNs) -> Option<Self> {
        let mut came = windows.known().filter(|(window, _)| window.came.0.saturating_add(BEFORE_NS) >= gone.0);
        came.find(|(_, facts)| self.is_window() && fits(facts, &self.target))
            .map(|(_, facts)| Self::of_window(facts, &self.target))
    }
}

/// Whether a window is what a target names.
fn fits(facts: &Facts, target: &Target) -> bool {
    match target {
        Target::WindowTitle(part) => names::title_fits(part, &facts.title),
        Target::WindowApp(app) => names::app_fits(app, &facts.app, ""),
        Target::WindowId(identifier) => *identifier == facts.identifier,
        Target::Primary | Target::Monitor(_) | Target::Region { .. } => false,
    }
}

/// Finds what a target names. Monitors are numbered from 1, in the order of the compositor.
/// `windows`: those that can be copied, where any can.
pub(super) fn find(outputs: &[Output], windows: Option<&Windows>, target: &Target) -> Result<Subject, CaptureError> {
    let missing = |wanted: String| CaptureError::NoTarget { wanted };
    let (output, part) = match target {
        Target::Primary => (outputs.first().ok_or_else(|| missing("a monitor".into()))?, None),
        Target::Monitor(wanted) => {
            let named = outputs.iter().find(|output| output.name == *wanted);
            let numbered = || outputs.get(wanted.parse::<usize>().ok()?.checked_sub(1)?);
            (named.or_else(numbered).ok_or_else(|| missing(format!("monitor {wanted}")))?, None)
        }
        Target::Region { x, y, width, height } => {
            let inside = |output: &&Output| output.place().and(Area { x: *x, y: *y, width: 1, height: 1 }).is_some();
            let output = outputs
                .iter()
                .find(inside)
                .ok_or_else(|| missing(format!("a region at {x},{y} (no monitor is there)")))?;
            if !output.is_in_pixels() {
                return Err(unavailable(
                    "a region",
                    "its monitor is scaled or turned: record the monitor, and crop afterwards",
                ));
            }
            let surface = output.surface();
            let corner = ((x - surface.x) as u32, (y - surface.y) as u32);
            check_region(corner, (*width, *height), (surface.width, surface.height))?;
            (output, Some((corner, (*width, *height))))
        }
        Target::WindowId(wanted) | Target::WindowTitle(wanted) | Target::WindowApp(wanted) => {
            let windows = windows.ok_or_else(|| {
                let copies = format!("{} copies monitors only", compositor());
                unavailable("a window", &format!("{copies}: record one with --monitor, or a part of it with --region"))
            })?;
            let mut known = windows.known().map(|(_, facts)| facts);
            let found = known.find(|facts| fits(facts, target)).ok_or_else(|| missing(format!("window {wanted}")))?;
            return Ok(Subject::of_window(found, target));
        }
    };
    if output.is_turned {
        return Err(unavailable("a monitor that is turned", "its pictures would lie on their side"));
    }
    let called = if part.is_some() { "region".into() } else { format!("monitor {}", output.name) };
    let which = Which::Monitor { name: output.name.clone(), global: output.global };
    Ok(Subject { which, target: target.clone(), part, called })
}

fn unavailable(what: &str, detail: &str) -> CaptureError {
    CaptureError::Unavailable { backend: BACKEND, what: what.into(), detail: detail.into() }
}

/// A region must be even and inside of its monitor.
fn check_region(corner: (u32, u32), size: (u32, u32), monitor: (u32, u32)) -> Result<(), CaptureError> {
    let room = (monitor.0.saturating_sub(corner.0), monitor.1.saturating_sub(corner.1));
    let nearest = ((size.0.min(room.0) & !1).max(2), (size.1.min(room.1) & !1).max(2));
    if nearest == size && room.0 >= 2 && room.1 >= 2 {
        return Ok(());
    }
    let why = format!("a region is even, and inside of its monitor of {}x{}", monitor.0, monitor.1);
    Err(CaptureError::BadSize { width: size.0, height: size.1, why, nearest: Some(nearest) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use wayland_protocols::ext::foreign_toplevel_list::v1::client::ext_foreign_toplevel_handle_v1::Event;

    fn comes(windows: &mut Windows, now: i64, identifier: &str, app: &str, title: &str) -> u64 {
        windows.now = MonoNs(now);
        let number = windows.add(None);
        windows.event(number, Event::Identifier { identifier: identifier.into() });
        windows.event(number, Event::AppId { app_id: app.into() });
        windows.event(number, Event::Title { title: title.into() });
        windows.event(number, Event::Done);
        number
    }

    #[test]
    fn a_window_is_found_by_what_it_says_and_refused_where_none_can_be_copied() {
        let mut windows = Windows::default();
        comes(&mut windows, 0, "a1", "org.mozilla.firefox", "News");
        comes(&mut windows, 0, "b2", "game", "A game - level 1");
        let of = |target: Target| {
            find(&[], Some(&windows), &target).map(|subject| subject.window_id().map(str::to_owned)).ok().flatten()
        };
        assert_eq!(of(Target::WindowTitle("LEVEL".into())).as_deref(), Some("b2"));
        assert_eq!(of(Target::WindowApp("org.mozilla.*".into())).as_deref(), Some("a1"));
        assert_eq!(of(Target::WindowApp("mozilla".into())), None, "a whole name");
        assert_eq!(of(Target::WindowId("b2".into())).as_deref(), Some("b2"));
        let none = find(&[], Some(&windows), &Target::WindowTitle("notes".into())).expect_err("there is none");
        assert!(matches!(none, CaptureError::NoTarget { .. }), "{none}");
        let refused = find(&[], None, &Target::WindowApp("game".into())).expect_err("it cannot");
        assert!(refused.to_string().contains("copies monitors only"), "{refused}");
        let subject = find(&[], Some(&windows), &Target::WindowApp("game".into())).expect("it is there");
        assert_eq!(subject.called, "window b2, app \"game\"");
        assert_eq!(subject.surface(&[], (300, 200)).map(|surface| (surface.x, surface.width)), Some((0, 300)));
    }

    #[test]
    fn only_a_window_that_came_about_then_takes_the_place_of_one_that_was_closed() {
        let second = 1_000_000_000;
        let mut windows = Windows::default();
        comes(&mut windows, 0, "beside", "game", "one");
        let recorded = comes(&mut windows, 0, "a1", "game", "two");
        let by =
            |target: Target| Subject { which: Which::Window("a1".into()), target, part: None, called: String::new() };
        let app = by(Target::WindowApp("game".into()));
        windows.event(recorded, Event::Closed);
        let gone = MonoNs(20 * second);
        let next = |windows: &Windows| app.renewed(windows, gone).and_then(|next| next.window_id().map(str::to_owned));
        assert_eq!(next(&windows), None, "that was there long before");
        comes(&mut windows, 14 * second, "early", "game", "three");
        assert_eq!(next(&windows), None, "long before");
        comes(&mut windows, 21 * second, "other", "editor", "four");
        assert_eq!(next(&windows), None, "another application");
        let new = comes(&mut windows, 25 * second, "c3", "game", "five");
        assert_eq!(next(&windows).as_deref(), Some("c3"));
        windows.event(new, Event::Closed);
        comes(&mut windows, 16 * second, "d4", "game", "six");
        assert_eq!(next(&windows).as_deref(), Some("d4"), "shortly before");
        assert!(by(Target::WindowId("a1".into())).is_hopeless() && !app.is_hopeless());
    }
}
