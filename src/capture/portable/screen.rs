//! Pictures through xcap.
//!
//! The fallback where no native backend serves: it copies and converts every picture whole, cannot tell that nothing
//! changed, draws no pointer, and reads its time after the call, since xcap gives none. Sizes are those of the pictures
//! that come back, never those that xcap reports, which are in logical units on some systems. Invariant: the picture
//! handed out always has the size of the first one.

use std::sync::Arc;
use std::time::Duration;

use xcap::image::RgbaImage;

use crate::base::event::{Area, Content, Surface};
use crate::base::time::{Clock, MonoNs};
use crate::capture::letterbox::{Letterbox, Picture};
use crate::capture::{
    BgraView, CaptureError, FacetSet, Look, ScreenDescription, ScreenSource, Target, TargetInfo, XCAP as BACKEND,
    wayland,
};
use crate::privacy::names;

/// How often the place of the surface is asked for: on some systems each question is a new connection.
const PLACE_EVERY: Duration = Duration::from_millis(250);

/// How pictures of the X server are taken although the environment says Wayland.
const WITHOUT_XCAP: &str = "take them with --screen-backend x11, or unset WAYLAND_DISPLAY and XDG_SESSION_TYPE";

/// Opens `target` of the desktop that the process runs on.
///
/// # Errors
/// [`CaptureError::NoDisplay`] when xcap finds none, [`CaptureError::NoTarget`], [`CaptureError::BadSize`] for a region
/// that is odd or not inside one monitor, [`CaptureError::Unavailable`] when no picture can be taken.
pub fn open(target: &Target, clock: Arc<dyn Clock>) -> Result<Box<dyn ScreenSource>, CaptureError> {
    let _connected = super::refuse_wayland()?;
    // By the environment alone xcap goes to the compositor for pictures, and to the X server for everything else.
    if let Some(said) = wayland::session() {
        let detail = format!(
            "{said}: xcap would take pictures of the compositor, and not of the X server that inputs come from"
        );
        return Err(CaptureError::Wayland { detail, hint: WITHOUT_XCAP });
    }
    let subject = find(target)?;
    let image = subject.image().map_err(|error| CaptureError::Unavailable {
        backend: BACKEND,
        what: "screen".into(),
        detail: error.to_string(),
    })?;
    let mut origin = subject.place(&image);
    let (width, height, corner) = match target {
        Target::Region { x, y, width, height } => {
            let corner = check_region((*x, *y), (*width, *height), origin, image.dimensions())?;
            origin = (*x, *y);
            (*width, *height, Some(corner))
        }
        _ => (image.width(), image.height(), None),
    };
    let area = Surface { x: origin.0, y: origin.1, width, height, scale: None };
    let (target, window_id, refresh_hz) = match &subject {
        Subject::Monitor(monitor) => (
            if corner.is_some() { "region".into() } else { format!("monitor {}", monitor.name().unwrap_or_default()) },
            None,
            refresh_hz(monitor),
        ),
        Subject::Window(window) => {
            let id = window_id(window);
            (format!("window {}{}", id.as_deref().unwrap_or("unknown"), target.asked()), id, None)
        }
    };
    let description = ScreenDescription {
        backend: BACKEND.into(),
        surface: area,
        refresh_hz,
        cursor: false,
        sees_changes: false,
        target,
        window_id,
        masks_windows: false,
        display_server: None,
        names_programs: false,
        hands_in: FacetSet::NONE,
        settings: Vec::new(),
    };
    let out = vec![0; width as usize * height as usize * 4];
    let placed_at = clock.now();
    Ok(Box::new(XcapScreen { clock, subject, corner, description, area, out, detour: None, placed_at }))
}

/// Everything that xcap can record: monitors, then windows from the top to the bottom.
///
/// # Errors
/// [`CaptureError::NoDisplay`] when there is none.
pub fn list() -> Result<Vec<TargetInfo>, CaptureError> {
    let mut targets = Vec::new();
    for monitor in monitors()? {
        targets.push(TargetInfo {
            kind: "monitor",
            id: monitor.name().unwrap_or_default(),
            title: Content(monitor.friendly_name().unwrap_or_default()),
            app: String::new(),
            instance: String::new(),
            pid: None,
            surface: Some(Surface {
                x: monitor.x().unwrap_or(0),
                y: monitor.y().unwrap_or(0),
                width: monitor.width().unwrap_or(0),
                height: monitor.height().unwrap_or(0),
                scale: scale(&monitor),
            }),
            refresh_hz: refresh_hz(&monitor),
            primary: monitor.is_primary().unwrap_or(false),
        });
    }
    // Some systems (X11 without a window manager) list no windows; the monitors stand.
    for window in xcap::Window::all().unwrap_or_default() {
        let Some(id) = window_id(&window) else { continue };
        targets.push(TargetInfo {
            kind: "window",
            id,
            title: Content(window.title().unwrap_or_default()),
            app: window.app_name().unwrap_or_default(),
            instance: String::new(),
            pid: window.pid().ok().filter(|pid| *pid != 0),
            surface: Some(Surface {
                x: window.x().unwrap_or(0),
                y: window.y().unwrap_or(0),
                width: window.width().unwrap_or(0),
                height: window.height().unwrap_or(0),
                scale: None,
            }),
            refresh_hz: None,
            primary: window.is_focused().unwrap_or(false),
        });
    }
    Ok(targets)
}

/// The monitor's scale. On Linux xcap says 1 also where nobody told, so nothing is taken over there.
fn scale(monitor: &xcap::Monitor) -> Option<f32> {
    if cfg!(target_os = "linux") { None } else { monitor.scale_factor().ok() }
}

/// What pictures are taken of.
enum Subject {
    Monitor(xcap::Monitor),
    Window(xcap::Window),
}

impl Subject {
    fn image(&self) -> xcap::XCapResult<RgbaImage> {
        match self {
            Self::Monitor(monitor) => monitor.capture_image(),
            Self::Window(window) => window.capture_image(),
        }
    }

    /// Upper left corner on the desktop in pixels of the picture; 0,0 where the system does not tell.
    fn place(&self, image: &RgbaImage) -> (i32, i32) {
        let (x, y, width) = match self {
            Self::Monitor(monitor) => (monitor.x(), monitor.y(), monitor.width()),
            Self::Window(window) => (window.x(), window.y(), window.width()),
        };
        // Places come in logical units where sizes do: the picture tells how many pixels such a unit has.
        let unit = match width {
            Ok(width) if width > 0 => f64::from(image.width()) / f64::from(width),
            _ => 1.0,
        };
        let pixels = |at: xcap::XCapResult<i32>| (f64::from(at.unwrap_or(0)) * unit).round() as i32;
        (pixels(x), pixels(y))
    }

    /// Why no picture came: what was recorded is gone, or the system refused.
    fn why(&self, error: &xcap::XCapError) -> CaptureError {
        let detail = error.to_string();
        let Ok(monitors) = xcap::Monitor::all() else { return CaptureError::Gone { what: "display", detail } };
        let there = match self {
            Self::Monitor(lost) => lost.id().is_ok_and(|id| monitors.iter().any(|other| other.id().ok() == Some(id))),
            Self::Window(lost) => {
                let windows = xcap::Window::all().unwrap_or_default();
                lost.id().is_ok_and(|id| windows.iter().any(|other| other.id().ok() == Some(id)))
            }
        };
        match (there, self) {
            (true, _) => CaptureError::System { what: "taking a picture", detail },
            (false, Self::Monitor(_)) => CaptureError::Gone { what: "screen", detail },
            (false, Self::Window(_)) => CaptureError::Gone { what: "window", detail },
        }
    }
}

/// The surface has another size than at the start: its pictures are turned round here and scaled into place.
struct Detour {
    size: (u32, u32),
    pixels: Vec<u8>,
    letterbox: Letterbox,
}

struct XcapScreen {
    clock: Arc<dyn Clock>,
    subject: Subject,
    /// Upper left corner of the region in the monitor's picture, when a region is recorded.
    corner: Option<(u32, u32)>,
    description: ScreenDescription,
    area: Surface,
    out: Vec<u8>,
    detour: Option<Detour>,
    placed_at: MonoNs,
}

impl XcapScreen {
    /// The size that the picture handed out has.
    fn size(&self) -> (u32, u32) {
        (self.description.surface.width, self.description.surface.height)
    }
}

impl ScreenSource for XcapScreen {
    fn describe(&self) -> ScreenDescription {
        self.description.clone()
    }

    fn look(&mut self, _whole: bool) -> Result<Look, CaptureError> {
        let asked = self.clock.now();
        let image = self.subject.image().map_err(|error| self.subject.why(&error))?;
        let t = self.clock.now();
        let capture_us = u32::try_from(t.since(asked).as_micros()).unwrap_or(u32::MAX);
        let before = self.area;
        let start = self.size();
        let size = image.dimensions();
        if size.0 == 0 || size.1 == 0 {
            return Err(CaptureError::System { what: "taking a picture", detail: "it is empty".into() });
        }
        if let Some(corner) = self.corner {
            swap(&image, corner, &mut self.out, start);
        } else if size == start {
            self.detour = None;
            swap(&image, (0, 0), &mut self.out, start);
        } else {
            let fits = self.detour.take().filter(|detour| detour.size == size);
            let detour = self.detour.insert(fits.unwrap_or_else(|| Detour {
                size,
                pixels: vec![0; size.0 as usize * size.1 as usize * 4],
                letterbox: Letterbox::fitted(size, start),
            }));
            swap(&image, (0, 0), &mut detour.pixels, size);
            let picture = Picture { data: &detour.pixels, stride: size.0 as usize * 4, width: size.0, height: size.1 };
            let (width, height) = start;
            let view = BgraView { data: &mut self.out, stride: width as usize * 4, width, height };
            detour.letterbox.apply(picture, &mut { view });
        }
        if self.corner.is_none() {
            let resized = size != (self.area.width, self.area.height);
            (self.area.width, self.area.height) = size;
            if resized || t.since(self.placed_at) >= PLACE_EVERY {
                (self.area.x, self.area.y) = self.subject.place(&image);
                self.placed_at = t;
            }
        }
        let surface = (self.area != before).then_some(self.area);
        Ok(Look::New { t, capture_us, surface, renewed: None })
    }

    fn frame(&mut self) -> Result<BgraView<'_>, CaptureError> {
        let (width, height) = self.size();
        Ok(BgraView { data: &mut self.out, stride: width as usize * 4, width, height })
    }

    fn place(&self, area: Area) -> Area {
        self.detour.as_ref().map_or(area, |detour| detour.letterbox.place(area))
    }
}

/// Copies the part of an RGBA picture that begins at `corner` into packed BGRX of `size`; black where there is none.
fn swap(image: &RgbaImage, corner: (u32, u32), to: &mut [u8], size: (u32, u32)) {
    let columns = size.0.min(image.width().saturating_sub(corner.0)) as usize * 4;
    let rows = size.1.min(image.height().saturating_sub(corner.1)) as usize;
    let stride = image.width() as usize * 4;
    for (y, row) in to.chunks_exact_mut((size.0 as usize * 4).max(4)).enumerate() {
        let filled = if y < rows { columns } else { 0 };
        if filled > 0 {
            let from = (corner.1 as usize + y) * stride + corner.0 as usize * 4;
            let source = &image.as_raw()[from..from + filled];
            for (pixel, rgba) in row.chunks_exact_mut(4).zip(source.chunks_exact(4)) {
                pixel.copy_from_slice(&[rgba[2], rgba[1], rgba[0], 255]);
            }
        }
        row[filled..].fill(0);
    }
}

fn monitors() -> Result<Vec<xcap::Monitor>, CaptureError> {
    let monitors = xcap::Monitor::all().map_err(|error| CaptureError::NoDisplay { detail: error.to_string() })?;
    if monitors.is_empty() {
        return Err(CaptureError::NoDisplay { detail: "the system has no monitor".into() });
    }
    Ok(monitors)
}

fn refresh_hz(monitor: &xcap::Monitor) -> Option<f64> {
    monitor.frequency().ok().map(f64::from).filter(|hz| *hz > 0.0)
}

fn window_id(window: &xcap::Window) -> Option<String> {
    window.id().ok().map(|id| format!("{id:#x}"))
}

fn find(target: &Target) -> Result<Subject, CaptureError> {
    let missing = |wanted: String| CaptureError::NoTarget { wanted };
    let monitors = monitors()?;
    let window = |is: &dyn Fn(&xcap::Window) -> bool, wanted: String| {
        let windows = xcap::Window::all().unwrap_or_default();
        windows.into_iter().find(|window| is(window)).map(Subject::Window).ok_or_else(|| missing(wanted))
    };
    match target {
        Target::Primary => {
            let primary = monitors.iter().position(|monitor| monitor.is_primary().unwrap_or(false)).unwrap_or(0);
            monitors.into_iter().nth(primary).map(Subject::Monitor).ok_or_else(|| missing("a monitor".into()))
        }
        Target::Monitor(wanted) => {
            // A name goes before a number: numbers count from 1, in the order of the list.
            let named = monitors.iter().position(|monitor| monitor.name().is_ok_and(|name| name == *wanted));
            let index = named.or_else(|| wanted.parse::<usize>().ok()?.checked_sub(1));
            let found = index.and_then(|index| monitors.into_iter().nth(index));
            found.map(Subject::Monitor).ok_or_else(|| missing(format!("monitor {wanted}")))
        }
        Target::Region { x, y, .. } => {
            for monitor in monitors {
                let subject = Subject::Monitor(monitor);
                // Its true size is only known from a picture; this is done once.
                let Ok(image) = subject.image() else { continue };
                let origin = subject.place(&image);
                let within = |at: i32, start: i32, length: u32| {
                    (0..i64::from(length)).contains(&(i64::from(at) - i64::from(start)))
                };
                if within(*x, origin.0, image.width()) && within(*y, origin.1, image.height()) {
                    return Ok(subject);
                }
            }
            Err(missing(format!("a region at {x},{y} (no monitor is there)")))
        }
        Target::WindowId(text) => {
            let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
            let id = hex.map_or_else(|| text.parse().ok(), |hex| u32::from_str_radix(hex, 16).ok());
            window(&|window| id.is_some() && window.id().ok() == id, format!("window {text}"))
        }
        Target::WindowTitle(text) => window(
            &|window| window.title().is_ok_and(|title| names::title_fits(text, &title)),
            format!("a window with a title that contains {text:?}"),
        ),
        Target::WindowApp(text) => window(
            &|window| window.app_name().is_ok_and(|app| names::app_fits(text, &app, "")),
            format!("a window of the application {text:?}"),
        ),
    }
}

/// Where in a monitor's picture a region begins. It must be even and inside that monitor.
fn check_region(
    corner: (i32, i32),
    size: (u32, u32),
    monitor: (i32, i32),
    picture: (u32, u32),
) -> Result<(u32, u32), CaptureError> {
    let inside = |at: i32, start: i32| u32::try_from(i64::from(at) - i64::from(start)).ok();
    let (Some(x), Some(y)) = (inside(corner.0, monitor.0), inside(corner.1, monitor.1)) else {
        return Err(CaptureError::NoTarget { wanted: format!("a region at {},{}", corner.0, corner.1) });
    };
    let room = (picture.0.saturating_sub(x), picture.1.saturating_sub(y));
    if room.0 < 2 || room.1 < 2 {
        return Err(CaptureError::NoTarget { wanted: format!("a region at {},{}", corner.0, corner.1) });
    }
    let nearest = ((size.0.min(room.0) & !1).max(2), (size.1.min(room.1) & !1).max(2));
    if nearest == size {
        return Ok((x, y));
    }
    let why = if size.0 > room.0 || size.1 > room.1 {
        format!("the region reaches beyond its monitor of {}x{}", picture.0, picture.1)
    } else {
        "a region needs an even width and height".to_owned()
    };
    Err(CaptureError::BadSize { width: size.0, height: size.1, why, nearest: Some(nearest) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(width: u32, height: u32) -> RgbaImage {
        RgbaImage::from_fn(width, height, |x, y| xcap::image::Rgba([x as u8, y as u8, 200, 7]))
    }

    #[test]
    fn pictures_are_turned_to_bgrx_and_cropped() {
        let mut out = vec![9; 2 * 2 * 4];
        swap(&image(5, 4), (3, 1), &mut out, (2, 2));
        assert_eq!(out, [200, 1, 3, 255, 200, 1, 4, 255, 200, 2, 3, 255, 200, 2, 4, 255]);
        // The monitor became smaller than the region: black where there is nothing.
        swap(&image(4, 2), (3, 1), &mut out, (2, 2));
        assert_eq!(out, [200, 1, 3, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        swap(&image(1, 1), (3, 1), &mut out, (2, 2));
        assert_eq!(out, [0; 16]);
    }

    #[test]
    fn regions_are_even_and_inside_one_monitor() {
        let check = |corner, size| check_region(corner, size, (100, 50), (640, 480));
        assert_eq!(check((100, 50), (640, 480)).ok(), Some((0, 0)));
        assert_eq!(check((110, 60), (20, 40)).ok(), Some((10, 10)));
        let nearest = |corner, size| match check(corner, size) {
            Err(CaptureError::BadSize { nearest, .. }) => nearest,
            _ => None,
        };
        assert_eq!(nearest((110, 60), (21, 40)), Some((20, 40)));
        assert_eq!(nearest((640, 60), (200, 40)), Some((100, 40)));
        assert!(matches!(check((99, 60), (20, 20)), Err(CaptureError::NoTarget { .. })), "left of the monitor");
        assert!(matches!(check((739, 60), (2, 2)), Err(CaptureError::NoTarget { .. })), "no room");
    }

    /// The part of the test below that runs in a process of its own, because xcap reads `DISPLAY` there.
    #[test]
    #[ignore = "run by the test below"]
    fn inner_pictures_of_a_desktop() {
        use crate::base::time::SystemClock;
        let listed = list().expect("a list");
        let size = listed[0].surface.map(|surface| (surface.width, surface.height));
        assert_eq!((listed[0].kind, size), ("monitor", Some((322, 242))));
        let mut whole = open(&Target::Primary, Arc::new(SystemClock)).expect("a screen");
        let said = whole.describe();
        assert_eq!((said.sees_changes, said.cursor, said.backend.as_str()), (false, false, BACKEND));
        let look = whole.look(false).expect("a picture");
        assert!(matches!(look, Look::New { capture_us: 1.., .. }), "{look:?}");
        let view = whole.frame().expect("pixels");
        assert_eq!((view.width, view.height, view.stride), (322, 242, 322 * 4));
        // xsetroot painted it: red 0x12, green 0x34, blue 0x56.
        assert!(view.data.chunks(4).all(|pixel| pixel == [0x56, 0x34, 0x12, 255]), "the colours differ");
        let region = Target::Region { x: 300, y: 200, width: 22, height: 42 };
        let mut region = open(&region, Arc::new(SystemClock)).expect("a region");
        region.look(true).expect("a picture");
        let view = region.frame().expect("pixels");
        assert_eq!((view.width, view.height, view.data[0]), (22, 42, 0x56));
        let error = open(&Target::WindowId("0x1".into()), Arc::new(SystemClock)).err().expect("no such window");
        assert!(matches!(error, CaptureError::NoTarget { .. }), "{error}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_real_desktop_is_taken_and_a_missing_one_is_said() {
        use std::io::{BufRead as _, BufReader};
        use std::process::{Command, Stdio};
        // Some server's number that is free; it says which when it is ready.
        let started = (40..50).find_map(|number| {
            let mut server = Command::new("Xvfb")
                .args([&format!(":{number}"), "-displayfd", "1", "-screen", "0", "322x242x24", "-noreset"])
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .expect("Xvfb is installed");
            let mut said = String::new();
            let mut out = BufReader::new(server.stdout.take().expect("piped"));
            let ready = out.read_line(&mut said).expect("Xvfb can be read") > 0;
            if !ready {
                server.wait().expect("it ends");
            }
            ready.then(|| (server, format!(":{number}")))
        });
        let (mut server, display) = started.expect("a free display");
        let painted = Command::new("xsetroot").args(["-display", &display, "-solid", "#123456"]).status();
        let inner = |display: &str| {
            Command::new(std::env::current_exe().expect("this program"))
                .args(["inner_pictures_of_a_desktop", "--ignored"])
                .env("DISPLAY", display)
                .env_remove("WAYLAND_DISPLAY")
                .env_remove("XDG_SESSION_TYPE")
                .output()
                .expect("it runs")
        };
        let first = inner(&display);
        server.kill().and_then(|()| server.wait()).expect("it ends");
        assert!(painted.expect("xsetroot is installed").success());
        assert!(first.status.success(), "{}", String::from_utf8_lossy(&first.stdout));
        let second = inner(&display);
        let said = String::from_utf8_lossy(&second.stdout).into_owned() + &String::from_utf8_lossy(&second.stderr);
        assert!(!second.status.success() && said.contains("NoDisplay"), "{said}");
    }
}
