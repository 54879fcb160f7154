//! `watchcap info`: a session or a log in a few lines, or the list of those below a folder.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::failure::{Failure, Outcome};
use super::{annotate, text};
use crate::base::event::Event;
use crate::base::shown;
use crate::cli::InfoArgs;
use crate::finalize::keeps_log;
use crate::inspect::{strays, survey};
use crate::log::lock::LogLock;
use crate::log::reader::LogReader;
use crate::log::{Body, LogPaths};
use crate::session::annotations::Annotations;
use crate::session::layout::{self, DirState};
use crate::session::metadata::{Lineage, Metadata, Percentiles, Privacy, Series, Timing};
use crate::session::review::{Remark, Review};
use crate::session::stills;
use crate::session::table::read::EventsReader;

pub(super) fn run(args: &InfoArgs) -> Result<Outcome, Failure> {
    let dir = &args.session;
    super::folder::check(dir)?;
    super::folder::tell(dir);
    match layout::state_of(dir) {
        DirState::Log => log(dir, args.json),
        DirState::Nothing if !layout::metadata_path(dir).is_file() => list(dir, args.json),
        _ => {
            let metadata = Metadata::read(&layout::metadata_path(dir))
                .map_err(|error| Failure::new(&error, error.hint().or_else(|| next(dir))))?;
            sealed(dir, &metadata, (&review(dir)?, &annotate::of(dir, &metadata)?), args.json);
            Ok(Outcome::Clean)
        }
    }
}

/// The sessions and logs in the folders below.
fn list(dir: &Path, as_json: bool) -> Result<Outcome, Failure> {
    let found = survey::below(dir);
    if as_json {
        text::json(&json!({ "path": dir.display().to_string(), "sessions": found }));
        return Ok(Outcome::Clean);
    }
    if found.is_empty() {
        let hint = "give a session's folder, or one with sessions below it".to_owned();
        return Err(Failure::new(&format!("no session in {}", dir.display()), Some(hint)));
    }
    let none = || "-".to_owned();
    let mut rows = vec![["session", "state", "captured", "duration", "size", "next"].map(str::to_owned).to_vec()];
    for found in found {
        let duration = found.duration_ns.and_then(|ns| u64::try_from(ns).ok()).map(Duration::from_nanos);
        let captured = found.captured_at.map(|at| at.chars().take(19).collect::<String>().replace('T', " "));
        let path = found.path.strip_prefix(dir).unwrap_or(&found.path);
        let next = if found.next.is_empty() { found.holder.unwrap_or_default() } else { found.next };
        rows.push(
            [
                path.display().to_string(),
                found.state.name().to_owned(),
                captured.unwrap_or_else(none),
                duration.map_or_else(none, crate::base::shown::clock),
                text::size(found.size_bytes),
                next,
            ]
            .map(|cell| text::cell(&cell))
            .to_vec(),
        );
    }
    text::out(&text::table(&rows).join("\n"));
    Ok(Outcome::Clean)
}

/// The command to run next, as a hint.
fn next(dir: &Path) -> Option<String> {
    let found = survey::look(dir).ok()?;
    Some(format!("see what is wrong, or mend it, with: {}", found.next))
}

/// Files of a session with their sizes.
fn files(dir: &Path) -> Vec<(String, u64)> {
    let names =
        [layout::FRAMES_FILE, layout::EVENTS_FILE, layout::AUDIO_FILE, layout::MICROPHONE_FILE, layout::METADATA_FILE];
    names.iter().filter_map(|name| Some(((*name).to_owned(), std::fs::metadata(dir.join(name)).ok()?.len()))).collect()
}

fn review(dir: &Path) -> Result<Review, Failure> {
    Review::read(dir).map_err(|error| Failure::new(&error, error.hint()))
}

/// Remarks as lines of text, times since `start_ns`: the latest verdict, then verdicts on spans, then marks.
fn remarks(review: &Review, start_ns: i64) -> Vec<(&'static str, String)> {
    let time = |t_ns: i64| format!("{:.3} s", t_ns.saturating_sub(start_ns) as f64 / 1e9);
    let line = |remark: &Remark| {
        let mut parts = Vec::new();
        match remark.span_ns {
            Some((from, until)) if from < until => parts.push(format!("{} to {}", time(from), time(until))),
            Some((at, _)) => parts.push(time(at)),
            None => {}
        }
        parts.extend(remark.verdict.map(|verdict| verdict.word().to_owned()));
        parts.extend(remark.stale.then(|| "(stale)".to_owned()));
        parts.extend(remark.by.iter().map(|by| format!("by {by}")));
        parts.push(format!("at {}", remark.at.chars().take(19).collect::<String>().replace('T', " ")));
        let head = parts.join(" ");
        if remark.note.is_empty() { head } else { format!("{head}: {}", remark.note.replace('\n', " ")) }
    };
    let verdict = review.verdict().map(|remark| ("verdict", line(remark)));
    let spans = review.spans().map(|remark| ("verdict", line(remark)));
    let mut lines: Vec<_> = verdict.into_iter().chain(spans).collect();
    lines.extend(review.marks().map(|remark| ("mark", line(remark))));
    let unread = review.torn.len() as u64 + review.faults.len() as u64 + review.later;
    if unread > 0 {
        lines.push(("review", format!("{} cannot be read, see watchcap verify", text::counted(unread, "line"))));
    }
    lines
}

fn sealed(dir: &Path, metadata: &Metadata, (review, annotations): (&Review, &Annotations), as_json: bool) {
    let found = survey::look(dir).ok();
    let state = found.as_ref().map_or("damaged", |found| found.state.name());
    let log_bytes = found.as_ref().and_then(|found| found.log_bytes);
    if as_json {
        let value = serde_json::to_value(metadata).unwrap_or(Value::Null);
        let sizes: serde_json::Map<_, _> = files(dir).into_iter().map(|(name, size)| (name, json!(size))).collect();
        text::json(&json!({
            "state": state, "path": dir.display().to_string(), "size_bytes": sizes, "log_bytes": log_bytes,
            "strays": strays_json(dir), "review": review.to_json(), "annotations": annotations.to_json(metadata),
            "metadata": value,
        }));
        return;
    }
    let none = || "-".to_owned();
    let rate = |value: Option<f64>, unit: &str| {
        value.map_or_else(none, |v| format!("{:.2} {unit}", (v * 100.0).round() / 100.0 + 0.0))
    };
    let seconds = u64::try_from(metadata.duration_ns).unwrap_or(0);
    let duplicates = text::counted(metadata.duplicate_frames, "duplicate");
    let mut lines = vec![
        ("session", metadata.session_id.clone()),
        ("state", format!("{state}, format {}", metadata.format_version)),
        ("series", metadata.series.as_ref().map_or_else(String::new, series)),
        ("captured", metadata.captured_at.clone()),
        ("duration", crate::base::shown::clock(Duration::from_nanos(seconds))),
        (
            "ended by",
            match (&metadata.end_reason, &metadata.recovery) {
                (Some(reason), _) => reason.clone(),
                (None, Some(recovery)) if !recovery.closed => "nothing: it was cut off".into(),
                (None, _) => none(),
            },
        ),
        ("target", metadata.target.clone().unwrap_or_else(none)),
        ("game", [metadata.game.clone(), metadata.patch.clone()].into_iter().flatten().collect::<Vec<_>>().join(" ")),
        (
            "video",
            format!(
                "{}, {}, {}, {}, {}",
                text::counted(metadata.frames, "frame"),
                metadata.resolution.map_or_else(none, |r| format!("{}x{}", r.width, r.height)),
                rate(metadata.capture_fps, "fps"),
                rate(metadata.bitrate_kbps, "kbit/s"),
                metadata.codec.clone().unwrap_or_else(none)
            ),
        ),
        (
            "frames",
            match metadata.dropped_frames {
                Some(dropped) => {
                    format!("{dropped} dropped, {duplicates}{}", skipped(metadata))
                }
                None => format!("{duplicates}, dropped ones not known"),
            },
        ),
        ("png", pictures(metadata)),
        ("events", text::events(&metadata.counts, metadata.clicks)),
        ("drift", rate(metadata.clock_drift_ppm, "ppm")),
        ("timing", metadata.timing.as_ref().map_or_else(String::new, timing)),
        ("input", metadata.input_device.clone().unwrap_or_else(none)),
        ("consent", consent(metadata)),
        ("kept out", kept_out(&metadata.privacy)),
    ];
    lines.extend(metadata.lineage.iter().map(|step| ("made by", made_by(step))));
    lines.extend(metadata.import.iter().map(|import| ("imported", format!("by {}", import.by))));
    for (name, size) in files(dir) {
        lines.push(("file", format!("{name}, {}", text::size(size))));
    }
    for name in strays::below(dir) {
        let what = strays::maker(&name).unwrap_or("nobody knows who made it");
        lines.push(("stray", format!("{name}: not of the session and breaks its seal; {what}")));
    }
    for loss in &metadata.lost {
        let count = loss.count.map_or_else(|| "an unknown number".into(), |count| count.to_string());
        lines.push(("lost", format!("{} {count}: {}", loss.stream, loss.reason)));
    }
    if let Some(recovery) = &metadata.recovery {
        let why = if recovery.closed { "its log was damaged" } else { "the recording did not end in good order" };
        lines.push(("recovered", why.into()));
    }
    if let Some(bytes) = log_bytes {
        let again = if keeps_log(metadata) { "--again " } else { "" };
        let does = if keeps_log(metadata) { "makes the session anew of it" } else { "deletes it" };
        let (size, dir) = (text::size(bytes), shown::shell(dir));
        lines.push(("log", format!("still there, {size}: watchcap finalize {again}{dir} {does}")));
    }
    if state == "damaged" {
        lines.extend(found.map(|found| ("next", found.next)));
    }
    // From the first row on, as the player counts.
    let table = EventsReader::open(&layout::events_path(dir)).ok();
    let first = table.and_then(|table| table.groups().first().and_then(|group| group.span_ns));
    let start = first.map_or(metadata.clock.t0_ns, |(first, _)| first);
    lines.extend(annotate::lines(metadata, annotations, start));
    lines.extend(remarks(review, start));
    text::pairs(&lines);
}

/// What is not of the session, with who makes such files.
fn strays_json(dir: &Path) -> Vec<Value> {
    let one = |name: String| json!({ "name": name, "maker": strays::maker(&name) });
    strays::below(dir).into_iter().map(one).collect()
}

/// Which part of a longer recording it is.
fn series(Series { part_of, index, .. }: &Series) -> String {
    format!("part {index} of {}", text::cell(part_of))
}

/// Median and 99th percentile of each time that was measured.
fn timing(timing: &Timing) -> String {
    let of = |what: &str, times: Option<Percentiles>| {
        times.map(|Percentiles { p50, p99 }| format!("{what} {p50:.1}/{p99:.1}"))
    };
    let times = [
        of("frame interval", timing.frame_interval_ms),
        of("grab", timing.grab_ms),
        of("encode", timing.encode_ms),
        of("commit", timing.commit_ms),
    ];
    let times = times.into_iter().flatten().collect::<Vec<_>>().join(", ");
    let times = (!times.is_empty()).then(|| format!("{times} ms (p50/p99)"));
    let silence = timing.input_silence_ms.filter(|ms| *ms > 0.0);
    let silence = silence.map(|ms| format!("no input for {ms:.0} ms while the pointer moved"));
    let behind = timing.behind.as_ref().map(|behind| {
        let ms = |ns: i64| ns as f64 / 1e6;
        let late = if behind.late_pictures > 0 {
            let pictures = text::counted(behind.late_pictures, "picture");
            format!(", {pictures} later than that by up to {:.1} ms", ms(behind.late_by_ns))
        } else {
            String::new()
        };
        format!("repeats up to {:.1} ms behind{late}", ms(behind.greatest_ns))
    });
    times.into_iter().chain(silence).chain(behind).collect::<Vec<_>>().join("; ")
}

/// How many PNG pictures there are; empty when none were asked for.
fn pictures(metadata: &Metadata) -> String {
    let Some(count) = stills::count(metadata) else { return String::new() };
    let skipped = match stills::skipped(metadata) {
        Some(0) => String::new(),
        Some(skipped) => format!(", {skipped} skipped"),
        None => ", skipped ones not known".to_owned(),
    };
    text::counted(count, "picture") + &skipped
}

fn skipped(metadata: &Metadata) -> String {
    metadata.unchanged_skipped.map_or_else(String::new, |skipped| format!(", {skipped} unchanged not stored"))
}

/// What was kept out of the recording, or afterwards; empty when nothing was.
fn kept_out(privacy: &Privacy) -> String {
    let some = |n: u64, what: &str| (n > 0).then(|| text::counted(n, what));
    let kinds = |n: usize| match n {
        0 => None,
        1 => Some("1 kind of windows".to_owned()),
        n => Some(format!("{n} kinds of windows")),
    };
    let told = |said: Option<bool>, what: &str| (said == Some(true)).then(|| what.to_owned());
    let parts = [
        some(privacy.pii_regions.len() as u64, "masked area"),
        some(privacy.redacted_spans, "span"),
        some(privacy.redacted_keys, "key"),
        told(privacy.notifications_masked, "notifications"),
        told(privacy.chat_redacted, "chat"),
        told(privacy.input_only_with_focus, "input for other windows"),
        kinds(privacy.excluded_apps.len()),
        privacy.keys.as_ref().filter(|keys| *keys != "all").map(|keys| format!("keys other than {keys}")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// A step from an older session.
fn made_by(step: &Lineage) -> String {
    let what = if step.what.is_empty() { String::new() } else { format!(" without {}", step.what.join(" and ")) };
    let at = step.at.as_deref().map_or_else(String::new, |at| format!(" at {at}"));
    format!("{} of {}{what}{at}", step.by, step.integrity_sha256.get(..12).unwrap_or(&step.integrity_sha256))
}

fn consent(metadata: &Metadata) -> String {
    let consent = &metadata.consent;
    let streams = [("screen", consent.record_screen), ("input", consent.record_input), ("audio", consent.record_audio)];
    let agreed: Vec<_> = streams.iter().filter(|(_, yes)| *yes == Some(true)).map(|(name, _)| *name).collect();
    let mut all = if agreed.is_empty() {
        vec![format!("none is known of ({})", consent.how)]
    } else {
        vec![format!("{} by {} at {}", agreed.join(" and "), consent.how, consent.agreed_at)]
    };
    for (stream, withdrawal) in &consent.withdrawn {
        all.push(format!("{stream} taken back at {}", withdrawal.at.as_deref().unwrap_or("an unknown time")));
    }
    all.join("; ")
}

/// A log that is being written, or was left by a crash: read without touching it.
fn log(dir: &Path, as_json: bool) -> Result<Outcome, Failure> {
    let paths = LogPaths::of(dir);
    let failed = |error: crate::log::LogError| Failure::new(&error, error.hint());
    let reader = LogReader::open(&paths).map_err(failed)?;
    let holder = LogLock::holder(&paths.lock);
    let state = survey::state_of_log(dir, &reader, holder.as_deref());
    let (mut frames, mut inputs) = (0u64, 0u64);
    for entry in reader.iter() {
        // A log that is being written moves under the reader: a chunk that is gone by now was a copy of another.
        let Ok((_, record)) = entry else { continue };
        match record.body {
            Body::Event(Event::Frame(_)) => frames += 1,
            // As `record` counts them.
            Body::Event(
                Event::Key(_)
                | Event::MouseMove { .. }
                | Event::MouseClick { .. }
                | Event::Wheel { .. }
                | Event::Focus { .. },
            ) => inputs += 1,
            _ => {}
        }
    }
    let records: u64 = reader.chunks().iter().map(|chunk| u64::from(chunk.count)).sum();
    let first = reader.chunks().iter().map(|chunk| chunk.min_t.0).min().unwrap_or(0);
    let last = reader.chunks().iter().map(|chunk| chunk.max_t.0).max().unwrap_or(first);
    let next = survey::next_for_log(dir, state);
    let review = review(dir)?;
    if as_json {
        text::json(&json!({
            "state": state, "path": dir.display().to_string(), "holder": holder, "records": records,
            "frames": frames, "inputs": inputs, "duration_ns": last.saturating_sub(first), "closed": reader.facts.end.is_some(),
            "database": reader.database.name(), "damaged_chunks": reader.damaged, "holes": reader.holes.len(),
            "next": next, "review": review.to_json(),
        }));
        return Ok(Outcome::Clean);
    }
    let mut lines = vec![
        ("state", state.name().to_owned()),
        ("used by", holder.unwrap_or_default()),
        (
            "duration",
            crate::base::shown::clock(Duration::from_nanos(u64::try_from(last.saturating_sub(first)).unwrap_or(0))),
        ),
        ("records", format!("{records}: {}, {}", text::counted(frames, "frame"), text::counted(inputs, "input"))),
        ("damaged", if reader.damaged > 0 { text::counted(reader.damaged, "chunk") } else { String::new() }),
        ("next", next),
    ];
    lines.extend(remarks(&review, first));
    text::pairs(&lines);
    Ok(Outcome::Clean)
}
