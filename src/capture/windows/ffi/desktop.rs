//! The desktop: its monitors, where the pointer is, what is held, and whether it is the one that is shown.

#![expect(unsafe_code, reason = "the Windows API is C: its calls take pointers to what they write")]

use std::ffi::c_void;
use std::sync::Once;

use windows::Win32::Foundation::{CloseHandle, E_ACCESSDENIED, HANDLE, LPARAM, POINT, RECT};
use windows::Win32::Graphics::Gdi::{
    DEVMODEW, ENUM_CURRENT_SETTINGS, EnumDisplayMonitors, EnumDisplaySettingsW, GetMonitorInfoW, HDC, HMONITOR,
    MONITOR_DEFAULTTONEAREST, MONITORINFO, MONITORINFOEXW, MonitorFromWindow,
};
use windows::Win32::Security::{GetTokenInformation, TOKEN_ELEVATION, TOKEN_QUERY, TokenElevation};
use windows::Win32::System::StationsAndDesktops::{
    CloseDesktop, DESKTOP_CONTROL_FLAGS, DESKTOP_READOBJECTS, GetThreadDesktop, GetUserObjectInformationW, HDESK,
    OpenInputDesktop, UOI_NAME,
};
use windows::Win32::System::Threading::{GetCurrentProcess, GetCurrentThreadId, OpenProcessToken};
use windows::Win32::UI::HiDpi::{
    DPI_AWARENESS_CONTEXT_PER_MONITOR_AWARE_V2, GetDpiForMonitor, MDT_EFFECTIVE_DPI, SetProcessDpiAwarenessContext,
};
use windows::Win32::UI::Input::KeyboardAndMouse::{GetAsyncKeyState, MAPVK_VK_TO_VSC_EX, MapVirtualKeyW};
use windows::Win32::UI::WindowsAndMessaging::{
    GetCursorPos, GetSystemMetrics, SM_CXVIRTUALSCREEN, SM_CYVIRTUALSCREEN, SM_REMOTESESSION, SM_SWAPBUTTON,
    SM_XVIRTUALSCREEN, SM_YVIRTUALSCREEN,
};
use windows::core::{BOOL, PCWSTR};

use super::words::{area, text, window};
use crate::base::event::Area;
use crate::capture::windows::places::Monitor;

/// Has places and sizes told in pixels, and not scaled for programs that do not know of scaling. Once, before anything is asked. The manifest of a
/// program says it as well, and then it is refused here; a test has none.
pub(in crate::capture::windows) fn be_aware_of_pixels() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: takes a constant, and changes how this process is answered.
        if let Err(error) = unsafe { SetProcessDpiAwarenessContext(DPI_AWARENESS_CONTEXT_PER_MONITOR_AWARE_V2) }
            && error.code() != E_ACCESSDENIED
        {
            tracing::debug!(error = %error.message(), "the system does not tell the scale of each monitor");
        }
    });
}

/// Lists the monitors, the primary one first.
pub(in crate::capture::windows) fn monitors() -> Vec<Monitor> {
    let mut monitors: Vec<Monitor> = handles().into_iter().filter_map(monitor).collect();
    monitors.sort_by_key(|monitor| !monitor.is_primary);
    monitors
}

/// The handle of a monitor by its name.
pub(super) fn handle_of(name: &str) -> Option<HMONITOR> {
    handles().into_iter().find(|handle| monitor(*handle).is_some_and(|monitor| monitor.name == name))
}

/// The monitor that has most of a window.
pub(super) fn monitor_of(id: u64) -> Option<Monitor> {
    // SAFETY: takes a handle, which the system checks.
    monitor(unsafe { MonitorFromWindow(window(id), MONITOR_DEFAULTTONEAREST) })
}

fn handles() -> Vec<HMONITOR> {
    unsafe extern "system" fn each(monitor: HMONITOR, _: HDC, _: *mut RECT, list: LPARAM) -> BOOL {
        // SAFETY: `list` is the vector that `handles` passes on, which outlives the enumeration; it runs in that thread alone.
        unsafe { (*(list.0 as *mut Vec<HMONITOR>)).push(monitor) };
        true.into()
    }
    let mut handles: Vec<HMONITOR> = Vec::new();
    // SAFETY: the callback has the type that is asked for, and gets a pointer that lives until the call is back.
    let all = unsafe { EnumDisplayMonitors(None, None, Some(each), LPARAM(&raw mut handles as isize)) };
    if all.as_bool() { handles } else { Vec::new() }
}

fn monitor(handle: HMONITOR) -> Option<Monitor> {
    let mut info = MONITORINFOEXW::default();
    info.monitorInfo.cbSize = size_of::<MONITORINFOEXW>() as u32;
    // SAFETY: the structure says its own size, begins with the one that the call names, and outlives it.
    if !unsafe { GetMonitorInfoW(handle, (&raw mut info).cast::<MONITORINFO>()) }.as_bool() {
        return None;
    }
    let mut mode = DEVMODEW { dmSize: size_of::<DEVMODEW>() as u16, ..DEVMODEW::default() };
    // SAFETY: the name ends with a zero inside its array; the structure says its own size.
    let has_mode =
        unsafe { EnumDisplaySettingsW(PCWSTR(info.szDevice.as_ptr()), ENUM_CURRENT_SETTINGS, &raw mut mode) };
    let (mut across, mut down) = (0, 0);
    // SAFETY: both pointers are to live locals.
    let dpi = unsafe { GetDpiForMonitor(handle, MDT_EFFECTIVE_DPI, &raw mut across, &raw mut down) };
    // 0 and 1 stand for the default of the hardware.
    let hz = Some(mode.dmDisplayFrequency).filter(|hz| has_mode.as_bool() && *hz > 1);
    Some(Monitor {
        name: text(&info.szDevice).trim_start_matches(r"\\.\").to_owned(),
        area: area(info.monitorInfo.rcMonitor),
        is_primary: info.monitorInfo.dwFlags & 1 != 0,
        scale: dpi.is_ok().then(|| across as f32 / 96.0),
        refresh_hz: hz.map(f64::from),
    })
}

/// Where all monitors together are.
pub(in crate::capture::windows) fn desktop() -> Area {
    // SAFETY: takes a number and answers with one.
    let get = |index| unsafe { GetSystemMetrics(index) };
    Area {
        x: get(SM_XVIRTUALSCREEN),
        y: get(SM_YVIRTUALSCREEN),
        width: get(SM_CXVIRTUALSCREEN).max(0) as u32,
        height: get(SM_CYVIRTUALSCREEN).max(0) as u32,
    }
}

/// Whether this program runs as administrator.
pub(in crate::capture::windows) fn is_elevated() -> Option<bool> {
    let (mut token, mut elevation, mut length) = (HANDLE::default(), TOKEN_ELEVATION::default(), 0);
    // SAFETY: the handle stands for the own process; what is written to lives, and is as long as is said. The token is closed.
    unsafe {
        OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &raw mut token).ok()?;
        let (place, size) = ((&raw mut elevation).cast::<c_void>(), size_of::<TOKEN_ELEVATION>() as u32);
        let known = GetTokenInformation(token, TokenElevation, Some(place), size, &raw mut length);
        drop(CloseHandle(token));
        known.ok()?;
    }
    Some(elevation.TokenIsElevated != 0)
}

/// Whether the session is shown on another machine (Remote Desktop).
pub(in crate::capture::windows) fn is_remote() -> bool {
    // SAFETY: takes a number and answers with one.
    unsafe { GetSystemMetrics(SM_REMOTESESSION) != 0 }
}

/// Whether the person has exchanged the left and the right button of mice.
pub(in crate::capture::windows) fn are_buttons_swapped() -> bool {
    // SAFETY: takes a number and answers with one.
    unsafe { GetSystemMetrics(SM_SWAPBUTTON) != 0 }
}

/// The name of a desktop.
fn desktop_name(desktop: HDESK) -> Option<String> {
    let (mut units, mut length) = ([0_u16; 64], 0);
    let (place, size) = (units.as_mut_ptr().cast::<c_void>(), size_of_val(&units) as u32);
    // SAFETY: the name is written into the array, of which the call is told the size.
    let known =
        unsafe { GetUserObjectInformationW(HANDLE(desktop.0), UOI_NAME, Some(place), size, Some(&raw mut length)) };
    known.is_ok().then(|| text(&units))
}

/// Whether the desktop that is shown and typed into is the one that this program runs on: not the one that asks for consent, and not the one
/// that locks.
pub(in crate::capture::windows) fn is_own_desktop() -> bool {
    // SAFETY: takes flags; the handle that it makes is closed below.
    let Ok(shown) = (unsafe { OpenInputDesktop(DESKTOP_CONTROL_FLAGS(0), false, DESKTOP_READOBJECTS) }) else {
        return false;
    };
    // SAFETY: takes the number of this thread; what it answers with is not ours to close.
    let own = unsafe { GetThreadDesktop(GetCurrentThreadId()) };
    let is_own = own.is_ok_and(|own| desktop_name(own) == desktop_name(shown));
    // SAFETY: the handle is ours, and not used again.
    drop(unsafe { CloseDesktop(shown) });
    is_own
}

/// Where the pointer is, pixels of the desktop.
pub(in crate::capture::windows) fn pointer() -> Option<(f64, f64)> {
    let mut at = POINT::default();
    // SAFETY: writes one POINT to a live local.
    unsafe { GetCursorPos(&raw mut at) }.ok()?;
    Some((f64::from(at.x), f64::from(at.y)))
}

/// The make code of a virtual key, with its prefix in the upper byte; zero when it has none.
pub(in crate::capture::windows) fn make_of(vkey: u16) -> u16 {
    // SAFETY: takes numbers.
    unsafe { MapVirtualKeyW(vkey.into(), MAPVK_VK_TO_VSC_EX) as u16 }
}

/// Whether a virtual key is down at the moment.
pub(in crate::capture::windows) fn is_down(vkey: u16) -> bool {
    // SAFETY: takes a number.
    unsafe { GetAsyncKeyState(vkey.into()) < 0 }
}
