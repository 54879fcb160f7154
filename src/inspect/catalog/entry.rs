//! The row of one session or log: what its metadata, its seal and its files say.
//!
//! Never writes. What nobody measured is null.

use std::collections::BTreeMap;
use std::path::Path;

use super::columns::{Col, Entry};
use crate::base::event::Stream;
use crate::inspect::survey;
use crate::inspect::survey::State;
use crate::media::mp4::index::read_index;
use crate::session::annotations::Annotations;
use crate::session::layout;
use crate::session::loss::{MaxDropped, is_lossy};
use crate::session::metadata::{Metadata, printable};
use crate::session::review::{Review, Verdict};
use crate::session::seal;
use crate::session::series;
use crate::session::sound;
use crate::session::table::read::EventsReader;
use crate::session::table::row::event_type;

/// The state of a session that can be used.
pub(crate) const SEALED: &str = "sealed";
/// The state of what cannot be used.
pub(crate) const DAMAGED: &str = "damaged";

fn new(path: &str, state: &str) -> Entry {
    let mut entry = Entry::default();
    entry.set(Col::Path, path);
    entry.set(Col::State, state);
    entry
}

/// A folder with metadata and without a seal: an unfinished copy, or a recording of another program.
pub(crate) fn not_sealed(path: &str) -> Entry {
    let mut entry = new(path, DAMAGED);
    entry.set(Col::Problem, "there is no seal (integrity.sha256)");
    entry
}

/// A log.
pub(crate) fn of_log(dir: &Path, path: &str) -> Entry {
    let Ok(found) = survey::look(dir) else {
        let mut entry = new(path, State::Damaged.name());
        entry.set(Col::Problem, "the log cannot be read");
        return entry;
    };
    let mut entry = new(path, found.state.name());
    if found.state == State::Damaged {
        entry.set(Col::Problem, "the log has holes, or no database");
    }
    entry.set(Col::SessionId, found.session_id);
    entry.set(Col::CapturedAt, found.captured_at.as_deref().and_then(micros));
    entry.set(Col::DurationNs, found.duration_ns);
    entry.set(Col::Hours, found.duration_ns.map(hours));
    entry.set(Col::Frames, found.frames);
    entry.set(Col::SizeBytes, found.size_bytes);
    entry
}

fn hours(ns: i64) -> f64 {
    ns as f64 / 3.6e12
}

/// Microseconds since 1970 of an RFC 3339 time.
fn micros(text: &str) -> Option<i64> {
    text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_microsecond)
}

/// A sealed session that is read now; `seal` is the SHA-256 of its `integrity.sha256`.
pub(crate) fn of_session(dir: &Path, path: &str, seal: &str) -> Entry {
    let mut entry = new(path, SEALED);
    entry.set(Col::IntegritySha256, seal);
    if let Err(problem) = read(dir, &mut entry) {
        entry.set(Col::State, DAMAGED);
        entry.set(Col::Problem, problem);
    }
    files(dir, path, &mut entry);
    verdict(dir, &mut entry);
    annotated(dir, &mut entry);
    entry
}

/// A sealed session that the catalog knows, which may have another path now.
pub(crate) fn again(before: &Entry, dir: &Path, path: &str) -> Entry {
    let mut entry = before.clone();
    entry.set(Col::Path, path);
    files(dir, path, &mut entry);
    let sizes = [Col::SizeBytes, Col::VideoBytes, Col::EventsBytes, Col::AudioBytes];
    if sizes.iter().any(|column| before.int(*column) != entry.int(*column)) {
        entry.set(Col::State, DAMAGED);
        entry.set(Col::Problem, "its files have other sizes than when they were read first");
    }
    verdict(dir, &mut entry);
    annotated(dir, &mut entry);
    entry
}

/// Takes over what the last check found: it stays until the next one.
pub(crate) fn keep_check(entry: &mut Entry, checked: &Entry) {
    for column in [Col::Check, Col::CheckFault, Col::CheckedAt] {
        entry.copy(column, checked);
    }
}

/// Where its files are and how large they are.
fn files(dir: &Path, path: &str, entry: &mut Entry) {
    let size =
        |name: &str| std::fs::symlink_metadata(dir.join(name)).ok().filter(std::fs::Metadata::is_file).map(|m| m.len());
    let (video, events) = (size(layout::FRAMES_FILE), size(layout::EVENTS_FILE));
    let metadata = size(layout::METADATA_FILE);
    let sounds = [size(layout::AUDIO_FILE), size(layout::MICROPHONE_FILE)];
    entry.set(Col::VideoBytes, video);
    entry.set(Col::EventsBytes, events);
    entry.set(Col::AudioBytes, sounds.iter().any(Option::is_some).then(|| sounds.iter().flatten().sum::<u64>()));
    entry.set(Col::SizeBytes, [video, events, metadata].iter().chain(&sounds).flatten().sum::<u64>());
    for (column, name, there) in [
        (Col::VideoPath, layout::FRAMES_FILE, video.is_some()),
        (Col::EventsPath, layout::EVENTS_FILE, events.is_some()),
        (Col::MetadataPath, layout::METADATA_FILE, metadata.is_some()),
    ] {
        entry.set(column, there.then(|| format!("{path}/{name}")));
    }
}

/// What a reviewer said of what is here now; a verdict on another edition says nothing of it.
fn verdict(dir: &Path, entry: &mut Entry) {
    let review = Review::read_as(dir, entry.text(Col::SessionId)).unwrap_or_default();
    let verdict = review.verdict().filter(|remark| !remark.stale);
    entry.set(Col::Verdict, verdict.and_then(|remark| remark.verdict).map(Verdict::word));
    entry.set(Col::VerdictAt, verdict.and_then(|remark| micros(&remark.at)));
}

/// What people said that it is of after it was sealed, when that is something else than what the row says.
fn annotated(dir: &Path, entry: &mut Entry) {
    let path = layout::annotations_path(dir);
    let now = path.is_file().then(|| seal::hash_file(&path, &mut |_| {}).ok()).flatten().map(|hash| hash.to_string());
    if now.as_deref() == entry.text(Col::AnnotationsSha256) {
        return;
    }
    let Ok(metadata) = Metadata::read(&layout::metadata_path(dir)) else { return };
    let annotations = Annotations::read(dir, Some(&metadata.session_id)).unwrap_or_default();
    let mut tags = metadata.tags.clone();
    annotations.apply_tags(&mut tags);
    entry.set(Col::Task, annotations.task().or(metadata.task.as_deref()));
    entry.set(Col::Tags, json(&tags));
    entry.set(Col::Outcome, annotations.outcome().map(|(outcome, _)| outcome.word()));
    entry.set(Col::Subtasks, now.is_some().then(|| annotations.subtasks().len() as u64));
    entry.set(Col::AnnotationsSha256, now);
}

/// Reads seal, metadata and the footer of the table; what is wrong, when something is.
fn read(dir: &Path, entry: &mut Entry) -> Result<(), String> {
    let sealed = seal::read_integrity(dir).map_err(|error| error.to_string())?;
    let hash = |name: &str| sealed.iter().find(|entry| entry.name == name).map(|entry| entry.hash.to_string());
    entry.set(Col::VideoSha256, hash(layout::FRAMES_FILE));
    entry.set(Col::EventsSha256, hash(layout::EVENTS_FILE));
    entry.set(Col::MetadataSha256, hash(layout::METADATA_FILE));
    if let Some(missing) = sealed.iter().find(|entry| !dir.join(&entry.name).is_file()) {
        return Err(format!("{} is not there", missing.name));
    }
    let metadata = Metadata::read(&layout::metadata_path(dir)).map_err(|error| error.to_string())?;
    fill(entry, &metadata);
    let table = EventsReader::open(&layout::events_path(dir)).map_err(|error| error.to_string())?;
    entry.set(Col::Rows, table.len());
    if metadata.frames == 0 {
        return Ok(());
    }
    let video = crate::base::files::open_regular(&layout::frames_path(dir))
        .map_err(|_error| "frames.mp4 is not there".to_owned())?;
    let index = read_index(&video).map_err(|error| format!("frames.mp4: {error}"))?;
    let (found, wanted) = (index.samples.len() as u64, metadata.frames);
    if found == wanted { Ok(()) } else { Err(format!("frames.mp4 has {found} frames, the metadata say {wanted}")) }
}

/// What sound there is, by the metadata.
fn sounds(entry: &mut Entry, metadata: &Metadata) {
    let files = sound::files(metadata);
    if files.is_empty() {
        return;
    }
    let words = |key: &str| {
        let mut words: Vec<&str> = files.iter().filter_map(|file| sound::word(metadata, file, key)).collect();
        words.dedup();
        (!words.is_empty()).then(|| words.join("+"))
    };
    entry.set(Col::AudioKinds, words(sound::ROLE));
    entry.set(Col::AudioCodec, words(sound::CODEC));
    let seconds = files.iter().filter_map(|file| {
        let number = |key: &str| sound::number(metadata, file, key).filter(|number| *number > 0);
        Some(number(sound::SAMPLES)? as f64 / number(sound::RATE_HZ)? as f64)
    });
    entry.set(Col::AudioSeconds, seconds.reduce(f64::max));
    let gaps = metadata.lost.iter().filter(|loss| loss.stream == Stream::Audio.name()).map(|loss| loss.gaps);
    entry.set(Col::AudioGaps, gaps.sum::<u64>());
}

/// Tags as a text of JSON, which every reader of tables can take apart; none where there are none.
fn json(tags: &BTreeMap<String, String>) -> Option<String> {
    (!tags.is_empty()).then(|| serde_json::to_string(tags).ok()).flatten()
}

fn fill(entry: &mut Entry, metadata: &Metadata) {
    let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    entry.set(Col::SessionId, metadata.session_id.as_str());
    entry.set(Col::FormatVersion, metadata.format_version.as_str());
    entry.set(Col::Watchcap, some(&metadata.watchcap));
    entry.set(Col::CapturedAt, micros(&metadata.captured_at));
    entry.set(Col::DurationNs, metadata.duration_ns);
    entry.set(Col::Hours, hours(metadata.duration_ns));
    entry.set(Col::EndReason, metadata.end_reason.clone());
    entry.set(Col::Recovered, metadata.recovered);
    entry.set(Col::Lossy, is_lossy(metadata, MaxDropped::default()));
    let series = metadata.series.as_ref();
    entry.set(Col::Series, series.map(|series| printable(&series.part_of)));
    entry.set(Col::Part, series.and_then(|series| i64::try_from(series.index).ok()));
    entry.set(Col::Game, metadata.game.clone());
    entry.set(Col::Patch, metadata.patch.clone());
    entry.set(Col::Task, metadata.task.clone());
    entry.set(Col::Participant, metadata.participant.clone());
    entry.set(Col::Tags, json(&metadata.tags));
    entry.set(Col::Target, metadata.target.as_deref().map(printable));
    entry.set(Col::Width, metadata.resolution.map(|size| i64::from(size.width)));
    entry.set(Col::Height, metadata.resolution.map(|size| i64::from(size.height)));
    entry.set(Col::Codec, metadata.codec.clone());
    entry.set(Col::CodecString, metadata.codec_string.clone());
    entry.set(Col::InputDevice, metadata.input_device.clone());
    entry.set(Col::CaptureFps, metadata.capture_fps);
    entry.set(Col::BitrateKbps, metadata.bitrate_kbps);
    entry.set(Col::Frames, metadata.frames);
    entry.set(Col::DuplicateFrames, metadata.duplicate_frames);
    entry.set(Col::DroppedFrames, metadata.dropped_frames);
    entry.set(Col::Clicks, metadata.clicks);
    for (column, name) in [
        (Col::KeyDown, event_type::KEY_DOWN),
        (Col::KeyUp, event_type::KEY_UP),
        (Col::MouseMove, event_type::MOUSE_MOVE),
        (Col::MouseClick, event_type::MOUSE_CLICK),
        (Col::Wheel, event_type::WHEEL),
        (Col::GamepadButton, event_type::GAMEPAD_BUTTON),
        (Col::GamepadAxis, event_type::GAMEPAD_AXIS),
        (Col::Focus, event_type::FOCUS),
        (Col::Mark, event_type::MARK),
        (Col::Gap, event_type::GAP),
        (Col::Pause, event_type::PAUSE),
        (Col::Redact, event_type::REDACT),
    ] {
        entry.set(column, metadata.counts.get(name).copied().unwrap_or(0));
    }
    for (column, stream) in [(Col::ScreenSource, "screen"), (Col::InputSource, "input"), (Col::AudioSource, "audio")] {
        entry.set(column, metadata.streams.get(stream).and_then(|stream| stream.source.clone()));
    }
    sounds(entry, metadata);
    entry.set(Col::ConsentScreen, metadata.consent.record_screen);
    entry.set(Col::ConsentInput, metadata.consent.record_input);
    entry.set(Col::ConsentAudio, metadata.consent.record_audio);
    entry.set(Col::ConsentScope, metadata.consent.scope.clone());
    entry.set(Col::ConsentWithdrawn, !metadata.consent.withdrawn.is_empty());
    entry.set(Col::ChatRedacted, metadata.privacy.chat_redacted);
    entry.set(Col::NotificationsMasked, metadata.privacy.notifications_masked);
    entry.set(Col::PrivacyKeys, metadata.privacy.keys.clone());
    entry.set(Col::RedactedKeys, metadata.privacy.redacted_keys);
    if let Some(step) = metadata.lineage.last() {
        entry.set(Col::MadeBy, step.by.as_str());
        // Of a session that was joined `joined_from` says it: it is of several.
        let from = (step.reason != series::JOINED).then_some(step.integrity_sha256.as_str());
        entry.set(Col::MadeFrom, from.map(str::to_owned));
    }
    entry.set(Col::JoinedFrom, joined_from(metadata));
}

/// What a session was joined of, and what that was made of: all that its hours are of. Those of a clip are not.
fn joined_from(metadata: &Metadata) -> Option<String> {
    let last = metadata.lineage.iter().rposition(|step| step.reason == series::JOINED)?;
    let (of, later) = metadata.lineage.split_at(last + 1);
    let is_clip = later.iter().any(|step| step.reason == series::CLIP);
    let seals: Vec<&str> = of.iter().map(|step| step.integrity_sha256.as_str()).collect();
    (!is_clip).then(|| seals.join(" "))
}
