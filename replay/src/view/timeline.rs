//! The timeline: a ruler of session time, the lanes under it, the range A–B on it, and the playhead through all of it.
//!
//! Owns the ticks of the ruler. The arithmetic between time and columns is [`crate::zoom::Zoom`]'s, what is in the lanes the
//! business of `lanes.rs`.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::cells::width;
use super::lanes;
use super::layout::Layout;
use crate::app::App;
use crate::text::tick;

/// Distances between ticks, milliseconds: what people count in.
const STEPS: [u64; 25] = [
    1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000,
    900_000, 1_800_000, 3_600_000, 7_200_000, 10_800_000, 21_600_000,
];
/// Nanoseconds of a millisecond.
const MS: u64 = 1_000_000;
/// Columns that a tick with its label needs.
const TICK_WIDTH: u64 = 11;

/// Draws the ruler, the lanes and the playhead.
pub(crate) fn draw(app: &App<'_>, layout: &Layout, buf: &mut Buffer) {
    let bar = layout.bar();
    let ruler_row = Rect { height: 1, ..bar };
    let below = |area: Rect| Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    lanes::draw(app, layout.groups, below(layout.lanes), below(bar), buf);
    if layout.sound {
        // Below the last of the lanes.
        let last = |area: Rect| Rect { y: area.bottom() - 1, height: 1, ..area };
        lanes::sound(app, last(layout.lanes), last(bar), buf);
    }
    let playhead = app.zoom.column(app.player.at(), bar.width);
    let ends = [app.range.0, app.range.1].into_iter().flatten().filter_map(|at| app.zoom.column(at, bar.width));
    ruler(app, ruler_row, &playhead.into_iter().chain(ends).collect::<Vec<_>>(), buf);
    range(app, ruler_row, buf);
    if !app.zoom.is_whole() {
        // What is not shown at a side is said there.
        let hidden = app.theme.playhead();
        if app.zoom.from() > app.player.start() {
            buf.set_string(bar.x.saturating_sub(1), bar.y, "‹", hidden);
        }
        if app.zoom.until() < app.player.end() {
            buf.set_string(bar.right(), bar.y, "›", hidden);
        }
    }
    let Some(x) = playhead.map(|x| bar.x + x) else { return };
    buf.set_string(x, bar.y, "▼", app.theme.playhead());
    for y in bar.y + 1..bar.bottom() {
        let cell = &mut buf[(x, y)];
        if cell.symbol() == "·" {
            cell.set_symbol("│");
        }
        cell.set_style(app.theme.playhead());
        cell.set_style(app.theme.playhead_column());
    }
}

/// Draws the range A–B over the ruler; an end that was not said yet is missing.
fn range(app: &App<'_>, area: Rect, buf: &mut Buffer) {
    let (a, b) = app.range;
    if let Some((from, until)) = app.range_set()
        && let Some((first, last)) = app.zoom.columns(from, until, area.width)
    {
        let place = Rect { x: area.x + first, width: last - first + 1, ..area };
        buf.set_style(place, app.theme.range());
    }
    for (name, at) in [("A", a), ("B", b)] {
        if let Some(x) = at.and_then(|at| app.zoom.column(at, area.width)) {
            buf.set_string(area.x + x, area.y, name, app.theme.state());
        }
    }
}

/// Draws ticks with their times, but not a time that one of `signs` (the playhead, A, B) would be in the middle of.
fn ruler(app: &App<'_>, area: Rect, signs: &[u16], buf: &mut Buffer) {
    let zoom = app.zoom;
    let wanted = u128::from(zoom.length()) * u128::from(TICK_WIDTH) / u128::from(area.width.max(1));
    let step = STEPS.iter().map(|ms| ms * MS).find(|step| u128::from(*step) >= wanted);
    // Beyond the last step (days), whole multiples of it.
    let step = step.unwrap_or_else(|| {
        let day = 86_400_000 * MS;
        u64::try_from(wanted / u128::from(day) + 1).unwrap_or(u64::MAX).saturating_mul(day)
    });
    let start = app.player.start();
    // The first tick at or after the left edge.
    let mut at = zoom.from().abs_diff(start).div_ceil(step).saturating_mul(step);
    while let Some(x) = start.checked_add_unsigned(at).and_then(|t_ns| zoom.column(t_ns, area.width)) {
        let label = tick(at, step);
        buf.set_string(area.x + x, area.y, "╷", app.theme.faint());
        let end = x + 1 + width(&label);
        if end <= area.width && !signs.iter().any(|sign| (x + 1..end).contains(sign)) {
            buf.set_string(area.x + x + 1, area.y, label, app.theme.dim());
        }
        match at.checked_add(step) {
            Some(next) if zoom.length() > 0 => at = next,
            _ => break,
        }
    }
    let counting = " counting… ";
    if !(app.density.complete && app.spans.complete) && width(counting) < area.width {
        buf.set_string(area.right() - width(counting), area.y, counting, app.theme.playhead());
    }
}
