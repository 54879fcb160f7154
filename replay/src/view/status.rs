//! The status line: playing or not, how fast, where in time, which frame; or the line that is typed.
//!
//! What does not fit is left out from the least important on; nothing is cut in the middle.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::cells::{put, put_within, width};
use crate::app::{App, Heard, Mode};
use crate::goto::NOTATION;
use crate::prompt::{Asks, Prompt};
use crate::text::{clock, grouped, wall};

/// A part of the line.
struct Part {
    text: String,
    style: Style,
    /// Lower goes first when there is no room.
    rank: u8,
}

/// Draws the line: what is typed, while something is.
pub(crate) fn draw(app: &App<'_>, area: Rect, buf: &mut Buffer) {
    buf.set_style(area, app.theme.surface());
    if let Mode::Prompt(prompt) = &app.mode {
        typed(app, prompt, area, buf);
        return;
    }
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

/// Draws a line that is typed: what it is for, the text with its caret, and what is wrong or can be typed.
fn typed(app: &App<'_>, prompt: &Prompt, area: Rect, buf: &mut Buffer) {
    let theme = app.theme;
    let hours = app.player.length() >= 3_600_000_000_000;
    let since = |t_ns: i64| clock(t_ns.abs_diff(app.player.start()), hours);
    let (name, hint) = match prompt.asks {
        Asks::Goto => ("go to".to_owned(), NOTATION.to_owned()),
        Asks::Search => {
            ("search".to_owned(), "key:KeyQ  type:wheel  window:mail  text  -not  \"two words\"".to_owned())
        }
        Asks::Note { verdict: None, from_ns, .. } => {
            (format!("mark {}", since(from_ns)), "a note, or just Enter".into())
        }
        Asks::Note { verdict: Some(verdict), from_ns, until_ns } => {
            let whole = (from_ns, until_ns) == (app.player.start(), app.player.end());
            let what = if whole { "all".into() } else { format!("{}–{}", since(from_ns), since(until_ns)) };
            (format!("{} {what}", verdict.word()), "a note, or just Enter; Esc: no verdict".into())
        }
    };
    let mut at = put(buf, area, 0, &format!(" {name} "), theme.state()) + 1;
    let (before, after) = prompt.parts();
    // Of a long text the end before the caret is seen.
    let room = usize::from(area.width.saturating_sub(at + 1));
    let mut seen = before.as_str();
    while usize::from(width(seen)) > room {
        let mut chars = seen.chars();
        chars.next();
        seen = chars.as_str();
    }
    at = put(buf, area, at, seen, theme.text());
    let mut rest = after.chars();
    let under = rest.next().map_or(" ".into(), |c| c.to_string());
    at = put(buf, area, at, &under, theme.paused());
    at = put_within(buf, area, at, area.width, rest.as_str(), theme.text());
    match &prompt.problem {
        Some(problem) => drop(put_within(buf, area, at + 2, area.width, problem, theme.error())),
        None => drop(put_within(buf, area, at + 2, area.width, &hint, theme.dim())),
    }
}

/// How far the clocks ran apart: what rounds to nothing has no sign.
fn drift_words(ppm: f64) -> String {
    let figure = format!("{ppm:+.1}");
    let zero = figure.ends_with("0.0") && figure.len() == 4;
    format!("drift {} ppm", if zero { "0.0" } else { &figure })
}

fn parts(app: &App<'_>) -> Vec<Part> {
    let theme = app.theme;
    let player = &app.player;
    let hours = player.length() >= 3_600_000_000_000;
    let (sign, chip) = if app.runs() { ("▶", theme.playing()) } else { ("❚❚", theme.paused()) };
    let mut parts = Vec::with_capacity(8);
    let mut part = |rank: u8, text: String, style: Style| parts.push(Part { text, style, rank });
    // Both signs take the same room, so that nothing moves when the player starts.
    part(9, format!(" {sign:<2} {:<5}", player.speed_name()), chip);
    part(8, clock(player.elapsed(), hours), theme.playhead());
    part(4, format!("/ {}", clock(player.length(), hours)), theme.dim());
    if let Some((number, of)) = app.part_of {
        let room = of.to_string().len();
        part(5, format!("part {number:>room$} of {of}"), theme.text());
    }
    if app.follow {
        let paused = app.state.paused;
        part(8, if paused { " LIVE, paused " } else { " LIVE " }.to_owned(), theme.alert());
    }
    if app.heard == Heard::On {
        // A stopped player is silent by itself; at another speed it has to be said.
        let silent = app.player.playing() && !app.audible();
        part(8, if silent { "♪ at 1×" } else { "♪" }.to_owned(), if silent { theme.dim() } else { theme.playhead() });
    }
    if app.player.repeat().is_some() {
        part(8, "A–B".to_owned(), theme.playhead());
    }
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
    if let Some(drift) = app.summary.drift_ppm {
        part(2, drift_words(drift), theme.dim());
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::drift_words;

    #[test]
    fn no_drift_has_no_sign() {
        let words = [-0.04, 0.0, -0.0, 0.06, -1.26].map(drift_words);
        assert_eq!(
            words,
            ["drift 0.0 ppm", "drift 0.0 ppm", "drift 0.0 ppm", "drift +0.1 ppm", "drift -1.3 ppm"].map(str::to_owned)
        );
    }
}
