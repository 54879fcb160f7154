//! What two parts of a series say of one instant: at a seam, what is held is released in the part before and stated anew in the next, though
//! nothing of it happened. A recording that was not split has none of these rows.
//!
//! Pure. A release and a statement are left out only together, and only when they are of the same thing, so that every press keeps its
//! release and every release its press, whatever was redacted in either of the parts.

use crate::session::state::State;
use crate::session::table::row::{OwnedRow, event_type, key};

/// Which rows at a seam say nothing that is not known, in the order of the rows.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Repeats {
    /// Of the releases at the end of the part before.
    pub before: Vec<bool>,
    /// Of the rows of the first instant of the next part.
    pub behind: Vec<bool>,
}

/// Returns from which row on the rows of a table's last instant only release what was held: as the end of a recording does.
pub fn releases_from(last: &[OwnedRow]) -> usize {
    last.len() - last.iter().rev().take_while(|row| is_edge(row, false)).count()
}

/// Returns which rows at a seam are repeats. `state` is that before the releases, `releases` are those at the end of the part before, `first` the
/// rows of the first instant of the next.
pub fn repeats(state: &State, releases: &[OwnedRow], first: &[OwnedRow]) -> Repeats {
    let mut before = vec![false; releases.len()];
    let mut behind = Vec::with_capacity(first.len());
    for row in first {
        behind.push(match row.event_type.as_str() {
            event_type::FOCUS => {
                is_of_recorder(row) && state.focus.as_deref().is_some_and(|known| says_same(known, row))
            }
            event_type::WINDOW => state.surface.as_deref().is_some_and(|known| says_same(known, row)),
            event_type::PAUSE => state.pause.is_some(),
            event_type::GAMEPAD_CONNECT => {
                let known = row.pad.and_then(|pad| state.pads.get(&pad));
                row.metadata.get(key::HELD).is_some() && known.is_some_and(|known| says_same(known, row))
            }
            _ if is_edge(row, true) && is_where_it_was(state, row) => {
                let mut free = releases.iter().zip(&mut before).filter(|(_, taken)| !**taken);
                let release = free.find(|(release, _)| is_same_thing(release, row));
                release.map(|(_, taken)| *taken = true).is_some()
            }
            _ => false,
        });
    }
    Repeats { before, behind }
}

/// Whether a row says of something that it is down (or up), since an edge of the recording is there.
fn is_edge(row: &OwnedRow, down: bool) -> bool {
    row.metadata.get(key::HELD).is_some()
        && match row.event_type.as_str() {
            event_type::KEY_DOWN => down,
            event_type::KEY_UP => !down,
            event_type::MOUSE_CLICK | event_type::GAMEPAD_BUTTON => row.pressed == Some(down),
            event_type::GAMEPAD_AXIS => row.value.is_some_and(|value| (value != 0.0) == down),
            _ => false,
        }
}

/// Whether the recorder says it, and no source. Of a row that was read without that column nobody knows; what a source saw has one.
fn is_of_recorder(row: &OwnedRow) -> bool {
    row.source.as_deref().is_none_or(|source| source == crate::base::event::Source::Recorder.name())
}

/// Whether two rows of the same type say the same, but for when and that it was held.
fn says_same(known: &OwnedRow, row: &OwnedRow) -> bool {
    let said = |row: &OwnedRow| row.metadata.without(|name| name == key::HELD);
    let is_focus = row.event_type == event_type::FOCUS;
    (!is_focus || known.window_id == row.window_id) && said(known) == said(row)
}

/// Whether an axis of a gamepad is stated where it was last told to be; true of all else.
fn is_where_it_was(state: &State, row: &OwnedRow) -> bool {
    let is_axis = row.event_type == event_type::GAMEPAD_AXIS;
    !is_axis || state.pad_controls().iter().any(|known| is_same_thing(known, row) && known.value == row.value)
}

/// Whether two rows are of the same key, button or control, as far as they name it.
fn is_same_thing(one: &OwnedRow, other: &OwnedRow) -> bool {
    let kind = |row: &OwnedRow| {
        if row.event_type == event_type::KEY_UP { event_type::KEY_DOWN.into() } else { row.event_type.clone() }
    };
    let said = |row: &OwnedRow, name: &str| row.metadata.get(name).map(str::to_owned);
    kind(one) == kind(other)
        && (one.key_code, one.pad, &one.control, &one.mouse_button)
            == (other.key_code, other.pad, &other.control, &other.mouse_button)
        && [key::CODE, key::NATIVE, key::REDACTED].iter().all(|name| said(one, name) == said(other, name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::state::Bounds;

    fn row(kind: &str, said: &[(&str, &str)]) -> OwnedRow {
        let mut row = OwnedRow { event_type: kind.into(), source: Some("recorder".into()), ..OwnedRow::default() };
        for (name, value) in said {
            row.metadata.push_str(name, value);
        }
        row
    }

    fn held_key(down: bool, code: Option<i32>) -> OwnedRow {
        let kind = if down { event_type::KEY_DOWN } else { event_type::KEY_UP };
        let said = if code.is_none() { &[(key::HELD, "1"), (key::REDACTED, "1")][..] } else { &[(key::HELD, "1")] };
        OwnedRow { key_code: code, pressed: Some(down), ..row(kind, said) }
    }

    fn axis(value: f32, held: bool) -> OwnedRow {
        let said = if held { &[(key::HELD, "1")][..] } else { &[] };
        let control = Some("left_x".to_owned());
        OwnedRow { pad: Some(0), control, value: Some(value), ..row(event_type::GAMEPAD_AXIS, said) }
    }

    fn state(rows: &[OwnedRow]) -> State {
        let mut state = State::new(Bounds { spans: 8, bytes: 1 << 16 });
        for row in rows {
            state.apply(row);
        }
        state
    }

    #[test]
    fn what_is_released_and_stated_of_one_key_is_left_out_in_pairs() {
        let none = state(&[]);
        let releases = [held_key(false, Some(4)), held_key(false, None), held_key(false, Some(9))];
        let press = OwnedRow { metadata: <_>::default(), ..held_key(true, Some(4)) };
        // Of two that nobody may name one is stated; a key that really went down at that time is no repeat.
        let first =
            [held_key(true, None), held_key(true, None), held_key(true, Some(4)), press, held_key(true, Some(5))];
        let Repeats { before, behind } = repeats(&none, &releases, &first);
        assert_eq!((before, behind), (vec![true, true, false], vec![true, false, true, false, false]));
    }

    #[test]
    fn an_axis_that_moved_and_what_is_told_otherwise_stay() {
        let focus = |title: &str| OwnedRow { window_id: "w".into(), ..row(event_type::FOCUS, &[(key::TITLE, title)]) };
        let pad = |held: &[(&str, &str)]| OwnedRow {
            pad: Some(0),
            ..row(event_type::GAMEPAD_CONNECT, &[held, &[(key::NAME, "pad")]].concat())
        };
        let known = state(&[focus("a"), pad(&[]), axis(0.5, false), row(event_type::WINDOW, &[(key::X, "3")])]);
        let first = |value: f32, title: &str, x: &str| {
            vec![row(event_type::WINDOW, &[(key::X, x)]), pad(&[(key::HELD, "1")]), focus(title), axis(value, true)]
        };
        let release = [axis(0.0, true)];
        let same = repeats(&known, &release, &first(0.5, "a", "3"));
        assert_eq!((same.before, same.behind), (vec![true], vec![true; 4]));
        let other = repeats(&known, &release, &first(0.25, "b", "4"));
        assert_eq!((other.before, other.behind), (vec![false], vec![false, true, false, false]));
        let seen = OwnedRow { source: Some("xi2".into()), ..focus("a") };
        assert_eq!(repeats(&known, &[], &[seen]).behind, [false], "a source saw it");
    }

    #[test]
    fn a_pause_goes_on_and_only_the_last_rows_are_releases() {
        let paused = state(&[row(event_type::PAUSE, &[])]);
        let pause = [row(event_type::PAUSE, &[])];
        assert_eq!(repeats(&paused, &[], &pause).behind, [true]);
        assert_eq!(repeats(&state(&[]), &[], &pause).behind, [false]);
        // What a pause released stands before it, and is none of the end's.
        let last = [held_key(false, Some(4)), row(event_type::PAUSE, &[]), held_key(false, Some(5)), axis(0.0, true)];
        assert_eq!((releases_from(&last), releases_from(&last[..2]), releases_from(&[])), (2, 2, 0));
    }
}
