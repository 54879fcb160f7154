//! Draws the list: a line a recording, what is the matter with the chosen one, and the keys.

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::library::Faults;
use super::list::{LIST, List, ListAction};
use crate::keys::key_of;
use crate::text::{SECOND, tick};
use crate::timeline::Tone;
use crate::view::cells::{put, put_within, tone_sign, width};
use crate::view::hints;
use crate::view::lanes::remark_sign;

/// From this width on a task stands beside its recording, columns.
const TASKS_FROM: u16 = 96;
/// Columns of a verdict, a state, a length and the faults, each with the blank after it.
const WIDTHS: [u16; 4] = [9, 11, 9, 15];
/// The same where names would have no room.
const NARROW: [u16; 4] = [9, 0, 0, 15];
/// From this width on states and lengths have room, columns.
const WIDE_FROM: u16 = 70;
/// The least width that can be drawn.
const LEAST: (u16, u16) = (40, 6);

/// Draws the list on the whole screen.
pub(super) fn draw(list: &List, frame: &mut Frame<'_>) {
    let area = frame.area();
    let buf = frame.buffer_mut();
    let theme = list.theme;
    buf.set_style(area, theme.base());
    if area.width < LEAST.0 || area.height < LEAST.1 {
        put(buf, area, 0, "terminal too small; q quits", theme.playhead());
        return;
    }
    let row = |y: u16| Rect { y: area.y + y, height: 1, ..area };
    head(list, row(0), buf);
    let columns = columns(area.width);
    headings(list, row(1), columns, buf);
    for (line, index) in (list.first..list.lines.len()).take(list.height()).enumerate() {
        let place = row(2 + line as u16);
        if index == list.chosen {
            buf.set_style(place, theme.selected());
            put(buf, place, 0, "▌", theme.playhead());
        }
        recording(list, index, place, columns, buf);
    }
    about(list, row(area.height - 2), buf);
    let keys = row(area.height - 1);
    buf.set_style(keys, theme.surface());
    let hint = |actions: &[ListAction], says: &str| {
        let keys: Vec<String> = actions.iter().filter_map(|action| key_of(LIST, action)).collect();
        (keys.join(" "), says.to_owned())
    };
    let hints = [
        hint(&[ListAction::Open], "play"),
        hint(&[ListAction::Move(-1), ListAction::Move(1)], "choose"),
        hint(&[ListAction::Unjudged(1), ListAction::Unjudged(-1)], "to judge"),
        hint(&[ListAction::Undo], "take verdict back"),
        hint(&[ListAction::Theme], "colours"),
    ];
    hints::draw(theme, keys, &hints, &[hint(&[ListAction::Quit], "quit")], buf);
}

/// Columns of everything: verdict, state, length, faults, name, task.
fn columns(width: u16) -> [u16; 6] {
    let [verdict, state, length, faults] = if width >= WIDE_FROM { WIDTHS } else { NARROW };
    let left = width.saturating_sub(2 + verdict + state + length + faults);
    let name = if width >= TASKS_FROM { left * 3 / 5 } else { left };
    [verdict, state, length, faults, name, left - name]
}

fn head(list: &List, area: Rect, buf: &mut Buffer) {
    let theme = list.theme;
    buf.set_style(area, theme.surface());
    let [accepted, rejected, look, open] = list.counts();
    let mut words = vec![format!("{accepted} accepted"), format!("{rejected} rejected")];
    if look > 0 {
        words.push(format!("{look} to look at"));
    }
    let what = if area.width >= WIDE_FROM {
        format!(" {}, {open} to judge ", words.join(", "))
    } else {
        format!(" ✓{accepted} ✗{rejected} ?{look} –{open} ")
    };
    let what_width = width(&what).min(area.width);
    let used = put(buf, area, 1, "watchcap", theme.accent());
    let until = area.width - what_width;
    let used = put_within(buf, area, used + 2, until.saturating_sub(1), &list.title, theme.text());
    put_within(buf, area, used + 2, until.saturating_sub(1), &format!("{} recordings", list.lines.len()), theme.dim());
    put(buf, area, until, &what, theme.state());
}

fn headings(list: &List, area: Rect, columns: [u16; 6], buf: &mut Buffer) {
    let mut at = 2;
    for (word, width) in ["verdict", "state", "length", "check", "recording", "task"].into_iter().zip(columns) {
        put_within(buf, area, at, at + width, word, list.theme.faint());
        at += width;
    }
}

fn recording(list: &List, index: usize, area: Rect, columns: [u16; 6], buf: &mut Buffer) {
    let theme = list.theme;
    let line = &list.lines[index];
    let [verdict_width, state, length, faults, name, task] = columns;
    let mut at = 2;
    let mut cell = |text: &str, width: u16, style: Style| {
        put_within(buf, area, at, at + width.saturating_sub(1), text, style);
        at += width;
    };
    let entry = line.entry.as_ref();
    match entry.and_then(|entry| entry.verdict.map(|verdict| (verdict, entry.stale))) {
        Some((verdict, false)) => {
            let text = format!("{} {}", remark_sign(Some(verdict)), verdict.word());
            cell(&text, verdict_width, theme.verdict(Some(verdict)));
        }
        Some((_, true)) => cell("! stale", verdict_width, theme.tone(Tone::Warn)),
        None => cell("–", verdict_width, theme.faint()),
    }
    if let Some(entry) = entry {
        cell(&entry.state, state, theme.tone(entry.tone));
        // To the second.
        let text = entry.length_ns.map_or("–".into(), |ns| tick(ns, SECOND.unsigned_abs()));
        cell(&text, length, theme.text());
    } else {
        cell("…", state, theme.faint());
        cell("", length, theme.faint());
    }
    let (text, tone) = faults_words(&line.faults);
    let style = if line.faults == Faults::Unknown { theme.faint() } else { theme.tone(tone) };
    cell(&format!("{}{text}", tone_sign(tone)), faults, style);
    let bracket = bracket(list, index);
    cell(&format!("{bracket}{}", tail(&line.name, name.saturating_sub(1 + width(bracket)))), name, theme.text());
    cell(entry.map_or("", |entry| &entry.task), task, theme.dim());
}

/// What holds the parts of one recording together.
fn bracket(list: &List, index: usize) -> &'static str {
    let entry = |index: usize| list.lines.get(index).and_then(|line| line.entry.as_ref());
    let joined = |first: Option<usize>| {
        first.is_some_and(|first| entry(first).zip(entry(first + 1)).is_some_and(|(a, b)| a.goes_on_in(b)))
    };
    match (joined(index.checked_sub(1)), joined(Some(index))) {
        (false, false) => "",
        (false, true) => "┌ ",
        (true, true) => "├ ",
        (true, false) => "└ ",
    }
}

/// The end of a name in so many columns: its folders are what is left out.
fn tail(name: &str, columns: u16) -> String {
    if width(name) <= columns {
        return name.to_owned();
    }
    let mut chars = name.chars();
    while width(chars.as_str()) + 1 > columns && chars.next().is_some() {}
    format!("…{}", chars.as_str())
}

/// What checking came to, in a few words.
fn faults_words(faults: &Faults) -> (String, Tone) {
    match faults {
        Faults::Unknown => ("…".into(), Tone::Plain),
        Faults::Unsealed => ("–".into(), Tone::Plain),
        Faults::Found { over, places } if over.is_empty() => match places {
            0 => ("ok".into(), Tone::Good),
            n => (format!("ok, {n} seen"), Tone::Good),
        },
        Faults::Found { over, .. } => {
            let places = over.iter().map(|(_, places)| places).fold(0, |sum: u64, n| sum.saturating_add(*n));
            (if places == 1 { "1 fault".to_owned() } else { format!("{places} faults") }, Tone::Bad)
        }
        Faults::Failed(_) => ("failed".into(), Tone::Bad),
    }
}

/// The line about the chosen one: a word to the person, else what is the matter with it.
fn about(list: &List, area: Rect, buf: &mut Buffer) {
    let theme = list.theme;
    buf.set_style(area, theme.well());
    let until = area.width.saturating_sub(1);
    if let Some(notice) = &list.notice {
        let text = format!("{}{}", tone_sign(notice.tone), notice.text);
        put_within(buf, area, 1, until, &text, theme.tone(notice.tone));
        return;
    }
    let Some(line) = list.lines.get(list.chosen) else { return };
    let mut parts = Vec::new();
    if let Some(entry) = &line.entry {
        if !entry.problem.is_empty() {
            parts.push((entry.problem.clone(), Tone::Bad));
        }
        if entry.stale {
            parts.push(("the verdict is on an earlier edition".into(), Tone::Warn));
        }
    }
    match &line.faults {
        Faults::Found { over, .. } if !over.is_empty() => {
            let names = over.iter().map(|(name, places)| format!("{name} {places}")).collect::<Vec<_>>();
            parts.push((format!("over a limit: {}", names.join(", ")), Tone::Bad));
        }
        Faults::Failed(why) => parts.push((format!("it cannot be checked: {why}"), Tone::Bad)),
        _ => {}
    }
    if let Some(entry) = line.entry.as_ref().filter(|entry| !entry.task.is_empty()) {
        parts.push((format!("task: {}", entry.task), Tone::Plain));
    }
    let mut at = 1;
    for (text, tone) in parts {
        at = put_within(buf, area, at, until, &text, theme.tone(tone)) + 2;
    }
}
