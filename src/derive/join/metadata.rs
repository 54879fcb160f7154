//! What the metadata of a series are, by those of its parts: what held from start to end, what is counted or measured of all, and null where the
//! parts cannot tell.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::sign;
use super::sound::Joined;
use crate::base::event::Stream;
use crate::session::layout;
use crate::session::measured::{Measured, Pictures};
use crate::session::metadata::{
    Consent, Lineage, Loss, Metadata, Privacy, ProfileInForce, Recovery, StreamInfo, fit_drift_ppm,
};
use crate::session::series::{JOINED, Part};
use crate::session::sound;
use crate::session::table::schema::FORMAT_VERSION;
use crate::session::table::write::TableSummary;

/// What was made of the files.
pub(super) struct Made<'a> {
    pub(super) session_id: &'a str,
    pub(super) table: TableSummary,
    pub(super) measured: Measured,
    pub(super) pictures: Pictures,
    pub(super) sounds: Vec<(&'static str, Joined)>,
}

/// Returns the metadata of the parts as one; `None` without a part.
pub(super) fn join(parts: &[Part], made: Made<'_>) -> Option<Metadata> {
    let (first, last) = (parts.first()?, parts.last()?);
    let all = || parts.iter().map(|part| &part.metadata);
    let mut metadata = first.metadata.clone();
    FORMAT_VERSION.clone_into(&mut metadata.format_version);
    made.session_id.clone_into(&mut metadata.session_id);
    metadata.series = None;
    metadata.duration_ns = last.span_ns().1.saturating_sub(first.span_ns().0);
    metadata.end_reason.clone_from(&last.metadata.end_reason);
    metadata.recovered = all().any(|part| part.recovered);
    metadata.recovery = all().filter_map(|part| part.recovery.as_ref()).cloned().reduce(recovery);
    metadata.clock.anchors = all().flat_map(|part| &part.clock.anchors).copied().collect();
    // A seam is read once, and stands in both parts.
    metadata.clock.anchors.dedup();
    metadata.clock_drift_ppm = fit_drift_ppm(&metadata.clock.anchors);
    metadata.consent = consent(&metadata.consent, &last.metadata.consent);
    metadata.privacy = all().skip(1).fold(metadata.privacy.clone(), |all, part| privacy(all, &part.privacy));
    let signs = parts.iter().map(|part| (part.span_ns().0, part.metadata.privacy.recording_sign.as_ref()));
    metadata.privacy.recording_sign = sign::join(signs);
    metadata.streams = streams(parts);
    if metadata.input_device.is_none() || all().any(|part| part.input_device != metadata.input_device) {
        // A gamepad that came later is of the kinds that were recorded.
        metadata.input_device = all().filter_map(|part| part.input_device.clone()).max_by_key(String::len);
    }
    metadata.codec = all().find_map(|part| part.codec.clone());
    metadata.codec_string = all().find_map(|part| part.codec_string.clone());
    metadata.encoder = all().find_map(|part| part.encoder.clone());
    metadata.resolution = metadata.resolution.or_else(|| all().find_map(|part| part.resolution));
    metadata.dropped_frames = sum(all().map(|part| part.dropped_frames));
    metadata.unchanged_skipped = sum(all().map(|part| part.unchanged_skipped));
    metadata.counts = made.table.counts;
    metadata.clicks = made.table.clicks.count();
    made.measured.apply(&mut metadata, made.pictures);
    // The gaps of the rows are all of them; what recovery left behind is in no row.
    metadata.lost = losses(all().flat_map(|part| &part.lost));
    if let Some(timing) = &mut metadata.timing {
        // Percentiles of parts are none of the whole, and a silence may reach over a seam.
        (timing.commit_ms, timing.input_silence_ms, timing.behind) = (None, None, None);
    }
    for (file, joined) in &made.sounds {
        tell_sound(&mut metadata, parts, file, joined);
    }
    metadata.lineage = lineage(parts);
    Some(metadata)
}

/// The steps of each part, and one for each of them.
fn lineage(parts: &[Part]) -> Vec<Lineage> {
    let own = parts.iter().flat_map(|part| &part.metadata.lineage).cloned();
    let joined = parts.iter().map(|part| {
        let (from_ns, until_ns) = part.span_ns();
        Lineage {
            integrity_sha256: part.identity.to_string(),
            by: format!("watchcap join {}", env!("CARGO_PKG_VERSION")),
            format: Some(part.metadata.format_version.clone()),
            what: Vec::new(),
            reason: JOINED.to_owned(),
            from_ns: Some(from_ns),
            until_ns: Some(until_ns),
            masks: Vec::new(),
            at: None,
        }
    });
    own.chain(joined).collect()
}

/// The sum of what each part says; null when one does not say it.
fn sum(mut all: impl Iterator<Item = Option<u64>>) -> Option<u64> {
    all.try_fold(0_u64, |sum, one| Some(sum.saturating_add(one?)))
}

/// Both as one: what is worse of each, and all that is counted.
fn recovery(one: Recovery, other: Recovery) -> Recovery {
    let worse = |of: [String; 2], order: &[&str]| {
        let place = |word: &String| order.iter().position(|known| known == word).map_or(usize::MAX, |place| place + 1);
        let [one, other] = of;
        if place(&other) > place(&one) { other } else { one }
    };
    Recovery {
        closed: one.closed && other.closed,
        database: worse([one.database, other.database], &["present", "empty", "missing"]),
        damaged_chunks: one.damaged_chunks.saturating_add(other.damaged_chunks),
        copied_chunks: one.copied_chunks.saturating_add(other.copied_chunks),
        holes: one.holes.saturating_add(other.holes),
        missing_records: one.missing_records.saturating_add(other.missing_records),
        cut_records: one.cut_records.saturating_add(other.cut_records),
        video: worse([one.video, other.video], &["present", "undecodable", "damaged", "missing"]),
        found_frames: one.found_frames.saturating_add(other.found_frames),
        torn_frames: one.torn_frames.saturating_add(other.torn_frames),
        partial_id: one.partial_id || other.partial_id,
        failure: other.failure.or(one.failure),
        extra: one.extra,
    }
}

/// What is missing, by stream and reason.
fn losses<'a>(all: impl Iterator<Item = &'a Loss>) -> Vec<Loss> {
    let mut sums: BTreeMap<(&str, &str), Loss> = BTreeMap::new();
    for loss in all {
        let Some(sum) = sums.get_mut(&(&*loss.stream, &*loss.reason)) else {
            sums.insert((&loss.stream, &loss.reason), loss.clone());
            continue;
        };
        sum.gaps = sum.gaps.saturating_add(loss.gaps);
        sum.count = sum.count.zip(loss.count).map(|(sum, more)| sum.saturating_add(more));
        sum.from_ns = [sum.from_ns, loss.from_ns].into_iter().flatten().min();
        sum.until_ns = sum.until_ns.max(loss.until_ns);
    }
    sums.into_values().collect()
}

/// The consent that the recording began with, and what was taken back up to its end.
fn consent(first: &Consent, last: &Consent) -> Consent {
    let mut consent = first.clone();
    consent.withdrawn.extend(last.withdrawn.clone());
    consent
}

/// What was kept out of both: a promise holds where it held in all parts.
fn privacy(all: Privacy, part: &Privacy) -> Privacy {
    let both = |one: Option<bool>, other: Option<bool>| one.zip(other).map(|(one, other)| one && other);
    let same = |one: Option<String>, other: &Option<String>| one.filter(|one| other.as_ref() == Some(one));
    let kept = |item: &String, of: &[String]| of.contains(item);
    Privacy {
        chat_redacted: both(all.chat_redacted, part.chat_redacted),
        notifications_masked: both(all.notifications_masked, part.notifications_masked),
        pii_regions: all.pii_regions.into_iter().filter(|region| part.pii_regions.contains(region)).collect(),
        excluded_apps: all.excluded_apps.into_iter().filter(|app| kept(app, &part.excluded_apps)).collect(),
        profile: same(all.profile, &part.profile),
        profile_choice: same(all.profile_choice, &part.profile_choice),
        profiles: in_force(&all.profiles, &part.profiles),
        keys: same(all.keys, &part.keys),
        input_only_with_focus: all.input_only_with_focus.filter(|only| part.input_only_with_focus == Some(*only)),
        hotkeys: all.hotkeys.into_iter().filter(|hotkey| kept(hotkey, &part.hotkeys)).collect(),
        extra: all.extra.into_iter().filter(|(key, value)| part.extra.get(key) == Some(value)).collect(),
        ..all
    }
}

/// The profiles that are in force to the end, each from when on: one that was in force before goes on.
fn in_force(before: &[ProfileInForce], part: &[ProfileInForce]) -> Vec<ProfileInForce> {
    let since = |profile: &ProfileInForce| before.iter().find(|known| known.name == profile.name).cloned();
    part.iter().map(|profile| since(profile).unwrap_or_else(|| profile.clone())).collect()
}

/// The streams as the first part has them, with what became of each.
fn streams(parts: &[Part]) -> BTreeMap<String, StreamInfo> {
    let mut streams: BTreeMap<String, StreamInfo> = BTreeMap::new();
    for part in parts {
        for (name, info) in &part.metadata.streams {
            let Some(known) = streams.get_mut(name) else {
                streams.insert(name.clone(), info.clone());
                continue;
            };
            // A stream that failed or was taken back is so to the end; one of which a part has nothing is there all the same.
            let rank = |status: &str| match status {
                "failed" => 4,
                "withdrawn" => 3,
                "recorded" => 2,
                "missing" => 1,
                _ => 0,
            };
            if rank(&info.status) > rank(&known.status) {
                (known.status, known.reason) = (info.status.clone(), info.reason.clone());
            }
        }
    }
    streams
}

/// Says what is in a file of sound, with the settings of the first part that has it.
fn tell_sound(metadata: &mut Metadata, parts: &[Part], file: &'static str, joined: &Joined) {
    let audio = Stream::Audio.name();
    let is_microphone = file == layout::MICROPHONE_FILE;
    let base = parts.get(joined.first).and_then(|part| part.metadata.streams.get(audio));
    let Some(mut settings) = base.map(|base| base.settings.clone()) else { return };
    let microphone = settings.remove(sound::MICROPHONE);
    if is_microphone {
        settings = microphone.as_ref().and_then(Value::as_object).cloned().into_iter().flatten().collect();
    }
    let lost = |key| {
        let with_it = parts.iter().filter(|part| sound::files(&part.metadata).contains(&file));
        sum(with_it.map(|part| sound::number(&part.metadata, file, key)))
    };
    let told = &joined.told;
    let said: [(&str, Value); 6] = [
        (sound::T0_NS, told.t0_ns.into()),
        (sound::PACKETS, told.packets.into()),
        (sound::SAMPLES, told.samples.into()),
        (sound::LOST_PACKETS, lost(sound::LOST_PACKETS).into()),
        (sound::DAMAGED_PACKETS, lost(sound::DAMAGED_PACKETS).into()),
        // Of the slopes of parts nothing follows for the whole.
        (sound::DRIFT_PPM, Value::Null),
    ];
    settings.extend(said.map(|(key, value)| (key.to_owned(), value)));
    if parts.iter().any(|part| sound::t0_is_guessed(&part.metadata, file)) {
        settings.insert(sound::T0_IS_GUESSED.to_owned(), true.into());
    }
    let Some(info) = metadata.streams.get_mut(audio) else { return };
    if is_microphone {
        info.settings.insert(sound::MICROPHONE.to_owned(), settings.into_iter().collect::<Map<_, _>>().into());
    } else {
        info.settings.extend(settings);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::session::metadata::samples::bare;
    use crate::session::seal::FileHash;

    #[test]
    fn what_a_later_version_promises_holds_where_all_parts_say_it() {
        let of = |promises: Value| Privacy {
            extra: promises.as_object().cloned().expect("an object"),
            keys: Some("all".into()),
            ..Privacy::default()
        };
        let first = of(json!({"faces": true, "voices": true, "plates": true}));
        let joined = privacy(first, &of(json!({"faces": true, "voices": false, "tattoos": true})));
        assert_eq!(joined, of(json!({"faces": true})));
    }

    #[test]
    fn a_time_that_is_guessed_in_any_part_is_so_in_all() {
        let part = |settings: Value| {
            let mut metadata = bare("x");
            let settings = settings.as_object().cloned().expect("an object").into_iter().collect();
            let (source, reason, extra) = (None, None, Map::new());
            let info = StreamInfo { status: "recorded".into(), source, reason, settings, extra };
            metadata.streams.insert(Stream::Audio.name().to_owned(), info);
            Part { dir: std::path::PathBuf::new(), identity: FileHash([0; 32]), metadata }
        };
        let known = || part(json!({"file": layout::AUDIO_FILE, "t0_ns": 5}));
        let guessed = || part(json!({"file": layout::AUDIO_FILE, "t0_ns": 9, "t0_is_guessed": true}));
        let joined = |parts: &[Part]| {
            let mut metadata = parts[0].metadata.clone();
            let told = sound::Part { t0_ns: Some(5), packets: 2, samples: 2048 };
            tell_sound(&mut metadata, parts, layout::AUDIO_FILE, &Joined { told, first: 0 });
            sound::t0_is_guessed(&metadata, layout::AUDIO_FILE)
        };
        assert!(joined(&[known(), guessed()]) && joined(&[guessed(), known()]));
        assert!(!joined(&[known(), known()]));
    }
}
