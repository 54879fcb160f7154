//! How many colours the terminal has: what the environment says, else what the terminal itself answers.
//!
//! Two questions are asked: XTGETTCAP for the capability `RGB` (and `Tc`, as tmux calls it), and DECRQSS for the background after one was
//! set in 24 bits, which says whether it was taken as it is. The device attributes (DA1) that every terminal has are asked for last: once
//! they are there, nothing more comes. A terminal that answers none of it has 256 colours, as far as anybody knows.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::thread;
use std::time::Duration;

use crossbeam_channel::bounded;

use crate::theme::Colours;

/// How long an answer is waited for: a slow connection over half the world takes 300 ms, the terminal itself next to nothing.
const WAIT: Duration = Duration::from_secs(1);
/// The longest answer that is read, bytes: four sequences of 30.
const LONGEST: usize = 512;
/// The questions. `524742` is `RGB` in hexadecimal, `5463` is `Tc`.
const QUESTIONS: &[u8] = b"\x1b[48;2;1;2;3m\x1bP$qm\x1b\\\x1b[m\x1bP+q524742\x1b\\\x1bP+q5463\x1b\\\x1b[c";

/// What the environment says of colours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Said {
    /// So many.
    Sure(Colours),
    /// Nothing: at least the 256 of xterm.
    Nothing,
}

/// What the environment says. `COLORTERM` says it where it is set; terminals that are known to have all colours are named.
pub(crate) fn said(no_color: bool, env: impl Fn(&str) -> Option<String>) -> Said {
    let term = env("TERM").unwrap_or_default();
    if no_color || env("NO_COLOR").is_some_and(|value| !value.is_empty()) || term == "dumb" {
        return Said::Sure(Colours::None);
    }
    let known = ["xterm-kitty", "alacritty", "foot", "wezterm", "xterm-ghostty", "contour"];
    let all = env("COLORTERM").is_some_and(|value| value == "truecolor" || value == "24bit")
        || term.contains("direct")
        || known.iter().any(|known| term.starts_with(known))
        || env("WT_SESSION").is_some()
        || cfg!(windows);
    // The console of Linux has sixteen, and screen hands questions on to a terminal that need not be there.
    let few = ["linux", "screen"].iter().any(|known| term.starts_with(known));
    match (all, few) {
        (true, _) => Said::Sure(Colours::True),
        (false, true) => Said::Sure(Colours::Indexed),
        (false, false) => Said::Nothing,
    }
}

/// Asks a terminal that is in raw mode and known to answer the device attributes. Nothing else may read it meanwhile.
pub(crate) fn ask() -> Colours {
    let answer = answer().unwrap_or_default();
    if says_true(&answer) { Colours::True } else { Colours::Indexed }
}

/// What the terminal answers, up to its device attributes.
fn answer() -> io::Result<Vec<u8>> {
    let mut terminal = terminal()?;
    let mut out = io::stdout();
    out.write_all(QUESTIONS)?;
    out.flush()?;
    // It cannot be waited for with a limit in the standard library. A thread that is left behind ends with the next key, which is why only
    // terminals are asked that have just answered another question.
    let (sender, answers) = bounded(1);
    thread::Builder::new().name("watchcap-colours".into()).spawn(move || {
        let mut bytes = Vec::with_capacity(LONGEST);
        let mut byte = [0];
        while bytes.len() < LONGEST && !is_whole(&bytes) && terminal.read(&mut byte).is_ok_and(|n| n == 1) {
            bytes.push(byte[0]);
        }
        drop(sender.send(bytes));
    })?;
    answers.recv_timeout(WAIT).map_err(|_silent| io::ErrorKind::TimedOut.into())
}

/// The terminal behind standard input, without the buffer of the standard library: what the person types next is not ours.
#[cfg(unix)]
fn terminal() -> io::Result<File> {
    use std::os::fd::AsFd as _;
    Ok(File::from(io::stdin().as_fd().try_clone_to_owned()?))
}

#[cfg(not(unix))]
fn terminal() -> io::Result<File> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Whether the device attributes are there: `CSI ? … c`.
fn is_whole(bytes: &[u8]) -> bool {
    let begin = bytes.windows(3).rposition(|three| three == b"\x1b[?");
    begin.is_some_and(|begin| {
        bytes.ends_with(b"c") && bytes[begin + 3..bytes.len() - 1].iter().all(|b| b.is_ascii_digit() || *b == b';')
    })
}

/// Whether an answer says that there are 24 bits: the capability is there, or the background is the one that was set.
fn says_true(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    text.split("\x1bP").skip(1).any(|sequence| {
        let body = sequence.split("\x1b\\").next().unwrap_or_default();
        if let Some(name) = body.strip_prefix("1+r") {
            let name = name.split('=').next().unwrap_or_default();
            return ["524742", "5463"].iter().any(|known| name.eq_ignore_ascii_case(known));
        }
        let Some(style) = body.strip_prefix("1$r").and_then(|style| style.strip_suffix('m')) else { return false };
        // `48:2:1:2:3`, with an empty name of a colour space between, or with semicolons.
        let numbers: Vec<&str> = style.split([':', ';']).filter(|number| !number.is_empty()).collect();
        numbers.windows(5).any(|five| five == ["48", "2", "1", "2", "3"])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_follow_the_environment() {
        let with = |vars: &'static [(&str, &str)]| {
            said(false, |name| vars.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned()))
        };
        let sure = Said::Sure;
        assert_eq!(with(&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")]), sure(Colours::True));
        assert_eq!(with(&[("COLORTERM", "truecolor"), ("NO_COLOR", "1")]), sure(Colours::None));
        assert_eq!(with(&[("COLORTERM", "truecolor"), ("NO_COLOR", "")]), sure(Colours::True));
        if cfg!(not(windows)) {
            assert_eq!(with(&[("TERM", "xterm-256color")]), Said::Nothing);
        }
        assert_eq!(with(&[("TERM", "dumb")]), sure(Colours::None));
        if cfg!(not(windows)) {
            assert_eq!(with(&[("TERM", "linux")]), sure(Colours::Indexed));
        }
        assert_eq!(with(&[("TERM", "screen-256color"), ("COLORTERM", "truecolor")]), sure(Colours::True));
        assert_eq!(said(true, |_| Some("truecolor".into())), sure(Colours::None));
    }

    #[test]
    fn answers_of_terminals_are_understood() {
        // foot and kitty; xterm with a colour space; contour with semicolons; tmux; one that knows neither; one that takes the nearest.
        let yes: [&[u8]; 4] = [
            b"\x1bP1$r0;48:2:1:2:3m\x1b\\\x1bP0+r\x1b\\\x1b[?62;4;22c",
            b"\x1bP1$r0;48:2::1:2:3m\x1b\\\x1b[?64c",
            b"\x1bP1$r48;2;1;2;3m\x1b\\\x1b[?6c",
            b"\x1bP0$r\x1b\\\x1bP1+r524742=382F382F38\x1b\\\x1b[?1;2c",
        ];
        let no: [&[u8]; 5] = [
            b"\x1b[?1;2c",
            b"\x1bP0$r\x1b\\\x1bP0+r524742\x1b\\\x1b[?6c",
            b"\x1bP1$r0;48:5:16m\x1b\\\x1b[?6c",
            b"\x1bP1$r0m\x1b\\\x1bP1+r6b62=7f\x1b\\\x1b[?6c",
            b"",
        ];
        assert!(yes.iter().all(|answer| says_true(answer) && is_whole(answer)));
        assert!(!no.iter().any(|answer| says_true(answer)));
        assert!(!is_whole(b"\x1bP1$r0c") && !is_whole(b"\x1b[?62;4") && !is_whole(b"c"));
    }
}
