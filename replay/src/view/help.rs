//! The help: the table of keys, as the dispatcher has it, over everything else.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::{Block, BorderType, Clear, Widget};

use super::{put, put_within};
use crate::app::App;
use crate::keys::{BINDINGS, Binding};

/// Columns of a column of the help.
const COLUMN: u16 = 38;
/// Columns of the keys in it.
const KEYS: u16 = 10;
/// What the mouse does: not in the table of keys, and said in one line.
const MOUSE: &str = "mouse: timeline seeks, picture plays, an event is gone to, wheel scrolls";

/// A line of the help.
enum Entry {
    Heading(&'static str),
    Key(&'static Binding),
}

/// Draws the help.
pub(crate) fn draw(app: &App<'_>, area: Rect, buf: &mut Buffer) {
    let theme = app.theme;
    let mut entries: Vec<Vec<Entry>> = Vec::new();
    for binding in BINDINGS {
        if let Some(heading) = binding.group {
            entries.push(vec![Entry::Heading(heading)]);
        }
        if let Some(group) = entries.last_mut() {
            group.push(Entry::Key(binding));
        }
    }
    // Two columns of about the same length where they fit; the groups stay whole.
    let columns: Vec<Vec<Entry>> = if area.width >= 2 * COLUMN + 2 {
        let longest = entries.iter().enumerate().max_by_key(|(_, group)| group.len()).map_or(0, |(i, _)| i);
        let left = entries.remove(longest);
        vec![left, entries.into_iter().flatten().collect()]
    } else {
        vec![entries.into_iter().flatten().collect()]
    };
    let lines = columns.iter().map(Vec::len).max().unwrap_or(0) as u16;
    let width = (COLUMN * columns.len() as u16 + 2).min(area.width);
    let height = (lines + 4).min(area.height);
    let place = Rect::new(area.x + (area.width - width) / 2, area.y + (area.height - height) / 2, width, height);
    Clear.render(place, buf);
    Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(theme.accent())
        .style(theme.surface())
        .title(" keys ")
        .render(place, buf);
    let inner = Rect::new(place.x + 1, place.y + 1, place.width - 2, place.height - 2);
    for (i, column) in columns.iter().enumerate() {
        let x = inner.x + COLUMN * i as u16;
        let part = Rect { x, width: COLUMN.min(inner.right().saturating_sub(x)), ..inner };
        for (entry, line) in column.iter().zip(part.rows()) {
            match entry {
                Entry::Heading(heading) => drop(put(buf, line, 1, &heading.to_uppercase(), theme.accent())),
                Entry::Key(binding) => {
                    put(buf, line, 2, binding.keys, theme.playhead());
                    put_within(buf, line, KEYS + 2, COLUMN, binding.says, theme.text());
                }
            }
        }
    }
    if let Some(last) = inner.rows().next_back().filter(|_| inner.height > lines) {
        put_within(buf, last, 1, inner.width - 1, MOUSE, theme.dim());
    }
}
