//! The calls of the Windows API: the one folder of this room that has `unsafe`, behind functions that are safe to call.
//!
//! Invariants: nothing here hooks, injects, or opens another process; windows are known by the number of their handle, which the system checks
//! at each call, so that one that is gone answers with nothing. Memory of the system is read only while it is known to live, and only here.

mod automation;
mod canvas;
mod compositor;
mod desktop;
mod duplication;
mod gpu;
mod list;
mod listener;
mod outputs;
mod words;
mod xinput;

pub(super) use self::automation::Automation;
pub(super) use self::canvas::Canvas;
pub(super) use self::compositor::{Compositor, Item, abilities};
pub(super) use self::desktop::{
    are_buttons_swapped, be_aware_of_pixels, desktop, is_down, is_elevated, is_own_desktop, is_remote, make_of,
    monitors, pointer,
};
pub(super) use self::duplication::Duplication;
pub(super) use self::list::{Programs, Standing, frame_of, front, standing, windows};
pub(super) use self::listener::{Heard, Listener, devices};
pub(super) use self::words::{Fault, Got};
pub(super) use self::xinput::XInput;
