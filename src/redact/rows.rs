//! The new table: every row of the old one, those of the span without what is withheld, and the `redact` rows.
//!
//! Keeps the invariants that no row moves, and that a row which is not redacted keeps every value but its place
//! (`seq`, which counts the inserted rows too).
//! A key keeps or loses its code for the whole time that it is held: withholding only the press or only the release would leave a
//! stuck key, and naming the release would name the press. So a press in the span takes its release along, wherever that is, and
//! the release of a key that went down before the span keeps its code, which its press has told already.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;

use super::span::Span;
use super::{RedactError, Step};
use crate::finalize::tables::{TableSummary, TableWriter};
use crate::session::reader::SessionReader;
use crate::session::row::{OwnedRow, RowMetadata, event_type, key};
use crate::session::sample_index::Sample;

/// What is withheld.
pub(super) struct What<'a> {
    pub(super) span: Span,
    pub(super) pixels: bool,
    pub(super) keys: bool,
    pub(super) titles: bool,
    pub(super) reason: &'a str,
}

impl What<'_> {
    /// The `what` of the `redact` rows.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        let all = [("pixels", self.pixels), ("keys", self.keys), ("titles", self.titles)];
        all.into_iter().filter(|(_, asked)| *asked).map(|(name, _)| name)
    }
}

/// What was written.
pub(super) struct Table {
    pub(super) summary: TableSummary,
    /// Key rows whose code was withheld now.
    pub(super) keys: u64,
    /// Focus rows whose title was withheld now.
    pub(super) titles: u64,
    /// Key rows without a code, those of before among them.
    pub(super) redacted_keys: u64,
}

/// Changes rows one after the other.
struct Changer<'a> {
    what: &'a What<'a>,
    /// Keys that went down in the span: code and native code, as they stand in the rows.
    withheld: BTreeSet<(Option<i32>, Option<String>)>,
    keys: u64,
    titles: u64,
    redacted_keys: u64,
}

/// The metadata without some keys, and with the flag that says so.
fn without(metadata: &RowMetadata, keys: &[&str]) -> RowMetadata {
    let mut out = RowMetadata::new();
    for (name, value) in metadata.iter().filter(|(name, _)| !keys.contains(name)) {
        out.push_str(name, value);
    }
    out.push_flag(key::REDACTED);
    out
}

impl Changer<'_> {
    fn change(&mut self, row: &mut OwnedRow) {
        let inside = self.what.span.holds(row.t_ns);
        match row.event_type.as_str() {
            event_type::KEY_DOWN | event_type::KEY_UP => {
                if self.what.keys && row.metadata.get(key::REDACTED).is_none() && self.is_withheld(row, inside) {
                    row.key_code = None;
                    row.metadata = without(&row.metadata, &[key::CODE, key::NATIVE]);
                    self.keys += 1;
                }
                self.redacted_keys += u64::from(row.metadata.get(key::REDACTED).is_some());
            }
            event_type::FOCUS if inside && self.what.titles && row.metadata.get(key::TITLE).is_some() => {
                row.metadata = without(&row.metadata, &[key::TITLE]);
                self.titles += 1;
            }
            _ => {}
        }
    }

    fn is_withheld(&mut self, row: &OwnedRow, inside: bool) -> bool {
        let id = (row.key_code, row.metadata.get(key::NATIVE).map(str::to_owned));
        if row.event_type == event_type::KEY_UP {
            return self.withheld.remove(&id);
        }
        if row.repeat == Some(true) {
            return inside || self.withheld.contains(&id);
        }
        if inside {
            self.withheld.insert(id);
        } else {
            // A press that is public: what was held in the span has ended, although no row says so.
            self.withheld.remove(&id);
        }
        inside
    }
}

/// The `redact` rows of a span, to stand behind every row at or before its begin.
fn notes(what: &What<'_>, before: &OwnedRow, frame_ref: Option<i64>) -> Vec<OwnedRow> {
    let note = |name: &str| {
        let mut row = OwnedRow {
            t_ns: what.span.from,
            event_type: event_type::REDACT.to_owned(),
            frame_ref,
            window_id: before.window_id.clone(),
            session_id: before.session_id.clone(),
            ..OwnedRow::default()
        };
        row.metadata.push_str(key::REASON, what.reason);
        row.metadata.push_int(key::UNTIL_NS, what.span.until);
        row.metadata.push_str(key::WHAT, name);
        row
    };
    what.names().map(note).collect()
}

/// Writes the new table. `sizes` are the frames that were encoded anew, and every frame as it is now.
pub(super) fn rewrite(
    old: &SessionReader,
    path: &Path,
    what: &What<'_>,
    sizes: Option<&(Vec<Range<usize>>, Vec<Sample>)>,
    progress: &mut dyn FnMut(Step),
) -> Result<Table, RedactError> {
    let mut writer = TableWriter::create(path, &old.metadata().session_id, &[])?;
    let mut changer = Changer { what, withheld: BTreeSet::new(), keys: 0, titles: 0, redacted_keys: 0 };
    let (of, mut done) = (old.events().len(), 0);
    let mut rows = old.events().rows();
    let (mut row, mut before) = (OwnedRow::default(), OwnedRow::default());
    let mut last_frame = None;
    let mut noted = false;
    let mut note = |before: &OwnedRow, last_frame, writer: &mut TableWriter| -> Result<(), RedactError> {
        if !std::mem::replace(&mut noted, true) {
            for note in notes(what, before, last_frame) {
                writer.push(&note.as_row())?;
            }
        }
        Ok(())
    };
    while rows.next_into(&mut row)? {
        if row.t_ns > what.span.from {
            note(&before, last_frame, &mut writer)?;
        }
        if row.event_type == event_type::FRAME {
            last_frame = row.frame_ref;
            if let Some((encoded, samples)) = sizes
                && let Some(frame) = row.frame_ref.and_then(|frame| usize::try_from(frame).ok())
                && encoded.iter().any(|range| range.contains(&frame))
                && let Some(sample) = samples.get(frame)
            {
                row.metadata.push_int(key::BYTES, i64::from(sample.size));
            }
        }
        changer.change(&mut row);
        writer.push(&row.as_row())?;
        std::mem::swap(&mut row, &mut before);
        done += 1;
        if done % 4096 == 0 {
            progress(Step { what: "rows", done, of });
        }
    }
    note(&before, last_frame, &mut writer)?;
    let summary = writer.finish()?;
    let Changer { keys, titles, redacted_keys, .. } = changer;
    Ok(Table { summary, keys, titles, redacted_keys })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key_row(t_ns: i64, kind: &str, code: i32, repeat: bool) -> OwnedRow {
        let mut row = OwnedRow { t_ns, event_type: kind.into(), key_code: Some(code), ..OwnedRow::default() };
        row.repeat = Some(repeat);
        row.metadata.push_int(key::NATIVE, i64::from(code) + 100);
        row.metadata.push_str(key::CODE, "KeyX");
        row
    }

    #[test]
    fn a_key_keeps_or_loses_its_code_for_the_whole_time_it_is_held() {
        let what = What { span: Span { from: 100, until: 200 }, pixels: false, keys: true, titles: true, reason: "x" };
        let mut changer = Changer { what: &what, withheld: BTreeSet::new(), keys: 0, titles: 0, redacted_keys: 0 };
        let (down, up) = (event_type::KEY_DOWN, event_type::KEY_UP);
        let script = [
            (50, down, 1, false, true),
            (100, down, 2, false, false),
            (120, down, 1, true, false),
            (150, up, 1, false, true),
            (160, down, 3, false, false),
            (170, up, 3, false, false),
            (250, down, 2, true, false),
            (260, up, 2, false, false),
            (270, down, 2, false, true),
            (280, up, 2, false, true),
        ];
        for (t, kind, code, repeat, public) in script {
            let mut row = key_row(t, kind, code, repeat);
            changer.change(&mut row);
            let shown = row.key_code.is_some() && row.metadata.get(key::NATIVE).is_some();
            let hidden = row.key_code.is_none()
                && row.metadata.get(key::NATIVE).is_none()
                && row.metadata.get(key::CODE).is_none()
                && row.metadata.get(key::REDACTED) == Some("1");
            assert!(if public { shown } else { hidden }, "{kind} at {t}");
            assert_eq!(row.repeat, Some(repeat), "something else changed at {t}");
        }
        assert_eq!((changer.keys, changer.redacted_keys), (6, 6));
    }
}
