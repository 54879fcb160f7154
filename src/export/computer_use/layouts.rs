//! What keys mean by keyboard layouts: the tables in `layouts.txt` and `compositions.txt`, which say where they are from.
//!
//! Pure: a layout is known by the name that the system has for it, `de(nodeadkeys)`; of others nothing is known.

use std::collections::BTreeMap;

use crate::base::hid;

const LAYOUTS: &str = include_str!("layouts.txt");
const COMPOSITIONS: &str = include_str!("compositions.txt");
/// Most layouts of one keyboard: X11 has four groups.
const MAX_GROUPS: usize = 8;

/// What a key means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Meaning {
    /// A character.
    Char(char),
    /// A mark that goes onto the next character.
    Dead(&'static str),
}

/// One layout.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Layout {
    /// The right Alt is AltGr, and no Alt.
    pub(super) altgr: bool,
    decimal: Option<char>,
    /// By HID usage: without a modifier, with Shift, with AltGr, with both.
    keys: BTreeMap<u16, [Option<Meaning>; 4]>,
}

fn meaning(token: &'static str) -> Option<Meaning> {
    match token {
        "none" => None,
        "space" => Some(Meaning::Char(' ')),
        _ if token.starts_with("dead_") => Some(Meaning::Dead(token)),
        _ => match token.strip_prefix("U+").filter(|hex| hex.len() >= 4) {
            Some(hex) => u32::from_str_radix(hex, 16).ok().and_then(char::from_u32).map(Meaning::Char),
            None => token.chars().next().map(Meaning::Char),
        },
    }
}

impl Layout {
    /// Finds the layout of a name.
    pub(super) fn named(name: &str) -> Option<Self> {
        let mut lines = LAYOUTS.lines().skip_while(|line| {
            line.strip_prefix("layout ").and_then(|rest| rest.split(' ').next()).is_none_or(|found| found != name)
        });
        let mut head = lines.next()?.split(' ').skip(2);
        let altgr = head.next() == Some("altgr");
        let decimal = head.next().filter(|sign| *sign != "none").and_then(|sign| sign.chars().next());
        let mut keys = BTreeMap::new();
        for line in lines.take_while(|line| !line.is_empty()) {
            let mut tokens = line.split(' ');
            let Some(usage) = tokens.next().and_then(hid::usage_of_code) else { continue };
            let mut levels = [None; 4];
            for (level, token) in levels.iter_mut().zip(tokens) {
                *level = meaning(token);
            }
            keys.insert(usage.0, levels);
        }
        Some(Self { altgr, decimal, keys })
    }

    /// What a key of the main block means with these modifiers.
    pub(super) fn of(&self, usage: u16, shift: bool, altgr: bool) -> Option<Meaning> {
        let level = usize::from(shift) + 2 * usize::from(altgr && self.altgr);
        self.keys.get(&usage).and_then(|levels| levels[level])
    }

    /// What Caps Lock makes of a meaning: it changes letters alone, as Shift does.
    pub(super) fn locked(&self, usage: u16, shift: bool, altgr: bool) -> Option<Meaning> {
        let (plain, other) = (self.of(usage, shift, altgr), self.of(usage, !shift, altgr));
        match (plain, other) {
            (Some(Meaning::Char(c)), Some(Meaning::Char(d)))
                if c != d && (c.to_uppercase().eq([d]) || d.to_uppercase().eq([c])) =>
            {
                other
            }
            _ => plain,
        }
    }

    /// The decimal sign of the number pad.
    pub(super) fn decimal(&self) -> Option<char> {
        self.decimal
    }
}

/// Takes the layouts of a keyboard out of the system's name for them, `us,de(nodeadkeys)`; `None` for one that is not known.
pub(super) fn groups(names: &str) -> Vec<Option<Layout>> {
    names.split(',').take(MAX_GROUPS).map(|name| Layout::named(name.trim())).collect()
}

/// What a mark and the character behind it make; a mark behind itself is `None`.
pub(super) fn compose(dead: &str, behind: Option<char>) -> Option<char> {
    let line = COMPOSITIONS.lines().find_map(|line| line.strip_prefix(dead)?.strip_prefix(' '))?;
    let mut tokens = line.split(' ');
    while let (Some(of), Some(to)) = (tokens.next(), tokens.next()) {
        let is_it = match behind {
            None => of == "twice",
            Some(' ') => of == "space",
            Some(c) => of.chars().eq([c]),
        };
        if is_it {
            return to.chars().next();
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(code: &str) -> u16 {
        hid::usage_of_code(code).expect("a key").0
    }

    #[test]
    fn keys_mean_what_is_printed_on_them() {
        let of = |layout: &str, code: &str, shift, altgr| {
            Layout::named(layout).expect("a layout").of(usage(code), shift, altgr)
        };
        let char = |c| Some(Meaning::Char(c));
        assert_eq!(of("us", "KeyY", false, false), char('y'));
        assert_eq!(of("us", "Digit2", true, false), char('@'));
        assert_eq!(of("us", "KeyQ", false, true), char('q'), "it has no AltGr");
        assert_eq!(of("de", "KeyY", false, false), char('z'));
        assert_eq!(of("de", "KeyQ", false, true), char('@'));
        assert_eq!(of("de", "Equal", false, false), Some(Meaning::Dead("dead_acute")));
        assert_eq!(of("de(nodeadkeys)", "Equal", false, false), char('´'));
        assert_eq!(of("fr", "Digit1", true, false), char('1'));
        assert_eq!(of("ru", "KeyF", true, false), char('А'));
        assert_eq!(of("us", "F1", false, false), None);
        assert_eq!(
            (Layout::named("de").expect("one").decimal(), Layout::named("xx"), Layout::named("d")),
            (Some(','), None, None)
        );
        let found = groups("us, de(nodeadkeys),klingon");
        assert_eq!(found.iter().map(Option::is_some).collect::<Vec<_>>(), [true, true, false]);
    }

    #[test]
    fn caps_lock_changes_letters_alone() {
        let locked = |layout: &str, code: &str, shift| {
            Layout::named(layout).expect("a layout").locked(usage(code), shift, false)
        };
        let char = |c| Some(Meaning::Char(c));
        assert_eq!((locked("us", "KeyA", false), locked("us", "KeyA", true)), (char('A'), char('a')));
        assert_eq!((locked("us", "Digit1", false), locked("us", "Digit1", true)), (char('1'), char('!')));
        assert_eq!((locked("de", "Semicolon", false), locked("ru", "KeyF", false)), (char('Ö'), char('А')));
    }

    #[test]
    fn a_mark_goes_onto_the_next_letter() {
        assert_eq!(compose("dead_acute", Some('e')), Some('é'));
        assert_eq!(compose("dead_circumflex", Some(' ')), Some('^'));
        assert_eq!(compose("dead_grave", None), Some('`'));
        assert_eq!(compose("dead_acute", Some('q')), None);
        assert_eq!(compose("dead", Some('e')), None);
    }

    #[test]
    fn every_line_of_the_tables_is_read() {
        let mut layouts = 0;
        for line in LAYOUTS.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let first = line.split(' ').next().unwrap_or_default();
            layouts += usize::from(first == "layout");
            assert!(first == "layout" || hid::usage_of_code(first).is_some(), "{line}");
        }
        let names: Vec<_> =
            LAYOUTS.lines().filter_map(|line| line.strip_prefix("layout ")?.split(' ').next()).collect();
        assert_eq!(names.len(), layouts);
        for name in names {
            let layout = Layout::named(name).expect("a layout");
            assert!(layout.keys.len() >= 46, "{name} has {} keys", layout.keys.len());
            for dead in layout.keys.values().flatten().flatten() {
                if let Meaning::Dead(dead) = dead {
                    assert!(dead.is_ascii(), "{dead}");
                }
            }
        }
    }
}
