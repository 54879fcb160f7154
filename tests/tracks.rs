//! A second track: sound beside the pictures through log, crash, `finalize` and `verify`, and read by PyAV.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use watchcap::base::event::{Event, Key, Source};
use watchcap::base::id::{FrameRef, SessionId};
use watchcap::base::time::{Clock, ManualClock, MonoNs, UtcNs};
use watchcap::encode::openh264::OpenH264;
use watchcap::encode::{Ask, Driver, EncodeSettings, Masked, Quality};
use watchcap::log::reader::LogReader;
use watchcap::log::writer::LogWriter;
use watchcap::log::{Body, LogPaths, Record};
use watchcap::media::flac;
use watchcap::media::picture::{FrameStamp, Planar, Sampling};
use watchcap::media::track::{Cost, Packet, TrackId, TrackSpec};

use crate::support::{python, run, watchcap};

const RATE: u32 = 48_000;
const CHANNELS: u16 = 2;
/// Samples of a packet: 20 ms.
const BLOCK: u64 = 960;
/// When recording begins, and how much later the first sample of sound is heard.
const BEGIN: i64 = 7_000_000_000;
const LATER: i64 = 123_456_789;
/// Samples between two clicks: half a second less one sample, so that they stand anywhere in a packet.
const BETWEEN: u64 = 23_999;

/// A packet of the click track: 5 ms of a loud tone at each click, silence in between.
fn clicks(first: u64) -> Vec<u8> {
    let sample = |at: u64| if at % BETWEEN < 240 { if at.is_multiple_of(2) { 16_000 } else { -16_000 } } else { 0 };
    let samples: Vec<i16> = (first..first + BLOCK).flat_map(|at| [sample(at); CHANNELS as usize]).collect();
    flac::frame(&samples, CHANNELS, first).expect("a frame")
}

fn time_of(sample: u64) -> i64 {
    BEGIN + LATER + (sample * 1_000_000_000 / u64::from(RATE)) as i64
}

/// Two seconds of pictures at 10 fps and of sound, and an input of a source that only its name tells; never closed, as a kill leaves it.
/// Leaves out the packet `without`. Small boxes, so that packets stand in several.
fn record(session: &Path, consent: bool, without: Option<u64>) {
    watchcap::base::files::create_private_dir(session).expect("a folder");
    let clock = Arc::new(ManualClock::new(MonoNs(BEGIN), UtcNs(1_790_000_000_000_000_000)));
    let settings = EncodeSettings {
        width: 96,
        height: 64,
        fps: 10,
        bitrate_kbps: 100,
        gop_ns: 500_000_000,
        quality: Quality::Fast,
        sampling: Sampling::Yuv420,
    };
    let mut driver = Driver::new(Box::new(OpenH264::new(&settings).expect("an encoder")));
    let sets = driver.config().avc().expect("H.264").clone();
    let tracks = [TrackSpec::pictures(sets, (96, 64), (96, 64), 1 << 20), TrackSpec::flac(RATE, CHANNELS, 8_000)];
    let id = SessionId::new();
    let mut log = LogWriter::create(session, id, &tracks, Arc::clone(&clock) as Arc<dyn Clock>).expect("a log");
    for (key, value) in [
        (
            "consent",
            json!({"record_screen": true, "record_input": true, "record_audio": consent, "method": "flag", "given_at": ""}),
        ),
        ("session_id", json!(id.to_string())),
        ("screen", json!({"backend": "synthetic", "width": 96, "height": 64, "x": 0, "y": 0})),
        ("encoder", json!({"name": "openh264", "codec_string": "avc1.42c00b", "width": 96, "height": 64, "fps": 10})),
    ] {
        let body = Body::Setup { key: key.into(), json: value.to_string() };
        log.append(&Record { t: MonoNs(BEGIN), source: Source::Recorder, body }).expect("a fact");
    }
    log.commit_facts().expect("facts");
    for n in 0..20u64 {
        let t = MonoNs(BEGIN + n as i64 * 100_000_000);
        clock.advance_to(t);
        if n % 10 == 0 {
            log.append(&Record { t, source: Source::Recorder, body: Body::Anchor(clock.anchor()) }).expect("an anchor");
        }
        let ask = Ask { stamp: FrameStamp { frame_ref: FrameRef(n), t }, idr: n % 5 == 0 };
        driver.encode(&Masked::not_captured(Planar::yuv420(96, 64)), ask).expect("a frame");
        let unit = driver.next_unit().expect("an answer at once");
        let frame = Packet {
            track: TrackId::PICTURES,
            first_sample: n,
            samples: 1,
            t,
            bytes: unit.bytes,
            keyframe: unit.keyframe,
            repeats: false,
            cost: Cost::default(),
        };
        log.append_packet(&frame).expect("a frame in the log");
        let key = Key { usage: None, native: Some(30), down: n % 2 == 0, repeat: false, redacted: false };
        let body = Body::Event(Event::Key(key));
        log.append(&Record { t, source: Source::named("evdev"), body }).expect("an input");
        for part in n * 5..n * 5 + 5 {
            let first = part * BLOCK;
            let packet = Packet {
                track: TrackId::SOUND,
                first_sample: first,
                samples: BLOCK as u32,
                t: MonoNs(time_of(first)),
                bytes: clicks(first),
                keyframe: true,
                repeats: false,
                cost: Cost::default(),
            };
            if without != Some(part) {
                log.append_packet(&packet).expect("a packet in the log");
            }
        }
        log.commit_if_due().expect("a commit");
    }
    log.commit().expect("a commit");
    // What comes behind a sync vouches for everything before it.
    while log.progress().durable < log.progress().records {
        std::thread::yield_now();
    }
    let body = Body::Anchor(clock.anchor());
    log.append(&Record { t: clock.now(), source: Source::Recorder, body }).expect("an anchor");
    log.commit().expect("a commit");
}

fn sealed(session: &Path) -> Value {
    let (code, out, err) = run(watchcap().arg("finalize").arg(session));
    assert!(code == 0 || code == 3, "{code}: {out}{err}");
    let (code, out, err) = run(watchcap().arg("verify").arg(session));
    assert_eq!(code, 0, "{out}{err}");
    let text = std::fs::read_to_string(session.join("metadata.json")).expect("metadata");
    serde_json::from_str(&text).expect("JSON")
}

/// The clicks that PyAV hears, nanoseconds on the clock of the recording.
fn heard(session: &Path, metadata: &Value) -> (Value, Vec<i64>) {
    let said: Value = serde_json::from_str(&python("sound.py", &[&session.join("audio.mp4")])).expect("JSON");
    let t0 = metadata["streams"]["audio"]["settings"]["t0_ns"].as_i64().expect("t0_ns");
    let clicks = said["clicks"].as_array().expect("clicks").iter();
    let clicks = clicks.map(|at| t0 + (at.as_f64().expect("a time") * 1e9).round() as i64).collect();
    (said, clicks)
}

#[test]
fn sound_goes_the_road_of_the_pictures_and_is_heard_when_it_was() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = dir.path().join("s");
    record(&session, true, None);
    let reader = LogReader::open(&LogPaths::of(&session)).expect("a log");
    assert_eq!(reader.packets(TrackId::SOUND).count(), 100);
    assert!(reader.facts.digests.contains_key(&TrackId::SOUND), "several boxes were closed");
    let copy = dir.path().join("copy");
    crate::support::copy_tree(&session, &copy);
    let metadata = sealed(&session);
    let settings = &metadata["streams"]["audio"]["settings"];
    assert_eq!((&settings["codec"], &settings["lost_packets"]), (&json!("flac"), &json!(0)));
    assert_eq!((&settings["packets"], &settings["samples"]), (&json!(100), &json!(96_000)));
    assert_eq!(metadata["streams"]["audio"]["status"], "recorded");
    let (said, times) = heard(&session, &metadata);
    assert_eq!((&said["codec"], &said["rate"], &said["channels"]), (&json!("flac"), &json!(RATE), &json!(CHANNELS)));
    assert_eq!(said["samples"], 96_000);
    let expected: Vec<i64> = (0..96_000).step_by(BETWEEN as usize).map(time_of).collect();
    assert_eq!(times.len(), expected.len(), "{times:?}");
    for (time, expected) in times.iter().zip(&expected) {
        assert!((time - expected).abs() <= 1_000_000_000 / i64::from(RATE), "{time} instead of {expected}");
    }
    // The source that no variant stands for is in its rows.
    let reader = watchcap::session::table::read::SessionReader::open(&session).expect("a session");
    let rows: Vec<_> = reader.events().rows().checked().collect::<Result<_, _>>().expect("rows");
    let keys = rows.iter().filter(|row| row.event_type.starts_with("key_") && row.source.as_deref() == Some("evdev"));
    assert_eq!(keys.count(), 20);
    // A function of the log.
    sealed(&copy);
    let sums = |dir: &Path| std::fs::read_to_string(dir.join("integrity.sha256")).expect("a seal");
    assert!(sums(&session).contains("audio.mp4") && sums(&session) == sums(&copy));
}

#[test]
fn a_packet_that_is_missing_moves_no_other() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = dir.path().join("s");
    record(&session, true, Some(30));
    let metadata = sealed(&session);
    let (said, times) = heard(&session, &metadata);
    assert_eq!(said["samples"], 96_000 - BLOCK);
    let last = times.last().expect("clicks");
    assert!((last - time_of(BETWEEN * 4)).abs() <= 1_000_000_000 / i64::from(RATE), "{last}");
}

#[test]
fn bytes_that_are_gone_or_not_agreed_to_are_not_in_the_session() {
    let dir = tempfile::tempdir().expect("a folder");
    let refused = dir.path().join("refused");
    record(&refused, false, None);
    assert_eq!(sealed(&refused)["streams"]["audio"]["status"], "off");
    assert!(!refused.join("audio.mp4").exists());
    let torn = dir.path().join("torn");
    record(&torn, true, None);
    let file = torn.join("log/audio.mp4");
    let reader = LogReader::open(&LogPaths::of(&torn)).expect("a log");
    let (_, packet) = reader.packets(TrackId::SOUND).nth(50).expect("a packet");
    let mut bytes = std::fs::read(&file).expect("sound");
    bytes[packet.offset as usize + 9] ^= 1;
    std::fs::write(&file, &bytes).expect("sound");
    let metadata = sealed(&torn);
    let settings = &metadata["streams"]["audio"]["settings"];
    assert_eq!((&settings["packets"], &settings["lost_packets"]), (&json!(99), &json!(1)), "{settings}");
    let losses = metadata["lost"].as_array().expect("a list");
    assert!(
        losses.iter().any(|loss| loss["stream"] == "audio" && loss["reason"] == "packet_torn" && loss["count"] == 1)
    );
    assert!(torn.join("log").is_dir(), "somebody may mend it");
    assert_eq!(heard(&torn, &metadata).0["samples"], settings["samples"]);
}

/// The metadata of a session that verifies.
fn verified(session: &Path) -> Value {
    let (code, out, err) = run(watchcap().arg("verify").arg(session));
    assert_eq!(code, 0, "{out}{err}");
    serde_json::from_str(&std::fs::read_to_string(session.join("metadata.json")).expect("metadata")).expect("JSON")
}

#[test]
fn a_clip_has_the_sound_of_its_span_and_no_other() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = dir.path().join("s");
    record(&session, true, None);
    sealed(&session);
    let clips = dir.path().join("clips");
    let (code, out, err) = run(watchcap()
        .args(["export", "clip", "--json", "--from", "0.55", "--to", "1.45", "--out"])
        .arg(&clips)
        .arg(&session));
    assert_eq!(code, 0, "{out}{err}");
    let said: Value = serde_json::from_str(&out).expect("JSON");
    let (from, until) = (said["from_ns"].as_i64().expect("from"), said["until_ns"].as_i64().expect("until"));
    let clip = Path::new(said["session"].as_str().expect("a folder"));
    let metadata = verified(clip);
    let settings = &metadata["streams"]["audio"]["settings"];
    assert_eq!((&settings["packets"], &settings["lost_packets"]), (&said["sound_packets"], &json!(0)));
    let (sound, times) = heard(clip, &metadata);
    assert_eq!(sound["samples"], settings["samples"]);
    // Up to one packet at each edge is left out, and nothing else.
    let packet_ns = (BLOCK * 1_000_000_000 / u64::from(RATE)) as i64;
    let packets = settings["packets"].as_i64().expect("packets");
    let most = (until - from) / packet_ns;
    assert!((most - 1..=most).contains(&packets), "{packets} of {most}");
    let t0 = settings["t0_ns"].as_i64().expect("t0_ns");
    assert!(t0 >= from && t0 + packets * packet_ns <= until + 1, "{t0} {packets} {from} {until}");
    let clicks = (0..96_000).step_by(BETWEEN as usize).map(time_of);
    let inside: Vec<i64> = clicks.filter(|t| (t0..t0 + packets * packet_ns).contains(t)).collect();
    assert!(!inside.is_empty() && times.len() == inside.len(), "{times:?} instead of {inside:?}");
    for (time, expected) in times.iter().zip(&inside) {
        assert!((time - expected).abs() <= 1_000_000_000 / i64::from(RATE), "{time} instead of {expected}");
    }
    // Before the first sample there is nothing to hear, and so no file.
    let (code, out, err) =
        run(watchcap().args(["export", "clip", "--json", "--to", "0.1", "--out"]).arg(&clips).arg(&session));
    assert_eq!(code, 0, "{out}{err}");
    let said: Value = serde_json::from_str(&out).expect("JSON");
    let silent = Path::new(said["session"].as_str().expect("a folder"));
    assert!(said["sound_packets"] == 0 && !silent.join("audio.mp4").exists());
    let settings = &verified(silent)["streams"]["audio"]["settings"];
    assert_eq!((&settings["packets"], settings.get("file")), (&json!(0), None));
}

#[test]
fn a_redacted_session_keeps_its_sound_and_says_so() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = dir.path().join("s");
    record(&session, true, None);
    sealed(&session);
    let (code, out, err) =
        run(watchcap().args(["redact", "--json", "--keys", "--from", "0.5", "--to", "1"]).arg(&session));
    assert_eq!(code, 0, "{out}{err}");
    let said: Value = serde_json::from_str(&out).expect("JSON");
    assert!(said["sound_kept"] == true && said["left_out"] == json!([]), "{said}");
    assert!(err.contains("note: the sound is in the new session as it was recorded"), "{err}");
    let redacted = Path::new(said["session"].as_str().expect("a folder"));
    verified(redacted);
    let bytes = |dir: &Path| std::fs::read(dir.join("audio.mp4")).expect("sound");
    assert_eq!(bytes(&session), bytes(redacted));
}

#[test]
fn sound_that_was_not_agreed_to_is_not_made_a_clip_of() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = dir.path().join("s");
    record(&session, true, None);
    sealed(&session);
    let text = std::fs::read_to_string(session.join("metadata.json")).expect("metadata");
    let mut metadata: Value = serde_json::from_str(&text).expect("JSON");
    metadata["consent"]["record_audio"] = json!(false);
    std::fs::write(session.join("metadata.json"), metadata.to_string()).expect("metadata");
    std::fs::remove_file(session.join("integrity.sha256")).expect("a seal");
    watchcap::session::seal::seal(&session, &[], &mut |_| {}).expect("a seal");
    let (code, out, err) =
        run(watchcap().args(["export", "clip", "--from", "0.5", "--out"]).arg(dir.path().join("clips")).arg(&session));
    assert!(code == 2 && err.contains("holds the audio, and consent to it is not there"), "{code} {out}{err}");
}
