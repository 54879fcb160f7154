//! Draws the whole screen of an [`App`].

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Alignment, Rect};
use ratatui::text::Line;
use ratatui::widgets::{Paragraph, Widget as _};

use super::cells::{put, put_within, width};
use super::layout::{MIN_HEIGHT, MIN_WIDTH, layout};
use super::{detail, help, input, keys, picture, popup, status, timeline};
use crate::app::{App, Mode};

/// How long a word to the person is seen, nanoseconds.
pub(crate) const NOTICE_TIME: u64 = 4_000_000_000;

/// Draws the player.
pub(crate) fn draw(app: &App<'_>, frame: &mut Frame<'_>) {
    let area = frame.area();
    let buf = frame.buffer_mut();
    buf.set_style(area, app.theme.base());
    let Some(layout) = layout((area.width, area.height), app.lens.is_some(), app.levels.is_some(), app.summary.pads)
    else {
        too_small(app, area, buf);
        return;
    };
    head(app, layout.head, layout.keys.height == 0, buf);
    // A graphics picture lies over the cells: the help would be under it.
    picture::draw(app, layout.picture, buf, app.covered());
    picture::caption(app, layout.caption, buf);
    if layout.side.width > 0 {
        detail::draw(app, layout.side, buf);
    }
    input::draw(app, layout.input, buf);
    timeline::draw(app, &layout, buf);
    status::draw(app, layout.status, buf);
    keys::draw(app, layout.keys, buf);
    match app.mode {
        Mode::Help(first) => help::draw(app, first, area, buf),
        _ => popup::draw(app, area, buf),
    }
}

fn head(app: &App<'_>, area: Rect, says_help: bool, buf: &mut Buffer) {
    let theme = app.theme;
    buf.set_style(area, theme.surface());
    let state = format!(" {} ", app.summary.state);
    let state_width = if app.summary.state.is_empty() { 0 } else { width(&state).min(area.width / 3) };
    let mut used = put(buf, area, 1, "watchcap", theme.accent());
    if let Some(place) = app.place {
        used = put(buf, area, used + 2, &format!("{}/{}", place.index + 1, place.count), theme.playhead());
    }
    // Where there is a line of keys, it says so.
    let help = if says_help { "? help" } else { "" };
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
                let layout =
                    layout((width, height), height % 2 == 0, height % 3 == 0, width % 2 == 0).expect("large enough");
                let parts = [
                    layout.head,
                    layout.picture,
                    layout.caption,
                    layout.side,
                    layout.input,
                    layout.lanes,
                    layout.status,
                    layout.keys,
                ];
                for (i, part) in parts.iter().enumerate() {
                    assert!(part.right() <= width && part.bottom() <= height, "{width}×{height}: {part:?}");
                    assert!(parts.iter().skip(i + 1).all(|other| !part.intersects(*other)), "{width}×{height}: {i}");
                }
                assert!(layout.picture.height >= 3 && layout.bar().width >= 20, "{width}×{height}: {layout:?}");
            }
        }
        assert_eq!(layout((MIN_WIDTH - 1, 100), false, false, true), None);
        assert_eq!(layout((100, MIN_HEIGHT - 1), false, true, true), None);
    }
}
