//! Monitors, regions and windows: which of them a target names, and whether it can be recorded.
//!
//! Pure. Places are pixels of the desktop that all monitors share; left of and above the primary monitor they are negative.

use super::front::id_text;
use super::roster::WindowFacts;
use crate::base::event::{Area, Content, Surface};
use crate::capture::{CaptureError, Target, TargetInfo};
use crate::privacy::names;

/// A monitor.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Monitor {
    /// As the system names it (`\\.\DISPLAY1`), without the prefix.
    pub(super) name: String,
    pub(super) area: Area,
    pub(super) is_primary: bool,
    pub(super) scale: Option<f32>,
    pub(super) refresh_hz: Option<f64>,
}

fn missing(wanted: impl Into<String>) -> CaptureError {
    CaptureError::NoTarget { wanted: wanted.into() }
}

/// The monitor that a target names: the primary one, or one by its name or its number in the list. Names go before numbers.
pub(super) fn monitor(monitors: &[Monitor], wanted: Option<&str>) -> Result<Monitor, CaptureError> {
    let Some(wanted) = wanted else {
        let primary = monitors.iter().find(|monitor| monitor.is_primary).or(monitors.first());
        return primary.cloned().ok_or_else(|| CaptureError::NoDisplay { detail: "the system has no monitor".into() });
    };
    let named = monitors.iter().find(|monitor| monitor.name.eq_ignore_ascii_case(wanted));
    let numbered = || monitors.get(wanted.parse::<usize>().ok()?.checked_sub(1)?);
    named.or_else(numbered).cloned().ok_or_else(|| missing(format!("monitor {wanted}")))
}

/// Checks a region: even, and inside the desktop.
pub(super) fn region((x, y): (i32, i32), (width, height): (u32, u32), desktop: Area) -> Result<Area, CaptureError> {
    let wanted = Area { x, y, width, height };
    let inside = wanted.and(desktop).filter(|inside| (inside.x, inside.y) == (x, y));
    let room = inside.filter(|inside| inside.width >= 2 && inside.height >= 2);
    let Some(room) = room else { return Err(missing(format!("a region at {x},{y} (no monitor is there)"))) };
    let nearest = (room.width & !1, room.height & !1);
    if nearest == (width, height) {
        return Ok(wanted);
    }
    let why = if (room.width, room.height) == (width, height) {
        "a region needs an even width and height".to_owned()
    } else {
        format!("the region reaches beyond the desktop of {}x{}", desktop.width, desktop.height)
    };
    Err(CaptureError::BadSize { width, height, why, nearest: Some(nearest) })
}

/// The monitor that has all of an area.
pub(super) fn host(monitors: &[Monitor], area: Area) -> Option<&Monitor> {
    monitors.iter().find(|monitor| area.and(monitor.area) == Some(area))
}

/// The window that a target names, in a list from the top to the bottom.
pub(super) fn window<'a>(list: &'a [WindowFacts], target: &Target) -> Result<&'a WindowFacts, CaptureError> {
    let (found, wanted) = match target {
        Target::WindowId(text) => {
            let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
            let id = hex.map_or_else(|| text.parse().ok(), |hex| u64::from_str_radix(hex, 16).ok());
            (list.iter().find(|facts| Some(facts.id) == id), format!("window {text}"))
        }
        Target::WindowTitle(part) => (
            list.iter().find(|facts| !facts.title.is_empty() && names::title_fits(part, &facts.title)),
            format!("a window with a title that contains {part:?}"),
        ),
        Target::WindowApp(app) => (
            list.iter().find(|facts| !facts.is_popup && names::app_fits(app, &facts.program, &facts.class)),
            format!("a window of the application {app:?}"),
        ),
        Target::Primary | Target::Monitor(_) | Target::Region { .. } => (None, "a window".into()),
    };
    found.ok_or_else(|| missing(wanted))
}

/// A surface without a scale.
pub(super) fn surface(area: Area, scale: Option<f32>) -> Surface {
    Surface { x: area.x, y: area.y, width: area.width, height: area.height, scale }
}

/// What `watchcap targets` lists: monitors, then windows with a title from the top to the bottom.
pub(super) fn targets(monitors: &[Monitor], list: &[WindowFacts], active: Option<u64>) -> Vec<TargetInfo> {
    let shown = monitors.iter().map(|monitor| TargetInfo {
        kind: "monitor",
        id: monitor.name.clone(),
        title: Content::default(),
        app: String::new(),
        instance: String::new(),
        pid: None,
        surface: Some(surface(monitor.area, monitor.scale)),
        refresh_hz: monitor.refresh_hz,
        primary: monitor.is_primary,
    });
    let windows = list.iter().filter(|facts| !facts.title.is_empty()).map(|facts| TargetInfo {
        kind: "window",
        id: id_text(facts.id),
        title: Content(facts.title.clone()),
        app: facts.program.clone(),
        instance: facts.class.clone(),
        pid: (facts.pid != 0).then_some(facts.pid),
        surface: Some(surface(facts.area, None)),
        refresh_hz: None,
        primary: active == Some(facts.id),
    });
    shown.chain(windows).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DESKTOP: Area = Area { x: -1280, y: -200, width: 3200, height: 1280 };

    fn monitors() -> Vec<Monitor> {
        let of = |name: &str, x, y, width, height, is_primary| Monitor {
            name: name.into(),
            area: Area { x, y, width, height },
            is_primary,
            scale: Some(1.5),
            refresh_hz: Some(144.0),
        };
        vec![of("DISPLAY1", 0, 0, 1920, 1080, true), of("DISPLAY2", -1280, -200, 1280, 1024, false)]
    }

    #[test]
    fn monitors_are_named_or_counted() {
        let name = |wanted| monitor(&monitors(), wanted).map(|monitor| monitor.name).ok();
        assert_eq!(name(None).as_deref(), Some("DISPLAY1"));
        assert_eq!(name(Some("display2")).as_deref(), Some("DISPLAY2"));
        assert_eq!(name(Some("2")).as_deref(), Some("DISPLAY2"));
        assert_eq!((name(Some("0")), name(Some("3")), name(Some("HDMI-1"))), (None, None, None));
        assert!(matches!(monitor(&[], None), Err(CaptureError::NoDisplay { .. })));
    }

    #[test]
    fn regions_may_lie_left_of_the_primary_monitor_and_span_two() {
        assert_eq!(region((-1280, -200), (3200, 1280), DESKTOP).ok(), Some(DESKTOP));
        assert_eq!(region((-20, 10), (40, 20), DESKTOP).ok(), Some(Area { x: -20, y: 10, width: 40, height: 20 }));
        let nearest = |corner, size| match region(corner, size, DESKTOP) {
            Err(CaptureError::BadSize { nearest, .. }) => nearest,
            _ => None,
        };
        assert_eq!(nearest((-20, 10), (41, 20)), Some((40, 20)));
        assert_eq!(nearest((1900, 1000), (100, 200)), Some((20, 80)));
        for corner in [(-1281, 0), (1919, 0), (0, 1080)] {
            assert!(matches!(region(corner, (20, 20), DESKTOP), Err(CaptureError::NoTarget { .. })), "{corner:?}");
        }
    }

    #[test]
    fn an_area_is_on_one_monitor_or_on_none_alone() {
        let host =
            |x, y, width, height| host(&monitors(), Area { x, y, width, height }).map(|monitor| monitor.name.clone());
        assert_eq!(host(0, 0, 1920, 1080).as_deref(), Some("DISPLAY1"));
        assert_eq!(host(-1280, -200, 1280, 1024).as_deref(), Some("DISPLAY2"));
        assert_eq!((host(-2, 10, 4, 4), host(0, 1078, 4, 4), host(5000, 0, 4, 4)), (None, None, None));
    }

    #[test]
    fn windows_are_named_by_handle_title_program_or_class() {
        let facts = |id, title: &str, program: &str, class: &str, is_popup| WindowFacts {
            id,
            pid: 9,
            title: title.into(),
            program: program.into(),
            class: class.into(),
            is_popup,
            ..WindowFacts::default()
        };
        let list = [
            facts(0x30, "", "notepad", "#32768", true),
            facts(0x2a, "Untitled - Notepad", "notepad", "Notepad", false),
            facts(0x2b, "A game", "game", "UnrealWindow", false),
        ];
        let id = |target| window(&list, &target).map(|facts| facts.id).ok();
        assert_eq!(id(Target::WindowId("0x2b".into())), Some(0x2b));
        assert_eq!(id(Target::WindowId("42".into())), Some(0x2a));
        assert_eq!(id(Target::WindowTitle("untitled".into())), Some(0x2a));
        assert_eq!(id(Target::WindowApp("Notepad".into())), Some(0x2a), "and not its menu");
        assert_eq!(id(Target::WindowApp("unreal*".into())), Some(0x2b));
        assert_eq!(
            (id(Target::WindowApp("x".into())), id(Target::WindowTitle("x".into())), id(Target::Primary)),
            (None, None, None)
        );

        let all = targets(&monitors(), &list, Some(0x2a));
        let told: Vec<_> = all.iter().map(|target| (target.kind, target.id.as_str(), target.primary)).collect();
        let windows = [("window", "0x2a", true), ("window", "0x2b", false)];
        assert_eq!(told, [&[("monitor", "DISPLAY1", true), ("monitor", "DISPLAY2", false)], &windows[..]].concat());
        let left = all[1].surface.map(|surface| surface.x);
        assert_eq!((left, all[3].app.as_str(), all[3].instance.as_str()), (Some(-1280), "game", "UnrealWindow"));
    }
}
