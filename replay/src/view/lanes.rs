//! The lanes of the timeline: what happened when, in the part of the session that is shown, as bars.
//!
//! Owns which lanes share a line at which height, how a count becomes a bar, and the signs of what is the matter with a span of
//! time, which lie over the bars. Does not know where the playhead is.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::cells::put;
use crate::app::App;
use crate::theme::Theme;
use crate::timeline::{Density, Lane, Level, SpanKind, Verdict};

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
    /// The spans that lie over it.
    spans: &'static [SpanKind],
    /// What reviewers said lies over it.
    remarks: bool,
}

const fn group(name: &'static str, lanes: &'static [Lane]) -> Group {
    Group { name, lanes, spans: &[], remarks: false }
}

/// Every kind of span.
const ANY: &[SpanKind] = &[SpanKind::Dropped, SpanKind::Gap, SpanKind::Redacted, SpanKind::Paused];

const KEYS: Group = Group { spans: &[SpanKind::Redacted, SpanKind::Paused], ..group("keys", &[Lane::Key]) };
const CLICKS: Group = group("clicks", &[Lane::Click]);
const WHEEL: Group = group("wheel", &[Lane::Wheel]);
const MOTION: Group = group("motion", &[Lane::Motion]);
const PADS: Group = group("pads", &[Lane::Pad, Lane::Stick]);
const FOCUS: Group = group("focus", &[Lane::Focus]);
const MARKS: Group = Group { remarks: true, ..group("marks", &[Lane::Mark]) };
const OTHER: Group = group("other", &[Lane::System]);
const FRAMES: Group = Group { spans: &[SpanKind::Dropped, SpanKind::Paused], ..group("frames", &[Lane::Frame]) };
const GAPS: Group = Group { spans: ANY, ..group("gaps", &[Lane::Gap]) };

/// Lines for a tall terminal.
pub(crate) const FULL: &[Group] = &[KEYS, CLICKS, WHEEL, MOTION, FOCUS, MARKS, OTHER, FRAMES, GAPS];
/// The same for a recording with gamepads.
pub(crate) const FULL_WITH_PADS: &[Group] = &[KEYS, CLICKS, WHEEL, MOTION, PADS, FOCUS, MARKS, OTHER, FRAMES, GAPS];
/// Lines for a usual one.
pub(crate) const GROUPED: &[Group] = &[
    group("keys", &[Lane::Key, Lane::Pad]),
    group("mouse", &[Lane::Click, Lane::Wheel, Lane::Motion, Lane::Stick]),
    Group { remarks: true, ..group("other", &[Lane::Gap, Lane::Mark, Lane::Focus, Lane::System]) },
    Group { spans: ANY, ..group("frames", &[Lane::Frame]) },
];
/// The line for a low one.
pub(crate) const ONE: &[Group] = &[Group {
    spans: &[SpanKind::Dropped, SpanKind::Gap],
    ..group(
        "input",
        &[Lane::Gap, Lane::Mark, Lane::Key, Lane::Click, Lane::Wheel, Lane::Pad, Lane::Motion, Lane::Stick],
    )
}];

/// The sign of a span: what says it without its colour.
pub(crate) const fn span_sign(kind: SpanKind) -> &'static str {
    match kind {
        SpanKind::Dropped => "╳",
        SpanKind::Gap => "░",
        SpanKind::Redacted => "▒",
        SpanKind::Paused => "‖",
    }
}

/// The sign of frames most of which repeat the one before.
pub(crate) const DUPLICATES: &str = "≈";

/// The sign of a remark.
pub(crate) const fn remark_sign(verdict: Option<Verdict>) -> &'static str {
    match verdict {
        None => "★",
        Some(Verdict::Accept) => "✓",
        Some(Verdict::Reject) => "✗",
        Some(Verdict::Look) => "?",
    }
}

/// Height of a bar for a count, 1–8, for the largest count of its line. Logarithmic: a single click must be seen beside a
/// thousand motions.
fn level(count: u64, max: u64) -> usize {
    let share = (count as f64).ln_1p() / (max.max(1) as f64).ln_1p();
    ((share * BARS.len() as f64).ceil() as usize).clamp(1, BARS.len())
}

/// The quietest sound that has a bar, decibels of full scale.
const QUIETEST_DB: f64 = -60.0;
/// A peak from here on is as loud as can be: it may be cut off.
const FULL_SCALE: u16 = 32_766;

/// The sign of a level, and how it looks.
fn sounds(level: Level, theme: Theme) -> (&'static str, Style) {
    let peak = match level {
        Level::Unknown => return ("·", theme.track()),
        Level::Missing => return (span_sign(SpanKind::Gap), theme.span(SpanKind::Gap)),
        Level::Peak(peak) => peak,
    };
    let db = 20.0 * (f64::from(peak) / 32_768.0).log10();
    if db < QUIETEST_DB {
        return (BARS[0], theme.track());
    }
    let bar = ((1.0 - db / QUIETEST_DB) * BARS.len() as f64).ceil() as usize;
    let style = if peak >= FULL_SCALE { theme.lane(Lane::Gap) } else { theme.lane(Lane::Motion) };
    (BARS[bar.clamp(1, BARS.len()) - 1], style)
}

/// Draws the lane of sound: the peak of each column, in decibels.
pub(crate) fn sound(app: &App<'_>, row: Rect, bar: Rect, buf: &mut Buffer) {
    put(buf, row, 1, "sound", app.theme.dim());
    let parts = app.levels.as_ref().map(|levels| levels.parts.as_slice()).unwrap_or_default();
    for x in 0..bar.width {
        let level = parts.get(usize::from(x)).copied().unwrap_or_default();
        let (sign, style) = sounds(level, app.theme);
        buf.set_string(bar.x + x, bar.y, sign, style);
    }
}

/// Draws the lines, one row each from the top of `area`; `bar` is the part of it that is time.
pub(crate) fn draw(app: &App<'_>, groups: &[Group], area: Rect, bar: Rect, buf: &mut Buffer) {
    for (row, group) in area.rows().zip(groups) {
        put(buf, row, 1, group.name, app.theme.dim());
        let bar = Rect { y: row.y, height: 1, ..bar };
        bars(app, &app.density, group, bar, buf);
        let zoom = app.zoom;
        for span in app.spans.spans.iter().filter(|span| group.spans.contains(&span.kind)) {
            if let Some((first, last)) = zoom.columns(span.from_ns, span.until_ns, bar.width) {
                for x in first..=last {
                    buf.set_string(bar.x + x, bar.y, span_sign(span.kind), app.theme.span(span.kind));
                }
            }
        }
        for remark in app.remarks.iter().filter(|_| group.remarks) {
            let Some((first, last)) = zoom.columns(remark.from_ns, remark.until_ns, bar.width) else { continue };
            let style = app.theme.verdict(remark.verdict);
            for x in first..=last {
                // What happened stays to be seen inside a span; its ends say what was thought of it.
                if x == first || x == last || buf[(bar.x + x, bar.y)].symbol() == "·" {
                    let sign = if x == first || x == last { remark_sign(remark.verdict) } else { "─" };
                    buf.set_string(bar.x + x, bar.y, sign, style);
                }
            }
        }
    }
}

/// Draws the bars of a line.
fn bars(app: &App<'_>, density: &Density, group: &Group, bar: Rect, buf: &mut Buffer) {
    let sum =
        |counts: &[u32; Lane::ALL.len()]| group.lanes.iter().map(|lane| u64::from(counts[lane.index()])).sum::<u64>();
    let max = density.counts.iter().take(usize::from(bar.width)).map(sum).max().unwrap_or(0);
    for x in 0..bar.width {
        let counts = density.counts.get(usize::from(x));
        let first = counts.and_then(|counts| group.lanes.iter().find(|lane| counts[lane.index()] > 0));
        let repeated = u64::from(density.duplicates.get(usize::from(x)).copied().unwrap_or(0));
        let (symbol, style) = match (counts, first) {
            (Some(counts), Some(Lane::Frame)) if repeated * 2 > sum(counts) => (DUPLICATES, app.theme.duplicate()),
            (Some(counts), Some(lane)) => (BARS[level(sum(counts), max) - 1], app.theme.lane(*lane)),
            _ => ("·", app.theme.track()),
        };
        buf.set_string(bar.x + x, bar.y, symbol, style);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theme::{Colours, Look};

    #[test]
    fn every_lane_is_shown_when_there_is_room() {
        for groups in [FULL_WITH_PADS, GROUPED] {
            for lane in Lane::ALL {
                assert_eq!(groups.iter().filter(|group| group.lanes.contains(&lane)).count(), 1, "{lane:?}");
            }
        }
        for group in FULL.iter().chain(FULL_WITH_PADS).chain(GROUPED).chain(ONE) {
            assert!(group.name.len() + 2 <= usize::from(NAME_WIDTH));
        }
    }

    #[test]
    fn levels_are_bars_in_decibels_and_what_is_missing_is_no_silence() {
        let theme = Theme::new(Colours::True, Look::Dark);
        let sign = |level| sounds(level, theme).0;
        assert_eq!((sign(Level::Peak(32_767)), sign(Level::Peak(0)), sign(Level::Unknown)), ("█", "▁", "·"));
        // Half of the scale of -60 dB.
        assert_eq!((sign(Level::Peak(1036)), sign(Level::Missing)), ("▄", "░"));
        let loud = |peak| sounds(Level::Peak(peak), theme).1;
        assert_ne!(loud(32_767), loud(32_000), "what may be cut off looks otherwise");
    }

    #[test]
    fn a_single_event_is_seen_beside_a_million() {
        assert_eq!((level(1, 1_000_000), level(1, 1), level(1_000_000, 1_000_000)), (1, 8, 8));
        assert!(level(1000, 1_000_000) >= 4);
    }
}
