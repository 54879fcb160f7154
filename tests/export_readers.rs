//! Exports as the readers that they are for open them: names that loaders split, players of MCAP, readers of videos.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::{Display, python, run, synthetic, venv_python, watchcap};

fn exported(format: &str, session: &Path, out: &Path, extra: &[&str]) -> String {
    let (code, _, err) = run(watchcap().args(["export", format]).arg(session).arg("--out").arg(out).args(extra));
    assert_eq!(code, 0, "export {format} {extra:?}: {err}");
    err
}

#[test]
fn names_that_are_made_have_no_dots_and_vpt_replaces_those_of_users() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = synthetic(dir.path(), "s", &[]);
    let made = dir.path().join("made");
    exported("clip", &session, &made, &["--from", "0.2", "--to", "0.7"]);
    let old = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/session-1.0.0");
    crate::support::copy_tree(&old, &made.join("old"));
    let (code, _, err) = run(watchcap().arg("migrate").arg(made.join("old")));
    assert_eq!(code, 0, "{err}");
    let names = || {
        let entries = std::fs::read_dir(&made).expect("a folder").map(|entry| entry.expect("an entry").file_name());
        entries.map(|name| name.to_string_lossy().into_owned()).collect::<Vec<_>>()
    };
    assert!(names().len() == 3 && names().iter().all(|name| !name.contains('.')), "{:?}", names());

    let both = [synthetic(dir.path(), "a.b", &[]), synthetic(dir.path(), "a_b", &[])];
    let out = dir.path().join("vpt");
    let (code, told, err) = run(watchcap().args(["export", "vpt"]).args(&both).arg("--out").arg(&out));
    assert!(code == 0 && err.contains("note: a.b: its files are named a_b_"), "{code} {err}");
    // As the loader finds pairs: what stands before the first dot of a video's name.
    let stems: std::collections::BTreeSet<_> = told
        .lines()
        .filter(|line| Path::new(line).extension().is_some_and(|extension| extension == "mp4"))
        .filter_map(|line| Path::new(line).file_name()?.to_str()?.split('.').next().map(str::to_owned))
        .collect();
    assert_eq!(stems.len(), 2, "{told}");
    for stem in stems {
        assert!(out.join(format!("{stem}.mp4")).is_file() && out.join(format!("{stem}.jsonl")).is_file(), "{stem}");
    }
}

#[test]
fn a_screen_that_stands_still_is_no_pause_for_owa() {
    let dir = tempfile::tempdir().expect("a folder");
    let display = Display::start(320, 240);
    let (code, _, err) = run(watchcap()
        .env("DISPLAY", &display.name)
        .args(["record", "--consent", "screen,input", "--unchanged", "skip", "--duration", "4s", "--session", "s"])
        .arg("--out")
        .arg(dir.path()));
    assert!(code == 0 || code == 3, "{err}");
    let (session, out) = (dir.path().join("s"), dir.path().join("out"));
    exported("mcap", &session, &out, &["--mcap-for", "owa"]);
    assert!(!out.join("s.foxglove.mcap").exists());
    let told = python("mcap_check.py", &[&session, &out.join("s.mcap")]);
    let again =
        told.split_whitespace().find_map(|part| part.strip_prefix("again=")).and_then(|n| n.parse::<u32>().ok());
    assert!(again.is_some_and(|again| again >= 6), "{told}");
}

#[test]
fn foxglove_gets_no_picture_that_builds_on_one_that_was_left_out() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = synthetic(dir.path(), "s", &["--gop", "0.3"]);
    let out = dir.path().join("out");
    exported("mcap", &session, &out, &["--mcap-for", "foxglove", "--from", "f5", "--to", "f40"]);
    assert!(!out.join("s.mcap").exists() && !out.join("s.mp4").exists());
    let told = python("foxglove_check.py", &[&session, &out.join("s.foxglove.mcap"), Path::new("part")]);
    let frames =
        told.split_whitespace().find_map(|part| part.strip_prefix("frames=")).and_then(|n| n.parse::<u32>().ok());
    // From the first keyframe behind the beginning on.
    assert!(frames.is_some_and(|frames| (20..36).contains(&frames)), "{told}");
}

/// The Python blocks of a section of docs/EXPORTS.md, in order.
fn blocks(section: &str) -> Vec<String> {
    let document =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/EXPORTS.md")).expect("docs/EXPORTS.md");
    let (_, behind) = document.split_once(&format!("\n## {section}\n")).expect("the section");
    let section = behind.split_once("\n## ").map_or(behind, |(section, _)| section);
    let blocks = section.split("```python\n").skip(1);
    blocks.map(|block| block.split_once("```").expect("its end").0.to_owned()).collect()
}

/// Runs a block of the document on the files of a session named `s`, and then `check`, which sees its variables.
fn runs(block: &str, dir: &Path, check: &str) -> String {
    let program = format!("{}\n{check}\n", block.replace("NAME", "s"));
    let (code, out, err) = run(venv_python().args(["-c", &program]).current_dir(dir));
    assert_eq!(code, 0, "{program}\n{err}");
    out
}

#[test]
fn the_document_reads_every_tap_and_makes_no_zero_of_what_nobody_knows() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = synthetic(dir.path(), "s", &[]);
    // A tap of a millisecond in the middle of a frame's time, and a motion without a distance.
    let _printed = python("taps.py", &[&session]);
    watchcap::session::seal::seal(&session, &[], &mut |_| {}).expect("a seal");
    let (wide, dense) = (dir.path().join("wide"), dir.path().join("dense"));
    exported("actions", &session, &wide, &["--fps", "30"]);
    exported("actions", &session, &dense, &["--fps", "30", "--keys", "KeyJ,KeyW", "--mouse"]);
    let [sets, numbers] = &blocks("actions")[..] else { panic!("other blocks") };
    let check = "print((down[:, 13] > 0).sum(), (held[:, 13] > 0).sum(), np.isnan(dx).sum())";
    assert_eq!(runs(sets, &wide, check).trim(), "10 0 1");
    // KeyJ is 13: the taps are in the numbers, and the step of which the motion is not known is left out.
    let check = "print(names[:2], int(action[:, 0].sum()), np.isnan(action).sum(), action.dtype, action.shape[1])\n\
                 print(pq.read_table('dense/s.actions.parquet')['mouse_dx'].null_count)";
    let told = runs(numbers, dir.path(), check);
    assert_eq!(told.lines().collect::<Vec<_>>(), ["['KeyJ', 'KeyW'] 10 0 float32 11", "1"]);
}

#[test]
fn the_document_s_line_for_owa_reads_every_message() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = synthetic(dir.path(), "s", &[]);
    exported("mcap", &session, dir.path(), &["--mcap-for", "owa"]);
    let [owa] = &blocks("mcap")[..] else { panic!("other blocks") };
    assert_eq!(runs(owa, dir.path(), "print(message.decoded is not None)").trim(), "True");
}

/// A recording of the synthetic desktop that was held up twice, and its copy at a constant rate.
pub(crate) fn held_up(dir: &Path) -> [std::path::PathBuf; 3] {
    let mut recording = watchcap();
    recording.args(["record", "--source", "synthetic", "--size", "320x240", "--duration", "4s", "--session", "s"]);
    let mut child = recording.arg("--out").arg(dir).stderr(Stdio::null()).stdout(Stdio::null()).spawn().expect("it");
    let signal = |name: &str| {
        let sent = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status();
        assert!(sent.expect("kill").success());
    };
    std::thread::sleep(Duration::from_millis(1200));
    for stopped in [800, 400] {
        signal("STOP");
        std::thread::sleep(Duration::from_millis(stopped));
        signal("CONT");
        std::thread::sleep(Duration::from_millis(500));
    }
    assert!(matches!(child.wait().expect("its end").code(), Some(0 | 3)));
    let (session, out) = (dir.join("s"), dir.join("constant"));
    exported("video", &session, &out, &["--fps", "25"]);
    [session, out.join("s.mp4"), out.join("s.video.parquet")]
}

#[cfg(unix)]
#[test]
fn readers_that_are_wrong_about_a_session_are_right_about_its_copy() {
    let dir = tempfile::tempdir().expect("a folder");
    let files = held_up(dir.path());
    let told = python("readers_check.py", &files.each_ref().map(std::path::PathBuf::as_path));
    for reader in ["POS_FRAMES", "POS_MSEC", "imageio", "ffmpeg"] {
        assert!(told.contains(reader), "{told}");
    }
    println!("{told}");
}
