//! The keyboard at an instant: which modifiers are held, which layout is in force, and what the press of a key means then.
//!
//! Names of keys are those of W3C's `KeyboardEvent.key`. What a session does not say is taken for what it is on most desktops, and told:
//! Caps Lock is off and Num Lock is on when recording begins.

use std::collections::BTreeSet;

use super::layouts::{self, Layout, Meaning};
use crate::base::event::HidUsage;
use crate::base::hid;
use crate::session::table::row::{OwnedRow, key};

const CAPS_LOCK: u16 = 0x39;
const NUM_LOCK: u16 = 0x53;
const RIGHT_ALT: u16 = 0xe6;
/// Characters of the number pad from 0x54 on; 0x58 is Enter, and 0x63 the decimal sign, which is the layout's.
const NUMBER_PAD: [(u16, char); 15] = [
    (0x54, '/'),
    (0x55, '*'),
    (0x56, '-'),
    (0x57, '+'),
    (0x59, '1'),
    (0x5a, '2'),
    (0x5b, '3'),
    (0x5c, '4'),
    (0x5d, '5'),
    (0x5e, '6'),
    (0x5f, '7'),
    (0x60, '8'),
    (0x61, '9'),
    (0x62, '0'),
    (0x67, '='),
];

/// What the press of a key is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Press {
    /// It writes a character.
    Text(char),
    /// It writes a mark, which goes onto the next character.
    Dead(&'static str),
    /// It does something else.
    Command,
    /// It is a modifier.
    Modifier,
}

/// The keyboard.
#[derive(Debug)]
pub(super) struct Keyboard {
    groups: Vec<Option<Layout>>,
    group: usize,
    caps_lock: bool,
    num_lock: bool,
    held: BTreeSet<u16>,
}

impl Keyboard {
    /// As it was when recording began.
    pub(super) fn new(layout: Option<&str>, group: Option<i64>, held: &[i32]) -> Self {
        let held = held.iter().filter_map(|usage| u16::try_from(*usage).ok());
        Self {
            groups: layout.map(layouts::groups).unwrap_or_default(),
            group: group.and_then(|group| usize::try_from(group).ok()).unwrap_or(0),
            caps_lock: false,
            num_lock: true,
            held: held.filter(|usage| hid::is_modifier(HidUsage(*usage))).collect(),
        }
    }

    /// Takes in a `layout` row.
    pub(super) fn change(&mut self, row: &OwnedRow) {
        if let Some(names) = row.metadata.get(key::LAYOUT) {
            self.groups = layouts::groups(names);
        }
        if let Some(group) = row.metadata.get(key::GROUP).and_then(|text| text.parse().ok()) {
            self.group = group;
        }
    }

    fn layout(&self) -> Option<&Layout> {
        self.groups.get(self.group)?.as_ref()
    }

    /// Returns whether it is known what keys mean.
    pub(super) fn is_known(&self) -> bool {
        self.layout().is_some()
    }

    fn holds(&self, left: u16) -> bool {
        self.held.contains(&left) || self.held.contains(&(left + 4))
    }

    fn altgr(&self) -> bool {
        self.held.contains(&RIGHT_ALT) && self.layout().is_some_and(|layout| layout.altgr)
    }

    /// Returns the names of the modifiers that are held.
    pub(super) fn modifiers(&self) -> Vec<&'static str> {
        let alt = self.held.contains(&0xe2) || (self.held.contains(&RIGHT_ALT) && !self.altgr());
        let all = [
            ("Control", self.holds(0xe0)),
            ("Alt", alt),
            ("AltGraph", self.altgr()),
            ("Shift", self.holds(0xe1)),
            ("Meta", self.holds(0xe3)),
        ];
        all.into_iter().filter(|(_, is_held)| *is_held).map(|(name, _)| name).collect()
    }

    /// Returns the codes of the modifiers that are held.
    pub(super) fn modifier_codes(&self) -> impl Iterator<Item = &'static str> {
        self.held.iter().filter_map(|usage| hid::code_of_usage(HidUsage(*usage)))
    }

    /// Takes in that a key went down, and says what that is.
    pub(super) fn press(&mut self, usage: u16, is_repeat: bool) -> Press {
        if hid::is_modifier(HidUsage(usage)) {
            self.held.insert(usage);
            return Press::Modifier;
        }
        if !is_repeat {
            self.caps_lock ^= usage == CAPS_LOCK;
            self.num_lock ^= usage == NUM_LOCK;
        }
        let commands = self.modifiers().iter().any(|name| ["Control", "Alt", "Meta"].contains(name));
        match self.meaning(usage).filter(|_| !commands) {
            Some(Meaning::Char(c)) => Press::Text(c),
            Some(Meaning::Dead(dead)) => Press::Dead(dead),
            None => Press::Command,
        }
    }

    fn meaning(&self, usage: u16) -> Option<Meaning> {
        let layout = self.layout()?;
        if usage == 0x2c {
            return Some(Meaning::Char(' '));
        }
        if let Some((_, c)) = NUMBER_PAD.iter().find(|(of, _)| *of == usage) {
            let digit = c.is_ascii_digit();
            return (!digit || self.num_lock).then_some(Meaning::Char(*c));
        }
        if usage == 0x63 {
            return layout.decimal().filter(|_| self.num_lock).map(Meaning::Char);
        }
        let (shift, altgr) = (self.holds(0xe1), self.altgr());
        if self.caps_lock { layout.locked(usage, shift, altgr) } else { layout.of(usage, shift, altgr) }
    }

    /// Takes in that a key went up.
    pub(super) fn release(&mut self, usage: u16) {
        self.held.remove(&usage);
    }

    /// Returns the name of a key in a chord: what it writes without a modifier, else what it is.
    pub(super) fn name(&self, usage: u16) -> String {
        let plain = self.layout().and_then(|layout| layout.of(usage, false, false));
        match plain {
            Some(Meaning::Char(c)) => c.to_string(),
            Some(Meaning::Dead(_)) => "Dead".to_owned(),
            None => name(usage).unwrap_or_default().to_owned(),
        }
    }
}

/// Returns the name of a key that writes nothing: W3C's code, less which of two such keys it is.
fn name(usage: u16) -> Option<&'static str> {
    let code = hid::code_of_usage(HidUsage(usage))?;
    Some(match code {
        "ControlLeft" | "ControlRight" => "Control",
        "ShiftLeft" | "ShiftRight" => "Shift",
        "AltLeft" | "AltRight" => "Alt",
        "MetaLeft" | "MetaRight" => "Meta",
        "NumpadEnter" => "Enter",
        "Space" => " ",
        code => code,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(code: &str) -> u16 {
        hid::usage_of_code(code).expect("a key").0
    }

    fn press(keyboard: &mut Keyboard, code: &str) -> Press {
        keyboard.press(usage(code), false)
    }

    #[test]
    fn a_press_is_what_the_layout_and_the_modifiers_make_of_it() {
        let mut keyboard = Keyboard::new(Some("us,de"), Some(1), &[]);
        assert_eq!(press(&mut keyboard, "KeyY"), Press::Text('z'));
        assert_eq!(press(&mut keyboard, "Equal"), Press::Dead("dead_acute"));
        assert_eq!(press(&mut keyboard, "ShiftLeft"), Press::Modifier);
        assert_eq!(press(&mut keyboard, "Digit7"), Press::Text('/'));
        keyboard.release(usage("ShiftLeft"));
        assert_eq!(press(&mut keyboard, "AltRight"), Press::Modifier);
        assert_eq!((press(&mut keyboard, "KeyQ"), keyboard.modifiers()), (Press::Text('@'), vec!["AltGraph"]));
        keyboard.release(usage("AltRight"));
        press(&mut keyboard, "CapsLock");
        assert_eq!(press(&mut keyboard, "Semicolon"), Press::Text('Ö'));
        press(&mut keyboard, "CapsLock");
        press(&mut keyboard, "ControlRight");
        assert_eq!((press(&mut keyboard, "KeyY"), keyboard.name(usage("KeyY"))), (Press::Command, "z".to_owned()));
        assert_eq!(keyboard.modifier_codes().collect::<Vec<_>>(), ["ControlRight"]);
        keyboard.release(usage("ControlRight"));
        assert_eq!(press(&mut keyboard, "Enter"), Press::Command);
        assert_eq!(
            (press(&mut keyboard, "Numpad5"), press(&mut keyboard, "NumpadDecimal")),
            (Press::Text('5'), Press::Text(','))
        );
        press(&mut keyboard, "NumLock");
        assert_eq!(press(&mut keyboard, "Numpad5"), Press::Command);
        let mut row = OwnedRow::default();
        row.metadata.push_str(key::GROUP, "0");
        keyboard.change(&row);
        assert_eq!(press(&mut keyboard, "KeyY"), Press::Text('y'));
        assert_eq!(
            (keyboard.name(usage("NumpadEnter")), keyboard.name(usage("ArrowUp"))),
            ("Enter".into(), "ArrowUp".into())
        );
    }

    #[test]
    fn of_a_layout_that_is_not_known_no_key_writes_anything() {
        for layout in [None, Some("klingon")] {
            let mut keyboard = Keyboard::new(layout, None, &[0xe1]);
            assert_eq!((press(&mut keyboard, "KeyA"), keyboard.is_known()), (Press::Command, false));
            assert_eq!((keyboard.name(usage("KeyA")), keyboard.modifiers()), ("KeyA".to_owned(), vec!["Shift"]));
        }
    }
}
