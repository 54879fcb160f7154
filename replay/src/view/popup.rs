//! The choices that come up over the screen: which verdict, what to export.
//!
//! Says what each key would do right now, and why one cannot be chosen. What the keys do is in `update.rs`.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::cells::{put, put_within, width};
use super::framed::framed;
use super::lanes::remark_sign;
use crate::app::{App, Mode};
use crate::keys::{TAKES, Take, VERDICTS};
use crate::text::clock;

/// Draws the choice that is open, if one is.
pub(crate) fn draw(app: &App<'_>, area: Rect, buf: &mut Buffer) {
    let hours = app.player.length() >= 3_600_000_000_000;
    let since = |t_ns: i64| clock(t_ns.abs_diff(app.player.start()), hours);
    let range = app.range_set().map(|(a, b)| format!("A–B {} – {}", since(a), since(b)));
    let (title, about, choices) = match app.mode {
        Mode::Verdict => {
            let mut about = vec![range.unwrap_or_else(|| "on all of it (a and b: on a part)".into())];
            if app.summary.provisional {
                about.push("not sealed yet: the session that is made of it".into());
                about.push("needs a verdict of its own".into());
            }
            if app.place.is_some() {
                about.push("in capitals: no note, and on to the next".into());
            }
            let choice =
                |(key, verdict, says): (char, _, &str)| (key, format!("{} {says}", remark_sign(Some(verdict))), true);
            (" verdict ", about, VERDICTS.map(choice).to_vec())
        }
        Mode::Export => {
            let free = app.exporting.is_none();
            let frame = app.frame.map(|(index, _)| index);
            let picture = frame.map_or("picture: no frame here".into(), |index| format!("frame {index} as PNG"));
            let excerpt = match range {
                Some(range) => format!("excerpt: video, events, subtitles, {range}"),
                None => "excerpt: set A with a and B with b first".into(),
            };
            let choices = TAKES.into_iter().filter_map(|(key, take, says)| match take {
                Take::Frame => Some((key, picture.clone(), free && frame.is_some())),
                Take::Excerpt => Some((key, excerpt.clone(), free && app.range_set().is_some())),
                Take::Cancel => (!free).then(|| (key, says.to_owned(), true)),
            });
            (" export ", Vec::new(), choices.collect())
        }
        _ => return,
    };
    let theme = app.theme;
    let longest = choices
        .iter()
        .map(|(_, says, _)| width(says) + 4)
        .chain(about.iter().map(|line| width(line)))
        .max()
        .unwrap_or(0);
    let lines = (choices.len() + about.len()) as u16;
    let inner = framed(theme, area, (longest + 4, lines + 2), (title, " Esc: nothing "), buf);
    let mut rows = inner.rows();
    for line in &about {
        let Some(row) = rows.next() else { break };
        put_within(buf, row, 1, row.width, line, theme.dim());
    }
    for ((key, says, open), row) in choices.iter().zip(rows) {
        put(buf, row, 1, &key.to_string(), if *open { theme.playhead() } else { theme.faint() });
        put_within(buf, row, 4, row.width, says, if *open { theme.text() } else { theme.faint() });
    }
}
