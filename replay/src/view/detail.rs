//! The side panel: the event table around the playhead, and what is known of the recording and was said about it.
//!
//! Owns which rows are on the screen. Rows that belong to the frame on the screen (`action[i]`) carry a bar at their left.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::cells::{put, put_within, tone_sign, width};
use super::lanes::remark_sign;
use super::layout::Layout;
use crate::app::{App, Panel};
use crate::text::{clock, grouped};
use crate::timeline::{Lane, Lanes, Section, Tone, Verdict};

/// From this height on the panel shows details under the events, rows.
const BOTH_FROM: u16 = 24;
/// From this width on a row says its kind in a word and not in a sign, columns.
const KINDS_FROM: u16 = 40;
/// Columns of the kind: the longest that 1.0.0 has is `mouse_click`.
const KIND_WIDTH: u16 = 12;

/// From this width on a remark says where it ends, columns.
const ENDS_FROM: u16 = 40;
/// Remarks that the details show: as many as other facts take.
const REMARKS_SHOWN: usize = 8;

/// The sign of a lane.
pub(crate) fn sign(lane: Lane) -> &'static str {
    match lane {
        Lane::Key => "▪",
        Lane::Motion => "∙",
        Lane::Click => "●",
        Lane::Wheel => "↕",
        Lane::Pad => "◉",
        Lane::Stick => "◦",
        Lane::Focus => "◆",
        Lane::Frame => "▫",
        Lane::Gap => "╳",
        Lane::Mark => "★",
        Lane::System => "○",
    }
}

/// The parts of the panel: events, details. Either may be empty.
fn parts(app: &App<'_>, area: Rect) -> (Rect, Rect) {
    let none = Rect { height: 0, ..area };
    if app.panel == Panel::Details {
        return (none, area);
    }
    let wanted = lines(app, area.width).len() as u16 + 1;
    if area.height < BOTH_FROM || app.summary.facts.is_empty() {
        return (area, none);
    }
    let below = wanted.min(area.height * 2 / 5);
    let above = Rect { height: area.height - below, ..area };
    (above, Rect { y: above.bottom(), height: below, ..area })
}

/// The rows of the table: the index of the first and the lines they are on.
fn window(app: &App<'_>, events: Rect) -> (usize, Rect) {
    let body = Rect { y: events.y + 1, height: events.height.saturating_sub(1), ..events };
    let height = usize::from(body.height);
    // The playhead's row stays in the middle, except at the ends of the recording, where the table stops.
    let first = app.rows_before().saturating_sub(height / 2 + 1);
    (first.min(app.rows.rows.len().saturating_sub(height)), body)
}

/// The time of the row that is drawn on a line of the screen.
pub(crate) fn row_at(app: &App<'_>, layout: &Layout, line: u16) -> Option<i64> {
    let (events, _) = parts(app, layout.side);
    let (first, body) = window(app, events);
    let offset = line.checked_sub(body.y).filter(|offset| *offset < body.height)?;
    app.rows.rows.get(first + usize::from(offset)).map(|row| row.t_ns)
}

/// Draws the panel.
pub(crate) fn draw(app: &App<'_>, area: Rect, buf: &mut Buffer) {
    buf.set_style(area, app.theme.surface());
    let (above, below) = parts(app, area);
    if above.height > 0 {
        events(app, above, buf);
    }
    if below.height > 0 {
        details(app, below, buf);
    }
}

fn events(app: &App<'_>, area: Rect, buf: &mut Buffer) {
    let theme = app.theme;
    let at = put(buf, area, 1, "EVENTS", theme.accent());
    if let Some((words, _)) = &app.filter {
        put_within(buf, area, at + 1, area.width.saturating_sub(1), &format!("/ {words}"), theme.playhead());
    } else {
        let which = if app.lanes == Lanes::ALL { "all rows" } else { "no motion, frames" };
        let hint = area.width.saturating_sub(width(which) + 1);
        if hint > at + 1 {
            put(buf, area, hint, which, theme.faint());
        }
    }
    let (first, body) = window(app, area);
    if app.rows.rows.is_empty() && body.height > 0 {
        let line = Rect { y: body.y + body.height / 2, height: 1, ..body };
        let text = if app.problems().next().is_some() { "not readable" } else { "no events here" };
        put(buf, line, area.width.saturating_sub(width(text)) / 2, text, theme.dim());
        return;
    }
    let now = app.rows_before().checked_sub(1);
    let frame = app.frame.map(|(index, _)| index);
    let hours = app.player.length() >= 3_600_000_000_000;
    let time_width = width(&clock(app.player.length(), hours));
    for ((i, row), line) in app.rows.rows.iter().enumerate().skip(first).zip(body.rows()) {
        let ahead = now.is_none_or(|now| i > now);
        if Some(i) == now {
            buf.set_style(line, theme.selected());
        }
        if row.frame_ref.is_some() && row.frame_ref == frame {
            put(buf, line, 0, "▎", theme.playhead());
        }
        let since = u64::try_from(i128::from(row.t_ns) - i128::from(app.player.start())).unwrap_or(0);
        let time = clock(since, hours);
        let text_style = if ahead { theme.dim() } else { theme.text() };
        put_within(buf, line, (time_width + 1).saturating_sub(width(&time)), time_width + 1, &time, theme.dim());
        let at = time_width + 2;
        let lane = theme.lane(row.lane);
        let at = if area.width >= KINDS_FROM {
            put_within(buf, line, at, at + KIND_WIDTH, &row.kind, lane);
            at + KIND_WIDTH + 1
        } else {
            put(buf, line, at, sign(row.lane), lane) + 1
        };
        let text = if row.text.is_empty() { &row.kind } else { &row.text };
        put_within(buf, line, at, area.width.saturating_sub(1), text, text_style);
    }
}

/// A line of the details.
enum Line<'a> {
    Heading(&'static str),
    Fact(&'a str, String, Tone),
    Blank,
}

/// The lines of the details in so many columns: each section under its heading.
fn lines<'a>(app: &'a App<'_>, columns: u16) -> Vec<Line<'a>> {
    let hours = app.player.length() >= 3_600_000_000_000;
    let mut lines = Vec::with_capacity(app.summary.facts.len() + 12);
    for (section, heading) in [
        (Section::Recording, "RECORDING"),
        (Section::Consent, "CONSENT"),
        (Section::Privacy, "PRIVACY"),
        (Section::Integrity, "INTEGRITY"),
    ] {
        let mut facts = app.summary.facts.iter().filter(|fact| fact.section == section).peekable();
        if facts.peek().is_none() && section != Section::Recording {
            continue;
        }
        if !lines.is_empty() {
            lines.push(Line::Blank);
        }
        lines.push(Line::Heading(heading));
        if section == Section::Recording {
            let video = match (app.summary.width, app.summary.height) {
                _ if app.summary.no_pictures.is_some() => "unreadable".to_owned(),
                (0, 0) => "none".to_owned(),
                (width, height) => format!("{width}×{height}"),
            };
            lines.push(Line::Fact("length", clock(app.player.length(), hours), Tone::Plain));
            lines.push(Line::Fact("video", video, Tone::Plain));
            if app.summary.frames > 0 {
                lines.push(Line::Fact("frames", grouped(app.summary.frames), Tone::Plain));
            }
        }
        for fact in facts {
            let value = format!("{}{}", tone_sign(fact.tone), fact.value);
            lines.push(Line::Fact(&fact.name, value, fact.tone));
        }
    }
    if !app.remarks.is_empty() {
        lines.push(Line::Blank);
        lines.push(Line::Heading("REVIEW"));
        // The latest first: they are what somebody is at.
        for remark in app.remarks.iter().rev().take(REMARKS_SHOWN) {
            let since = |t_ns: i64| clock(t_ns.abs_diff(app.player.start()), hours);
            let at = if remark.until_ns > remark.from_ns && columns >= ENDS_FROM {
                format!("{} – {}", since(remark.from_ns), since(remark.until_ns))
            } else {
                since(remark.from_ns)
            };
            let word = remark.verdict.map_or("mark", Verdict::word);
            let sign = remark_sign(remark.verdict);
            let whole = remark.from_ns <= app.player.start() && remark.until_ns >= app.player.end();
            let what = if whole && remark.verdict.is_some() { "all".into() } else { at };
            lines.push(Line::Fact(word, format!("{sign} {what} {}", remark.note), Tone::Plain));
        }
    }
    lines
}

fn details(app: &App<'_>, area: Rect, buf: &mut Buffer) {
    let theme = app.theme;
    // Under the events there is a blank line above.
    let air = u16::from(app.panel == Panel::Events).min(area.height - 1);
    let area = Rect { y: area.y + air, height: area.height - air, ..area };
    let mut lines = lines(app, area.width);
    // Air goes first where there is not enough room.
    if lines.len() > usize::from(area.height) {
        lines.retain(|line| !matches!(line, Line::Blank));
    }
    let name = |line: &Line<'_>| if let Line::Fact(name, ..) = line { width(name) } else { 0 };
    let names = lines.iter().map(name).max().unwrap_or(0).min(area.width / 2);
    for (line, row) in lines.iter().zip(area.rows()) {
        match line {
            Line::Heading(heading) => drop(put(buf, row, 1, heading, theme.accent())),
            Line::Fact(name, value, tone) => {
                put_within(buf, row, 1, names + 1, name, theme.dim());
                put_within(buf, row, names + 3, area.width.saturating_sub(1), value, theme.tone(*tone));
            }
            Line::Blank => {}
        }
    }
}
