//! UI Automation: whether what has the focus is a field for passwords.

#![expect(unsafe_code, reason = "the Windows API is C: its calls take pointers to what they write")]

use windows::Win32::System::Com::{CLSCTX_INPROC_SERVER, COINIT_MULTITHREADED, CoCreateInstance, CoInitializeEx};
use windows::Win32::UI::Accessibility::{CUIAutomation8, IUIAutomation, IUIAutomation2};
use windows::core::{BOOL, Interface};

use super::words::said;

/// How long the system waits for another program's answer, milliseconds.
const LIMIT_MS: u32 = 200;

/// The system's client. Belongs to the thread that made it.
pub(in crate::capture::windows) struct Automation(IUIAutomation);

impl Automation {
    /// Asks for it in this thread.
    pub(in crate::capture::windows) fn open() -> Result<Self, String> {
        // SAFETY: takes constants; this thread is one that nobody else has, and has no window.
        unsafe {
            CoInitializeEx(None, COINIT_MULTITHREADED).ok().map_err(|error| said(&error))?;
            let client: IUIAutomation =
                CoCreateInstance(&CUIAutomation8, None, CLSCTX_INPROC_SERVER).map_err(|error| said(&error))?;
            let limited: IUIAutomation2 = client.cast().map_err(|error| said(&error))?;
            limited.SetConnectionTimeout(LIMIT_MS).map_err(|error| said(&error))?;
            limited.SetTransactionTimeout(LIMIT_MS).map_err(|error| said(&error))?;
            Ok(Self(client))
        }
    }

    /// Whether what has the focus is a field for passwords; `None` when its program does not say.
    pub(in crate::capture::windows) fn is_password(&self) -> Option<bool> {
        // SAFETY: asks for an interface of the system's, and that for a number.
        unsafe { self.0.GetFocusedElement().ok()?.CurrentIsPassword().ok() }.map(BOOL::as_bool)
    }
}
