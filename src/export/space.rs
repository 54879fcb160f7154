//! An action as a vector: which keys, buttons, motions and turns have a number in it, their names, and the numbers of a step.
//!
//! Keeps the invariant that what nobody knows is no number: a 0 says that something was not done, so where input is missing, was withheld or
//! is not reported, or a key has no code, what was not seen is `None`, as is motion that no row measures. Formats write null, leave the step out, or say so.

use super::inputs::Action;
use super::keys::{ALL_KEYS, key_name};
use super::options::Options;
use super::pads;
use crate::base::event::Button;

/// The dimensions of an action, in this order: keys, buttons, motion, place, wheel, gamepad.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Space {
    keys: Vec<u8>,
    parts: Parts,
    gamepad: bool,
}

/// What of the mouse has dimensions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Parts {
    motion: bool,
    place: bool,
    wheel: bool,
}

impl Parts {
    /// Buttons have some when anything of the mouse has.
    const fn buttons(self) -> bool {
        self.motion || self.place
    }
}

impl Space {
    /// All that a session can say of keys and mouse, without places: 265 dimensions.
    pub fn whole() -> Self {
        let keys = (0..ALL_KEYS).filter_map(|usage| u8::try_from(usage).ok()).collect();
        Self { keys, parts: Parts { motion: true, place: false, wheel: true }, gamepad: false }
    }

    /// What was chosen; `None` when nothing was.
    pub fn chosen(options: &Options) -> Option<Self> {
        let (motion, place) = (options.mouse, options.pointer);
        let keys = options.keys.as_ref().map(|keys| keys.0.clone());
        let any = keys.is_some() || motion || place || options.gamepad;
        let parts = Parts { motion, place, wheel: motion || place };
        any.then(|| Self { keys: keys.unwrap_or_default(), parts, gamepad: options.gamepad })
    }

    /// The same without wheels: for a source that never reports these.
    #[must_use]
    pub fn without_wheels(self) -> Self {
        Self { parts: Parts { wheel: false, ..self.parts }, ..self }
    }

    /// Names of the dimensions.
    pub fn names(&self) -> Vec<String> {
        let keys = self.keys.iter().copied().map(key_name);
        let buttons =
            Button::ALL.iter().filter(|_| self.parts.buttons()).map(|button| format!("button_{}", button.name()));
        let rest = [
            (self.parts.motion, ["mouse_dx", "mouse_dy"]),
            (self.parts.place, ["mouse_x", "mouse_y"]),
            (self.parts.wheel, ["wheel_x", "wheel_y"]),
        ];
        let rest = rest.into_iter().filter(|(wanted, _)| *wanted).flat_map(|(_, names)| names.map(str::to_owned));
        let gamepad = pads::names().filter(|_| self.gamepad);
        keys.chain(buttons).chain(rest).chain(gamepad).collect()
    }

    /// Whether the first gamepad has dimensions.
    pub fn has_gamepad(&self) -> bool {
        self.gamepad
    }

    /// The numbers of a step, one per name. A key or button is 1 when it was down at any time of it; motion and wheel are sums, places
    /// those at its end. Of the gamepad, buttons and triggers as far as they were pressed, sticks as at its end. `None`: nobody knows.
    pub fn values(&self, action: &Action) -> Vec<Option<f32>> {
        let down = |seen: bool, sure: bool| if seen { Some(1.0) } else { sure.then_some(0.0) };
        let unseen = action.unseen;
        let sure = |unseen: bool| !action.input_gap && !unseen;
        let keys = self.keys.iter().map(|usage| {
            let seen = action.keys.holds(*usage) || action.keys_pressed.holds(*usage);
            down(seen, sure(unseen.keys) && action.keys_unknown == 0)
        });
        let held = action.buttons | action.buttons_pressed;
        let buttons = (0..Button::ALL.len()).filter(|_| self.parts.buttons());
        let buttons =
            buttons.map(|bit| down(held & (1 << bit) != 0, sure(unseen.mouse) && action.buttons_unknown == 0));
        let sum = |value: f64| value as f32;
        let rest = [
            (self.parts.motion, unseen.mouse, [action.dx.map(sum), action.dy.map(sum)]),
            (self.parts.place, unseen.mouse, [action.x, action.y]),
            (self.parts.wheel, unseen.wheel, [action.wheel_x.map(sum), action.wheel_y.map(sum)]),
        ];
        let rest = rest.into_iter().filter(|(wanted, ..)| *wanted);
        let rest = rest.flat_map(|(_, unseen, values)| values.map(|value| value.filter(|_| sure(unseen))));
        let gamepad = action.pads.values().map(|value| sure(unseen.pads).then_some(value));
        keys.chain(buttons).chain(rest).chain(gamepad.into_iter().filter(|_| self.gamepad)).collect()
    }

    /// Whether all numbers of a step are known.
    pub fn is_known(&self, action: &Action) -> bool {
        self.values(action).iter().all(Option::is_some)
    }

    /// Whether a key or button was down in the step that has no dimension, or a key without a code, or a gamepad did something that has none.
    pub fn misses(&self, action: &Action) -> bool {
        let mut down = action.keys.iter().chain(action.keys_pressed.iter());
        let key = action.keys_unknown > 0 || down.any(|usage| !self.keys.contains(&usage));
        let pad = if self.gamepad { action.pads.has_others() } else { action.pads.acts() };
        key || pad || (!self.parts.buttons() && (action.buttons | action.buttons_pressed) != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::keys::Keys;
    use crate::export::unseen::Unseen;

    fn space(keys: &str, mouse: bool, pointer: bool) -> Space {
        let keys = (!keys.is_empty()).then(|| keys.parse().expect("keys"));
        Space::chosen(&Options { keys, mouse, pointer, ..Options::default() }).expect("something was chosen")
    }

    #[test]
    fn dimensions_have_names_of_their_own() {
        let names = Space::whole().names();
        let all: std::collections::BTreeSet<_> = names.iter().collect();
        assert_eq!((names.len(), all.len()), (265, 265));
        assert_eq!(
            (names[0x1a].as_str(), names[256].as_str(), names[264].as_str()),
            ("KeyW", "button_left", "wheel_y")
        );
        assert_eq!(space("KeyW, Space,hid_3", false, false).names(), ["KeyW", "Space", "hid_3"]);
        let mouse = ["button_left", "button_right", "button_middle", "button_x1", "button_x2"];
        assert_eq!(
            space("", true, false).names(),
            [&mouse[..], &["mouse_dx", "mouse_dy", "wheel_x", "wheel_y"]].concat()
        );
        assert_eq!(space("", false, true).names()[5..], ["mouse_x", "mouse_y", "wheel_x", "wheel_y"]);
        assert_eq!(space("", false, true).without_wheels().names()[5..], ["mouse_x", "mouse_y"]);
        assert_eq!(Space::chosen(&Options::default()), None);
    }

    #[test]
    fn keys_are_refused_with_the_one_that_may_be_meant() {
        let refused = |text: &str| text.parse::<Keys>().expect_err("no keys");
        assert!(refused("KeyW,a").ends_with("there is KeyA") && refused("space").ends_with("there is Space"));
        assert!(
            refused("KeyW,KeyW").contains("twice")
                && refused("").contains("like KeyW")
                && refused("hid_256").contains("like")
        );
    }

    #[test]
    fn what_nobody_knows_is_no_zero() {
        let space = space("KeyW,KeyA", true, false);
        let still = Action { wheel_x: Some(0.0), wheel_y: Some(0.0), ..Action::default() };
        let mut action = Action { dx: Some(3.0), dy: Some(-1.0), buttons_pressed: 2, ..still };
        action.keys_pressed.set(0x1a, true);
        let one = |value: f32| Some(value);
        let known = [1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 3.0, -1.0, 0.0, 0.0].map(one);
        assert_eq!(space.values(&action), known);
        assert!(space.is_known(&action) && !space.misses(&action));
        // Motion that no row measures.
        let moved = Action { dx: None, dy: None, ..action };
        assert_eq!(space.values(&moved)[7..9], [None, None]);
        // A press without a code may be any key's; what was seen was seen.
        let withheld = Action { keys_unknown: 1, ..action };
        assert_eq!(space.values(&withheld)[..3], [one(1.0), None, one(0.0)]);
        assert!(space.misses(&withheld));
        // A turn that no row measures, and a click of which nobody knows the direction.
        let turned = Action { wheel_y: None, ..action };
        assert_eq!(space.values(&turned)[9..], [one(0.0), None]);
        let clicked = Action { buttons_unknown: 1, ..action };
        assert_eq!(space.values(&clicked)[2..5], [None, one(1.0), None]);
        // Input is missing.
        let gap = Action { input_gap: true, ..action };
        let seen: Vec<_> = space.values(&gap).iter().map(Option::is_some).collect();
        assert_eq!(seen.iter().filter(|seen| **seen).count(), 2);
        assert!(![moved, withheld, turned, clicked, gap].iter().any(|action| space.is_known(action)));
        // Withheld keys, and a source without wheels.
        let blind = Unseen { keys: true, wheel: true, ..Unseen::default() };
        let values = space.values(&Action { unseen: blind, ..action });
        assert_eq!((values[0], values[1], values[2], values[7], values[9]), (one(1.0), None, one(0.0), one(3.0), None));
        action.keys.set(0x04, true);
        action.keys.set(0x05, true);
        assert!(space.misses(&action));
    }
}
