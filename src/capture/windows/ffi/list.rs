//! The windows of the desktop and the active one, with what the system tells of them without asking their processes.

#![expect(unsafe_code, reason = "the Windows API is C: its calls take pointers to what they write")]

use std::collections::HashMap;
use std::ffi::c_void;

use windows::Win32::Foundation::{CloseHandle, HWND, LPARAM, POINT, RECT};
use windows::Win32::Graphics::Dwm::{DWMWA_CLOAKED, DWMWA_EXTENDED_FRAME_BOUNDS, DwmGetWindowAttribute};
use windows::Win32::Graphics::Gdi::{ClientToScreen, GetWindowRgnBox};
use windows::Win32::System::Diagnostics::ToolHelp::{
    CreateToolhelp32Snapshot, PROCESSENTRY32W, Process32FirstW, Process32NextW, TH32CS_SNAPPROCESS,
};
use windows::Win32::UI::Input::KeyboardAndMouse::GetKeyboardLayout;
use windows::Win32::UI::WindowsAndMessaging::{
    EnumWindows, FindWindowExW, GUITHREADINFO, GWL_EXSTYLE, GWL_STYLE, GetClassNameW, GetClientRect,
    GetForegroundWindow, GetGUIThreadInfo, GetWindowLongW, GetWindowRect, GetWindowThreadProcessId,
    InternalGetWindowText, IsIconic, IsWindow, IsWindowVisible, IsZoomed, WINDOW_LONG_PTR_INDEX, WS_CAPTION,
    WS_EX_LAYERED, WS_EX_NOREDIRECTIONBITMAP, WS_EX_TRANSPARENT,
};
use windows::core::{BOOL, PCWSTR, w};

use super::words::{area, number, text, window};
use crate::base::event::Area;
use crate::capture::windows::field::Field;
use crate::capture::windows::front::Front;
use crate::capture::windows::places::Monitor;
use crate::capture::windows::roster::WindowFacts;

/// Longest title that is read, in UTF-16 units; longer ones are cut.
const TITLE: usize = 512;
/// The bit of an edit field's style that hides what is typed.
const ES_PASSWORD: i32 = 0x20;

/// The names of programs by window and process; kept, since the list of all processes is long. Numbers of processes are given again, so a
/// window that is new has the list read anew.
#[derive(Default)]
pub(in crate::capture::windows) struct Programs(HashMap<(u64, u32), String>);

/// Most windows of the shell that are looked for, and how often that is begun anew when one of them goes meanwhile.
const MOST_OF_SHELL: usize = 64;
const ROUNDS: usize = 3;

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
pub(in crate::capture::windows) fn windows(programs: &mut Programs, monitors: &[Monitor]) -> Vec<WindowFacts> {
    unsafe extern "system" fn each(window: HWND, list: LPARAM) -> BOOL {
        // SAFETY: `list` is the vector that `windows` passes on, which outlives the enumeration; it runs in that thread alone.
        unsafe { (*(list.0 as *mut Vec<HWND>)).push(window) };
        true.into()
    }
    let mut handles: Vec<HWND> = Vec::new();
    // SAFETY: the callback has the type that is asked for, and gets a pointer that lives until the call is back. It cannot fail but by the
    // callback's word.
    drop(unsafe { EnumWindows(Some(each), LPARAM(&raw mut handles as isize)) });
    above(of_shell(), handles).into_iter().filter_map(|handle| facts(handle, programs, monitors)).collect()
}

/// The windows of the shell and of programs of its kind (notifications, the start menu), which the enumeration leaves out since Windows 8.
fn of_shell() -> Vec<HWND> {
    let mut found: Vec<HWND> = Vec::new();
    for _ in 0..ROUNDS {
        let mut last = None;
        while found.len() < MOST_OF_SHELL {
            // SAFETY: takes a handle, which the system checks, and a constant that ends with a zero.
            match unsafe { FindWindowExW(None, last, w!("Windows.UI.Core.CoreWindow"), PCWSTR::null()) } {
                Ok(handle) => {
                    last = Some(handle);
                    if !found.contains(&handle) {
                        found.push(handle);
                    }
                }
                // No other one.
                Err(error) if error.code().is_ok() => return found,
                // The one that it was to go on from is gone.
                Err(_) => break,
            }
        }
    }
    found
}

/// The windows of the shell lie above all others; those that the enumeration had too stay where they are.
fn above(mut shell: Vec<HWND>, listed: Vec<HWND>) -> Vec<HWND> {
    shell.retain(|handle| !listed.contains(handle));
    shell.extend(listed);
    shell
}

fn style(handle: HWND, index: WINDOW_LONG_PTR_INDEX) -> u32 {
    // SAFETY: takes a handle, which the system checks.
    unsafe { GetWindowLongW(handle, index) as u32 }
}

fn class(handle: HWND) -> String {
    let mut units = [0; 256];
    // SAFETY: writes into the array, of which it is told the length.
    let length = unsafe { GetClassNameW(handle, &mut units) };
    text(&units[..usize::try_from(length).unwrap_or(0)])
}

/// Whether the compositor does not show it: it is on another virtual desktop, or its program sleeps.
fn is_cloaked(handle: HWND) -> bool {
    let mut cloaked = 0_u32;
    let attribute = (&raw mut cloaked).cast::<c_void>();
    // SAFETY: the attribute is four bytes, which it is told, in a live local. Where it is not known it stays zero.
    drop(unsafe { DwmGetWindowAttribute(handle, DWMWA_CLOAKED, attribute, size_of::<u32>() as u32) });
    cloaked != 0
}

/// Whether a window has no title bar, and whether it is maximised.
fn shape(handle: HWND) -> (bool, bool) {
    // SAFETY: takes a handle, which the system checks.
    let is_zoomed = unsafe { IsZoomed(handle) }.as_bool();
    (style(handle, GWL_STYLE) & WS_CAPTION.0 != WS_CAPTION.0, is_zoomed)
}

fn facts(handle: HWND, programs: &mut Programs, monitors: &[Monitor]) -> Option<WindowFacts> {
    // SAFETY: these take a handle, which the system checks.
    let is_shown = unsafe { IsWindowVisible(handle).as_bool() && !IsIconic(handle).as_bool() };
    if !is_shown {
        return None;
    }
    let (mut rect, mut pid) = (RECT::default(), 0);
    // SAFETY: writes one RECT to a live local.
    unsafe { GetWindowRect(handle, &raw mut rect) }.ok()?;
    if is_cloaked(handle) {
        return None;
    }
    let mut units = [0; TITLE];
    // SAFETY: writes into the array, of which it is told the length. It reads the system's copy, and asks no other process.
    let length = unsafe { InternalGetWindowText(handle, &mut units) };
    // SAFETY: writes the process to a live local.
    unsafe { GetWindowThreadProcessId(handle, Some(&raw mut pid)) };
    let ((is_popup, is_zoomed), extended) = (shape(handle), style(handle, GWL_EXSTYLE));
    let mut region = RECT::default();
    // SAFETY: writes one RECT to a live local; answers zero for a window that has no shape of its own.
    let has_region = unsafe { GetWindowRgnBox(handle, &raw mut region) }.0 != 0;
    let is_layered = extended & WS_EX_LAYERED.0 != 0;
    // Of one that has no picture of its own, as the shell's, the compositor may show anything through.
    let is_composed = extended & WS_EX_NOREDIRECTIONBITMAP.0 != 0;
    let area = area(rect);
    Some(WindowFacts {
        id: number(handle),
        pid,
        area,
        shown: true,
        blends: is_layered || has_region || is_composed,
        is_overlay: is_layered && extended & WS_EX_TRANSPARENT.0 != 0,
        is_popup,
        fills: fills(handle, area, monitors),
        is_zoomed,
        title: text(&units[..usize::try_from(length).unwrap_or(0)]),
        class: class(handle),
        program: programs.name(number(handle), pid),
    })
}

/// Whether a window at an area covers a whole monitor. The area has edges that are not drawn, so what is drawn has to cover it too, where that is known.
fn fills(handle: HWND, area: Area, monitors: &[Monitor]) -> bool {
    let covers = |area: Area| monitors.iter().any(|monitor| area.and(monitor.area) == Some(monitor.area));
    covers(area) && frame_of(number(handle)).is_none_or(covers)
}

/// How a window stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::capture::windows) enum Standing {
    Gone,
    /// It is not shown: minimised, or on another virtual desktop.
    Minimised,
    /// Its content, without the frame, on the desktop.
    There(Area),
}

/// Asks how a window stands.
pub(in crate::capture::windows) fn standing(id: u64) -> Standing {
    let handle = window(id);
    let (mut rect, mut corner) = (RECT::default(), POINT::default());
    // SAFETY: these take a handle, which the system checks, and write to live locals.
    unsafe {
        if !IsWindow(Some(handle)).as_bool() {
            return Standing::Gone;
        }
        if IsIconic(handle).as_bool() || !IsWindowVisible(handle).as_bool() || is_cloaked(handle) {
            return Standing::Minimised;
        }
        if GetClientRect(handle, &raw mut rect).is_err() || !ClientToScreen(handle, &raw mut corner).as_bool() {
            return Standing::Gone;
        }
    }
    Standing::There(Area { x: corner.x, y: corner.y, ..area(rect) })
}

/// Where a window is with its frame and without its shadow: what the compositor has of it.
pub(in crate::capture::windows) fn frame_of(id: u64) -> Option<Area> {
    let mut rect = RECT::default();
    let (attribute, size) = ((&raw mut rect).cast::<c_void>(), size_of::<RECT>() as u32);
    // SAFETY: takes a handle, which the system checks; the attribute is one RECT, of which it is told the size, in a live local.
    unsafe { DwmGetWindowAttribute(window(id), DWMWA_EXTENDED_FRAME_BOUNDS, attribute, size) }.ok()?;
    Some(area(rect)).filter(|area| area.width > 0 && area.height > 0)
}

/// The active window with what is typed into, as far as the system tells of it without asking its process.
pub(in crate::capture::windows) fn front(programs: &mut Programs, monitors: &[Monitor]) -> Option<Front> {
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
    let mut rect = RECT::default();
    // SAFETY: takes a handle, which the system checks, and writes one RECT to a live local.
    let area = unsafe { GetWindowRect(handle, &raw mut rect) }.map_or(Area::default(), |()| area(rect));
    // SAFETY: takes a thread's number.
    let layout = unsafe { GetKeyboardLayout(thread) };
    let (is_popup, is_zoomed) = shape(handle);
    let facts = WindowFacts {
        id: number(handle),
        pid,
        title: text(&units[..usize::try_from(length).unwrap_or(0)]),
        class: class(handle),
        program: programs.name(number(handle), pid),
        is_popup,
        is_zoomed,
        fills: fills(handle, area, monitors),
        ..WindowFacts::default()
    };
    let in_password = in_password(thread);
    Some(Front { facts, in_password, field: Field::NotAsked, layout: layout.0 as usize as u64 })
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
