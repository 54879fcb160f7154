//! The machine-readable number in each picture.
//!
//! The same in every size: one row of 40 square cells of `cell = clamp(width / 48, 2, 16)` pixels, the first at `(cell, cell)`. White is 1,
//! black is 0. The first 32 cells are the picture's number, most significant bit first, the last 8 its CRC-8 (polynomial 0x07, initial 0).

/// Where the barcode of a picture of this width stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Barcode {
    /// Side of a cell, and distance of the first one from both edges, pixels.
    pub cell: usize,
}

impl Barcode {
    /// The barcode of a picture of this width.
    pub fn of_width(width: u32) -> Self {
        Self { cell: (width as usize / 48).clamp(2, 16) }
    }

    /// The 40 bits for a number, first cell first.
    pub fn bits(number: u32) -> [bool; 40] {
        let word = (u64::from(number) << 8) | u64::from(crc8(number));
        std::array::from_fn(|i| word >> (39 - i) & 1 == 1)
    }

    /// Reads the number from luma samples: `luma(x, y)` at the middle of each cell. `None` when the check does not fit.
    pub fn read(self, luma: impl Fn(usize, usize) -> u8) -> Option<u32> {
        let middle = self.cell + self.cell / 2;
        let word = (0..40).fold(0u64, |word, i| word << 1 | u64::from(luma(middle + i * self.cell, middle) >= 128));
        let number = (word >> 8) as u32;
        (crc8(number) == word as u8).then_some(number)
    }
}

fn crc8(number: u32) -> u8 {
    number
        .to_be_bytes()
        .iter()
        .fold(0, |crc, byte| (0..8).fold(crc ^ byte, |crc, _| if crc & 0x80 == 0 { crc << 1 } else { crc << 1 ^ 0x07 }))
}
