//! What is to be known of a session beside its rows: tables of a page, from its metadata and its seal.

use std::time::Duration;

use serde_json::{Value, json};

use crate::base::shown::{clock, counted};
use crate::session::metadata::{Metadata, Percentiles, readers_of};

/// Rows of one table.
type Rows = Vec<[String; 2]>;

fn or_unknown<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "unknown".to_owned(), |value| value.to_string())
}

fn yes(value: Option<bool>) -> String {
    or_unknown(value.map(|value| if value { "yes" } else { "no" }))
}

/// Hours, minutes and seconds of a length.
pub(super) fn length(ns: i64) -> String {
    clock(Duration::from_nanos(ns.max(0).unsigned_abs()))
}

/// One line under the title.
pub(super) fn facts(metadata: &Metadata) -> String {
    let size = metadata.resolution.map(|size| format!("{}×{}", size.width, size.height));
    let fps = metadata.capture_fps.map(|fps| format!("{fps:.2} frames a second"));
    let parts = [
        Some(metadata.captured_at.clone()).filter(|at| !at.is_empty()),
        Some(length(metadata.duration_ns)),
        metadata.game.clone(),
        metadata.target.clone(),
        size,
        fps,
        Some(counted(metadata.frames, "frame")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// The tables of a page, each with its caption. `intervals` are median and 99th percentile of the times between frames, microseconds.
pub(super) fn tables(metadata: &Metadata, seal: &str, intervals: Option<(f64, f64, u64)>) -> Value {
    let row = |name: &str, value: String| [name.to_owned(), value];
    let integrity: Rows = vec![
        row("seal", format!("SHA-256 {seal} (integrity.sha256); every file has the hash that stands in it")),
        row("format", metadata.format_version.clone()),
        row(
            "recorded by",
            format!("watchcap {}", if metadata.watchcap.is_empty() { "unknown" } else { &metadata.watchcap }),
        ),
        row("ended", or_unknown(metadata.end_reason.as_ref())),
        row("recovered", if metadata.recovered { "yes: see recovery in metadata.json".into() } else { "no".into() }),
        row("dropped frames", or_unknown(metadata.dropped_frames)),
        row("lost", lost(metadata)),
        row(
            "made of another session",
            if metadata.lineage.is_empty() { "no".into() } else { "yes: see lineage in metadata.json".into() },
        ),
    ];
    let privacy = &metadata.privacy;
    let consent = &metadata.consent;
    let withdrawn: Vec<&str> = consent.withdrawn.keys().map(String::as_str).collect();
    let private: Rows = vec![
        row("consent to the screen", yes(consent.record_screen)),
        row("consent to input", yes(consent.record_input)),
        row("consent to sound", yes(consent.record_audio)),
        row(
            "given",
            format!("{} {}", if consent.how.is_empty() { "unknown" } else { &consent.how }, consent.agreed_at),
        ),
        row("taken back", if withdrawn.is_empty() { "no".into() } else { withdrawn.join(", ") }),
        row("profile", privacy.profile.clone().unwrap_or_else(|| "none".into())),
        row("chat withheld", yes(privacy.chat_redacted)),
        row("notifications masked", yes(privacy.notifications_masked)),
        row("masked areas", privacy.pii_regions.len().to_string()),
        row(
            "excluded applications",
            if privacy.excluded_apps.is_empty() { "none".into() } else { privacy.excluded_apps.join(", ") },
        ),
        row("keys", or_unknown(privacy.keys.as_ref())),
        row("redacted spans", privacy.redacted_spans.to_string()),
        row("redacted keys", privacy.redacted_keys.to_string()),
    ];
    let ms = |us: f64| format!("{:.2} ms", us / 1000.0);
    let timing = metadata.timing.clone().unwrap_or_default();
    let silence = timing.input_silence_ms.map_or_else(|| "not measured".into(), |ms| format!("{ms:.0} ms"));
    let time: Rows = vec![
        row("clock", if metadata.clock.id.is_empty() { "unknown".into() } else { metadata.clock.id.clone() }),
        row("t0_ns", metadata.clock.t0_ns.to_string()),
        row(
            "drift of the wall clock",
            metadata.clock_drift_ppm.map_or_else(|| "unknown".into(), |ppm| format!("{ppm:.2} ppm")),
        ),
        row("time between frames, median", intervals.map_or_else(|| "not measured".into(), |(median, ..)| ms(median))),
        row(
            "time between frames, 99th percentile",
            intervals.map_or_else(|| "not measured".into(), |(_, p99, _)| ms(p99)),
        ),
        row("grab of a picture", spread(timing.grab_ms)),
        row("encoding", spread(timing.encode_ms)),
        row("commit of records", spread(timing.commit_ms)),
        row(
            "repeats behind the screen, at the most",
            timing.behind.as_ref().map_or_else(
                || "of the moment, or not measured".into(),
                |behind| {
                    format!(
                        "{:.1} ms; pictures later than that: {}",
                        behind.greatest_ns as f64 / 1e6,
                        behind.late_pictures
                    )
                },
            ),
        ),
        row("longest silence of input while the pointer moved", silence),
        row("unchanged pictures", format!("{} stored as repeats", metadata.duplicate_frames)),
        row("refresh rate", metadata.refresh_hz.map_or_else(|| "unknown".into(), |hz| format!("{hz:.2} Hz"))),
    ];
    let stream = |(name, stream): (&String, &crate::session::metadata::StreamInfo)| {
        let reason = stream.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
        row(name, format!("{} by {}{reason}", stream.status, or_unknown(stream.source.as_ref())))
    };
    let mut made: Rows = metadata.streams.iter().map(stream).collect();
    made.push(row("encoder", metadata.encoder.as_ref().map_or_else(|| "none".into(), |encoder| encoder.name.clone())));
    let codec = metadata.codec_string.as_deref();
    let readers = codec.and_then(readers_of).map(|readers| format!(" ({readers})")).unwrap_or_default();
    made.push(row("codec", or_unknown(codec) + &readers));
    made.push(row("bits", metadata.bitrate_kbps.map_or_else(|| "unknown".into(), |rate| format!("{rate:.0} kbit/s"))));
    let env = &metadata.env;
    for (name, value) in
        [("system", &env.os), ("display server", &env.display_server), ("processor", &env.cpu), ("graphics", &env.gpu)]
    {
        made.push(row(name, or_unknown(value.as_ref())));
    }
    made.push(row("input devices", or_unknown(metadata.input_device.as_ref())));
    json!([["Integrity", integrity], ["Privacy", private], ["Time", time], ["How it was made", made]])
}

fn spread(times: Option<Percentiles>) -> String {
    let said = |Percentiles { p50, p99 }: Percentiles| format!("{p50:.2} ms median, {p99:.2} ms for 99 of 100");
    times.map_or_else(|| "not measured".into(), said)
}

fn lost(metadata: &Metadata) -> String {
    let one = |loss: &crate::session::metadata::Loss| {
        let count = loss.count.map_or_else(|| "an unknown number".to_owned(), |count| count.to_string());
        format!("{}: {} ({count})", loss.stream, loss.reason)
    };
    if metadata.lost.is_empty() {
        "nothing".into()
    } else {
        metadata.lost.iter().map(one).collect::<Vec<_>>().join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_by_people() {
        assert_eq!([0, 61_500_000_000, 3_600_000_000_000, -1].map(length), ["0:00", "1:01", "1:00:00", "0:00"]);
    }
}
