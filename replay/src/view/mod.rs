//! The screen: where everything is, and the order in which it is drawn.
//!
//! Invariant: drawing reads [`App`] and nothing else, and no size of terminal makes it panic. The same [`Layout`] that
//! places the parts tells which of them the mouse is over.

mod detail;
mod help;
mod input;
mod lanes;
mod picture;
mod popup;
mod status;
mod timeline;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Alignment, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Widget};

use crate::app::{App, Mode};
use crate::timeline::Tone;

pub(crate) use detail::row_at;
pub(crate) use help::length as help_length;
pub(crate) use input::BUTTONS;
pub(crate) use picture::bounds as picture_bounds;

/// How long a word to the person is seen, nanoseconds.
pub(crate) const NOTICE_TIME: u64 = 4_000_000_000;
/// Smallest terminal, columns: the time, the frame and the state on one line.
pub(crate) const MIN_WIDTH: u16 = 40;
/// Smallest terminal, rows: six lines of other things and a picture of half as many again.
pub(crate) const MIN_HEIGHT: u16 = 12;
/// From here on there is a panel beside the picture, columns.
const SIDE_FROM: u16 = 64;
/// From here on lanes are grouped and not one, rows.
const GROUPED_FROM: u16 = 18;
/// From here on every lane has a line and parts have air between them, rows.
const ROOMY_FROM: u16 = 32;

/// Where everything is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Layout {
    /// The name and the state of the recording.
    pub(crate) head: Rect,
    /// The picture.
    pub(crate) picture: Rect,
    /// The line under the picture: what is the matter, or the active window.
    pub(crate) caption: Rect,
    /// The panel beside the picture; empty on narrow terminals.
    pub(crate) side: Rect,
    /// Held keys and buttons.
    pub(crate) input: Rect,
    /// The ruler and the lanes under it.
    pub(crate) lanes: Rect,
    /// Time, frame, speed.
    pub(crate) status: Rect,
    /// The lanes that are shown.
    pub(crate) groups: &'static [lanes::Group],
}

impl Layout {
    /// The part of the lanes that is time: right of their names.
    pub(crate) fn bar(&self) -> Rect {
        let left = lanes::NAME_WIDTH.min(self.lanes.width);
        Rect { x: self.lanes.x + left, width: self.lanes.width.saturating_sub(left + 1), ..self.lanes }
    }
}

/// Places everything, or nothing when the terminal is too small.
pub(crate) fn layout((width, height): (u16, u16)) -> Option<Layout> {
    if width < MIN_WIDTH || height < MIN_HEIGHT {
        return None;
    }
    let roomy = height >= ROOMY_FROM;
    let groups = match height {
        ROOMY_FROM.. => lanes::FULL,
        GROUPED_FROM.. => lanes::GROUPED,
        _ => lanes::ONE,
    };
    let air = u16::from(roomy);
    let side_width = if width >= SIDE_FROM { (width * 3 / 10).clamp(28, 60) } else { 0 };
    let lanes_height = 1 + groups.len() as u16;
    let row = |y: u16, height: u16| Rect::new(0, y, width, height);
    let status = row(height - 1, 1);
    let lanes = row(status.y - air - lanes_height, lanes_height);
    let input = row(lanes.y - air - 1, 1);
    let top = 1;
    let main = row(top, input.y - air - top);
    let picture_width = width - side_width;
    Some(Layout {
        head: row(0, 1),
        picture: Rect { width: picture_width, height: main.height - 1, ..main },
        caption: Rect { y: main.bottom() - 1, width: picture_width, height: 1, ..main },
        side: Rect { x: picture_width, width: side_width, ..main },
        input,
        lanes,
        status,
        groups,
    })
}

/// Draws the player.
pub(crate) fn draw(app: &App<'_>, frame: &mut Frame<'_>) {
    let area = frame.area();
    let buf = frame.buffer_mut();
    buf.set_style(area, app.theme.base());
    let Some(layout) = layout((area.width, area.height)) else {
        too_small(app, area, buf);
        return;
    };
    head(app, layout.head, buf);
    // A graphics picture lies over the cells: the help would be under it.
    picture::draw(app, layout.picture, buf, app.covered());
    picture::caption(app, layout.caption, buf);
    if layout.side.width > 0 {
        detail::draw(app, layout.side, buf);
    }
    input::draw(app, layout.input, buf);
    timeline::draw(app, &layout, buf);
    status::draw(app, layout.status, buf);
    match app.mode {
        Mode::Help(first) => help::draw(app, first, area, buf),
        _ => popup::draw(app, area, buf),
    }
}

/// What says without a colour how something is meant.
fn tone_sign(tone: Tone) -> &'static str {
    match tone {
        Tone::Plain => "",
        Tone::Good => "✓ ",
        Tone::Warn => "! ",
        Tone::Bad => "✗ ",
    }
}

fn head(app: &App<'_>, area: Rect, buf: &mut Buffer) {
    let theme = app.theme;
    buf.set_style(area, theme.surface());
    let state = format!(" {} ", app.summary.state);
    let state_width = if app.summary.state.is_empty() { 0 } else { width(&state).min(area.width / 3) };
    let used = put(buf, area, 1, "watchcap", theme.accent());
    let help = "? help";
    let until = area.width.saturating_sub(state_width + 1 + width(help));
    put(buf, area, until, help, theme.faint());
    let room = until.saturating_sub(2);
    let used = put_within(buf, area, used + 2, room, &app.summary.title, theme.text());
    put_within(buf, area, used + 2, room, place_of(&app.summary.title, &app.summary.path), theme.dim());
    put(buf, area, area.width - state_width, &state, theme.state());
}

/// Where a recording is, without its name, which stands before it.
fn place_of<'a>(title: &str, path: &'a str) -> &'a str {
    let path = path.trim_end_matches('/');
    match path.strip_suffix(title) {
        Some("") => "",
        Some(folder) if folder.ends_with('/') => folder,
        _ => path,
    }
}

fn too_small(app: &App<'_>, area: Rect, buf: &mut Buffer) {
    let lines = vec![
        Line::styled("terminal too small", app.theme.playhead()),
        Line::styled(format!("{}×{} of {MIN_WIDTH}×{MIN_HEIGHT}", area.width, area.height), app.theme.dim()),
        Line::styled("q quits", app.theme.dim()),
    ];
    let height = (lines.len() as u16).min(area.height);
    let middle = Rect { y: area.y + (area.height - height) / 2, height, ..area };
    Paragraph::new(lines).alignment(Alignment::Center).render(middle, buf);
}

/// Columns that a text takes.
fn width(text: &str) -> u16 {
    u16::try_from(Span::raw(text).width()).unwrap_or(u16::MAX)
}

/// Writes on the first line of an area, from a column of it on; returns the column after it.
fn put(buf: &mut Buffer, area: Rect, at: u16, text: &str, style: Style) -> u16 {
    put_within(buf, area, at, area.width, text, style)
}

/// Like [`put`], but ends before the column `until`, with an ellipsis where something is left out.
fn put_within(buf: &mut Buffer, area: Rect, at: u16, until: u16, text: &str, style: Style) -> u16 {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_said_once() {
        assert_eq!((place_of("s", "s"), place_of("s", "s/"), place_of("s", "~/r/s")), ("", "", "~/r/"));
        assert_eq!((place_of("s", "~/rs"), place_of("", "~/r"), place_of("s", "/s")), ("~/rs", "~/r", "/"));
    }

    #[test]
    fn parts_lie_inside_the_terminal_and_never_over_each_other() {
        for width in (MIN_WIDTH..260).step_by(7).chain([u16::MAX / 4]) {
            for height in (MIN_HEIGHT..100).chain([1000]) {
                let layout = layout((width, height)).expect("large enough");
                let parts = [
                    layout.head,
                    layout.picture,
                    layout.caption,
                    layout.side,
                    layout.input,
                    layout.lanes,
                    layout.status,
                ];
                for (i, part) in parts.iter().enumerate() {
                    assert!(part.right() <= width && part.bottom() <= height, "{width}×{height}: {part:?}");
                    assert!(parts.iter().skip(i + 1).all(|other| !part.intersects(*other)), "{width}×{height}: {i}");
                }
                assert!(layout.picture.height >= 3 && layout.bar().width >= 20, "{width}×{height}: {layout:?}");
            }
        }
        assert_eq!(layout((MIN_WIDTH - 1, 100)), None);
        assert_eq!(layout((100, MIN_HEIGHT - 1)), None);
    }
}
