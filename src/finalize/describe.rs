//! The metadata of a session, from the facts of its log and from what the rows counted.
//!
//! Owns the meaning of the facts' keys, and the account of what a recovery found. A value that the log does not hold becomes null;
//! nothing is assumed.

use std::collections::BTreeMap;

use serde_json::Value;

use super::rows::RowMaker;
use super::tables::TableSummary;
use crate::encode::ParameterSets;
use crate::event::Stream;
use crate::log::reader::{Database, Facts, LogReader};
use crate::privacy::consent::{STREAMS, WITHDRAWN};
use crate::session::metadata::{
    AnchorInfo, ClockInfo, Consent, EncoderInfo, Env, Extra, InitialState, Loss, Metadata, PiiRegion, Privacy,
    Recovery, Resolution, StreamInfo, SurfaceInfo, Withdrawal, fit_drift_ppm,
};
use crate::session::schema::FORMAT_VERSION;
use crate::session::sps;
use crate::time::MonoNs;

/// What became of the video.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum VideoState {
    /// It is there.
    Present,
    /// Its file is not there.
    Missing,
    /// Bytes of it that a sync vouches for are gone or changed.
    Damaged,
    /// It has frames, and nothing says how they are to be decoded.
    Undecodable,
}

impl VideoState {
    /// The word for it in metadata and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Missing => "missing",
            Self::Damaged => "damaged",
            Self::Undecodable => "undecodable",
        }
    }
}

/// What was found while the rows were made, beside the rows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// Chunks that were whole and could not be understood.
    pub unreadable: u64,
    /// What became of the video.
    pub video: VideoState,
}

/// What a log says of its recording, before its events are read.
pub struct Story {
    /// UUID of the recording; digits that are not known are 0.
    pub session_id: String,
    /// Not all of them are known.
    pub partial_id: bool,
    /// The stream's parameter sets.
    pub parameter_sets: Option<ParameterSets>,
    /// Coded size, pixels.
    pub coded: (u32, u32),
    /// Size of the surface, pixels.
    pub surface: (u32, u32),
    /// Frames per second that were asked for.
    pub fps: u32,
    facts: Facts,
    setup: BTreeMap<String, Value>,
}

fn text(value: &Value, key: &str) -> Option<String> {
    value.get(key)?.as_str().map(str::to_owned)
}

fn number(value: &Value, key: &str) -> Option<u32> {
    value.get(key)?.as_u64().and_then(|n| u32::try_from(n).ok())
}

fn flag(value: &Value, key: &str) -> bool {
    value.get(key).and_then(Value::as_bool).unwrap_or(false)
}

impl Story {
    /// Reads the facts, as far as there are any.
    pub fn read(reader: &LogReader) -> Self {
        let facts = reader.facts.clone();
        let setup: BTreeMap<String, Value> = facts
            .setup
            .iter()
            .filter_map(|(key, json)| Some((key.clone(), serde_json::from_str(json).ok()?)))
            .collect();
        let whole_id = setup.get("session_id").and_then(Value::as_str).map(str::to_owned);
        let partial_id = whole_id.is_none();
        // Every chunk has the last 8 bytes of it.
        let session_id = whole_id
            .unwrap_or_else(|| uuid::Uuid::from_u64_pair(0, reader.session.unwrap_or(0)).as_hyphenated().to_string());
        let encoder = setup.get("encoder").cloned().unwrap_or(Value::Null);
        let screen = setup.get("screen").cloned().unwrap_or(Value::Null);
        let parameter_sets = setup
            .get("parameter_sets")
            .and_then(|sets| ParameterSets::from_hex(sets.get("sps")?.as_str()?, sets.get("pps")?.as_str()?));
        let of_stream = parameter_sets
            .as_ref()
            .and_then(|sets| sps::parse(&sets.sps))
            .map_or((0, 0), |sps| (sps.width, sps.height));
        let coded =
            (number(&encoder, "width").unwrap_or(of_stream.0), number(&encoder, "height").unwrap_or(of_stream.1));
        Self {
            session_id,
            partial_id,
            parameter_sets,
            coded,
            surface: (number(&screen, "width").unwrap_or(coded.0), number(&screen, "height").unwrap_or(coded.1)),
            fps: number(&encoder, "fps").unwrap_or(0),
            facts,
            setup,
        }
    }

    fn fact(&self, key: &str) -> &Value {
        self.setup.get(key).unwrap_or(&Value::Null)
    }

    /// Streams whose consent was taken back while they were recorded, with the fact that says so.
    fn withdrawn(&self) -> impl Iterator<Item = (Stream, &Value)> {
        STREAMS.into_iter().filter_map(|stream| {
            let fact = self.fact(&format!("withdrawn_{}", stream.name()));
            fact.get("t_ns")?.as_i64().map(|_| (stream, fact))
        })
    }

    /// These streams, and the moment from which on nothing of them was kept.
    pub fn closed(&self) -> Vec<(Stream, MonoNs)> {
        self.withdrawn().filter_map(|(stream, fact)| Some((stream, MonoNs(fact.get("t_ns")?.as_i64()?)))).collect()
    }

    /// What was found in a log that is not whole; `None` of one that is.
    fn recovery(&self, reader: &LogReader, outcome: &Outcome, rows: &RowMaker) -> Option<Recovery> {
        let recovery = Recovery {
            closed: self.facts.end.is_some(),
            database: reader.database.name().to_owned(),
            damaged_chunks: reader.damaged + outcome.unreadable,
            copied_chunks: reader.from_copies,
            holes: reader.holes.len() as u64,
            missing_records: reader.holes.iter().map(|hole| hole.count).sum(),
            cut_records: reader.cut,
            video: outcome.video.name().to_owned(),
            found_frames: rows.facts.found_frames,
            torn_frames: rows.facts.torn_frames,
            partial_id: self.partial_id,
            failure: self
                .facts
                .ending
                .as_ref()
                .filter(|_| self.facts.end.is_none())
                .map(|ending| ending.failure.clone()),
            extra: Extra::new(),
        };
        // With every record there, what is damaged was a copy that the database left behind.
        let whole = Recovery {
            closed: true,
            damaged_chunks: reader.damaged,
            database: Database::Present.name().to_owned(),
            video: VideoState::Present.name().to_owned(),
            ..Recovery::default()
        };
        (recovery != whole).then_some(recovery)
    }

    /// The metadata of the session.
    pub fn metadata(&self, reader: &LogReader, outcome: &Outcome, rows: &RowMaker, table: &TableSummary) -> Metadata {
        let recovery = self.recovery(reader, outcome, rows);
        let (session, screen, input) = (self.fact("session"), self.fact("screen"), self.fact("input"));
        let anchors: Vec<AnchorInfo> = self
            .facts
            .anchors
            .iter()
            .map(|a| AnchorInfo { monotonic_ns: a.mono.0, realtime_ns: a.utc.0, boottime_ns: a.boot_ns })
            .collect();
        let begin = anchors.first().map(|a| a.monotonic_ns);
        let first = begin.or(table.span_ns.map(|(first, _)| first)).unwrap_or(0);
        let end = self.facts.end.as_ref().map(|(_, t)| t.0);
        let last = end.max(table.span_ns.map(|(_, last)| last)).unwrap_or(first);
        let frames = rows.samples.len() as u64;
        let video_us = rows.samples.last().map_or(0, |s| s.pts_us);
        let running_us = video_us.saturating_sub(rows.facts.paused_ns / 1000);
        let per_video = |amount: f64| (video_us > 0).then(|| amount / (video_us as f64 / 1e6));
        let captured_at = anchors
            .first()
            .map(|a| crate::time::UtcNs(a.realtime_ns).to_rfc3339())
            .or_else(|| text(session, "captured_at"))
            .unwrap_or_default();
        Metadata {
            format_version: FORMAT_VERSION.into(),
            session_id: self.session_id.clone(),
            watchcap: text(session, "watchcap").unwrap_or_default(),
            captured_at,
            duration_ns: last.saturating_sub(first),
            end_reason: match (&self.facts.end, &self.facts.ending) {
                (Some((reason, _)), _) => Some(reason.clone()),
                (None, ending) => ending.as_ref().map(|ending| ending.reason.clone()),
            },
            recovered: recovery.is_some(),
            recovery,
            lost: rows.losses(),
            game: text(session, "game"),
            patch: text(session, "patch"),
            target: text(screen, "target"),
            resolution: (self.coded.0 > 0).then_some(Resolution { width: self.coded.0, height: self.coded.1 }),
            surface: surface(screen),
            refresh_hz: screen.get("refresh_hz").and_then(Value::as_f64),
            capture_fps: (frames >= 2 && running_us > 0).then(|| (frames - 1) as f64 / (running_us as f64 / 1e6)),
            codec: if frames > 0 { text(self.fact("encoder"), "codec_string") } else { None },
            bitrate_kbps: per_video(rows.facts.video_bytes as f64 * 8.0 / 1000.0)
                .map(|kbps| (kbps * 1000.0).round() / 1000.0),
            input_device: text(input, "backend").map(|backend| match input.get("poll_us").and_then(Value::as_u64) {
                Some(period) => format!("{backend} {period} us"),
                None => backend,
            }),
            keyboard_layout: text(input, "keyboard_layout"),
            window_id: text(screen, "window_id"),
            frames,
            duplicate_frames: rows.facts.duplicate_frames,
            dropped_frames: Some(rows.facts.dropped_frames),
            unchanged_skipped: (self.fact("unchanged").as_str() == Some("skip"))
                .then(|| self.fact("unchanged_skipped").as_u64().unwrap_or(0)),
            counts: table.counts.clone(),
            clock_drift_ppm: fit_drift_ppm(&anchors),
            clock: ClockInfo {
                id: self.fact("clock_id").as_str().unwrap_or_default().to_owned(),
                t0_ns: first,
                anchors,
                extra: Extra::new(),
            },
            streams: self.streams(),
            encoder: self.encoder(),
            initial_state: self.initial_state(),
            consent: self.consent(),
            privacy: self.privacy(table, rows),
            lineage: Vec::new(),
            import: None,
            env: self.env(),
            extra: Extra::new(),
        }
    }

    fn streams(&self) -> BTreeMap<String, StreamInfo> {
        let consent = self.fact("consent");
        let (screen, input, encoder) = (self.fact("screen"), self.fact("input"), self.fact("encoder"));
        let mut out = BTreeMap::new();
        for (name, fact) in [("screen", screen), ("input", input), ("audio", &Value::Null)] {
            if consent.is_null() && fact.is_null() {
                // Whether it was asked for, the log does not say any more.
                continue;
            }
            let agreed = flag(consent, &format!("record_{name}"));
            let failed = self.fact(&format!("failed_{name}")).as_str();
            let withdrawn = self.withdrawn().any(|(stream, _)| stream.name() == name);
            let status = match (agreed, fact.is_null()) {
                (_, false) if failed.is_some() => "failed",
                (_, false) if withdrawn => "withdrawn",
                (_, false) => "recorded",
                (true, true) if name != "audio" => "missing",
                _ => "off",
            };
            let mut settings: BTreeMap<String, Value> = BTreeMap::new();
            if let Some(fact) = fact.as_object() {
                settings = fact.clone().into_iter().filter(|(key, _)| !LIFTED.contains(&key.as_str())).collect();
            }
            if name == "screen"
                && let Some(fps) = encoder.get("fps")
            {
                settings.insert("requested_fps".into(), fps.clone());
                settings.insert("unchanged".into(), self.fact("unchanged").clone());
            }
            let source = text(fact, "backend");
            let reason = failed.or(withdrawn.then_some(WITHDRAWN)).map(str::to_owned);
            let info = StreamInfo { status: status.into(), source, reason, settings, extra: Extra::new() };
            out.insert(name.to_owned(), info);
        }
        out
    }

    fn encoder(&self) -> Option<EncoderInfo> {
        let fact = self.fact("encoder");
        let mut settings: BTreeMap<String, String> = fact
            .get("settings")
            .and_then(Value::as_object)
            .map(|map| map.iter().filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned()))).collect())
            .unwrap_or_default();
        for key in ["fps", "bitrate_kbps", "gop_ns"] {
            if let Some(value) = fact.get(key) {
                settings.insert(format!("requested_{key}"), value.to_string());
            }
        }
        Some(EncoderInfo { name: text(fact, "name")?, settings, extra: Extra::new() })
    }

    fn initial_state(&self) -> InitialState {
        let fact = self.fact("initial_state");
        let list = |key: &str| fact.get(key).and_then(Value::as_array);
        let axis = |key: &str| fact.get(key).and_then(Value::as_f64);
        InitialState {
            keys: list("keys").map(|keys| {
                keys.iter()
                    .filter_map(|key| key.get("key_code")?.as_i64().and_then(|code| i32::try_from(code).ok()))
                    .collect()
            }),
            buttons: list("buttons")
                .map(|buttons| buttons.iter().filter_map(Value::as_str).map(str::to_owned).collect()),
            pointer: axis("mouse_x").zip(axis("mouse_y")).map(|(x, y)| [x, y]),
            extra: Extra::new(),
        }
    }

    fn consent(&self) -> Consent {
        let fact = self.fact("consent");
        let agreed = |key: &str| fact.get(key).and_then(Value::as_bool);
        Consent {
            record_screen: agreed("record_screen"),
            record_input: agreed("record_input"),
            record_audio: agreed("record_audio"),
            how: text(fact, "method").unwrap_or_default(),
            agreed_at: text(fact, "given_at").unwrap_or_default(),
            text_version: number(fact, "text_version"),
            scope: text(fact, "scope"),
            withdrawn: self
                .withdrawn()
                .map(|(stream, fact)| {
                    let withdrawal = Withdrawal {
                        at: text(fact, "at"),
                        how: text(fact, "how"),
                        t_ns: fact.get("t_ns").and_then(Value::as_i64),
                        extra: Extra::new(),
                    };
                    (stream.name().to_owned(), withdrawal)
                })
                .collect(),
            extra: Extra::new(),
        }
    }

    fn privacy(&self, table: &TableSummary, rows: &RowMaker) -> Privacy {
        let fact = self.fact("privacy");
        let in_force = |key: &str| fact.get(key).and_then(Value::as_bool);
        let list = |key: &str| fact.get(key).and_then(Value::as_array).into_iter().flatten();
        Privacy {
            chat_redacted: in_force("chat_redacted"),
            notifications_masked: in_force("notifications_masked"),
            input_only_with_focus: in_force("input_only_with_focus"),
            profile: text(fact, "profile"),
            pii_regions: list("pii_regions").filter_map(region).collect(),
            excluded_apps: list("excluded_apps").filter_map(Value::as_str).map(str::to_owned).collect(),
            keys: text(fact, "keys"),
            hotkeys: self
                .fact("hotkeys")
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
            redacted_spans: table.counts.get("redact").copied().unwrap_or(0),
            redacted_keys: rows.facts.redacted_keys,
            extra: Extra::new(),
        }
    }

    fn env(&self) -> Env {
        let fact = self.fact("env");
        let mut extra = Extra::new();
        for key in ["arch", "desktop"] {
            if let Some(value) = fact.get(key).filter(|value| !value.is_null()) {
                extra.insert(key.into(), value.clone());
            }
        }
        Env {
            os: text(fact, "os"),
            kernel: text(fact, "kernel"),
            client_version: text(fact, "client_version"),
            gpu: text(fact, "gpu"),
            cpu: text(fact, "cpu"),
            cpu_cores: number(fact, "cpu_cores"),
            memory_bytes: fact.get("memory_bytes").and_then(Value::as_u64),
            display_server: text(fact, "display_server"),
            extra,
        }
    }
}

/// Keys of the source facts that have a place of their own in the metadata.
const LIFTED: [&str; 10] =
    ["backend", "target", "window_id", "refresh_hz", "x", "y", "width", "height", "scale", "keyboard_layout"];

fn region(region: &Value) -> Option<PiiRegion> {
    let place = |key: &str| region.get(key)?.as_i64().and_then(|n| i32::try_from(n).ok());
    Some(PiiRegion {
        x: place("x")?,
        y: place("y")?,
        width: number(region, "width")?,
        height: number(region, "height")?,
        source: text(region, "source")?,
        reason: text(region, "reason")?,
    })
}

fn surface(screen: &Value) -> Option<SurfaceInfo> {
    let place = |key: &str| screen.get(key)?.as_i64().and_then(|n| i32::try_from(n).ok());
    Some(SurfaceInfo {
        x: place("x")?,
        y: place("y")?,
        width: number(screen, "width")?,
        height: number(screen, "height")?,
        scale: screen.get("scale").and_then(Value::as_f64)?,
    })
}

/// Most pairs of stream and reason that are told apart; the recorder has some twenty reasons.
const MAX_LOSSES: usize = 1024;

/// Adds up what is missing, by stream and reason.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Losses(BTreeMap<(&'static str, String), Lost>);

/// What is missing in one stream for one reason.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Lost {
    gaps: u64,
    count: Option<u64>,
    from_ns: i64,
    until_ns: i64,
}

impl Losses {
    /// Counts a gap.
    pub fn add(&mut self, gap: &crate::event::Gap, from: crate::time::MonoNs) {
        let known = self.0.len() < MAX_LOSSES || self.0.contains_key(&(gap.stream.name(), gap.reason.clone()));
        let reason = if known { gap.reason.clone() } else { "other".to_owned() };
        let empty = Lost { gaps: 0, count: Some(0), from_ns: from.0, until_ns: gap.until.0 };
        let lost = self.0.entry((gap.stream.name(), reason)).or_insert(empty);
        lost.gaps += 1;
        lost.count = lost.count.zip(gap.lost).map(|(sum, more)| sum.saturating_add(more));
        lost.from_ns = lost.from_ns.min(from.0);
        lost.until_ns = lost.until_ns.max(gap.until.0);
    }

    /// The list for the metadata, by stream and reason.
    pub fn list(&self) -> Vec<Loss> {
        self.0
            .iter()
            .map(|((stream, reason), lost)| Loss {
                stream: (*stream).to_owned(),
                reason: reason.clone(),
                gaps: lost.gaps,
                count: lost.count,
                from_ns: Some(lost.from_ns),
                until_ns: Some(lost.until_ns),
                extra: Extra::new(),
            })
            .collect()
    }
}
