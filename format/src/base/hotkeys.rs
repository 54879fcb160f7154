//! Hotkeys: chords of keys that pause, mark or stop a recording while another window has the focus.
//!
//! Keys are meant by their place, as everywhere ([`crate::base::hid`]): `p` is the key that is `KeyP`, whatever is printed on it. A chord is never
//! a bare letter: it has Ctrl, the left Alt or Super, or its key is one that writes nothing (F1 to F24, Pause, ScrollLock). The right
//! Alt is no Alt here, since it writes letters on many layouts.
//!
//! Pure: it says which chord a press completes. Who asks does what the chord is for, and keeps its key out of the data.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

use crate::base::event::HidUsage;
use crate::base::hid;

/// What a chord is for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Action {
    /// Pauses; goes on when it is paused.
    Pause,
    /// Sets a mark without a text.
    Mark,
    /// Sets a mark without a text, and takes a PNG picture.
    Png,
    /// Ends the recording.
    Stop,
    /// Takes back the consent to all of it, which ends the recording.
    Withdraw,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 5] = [Self::Pause, Self::Mark, Self::Png, Self::Stop, Self::Withdraw];

    /// The name in flags, configuration and metadata.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Mark => "mark",
            Self::Png => "png",
            Self::Stop => "stop",
            Self::Withdraw => "withdraw",
        }
    }

    /// The action with a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.name() == name)
    }
}

/// The modifiers that are held, or that a chord wants: these and no others.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Modifiers {
    /// Either Ctrl.
    pub ctrl: bool,
    /// The left Alt.
    pub alt: bool,
    /// Either Super (Windows, Command).
    pub meta: bool,
    /// Either Shift.
    pub shift: bool,
}

impl Modifiers {
    /// Those among the keys that are down.
    pub fn among(keys: impl Iterator<Item = HidUsage>) -> Self {
        let mut held = Self::default();
        for key in keys {
            match key.0 {
                0xe0 | 0xe4 => held.ctrl = true,
                0xe1 | 0xe5 => held.shift = true,
                0xe2 => held.alt = true,
                0xe3 | 0xe7 => held.meta = true,
                _ => {}
            }
        }
        held
    }
}

/// A key and the modifiers that are held with it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Chord {
    modifiers: Modifiers,
    key: HidUsage,
}

/// Why a text is no chord.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ChordError {
    /// A part of it is no key.
    #[error("'{name}' is no key; a hotkey is like ctrl+alt+p, super+F9, Pause (modifiers: ctrl, alt, super, shift)")]
    NoKey {
        /// The part.
        name: String,
    },
    /// It has no key, or more than one.
    #[error("'{chord}' has {count} keys beside its modifiers; a hotkey has one")]
    OneKey {
        /// The text.
        chord: String,
        /// How many.
        count: usize,
    },
    /// The system takes it before any program sees it, or does something of its own with it.
    #[error("'{chord}' is not for programs: {taken}")]
    Taken {
        /// The text.
        chord: String,
        /// What the system does with it.
        taken: &'static str,
    },
    /// It would be pressed while typing.
    #[error(
        "'{chord}' is pressed while typing; a hotkey needs ctrl, alt or super with it, or is one of F1 to F24, Pause, ScrollLock"
    )]
    Bare {
        /// The text.
        chord: String,
    },
}

/// A key that writes nothing and moves nothing, so that it may be a hotkey by itself.
fn stands_alone(key: HidUsage) -> bool {
    matches!(key.0, 0x3a..=0x45 | 0x68..=0x73 | 0x47 | 0x48)
}

/// The key with a name: its W3C code in any case, or the letter or digit of a key.
fn key_named(name: &str) -> Option<HidUsage> {
    let by_code = |code: &str| hid::KEYS.iter().find(|key| key.code.eq_ignore_ascii_case(code)).map(|key| key.usage);
    let one = (name.len() == 1).then(|| [format!("Key{name}"), format!("Digit{name}")]);
    one.iter().flatten().find_map(|code| by_code(code)).or_else(|| by_code(name))
}

impl Chord {
    /// Reads `ctrl+alt+p`.
    ///
    /// # Errors
    /// [`ChordError`] when it is none, or one that is pressed while typing.
    pub fn parse(text: &str) -> Result<Self, ChordError> {
        let short = |text: &str| text.chars().take(40).collect::<String>();
        let mut modifiers = Modifiers::default();
        let mut keys = Vec::new();
        for name in text.split('+').map(str::trim) {
            match name.to_ascii_lowercase().as_str() {
                "ctrl" | "control" => modifiers.ctrl = true,
                "alt" => modifiers.alt = true,
                "super" | "meta" | "win" | "cmd" => modifiers.meta = true,
                "shift" => modifiers.shift = true,
                _ => match key_named(name).filter(|key| !hid::is_modifier(*key)) {
                    Some(key) => keys.push(key),
                    None => return Err(ChordError::NoKey { name: short(name) }),
                },
            }
        }
        let [key] = keys[..] else { return Err(ChordError::OneKey { chord: short(text), count: keys.len() }) };
        if !(modifiers.ctrl || modifiers.alt || modifiers.meta || stands_alone(key)) {
            return Err(ChordError::Bare { chord: short(text) });
        }
        let chord = Self { modifiers, key };
        match chord.taken() {
            Some(taken) => Err(ChordError::Taken { chord: short(text), taken }),
            None => Ok(chord),
        }
    }

    /// What the system does with the chord, where it does not leave it to programs.
    fn taken(self) -> Option<&'static str> {
        let Modifiers { ctrl, alt, .. } = self.modifiers;
        match self.key.0 {
            // F1 to F12; with Shift they do the same.
            0x3a..=0x45 if ctrl && alt => Some("the system switches to a console with Ctrl, Alt and F1 to F12"),
            0x4c if ctrl && alt => Some("the system shuts down or asks to log out with Ctrl, Alt and Delete"),
            0x2a if ctrl && alt => Some("the display may be ended with Ctrl, Alt and Backspace"),
            0x46 if alt => Some("it is the SysRq key of the kernel with Alt"),
            _ => None,
        }
    }
}

impl TryFrom<String> for Chord {
    type Error = ChordError;

    fn try_from(text: String) -> Result<Self, ChordError> {
        Self::parse(&text)
    }
}

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Modifiers { ctrl, alt, meta, shift } = self.modifiers;
        for (held, name) in [(ctrl, "ctrl"), (alt, "alt"), (meta, "super"), (shift, "shift")] {
            if held {
                write!(f, "{name}+")?;
            }
        }
        f.write_str(hid::code_of_usage(self.key).unwrap_or("?"))
    }
}

impl fmt::Debug for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// The chords of a recording: at most one for each action, each for one action.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Hotkeys(BTreeMap<Action, Chord>);

impl Hotkeys {
    /// Gives an action its chord.
    ///
    /// # Errors
    /// The action that has this chord already.
    pub fn set(&mut self, action: Action, chord: Chord) -> Result<(), Action> {
        if let Some((other, _)) = self.0.iter().find(|(other, taken)| **taken == chord && **other != action) {
            return Err(*other);
        }
        self.0.insert(action, chord);
        Ok(())
    }

    /// There are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each action with its chord.
    pub fn iter(&self) -> impl Iterator<Item = (Action, Chord)> {
        self.0.iter().map(|(action, chord)| (*action, *chord))
    }

    /// What the press of a key is for while these modifiers are held.
    pub fn pressed(&self, key: HidUsage, held: Modifiers) -> Option<Action> {
        self.iter().find(|(_, chord)| chord.key == key && chord.modifiers == held).map(|(action, _)| action)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chords_are_read_and_bare_keys_are_refused() {
        for (text, shown) in [
            ("ctrl+alt+p", "ctrl+alt+KeyP"),
            (" Control + ALT + KeyP ", "ctrl+alt+KeyP"),
            ("super+1", "super+Digit1"),
            ("shift+f9", "shift+F9"),
            ("Pause", "Pause"),
            ("scrolllock", "ScrollLock"),
            ("cmd+shift+space", "super+shift+Space"),
            ("F24", "F24"),
        ] {
            assert_eq!(Chord::parse(text).map(|chord| chord.to_string()), Ok(shown.to_owned()), "{text}");
        }
        let bare = |text: &str| matches!(Chord::parse(text), Err(ChordError::Bare { .. }));
        for text in ["p", "shift+p", "Enter", "Escape", "shift+1", "Tab", "NumLock", "Insert", "ArrowUp", "ContextMenu"]
        {
            assert!(bare(text), "{text} was accepted");
        }
        // Every key that there is: alone only those that write nothing.
        let alone: Vec<_> = hid::KEYS.iter().filter(|key| Chord::parse(key.code).is_ok()).map(|key| key.code).collect();
        assert_eq!(alone.len(), 26, "{alone:?}");
        let system = [
            "ctrl+alt+F1",
            "ctrl+alt+F12",
            "Ctrl + Alt + f7",
            "ctrl+alt+shift+F2",
            "ctrl+alt+super+F3",
            "ctrl+alt+Delete",
            "ctrl+alt+Backspace",
            "alt+PrintScreen",
            "ctrl+alt+PrintScreen",
        ];
        for text in system {
            assert!(matches!(Chord::parse(text), Err(ChordError::Taken { .. })), "{text} was accepted");
        }
        for text in ["ctrl+F12", "alt+F9", "ctrl+alt+F13", "super+Delete", "ctrl+PrintScreen", "ctrl+shift+F12"] {
            assert!(Chord::parse(text).is_ok(), "{text} was refused");
        }
        for (text, count) in [("ctrl+alt", 0), ("ctrl+a+b", 2)] {
            assert_eq!(Chord::parse(text), Err(ChordError::OneKey { chord: text.into(), count }));
        }
        for text in ["", "ctrl+", "ctrl+hyper", "ctrl+AltRight", "++", "ctrl+ä"] {
            assert!(matches!(Chord::parse(text), Err(ChordError::NoKey { .. })), "{text}");
        }
    }

    #[test]
    fn a_chord_wants_its_modifiers_and_no_others() {
        let mut hotkeys = Hotkeys::default();
        let chord = |text: &str| Chord::parse(text).expect("a chord");
        assert_eq!(hotkeys.set(Action::Pause, chord("ctrl+alt+p")), Ok(()));
        assert_eq!(hotkeys.set(Action::Mark, chord("F9")), Ok(()));
        assert_eq!(hotkeys.set(Action::Stop, chord("f9")), Err(Action::Mark));
        assert_eq!(hotkeys.set(Action::Mark, chord("F9")), Ok(()), "the same once more");
        let pressed = |code: &str, held: &[u16]| {
            let key = hid::usage_of_code(code).expect("a key");
            hotkeys.pressed(key, Modifiers::among(held.iter().map(|usage| HidUsage(*usage))))
        };
        assert_eq!(pressed("KeyP", &[0xe0, 0xe2]), Some(Action::Pause));
        assert_eq!(pressed("KeyP", &[0xe4, 0xe2, 0x04]), Some(Action::Pause), "the right Ctrl, and a letter is held");
        assert_eq!(pressed("KeyP", &[0xe0, 0xe6]), None, "AltGr writes letters");
        assert_eq!(pressed("KeyP", &[0xe0, 0xe2, 0xe1]), None, "Shift is one too many");
        assert_eq!(pressed("KeyP", &[]), None);
        assert_eq!((pressed("F9", &[]), pressed("F9", &[0xe0])), (Some(Action::Mark), None));
        assert_eq!(hotkeys.iter().map(|(action, _)| action.name()).collect::<Vec<_>>(), ["pause", "mark"]);
    }
}
