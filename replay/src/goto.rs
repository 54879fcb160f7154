//! Where a person wants to go, as they type it: a frame, a time, a percentage, or so much further from here.
//!
//! Owns the notation and what is said about it when it is not understood. Pure functions; it knows no session.

/// What can be typed, for the prompt.
pub(crate) const NOTATION: &str = "frame 1200   time 1:23.5 or 90s   part 45%   from here +10s -300";

/// A place to go to.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Place {
    /// A frame by its number.
    Frame(u64),
    /// A time since the start, nanoseconds.
    Time(u64),
    /// A part of the whole, 0–1.
    Share(f64),
    /// So many frames from here.
    Frames(i64),
    /// So many nanoseconds from here.
    Further(i64),
}

/// Understands what was typed.
///
/// # Errors
/// A sentence for the prompt.
pub(crate) fn parse(typed: &str) -> Result<Place, String> {
    let typed = typed.trim();
    let not = || format!("“{typed}” is no place: {NOTATION}");
    if let Some(percent) = typed.strip_suffix('%') {
        let share = decimal(percent.trim_end()).ok_or_else(not)? / 100.0;
        return if share <= 1.0 { Ok(Place::Share(share)) } else { Err("more than 100 % is not there".into()) };
    }
    let (sign, size) = match typed.strip_prefix('+') {
        Some(rest) => (Some(1), rest.trim_start()),
        None => typed.strip_prefix('-').map_or((None, typed), |rest| (Some(-1), rest.trim_start())),
    };
    let number = size.strip_prefix('#').unwrap_or(size);
    if !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) {
        // So many digits that they are no number any more are no frame either.
        let frame: u64 = number.parse().unwrap_or(u64::MAX);
        return Ok(match sign {
            None => Place::Frame(frame),
            Some(sign) => Place::Frames(sign * i64::try_from(frame).unwrap_or(i64::MAX)),
        });
    }
    if let Some(digits) = typed.strip_prefix(['f', 'F']).filter(|rest| !rest.is_empty()) {
        // As the program's options have it.
        let plain = digits.bytes().all(|b| b.is_ascii_digit());
        return if plain { Ok(Place::Frame(digits.parse().unwrap_or(u64::MAX))) } else { Err(not()) };
    }
    let ns = time(size).ok_or_else(not)?;
    Ok(match sign {
        None => Place::Time(ns),
        Some(sign) => Place::Further(sign * i64::try_from(ns).unwrap_or(i64::MAX)),
    })
}

/// `1:02:03.5`, `1:23`, `12.5`, `90s`, `1.5m`, `2h`, `250ms` in nanoseconds. Without a point a number is no time.
fn time(text: &str) -> Option<u64> {
    if text.contains(':') {
        let parts: Vec<&str> = text.split(':').collect();
        let (last, larger) = parts.split_last()?;
        let mut seconds = 0.0;
        for part in larger {
            seconds = (seconds + whole(part)?) * 60.0;
        }
        return (larger.len() <= 2).then(|| nanoseconds(seconds + decimal(last)?, 1.0)).flatten();
    }
    if text.contains(['.', ','])
        && let Some(seconds) = decimal(text)
    {
        return nanoseconds(seconds, 1.0);
    }
    let split = text.find(|c: char| c.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at(split);
    let seconds = match unit {
        "ms" => 1e-3,
        "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return None,
    };
    nanoseconds(decimal(number.trim_end())?, seconds)
}

fn nanoseconds(number: f64, seconds: f64) -> Option<u64> {
    let ns = (number * seconds * 1e9).round();
    (ns <= i64::MAX as f64).then_some(ns as u64)
}

fn whole(text: &str) -> Option<f64> {
    (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

/// Digits with a point or a comma; not what else a float may look like.
fn decimal(text: &str) -> Option<f64> {
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b',');
    plain.then(|| text.replace(',', ".").parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_type_is_understood() {
        for (typed, place) in [
            ("1200", Place::Frame(1200)),
            (" #7 ", Place::Frame(7)),
            ("f100", Place::Frame(100)),
            ("12.5", Place::Time(12_500_000_000)),
            ("+0,5", Place::Further(500_000_000)),
            ("45%", Place::Share(0.45)),
            ("12,5 %", Place::Share(0.125)),
            ("100%", Place::Share(1.0)),
            ("1:23.5", Place::Time(83_500_000_000)),
            ("1:02:03", Place::Time(3_723_000_000_000)),
            ("90s", Place::Time(90_000_000_000)),
            ("1.5m", Place::Time(90_000_000_000)),
            ("250 ms", Place::Time(250_000_000)),
            ("2h", Place::Time(7_200_000_000_000)),
            ("+10s", Place::Further(10_000_000_000)),
            ("-0:01", Place::Further(-1_000_000_000)),
            ("-300", Place::Frames(-300)),
            ("+ 5", Place::Frames(5)),
        ] {
            assert_eq!(parse(typed), Ok(place), "{typed:?}");
        }
    }

    #[test]
    fn anything_else_is_answered_with_the_notation() {
        for typed in [
            "", "x", "1:2:3:4", "1:", ":", "1::2", "-", "+", "%", "1e9s", "f", "f1.5", ".", "1.2.3", "nan%", "inf%",
            "5 days", "1.2.3s", "#",
        ] {
            assert!(parse(typed).is_err_and(|why| why.contains(NOTATION)), "{typed:?}");
        }
        for typed in ["101%", "9999999999999h"] {
            assert!(parse(typed).is_err(), "{typed:?}");
        }
        assert_eq!(parse("99999999999999999999"), Ok(Place::Frame(u64::MAX)));
    }
}
