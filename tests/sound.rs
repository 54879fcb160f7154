//! Sound from its source to the session: the synthetic clicks are heard by PyAV when the clock said so, whatever happened in between.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use watchcap::base::event::Stream;
use watchcap::base::id::SessionId;
use watchcap::base::time::{Clock, SystemClock};
use watchcap::capture::Sources;
use watchcap::capture::sound::OpenSound;
use watchcap::capture::synthetic::{self, CLICK_EVERY_NS, Clicks, Hole, Shows};
use watchcap::encode::Quality;
use watchcap::encode::openh264::OpenH264;
use watchcap::media::picture::Sampling;
use watchcap::privacy::Plan;
use watchcap::recorder::{Control, RecordOptions, SoundOptions, Stop, Unchanged, Way, record};
use watchcap::session::table::read::SessionReader;

use crate::support::{Running, python, run, watchcap};

/// How far a click may be from where its time says it is.
const EXACT_NS: i64 = 10_000_000;

/// The sound of a session as PyAV hears it.
struct Heard {
    /// When clicks began, on the clock of the recording.
    clicks: Vec<i64>,
    /// From when to when there is sound.
    begin: i64,
    end: i64,
    settings: Value,
}

/// Seals and verifies a session, and hears a file of it.
fn heard_of(session: &Path, file: &str, settings: impl Fn(&Value) -> Value) -> (Value, Heard) {
    if session.join("log").exists() {
        let (code, out, err) = run(watchcap().arg("finalize").arg(session));
        assert!(code == 0 || code == 3, "{code}: {out}{err}");
    }
    let (code, out, err) = run(watchcap().arg("verify").arg(session));
    assert_eq!(code, 0, "{out}{err}");
    let text = std::fs::read_to_string(session.join("metadata.json")).expect("metadata");
    let metadata: Value = serde_json::from_str(&text).expect("JSON");
    let settings = settings(&metadata["streams"]["audio"]["settings"]);
    let said: Value = serde_json::from_str(&python("clicks.py", &[&session.join(file)])).expect("JSON");
    assert_eq!(said["steps_back"], 0, "time goes back");
    let begin = settings["t0_ns"].as_i64().expect("t0_ns");
    let at = |value: &Value| begin + (value.as_f64().expect("a time") * 1e9).round() as i64;
    let clicks = said["clicks"].as_array().expect("clicks").iter().map(at).collect();
    (metadata, Heard { clicks, begin, end: at(&said["end"]), settings })
}

fn heard(session: &Path) -> (Value, Heard) {
    heard_of(session, "audio.mp4", Clone::clone)
}

impl Heard {
    /// How far each click is from the nearest half second, and which one that is.
    fn off(&self) -> Vec<(i64, i64)> {
        let near = |click: &i64| (click + CLICK_EVERY_NS / 2).div_euclid(CLICK_EVERY_NS);
        self.clicks.iter().map(|click| (near(click), click - near(click) * CLICK_EVERY_NS)).collect()
    }

    /// Every click that was to be heard was, when it was; `but` says of which ones nothing is known.
    fn hold(&self, but: impl Fn(i64) -> bool) {
        let off = self.off();
        let heard = off.iter().filter(|(n, _)| !but(*n * CLICK_EVERY_NS));
        let worst = heard.clone().map(|(_, off)| off.abs()).max().expect("clicks");
        assert!(worst <= EXACT_NS, "{} ms off: {off:?}", worst as f64 / 1e6);
        // The first and the last one may lie at the edge.
        let first = (self.begin + EXACT_NS).div_euclid(CLICK_EVERY_NS) + 1;
        let last = (self.end - 2 * EXACT_NS).div_euclid(CLICK_EVERY_NS);
        let expected: Vec<i64> = (first..=last).filter(|n| !but(n * CLICK_EVERY_NS)).collect();
        let found: Vec<i64> = heard.map(|(n, _)| *n).filter(|n| (first..=last).contains(n)).collect();
        assert_eq!(found, expected, "{off:?}");
    }
}

/// Gaps of the sound: from, until, how much was lost, why, of what.
fn gaps(session: &Path) -> Vec<(i64, i64, Option<u64>, String)> {
    let reader = SessionReader::open(session).expect("a session");
    let rows: Vec<_> = reader.events().rows().checked().collect::<Result<_, _>>().expect("rows");
    let text = |row: &watchcap::session::table::row::OwnedRow, key: &str| row.metadata.get(key).map(str::to_owned);
    let of = rows.iter().filter(|row| row.event_type == "gap" && text(row, "stream").as_deref() == Some("audio"));
    of.map(|row| {
        let number = |key: &str| text(row, key).and_then(|value| value.parse::<i64>().ok());
        (
            row.t_ns,
            number("until_ns").expect("until_ns"),
            number("lost").map(|lost| lost as u64),
            text(row, "reason").unwrap_or_default(),
        )
    })
    .collect()
}

fn recorder(dir: &Path, more: &[&str]) -> std::process::Command {
    let mut command = watchcap();
    command.args(["record", "--source", "synthetic", "--size", "160x96", "--fps", "10", "--session", "s", "--out"]);
    command.arg(dir).args(more).stdout(Stdio::null()).stderr(Stdio::null()).stdin(Stdio::null());
    command
}

/// Records for five seconds, kills the recorder, and seals what is left: how much sound is missing at the end, ms.
fn killed(codec: &str) -> i64 {
    let dir = tempfile::tempdir().expect("a folder");
    let asked = ["--audio", "synthetic", "--audio-codec", codec, "--no-finalize"];
    let mut child = Running(recorder(dir.path(), &asked).spawn().expect("the program"));
    std::thread::sleep(Duration::from_secs(5));
    child.0.kill().expect("a program to kill");
    let killed = SystemClock.now();
    child.0.wait().expect("its end");
    let (metadata, heard) = heard(&dir.path().join("s"));
    heard.hold(|_| false);
    assert!(heard.clicks.len() >= 6, "{:?}", heard.clicks);
    let stream = &metadata["streams"]["audio"];
    assert_eq!((&stream["status"], &stream["source"]), (&json!("recorded"), &json!("synthetic")));
    assert_eq!((&heard.settings["codec"], &heard.settings["role"]), (&json!(codec), &json!("system")));
    assert_eq!(metadata["consent"]["record_audio"], true);
    (killed.0 - heard.end) / 1_000_000
}

#[test]
fn clicks_are_where_their_times_say_in_a_recording_that_was_killed() {
    for codec in ["flac", "aac"] {
        // A machine that is busy may hold the recorder up just then.
        let lost: Vec<i64> = (0..3).map(|_| killed(codec)).take_while(|ms| *ms > 100).collect();
        assert!(lost.len() < 3, "{codec}: {lost:?} ms of sound were lost");
    }
}

#[test]
fn without_audio_nothing_of_sound_is_there_and_without_consent_none_is_taken() {
    let dir = tempfile::tempdir().expect("a folder");
    let (code, ..) = run(&mut recorder(dir.path(), &["-d", "1"]));
    assert_eq!(code, 0);
    let session = dir.path().join("s");
    let text = std::fs::read_to_string(session.join("metadata.json")).expect("metadata");
    let metadata: Value = serde_json::from_str(&text).expect("JSON");
    assert!(!session.join("audio.mp4").exists() && metadata["streams"]["audio"]["status"] == "off");
    assert_eq!(metadata["consent"]["record_audio"], false);
    let refused = |more: &[&str]| {
        let mut command = watchcap();
        command.args(["record", "--source", "synthetic", "-d", "1", "--session", "r", "--out"]).arg(dir.path());
        let (code, _, err) = run(command.args(more));
        assert!(!dir.path().join("r").exists(), "{err}");
        (code, err)
    };
    let (code, err) = refused(&["--audio", "synthetic", "--consent", "screen,input"]);
    assert!(code == 2 && err.contains("no consent to record the sound"), "{code} {err}");
    assert!(err.contains("hint: agree with --consent screen,input,audio, or record without it: --audio off"), "{err}");
    let (code, err) = refused(&["--audio", "hw:7"]);
    assert!(code == 2 && err.contains("has no device hw:7") && err.contains("hint: use --audio synthetic"), "{err}");
    // What is agreed to and not asked for is not recorded, and the metadata say so.
    let mut command = watchcap();
    command.args(["record", "--source", "synthetic", "-d", "1", "--size", "160x96", "--session", "c", "--out"]);
    let (code, _, err) = run(command.arg(dir.path()).args(["--consent", "screen,input,audio"]));
    assert!(code == 0 && err.contains("no sound is recorded: --audio says which"), "{code} {err}");
    let text = std::fs::read_to_string(dir.path().join("c/metadata.json")).expect("metadata");
    assert!(text.contains(r#""record_audio": false"#), "{text}");
}

#[test]
fn both_are_two_files_and_the_clicks_of_each_are_its_own() {
    let dir = tempfile::tempdir().expect("a folder");
    let (code, out, err) = run(recorder(dir.path(), &["--audio", "both", "-d", "4"]).stderr(Stdio::piped()));
    assert_eq!(code, 0, "{out}{err}");
    let session = dir.path().join("s");
    let (metadata, system) = heard(&session);
    system.hold(|_| false);
    let (_, microphone) = heard_of(&session, "audio_mic.mp4", |settings| settings["microphone"].clone());
    let shifted = Heard {
        clicks: microphone.clicks.iter().map(|click| click - CLICK_EVERY_NS / 2).collect(),
        begin: microphone.begin - CLICK_EVERY_NS / 2,
        end: microphone.end - CLICK_EVERY_NS / 2,
        settings: microphone.settings.clone(),
    };
    shifted.hold(|_| false);
    assert_eq!((&system.settings["role"], &microphone.settings["role"]), (&json!("system"), &json!("mic")));
    assert_eq!(microphone.settings["file"], "audio_mic.mp4");
    assert!(metadata["lost"].as_array().expect("a list").iter().all(|loss| loss["stream"] != "audio"), "{metadata}");
}

/// Records with a device of clicks, in this process, for `lasts`; `meanwhile` is told the controls.
fn record_clicks(
    clicks: Clicks,
    lasts: Duration,
    meanwhile: impl FnOnce(&Control, &Stop) + Send + 'static,
) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("a folder");
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let sound: OpenSound = clicks.open(Arc::clone(&clock));
    let sources = synthetic::sources((160, 96), &clock, true).expect("sources");
    let sources = Sources { sounds: vec![sound], ..sources };
    let id = SessionId::new();
    let control = Control::new();
    let options = RecordOptions {
        session_dir: dir.path().join("s"),
        exact_name: true,
        session_id: id,
        fps: 10,
        bitrate_kbps: Some(200),
        gop_ns: 500_000_000,
        quality: Quality::Fast,
        sampling: Sampling::Yuv420,
        sound: SoundOptions::default(),
        duration: Some(lasts),
        unchanged: Unchanged::Repeat,
        box_bytes: 1 << 20,
        allow_missing: Vec::new(),
        privacy: Plan::default(),
        facts: vec![
            (
                "consent".into(),
                json!({"record_screen": true, "record_input": true, "record_audio": true, "method": "synthetic", "given_at": ""}),
            ),
            ("session_id".into(), json!(id.to_string())),
        ],
        hotkeys: watchcap::base::hotkeys::Hotkeys::default(),
        stills: watchcap::recorder::StillOptions::default(),
        taps: Vec::new(),
        split: None,
        control: control.clone(),
    };
    let stop = Stop::new();
    let hand = std::thread::spawn({
        let stop = stop.clone();
        move || meanwhile(&control, &stop)
    });
    let encoder = Box::new(|settings: &watchcap::encode::EncodeSettings| {
        Ok(Box::new(OpenH264::new(settings)?) as Box<dyn watchcap::encode::VideoEncoder>)
    });
    record(options, sources, encoder, &clock, &stop, |_, _| {}, |_| {}).expect("a recording");
    hand.join().expect("the hand");
    let session = dir.path().join("s");
    (dir, session)
}

#[test]
fn the_drift_of_a_device_is_in_the_durations_and_in_the_metadata() {
    for (ppm, jitter_ms) in [(-400.0, 0), (800.0, 2)] {
        let clicks = Clicks { drift_ppm: ppm, jitter: Duration::from_millis(jitter_ms), ..Clicks::default() };
        let (_dir, session) = record_clicks(clicks, Duration::from_secs(14), |_, _| {});
        let (_, heard) = heard(&session);
        heard.hold(|_| false);
        let found = heard.settings["drift_ppm"].as_f64().expect("it was long enough");
        // Over 14 s, 1 ms is 70 ppm.
        let off = if jitter_ms == 0 { 15.0 } else { 150.0 };
        assert!((found - ppm).abs() < off, "{found} instead of {ppm}");
    }
}

#[test]
fn holes_are_silence_and_gaps_and_move_no_click() {
    let second = Duration::from_secs(1);
    let hole =
        |at: f64, ms: u64, shows| Hole { at: Duration::from_secs_f64(at), lasts: Duration::from_millis(ms), shows };
    let clicks = Clicks {
        holes: vec![
            hole(2.0, 300, Shows::Numbers),
            hole(4.0, 150, Shows::Times),
            hole(6.5, 1200, Shows::Gone),
            hole(9.5, 15, Shows::Numbers),
        ],
        jitter: Duration::from_millis(3),
        ..Clicks::default()
    };
    let (_dir, session) = record_clicks(clicks, 12 * second, |_, _| {});
    let (metadata, heard) = heard(&session);
    let gaps = gaps(&session);
    let reasons: Vec<_> = gaps.iter().map(|(.., reason)| reason.as_str()).collect();
    assert_eq!(reasons, ["sound_lost", "sound_lost", "device_gone", "sound_lost"], "{gaps:?}");
    for ((from, until, lost, reason), ms) in gaps.iter().zip([300.0, 150.0, 1200.0, 15.0]) {
        let lost_ms = lost.expect("a number") as f64 / 48.0;
        assert!((lost_ms - ms).abs() < 10.0, "{reason}: {lost_ms} instead of {ms} ms");
        assert!(*until - *from >= (ms * 0.9e6) as i64, "{reason}: {from} to {until}");
    }
    heard.hold(|t| gaps.iter().any(|(from, until, ..)| (*from - 20_000_000..=*until + 20_000_000).contains(&t)));
    let losses = metadata["lost"].as_array().expect("a list");
    let lost: u64 = losses.iter().filter(|l| l["stream"] == "audio").map(|l| l["count"].as_u64().expect("n")).sum();
    assert_eq!(lost, gaps.iter().map(|(_, _, lost, _)| lost.expect("a number")).sum::<u64>());
}

#[test]
fn nothing_that_is_heard_in_a_pause_is_kept() {
    let clock = SystemClock;
    let (said, spans) = std::sync::mpsc::channel();
    let (_dir, session) = record_clicks(Clicks::default(), Duration::from_secs(8), move |control, _| {
        std::thread::sleep(Duration::from_millis(2300));
        let begin = control.pause(&clock).expect("a pause");
        std::thread::sleep(Duration::from_millis(2100));
        let end = control.resume(&clock).expect("to go on").expect("a pause");
        said.send((begin, end)).expect("a listener");
    });
    let (begin, end) = spans.recv().expect("a pause");
    let (metadata, heard) = heard(&session);
    assert!(heard.clicks.iter().all(|click| !(begin.0..end.0).contains(click)), "{:?} {begin:?} {end:?}", heard.clicks);
    heard.hold(|t| (begin.0 - 40_000_000..end.0 + 40_000_000).contains(&t));
    assert!(gaps(&session).is_empty() && metadata["counts"]["pause"] == 1, "a pause is no gap");
    // The silence of the pause is in the file.
    let seconds = (heard.end - heard.begin) as f64 / 1e9;
    let samples = heard.settings["samples"].as_f64().expect("samples") / 48_000.0;
    assert!((seconds - samples).abs() < 0.02 && seconds > 6.5, "{seconds} {samples}");
}

#[test]
fn consent_that_is_taken_back_ends_the_sound_alone() {
    let clock = SystemClock;
    let (said, spans) = std::sync::mpsc::channel();
    let (_dir, session) = record_clicks(Clicks::default(), Duration::from_secs(5), move |control, stop| {
        std::thread::sleep(Duration::from_millis(2700));
        said.send(control.withdraw(&[Stream::Audio], Way::Command, &clock, stop).expect("it is recorded"))
            .expect("a listener");
    });
    let withdrawn = spans.recv().expect("a time");
    let (metadata, heard) = heard(&session);
    heard.hold(|_| false);
    // The last packet of AAC is filled up with silence: 1024 samples.
    assert!((-22_000_000..200_000_000).contains(&(withdrawn.0 - heard.end)), "{} {withdrawn:?}", heard.end);
    let stream = &metadata["streams"]["audio"];
    assert_eq!((&stream["status"], &stream["reason"]), (&json!("withdrawn"), &json!("consent_withdrawn")));
    assert_eq!(metadata["consent"]["withdrawn"]["audio"]["t_ns"], withdrawn.0);
    assert!(metadata["frames"].as_u64().expect("frames") > 40, "the screen went on");
    let gaps = gaps(&session);
    assert!(gaps.len() == 1 && gaps[0].0 == withdrawn.0 && gaps[0].3 == "consent_withdrawn", "{gaps:?}");
}

#[test]
fn the_same_log_gives_the_same_sound() {
    let (dir, session) = record_clicks(Clicks::default(), Duration::from_secs(2), |_, _| {});
    let copy = dir.path().join("copy");
    crate::support::copy_tree(&session, &copy);
    let (_, first) = heard(&session);
    let (_, second) = heard(&copy);
    assert_eq!(first.begin, second.begin);
    let sums = |dir: &Path| std::fs::read_to_string(dir.join("integrity.sha256")).expect("a seal");
    assert_eq!(sums(&session), sums(&copy));
}
