//! Where the pixels of a buffer lie, and their way into the memory.

/// The longest side of a picture; no encoder takes half of that.
const MAX_SIDE: u32 = 16_384;

/// A rectangle in the pixels of a stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Area {
    pub(crate) at: (u32, u32),
    pub(crate) size: (u32, u32),
}

/// How the rows of a buffer lie: what its chunk and the format of the stream say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Layout {
    pub(crate) size: (u32, u32),
    pub(crate) offset: u32,
    pub(crate) stride: i32,
}

impl Layout {
    /// Returns the part of the picture that counts: what the stream says of it, as far as it is inside; all of it where it says nothing.
    pub(crate) fn part(&self, crop: Option<(i32, i32, u32, u32)>) -> Area {
        let whole = Area { at: (0, 0), size: self.size };
        let Some((x, y, width, height)) = crop else { return whole };
        let (Ok(x), Ok(y)) = (u32::try_from(x), u32::try_from(y)) else { return whole };
        let is_inside = width > 0
            && height > 0
            && x.checked_add(width).is_some_and(|right| right <= self.size.0)
            && y.checked_add(height).is_some_and(|bottom| bottom <= self.size.1);
        if is_inside { Area { at: (x, y), size: (width, height) } } else { whole }
    }

    /// Returns the bytes of a row and where the first one of an area begins; `None` when the area is not in this many bytes.
    fn rows(&self, area: Area, bytes: usize) -> Option<(usize, usize)> {
        let is_sane = |(width, height): (u32, u32)| (1..=MAX_SIDE).contains(&width) && (1..=MAX_SIDE).contains(&height);
        // Of a picture that says nothing the rows have no gaps.
        let stride = if self.stride == 0 { self.size.0 as usize * 4 } else { usize::try_from(self.stride).ok()? };
        if !is_sane(self.size) || !is_sane(area.size) || stride < self.size.0 as usize * 4 {
            return None;
        }
        let start = self.offset as usize + area.at.1 as usize * stride + area.at.0 as usize * 4;
        let end = start + (area.size.1 as usize - 1) * stride + area.size.0 as usize * 4;
        (end <= bytes).then_some((stride, start))
    }

    /// Copies an area without gaps between its rows; `false` when it is not all there.
    pub(crate) fn copy(&self, area: Area, data: &[u8], out: &mut Vec<u8>) -> bool {
        let Some((stride, start)) = self.rows(area, data.len()) else { return false };
        let row = area.size.0 as usize * 4;
        out.clear();
        if row == stride {
            out.extend_from_slice(&data[start..start + row * area.size.1 as usize]);
            return true;
        }
        for y in 0..area.size.1 as usize {
            let from = start + y * stride;
            out.extend_from_slice(&data[from..from + row]);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYOUT: Layout = Layout { size: (3, 2), offset: 4, stride: 16 };

    fn data() -> Vec<u8> {
        (0..4 + 16 + 12).collect()
    }

    #[test]
    fn rows_are_taken_without_their_gaps_and_only_what_counts_of_them() {
        let mut out = vec![7; 99];
        assert!(LAYOUT.copy(LAYOUT.part(None), &data(), &mut out));
        assert_eq!(out, (4..16).chain(20..32).collect::<Vec<u8>>());
        assert!(LAYOUT.copy(LAYOUT.part(Some((1, 1, 2, 1))), &data(), &mut out));
        assert_eq!(out, (24..32).collect::<Vec<u8>>());
        let tight = Layout { stride: 0, offset: 0, ..LAYOUT };
        assert!(tight.copy(tight.part(None), &data(), &mut out));
        assert_eq!(out, (0..24).collect::<Vec<u8>>());
    }

    #[test]
    fn what_is_not_there_is_not_read() {
        let mut out = Vec::new();
        let short = data();
        assert!(!LAYOUT.copy(LAYOUT.part(None), &short[..31], &mut out));
        for layout in [
            Layout { stride: 11, ..LAYOUT },
            Layout { stride: -16, ..LAYOUT },
            Layout { offset: u32::MAX, ..LAYOUT },
            Layout { size: (0, 2), ..LAYOUT },
            Layout { size: (20_000, 2), stride: i32::MAX, ..LAYOUT },
        ] {
            assert!(!layout.copy(layout.part(None), &short, &mut out), "{layout:?}");
        }
        let whole = LAYOUT.part(None);
        for crop in [(-1, 0, 2, 2), (0, 0, 0, 2), (2, 0, 2, 2), (0, 1, 1, 2), (1, 0, u32::MAX, 1)] {
            assert_eq!(LAYOUT.part(Some(crop)), whole, "{crop:?}");
        }
    }
}
