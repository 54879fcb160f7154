//! The rows that state at the begin of a part what lasts from before it, and those that release at its end what is held.
//!
//! Follows the rules of the recorder: what is held at an edge is stated by rows with `held`=1 and the source `recorder`, so that every
//! release has its press and every press its release. Pure.

use crate::base::event::Source;
use crate::session::state::{Bounds, State};
use crate::session::table::row::{OwnedRow, event_type, key};

/// Most bytes of gaps and redactions that last at one time: some 100,000 rows.
const BOUNDS: Bounds = Bounds { spans: usize::MAX, bytes: 64 << 20 };

/// The state before the first row.
pub(crate) fn start() -> State {
    State::new(BOUNDS)
}

/// Rows that state at `t_ns` what lasts from before: the active window, spans, what is held, a pause.
pub(crate) fn begin(state: &State, t_ns: i64) -> Vec<OwnedRow> {
    let recorder = Some(Source::Recorder.name().to_owned());
    let mut rows = Vec::new();
    rows.extend(state.focus.iter().map(|row| OwnedRow { source: recorder.clone(), ..OwnedRow::clone(row) }));
    for span in state.spans_at(t_ns).filter(|row| row.t_ns < t_ns) {
        let mut span = span.clone();
        if span.event_type == event_type::GAP {
            // How many of what a gap lost fall behind its middle is not known.
            span.metadata = span.metadata.without(|name| name == key::LOST);
        }
        rows.push(span);
    }
    for pad in state.pads.values() {
        let mut row = OwnedRow { source: recorder.clone(), ..OwnedRow::clone(pad) };
        row.metadata.push_flag(key::HELD);
        rows.push(row);
    }
    for press in state.keys().into_iter().chain(state.buttons()).chain(state.pad_controls()) {
        let mut row = OwnedRow { source: recorder.clone(), ..press.clone() };
        row.pressed = row.pressed.map(|_| true);
        row.repeat = row.repeat.map(|_| false);
        row.metadata.push_flag(key::HELD);
        rows.push(row);
    }
    rows.extend(state.pause.iter().map(|row| OwnedRow::clone(row)));
    let window_id = state.focus.as_ref().map_or("", |row| row.window_id.as_str());
    for row in &mut rows {
        row.t_ns = t_ns;
        window_id.clone_into(&mut row.window_id);
    }
    rows
}

/// Rows that release at `t_ns` what is still held.
pub(crate) fn end(state: &State, t_ns: i64, window_id: &str) -> Vec<OwnedRow> {
    let release = |row: &OwnedRow| {
        let key = row.event_type == event_type::KEY_DOWN;
        let mut row = OwnedRow {
            t_ns,
            // An axis of a gamepad is no more and no less than at rest.
            pressed: row.pressed.map(|_| false),
            value: row.value.map(|_| 0.0),
            repeat: None,
            source: Some(Source::Recorder.name().to_owned()),
            window_id: window_id.to_owned(),
            ..row.clone()
        };
        if key {
            event_type::KEY_UP.clone_into(&mut row.event_type);
        }
        row.metadata.push_flag(key::HELD);
        row
    };
    state.keys().into_iter().chain(state.buttons()).chain(state.pad_controls()).map(release).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(t_ns: i64, kind: &str) -> OwnedRow {
        OwnedRow { t_ns, event_type: kind.into(), ..OwnedRow::default() }
    }

    fn key_row(t_ns: i64, down: bool, code: Option<i32>) -> OwnedRow {
        let kind = if down { event_type::KEY_DOWN } else { event_type::KEY_UP };
        let mut row =
            OwnedRow { key_code: code, pressed: Some(down), repeat: down.then_some(false), ..row(t_ns, kind) };
        if code.is_none() {
            row.metadata.push_flag(key::REDACTED);
        }
        row
    }

    #[test]
    fn what_lasts_is_stated_and_what_has_ended_is_not() {
        let mut state = start();
        let mut gap = row(10, event_type::GAP);
        gap.metadata.push_int(key::UNTIL_NS, 200);
        gap.metadata.push_int(key::LOST, 7);
        let mut over = row(11, event_type::REDACT);
        over.metadata.push_int(key::UNTIL_NS, 50);
        let mut focus = row(5, event_type::FOCUS);
        focus.window_id = "w".into();
        let mut click = OwnedRow { mouse_button: Some("left".into()), pressed: Some(true), ..row(30, "mouse_click") };
        click.mouse_x = Some(0.5);
        click.mouse_y = Some(0.25);
        let repeat = OwnedRow { repeat: Some(true), ..key_row(40, true, Some(4)) };
        let rows = [
            focus,
            gap,
            over,
            key_row(20, true, Some(4)),
            key_row(21, true, Some(5)),
            key_row(22, true, None),
            key_row(23, true, None),
            key_row(24, false, None),
            key_row(25, false, Some(5)),
            click,
            repeat,
        ];
        for row in &rows {
            state.apply(row);
        }
        let stated = begin(&state, 100);
        let kinds: Vec<_> = stated.iter().map(|row| (row.event_type.as_str(), row.key_code)).collect();
        assert_eq!(
            kinds,
            [("focus", None), ("gap", None), ("key_down", Some(4)), ("key_down", None), ("mouse_click", None)]
        );
        assert!(stated.iter().all(|row| row.t_ns == 100 && row.window_id == "w"));
        assert!(stated[1].metadata.get(key::LOST).is_none() && stated[1].metadata.get(key::UNTIL_NS) == Some("200"));
        assert!(stated[2..].iter().all(|row| row.metadata.get(key::HELD) == Some("1") && row.pressed == Some(true)));
        assert_eq!(state.pointer, Some((0.5, 0.25)));
        let released = end(&state, 300, "v");
        let kinds: Vec<_> = released.iter().map(|row| (row.event_type.as_str(), row.pressed, row.repeat)).collect();
        let up = Some(false);
        assert_eq!(kinds, [("key_up", up, None), ("key_up", up, None), ("mouse_click", up, None)]);
        for row in &released {
            state.apply(row);
        }
        assert!(end(&state, 301, "v").is_empty(), "something is still held");
        let pad = |t_ns, kind: &str| OwnedRow { pad: Some(1), ..row(t_ns, kind) };
        let axis = |t_ns, value| OwnedRow {
            control: Some("left_x".into()),
            value: Some(value),
            ..pad(t_ns, event_type::GAMEPAD_AXIS)
        };
        for row in [pad(310, event_type::GAMEPAD_CONNECT), axis(320, 0.5), axis(330, -0.25)] {
            state.apply(&row);
        }
        let stated = begin(&state, 340);
        let pads: Vec<_> = stated.iter().filter(|row| row.pad == Some(1)).collect();
        let kinds: Vec<_> = pads.iter().map(|row| (row.event_type.as_str(), row.value)).collect();
        assert_eq!(kinds, [("gamepad_connect", None), ("gamepad_axis", Some(-0.25))]);
        assert!(pads.iter().all(|row| row.metadata.get(key::HELD).is_some() && row.pressed.is_none()));
        let released = end(&state, 350, "v");
        assert_eq!(released.iter().map(|row| (row.value, row.pressed)).collect::<Vec<_>>(), [(Some(0.0), None)]);
        state.apply(&pad(360, event_type::GAMEPAD_DISCONNECT));
        assert!(end(&state, 370, "v").is_empty() && state.pads.is_empty(), "it is gone");
        state.apply(&row(400, event_type::PAUSE));
        assert_eq!(begin(&state, 500).last().map(|row| row.event_type.clone()), Some(event_type::PAUSE.to_owned()));
    }
}
