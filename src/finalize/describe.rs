//! The metadata of a session, from the facts of its log and from what the rows counted.
//!
//! Owns what becomes of each fact, and the account of what a recovery found. A value that the log does not hold becomes null;
//! nothing is assumed.

use std::collections::BTreeMap;

use serde_json::Value;

use super::rows::RowMaker;
use super::screen_sign;
use crate::base::event::Stream;
use crate::base::time::MonoNs;
use crate::log::reader::{Database, Facts, LogReader};
use crate::log::setup::{SYNC_TEST, ScreenFact, Setup, SoundMovedFact, StillCountsFact, StillsFact, TrackFact};
use crate::media::track::{CodecConfig, TrackId};
use crate::privacy::consent::{STREAMS, WITHDRAWN};
use crate::privacy::fact::{RegionFact, WithdrawalFact};
use crate::privacy::keys::KeyPolicy;
use crate::session::measured::Pictures;
use crate::session::metadata::{
    AnchorInfo, Behind, ClockInfo, Consent, EncoderInfo, Env, Extra, InitialState, Metadata, Percentiles, PiiRegion,
    Privacy, ProfileInForce, Recovery, Resolution, Series, StreamInfo, StudyText, SurfaceInfo, Timing, Withdrawal,
    codec_name, fit_drift_ppm, input_device,
};
use crate::session::table::row::event_type;
use crate::session::table::schema::FORMAT_VERSION;
use crate::session::table::write::TableSummary;

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
    /// How the pictures are coded.
    pub config: Option<CodecConfig>,
    /// The tracks, as far as the log says them.
    pub tracks: Vec<TrackFact>,
    /// Coded size, pixels.
    pub coded: (u32, u32),
    /// Size of the surface, pixels.
    pub surface: (u32, u32),
    /// Frames per second that were asked for.
    pub fps: u32,
    facts: Facts,
    setup: Setup,
}

impl Story {
    /// Reads the facts, as far as there are any.
    pub fn read(reader: &LogReader) -> Self {
        let facts = reader.facts.clone();
        let setup = Setup::read(&facts.setup);
        let whole_id = setup.session_id.clone();
        let partial_id = whole_id.is_none();
        // Every chunk has the last 8 bytes of it.
        let session_id = whole_id
            .unwrap_or_else(|| uuid::Uuid::from_u64_pair(0, reader.session.unwrap_or(0)).as_hyphenated().to_string());
        let pictures = setup.tracks.iter().find(|track| track.id == TrackId::PICTURES);
        let config = pictures.and_then(|track| track.config.as_ref()?.pictures().cloned());
        let of_stream = config
            .as_ref()
            .and_then(|config| config.stream_info().ok())
            .map_or((0, 0), |info| (info.width, info.height));
        let (encoder, screen) = (&setup.encoder, setup.screen.as_ref());
        let coded = (encoder.width.unwrap_or(of_stream.0), encoder.height.unwrap_or(of_stream.1));
        let side = |side: fn(&ScreenFact) -> Option<u32>| screen.and_then(side);
        Self {
            session_id,
            partial_id,
            config,
            tracks: setup.tracks.clone(),
            coded,
            surface: (side(|s| s.width).unwrap_or(coded.0), side(|s| s.height).unwrap_or(coded.1)),
            fps: encoder.fps.unwrap_or(0),
            facts,
            setup,
        }
    }

    /// Streams whose consent was taken back while they were recorded, from when on, and the fact that says so.
    fn withdrawn(&self) -> impl Iterator<Item = (Stream, MonoNs, &WithdrawalFact)> {
        STREAMS.into_iter().filter_map(|stream| {
            let fact = self.setup.withdrawn.get(&stream)?;
            Some((stream, MonoNs(fact.t_ns?), fact))
        })
    }

    /// That the times of a track's first packets were a guess, as far as the log says it.
    pub(super) fn sound_moved(&self, track: TrackId) -> Option<SoundMovedFact> {
        self.setup.sound_moved.get(&track).copied()
    }

    /// Returns whether a stream may be in the session: it was agreed to, or the log does not say any more what was.
    pub fn is_agreed(&self, stream: Stream) -> bool {
        self.setup.consent.as_ref().is_none_or(|consent| consent.of(stream) == Some(true))
    }

    /// These streams, and the moment from which on nothing of them was kept.
    pub fn closed(&self) -> Vec<(Stream, MonoNs)> {
        self.withdrawn().map(|(stream, t, _)| (stream, t)).collect()
    }

    /// When PNG pictures were taken by themselves, and how many there were, as far as the log says.
    pub(super) fn stills(&self) -> (Option<&StillsFact>, Option<&StillCountsFact>) {
        (self.setup.stills.as_ref(), self.setup.still_counts.as_ref())
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
        let (session, screen) = (&self.setup.session, self.setup.screen.clone().unwrap_or_default());
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
        let captured_at = anchors
            .first()
            .map(|a| crate::base::time::UtcNs(a.realtime_ns).to_rfc3339())
            .or_else(|| session.captured_at.clone())
            .unwrap_or_default();
        let codec_string = self.setup.encoder.codec_string.clone().filter(|_| frames > 0);
        let mut metadata = Metadata {
            format_version: FORMAT_VERSION.into(),
            session_id: self.session_id.clone(),
            watchcap: session.watchcap.clone().unwrap_or_default(),
            captured_at,
            duration_ns: last.saturating_sub(first),
            end_reason: match (&self.facts.end, &self.facts.ending) {
                (Some((reason, _)), _) => Some(reason.clone()),
                (None, ending) => ending.as_ref().map(|ending| ending.reason.clone()),
            },
            recovered: recovery.is_some(),
            recovery,
            lost: Vec::new(),
            series: self.series(),
            game: session.game.clone().or_else(|| self.setup.profiles.iter().find_map(|profile| profile.game.clone())),
            patch: session.patch.clone(),
            task: self.setup.study.task.clone(),
            participant: self.setup.study.participant.clone(),
            tags: self.setup.study.tags.clone().unwrap_or_default(),
            target: screen.target.clone(),
            resolution: (self.coded.0 > 0).then_some(Resolution { width: self.coded.0, height: self.coded.1 }),
            surface: surface(&screen),
            refresh_hz: screen.refresh_hz,
            capture_fps: None,
            codec: codec_string.as_deref().and_then(codec_name),
            codec_string,
            bitrate_kbps: None,
            input_device: self.input_device(table),
            keyboard_layout: self.setup.input.as_ref().and_then(|input| input.keyboard_layout.clone()),
            window_id: screen.window_id,
            frames,
            duplicate_frames: 0,
            dropped_frames: Some(0),
            unchanged_skipped: self.unchanged_skipped(),
            counts: table.counts.clone(),
            clicks: table.clicks.count(),
            timing: Some(self.timing()),
            clock_drift_ppm: fit_drift_ppm(&anchors),
            clock: ClockInfo {
                id: self.setup.clock.clone().unwrap_or_default(),
                t0_ns: first,
                anchors,
                extra: Extra::new(),
            },
            streams: self.streams(),
            encoder: self.encoder(),
            initial_state: self.initial_state(),
            consent: self.consent(),
            privacy: self.privacy(first),
            lineage: Vec::new(),
            import: None,
            env: self.env(),
            extra: Extra::new(),
        };
        rows.measured.apply(&mut metadata, Pictures::of(&rows.samples));
        metadata
    }

    /// Which part of a longer recording it is.
    fn series(&self) -> Option<Series> {
        let fact = self.setup.series.as_ref()?;
        let (part_of, index) = (fact.part_of.clone()?, fact.index?);
        Some(Series { part_of, index, previous: fact.previous.clone(), extra: Extra::new() })
    }

    /// What the log says of times beside its rows.
    fn timing(&self) -> Timing {
        let fact = &self.setup.timing;
        let commit = fact.commit_p50_us.zip(fact.commit_p99_us);
        Timing {
            commit_ms: commit.map(|(p50, p99)| Percentiles::of_us(p50, p99)),
            input_silence_ms: fact.input_silence_us.map(|us| us as f64 / 1000.0),
            behind: fact.behind_last_ns.zip(fact.behind_greatest_ns).map(|(last_ns, greatest_ns)| Behind {
                last_ns,
                greatest_ns,
                late_pictures: fact.late_pictures.unwrap_or(0),
                late_by_ns: fact.late_by_ns.unwrap_or(0),
                extra: Extra::new(),
            }),
            ..Timing::default()
        }
    }

    /// How many frames were skipped as unchanged. The count comes with each reading of the clocks, the last one at the end: of a log that was
    /// not closed, it is not known.
    fn unchanged_skipped(&self) -> Option<u64> {
        let closed = self.facts.end.is_some() && self.setup.unchanged.as_deref() == Some("skip");
        closed.then(|| self.setup.skipped.unwrap_or(0))
    }

    /// The kinds of devices whose input was recorded; of a keyboard whose keys were not, nothing is there.
    fn input_device(&self, table: &TableSummary) -> Option<String> {
        let settings = self.setup.input.as_ref().map(|input| &input.settings);
        let flag = |name: &&str| settings.and_then(|settings| settings.get(*name)?.as_bool()).unwrap_or(false);
        let reports = |what: &[&str]| what.iter().any(flag);
        let keys = self.setup.privacy.keys.as_deref() != Some(KeyPolicy::None.name());
        let mouse = reports(&["buttons", "wheel", "relative_motion", "position"]);
        // Of a kind that was listened for and never came nothing was recorded.
        let gamepad = table.counts.contains_key(event_type::GAMEPAD_CONNECT);
        input_device(keys && reports(&["keys"]), mouse, gamepad)
    }

    fn streams(&self) -> BTreeMap<String, StreamInfo> {
        let consent = self.setup.consent.as_ref();
        let screen = self.setup.screen.as_ref().map(|fact| (&fact.backend, &fact.settings));
        let input = self.setup.input.as_ref().map(|fact| (&fact.backend, &fact.settings));
        let sound = self.setup.sound.as_ref().map(|fact| (&fact.backend, &fact.settings));
        let mut out = BTreeMap::new();
        for (stream, fact) in [(Stream::Screen, screen), (Stream::Input, input), (Stream::Audio, sound)] {
            if consent.is_none() && fact.is_none() {
                // Whether it was asked for, the log does not say any more.
                continue;
            }
            let agreed = consent.and_then(|consent| consent.of(stream)).unwrap_or(false);
            let failed = self.setup.failed.get(&stream);
            let withdrawn = self.withdrawn().any(|(other, ..)| other == stream);
            let status = match (agreed, fact.is_none()) {
                (_, false) if failed.is_some() => "failed",
                (_, false) if withdrawn => "withdrawn",
                (_, false) => "recorded",
                (true, true) if stream != Stream::Audio => "missing",
                _ => "off",
            };
            let mut settings: BTreeMap<String, Value> =
                fact.map(|(_, settings)| settings.clone().into_iter().collect()).unwrap_or_default();
            if stream == Stream::Screen
                && let Some(fps) = self.setup.encoder.fps
            {
                settings.insert("requested_fps".into(), fps.into());
                settings.insert("unchanged".into(), self.setup.unchanged.clone().into());
            }
            let source = fact.and_then(|(backend, _)| backend.clone());
            let reason = failed.cloned().or(withdrawn.then(|| WITHDRAWN.to_owned()));
            let info = StreamInfo { status: status.into(), source, reason, settings, extra: Extra::new() };
            out.insert(stream.name().to_owned(), info);
        }
        out
    }

    fn encoder(&self) -> Option<EncoderInfo> {
        let fact = &self.setup.encoder;
        let texts = fact.settings.iter().flatten().filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned())));
        let mut settings: BTreeMap<String, String> = texts.collect();
        let asked = [
            ("fps", fact.fps.map(i64::from)),
            ("bitrate_kbps", fact.bitrate_kbps.map(i64::from)),
            ("gop_ns", fact.gop_ns),
        ];
        for (key, value) in asked {
            settings.extend(value.map(|value| (format!("requested_{key}"), value.to_string())));
        }
        Some(EncoderInfo { name: fact.name.clone()?, settings, extra: Extra::new() })
    }

    fn initial_state(&self) -> InitialState {
        let (fact, input) = (&self.setup.initial_state, self.setup.input.as_ref());
        InitialState {
            keys: fact.keys.as_ref().map(|keys| keys.iter().filter_map(|key| key.key_code).collect()),
            buttons: fact.buttons.clone(),
            pointer: fact.mouse_x.zip(fact.mouse_y).map(|(x, y)| [x, y]),
            layout: input.and_then(|input| input.keyboard_layout.clone()),
            group: input.and_then(|input| input.keyboard_group),
            extra: Extra::new(),
        }
    }

    fn consent(&self) -> Consent {
        let fact = self.setup.consent.clone().unwrap_or_default();
        let withdrawal = |(stream, t, fact): (Stream, MonoNs, &WithdrawalFact)| {
            let (at, how) = (fact.at.clone(), fact.how.clone());
            (stream.name().to_owned(), Withdrawal { at, how, t_ns: Some(t.0), extra: Extra::new() })
        };
        Consent {
            record_screen: fact.record_screen,
            record_input: fact.record_input,
            record_audio: fact.record_audio,
            how: fact.method.unwrap_or_default(),
            agreed_at: fact.given_at.unwrap_or_default(),
            text_version: fact.text_version,
            scope: fact.scope,
            study_text: fact.study_text.map(|text| StudyText {
                version: text.version,
                sha256: text.sha256,
                contact: text.contact,
                extra: Extra::new(),
            }),
            withdrawn: self.withdrawn().map(withdrawal).collect(),
            stated_at_import: None,
            extra: Extra::new(),
        }
    }

    fn privacy(&self, begin_ns: i64) -> Privacy {
        let (fact, profiles) = (&self.setup.privacy, &self.setup.profiles);
        let at_start = || profiles.iter().filter(|profile| profile.at_start == Some(true));
        let hides_chat =
            fact.chat_keys_withheld == Some(true) && at_start().any(|profile| profile.hides_chat == Some(true));
        let named = fact.profile.clone();
        let from_start = named.iter().map(|name| (name.clone(), Some(begin_ns)));
        let by_windows = profiles.iter().filter_map(|profile| Some((profile.name.clone()?, profile.from_ns)));
        Privacy {
            chat_redacted: fact.chat_redacted.map(|fixed| fixed || hides_chat),
            notifications_masked: fact.notifications_masked,
            input_only_with_focus: fact.input_only_with_focus,
            profiles: from_start
                .chain(by_windows)
                .map(|(name, from_ns)| ProfileInForce { name, from_ns, extra: Extra::new() })
                .collect(),
            profile: named.or_else(|| at_start().find_map(|profile| profile.name.clone())),
            profile_choice: fact.profile_choice.clone(),
            pii_regions: fact.pii_regions.iter().flatten().filter_map(region).collect(),
            excluded_apps: fact.excluded_apps.clone().unwrap_or_default(),
            keys: fact.keys.clone(),
            hotkeys: self.setup.hotkeys.clone(),
            recording_sign: screen_sign::of(&self.setup, begin_ns),
            // Measured.
            redacted_spans: 0,
            redacted_keys: 0,
            extra: Extra::new(),
        }
    }

    fn env(&self) -> Env {
        let fact = self.setup.env.clone();
        let further = [("arch", fact.arch), ("desktop", fact.desktop)];
        Env {
            os: fact.os,
            kernel: fact.kernel,
            client_version: fact.client_version,
            gpu: fact.gpu,
            cpu: fact.cpu,
            cpu_cores: fact.cpu_cores,
            memory_bytes: fact.memory_bytes,
            display_server: self.setup.screen.as_ref().and_then(|screen| screen.display_server.clone()),
            extra: further
                .into_iter()
                .filter_map(|(key, value)| Some((key.to_owned(), value?.into())))
                .chain(fact.extra.get(SYNC_TEST).map(|value| (SYNC_TEST.to_owned(), value.clone())))
                .collect(),
        }
    }
}

fn region(region: &RegionFact) -> Option<PiiRegion> {
    Some(PiiRegion {
        x: region.x?,
        y: region.y?,
        width: region.width?,
        height: region.height?,
        source: region.source.clone()?,
        reason: region.reason.clone()?,
    })
}

fn surface(screen: &ScreenFact) -> Option<SurfaceInfo> {
    let (x, y, width, height) = (screen.x?, screen.y?, screen.width?, screen.height?);
    Some(SurfaceInfo { x, y, width, height, scale: screen.scale })
}
