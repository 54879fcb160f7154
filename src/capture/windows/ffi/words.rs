//! What every call of the system needs: its words, windows by their number, rectangles.

use std::ffi::c_void;

use windows::Win32::Foundation::{HWND, RECT};
use windows::core::{BOOL, Error};

use crate::base::event::Area;

/// What a call said that failed, with its number.
pub(super) fn said(error: &Error) -> String {
    format!("{} ({:#010x})", error.message(), error.code().0)
}

/// Of what is given back, nothing follows from a refusal.
pub(super) fn done(answer: BOOL) {
    if !answer.as_bool() {
        tracing::trace!("the system refused to take something back");
    }
}

pub(super) fn text(units: &[u16]) -> String {
    let end = units.iter().position(|unit| *unit == 0).unwrap_or(units.len());
    String::from_utf16_lossy(&units[..end])
}

pub(super) fn window(id: u64) -> HWND {
    HWND(id as usize as *mut c_void)
}

pub(super) fn number(window: HWND) -> u64 {
    window.0 as usize as u64
}

pub(super) fn area(rect: RECT) -> Area {
    let along = |from: i32, to: i32| u32::try_from(i64::from(to) - i64::from(from)).unwrap_or(0);
    Area { x: rect.left, y: rect.top, width: along(rect.left, rect.right), height: along(rect.top, rect.bottom) }
}

/// What an interface of the graphics card answered that failed.
pub(in crate::capture::windows) struct Fault {
    /// The result's number (`HRESULT`).
    pub(in crate::capture::windows) code: u32,
    /// What it said.
    pub(in crate::capture::windows) said: String,
}

impl Fault {
    /// One that this program finds itself.
    pub(super) fn own(code: u32, what: &str) -> Self {
        Self { code, said: what.to_owned() }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self { code: error.code().0 as u32, said: said(&error) }
    }
}

/// What a look at pictures that the system hands out by itself found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::capture::windows) enum Got {
    /// A picture, with its stamp in nanoseconds.
    Picture(i64),
    /// Nothing came since the last look.
    Nothing,
    /// What came is of another size than what is asked for.
    Unfit,
}
