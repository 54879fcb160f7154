//! What a study says of a recording, when it begins and after it was sealed, and that it arrives in every export.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use sha2::Digest as _;
use watchcap::session::annotations::{Annotations, Outcome};
use watchcap::session::layout;

use crate::control::{controlled, verb, wait_running};
use crate::support::{Display, Running, python, run, synthetic, watchcap};

const TASK: &str = "Write \"hello\" to Kim, and send it";

fn metadata(session: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(layout::metadata_path(session)).expect("metadata")).expect("JSON")
}

fn json(args: &[&str], session: &Path) -> Value {
    let (code, out, err) = run(watchcap().args(args).arg(session).arg("--json"));
    assert_eq!(code, 0, "{args:?}: {err}");
    serde_json::from_str(&out).expect("JSON")
}

/// A synthetic session of a study with a task, a participant, tags and a mark.
fn recorded(dir: &Path, name: &str) -> PathBuf {
    let mut command = controlled(dir);
    command.args(["record", "--source", "synthetic", "--size", "320x240", "--session", name, "--out"]).arg(dir);
    command.args(["--task", TASK, "--participant", "P-017", "--tag", "condition=a=b c", "--tag", "visit=2"]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let running = Running(command.spawn().expect("the program"));
    let _answers = wait_running(dir, 1);
    let session = dir.join(name);
    std::thread::sleep(Duration::from_millis(700));
    let _said = verb(dir, &["mark", "the letter is open", session.to_str().expect("a path")], 0);
    std::thread::sleep(Duration::from_millis(700));
    let (code, _) = running.stop("INT", Duration::from_secs(20));
    assert!(code == 0 || code == 3, "{code}");
    session
}

#[test]
fn what_a_study_says_is_in_the_metadata_and_shown() {
    let dir = tempfile::tempdir().expect("a folder");
    let config = dir.path().join("config.toml");
    let text = "[record]\ntask = \"from the file\"\nparticipant = \"P-1\"\ntags = { visit = \"1\", machine = \"x\" }\n";
    std::fs::write(&config, text).expect("a file");
    let mut command = watchcap();
    command.args(["record", "--source", "synthetic", "--size", "320x240", "--duration", "300ms", "--session", "s"]);
    command.args(["--task", TASK, "--tag", "visit=2", "--config"]).arg(&config).arg("--out").arg(dir.path());
    let (code, _, err) = run(&mut command);
    assert!(code == 0 || code == 3, "{err}");
    let session = dir.path().join("s");
    let said = metadata(&session);
    assert_eq!((&said["task"], &said["participant"]), (&TASK.into(), &"P-1".into()));
    assert_eq!(said["tags"], serde_json::json!({ "machine": "x", "visit": "2" }));
    let (_, out, _) = run(watchcap().arg("info").arg(&session));
    assert!(out.contains(TASK) && out.contains("P-1") && out.contains("machine=x, visit=2"), "{out}");

    let bare = metadata(&synthetic(dir.path(), "bare", &[]));
    assert_eq!((&bare["task"], &bare["participant"], &bare["tags"]), (&Value::Null, &Value::Null, &Value::Null));

    let long = "x".repeat(1025);
    for (bad, why) in [
        (["--task", "two\nlines"], "U+000A"),
        (["--task", "\u{202e}gnp"], "U+202E"),
        (["--task", " "], "is empty"),
        (["--task", long.as_str()], "1025 bytes"),
        (["--participant", &long[..65]], "65 bytes"),
        (["--tag", "visit"], "KEY=VALUE"),
        (["--tag", "a b=c"], "other characters"),
    ] {
        let mut command = watchcap();
        command.args(["record", "--source", "synthetic", "--duration", "300ms", "--session", "bad"]).args(bad);
        let (code, _, err) = run(command.arg("--out").arg(dir.path()));
        assert!(code == 2 && err.contains(why), "{bad:?}: {code} {err}");
        assert!(!dir.path().join("bad").exists(), "{bad:?} was recorded");
    }
}

#[test]
fn what_is_said_after_sealing_stands_beside_the_seal() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = synthetic(dir.path(), "s", &["--task", TASK, "--tag", "visit=2"]);
    let say = |args: &[&str]| run(watchcap().args(["annotate", "--by", "kim"]).args(args).arg(&session));
    let (code, out, err) = say(&[]);
    assert!(code == 0 && out.contains(TASK) && !layout::annotations_path(&session).exists(), "{out}{err}");
    let (code, out, err) = say(&[
        "--task",
        "Write a letter",
        "--subtask",
        "0..0.4=open the editor",
        "--subtask",
        "f10..f20=type",
        "--outcome",
        "failure",
        "--note",
        "the printer burned",
        "--tag",
        "machine=x",
        "--untag",
        "visit",
    ]);
    assert!(code == 0 && out.contains("0.000 s to 0.400 s: open the editor"), "{out}{err}");
    let (code, _, err) = say(&["--outcome", "success"]);
    assert_eq!(code, 0, "{err}");
    let (code, out, _) = run(watchcap().arg("verify").arg(&session));
    assert_eq!(code, 0, "{out}");
    let noted = json(&["verify"], &session);
    assert!(noted["notes"].to_string().contains("annotations.jsonl has 2 lines"), "{noted}");

    let info = json(&["info"], &session);
    let said = &info["annotations"];
    assert_eq!(
        (&said["task"], &said["outcome"], &said["note"]),
        (&"Write a letter".into(), &"success".into(), &Value::Null)
    );
    assert_eq!(said["tags"], serde_json::json!({ "machine": "x" }));
    assert_eq!(said["history"][0]["by"], "kim");
    assert_eq!(json(&["annotate"], &session), *said);
    assert_eq!(said["subtasks"][1]["text"], "type");
    assert_eq!(info["metadata"]["task"], TASK, "what was sealed does not change");

    // What cannot be meant is refused, and nothing is written.
    let before = std::fs::read(layout::annotations_path(&session)).expect("a file");
    for (bad, why) in [
        (&["--subtask", "0..x=a"][..], "'x' is no moment"),
        (&["--subtask", "0.4..0.1=a"], "before it begins"),
        (&["--subtask", "900..901=a"], "outside of the session"),
        (&["--subtask", "f900..f901=a"], "no frame 900"),
        (&["--subtask", "0..1"], "FROM..UNTIL=TEXT"),
        (&["--subtask", "0..1=\u{1b}[2J"], "cannot be shown"),
        (&["--outcome", "perhaps"], "success, failure, unclear"),
        (&["--note", "why"], "--outcome"),
        (&["--tag", "a=b", "--untag", "a"], "at once"),
    ] {
        let (code, _, err) = say(bad);
        assert!(code == 2 && err.contains(why), "{bad:?}: {code} {err}");
    }
    assert!(before == std::fs::read(layout::annotations_path(&session)).expect("a file"));

    // A log is sealed first.
    let log = synthetic(dir.path(), "log", &["--no-finalize"]);
    let (code, _, err) = run(watchcap().args(["annotate", "--task", "x"]).arg(&log));
    assert!(code == 1 && err.contains("watchcap finalize"), "{code} {err}");

    // Redacting begins anew, migrating carries over, deleting takes it along.
    let (code, _, err) = run(watchcap().args(["redact", "--from", "0.1", "--to", "0.2", "--keys"]).arg(&session));
    assert!(code == 0 && err.contains("annotations.jsonl cannot be redacted"), "{err}");
    assert!(!layout::annotations_path(&dir.path().join("s_redacted")).exists());
    let (code, _, err) = run(watchcap().args(["delete", "--yes"]).arg(&session));
    assert!(code == 0 && !session.exists(), "{code} {err}");
}

#[test]
fn annotations_survive_a_migration() {
    let dir = tempfile::tempdir().expect("a folder");
    let old = dir.path().join("old");
    crate::support::copy_tree(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/session-1.1.0"), &old);
    let (code, _, err) = run(watchcap().args(["annotate", "--task", "castle", "--outcome", "success"]).arg(&old));
    assert_eq!(code, 0, "{err}");
    let (code, _, err) = run(watchcap().arg("migrate").arg(&old));
    assert_eq!(code, 0, "{err}");
    let found = Annotations::read(&dir.path().join("old_1_3_0"), None).expect("annotations");
    assert_eq!((found.task(), found.outcome()), (Some("castle"), Some((Outcome::Success, None))));
}

#[test]
fn two_programs_that_annotate_at_once_lose_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = synthetic(dir.path(), "s", &[]);
    std::thread::scope(|scope| {
        for writer in 0..2 {
            let session = &session;
            scope.spawn(move || {
                for number in 0..8 {
                    let tag = format!("w{writer}.{number}=x");
                    let (code, _, err) = run(watchcap().args(["annotate", "--tag", &tag]).arg(session));
                    assert_eq!(code, 0, "{err}");
                }
            });
        }
    });
    let said = json(&["annotate"], &session);
    assert_eq!(said["tags"].as_object().map(serde_json::Map::len), Some(16), "{said}");
    assert_eq!(said["history"].as_array().map(Vec::len), Some(16));
}

#[test]
fn the_catalog_has_the_last_word() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = synthetic(dir.path(), "s", &["--task", TASK, "--participant", "P-017"]);
    let row = || {
        let (code, _, err) = run(watchcap().arg("catalog").arg(dir.path()));
        assert_eq!(code, 0, "{err}");
        let columns = Path::new("task,participant,tags,outcome,subtasks");
        let rows = python("catalog_rows.py", &[&dir.path().join("catalog.parquet"), columns]);
        serde_json::from_str::<Value>(&rows).expect("one row")
    };
    let first = row();
    assert_eq!(
        (&first["task"], &first["participant"], &first["outcome"]),
        (&TASK.into(), &"P-017".into(), &Value::Null)
    );
    for (args, task, tags) in [
        (["--task", "another"], "another", Value::Null),
        (["--tag", "a=b"], "another", "{\"a\":\"b\"}".into()),
        (["--outcome", "unclear"], "another", "{\"a\":\"b\"}".into()),
    ] {
        let (code, _, err) = run(watchcap().arg("annotate").args(args).arg(&session));
        assert_eq!(code, 0, "{err}");
        let row = row();
        assert_eq!((&row["task"], &row["tags"]), (&task.into(), &tags), "{args:?}");
    }
    assert_eq!(row()["outcome"], "unclear");
    std::fs::remove_file(layout::annotations_path(&session)).expect("a file");
    let last = row();
    assert_eq!((&last["task"], &last["outcome"], &last["subtasks"]), (&TASK.into(), &Value::Null, &Value::Null));
}

#[test]
fn task_subtasks_and_marks_are_in_every_export() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = recorded(dir.path(), "s");
    let bare = synthetic(dir.path(), "bare", &["--game", "chess"]);
    let mut say = watchcap();
    say.args(["annotate", "--subtask", "0..0.5=open it", "--subtask", "0.5..9=type", "--outcome", "success"]);
    let (code, _, err) = run(say.args(["--note", "in one go", "--tag", "rater=kim"]).arg(&session));
    assert_eq!(code, 0, "{err}");
    let out = dir.path().join("out");
    for (format, extra) in [
        ("actions", &[][..]),
        ("frames-json", &[]),
        ("video", &[]),
        ("vpt", &[]),
        ("webdataset", &["--clip-seconds", "1", "--val-percent", "0"]),
        ("lerobot", &["--fps", "10"]),
        ("mcap", &[]),
        ("computer-use", &["--resize", "160x120"]),
    ] {
        let (code, _, err) = run(watchcap()
            .args(["export", format])
            .args([&bare, &session])
            .arg("--out")
            .arg(out.join(format))
            .args(extra));
        assert_eq!(code, 0, "{format}: {err}");
    }
    let dense = ["--keys", "KeyW", "--mouse", "--out"];
    let (code, _, err) = run(watchcap().args(["export", "actions"]).arg(&session).args(dense).arg(out.join("dense")));
    assert_eq!(code, 0, "{err}");
    let told = python("study_check.py", &[&session, &bare, &out]);
    assert!(told.contains("marks=1 subtasks=2"), "{told}");

    // A word that is said later makes the export anew, without asking; the same word does not.
    let again = || {
        let (code, _, err) =
            run(watchcap().args(["export", "actions"]).arg(&session).arg("--out").arg(out.join("actions")));
        assert_eq!(code, 0, "{err}");
        err
    };
    assert!(again().contains("already"), "it was made anew");
    let (code, _, err) = run(watchcap().args(["annotate", "--task", "another"]).arg(&session));
    assert_eq!(code, 0, "{err}");
    assert!(!again().contains("already"), "it was not made anew");

    // What is not exported has no mark of it.
    let part = out.join("part");
    let span = ["--from", "0", "--to", "0.3", "--out"];
    let (code, _, err) = run(watchcap().args(["export", "actions"]).arg(&session).args(span).arg(&part));
    assert_eq!(code, 0, "{err}");
    let manifest = std::fs::read(part.join("s.actions.export.json")).expect("a manifest");
    let manifest: Value = serde_json::from_slice(&manifest).expect("JSON");
    assert_eq!(manifest["about"]["marks"], serde_json::json!([]));
}

/// Answers the prompt of a recording of a display on a terminal of its own; answers with its exit code and what it said.
fn prompted(display: &str, answers: &str, config: &Path, out: &Path, extra: &[&str]) -> (i64, String) {
    let program = watchcap().get_program().to_owned();
    let mut wrapper = crate::support::python_command("prompt.py");
    wrapper.arg(answers).arg(program).args(["record", "--duration", "400ms", "--session", "s", "--config"]).arg(config);
    wrapper.args(extra).arg("--out").arg(out).env("DISPLAY", display);
    wrapper.env_remove("WATCHCAP_CONSENT").env("XDG_CONFIG_HOME", "/nonexistent");
    let (_, out, err) = run(&mut wrapper);
    let told: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{err}"));
    (told["code"].as_i64().expect("a code"), told["said"].as_str().expect("text").to_owned())
}

#[test]
fn the_prompt_shows_the_study_s_own_text_and_the_metadata_name_it() {
    let display = Display::start(320, 240);
    let dir = tempfile::tempdir().expect("a folder");
    let config = dir.path().join("config.toml");
    let text = "Wir untersuchen, wie Menschen Briefe schreiben.\n\n- Die Aufzeichnung bleibt drei Jahre auf diesem Rechner, und wird danach gelöscht.\n";
    std::fs::write(dir.path().join("consent.txt"), text).expect("a file");
    let head = "[consent]\ntext_file = \"consent.txt\"\nversion = \"2026-11\"\ncontact = \"kim@example.org\"\n";
    std::fs::write(&config, format!("{head}[hotkeys]\npause = \"ctrl+alt+p\"\n")).expect("a file");
    let (code, said) = prompted(&display.name, r#"["y\n", "n\n"]"#, &config, &dir.path().join("yes"), &[]);
    assert!(code == 0 || code == 3, "{code} {said}");
    let plain = said.split_whitespace().collect::<Vec<_>>().join(" ");
    let parts = [
        "wie Menschen Briefe schreiben. - Die Aufzeichnung",
        "Questions: kim@example.org",
        "(version 2026-11 of this text)",
        "- the screen: pictures of everything",
        "Nothing is sent anywhere by watchcap",
        "pause it with ctrl+alt+KeyP, or with: watchcap pause",
        "watchcap consent withdraw",
        "watchcap delete FOLDER",
        "Record the screen? [y/N]",
    ];
    let mut from = 0;
    for part in parts {
        let at =
            plain[from..].find(part).unwrap_or_else(|| panic!("'{part}' is not there, or not in its place: {plain}"));
        from += at;
    }
    let longest = said.lines().map(|line| line.trim_end().chars().count()).max();
    assert!(
        said.split("Record the screen?").next().is_some_and(|asked| asked.lines().all(|line| line
            .trim_end()
            .chars()
            .count()
            <= 78)),
        "{longest:?}"
    );
    let consent = metadata(&dir.path().join("yes/s"))["consent"].clone();
    let sum = sha2::Sha256::digest(text.as_bytes()).iter().fold(String::new(), |sum, byte| format!("{sum}{byte:02x}"));
    let expected = serde_json::json!({ "version": "2026-11", "sha256": sum, "contact": "kim@example.org" });
    assert_eq!((&consent["study_text"], &consent["text_version"]), (&expected, &7.into()));

    // A no is a no.
    let (code, said) = prompted(":9999", r#"["n\n"]"#, &config, &dir.path().join("no"), &[]);
    assert!(code == 0 && said.contains("nothing was recorded") && !dir.path().join("no").exists(), "{code} {said}");
    // Who agreed in another way was not shown the text here.
    let (_, said) = prompted(&display.name, "[]", &config, &dir.path().join("flag"), &["--consent", "screen"]);
    let consent = metadata(&dir.path().join("flag/s"))["consent"].clone();
    assert!(!said.contains("Briefe") && consent["study_text"].is_null() && consent["how"] == "flag", "{said}");

    for (bad, why) in [
        ("[consent]\ntext = \"x\"\n", "no version"),
        ("[consent]\nversion = \"1\"\n", "no text"),
        ("[consent]\ntext = \"x\"\ntext_file = \"consent.txt\"\nversion = \"1\"\n", "both"),
        ("[consent]\ntext_file = \"missing.txt\"\nversion = \"1\"\n", "cannot read"),
        ("[consent]\ntext = \"a\\u001b[2J\"\nversion = \"1\"\n", "U+001B"),
        ("[consent]\ntekst = \"a\"\n", "tekst"),
    ] {
        std::fs::write(&config, bad).expect("a file");
        let (code, said) = prompted(":9999", "[]", &config, &dir.path().join("bad"), &["--consent", "screen"]);
        assert!(code == 2 && said.contains(why) && said.contains("hint:"), "{bad}: {code} {said}");
        assert!(!dir.path().join("bad").exists(), "{bad}");
    }
}
