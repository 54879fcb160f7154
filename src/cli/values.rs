//! How values are read that clap does not know.

use std::time::Duration;

use crate::export::McapFor;
use crate::recorder::SplitAt;
use crate::session::labels;

/// Reads a limit: a number that is not negative.
///
/// # Errors
/// A sentence for clap when it is none.
pub(super) fn parse_limit(text: &str) -> Result<f64, String> {
    let limit: f64 = text.parse().map_err(|_parse| format!("'{text}' is no number"))?;
    if limit.is_finite() && limit >= 0.0 { Ok(limit) } else { Err("must be 0 or more".into()) }
}

/// Reads a share in percent.
///
/// # Errors
/// A sentence for clap when it is none.
pub(super) fn parse_percent(text: &str) -> Result<f64, String> {
    parse_limit(text.strip_suffix('%').unwrap_or(text))
        .ok()
        .filter(|percent| *percent <= 100.0)
        .ok_or_else(|| format!("'{text}' is no share, use 0 to 100 percent"))
}

/// Reads `90`, `90s`, `1.5m`, `8h`.
///
/// # Errors
/// A sentence for clap when it is no such time.
pub(super) fn parse_duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = match text.find(|c: char| c.is_ascii_alphabetic()) {
        Some(at) => text.split_at(at),
        None => (text, "s"),
    };
    let factor = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return Err(format!("unknown unit '{unit}', use ms, s, m or h")),
    };
    let value: f64 = number.parse().map_err(|_parse| format!("'{number}' is no number"))?;
    let seconds = value * factor;
    if !seconds.is_finite() || seconds <= 0.0 || seconds > 31.0 * 86_400.0 {
        return Err("must be more than nothing and at most 31 days".into());
    }
    Ok(Duration::from_secs_f64(seconds))
}

/// A burst of PNG pictures.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Burst {
    /// Time between the begins of two; `None`: only when one is asked for.
    pub every: Option<Duration>,
    /// Frames that it takes.
    pub frames: u32,
}

/// Reads `every=60s,frames=5`; either may be left out.
///
/// # Errors
/// A sentence for clap when it is no burst.
pub(crate) fn parse_burst(text: &str) -> Result<Burst, String> {
    let mut burst = Burst { every: None, frames: 0 };
    for part in text.split(',') {
        match part.trim().split_once('=') {
            Some(("every", time)) if burst.every.is_none() => burst.every = Some(parse_duration(time)?),
            Some(("frames", count)) if burst.frames == 0 => {
                burst.frames = count
                    .parse()
                    .ok()
                    .filter(|frames| (1..=1000).contains(frames))
                    .ok_or_else(|| format!("'{count}' is no number of frames, use 1 to 1000"))?;
            }
            _ => return Err(format!("'{part}' is no part of a burst, write it like every=60s,frames=5")),
        }
    }
    burst.frames = burst.frames.max(1);
    Ok(burst)
}

/// Reads a time as [`parse_duration`] does; `0` is none at all.
///
/// # Errors
/// A sentence for clap when it is no such time.
pub(super) fn parse_wait(text: &str) -> Result<Duration, String> {
    if text == "0" { Ok(Duration::ZERO) } else { parse_duration(text) }
}

/// Reads `320x180`.
///
/// # Errors
/// A sentence for clap when it is no such size.
pub(super) fn parse_size(text: &str) -> Result<(u32, u32), String> {
    let side = |text: &str| text.parse().ok().filter(|side| *side > 0);
    let sides = text.split_once('x').and_then(|(width, height)| Some((side(width)?, side(height)?)));
    sides.ok_or_else(|| format!("'{text}' is no size, write it like 320x180"))
}

/// Reads a number of bytes: `4GB`, `500MB`, `2TB`, `4GiB`; without a unit, bytes.
///
/// # Errors
/// A sentence for clap when it is none.
pub(super) fn parse_bytes(text: &str) -> Result<u64, String> {
    const UNITS: [(&str, u64); 8] = [
        ("KiB", 1 << 10),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
        ("TiB", 1 << 40),
        ("KB", 1_000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("TB", 1_000_000_000_000),
    ];
    let text = text.trim();
    let of = |(unit, bytes): (&str, u64)| {
        let at = text.len().checked_sub(unit.len()).filter(|at| text.is_char_boundary(*at))?;
        text[at..].eq_ignore_ascii_case(unit).then(|| (text[..at].trim_end(), bytes))
    };
    let (number, bytes) = UNITS.into_iter().find_map(of).unwrap_or((text, 1));
    let value = number.parse().ok().map(|number: f64| number * bytes as f64);
    let value = value.filter(|value| *value >= 1.0 && *value <= 1e18);
    value.map(|value| value as u64).ok_or_else(|| format!("'{text}' is no number of bytes, write it like 4GB or 500MB"))
}

/// Reads when a recording is split: a time or a number of bytes.
///
/// # Errors
/// A sentence for clap when it is neither, or so little that parts would be shorter than what lies between them takes.
pub(super) fn parse_split(text: &str) -> Result<SplitAt, String> {
    if text.trim_end().ends_with(['B', 'b']) {
        let bytes = parse_bytes(text)?;
        return if bytes >= 1_000_000 { Ok(SplitAt::Bytes(bytes)) } else { Err("parts have at least 1MB".into()) };
    }
    let time =
        parse_duration(text).map_err(|_parse| format!("'{text}' is neither a time like 1h nor a size like 4GB"))?;
    if time >= Duration::from_secs(2) { Ok(SplitAt::Time(time)) } else { Err("parts last at least 2s".into()) }
}

/// Reads `KEY=VALUE`.
///
/// # Errors
/// A sentence for clap when it is no tag.
pub(super) fn parse_tag(text: &str) -> Result<(String, String), String> {
    labels::parse_tag(text).map_err(|error| format!("{error}; {}", error.hint()))
}

/// The readers that an MCAP file is for.
pub(super) fn parse_mcap_for(text: &str) -> Result<McapFor, String> {
    let found = McapFor::ALL.into_iter().find(|reader| reader.name() == text);
    found.ok_or_else(|| format!("'{text}' is neither {}", McapFor::ALL.map(McapFor::name).join(" nor ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits() {
        assert_eq!((parse_limit("0.05"), parse_limit("3")), (Ok(0.05), Ok(3.0)));
        for bad in ["", "x", "-1", "nan", "inf"] {
            assert!(parse_limit(bad).is_err(), "{bad} was accepted");
        }
    }

    #[test]
    fn shares() {
        assert_eq!((parse_percent("0.5"), parse_percent("100%"), parse_percent("0")), (Ok(0.5), Ok(100.0), Ok(0.0)));
        for bad in ["", "x", "-1", "101", "nan", "%"] {
            assert!(parse_percent(bad).is_err(), "{bad} was accepted");
        }
    }

    #[test]
    fn readers_of_mcap() {
        assert_eq!(McapFor::ALL.map(|reader| parse_mcap_for(reader.name())), McapFor::ALL.map(Ok));
        assert!(parse_mcap_for("ros").expect_err("no reader").contains("owa nor foxglove"));
    }

    #[test]
    fn sizes() {
        assert_eq!(parse_size("320x180"), Ok((320, 180)));
        for bad in ["", "x", "320", "0x0", "0x180", "320x0", "-1x5", "1x2x3"] {
            assert!(parse_size(bad).is_err(), "{bad} was accepted");
        }
    }

    #[test]
    fn bursts() {
        let of = |every: Option<u64>, frames| Ok(Burst { every: every.map(Duration::from_secs), frames });
        assert_eq!(parse_burst("every=60s,frames=5"), of(Some(60), 5));
        assert_eq!((parse_burst("frames=3"), parse_burst(" every=1m ")), (of(None, 3), of(Some(60), 1)));
        for bad in ["", "5", "frames=0", "frames=1001", "every=0", "every=1s,every=2s", "frames=1,frames=2", "each=5s"]
        {
            assert!(parse_burst(bad).is_err(), "{bad} was accepted");
        }
    }

    #[test]
    fn sizes_of_files_and_parts() {
        assert_eq!(parse_bytes("4GB"), Ok(4_000_000_000));
        assert_eq!((parse_bytes("1.5 MiB"), parse_bytes("7"), parse_bytes("2kb")), (Ok(1_572_864), Ok(7), Ok(2000)));
        for bad in ["", "GB", "-1GB", "0", "4X", "nan", "inf", "1e30", "4 G B", "ÄGB"] {
            assert!(parse_bytes(bad).is_err(), "{bad} was accepted");
        }
        assert_eq!(parse_split("1h"), Ok(SplitAt::Time(Duration::from_hours(1))));
        assert_eq!(parse_split("4GB"), Ok(SplitAt::Bytes(4_000_000_000)));
        for bad in ["", "1s", "10KB", "x", "4"] {
            assert_eq!(parse_split(bad).is_err(), bad != "4", "{bad}");
        }
    }

    #[test]
    fn durations() {
        assert_eq!(parse_duration("90"), Ok(Duration::from_secs(90)));
        assert_eq!(parse_duration("1.5m"), Ok(Duration::from_secs(90)));
        assert_eq!(parse_duration("8h"), Ok(Duration::from_hours(8)));
        for bad in ["", "x", "5d", "-1", "0", "nan", "1e99h"] {
            assert!(parse_duration(bad).is_err(), "{bad} was accepted");
        }
    }
}
