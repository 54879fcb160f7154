//! XInput: what a gamepad says when it is asked.

#![expect(unsafe_code, reason = "the Windows API is C: its calls take pointers to what they write")]

use windows::Win32::System::LibraryLoader::{GetProcAddress, LOAD_LIBRARY_SEARCH_SYSTEM32, LoadLibraryExW};
use windows::core::{s, w};

use crate::capture::windows::pads::Report;

/// `XINPUT_STATE`, with the gamepad in it.
#[repr(C)]
#[derive(Default)]
struct State {
    number: u32,
    buttons: u16,
    triggers: [u8; 2],
    sticks: [i16; 4],
}

type GetState = unsafe extern "system" fn(u32, *mut State) -> u32;

/// The library, which stays loaded.
#[derive(Clone, Copy)]
pub(in crate::capture::windows) struct XInput(GetState);

impl XInput {
    /// Loads it; `None` where the system has none.
    pub(in crate::capture::windows) fn load() -> Option<Self> {
        // SAFETY: the library is the system's own and is never freed; the function of this name has this type in every version of it.
        unsafe {
            let newest = LoadLibraryExW(w!("xinput1_4.dll"), None, LOAD_LIBRARY_SEARCH_SYSTEM32);
            let library =
                newest.or_else(|_| LoadLibraryExW(w!("xinput9_1_0.dll"), None, LOAD_LIBRARY_SEARCH_SYSTEM32)).ok()?;
            let found = GetProcAddress(library, s!("XInputGetState"))?;
            Some(Self(std::mem::transmute::<unsafe extern "system" fn() -> isize, GetState>(found)))
        }
    }

    /// Asks a pad; `None` where there is none. That takes long, so it is not asked often.
    pub(in crate::capture::windows) fn ask(self, slot: u32) -> Option<Report> {
        let mut state = State::default();
        // SAFETY: writes the structure to a live local.
        let is_there = unsafe { (self.0)(slot, &raw mut state) } == 0;
        let State { number, buttons, triggers, sticks } = state;
        is_there.then_some(Report { number, buttons, triggers, sticks })
    }
}
