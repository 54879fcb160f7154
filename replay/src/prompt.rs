//! A line that is typed: what it asks for, its text and its caret.
//!
//! Invariant: the text has at most [`LONGEST`] characters, none of them a control character, and the caret is inside it.
//! It does not know what becomes of the text.

use crate::keys::{Chord, Key};
use crate::text::clean;
use crate::timeline::Verdict;

/// The longest text that can be typed, characters: a few lines of a terminal.
const LONGEST: usize = 240;

/// What a prompt asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Asks {
    /// A place to go to.
    Goto,
    /// A filter.
    Search,
    /// A note on an instant or on a span, with a verdict or without.
    Note {
        /// The verdict; `None` for a mark.
        verdict: Option<Verdict>,
        /// First instant.
        from_ns: i64,
        /// Last instant.
        until_ns: i64,
    },
}

/// What came of a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Typed {
    /// The typing goes on.
    More,
    /// The text is done.
    Done,
    /// It is given up.
    Never,
}

/// A line that is typed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Prompt {
    /// What it asks for.
    pub(crate) asks: Asks,
    /// What was wrong with the text when it was last done.
    pub(crate) problem: Option<String>,
    text: Vec<char>,
    caret: usize,
}

impl Prompt {
    /// A prompt with a text to begin with.
    pub(crate) fn new(asks: Asks, text: &str) -> Self {
        let text: Vec<char> = clean(text).chars().take(LONGEST).collect();
        Self { asks, problem: None, caret: text.len(), text }
    }

    /// The text before the caret and the text after it.
    pub(crate) fn parts(&self) -> (String, String) {
        let (before, after) = self.text.split_at(self.caret);
        (before.iter().collect(), after.iter().collect())
    }

    /// The whole text.
    pub(crate) fn text(&self) -> String {
        self.text.iter().collect()
    }

    /// A key was pressed.
    pub(crate) fn key(&mut self, chord: Chord) -> Typed {
        self.problem = None;
        match (chord.key, chord.control) {
            (Key::Enter, _) => return Typed::Done,
            (Key::Esc, _) | (Key::Char('c'), true) => return Typed::Never,
            (Key::Char('u'), true) => drop(self.text.drain(..std::mem::take(&mut self.caret))),
            (Key::Char('w'), true) => {
                let word = self.text[..self.caret]
                    .iter()
                    .rposition(|c| *c != ' ')
                    .map_or(0, |last| self.text[..last].iter().rposition(|c| *c == ' ').map_or(0, |blank| blank + 1));
                self.text.drain(word..self.caret);
                self.caret = word;
            }
            (Key::Char('a'), true) | (Key::Home, _) => self.caret = 0,
            (Key::Char('e'), true) | (Key::End, _) => self.caret = self.text.len(),
            // What cannot be shown cannot be typed.
            (Key::Char(c), false) if self.text.len() < LONGEST && !clean(&c.to_string()).is_empty() => {
                self.text.insert(self.caret, c);
                self.caret += 1;
            }
            (Key::Backspace, _) if self.caret > 0 => {
                self.caret -= 1;
                self.text.remove(self.caret);
            }
            (Key::Delete, _) if self.caret < self.text.len() => drop(self.text.remove(self.caret)),
            (Key::Left, _) => self.caret = self.caret.saturating_sub(1),
            (Key::Right, _) => self.caret = (self.caret + 1).min(self.text.len()),
            _ => {}
        }
        Typed::More
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(keys: &[Chord]) -> (String, String) {
        let mut prompt = Prompt::new(Asks::Search, "key:Q up");
        for key in keys {
            assert_eq!(prompt.key(*key), Typed::More);
        }
        prompt.parts()
    }

    #[test]
    fn it_edits_like_a_line_of_a_shell() {
        let plain = Chord::plain;
        let of = |before: &str, after: &str| (before.to_owned(), after.to_owned());
        assert_eq!(typed(&[plain(Key::Char('ß'))]), of("key:Q upß", ""));
        assert_eq!(typed(&[plain(Key::Backspace), plain(Key::Left), plain(Key::Char('x'))]), of("key:Q x", "u"));
        assert_eq!(typed(&[plain(Key::Home), plain(Key::Delete), plain(Key::Backspace)]), of("", "ey:Q up"));
        assert_eq!(typed(&[Chord::control(Key::Char('w'))]), of("key:Q ", ""));
        assert_eq!(typed(&[Chord::control(Key::Char('w')), Chord::control(Key::Char('w'))]), of("", ""));
        assert_eq!(typed(&[plain(Key::Left), Chord::control(Key::Char('u'))]), of("", "p"));
        assert_eq!(typed(&[plain(Key::Char('\u{202e}')), plain(Key::End), plain(Key::Right)]), of("key:Q up", ""));
        let mut prompt = Prompt::new(Asks::Goto, &"x".repeat(1000));
        assert_eq!(prompt.text().len(), LONGEST);
        prompt.key(plain(Key::Char('y')));
        assert_eq!(prompt.text().len(), LONGEST);
        assert_eq!(prompt.key(plain(Key::Enter)), Typed::Done);
        assert_eq!(prompt.key(plain(Key::Esc)), Typed::Never);
    }
}
