//! The timeline: a ruler of session time, the lanes under it, and the playhead through both.
//!
//! Owns the arithmetic between time and columns. What is in the lanes is the business of `lanes.rs`.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Layout, lanes, width};
use crate::app::App;
use crate::text::{SECOND, tick};

/// Distances between ticks, in tenths of a second: what people count in.
const STEPS: [u64; 19] =
    [1, 2, 5, 10, 20, 50, 100, 150, 300, 600, 1_200, 3_000, 6_000, 9_000, 18_000, 36_000, 72_000, 108_000, 216_000];
/// Columns that a tick with its label needs.
const TICK_WIDTH: u64 = 11;

/// The column of an instant `elapsed` nanoseconds into a session of `length`, in a bar of `width` columns: that of the bucket
/// in which its events are counted. The last instant is in the last column.
fn column(elapsed: u64, length: u64, width: u16) -> u16 {
    let share = u128::from(elapsed.min(length)) * u128::from(width) / u128::from(length.max(1));
    share.min(u128::from(width.saturating_sub(1))) as u16
}

/// Draws the ruler, the lanes and the playhead.
pub(crate) fn draw(app: &App<'_>, layout: &Layout, buf: &mut Buffer) {
    let bar = layout.bar();
    let ruler_row = Rect { height: 1, ..bar };
    let below = |area: Rect| Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    lanes::draw(app.theme, &app.density, layout.groups, below(layout.lanes), below(bar), buf);
    let x = bar.x + column(app.player.elapsed(), app.player.length(), bar.width);
    ruler(app, ruler_row, x - bar.x, buf);
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

/// Draws ticks with their times, but not a time that the playhead would be in the middle of.
fn ruler(app: &App<'_>, area: Rect, playhead: u16, buf: &mut Buffer) {
    let length = app.player.length();
    let wanted = u128::from(length) * u128::from(TICK_WIDTH) / u128::from(area.width.max(1));
    let tenth = SECOND as u64 / 10;
    let step = STEPS.iter().map(|tenths| tenths * tenth).find(|step| u128::from(*step) >= wanted);
    // Beyond the last step (days), whole multiples of it.
    let step = step.unwrap_or_else(|| {
        let day = 864_000 * tenth;
        u64::try_from(wanted / u128::from(day) + 1).unwrap_or(u64::MAX).saturating_mul(day)
    });
    let mut at = 0_u64;
    while at <= length {
        let x = column(at, length, area.width);
        let label = tick(at, step);
        buf.set_string(area.x + x, area.y, "╷", app.theme.faint());
        let end = x + 1 + width(&label);
        if end <= area.width && !(x + 1..end).contains(&playhead) {
            buf.set_string(area.x + x + 1, area.y, label, app.theme.dim());
        }
        match at.checked_add(step) {
            Some(next) if length > 0 => at = next,
            _ => break,
        }
    }
    let counting = " counting… ";
    if !app.density.complete && width(counting) < area.width {
        buf.set_string(area.right() - width(counting), area.y, counting, app.theme.playhead());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::player::Player;

    #[test]
    fn a_click_on_the_column_of_an_instant_leads_back_to_it() {
        for (length, width) in [(1_000_000_000_u64, 70_u16), (u64::MAX, 100), (7, 33), (1, 2)] {
            let mut player = Player::new(i64::MIN, i64::MIN.wrapping_add(length as i64));
            assert_eq!(player.length(), length);
            for x in 0..width {
                player.seek_share(u64::from(x), u64::from(width));
                let back = column(player.elapsed(), length, width);
                assert!(back == x || length < u64::from(width), "{x} of {width} columns over {length} ns is at {back}");
            }
            player.seek_share(u64::from(width), u64::from(width));
            assert_eq!((player.at(), column(player.elapsed(), length, width)), (player.end(), width - 1));
        }
        assert_eq!((column(5, 0, 10), column(0, 0, 0)), (0, 0));
    }
}
