//! Pictures as codecs take and give them, and the stamp that says which frame one is.

use crate::base::id::FrameRef;
use crate::base::time::MonoNs;

/// How the samples of a picture lie in memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PixelFormat {
    /// 32 bits a pixel, in memory order B, G, R and a byte that is not looked at.
    Bgrx,
    /// 4:2:0 in three planes: luma and both chromas.
    I420,
    /// 4:2:0 in two planes: luma, and both chromas in turn.
    Nv12,
}

/// A picture in 4:2:0, 8 bit, BT.709 limited range, planes tightly packed. Width and height are even.
#[derive(Clone, PartialEq, Eq)]
pub struct I420 {
    width: u32,
    height: u32,
    data: Vec<u8>,
}

impl I420 {
    /// A black picture.
    ///
    /// # Panics
    /// When a side is odd or zero: callers round sizes up with [`I420::coded_size`].
    pub fn new(width: u32, height: u32) -> Self {
        assert!(
            width > 0 && height > 0 && width.is_multiple_of(2) && height.is_multiple_of(2),
            "4:2:0 needs even sides"
        );
        let luma = width as usize * height as usize;
        let mut data = vec![128; luma + luma / 2];
        data[..luma].fill(16);
        Self { width, height, data }
    }

    /// The size at which a surface is coded: odd sides grow by one.
    pub fn coded_size(width: u32, height: u32) -> (u32, u32) {
        (width.next_multiple_of(2), height.next_multiple_of(2))
    }

    /// Pixels per row, even.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Rows, even.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Luma (stride = width), then both chroma planes (stride = width / 2).
    pub fn planes(&self) -> (&[u8], &[u8], &[u8]) {
        let luma = self.width as usize * self.height as usize;
        let (y, chroma) = self.data.split_at(luma);
        let (u, v) = chroma.split_at(luma / 4);
        (y, u, v)
    }

    /// Paints a rectangle black; it must begin and end at even pixels. What of it lies outside is left out.
    pub fn blacken(&mut self, x: u32, y: u32, width: u32, height: u32) {
        debug_assert!([x, y, width, height].iter().all(|side| side % 2 == 0), "chroma is shared by blocks of two");
        let (right, bottom) = (x.saturating_add(width).min(self.width), y.saturating_add(height).min(self.height));
        if x >= right || y >= bottom {
            return;
        }
        let stride = self.width as usize;
        let (luma, u, v) = self.planes_mut();
        for (plane, shift, value) in [(luma, 0, 16), (u, 1, 128), (v, 1, 128)] {
            let stride = stride >> shift;
            let (left, right) = (x as usize >> shift, right as usize >> shift);
            for row in (y as usize >> shift)..(bottom as usize >> shift) {
                plane[row * stride + left..row * stride + right].fill(value);
            }
        }
    }

    /// The planes, to be written.
    pub fn planes_mut(&mut self) -> (&mut [u8], &mut [u8], &mut [u8]) {
        let luma = self.width as usize * self.height as usize;
        let (y, chroma) = self.data.split_at_mut(luma);
        let (u, v) = chroma.split_at_mut(luma / 4);
        (y, u, v)
    }
}

/// Identifies a frame inside its own bytes: what the SEI carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FrameStamp {
    /// The frame's index.
    pub frame_ref: FrameRef,
    /// Its capture time.
    pub t: MonoNs,
}
