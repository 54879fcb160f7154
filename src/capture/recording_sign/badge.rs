//! How the sign looks: rectangles of three colours, so that any display can paint it, and the same ones as pixels.

use super::seam::SignState;
use crate::base::event::Area;

/// Its size at a scale of 1.
const SIZE: (u32, u32) = (92, 24);
/// The circle or the bars before the word.
const ICON: u32 = 12;
/// Between them and the word.
const SPACE: u32 = 6;
/// Pixels of a letter's dot.
const DOT: u32 = 2;
/// Dots of a letter.
const LETTER: (u32, u32) = (5, 7);
/// The largest scale that it is drawn at.
const MAX_SCALE: u32 = 4;

/// What a part of it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Colour {
    /// Behind everything.
    Ground,
    /// The word.
    Ink,
    /// The circle that says that it is recorded.
    Red,
}

impl Colour {
    /// All, in the order in which they are painted.
    pub const ALL: [Self; 3] = [Self::Ground, Self::Ink, Self::Red];

    /// Red, green and blue.
    pub fn rgb(self) -> [u8; 3] {
        match self {
            Self::Ground => [24, 24, 24],
            Self::Ink => [240, 240, 240],
            Self::Red => [230, 36, 36],
        }
    }
}

/// Returns its size at a scale of [`factor`].
pub fn size(factor: u32) -> (u32, u32) {
    (SIZE.0 * factor, SIZE.1 * factor)
}

/// A scale as the whole number of pixels that it is drawn with.
pub fn factor(scale: f32) -> u32 {
    (scale.round() as u32).clamp(1, MAX_SCALE)
}

/// The dots of a letter, from the upper row to the lower, the left one in the highest of five bits.
fn letter(letter: char) -> [u8; 7] {
    match letter {
        'A' => [0x0e, 0x11, 0x11, 0x1f, 0x11, 0x11, 0x11],
        'C' => [0x0e, 0x11, 0x10, 0x10, 0x10, 0x11, 0x0e],
        'E' => [0x1f, 0x10, 0x10, 0x1e, 0x10, 0x10, 0x1f],
        'P' => [0x1e, 0x11, 0x11, 0x1e, 0x10, 0x10, 0x10],
        'R' => [0x1e, 0x11, 0x11, 0x1e, 0x14, 0x12, 0x11],
        'S' => [0x0f, 0x10, 0x10, 0x0e, 0x01, 0x01, 0x1e],
        'U' => [0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x0e],
        _ => [0; 7],
    }
}

/// Returns what it is painted of, at a scale of [`factor`]: the parts lie in it, later ones over earlier ones.
pub fn parts(state: SignState, factor: u32) -> Vec<(Colour, Area)> {
    let mut parts = vec![(Colour::Ground, (0, 0, SIZE.0, SIZE.1))];
    let word = match state {
        SignState::Recording => "REC",
        SignState::Paused => "PAUSE",
    };
    let advance = (LETTER.0 + 1) * DOT;
    let wide = ICON + SPACE + word.len() as u32 * advance - DOT;
    let (left, top) = ((SIZE.0 - wide) / 2, (SIZE.1 - ICON) / 2);
    match state {
        SignState::Recording => {
            for row in 0..ICON {
                // A column is inside when its middle is.
                let far = |at: u32| (2 * at + 1).abs_diff(ICON).pow(2);
                let outside = (0..ICON).take_while(|column| far(*column) + far(row) > ICON.pow(2)).count() as u32;
                parts.push((Colour::Red, (left + outside, top + row, ICON - 2 * outside, 1)));
            }
        }
        SignState::Paused => {
            let bar = ICON / 3;
            parts.extend([left, left + 2 * bar].map(|x| (Colour::Ink, (x, top, bar, ICON))));
        }
    }
    let (mut x, y) = (left + ICON + SPACE, (SIZE.1 - LETTER.1 * DOT) / 2);
    for rows in word.chars().map(letter) {
        for (row, dots) in (0..).zip(rows) {
            let set = (0..LETTER.0).filter(|column| dots & (0x10 >> column) != 0);
            parts.extend(set.map(|column| (Colour::Ink, (x + column * DOT, y + row * DOT, DOT, DOT))));
        }
        x += advance;
    }
    let scaled = |(x, y, width, height): (u32, u32, u32, u32)| Area {
        x: (x * factor) as i32,
        y: (y * factor) as i32,
        width: width * factor,
        height: height * factor,
    };
    parts.into_iter().map(|(colour, part)| (colour, scaled(part))).collect()
}

/// Returns its pixels, blue first, without a gap between the rows.
pub fn bgrx(state: SignState, factor: u32) -> Vec<u8> {
    let width = (SIZE.0 * factor) as usize;
    let mut pixels = vec![0; width * (SIZE.1 * factor) as usize * 4];
    for (colour, area) in parts(state, factor) {
        let [red, green, blue] = colour.rgb();
        for y in area.y as usize..area.y as usize + area.height as usize {
            let start = (y * width + area.x as usize) * 4;
            let row = &mut pixels[start..start + area.width as usize * 4];
            row.chunks_exact_mut(4).for_each(|pixel| pixel.copy_from_slice(&[blue, green, red, 0xff]));
        }
    }
    pixels
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sign as text: a character for each pixel of every second row.
    fn drawn(state: SignState) -> Vec<String> {
        let pixels = bgrx(state, 1);
        let of = |pixel: &[u8]| match pixel[2] {
            24 => ' ',
            230 => 'o',
            _ => '#',
        };
        pixels.chunks_exact(SIZE.0 as usize * 4).map(|row| row.chunks_exact(4).map(of).collect()).collect()
    }

    #[test]
    fn it_has_a_red_circle_or_two_bars_and_a_word() {
        let recording = drawn(SignState::Recording);
        let rows = |rows: &[String]| rows.iter().map(|row| row.trim_end().to_owned()).collect::<Vec<_>>();
        assert_eq!(
            rows(&recording[5..9]),
            [
                "                                      ########    ##########    ######",
                "                        oooo          ########    ##########    ######",
                "                      oooooooo        ##      ##  ##          ##      ##",
                "                     oooooooooo       ##      ##  ##          ##      ##",
            ]
        );
        let red = recording.iter().flat_map(|row| row.chars()).filter(|c| *c == 'o').count();
        assert_eq!(red, 112, "a circle of 12 pixels has 113");
        let paused = drawn(SignState::Paused);
        assert_eq!(&paused[6][..20], "        ####    ####");
        assert!(paused.iter().all(|row| !row.contains('o')));
    }

    #[test]
    fn every_part_lies_in_it_at_every_scale() {
        for state in [SignState::Recording, SignState::Paused] {
            for scale in [0.5, 1.0, 1.5, 2.0, 9.0] {
                let factor = factor(scale);
                let size = size(factor);
                for (_, part) in parts(state, factor) {
                    assert_eq!(part.inside(size), Some(part), "{state:?} at {scale}");
                }
                assert_eq!(bgrx(state, factor).len() as u32, size.0 * size.1 * 4);
            }
        }
    }
}
