//! Sound of a real PulseAudio: clicks whose times are known, a kill, a device or a server that goes away and comes back; and what is played to it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use watchcap::base::time::{Clock as _, SystemClock};
use watchcap::play::voice::Voice;
use watchcap::session::metadata::Metadata;
use watchcap_replay::Sound as _;

use crate::support::{Display, Running, python, python_command, run, synthetic, watchcap};

/// Runs the rig (scripts/sound_rig.py) on a sound server of its own.
fn rig(args: &[&str]) -> Value {
    let mut command = python_command("../../scripts/sound_rig.py");
    command.args(["pulseaudio", "--json", "--watchcap"]).arg(Path::new(watchcap().get_program())).args(args);
    let (code, out, err) = run(&mut command);
    assert_eq!(code, 0, "{out}{err}");
    serde_json::from_str(&out).expect("JSON")
}

#[test]
fn clicks_are_where_they_were_played_and_a_kill_loses_little() {
    for codec in ["aac", "flac"] {
        let said = rig(&["--seconds", "12", "--kills", "1", "--codec", codec]);
        let number = |value: &Value| value.as_f64().unwrap_or_else(|| panic!("{said}"));
        let error = |key: &str| number(&said["error_ms"][key]);
        assert!(said["missing"] == 0 && number(&said["clicks"]) >= 15.0 && said["gaps"] == 0, "{said}");
        assert!(error("p5") >= -10.0 && error("p95") <= 10.0, "{said}");
        let settings = &said["settings"];
        assert_eq!((&settings["codec"], &settings["role"]), (&codec.into(), &"system".into()), "{said}");
        assert!(settings["server"].as_str().is_some_and(|server| server.starts_with("pulseaudio ")), "{said}");
        assert!(number(&said["lost_ms"][0]) <= 100.0, "{said}");
    }
}

/// Killed before the device's clock is known, and a little later.
#[test]
fn a_kill_at_once_after_the_start_loses_little_as_well() {
    let said = rig(&["--seconds", "0", "--kills", "0", "--kill-at", "1.4,2.6"]);
    let killed = said["killed_at_s_lost_ms"].as_array().expect("a list");
    assert_eq!(killed.len(), 2, "{said}");
    for kill in killed {
        // A guessed time may be off by as much as the server's first stamps.
        let most = if kill[2] == true { 250.0 } else { 100.0 };
        assert!(kill[1].as_f64().is_some_and(|lost| lost <= most), "{said}");
    }
}

#[test]
fn a_device_and_a_server_that_go_are_gaps_and_what_follows_is_in_its_place() {
    for what in ["device", "server"] {
        let said = &rig(&["--seconds", "0", "--kills", "0", "--break", what])["broken"];
        assert_eq!(said["exit"], 3, "{said}");
        let gaps = said["gaps"].as_array().expect("a list");
        let [gap] = gaps.as_slice() else { panic!("{said}") };
        let (since, told) = (gap[0].as_i64().expect("a time"), &gap[1]);
        assert_eq!(told["reason"], format!("{what}_gone"), "{said}");
        let until: i64 = told["until_ns"].as_str().and_then(|t| t.parse().ok()).expect("a time");
        let lost: i64 = told["lost"].as_str().and_then(|lost| lost.parse().ok()).expect("samples");
        // It was away for two seconds and more, and is looked for twice a second.
        assert!((1_900_000_000..8_000_000_000).contains(&(until - since)), "{said}");
        assert!((lost * 1_000_000_000 / 48_000 - (until - since)).abs() < 50_000_000, "{said}");
        assert!(said["missing"] == 0 && said["clicks"].as_u64() >= Some(6), "{said}");
        assert!(said["worst_ms"].as_f64().is_some_and(|worst| worst.abs() <= 10.0), "{said}");
    }
}

#[test]
fn the_system_and_a_microphone_are_recorded_beside_each_other_and_doctor_hears_both() {
    let said = rig(&["--seconds", "12", "--kills", "0", "--audio", "both", "--doctor"]);
    // How far the clicks of a pipe are from their times, a busy machine decides (docs/MEASUREMENTS.md).
    for (of, fewest) in [(&said, 15.0), (&said["mic"], 3.0)] {
        assert!(of["missing"] == 0 && of["clicks"].as_f64() >= Some(fewest), "{said}");
    }
    let settings = &said["settings"];
    assert_eq!((&settings["role"], &settings["microphone"]["role"]), (&"system".into(), &"mic".into()), "{said}");
    let [listened, not_listened] = [0, 1].map(|at| said["doctor"][at].as_str().unwrap_or_default());
    assert!(listened.contains("system by pulseaudio ") && listened.contains("mic by pulseaudio "), "{said}");
    assert!(not_listened.contains("not listened to, since nobody agreed"), "{said}");
}

/// A PulseAudio of the test's own, with one sink that nobody hears.
struct Server {
    process: Running,
    dir: tempfile::TempDir,
}

impl Server {
    fn start() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let socket = dir.path().join("native");
        let mut command = Command::new("pulseaudio");
        command.args(["-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "--realtime=no"]);
        command.args(["--high-priority=no", "--log-level=error"]);
        command.arg("-L").arg(format!("module-native-protocol-unix socket={} auth-anonymous=1", socket.display()));
        command.args(["-L", "module-null-sink sink_name=nobody rate=48000 channels=2"]);
        command.env("HOME", dir.path()).env("XDG_RUNTIME_DIR", dir.path()).env_remove("PULSE_SERVER");
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let process = Running(command.spawn().expect("pulseaudio is missing: run scripts/setup.sh test"));
        let began = Instant::now();
        while !socket.exists() {
            assert!(began.elapsed() < Duration::from_secs(20), "the sound server does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { process, dir }
    }

    fn socket(&self) -> PathBuf {
        self.dir.path().join("native")
    }
}

/// When clicks are heard in a session, on the clock of this machine.
fn clicks(session: &Path) -> Vec<i64> {
    let metadata = crate::control::metadata(session);
    let t0 = metadata["streams"]["audio"]["settings"]["t0_ns"].as_i64().expect("t0_ns");
    let said: Value = serde_json::from_str(&python("clicks.py", &[&session.join("audio.mp4")])).expect("JSON");
    let at = |value: &Value| t0 + (value.as_f64().expect("a time") * 1e9).round() as i64;
    said["clicks"].as_array().expect("clicks").iter().map(at).collect()
}

/// A session with a click at each half second of the clock.
fn clicking(dir: &Path, name: &str, codec: &str, lasts: &str) -> PathBuf {
    let mut command = watchcap();
    command.args(["record", "--source", "synthetic", "--size", "160x96", "--fps", "5", "--audio", "synthetic"]);
    command.args(["--audio-codec", codec, "--duration", lasts, "--session", name, "--out"]).arg(dir);
    let (code, _, err) = run(&mut command);
    assert_eq!(code, 0, "{err}");
    dir.join(name)
}

/// How far what is heard may be from where the playhead is: that of the recording that hears it (10 ms), and of the player.
const HEARD_NS: i64 = 30_000_000;

#[test]
fn a_session_is_heard_where_the_playhead_is_after_jumps_and_pauses_too() {
    let dir = tempfile::tempdir().expect("a folder");
    for codec in ["flac", "aac"] {
        let server = Server::start();
        let session = clicking(dir.path(), codec, codec, "8s");
        let played = clicks(&session);
        assert!(played.len() > 10, "{played:?}");
        // What leaves the sink is recorded by this program, which is within 10 ms of the truth (the tests above).
        let (heard, display) = (dir.path().join(format!("{codec}_heard")), Display::start(160, 96));
        let mut command = watchcap();
        command.args(["record", "--audio", "system", "--consent", "screen,audio", "--fps", "5", "--duration", "16s"]);
        command.arg("--session").arg(heard.file_name().expect("a name")).arg("--out").arg(dir.path());
        command.env("PULSE_SERVER", format!("unix:{}", server.socket().display())).env("DISPLAY", &display.name);
        command.env_remove("WAYLAND_DISPLAY").stdout(Stdio::null()).stderr(Stdio::null());
        let recorder = Running(command.spawn().expect("the program"));
        std::thread::sleep(Duration::from_millis(3500));

        let known = Metadata::read(&session.join("metadata.json")).expect("metadata");
        let mut voice = Voice::of(&session, &known, Some(server.socket())).expect("it has sound");
        let begin = played[0] - 200_000_000;
        // From where, for how long; where nothing is said in between, it is silent.
        let mut spans = Vec::new();
        for (from, lasts) in [(begin, 3500), (begin + 4_000_000_000, 2500), (begin + 1_000_000_000, 2500)] {
            let at = SystemClock.now();
            while SystemClock.now().since(at) < Duration::from_millis(lasts) {
                let now = SystemClock.now();
                voice.play(from + (now.0 - at.0));
                assert_eq!(voice.trouble(), None);
                std::thread::sleep(Duration::from_millis(17));
            }
            spans.push((at.0, SystemClock.now().0, from));
            if from != begin {
                voice.stop();
                std::thread::sleep(Duration::from_millis(400));
            }
        }
        drop(voice);
        let code = recorder.wait();
        assert!(code == 0 || code == 3, "{code}");
        let found = clicks(&heard);
        let mut off = Vec::new();
        for (at, until, from) in spans {
            // The first second is that of a server that is woken, and of a decoder that is started on a busy machine.
            let inside = |t: i64| (at + 1_000_000_000..until - 50_000_000).contains(&t);
            let expected: Vec<i64> = played.iter().map(|click| at + (click - from)).filter(|t| inside(*t)).collect();
            assert!(expected.len() >= 2, "{expected:?}");
            for wanted in expected {
                let nearest = found.iter().min_by_key(|heard| heard.abs_diff(wanted)).expect("a click");
                off.push(nearest - wanted);
            }
        }
        let worst = off.iter().map(|off| off.abs()).max().expect("clicks");
        println!("{codec}: {} clicks, {:.1} ms off at the most: {off:?}", off.len(), worst as f64 / 1e6);
        assert!(worst <= HEARD_NS, "{codec}: {off:?}; heard {found:?}");
        drop(server.process);
    }
}

#[test]
fn without_a_sound_server_it_says_so_and_goes_on_when_there_is_one() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = clicking(dir.path(), "s", "flac", "3s");
    let known = Metadata::read(&session.join("metadata.json")).expect("metadata");
    let mut voice = Voice::of(&session, &known, Some(dir.path().join("nobody"))).expect("it has sound");
    let began = Instant::now();
    let why = loop {
        voice.play(known.clock.t0_ns);
        if let Some(why) = voice.trouble() {
            break why;
        }
        assert!(began.elapsed() < Duration::from_secs(10), "nothing is said");
        std::thread::sleep(Duration::from_millis(10));
    };
    assert!(why.contains("pulse") && why.contains("No such file"), "{why}");
    voice.stop();
    drop(voice);
    let silent = synthetic(dir.path(), "silent", &[]);
    let known = Metadata::read(&silent.join("metadata.json")).expect("metadata");
    assert!(Voice::of(&silent, &known, None).is_none());
}
