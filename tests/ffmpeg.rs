//! Recording with ffmpeg as a child: the whole road of H.265, a child that dies, one that is not there, and hardware that is played by a script.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use watchcap::media::frames::FrameReader;
use watchcap::media::track::CodecConfig;
use watchcap::session::layout;

use crate::support::{run, watchcap};

const SIZE: &str = "320x180";

pub(crate) fn record(out: &Path, encoder: &str, seconds: &str) -> Command {
    let mut command = watchcap();
    command.args([
        "record",
        "--source",
        "synthetic",
        "--size",
        SIZE,
        "--fps",
        "15",
        "--session",
        "s",
        "--max-dropped",
        "100",
    ]);
    // The machine of the tests is busy.
    command.args(["--no-encoder-check", "--encoder", encoder, "--duration", seconds, "--out"]).arg(out);
    command
}

fn metadata(session: &Path) -> Value {
    serde_json::from_slice(&fs::read(layout::metadata_path(session)).expect("metadata")).expect("JSON")
}

/// A program that does something before it becomes ffmpeg, or in its place.
pub(crate) fn script(dir: &Path, text: &str) -> PathBuf {
    let path = dir.join("ffmpeg.sh");
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("a script");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("executable");
    path
}

/// What another reader finds: codec, and the time of each frame that decodes, microseconds.
fn by_pyav(session: &Path) -> (String, Vec<i64>) {
    const READ: &str = "import av,json,sys\n\
        c=av.open(sys.argv[1]); s=c.streams.video[0]\n\
        print(json.dumps([s.codec_context.codec.canonical_name, [f.pts for f in c.decode(s)]]))";
    let out =
        crate::support::venv_python().args(["-c", READ]).arg(layout::frames_path(session)).output().expect("python");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    serde_json::from_slice(&out.stdout).expect("JSON")
}

pub(crate) fn assert_whole(session: &Path, codec: &str) -> u64 {
    let (code, out, said) = run(watchcap().args(["verify", "--json"]).arg(session));
    assert_eq!(code, 0, "{said}");
    let report: Value = serde_json::from_str(&out).expect("JSON");
    let frames = report["frames"].as_u64().expect("a number");
    assert!(frames > 5 && report["frames_decoded"] == report["frames"], "{report}");
    let metadata = metadata(session);
    assert_eq!((&metadata["codec"], &metadata["frames"]), (&codec.into(), &frames.into()));
    let (name, times) = by_pyav(session);
    assert_eq!((name.as_str(), times.len() as u64), (if codec == "h265" { "hevc" } else { codec }, frames));
    let video = FrameReader::open(&layout::frames_path(session)).expect("a video");
    let expected: Vec<i64> = video.index().samples.iter().map(|sample| sample.pts_us).collect();
    assert_eq!(times, expected);
    frames
}

#[test]
fn h265_is_recorded_verified_redacted_and_read_by_others() {
    let dir = tempfile::tempdir().expect("a folder");
    let (code, _, said) = run(&mut record(dir.path(), "ffmpeg:libx265", "2"));
    assert_eq!(code, 0, "{said}");
    let session = dir.path().join("s");
    assert_whole(&session, "h265");
    let found = metadata(&session);
    assert!(found["codec_string"].as_str().is_some_and(|codec| codec.starts_with("hvc1.1.")), "{found}");
    assert!(found["encoder"]["name"].as_str().is_some_and(|name| name.starts_with("ffmpeg:libx265 ")), "{found}");

    // Another edition, whose encoder is chosen by the session's codec.
    let redacted = dir.path().join("s_redacted");
    let redact = |mut command: Command| {
        run(command.args(["redact", "--mask", "0,0,64,64", "--from", "0", "--to", "1"]).arg(&session))
    };
    let (code, _, said) = redact(watchcap());
    assert_eq!(code, 0, "{said}");
    assert_whole(&redacted, "h265");
    let mut video = FrameReader::open(&layout::frames_path(&redacted)).expect("a video");
    let picture = video.decode(3).expect("a picture");
    assert!(picture.planes().0[..60].iter().all(|sample| *sample < 24), "it is not masked");

    // Without ffmpeg nothing is said against it.
    let missing = || {
        let mut command = watchcap();
        command.env("WATCHCAP_FFMPEG", "/nonexistent/ffmpeg");
        command
    };
    let (code, out, said) = run(missing().args(["verify", "--json"]).arg(&session));
    assert_eq!(code, 0, "{said}");
    let report: Value = serde_json::from_str(&out).expect("JSON");
    assert!(report["frames_decoded"] == 0 && report["not_checked"].as_str().is_some(), "{report}");
    assert!(
        said.contains("not checked here") && said.contains("install ffmpeg") && !said.contains("damaged"),
        "{said}"
    );
    // One that cannot do it is as good as none.
    let old = script(dir.path(), "echo \"Unrecognized option 'fps_mode'\" >&2; exit 1");
    let (code, _, said) = run(watchcap().env("WATCHCAP_FFMPEG", &old).arg("verify").arg(&session));
    assert!(code == 0 && said.contains("not checked here") && said.contains("fps_mode"), "{code}: {said}");
    fs::remove_dir_all(&redacted).expect("removed");
    let (code, _, said) = redact(missing());
    assert!(code == 1 && said.contains("ffmpeg"), "{code}: {said}");
}

#[test]
fn a_recording_of_h265_that_was_killed_is_sealed() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut child = record(dir.path(), "ffmpeg:libx265", "60").spawn().expect("it starts");
    let session = dir.path().join("s");
    let video = session.join("log/frames.mp4");
    let until = Instant::now() + Duration::from_mins(1);
    while fs::metadata(&video).map_or(0, |found| found.len()) < 60_000 {
        assert!(Instant::now() < until, "nothing is recorded");
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().expect("killed");
    child.wait().expect("it ends");
    let (code, _, said) = run(watchcap().arg("finalize").arg(&session));
    assert_eq!(code, 3, "{said}");
    assert_whole(&session, "h265");
}

#[test]
fn a_child_that_dies_is_replaced_and_no_frame_is_missing() {
    let dir = tempfile::tempdir().expect("a folder");
    // The first two live for two seconds.
    let dies = "case \"$*\" in *-version*) exec ffmpeg \"$@\";; esac\n\
        n=$(cat \"$0.n\" 2>/dev/null || echo 0); echo $((n + 1)) > \"$0.n\"\n\
        if [ $n -le 1 ]; then exec timeout -s KILL 2 ffmpeg \"$@\"; fi\nexec ffmpeg \"$@\"";
    let ffmpeg = script(dir.path(), dies);
    let mut command = record(dir.path(), "ffmpeg:libx264", "5");
    command.env("WATCHCAP_FFMPEG", &ffmpeg).args(["-v", "--unchanged", "repeat"]);
    let (code, _, said) = run(&mut command);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("another one is started"), "{said}");
    let frames = assert_whole(&dir.path().join("s"), "h264");
    assert!(frames > 20, "{frames}: {said}");
}

/// The command line of hardware that is not here, with software in its place.
#[test]
fn hardware_is_told_to_answer_at_once() {
    for (encoder, software, wants) in [
        ("ffmpeg:hevc_nvenc", "libx265", &["-tune ull", "-forced-idr 1", "-bf 0", "-delay 0"][..]),
        (
            "ffmpeg:h264_vaapi",
            "libx264",
            &["-vaapi_device /dev/dri/renderD128", "format=nv12,hwupload", "-async_depth 1"],
        ),
        ("ffmpeg:av1_nvenc", "libaom-av1", &["-tune ull", "-forced-idr 1", "-bf 0", "-delay 0"]),
        ("ffmpeg:av1_qsv", "libaom-av1", &["-forced_idr 1", "-bf 0", "-async_depth 1"]),
    ] {
        let dir = tempfile::tempdir().expect("a folder");
        let own = if software == "libaom-av1" {
            "-usage realtime -cpu-used 8 -lag-in-frames 0 -g 1000000"
        } else if software == "libx265" {
            "-preset ultrafast -tune zerolatency -forced-idr 1 -x265-params keyint=-1:scenecut=0:bframes=0:rc-lookahead=0:open-gop=0:frame-threads=1:info=0:log-level=error"
        } else {
            "-preset ultrafast -tune zerolatency -forced-idr 1 -x264-params keyint=infinite:scenecut=0"
        };
        let played = format!(
            "case \"$*\" in *-c:v*) ;; *) exec ffmpeg \"$@\";; esac\necho \"$*\" > \"$0.args\"\n\
             exec ffmpeg -loglevel error -probesize 32 -analyzeduration 0 -fpsprobesize 0 -f matroska -i pipe:0 -fps_mode passthrough \
             -enc_time_base 1:1000000 -force_key_frames 'expr:mod(round(t*1000000),2)' -c:v {software} \
             {own} -flush_packets 1 -f nut pipe:1"
        );
        let ffmpeg = script(dir.path(), &played);
        let mut command = record(dir.path(), encoder, "2");
        let (code, _, said) = run(command.env("WATCHCAP_FFMPEG", &ffmpeg));
        assert_eq!(code, 0, "{encoder}: {said}");
        let codec = match software {
            "libx265" => "h265",
            "libx264" => "h264",
            _ => "av1",
        };
        assert_whole(&dir.path().join("s"), codec);
        let args = fs::read_to_string(dir.path().join("ffmpeg.sh.args")).expect("the arguments");
        for part in wants {
            assert!(args.contains(part), "{encoder}: {part}: {args}");
        }
        let name = encoder.trim_start_matches("ffmpeg:");
        assert!(args.contains(&format!("-c:v {name} ")) && args.contains("-f nut"), "{args}");
    }
}

#[test]
fn what_this_machine_cannot_hold_is_refused_before_anything_is_made() {
    let dir = tempfile::tempdir().expect("a folder");
    let heavy = |more: &[&str]| {
        let mut command = watchcap();
        command.args(["record", "--source", "synthetic", "--size", "1280x720", "--fps", "120", "--session", "s"]);
        command.args(["--encoder", "ffmpeg:libx265", "--quality", "sharp", "--duration", "1"]).args(more);
        run(command.arg("--out").arg(dir.path()))
    };
    let (code, _, said) = heavy(&[]);
    assert!(
        code == 1 && said.contains("of 120 frames a second of 1280x720") && said.contains("hint: use --fps"),
        "{said}"
    );
    assert_eq!(fs::read_dir(dir.path()).expect("a folder").count(), 0, "something was made");
    let (_, _, said) = heavy(&["--encoder-fallback", "openh264", "--max-dropped", "100"]);
    assert!(said.contains("openh264 2") && said.contains("takes its place"), "{said}");
    assert_eq!(metadata(&dir.path().join("s"))["codec"], "h264");
    let mut command = record(dir.path(), "ffmpeg:hevc_nvenc", "1");
    let (code, _, said) = run(command.env("WATCHCAP_FFMPEG", "/nonexistent/ffmpeg"));
    assert!(code == 1 && said.contains("ffmpeg:hevc_nvenc cannot be used here") && said.contains("doctor"), "{said}");
    let mut command = record(dir.path(), "ffmpeg:libx264", "1");
    let (code, _, said) = run(command.args(["--codec", "h265"]));
    assert!(code == 2 && said.contains("makes H.264, not H.265"), "{said}");
}

/// What was sealed says the codec again: the sample entry is `hvc1`, and its record the parameter sets of the stream.
#[test]
fn a_foreign_reader_finds_the_parameter_sets() {
    let dir = tempfile::tempdir().expect("a folder");
    let (code, _, said) = run(&mut record(dir.path(), "ffmpeg:libx265", "1"));
    assert_eq!(code, 0, "{said}");
    let path = layout::frames_path(&dir.path().join("s"));
    let probe = Command::new("ffprobe")
        .args("-v error -show_entries stream=codec_tag_string,profile,pix_fmt,color_space,color_range,has_b_frames -of json".split(' '))
        .arg(&path)
        .output()
        .expect("ffprobe is missing: run scripts/setup.sh test");
    let found: Value = serde_json::from_slice(&probe.stdout).expect("JSON");
    let stream = &found["streams"][0];
    assert_eq!(stream["codec_tag_string"], "hvc1");
    assert_eq!((&stream["profile"], &stream["pix_fmt"]), (&"Main".into(), &"yuv420p".into()));
    assert_eq!((&stream["color_space"], &stream["color_range"]), (&"bt709".into(), &"tv".into()));
    assert_eq!(stream["has_b_frames"], 0);
    let video = FrameReader::open(&path).expect("a video");
    assert!(matches!(video.index().config, CodecConfig::Hevc(_)));
}
