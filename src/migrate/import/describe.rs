//! The metadata of an imported recording: what was counted and measured here, what the other recorder said of things that only it
//! could know, and the names of the guarantees that it does not give.
//!
//! Keeps the invariant that nothing is invented: what nobody said or measured is null. What the other recorder claims and nobody can
//! check (that chat was masked, that its clock did not drift) is not taken over, but kept in `import.metadata` as it stands.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::order::Survey;
use super::video::Made;
use crate::finalize::tables::TableSummary;
use crate::session::metadata::{
    AnchorInfo, ClockInfo, Consent, EncoderInfo, Env, Extra, Import, InitialState, Loss, Metadata, Privacy, Resolution,
    StreamInfo, SurfaceInfo, fit_drift_ppm,
};
use crate::session::row::{OwnedRow, event_type, key};
use crate::session::schema::FORMAT_VERSION;
use crate::time::UtcNs;

/// `consent.how` of a recording that does not say whether anyone agreed.
pub const NOT_RECORDED: &str = "not_recorded";

/// The guarantees that a recording of another program may not give: `import.missing`.
pub mod missing {
    /// It has no `integrity.sha256`.
    pub const INTEGRITY: &str = "integrity";
    /// Its rows have no hash of this format.
    pub const ROW_HASH: &str = "row_hash";
    /// It has no `metadata.json`.
    pub const METADATA_JSON: &str = "metadata_json";
    /// It does not say which session it is.
    pub const SESSION_ID: &str = "session_id";
    /// Its rows have no `metadata`.
    pub const ROW_METADATA: &str = "row_metadata";
    /// The access units of its video do not carry their number and time.
    pub const FRAME_STAMPS: &str = "frame_stamps";
    /// The file does not say which colours its samples mean.
    pub const COLOUR: &str = "colour";
    /// It does not say whether anyone agreed to it.
    pub const CONSENT: &str = "consent";
    /// What was kept out of it cannot be vouched for.
    pub const PRIVACY: &str = "privacy";
    /// It does not say which clock `t_ns` is of.
    pub const CLOCK: &str = "clock";
    /// Nothing ties `t_ns` to the calendar.
    pub const ANCHORS: &str = "anchors";
    /// It does not say what it lost.
    pub const LOSSES: &str = "losses";
    /// It does not tell the system's auto-repeat from presses.
    pub const REPEAT: &str = "repeat";
    /// It does not tell presses of buttons from releases.
    pub const PRESSED: &str = "pressed";
    /// It has no raw motion.
    pub const MOTION: &str = "motion";
    /// It does not say where inputs were observed.
    pub const SOURCE: &str = "source";
    /// It does not say what was held when it began.
    pub const INITIAL_STATE: &str = "initial_state";

    /// All of them, in the order of FORMAT.md.
    pub const ALL: [&str; 17] = [
        INTEGRITY,
        ROW_HASH,
        METADATA_JSON,
        SESSION_ID,
        ROW_METADATA,
        FRAME_STAMPS,
        COLOUR,
        CONSENT,
        PRIVACY,
        CLOCK,
        ANCHORS,
        LOSSES,
        REPEAT,
        PRESSED,
        MOTION,
        SOURCE,
        INITIAL_STATE,
    ];
}

/// What was found out about a recording.
pub(super) struct Facts<'a> {
    pub(super) survey: &'a Survey,
    pub(super) table: &'a TableSummary,
    pub(super) video: Option<&'a Made>,
    pub(super) session_id: String,
    /// Nobody said it.
    pub(super) id_was_made: bool,
    pub(super) has_integrity: bool,
    /// Its `metadata.json`; none when there is none.
    pub(super) said: Option<Extra>,
    pub(super) absent_columns: &'a [String],
    pub(super) rows: Counted,
    pub(super) import: Import,
}

/// What was counted while the rows were written.
#[derive(Default)]
pub(super) struct Counted {
    pub(super) duplicates: u64,
    pub(super) redacted_keys: u64,
    /// The account of the `gap` rows, by stream and reason.
    losses: BTreeMap<(String, String), Loss>,
    paused_from: Option<i64>,
    paused_ns: i64,
}

impl Counted {
    /// Takes a row as it is written.
    pub(super) fn row(&mut self, row: &OwnedRow) {
        let word = |key: &str| row.metadata.get(key).map(str::to_owned);
        match row.event_type.as_str() {
            event_type::FRAME => self.duplicates += u64::from(super::order::is_duplicate(row)),
            event_type::KEY_DOWN | event_type::KEY_UP => {
                self.redacted_keys += u64::from(row.metadata.get(key::REDACTED).is_some());
            }
            event_type::PAUSE => self.paused_from = self.paused_from.or(Some(row.t_ns)),
            event_type::RESUME => {
                if let Some(from) = self.paused_from.take() {
                    self.paused_ns = self.paused_ns.saturating_add(row.t_ns.saturating_sub(from));
                }
            }
            event_type::GAP => {
                let id = (word(key::STREAM).unwrap_or_default(), word(key::REASON).unwrap_or_default());
                let until_ns = word(key::UNTIL_NS).and_then(|text| text.parse().ok());
                let count: Option<u64> = word(key::LOST).and_then(|text| text.parse().ok());
                let loss = self.losses.entry(id.clone()).or_insert_with(|| Loss {
                    stream: id.0,
                    reason: id.1,
                    gaps: 0,
                    count: Some(0),
                    from_ns: Some(row.t_ns),
                    until_ns,
                    extra: Extra::new(),
                });
                loss.gaps += 1;
                loss.count = loss.count.zip(count).map(|(sum, count)| sum.saturating_add(count));
                loss.until_ns = loss.until_ns.max(until_ns);
            }
            _ => {}
        }
    }
}

/// Takes a value out of what was said, when it is one of this type.
fn take<T: DeserializeOwned>(said: &mut Extra, key: &str) -> Option<T> {
    let value = serde_json::from_value(said.get(key)?.clone()).ok()?;
    said.shift_remove(key);
    Some(value)
}

fn text(said: &mut Extra, key: &str) -> Option<String> {
    let text: String = serde_json::from_value(said.get(key)?.clone()).ok()?;
    said.shift_remove(key);
    Some(text).filter(|text| !text.is_empty())
}

/// Takes some keys out of an object, and the object when nothing is left in it.
fn inside<T>(said: &mut Extra, key: &str, take: impl FnOnce(&mut Extra) -> T) -> Option<T> {
    let Some(Value::Object(object)) = said.get_mut(key) else { return None };
    let taken = take(object);
    if object.is_empty() {
        said.shift_remove(key);
    }
    Some(taken)
}

/// An RFC 3339 time in the form of this format.
fn captured_at(said: &mut Extra) -> Option<String> {
    let stamp = said.get("captured_at")?.as_str()?.parse::<jiff::Timestamp>().ok()?;
    said.shift_remove("captured_at");
    i64::try_from(stamp.as_nanosecond()).ok().map(|ns| UtcNs(ns).to_rfc3339())
}

/// The metadata of the session.
pub(super) fn describe(facts: Facts<'_>) -> Metadata {
    let Facts { survey, table, video, rows, mut import, .. } = facts;
    let has_metadata = facts.said.is_some();
    let mut said = facts.said.unwrap_or_default();
    import.format = text(&mut said, "format_version");
    said.shift_remove("session_id");
    let span = survey.span_ns.unwrap_or((0, 0));
    let running_us = video.and_then(|video| video.samples.last()).map_or(0, |last| last.pts_us) - rows.paused_ns / 1000;
    let frames = survey.frames.len() as u64;
    let video_us = video.and_then(|video| video.samples.last()).map_or(0, |last| last.pts_us);
    let bytes: u64 = video.map_or(0, |video| video.samples.iter().map(|sample| u64::from(sample.size)).sum());
    let round = |value: f64| (value * 1000.0).round() / 1000.0;

    let clock = inside(&mut said, "clock", |clock| (text(clock, "id"), take::<Vec<AnchorInfo>>(clock, "anchors")));
    let (clock_id, anchors) = clock.unwrap_or((None, None));
    let anchors = anchors.unwrap_or_default();
    let consent = inside(&mut said, "consent", |consent| Consent {
        record_screen: take(consent, "record_screen"),
        record_input: take(consent, "record_input"),
        record_audio: take(consent, "record_audio"),
        how: text(consent, "how").unwrap_or_else(|| NOT_RECORDED.into()),
        agreed_at: text(consent, "agreed_at").unwrap_or_default(),
        text_version: None,
        scope: text(consent, "scope"),
        withdrawn: take(consent, "withdrawn").unwrap_or_default(),
        extra: Extra::new(),
    });
    let initial_state: Option<InitialState> = take(&mut said, "initial_state");
    let dropped_frames: Option<u64> = take(&mut said, "dropped_frames");
    let streams = streams(survey, &mut said);

    let there = [
        (missing::INTEGRITY, facts.has_integrity),
        // No other program makes them; and when one did, the rows have other values now.
        (missing::ROW_HASH, false),
        (missing::METADATA_JSON, has_metadata),
        (missing::SESSION_ID, !facts.id_was_made),
        (missing::ROW_METADATA, !facts.absent_columns.iter().any(|name| name == "metadata")),
        (missing::FRAME_STAMPS, video.is_none_or(|video| video.has_stamps)),
        (missing::COLOUR, video.is_none_or(|video| video.has_colour)),
        (missing::CONSENT, consent.as_ref().is_some_and(|consent| consent.how != NOT_RECORDED)),
        (missing::PRIVACY, false),
        (missing::CLOCK, clock_id.is_some()),
        (missing::ANCHORS, !anchors.is_empty()),
        (missing::LOSSES, survey.gaps > 0 || dropped_frames.is_some()),
        (missing::REPEAT, survey.flags_repeats),
        (missing::PRESSED, survey.clicks.0 == survey.clicks.1),
        (missing::MOTION, survey.has_motion),
        (missing::SOURCE, survey.has_source),
        (missing::INITIAL_STATE, initial_state.as_ref().is_some_and(|state| state.keys.is_some())),
    ];
    import.missing = there.into_iter().filter(|(_, there)| !there).map(|(name, _)| name.to_owned()).collect();

    let mut metadata = Metadata {
        format_version: FORMAT_VERSION.into(),
        session_id: facts.session_id,
        watchcap: String::new(),
        captured_at: captured_at(&mut said).unwrap_or_default(),
        duration_ns: span.1.saturating_sub(span.0),
        end_reason: text(&mut said, "end_reason"),
        recovered: false,
        recovery: None,
        lost: rows.losses.into_values().collect(),
        game: text(&mut said, "game"),
        patch: text(&mut said, "patch"),
        target: text(&mut said, "target"),
        resolution: video.map(|video| Resolution { width: video.size.0, height: video.size.1 }),
        surface: take::<SurfaceInfo>(&mut said, "surface"),
        refresh_hz: take(&mut said, "refresh_hz"),
        capture_fps: (frames >= 2 && running_us > 0).then(|| (frames - 1) as f64 / (running_us as f64 / 1e6)),
        codec: video.map(|video| video.codec.clone()),
        bitrate_kbps: (video_us > 0).then(|| round(bytes as f64 * 8.0 / 1000.0 / (video_us as f64 / 1e6))),
        input_device: text(&mut said, "input_device"),
        keyboard_layout: text(&mut said, "keyboard_layout"),
        window_id: text(&mut said, "window_id"),
        frames,
        duplicate_frames: rows.duplicates,
        dropped_frames,
        unchanged_skipped: take(&mut said, "unchanged_skipped"),
        counts: table.counts.clone(),
        clock_drift_ppm: fit_drift_ppm(&anchors),
        clock: ClockInfo { id: clock_id.unwrap_or_default(), t0_ns: span.0, anchors, extra: Extra::new() },
        streams,
        encoder: take::<EncoderInfo>(&mut said, "encoder"),
        initial_state: initial_state.unwrap_or_default(),
        consent: consent.unwrap_or_else(|| Consent {
            record_screen: None,
            record_input: None,
            record_audio: None,
            how: NOT_RECORDED.into(),
            agreed_at: String::new(),
            text_version: None,
            scope: None,
            withdrawn: BTreeMap::new(),
            extra: Extra::new(),
        }),
        privacy: Privacy {
            redacted_spans: table.counts.get(event_type::REDACT).copied().unwrap_or(0),
            redacted_keys: rows.redacted_keys,
            ..Privacy::default()
        },
        lineage: Vec::new(),
        import: None,
        env: take::<Env>(&mut said, "env").unwrap_or_default(),
        extra: Extra::new(),
    };
    // What was measured here needs no other word, where it says the same.
    for (key, value) in [
        ("frames", Value::from(frames)),
        ("resolution", serde_json::to_value(metadata.resolution).unwrap_or_default()),
        ("codec", metadata.codec.clone().into()),
        ("duration_ns", metadata.duration_ns.into()),
        ("counts", serde_json::to_value(&metadata.counts).unwrap_or_default()),
    ] {
        if said.get(key) == Some(&value) {
            said.shift_remove(key);
        }
    }
    import.metadata = said;
    metadata.import = Some(import);
    metadata
}

/// The streams that are there; of those that are not, nothing is said.
fn streams(survey: &Survey, said: &mut Extra) -> BTreeMap<String, StreamInfo> {
    if let Some(streams) = take::<BTreeMap<String, StreamInfo>>(said, "streams") {
        return streams;
    }
    let there = [("screen", !survey.frames.is_empty()), ("input", survey.inputs > 0)];
    let recorded = || StreamInfo {
        status: "recorded".into(),
        source: None,
        reason: None,
        settings: BTreeMap::new(),
        extra: Extra::new(),
    };
    there.into_iter().filter(|(_, there)| *there).map(|(name, _)| (name.to_owned(), recorded())).collect()
}
