//! The state of the list: what is known of each recording, which one is chosen, and what keys do to it.
//!
//! Invariant: the chosen line is one of the list's, and on the screen. No I/O and no clock of its own.

use super::library::{Entry, Faults};
use super::scout::Found;
use crate::app::Notice;
use crate::keys::{Binding, Chord, Key, bind, c, find, k};
use crate::msg::Msg;
use crate::text::clean;
use crate::theme::Theme;
use crate::timeline::{Remark, Tone, Verdict};
use crate::view::NOTICE_TIME;

/// What a key can ask of the list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ListAction {
    /// Play the chosen one.
    Open,
    /// Choose the one so many lines further.
    Move(i8),
    /// Choose the one a screen further.
    Page(i8),
    /// Choose the first.
    First,
    /// Choose the last.
    Last,
    /// Choose the next that nobody has judged, or (-1) the one before.
    Unjudged(i8),
    /// Take back the last verdict that was given.
    Undo,
    /// Other colours.
    Theme,
    /// Stop the program until the shell goes on with it.
    Suspend,
    /// Leave.
    Quit,
}

/// Every key of the list.
pub(super) const LIST: &[Binding<ListAction>] = &[
    bind(
        None,
        "Enter →",
        "play it",
        &[
            (k(Key::Enter), ListAction::Open),
            (k(Key::Right), ListAction::Open),
            (c(' '), ListAction::Open),
            (c('o'), ListAction::Open),
        ],
    ),
    bind(
        None,
        "↑ ↓",
        "choose",
        &[
            (k(Key::Up), ListAction::Move(-1)),
            (c('k'), ListAction::Move(-1)),
            (k(Key::Down), ListAction::Move(1)),
            (c('j'), ListAction::Move(1)),
        ],
    ),
    bind(
        None,
        "PgUp PgDn",
        "a screen",
        &[(k(Key::PageUp), ListAction::Page(-1)), (k(Key::PageDown), ListAction::Page(1))],
    ),
    bind(None, "Home End", "first, last", &[(k(Key::Home), ListAction::First), (k(Key::End), ListAction::Last)]),
    bind(None, "n N", "next to judge", &[(c('n'), ListAction::Unjudged(1)), (c('N'), ListAction::Unjudged(-1))]),
    bind(None, "u", "take verdict back", &[(c('u'), ListAction::Undo)]),
    bind(None, "t", "colours", &[(c('t'), ListAction::Theme)]),
    bind(
        None,
        "q",
        "quit",
        &[
            (c('q'), ListAction::Quit),
            (k(Key::Esc), ListAction::Quit),
            (Chord::control(Key::Char('c')), ListAction::Quit),
            (Chord::control(Key::Char('z')), ListAction::Suspend),
        ],
    ),
];

/// What is to be done outside.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Wish {
    /// Play this one.
    Open(usize),
    /// Take back the last verdict.
    Undo,
    /// Stop the program until the shell goes on with it.
    Suspend,
    /// Leave.
    Quit,
}

/// A line of the list.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// Its name.
    pub(super) name: String,
    /// What is known of it; `None` while it was not looked at.
    pub(super) entry: Option<Entry>,
    /// What checking it came to.
    pub(super) faults: Faults,
}

/// The list.
pub(super) struct List {
    /// What it is of.
    pub(super) title: String,
    /// Its lines.
    pub(super) lines: Vec<Line>,
    /// The chosen line.
    pub(super) chosen: usize,
    /// The first line on the screen.
    pub(super) first: usize,
    /// Columns and rows of the terminal.
    pub(super) size: (u16, u16),
    /// The colours.
    pub(super) theme: Theme,
    /// A word to the person.
    pub(super) notice: Option<Notice>,
    /// Verdicts that were given since the queue was opened, oldest first, each with the place of its recording.
    pub(super) given: Vec<(usize, Remark)>,
}

impl List {
    /// A list of recordings of which only the names are known.
    pub(super) fn new(title: &str, names: &[String], theme: Theme, size: (u16, u16)) -> Self {
        let line = |name: &String| Line { name: clean(name), entry: None, faults: Faults::Unknown };
        Self {
            title: clean(title),
            lines: names.iter().map(line).collect(),
            chosen: 0,
            first: 0,
            size,
            theme,
            notice: None,
            given: Vec::new(),
        }
    }

    /// Lines of recordings on the screen: without the head, the headings, the line about the chosen one, and the keys.
    pub(super) fn height(&self) -> usize {
        usize::from(self.size.1).saturating_sub(4).max(1)
    }

    /// Chooses a line, and scrolls to it.
    pub(super) fn choose(&mut self, index: usize) {
        self.chosen = index.min(self.lines.len().saturating_sub(1));
        self.scroll();
    }

    fn scroll(&mut self) {
        let height = self.height();
        let last = self.lines.len().saturating_sub(height);
        self.first = self.first.clamp((self.chosen + 1).saturating_sub(height), self.chosen).min(last);
    }

    /// Tells the person something for a few seconds.
    pub(super) fn say(&mut self, tone: Tone, text: &str) {
        self.notice = Some(Notice { text: clean(text), tone, left: NOTICE_TIME });
    }

    /// Takes in what was found out.
    pub(super) fn learn(&mut self, found: Found) {
        match found {
            Found::Entry(index, entry) => {
                if let Some(line) = self.lines.get_mut(index) {
                    line.entry = Some(entry);
                }
            }
            Found::Faults(index, faults) => {
                if let Some(line) = self.lines.get_mut(index) {
                    line.faults = faults;
                }
            }
        }
    }

    /// How many are accepted, rejected, need a look, and were not judged as they are.
    pub(super) fn counts(&self) -> [usize; 4] {
        let mut counts = [0; 4];
        for line in &self.lines {
            let entry = line.entry.as_ref().filter(|entry| !entry.is_open());
            let at = match entry.and_then(|entry| entry.verdict) {
                Some(Verdict::Accept) => 0,
                Some(Verdict::Reject) => 1,
                Some(Verdict::Look) => 2,
                None => 3,
            };
            counts[at] += 1;
        }
        counts
    }

    /// Lets a message change the list; answers with what is to be done outside.
    pub(super) fn update(&mut self, message: &Msg) -> Option<Wish> {
        match *message {
            Msg::Key(chord) => find(LIST, chord).and_then(|action| self.act(action)),
            Msg::Point { row, press: true, .. } => {
                let line = usize::from(row.checked_sub(2)?);
                let index = self.first + line;
                if line >= self.height() || index >= self.lines.len() {
                    return None;
                }
                let again = self.chosen == index;
                self.choose(index);
                again.then_some(Wish::Open(index))
            }
            Msg::Scroll { up, .. } => self.act(ListAction::Move(if up { -1 } else { 1 })),
            Msg::Resize { width, height } => {
                self.size = (width, height);
                self.scroll();
                None
            }
            Msg::Tick(ns) => {
                if let Some(notice) = &mut self.notice {
                    notice.left = notice.left.saturating_sub(ns);
                }
                self.notice = self.notice.take().filter(|notice| notice.left > 0);
                None
            }
            Msg::Terminate => Some(Wish::Quit),
            Msg::Point { .. } | Msg::Picture(_) | Msg::Report(_) | Msg::NoSound(_) => None,
        }
    }

    fn act(&mut self, action: ListAction) -> Option<Wish> {
        let by = |chosen: usize, lines: isize| chosen.saturating_add_signed(lines);
        match action {
            ListAction::Open => return (!self.lines.is_empty()).then_some(Wish::Open(self.chosen)),
            ListAction::Move(lines) => self.choose(by(self.chosen, isize::from(lines))),
            ListAction::Page(screens) => {
                let lines = isize::try_from(self.height()).unwrap_or(1) * isize::from(screens);
                self.choose(by(self.chosen, lines));
            }
            ListAction::First => self.choose(0),
            ListAction::Last => self.choose(usize::MAX),
            ListAction::Unjudged(way) => self.go_unjudged(way > 0),
            ListAction::Undo if self.given.is_empty() => {
                self.say(Tone::Warn, "no verdict was given since the queue was opened");
            }
            ListAction::Undo => return Some(Wish::Undo),
            ListAction::Theme => match self.theme.look() {
                Some(look) => {
                    self.theme.set_look(look.next());
                    self.say(Tone::Plain, &format!("colours: {}", look.next().name()));
                }
                None => self.say(Tone::Plain, "no colours: NO_COLOR"),
            },
            ListAction::Suspend => return Some(Wish::Suspend),
            ListAction::Quit => return Some(Wish::Quit),
        }
        None
    }

    fn go_unjudged(&mut self, forward: bool) {
        let open = |index: &usize| self.lines[*index].entry.as_ref().is_none_or(Entry::is_open);
        let found =
            if forward { (self.chosen + 1..self.lines.len()).find(open) } else { (0..self.chosen).rev().find(open) };
        match (found, forward) {
            (Some(index), _) => self.choose(index),
            (None, true) => self.say(Tone::Plain, "all after this one have a verdict"),
            (None, false) => self.say(Tone::Plain, "all before this one have a verdict"),
        }
    }
}

#[cfg(test)]
#[path = "list_tests.rs"]
mod tests;
