//! Text that need not stand in the process list, which every user of the machine can read: `-` in its place means standard input.

use std::io::{IsTerminal as _, Read as _};

use super::failure::Failure;
use super::text;
use crate::cli::RecordArgs;

/// Longest list of names of windows on standard input, bytes.
const MAX_NAMES: usize = 64 << 10;

/// The text of an argument, or for `-` all of standard input without the line break at its end; `most` is its longest, bytes.
pub(super) fn content(argument: &str, what: &str, most: usize) -> Result<String, Failure> {
    if argument != "-" {
        return Ok(argument.to_owned());
    }
    if std::io::stdin().is_terminal() {
        text::say(&format!("{what}: end it with Enter and Ctrl-D"));
    }
    let mut bytes = Vec::new();
    // One more than fits, and the line break.
    let read = std::io::stdin().lock().take(most as u64 + 3).read_to_end(&mut bytes);
    read.map_err(|error| Failure::new(&format!("cannot read {what} on standard input: {error}"), None))?;
    decode(bytes, what, most)
}

fn decode(bytes: Vec<u8>, what: &str, most: usize) -> Result<String, Failure> {
    let Ok(mut read) = String::from_utf8(bytes) else {
        let hint = "write it in UTF-8, at most as long as the option allows";
        return Err(Failure::usage(format!("{what} on standard input is no text"), hint));
    };
    if read.ends_with('\n') {
        read.pop();
        if read.ends_with('\r') {
            read.pop();
        }
    }
    if read.len() > most {
        return Err(Failure::usage(format!("{what} has at most {most} bytes"), "give a shorter one on standard input"));
    }
    Ok(read)
}

/// Replaces `-` among the names of windows to record or to keep out: a name on each line of standard input, one for the window to record.
pub(super) fn names(args: &mut RecordArgs) -> Result<(), Failure> {
    let single = [&mut args.app, &mut args.window_title].into_iter().flatten();
    let lists = [&mut args.exclude_app, &mut args.exclude_title];
    let mut asked: Vec<&mut String> = single.filter(|name| *name == "-").collect();
    let lists: Vec<&mut Vec<String>> = lists.into_iter().filter(|names| names.iter().any(|name| name == "-")).collect();
    if asked.len() + lists.len() > 1 {
        let hint = "put the other names into the configuration, under [privacy]";
        return Err(Failure::usage("only one option can read standard input", hint));
    }
    if let Some(name) = asked.pop() {
        *name = content("-", "the window", MAX_NAMES)?;
    }
    for names in lists {
        let read = content("-", "the list of windows", MAX_NAMES)?;
        names.retain(|name| name != "-");
        names.extend(read.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_all_of_the_input_but_the_last_line_break() {
        let decoded = |bytes: &[u8]| decode(bytes.to_vec(), "the text", 6).ok();
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(
            (decoded(b"boss\n"), decoded(b"boss\r\n"), decoded(b"boss")),
            (text("boss"), text("boss"), text("boss"))
        );
        assert_eq!(
            (decoded(b"a\nb\n\n"), decoded(b""), decoded(b"123456\r\n")),
            (text("a\nb\n"), text(""), text("123456"))
        );
        assert_eq!((decoded(b"1234567"), decoded(b"\xff")), (None, None));
        assert_eq!(content("plain", "the text", 1).ok(), text("plain"), "what is given is judged by who asked for it");
    }
}
