//! Inputs from the kernel's devices (`/dev/input/event*`), whatever the desktop: Wayland, X11, a console.
//!
//! Stamps are the kernel's, on `CLOCK_MONOTONIC`. Keys, buttons, wheels and relative motion; not the pointer's position, which the kernel does not
//! know, and the active window only where the compositor tells it ([`active`]). More than a desktop's programs can hear: also what is typed at a lock screen and into other sessions. So
//! input is taken only while the session is active and not locked ([`session`]).
//!
//! Gamepads are told by the controls of the standard mapping ([`gamepad`]), at a bounded rate ([`pads`]). They are also a source of their own, beside
//! one of keys and the mouse: a desktop lets its user read them, and not the keyboard.
//!
//! Motion and taps of touchpads are made in the compositor, and are not here: of a touchpad only its buttons are recorded. Devices
//! that post places (tablets, those of virtual machines) have no motion either.

mod active;
pub(crate) mod backend;
mod decode;
mod device;
mod folder;
mod gamepad;
mod gate;
mod held;
mod hold;
mod lent;
mod packet;
mod pads;
mod permission;
mod session;
mod source;
mod source_begin;
mod source_open;
mod source_pads;
mod source_session;
mod supply;
