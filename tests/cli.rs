//! What people see when something is wrong: the message, the hint, the exit code. And that nothing is created then.

use std::path::Path;
use std::time::Duration;

use crate::support::{Display, copy_tree, run, synthetic, watchcap};

/// Asserts exit code, and that the error names `what` and has a hint.
fn refused(args: &[&str], code: i32, what: &str) {
    refused_with(&[], args, code, what);
}

fn refused_with(env: &[(&str, &str)], args: &[&str], code: i32, what: &str) {
    let mut command = watchcap();
    command.args(args).env_remove("DISPLAY").envs(env.iter().copied());
    let (found, out, err) = run(&mut command);
    assert_eq!(found, code, "{args:?}: {err}");
    assert!(err.contains(what), "{args:?} does not say '{what}': {err}");
    assert!(err.contains("hint:") || err.contains("For more information"), "{args:?} has no hint: {err}");
    assert!(out.is_empty(), "{args:?} wrote to standard output: {out}");
}

fn empty(dir: &Path) -> bool {
    std::fs::read_dir(dir).expect("a folder").next().is_none()
}

#[test]
fn wrong_use_exits_with_2_and_creates_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let out = dir.path().to_str().expect("text");
    let synth = ["record", "--source", "synthetic", "--out", out];
    let with = |extra: &[&'static str]| [&synth[..], extra].concat();
    refused(&with(&["--fps", "0"]), 2, "0 frames per second");
    refused(&with(&["--fps", "10000"]), 2, "10000 frames per second");
    refused(&with(&["--size", "641x480"]), 2, "641x480");
    refused(&with(&["--size", "big"]), 2, "'big'");
    refused(&with(&["--size", "0x0"]), 2, "'0x0'");
    refused(&with(&["--gop", "0"]), 2, "between keyframes");
    refused(&with(&["--mask", "2000,2000,10,10"]), 2, "2000,2000,10,10 is not inside the picture of 1280x720 pixels");
    for flag in [["--monitor", "1"], ["--region", "0,0,100,100"], ["--cursor", "off"], ["--poll-hz", "100"]] {
        refused(&with(&flag), 2, &format!("{} is for the desktop", flag[0]));
    }
    refused(&with(&["--profile", "none", "--hud-scale", "50"]), 2, "--hud-scale is for a profile");
    refused(&["record", "--consent", "screen", "--size", "320x240", "--out", out], 2, "--size");
    refused(&["profile", "show", "shooter", "--size", "0x0"], 2, "'0x0'");
    refused(&["mark", &"x".repeat(769)], 2, "at most 768 bytes");
    refused(&with(&["--bitrate-kbps", "1"]), 2, "bit rate");
    refused(&with(&["--duration", "soon"]), 2, "soon");
    refused(&with(&["--session", "../up"]), 2, "../up");
    refused(&["record", "--consent", "screen", "--region", "0,0,101,100", "--out", out], 2, "101x100");
    refused(&["record", "--consent", "screen", "--region", "nonsense", "--out", out], 2, "nonsense");
    refused(&["record", "--consent", "screen,thoughts", "--out", out], 2, "thoughts");
    refused(&["record", "--out", out], 2, "no consent");
    assert!(empty(dir.path()), "something was created");
}

#[test]
fn what_cannot_be_done_exits_with_1_and_creates_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let out = dir.path().to_str().expect("text");
    let consent = ["--consent", "screen,input", "--duration", "1s", "--out", out];
    let record = |extra: &[&'static str]| [&["record"][..], &consent, extra].concat();
    refused(&record(&[]), 1, "no display");
    refused_with(&[("DISPLAY", ":9999")], &record(&[]), 1, ":9999");
    refused_with(&[("DISPLAY", ":9999")], &["targets"], 1, "no display");
    let display = Display::start(320, 240);
    let at = [("DISPLAY", display.name.as_str())];
    refused_with(&at, &record(&["--monitor", "nowhere"]), 1, "nowhere");
    refused_with(&at, &record(&["--window-title", "no such title"]), 1, "no such title");
    refused_with(&at, &record(&["--window", "0x123"]), 1, "0x123");
    refused_with(&at, &record(&["--app", "nobody"]), 1, "nobody");
    refused_with(&at, &record(&["--region", "200,100,400,200"]), 1, "");
    assert!(empty(dir.path()), "something was created");
}

#[test]
fn folders_that_cannot_be_used_are_named() {
    let dir = tempfile::tempdir().expect("a folder");
    let missing = dir.path().join("missing");
    let synth = ["record", "--source", "synthetic", "--size", "96x64", "--duration", "300ms", "--out"];
    // A file where the folder should be: not even root can write into that.
    let file = dir.path().join("file");
    std::fs::write(&file, "x").expect("a file");
    refused(&[&synth[..], &[file.to_str().expect("text")]].concat(), 1, "file");
    let session = synthetic(dir.path(), "taken", &[]);
    let here = dir.path().to_str().expect("text");
    refused(&[&synth[..], &[here, "--session", "taken"]].concat(), 1, "taken");
    let sealed = session.to_str().expect("text");
    refused(&["finalize", "--again", sealed], 1, "has no log");
    let bare = dir.path().join("bare");
    std::fs::create_dir(&bare).expect("a folder");
    refused(&["finalize", bare.to_str().expect("text")], 1, "no log");
    // Of sessions below a folder that are all sealed there is nothing to do, as of one that is.
    let (code, _, err) = run(watchcap().args(["finalize", here]));
    assert!(code == 0 && err.contains("there is no log to be sealed"), "{code}: {err}");
    refused(&["finalize", missing.to_str().expect("text")], 1, "no folder");
    let missing = missing.to_str().expect("text");
    for verb in ["replay", "verify", "info"] {
        refused(&[verb, missing], 1, "missing is no folder");
    }
    refused(&["replay", "--check", missing], 1, "missing is no folder");
    for arguments in [&["replay", here][..], &["replay", "--check", here]] {
        refused(arguments, 1, "no");
    }
}

#[test]
fn what_is_sealed_already_needs_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = synthetic(dir.path(), "s", &["--keep-log"]);
    for (log_kept, verb) in [(true, &["finalize", "--keep-log"][..]), (false, &["finalize"]), (false, &["finalize"])] {
        let (code, out, err) = run(watchcap().args(verb).arg(&session));
        assert_eq!((code, out.trim()), (0, session.to_str().expect("text")), "{err}");
        assert!(err.contains("is sealed already: ") && err.contains("its log is kept") == log_kept, "{err}");
        assert_eq!(session.join("log").exists(), log_kept);
    }
    for verb in [&["recover"][..], &["recover", "--dry-run"]] {
        let (code, _, err) = run(watchcap().args(verb).arg(&session));
        assert!(code == 0 && err.contains("is sealed already"), "{verb:?}: {err}");
    }
    let (code, out, _) = run(watchcap().args(["finalize", "--json"]).arg(&session));
    let value: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((code, &value["already"], &value["lossy"]), (0, &true.into(), &false.into()));
}

#[test]
fn the_folder_for_sessions_is_made_and_private() {
    use std::os::unix::fs::PermissionsExt;

    let dir = tempfile::tempdir().expect("a folder");
    let out = dir.path().join("new/deeper");
    let session = synthetic(&out, "s", &[]);
    let mode = |path: &Path| std::fs::metadata(path).expect("a folder").permissions().mode() & 0o777;
    assert!(session.join("integrity.sha256").is_file());
    assert_eq!((mode(&dir.path().join("new")), mode(&out)), (0o700, 0o700));
    // What cannot be begun leaves no folders behind.
    let wanted = dir.path().join("other/deeper");
    let wanted = wanted.to_str().expect("text");
    refused(&["record", "--source", "synthetic", "--size", "1x1", "--out", wanted], 2, "1x1");
    assert!(!dir.path().join("other").exists());
}

#[test]
fn a_signal_that_was_ignored_stays_ignored() {
    for (ignored, sent, line) in
        [("HUP", "HUP", "kill -INT"), ("INT", "INT", "kill -TERM"), ("INT,TERM", "TERM", "watchcap stop --pid")]
    {
        let dir = tempfile::tempdir().expect("a folder");
        let program = watchcap();
        let mut command = std::process::Command::new("env");
        command
            .arg("--default-signal=INT,HUP,TERM")
            .arg(format!("--ignore-signal={ignored}"))
            .arg(program.get_program());
        command.args([
            "record",
            "--source",
            "synthetic",
            "--size",
            "96x64",
            "--duration",
            "3s",
            "--max-dropped",
            "100",
            "--session",
            "s",
            "--out",
        ]);
        command.arg(dir.path()).env("XDG_CONFIG_HOME", "/nonexistent").stderr(std::process::Stdio::piped());
        let child = command.spawn().expect("env and the program");
        let id = child.id().to_string();
        std::thread::sleep(Duration::from_millis(1200));
        let killed = std::process::Command::new("kill").args([&format!("-{sent}"), &id]).status().expect("kill");
        let output = child.wait_with_output().expect("its end");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(killed.success() && output.status.success(), "{ignored}: {said}");
        assert!(
            said.contains(line) && said.contains("with Ctrl-C here") != ignored.contains("INT"),
            "{ignored}: {said}"
        );
        let text = std::fs::read_to_string(dir.path().join("s/metadata.json")).expect("a sealed session");
        assert!(text.contains("\"end_reason\": \"duration\""), "SIG{sent} ended it: {text}");
    }
}

#[test]
fn a_seal_finds_damage_and_a_signature_names_who_sealed() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = synthetic(dir.path(), "s", &[]);
    let at = |name: &str| dir.path().join(name).to_str().expect("text").to_owned();
    for name in ["mine", "theirs"] {
        let mut made = std::process::Command::new("ssh-keygen");
        made.args(["-q", "-t", "ed25519", "-N", "", "-f", &at(name)]);
        assert!(made.status().expect("ssh-keygen: run scripts/setup.sh test").success());
    }
    let public = std::fs::read_to_string(at("mine.pub")).expect("a key");
    std::fs::write(at("signers"), format!("kim@lab namespaces=\"watchcap\" {public}")).expect("a list");
    let s = session.to_str().expect("text");
    let verify = |more: &[&str]| run(watchcap().args(["verify", "--no-decode", s]).args(more));

    refused(&["verify", "--no-decode", s, "--signed-by", &at("mine.pub")], 1, "is not signed");
    refused(&["sign", s, "--key", &at("none")], 1, "ssh-keygen");
    let (code, out, err) = run(watchcap().args(["sign", s, "--key", &at("mine")]));
    assert!(code == 0 && out.trim().ends_with("integrity.sha256.sig"), "{out}{err}");
    let (code, _, err) = verify(&["--signed-by", &at("mine.pub")]);
    assert!(code == 0 && err.contains("signed by SHA256:") && !err.contains("note:"), "{err}");
    let (code, _, err) = verify(&["--signed-by", &at("signers")]);
    assert!(code == 0 && err.contains("signed by kim@lab"), "{err}");
    refused(&["verify", "--no-decode", s, "--signed-by", &at("theirs.pub")], 1, "is not one of");
    // OpenSSH says so, too.
    let sealed = std::fs::File::open(session.join("integrity.sha256")).expect("a seal");
    let mut theirs = std::process::Command::new("ssh-keygen");
    theirs.args(["-Y", "verify", "-n", "watchcap", "-I", "kim@lab", "-f", &at("signers"), "-s"]);
    let judged = theirs.arg(session.join("integrity.sha256.sig")).stdin(sealed).output().expect("ssh-keygen");
    assert!(judged.status.success(), "{judged:?}");

    let (_, out, _) = verify(&["--json"]);
    let value: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    let edition = value["integrity_sha256"].as_str().expect("a hash").to_owned();
    assert_eq!(verify(&["--expect", &edition]).0, 0);
    refused(&["verify", "--no-decode", s, "--expect", &"0".repeat(64)], 1, "not the one that was expected");
    let (_, said, _) = run(watchcap().args(["verify", "--no-decode", "--json", s, "--expect", &"0".repeat(64)]));
    let said: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!((&said["ok"], &said["is_expected"]), (&false.into(), &false.into()), "{said}");
    refused(&["verify", "--no-decode", s, "--expect", "12"], 2, "no SHA-256");

    // Who changes it and seals it anew has no signature for that.
    let metadata = std::fs::read_to_string(session.join("metadata.json")).expect("metadata");
    std::fs::write(session.join("metadata.json"), metadata.replace("synthetic desktop", "another desktop"))
        .expect("a file");
    let resealed = std::process::Command::new("sh")
        .current_dir(&session)
        .args(["-c", "sha256sum e* f* m* >x && mv x integrity.sha256"])
        .status();
    assert!(resealed.expect("a shell").success());
    let (code, _, err) = verify(&[]);
    assert_eq!(code, 0, "the seal alone says nothing of who made it: {err}");
    refused(&["verify", "--no-decode", s, "--signed-by", &at("mine.pub")], 1, "is not one of");
    refused(&["verify", "--no-decode", s, "--expect", &edition], 1, "not the one that was expected");
}

#[test]
fn a_configuration_that_is_named_is_read_by_every_verb() {
    let dir = tempfile::tempdir().expect("a folder");
    let broken = dir.path().join("bad.toml");
    std::fs::write(&broken, "[record]\nfsp = 15\n").expect("a file");
    let broken = broken.to_str().expect("text");
    for verb in [&["verify", "s"][..], &["info", "."], &["targets"], &["demo"], &["profile", "list"], &["catalog", "."]]
    {
        refused(&[&["--config", broken], verb].concat(), 2, "fsp");
    }
    let (code, out, err) = run(watchcap().args(["--config", broken, "doctor"]));
    assert!(code == 1 && out.contains("no  configuration") && out.contains("fsp"), "{out}{err}");
    refused(&["--config", "nowhere.toml", "info", "."], 2, "nowhere.toml");
    // Profiles lie beside it.
    let good = dir.path().join("good.toml");
    std::fs::write(&good, "").expect("a file");
    std::fs::create_dir(dir.path().join("profiles")).expect("a folder");
    let (_, shown, _) = run(watchcap().args(["profile", "show", "shooter"]));
    std::fs::write(dir.path().join("profiles/mine.toml"), shown).expect("a profile");
    let (code, out, err) = run(watchcap().arg("--config").arg(&good).args(["profile", "list"]));
    assert!(code == 0 && out.contains("mine"), "{out}{err}");
}

#[test]
fn what_was_chosen_is_told_when_asked_for() {
    let dir = tempfile::tempdir().expect("a folder");
    let record = |more: &[&str]| {
        let mut command = watchcap();
        command.args(["record", "--source", "synthetic", "--size", "96x64", "--duration", "300ms", "--out"]);
        run(command.arg(dir.path()).args(more).env("NO_COLOR", "1"))
    };
    let (_, _, quiet) = record(&["--session", "quiet"]);
    let (code, _, told) = record(&["--session", "told", "-v"]);
    assert!(code == 0 || code == 3, "{told}");
    for what in ["backend=synthetic", "width=96 height=64", "fps=30", "told/log/frames.mp4"] {
        assert!(told.contains(what) && !quiet.contains(what), "{what}: {told}");
    }
    let (_, _, masks) = record(&["--session", "masks", "-vv", "--mask", "0,0,10,10"]);
    assert!(masks.contains("mask area="), "{masks}");
}

#[test]
fn a_machine_without_a_display_is_told_what_to_do() {
    let (code, out, err) = run(watchcap().arg("doctor").env_remove("DISPLAY"));
    assert_eq!(code, 1, "nothing can be recorded, and a fleet's script should know: {err}");
    assert!(out.contains("no  screen") && err.contains("hint:") && err.contains("--source synthetic"), "{out}{err}");
}

#[test]
fn garbage_is_refused_by_every_reader() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = synthetic(dir.path(), "s", &[]);
    for file in ["metadata.json", "events.parquet", "frames.mp4"] {
        let broken = dir.path().join(format!("broken-{file}"));
        copy_tree(&session, &broken);
        std::fs::write(broken.join(file), vec![0xa5; 5000]).expect("garbage");
        let (code, _, err) = run(watchcap().arg("verify").arg(&broken));
        assert_eq!(code, 1, "verify accepted garbage in {file}: {err}");
        assert!(err.contains(file), "verify does not name {file}: {err}");
        let (code, _, err) = run(watchcap().arg("replay").arg(&broken));
        assert_eq!(code, 1, "replay of garbage in {file}: {err}");
        assert!(!err.contains("panicked"), "{err}");
    }
}

#[test]
fn a_signal_ends_and_seals_within_two_seconds() {
    for (signal, reason) in [("INT", "sigint"), ("TERM", "sigterm"), ("HUP", "sighup")] {
        let dir = tempfile::tempdir().expect("a folder");
        let mut command = watchcap();
        command
            .args(["record", "--source", "synthetic", "--size", "320x240", "--max-dropped", "100"])
            .args(["--session", "s", "--out"])
            .arg(dir.path());
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        let running = crate::support::Running(command.spawn().expect("the program"));
        std::thread::sleep(Duration::from_millis(1500));
        let (code, _) = running.stop(signal, Duration::from_secs(2));
        assert_eq!(code, 0, "SIG{signal}");
        let text = std::fs::read_to_string(dir.path().join("s/metadata.json")).expect("a sealed session");
        assert!(text.contains(&format!("\"end_reason\": \"{reason}\"")), "{text}");
    }
}

#[test]
fn the_help_names_every_verb_and_default() {
    let (code, out, _) = run(watchcap().arg("--help"));
    assert_eq!(code, 0);
    for verb in [
        "record", "finalize", "verify", "replay", "info", "targets", "doctor", "demo", "pause", "resume", "mark",
        "stop", "status", "redact", "migrate", "catalog", "sign",
    ] {
        assert!(out.contains(&format!("  {verb}")), "{verb} is not in the help");
    }
    let (_, out, _) = run(watchcap().args(["record", "--help"]));
    for default in ["[default: 30]", "[default: 0.5]", "[default: on]", "[default: repeat]"] {
        assert!(out.contains(default), "{default} is not in the help of record:\n{out}");
    }
}

/// A session with a review, then a log with one.
#[test]
fn info_shows_what_reviewers_said() {
    use watchcap::base::time::{ManualClock, MonoNs, UtcNs};
    use watchcap::session::layout;
    use watchcap::session::metadata::Metadata;
    use watchcap::session::review::{Book, Verdict};
    use watchcap::session::table::read::EventsReader;

    let dir = tempfile::tempdir().expect("a folder");
    let session = synthetic(dir.path(), "s", &[]);
    let (code, out, _) = run(watchcap().args(["info", "--json"]).arg(&session));
    let value: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((code, &value["review"]["accepted"], &value["review"]["verdict"]), (0, &false.into(), &().into()));
    let id = Metadata::read(&layout::metadata_path(&session)).expect("metadata").session_id;
    let table = EventsReader::open(&layout::events_path(&session)).expect("a table");
    let start = table.groups()[0].span_ns.expect("a span").0;
    let clock = || Box::new(ManualClock::new(MonoNs(0), UtcNs(1_700_000_000_000_000_000)));
    let mut book = Book::open(&session, &id, None, Some("kim".into()), clock()).expect("a book");
    book.append(Some((start + 1_250_000_000, start + 1_250_000_000)), None, "a \u{1b}[31mboss").expect("kept");
    book.append(Some((start, start + 500_000_000)), Some(Verdict::Reject), "").expect("kept");
    book.append(None, Some(Verdict::Accept), "good").expect("kept");
    let (code, out, err) = run(watchcap().arg("info").arg(&session));
    assert_eq!(code, 0, "{err}");
    let words = out.split_whitespace().collect::<Vec<_>>().join(" ");
    for line in [
        "verdict accept by kim at 2023-11-14 22:13:20: good",
        "verdict 0.000 s to 0.500 s reject by kim at 2023-11-14 22:13:20",
        "mark 1.250 s by kim at 2023-11-14 22:13:20: a \u{fffd}[31mboss",
    ] {
        assert!(words.contains(line), "'{line}' is not in\n{out}");
    }
    let (_, out, _) = run(watchcap().args(["info", "--json"]).arg(&session));
    let value: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((&value["review"]["accepted"], &value["review"]["marks"][0]["by"]), (&true.into(), &"kim".into()));
    // The program's own check knows the file.
    let (code, _, err) = run(watchcap().args(["verify", "--no-decode"]).arg(&session));
    assert!(code == 0 && !err.contains("note:"), "{err}");
    // A redacted session begins without one, and says so.
    let (code, _, err) = run(watchcap().arg("redact").arg(&session).args(["--from", "0", "--to", "1", "--keys"]));
    assert!(code == 0 && err.contains("note: review.jsonl cannot be redacted"), "{err}");
    assert!(!layout::review_path(&dir.path().join("s_redacted")).exists());

    let log = synthetic(dir.path(), "log", &["--no-finalize"]);
    let mut book = Book::open(&log, &id, None, None, clock()).expect("a book");
    book.append(None, Some(Verdict::Look), "").expect("kept");
    let (code, out, err) = run(watchcap().arg("info").arg(&log));
    let words = out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(code == 0 && words.contains("verdict look at 2023-11-14"), "{out}{err}");
    let (code, _, err) = run(watchcap().args(["finalize", "--max-dropped", "100"]).arg(&log));
    assert_eq!(code, 0, "{err}");
    let seal = std::fs::read_to_string(layout::integrity_path(&log)).expect("a seal");
    assert!(layout::review_path(&log).is_file() && !seal.contains("review"), "{seal}");
}
