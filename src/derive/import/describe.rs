//! The metadata of an imported recording: what was counted and measured here, what the other recorder said of things that only it
//! could know, and the names of the guarantees that it does not give.
//!
//! Keeps the invariant that nothing is invented: what nobody said or measured is null. What the other recorder claims and nobody can
//! check (that chat was masked, that its clock did not drift) is not taken over, but kept in `import.metadata` as it stands.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::keys::KeyTable;
use super::options::{BUTTONS, Options, PixelArea};
use super::order::Survey;
use super::sound::MadeSound;
use super::units;
use super::video::Made;
use crate::base::event::Stream;
use crate::base::time::UtcNs;
use crate::derive::import::consent::{self, NOT_RECORDED};
use crate::session::labels;
use crate::session::layout;
use crate::session::measured::{Measured, Pictures};
use crate::session::metadata::{
    AnchorInfo, ClockInfo, Consent, EncoderInfo, Env, Extra, Import, InitialState, Metadata, Privacy, Resolution,
    StreamInfo, SurfaceInfo, codec_name, fit_drift_ppm, is_input_device,
};
use crate::session::sound;
use crate::session::table::schema::FORMAT_VERSION;
use crate::session::table::write::TableSummary;

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
    /// It does not say when it was recorded.
    pub const CAPTURED_AT: &str = "captured_at";
    /// It does not say which table its key codes are of.
    pub const KEY_TABLE: &str = "key_table";
    /// Keys have codes of the recorder that are no HID usages.
    pub const KEY_CODES: &str = "key_codes";
    /// Its key codes are of characters, and it is not known on which layout.
    pub const KEY_LAYOUT: &str = "key_layout";

    /// All of them, in the order of FORMAT.md.
    pub const ALL: [&str; 21] = [
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
        CAPTURED_AT,
        KEY_TABLE,
        KEY_CODES,
        KEY_LAYOUT,
    ];
}

/// What was found out about a recording.
pub(crate) struct Facts<'a> {
    pub(crate) told: &'a Options,
    /// The area that positions were pixels of.
    pub(crate) pixels: Option<PixelArea>,
    pub(crate) survey: &'a Survey,
    pub(crate) table: &'a TableSummary,
    pub(crate) video: Option<&'a Made>,
    pub(crate) sound: Option<&'a MadeSound>,
    pub(crate) session_id: String,
    /// Nobody said it.
    pub(crate) id_was_made: bool,
    pub(crate) has_integrity: bool,
    /// Its `metadata.json`; none when there is none.
    pub(crate) said: Option<Extra>,
    pub(crate) absent_columns: &'a [String],
    /// What the rows add up to.
    pub(crate) measured: Measured,
    pub(crate) import: Import,
}

/// Takes a value out of what was said, when it is one of this type.
fn take<T: DeserializeOwned>(said: &mut Extra, key: &str) -> Option<T> {
    let value = serde_json::from_value(said.get(key)?.clone()).ok()?;
    said.shift_remove(key);
    Some(value)
}

/// Takes a value out of what was said, when it is one of this type and can be what this format means by it.
fn take_if<T: DeserializeOwned>(said: &mut Extra, key: &str, can_be: impl FnOnce(&T) -> bool) -> Option<T> {
    let value: T = serde_json::from_value(said.get(key)?.clone()).ok()?;
    if !can_be(&value) {
        return None;
    }
    said.shift_remove(key);
    Some(value)
}

fn text(said: &mut Extra, key: &str) -> Option<String> {
    take::<String>(said, key).filter(|text| !text.is_empty())
}

/// Whether a text is a word in `snake_case`.
fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// What was held when it began, in the units and codes of this format; what may mean something else stays what it said.
fn initial_state(said: &mut Extra, told: &Options, pixels: Option<PixelArea>, in_doubt: bool) -> Option<InitialState> {
    let key_table = told.keys;
    let code = |code: i32| key_table.map_or(Some(code), |table| table.usage(i64::from(code)));
    let keys_fit = |state: &InitialState| match &state.keys {
        Some(keys) => !in_doubt && keys.iter().all(|key| code(*key).is_some_and(super::keys::is_usage)),
        None => true,
    };
    let buttons_fit =
        |state: &InitialState| state.buttons.iter().flatten().all(|name| BUTTONS.contains(&name.as_str()));
    // As far outside as rows may be, when nobody said what positions are.
    let pointer_fits = |state: &InitialState| match state.pointer {
        Some(at) => told.positions.is_some() || at.iter().all(|value| (-1.0..=2.0).contains(value)),
        None => true,
    };
    let fits = |state: &InitialState| keys_fit(state) && buttons_fit(state) && pointer_fits(state);
    let mut state = take_if(said, "initial_state", fits)?;
    state.keys = state.keys.map(|keys| keys.into_iter().filter_map(code).collect());
    if let (Some([x, y]), Some(area)) = (state.pointer, pixels)
        && let (Some(x), Some(y)) = area.fractions(Some(x), Some(y))
    {
        state.pointer = Some([x, y]);
    }
    Some(state)
}

/// The kinds of devices, when that is what is named: a backend or a product stays with what else was said.
fn kinds(said: &mut Extra) -> Option<String> {
    if !said.get("input_device").and_then(Value::as_str).is_some_and(is_input_device) {
        return None;
    }
    text(said, "input_device")
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
pub(crate) fn describe(facts: Facts<'_>) -> Metadata {
    let Facts { survey, table, video, measured, mut import, .. } = facts;
    let has_metadata = facts.said.is_some();
    let mut said = facts.said.unwrap_or_default();
    import.format = text(&mut said, "format_version");
    said.shift_remove("session_id");
    let span = survey.span_ns.unwrap_or((0, 0));
    let frames = survey.frames.len() as u64;

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
        study_text: None,
        scope: text(consent, "scope"),
        withdrawn: take(consent, "withdrawn").unwrap_or_default(),
        stated_at_import: None,
        extra: Extra::new(),
    });
    let mut consent = consent.unwrap_or_else(|| Consent {
        record_screen: None,
        record_input: None,
        record_audio: None,
        how: NOT_RECORDED.into(),
        agreed_at: String::new(),
        text_version: None,
        study_text: None,
        scope: None,
        withdrawn: BTreeMap::new(),
        stated_at_import: None,
        extra: Extra::new(),
    });
    let says_consent = consent.how != NOT_RECORDED;
    consent::state(&mut consent, facts.told);
    let initial_state = initial_state(&mut said, facts.told, facts.pixels, survey.codes_in_doubt);
    let captured_at = captured_at(&mut said);
    let dropped_frames: Option<u64> = take(&mut said, "dropped_frames");
    let mut streams = streams(survey, &mut said);
    tell_sound(&mut streams, facts.sound);

    let there = [
        (missing::INTEGRITY, facts.has_integrity),
        // No other program makes them; and when one did, the rows have other values now.
        (missing::ROW_HASH, false),
        (missing::METADATA_JSON, has_metadata),
        (missing::SESSION_ID, !facts.id_was_made),
        (missing::ROW_METADATA, !facts.absent_columns.iter().any(|name| name == "metadata")),
        (missing::FRAME_STAMPS, video.is_none_or(|video| video.has_stamps)),
        (missing::COLOUR, video.is_none_or(|video| video.has_colour)),
        (missing::CONSENT, says_consent),
        (missing::PRIVACY, false),
        (missing::CLOCK, clock_id.is_some()),
        (missing::ANCHORS, !anchors.is_empty()),
        (missing::LOSSES, survey.gaps > 0 || dropped_frames.is_some()),
        (missing::REPEAT, survey.flags_repeats),
        (missing::PRESSED, survey.clicks.0 == survey.clicks.1),
        (missing::MOTION, survey.has_motion),
        (missing::SOURCE, survey.has_source),
        (missing::INITIAL_STATE, initial_state.as_ref().is_some_and(|state| state.keys.is_some())),
        (missing::CAPTURED_AT, captured_at.is_some()),
        (missing::KEY_TABLE, survey.evidence.codes_are_known(facts.told.keys)),
        (missing::KEY_CODES, !survey.evidence.has_keys_without_usage(facts.told.keys)),
        (missing::KEY_LAYOUT, survey.evidence.codes == 0 || !facts.told.keys.is_some_and(KeyTable::assumes_layout)),
    ];
    import.missing = there.into_iter().filter(|(_, there)| !there).map(|(name, _)| name.to_owned()).collect();

    let mut metadata = Metadata {
        format_version: FORMAT_VERSION.into(),
        session_id: facts.session_id,
        watchcap: String::new(),
        captured_at: captured_at.unwrap_or_default(),
        duration_ns: span.1.saturating_sub(span.0),
        end_reason: take_if(&mut said, "end_reason", |text: &String| is_word(text)),
        recovered: false,
        recovery: None,
        lost: Vec::new(),
        series: None,
        game: text(&mut said, "game"),
        patch: text(&mut said, "patch"),
        task: take_if(&mut said, "task", |task: &String| labels::check_task(task).is_ok()),
        participant: take_if(&mut said, "participant", |name: &String| labels::check_participant(name).is_ok()),
        tags: take_if(&mut said, "tags", |tags| labels::check_tags(tags).is_ok()).unwrap_or_default(),
        target: text(&mut said, "target"),
        resolution: video.map(|video| Resolution { width: video.size.0, height: video.size.1 }),
        surface: take::<SurfaceInfo>(&mut said, "surface"),
        refresh_hz: take(&mut said, "refresh_hz"),
        capture_fps: None,
        codec: video.and_then(|video| codec_name(&video.codec)),
        codec_string: video.map(|video| video.codec.clone()),
        bitrate_kbps: None,
        input_device: kinds(&mut said),
        keyboard_layout: text(&mut said, "keyboard_layout"),
        window_id: text(&mut said, "window_id"),
        frames,
        duplicate_frames: 0,
        dropped_frames,
        unchanged_skipped: take(&mut said, "unchanged_skipped"),
        counts: table.counts.clone(),
        clicks: table.clicks.count(),
        timing: None,
        clock_drift_ppm: fit_drift_ppm(&anchors),
        clock: ClockInfo { id: clock_id.unwrap_or_default(), t0_ns: span.0, anchors, extra: Extra::new() },
        streams,
        encoder: take::<EncoderInfo>(&mut said, "encoder"),
        initial_state: initial_state.unwrap_or_default(),
        consent,
        privacy: Privacy::default(),
        lineage: Vec::new(),
        import: None,
        env: take::<Env>(&mut said, "env").unwrap_or_default(),
        extra: Extra::new(),
    };
    measured.apply(&mut metadata, video.map_or_else(Pictures::default, |video| Pictures::of(&video.samples)));
    // It knows better than its rows: of frames that were never due there may be no gap.
    metadata.dropped_frames = dropped_frames;
    // What was measured here needs no other word, where it says the same.
    for (key, value) in [
        ("frames", Value::from(frames)),
        ("codec", metadata.codec.clone().into()),
        ("codec_string", metadata.codec_string.clone().into()),
        ("duration_ns", metadata.duration_ns.into()),
        ("counts", serde_json::to_value(&metadata.counts).unwrap_or_default()),
    ] {
        if said.get(key) == Some(&value) {
            said.shift_remove(key);
        }
    }
    if said.get("resolution").and_then(units::size) == video.map(|video| video.size) && video.is_some() {
        said.shift_remove("resolution");
    }
    import.metadata = said;
    metadata.import = Some(import);
    metadata
}

/// Says what sound there is. What another program says of a file of sound is of a file that is not in the session.
fn tell_sound(streams: &mut BTreeMap<String, StreamInfo>, sound: Option<&MadeSound>) {
    let name = Stream::Audio.name();
    if let Some(stream) = streams.get_mut(name) {
        stream.settings.remove(sound::FILE);
        stream.settings.remove(sound::MICROPHONE);
    }
    let Some(made) = sound else { return };
    let info = streams.entry(name.to_owned()).or_insert_with(recorded);
    "recorded".clone_into(&mut info.status);
    let settings: [(&str, Value); 9] = [
        (sound::FILE, layout::AUDIO_FILE.into()),
        (sound::CODEC, made.codec.into()),
        ("encoder", made.encoder.clone().into()),
        (sound::RATE_HZ, made.rate.into()),
        (sound::CHANNELS, made.channels.into()),
        (sound::T0_NS, made.t0_ns.into()),
        (sound::DRIFT_PPM, Value::Null),
        (sound::PACKETS, made.packets.into()),
        (sound::SAMPLES, made.samples.into()),
    ];
    info.settings.extend(settings.map(|(key, value)| (key.to_owned(), value)));
}

fn recorded() -> StreamInfo {
    StreamInfo { status: "recorded".into(), source: None, reason: None, settings: BTreeMap::new(), extra: Extra::new() }
}

/// The streams that are there; of those that are not, nothing is said.
fn streams(survey: &Survey, said: &mut Extra) -> BTreeMap<String, StreamInfo> {
    const STATUS: [&str; 5] = ["recorded", "off", "missing", "failed", "withdrawn"];
    let known = |streams: &BTreeMap<String, StreamInfo>| {
        streams.iter().all(|(name, stream)| {
            Stream::ALL.into_iter().any(|known| known.name() == name) && STATUS.contains(&stream.status.as_str())
        })
    };
    if let Some(streams) = take_if(said, "streams", known) {
        return streams;
    }
    let there = [("screen", !survey.frames.is_empty()), ("input", survey.inputs > 0)];
    there.into_iter().filter(|(_, there)| *there).map(|(name, _)| (name.to_owned(), recorded())).collect()
}
