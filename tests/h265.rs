//! A session of H.265 by ffmpeg goes through everything that reads a session, as one of H.264 does: checks, the player, clips and every export, each compared with
//! the session by the readers of others.

use std::path::{Path, PathBuf};

use serde_json::Value;
use watchcap::inspect::qa::run as qa;
use watchcap::inspect::qa::run::Limits;
use watchcap::media::frames::FrameReader;
use watchcap::play::opened;
use watchcap::session::layout;

use crate::control::metadata;
use crate::support::{python, run, watchcap};

fn recorded(dir: &Path) -> PathBuf {
    let mut command = watchcap();
    command.args(["record", "--source", "synthetic", "--size", "320x180", "--fps", "15", "--session", "s"]);
    command.args(["--max-dropped", "100", "--no-encoder-check", "--encoder", "ffmpeg:libx265", "--duration", "3"]);
    let (code, _, said) = run(command.arg("--out").arg(dir));
    assert_eq!(code, 0, "{said}");
    assert_eq!(metadata(&dir.join("s"))["codec"], "h265");
    dir.join("s")
}

fn export(session: &Path, format: &str, out: &Path, more: &[&str]) -> String {
    let (code, _, said) = run(watchcap().args(["export", format]).arg(session).arg("--out").arg(out).args(more));
    assert_eq!(code, 0, "{format}: {said}");
    said
}

#[test]
fn checks_and_the_player_see_its_pictures() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = recorded(dir.path());
    let report = qa::check(&session, &Limits::default(), &mut |_| {}).expect("a report");
    let named = |name: &str| report.checks.iter().find(|check| check.name == name).expect("a check");
    assert!(report.frames_decoded >= 6 && report.not_checked.is_none(), "{report:#?}");
    assert_eq!((named("undecodable").value, named("black").value), (Some(0.0), Some(0.0)), "{report:#?}");

    // The player's own pictures are those that another reader decodes.
    let mut playing = opened::open(&session).expect("a session");
    let mut video = FrameReader::open(&layout::frames_path(&session)).expect("a video");
    for frame in [0, 7, video.len() - 1, 3] {
        let wanted = video.rgb(frame).expect("a picture");
        let shown = playing.pictures.picture(frame as u64, (wanted.width, wanted.height));
        let shown = shown.unwrap_or_else(|why| panic!("frame {frame}: {why}"));
        assert!(
            (shown.width, shown.height) == (wanted.width, wanted.height) && shown.rgb == wanted.data,
            "frame {frame}"
        );
    }
    let summary = playing.timeline.summary();
    assert_eq!((summary.no_pictures, summary.frames), (None, video.len() as u64));
}

#[test]
fn clips_and_exports_have_its_pictures() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = recorded(dir.path());
    let frames = metadata(&session)["frames"].as_u64().expect("frames");
    let out = |format: &str| dir.path().join(format);

    let clips = out("clips");
    export(&session, "clip", &clips, &["--from", "0.6", "--to", "2.2"]);
    let clip = std::fs::read_dir(&clips).expect("a folder").next().expect("a clip").expect("an entry").path();
    let (code, report, said) = run(watchcap().args(["verify", "--json"]).arg(&clip));
    assert_eq!(code, 0, "{said}");
    let report: Value = serde_json::from_str(&report).expect("JSON");
    assert!(report["frames_decoded"] == report["frames"] && report["frames"].as_u64() > Some(10), "{report}");
    assert_eq!(metadata(&clip)["codec"], "h265");
    assert_eq!(metadata(&clip)["codec_string"], metadata(&session)["codec_string"]);

    export(&session, "frames-json", &out("frames"), &[]);
    let told = python("frames_json_check.py", &[&session, &out("frames").join("s.frames.json")]);
    assert!(told.starts_with(&format!("frames={frames} ")), "{told}");

    // Copied, and said what they are; or encoded anew, as every trainer reads them.
    let said = export(&session, "webdataset", &out("webdataset"), &["--clip-seconds", "1"]);
    assert!(said.contains("they are H.265") && said.contains("browsers"), "{said}");
    let told = python("webdataset_check.py", &[&session, &out("webdataset")]);
    assert!(told.contains("copied"), "{told}");
    let said = export(&session, "webdataset", &out("small"), &["--resize", "160x90"]);
    assert!(!said.contains("browsers"), "{said}");

    let said = export(&session, "mcap", &out("mcap"), &[]);
    assert!(said.contains("they are H.265"), "{said}");
    let told = python("mcap_check.py", &[&session, &out("mcap").join("s.mcap")]);
    assert!(told.contains("picture="), "{told}");
    let _told = python("foxglove_check.py", &[&session, &out("mcap").join("s.foxglove.mcap")]);

    export(&session, "lerobot", &out("lerobot"), &["--fps", "15"]);
    let _told = python("lerobot_check.py", &[&out("lerobot"), &session]);
    for format in ["video", "vpt", "computer-use", "actions"] {
        let said = export(&session, format, &out(format), &[]);
        assert!(!said.contains("browsers"), "{format}: {said}");
    }
    for copy in [out("video").join("s.mp4"), out("vpt").join("s.mp4")] {
        let pictures = python("pictures.py", &[&copy]).lines().count();
        assert!(pictures > 10, "{}: {pictures} pictures", copy.display());
    }
}

/// Where nothing decodes it, what needs pictures says why and what to do, and what needs none works.
#[test]
fn without_ffmpeg_what_needs_pictures_says_so() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = recorded(dir.path());
    let missing = |args: &[&str]| {
        let mut command = watchcap();
        run(command.env("WATCHCAP_FFMPEG", "/nonexistent/ffmpeg").args(args).arg(&session))
    };
    for format in ["video", "lerobot", "vpt"] {
        let out = dir.path().join(format);
        let (code, _, said) = missing(&["export", format, "--out", out.to_str().expect("text")]);
        assert!(code == 1 && said.contains("install ffmpeg") && !said.contains("damaged"), "{format}: {code}: {said}");
        assert!(!out.exists(), "{format}: something was left");
    }
    for format in ["actions", "frames-json", "webdataset", "mcap"] {
        let out = dir.path().join(format);
        let (code, _, said) = missing(&["export", format, "--out", out.to_str().expect("text")]);
        assert_eq!(code, 0, "{format}: {said}");
    }
    let (_, out, said) = missing(&["replay", "--check", "--json"]);
    let report: Value = serde_json::from_str(&out).expect("JSON");
    assert!(report["not_checked"].as_str().is_some_and(|why| why.contains("install ffmpeg")), "{report}");
    assert_eq!(report["frames_decoded"], 0);
    for check in report["checks"].as_array().expect("a list") {
        let name = check["name"].as_str().expect("a name");
        if ["undecodable", "black", "frozen", "idle", "duplicates"].contains(&name) {
            assert!(check["value"].is_null() && check["ok"] == true, "{check}");
        }
    }
    let (_, _, said_to_people) = missing(&["replay", "--check"]);
    assert!(
        said_to_people.contains("not checked here") && !said_to_people.contains("damaged"),
        "{said}{said_to_people}"
    );
}
