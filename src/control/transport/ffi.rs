//! The calls of Windows that control is made of: named pipes, the control events of a console, the end of a session. The one file of this room that
//! has `unsafe`, behind functions that are safe to call.
//!
//! Invariants: what the system writes into while nobody waits for it ([`Instance`]) is not moved or freed before the system is done with it. A pipe
//! is its owner's alone, and no other machine's.

#![expect(unsafe_code, reason = "the Windows API is C: its calls take pointers to what they write")]

use std::fs::File;
use std::io;
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};
use std::ptr::{null, null_mut};
use std::sync::OnceLock;

use windows_sys::Win32::Foundation::{
    ERROR_IO_INCOMPLETE, ERROR_IO_PENDING, ERROR_PIPE_CONNECTED, GENERIC_READ, GENERIC_WRITE, HANDLE, HWND,
    INVALID_HANDLE_VALUE, LPARAM, LRESULT, WPARAM,
};
use windows_sys::Win32::Security::SECURITY_ATTRIBUTES;
use windows_sys::Win32::Storage::FileSystem::{
    CreateFileW, FILE_FLAG_FIRST_PIPE_INSTANCE, FILE_FLAG_OVERLAPPED, OPEN_EXISTING, PIPE_ACCESS_DUPLEX, ReadFile,
    SECURITY_IDENTIFICATION, SECURITY_SQOS_PRESENT, WriteFile,
};
use windows_sys::Win32::System::Console::{CTRL_BREAK_EVENT, CTRL_C_EVENT, CTRL_CLOSE_EVENT, SetConsoleCtrlHandler};
use windows_sys::Win32::System::IO::{CancelIoEx, GetOverlappedResult, OVERLAPPED};
use windows_sys::Win32::System::LibraryLoader::GetModuleHandleW;
use windows_sys::Win32::System::Pipes::{
    ConnectNamedPipe, CreateNamedPipeW, DisconnectNamedPipe, PIPE_READMODE_BYTE, PIPE_REJECT_REMOTE_CLIENTS,
    PIPE_TYPE_BYTE, PIPE_WAIT,
};
use windows_sys::Win32::System::Threading::{CreateEventW, WaitForMultipleObjects};
use windows_sys::Win32::UI::WindowsAndMessaging::{
    CreateWindowExW, DefWindowProcW, DispatchMessageW, GetMessageW, MSG, RegisterClassW, WM_CLOSE, WM_ENDSESSION,
    WNDCLASSW,
};
use windows_sys::core::BOOL;

use crate::base::files::OwnerOnly;

/// Bytes that are read at once.
const ROOM: usize = 1024;
/// Bytes that the system keeps for each direction: what is asked, and what is answered, in one piece.
const QUEUE: u32 = 64 * 1024;

fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}

fn code(error: &io::Error) -> u32 {
    error.raw_os_error().unwrap_or_default().cast_unsigned()
}

/// One end of a pipe that somebody may connect to, and what was begun with it: one thing at a time.
pub(super) struct Instance {
    pipe: OwnedHandle,
    event: OwnedHandle,
    /// Where the system says how it went, a box of our own; and what it reads into or writes from. Its own as long as `begun`.
    overlapped: *mut OVERLAPPED,
    room: Vec<u8>,
    begun: bool,
    /// It was finished before it was begun.
    at_once: bool,
}

// SAFETY: the pointers in it are to its own memory and to handles, which belong to no thread.
unsafe impl Send for Instance {}

impl Instance {
    /// Makes one of at most `most` of this name; the first has to be the first of all.
    pub(super) fn new(name: &str, is_first: bool, most: u32) -> io::Result<Self> {
        let (name, rights) = (wide(name), OwnerOnly::of_one()?);
        let attributes = SECURITY_ATTRIBUTES {
            nLength: size_of::<SECURITY_ATTRIBUTES>() as u32,
            lpSecurityDescriptor: rights.as_ptr(),
            bInheritHandle: 0,
        };
        let first = if is_first { FILE_FLAG_FIRST_PIPE_INSTANCE } else { 0 };
        let open = PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED | first;
        let mode = PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS;
        // SAFETY: the name ends with a zero; name, attributes and rights live until the call is back. The handles are ours.
        unsafe {
            let pipe = CreateNamedPipeW(name.as_ptr(), open, mode, most, QUEUE, QUEUE, 0, &raw const attributes);
            if pipe == INVALID_HANDLE_VALUE {
                return Err(io::Error::last_os_error());
            }
            let pipe = OwnedHandle::from_raw_handle(pipe);
            let event = CreateEventW(null(), 1, 0, null());
            if event.is_null() {
                return Err(io::Error::last_os_error());
            }
            let event = OwnedHandle::from_raw_handle(event);
            let overlapped = Box::into_raw(Box::new(OVERLAPPED::default()));
            Ok(Self { pipe, event, overlapped, room: Vec::new(), begun: false, at_once: false })
        }
    }

    /// Where the system is to say how it went. Nothing may have been begun.
    fn prepare(&mut self) -> *mut OVERLAPPED {
        debug_assert!(!self.begun, "one thing at a time");
        // SAFETY: it points to a box of ours, which the system does not use while nothing was begun.
        unsafe { *self.overlapped = OVERLAPPED { hEvent: self.event.as_raw_handle(), ..OVERLAPPED::default() } };
        self.overlapped
    }

    /// What a call said that begins something.
    fn took(&mut self, done: BOOL) -> io::Result<()> {
        let error = io::Error::last_os_error();
        match (done, code(&error)) {
            (0, ERROR_PIPE_CONNECTED) => self.at_once = true,
            (0, other) if other != ERROR_IO_PENDING => return Err(error),
            _ => self.begun = true,
        }
        Ok(())
    }

    /// Begins to wait for somebody who connects.
    pub(super) fn connect(&mut self) -> io::Result<()> {
        let overlapped = self.prepare();
        // SAFETY: the handle is open; the structure is in a box, and stays there until the system is done with it.
        let done = unsafe { ConnectNamedPipe(self.pipe.as_raw_handle(), overlapped) };
        self.took(done)
    }

    /// Begins to read.
    pub(super) fn read(&mut self) -> io::Result<()> {
        let overlapped = self.prepare();
        self.room.clear();
        self.room.resize(ROOM, 0);
        let place = self.room.as_mut_ptr();
        // SAFETY: as above; the room is not touched before the system is done with it.
        let done = unsafe { ReadFile(self.pipe.as_raw_handle(), place, ROOM as u32, null_mut(), overlapped) };
        self.took(done)
    }

    /// Begins to write.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let overlapped = self.prepare();
        self.room.clear();
        self.room.extend_from_slice(bytes);
        let (place, length) = (self.room.as_ptr(), self.room.len() as u32);
        // SAFETY: as above.
        let done = unsafe { WriteFile(self.pipe.as_raw_handle(), place, length, null_mut(), overlapped) };
        self.took(done)
    }

    /// How what was begun went, with the bytes that were read or written; nothing while it goes on.
    pub(super) fn finished(&mut self) -> Option<io::Result<&[u8]>> {
        if std::mem::take(&mut self.at_once) {
            return Some(Ok(&[]));
        }
        if !self.begun {
            return None;
        }
        let mut bytes = 0;
        // SAFETY: the handle is open, and the structure is the one that the system was given.
        let done = unsafe { GetOverlappedResult(self.pipe.as_raw_handle(), self.overlapped, &raw mut bytes, 0) };
        if done == 0 {
            let error = io::Error::last_os_error();
            if code(&error) == ERROR_IO_INCOMPLETE {
                return None;
            }
            self.begun = false;
            return Some(Err(error));
        }
        self.begun = false;
        Some(Ok(self.room.get(..bytes as usize).unwrap_or_default()))
    }

    /// Gives up what was begun, and whoever is connected. What was written and not yet read is lost to them.
    pub(super) fn hang_up(&mut self) {
        self.give_up();
        // SAFETY: the handle is open. Where nobody is connected it does nothing.
        unsafe { DisconnectNamedPipe(self.pipe.as_raw_handle()) };
    }

    /// Gives up what was begun.
    pub(super) fn give_up(&mut self) {
        self.at_once = false;
        if std::mem::take(&mut self.begun) {
            let mut bytes = 0;
            // SAFETY: as above; it waits until the system does not touch the structure and the room any more, which follows at once.
            unsafe {
                CancelIoEx(self.pipe.as_raw_handle(), self.overlapped);
                GetOverlappedResult(self.pipe.as_raw_handle(), self.overlapped, &raw mut bytes, 1);
            }
        }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.give_up();
        // SAFETY: it came out of a box, the system is done with it, and it is not used again.
        drop(unsafe { Box::from_raw(self.overlapped) });
    }
}

/// Waits until something that was begun with one of these is finished, at most this long.
pub(super) fn wait<'a>(instances: impl Iterator<Item = &'a Instance>, ms: u32) {
    let events: Vec<HANDLE> = instances.filter(|one| one.begun).map(|one| one.event.as_raw_handle()).collect();
    if events.is_empty() {
        return;
    }
    // SAFETY: so many handles are open, and fewer than the 64 that the call takes.
    unsafe { WaitForMultipleObjects(events.len() as u32, events.as_ptr(), 0, ms) };
}

/// Connects to a pipe of this name. Whoever answers may ask who we are, and not act as us.
pub(super) fn open(name: &str) -> io::Result<File> {
    let name = wide(name);
    let flags = SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION;
    let access = GENERIC_READ | GENERIC_WRITE;
    // SAFETY: the name ends with a zero and lives; the handle is closed when the file is dropped.
    unsafe {
        let handle = CreateFileW(name.as_ptr(), access, 0, null(), OPEN_EXISTING, flags, null_mut());
        if handle == INVALID_HANDLE_VALUE { Err(io::Error::last_os_error()) } else { Ok(File::from_raw_handle(handle)) }
    }
}

/// What asks a process to end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::control) enum Asked {
    /// Ctrl-C and Ctrl-Break.
    Interrupted,
    /// The console's window is closed.
    ConsoleClosed,
    /// The person logs off, or the machine is shut down.
    SessionEnds,
    /// A window of the process is told to close, as `taskkill` does.
    Told,
}

pub(in crate::control) type Answer = Box<dyn Fn(Asked) + Send + Sync>;

static ANSWER: OnceLock<Answer> = OnceLock::new();

fn answer(asked: Asked) {
    if let Some(answer) = ANSWER.get() {
        answer(asked);
    }
}

unsafe extern "system" fn event(kind: u32) -> BOOL {
    // In a thread that the system makes for it; for all but the first two the process is gone as soon as this returns.
    answer(match kind {
        CTRL_C_EVENT | CTRL_BREAK_EVENT => Asked::Interrupted,
        CTRL_CLOSE_EVENT => Asked::ConsoleClosed,
        _ => Asked::SessionEnds,
    });
    1
}

unsafe extern "system" fn procedure(window: HWND, message: u32, w: WPARAM, l: LPARAM) -> LRESULT {
    match message {
        WM_CLOSE => answer(Asked::Told),
        // Only now it is certain: whoever was asked before may have said no.
        WM_ENDSESSION if w != 0 => answer(Asked::SessionEnds),
        WM_ENDSESSION => {}
        // SAFETY: hands on what it was given.
        _ => return unsafe { DefWindowProcW(window, message, w, l) },
    }
    0
}

/// Has the console's events answered, once in a process.
pub(in crate::control) fn listen_to_console(with: Answer) -> io::Result<()> {
    if ANSWER.set(with).is_err() {
        return Ok(());
    }
    // SAFETY: the function has the type that is asked for, and lives as long as the process.
    if unsafe { SetConsoleCtrlHandler(Some(event), 1) } == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Waits for messages to a window that nobody sees, in a thread of its own: programs with a part of their own in windows get no event when the session
/// ends, but this. Returns only when there can be no window.
pub(in crate::control) fn listen_to_session() -> io::Error {
    let name = wide("watchcap_end");
    // SAFETY: the name ends with a zero, and lives as long as this thread waits; the class has the procedure's true type. All is of this thread.
    unsafe {
        let instance = GetModuleHandleW(null());
        let class = WNDCLASSW {
            lpfnWndProc: Some(procedure),
            hInstance: instance,
            lpszClassName: name.as_ptr(),
            ..WNDCLASSW::default()
        };
        RegisterClassW(&raw const class);
        let at = name.as_ptr();
        // Not below HWND_MESSAGE: such windows are told nothing of the session.
        let window = CreateWindowExW(0, at, at, 0, 0, 0, 0, 0, null_mut(), null_mut(), instance, null());
        if window.is_null() {
            return io::Error::other("there can be no window here");
        }
        let mut message = MSG::default();
        while GetMessageW(&raw mut message, null_mut(), 0, 0) > 0 {
            DispatchMessageW(&raw const message);
        }
    }
    io::Error::last_os_error()
}
