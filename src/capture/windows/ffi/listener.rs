//! Raw Input and the system's events, heard through a window that is not shown.

#![expect(unsafe_code, reason = "the Windows API is C: its calls take pointers to what they write")]

use std::cell::RefCell;
use std::ffi::c_void;
use std::marker::PhantomData;

use windows::Win32::Foundation::{HWND, LPARAM, LRESULT, WPARAM};
use windows::Win32::System::LibraryLoader::GetModuleHandleW;
use windows::Win32::System::RemoteDesktop::{
    NOTIFY_FOR_THIS_SESSION, WTSRegisterSessionNotification, WTSUnRegisterSessionNotification,
};
use windows::Win32::System::Threading::{GetCurrentThread, SetThreadPriority, THREAD_PRIORITY_HIGHEST};
use windows::Win32::UI::Accessibility::{HWINEVENTHOOK, SetWinEventHook, UnhookWinEvent};
use windows::Win32::UI::Input::{
    GetRawInputBuffer, GetRawInputData, GetRawInputDeviceInfoW, GetRawInputDeviceList, HRAWINPUT, RAWINPUT,
    RAWINPUTDEVICE, RAWINPUTDEVICELIST, RAWINPUTHEADER, RID_INPUT, RIDEV_DEVNOTIFY, RIDEV_INPUTSINK, RIDI_DEVICENAME,
    RIM_TYPEHID, RIM_TYPEKEYBOARD, RIM_TYPEMOUSE, RegisterRawInputDevices,
};
use windows::Win32::UI::WindowsAndMessaging::{
    CreateWindowExW, DefWindowProcW, DestroyWindow, DispatchMessageW, EVENT_OBJECT_FOCUS, EVENT_SYSTEM_DESKTOPSWITCH,
    EVENT_SYSTEM_FOREGROUND, HWND_MESSAGE, MSG, MWMO_INPUTAVAILABLE, MsgWaitForMultipleObjectsEx, PM_REMOVE,
    PeekMessageW, QS_ALLINPUT, RegisterClassW, WINDOW_EX_STYLE, WINDOW_STYLE, WINEVENT_OUTOFCONTEXT, WM_INPUT,
    WM_INPUT_DEVICE_CHANGE, WM_WTSSESSION_CHANGE, WNDCLASSW,
};
use windows::core::{Error, w};

use super::words::{done, said, text};
use crate::capture::windows::keys::KeyPacket;
use crate::capture::windows::mouse::MousePacket;
use crate::capture::windows::presence::SessionNews;

/// How much raw input is taken at once: some 300 events of a mouse.
const RAW_WORDS: usize = 2048;
/// How much room is behind that: an entry of a keyboard is shorter than the structure as which it is read.
const SPARE_WORDS: usize = size_of::<RAWINPUT>().div_ceil(size_of::<u64>());
/// A device came, or went (`WM_INPUT_DEVICE_CHANGE`).
const DEVICE_WENT: usize = 2;

/// Something that a listener was told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::capture::windows) enum Heard {
    Key(KeyPacket),
    Mouse(MousePacket),
    DeviceWent(u64),
    /// The session was locked, disconnected, or is back.
    Session(SessionNews),
    /// Another window is active, or another desktop is shown: look at it.
    Front,
    /// A program says that another part of a window of it has the focus.
    Focus,
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
        WM_WTSSESSION_CHANGE => {
            if let Some(news) = SessionNews::of(w.0) {
                note(Heard::Session(news));
            }
        }
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

unsafe extern "system" fn event(_: HWINEVENTHOOK, event: u32, _: HWND, _: i32, _: i32, _: u32, _: u32) {
    note(if event == EVENT_OBJECT_FOCUS { Heard::Focus } else { Heard::Front });
}

/// Hears keyboards and mice through a window that is not shown. Belongs to the thread that made it.
pub(in crate::capture::windows) struct Listener {
    window: HWND,
    events: Vec<HWINEVENTHOOK>,
    store: Vec<u64>,
    /// Not for another thread.
    here: PhantomData<*const ()>,
}

impl Listener {
    /// Begins to hear.
    pub(in crate::capture::windows) fn open() -> Result<Self, String> {
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
            let mut listener =
                Self { window, events: Vec::new(), store: vec![0; RAW_WORDS + SPARE_WORDS], here: PhantomData };
            let device = |usage| RAWINPUTDEVICE {
                usUsagePage: 1,
                usUsage: usage,
                dwFlags: RIDEV_INPUTSINK | RIDEV_DEVNOTIFY,
                hwndTarget: window,
            };
            // Mice and keyboards.
            RegisterRawInputDevices(&[device(2), device(6)], size_of::<RAWINPUTDEVICE>() as u32)
                .map_err(|error| said(&error))?;
            // Without it a lock is told by the desktop that is shown.
            if let Err(error) = WTSRegisterSessionNotification(window, NOTIFY_FOR_THIS_SESSION) {
                tracing::debug!(error = %error.message(), "the system does not tell of locks");
            }
            for of in [EVENT_SYSTEM_FOREGROUND, EVENT_SYSTEM_DESKTOPSWITCH, EVENT_OBJECT_FOCUS] {
                // Out of context: called in this thread while it takes its messages. Nothing goes into other processes.
                let hook = SetWinEventHook(of, of, None, Some(event), 0, 0, WINEVENT_OUTOFCONTEXT);
                listener.events.extend(Some(hook).filter(|hook| !hook.is_invalid()));
            }
            Ok(listener)
        }
    }

    /// Has this thread go before others.
    pub(in crate::capture::windows) fn hurry() {
        // SAFETY: the handle stands for the own thread.
        if let Err(error) = unsafe { SetThreadPriority(GetCurrentThread(), THREAD_PRIORITY_HIGHEST) } {
            tracing::debug!(error = %error.message(), "the thread of inputs has no higher priority");
        }
    }

    /// Waits until there is something to hear, at most this long.
    pub(in crate::capture::windows) fn wait(ms: u32) {
        // SAFETY: waits for no handle.
        unsafe { MsgWaitForMultipleObjectsEx(None, ms, QS_ALLINPUT, MWMO_INPUTAVAILABLE) };
    }

    /// Takes what there is, at most one store full of raw input; whether there may be more.
    pub(in crate::capture::windows) fn take(&mut self, heard: &mut Vec<Heard>) -> Result<bool, String> {
        let mut size = (RAW_WORDS * size_of::<u64>()) as u32;
        let header = size_of::<RAWINPUTHEADER>() as u32;
        let place = self.store.as_mut_ptr().cast::<RAWINPUT>();
        // SAFETY: the store is aligned for the structures, has more bytes than is said, and lives.
        let count = unsafe { GetRawInputBuffer(Some(place), &raw mut size, header) };
        if count == u32::MAX {
            return Err(said(&Error::from_thread()));
        }
        let mut at = self.store.as_ptr();
        for _ in 0..count {
            // SAFETY: the call wrote so many structures one behind the other, each as long as it says, rounded up to eight bytes; where the
            // last is shorter than the type, the spare words are behind it, so that all of the type lies in the store. Its own type says which
            // member of the union is there.
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
            drop(WTSUnRegisterSessionNotification(self.window));
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
pub(in crate::capture::windows) fn devices() -> Vec<String> {
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
