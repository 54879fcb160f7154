//! A picture in memory that GDI draws into.

#![expect(unsafe_code, reason = "the Windows API is C: its calls take pointers to what they write")]

use std::ffi::c_void;

use windows::Win32::Graphics::Gdi::{
    BI_RGB, BITMAPINFO, BITMAPINFOHEADER, BitBlt, CAPTUREBLT, CreateCompatibleDC, CreateDIBSection, DIB_RGB_COLORS,
    DeleteDC, DeleteObject, GdiFlush, GetDC, HBITMAP, HDC, HGDIOBJ, ReleaseDC, SRCCOPY, SelectObject,
};
use windows::Win32::UI::WindowsAndMessaging::{
    CURSOR_SHOWING, CURSORINFO, DI_NORMAL, DrawIconEx, GetCursorInfo, GetIconInfo, HICON, ICONINFO,
};
use windows::core::Error;

use super::words::{done, said};

/// A picture in memory that GDI draws into: packed B, G, R, X, from the top to the bottom.
pub(in crate::capture::windows) struct Canvas {
    dc: HDC,
    bitmap: HBITMAP,
    replaced: HGDIOBJ,
    bits: *mut u8,
    size: (u32, u32),
}

impl Canvas {
    /// Makes a black one.
    pub(in crate::capture::windows) fn new(size: (u32, u32)) -> Result<Self, String> {
        let (Ok(width), Ok(height)) = (i32::try_from(size.0), i32::try_from(size.1)) else {
            return Err("it is too large".into());
        };
        let header = BITMAPINFOHEADER {
            biSize: size_of::<BITMAPINFOHEADER>() as u32,
            biWidth: width,
            biHeight: -height,
            biPlanes: 1,
            biBitCount: 32,
            biCompression: BI_RGB.0,
            ..BITMAPINFOHEADER::default()
        };
        let info = BITMAPINFO { bmiHeader: header, ..BITMAPINFO::default() };
        let mut bits: *mut c_void = std::ptr::null_mut();
        // SAFETY: what is pointed to lives; all that is made is kept, or deleted when the next step fails.
        unsafe {
            let bitmap = CreateDIBSection(None, &raw const info, DIB_RGB_COLORS, &raw mut bits, None, 0)
                .map_err(|error| said(&error))?;
            let dc = CreateCompatibleDC(None);
            if dc.is_invalid() || bits.is_null() {
                done(DeleteObject(bitmap.into()));
                return Err(said(&Error::from_thread()));
            }
            let replaced = SelectObject(dc, bitmap.into());
            Ok(Self { dc, bitmap, replaced, bits: bits.cast(), size })
        }
    }

    pub(in crate::capture::windows) fn size(&self) -> (u32, u32) {
        self.size
    }

    fn bytes(&self) -> usize {
        self.size.0 as usize * self.size.1 as usize * 4
    }

    /// The pixels, which GDI has finished with.
    pub(in crate::capture::windows) fn pixels(&self) -> &[u8] {
        // SAFETY: the section has this many bytes (32 bits a pixel, so rows are not padded), lives as long as `self`, and GDI writes to it
        // only in methods that take `self` by `&mut`, after which it is flushed.
        unsafe { std::slice::from_raw_parts(self.bits, self.bytes()) }
    }

    /// The pixels, to be painted on.
    pub(in crate::capture::windows) fn pixels_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `pixels`, and nobody else has them while `self` is borrowed.
        unsafe { std::slice::from_raw_parts_mut(self.bits, self.bytes()) }
    }

    /// Copies what the desktop shows from this corner on; black where there is no monitor.
    pub(in crate::capture::windows) fn copy_desktop(&mut self, (x, y): (i32, i32)) -> Result<(), String> {
        let (width, height) = (self.size.0 as i32, self.size.1 as i32);
        // SAFETY: both contexts are open; the one of the desktop is given back.
        unsafe {
            let desktop = GetDC(None);
            if desktop.is_invalid() {
                return Err(said(&Error::from_thread()));
            }
            let copied = BitBlt(self.dc, 0, 0, width, height, Some(desktop), x, y, SRCCOPY | CAPTUREBLT);
            ReleaseDC(None, desktop);
            // It is done only then; the answer says nothing more.
            done(GdiFlush());
            copied.map_err(|error| said(&error))
        }
    }

    /// Draws the pointer where it is, for a picture whose corner is this place of the desktop. `false`: it could not be drawn.
    pub(in crate::capture::windows) fn draw_pointer(&mut self, (x, y): (i32, i32)) -> bool {
        let mut cursor = CURSORINFO { cbSize: size_of::<CURSORINFO>() as u32, ..CURSORINFO::default() };
        let mut icon = ICONINFO::default();
        // SAFETY: the structures live and say their sizes; the two bitmaps that are made of the icon are deleted.
        unsafe {
            if GetCursorInfo(&raw mut cursor).is_err() {
                return false;
            }
            if cursor.flags != CURSOR_SHOWING {
                return true;
            }
            let shape = HICON(cursor.hCursor.0);
            if GetIconInfo(shape, &raw mut icon).is_err() {
                return false;
            }
            for bitmap in [icon.hbmMask, icon.hbmColor].into_iter().filter(|bitmap| !bitmap.is_invalid()) {
                done(DeleteObject(bitmap.into()));
            }
            let left = cursor.ptScreenPos.x - x - icon.xHotspot as i32;
            let top = cursor.ptScreenPos.y - y - icon.yHotspot as i32;
            let drawn = DrawIconEx(self.dc, left, top, shape, 0, 0, 0, None, DI_NORMAL).is_ok();
            done(GdiFlush());
            drawn
        }
    }
}

impl Drop for Canvas {
    fn drop(&mut self) {
        // SAFETY: all three are ours and not used again; the bitmap is taken out of the context before it is deleted.
        unsafe {
            SelectObject(self.dc, self.replaced);
            done(DeleteObject(self.bitmap.into()));
            done(DeleteDC(self.dc));
        }
    }
}
