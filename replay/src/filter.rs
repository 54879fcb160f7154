//! Filters: which events the table shows and a search finds, as the person typed it.
//!
//! Owns the words of a filter (`key:KeyQ type:wheel -window:mail "two words"`) and what each of them means. It looks at an
//! event through [`Facts`], so that whoever holds millions of rows makes text of a row only when a filter asks for it.

use std::borrow::Cow;

use crate::timeline::{Lane, Lanes, Row};

/// Terms that a filter may have: more than fit on a line.
const MAX_TERMS: usize = 16;

/// An event, as far as a filter asks.
pub trait Facts {
    /// What it is about.
    fn lane(&self) -> Lane;
    /// Its kind as stored: `key_down`.
    fn kind(&self) -> &str;
    /// The W3C code of its key, when it is about a key whose code is known.
    fn key(&self) -> Option<Cow<'_, str>>;
    /// The title or the program, or both, of the window in which it happened, where known.
    fn window(&self) -> Option<Cow<'_, str>>;
    /// What happened in a few words, as [`Row::text`] has it.
    fn text(&self) -> Cow<'_, str>;
}

/// What a term looks at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Field {
    /// The code of a key: the whole of it, or what is on its cap.
    Key,
    /// The kind: the beginning of it.
    Kind,
    /// The window: any part of it.
    Window,
    /// The kind and the text: any part of them.
    Text,
}

/// A condition.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Term {
    field: Field,
    /// What is looked for, in lower case.
    wanted: String,
    /// It must not be there.
    not: bool,
}

/// Which events are meant: those of some lanes for which every term holds.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Filter {
    lanes: Lanes,
    terms: Vec<Term>,
}

impl Filter {
    /// Every event of some lanes.
    pub const fn lanes(lanes: Lanes) -> Self {
        Self { lanes, terms: Vec::new() }
    }

    /// What a person typed: terms apart by blanks, all of which must hold. `key:`, `type:` and `window:` look at one thing,
    /// other words at the kind and the text, quotes hold blanks together, `-` before a term turns it round. Upper and lower
    /// case are one. Anything that can be typed is a filter; nothing typed matches every event.
    pub fn parse(typed: &str) -> Self {
        let mut terms = Vec::new();
        let mut chars = typed.chars().peekable();
        while terms.len() < MAX_TERMS {
            while chars.next_if(|c| c.is_whitespace()).is_some() {}
            if chars.peek().is_none() {
                break;
            }
            let not = chars.next_if_eq(&'-').is_some();
            let mut word = String::new();
            let mut quoted = false;
            let mut field = None;
            while let Some(c) = chars.next_if(|c| quoted || !c.is_whitespace()) {
                match c {
                    '"' => quoted = !quoted,
                    ':' if field.is_none() && !quoted => {
                        field = match word.as_str() {
                            "key" => Some(Field::Key),
                            "type" => Some(Field::Kind),
                            "window" => Some(Field::Window),
                            _ => None,
                        };
                        if field.is_some() {
                            word.clear();
                        } else {
                            word.push(c);
                        }
                    }
                    c => word.extend(c.to_lowercase()),
                }
            }
            if !word.is_empty() {
                terms.push(Term { field: field.unwrap_or(Field::Text), wanted: word, not });
            }
        }
        Self { lanes: Lanes::ALL, terms }
    }

    /// The same terms, in some lanes only.
    #[must_use]
    pub fn within(self, lanes: Lanes) -> Self {
        Self { lanes, ..self }
    }

    /// It has no terms: only lanes are chosen.
    pub fn is_plain(&self) -> bool {
        self.terms.is_empty()
    }

    /// The lanes of which it has to see the events: its own, and where it asks for windows those that say which is active.
    pub fn asks_of(&self) -> Lanes {
        let windows = self.terms.iter().any(|term| term.field == Field::Window);
        if windows { self.lanes.and(Lane::Focus) } else { self.lanes }
    }

    /// Whether an event of a lane can match at all; lets whole groups of rows be passed over.
    pub const fn may_match(&self, lane: Lane) -> bool {
        self.lanes.contains(lane)
    }

    /// Whether an event matches.
    pub fn matches(&self, event: &impl Facts) -> bool {
        self.lanes.contains(event.lane()) && self.terms.iter().all(|term| term.holds(event) != term.not)
    }
}

impl Term {
    fn holds(&self, event: &impl Facts) -> bool {
        let within = |text: &str| text.to_lowercase().contains(&self.wanted);
        match self.field {
            Field::Key => event.key().is_some_and(|code| {
                let code = code.to_lowercase();
                let cap = code.strip_prefix("key").or_else(|| code.strip_prefix("digit"));
                code == self.wanted || cap == Some(&self.wanted)
            }),
            Field::Kind => event.kind().to_lowercase().starts_with(&self.wanted),
            Field::Window => event.window().is_some_and(|window| within(&window)),
            Field::Text => within(event.kind()) || within(&event.text()),
        }
    }
}

/// A row of the table knows its key and its window only as far as its text says them: enough for lists in tests.
impl Facts for Row {
    fn lane(&self) -> Lane {
        self.lane
    }

    fn kind(&self) -> &str {
        &self.kind
    }

    fn key(&self) -> Option<Cow<'_, str>> {
        (self.lane == Lane::Key).then(|| Cow::Borrowed(self.text.split(' ').next().unwrap_or_default()))
    }

    fn window(&self) -> Option<Cow<'_, str>> {
        (self.lane == Lane::Focus).then_some(Cow::Borrowed(self.text.as_str()))
    }

    fn text(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(lane: Lane, kind: &str, text: &str) -> Row {
        Row { t_ns: 0, lane, kind: kind.into(), text: text.into(), frame_ref: None }
    }

    #[test]
    fn each_word_means_what_it_says() {
        let rows = [
            row(Lane::Key, "key_down", "KeyQ down"),
            row(Lane::Key, "key_up", "ShiftLeft up"),
            row(Lane::Wheel, "wheel", "up 1"),
            row(Lane::Focus, "focus", "mail: Two Words"),
            row(Lane::Motion, "mouse_move", "0.5 0.5"),
        ];
        for (typed, which) in [
            ("", &[0, 1, 2, 3, 4][..]),
            ("  ", &[0, 1, 2, 3, 4]),
            ("key:KeyQ", &[0]),
            ("key:q", &[0]),
            ("key:Key", &[]),
            ("key:shiftleft", &[1]),
            ("type:wheel", &[2]),
            ("type:key", &[0, 1]),
            ("type:up", &[]),
            ("up", &[1, 2]),
            ("up -type:key", &[2]),
            ("-type:key -type:mouse", &[2, 3]),
            ("window:MAIL", &[3]),
            ("window:\"two words\"", &[3]),
            ("\"two words\"", &[3]),
            ("words two", &[3]),
            ("mail:", &[3]),
            ("\"", &[0, 1, 2, 3, 4]),
            ("-", &[0, 1, 2, 3, 4]),
            ("nothing has this", &[]),
        ] {
            let filter = Filter::parse(typed);
            let found: Vec<usize> = (0..rows.len()).filter(|i| filter.matches(&rows[*i])).collect();
            assert_eq!(found, which, "{typed:?}");
        }
        let wheels = Filter::lanes(Lanes::only(Lane::Wheel));
        assert!(wheels.is_plain() && wheels.matches(&rows[2]) && !wheels.matches(&rows[0]));
        assert!(wheels.may_match(Lane::Wheel) && !wheels.may_match(Lane::Key));
    }

    #[test]
    fn a_filter_of_a_megabyte_is_bounded() {
        assert_eq!(Filter::parse(&"a ".repeat(500_000)).terms.len(), MAX_TERMS);
    }
}
