//! The configuration: written anew, layered, told with where each value is from, checked, and by game.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::privacy::{desk, metadata};
use crate::support::{private_dir, run, watchcap};

/// The program with a system's configuration and a person's, in folders of `dir`.
fn with_files(dir: &Path) -> Command {
    let mut command = watchcap();
    command.env("XDG_CONFIG_HOME", dir.join("home")).env("XDG_CONFIG_DIRS", dir.join("xdg"));
    command
}

fn put(dir: &Path, which: &str, text: &str) -> String {
    let folder = dir.join(which).join("watchcap");
    private_dir(&folder);
    std::fs::write(folder.join("config.toml"), text).expect("a file");
    folder.join("config.toml").display().to_string()
}

/// What `config show` says of a key: its value and where that is from.
fn shown(dir: &Path, more: &[&str], key: &str) -> (Value, Vec<String>) {
    let (code, out, err) = run(with_files(dir).args(["config", "show", "--json"]).args(more));
    assert_eq!(code, 0, "{err}");
    let all: Value = serde_json::from_str(&out).expect("JSON");
    let keys = all["keys"].as_array().expect("keys");
    let found = keys.iter().find(|found| found["key"] == key).unwrap_or_else(|| panic!("{key} is not shown: {out}"));
    let from = found["from"].as_array().expect("places").iter();
    (found["value"].clone(), from.map(|place| place.as_str().expect("a place").to_owned()).collect())
}

#[test]
fn a_new_file_has_every_key_and_replaces_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let (code, out, err) = run(with_files(dir.path()).args(["config", "init"]));
    let path = dir.path().join("home/watchcap/config.toml");
    assert_eq!((code, out.trim()), (0, path.to_str().expect("text")), "{err}");
    let text = std::fs::read_to_string(&path).expect("a file");
    for key in
        ["# fps = 30", "# encoder = \"auto\"", "# exclude_apps = ", "# withdraw = ", "[privacy]", "# [games.doom]"]
    {
        assert!(text.contains(key), "{key} is not in\n{text}");
    }
    let (code, _, err) = run(with_files(dir.path()).args(["config", "check"]));
    assert!(code == 0 && err.contains("is good"), "{err}");
    std::fs::write(&path, "mine").expect("a file");
    let (code, _, err) = run(with_files(dir.path()).args(["config", "init"]));
    assert!(code == 1 && err.contains("is there already"), "{err}");
    assert_eq!(std::fs::read_to_string(&path).expect("a file"), "mine");
    // Where one was named it is written there.
    let other = dir.path().join("other.toml");
    assert_eq!(run(with_files(dir.path()).arg("--config").arg(&other).args(["config", "init"])).0, 0);
    assert_eq!(std::fs::read_to_string(other).expect("a file"), text);
}

#[test]
fn flags_stand_over_the_environment_over_the_person_over_the_system() {
    let dir = tempfile::tempdir().expect("a folder");
    let at = dir.path();
    let system = put(at, "xdg", "[record]\nfps = 10\nout = \"/nowhere\"\n[privacy]\nexclude_apps = [\"mail\"]\n");
    let own = put(at, "home", "[record]\nfps = 20\n\n[privacy]\nexclude_apps = [\"chat\"]\n");
    assert_eq!(shown(at, &[], "record.fps"), (20.into(), vec![format!("{own}:2")]));
    assert_eq!(shown(at, &[], "record.out"), ("/nowhere".into(), vec![format!("{system}:3")]));
    let both = serde_json::json!(["mail", "chat"]);
    assert_eq!(shown(at, &[], "privacy.exclude_apps"), (both, vec![format!("{system}:5"), format!("{own}:5")]));
    assert_eq!(shown(at, &[], "record.gop"), (Value::Null, vec![]));
    let (_, out, _) = run(with_files(at).args(["config", "show", "--origin"]).env("WATCHCAP_OUT", "/else"));
    let line =
        |key: &str| out.lines().find(|line| line.starts_with(key)).unwrap_or_else(|| panic!("{key}: {out}")).to_owned();
    assert!(line("record.out =").contains("\"/else\"") && line("record.out =").ends_with("WATCHCAP_OUT"), "{out}");
    assert!(line("record.gop =").contains("(0.5)") && line("record.gop =").ends_with("default"), "{out}");
    let recorded = |name: &str, more: &[&str]| {
        let mut command = with_files(at);
        command.args([
            "record",
            "--source",
            "synthetic",
            "--size",
            "96x64",
            "--duration",
            "300ms",
            "--max-dropped",
            "100",
        ]);
        let (code, _, err) = run(command.args(["--session", name, "--out"]).arg(at).args(more));
        assert_eq!(code, 0, "{err}");
        metadata(&at.join(name))
    };
    let fps = |of: &Value| of["streams"]["screen"]["settings"]["requested_fps"].clone();
    let by_file = recorded("a", &[]);
    assert_eq!(fps(&by_file), 20);
    let excluded = by_file["privacy"]["excluded_apps"].to_string();
    assert!(excluded.contains("mail") && excluded.contains("chat"), "what the system keeps out stays out: {excluded}");
    assert_eq!(fps(&recorded("b", &["--fps", "15"])), 15);
}

#[test]
fn a_check_names_every_fault_with_its_place() {
    let dir = tempfile::tempdir().expect("a folder");
    let own = put(dir.path(), "home", "[record]\nfsp = 20\ncodec = \"vp9\"\n[hotkey]\n");
    let (code, out, err) = run(with_files(dir.path()).args(["config", "check"]));
    assert_eq!(code, 1, "{err}");
    for line in [
        format!("{own}:2:1: there is no key 'fsp'; did you mean 'fps'?"),
        format!("{own}:3:9: codec: \"vp9\" is none of h264, h265, av1"),
        format!("{own}:4:2: there is no key 'hotkey'; did you mean [hotkeys]?"),
    ] {
        assert!(out.lines().any(|found| found == line), "{line} is not in\n{out}");
    }
    assert!(err.contains("3 faults"), "{err}");
    let (code, _, err) = run(with_files(dir.path()).arg("record"));
    assert!(code == 2 && err.contains("hotkey") && err.contains("watchcap config check"), "{err}");
    // Who consents for others is refused, and what others can write to.
    put(dir.path(), "home", "");
    let system = put(dir.path(), "xdg", "[record]\nconsent = [\"screen\"]\n");
    let (code, _, err) = run(with_files(dir.path()).args(["config", "check"]));
    assert!(code == 2 && err.contains("each person gives for their own"), "{err}");
    let (code, _, err) = run(with_files(dir.path()).args(["record", "--source", "synthetic"]));
    assert!(code == 2 && err.contains(&system), "{err}");
}

#[test]
fn an_encoder_and_a_codec_may_stand_in_the_configuration() {
    let dir = tempfile::tempdir().expect("a folder");
    let record = |more: &[&str]| {
        let mut command = with_files(dir.path());
        command.args(["record", "--source", "synthetic", "--size", "96x64", "--duration", "200ms", "--out"]);
        run(command.arg(dir.path()).args(more))
    };
    put(dir.path(), "home", "[record]\nencoder = \"openh265\"\n");
    let (code, _, err) = record(&[]);
    assert!(code == 2 && err.contains("'openh265'") && err.contains("watchcap doctor"), "{err}");
    put(dir.path(), "home", "[record]\nencoder = \"openh264\"\ncodec = \"h265\"\n");
    let (code, _, err) = record(&[]);
    assert!(code == 2 && err.contains("H.265"), "{err}");
    // A flag takes an encoder with what it makes.
    let (code, _, err) = record(&["--encoder", "openh264", "--max-dropped", "100"]);
    assert_eq!(code, 0, "{err}");
}

#[test]
fn a_game_has_its_own_tables_by_name_and_by_window() {
    let dir = tempfile::tempdir().expect("a folder");
    let at = dir.path();
    let text = "[record]\nfps = 20\n[games.doom]\napps = [\"doom*\"]\ngame = \"Freedoom\"\nrecord.fps = 15\nprivacy.exclude_titles = [\"chat\"]\n";
    let own = put(at, "home", text);
    assert_eq!(shown(at, &[], "games.doom.record.fps"), (15.into(), vec![format!("{own}:6")]));
    assert_eq!(shown(at, &["--game", "Doom"], "record.fps"), (15.into(), vec![format!("{own}:6")]));
    let (code, _, err) = run(with_files(at).args(["config", "show", "--game", "quake"]));
    assert!(code == 2 && err.contains("there are: doom"), "{err}");

    let (display, mut windows) = desk((320, 240));
    let record = |name: &str, more: &[&str]| {
        let mut command = with_files(at);
        command.args([
            "record",
            "--consent",
            "screen",
            "--duration",
            "300ms",
            "--max-dropped",
            "100",
            "--session",
            name,
        ]);
        let (code, _, err) = run(command.arg("--out").arg(at).args(more).env("DISPLAY", &display.name));
        assert!(code == 0 || code == 3, "{err}");
        let said = metadata(&at.join(name));
        (said["streams"]["screen"]["settings"]["requested_fps"].clone(), said["game"].clone(), err)
    };
    let (fps, game, err) = record("none", &[]);
    assert_eq!((fps, game), (20.into(), Value::Null), "{err}");
    let (fps, game, _) = record("named", &["--game", "freedoom"]);
    assert_eq!((fps, game), (15.into(), "freedoom".into()));
    windows.command("open game 10 10 200 120 204080 class=doom-1 title=Level_1");
    let (fps, game, err) = record("window", &[]);
    assert_eq!((fps, game), (15.into(), "Freedoom".into()), "{err}");
    assert!(err.contains("configuration: [games.doom]"), "{err}");
    // The window that is recorded decides, and not one beside it.
    windows.command("open other 10 140 100 80 408020 class=Other title=Other");
    let (fps, _, err) = record("other", &["--app", "Other"]);
    assert_eq!(fps, 20, "{err}");
}
