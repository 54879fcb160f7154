//! The player's line of keys: which ones are named, by what the player is doing.
//!
//! Invariant: what a key is called is looked up in the tables that the dispatcher reads, so the line cannot say another key than the one
//! that does it. An action without a key is not named.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{help, hints};
use crate::app::{App, Heard, Mode};
use crate::keys::{Action, BINDINGS, Chord, Goal, Key, LENS, TAKES, Take, VERDICTS, key_of};
use crate::lens::Scale;
use crate::timeline::Lane;

/// Keys and their word.
type Hint = (String, String);

/// A word for actions, with their keys.
fn hint(actions: &[Action], says: &str) -> Hint {
    let keys: Vec<String> = actions.iter().filter_map(|action| key_of(BINDINGS, action)).collect();
    (keys.join(" "), says.to_owned())
}

/// A word for a key that is no action: of a prompt or of a choice.
fn plain(key: Key, says: &str) -> Hint {
    (Chord::plain(key).name(), says.to_owned())
}

/// What is named from the left, most useful first, and what always stands at the right.
pub(crate) fn of(app: &App<'_>) -> (Vec<Hint>, Vec<Hint>) {
    let close = if app.place.is_some() { "list" } else { "quit" };
    let always = vec![hint(&[Action::Help], "help"), hint(&[Action::Close], close)];
    match &app.mode {
        Mode::Help(first) => {
            let ways = [(*first > 0, Key::Up, "back"), (*first < help::length(app.size), Key::Down, "more")];
            let hints = ways.into_iter().filter(|(can, ..)| *can).map(|(_, key, says)| plain(key, says));
            (hints.collect(), vec![plain(Key::Esc, "close")])
        }
        Mode::Prompt(_) => (vec![plain(Key::Enter, "done")], vec![plain(Key::Esc, "give up")]),
        Mode::Verdict => {
            let word = |(key, verdict, _): (char, crate::timeline::Verdict, _)| plain(Key::Char(key), verdict.word());
            let mut hints = VERDICTS.map(word).to_vec();
            if app.place.is_some() {
                let capitals = VERDICTS.map(|(key, ..)| key.to_ascii_uppercase().to_string());
                hints.push((capitals.join(" "), "the same, and on to the next".into()));
            }
            (hints, vec![plain(Key::Esc, "nothing")])
        }
        Mode::Export => {
            let open = |take| match take {
                Take::Cancel => app.exporting.is_some(),
                Take::Frame => app.exporting.is_none() && app.frame.is_some(),
                Take::Excerpt => app.exporting.is_none() && app.range_set().is_some(),
            };
            let hints = TAKES.into_iter().filter(|(_, take, _)| open(*take));
            let hints = hints.map(|(key, _, says)| plain(Key::Char(key), says)).collect();
            (hints, vec![plain(Key::Esc, "nothing")])
        }
        Mode::Normal => (normal(app), always),
    }
}

fn normal(app: &App<'_>) -> Vec<Hint> {
    let lane = |lane, by| Action::Jump(Goal::Lane(lane), by);
    let mut hints = Vec::with_capacity(16);
    if app.searching.as_ref().is_some_and(|search| !search.missed) {
        hints.push(hint(&[Action::Back], "stop searching"));
    }
    if let Some(lens) = app.lens {
        let moves = [Action::Lens(-1, 0), Action::Lens(1, 0), Action::Lens(0, -1), Action::Lens(0, 1)];
        let keys: Vec<String> = moves.iter().filter_map(|action| key_of(LENS, action)).collect();
        hints.push((keys.join(" "), "another part".into()));
        if !lens.follows {
            hints.extend(key_of(LENS, &Action::LensFollow).map(|key| (key, "to the pointer".into())));
        }
        hints.push(hint(&[Action::Magnify], if lens.scale == Scale::One { "larger" } else { "all of it" }));
    }
    hints.push(hint(&[Action::Toggle], if app.player.playing() || app.follow { "pause" } else { "play" }));
    if app.filter.is_some() {
        hints.push(hint(&[Action::Jump(Goal::Listed, 1), Action::Jump(Goal::Listed, -1)], "match"));
        hints.push(hint(&[Action::Back], "all rows"));
    }
    if app.range_set().is_some() {
        let repeats = app.player.repeat().is_some();
        hints.push(hint(&[Action::Loop], if repeats { "end the loop" } else { "loop" }));
        hints.push(hint(&[Action::ForgetRange], "forget A–B"));
    }
    if app.player.playing() {
        hints.push(hint(&[Action::Faster, Action::Slower], "speed"));
    } else if app.lens.is_none() {
        hints.push(hint(&[Action::Frame(-1), Action::Frame(1)], "frame"));
    }
    match app.heard {
        Heard::Never => {}
        Heard::Muted => hints.push(hint(&[Action::Sound], "sound")),
        Heard::On => hints.push(hint(&[Action::Sound], "mute")),
    }
    if app.summary.live && !app.follow {
        hints.push(hint(&[Action::End], "follow"));
    }
    if app.can.0 {
        hints.push(hint(&[Action::Verdict], "verdict"));
    }
    if app.place.is_some() {
        hints.push(hint(&[Action::Recording(1), Action::Recording(-1)], "next, previous"));
    }
    if !app.given.is_empty() || app.place.is_some_and(|place| place.undo) {
        hints.push(hint(&[Action::Undo], "undo"));
    }
    if app.can.0 {
        hints.push(hint(&[Action::Mark], "mark"));
    }
    hints.push(hint(&[lane(Lane::Key, 1), lane(Lane::Click, 1), lane(Lane::Gap, 1)], "key, click, gap"));
    hints.push(hint(&[Action::Goto], "go to"));
    hints.push(hint(&[Action::Search], "search"));
    if app.range_set().is_none() {
        hints.push(hint(&[Action::SetA, Action::SetB], "A–B"));
    }
    if app.can.1 {
        hints.push(hint(&[Action::Export], "export"));
    }
    if app.lens.is_none() && app.summary.width > 0 {
        hints.push(hint(&[Action::Magnify], "magnify"));
    }
    if app.zoom.is_whole() {
        hints.push(hint(&[Action::Zoom(1)], "zoom"));
    } else {
        hints.push(hint(&[Action::Zoom(1), Action::Zoom(-1)], "zoom"));
    }
    if app.lens.is_none() {
        hints.push(hint(&[Action::Panel], "details"));
    }
    hints
}

/// Draws the line.
pub(crate) fn draw(app: &App<'_>, area: Rect, buf: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    buf.set_style(area, app.theme.base());
    let (hints, last) = of(app);
    hints::draw(app.theme, area, &hints, &last, buf);
}
