//! The desktop: its displays and windows, what is held, whose session it is, and what the recorder may do.

#![expect(unsafe_code, reason = "some calls write through pointers, and two are not in the bindings")]

use std::collections::HashMap;

use objc2::rc::autoreleasepool;
use objc2_app_kit::NSRunningApplication;
use objc2_core_foundation::CGRect;
use objc2_core_graphics::{
    CGDisplayBounds, CGDisplayCopyDisplayMode, CGDisplayMode, CGError, CGEvent, CGEventSource, CGEventSourceStateID,
    CGGetOnlineDisplayList, CGMainDisplayID, CGMouseButton, CGPreflightListenEventAccess,
    CGPreflightScreenCaptureAccess, CGRequestListenEventAccess, CGRequestScreenCaptureAccess,
    CGSessionCopyCurrentDictionary, CGWindowListCopyWindowInfo, CGWindowListOption, kCGNullWindowID,
};
use objc2_foundation::ns_string;

use super::reading::{self, Words};
use crate::base::event::Button;
use crate::capture::macos::follow::{self, Down};
use crate::capture::macos::host_time::Timebase;
use crate::capture::macos::keys;
use crate::capture::macos::places::{Desktop, Display};
use crate::capture::macos::points::Points;
use crate::capture::macos::window::WindowFacts;

/// The most displays that are asked for.
const DISPLAYS: usize = 32;
/// The most windows whose applications are kept: far more than a desktop has.
const MOST_APPS: usize = 4096;
/// `kKeyboardISO` of Carbon's `Keyboards.h`.
const ISO: u32 = u32::from_be_bytes(*b"ISO ");

/// `mach_timebase_info_data_t`.
#[repr(C)]
struct MachTimebase {
    numer: u32,
    denom: u32,
}

unsafe extern "C" {
    fn mach_timebase_info(info: *mut MachTimebase) -> i32;
}

#[link(name = "Carbon", kind = "framework")]
unsafe extern "C" {
    safe fn IsSecureEventInputEnabled() -> u8;
    safe fn KBGetLayoutType(keyboard_type: i16) -> u32;
}

// Of `CGDisplayConfiguration.h`: `boolean_t` is a number of four bytes.
#[link(name = "CoreGraphics", kind = "framework")]
unsafe extern "C" {
    safe fn CGDisplayIsAsleep(display: u32) -> u32;
    safe fn CGDisplayMirrorsDisplay(display: u32) -> u32;
}

/// How many nanoseconds a step of host time is.
pub(in crate::capture::macos) fn timebase() -> Timebase {
    let mut info = MachTimebase { numer: 1, denom: 1 };
    // SAFETY: writes two numbers to a live local.
    let is_known = unsafe { mach_timebase_info(&raw mut info) } == 0;
    if is_known { Timebase { numer: info.numer, denom: info.denom } } else { Timebase { numer: 1, denom: 1 } }
}

fn points(rect: CGRect) -> Points {
    Points { x: rect.origin.x, y: rect.origin.y, width: rect.size.width, height: rect.size.height }
}

/// The displays that are connected, the main one first, those that sleep among them. One that mirrors another is none.
pub(in crate::capture::macos) fn desktop() -> Desktop {
    let (mut ids, mut count) = ([0; DISPLAYS], 0_u32);
    // SAFETY: writes at most as many numbers as it is told to the array, and how many to a live local.
    let answer = unsafe { CGGetOnlineDisplayList(DISPLAYS as u32, ids.as_mut_ptr(), &raw mut count) };
    if answer != CGError::Success {
        return Desktop::default();
    }
    let main = CGMainDisplayID();
    let mut displays: Vec<Display> = ids[..DISPLAYS.min(count as usize)]
        .iter()
        .filter(|id| CGDisplayMirrorsDisplay(**id) == 0)
        .map(|id| {
            let mode = CGDisplayCopyDisplayMode(*id);
            let mode = mode.as_deref();
            // Sizes of a mode are those before a display is turned; their proportion is the same.
            let (pixels, wide) = (CGDisplayMode::pixel_width(mode), CGDisplayMode::width(mode));
            let scale = if pixels > 0 && wide > 0 { pixels as f64 / wide as f64 } else { 1.0 };
            // Zero for displays that do not say.
            let hz = Some(CGDisplayMode::refresh_rate(mode)).filter(|hz| *hz > 1.0);
            Display {
                id: *id,
                points: points(CGDisplayBounds(*id)),
                scale,
                is_main: *id == main,
                refresh_hz: hz,
                asleep: CGDisplayIsAsleep(*id) != 0,
            }
        })
        .collect();
    displays.sort_by_key(|display| !display.is_main);
    Desktop(displays)
}

/// The bundles of applications by window and process; kept, since they do not change. Numbers of processes are given again, so a window that is new
/// has its application asked for anew.
#[derive(Default)]
pub(in crate::capture::macos) struct Apps(HashMap<(u32, u32), String>);

impl Apps {
    fn bundle(&mut self, window: u32, pid: u32) -> String {
        if let Some(known) = self.0.get(&(window, pid)) {
            return known.clone();
        }
        if self.0.len() >= MOST_APPS {
            self.0.clear();
        }
        let app = i32::try_from(pid).ok().and_then(NSRunningApplication::runningApplicationWithProcessIdentifier);
        let bundle = app.and_then(|app| app.bundleIdentifier()).map(|name| name.to_string()).unwrap_or_default();
        self.0.insert((window, pid), bundle.clone());
        bundle
    }
}

fn facts(words: &Words, apps: &mut Apps) -> Option<WindowFacts> {
    let whole = |key| reading::number(words, key).map(|number| number as i64);
    let id = u32::try_from(whole(ns_string!("kCGWindowNumber"))?).ok()?;
    let pid = u32::try_from(whole(ns_string!("kCGWindowOwnerPID"))?).ok()?;
    let is_clear = reading::number(words, ns_string!("kCGWindowAlpha")).is_some_and(|alpha| alpha <= 0.0);
    Some(WindowFacts {
        id,
        pid,
        points: reading::points(words, ns_string!("kCGWindowBounds"))?,
        layer: i32::try_from(whole(ns_string!("kCGWindowLayer"))?).unwrap_or(i32::MAX),
        on_screen: !is_clear && reading::flag(words, ns_string!("kCGWindowIsOnscreen")),
        title: reading::text(words, ns_string!("kCGWindowName")),
        app: reading::text(words, ns_string!("kCGWindowOwnerName")),
        bundle: apps.bundle(id, pid),
    })
}

fn listed(option: CGWindowListOption, window: u32, apps: &mut Apps) -> Vec<WindowFacts> {
    autoreleasepool(|_| {
        let Some(list) = CGWindowListCopyWindowInfo(option, window) else { return Vec::new() };
        reading::list(&list).iter().filter_map(|words| facts(&words, apps)).collect()
    })
}

/// Lists the windows that are shown, from the top to the bottom. Those of the desktop itself are not among them.
pub(in crate::capture::macos) fn windows(apps: &mut Apps) -> Vec<WindowFacts> {
    let option = CGWindowListOption::OptionOnScreenOnly | CGWindowListOption::ExcludeDesktopElements;
    listed(option, kCGNullWindowID, apps)
}

/// A window, shown or not; `None` when it is gone.
pub(in crate::capture::macos) fn window(id: u32, apps: &mut Apps) -> Option<WindowFacts> {
    listed(CGWindowListOption::OptionIncludingWindow, id, apps).into_iter().find(|facts| facts.id == id)
}

/// Whose session is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::capture::macos) enum Session {
    /// The person's desktop.
    Own,
    /// The lock screen, or another user.
    Away,
    /// There is none: this process has no desktop.
    None,
}

/// Asks whose session is shown.
pub(in crate::capture::macos) fn session() -> Session {
    autoreleasepool(|_| {
        let Some(session) = CGSessionCopyCurrentDictionary() else { return Session::None };
        let words = reading::dictionary(&session);
        let is_locked = reading::flag(words, ns_string!("CGSSessionScreenIsLocked"));
        let elsewhere = reading::number(words, ns_string!("kCGSSessionOnConsoleKey")) == Some(0.0);
        if is_locked || elsewhere { Session::Away } else { Session::Own }
    })
}

/// Whether a program has the keyboard for itself: a field for passwords, or a terminal that was told to.
pub(in crate::capture::macos) fn is_secure() -> bool {
    IsSecureEventInputEnabled() != 0
}

/// Whether a keyboard of this type, as events have it, is an ISO one.
pub(super) fn is_iso(keyboard_type: i64) -> bool {
    i16::try_from(keyboard_type).is_ok_and(|of| KBGetLayoutType(of) == ISO)
}

/// What is held down now.
pub(in crate::capture::macos) fn down() -> Down {
    let state = CGEventSourceStateID::CombinedSessionState;
    let keys = keys::codes().chain([keys::FN]).filter(|code| *code != keys::CAPS_LOCK);
    let buttons = (0..5_u32).filter(|number| CGEventSource::button_state(state, CGMouseButton(*number)));
    Down {
        keys: keys.filter(|code| CGEventSource::key_state(state, *code)).collect(),
        buttons: buttons.filter_map(|number| follow::button(number.into())).collect::<Vec<Button>>(),
    }
}

/// Where the pointer is, points.
pub(in crate::capture::macos) fn pointer() -> Option<(f64, f64)> {
    let event = CGEvent::new(None)?;
    let at = CGEvent::location(Some(&event));
    Some((at.x, at.y))
}

/// Whether the recorder may take pictures, without asking anybody. On macOS 15 and later the answer may be no although it may.
pub(in crate::capture::macos) fn may_record() -> bool {
    CGPreflightScreenCaptureAccess()
}

/// Whether the recorder may listen to inputs, without asking anybody.
pub(in crate::capture::macos) fn may_listen() -> bool {
    CGPreflightListenEventAccess()
}

/// Has the system ask the person whether the screen may be recorded: once, and never again.
pub(in crate::capture::macos) fn ask_to_record() -> bool {
    CGRequestScreenCaptureAccess()
}

/// Has the system ask the person whether inputs may be listened to: once, and never again.
pub(in crate::capture::macos) fn ask_to_listen() -> bool {
    CGRequestListenEventAccess()
}
