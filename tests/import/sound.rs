//! The sound in videos of other recorders: where their files have it, it is in the session, or it is named with the reason.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use watchcap::session::edition;

use super::{import, metadata, recording, rows};
use crate::support::{python, run, watchcap};

/// Puts a track of sound with a click 0.35 s behind its begin into a recording; it begins 0.2 s behind the pictures.
fn with_sound(dir: &Path, name: &str, codec: &[&str]) -> PathBuf {
    let folder = dir.join(name);
    std::fs::rename(recording(dir, "usual"), &folder).expect("a folder");
    let (plain, video) = (folder.join("plain.mp4"), folder.join("frames.mp4"));
    std::fs::rename(&video, &plain).expect("a video");
    let click = "aevalsrc=exprs='0.8*sin(2000*PI*t)*between(t,0.35,0.37)':d=0.9:s=48000:c=stereo";
    let mut command = std::process::Command::new("ffmpeg");
    command.args(["-v", "error", "-i"]).arg(&plain).args(["-itsoffset", "0.2", "-f", "lavfi", "-i", click]);
    command
        .args(["-map", "0:v", "-map", "1:a", "-c:v", "copy", "-c:a"])
        .args(codec)
        .args(["-strict", "-2"])
        .arg(&video);
    let (code, _, err) = run(command.stdin(std::process::Stdio::null()));
    assert_eq!(code, 0, "{err}");
    std::fs::remove_file(plain).expect("the old video");
    folder
}

/// When the click is, in the session that was imported, since its first frame, s.
fn click_of(session: &Path) -> (f64, Value) {
    let settings = metadata(session)["streams"]["audio"]["settings"].clone();
    let said: Value = serde_json::from_str(&python("clicks.py", &[&session.join("audio.mp4")])).expect("JSON");
    let clicks = said["clicks"].as_array().expect("clicks").clone();
    assert_eq!(clicks.len(), 1, "{said}");
    let first = rows(session).into_iter().find(|row| row.event_type == "frame").expect("a frame").t_ns;
    let begins = (settings["t0_ns"].as_i64().expect("t0_ns") - first) as f64 / 1e9;
    (begins + clicks[0].as_f64().expect("a time"), settings)
}

#[test]
fn sound_is_in_the_session_where_the_other_file_has_it() {
    let dir = tempfile::tempdir().expect("a folder");
    for (name, codec, becomes, how) in [
        ("aac", &["aac"][..], "aac", "another program"),
        ("he-like", &["aac", "-ar", "22050", "-ac", "1"], "aac", "another program"),
        ("flac", &["flac"], "flac", "decoded by ffmpeg"),
        ("opus", &["libopus"], "flac", "decoded by ffmpeg"),
        ("mp3", &["libmp3lame"], "flac", "decoded by ffmpeg"),
    ] {
        let folder = with_sound(dir.path(), name, codec);
        let told = import(&folder, &[]);
        assert_eq!(told["left_out"], json!([]), "{name}");
        let session = dir.path().join(format!("{name}_imported"));
        assert_eq!(edition::fault(&session, true, &mut |_| {}), None, "{name}");
        let (click, settings) = click_of(&session);
        assert!((click - 0.55).abs() < 0.010, "{name}: the click is at {click} s");
        assert_eq!(settings["codec"], becomes, "{name}");
        assert!(settings["encoder"].as_str().is_some_and(|said| said.contains(how)), "{name}: {settings}");
        let (code, out, err) = run(watchcap().arg("verify").arg(&session));
        assert_eq!(code, 0, "{out}{err}");
    }
}

#[test]
fn sound_that_is_not_taken_over_is_named_with_the_reason() {
    let dir = tempfile::tempdir().expect("a folder");
    // Nobody agreed to it.
    let folder = with_sound(dir.path(), "no", &["aac"]);
    let path = folder.join("metadata.json");
    let mut said: Value = serde_json::from_slice(&std::fs::read(&path).expect("metadata")).expect("JSON");
    said["consent"]["record_audio"] = json!(false);
    std::fs::write(&path, said.to_string()).expect("metadata");
    let told = import(&folder, &[]);
    assert_eq!(told["left_out"], json!(["frames.mp4: track 2 (sound, mp4a (AAC)), since nobody agreed to it"]));
    assert!(!dir.path().join("no_imported/audio.mp4").exists());
    // Nothing here decodes it.
    let folder = with_sound(dir.path(), "opus", &["libopus"]);
    let mut command = watchcap();
    command.env("WATCHCAP_FFMPEG", "/nowhere/ffmpeg").args(["migrate", "--import", "--json"]).arg(&folder);
    let (code, out, err) = run(&mut command);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("and ffmpeg, which could decode it, cannot be run"), "{out}");
    assert!(!dir.path().join("opus_imported/audio.mp4").exists());
    // What is to decode it begins, and fails.
    let fails = dir.path().join("fails");
    std::fs::write(&fails, "#!/bin/sh\ncase \"$*\" in *-version*) exit 0 ;; esac\nhead -c 100000 /dev/zero\nexit 1\n")
        .expect("a script");
    std::fs::set_permissions(&fails, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    let folder = with_sound(dir.path(), "fails-on", &["libopus"]);
    let mut command = watchcap();
    command.env("WATCHCAP_FFMPEG", &fails).args(["migrate", "--import", "--json"]).arg(&folder);
    let (code, out, err) = run(&mut command);
    assert_eq!(code, 0, "{err}");
    let session = dir.path().join("fails-on_imported");
    let reason = json!(["frames.mp4: track 2 (sound, Opus (Opus)), since ffmpeg cannot decode it"]);
    assert_eq!(metadata(&session)["import"]["left_out"], reason);
    let told: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(told["left_out"], reason);
    assert!(!session.join("audio.mp4").exists());
    assert_eq!(edition::fault(&session, true, &mut |_| {}), None);
    // A packet that no AAC has.
    let folder = with_sound(dir.path(), "large", &["aac"]);
    let video = folder.join("frames.mp4");
    let mut bytes = std::fs::read(&video).expect("the video");
    let sizes = bytes.windows(4).rposition(|kind| kind == b"stsz").expect("sizes of packets") + 4;
    // The last packet only, so that no other one is elsewhere.
    let count = u32::from_be_bytes(bytes[sizes + 8..sizes + 12].try_into().expect("a number")) as usize;
    let last = sizes + 12 + (count - 1) * 4;
    bytes[last..last + 4].copy_from_slice(&300_000_u32.to_be_bytes());
    bytes.resize(bytes.len() + 300_000, 0);
    std::fs::write(&video, bytes).expect("the video");
    import(&folder, &[]);
    let session = dir.path().join("large_imported");
    let left_out = metadata(&session)["import"]["left_out"].to_string();
    assert!(left_out.contains("of it is too large for AAC-LC"), "{left_out}");
    assert!(!session.join("audio.mp4").exists());
}

#[test]
fn sound_of_which_nobody_says_whether_it_was_agreed_to_is_exported_when_that_is_stated() {
    let dir = tempfile::tempdir().expect("a folder");
    let folder = with_sound(dir.path(), "aac", &["aac"]);
    import(&folder, &["--consent", "screen,input"]);
    let session = dir.path().join("aac_imported");
    let out = dir.path().join("out");
    let (code, _, err) = run(watchcap().args(["export", "video", "--sound", "--out"]).arg(&out).arg(&session));
    assert!(code == 2 && err.contains("--consent screen,input,audio"), "{code} {err}");
}
