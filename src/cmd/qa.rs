//! `watchcap replay --check`.

use std::path::Path;

use serde_json::json;

use super::failure::{Failure, Outcome};
use super::text;
use super::ui::Bar;
use crate::base::shown::shell;
use crate::cli::{LimitArgs, ReplayArgs};
use crate::inspect::qa::run;
use crate::inspect::qa::run::{Check, Limits, Report};

/// Places that are printed of a check; JSON has more.
const SHOWN: usize = 10;

fn limits(args: &LimitArgs) -> Limits {
    let usual = Limits::default();
    Limits {
        dropped: args.max_dropped.unwrap_or(usual.dropped),
        gap_s: args.max_gap.unwrap_or(usual.gap_s),
        lost_inputs: args.max_lost_inputs.unwrap_or(usual.lost_inputs),
        held_s: args.max_held.unwrap_or(usual.held_s),
        unbalanced: args.max_unbalanced.unwrap_or(usual.unbalanced),
        outside: args.max_outside.unwrap_or(usual.outside),
        silent_pads: args.max_silent_gamepads.unwrap_or(usual.silent_pads),
        idle_s: args.max_idle.unwrap_or(usual.idle_s),
        duplicates: args.max_duplicates.unwrap_or(usual.duplicates),
        black_s: args.max_black.unwrap_or(usual.black_s),
        frozen_s: args.max_frozen.unwrap_or(usual.frozen_s),
        sound_missing: args.max_sound_missing.unwrap_or(usual.sound_missing),
        sound_silent: args.max_sound_silent.unwrap_or(usual.sound_silent),
        sound_clipped: args.max_sound_clipped.unwrap_or(usual.sound_clipped),
        samples: args.samples.unwrap_or(usual.samples),
    }
}

/// `1:02:03.250` since the first row, as the player shows it.
fn time(ns: i64) -> String {
    let ms = ns.max(0) / 1_000_000;
    let (hours, minutes, seconds) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
    let head = if hours > 0 { format!("{hours}:{minutes:02}") } else { minutes.to_string() };
    format!("{head}:{seconds:02}.{:03}", ms % 1000)
}

fn figure(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn row(check: &Check) -> Vec<String> {
    let state = match (check.value, check.ok) {
        (None, _) => "-",
        (Some(_), true) => "ok",
        (Some(_), false) => "over",
    };
    let value = check.value.map_or_else(|| "-".to_owned(), figure);
    [state, check.name, &value, &format!("of {}", figure(check.limit)), check.measures].map(str::to_owned).to_vec()
}

fn print(dir: &Path, report: &Report) {
    let rate = |fps: Option<f64>| fps.map_or_else(|| "-".to_owned(), |fps| format!("{fps:.2}"));
    text::out(&text::printable(&format!(
        "{}: {}, {}, {} a second of which {} are new; {} decoded",
        dir.display(),
        text::counted(report.rows, "row"),
        text::counted(report.frames, "frame"),
        rate(report.fps),
        rate(report.true_fps),
        report.frames_decoded
    )));
    if let Some(why) = &report.not_checked {
        text::say(&text::printable(&format!("note: the pictures are not checked here: {why}")));
    }
    let lines = text::table(&report.checks.iter().map(row).collect::<Vec<_>>());
    let start_ns = report.span_ns.map_or(0, |span| span.0);
    for (check, line) in report.checks.iter().zip(lines) {
        text::out(&line);
        for finding in check.findings.iter().take(SHOWN) {
            let frame = finding.frame.map(|frame| format!(", frame {frame}")).unwrap_or_default();
            let at = time(finding.from_ns - start_ns);
            text::out(&text::printable(&format!("        {at}{frame}: {}", finding.what)));
        }
        let more = check.count.saturating_sub(SHOWN as u64);
        if more > 0 {
            text::out(&format!("        and {more} more"));
        }
    }
}

pub(super) fn run(args: &ReplayArgs) -> Result<Outcome, Failure> {
    let dir = &args.session;
    super::folder::tell(dir);
    let bar = Bar::new("check");
    let report = run::check(dir, &limits(&args.limits), &mut |step| bar.step(step));
    bar.end();
    let report = report?;
    if args.json {
        let mut value = serde_json::to_value(&report).unwrap_or_default();
        if let Some(map) = value.as_object_mut() {
            map.insert("session".into(), json!(dir.display().to_string()));
        }
        text::out(&value.to_string());
    } else {
        print(dir, &report);
    }
    if report.ok {
        return Ok(Outcome::Clean);
    }
    let over: Vec<_> = report.checks.iter().filter(|check| !check.ok).map(|check| check.name).collect();
    let hint = format!("look at the places with: watchcap replay {}", shell(dir));
    Err(Failure::new(&format!("{} is over a limit: {}", dir.display(), over.join(", ")), Some(hint)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_figures_are_short() {
        assert_eq!(
            (time(3_723_250_000_000), time(67_004_000_000), time(-5)),
            ("1:02:03.250".into(), "1:07.004".into(), "0:00.000".into())
        );
        assert_eq!((figure(0.0), figure(0.0104), figure(60.0)), ("0".to_owned(), "0.01".to_owned(), "60".to_owned()));
    }
}
