//! What gamepads did in a step: the first of them as numbers, of the others that they did something.
//!
//! Keeps the invariant of [`super::inputs`]: a function of the rows before the step's end. Rows with `held`=1 change what is held and are no deed.

use crate::base::pad::PadControl;
use crate::session::table::row::{OwnedRow, event_type, key};

/// The gamepad that has numbers in an action: the one with this number.
const PAD: i32 = 0;

/// What is left out where a format has no place for gamepads.
pub const NAME: &str = "gamepads";

/// What gamepads did in a step.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct PadAction {
    /// Where each control is when the step ends, in the order of [`PadControl::ALL`]: buttons and triggers from 0 to 1, axes from -1 to 1. Of a
    /// control that is told as a button and as an axis, the axis.
    at_end: [f32; PadControl::ALL.len()],
    /// The same of controls that are told as buttons.
    down: [bool; PadControl::BUTTONS],
    /// The furthest that each button and trigger was pressed in it.
    most: [f32; PadControl::BUTTONS],
    /// Where everything was when the step began.
    at_begin: [f32; PadControl::ALL.len()],
    /// Another gamepad, or a control without a name, did something in it or is held.
    others: bool,
    /// How many of the others' controls are held.
    others_held: u32,
}

impl PadAction {
    /// Begins a step: what is held stays.
    pub(super) fn begin(&mut self) {
        for button in 0..PadControl::BUTTONS {
            self.most[button] = self.pressed(button);
        }
        self.at_begin = self.at_end();
        self.others = self.others_held > 0;
    }

    /// How far a button is pressed now.
    fn pressed(&self, button: usize) -> f32 {
        self.at_end[button].max(f32::from(u8::from(self.down[button])))
    }

    /// Takes a row of a gamepad; whether it was a deed.
    pub(super) fn take(&mut self, row: &OwnedRow) -> bool {
        let is_axis = match row.event_type.as_str() {
            event_type::GAMEPAD_AXIS => true,
            event_type::GAMEPAD_BUTTON => false,
            _ => return false,
        };
        let is_deed = row.metadata.get(key::HELD).is_none();
        let control = row.control.as_deref().and_then(PadControl::named).filter(|_| row.pad == Some(PAD));
        let Some(place) = control.and_then(|control| PadControl::ALL.iter().position(|known| *known == control)) else {
            if !is_axis && is_deed {
                let held = self.others_held;
                self.others_held = if row.pressed == Some(true) { held + 1 } else { held.saturating_sub(1) };
            }
            self.others |= is_deed;
            return is_deed;
        };
        match (is_axis, row.value, row.pressed) {
            (true, Some(value), _) => self.at_end[place] = value,
            (false, _, Some(pressed)) if place < PadControl::BUTTONS => self.down[place] = pressed,
            _ => {}
        }
        if place < PadControl::BUTTONS {
            self.most[place] = self.most[place].max(self.pressed(place));
        }
        is_deed
    }

    /// The numbers of a step, one for each of [`PadControl::ALL`]: a button or trigger as far as it was pressed at any time of it, a stick
    /// where it is at its end.
    pub fn values(&self) -> [f32; PadControl::ALL.len()] {
        let mut values = self.at_end;
        values[..PadControl::BUTTONS].copy_from_slice(&self.most);
        values
    }

    /// Where everything is at the end of the step, in the same order.
    pub fn at_end(&self) -> [f32; PadControl::ALL.len()] {
        let mut values = self.at_end;
        for (button, value) in values.iter_mut().enumerate().take(PadControl::BUTTONS) {
            *value = self.pressed(button);
        }
        values
    }

    /// Where everything was when the step began, in the same order.
    pub fn at_begin(&self) -> [f32; PadControl::ALL.len()] {
        self.at_begin
    }

    /// Whether anything is pressed or tilted in the step that [`Self::values`] has, or another gamepad did something.
    pub fn acts(&self) -> bool {
        self.others || self.values().iter().any(|value| *value != 0.0)
    }

    /// Whether something of it has no number: another gamepad, or a control without a name.
    pub fn has_others(&self) -> bool {
        self.others
    }
}

/// Names of the numbers.
pub fn names() -> impl Iterator<Item = String> {
    PadControl::ALL.into_iter().map(|control| format!("gamepad_{}", control.name()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(is_axis: bool, pad: i32, control: &str, value: f32, held: bool) -> OwnedRow {
        let kind = if is_axis { event_type::GAMEPAD_AXIS } else { event_type::GAMEPAD_BUTTON };
        let mut row = OwnedRow {
            event_type: kind.into(),
            pad: Some(pad),
            control: (!control.is_empty()).then(|| control.to_owned()),
            value: Some(value),
            pressed: (!is_axis).then_some(value != 0.0),
            ..OwnedRow::default()
        };
        if held {
            row.metadata.push_flag(key::HELD);
        }
        row
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "these very numbers")]
    fn a_tap_counts_in_its_step_and_a_stick_is_where_it_ends() {
        let mut action = PadAction::default();
        action.begin();
        for row in [
            row(false, 0, "south", 1.0, false),
            row(false, 0, "south", 0.0, false),
            row(true, 0, "left_trigger", 0.75, false),
            row(true, 0, "left_trigger", 0.25, false),
            row(true, 0, "left_x", 1.0, false),
            row(true, 0, "left_x", -0.5, false),
        ] {
            assert!(action.take(&row));
        }
        let at = |name: &str| PadControl::ALL.iter().position(|control| control.name() == name).expect("a control");
        let values = action.values();
        assert_eq!(["south", "left_trigger", "left_x"].map(|name| values[at(name)]), [1.0, 0.75, -0.5]);
        assert_eq!(["south", "left_trigger", "left_x"].map(|name| action.at_end()[at(name)]), [0.0, 0.25, -0.5]);
        assert!(action.acts() && !action.has_others());
        action.begin();
        assert_eq!(["south", "left_trigger", "left_x"].map(|name| action.values()[at(name)]), [0.0, 0.25, -0.5]);
        assert_eq!(action.at_begin()[at("left_x")], -0.5);
        // What an edge states is held, and no deed.
        assert!(!action.take(&row(false, 0, "south", 1.0, true)));
        assert_eq!(action.values()[at("south")], 1.0);
    }

    #[test]
    fn what_has_no_number_is_told() {
        let mut action = PadAction::default();
        action.begin();
        assert!(action.take(&row(false, 1, "south", 1.0, false)) && action.has_others());
        action.begin();
        assert!(action.has_others(), "it is still down");
        action.take(&row(false, 1, "south", 0.0, false));
        action.begin();
        assert!(!action.has_others() && !action.acts());
        assert!(action.take(&row(true, 0, "", 0.5, false)) && action.has_others());
        assert!(!action.take(&OwnedRow { event_type: "wheel".into(), ..OwnedRow::default() }));
        assert_eq!(names().count(), 21);
    }
}
