//! Inputs as subtitles (SubRip): what is held at each moment of a clip, and what happened a moment ago, for any video player.
//!
//! One cue lasts as long as its line stays the same, and cues never overlap. A key or button that is held stands as it is called; one that
//! was released in the last 0.4 s stands in brackets, so that a tap of a millisecond can be read. Text of the session (titles, marks) has
//! everything taken out that players obey. Pure.

use std::fmt::Write as _;

use crate::session::held::{Change, Held};
use crate::session::table::row::{OwnedRow, event_type, key};

/// How long what has ended is still shown, nanoseconds: a person reads a word in 0.3 s.
const LINGER_NS: i64 = 400_000_000;
/// How long what only happens (a turn of a wheel, a focus change, a mark) is shown, nanoseconds.
const MOMENT_NS: i64 = 1_000_000_000;
/// Longest text of one thing, characters: half a line of a video player.
const LONGEST: usize = 60;

/// Something that is shown for a while.
struct Item {
    text: String,
    /// Which way a wheel turned; of anything else nothing.
    way: &'static str,
    from_ns: i64,
    /// When it ended; `None` while it is held.
    ended_ns: Option<i64>,
    /// Until when it is shown; counts once it has ended.
    shown_until_ns: i64,
    /// Steps of a wheel, added up.
    steps: f32,
}

/// Collects rows in order, and makes the file of them.
#[derive(Default)]
pub struct Subtitles {
    items: Vec<Item>,
    /// Keys and buttons that are held: where in `items` they are.
    held: Held<usize>,
    /// The pause that lasts.
    paused: Option<usize>,
}

/// Text without what players take for markup, or terminals for orders.
fn plain(text: &str) -> String {
    text.chars()
        .take(LONGEST)
        .map(|c| match c {
            '<' => '\u{2039}',
            '>' => '\u{203a}',
            '{' => '(',
            '}' => ')',
            '\\' => '/',
            c if c.is_control() => ' ',
            c => c,
        })
        .collect::<String>()
        .trim()
        .to_owned()
}

impl Subtitles {
    fn add(&mut self, from_ns: i64, shown_until_ns: i64, text: String) -> usize {
        self.items.push(Item { text, way: "", from_ns, ended_ns: None, shown_until_ns, steps: 0.0 });
        self.items.len() - 1
    }

    fn end(&mut self, t_ns: i64, item: usize) {
        let item = &mut self.items[item];
        (item.ended_ns, item.shown_until_ns) = (Some(t_ns), t_ns.saturating_add(LINGER_NS));
    }

    /// A key or a button: shown while it is held.
    fn hold(&mut self, row: &OwnedRow, text: &str) {
        let next = self.items.len();
        match self.held.apply(&row.as_row(), || next) {
            Change::Pressed => drop(self.add(row.t_ns, i64::MAX, plain(text))),
            Change::Continued(item) => {
                *item = next;
                self.add(row.t_ns, i64::MAX, plain(text));
            }
            Change::Hidden(item) => {
                let item = *item;
                self.end(row.t_ns, item);
            }
            Change::Released(item) => self.end(row.t_ns, item),
            // Pressed again without a release: one item goes on.
            Change::Again(_)
            | Change::Moved(_)
            | Change::Repeated
            | Change::Unmatched
            | Change::TooMany
            | Change::Nothing => {}
        }
    }

    fn moment(&mut self, t_ns: i64, until_ns: i64, text: String) {
        self.add(t_ns, until_ns.max(t_ns.saturating_add(MOMENT_NS)), text);
    }

    /// Takes the next row.
    pub fn take(&mut self, row: &OwnedRow) {
        let get = |key: &str| row.metadata.get(key).unwrap_or_default();
        match row.event_type.as_str() {
            event_type::KEY_DOWN | event_type::KEY_UP => self.hold(row, &row.key_label()),
            event_type::MOUSE_CLICK => {
                self.hold(row, &format!("{} button", row.mouse_button.as_deref().unwrap_or("a")));
            }
            event_type::GAMEPAD_BUTTON => self.hold(row, &row.pad_label()),
            event_type::WHEEL => self.wheel(row),
            event_type::MARK => self.moment(row.t_ns, 0, format!("mark: {}", plain(get(key::TEXT)))),
            event_type::FOCUS => {
                let text = plain(&format!("{}: {}", get(key::APP), get(key::TITLE)));
                self.moment(row.t_ns, 0, format!("window: {text}"));
            }
            event_type::GAP => {
                let text = plain(&format!("{} {} lost {}", get(key::STREAM), get(key::REASON), get(key::LOST)));
                self.moment(row.t_ns, row.until_ns(), format!("gap: {text}"));
            }
            event_type::REDACT => {
                let text = plain(&format!("{} {}", get(key::WHAT), get(key::REASON)));
                self.moment(row.t_ns, row.until_ns(), format!("redacted: {text}"));
            }
            event_type::PAUSE if self.paused.is_none() => {
                self.paused = Some(self.add(row.t_ns, i64::MAX, "paused".into()));
            }
            event_type::RESUME => {
                if let Some(pause) = self.paused.take() {
                    self.end(row.t_ns, pause);
                }
            }
            _ => {}
        }
    }

    /// Turns one way that follow each other closely are one, with their steps added up.
    fn wheel(&mut self, row: &OwnedRow) {
        let delta = row.delta.unwrap_or(0.0);
        let way = match (row.metadata.get(key::AXIS) == Some("horizontal"), delta < 0.0) {
            (false, false) => "wheel up",
            (false, true) => "wheel down",
            (true, false) => "wheel right",
            (true, true) => "wheel left",
        };
        let last = self.items.iter_mut().rev().take(8).find(|item| !item.way.is_empty());
        if let Some(item) = last.filter(|item| item.way == way && item.shown_until_ns >= row.t_ns) {
            item.steps += delta.abs();
            item.shown_until_ns = row.t_ns.saturating_add(MOMENT_NS);
            item.text = format!("{way} {}", item.steps);
            return;
        }
        self.moment(row.t_ns, 0, format!("{way} {}", delta.abs()));
        if let Some(item) = self.items.last_mut() {
            (item.way, item.steps) = (way, delta.abs());
        }
    }

    /// The file: cues between `start_ns`, which is time 0, and `until_ns`.
    pub fn finish(mut self, start_ns: i64, until_ns: i64) -> String {
        let ms = |t_ns: i64| t_ns.clamp(start_ns, until_ns).saturating_sub(start_ns) / 1_000_000;
        // The text changes only where something begins, ends or is not shown any more.
        let mut changes: Vec<i64> = self
            .items
            .iter()
            .flat_map(|item| [Some(item.from_ns), item.ended_ns, Some(item.shown_until_ns)])
            .flatten()
            .map(ms)
            .collect();
        changes.push(ms(until_ns));
        changes.sort_unstable();
        changes.dedup();
        self.items.sort_by_key(|item| item.from_ns);
        let mut out = String::new();
        let (mut number, mut next, mut shown): (u64, usize, Vec<usize>) = (0, 0, Vec::new());
        let mut cue: Option<(i64, String)> = None;
        for (at, begin) in changes.iter().enumerate() {
            let last = at + 1 == changes.len();
            while self.items.get(next).is_some_and(|item| ms(item.from_ns) <= *begin) {
                shown.push(next);
                next += 1;
            }
            shown.retain(|item| ms(self.items[*item].shown_until_ns) > *begin);
            let words: Vec<String> = shown
                .iter()
                .map(|item| {
                    let item = &self.items[*item];
                    let over = item.ended_ns.is_some_and(|ended| ms(ended) <= *begin);
                    if over { format!("({})", item.text) } else { item.text.clone() }
                })
                .collect();
            let text = words.join("  ");
            let ends = last || cue.as_ref().is_some_and(|(_, before)| *before != text);
            let ended = if ends { cue.take() } else { None };
            if let Some((from, before)) = ended.filter(|(from, text)| from < begin && !text.is_empty()) {
                number += 1;
                let written = write!(out, "{number}\n{} --> {}\n{before}\n\n", stamp(from), stamp(*begin));
                debug_assert!(written.is_ok(), "writing to a string does not fail");
            }
            if cue.is_none() {
                cue = Some((*begin, text));
            }
        }
        out
    }
}

/// `01:02:03,004`.
fn stamp(ms: i64) -> String {
    format!("{:02}:{:02}:{:02},{:03}", ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    fn key_row(t_ms: i64, down: bool, code: &str) -> OwnedRow {
        let kind = if down { event_type::KEY_DOWN } else { event_type::KEY_UP };
        let mut row = OwnedRow { t_ns: t_ms * MS, event_type: kind.into(), ..OwnedRow::default() };
        row.metadata.push_str(key::CODE, code);
        row
    }

    fn made(rows: &[OwnedRow], start_ms: i64, until_ms: i64) -> Vec<String> {
        let mut subtitles = Subtitles::default();
        for row in rows {
            subtitles.take(row);
        }
        let text = subtitles.finish(start_ms * MS, until_ms * MS);
        text.split_terminator("\n\n").map(|cue| cue.replace('\n', " | ")).collect()
    }

    #[test]
    fn cues_say_what_is_held_and_what_was_released_a_moment_ago() {
        let rows = [
            key_row(500, true, "ShiftLeft"),
            key_row(1500, true, "KeyW"),
            key_row(1500, true, "KeyW"),
            key_row(1501, false, "KeyW"),
            key_row(3000, false, "ShiftLeft"),
        ];
        assert_eq!(
            made(&rows, 1000, 5000),
            [
                "1 | 00:00:00,000 --> 00:00:00,500 | ShiftLeft",
                "2 | 00:00:00,500 --> 00:00:00,501 | ShiftLeft  KeyW",
                "3 | 00:00:00,501 --> 00:00:00,901 | ShiftLeft  (KeyW)",
                "4 | 00:00:00,901 --> 00:00:02,000 | ShiftLeft",
                "5 | 00:00:02,000 --> 00:00:02,400 | (ShiftLeft)",
            ]
        );
        assert_eq!(made(&rows[..1], 0, 3_723_004), ["1 | 00:00:00,500 --> 01:02:03,004 | ShiftLeft"]);
        assert!(made(&[], 0, 1000).is_empty());
    }

    #[test]
    fn wheels_add_up_and_text_is_tamed() {
        let wheel = |t_ms: i64, delta: f32| OwnedRow {
            t_ns: t_ms * MS,
            event_type: event_type::WHEEL.into(),
            delta: Some(delta),
            ..OwnedRow::default()
        };
        let mut mark = OwnedRow { t_ns: 5000 * MS, event_type: event_type::MARK.into(), ..OwnedRow::default() };
        mark.metadata.push_str(key::TEXT, "a <b>\n\n9\n00:00 --> {\\an8}\u{1b}[31m");
        let rows = [wheel(100, 1.0), wheel(200, 1.5), wheel(300, -1.0), mark];
        assert_eq!(
            made(&rows, 0, 10_000),
            [
                "1 | 00:00:00,100 --> 00:00:00,300 | wheel up 2.5",
                "2 | 00:00:00,300 --> 00:00:01,200 | wheel up 2.5  wheel down 1",
                "3 | 00:00:01,200 --> 00:00:01,300 | wheel down 1",
                "4 | 00:00:05,000 --> 00:00:06,000 | mark: a \u{2039}b\u{203a}  9 00:00 --\u{203a} (/an8) [31m",
            ]
        );
    }
}
