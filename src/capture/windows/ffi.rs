//! The calls of the Windows API: the one file of this room that has `unsafe`, behind functions that are safe to call.
//!
//! Invariants: nothing here hooks, injects, or opens another process; windows are known by the number of their handle, which the system checks
//! at each call, so that one that is gone answers with nothing. Memory of the system is read only while it is known to live, and only here.

#![expect(unsafe_code, reason = "the Windows API is C: its calls take pointers to what they write")]

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::c_void;
use std::marker::PhantomData;
use std::sync::Once;

use windows::Win32::Foundation::{CloseHandle, E_ACCESSDENIED, HANDLE, HWND, LPARAM, LRESULT, POINT, RECT, WPARAM};
use windows::Win32::Graphics::Dwm::{DWMWA_CLOAKED, DwmGetWindowAttribute};
use windows::Win32::Graphics::Gdi::{
    BI_RGB, BITMAPINFO, BITMAPINFOHEADER, BitBlt, CAPTUREBLT, ClientToScreen, CreateCompatibleDC, CreateDIBSection,
    DEVMODEW, DIB_RGB_COLORS, DeleteDC, DeleteObject, ENUM_CURRENT_SETTINGS, EnumDisplayMonitors, EnumDisplaySettingsW,
    GdiFlush, GetDC, GetMonitorInfoW, GetWindowRgnBox, HBITMAP, HDC, HGDIOBJ, HMONITOR, MONITORINFO, MONITORINFOEXW,
    ReleaseDC, SRCCOPY, SelectObject,
};
use windows::Win32::System::Diagnostics::ToolHelp::{
    CreateToolhelp32Snapshot, PROCESSENTRY32W, Process32FirstW, Process32NextW, TH32CS_SNAPPROCESS,
};
use windows::Win32::System::LibraryLoader::GetModuleHandleW;
use windows::Win32::System::StationsAndDesktops::{
    CloseDesktop, DESKTOP_CONTROL_FLAGS, DESKTOP_READOBJECTS, GetThreadDesktop, GetUserObjectInformationW, HDESK,
    OpenInputDesktop, UOI_NAME,
};
use windows::Win32::System::Threading::{
    GetCurrentThread, GetCurrentThreadId, SetThreadPriority, THREAD_PRIORITY_HIGHEST,
};
use windows::Win32::UI::Accessibility::{HWINEVENTHOOK, SetWinEventHook, UnhookWinEvent};
use windows::Win32::UI::HiDpi::{
    DPI_AWARENESS_CONTEXT_PER_MONITOR_AWARE_V2, GetDpiForMonitor, MDT_EFFECTIVE_DPI, SetProcessDpiAwarenessContext,
};
use windows::Win32::UI::Input::KeyboardAndMouse::{
    GetAsyncKeyState, GetKeyboardLayout, MAPVK_VK_TO_VSC_EX, MapVirtualKeyW,
};
use windows::Win32::UI::Input::{
    GetRawInputBuffer, GetRawInputData, GetRawInputDeviceInfoW, GetRawInputDeviceList, HRAWINPUT, RAWINPUT,
    RAWINPUTDEVICE, RAWINPUTDEVICELIST, RAWINPUTHEADER, RID_INPUT, RIDEV_DEVNOTIFY, RIDEV_INPUTSINK, RIDI_DEVICENAME,
    RIM_TYPEHID, RIM_TYPEKEYBOARD, RIM_TYPEMOUSE, RegisterRawInputDevices,
};
use windows::Win32::UI::WindowsAndMessaging::{
    CURSOR_SHOWING, CURSORINFO, CreateWindowExW, DI_NORMAL, DefWindowProcW, DestroyWindow, DispatchMessageW,
    DrawIconEx, EVENT_SYSTEM_DESKTOPSWITCH, EVENT_SYSTEM_FOREGROUND, EnumWindows, GUITHREADINFO, GWL_EXSTYLE,
    GWL_STYLE, GetClassNameW, GetClientRect, GetCursorInfo, GetCursorPos, GetForegroundWindow, GetGUIThreadInfo,
    GetIconInfo, GetSystemMetrics, GetWindowLongW, GetWindowRect, GetWindowThreadProcessId, HICON, HWND_MESSAGE,
    ICONINFO, InternalGetWindowText, IsIconic, IsWindow, IsWindowVisible, MSG, MWMO_INPUTAVAILABLE,
    MsgWaitForMultipleObjectsEx, PM_REMOVE, PeekMessageW, QS_ALLINPUT, RegisterClassW, SM_CXVIRTUALSCREEN,
    SM_CYVIRTUALSCREEN, SM_SWAPBUTTON, SM_XVIRTUALSCREEN, SM_YVIRTUALSCREEN, WINDOW_EX_STYLE, WINDOW_STYLE,
    WINEVENT_OUTOFCONTEXT, WM_INPUT, WM_INPUT_DEVICE_CHANGE, WNDCLASSW, WS_CAPTION, WS_EX_LAYERED, WS_EX_TRANSPARENT,
};
use windows::core::{BOOL, Error, PCWSTR, w};

use super::keys::KeyPacket;
use super::mouse::MousePacket;
use super::places::Monitor;
use super::roster::WindowFacts;
use crate::base::event::Area;

/// Longest title that is read, in UTF-16 units; longer ones are cut.
const TITLE: usize = 512;
/// The bit of an edit field's style that hides what is typed.
const ES_PASSWORD: i32 = 0x20;
/// How much raw input is taken at once: some 300 events of a mouse.
const RAW_WORDS: usize = 2048;
/// A device came, or went (`WM_INPUT_DEVICE_CHANGE`).
const DEVICE_WENT: usize = 2;
/// What a call said that failed, with its number.
fn said(error: &Error) -> String {
    format!("{} ({:#010x})", error.message(), error.code().0)
}

/// Of what is given back, nothing follows from a refusal.
fn done(answer: BOOL) {
    if !answer.as_bool() {
        tracing::trace!("the system refused to take something back");
    }
}

fn text(units: &[u16]) -> String {
    let end = units.iter().position(|unit| *unit == 0).unwrap_or(units.len());
    String::from_utf16_lossy(&units[..end])
}

fn window(id: u64) -> HWND {
    HWND(id as usize as *mut c_void)
}

fn number(window: HWND) -> u64 {
    window.0 as usize as u64
}

fn area(rect: RECT) -> Area {
    let along = |from: i32, to: i32| u32::try_from(i64::from(to) - i64::from(from)).unwrap_or(0);
    Area { x: rect.left, y: rect.top, width: along(rect.left, rect.right), height: along(rect.top, rect.bottom) }
}

/// Has places and sizes told in pixels, and not scaled for programs that do not know of scaling. Once, before anything is asked. The manifest of a
/// program says it as well, and then it is refused here; a test has none.
pub(super) fn be_aware_of_pixels() {
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
pub(super) fn monitors() -> Vec<Monitor> {
    unsafe extern "system" fn each(monitor: HMONITOR, _: HDC, _: *mut RECT, list: LPARAM) -> BOOL {
        // SAFETY: `list` is the vector that `monitors` passes on, which outlives the enumeration; it runs in that thread alone.
        unsafe { (*(list.0 as *mut Vec<HMONITOR>)).push(monitor) };
        true.into()
    }
    let mut handles: Vec<HMONITOR> = Vec::new();
    // SAFETY: the callback has the type that is asked for, and gets a pointer that lives until the call is back.
    let all = unsafe { EnumDisplayMonitors(None, None, Some(each), LPARAM(&raw mut handles as isize)) };
    if !all.as_bool() {
        return Vec::new();
    }
    let mut monitors: Vec<Monitor> = handles.into_iter().filter_map(monitor).collect();
    monitors.sort_by_key(|monitor| !monitor.is_primary);
    monitors
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
pub(super) fn desktop() -> Area {
    // SAFETY: takes a number and answers with one.
    let get = |index| unsafe { GetSystemMetrics(index) };
    Area {
        x: get(SM_XVIRTUALSCREEN),
        y: get(SM_YVIRTUALSCREEN),
        width: get(SM_CXVIRTUALSCREEN).max(0) as u32,
        height: get(SM_CYVIRTUALSCREEN).max(0) as u32,
    }
}

/// Whether the person has exchanged the left and the right button of mice.
pub(super) fn are_buttons_swapped() -> bool {
    // SAFETY: takes a number and answers with one.
    unsafe { GetSystemMetrics(SM_SWAPBUTTON) != 0 }
}

/// The names of programs by window and process; kept, since the list of all processes is long. Numbers of processes are given again, so a
/// window that is new has the list read anew.
#[derive(Default)]
pub(super) struct Programs(HashMap<(u64, u32), String>);

/// The most windows whose programs are kept: far more than a desktop has.
const MOST_PROGRAMS: usize = 4096;

impl Programs {
    /// The file name of the program of a window's process without `.exe`, in a list that the system gives without opening the process.
    fn name(&mut self, window: u64, pid: u32) -> String {
        if let Some(known) = self.0.get(&(window, pid)) {
            return known.clone();
        }
        if self.0.len() >= MOST_PROGRAMS {
            self.0.clear();
        }
        let name = processes().remove(&pid).unwrap_or_default();
        self.0.insert((window, pid), name.clone());
        name
    }
}

fn processes() -> HashMap<u32, String> {
    let mut found = HashMap::new();
    // SAFETY: takes a flag; the handle that it makes is closed below.
    let Ok(list) = (unsafe { CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0) }) else { return found };
    let mut entry = PROCESSENTRY32W { dwSize: size_of::<PROCESSENTRY32W>() as u32, ..PROCESSENTRY32W::default() };
    // SAFETY: the handle is open, and the structure says its own size and lives.
    let mut more = unsafe { Process32FirstW(list, &raw mut entry) };
    while more.is_ok() {
        let name = text(&entry.szExeFile);
        let is_exe = name.len() > 4 && name.is_char_boundary(name.len() - 4);
        let stem =
            if is_exe && name[name.len() - 4..].eq_ignore_ascii_case(".exe") { &name[..name.len() - 4] } else { &name };
        found.insert(entry.th32ProcessID, stem.to_owned());
        // SAFETY: as above.
        more = unsafe { Process32NextW(list, &raw mut entry) };
    }
    // SAFETY: the handle is ours, and not used again.
    drop(unsafe { CloseHandle(list) });
    found
}

/// Lists the windows that lie on the desktop by themselves and are shown, from the top to the bottom.
pub(super) fn windows(programs: &mut Programs, monitors: &[Monitor]) -> Vec<WindowFacts> {
    unsafe extern "system" fn each(window: HWND, list: LPARAM) -> BOOL {
        // SAFETY: `list` is the vector that `windows` passes on, which outlives the enumeration; it runs in that thread alone.
        unsafe { (*(list.0 as *mut Vec<HWND>)).push(window) };
        true.into()
    }
    let mut handles: Vec<HWND> = Vec::new();
    // SAFETY: the callback has the type that is asked for, and gets a pointer that lives until the call is back. It cannot fail but by the
    // callback's word.
    drop(unsafe { EnumWindows(Some(each), LPARAM(&raw mut handles as isize)) });
    handles.into_iter().filter_map(|handle| facts(handle, programs, monitors)).collect()
}

fn style(handle: HWND, index: windows::Win32::UI::WindowsAndMessaging::WINDOW_LONG_PTR_INDEX) -> u32 {
    // SAFETY: takes a handle, which the system checks.
    unsafe { GetWindowLongW(handle, index) as u32 }
}

fn class(handle: HWND) -> String {
    let mut units = [0; 256];
    // SAFETY: writes into the array, of which it is told the length.
    let length = unsafe { GetClassNameW(handle, &mut units) };
    text(&units[..usize::try_from(length).unwrap_or(0)])
}

fn facts(handle: HWND, programs: &mut Programs, monitors: &[Monitor]) -> Option<WindowFacts> {
    // SAFETY: these take a handle, which the system checks.
    let is_shown = unsafe { IsWindowVisible(handle).as_bool() && !IsIconic(handle).as_bool() };
    if !is_shown {
        return None;
    }
    let (mut rect, mut cloaked, mut pid) = (RECT::default(), 0_u32, 0);
    // SAFETY: writes one RECT to a live local.
    unsafe { GetWindowRect(handle, &raw mut rect) }.ok()?;
    let attribute = (&raw mut cloaked).cast::<c_void>();
    // SAFETY: the attribute is four bytes, which it is told, in a live local. Where it is not known it stays zero.
    drop(unsafe { DwmGetWindowAttribute(handle, DWMWA_CLOAKED, attribute, size_of::<u32>() as u32) });
    if cloaked != 0 {
        return None;
    }
    let mut units = [0; TITLE];
    // SAFETY: writes into the array, of which it is told the length. It reads the system's copy, and asks no other process.
    let length = unsafe { InternalGetWindowText(handle, &mut units) };
    // SAFETY: writes the process to a live local.
    unsafe { GetWindowThreadProcessId(handle, Some(&raw mut pid)) };
    let (style, extended) = (style(handle, GWL_STYLE), style(handle, GWL_EXSTYLE));
    let mut region = RECT::default();
    // SAFETY: writes one RECT to a live local; answers zero for a window that has no shape of its own.
    let has_region = unsafe { GetWindowRgnBox(handle, &raw mut region) }.0 != 0;
    let is_layered = extended & WS_EX_LAYERED.0 != 0;
    let area = area(rect);
    Some(WindowFacts {
        id: number(handle),
        pid,
        area,
        shown: true,
        blends: is_layered || has_region,
        is_overlay: is_layered && extended & WS_EX_TRANSPARENT.0 != 0,
        is_popup: style & WS_CAPTION.0 != WS_CAPTION.0,
        fills: monitors.iter().any(|monitor| area.and(monitor.area) == Some(monitor.area)),
        title: text(&units[..usize::try_from(length).unwrap_or(0)]),
        class: class(handle),
        program: programs.name(number(handle), pid),
    })
}

/// How a window stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Standing {
    Gone,
    Minimised,
    /// Its content, without the frame, on the desktop.
    There(Area),
}

/// Asks how a window stands.
pub(super) fn standing(id: u64) -> Standing {
    let handle = window(id);
    let (mut rect, mut corner) = (RECT::default(), POINT::default());
    // SAFETY: these take a handle, which the system checks, and write to live locals.
    unsafe {
        if !IsWindow(Some(handle)).as_bool() {
            return Standing::Gone;
        }
        if IsIconic(handle).as_bool() || !IsWindowVisible(handle).as_bool() {
            return Standing::Minimised;
        }
        if GetClientRect(handle, &raw mut rect).is_err() || !ClientToScreen(handle, &raw mut corner).as_bool() {
            return Standing::Gone;
        }
    }
    Standing::There(Area { x: corner.x, y: corner.y, ..area(rect) })
}

/// The active window with what is typed into, as far as the system tells of it without asking its process.
pub(super) fn front(programs: &mut Programs) -> Option<super::front::Front> {
    // SAFETY: takes nothing.
    let handle = unsafe { GetForegroundWindow() };
    if handle.is_invalid() {
        return None;
    }
    let mut pid = 0;
    // SAFETY: writes the process to a live local.
    let thread = unsafe { GetWindowThreadProcessId(handle, Some(&raw mut pid)) };
    let mut units = [0; TITLE];
    // SAFETY: writes into the array, of which it is told the length; it asks no other process.
    let length = unsafe { InternalGetWindowText(handle, &mut units) };
    // SAFETY: takes a thread's number.
    let layout = unsafe { GetKeyboardLayout(thread) };
    let facts = WindowFacts {
        id: number(handle),
        pid,
        title: text(&units[..usize::try_from(length).unwrap_or(0)]),
        class: class(handle),
        program: programs.name(number(handle), pid),
        ..WindowFacts::default()
    };
    Some(super::front::Front { facts, in_password: in_password(thread), layout: layout.0 as usize as u64 })
}

/// Whether what a thread's windows are typed into is a field for passwords, of the system's own kind or one that is named like it.
fn in_password(thread: u32) -> bool {
    let mut info = GUITHREADINFO { cbSize: size_of::<GUITHREADINFO>() as u32, ..GUITHREADINFO::default() };
    // SAFETY: the structure says its own size, and lives.
    let known = unsafe { GetGUIThreadInfo(thread, &raw mut info) }.is_ok();
    known
        && !info.hwndFocus.is_invalid()
        && style(info.hwndFocus, GWL_STYLE) as i32 & ES_PASSWORD != 0
        && class(info.hwndFocus).to_ascii_lowercase().contains("edit")
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
pub(super) fn is_own_desktop() -> bool {
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
pub(super) fn pointer() -> Option<(f64, f64)> {
    let mut at = POINT::default();
    // SAFETY: writes one POINT to a live local.
    unsafe { GetCursorPos(&raw mut at) }.ok()?;
    Some((f64::from(at.x), f64::from(at.y)))
}

/// The make code of a virtual key, with its prefix in the upper byte; zero when it has none.
pub(super) fn make_of(vkey: u16) -> u16 {
    // SAFETY: takes numbers.
    unsafe { MapVirtualKeyW(vkey.into(), MAPVK_VK_TO_VSC_EX) as u16 }
}

/// Whether a virtual key is down at the moment.
pub(super) fn is_down(vkey: u16) -> bool {
    // SAFETY: takes a number.
    unsafe { GetAsyncKeyState(vkey.into()) < 0 }
}

/// A picture in memory that GDI draws into: packed B, G, R, X, from the top to the bottom.
pub(super) struct Canvas {
    dc: HDC,
    bitmap: HBITMAP,
    replaced: HGDIOBJ,
    bits: *mut u8,
    size: (u32, u32),
}

impl Canvas {
    /// Makes a black one.
    pub(super) fn new(size: (u32, u32)) -> Result<Self, String> {
        let (Ok(width), Ok(height)) = (i32::try_from(size.0), i32::try_from(size.1)) else {
            return Err("it is too large".into());
        };
        let header = BITMAPINFOHEADER {
            biSize: size_of::<BITMAPINFOHEADER>() as u32,
            biWidth: width,
            biHeight: -height,
            biPlanes: 1,
            biBitCount: 32,
            biCompression: BI_RGB.0,
            ..BITMAPINFOHEADER::default()
        };
        let info = BITMAPINFO { bmiHeader: header, ..BITMAPINFO::default() };
        let mut bits: *mut c_void = std::ptr::null_mut();
        // SAFETY: what is pointed to lives; all that is made is kept, or deleted when the next step fails.
        unsafe {
            let bitmap = CreateDIBSection(None, &raw const info, DIB_RGB_COLORS, &raw mut bits, None, 0)
                .map_err(|error| said(&error))?;
            let dc = CreateCompatibleDC(None);
            if dc.is_invalid() || bits.is_null() {
                done(DeleteObject(bitmap.into()));
                return Err(said(&Error::from_thread()));
            }
            let replaced = SelectObject(dc, bitmap.into());
            Ok(Self { dc, bitmap, replaced, bits: bits.cast(), size })
        }
    }

    pub(super) fn size(&self) -> (u32, u32) {
        self.size
    }

    fn bytes(&self) -> usize {
        self.size.0 as usize * self.size.1 as usize * 4
    }

    /// The pixels, which GDI has finished with.
    pub(super) fn pixels(&self) -> &[u8] {
        // SAFETY: the section has this many bytes (32 bits a pixel, so rows are not padded), lives as long as `self`, and GDI writes to it
        // only in methods that take `self` by `&mut`, after which it is flushed.
        unsafe { std::slice::from_raw_parts(self.bits, self.bytes()) }
    }

    /// The pixels, to be painted on.
    pub(super) fn pixels_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `pixels`, and nobody else has them while `self` is borrowed.
        unsafe { std::slice::from_raw_parts_mut(self.bits, self.bytes()) }
    }

    /// Copies what the desktop shows from this corner on; black where there is no monitor.
    pub(super) fn copy_desktop(&mut self, (x, y): (i32, i32)) -> Result<(), String> {
        let (width, height) = (self.size.0 as i32, self.size.1 as i32);
        // SAFETY: both contexts are open; the one of the desktop is given back.
        unsafe {
            let desktop = GetDC(None);
            if desktop.is_invalid() {
                return Err(said(&Error::from_thread()));
            }
            let copied = BitBlt(self.dc, 0, 0, width, height, Some(desktop), x, y, SRCCOPY | CAPTUREBLT);
            ReleaseDC(None, desktop);
            // It is done only then; the answer says nothing more.
            done(GdiFlush());
            copied.map_err(|error| said(&error))
        }
    }

    /// Draws the pointer where it is, for a picture whose corner is this place of the desktop. `false`: it could not be drawn.
    pub(super) fn draw_pointer(&mut self, (x, y): (i32, i32)) -> bool {
        let mut cursor = CURSORINFO { cbSize: size_of::<CURSORINFO>() as u32, ..CURSORINFO::default() };
        let mut icon = ICONINFO::default();
        // SAFETY: the structures live and say their sizes; the two bitmaps that are made of the icon are deleted.
        unsafe {
            if GetCursorInfo(&raw mut cursor).is_err() {
                return false;
            }
            if cursor.flags != CURSOR_SHOWING {
                return true;
            }
            let shape = HICON(cursor.hCursor.0);
            if GetIconInfo(shape, &raw mut icon).is_err() {
                return false;
            }
            for bitmap in [icon.hbmMask, icon.hbmColor].into_iter().filter(|bitmap| !bitmap.is_invalid()) {
                done(DeleteObject(bitmap.into()));
            }
            let left = cursor.ptScreenPos.x - x - icon.xHotspot as i32;
            let top = cursor.ptScreenPos.y - y - icon.yHotspot as i32;
            let drawn = DrawIconEx(self.dc, left, top, shape, 0, 0, 0, None, DI_NORMAL).is_ok();
            done(GdiFlush());
            drawn
        }
    }
}

impl Drop for Canvas {
    fn drop(&mut self) {
        // SAFETY: all three are ours and not used again; the bitmap is taken out of the context before it is deleted.
        unsafe {
            SelectObject(self.dc, self.replaced);
            done(DeleteObject(self.bitmap.into()));
            done(DeleteDC(self.dc));
        }
    }
}

/// Something that a listener was told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Heard {
    Key(KeyPacket),
    Mouse(MousePacket),
    DeviceWent(u64),
    /// Another window is active, or another desktop is shown: look at it.
    Front,
}

thread_local! {
    /// What the window procedure and the events told, until it is taken.
    static NOTES: RefCell<Vec<Heard>> = const { RefCell::new(Vec::new()) };
}

fn note(heard: Heard) {
    // Called only while messages are dispatched, when nobody holds it.
    NOTES.with_borrow_mut(|notes| notes.push(heard));
}

unsafe extern "system" fn procedure(window: HWND, message: u32, w: WPARAM, l: LPARAM) -> LRESULT {
    match message {
        WM_INPUT_DEVICE_CHANGE if w.0 == DEVICE_WENT => note(Heard::DeviceWent(l.0 as usize as u64)),
        // One that came behind the last look into the buffer.
        WM_INPUT => {
            let mut input = RAWINPUT::default();
            let mut size = size_of::<RAWINPUT>() as u32;
            let (place, header) = ((&raw mut input).cast::<c_void>(), size_of::<RAWINPUTHEADER>() as u32);
            // SAFETY: the message's parameter is a handle of raw input, which is written to a live local of the size that is told; what was
            // written says of which type it is. Mice and keyboards, of which alone these are, fit.
            unsafe {
                if GetRawInputData(HRAWINPUT(l.0 as *mut c_void), RID_INPUT, Some(place), &raw mut size, header)
                    != u32::MAX
                    && let Some(heard) = packet(&input)
                {
                    note(heard);
                }
            }
        }
        _ => {}
    }
    // SAFETY: hands on what it was given.
    unsafe { DefWindowProcW(window, message, w, l) }
}

unsafe extern "system" fn event(_: HWINEVENTHOOK, _: u32, _: HWND, _: i32, _: i32, _: u32, _: u32) {
    note(Heard::Front);
}

/// Hears keyboards and mice through a window that is not shown. Belongs to the thread that made it.
pub(super) struct Listener {
    window: HWND,
    events: Vec<HWINEVENTHOOK>,
    store: Vec<u64>,
    /// Not for another thread.
    here: PhantomData<*const ()>,
}

impl Listener {
    /// Begins to hear.
    pub(super) fn open() -> Result<Self, String> {
        // SAFETY: names are constants that end with a zero; the class has the procedure's true type, and lives as long as the process. The
        // window is destroyed when the listener is dropped.
        unsafe {
            let instance = GetModuleHandleW(None).map_err(|error| said(&error))?.into();
            let class = WNDCLASSW {
                lpfnWndProc: Some(procedure),
                hInstance: instance,
                lpszClassName: w!("watchcap_inputs"),
                ..WNDCLASSW::default()
            };
            // The second time it is there already.
            RegisterClassW(&raw const class);
            let (name, parent) = (w!("watchcap_inputs"), Some(HWND_MESSAGE));
            let (extended, style) = (WINDOW_EX_STYLE(0), WINDOW_STYLE(0));
            let window = CreateWindowExW(extended, name, name, style, 0, 0, 0, 0, parent, None, Some(instance), None)
                .map_err(|error| said(&error))?;
            let mut listener = Self { window, events: Vec::new(), store: vec![0; RAW_WORDS], here: PhantomData };
            let device = |usage| RAWINPUTDEVICE {
                usUsagePage: 1,
                usUsage: usage,
                dwFlags: RIDEV_INPUTSINK | RIDEV_DEVNOTIFY,
                hwndTarget: window,
            };
            // Mice and keyboards.
            RegisterRawInputDevices(&[device(2), device(6)], size_of::<RAWINPUTDEVICE>() as u32)
                .map_err(|error| said(&error))?;
            for of in [EVENT_SYSTEM_FOREGROUND, EVENT_SYSTEM_DESKTOPSWITCH] {
                // Out of context: called in this thread while it takes its messages. Nothing goes into other processes.
                let hook = SetWinEventHook(of, of, None, Some(event), 0, 0, WINEVENT_OUTOFCONTEXT);
                listener.events.extend(Some(hook).filter(|hook| !hook.is_invalid()));
            }
            Ok(listener)
        }
    }

    /// Has this thread go before others.
    pub(super) fn hurry() {
        // SAFETY: the handle stands for the own thread.
        if let Err(error) = unsafe { SetThreadPriority(GetCurrentThread(), THREAD_PRIORITY_HIGHEST) } {
            tracing::debug!(error = %error.message(), "the thread of inputs has no higher priority");
        }
    }

    /// Waits until there is something to hear, at most this long.
    pub(super) fn wait(ms: u32) {
        // SAFETY: waits for no handle.
        unsafe { MsgWaitForMultipleObjectsEx(None, ms, QS_ALLINPUT, MWMO_INPUTAVAILABLE) };
    }

    /// Takes what there is, at most one store full of raw input; whether there may be more.
    pub(super) fn take(&mut self, heard: &mut Vec<Heard>) -> Result<bool, String> {
        let mut size = (self.store.len() * size_of::<u64>()) as u32;
        let header = size_of::<RAWINPUTHEADER>() as u32;
        let place = self.store.as_mut_ptr().cast::<RAWINPUT>();
        // SAFETY: the store is aligned for the structures, has as many bytes as is said, and lives.
        let count = unsafe { GetRawInputBuffer(Some(place), &raw mut size, header) };
        if count == u32::MAX {
            return Err(said(&Error::from_thread()));
        }
        let mut at = self.store.as_ptr();
        for _ in 0..count {
            // SAFETY: the call wrote so many structures one behind the other, each as long as it says, rounded up to eight bytes; the type
            // says which member of the union is there.
            unsafe {
                let input = &*at.cast::<RAWINPUT>();
                heard.extend(packet(input));
                at = at.add((input.header.dwSize as usize).div_ceil(size_of::<u64>()));
            }
        }
        let mut message = MSG::default();
        // Without a filter: Wine hands out raw input whatever the filter says.
        // SAFETY: writes to a live local, and calls the procedures of this thread's own window and events.
        unsafe {
            while PeekMessageW(&raw mut message, None, 0, 0, PM_REMOVE).as_bool() {
                DispatchMessageW(&raw const message);
            }
        }
        NOTES.with_borrow_mut(|notes| heard.append(notes));
        Ok(count > 0 || !heard.is_empty())
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // SAFETY: all are ours, of this thread, and not used again. Raw input ends with its window.
        unsafe {
            for hook in self.events.drain(..) {
                done(UnhookWinEvent(hook));
            }
            drop(DestroyWindow(self.window));
        }
    }
}

/// # Safety
/// The structure must be one that the system wrote.
unsafe fn packet(input: &RAWINPUT) -> Option<Heard> {
    let device = input.header.hDevice.0 as usize as u64;
    // SAFETY: the type says which member of the union is there.
    unsafe {
        if input.header.dwType == RIM_TYPEKEYBOARD.0 {
            let keyboard = input.data.keyboard;
            let (make, flags, vkey) = (keyboard.MakeCode, keyboard.Flags, keyboard.VKey);
            return Some(Heard::Key(KeyPacket { device, make, flags, vkey }));
        }
        if input.header.dwType == RIM_TYPEMOUSE.0 {
            let mouse = input.data.mouse;
            let changed = mouse.Anonymous.Anonymous;
            return Some(Heard::Mouse(MousePacket {
                device,
                flags: mouse.usFlags.0,
                x: mouse.lLastX,
                y: mouse.lLastY,
                buttons: changed.usButtonFlags,
                data: changed.usButtonData as i16,
            }));
        }
    }
    None
}

/// The keyboards and mice, by the maker's and the product's number where they have them.
pub(super) fn devices() -> Vec<String> {
    let item = size_of::<RAWINPUTDEVICELIST>() as u32;
    let mut count = 0;
    // SAFETY: asks for the count, then has the list written into as many places as is said.
    let listed = unsafe {
        GetRawInputDeviceList(None, &raw mut count, item);
        let mut list = vec![RAWINPUTDEVICELIST::default(); count as usize];
        let written = GetRawInputDeviceList(Some(list.as_mut_ptr()), &raw mut count, item);
        list.truncate(if written == u32::MAX { 0 } else { written as usize });
        list
    };
    let kept = listed.into_iter().filter(|device| device.dwType != RIM_TYPEHID);
    kept.filter_map(|device| {
        let mut units = [0_u16; 512];
        let mut length = units.len() as u32;
        let place = units.as_mut_ptr().cast::<c_void>();
        // SAFETY: writes into the array, of which it is told the length.
        let written =
            unsafe { GetRawInputDeviceInfoW(Some(device.hDevice), RIDI_DEVICENAME, Some(place), &raw mut length) };
        // The third part is the number of this very device.
        (written != u32::MAX)
            .then(|| text(&units).trim_start_matches(r"\\?\").split('#').take(2).collect::<Vec<_>>().join("/"))
    })
    .collect()
}
