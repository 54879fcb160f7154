//! The line of keys at the bottom: what can be pressed here, as many as fit.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::cells::{put, width};
use crate::theme::Theme;

/// Columns between two hints.
const BETWEEN: u16 = 2;

/// Draws keys with their words from the left, as many as fit whole, and those of `last` at the right, which always fit.
pub(crate) fn draw(theme: Theme, area: Rect, hints: &[(String, String)], last: &[(String, String)], buf: &mut Buffer) {
    let size = |(keys, says): &(String, String)| width(keys) + 1 + width(says);
    let needed: u16 = last.iter().map(|hint| size(hint) + BETWEEN).sum();
    let mut until = area.width.saturating_sub(needed);
    let mut one = |at: u16, (keys, says): &(String, String)| {
        let at = put(buf, area, at, keys, theme.playhead());
        put(buf, area, at + 1, says, theme.dim())
    };
    let mut at = 1;
    for hint in hints.iter().filter(|(keys, _)| !keys.is_empty()) {
        if at + size(hint) > until {
            break;
        }
        at = one(at, hint) + BETWEEN;
    }
    until += 1;
    for hint in last {
        until = one(until, hint) + BETWEEN;
    }
}
