//! The help: the table of keys, as the dispatcher has it, and what the signs mean, over everything else.
//!
//! Owns how they are laid out, and how many lines there are to scroll over. The groups stay whole.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::cells::{put, put_within};
use super::detail::sign;
use super::framed::framed;
use super::lanes::{DUPLICATES, remark_sign, span_sign};
use crate::app::App;
use crate::keys::{BINDINGS, Binding, LENS};
use crate::theme::Theme;
use crate::timeline::{Lane, SpanKind, Verdict};

/// Columns of a column of the help.
const COLUMN: u16 = 39;
/// Columns of the keys in it.
const KEYS: u16 = 10;
/// What the mouse does: not in the table of keys, and said in one line where there is room for it.
const MOUSE: &str = " mouse: drag seeks, wheel zooms, picture plays, an event is gone to ";
/// The same, line by line.
const MOUSE_LINES: [(&str, &str); 4] =
    [("drag", "seeks"), ("wheel", "zooms the timeline"), ("picture", "plays or pauses"), ("event", "is gone to")];

/// A line of the help.
enum Entry {
    Heading(&'static str),
    Key(&'static Binding),
    Sign(&'static str, &'static str, fn(Theme) -> Style),
    Mouse(&'static str, &'static str),
    Blank,
}

/// What the signs mean, without their colours.
fn signs() -> Vec<Entry> {
    let event = |lane, says, style| Entry::Sign(sign(lane), says, style);
    vec![
        Entry::Heading("signs"),
        Entry::Sign(span_sign(SpanKind::Dropped), "pictures are missing", |t| t.span(SpanKind::Dropped)),
        Entry::Sign(span_sign(SpanKind::Gap), "inputs are missing", |t| t.span(SpanKind::Gap)),
        Entry::Sign(span_sign(SpanKind::Redacted), "covered, redacted", |t| t.span(SpanKind::Redacted)),
        Entry::Sign(span_sign(SpanKind::Paused), "recording was paused", |t| t.span(SpanKind::Paused)),
        Entry::Sign(DUPLICATES, "mostly repeated frames", Theme::duplicate),
        Entry::Sign(remark_sign(None), "a mark", |t| t.verdict(None)),
        Entry::Sign(remark_sign(Some(Verdict::Accept)), "accepted", |t| t.verdict(Some(Verdict::Accept))),
        Entry::Sign(remark_sign(Some(Verdict::Reject)), "rejected", |t| t.verdict(Some(Verdict::Reject))),
        Entry::Sign(remark_sign(Some(Verdict::Look)), "needs a look", |t| t.verdict(Some(Verdict::Look))),
        Entry::Blank,
        event(Lane::Key, "key", |t| t.lane(Lane::Key)),
        event(Lane::Click, "mouse button", |t| t.lane(Lane::Click)),
        event(Lane::Wheel, "wheel", |t| t.lane(Lane::Wheel)),
        event(Lane::Motion, "motion", |t| t.lane(Lane::Motion)),
        event(Lane::Pad, "gamepad button", |t| t.lane(Lane::Pad)),
        event(Lane::Stick, "stick, trigger", |t| t.lane(Lane::Stick)),
        event(Lane::Focus, "focus change", |t| t.lane(Lane::Focus)),
        event(Lane::Frame, "frame", |t| t.lane(Lane::Frame)),
        event(Lane::Gap, "gap", |t| t.lane(Lane::Gap)),
        event(Lane::System, "anything else", |t| t.lane(Lane::System)),
        Entry::Sign("▎", "belongs to this frame", Theme::playhead),
    ]
}

/// The groups, in columns: two where they fit, then of about the same length.
fn columns(width: u16) -> Vec<Vec<Entry>> {
    let mut groups: Vec<Vec<Entry>> = Vec::new();
    for binding in BINDINGS.iter().chain(LENS) {
        if let Some(heading) = binding.group {
            groups.push(vec![Entry::Heading(heading)]);
        }
        if let Some(group) = groups.last_mut() {
            group.push(Entry::Key(binding));
        }
    }
    if width < 2 * COLUMN + 2 {
        let mouse = MOUSE_LINES.into_iter().map(|(what, does)| Entry::Mouse(what, does));
        groups.push(std::iter::once(Entry::Heading("mouse")).chain(mouse).collect());
        groups.push(signs());
        return vec![groups.into_iter().flatten().collect()];
    }
    // Each group goes to the column that is shorter, the largest first; their order within it stays.
    let mut order: Vec<usize> = (0..groups.len()).collect();
    order.sort_by_key(|i| std::cmp::Reverse(groups[*i].len()));
    let mut lengths = [0, 0];
    let mut sides = vec![0; groups.len()];
    for i in order {
        sides[i] = usize::from(lengths[1] < lengths[0]);
        lengths[sides[i]] += groups[i].len();
    }
    let mut columns = vec![Vec::new(), Vec::new()];
    for (group, side) in groups.into_iter().zip(sides) {
        columns[side].extend(group);
    }
    // What the signs mean stands below the keys, half on each side.
    let longest = columns.iter().map(Vec::len).max().unwrap_or(0);
    let mut signs = signs();
    let second = signs.split_off(signs.iter().position(|entry| matches!(entry, Entry::Blank)).unwrap_or(0));
    for (column, signs) in columns.iter_mut().zip([signs, second]) {
        column.resize_with(longest, || Entry::Blank);
        column.extend(signs);
    }
    columns
}

/// The lines of the help beyond the first screen of it.
pub(crate) fn length((width, height): (u16, u16)) -> u16 {
    let lines = columns(width).iter().map(Vec::len).max().unwrap_or(0) as u16;
    lines.saturating_sub(height.saturating_sub(2))
}

/// Draws the help from a line of it on.
pub(crate) fn draw(app: &App<'_>, first: u16, area: Rect, buf: &mut Buffer) {
    let theme = app.theme;
    let columns = columns(area.width);
    let lines = columns.iter().map(Vec::len).max().unwrap_or(0) as u16;
    let height = (lines + 2).min(area.height);
    let more = lines.saturating_sub(height - 2);
    let first = first.min(more);
    let title = if more > first { " keys: ↓ for more " } else { " keys " };
    let bottom = if columns.len() > 1 { MOUSE } else { "" };
    let inner = framed(theme, area, (COLUMN * columns.len() as u16 + 2, height), (title, bottom), buf);
    for (i, column) in columns.iter().enumerate() {
        let x = inner.x + COLUMN * i as u16;
        let part = Rect { x, width: COLUMN.min(inner.right().saturating_sub(x)), ..inner };
        for (entry, line) in column.iter().skip(usize::from(first)).zip(part.rows()) {
            match entry {
                Entry::Heading(heading) => drop(put(buf, line, 1, &heading.to_uppercase(), theme.accent())),
                Entry::Key(binding) => {
                    put(buf, line, 1, binding.keys, theme.playhead());
                    put_within(buf, line, KEYS + 1, COLUMN, binding.says, theme.text());
                }
                Entry::Mouse(what, does) => {
                    put(buf, line, 1, what, theme.playhead());
                    put_within(buf, line, KEYS + 1, COLUMN, does, theme.text());
                }
                Entry::Sign(sign, says, style) => {
                    put(buf, line, 1, sign, style(theme));
                    put_within(buf, line, KEYS + 1, COLUMN, says, theme.text());
                }
                Entry::Blank => {}
            }
        }
    }
}
