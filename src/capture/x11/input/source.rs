//! The state of the input source. Opened in [`mod@super::open`], run in [`super::run`].

use std::collections::VecDeque;
use std::sync::Arc;

use x11rb::protocol::Event;
use x11rb::protocol::xproto::Window;
use x11rb::rust_connection::RustConnection;

use super::devices::Devices;
use super::held::Held;
use super::keyboard::Keyboard;
use super::meaning::Proofs;
use super::path::Point;
use super::skipped::Skipped;
use super::stamp::ServerClock;
use super::tap::Tap;
use super::unasked::Unasked;
use super::unproved::Unproved;
use crate::base::time::{Clock, MonoNs};
use crate::capture::x11::focus::Focus;
use crate::capture::x11::windows::Windows;
use crate::capture::{InitialState, InputDescription, RawInput};
use crate::privacy::exclude::Reason;

/// An event that was read and not yet handed over.
pub(super) struct Read {
    pub(super) event: Event,
    /// The last request that the server had handled before this event.
    pub(super) sequence: u64,
    pub(super) arrival: MonoNs,
}

/// The input source of a display.
pub(super) struct Xi2 {
    pub(super) conn: RustConnection,
    pub(super) root: Window,
    pub(super) clock: Arc<dyn Clock>,
    /// The master pointer whose position is asked for.
    pub(super) pointer: u16,
    pub(super) stamps: ServerClock,
    pub(super) devices: Devices,
    /// What each button number (from 1) was mapped to by the person (left-handed mice).
    pub(super) mapping: Vec<u8>,
    pub(super) focus: Focus,
    pub(super) guard: Windows,
    /// What is to be asked of windows, keyboard and devices.
    pub(super) unasked: Unasked,
    pub(super) focuses: Skipped,
    pub(super) titles: Skipped,
    /// The active window that was told last.
    pub(super) told_window: String,
    /// What was told of whether it is secret what is typed.
    pub(super) secret: Option<Reason>,
    /// The active window at the start, not told yet.
    pub(super) first_focus: Option<RawInput>,
    pub(super) keyboard: Keyboard,
    /// What the pointer did; `None` where the server does not say.
    pub(super) tap: Option<Tap>,
    pub(super) proofs: Proofs,
    pub(super) unproved: Unproved,
    pub(super) size: (f64, f64),
    pub(super) initial: InitialState,
    pub(super) description: InputDescription,
    /// Events before these requests are already in the initial state.
    pub(super) keys_from: u64,
    pub(super) pointer_from: u64,
    /// Keys that are down.
    pub(super) held: Held,
    pub(super) held_checked: MonoNs,
    /// Where the pointer is as far as was handed over; `None` on another screen of the server.
    pub(super) at: Option<Point>,
    /// When that was asked for.
    pub(super) located: MonoNs,
    /// Something moved the pointer, or may have, that no event of a device tells.
    pub(super) stale: bool,
    pub(super) queue: VecDeque<Read>,
    /// Nothing was read from the connection since it was found empty, so that it may be waited on.
    pub(super) drained: bool,
}
