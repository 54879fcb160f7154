//! The new table: every row of the old one, those of the span without what is withheld, and the `redact` rows.
//!
//! Keeps the invariants that no row moves, and that a row which is not redacted keeps every value but its place
//! (`seq`, which counts the inserted rows too). Which codes are withheld, [`super::keys`] says. What another program put into a row, and
//! this format has no meaning for, may name keys and titles, too: it is not kept where it may be of what is withheld.

use std::ops::Range;
use std::path::Path;

use super::error::RedactError;
use super::keys::{Keys, Verdict};
use crate::base::event::Source;
use crate::base::progress::Step;
use crate::media::mp4::index::Sample;
use crate::session::span::Span;
use crate::session::table::read::SessionReader;
use crate::session::table::row::{OwnedRow, event_type, key};
use crate::session::table::schema::column;
use crate::session::table::write::{TableSummary, TableWriter};

/// The `what` of the row that tells of masked pictures.
const PIXELS: &str = "pixels";
/// The one of the row that tells of silenced sound.
const SOUND: &str = "sound";

/// What is withheld.
pub(crate) struct What<'a> {
    pub(crate) span: Span,
    /// Time of the table's first row.
    pub(crate) begin_ns: i64,
    /// Until when pixels are withheld: the end of the last masked frame, which may be behind the span.
    pub(crate) pixels: Option<i64>,
    pub(crate) keys: bool,
    pub(crate) titles: bool,
    pub(crate) sound: bool,
    pub(crate) reason: &'a str,
}

impl What<'_> {
    /// The `what` of the `redact` rows.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        let all = [(PIXELS, self.pixels.is_some()), ("keys", self.keys), ("titles", self.titles), (SOUND, self.sound)];
        all.into_iter().filter(|(_, asked)| *asked).map(|(name, _)| name)
    }
}

/// What was written.
pub(crate) struct Table {
    pub(crate) summary: TableSummary,
    /// Key rows whose code was withheld now.
    pub(crate) keys: u64,
    /// Focus rows whose title was withheld now.
    pub(crate) titles: u64,
    /// Key rows without a code, those of before among them.
    pub(crate) redacted_keys: u64,
    /// Values of other programs that were left out.
    pub(crate) foreign: u64,
    /// What was held when the table begins is withheld.
    pub(crate) withholds_begin: bool,
}

/// Changes rows one after the other.
struct Changer<'a> {
    what: &'a What<'a>,
    followed: Keys,
    keys: u64,
    titles: u64,
    redacted_keys: u64,
    foreign: u64,
}

/// Whether a key of a row's map has no meaning in this format.
fn is_foreign(name: &str) -> bool {
    key::ALL.binary_search(&name).is_err()
}

/// Keys of a row's map that tell which key or which text it is.
const TELLING: [&str; 4] = [key::CODE, key::NATIVE, key::TEXT, key::TITLE];

impl<'a> Changer<'a> {
    fn new(what: &'a What<'a>, initial_keys: &[i32]) -> Self {
        let followed = Keys::new(what.span, what.begin_ns, initial_keys);
        Self { what, followed, keys: 0, titles: 0, redacted_keys: 0, foreign: 0 }
    }

    fn change(&mut self, row: &mut OwnedRow) {
        let inside = self.what.span.holds(row.t_ns);
        let has_foreign = Self::has_foreign(row);
        // Before and after the row: a release is of the key that is down before it.
        let held_before = has_foreign && self.followed.holds_withheld();
        let verdict = self.followed.take(row).filter(|_| self.what.keys);
        if let Some(Verdict { withheld: true, repeats }) = verdict {
            row.key_code = None;
            row.metadata = row.metadata.without(|name| TELLING.contains(&name) || is_foreign(name));
            row.metadata.push_flag(key::REDACTED);
            if repeats {
                row.repeat = Some(true);
            }
            self.keys += 1;
        }
        if is_key(row) {
            self.redacted_keys += u64::from(row.metadata.get(key::REDACTED).is_some());
        }
        let is_focus = row.event_type == event_type::FOCUS;
        let at_edge =
            || row.source.as_deref() == Some(Source::Recorder.name()) && self.followed.is_edge_of_span(row.t_ns);
        let hides_title = self.what.titles && is_focus && (inside || at_edge());
        if hides_title && row.metadata.get(key::TITLE).is_some() {
            row.metadata = row.metadata.without(|name| name == key::TITLE);
            row.metadata.push_flag(key::REDACTED);
            self.titles += 1;
        }
        let hides_keys = || self.what.keys && (inside || held_before || self.followed.holds_withheld());
        let hides_text = hides_title || (self.what.titles && inside && is_unknown(&row.event_type));
        if has_foreign && (hides_text || hides_keys()) {
            self.leave_out_foreign(row);
        }
    }

    /// Whether a row may say something of keys or titles in another way than rows of this format do.
    fn has_foreign(row: &OwnedRow) -> bool {
        is_unknown(&row.event_type)
            || row.metadata.iter().any(|(name, _)| is_foreign(name))
            || (row.key_code.is_some() && !is_key(row))
    }

    /// Takes out what other programs put into a row: nobody can tell that it names no key.
    fn leave_out_foreign(&mut self, row: &mut OwnedRow) {
        let is_unknown = is_unknown(&row.event_type);
        let goes = |name: &str| {
            let numbers_frame = name == column::FRAME_REF && row.event_type == event_type::OTHER_FRAME;
            (is_foreign(name) && !numbers_frame) || (is_unknown && TELLING.contains(&name))
        };
        let many = row.metadata.iter().filter(|(name, _)| goes(name)).count() as u64;
        if many > 0 {
            row.metadata = row.metadata.without(goes);
        }
        let code = if is_key(row) { None } else { row.key_code.take() };
        if is_unknown && (many > 0 || code.is_some()) {
            row.metadata.push_flag(key::REDACTED);
        }
        self.foreign += many + u64::from(code.is_some());
    }
}

fn is_key(row: &OwnedRow) -> bool {
    matches!(row.event_type.as_str(), event_type::KEY_DOWN | event_type::KEY_UP)
}

/// Whether rows of this type are another program's.
fn is_unknown(event_type: &str) -> bool {
    !event_type::ALL.contains(&event_type) && event_type != event_type::OTHER_FRAME
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
        let until = what.pixels.filter(|_| name == PIXELS).unwrap_or(what.span.until);
        row.metadata.push_int(key::UNTIL_NS, until);
        row.metadata.push_str(key::WHAT, name);
        row
    };
    what.names().map(note).collect()
}

/// Writes the new table. `sizes` are the frames that were encoded anew, and every frame as it is now.
pub(crate) fn rewrite(
    old: &SessionReader,
    path: &Path,
    what: &What<'_>,
    sizes: Option<&(Vec<Range<usize>>, Vec<Sample>)>,
    progress: &mut dyn FnMut(Step),
) -> Result<Table, RedactError> {
    let mut writer = TableWriter::create(path, &old.metadata().session_id, &[])?;
    let initial_keys = old.metadata().initial_state.keys.as_deref().unwrap_or_default();
    let mut changer = Changer::new(what, initial_keys);
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
        if changer.followed.is_overfull() {
            return Err(RedactError::TooManyKeys);
        }
        writer.push(&row.as_row())?;
        std::mem::swap(&mut row, &mut before);
        done += 1;
        if done % 4096 == 0 {
            progress(Step { what: "rows", done, of });
        }
    }
    note(&before, last_frame, &mut writer)?;
    let summary = writer.finish()?;
    let Changer { followed, keys, titles, redacted_keys, foreign, .. } = changer;
    let withholds_begin = followed.withholds_begin();
    Ok(Table { summary, keys, titles, redacted_keys, foreign, withholds_begin })
}

#[cfg(test)]
#[path = "rows_tests.rs"]
mod tests;
