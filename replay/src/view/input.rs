//! The line of inputs: gamepads, keys that are held as key caps, the buttons of the mouse, where the pointer is.
//!
//! Owns how a W3C key code is written on a cap. A redacted key is a cap without a letter.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::cells::{put, put_within, width};
use super::pad;
use crate::app::App;
use crate::timeline::{Button, HeldKey};

/// The buttons, as they lie on a mouse.
pub(crate) const BUTTONS: [Button; 5] = [Button::Left, Button::Middle, Button::Right, Button::X1, Button::X2];

/// A button in a letter.
pub(crate) fn button_name(button: Button) -> &'static str {
    match button {
        Button::Left => "L",
        Button::Middle => "M",
        Button::Right => "R",
        Button::X1 => "4",
        Button::X2 => "5",
    }
}

/// What is written on the cap of a key.
fn cap(code: &str) -> Cow<'_, str> {
    let short = match code {
        "ShiftLeft" => "⇧ Shift",
        "ShiftRight" => "Shift ⇧",
        "ControlLeft" => "Ctrl",
        "ControlRight" => "Ctrl ▸",
        "AltLeft" => "Alt",
        "AltRight" => "AltGr",
        "MetaLeft" | "MetaRight" => "Meta",
        "Escape" => "Esc",
        "Backspace" => "Bksp",
        "Delete" => "Del",
        "Insert" => "Ins",
        "CapsLock" => "Caps",
        "PageUp" => "PgUp",
        "PageDown" => "PgDn",
        "ArrowLeft" => "←",
        "ArrowRight" => "→",
        "ArrowUp" => "↑",
        "ArrowDown" => "↓",
        "Minus" => "-",
        "Equal" => "=",
        "BracketLeft" => "[",
        "BracketRight" => "]",
        "Backslash" | "IntlBackslash" => "\\",
        "Semicolon" => ";",
        "Quote" => "'",
        "Backquote" => "`",
        "Comma" => ",",
        "Period" => ".",
        "Slash" => "/",
        _ => {
            let letter = code.strip_prefix("Key").or_else(|| code.strip_prefix("Digit"));
            return match (letter.filter(|rest| rest.chars().count() == 1), code.strip_prefix("Numpad")) {
                (Some(letter), _) => Cow::Borrowed(letter),
                (None, Some(pad)) => Cow::Owned(format!("Num {pad}")),
                (None, None) => Cow::Borrowed(code),
            };
        }
    };
    Cow::Borrowed(short)
}

/// Draws the line.
pub(crate) fn draw(app: &App<'_>, area: Rect, buf: &mut Buffer) {
    let theme = app.theme;
    let pointer = match app.state.pointer {
        Some((x, y)) => format!("{x:>6.3} {y:>6.3} "),
        None => "no pointer ".to_owned(),
    };
    let pointer_width = width(&pointer);
    // The mouse first: its place is fixed, the keys take what is left.
    let mouse_width = 7 + 4 * 3 + pointer_width;
    let mut until = area.width;
    if mouse_width + 24 <= area.width {
        until = area.width - mouse_width;
        let mut at = put(buf, area, until, "mouse ", theme.dim());
        for button in BUTTONS {
            let held = app.state.buttons.contains(&button);
            let extra = matches!(button, Button::X1 | Button::X2);
            if held || !extra {
                let label = format!(" {} ", button_name(button));
                at = put_within(
                    buf,
                    area,
                    at,
                    area.width - pointer_width,
                    &label,
                    if held { theme.pressed() } else { theme.faint() },
                );
            }
        }
        put(buf, area, area.width - pointer_width, &pointer, theme.dim());
    }
    let mut at = put(buf, area, 1, "keys", theme.dim()).max(super::lanes::NAME_WIDTH);
    // Gamepads first: they are always as wide, but for their caps.
    for held in &app.state.pads {
        let label = pad::axes(held);
        if at + width(&label) + 2 > until {
            put_within(buf, area, at, until, "…", theme.dim());
            return;
        }
        at = put_within(buf, area, at, until, &label, theme.dim()) + 1;
        for cap in pad::caps(held) {
            let label = format!(" {cap} ");
            if at + width(&label) + 2 > until {
                put_within(buf, area, at, until, "…", theme.dim());
                return;
            }
            at = put_within(buf, area, at, until, &label, theme.cap()) + 1;
        }
    }
    if app.state.keys.is_empty() && app.state.pads.is_empty() {
        put_within(buf, area, at, until, "none held", theme.faint());
    }
    for (i, key) in app.state.keys.iter().enumerate() {
        let label = match key {
            HeldKey::Code(code) => format!(" {} ", cap(code)),
            HeldKey::Redacted => " ▒▒ ".to_owned(),
        };
        let left = app.state.keys.len() - i;
        // A cap is whole or not there; the last place says how many are not.
        if at + width(&label) + if left > 1 { 5 } else { 1 } > until {
            put_within(buf, area, at, until, &format!("+{left}"), theme.dim());
            break;
        }
        at = put_within(buf, area, at, until, &label, theme.cap()) + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn caps_are_short_and_nothing_is_cut_in_half() {
        for (code, on_cap) in [
            ("KeyW", "W"),
            ("Digit7", "7"),
            ("Numpad7", "Num 7"),
            ("F11", "F11"),
            ("Space", "Space"),
            ("KeyÄ", "Ä"),
            ("Key", "Key"),
            ("Keyboard", "Keyboard"),
            ("", ""),
        ] {
            assert_eq!(cap(code), on_cap);
        }
    }
}
