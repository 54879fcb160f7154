//! Pictures of another size than at the start: read by themselves, and scaled into the picture that is handed out.

use super::buffer::Buffer;
use crate::base::event::Area;
use crate::capture::letterbox::{Letterbox, Picture};
use crate::capture::{BgraView, CaptureError};

/// The way of a picture of another size.
pub(super) struct Detour {
    size: (u32, u32),
    pixels: Vec<u8>,
    letterbox: Letterbox,
    target: (u32, u32),
}

impl Detour {
    /// From pictures of `size` into those of `target`; the one that is there where it fits.
    pub(super) fn of(before: Option<Self>, size: (u32, u32), target: (u32, u32)) -> Self {
        before.filter(|detour| detour.size == size && detour.target == target).unwrap_or_else(|| Self {
            size,
            pixels: vec![0; size.0 as usize * size.1 as usize * 4],
            letterbox: Letterbox::fitted(size, target),
            target,
        })
    }

    /// Reads a picture into `out`.
    ///
    /// # Errors
    /// As [`Buffer::read`].
    pub(super) fn read(&mut self, buffer: &Buffer, is_flipped: bool, out: &mut [u8]) -> Result<(), CaptureError> {
        buffer.read(is_flipped, (0, 0), &mut self.pixels, self.size)?;
        let (width, height) = self.size;
        let picture = Picture { data: &self.pixels, stride: width as usize * 4, width, height };
        let (width, height) = self.target;
        let mut view = BgraView { data: out, stride: width as usize * 4, width, height };
        self.letterbox.apply(picture, &mut view);
        Ok(())
    }

    pub(super) fn place(&self, area: Area) -> Area {
        self.letterbox.place(area)
    }
}
