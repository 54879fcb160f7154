//! What is held, active and covered at an instant, from the rows before it; and the rows that state it at the begin of a part.
//!
//! Follows the rules of the recorder: what is held at an edge is stated by rows with `held`=1 and the source `recorder`, so that every
//! release has its press and every press its release. Pure.

use crate::event::Source;
use crate::session::row::{OwnedRow, RowMetadata, event_type, key};

/// What the rows so far have left.
#[derive(Clone, Default)]
pub(super) struct Edge {
    /// Presses whose release has not come, in their order.
    keys: Vec<OwnedRow>,
    buttons: Vec<OwnedRow>,
    focus: Option<OwnedRow>,
    /// The last row about the surface.
    pub(super) window: Option<OwnedRow>,
    /// Redactions and gaps that may still last.
    spans: Vec<OwnedRow>,
    pause: Option<OwnedRow>,
    /// Where the pointer was last.
    pub(super) pointer: Option<[f64; 2]>,
}

/// What tells keys apart; those whose code was withheld are alike.
fn name(row: &OwnedRow) -> (Option<i32>, Option<&str>, bool) {
    (row.key_code, row.metadata.get(key::NATIVE), row.metadata.get(key::REDACTED).is_some())
}

/// Until when a gap or a redaction lasts.
pub(super) fn until_ns(row: &OwnedRow) -> i64 {
    row.metadata.get(key::UNTIL_NS).and_then(|text| text.parse().ok()).unwrap_or(row.t_ns)
}

/// A copy of the entries of a row but those of some keys.
pub(super) fn without(metadata: &RowMetadata, keys: &[&str]) -> RowMetadata {
    let mut out = RowMetadata::new();
    for (name, value) in metadata.iter().filter(|(name, _)| !keys.contains(name)) {
        out.push_str(name, value);
    }
    out
}

impl Edge {
    /// Takes the next row.
    pub(super) fn take(&mut self, row: &OwnedRow) {
        if let (Some(x), Some(y)) = (row.mouse_x, row.mouse_y) {
            self.pointer = Some([f64::from(x), f64::from(y)]);
        }
        match row.event_type.as_str() {
            event_type::KEY_DOWN => {
                // A repeat is no press; a second press of a key that is down is none either, unless its code was withheld.
                let redacted = row.metadata.get(key::REDACTED).is_some();
                let known = self.keys.iter().any(|held| name(held) == name(row));
                if (redacted && row.repeat != Some(true)) || (!redacted && !known) {
                    self.keys.push(row.clone());
                }
            }
            event_type::KEY_UP => {
                if let Some(at) = self.keys.iter().position(|held| name(held) == name(row)) {
                    self.keys.remove(at);
                }
            }
            event_type::MOUSE_CLICK => {
                self.buttons.retain(|held| held.mouse_button != row.mouse_button);
                if row.pressed == Some(true) {
                    self.buttons.push(row.clone());
                }
            }
            event_type::FOCUS => self.focus = Some(row.clone()),
            event_type::WINDOW => self.window = Some(row.clone()),
            event_type::PAUSE => self.pause = Some(row.clone()),
            event_type::RESUME => self.pause = None,
            event_type::GAP | event_type::REDACT => {
                self.spans.retain(|span| until_ns(span) >= row.t_ns);
                self.spans.push(row.clone());
            }
            _ => {}
        }
    }

    /// The keys that are held and whose codes are known.
    pub(super) fn key_codes(&self) -> Vec<i32> {
        self.keys.iter().filter_map(|row| row.key_code).collect()
    }

    /// The buttons that are held.
    pub(super) fn button_names(&self) -> Vec<String> {
        self.buttons.iter().filter_map(|row| row.mouse_button.clone()).collect()
    }

    /// Rows that state at `t_ns` what lasts from before: the active window, spans, what is held, a pause.
    pub(super) fn begin(&self, t_ns: i64) -> Vec<OwnedRow> {
        let recorder = Some(Source::Recorder.name().to_owned());
        let mut rows = Vec::new();
        rows.extend(self.focus.iter().map(|row| OwnedRow { source: recorder.clone(), ..row.clone() }));
        let lasting = self.spans.iter().filter(|row| until_ns(row) >= t_ns && row.t_ns < t_ns);
        // How many of what a gap lost fall behind its middle is not known.
        let whole = |row: &OwnedRow| OwnedRow { metadata: without(&row.metadata, &[key::LOST]), ..row.clone() };
        rows.extend(lasting.map(|row| if row.event_type == event_type::GAP { whole(row) } else { row.clone() }));
        for row in self.keys.iter().chain(&self.buttons) {
            let mut row = OwnedRow { source: recorder.clone(), pressed: Some(true), ..row.clone() };
            row.repeat = row.repeat.map(|_| false);
            row.metadata.push_flag(key::HELD);
            rows.push(row);
        }
        rows.extend(self.pause.clone());
        let window_id = self.focus.as_ref().map_or("", |row| row.window_id.as_str());
        for row in &mut rows {
            row.t_ns = t_ns;
            window_id.clone_into(&mut row.window_id);
        }
        rows
    }

    /// Rows that release at `t_ns` what is still held.
    pub(super) fn end(&self, t_ns: i64, window_id: &str) -> Vec<OwnedRow> {
        let release = |row: &OwnedRow| {
            let key = row.event_type == event_type::KEY_DOWN;
            let mut row = OwnedRow {
                t_ns,
                pressed: Some(false),
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
        self.keys.iter().chain(&self.buttons).map(release).collect()
    }
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
        let mut edge = Edge::default();
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
            edge.take(row);
        }
        let stated = edge.begin(100);
        let kinds: Vec<_> = stated.iter().map(|row| (row.event_type.as_str(), row.key_code)).collect();
        assert_eq!(
            kinds,
            [("focus", None), ("gap", None), ("key_down", Some(4)), ("key_down", None), ("mouse_click", None)]
        );
        assert!(stated.iter().all(|row| row.t_ns == 100 && row.window_id == "w"));
        assert!(stated[1].metadata.get(key::LOST).is_none() && stated[1].metadata.get(key::UNTIL_NS) == Some("200"));
        assert!(stated[2..].iter().all(|row| row.metadata.get(key::HELD) == Some("1") && row.pressed == Some(true)));
        assert_eq!((edge.key_codes(), edge.button_names()), (vec![4], vec!["left".to_owned()]));
        assert_eq!(edge.pointer, Some([0.5, 0.25]));
        let released = edge.end(300, "v");
        let kinds: Vec<_> = released.iter().map(|row| (row.event_type.as_str(), row.pressed, row.repeat)).collect();
        let up = Some(false);
        assert_eq!(kinds, [("key_up", up, None), ("key_up", up, None), ("mouse_click", up, None)]);
        for row in &released {
            edge.take(row);
        }
        assert!(edge.end(301, "v").is_empty(), "something is still held");
        edge.take(&row(400, event_type::PAUSE));
        assert_eq!(edge.begin(500).last().map(|row| row.event_type.clone()), Some(event_type::PAUSE.to_owned()));
    }
}
