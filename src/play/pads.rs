//! Gamepads as the player shows them: what is down and where the sticks are, row by row.

use watchcap_replay::PadState;

use crate::base::pad::{MAX_PADS, PadControl, StandardPlace};
use crate::session::table::row::{OwnedRow, event_type};

/// Takes the next row of a gamepad; rows of other types change nothing. Bounded by [`MAX_PADS`].
pub(crate) fn apply(pads: &mut Vec<PadState>, row: &OwnedRow) {
    let Some(number) = row.pad.and_then(|pad| u8::try_from(pad).ok()).filter(|pad| *pad < MAX_PADS) else { return };
    let at = pads.binary_search_by_key(&number, |pad| pad.number);
    match (row.event_type.as_str(), at) {
        (event_type::GAMEPAD_DISCONNECT, Ok(at)) => {
            pads.remove(at);
        }
        (event_type::GAMEPAD_CONNECT, Ok(at)) => pads[at] = PadState { number, ..PadState::default() },
        (event_type::GAMEPAD_CONNECT | event_type::GAMEPAD_BUTTON | event_type::GAMEPAD_AXIS, at) => {
            let at = at.unwrap_or_else(|at| {
                pads.insert(at, PadState { number, ..PadState::default() });
                at
            });
            moved(&mut pads[at], row);
        }
        _ => {}
    }
}

/// Nothing is held: a pause began. The gamepads are still there.
pub(crate) fn rest(pads: &mut [PadState]) {
    for pad in pads {
        *pad = PadState { number: pad.number, ..PadState::default() };
    }
}

fn moved(pad: &mut PadState, row: &OwnedRow) {
    let Some(control) = row.control.as_deref().and_then(PadControl::named) else { return };
    if row.event_type != event_type::GAMEPAD_AXIS
        && let StandardPlace::Button(button) = control.standard()
    {
        let bit = 1 << button;
        pad.buttons = if row.pressed == Some(true) { pad.buttons | bit } else { pad.buttons & !bit };
        return;
    }
    // A row that does not say where it is moves nothing.
    let Some(value) = row.value.filter(|value| value.is_finite()) else { return };
    match control {
        PadControl::LeftTrigger => pad.triggers[0] = value,
        PadControl::RightTrigger => pad.triggers[1] = value,
        PadControl::LeftX => pad.sticks[0].0 = value,
        PadControl::LeftY => pad.sticks[0].1 = value,
        PadControl::RightX => pad.sticks[1].0 = value,
        PadControl::RightY => pad.sticks[1].1 = value,
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_gamepads_are_what_is_shown() {
        let row = |kind: &str, pad, control: &str, value, pressed| OwnedRow {
            event_type: kind.into(),
            pad: Some(pad),
            control: (!control.is_empty()).then(|| control.to_owned()),
            value,
            pressed,
            ..OwnedRow::default()
        };
        let (axis, button) = ("gamepad_axis", "gamepad_button");
        let mut pads = Vec::new();
        for row in [
            row("gamepad_connect", 2, "", None, None),
            row("gamepad_connect", 0, "", None, None),
            row(axis, 2, "left_y", Some(-0.5), None),
            row(axis, 2, "right_trigger", Some(0.25), None),
            row(button, 2, "dpad_up", Some(1.0), Some(true)),
            row(button, 2, "south", Some(1.0), Some(true)),
            row(button, 2, "south", Some(0.0), Some(false)),
            row(axis, 2, "", Some(1.0), None),
            row(axis, 2, "left_y", None, None),
            row(axis, 99, "left_x", Some(1.0), None),
        ] {
            apply(&mut pads, &row);
        }
        let shown = PadState { number: 2, buttons: 1 << 12, sticks: [(0.0, -0.5), (0.0, 0.0)], triggers: [0.0, 0.25] };
        assert_eq!(pads, [PadState::default(), shown]);
        rest(&mut pads);
        apply(&mut pads, &row("gamepad_disconnect", 0, "", None, None));
        assert_eq!(pads, [PadState { number: 2, ..PadState::default() }]);
    }
}
