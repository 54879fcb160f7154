//! Paints the synthetic desktop: a moving picture, its barcode, a patch for the keys, and the pointer.

use super::barcode::Barcode;
use super::script::Script;
use crate::capture::BgraView;

/// Paints one picture after the other, each with its number.
pub(super) struct Painter {
    script: Script,
    pub(super) pixels: Vec<u8>,
    /// Two pictures wide, so that every shift of it is one copy per row.
    texture: Vec<u8>,
    number: u32,
}

impl Painter {
    pub(super) fn new(script: Script) -> Self {
        let (width, height) = (script.size.0 as usize, script.size.1 as usize);
        let mut texture = Vec::with_capacity(width * 2 * height * 4);
        for y in 0..height {
            for x in 0..width * 2 {
                let x = x % width;
                // Soft slopes with a grid and some grain: something between a desktop and a game.
                let grid = u32::from(x % 64 < 2 || y % 64 < 2) * 40;
                let grain = (x as u32).wrapping_mul(2_654_435_761).wrapping_add((y as u32).wrapping_mul(40_503)) >> 28;
                let wave = ((x as f32 * 0.02).sin() * 30.0 + (y as f32 * 0.03).cos() * 30.0 + 90.0) as u32;
                let blue = (wave + grid + grain).min(255) as u8;
                let green = (40 + y as u32 * 120 / height as u32 + grid).min(255) as u8;
                let red = (30 + x as u32 * 100 / width as u32 + grain).min(255) as u8;
                texture.extend_from_slice(&[blue, green, red, 0]);
            }
        }
        Self { script, pixels: vec![0; width * height * 4], texture, number: 0 }
    }

    fn fill(&mut self, x: usize, y: usize, width: usize, height: usize, bgr: [u8; 3]) {
        let (across, down) = (self.script.size.0 as usize, self.script.size.1 as usize);
        let (right, bottom) = ((x + width).min(across), (y + height).min(down));
        for row in y..bottom {
            let line = &mut self.pixels[(row * across + x.min(right)) * 4..(row * across + right) * 4];
            for pixel in line.chunks_exact_mut(4) {
                pixel[..3].copy_from_slice(&bgr);
            }
        }
    }

    /// Paints the picture of a step, with the next number.
    pub(super) fn paint(&mut self, step: u64) {
        self.number = self.number.wrapping_add(1);
        let (width, height) = (self.script.size.0 as usize, self.script.size.1 as usize);
        let shift = (step as usize * 2) % width;
        for y in 0..height {
            let from = (y * width * 2 + shift) * 4;
            self.pixels[y * width * 4..(y + 1) * width * 4].copy_from_slice(&self.texture[from..from + width * 4]);
        }
        let cell = Barcode::of_width(width as u32).cell;
        self.fill(0, 0, cell * 42, cell * 3, [0, 0, 0]);
        for (i, bit) in Barcode::bits(self.number).into_iter().enumerate() {
            if bit {
                self.fill(cell + i * cell, cell, cell, cell, [255, 255, 255]);
            }
        }
        // The patch that changes at each key press, and a patch of known colour beside it.
        let side = (height / 6).max(8);
        let pressed = Script::presses(step) % 2 == 1;
        self.fill(cell, height / 2, side, side, if pressed { [60, 200, 60] } else { [200, 60, 60] });
        self.fill(cell + side * 5 / 4, height / 2, side, side, [0, 40, 200]);
        let (x, y) = self.script.pointer(step);
        let arm = (height / 60).max(2);
        let colour = if Script::button_down(step) { [0, 0, 255] } else { [255, 255, 255] };
        self.fill((x as usize).saturating_sub(arm), (y as usize).saturating_sub(1), arm * 2, 2, colour);
        self.fill((x as usize).saturating_sub(1), (y as usize).saturating_sub(arm), 2, arm * 2, colour);
    }

    /// Returns the picture.
    pub(super) fn view(&mut self) -> BgraView<'_> {
        view(&mut self.pixels, self.script.size)
    }
}

/// Returns packed pixels as a picture of this size.
pub(super) fn view(data: &mut [u8], (width, height): (u32, u32)) -> BgraView<'_> {
    BgraView { data, stride: width as usize * 4, width, height }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_barcode_reads_back_at_every_size_and_sees_damage() {
        for (width, height) in [(96u32, 64u32), (640, 480), (1280, 720), (1920, 1080)] {
            let mut screen = Painter::new(Script { size: (width, height), ..Script::default() });
            screen.number = 0xA5_1233;
            screen.paint(0);
            let barcode = Barcode::of_width(width);
            let read = |screen: &Painter| barcode.read(|x, y| screen.pixels[(y * width as usize + x) * 4]);
            assert_eq!(read(&screen), Some(0xA5_1234), "{width}x{height}");
            let middle = barcode.cell + barcode.cell / 2;
            let pixel = (middle * width as usize + middle + 20 * barcode.cell) * 4;
            screen.pixels[pixel] = 255 - screen.pixels[pixel];
            assert_ne!(read(&screen), Some(0xA5_1234));
        }
    }
}
