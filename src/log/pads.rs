//! Gamepads in the log: no schema has a kind for them, so each change is a fact at its time, as a layout of the keyboard is.
//!
//! Keeps the invariant that what is read back equals what was written, to the bit. A reader that does not know the key takes it for a fact about the
//! recording, and passes over it.

use serde::{Deserialize, Serialize};

use crate::base::event::Event;
use crate::base::pad::{MAX_PADS, PadAbout, PadChange, PadControl};

/// Key of the facts.
pub(super) const PAD_KEY: &str = "gamepad";
/// Longest name of a gamepad, bytes: as JSON at most six times that, which fits into a chunk.
const MAX_NAME: usize = 256;
/// The most that a change of a button or an axis takes as JSON: names of keys 44, pad 3, control 14, code 10, a float of 64 bits 24.
const MAX_CHANGE: usize = 128;

/// One change, as it stands in the log.
#[derive(Serialize, Deserialize)]
struct PadFact {
    pad: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    connected: Option<AboutFact>,
    /// The system's code of the control.
    #[serde(skip_serializing_if = "Option::is_none")]
    native: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    control: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pressed: Option<bool>,
    /// A float of 32 bits, exact in one of 64.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<f64>,
}

#[derive(Serialize, Deserialize)]
struct AboutFact {
    name: String,
    vendor: Option<u16>,
    product: Option<u16>,
    standard: bool,
}

/// Bytes that a change takes at the most.
pub(super) fn weight(pad: u8, change: &PadChange) -> usize {
    let json = match change {
        PadChange::Connected(_) => join(pad, change).len(),
        PadChange::Disconnected | PadChange::Button { .. } | PadChange::Axis { .. } => MAX_CHANGE,
    };
    16 + PAD_KEY.len() + json
}

/// The JSON of a change.
pub(super) fn join(pad: u8, change: &PadChange) -> String {
    let mut fact = PadFact { pad, connected: None, native: None, control: None, pressed: None, value: None };
    match change {
        PadChange::Connected(PadAbout { name, vendor, product, standard }) => {
            let name = name[..name.floor_char_boundary(MAX_NAME)].to_owned();
            fact.connected = Some(AboutFact { name, vendor: *vendor, product: *product, standard: *standard });
        }
        PadChange::Disconnected => {}
        PadChange::Button { control, native, pressed } => {
            (fact.control, fact.native) = (control.map(|control| control.name().to_owned()), Some(*native));
            fact.pressed = Some(*pressed);
        }
        PadChange::Axis { control, native, value } => {
            (fact.control, fact.native) = (control.map(|control| control.name().to_owned()), Some(*native));
            fact.value = Some(f64::from(*value));
        }
    }
    serde_json::to_string(&fact).unwrap_or_default()
}

/// Reads the fact of a change; `None` when it is none.
pub(super) fn split(key: &str, json: &str) -> Option<Event> {
    if key != PAD_KEY {
        return None;
    }
    let PadFact { pad, connected, native, control, pressed, value } = serde_json::from_str(json).ok()?;
    let control = control.as_deref().and_then(PadControl::named);
    let change = match (connected, native, pressed, value) {
        (Some(AboutFact { name, vendor, product, standard }), None, None, None) => {
            PadChange::Connected(PadAbout { name, vendor, product, standard })
        }
        (None, None, None, None) => PadChange::Disconnected,
        (None, Some(native), Some(pressed), None) => PadChange::Button { control, native, pressed },
        (None, Some(native), None, Some(value)) => PadChange::Axis { control, native, value: value as f32 },
        _ => return None,
    };
    (pad < MAX_PADS).then_some(Event::Pad { pad, change })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn values_are_kept_to_the_bit(raw in any::<i16>(), native in any::<u32>(), control in proptest::option::of(0usize..21)) {
            for value in [f32::from(raw) / 32_767.0, f32::from(raw) / 32_768.0, f32::from(raw) / 127.5] {
                let control = control.map(|at| PadControl::ALL[at]);
                let change = PadChange::Axis { control, native, value };
                let json = join(15, &change);
                prop_assert!(json.len() <= MAX_CHANGE, "{} bytes: {json}", json.len());
                let Some(Event::Pad { change: PadChange::Axis { value: read, .. }, .. }) = split(PAD_KEY, &json) else {
                    return Err(TestCaseError::fail(json));
                };
                prop_assert_eq!(read.to_bits(), value.to_bits());
            }
        }
    }

    #[test]
    fn what_is_no_change_of_a_gamepad_is_none() {
        for json in [
            "",
            "7",
            "{}",
            r#"{"pad":16}"#,
            r#"{"pad":0,"native":1}"#,
            r#"{"pad":0,"native":1,"pressed":true,"value":1}"#,
        ] {
            assert_eq!(split(PAD_KEY, json), None, "{json}");
        }
        assert_eq!(split("layout", r#"{"pad":0}"#), None);
        let gone = Some(Event::Pad { pad: 3, change: PadChange::Disconnected });
        assert_eq!(split(PAD_KEY, r#"{"pad":3,"later":1}"#), gone);
    }
}
