//! A row in the player's words: its lane, what it says, whether a filter means it.

use std::borrow::Cow;

use watchcap_replay::{Button, Facts, Filter, HeldKey, Lane, Row, SpanKind};

use crate::session::table::row::{OwnedRow, event_type, key};

/// The lane of a row.
pub(crate) fn lane(kind: &str) -> Lane {
    match kind {
        event_type::KEY_DOWN | event_type::KEY_UP => Lane::Key,
        event_type::MOUSE_MOVE => Lane::Motion,
        event_type::MOUSE_CLICK => Lane::Click,
        event_type::WHEEL => Lane::Wheel,
        event_type::GAMEPAD_BUTTON | event_type::GAMEPAD_CONNECT | event_type::GAMEPAD_DISCONNECT => Lane::Pad,
        event_type::GAMEPAD_AXIS => Lane::Stick,
        event_type::FOCUS => Lane::Focus,
        event_type::FRAME => Lane::Frame,
        event_type::GAP => Lane::Gap,
        event_type::MARK => Lane::Mark,
        _ => Lane::System,
    }
}

/// A key's name: its W3C code, else its native number.
pub(crate) fn key_name(row: &OwnedRow) -> HeldKey {
    if row.metadata.get(key::REDACTED).is_some() { HeldKey::Redacted } else { HeldKey::Code(row.key_label()) }
}

/// A button by its name in the table.
pub(crate) fn button(name: &str) -> Option<Button> {
    Some(match name {
        "left" => Button::Left,
        "right" => Button::Right,
        "middle" => Button::Middle,
        "x1" => Button::X1,
        "x2" => Button::X2,
        _ => return None,
    })
}

/// What happened, in a few words.
pub fn describe(row: &OwnedRow) -> String {
    let get = |key: &str| row.metadata.get(key).unwrap_or_default();
    let place = || match (row.mouse_x, row.mouse_y) {
        (Some(x), Some(y)) => format!("{:.1} % {:.1} %", x * 100.0, y * 100.0),
        _ => String::new(),
    };
    match row.event_type.as_str() {
        event_type::KEY_DOWN | event_type::KEY_UP => {
            let mut text = match key_name(row) {
                HeldKey::Code(code) => code,
                HeldKey::Redacted => "redacted".into(),
            };
            text.push_str(if row.event_type == event_type::KEY_DOWN { " down" } else { " up" });
            for (flag, word) in
                [(row.repeat == Some(true), " repeat"), (row.metadata.get(key::HELD).is_some(), " held")]
            {
                if flag {
                    text.push_str(word);
                }
            }
            text
        }
        event_type::MOUSE_MOVE => match (row.mouse_dx, row.mouse_dy) {
            (Some(dx), Some(dy)) => format!("{} by {dx}, {dy}", place()),
            _ => place(),
        },
        event_type::MOUSE_CLICK => {
            let what = match row.pressed {
                Some(true) => "pressed",
                Some(false) => "released",
                None => "pressed or released",
            };
            let place = Some(place()).filter(|place| !place.is_empty()).map(|place| format!(" at {place}"));
            format!("{} {what}{}", row.mouse_button.as_deref().unwrap_or("a button"), place.unwrap_or_default())
        }
        event_type::WHEEL => {
            let delta = row.delta.unwrap_or(0.0);
            let which = match (get(key::AXIS) == "horizontal", delta < 0.0) {
                (false, false) => "up",
                (false, true) => "down",
                (true, false) => "right",
                (true, true) => "left",
            };
            format!("{which} {}", delta.abs())
        }
        event_type::GAMEPAD_BUTTON => {
            let held = if row.metadata.get(key::HELD).is_some() { " held" } else { "" };
            format!("{} {}{held}", row.pad_label(), if row.pressed == Some(true) { "pressed" } else { "released" })
        }
        event_type::GAMEPAD_AXIS => match row.value {
            Some(value) => format!("{} at {value:.3}", row.pad_label()),
            None => row.pad_label(),
        },
        event_type::GAMEPAD_CONNECT => format!("{} connected: {}", row.pad_label(), get(key::NAME)),
        event_type::GAMEPAD_DISCONNECT => format!("{} disconnected", row.pad_label()),
        event_type::FOCUS => format!("{}: {}", get(key::APP), get(key::TITLE)),
        event_type::FRAME => {
            let kind = match (row.is_keyframe == Some(true), get(key::DUP) == "1") {
                (true, _) => "keyframe ",
                (false, true) => "duplicate ",
                (false, false) => "",
            };
            format!("{} {kind}{} bytes", row.frame_ref.unwrap_or(0), get(key::BYTES))
        }
        event_type::MARK => get(key::TEXT).to_owned(),
        event_type::GAP => format!("{} {} lost {}", get(key::STREAM), get(key::REASON), get(key::LOST)),
        event_type::WINDOW => format!("{}x{} at {},{}", get(key::WIDTH), get(key::HEIGHT), get(key::X), get(key::Y)),
        event_type::REDACT => format!("{} {}", get(key::WHAT), get(key::REASON)),
        _ => String::new(),
    }
}

/// A row as a filter sees it.
struct RowFacts<'a> {
    row: &'a OwnedRow,
    /// The title of the window that is active at it, where known.
    window: Option<&'a str>,
}

impl Facts for RowFacts<'_> {
    fn lane(&self) -> Lane {
        lane(&self.row.event_type)
    }

    fn kind(&self) -> &str {
        &self.row.event_type
    }

    fn key(&self) -> Option<Cow<'_, str>> {
        match (self.lane(), key_name(self.row)) {
            (Lane::Key, HeldKey::Code(code)) => Some(Cow::Owned(code)),
            _ => None,
        }
    }

    fn window(&self) -> Option<Cow<'_, str>> {
        self.window.map(Cow::Borrowed)
    }

    fn text(&self) -> Cow<'_, str> {
        Cow::Owned(describe(self.row))
    }
}

/// The rows that match a filter, with their places; `window` is the active one before the first.
pub(crate) fn matching<'a>(
    rows: &'a [OwnedRow],
    mut window: Option<&'a str>,
    filter: &'a Filter,
) -> impl Iterator<Item = (usize, &'a OwnedRow)> {
    rows.iter().enumerate().filter(move |(_, row)| {
        if row.event_type == event_type::FOCUS {
            window = row.metadata.get(key::TITLE);
        }
        filter.matches(&RowFacts { row, window })
    })
}

/// What is the matter since or at a row, until when.
pub(crate) fn span(row: &OwnedRow) -> Option<(SpanKind, i64)> {
    let until = || row.until_ns().max(row.t_ns);
    match row.event_type.as_str() {
        event_type::GAP if row.metadata.get(key::STREAM) == Some("screen") => Some((SpanKind::Dropped, until())),
        event_type::GAP => Some((SpanKind::Gap, until())),
        event_type::REDACT => Some((SpanKind::Redacted, until())),
        _ => None,
    }
}

/// A row as a line of the event table.
pub(crate) fn shown(row: &OwnedRow) -> Row {
    Row {
        t_ns: row.t_ns,
        lane: lane(&row.event_type),
        kind: row.event_type.clone(),
        text: describe(row),
        frame_ref: row.frame_ref.and_then(|n| u64::try_from(n).ok()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_told_of_a_button_is_not_said() {
        let said = |pressed, place: Option<f32>| {
            let button = Some("left".to_owned());
            let (mouse_x, mouse_y) = (place, place);
            let event_type = event_type::MOUSE_CLICK.to_owned();
            describe(&OwnedRow { event_type, mouse_button: button, pressed, mouse_x, mouse_y, ..OwnedRow::default() })
        };
        assert_eq!(said(Some(true), Some(0.5)), "left pressed at 50.0 % 50.0 %");
        assert_eq!(said(Some(false), None), "left released");
        assert_eq!(said(None, None), "left pressed or released");
    }

    #[test]
    fn a_jump_to_the_next_click_finds_one_of_which_is_not_told_whether_it_went_down() {
        let row = |pressed| OwnedRow { event_type: "mouse_click".into(), pressed, ..OwnedRow::default() };
        let filter = Filter::parse("pressed");
        let rows = [row(Some(false)), row(None), row(Some(true))];
        assert_eq!(matching(&rows, None, &filter).map(|(at, _)| at).collect::<Vec<_>>(), [1, 2]);
    }
}
