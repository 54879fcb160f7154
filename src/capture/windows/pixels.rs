//! From a texture of the graphics card to a picture: which part of it is wanted, how it is turned, and what its pixels are.
//!
//! Pure. Desktop pixels are those that a person sees upright; the duplication hands out what the panel scans out, which lies on its side where the
//! person has turned the monitor.

use super::tones::Tones;
use crate::base::event::Area;

/// How what the system hands out is turned (clockwise) to stand upright.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Turn {
    #[default]
    None,
    Quarter,
    Half,
    ThreeQuarters,
}

impl Turn {
    /// Returns the turn of a monitor's rotation, by the system's number (`DXGI_MODE_ROTATION`).
    pub(super) fn of_rotation(number: i32) -> Self {
        match number {
            2 => Self::Quarter,
            3 => Self::Half,
            4 => Self::ThreeQuarters,
            // 1, and 0 for one that is not said.
            _ => Self::None,
        }
    }

    /// Returns it in degrees.
    pub(super) fn degrees(self) -> u32 {
        match self {
            Self::None => 0,
            Self::Quarter => 90,
            Self::Half => 180,
            Self::ThreeQuarters => 270,
        }
    }

    fn is_sideways(self) -> bool {
        matches!(self, Self::Quarter | Self::ThreeQuarters)
    }

    /// Returns the size that a picture of this size has once it stands upright, or had before.
    pub(super) fn size(self, (width, height): (u32, u32)) -> (u32, u32) {
        if self.is_sideways() { (height, width) } else { (width, height) }
    }

    /// Returns where a part of the upright picture of this size is before it is turned.
    pub(super) fn part(self, part: Area, (width, height): (u32, u32)) -> Area {
        let right = width as i32 - part.x - part.width as i32;
        let below = height as i32 - part.y - part.height as i32;
        let (x, y) = match self {
            Self::None => (part.x, part.y),
            Self::Quarter => (part.y, right),
            Self::Half => (right, below),
            Self::ThreeQuarters => (below, part.x),
        };
        let (width, height) = self.size((part.width, part.height));
        Area { x, y, width, height }
    }

    /// Returns where a pixel of a picture of this size is once it is turned.
    fn place(self, (x, y): (usize, usize), (width, height): (usize, usize)) -> (usize, usize) {
        match self {
            Self::None => (x, y),
            Self::Quarter => (height - 1 - y, x),
            Self::Half => (width - 1 - x, height - 1 - y),
            Self::ThreeQuarters => (y, width - 1 - x),
        }
    }
}

/// What a pixel is made of.
#[derive(Clone, Copy)]
pub(super) enum Format<'a> {
    /// Four bytes: B, G, R, X.
    Bgra,
    /// Four half floats: R, G, B, A in linear light.
    Half(&'a Tones),
}

impl Format<'_> {
    /// Bytes of a pixel.
    pub(super) fn bytes(self) -> usize {
        match self {
            Self::Bgra => 4,
            Self::Half(_) => 8,
        }
    }
}

/// Pixels as they lie in memory that the graphics card was read into.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    pub(super) data: &'a [u8],
    /// Bytes from one row to the next.
    pub(super) stride: usize,
    pub(super) width: u32,
    pub(super) height: u32,
}

/// Writes a picture upright and packed, B, G, R, X. `false`, and nothing is written, when the memory is not of the sizes that are said.
pub(super) fn copy(rows: Rows<'_>, format: Format<'_>, turn: Turn, out: &mut [u8]) -> bool {
    let (width, height) = (rows.width as usize, rows.height as usize);
    let row_bytes = width * format.bytes();
    let needed = height.saturating_sub(1) * rows.stride + row_bytes;
    if width == 0
        || height == 0
        || rows.stride < row_bytes
        || rows.data.len() < needed
        || out.len() != width * height * 4
    {
        return false;
    }
    let across = turn.size((rows.width, rows.height)).0 as usize;
    for (y, row) in rows.data.chunks(rows.stride).take(height).enumerate() {
        let row = &row[..row_bytes];
        if let (Turn::None, Format::Bgra) = (turn, format) {
            out[y * width * 4..][..row_bytes].copy_from_slice(row);
            continue;
        }
        for (x, pixel) in row.chunks_exact(format.bytes()).enumerate() {
            let (to_x, to_y) = turn.place((x, y), (width, height));
            let to = &mut out[(to_y * across + to_x) * 4..][..4];
            match format {
                Format::Bgra => to.copy_from_slice(pixel),
                Format::Half(tones) => {
                    let channel = |at: usize| tones.of(u16::from_le_bytes([pixel[at], pixel[at + 1]]));
                    to.copy_from_slice(&[channel(4), channel(2), channel(0), u8::MAX]);
                }
            }
        }
    }
    true
}

/// Where the recorded part of a window or a monitor is in the picture that the compositor has of all of it: `area` and `within` on the desktop, the
/// picture of the size `content`. `None` while they do not fit, since one of them is newer.
pub(super) fn part(area: Area, within: Area, content: (u32, u32)) -> Option<Area> {
    let part = Area { x: area.x.checked_sub(within.x)?, y: area.y.checked_sub(within.y)?, ..area };
    part.inside(content).filter(|inside| *inside == part)
}

#[cfg(test)]
mod tests {
    use super::super::tones::Levels;
    use super::*;

    const TURNS: [Turn; 4] = [Turn::None, Turn::Quarter, Turn::Half, Turn::ThreeQuarters];

    /// A picture of 3x2 whose pixels are numbered, with padded rows.
    const STRIDE: usize = 16;
    fn numbered() -> Vec<u8> {
        let mut data = vec![0xee; STRIDE * 2];
        for (number, (x, y)) in [(0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (2, 1)].into_iter().enumerate() {
            data[y * STRIDE + x * 4..][..4].fill(number as u8);
        }
        data
    }

    fn copied(turn: Turn) -> Vec<u8> {
        let data = numbered();
        let mut out = vec![0; 24];
        assert!(copy(Rows { data: &data, stride: STRIDE, width: 3, height: 2 }, Format::Bgra, turn, &mut out));
        out.chunks_exact(4).map(|pixel| pixel[0]).collect()
    }

    #[test]
    fn pictures_are_turned_clockwise_until_they_stand_upright() {
        // 0 1 2
        // 3 4 5
        assert_eq!(copied(Turn::None), [0, 1, 2, 3, 4, 5]);
        assert_eq!(copied(Turn::Quarter), [3, 0, 4, 1, 5, 2]);
        assert_eq!(copied(Turn::Half), [5, 4, 3, 2, 1, 0]);
        assert_eq!(copied(Turn::ThreeQuarters), [2, 5, 1, 4, 0, 3]);
        assert_eq!([1, 2, 3, 4, 0].map(|number| Turn::of_rotation(number).degrees()), [0, 90, 180, 270, 0]);
    }

    /// The part of the upright picture is the same, whether it is cut out before turning or behind it.
    #[test]
    fn a_part_is_the_same_before_turning_and_behind_it() {
        for turn in TURNS {
            let (width, height) = turn.size((3, 2));
            let upright = copied(turn);
            for (x, y, w, h) in [(0, 0, 1, 1), (1, 0, 1, 2), (0, 1, 2, 1), (1, 1, 1, 1), (0, 0, 2, 2)] {
                let wanted = Area { x, y, width: w, height: h };
                let part = turn.part(wanted, (width, height));
                let data = numbered();
                let from = part.y as usize * STRIDE + part.x as usize * 4;
                let rows = Rows { data: &data[from..], stride: STRIDE, width: part.width, height: part.height };
                let mut out = vec![0; (w * h * 4) as usize];
                assert!(copy(rows, Format::Bgra, turn, &mut out), "{turn:?} {wanted:?}");
                let found: Vec<u8> = out.chunks_exact(4).map(|pixel| pixel[0]).collect();
                let cut = (0..h as i32).flat_map(|down| (0..w as i32).map(move |right| (x + right, y + down)));
                let expected: Vec<u8> = cut.map(|(x, y)| upright[(y * width as i32 + x) as usize]).collect();
                assert_eq!(found, expected, "{turn:?} {wanted:?}");
            }
        }
    }

    #[test]
    fn half_floats_become_bytes_in_the_other_order() {
        let tones = Tones::new(Levels { white_nits: 80.0, peak_nits: 80.0 });
        // Red 1.0, green 0, blue 1.0, and no alpha.
        let data: Vec<u8> =
            [0x3c00_u16, 0, 0x3c00, 0, 0, 0x3c00, 0, 0].into_iter().flat_map(u16::to_le_bytes).collect();
        let mut out = vec![9; 8];
        let rows = Rows { data: &data, stride: 16, width: 2, height: 1 };
        assert!(copy(rows, Format::Half(&tones), Turn::None, &mut out));
        assert_eq!(out, [255, 0, 255, 255, 0, 255, 0, 255]);
    }

    #[test]
    fn memory_of_another_size_is_not_read() {
        let data = numbered();
        let mut out = vec![7; 24];
        let rows = Rows { data: &data, stride: STRIDE, width: 3, height: 2 };
        let bad = [
            Rows { height: 3, ..rows },
            Rows { stride: 8, ..rows },
            Rows { width: 0, ..rows },
            Rows { data: &data[..STRIDE + 11], ..rows },
        ];
        for rows in bad {
            assert!(!copy(rows, Format::Bgra, Turn::None, &mut out));
        }
        assert!(!copy(rows, Format::Bgra, Turn::None, &mut out[..20]) && out.iter().all(|byte| *byte == 7));
        // The last row needs no padding behind it.
        assert!(copy(Rows { data: &data[..STRIDE + 12], ..rows }, Format::Bgra, Turn::None, &mut out));
    }

    #[test]
    fn a_part_is_found_in_the_picture_of_the_whole_or_not_at_all() {
        let area = |x, y, width, height| Area { x, y, width, height };
        let monitor = area(-1280, -200, 1280, 1024);
        assert_eq!(part(monitor, monitor, (1280, 1024)), Some(area(0, 0, 1280, 1024)));
        assert_eq!(part(area(-1000, -200, 100, 50), monitor, (1280, 1024)), Some(area(280, 0, 100, 50)));
        // The content of a window below its title bar.
        let (window, content) = (area(100, 100, 402, 331), area(101, 131, 400, 299));
        assert_eq!(part(content, window, (402, 331)), Some(area(1, 31, 400, 299)));
        // The picture is of before the window grew, or the window is elsewhere by now.
        assert_eq!(part(content, window, (300, 200)), None);
        assert_eq!(part(area(99, 131, 400, 299), window, (402, 331)), None);
        assert_eq!(part(area(i32::MIN, 0, 2, 2), area(1, 0, 2, 2), (2, 2)), None);
    }
}
