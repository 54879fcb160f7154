//! Monitors and windows that can be recorded.
//!
//! Owns every question about what is on a display: RandR monitors, the window manager's client list (or, without a
//! window manager, the tree), titles, classes, processes, places. Reads only; a window that vanishes while it is being
//! asked about is left out and is no error. Answers are bounded by the constants below.

use x11rb::connection::{Connection, RequestConnection};
use x11rb::errors::ReplyError;
use x11rb::protocol::randr::{self, ModeFlag};
use x11rb::protocol::xproto::{self, AtomEnum, ConnectionExt as _, MapState, Window, WindowClass};
use x11rb::rust_connection::RustConnection;

use super::{failure, server};
use crate::base::event::{Content, Surface};
use crate::capture::{CaptureError, Target, TargetInfo};
use crate::privacy::names;

/// The most windows that are listed; desktops have tens.
const MAX_WINDOWS: usize = 4096;
/// The longest title or class that is read: 1024 units of 4 bytes, 4 KiB.
const MAX_TEXT_UNITS: u32 = 1024;
/// How deep below a top-level window its client is looked for: frames of window managers nest two or three deep.
const MAX_FRAME_DEPTH: u32 = 4;

x11rb::atom_manager! {
    /// The atoms that describe windows.
    pub(crate) Atoms:
    /// The cookies of [`Atoms`].
    AtomsCookie {
        _NET_CLIENT_LIST,
        _NET_ACTIVE_WINDOW,
        _NET_WM_NAME,
        _NET_WM_PID,
        UTF8_STRING,
        WM_STATE,
    }
}

impl Atoms {
    /// Asks the server for them.
    ///
    /// # Errors
    /// The display is gone.
    pub(crate) fn intern(conn: &RustConnection) -> Result<Self, CaptureError> {
        Self::new(conn)
            .map_err(|error| failure::connection(&error))?
            .reply()
            .map_err(failure::failed("asking for atoms"))
    }
}

/// A monitor as RandR describes it.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Monitor {
    pub(super) name: String,
    pub(super) surface: Surface,
    pub(super) primary: bool,
    pub(super) refresh_hz: Option<f64>,
    /// It stands for the desktop of a server that has no monitor.
    pub(super) stands_in: bool,
}

/// What became of a question about a window: `None` when the window does not exist (any more).
fn if_there<T>(answer: Result<T, ReplyError>, what: &'static str) -> Result<Option<T>, CaptureError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(ReplyError::X11Error(error)) if failure::is_missing(&error) => Ok(None),
        Err(error) => Err(failure::failed(what)(error)),
    }
}

/// A property's bytes and type; `None` when the window or the property does not exist, or is not of 8-bit units.
fn text_property(
    conn: &RustConnection,
    window: Window,
    property: xproto::Atom,
) -> Result<Option<(Vec<u8>, xproto::Atom)>, CaptureError> {
    let reply = conn
        .get_property(false, window, property, AtomEnum::ANY, 0, MAX_TEXT_UNITS)
        .map_err(|error| failure::connection(&error))?
        .reply();
    let reply = if_there(reply, "reading a window's property")?;
    Ok(reply.filter(|reply| reply.format == 8).map(|reply| (reply.value, reply.type_)))
}

/// A property's 32-bit values, at most `limit`; empty when there is none.
fn numbers_property(
    conn: &RustConnection,
    window: Window,
    property: xproto::Atom,
    limit: usize,
) -> Result<Vec<u32>, CaptureError> {
    let reply = conn
        .get_property(false, window, property, AtomEnum::ANY, 0, limit as u32)
        .map_err(|error| failure::connection(&error))?
        .reply();
    let reply = if_there(reply, "reading a window's property")?;
    Ok(reply.and_then(|reply| reply.value32().map(Iterator::collect)).unwrap_or_default())
}

/// Text of a property: UTF-8, except that `STRING` is Latin-1.
fn decode(bytes: &[u8], type_: xproto::Atom) -> String {
    let bytes = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    if type_ == xproto::Atom::from(AtomEnum::STRING) && std::str::from_utf8(bytes).is_err() {
        return bytes.iter().map(|byte| char::from(*byte)).collect();
    }
    String::from_utf8_lossy(bytes).into_owned()
}

/// A window's title; empty when it has none.
///
/// # Errors
/// The display is gone.
pub(crate) fn window_title(conn: &RustConnection, atoms: &Atoms, window: Window) -> Result<Content, CaptureError> {
    for property in [atoms._NET_WM_NAME, AtomEnum::WM_NAME.into()] {
        if let Some((bytes, type_)) = text_property(conn, window, property)?
            && !bytes.is_empty()
        {
            return Ok(Content(decode(&bytes, type_)));
        }
    }
    Ok(Content::default())
}

/// How a window's application is called: the class part of `WM_CLASS` (the instance part when there is no class) and the
/// instance part; empty when unset.
///
/// # Errors
/// The display is gone.
pub(crate) fn window_app(conn: &RustConnection, window: Window) -> Result<(String, String), CaptureError> {
    let Some((bytes, type_)) = text_property(conn, window, AtomEnum::WM_CLASS.into())? else {
        return Ok((String::new(), String::new()));
    };
    let mut parts = bytes.split(|byte| *byte == 0);
    let instance = parts.next().unwrap_or_default();
    let class = parts.next().filter(|class| !class.is_empty()).unwrap_or(instance);
    Ok((decode(class, type_), decode(instance, type_)))
}

/// A window's process, where it says so.
///
/// # Errors
/// The display is gone.
pub(crate) fn window_pid(conn: &RustConnection, atoms: &Atoms, window: Window) -> Result<Option<u32>, CaptureError> {
    Ok(numbers_property(conn, window, atoms._NET_WM_PID, 1)?.first().copied().filter(|pid| *pid != 0))
}

/// The active window, where a window manager says so.
///
/// # Errors
/// The display is gone.
pub(crate) fn active_window(
    conn: &RustConnection,
    atoms: &Atoms,
    root: Window,
) -> Result<Option<Window>, CaptureError> {
    Ok(numbers_property(conn, root, atoms._NET_ACTIVE_WINDOW, 1)?.first().copied().filter(|window| *window != 0))
}

/// Without a window manager: the window that has the input focus, and those that it is in.
fn focused_windows(conn: &RustConnection) -> Result<Vec<Window>, CaptureError> {
    let lost = |error| failure::connection(&error);
    let focus = conn.get_input_focus().map_err(lost)?.reply().map_err(failure::failed("asking for the focus"))?.focus;
    let mut windows = vec![focus];
    while let Some(&window) = windows.last()
        && windows.len() <= MAX_FRAME_DEPTH as usize * 4
    {
        let tree = conn.query_tree(window).map_err(lost)?.reply();
        let Some(tree) = if_there(tree, "reading the window tree")? else { break };
        if tree.parent == x11rb::NONE || tree.parent == tree.root {
            break;
        }
        windows.push(tree.parent);
    }
    Ok(windows)
}

/// How a window's identifier is written everywhere.
pub(crate) fn window_id(window: Window) -> String {
    format!("{window:#x}")
}

/// Whether the server has RandR with monitors (1.5).
pub(super) fn has_monitors(conn: &RustConnection) -> Result<bool, CaptureError> {
    let present = conn.extension_information(randr::X11_EXTENSION_NAME).map_err(|error| failure::connection(&error))?;
    if present.is_none() {
        return Ok(false);
    }
    let version = randr::query_version(conn, 1, 5)
        .map_err(|error| failure::connection(&error))?
        .reply()
        .map_err(failure::failed("asking for the version of RandR"))?;
    Ok((version.major_version, version.minor_version) >= (1, 5))
}

/// Where the desktop ends: the root window as a surface.
pub(super) fn desktop(conn: &RustConnection, root: Window) -> Result<Surface, CaptureError> {
    let geometry = conn
        .get_geometry(root)
        .map_err(|error| failure::connection(&error))?
        .reply()
        .map_err(failure::failed("asking for the size of the desktop"))?;
    Ok(Surface { x: 0, y: 0, width: geometry.width.into(), height: geometry.height.into(), scale: None })
}

/// The monitors, in the server's order. A display without RandR 1.5 is one monitor, `screen`.
pub(super) fn monitors(conn: &RustConnection, root: Window) -> Result<Vec<Monitor>, CaptureError> {
    let whole = |surface| Monitor { name: "screen".into(), surface, primary: true, refresh_hz: None, stands_in: true };
    if !has_monitors(conn)? {
        return Ok(vec![whole(desktop(conn, root)?)]);
    }
    let what = "asking for the monitors";
    let listed = randr::get_monitors(conn, root, true)
        .map_err(|error| failure::connection(&error))?
        .reply()
        .map_err(failure::failed(what))?;
    let mut monitors = Vec::with_capacity(listed.monitors.len());
    for monitor in listed.monitors {
        let name = conn
            .get_atom_name(monitor.name)
            .map_err(|error| failure::connection(&error))?
            .reply()
            .map_err(failure::failed(what))?;
        let refresh_hz = match monitor.outputs.first() {
            Some(output) => refresh_hz(conn, root, *output)?,
            None => None,
        };
        monitors.push(Monitor {
            name: String::from_utf8_lossy(&name.name).into_owned(),
            surface: Surface {
                x: monitor.x.into(),
                y: monitor.y.into(),
                width: monitor.width.into(),
                height: monitor.height.into(),
                scale: None,
            },
            primary: monitor.primary,
            refresh_hz,
            stands_in: false,
        });
    }
    if monitors.is_empty() {
        monitors.push(whole(desktop(conn, root)?));
    }
    Ok(monitors)
}

/// The refresh rate of an output's current mode: its pixel clock over its total pixels, as xrandr computes it. `None`
/// when the output is off or its mode has no timings (virtual displays).
fn refresh_hz(conn: &RustConnection, root: Window, output: randr::Output) -> Result<Option<f64>, CaptureError> {
    // Outputs come and go: an answer that the server refuses is an unknown rate, not a failure.
    fn known<T>(answer: Result<T, ReplyError>) -> Result<Option<T>, CaptureError> {
        match answer {
            Ok(answer) => Ok(Some(answer)),
            Err(ReplyError::X11Error(_)) => Ok(None),
            Err(ReplyError::ConnectionError(error)) => Err(failure::connection(&error)),
        }
    }
    let lost = |error| failure::connection(&error);
    let resources = randr::get_screen_resources_current(conn, root).map_err(lost)?;
    let info = randr::get_output_info(conn, output, x11rb::CURRENT_TIME).map_err(lost)?;
    let (Some(resources), Some(info)) = (known(resources.reply())?, known(info.reply())?) else { return Ok(None) };
    if info.crtc == x11rb::NONE {
        return Ok(None);
    }
    let crtc = randr::get_crtc_info(conn, info.crtc, x11rb::CURRENT_TIME).map_err(lost)?;
    let Some(crtc) = known(crtc.reply())? else { return Ok(None) };
    let mode = resources.modes.iter().find(|mode| mode.id == crtc.mode);
    Ok(mode.and_then(|mode| mode_hz(mode.dot_clock, mode.htotal, mode.vtotal, mode.mode_flags)))
}

fn mode_hz(dot_clock: u32, htotal: u16, vtotal: u16, flags: ModeFlag) -> Option<f64> {
    let mut lines = f64::from(vtotal);
    if flags.contains(ModeFlag::DOUBLE_SCAN) {
        lines *= 2.0;
    }
    if flags.contains(ModeFlag::INTERLACE) {
        lines /= 2.0;
    }
    let total = f64::from(htotal) * lines;
    (dot_clock > 0 && total > 0.0).then(|| f64::from(dot_clock) / total)
}

/// The windows of applications: the window manager's list, or, when there is none, the mapped windows of the tree.
pub(super) fn windows(conn: &RustConnection, root: Window, atoms: &Atoms) -> Result<Vec<Window>, CaptureError> {
    let listed = numbers_property(conn, root, atoms._NET_CLIENT_LIST, MAX_WINDOWS)?;
    if !listed.is_empty() {
        return Ok(listed);
    }
    let mut found = Vec::new();
    // The server lists them from the bottom to the top; what lies on top is found first.
    for window in children(conn, root)?.into_iter().rev() {
        if let Some(client) = client_of(conn, atoms, window, MAX_FRAME_DEPTH)? {
            found.push(client);
        }
        if found.len() == MAX_WINDOWS {
            break;
        }
    }
    Ok(found)
}

fn children(conn: &RustConnection, window: Window) -> Result<Vec<Window>, CaptureError> {
    let reply = conn.query_tree(window).map_err(|error| failure::connection(&error))?.reply();
    let mut children = if_there(reply, "reading the window tree")?.map(|tree| tree.children).unwrap_or_default();
    children.truncate(MAX_WINDOWS);
    Ok(children)
}

/// The application's window in a top-level window: the window itself or one inside it, when it is mapped and says that
/// it is one (`WM_STATE`), or, for a window without a manager, has a name.
fn client_of(conn: &RustConnection, atoms: &Atoms, window: Window, depth: u32) -> Result<Option<Window>, CaptureError> {
    let reply = conn.get_window_attributes(window).map_err(|error| failure::connection(&error))?.reply();
    let Some(attributes) = if_there(reply, "reading a window's attributes")? else { return Ok(None) };
    if attributes.map_state != MapState::VIEWABLE || attributes.class != WindowClass::INPUT_OUTPUT {
        return Ok(None);
    }
    if !numbers_property(conn, window, atoms.WM_STATE, 2)?.is_empty() {
        return Ok(Some(window));
    }
    if depth > 0 {
        for child in children(conn, window)?.into_iter().rev() {
            let inner = client_of(conn, atoms, child, depth - 1)?;
            // Inside a window only a declared client counts: toolkits name their inner windows too.
            if let Some(inner) = inner
                && !numbers_property(conn, inner, atoms.WM_STATE, 2)?.is_empty()
            {
                return Ok(Some(inner));
            }
        }
    }
    Ok((!window_title(conn, atoms, window)?.0.is_empty()).then_some(window))
}

/// Where a window's content is on the desktop; `None` when it does not exist.
pub(super) fn window_surface(
    conn: &RustConnection,
    root: Window,
    window: Window,
) -> Result<Option<Surface>, CaptureError> {
    let lost = |error| failure::connection(&error);
    let geometry = conn.get_geometry(window).map_err(lost)?;
    let corner = conn.translate_coordinates(window, root, 0, 0).map_err(lost)?;
    let what = "asking where a window is";
    let (Some(geometry), Some(corner)) = (if_there(geometry.reply(), what)?, if_there(corner.reply(), what)?) else {
        return Ok(None);
    };
    Ok(Some(Surface {
        x: corner.dst_x.into(),
        y: corner.dst_y.into(),
        width: geometry.width.into(),
        height: geometry.height.into(),
        scale: None,
    }))
}

/// The monitor that a target names.
///
/// # Errors
/// [`CaptureError::NoTarget`] when there is no such monitor.
pub(super) fn find_monitor(monitors: &[Monitor], wanted: Option<&str>) -> Result<Monitor, CaptureError> {
    let found = match wanted {
        None => monitors.iter().find(|monitor| monitor.primary).or_else(|| monitors.first()),
        // A name goes before a number: numbers count from 1, in the order of the list.
        Some(wanted) => monitors.iter().find(|monitor| monitor.name == wanted).or_else(|| {
            let number: usize = wanted.parse().ok()?;
            monitors.get(number.checked_sub(1)?)
        }),
    };
    found.cloned().ok_or_else(|| CaptureError::NoTarget {
        wanted: wanted.map_or_else(|| "a monitor".to_owned(), |wanted| format!("monitor {wanted}")),
    })
}

/// The window that a target names; the target must name one.
///
/// # Errors
/// [`CaptureError::NoTarget`] when there is no such window.
pub(super) fn find_window(
    conn: &RustConnection,
    root: Window,
    atoms: &Atoms,
    target: &Target,
) -> Result<Window, CaptureError> {
    let missing = |wanted: String| CaptureError::NoTarget { wanted };
    match target {
        Target::WindowId(text) => {
            let window = parse_window_id(text).ok_or_else(|| missing(format!("window {text} (not an identifier)")))?;
            if window == root {
                return Err(missing(format!("window {text} (the desktop; record a monitor instead)")));
            }
            match window_surface(conn, root, window)? {
                Some(_) => Ok(window),
                None => Err(missing(format!("window {text}"))),
            }
        }
        Target::WindowTitle(text) => {
            for window in windows(conn, root, atoms)? {
                if names::title_fits(text, &window_title(conn, atoms, window)?.0) {
                    return Ok(window);
                }
            }
            Err(missing(format!("a window with a title that contains {text:?}")))
        }
        Target::WindowApp(text) => {
            for window in windows(conn, root, atoms)? {
                let (class, instance) = window_app(conn, window)?;
                if names::app_fits(text, &class, &instance) {
                    return Ok(window);
                }
            }
            Err(missing(format!("a window of the application {text:?}")))
        }
        Target::Primary | Target::Monitor(_) | Target::Region { .. } => Err(missing("a window".into())),
    }
}

/// A window's identifier as people write it: `0x1c00007`, or decimal.
fn parse_window_id(text: &str) -> Option<Window> {
    let text = text.trim();
    let number = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => u32::from_str_radix(hex, 16),
        None => text.parse(),
    };
    number.ok().filter(|number| *number != x11rb::NONE)
}

/// Everything on the display that can be recorded: monitors, then windows.
///
/// # Errors
/// [`CaptureError::NoDisplay`] when there is no display, [`CaptureError::Gone`] when it went away.
pub fn list(display: Option<&str>) -> Result<Vec<TargetInfo>, CaptureError> {
    let (conn, screen) = super::connect::connect(display)?;
    let root = conn.setup().roots[screen].root;
    let atoms = Atoms::intern(&conn)?;
    let scale = server::scale(&conn)?;
    let mut targets: Vec<_> = monitors(&conn, root)?
        .into_iter()
        .map(|monitor| TargetInfo {
            kind: "monitor",
            id: monitor.name,
            title: Content::default(),
            app: String::new(),
            instance: String::new(),
            pid: None,
            surface: Some(Surface { scale, ..monitor.surface }),
            refresh_hz: monitor.refresh_hz,
            primary: monitor.primary,
        })
        .collect();
    let active = match active_window(&conn, &atoms, root)? {
        Some(window) => vec![window],
        None => focused_windows(&conn)?,
    };
    for window in windows(&conn, root, &atoms)? {
        let Some(surface) = window_surface(&conn, root, window)? else { continue };
        let (app, instance) = window_app(&conn, window)?;
        targets.push(TargetInfo {
            kind: "window",
            id: window_id(window),
            title: window_title(&conn, &atoms, window)?,
            app,
            instance,
            pid: window_pid(&conn, &atoms, window)?,
            surface: Some(Surface { scale, ..surface }),
            refresh_hz: None,
            primary: active.contains(&window),
        });
    }
    Ok(targets)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn monitor(name: &str, primary: bool) -> Monitor {
        let surface = Surface { x: 0, y: 0, width: 1, height: 1, scale: None };
        Monitor { name: name.into(), surface, primary, refresh_hz: None, stands_in: false }
    }

    #[test]
    fn a_monitor_is_found_by_name_before_number() {
        let monitors = [monitor("DP-1", false), monitor("1", false), monitor("HDMI-1", true)];
        let name = |wanted| find_monitor(&monitors, wanted).map(|monitor| monitor.name).ok();
        assert_eq!(name(None).as_deref(), Some("HDMI-1"));
        assert_eq!(name(Some("DP-1")).as_deref(), Some("DP-1"));
        assert_eq!(name(Some("1")).as_deref(), Some("1"), "a name goes first");
        assert_eq!(name(Some("3")).as_deref(), Some("HDMI-1"));
        for wanted in ["0", "4", "dp-1", ""] {
            assert_eq!(name(Some(wanted)), None, "{wanted:?}");
        }
        assert_eq!(find_monitor(&monitors[..2], None).map(|monitor| monitor.name).ok().as_deref(), Some("DP-1"));
    }

    #[test]
    fn window_identifiers_are_hex_or_decimal() {
        assert_eq!(parse_window_id("0x1c00007"), Some(0x01c0_0007));
        assert_eq!(parse_window_id(" 29360135 "), Some(0x01c0_0007));
        for bad in ["", "0", "0x", "0x0", "1c00007", "-1", "0x1ffffffff"] {
            assert_eq!(parse_window_id(bad), None, "{bad:?}");
        }
        assert_eq!(parse_window_id(&window_id(0x01c0_0007)), Some(0x01c0_0007));
    }

    #[test]
    fn text_is_utf8_or_latin_1() {
        let string = xproto::Atom::from(AtomEnum::STRING);
        assert_eq!(decode(b"caf\xe9\0rest", string), "café");
        assert_eq!(decode("café".as_bytes(), string), "café", "mislabelled, as many programs do");
        assert_eq!(decode(b"a\xffb", 999), "a\u{fffd}b");
        assert_eq!(decode(b"", string), "");
    }

    #[test]
    fn refresh_rates_are_those_of_xrandr() {
        let plain = ModeFlag::from(0_u16);
        let hz = |clock, h, v, flags| mode_hz(clock, h, v, flags).map(|hz| (hz * 100.0).round() / 100.0);
        assert_eq!(hz(148_500_000, 2200, 1125, plain), Some(60.0));
        assert_eq!(hz(74_250_000, 2200, 1125, ModeFlag::INTERLACE), Some(60.0));
        assert_eq!(hz(0, 2200, 1125, plain), None);
        assert_eq!(hz(1, 0, 0, plain), None);
    }
}
