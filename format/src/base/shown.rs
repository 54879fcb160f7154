//! Text that was captured, or that a file or a name brings along, made fit to be shown.
//!
//! Invariant: what comes out holds no character that a terminal obeys instead of showing it, and none that makes others be shown in
//! another order or not at all. Everything that the program prints goes through here, or through the player's own filter
//! (`replay/src/text.rs`), which drops whole sequences. Pure functions.

use std::borrow::Cow;
use std::path::Path;

/// Whether a character steers: controls (C0, DEL, C1), line and paragraph separators, direction marks and overrides, joiners and other
/// invisible characters, tags, and private use (where kitty's image placeholder is).
pub fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{e000}'..='\u{f8ff}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}'
            | '\u{f0000}'..='\u{10ffff}')
}

/// Lines of text with `U+FFFD` in the place of every character that steers; line feeds stay.
pub fn text(text: &str) -> Cow<'_, str> {
    replaced(text, |c| c != '\n' && steers(c))
}

/// One line of text: as [`text()`], and without line feeds.
pub fn line(text: &str) -> Cow<'_, str> {
    replaced(text, steers)
}

/// The beginning of a text that is longer than so many bytes, and how much more there is.
pub fn short(text: &str, most: usize) -> Cow<'_, str> {
    if text.len() <= most {
        return Cow::Borrowed(text);
    }
    let end = text.floor_char_boundary(most);
    Cow::Owned(format!("{}… ({} bytes more)", &text[..end], text.len() - end))
}

/// `0:07`, `12:34`, `1:02:03`.
pub fn clock(duration: std::time::Duration) -> String {
    let seconds = duration.as_secs();
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{rest:02}") } else { format!("{minutes}:{rest:02}") }
}

/// `1 frame`, `2 frames`.
pub fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// A path as the shells of this system take it: one word of a command that can be copied out of a message.
pub fn shell(path: &Path) -> String {
    let text = path.display().to_string();
    if cfg!(windows) { windows_word(&text) } else { posix_word(&text) }
}

/// The commands that give a file another name and then run another command, for the shells of this system.
pub fn renamed_then(from: &Path, to: &Path, command: &str) -> String {
    let (from, to) = (shell(from), shell(to));
    // The PowerShell that Windows brings has no `&&`.
    if cfg!(windows) { format!("move {from} {to}, and then {command}") } else { format!("mv {from} {to} && {command}") }
}

/// One word for a POSIX shell.
fn posix_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/+:@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// One word for cmd.exe and for PowerShell, which have only double quotes in common. Inside them cmd still replaces `%NAME%` of variables
/// that exist, and PowerShell replaces `$name`: names that hold such a thing cannot be written for both.
fn windows_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || r"._-/\+:".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    // A program's arguments are split by rules of C: backslashes before a quote are halved, and the quote is one only when none is left.
    let mut word = String::from('"');
    let mut slashes = 0;
    for c in text.chars() {
        if c == '"' {
            word.extend(std::iter::repeat_n('\\', slashes + 1));
        }
        slashes = if c == '\\' { slashes + 1 } else { 0 };
        word.push(c);
    }
    word.extend(std::iter::repeat_n('\\', slashes));
    word.push('"');
    word
}

fn replaced(text: &str, bad: impl Fn(char) -> bool) -> Cow<'_, str> {
    if text.chars().any(&bad) {
        Cow::Owned(text.chars().map(|c| if bad(c) { '\u{fffd}' } else { c }).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// JSON with the characters that steer as `\u` escapes: the same value for every parser. JSON has them only inside of strings, apart
/// from the line feeds of a text that is indented, which stay.
pub fn json(json: &str) -> Cow<'_, str> {
    let bad = |c: char| c != '\n' && steers(c);
    if !json.chars().any(bad) {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len() + 32);
    for c in json.chars() {
        if bad(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.extend(["\\u", &format!("{unit:04x}")]);
            }
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A clipboard write, colours, C1 controls, a title, an override of direction, an image placeholder, a tag.
    const EVIL: &str =
        "a\x1b]52;c;aGk=\x07\x1b[31mb\u{9b}2J\u{9d}0;x\u{9c}\u{85}c\u{202e}d\u{2066}e\u{10eeee}\u{e0041}\x7f\0";

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!((short("abc", 3), short("aäöü", 4)), ("abc".into(), "aä… (4 bytes more)".into()));
    }

    #[test]
    fn nothing_that_steers_is_left() {
        for shown in [text(EVIL), line(EVIL), json(EVIL)] {
            assert!(!shown.chars().any(steers), "{shown:?}");
        }
        assert_eq!(text("two\nlines\tü 漢字 🎮"), "two\nlines\u{fffd}ü 漢字 🎮");
        assert_eq!(line("two\nlines"), "two\u{fffd}lines");
        assert!(matches!(text("größer"), Cow::Borrowed("größer")));
    }

    #[test]
    fn a_word_is_one_word_to_the_shells_of_its_system() {
        for (text, posix, windows) in [
            ("rec/s-1", "rec/s-1", "rec/s-1"),
            (r"C:\rec\s", r"'C:\rec\s'", r"C:\rec\s"),
            ("two words", "'two words'", "\"two words\""),
            // What a completed folder name ends with must not escape the quote.
            (r"C:\two words\", r"'C:\two words\'", "\"C:\\two words\\\\\""),
            ("it's", r"'it'\''s'", "\"it's\""),
            (r#"a\"b"#, r#"'a\"b'"#, r#""a\\\"b""#),
            ("a&b", "'a&b'", "\"a&b\""),
            ("50%", "50%", "\"50%\""),
            ("", "''", "\"\""),
        ] {
            assert_eq!(posix_word(text), posix, "{text}");
            assert_eq!(windows_word(text), windows, "{text}");
        }
    }

    #[test]
    fn json_stays_the_same_value() {
        for indented in [false, true] {
            let value = serde_json::json!({ EVIL: [EVIL, 1, {"k": "plain"}] });
            let written = if indented { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
            let written = written.expect("json");
            let shown = json(&written);
            assert!(!shown.chars().any(|c| c != '\n' && steers(c)), "{shown:?}");
            assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).expect("json"), value);
        }
    }
}
