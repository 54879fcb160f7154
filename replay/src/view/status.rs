//! The status line: playing or not, how fast, where in time, which frame.
//!
//! What does not fit is left out from the least important on; nothing is cut in the middle.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{put, width};
use crate::app::App;
use crate::text::{clock, grouped, wall};

/// A part of the line.
struct Part {
    text: String,
    style: Style,
    /// Lower goes first when there is no room.
    rank: u8,
}

/// Draws the line.
pub(crate) fn draw(app: &App<'_>, area: Rect, buf: &mut Buffer) {
    buf.set_style(area, app.theme.surface());
    let mut parts = parts(app);
    let needed = |parts: &[Part]| parts.iter().map(|part| width(&part.text) + 2).sum::<u16>();
    while needed(&parts) > area.width + 1 {
        let Some(least) = parts.iter().enumerate().min_by_key(|(_, part)| part.rank).map(|(i, _)| i) else { break };
        parts.remove(least);
    }
    let mut at = 0;
    for part in &parts {
        at = put(buf, area, at, &part.text, part.style) + 2;
    }
}

fn parts(app: &App<'_>) -> Vec<Part> {
    let theme = app.theme;
    let player = &app.player;
    let hours = player.length() >= 3_600_000_000_000;
    let (sign, chip) = if player.playing() { ("▶", theme.playing()) } else { ("❚❚", theme.paused()) };
    let mut parts = Vec::with_capacity(8);
    let mut part = |rank: u8, text: String, style: Style| parts.push(Part { text, style, rank });
    // Both signs take the same room, so that nothing moves when the player starts.
    part(9, format!(" {sign:<2} {:<5}", player.speed_name()), chip);
    part(8, clock(player.elapsed(), hours), theme.playhead());
    part(4, format!("/ {}", clock(player.length(), hours)), theme.dim());
    if let Some(start) = app.summary.start_utc_ns {
        let now = start.saturating_add(i64::try_from(player.elapsed()).unwrap_or(i64::MAX));
        let (date, time) = wall(now);
        part(1, date, theme.dim());
        part(3, time, theme.dim());
    }
    let total = grouped(app.summary.frames);
    let index = app.frame.map_or("–".to_owned(), |(index, _)| grouped(index));
    let index_width = usize::from(width(&total));
    part(7, format!("frame {index:>index_width$}/{total}"), theme.text());
    if let Some((_, info)) = app.frame {
        let flag = match (info.keyframe, info.duplicate) {
            (_, true) => "dup",
            (true, false) => "key",
            (false, false) => "   ",
        };
        part(6, flag.to_owned(), theme.flag());
    }
    if let Some(fps) = app.fps {
        part(5, format!("{fps:>5.1} fps"), theme.dim());
    }
    parts
}
