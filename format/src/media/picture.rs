//! Pictures as codecs take and give them, and the stamp that says which frame one is.

use crate::base::id::FrameRef;
use crate::base::time::MonoNs;
use crate::media::track::{BT709, Colour, SRGB};

/// What the three planes of a picture are. The second is as precise as the screen where there is no encoder in between; the third is the
/// screen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Sampling {
    /// Luma, and two chromas with half its sides: 4:2:0, BT.709, limited range.
    #[default]
    Yuv420,
    /// Luma and two chromas of its size: 4:4:4, BT.709, limited range.
    Yuv444,
    /// Green, blue and red, each 0 to 255, in this order: what is encoded without a loss.
    Rgb,
}

impl Sampling {
    /// Its name as ffmpeg has it.
    pub fn pix_fmt(self) -> &'static str {
        match self {
            Self::Yuv420 => "yuv420p",
            Self::Yuv444 => "yuv444p",
            Self::Rgb => "gbrp",
        }
    }

    /// The sampling of [`Self::pix_fmt`].
    pub fn of_pix_fmt(name: &str) -> Option<Self> {
        [Self::Yuv420, Self::Yuv444, Self::Rgb].into_iter().find(|sampling| sampling.pix_fmt() == name)
    }

    /// Its name in messages.
    pub fn title(self) -> &'static str {
        match self {
            Self::Yuv420 => "4:2:0",
            Self::Yuv444 => "4:4:4",
            Self::Rgb => "lossless RGB",
        }
    }

    /// How often a side of the second and third plane is halved.
    pub fn shift(self) -> u32 {
        u32::from(self == Self::Yuv420)
    }

    /// What the samples mean.
    pub fn colour(self) -> Colour {
        match self {
            Self::Yuv420 | Self::Yuv444 => BT709,
            Self::Rgb => SRGB,
        }
    }

    /// Bytes of a picture.
    pub fn bytes(self, (width, height): (u32, u32)) -> usize {
        let luma = width as usize * height as usize;
        luma + 2 * (luma >> (2 * self.shift()))
    }

    /// The samples of black in each plane.
    fn black(self) -> [u8; 3] {
        match self {
            Self::Yuv420 | Self::Yuv444 => [16, 128, 128],
            Self::Rgb => [0; 3],
        }
    }
}

/// How the samples of a picture lie in memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PixelFormat {
    /// 32 bits a pixel, in memory order B, G, R and a byte that is not looked at.
    Bgrx,
    /// Three planes of 8 bits a sample: [`Planar`].
    Planar(Sampling),
    /// 4:2:0 in two planes: luma, and both chromas in turn.
    Nv12,
}

/// A picture of three planes of 8 bits a sample, tightly packed. Width and height are even.
#[derive(Clone, PartialEq, Eq)]
pub struct Planar {
    sampling: Sampling,
    width: u32,
    height: u32,
    data: Vec<u8>,
}

impl Planar {
    /// A black picture.
    ///
    /// # Panics
    /// When a side is odd or zero: callers round sizes up with [`Planar::coded_size`].
    pub fn new(sampling: Sampling, width: u32, height: u32) -> Self {
        assert!(
            width > 0 && height > 0 && width.is_multiple_of(2) && height.is_multiple_of(2),
            "pictures have even sides"
        );
        let luma = width as usize * height as usize;
        let [first, chroma, _] = sampling.black();
        let mut data = vec![chroma; sampling.bytes((width, height))];
        data[..luma].fill(first);
        Self { sampling, width, height, data }
    }

    /// A black picture in 4:2:0; otherwise as [`new`](Self::new).
    ///
    /// # Panics
    /// As [`new`](Self::new).
    pub fn yuv420(width: u32, height: u32) -> Self {
        Self::new(Sampling::Yuv420, width, height)
    }

    /// The size at which a surface is coded: odd sides grow by one.
    pub fn coded_size(width: u32, height: u32) -> (u32, u32) {
        (width.next_multiple_of(2), height.next_multiple_of(2))
    }

    /// What its planes are.
    pub fn sampling(&self) -> Sampling {
        self.sampling
    }

    /// Pixels per row, even.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Rows, even.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Samples per row of the first plane, and of the two others.
    pub fn strides(&self) -> (usize, usize) {
        let width = self.width as usize;
        (width, width >> self.sampling.shift())
    }

    /// The planes, in the order of [`Sampling`]; a row begins where the one before ends.
    pub fn planes(&self) -> (&[u8], &[u8], &[u8]) {
        let luma = self.width as usize * self.height as usize;
        let (y, chroma) = self.data.split_at(luma);
        let (u, v) = chroma.split_at(chroma.len() / 2);
        (y, u, v)
    }

    /// The planes one behind the other.
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// The planes one behind the other, to be written.
    pub fn data_mut(&mut self) -> &mut [u8] {
        &mut self.data
    }

    /// Paints a rectangle black; it must begin and end at even pixels. What of it lies outside is left out.
    pub fn blacken(&mut self, x: u32, y: u32, width: u32, height: u32) {
        debug_assert!([x, y, width, height].iter().all(|side| side % 2 == 0), "chroma is shared by blocks of two");
        let (right, bottom) = (x.saturating_add(width).min(self.width), y.saturating_add(height).min(self.height));
        if x >= right || y >= bottom {
            return;
        }
        let (stride, chroma) = (self.width as usize, self.sampling.shift());
        let black = self.sampling.black();
        let (first, second, third) = self.planes_mut();
        for ((plane, shift), value) in [(first, 0), (second, chroma), (third, chroma)].into_iter().zip(black) {
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
        let half = chroma.len() / 2;
        let (u, v) = chroma.split_at_mut(half);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn black_is_black_in_every_sampling_and_what_is_outside_stays() {
        for (sampling, black) in
            [(Sampling::Yuv420, [16, 128, 128]), (Sampling::Yuv444, [16, 128, 128]), (Sampling::Rgb, [0, 0, 0])]
        {
            let mut picture = Planar::new(sampling, 8, 6);
            let planes = picture.planes();
            assert!([planes.0, planes.1, planes.2].iter().zip(black).all(|(plane, b)| plane.iter().all(|s| *s == b)));
            picture.data_mut().fill(200);
            picture.blacken(2, 2, 4, 2);
            picture.blacken(6, 4, 100, 100);
            let shift = sampling.shift();
            let (first, second, third) = picture.planes();
            for (plane, shift, black) in [(first, 0, black[0]), (second, shift, black[1]), (third, shift, black[2])] {
                let stride = 8 >> shift;
                assert_eq!(plane.len(), stride * (6 >> shift));
                for (at, sample) in plane.iter().enumerate() {
                    let (x, y) = ((at % stride) << shift, (at / stride) << shift);
                    let inside = ((2..6).contains(&x) && (2..4).contains(&y)) || (x >= 6 && y >= 4);
                    assert_eq!(*sample, if inside { black } else { 200 }, "{sampling:?} at {x},{y}");
                }
            }
        }
    }
}
