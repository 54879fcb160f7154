//! The lanes of the timeline: what happened when, over the whole session, as bars.
//!
//! Owns which lanes share a line at which height, and how a count becomes a bar. Does not know where the playhead is.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::put;
use crate::theme::Theme;
use crate::timeline::{Density, Lane};

/// Columns of the lanes' names, with the blanks around them.
pub(crate) const NAME_WIDTH: u16 = 9;
/// Bars, lowest first.
const BARS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/// A line of the lanes.
#[derive(PartialEq, Eq, Debug)]
pub(crate) struct Group {
    name: &'static str,
    /// Its lanes: counts are added up, and a bar has the colour of the first that has any.
    lanes: &'static [Lane],
}

const fn group(name: &'static str, lanes: &'static [Lane]) -> Group {
    Group { name, lanes }
}

/// Lines for a tall terminal.
pub(crate) const FULL: &[Group] = &[
    group("keys", &[Lane::Key]),
    group("clicks", &[Lane::Click]),
    group("wheel", &[Lane::Wheel]),
    group("motion", &[Lane::Motion]),
    group("focus", &[Lane::Focus]),
    group("marks", &[Lane::Mark, Lane::System]),
    group("frames", &[Lane::Frame]),
    group("gaps", &[Lane::Gap]),
];
/// Lines for a usual one.
pub(crate) const GROUPED: &[Group] = &[
    group("keys", &[Lane::Key]),
    group("mouse", &[Lane::Click, Lane::Wheel, Lane::Motion]),
    group("marks", &[Lane::Gap, Lane::Mark, Lane::Focus, Lane::System]),
    group("frames", &[Lane::Frame]),
];
/// The line for a low one.
pub(crate) const ONE: &[Group] =
    &[group("input", &[Lane::Gap, Lane::Mark, Lane::Key, Lane::Click, Lane::Wheel, Lane::Motion])];

/// Height of a bar for a count, 1–8, for the largest count of its line. Logarithmic: a single click must be seen beside a
/// thousand motions.
fn level(count: u64, max: u64) -> usize {
    let share = (count as f64).ln_1p() / (max.max(1) as f64).ln_1p();
    ((share * BARS.len() as f64).ceil() as usize).clamp(1, BARS.len())
}

/// Draws the lines, one row each from the top of `area`; `bar` is the part of it that is time.
pub(crate) fn draw(theme: Theme, density: &Density, groups: &[Group], area: Rect, bar: Rect, buf: &mut Buffer) {
    for (row, group) in area.rows().zip(groups) {
        put(buf, row, 1, group.name, theme.dim());
        let sum = |counts: &[u32; Lane::ALL.len()]| {
            group.lanes.iter().map(|lane| u64::from(counts[lane.index()])).sum::<u64>()
        };
        let buckets = density.counts.iter().take(usize::from(bar.width));
        let max = buckets.clone().map(sum).max().unwrap_or(0);
        for x in 0..bar.width {
            let counts = density.counts.get(usize::from(x));
            let first = counts.and_then(|counts| group.lanes.iter().find(|lane| counts[lane.index()] > 0));
            let (symbol, style) = match (counts, first) {
                (Some(counts), Some(lane)) => (BARS[level(sum(counts), max) - 1], theme.lane(*lane)),
                _ => ("·", theme.track()),
            };
            buf.set_string(bar.x + x, row.y, symbol, style);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_lane_is_shown_when_there_is_room() {
        for groups in [FULL, GROUPED] {
            for lane in Lane::ALL {
                assert_eq!(groups.iter().filter(|group| group.lanes.contains(&lane)).count(), 1, "{lane:?}");
            }
        }
        for group in FULL.iter().chain(GROUPED).chain(ONE) {
            assert!(group.name.len() + 2 <= usize::from(NAME_WIDTH));
        }
    }

    #[test]
    fn a_single_event_is_seen_beside_a_million() {
        assert_eq!((level(1, 1_000_000), level(1, 1), level(1_000_000, 1_000_000)), (1, 8, 8));
        assert!(level(1000, 1_000_000) >= 4);
    }
}
