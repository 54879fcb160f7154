//! The door to the C side: what it is called with, and nothing else. The one file with `unsafe`.

use std::ffi::c_int;
use std::fs::File;
use std::os::fd::{AsRawFd as _, FromRawFd as _};

#[repr(C)]
struct Raw {
    _opaque: [u8; 0],
}

unsafe extern "C" {
    fn door_build() -> c_int;
    fn door_private() -> c_int;
    fn door_open(
        fd: c_int,
        width: c_int,
        height: c_int,
        fps: c_int,
        slots: c_int,
        quality: c_int,
        pixels: c_int,
        lossless: c_int,
    ) -> *mut Raw;
    fn door_headers(door: *mut Raw, out: *mut *const u8) -> c_int;
    fn door_encode(
        door: *mut Raw,
        slot: c_int,
        qp: c_int,
        idr: c_int,
        out: *mut *const u8,
        keyframe: *mut c_int,
    ) -> c_int;
}

/// How the encoder is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    pub width: i32,
    pub height: i32,
    pub fps: i32,
    pub slots: i32,
    /// 0 fast, 1 balanced, 2 sharp.
    pub quality: i32,
    /// 0 for 4:2:0, 1 for 4:4:4, 2 for planes of green, blue and red.
    pub pixels: i32,
    pub lossless: bool,
}

/// An open encoder. It lives as long as the process.
pub struct Encoder {
    raw: *mut Raw,
    slots: i32,
}

/// Standard input and output, which the process was started with: the memory of the pictures, and the line to watchcap.
pub fn inherited() -> (File, File) {
    // SAFETY: both are open when the process starts, and nothing else takes hold of them.
    unsafe { (File::from_raw_fd(0), File::from_raw_fd(1)) }
}

/// Keeps the memory of this process out of core dumps and from other programs; whether that is so.
pub fn is_private() -> bool {
    // SAFETY: it touches no memory of this program.
    unsafe { door_private() == 0 }
}

/// The version of libx264's interface.
pub fn build() -> i32 {
    // SAFETY: it returns a constant.
    unsafe { door_build() }
}

impl Encoder {
    /// Opens the encoder on the memory of a file; `None` when the library refuses, or the memory is too small.
    pub fn open(memory: &File, settings: &Settings) -> Option<Self> {
        let Settings { width, height, fps, slots, quality, pixels, lossless } = *settings;
        // SAFETY: the numbers were checked by the caller, and the file is open.
        let raw =
            unsafe { door_open(memory.as_raw_fd(), width, height, fps, slots, quality, pixels, c_int::from(lossless)) };
        (!raw.is_null()).then_some(Self { raw, slots })
    }

    /// The parameter sets, behind start codes.
    pub fn headers(&mut self) -> Option<&[u8]> {
        let mut out = std::ptr::null();
        // SAFETY: `raw` came from `door_open`, and `out` is where it may write.
        let len = unsafe { door_headers(self.raw, &raw mut out) };
        // SAFETY: the library owns so many bytes there until it is called again, which needs `&mut self`.
        (len > 0 && !out.is_null()).then(|| unsafe { std::slice::from_raw_parts(out, len as usize) })
    }

    /// Encodes the picture of a slot; the coded picture behind start codes, and whether it is an IDR.
    pub fn encode(&mut self, slot: i32, qp: i32, idr: bool) -> Option<(&[u8], bool)> {
        if !(0..self.slots).contains(&slot) || !(0..=51).contains(&qp) {
            return None;
        }
        let (mut out, mut keyframe) = (std::ptr::null(), 0);
        // SAFETY: `raw` came from `door_open`, the slot is one of its memory, and the pointers are where it may write.
        let len = unsafe { door_encode(self.raw, slot, qp, c_int::from(idr), &raw mut out, &raw mut keyframe) };
        if len <= 0 || out.is_null() {
            return None;
        }
        // SAFETY: as in `headers`.
        Some((unsafe { std::slice::from_raw_parts(out, len as usize) }, keyframe != 0))
    }
}
