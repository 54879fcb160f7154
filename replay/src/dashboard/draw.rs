//! The screen of the dashboard: what was read of the recording, put into cells.
//!
//! Invariants: no size of terminal makes it panic; in a pause no picture is shown; text that comes from outside is cleaned before it is drawn.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::readings::{Activity, Gauge, Group, Happened, Readings};
use crate::app::Painting;
use crate::text::{SECOND, clean, clock, grouped};
use crate::theme::Theme;
use crate::timeline::{Picture, Tone};
use crate::view::cells::{put, put_within, tone_sign, width};
use crate::view::framed::framed;
use crate::view::{hints, message, paint, picture_bounds};

/// The least that is drawn in.
const MIN_SIZE: (u16, u16) = (30, 8);
/// Columns of the values beside the picture, and from which width on they are wider.
const SIDE: u16 = 37;
const WIDE_SIDE: u16 = 40;
const WIDE: u16 = 110;
/// From this width on there is a picture.
const PICTURE_FROM: u16 = 64;
/// Lines that are kept for what happened, below the picture.
const LEAST_BELOW: u16 = 5;
/// Columns of a name, and of a bar.
const NAME: u16 = 12;
const BAR: u16 = 8;

/// What can be pressed, for the help: keys and words.
const KEYS: [(&str, &str); 4] = [
    ("p", "pause: nothing is taken; again: go on"),
    ("m", "set a mark at this moment"),
    ("q Ctrl-C", "stop, and seal what was recorded"),
    ("? Esc", "this help"),
];

/// What else the help says.
const WORDS: [&str; 4] = [
    "The picture is what the video gets: masks are painted.",
    "Of events the kind and the time are shown, never",
    "which key it was or what a window is called.",
    "watchcap pause, mark and stop do the same.",
];

/// What is drawn besides the readings.
pub(crate) struct Screen {
    pub(crate) theme: Theme,
    pub(crate) painting: Painting,
    /// The help is shown.
    pub(crate) help: bool,
    /// A word to the person.
    pub(crate) notice: Option<(Tone, String)>,
    /// The picture that came last.
    pub(crate) picture: Option<Picture>,
}

/// Where everything is.
struct Places {
    head: Rect,
    picture: Rect,
    below: Rect,
    side: Rect,
    caption: Rect,
    keys: Rect,
}

fn places(area: Rect) -> Option<Places> {
    if area.width < MIN_SIZE.0 || area.height < MIN_SIZE.1 {
        return None;
    }
    let row = |y: u16| Rect { y: area.y + y, height: 1, ..area };
    let body = Rect { y: area.y + 1, height: area.height - 3, ..area };
    let (side, left) = if area.width < PICTURE_FROM {
        (body, Rect { width: 0, ..body })
    } else {
        let columns = if area.width < WIDE { SIDE } else { WIDE_SIDE };
        let left = Rect { width: body.width - columns, ..body };
        (Rect { x: body.x + left.width, width: columns, ..body }, left)
    };
    // As high as a picture of 16:9 needs, in cells twice as high as wide.
    let height = (left.width * 9 / 32 + 1).min(left.height.saturating_sub(LEAST_BELOW));
    let picture = Rect { height, ..left };
    let below = Rect { y: left.y + height, height: left.height - height, ..left };
    Some(Places { head: row(0), picture, below, side, caption: row(area.height - 2), keys: row(area.height - 1) })
}

/// The pixels that a picture may have on a screen of this size; `None` when there is no place for one.
pub(crate) fn bounds(area: Rect, painting: Painting) -> Option<(u32, u32)> {
    picture_bounds(places(area)?.picture, painting)
}

/// Draws the dashboard.
pub(crate) fn draw(readings: &Readings, screen: &Screen, area: Rect, buf: &mut Buffer) {
    let theme = screen.theme;
    buf.set_style(area, theme.base());
    let Some(places) = places(area) else {
        put_within(buf, area, 0, area.width, "too small; q stops", theme.playhead());
        return;
    };
    head(readings, theme, places.head, buf);
    picture(readings, screen, places.picture, buf);
    let rest = groups(&readings.groups, theme, places.side, buf);
    let below = if places.below.width > 0 { places.below } else { rest };
    happened(readings, theme, below, buf);
    caption(readings, screen, places.caption, buf);
    let pause = if readings.activity == Activity::Paused { "go on" } else { "pause" };
    let hint = |keys: &str, says: &str| (keys.to_owned(), says.to_owned());
    buf.set_style(places.keys, theme.surface());
    let hints = [hint("p", pause), hint("m", "mark"), hint("q", "stop and seal")];
    hints::draw(theme, places.keys, &hints, &[hint("?", "help")], buf);
    if screen.help {
        help(theme, area, buf);
    }
}

fn head(readings: &Readings, theme: Theme, area: Rect, buf: &mut Buffer) {
    buf.set_style(area, theme.surface());
    let (chip, style) = match readings.activity {
        Activity::Recording => (" ● recording ", theme.alert()),
        Activity::Withheld => (" ● recording, withheld ", theme.mask()),
        Activity::Paused => (" ❚❚ paused ", theme.paused()),
        Activity::Ending => (" ■ ending ", theme.state()),
    };
    let at = put(buf, area, 0, chip, style) + 1;
    let hours = readings.elapsed_ns >= 3600 * SECOND as u64;
    let elapsed = clock(readings.elapsed_ns, hours);
    // Tenths are enough for a screen that is drawn five times a second.
    let at = put(buf, area, at, &elapsed[..elapsed.len() - 2], theme.playhead()) + 2;
    let name = "watchcap";
    let until = area.width.saturating_sub(width(name) + 1);
    put_within(buf, area, at, until.saturating_sub(1), &clean(&readings.title), theme.text());
    put(buf, area, until, name, theme.accent());
}

fn picture(readings: &Readings, screen: &Screen, area: Rect, buf: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    let theme = screen.theme;
    buf.set_style(area, theme.well());
    match (&screen.picture, readings.activity) {
        (_, Activity::Paused) => {
            message(area, buf, &[("paused", theme.text()), ("neither pictures nor inputs are taken", theme.dim())]);
        }
        (Some(picture), _) => paint(theme, screen.painting, picture, area, buf),
        (None, _) => message(area, buf, &[("no picture yet", theme.dim())]),
    }
}

/// Draws groups below each other; returns what is left of the area.
fn groups(groups: &[Group], theme: Theme, area: Rect, buf: &mut Buffer) -> Rect {
    let lines = |apart: u16| groups.iter().map(|group| group.gauges.len() as u16 + 1 + apart).sum::<u16>();
    // Apart from each other where there is room for that.
    let apart = u16::from(lines(1) <= area.height);
    let mut rows = area.rows();
    let mut used = 0;
    for group in groups {
        let Some(row) = rows.next() else { break };
        heading(group.title, theme, row, buf);
        used += 1;
        for gauge in &group.gauges {
            let Some(row) = rows.next() else { break };
            line(gauge, theme, row, buf);
            used += 1;
        }
        if apart > 0 && rows.next().is_some() {
            used += 1;
        }
    }
    Rect { y: area.y + used, height: area.height - used, ..area }
}

fn heading(title: &str, theme: Theme, row: Rect, buf: &mut Buffer) {
    put_within(buf, row, 1, row.width, &title.to_uppercase(), theme.accent());
}

fn line(gauge: &Gauge, theme: Theme, row: Rect, buf: &mut Buffer) {
    let name = clean(&gauge.name);
    let at = put_within(buf, row, 2, row.width, &name, theme.dim());
    let at = (at + 1).max(NAME + 2);
    // What is as it should be needs no sign.
    let sign = if gauge.tone == Tone::Good { "" } else { tone_sign(gauge.tone) };
    let value = format!("{sign}{}", clean(&gauge.value));
    let bar = if gauge.share.is_some() && row.width >= at + BAR + width(&value) { BAR } else { 0 };
    if let Some(share) = gauge.share.filter(|_| bar > 0) {
        let full = (share.clamp(0.0, 1.0) * f32::from(bar)).ceil() as u16;
        for column in 0..bar {
            let (symbol, style) = if column < full { ("█", theme.tone(gauge.tone)) } else { ("░", theme.track()) };
            put(buf, row, at + column, symbol, style);
        }
    }
    let at = if bar > 0 { at + bar + 1 } else { at };
    put_within(buf, row, at, row.width, &value, theme.tone(gauge.tone));
}

/// What is missing, and what was recorded last: beside each other where there is room.
fn happened(readings: &Readings, theme: Theme, area: Rect, buf: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    let missing = &readings.missing;
    let beside = area.width >= 72;
    let (of_missing, of_events) = if missing.is_empty() {
        (Rect { height: 0, ..area }, area)
    } else if beside {
        let half = area.width / 2;
        (Rect { x: area.x + half, width: area.width - half, ..area }, Rect { width: half, ..area })
    } else {
        let lines = (missing.len() as u16 + 1).min(area.height / 2);
        let events = Rect { y: area.y + lines, height: area.height - lines, ..area };
        (Rect { height: lines, ..area }, events)
    };
    let mut rows = of_missing.rows();
    if let Some(row) = rows.next() {
        heading("missing", theme, row, buf);
    }
    missing.iter().zip(rows).for_each(|(gauge, row)| line(gauge, theme, row, buf));
    let mut rows = of_events.rows();
    if let Some(row) = rows.next() {
        heading("last events", theme, row, buf);
    }
    let hours = readings.elapsed_ns >= 3600 * SECOND as u64;
    for (Happened { at_ns, kind, count }, row) in readings.events.iter().zip(rows) {
        let at = put(buf, row, 2, &clock(*at_ns, hours), theme.dim()) + 2;
        let at = put_within(buf, row, at, row.width, kind, theme.text()) + 1;
        if *count > 1 {
            put_within(buf, row, at, row.width, &format!("× {}", grouped(*count)), theme.dim());
        }
    }
}

/// The word to the person, else why inputs are withheld.
fn caption(readings: &Readings, screen: &Screen, area: Rect, buf: &mut Buffer) {
    let theme = screen.theme;
    buf.set_style(area, theme.well());
    let (tone, said) = match &screen.notice {
        Some((tone, notice)) => (*tone, notice.as_str()),
        None => (Tone::Warn, readings.why.as_str()),
    };
    if !said.is_empty() {
        put_within(buf, area, 1, area.width, &format!("{}{}", tone_sign(tone), clean(said)), theme.tone(tone));
    }
}

fn help(theme: Theme, area: Rect, buf: &mut Buffer) {
    let keys = KEYS.iter().map(|(keys, _)| width(keys)).max().unwrap_or(0) + 2;
    let longest = KEYS.iter().map(|(_, says)| keys + width(says)).chain(WORDS.iter().map(|line| width(line))).max();
    let size = (longest.unwrap_or(0) + 4, (KEYS.len() + WORDS.len() + 3) as u16);
    let inner = framed(theme, area, size, (" keys ", ""), buf);
    let mut rows = inner.rows();
    for ((key, says), row) in KEYS.iter().zip(rows.by_ref()) {
        put(buf, row, 1, key, theme.playhead());
        put_within(buf, row, keys + 1, row.width, says, theme.text());
    }
    for (line, row) in WORDS.iter().zip(rows.skip(1)) {
        put_within(buf, row, 1, row.width, line, theme.dim());
    }
}
