//! The built-in synthetic desktop: a moving picture with a machine-readable frame barcode, and scripted input. Always compiled;
//! the demo, tests and benchmarks use it where there is no display.
//!
//! Picture and input follow one script: a picture taken at time `t` shows the state after every scripted input up to `t`, so a
//! recording of it is aligned by construction, and any misalignment found in the session was made on the way.
//!
//! **Barcode** (same in every size, [`Barcode`]): one row of 40 square cells of `cell = clamp(width / 48, 2, 16)` pixels, the
//! first at `(cell, cell)`. White is 1, black is 0. The first 32 cells are the picture's number, most significant bit first, the
//! last 8 its CRC-8 (polynomial 0x07, initial 0).

use std::sync::{Arc, OnceLock};

use super::{
    BgraView, CaptureError, Grab, InitialState, InputDescription, InputSink, InputSource, RawInput, ScreenDescription,
    ScreenSource, Sources, StopFlag,
};
use crate::event::{Axis, Button, Content, Source, Surface};
use crate::hid;
use crate::time::{Clock, MonoNs};

/// One step of the script: 125 mouse reports a second, as common mice send.
pub const STEP_NS: i64 = 8_000_000;
/// Steps after which the script begins again with the next key: one second.
const CYCLE: u64 = 125;
/// Step of the cycle at which a key goes down, and up again.
const KEY_STEPS: (u64, u64) = (12, 27);
/// Step of the cycle at which the left button goes down, and up again.
const CLICK_STEPS: (u64, u64) = (62, 70);
/// Step of the cycle at which the wheel turns.
const WHEEL_STEP: u64 = 100;
/// The keys of the script, in turn.
const KEYS: [&str; 5] = ["KeyW", "KeyA", "KeyS", "KeyD", "Space"];
/// Smallest picture: 40 cells of 2 pixels and a margin.
pub const MIN_SIZE: (u32, u32) = (96, 64);
/// Largest picture that the encoder takes.
pub const MAX_SIZE: (u32, u32) = (3840, 2160);

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

/// The script's beginning, shared by picture and input: the moment of the first grab.
#[derive(Clone, Default)]
struct Script {
    begin: Arc<OnceLock<MonoNs>>,
    size: (u32, u32),
}

impl Script {
    /// Where the pointer is at a step, desktop pixels.
    fn pointer(&self, step: u64) -> (f64, f64) {
        let phase = step as f64 / CYCLE as f64 * std::f64::consts::TAU;
        let (width, height) = (f64::from(self.size.0), f64::from(self.size.1));
        (width * (0.5 + 0.35 * (phase / 4.0).sin()), height * (0.5 + 0.3 * (phase / 6.0).cos()))
    }

    fn key(step: u64) -> (Option<crate::event::HidUsage>, u32) {
        let usage = hid::usage_of_code(KEYS[(step / CYCLE) as usize % KEYS.len()]);
        (usage, usage.map_or(0, |u| u32::from(u.0)))
    }

    /// The inputs of a step.
    fn inputs(&self, step: u64) -> impl Iterator<Item = RawInput> + use<> {
        let (x, y) = self.pointer(step);
        let before = self.pointer(step.saturating_sub(1));
        let position = Some((x, y));
        let within = step % CYCLE;
        let (usage, native) = Self::key(step);
        let key = |down| RawInput::Key { usage, native, down, repeat: false };
        let click = |pressed| RawInput::Button { button: Button::Left, pressed, position };
        let other = match within {
            w if w == KEY_STEPS.0 => Some(key(true)),
            w if w == KEY_STEPS.1 => Some(key(false)),
            w if w == CLICK_STEPS.0 => Some(click(true)),
            w if w == CLICK_STEPS.1 => Some(click(false)),
            WHEEL_STEP => {
                let delta = if (step / CYCLE).is_multiple_of(2) { 1.0 } else { -1.0 };
                Some(RawInput::Wheel { axis: Axis::Vertical, delta, hi_res: false, position })
            }
            _ => None,
        };
        let motion = RawInput::Motion { position, motion: Some((x - before.0, y - before.1)) };
        std::iter::once(motion).chain(other)
    }

    /// Keys pressed up to and with this step.
    fn presses(step: u64) -> u64 {
        (step + CYCLE - KEY_STEPS.0) / CYCLE
    }

    /// Whether the script's button is down after this step.
    fn button_down(step: u64) -> bool {
        (CLICK_STEPS.0..CLICK_STEPS.1).contains(&(step % CYCLE))
    }
}

/// Both sources of a synthetic recording.
///
/// # Errors
/// [`CaptureError::BadSize`] when the size is odd or out of range.
pub fn sources(size: (u32, u32), clock: &Arc<dyn Clock>, input: bool) -> Result<Sources, CaptureError> {
    let (width, height) = size;
    if width % 2 != 0 || height % 2 != 0 {
        let nearest = Some((width.next_multiple_of(2), height.next_multiple_of(2)));
        return Err(CaptureError::BadSize { width, height, why: "both sides must be even".into(), nearest });
    }
    if width < MIN_SIZE.0 || height < MIN_SIZE.1 || width > MAX_SIZE.0 || height > MAX_SIZE.1 {
        let nearest = Some((width.clamp(MIN_SIZE.0, MAX_SIZE.0), height.clamp(MIN_SIZE.1, MAX_SIZE.1)));
        return Err(CaptureError::BadSize { width, height, why: "out of range".into(), nearest });
    }
    let script = Script { begin: Arc::default(), size };
    let (screen_script, screen_clock) = (script.clone(), Arc::clone(clock));
    let input_clock = Arc::clone(clock);
    Ok(Sources {
        screen: Box::new(move || Ok(Box::new(SyntheticScreen::new(screen_script, screen_clock)))),
        input: input.then(|| -> super::OpenInput {
            Box::new(move || Ok(Box::new(SyntheticInput { script, clock: input_clock })))
        }),
    })
}

struct SyntheticScreen {
    script: Script,
    clock: Arc<dyn Clock>,
    pixels: Vec<u8>,
    /// Two pictures wide, so that every shift of it is one copy per row.
    texture: Vec<u8>,
    number: u32,
}

impl SyntheticScreen {
    fn new(script: Script, clock: Arc<dyn Clock>) -> Self {
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
        Self { script, clock, pixels: vec![0; width * height * 4], texture, number: 0 }
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

    fn paint(&mut self, step: u64) {
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
}

impl ScreenSource for SyntheticScreen {
    fn describe(&self) -> ScreenDescription {
        let (width, height) = self.script.size;
        ScreenDescription {
            backend: "synthetic".into(),
            surface: Surface { x: 0, y: 0, width, height, scale: 1.0 },
            refresh_hz: None,
            cursor: true,
            sees_changes: true,
            target: "synthetic desktop".into(),
            window_id: None,
            // There are no windows.
            masks_windows: true,
        }
    }

    fn grab(&mut self, _whole: bool) -> Result<Grab, CaptureError> {
        let t = self.clock.now();
        let begin = *self.script.begin.get_or_init(|| t);
        let step = u64::try_from((t.0 - begin.0) / STEP_NS).unwrap_or(0);
        self.paint(step);
        self.number = self.number.wrapping_add(1);
        // The picture shows the script at `t`; how long it took to paint is the cost of having it.
        let capture_us = self.clock.now().since(t).as_micros() as u32;
        Ok(Grab { t, capture_us, changed: true, surface: None })
    }

    fn pixels(&mut self) -> BgraView<'_> {
        let (width, height) = self.script.size;
        BgraView { data: &mut self.pixels, stride: width as usize * 4, width, height }
    }
}

struct SyntheticInput {
    script: Script,
    clock: Arc<dyn Clock>,
}

impl InputSource for SyntheticInput {
    fn describe(&self) -> InputDescription {
        InputDescription {
            backend: "synthetic".into(),
            devices: vec!["scripted keyboard".into(), "scripted mouse".into()],
            keyboard_layout: None,
            poll_us: None,
            keys: true,
            buttons: true,
            wheel: true,
            relative_motion: true,
            position: true,
            focus: true,
            tells_secrets: true,
        }
    }

    fn initial(&self) -> InitialState {
        InitialState { pointer: Some(self.script.pointer(0)), ..InitialState::default() }
    }

    fn run(self: Box<Self>, sink: &InputSink, stop: &StopFlag) -> Result<(), CaptureError> {
        while self.script.begin.get().is_none() {
            if stop.is_set() {
                return Ok(());
            }
            self.clock.sleep_until(MonoNs(self.clock.now().0 + 200_000));
        }
        let Some(begin) = self.script.begin.get().copied() else { return Ok(()) };
        let focus = RawInput::Focus {
            window_id: "0x1".into(),
            title: Content("watchcap synthetic desktop".into()),
            app: "watchcap".into(),
            pid: Some(std::process::id()),
        };
        sink.send(begin, Source::Synthetic, focus);
        let mut step = 1;
        while !stop.is_set() {
            let t = MonoNs(begin.0 + step as i64 * STEP_NS);
            self.clock.sleep_until(t);
            for input in self.script.inputs(step) {
                sink.send(t, Source::Synthetic, input);
            }
            step += 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{ManualClock, UtcNs};

    #[test]
    fn the_barcode_reads_back_at_every_size_and_sees_damage() {
        for (width, height) in [(96u32, 64u32), (640, 480), (1280, 720), (1920, 1080)] {
            let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(MonoNs(0), UtcNs(0)));
            let mut screen = SyntheticScreen::new(Script { begin: Arc::default(), size: (width, height) }, clock);
            screen.number = 0xA5_1234;
            screen.grab(true).expect("a picture");
            let barcode = Barcode::of_width(width);
            let read = |screen: &SyntheticScreen| barcode.read(|x, y| screen.pixels[(y * width as usize + x) * 4]);
            assert_eq!(read(&screen), Some(0xA5_1234), "{width}x{height}");
            let middle = barcode.cell + barcode.cell / 2;
            let pixel = (middle * width as usize + middle + 20 * barcode.cell) * 4;
            screen.pixels[pixel] = 255 - screen.pixels[pixel];
            assert_ne!(read(&screen), Some(0xA5_1234));
        }
    }

    #[test]
    fn the_script_presses_and_releases_in_pairs() {
        let script = Script { begin: Arc::default(), size: (640, 480) };
        let mut held = 0i32;
        for step in 1..CYCLE * 20 {
            for input in script.inputs(step) {
                match input {
                    RawInput::Key { down, .. } => held += if down { 1 } else { -1 },
                    RawInput::Motion { motion, .. } => assert!(motion.is_some()),
                    _ => {}
                }
            }
            assert!((0..=1).contains(&held), "step {step}: {held} keys held");
        }
        assert_eq!(held, 0);
        assert_eq!((Script::presses(11), Script::presses(12), Script::presses(137)), (0, 1, 2));
    }

    #[test]
    fn impossible_sizes_are_refused_with_the_nearest_one() {
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(MonoNs(0), UtcNs(0)));
        for (size, near) in [((641, 480), (642, 480)), ((10, 10), (96, 64)), ((8000, 480), (3840, 480))] {
            let Err(CaptureError::BadSize { nearest, .. }) = sources(size, &clock, true) else {
                panic!("{size:?} was accepted")
            };
            assert_eq!(nearest, Some(near));
        }
    }
}
