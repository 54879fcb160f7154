//! What rows of gamepads must say: which pad, a control of the format or a code, and a value within its ends.
//!
//! That each release has a press is no rule here: a log that lost records is sealed all the same. `replay --check` looks at that.

use crate::base::pad::{MAX_PADS, PadControl, StandardPlace};
use crate::session::table::row::{OwnedRow, event_type, key};

/// What is wrong with a row of a gamepad; none of other rows.
pub(super) fn fault(row: &OwnedRow) -> Option<&'static str> {
    let kind = row.event_type.as_str();
    let (is_axis, is_button) = (kind == event_type::GAMEPAD_AXIS, kind == event_type::GAMEPAD_BUTTON);
    if !is_axis && !is_button && kind != event_type::GAMEPAD_CONNECT && kind != event_type::GAMEPAD_DISCONNECT {
        return None;
    }
    if !row.pad.is_some_and(|pad| (0..i32::from(MAX_PADS)).contains(&pad)) {
        return Some("it does not say of which gamepad it is");
    }
    let control = row.control.as_deref().map(PadControl::named);
    match control {
        Some(None) => return Some("its control is none of the format"),
        Some(Some(control)) if is_button && matches!(control.standard(), StandardPlace::Axis(_)) => {
            return Some("its control is an axis");
        }
        None if (is_axis || is_button) && row.metadata.get(key::NATIVE).is_none() => {
            return Some("it does not say which control it is of");
        }
        Some(Some(_)) | None => {}
    }
    let one_sided = control.flatten().is_some_and(PadControl::is_one_sided);
    let least = if one_sided { 0.0 } else { -1.0 };
    if is_axis && !row.value.is_some_and(|value| (least..=1.0).contains(&value)) {
        return Some("its value is not within the ends of its axis");
    }
    let down = row.pressed.map(|pressed| f32::from(u8::from(pressed)).to_bits());
    if is_button && (down.is_none() || row.value.map(f32::to_bits) != down) {
        return Some("its value is not what it says of the button");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_finds_its_fault() {
        let row = |kind: &str, pad, control: Option<&str>, value, pressed| OwnedRow {
            event_type: kind.into(),
            pad,
            control: control.map(str::to_owned),
            value,
            pressed,
            ..OwnedRow::default()
        };
        let (axis, button) = ("gamepad_axis", "gamepad_button");
        for (is_fine, row) in [
            (true, row("wheel", None, None, Some(9.0), None)),
            (true, row(axis, Some(0), Some("left_x"), Some(-1.0), None)),
            (true, row(axis, Some(15), Some("left_trigger"), Some(0.0), None)),
            (true, row(button, Some(0), Some("left_trigger"), Some(1.0), Some(true))),
            (true, row("gamepad_connect", Some(0), None, None, None)),
            (false, row("gamepad_disconnect", None, None, None, None)),
            (false, row(axis, Some(16), Some("left_x"), Some(0.0), None)),
            (false, row(axis, Some(-1), Some("left_x"), Some(0.0), None)),
            (false, row(axis, Some(0), Some("left_x"), Some(1.01), None)),
            (false, row(axis, Some(0), Some("left_x"), Some(f32::NAN), None)),
            (false, row(axis, Some(0), Some("left_x"), None, None)),
            (false, row(axis, Some(0), Some("left_trigger"), Some(-0.5), None)),
            (false, row(axis, Some(0), Some("A"), Some(0.0), None)),
            (false, row(axis, Some(0), None, Some(0.0), None)),
            (false, row(button, Some(0), Some("left_x"), Some(1.0), Some(true))),
            (false, row(button, Some(0), Some("south"), Some(0.0), Some(true))),
            (false, row(button, Some(0), Some("south"), Some(1.0), None)),
        ] {
            let (kind, pad, value) = (&row.event_type, row.pad, row.value);
            assert_eq!(fault(&row).is_none(), is_fine, "{kind} {pad:?} {:?} {value:?}", row.control);
        }
        let mut nameless = row(axis, Some(0), None, Some(0.5), None);
        nameless.metadata.push_str(key::NATIVE, "6");
        assert_eq!(fault(&nameless), None);
    }
}
