//! Text on the screen: cleaning what a recording says, and writing times.
//!
//! Invariant: what [`clean`] returns holds no character that a terminal would obey instead of showing: no control
//! character, no escape sequence, no direction override, no placeholder of a graphics protocol. Pure functions.

/// Longest text that is kept of one field, characters: a row of the widest terminal that anyone uses.
const FIELD_CHARS: usize = 512;
/// How much of one field is looked at, characters: escape sequences that are dropped count here, so a title of megabytes
/// costs no more than this (8 × [`FIELD_CHARS`]).
const SCAN_CHARS: usize = 4096;

/// Nanoseconds of a second.
pub(crate) const SECOND: i64 = 1_000_000_000;

/// Text of a recording made fit to be drawn: escape sequences and everything else that is not to be seen is dropped,
/// line breaks and tabs become blanks, and its length is bounded.
pub(crate) fn clean(text: &str) -> String {
    let mut out = String::new();
    let mut kept = 0;
    let mut chars = text.chars().take(SCAN_CHARS).peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => match chars.peek().copied() {
                Some('[') => {
                    chars.next();
                    skip_csi(&mut chars);
                }
                Some(']' | 'P' | 'X' | '^' | '_') => {
                    chars.next();
                    skip_string(&mut chars);
                }
                // Two-character sequences, with any intermediates before the final.
                Some(' '..='~') => while chars.next().is_some_and(|c| (' '..='/').contains(&c)) {},
                _ => {}
            },
            '\u{9b}' => skip_csi(&mut chars),
            '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => skip_string(&mut chars),
            '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' => {
                out.push(' ');
                kept += 1;
            }
            c if c.is_control() || invisible(c) => {}
            c => {
                out.push(c);
                kept += 1;
            }
        }
        if kept >= FIELD_CHARS {
            break;
        }
    }
    out
}

/// Skips to the end of a control sequence.
fn skip_csi(chars: &mut impl Iterator<Item = char>) {
    for c in chars {
        if ('@'..='~').contains(&c) || c.is_control() {
            return;
        }
    }
}

/// Skips to the end of a control string: BEL, ST, or an escape that begins it.
fn skip_string(chars: &mut std::iter::Peekable<impl Iterator<Item = char>>) {
    while let Some(c) = chars.next() {
        match c {
            '\u{7}' | '\u{9c}' => return,
            '\u{1b}' => {
                if chars.peek() == Some(&'\\') {
                    chars.next();
                }
                return;
            }
            _ => {}
        }
    }
}

/// Characters that are not drawn but change how others are: direction marks and overrides, joiners, tags, private use
/// (where kitty's image placeholder is).
fn invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{e000}'..='\u{f8ff}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}'
        | '\u{f0000}'..='\u{10ffff}')
}

/// A length of time as `m:ss.mmm`, or `h:mm:ss.mmm` when `hours`.
pub(crate) fn clock(ns: u64, hours: bool) -> String {
    let ms = ns / 1_000_000;
    let (s, ms) = (ms / 1000, ms % 1000);
    if hours {
        format!("{}:{:02}:{:02}.{ms:03}", s / 3600, s / 60 % 60, s % 60)
    } else {
        format!("{}:{:02}.{ms:03}", s / 60, s % 60)
    }
}

/// A length of time as short as it can be said on a ruler of `step` nanoseconds.
pub(crate) fn tick(ns: u64, step: u64) -> String {
    let s = ns / SECOND as u64;
    let ms = ns / 1_000_000 % 1000;
    let text = if s >= 3600 {
        format!("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
    } else {
        format!("{}:{:02}", s / 60, s % 60)
    };
    // As many places as the step has.
    match step {
        0..10_000_000 => format!("{text}.{ms:03}"),
        10_000_000..100_000_000 => format!("{text}.{:02}", ms / 10),
        100_000_000..1_000_000_000 => format!("{text}.{}", ms / 100),
        _ => text,
    }
}

/// An instant of the wall clock in UTC: the date and the time of day to a second.
pub(crate) fn wall(utc_ns: i64) -> (String, String) {
    let seconds = utc_ns.div_euclid(SECOND);
    let (day, s) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Days to the civil calendar, counted in eras of 400 years from 0000-03-01 (Hinnant, "chrono-compatible low-level
    // date algorithms"). The range of nanoseconds in 64 bits is 1677–2262: no overflow.
    let since_march = day + 719_468;
    let era = since_march.div_euclid(146_097);
    let of_era = since_march.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let (day, month) = (of_year - (153 * shifted + 2) / 5 + 1, if shifted < 10 { shifted + 3 } else { shifted - 9 });
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (format!("{year:04}-{month:02}-{day:02}"), format!("{:02}:{:02}:{:02}Z", s / 3600, s / 60 % 60, s % 60))
}

/// A number with its thousands apart.
pub(crate) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_are_dropped_whole() {
        for (dirty, expect) in [
            ("plain ünïcode 漢字", "plain ünïcode 漢字"),
            ("a\x1b[31;1mred\x1b[0m", "ared"),
            ("a\x1b]0;evil title\x07b", "ab"),
            ("a\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "alink"),
            ("a\x1bP1$r0m\x1b\\b\x1b_Ga=T,f=32;AAAA\x1b\\c", "abc"),
            ("a\u{9b}2Jb\u{9d}0;x\u{9c}c", "abc"),
            ("a\x1bcb\x1b(Bc\x1b", "abc"),
            ("tab\there\r\nnext\0\x7f\u{85}", "tab here  next"),
            ("abc\u{202e}fdp.exe\u{2066}\u{200b}\u{10eeee}", "abcfdp.exe"),
            ("cut \x1b[12", "cut "),
        ] {
            assert_eq!(clean(dirty), expect, "{dirty:?}");
        }
    }

    #[test]
    fn the_length_of_text_is_bounded() {
        assert_eq!(clean(&"x".repeat(1_000_000)).chars().count(), FIELD_CHARS);
        assert_eq!(clean(&"\x1b[0m".repeat(1_000_000)), "");
    }

    #[test]
    fn times_read_well() {
        assert_eq!(clock(61_234_567_890, false), "1:01.234");
        assert_eq!(clock(3_661_000_000_000, true), "1:01:01.000");
        assert_eq!(
            (tick(1_500_000_000, 500_000_000), tick(65_000_000_000, 5_000_000_000)),
            ("0:01.5".into(), "1:05".into())
        );
        assert_eq!(tick(1_234_567_890, 20_000_000), "0:01.23");
        assert_eq!(tick(3_661_002_000_000, 1_000_000), "1:01:01.002");
        assert_eq!(wall(1_700_000_000_123_456_789), ("2023-11-14".into(), "22:13:20Z".into()));
        assert_eq!(wall(951_782_400_000_000_000).0, "2000-02-29");
        assert_eq!(wall(-1).0, "1969-12-31");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(grouped(12), "12");
    }
}
