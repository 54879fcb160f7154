//! What happens on the synthetic desktop: where the pointer is, and which inputs come, step by step.
//!
//! Pure but for the moment at which it began, which the first picture sets.

use std::sync::{Arc, OnceLock};

use crate::base::event::{Axis, Button};
use crate::base::hid;
use crate::base::pad::{PadAbout, PadChange, PadControl};
use crate::base::time::MonoNs;
use crate::capture::RawInput;

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
/// Steps of the cycle at which the gamepad's button goes down, and up again.
const PAD_STEPS: (u64, u64) = (20, 40);
/// Steps of the cycle in which the gamepad's trigger is pressed further and further; behind them it is let go of.
const TRIGGER_STEPS: (u64, u64) = (50, 75);
/// The keys of the script, in turn.
const KEYS: [&str; 5] = ["KeyW", "KeyA", "KeyS", "KeyD", "Space"];

/// The script's beginning, shared by picture and input: the moment of the first grab.
#[derive(Clone, Default)]
pub(super) struct Script {
    pub(super) begin: Arc<OnceLock<MonoNs>>,
    pub(super) size: (u32, u32),
}

impl Script {
    /// Where the pointer is at a step, desktop pixels.
    pub(super) fn pointer(&self, step: u64) -> (f64, f64) {
        let phase = step as f64 / CYCLE as f64 * std::f64::consts::TAU;
        let (width, height) = (f64::from(self.size.0), f64::from(self.size.1));
        (width * (0.5 + 0.35 * (phase / 4.0).sin()), height * (0.5 + 0.3 * (phase / 6.0).cos()))
    }

    fn key(step: u64) -> (Option<crate::base::event::HidUsage>, u32) {
        let usage = hid::usage_of_code(KEYS[(step / CYCLE) as usize % KEYS.len()]);
        (usage, usage.map_or(0, |u| u32::from(u.0)))
    }

    /// The inputs of a step.
    pub(super) fn inputs(&self, step: u64) -> impl Iterator<Item = RawInput> + use<> {
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
        let motion = RawInput::Motion { position, motion: Some((x - before.0, y - before.1)), warped: false };
        std::iter::once(motion).chain(other)
    }

    /// The name of the gamepad.
    pub(super) const GAMEPAD: &str = "scripted gamepad";

    /// That the gamepad is there.
    pub(super) fn pad_connected() -> (u8, PadChange) {
        (0, PadChange::Connected(PadAbout { name: Self::GAMEPAD.into(), standard: true, ..PadAbout::default() }))
    }

    /// What the gamepad does at a step: its left stick goes round, a button goes down and up, a trigger is pressed and let go of.
    pub(super) fn pad(step: u64) -> impl Iterator<Item = RawInput> {
        let phase = step as f64 / CYCLE as f64 * std::f64::consts::TAU;
        let axis = |control, native, value: f64| PadChange::Axis {
            control: Some(control),
            native,
            // As a device with 16 bits has it.
            value: ((value * 32_767.0).round() / 32_767.0) as f32,
        };
        let stick = [axis(PadControl::LeftX, 0, phase.sin()), axis(PadControl::LeftY, 1, -phase.cos())];
        let within = step % CYCLE;
        let south = |pressed| PadChange::Button { control: Some(PadControl::South), native: 0x130, pressed };
        let button = match within {
            w if w == PAD_STEPS.0 => Some(south(true)),
            w if w == PAD_STEPS.1 => Some(south(false)),
            _ => None,
        };
        let (from, to) = TRIGGER_STEPS;
        let pull = (within as f64 - from as f64) / (to - from) as f64;
        let trigger = (from..=to + 1).contains(&within).then(|| {
            let value = if within > to { 0.0 } else { pull };
            axis(PadControl::RightTrigger, 5, value)
        });
        let changes = stick.into_iter().chain(button).chain(trigger);
        changes.map(|change| RawInput::Pad { pad: 0, change })
    }

    /// Keys pressed up to and with this step.
    pub(super) fn presses(step: u64) -> u64 {
        (step + CYCLE - KEY_STEPS.0) / CYCLE
    }

    /// Whether the script's button is down after this step.
    pub(super) fn button_down(step: u64) -> bool {
        (CLICK_STEPS.0..CLICK_STEPS.1).contains(&(step % CYCLE))
    }

    /// Returns the step that it is at a time.
    pub(super) fn step(&self, t: MonoNs) -> u64 {
        let begin = self.begin.get().copied().unwrap_or(t);
        u64::try_from((t.0 - begin.0) / STEP_NS).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
