//! A gamepad as a few characters: its sticks as arrows, its triggers as bars, its buttons that are down as caps.
//!
//! Owns what a button is called on a cap. Buttons are numbered as the W3C does.

use crate::timeline::PadState;

/// What is written on the caps of the buttons, by their numbers. By place, as in the table: what is printed on a pad differs.
const CAPS: [&str; 17] =
    ["S", "E", "W", "N", "LB", "RB", "LT", "RT", "Back", "Start", "L3", "R3", "▲", "▼", "◀", "▶", "Guide"];
/// A stick is drawn at rest below this.
const REST: f32 = 0.15;
/// The eight directions, from the right clockwise: down is positive.
const ARROWS: [&str; 8] = ["→", "↘", "↓", "↙", "←", "↖", "↑", "↗"];
/// How far a trigger is pressed.
const BARS: [&str; 9] = ["·", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/// A stick in a character.
fn stick((x, y): (f32, f32)) -> &'static str {
    if x.hypot(y) < REST {
        return "·";
    }
    let eighths = (y.atan2(x) / std::f32::consts::FRAC_PI_4).round() as i32;
    ARROWS[eighths.rem_euclid(8) as usize]
}

/// A trigger in a character.
fn trigger(at: f32) -> &'static str {
    let last = BARS.len() - 1;
    BARS[((at.clamp(0.0, 1.0) * last as f32).ceil() as usize).min(last)]
}

/// Its sticks and triggers: `pad0 L↗▂ R·█`.
pub(crate) fn axes(pad: &PadState) -> String {
    let [left, right] = pad.sticks.map(stick);
    let [left_trigger, right_trigger] = pad.triggers.map(trigger);
    format!("pad{} L{left}{left_trigger} R{right}{right_trigger}", pad.number)
}

/// The caps of its buttons that are down.
pub(crate) fn caps(pad: &PadState) -> impl Iterator<Item = &'static str> + use<> {
    let buttons = pad.buttons;
    CAPS.into_iter().enumerate().filter(move |(bit, _)| buttons >> bit & 1 == 1).map(|(_, cap)| cap)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pad_is_drawn_by_what_it_holds() {
        let mut pad = PadState { number: 1, ..PadState::default() };
        assert_eq!(axes(&pad), "pad1 L·· R··");
        pad.sticks = [(0.7, -0.7), (-1.0, 0.05)];
        pad.triggers = [0.01, 1.0];
        pad.buttons = 1 | 1 << 12 | 1 << 16 | 1 << 20;
        assert_eq!(axes(&pad), "pad1 L↗▁ R←█");
        assert_eq!(caps(&pad).collect::<Vec<_>>(), ["S", "▲", "Guide"]);
        for (at, drawn) in
            [((1.0, 0.0), "→"), ((0.0, 1.0), "↓"), ((0.0, -1.0), "↑"), ((0.1, 0.1), "·"), ((-0.5, 0.5), "↙")]
        {
            assert_eq!(stick(at), drawn, "{at:?}");
        }
    }
}
