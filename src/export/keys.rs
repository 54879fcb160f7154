//! Some keys, as they are named on the command line and in data sets.

use std::str::FromStr;

use crate::base::hid;

/// Keys that a session can name: every HID usage below this.
pub(super) const ALL_KEYS: u16 = 256;
/// Before the number of a key that has no W3C code.
const BY_NUMBER: &str = "hid_";

/// Some keys, by HID usage, each once, in the order in which they were named.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Keys(pub(super) Vec<u8>);

impl Keys {
    /// Their names, in order.
    pub fn names(&self) -> Vec<String> {
        self.0.iter().copied().map(key_name).collect()
    }
}

impl FromStr for Keys {
    type Err = String;

    /// Reads `KeyW,KeyA,Space,ShiftLeft`.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut keys = Vec::new();
        for name in text.split(',').map(str::trim) {
            let usage = usage_of(name).ok_or_else(|| {
                let name: String = name.chars().take(40).collect();
                match like(&name) {
                    Some(known) => format!("there is no key '{name}', but there is {known}"),
                    None => format!("there is no key '{name}': write W3C codes, like KeyW,KeyA,Space,ShiftLeft"),
                }
            })?;
            if keys.contains(&usage) {
                return Err(format!("{name} is named twice"));
            }
            keys.push(usage);
        }
        Ok(Self(keys))
    }
}

fn usage_of(name: &str) -> Option<u8> {
    let by_number = || name.strip_prefix(BY_NUMBER).and_then(|number| number.parse().ok());
    hid::usage_of_code(name).and_then(|usage| u8::try_from(usage.0).ok()).or_else(by_number)
}

/// The key that somebody may mean who writes `w`, `keyw` or `space`.
fn like(name: &str) -> Option<&'static str> {
    let is_meant = |code: &str| {
        let short = code.strip_prefix("Key").or_else(|| code.strip_prefix("Digit")).unwrap_or(code);
        code.eq_ignore_ascii_case(name) || short.eq_ignore_ascii_case(name)
    };
    hid::KEYS.iter().map(|key| key.code).find(|code| is_meant(code))
}

pub(super) fn key_name(usage: u8) -> String {
    let known = hid::KEYS.iter().find(|key| key.usage.0 == u16::from(usage));
    known.map_or_else(|| format!("{BY_NUMBER}{usage}"), |key| key.code.to_owned())
}
