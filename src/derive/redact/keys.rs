//! Which rows have the code of a key that went down in a span, or may have.
//!
//! The rules:
//!
//! - a row in the span that a key is down has no code;
//! - a press whose code is withheld stays so until its release, in every row that names the key: repeats, and what edges state (`held`=1)
//!   of pauses, of windows without the focus, of parts. A key that went down before the span keeps its code, which its press has told;
//! - where no row has the press, it may lie wherever nobody looked since the key was last released: in a pause, in a window that was not
//!   recorded, in a gap. When such a time touches the span, the code is withheld.
//!
//! Pure, and bounded like [`Held`].

use std::collections::BTreeMap;

use crate::base::event::Stream;
use crate::session::held::{Held, KeyName};
use crate::session::span::Span;
use crate::session::table::row::{OwnedRow, event_type, key};

/// Most keys of which the last release is remembered; of any other it counts as never seen. More than keyboards have.
const MAX_RELEASED: usize = 1024;

/// What is known of the press of a key that is down.
#[derive(Clone, Copy)]
struct Press {
    /// It was in the span, or may have been.
    withheld: bool,
    /// When an edge that hides it had passed, and what was held then was stated without it: it was up.
    over: Option<i64>,
}

/// Follows the keys of a table, row by row.
pub(crate) struct Keys {
    span: Span,
    /// Time of the first row.
    begin_ns: i64,
    held: Held<Press>,
    /// When keys were released last.
    released: BTreeMap<KeyName, i64>,
    unseen: Unseen,
    /// Keys of which a row says nothing but that they are down: how many are, and whether one of them went down in the span.
    nameless: (u64, bool),
    withheld_at_begin: bool,
}

/// What becomes of a row about a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Verdict {
    /// Its code is withheld.
    pub(crate) withheld: bool,
    /// The key was down already: without its code, nothing else tells that the row is no press.
    pub(crate) repeats: bool,
}

impl Keys {
    /// `initial` are the keys that were held when the table begins, as far as its metadata say.
    pub(crate) fn new(span: Span, begin_ns: i64, initial: &[i32]) -> Self {
        let mut held = Held::default();
        let withheld = span.from <= begin_ns;
        for usage in initial.iter().take(MAX_RELEASED / 2) {
            held.keys_mut().insert(KeyName::of_usage(*usage), Press { withheld, over: None }, true);
        }
        Self {
            span,
            begin_ns,
            held,
            released: BTreeMap::new(),
            unseen: Unseen::new(span),
            nameless: (0, false),
            withheld_at_begin: withheld,
        }
    }

    /// Takes the next row; what becomes of it when it is one about a key whose code is not withheld yet.
    pub(crate) fn take(&mut self, row: &OwnedRow) -> Option<Verdict> {
        if let Some(end) = self.unseen.take(row) {
            // A press that is lost later is stated nowhere: the first edge counts.
            self.held.keys_mut().hidden_mut().for_each(|press| _ = press.over.get_or_insert(end));
        }
        let is_key = matches!(row.event_type.as_str(), event_type::KEY_DOWN | event_type::KEY_UP);
        if !is_key || row.metadata.get(key::REDACTED).is_some() {
            return None;
        }
        let plain = row.as_row();
        let Some(name) = KeyName::of(&plain) else { return Some(self.take_nameless(row)) };
        let inside = self.span.holds(row.t_ns);
        let down = row.event_type == event_type::KEY_DOWN;
        let stated = row.metadata.get(key::HELD).is_some();
        let known = self.held.key(&name).map(|(press, told)| (*press, told));
        let is_told = known.is_some_and(|(_, told)| told);
        // Where it is not said, a press of a key that is down is a repeat.
        let repeat = row.repeat.unwrap_or(is_told && !stated);
        let withheld = match known {
            Some((press, true)) => press.withheld || (down && inside && !repeat),
            _ if down && inside && !repeat => true,
            Some((Press { withheld, over: None }, false)) => withheld,
            // It is not known to be down.
            before if down && stated => self.may_be_of_span(&name, row.t_ns, before.map(|(press, _)| press)),
            _ if down && !repeat => false,
            before => {
                let before = before.map(|(press, _)| press);
                let may_be = self.unseen.may_hold_press(self.last_seen_up(&name, before), row.t_ns);
                may_be || before.is_some_and(|press| press.withheld)
            }
        };
        // What the recording begins with.
        self.withheld_at_begin |= withheld && down && stated && known.is_none() && self.unseen.edge(row.t_ns).is_none();
        let press = Press { withheld, over: None };
        self.held.apply(&plain, || press);
        if down {
            self.held.set_key(&name, press);
        } else if !stated && (self.released.len() < MAX_RELEASED || self.released.contains_key(&name)) {
            self.released.insert(name, row.t_ns);
        }
        let repeats = down && is_told && !stated && (repeat || known.is_some_and(|(press, _)| press.withheld));
        Some(Verdict { withheld: withheld || (down && inside), repeats })
    }

    /// Whether a key that is stated as down at `t_ns`, and was not known to be, may have gone down in the span.
    fn may_be_of_span(&self, name: &KeyName, t_ns: i64, before: Option<Press>) -> bool {
        let last = self.last_seen_up(name, before);
        match self.unseen.edge(t_ns) {
            Some(touches) => touches || self.unseen.lost > last,
            None if before.is_some_and(|press| press.withheld) => true,
            // What was held when the recording began went down before.
            None => t_ns > self.begin_ns && self.unseen.may_hold_press(last, t_ns),
        }
    }

    fn last_seen_up(&self, name: &KeyName, before: Option<Press>) -> i64 {
        let released = self.released.get(name).copied().unwrap_or(i64::MIN);
        released.max(before.and_then(|press| press.over).unwrap_or(i64::MIN))
    }

    /// A key without any code: its other values may tell which it is. One such key is like another, until all of them are up.
    fn take_nameless(&mut self, row: &OwnedRow) -> Verdict {
        let down = row.event_type == event_type::KEY_DOWN;
        let inside = self.span.holds(row.t_ns);
        let stated = row.metadata.get(key::HELD).is_some();
        let (count, secret) = &mut self.nameless;
        *secret |= down && inside;
        let withheld = *secret;
        match (down, stated) {
            (true, false) if row.repeat != Some(true) => *count = count.saturating_add(1),
            (true, true) => *count = (*count).max(1),
            (false, false) => {
                *count = count.saturating_sub(1);
                *secret &= *count > 0;
            }
            _ => {}
        }
        Verdict { withheld, repeats: false }
    }

    /// Whether a key whose code is withheld is down.
    pub(crate) fn holds_withheld(&self) -> bool {
        self.nameless.1 || self.held.keys().iter().any(|(_, press)| press.withheld && press.over.is_none())
    }

    /// Whether what was held when the table begins is not to be told.
    pub(crate) fn withholds_begin(&self) -> bool {
        self.withheld_at_begin
    }

    /// Whether what became active at `t_ns`, as the recorder states it at an edge, may have done so in the span.
    pub(crate) fn is_edge_of_span(&self, t_ns: i64) -> bool {
        self.unseen.edge(t_ns) == Some(true)
    }

    /// Whether more keys are down at once than are followed.
    pub(crate) fn is_overfull(&self) -> bool {
        self.held.is_overfull()
    }
}

/// Times in which no rows say what keys did.
struct Unseen {
    span: Span,
    paused_since: Option<i64>,
    /// The last time in which nothing was recorded and at whose end what is held is stated.
    stretch: Option<(i64, i64)>,
    /// What is held behind it has been stated.
    is_settled: bool,
    /// Latest end of a loss that touches the span.
    lost: i64,
    /// Latest end of a pause, or of a time in which another window had the focus, that touches the span.
    passed: i64,
    /// Latest end of one of either kind that does not.
    elsewhere: i64,
}

impl Unseen {
    fn new(span: Span) -> Self {
        let never = i64::MIN;
        Self { span, paused_since: None, stretch: None, is_settled: true, lost: never, passed: never, elsewhere: never }
    }

    fn touches(&self, (from, until): (i64, i64)) -> bool {
        from <= self.span.until && until >= self.span.from
    }

    /// Takes the next row; the time of the edge when that has passed, and what is held behind it is stated.
    fn take(&mut self, row: &OwnedRow) -> Option<i64> {
        let word = |name: &str| row.metadata.get(name);
        let mut passed = None;
        if let Some((_, end)) = self.stretch.filter(|(_, end)| *end < row.t_ns)
            && self.paused_since.is_none()
            && !std::mem::replace(&mut self.is_settled, true)
        {
            passed = Some(end);
        }
        match row.event_type.as_str() {
            event_type::PAUSE => {
                self.paused_since.get_or_insert(row.t_ns);
            }
            event_type::RESUME => {
                if let Some(since) = self.paused_since.take() {
                    self.passes(since, row.t_ns);
                }
            }
            event_type::REDACT if word(key::WHAT) == Some("input") => self.passes(row.t_ns, row.until_ns()),
            event_type::GAP if !is_without_input(word(key::STREAM)) => {
                let gap = (row.t_ns, row.until_ns());
                let end = if self.touches(gap) { &mut self.lost } else { &mut self.elsewhere };
                *end = (*end).max(gap.1);
            }
            _ => {}
        }
        passed
    }

    fn passes(&mut self, from: i64, until: i64) {
        // As long as nothing was stated, it is one with what came before.
        let joined = self.stretch.filter(|_| !self.is_settled);
        let begin = joined.map_or(from, |(begin, _)| begin.min(from));
        let end = self.stretch.map_or(until, |(_, end)| end.max(until));
        self.stretch = Some((begin, end));
        self.is_settled = false;
        let last = if self.touches((begin, end)) { &mut self.passed } else { &mut self.elsewhere };
        *last = (*last).max(end);
    }

    /// Whether the stretch touches the span at whose end `t_ns` is; `None`: it is at no such end.
    fn edge(&self, t_ns: i64) -> Option<bool> {
        let stretch = self.stretch.filter(|(_, until)| t_ns <= *until);
        let paused = self.paused_since.map(|since| (since, t_ns));
        let (a, b) = (stretch.or(paused)?, paused.or(stretch)?);
        Some(self.touches((a.0.min(b.0), a.1.max(b.1))))
    }

    /// Whether a press that no row has, of a key that was up at `last`, may lie in the span.
    fn may_hold_press(&self, last: i64, t_ns: i64) -> bool {
        if self.lost.max(self.passed) > last {
            return true;
        }
        // Nothing explains it: it may be anywhere since then.
        self.elsewhere <= last && last < self.span.from && self.span.from <= t_ns
    }
}

/// Whether a gap of this stream loses no inputs.
fn is_without_input(stream: Option<&str>) -> bool {
    [Stream::Screen, Stream::Audio, Stream::Clock].into_iter().any(|other| Some(other.name()) == stream)
}
