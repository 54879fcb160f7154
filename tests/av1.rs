//! A session of AV1 by ffmpeg goes through everything that makes or reads a session: recorded, killed and sealed, cut off in its log, verified, redacted, clipped and
//! exported, each compared by the readers of others.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use watchcap::inspect::qa::run as qa;
use watchcap::inspect::qa::run::Limits;
use watchcap::media::av1::obu;
use watchcap::media::frames::FrameReader;
use watchcap::media::track::CodecConfig;
use watchcap::play::opened;
use watchcap::session::layout;

use crate::control::metadata;
use crate::ffmpeg::{assert_whole, record, script};
use crate::support::{python, run, watchcap};

const ENCODER: &str = "ffmpeg:libaom-av1";

fn recorded(dir: &Path, seconds: &str) -> PathBuf {
    let (code, _, said) = run(&mut record(dir, ENCODER, seconds));
    assert_eq!(code, 0, "{said}");
    dir.join("s")
}

fn without_ffmpeg() -> Command {
    let mut command = watchcap();
    command.env("WATCHCAP_FFMPEG", "/nonexistent/ffmpeg");
    command
}

fn ffprobe(args: &str, path: &Path) -> Value {
    let probe = Command::new("ffprobe").args(args.split(' ')).args(["-of", "json"]).arg(path).output();
    let probe = probe.expect("ffprobe is missing: run scripts/setup.sh test");
    assert!(probe.stderr.is_empty(), "{}", String::from_utf8_lossy(&probe.stderr));
    serde_json::from_slice(&probe.stdout).expect("JSON")
}

#[test]
fn it_is_recorded_verified_and_redacted() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = recorded(dir.path(), "2");
    assert_whole(&session, "av1");
    let found = metadata(&session);
    assert!(found["codec_string"].as_str().is_some_and(|codec| codec.starts_with("av01.0.")), "{found}");
    assert!(found["encoder"]["name"].as_str().is_some_and(|name| name.starts_with("ffmpeg:libaom-av1 ")), "{found}");

    let redacted = dir.path().join("s_redacted");
    let redact = |mut command: Command| {
        run(command.args(["redact", "--mask", "0,0,64,64", "--from", "0", "--to", "1"]).arg(&session))
    };
    let (code, _, said) = redact(watchcap());
    assert_eq!(code, 0, "{said}");
    assert_whole(&redacted, "av1");
    let mut video = FrameReader::open(&layout::frames_path(&redacted)).expect("a video");
    let picture = video.decode(3).expect("a picture");
    assert!(picture.planes().0[..60].iter().all(|sample| *sample < 24), "it is not masked");

    // Without a decoder nothing is said against it, and nothing is made of it.
    let (code, out, said) = run(without_ffmpeg().args(["verify", "--json"]).arg(&session));
    assert_eq!(code, 0, "{said}");
    let report: Value = serde_json::from_str(&out).expect("JSON");
    assert!(report["frames_decoded"] == 0 && report["not_checked"].as_str().is_some(), "{report}");
    assert!(said.contains("AV1 is decoded by ffmpeg") && !said.contains("damaged"), "{said}");
    let old = script(dir.path(), "echo \"Unrecognized option 'fps_mode'\" >&2; exit 1");
    let (code, _, said) = run(watchcap().env("WATCHCAP_FFMPEG", &old).arg("verify").arg(&session));
    assert!(code == 0 && said.contains("not checked here") && said.contains("fps_mode"), "{code}: {said}");
    fs::remove_dir_all(&redacted).expect("removed");
    let (code, _, said) = redact(without_ffmpeg());
    assert!(code == 1 && said.contains("ffmpeg"), "{code}: {said}");
}

/// What was sealed says the codec as the binding of AV1 to MP4 has it: `av01`, `av1C`, samples without temporal delimiters, and the sequence header
/// before each key frame and nowhere else.
#[test]
fn a_foreign_reader_finds_what_the_binding_asks_for() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = recorded(dir.path(), "2");
    let path = layout::frames_path(&session);
    let shown = "-v error -show_entries stream=codec_name,codec_tag_string,profile,pix_fmt,color_space,color_range,width,height";
    let found = ffprobe(shown, &path);
    let stream = &found["streams"][0];
    assert_eq!((&stream["codec_name"], &stream["codec_tag_string"]), (&"av1".into(), &"av01".into()));
    assert_eq!((&stream["profile"], &stream["pix_fmt"]), (&"Main".into(), &"yuv420p".into()));
    assert_eq!((&stream["color_space"], &stream["color_range"]), (&"bt709".into(), &"tv".into()));
    assert_eq!((&stream["width"], &stream["height"]), (&320.into(), &180.into()));
    let packets = ffprobe("-v error -show_entries packet=flags", &path);
    let keys: Vec<bool> = packets["packets"].as_array().expect("packets").iter().map(|p| p["flags"] == "K_").collect();

    let mut video = FrameReader::open(&path).expect("a video");
    let CodecConfig::Av1(config) = video.index().config.clone() else { panic!("it is no AV1") };
    assert_eq!(keys.len(), video.len());
    for (frame, key) in keys.into_iter().enumerate() {
        assert_eq!(video.is_keyframe(frame), Some(key), "frame {frame}");
        assert_eq!(video.stamp(frame).expect("a unit").map(|stamp| stamp.frame_ref.0), Some(frame as u64));
        let unit = video.access_unit(frame).expect("a unit").to_vec();
        let kinds: Vec<u8> = obu::obus(&unit).map(|obu| obu.expect("a unit").kind).collect();
        let expected = [obu::SEQUENCE_HEADER, obu::METADATA, obu::FRAME];
        assert_eq!(kinds, expected[usize::from(!key)..], "frame {frame}");
        assert!(!key || unit.starts_with(&config.sequence), "frame {frame}");
    }
}

#[test]
fn a_recording_that_was_killed_is_sealed_and_one_that_was_cut_off_keeps_every_whole_picture() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut child = record(dir.path(), ENCODER, "60").spawn().expect("it starts");
    let session = dir.path().join("s");
    let video = session.join("log/frames.mp4");
    let until = Instant::now() + Duration::from_mins(1);
    while fs::metadata(&video).map_or(0, |found| found.len()) < 60_000 {
        assert!(Instant::now() < until, "nothing is recorded");
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().expect("killed");
    child.wait().expect("it ends");
    let copies = ["whole", "no_database", "cut"].map(|name| {
        let copy = dir.path().join(name);
        let copied = Command::new("cp").arg("-a").args([&session, &copy]).status().expect("cp");
        assert!(copied.success());
        copy
    });
    // Without the database the pictures are found in their own bytes; of a file that ends inside of a picture, all before that one.
    fs::remove_dir_all(copies[1].join("log/events")).expect("removed");
    fs::remove_dir_all(copies[2].join("log/events")).expect("removed");
    let cut = fs::OpenOptions::new().write(true).open(copies[2].join("log/frames.mp4")).expect("a video");
    cut.set_len(cut.metadata().expect("metadata").len() * 2 / 3).expect("cut");
    let frames = copies.map(|session| {
        let (code, _, said) = run(watchcap().arg("finalize").arg(&session));
        assert_eq!(code, 3, "{}: {said}", session.display());
        assert_whole(&session, "av1")
    });
    let [whole, no_database, cut] = frames;
    assert!(no_database + 2 >= whole && cut > whole / 3 && cut < whole, "{frames:?}");
}

#[test]
fn checks_and_the_player_see_its_pictures() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = recorded(dir.path(), "3");
    let report = qa::check(&session, &Limits::default(), &mut |_| {}).expect("a report");
    let named = |name: &str| report.checks.iter().find(|check| check.name == name).expect("a check");
    assert!(report.frames_decoded >= 6 && report.not_checked.is_none(), "{report:#?}");
    assert_eq!((named("undecodable").value, named("black").value), (Some(0.0), Some(0.0)), "{report:#?}");

    let mut playing = opened::open(&session).expect("a session");
    let mut video = FrameReader::open(&layout::frames_path(&session)).expect("a video");
    for frame in [0, 7, video.len() - 1, 3] {
        let wanted = video.rgb(frame).expect("a picture");
        let shown = playing.pictures.picture(frame as u64, (wanted.width, wanted.height));
        let shown = shown.unwrap_or_else(|why| panic!("frame {frame}: {why}"));
        assert!((shown.width, shown.height) == (wanted.width, wanted.height), "frame {frame}");
        assert!(shown.rgb == wanted.data, "frame {frame}");
    }
    let summary = playing.timeline.summary();
    assert_eq!((summary.no_pictures, summary.frames), (None, video.len() as u64));
}

#[test]
fn clips_and_exports_have_its_pictures() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = recorded(dir.path(), "3");
    let frames = metadata(&session)["frames"].as_u64().expect("frames");
    let out = |format: &str| dir.path().join(format);
    let export = |format: &str, out: &Path, more: &[&str]| {
        let (code, _, said) = run(watchcap().args(["export", format]).arg(&session).arg("--out").arg(out).args(more));
        assert_eq!(code, 0, "{format}: {said}");
        said
    };

    let clips = out("clips");
    export("clip", &clips, &["--from", "0.6", "--to", "2.2"]);
    let clip = fs::read_dir(&clips).expect("a folder").next().expect("a clip").expect("an entry").path();
    assert_whole(&clip, "av1");
    assert_eq!(metadata(&clip)["codec_string"], metadata(&session)["codec_string"]);

    export("frames-json", &out("frames"), &[]);
    let told = python("frames_json_check.py", &[&session, &out("frames").join("s.frames.json")]);
    assert!(told.starts_with(&format!("frames={frames} ")), "{told}");

    let said = export("webdataset", &out("webdataset"), &["--clip-seconds", "1"]);
    assert!(said.contains("they are AV1") && said.contains("browsers"), "{said}");
    let told = python("webdataset_check.py", &[&session, &out("webdataset")]);
    assert!(told.contains("copied"), "{told}");
    let said = export("mcap", &out("mcap"), &[]);
    assert!(said.contains("they are AV1"), "{said}");
    let told = python("mcap_check.py", &[&session, &out("mcap").join("s.mcap")]);
    assert!(told.contains("picture="), "{told}");
    let _told = python("foxglove_check.py", &[&session, &out("mcap").join("s.foxglove.mcap")]);

    export("lerobot", &out("lerobot"), &["--fps", "15"]);
    let _told = python("lerobot_check.py", &[&out("lerobot"), &session]);
    for format in ["video", "vpt", "computer-use", "actions"] {
        let said = export(format, &out(format), &[]);
        assert!(!said.contains("they are AV1"), "{format}: {said}");
    }
    for copy in [out("video").join("s.mp4"), out("vpt").join("s.mp4")] {
        let pictures = python("pictures.py", &[&copy]).lines().count();
        assert!(pictures > 10, "{}: {pictures} pictures", copy.display());
    }
    // Where nothing decodes it, what needs pictures says why, and what needs none works.
    for (format, wanted) in [("video", 1), ("lerobot", 1), ("actions", 0), ("webdataset", 0), ("mcap", 0)] {
        let out = out(&format!("without_{format}"));
        let (code, _, said) = run(without_ffmpeg().args(["export", format]).arg(&session).arg("--out").arg(&out));
        assert_eq!(code, wanted, "{format}: {said}");
        assert!(code == 0 || (said.contains("install ffmpeg") && !said.contains("damaged")), "{format}: {said}");
    }
}

#[test]
fn what_it_does_not_have_is_refused_before_anything_is_made() {
    let dir = tempfile::tempdir().expect("a folder");
    let refused = |args: &[&str], code: i32, what: &str| {
        let mut command = watchcap();
        command.args(["record", "--source", "synthetic", "--size", "320x180", "--duration", "1", "--out"]);
        let (found, _, said) = run(command.arg(dir.path()).args(args));
        assert!(found == code && said.contains(what), "{args:?}: {found}: {said}");
    };
    refused(&["--codec", "av1", "--chroma", "444"], 1, "no encoder of this build makes AV1 of 4:4:4");
    refused(&["--codec", "av1", "--lossless"], 1, "no encoder of this build makes AV1 of lossless RGB");
    refused(&["--codec", "av1", "--encoder", "openh264"], 2, "makes H.264, not AV1");
    refused(&["--encoder", ENCODER, "--lossless"], 2, "makes 4:2:0, not lossless RGB");
    assert_eq!(fs::read_dir(dir.path()).expect("a folder").count(), 0, "something was made");
}
