//! The frame of what comes up over the screen: the help, the choices.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::{Block, BorderType, Clear, Widget};

use crate::theme::Theme;

/// Clears the middle of an area for a frame of this size at the most, and draws it. Returns what is inside of it.
pub(crate) fn framed(
    theme: Theme,
    area: Rect,
    (width, height): (u16, u16),
    (title, bottom): (&str, &str),
    buf: &mut Buffer,
) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    let place = Rect::new(area.x + (area.width - width) / 2, area.y + (area.height - height) / 2, width, height);
    Clear.render(place, buf);
    let block = Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(theme.accent())
        .style(theme.surface())
        .title(title)
        .title_bottom(bottom);
    let inner = block.inner(place);
    block.render(place, buf);
    inner
}
