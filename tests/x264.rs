//! The x264 of `watchcap-x264`: its bits, its repeats, children that die, stall and lie, and where the program may lie. Left out, with a word, where
//! it is not built (`make x264`).

use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;
use watchcap::base::id::FrameRef;
use watchcap::base::time::MonoNs;
use watchcap::encode::x264::X264Encoder;
use watchcap::encode::{Driver, EncodeError, EncodeSettings, Gop, Masked, Quality};
use watchcap::media::picture::{FrameStamp, Planar, Sampling};

use crate::control::{controlled, metadata, verb, wait_running};
use crate::encoders::x264_program;
use crate::support::{Running, run, watchcap};

const FPS: u32 = 30;

fn settings(size: (u32, u32), bitrate_kbps: u32, gop_ns: i64) -> EncodeSettings {
    EncodeSettings {
        width: size.0,
        height: size.1,
        fps: FPS,
        bitrate_kbps,
        gop_ns,
        quality: Quality::Fast,
        sampling: Sampling::Yuv420,
    }
}

/// Texture that moves and changes: hard to predict.
fn moving((width, height): (u32, u32), n: u32) -> Planar {
    let mut picture = Planar::yuv420(width, height);
    let mut state = n / 7 + 1;
    for (at, sample) in picture.planes_mut().0.iter_mut().enumerate() {
        let (column, row) = (at as u32 % width + 5 * n, at as u32 / width + 2 * n);
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let texture = ((column / 2 * 31) ^ (row / 2 * 17)) % 90;
        *sample = (60 + texture + (state >> 28)) as u8;
    }
    picture
}

fn stamp(frame: u64) -> FrameStamp {
    FrameStamp { frame_ref: FrameRef(frame), t: MonoNs(frame as i64 * 1_000_000_000 / i64::from(FPS)) }
}

/// Encodes what `shown` says (a number like the one before is a repeat), and returns the bytes of each unit.
fn sizes(program: PathBuf, settings: &EncodeSettings, shown: &[u32]) -> Vec<usize> {
    let opened = X264Encoder::open(program.into(), settings).expect("it opens");
    let mut driver = Driver::new(Box::new(opened));
    let mut gop = Gop::new(settings.gop_ns, FPS);
    let (mut sizes, mut last) = (Vec::new(), None);
    for (frame, n) in shown.iter().enumerate() {
        let ask = gop.ask(stamp(frame as u64));
        let picture = Masked::not_captured(moving((settings.width, settings.height), *n));
        if last == Some(*n) { driver.repeat(&picture, ask) } else { driver.encode(&picture, ask) }.expect("it encodes");
        last = Some(*n);
        while let Some(unit) = driver.next_unit() {
            sizes.push(unit.bytes.len());
        }
    }
    driver.finish().expect("it ends");
    assert_eq!(sizes.len(), shown.len());
    sizes
}

fn kbps(sizes: &[usize]) -> f64 {
    sizes.iter().sum::<usize>() as f64 * 8.0 * f64::from(FPS) / sizes.len() as f64 / 1000.0
}

#[test]
fn the_bit_rate_is_held_whatever_the_groups_are() {
    let Some(program) = x264_program() else { return };
    let shown: Vec<u32> = (0..240).collect();
    for (rate, gop_ns) in [(1500, 500_000_000), (4000, 500_000_000), (4000, 60_000_000_000)] {
        let sizes = sizes(program.clone(), &settings((640, 360), rate, gop_ns), &shown);
        let held = kbps(&sizes[30..]) / f64::from(rate);
        assert!((0.85..1.1).contains(&held), "{rate} kbit/s, an IDR each {gop_ns} ns: {held:.3}");
        let second = sizes[30..].windows(30).map(kbps).fold(0.0, f64::max) / f64::from(rate);
        assert!(second < 1.5, "{rate} kbit/s: a second has {second:.2} times its bits");
    }
}

#[test]
fn a_screen_that_stands_costs_next_to_nothing() {
    let Some(program) = x264_program() else { return };
    let shown: Vec<u32> = [0, 1, 2].into_iter().chain([3; 150]).collect();
    let sizes = sizes(program, &settings((640, 360), 2000, 500_000_000), &shown);
    let copies = sizes[60..].iter().filter(|size| **size < 200).count();
    assert!(copies >= 40, "{copies} of 93 pictures are copies: {:?}", &sizes[60..]);
    let held = kbps(&sizes[60..]) / 2000.0;
    assert!(held < 1.05, "what is sent again takes {held:.2} of the bit rate: {sizes:?}");
}

/// A program in the place of watchcap-x264 that runs it with these words before and behind, in `sh`.
fn stand_in(dir: &Path, name: &str, script: &str) -> OsString {
    let path = dir.join(name);
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a script");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    path.into_os_string()
}

#[test]
fn what_is_no_such_program_is_refused_with_what_it_said() {
    let dir = tempfile::tempdir().expect("a folder");
    let open =
        |program: OsString| X264Encoder::open(program, &settings((64, 64), 200, 500_000_000)).err().expect("refused");
    for (program, said) in [
        (OsString::from("/nonexistent/watchcap-x264"), "No such file"),
        (stand_in(dir.path(), "silent", "exit 0"), "it ended"),
        (stand_in(dir.path(), "speaks", "echo cannot open the library >&2; exit 1"), "cannot open the library"),
        (stand_in(dir.path(), "other", "printf 'WX264\\0\\002\\000aaaa\\0\\0\\0\\0'"), "it ended"),
        (stand_in(dir.path(), "long", "printf 'WX264\\0\\001\\000aaaa\\377\\377\\377\\377'"), "it ended"),
        (
            stand_in(dir.path(), "empty", "printf 'WX264\\0\\001\\000aaaa\\0\\0\\0\\0'; sleep 1"),
            "of a kind that is not read",
        ),
    ] {
        let error = open(program);
        assert!(matches!(error, EncodeError::Absent { encoder: "x264", .. }), "{error}");
        assert!(error.to_string().contains(said), "{error}");
        assert!(error.hint().is_some_and(|hint| hint.contains("make x264")), "{error}");
    }
    let (code, _, err) = run(watchcap().args(["record", "--source", "synthetic", "--encoder", "x264"]));
    assert!(code == 1 && err.contains("watchcap-x264 is not beside this program"), "{code}: {err}");
}

/// Processes whose program is this one and whose parent is `parent`.
fn children(parent: u32, program: &Path) -> Vec<u32> {
    let pids =
        std::fs::read_dir("/proc").expect("/proc").filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter(|pid| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let of = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(1)?.parse::<u32>().ok());
        of == Some(parent) && std::fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe == program)
    })
    .collect()
}

#[test]
fn a_recording_outlives_its_child_and_loses_no_frame_to_it() {
    let Some(program) = x264_program() else { return };
    let dir = tempfile::tempdir().expect("a folder");
    let mut command = controlled(dir.path());
    command.args([
        "record",
        "--source",
        "synthetic",
        "--size",
        "320x240",
        "--encoder",
        "x264",
        "--session",
        "s",
        "--out",
    ]);
    command.arg(dir.path()).env("WATCHCAP_X264", &program).stdout(std::process::Stdio::null());
    command.stderr(std::fs::File::create(dir.path().join("stderr.txt")).expect("a file"));
    let recorder = Running(command.spawn().expect("the program"));
    wait_running(dir.path(), 1);
    let child = |before: Option<u32>| {
        let began = Instant::now();
        loop {
            if let Some(pid) = children(recorder.0.id(), &program).into_iter().find(|pid| Some(*pid) != before) {
                return pid;
            }
            assert!(began.elapsed() < Duration::from_secs(10), "there is no child");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    let first = child(None);
    let kill = |pid: u32| std::process::Command::new("kill").args(["-9", &pid.to_string()]).status().expect("kill");
    assert!(kill(first).success());
    let second = child(Some(first));
    std::thread::sleep(Duration::from_millis(500));
    verb(dir.path(), &["stop"], 0);
    let (code, session) = (recorder.wait(), dir.path().join("s"));
    let said = std::fs::read_to_string(dir.path().join("stderr.txt")).unwrap_or_default();
    assert!(code == 0 || code == 3, "{code}: {said}");
    assert!(!Path::new(&format!("/proc/{second}")).exists(), "the child is still there");
    let (code, out, err) = run(watchcap().args(["verify", "--json"]).arg(&session));
    assert_eq!(code, 0, "{err}");
    let report: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(report["frames_decoded"], report["frames"]);
    let metadata = metadata(&session);
    assert!(
        metadata["encoder"]["name"].as_str().is_some_and(|name| name.starts_with("x264 ")),
        "{}",
        metadata["encoder"]
    );
    let lost = metadata["lost"].as_array().expect("a list");
    assert!(lost.iter().all(|loss| loss["reason"] == "late" || loss["reason"] == "encoder_busy"), "{lost:?}");
}

#[test]
fn auto_takes_the_one_beside_the_program_and_says_so_and_not_one_that_others_can_write() {
    let Some(built) = x264_program() else { return };
    let dir = tempfile::tempdir().expect("a folder");
    let (program, beside) = (dir.path().join("watchcap"), dir.path().join("watchcap-x264"));
    std::fs::copy(env!("CARGO_BIN_EXE_watchcap"), &program).expect("a copy");
    std::fs::copy(&built, &beside).expect("a copy");
    let record = |name: &str| {
        let mut command = std::process::Command::new(&program);
        command.args(["record", "--source", "synthetic", "--size", "96x64", "--duration", "500ms", "--session", name]);
        command.arg("--out").arg(dir.path()).env("XDG_CONFIG_HOME", "/nonexistent").env_remove("WATCHCAP_X264");
        let (code, _, err) = run(&mut command);
        assert!(code == 0 || code == 3, "{err}");
        let name = metadata(&dir.path().join(name))["encoder"]["name"].as_str().expect("a name").to_owned();
        (name, err)
    };
    let (name, err) = record("taken");
    assert!(name.starts_with("x264 ") && err.contains("encoder: x264 "), "{name}: {err}");
    std::fs::set_permissions(&beside, std::fs::Permissions::from_mode(0o777)).expect("a mode");
    let (name, err) = record("refused");
    assert!(name.starts_with("openh264 ") && !err.contains("encoder: "), "{name}: {err}");
}
