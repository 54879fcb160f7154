//! What another recorder says of gamepads, in the columns and names of this format.
//!
//! Only rows of this format's types of gamepads have them: in rows of other types `pad`, `control` and `value` are words of their own, and stay in the map.
//! Keeps the invariant that a value is taken over or refused.

use crate::base::pad::{MAX_PADS, PadControl};
use crate::session::table::row::{OwnedRow, event_type};
use crate::session::table::schema::column;

/// The columns, which other types of rows have as entries of their map.
pub(crate) const COLUMNS: [&str; 3] = [column::PAD, column::CONTROL, column::VALUE];

/// Whether rows of a type are of gamepads.
pub(crate) fn is_pad(kind: &str) -> bool {
    [event_type::GAMEPAD_BUTTON, event_type::GAMEPAD_AXIS, event_type::GAMEPAD_CONNECT, event_type::GAMEPAD_DISCONNECT]
        .contains(&kind)
}

/// What is wrong with a row: which column, and why.
pub(crate) type Fault = (&'static str, String);

/// Takes what a row says of gamepads out of its entries and into its columns.
///
/// # Errors
/// The column whose value is none of this format's.
pub(crate) fn take(entries: &mut Vec<(String, String)>, row: &mut OwnedRow) -> Result<(), Fault> {
    let mut out = |name: &str| {
        let at = entries.iter().position(|(key, _)| key == name)?;
        Some(entries.remove(at).1).filter(|said| !said.is_empty())
    };
    let pads = i32::from(MAX_PADS);
    let pad = out(column::PAD).ok_or_else(|| (column::PAD, "it does not say which gamepad".to_owned()))?;
    let number = pad.parse().ok().filter(|pad: &i32| (0..pads).contains(pad));
    row.pad = Some(number.ok_or_else(|| (column::PAD, format!("it is no number from 0 to {}", pads - 1)))?);
    if let Some(control) = out(column::CONTROL) {
        if PadControl::named(&control).is_none() {
            return Err((column::CONTROL, "it is no name of a control in this format".to_owned()));
        }
        row.control = Some(control);
    }
    let value = out(column::VALUE);
    let value = value.map(|text| text.parse::<f32>().map_err(|error| (column::VALUE, error.to_string())));
    row.value = value.transpose()?.filter(|value| !value.is_nan());
    let one_sided = row.control.as_deref().and_then(PadControl::named).is_some_and(PadControl::is_one_sided);
    let least = if one_sided { 0.0 } else { -1.0 };
    match (row.event_type.as_str(), row.value) {
        (event_type::GAMEPAD_AXIS, None) => Err((column::VALUE, "an axis has one".to_owned())),
        (event_type::GAMEPAD_AXIS, Some(value)) if !(least..=1.0).contains(&value) => {
            Err((column::VALUE, format!("{value} is not within {least} and 1")))
        }
        (event_type::GAMEPAD_BUTTON, value) => {
            let Some(pressed) = row.pressed.or(value.map(|value| value > 0.5)) else {
                return Err((column::PRESSED, "it does not say whether the button went down".to_owned()));
            };
            row.pressed = Some(pressed);
            row.value = Some(f32::from(u8::from(pressed)));
            Ok(())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(kind: &str, said: &[(&str, &str)]) -> Result<(OwnedRow, usize), Fault> {
        let mut entries: Vec<_> = said.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let mut row = OwnedRow { event_type: kind.into(), ..OwnedRow::default() };
        take(&mut entries, &mut row).map(|()| (row, entries.len()))
    }

    #[test]
    fn what_is_of_this_format_is_taken_over_and_all_else_refused() {
        let (row, left) =
            taken("gamepad_axis", &[("pad", "1"), ("control", "left_x"), ("value", "-0.5"), ("x", "kept")])
                .expect("an axis");
        assert_eq!((row.pad, row.control.as_deref(), row.value, left), (Some(1), Some("left_x"), Some(-0.5), 1));
        let (row, _) = taken("gamepad_button", &[("pad", "0"), ("value", "1")]).expect("a button without a name");
        assert_eq!((row.pressed, row.value, row.control), (Some(true), Some(1.0), None));
        for (kind, said, column) in [
            ("gamepad_axis", &[("value", "0")][..], "pad"),
            ("gamepad_axis", &[("pad", "16"), ("value", "0")], "pad"),
            ("gamepad_axis", &[("pad", "0")], "value"),
            ("gamepad_axis", &[("pad", "0"), ("value", "1.5")], "value"),
            ("gamepad_axis", &[("pad", "0"), ("control", "left_trigger"), ("value", "-0.5")], "value"),
            ("gamepad_axis", &[("pad", "0"), ("control", "A"), ("value", "0")], "control"),
            ("gamepad_button", &[("pad", "0")], "pressed"),
        ] {
            assert_eq!(taken(kind, said).map(drop).map_err(|(column, _)| column), Err(column), "{said:?}");
        }
    }
}
