//! Text for people: sizes, times, tables, and the rule that captured text cannot steer the terminal.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use super::held::{self, To};
use crate::base::shown;
use crate::session::table::row::event_type;

/// Text without anything that steers a terminal ([`shown::text`]): lines stay lines.
pub(crate) fn printable(text: &str) -> String {
    shown::text(text).into_owned()
}

/// One line without anything that steers a terminal.
pub(crate) fn cell(text: &str) -> String {
    shown::line(text).into_owned()
}

/// Writes lines of the result to standard output, without anything that steers a terminal. JSON goes through [`json`].
pub(crate) fn out(text: &str) {
    write_out(&shown::text(text));
}

/// Writes a result as one line of JSON to standard output; what would steer a terminal is escaped.
pub(crate) fn json(value: &serde_json::Value) {
    write_out(&shown::json(&value.to_string()));
}

/// Whether results are left out, see [`without_results`].
static WITHOUT_RESULTS: AtomicBool = AtomicBool::new(false);

/// Does something whose results are none of the verb's: they do not appear on standard output. One at a time.
pub(crate) fn without_results<T>(work: impl FnOnce() -> T) -> T {
    WITHOUT_RESULTS.store(true, Ordering::Relaxed);
    let done = work();
    WITHOUT_RESULTS.store(false, Ordering::Relaxed);
    done
}

fn write_out(line: &str) {
    if WITHOUT_RESULTS.load(Ordering::Relaxed) {
        return;
    }
    held::write(To::Out, format!("{line}\n").as_bytes());
}

/// Target of what was said to the person already, so that it goes to the log file alone.
pub(super) const SAID: &str = "said";

/// Whether only errors, warnings and questions are said (`--quiet`), for all of this process.
static QUIET: AtomicBool = AtomicBool::new(false);

/// Leaves out what [`say`] would say, on standard error.
pub(crate) fn be_quiet() {
    QUIET.store(true, Ordering::Relaxed);
}

/// Returns whether only errors, warnings and questions are said.
pub(crate) fn is_quiet() -> bool {
    QUIET.load(Ordering::Relaxed)
}

/// Writes lines for people to standard error, without anything that steers a terminal; with `--quiet` only to the log file.
pub(crate) fn say(text: &str) {
    if !is_quiet() {
        write_err(text);
    }
    for line in text.lines() {
        tracing::info!(target: SAID, "{}", shown::line(line));
    }
}

/// Writes lines for people to standard error that are said with `--quiet` as well: warnings and losses.
pub(crate) fn warn(text: &str) {
    write_err(text);
    for line in text.lines() {
        tracing::warn!(target: SAID, "{}", shown::line(line));
    }
}

/// Writes a question, and what it is about, to standard error: also with `--quiet`, since an answer is waited for.
pub(crate) fn ask(text: &str) {
    write_err(text);
    for line in text.lines() {
        tracing::info!(target: SAID, "{}", shown::line(line));
    }
}

fn write_err(text: &str) {
    held::write(To::Err, format!("{}\n", shown::text(text)).as_bytes());
}

/// `1.2 GB`: decimal units, as disks are sold.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}

/// `1 frame`, `2 frames`.
pub(crate) fn counted(count: u64, what: &str) -> String {
    shown::counted(count, what)
}

/// Rows by their event type as people count them: clicks instead of their two rows each, where that is known.
pub(crate) fn events(counts: &BTreeMap<String, u64>, clicks: Option<u64>) -> String {
    let one = |(name, count): (&String, &u64)| match clicks {
        Some(clicks) if name == event_type::MOUSE_CLICK => counted(clicks, "click"),
        None if name == event_type::MOUSE_CLICK => format!("{count} rows of clicks"),
        _ => format!("{count} {name}"),
    };
    counts.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// Columns set out with two spaces between them; the last is not padded.
pub(crate) fn table(rows: &[Vec<String>]) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|c| rows.iter().filter_map(|row| row.get(c)).map(|cell| cell.chars().count()).max().unwrap_or(0))
        .collect();
    rows.iter()
        .map(|row| {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                let pad = width.saturating_sub(cell.chars().count()) + 2;
                line.push_str(cell);
                line.extend(std::iter::repeat_n(' ', pad));
            }
            line.trim_end().to_owned()
        })
        .collect()
}

/// Prints names and their values on standard output; those without a value are left out.
pub(crate) fn pairs(lines: &[(&str, String)]) {
    let rows: Vec<_> = lines
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| vec![(*name).to_owned(), cell(value)])
        .collect();
    out(&table(&rows).join("\n"));
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn sizes_times_and_tables() {
        assert_eq!(size(999), "999 B");
        assert_eq!(size(1_240_000), "1.2 MB");
        assert_eq!(size(999_960), "1.0 MB");
        assert_eq!([0, 1, 2].map(|n| counted(n, "frame")), ["0 frames", "1 frame", "2 frames"]);
        assert_eq!(shown::clock(Duration::from_secs(3723)), "1:02:03");
        assert_eq!(shown::clock(Duration::from_secs(67)), "1:07");
        let rows = [vec!["a".into(), "long".into()], vec!["bbb".into(), "x".into()]];
        assert_eq!(table(&rows), ["a    long", "bbb  x"]);
    }

    #[test]
    fn a_click_is_counted_once() {
        let counts = BTreeMap::from([("key_down".to_owned(), 3), ("mouse_click".to_owned(), 2)]);
        assert_eq!(events(&counts, Some(1)), "3 key_down, 1 click");
        assert_eq!(events(&counts, None), "3 key_down, 2 rows of clicks");
    }

    #[test]
    fn escape_sequences_do_not_reach_the_terminal() {
        assert_eq!(printable("a\u{1b}[31mb\u{7}\u{9b}c"), "a\u{fffd}[31mb\u{fffd}\u{fffd}c");
    }
}
