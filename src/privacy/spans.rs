//! Spans of withholding: what was withheld from when until when, as `redact` rows.
//!
//! A span is told when it ends, and in pieces while it lasts: so that a crash loses the last piece only, and that no row lies far
//! before the rows around it in the log, whose order is restored in memory.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::event::{Area, Event};
use crate::base::time::MonoNs;

/// The longest piece of a span, nanoseconds.
pub const PIECE_NS: i64 = 5_000_000_000;

/// What is withheld: kind (`pixels`, `keys`, `input`), reason, and which pixels.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Withheld {
    /// `pixels`, `keys`, `input`.
    pub what: &'static str,
    /// Why, a word in `snake_case`.
    pub reason: String,
    /// Which pixels of the picture.
    pub area: Option<Area>,
}

/// The spans that are open.
#[derive(Default)]
pub struct Spans(BTreeMap<Withheld, MonoNs>);

impl Spans {
    /// What is withheld from `t` on; the spans, or pieces, that this ends, each with its begin.
    pub fn set(&mut self, t: MonoNs, now: &BTreeSet<Withheld>) -> Vec<(MonoNs, Event)> {
        let mut ended = Vec::new();
        self.0.retain(|withheld, from| {
            let lasts = now.contains(withheld);
            if !lasts || t.0 - from.0 >= PIECE_NS {
                ended.push(piece(withheld, *from, t));
                *from = t.max(*from);
            }
            lasts
        });
        for withheld in now {
            self.0.entry(withheld.clone()).or_insert(t);
        }
        ended
    }

    /// What goes on being withheld, told up to `t` where a piece has become long.
    pub fn tick(&mut self, t: MonoNs) -> Vec<(MonoNs, Event)> {
        let mut ended = Vec::new();
        for (withheld, from) in &mut self.0 {
            if t.0 - from.0 >= PIECE_NS {
                ended.push(piece(withheld, *from, t));
                *from = t;
            }
        }
        ended
    }

    /// Nothing is withheld from `t` on.
    pub fn end(&mut self, t: MonoNs) -> Vec<(MonoNs, Event)> {
        self.set(t, &BTreeSet::new())
    }
}

fn piece(withheld: &Withheld, from: MonoNs, until: MonoNs) -> (MonoNs, Event) {
    let event = Event::Redact {
        what: withheld.what.to_owned(),
        reason: withheld.reason.clone(),
        area: withheld.area,
        until: until.max(from),
    };
    (from, event)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_told_once_with_both_ends_and_in_pieces() {
        let keys = Withheld { what: "keys", reason: "chat".into(), area: None };
        let on: BTreeSet<_> = [keys].into();
        let mut spans = Spans::default();
        assert_eq!(spans.set(MonoNs(10), &on).len(), 0);
        assert_eq!(spans.set(MonoNs(20), &on).len(), 0, "it goes on");
        assert_eq!(spans.tick(MonoNs(PIECE_NS)).len(), 0);
        let piece = spans.tick(MonoNs(PIECE_NS + 10));
        let ends = |told: &[(MonoNs, Event)]| match told {
            [(from, Event::Redact { until, .. })] => (from.0, until.0),
            _ => panic!("{} rows", told.len()),
        };
        assert_eq!(ends(&piece), (10, PIECE_NS + 10));
        assert_eq!(ends(&spans.end(MonoNs(PIECE_NS + 30))), (PIECE_NS + 10, PIECE_NS + 30));
        assert_eq!(spans.end(MonoNs(PIECE_NS + 40)).len(), 0);
    }
}
