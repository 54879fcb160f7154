//! Puts texts into the cells of the screen, and measures them.

use crate::timeline::Tone;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Span;

/// What says without a colour how something is meant.
pub(crate) fn tone_sign(tone: Tone) -> &'static str {
    match tone {
        Tone::Plain => "",
        Tone::Good => "✓ ",
        Tone::Warn => "! ",
        Tone::Bad => "✗ ",
    }
}

/// Columns that a text takes.
pub(crate) fn width(text: &str) -> u16 {
    u16::try_from(Span::raw(text).width()).unwrap_or(u16::MAX)
}

/// Writes on the first line of an area, from a column of it on; returns the column after it.
pub(crate) fn put(buf: &mut Buffer, area: Rect, at: u16, text: &str, style: Style) -> u16 {
    put_within(buf, area, at, area.width, text, style)
}

/// Like [`put`], but ends before the column `until`, with an ellipsis where something is left out.
pub(crate) fn put_within(buf: &mut Buffer, area: Rect, at: u16, until: u16, text: &str, style: Style) -> u16 {
    let until = until.min(area.width);
    if area.height == 0 || at >= until || text.is_empty() {
        return at.min(until);
    }
    let room = until - at;
    let (x, y) = (area.x + at, area.y);
    if width(text) <= room {
        buf.set_stringn(x, y, text, usize::from(room), style).0 - area.x
    } else {
        let (end, _) = buf.set_stringn(x, y, text, usize::from(room - 1), style);
        buf.set_stringn(end, y, "…", 1, style).0 - area.x
    }
}
