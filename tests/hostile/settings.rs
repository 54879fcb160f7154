//! Configurations and profiles that somebody else wrote: read in bounded time, refused in a few lines, and believed only when they are one's own.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use watchcap::base::shown;

use crate::support::run;

/// Each verb that reads one, with the file behind it.
const VERBS: [&[&str]; 4] = [
    &["profile", "check"],
    &["consent", "show", "--config"],
    // What it measures is not what is tried here: small pictures, and no ffmpeg in PATH.
    &["doctor", "--size", "64x64", "--config"],
    &["record", "--source", "synthetic", "--size", "96x64", "--duration", "200ms", "--out", "OUT", "--config"],
];
const LIMIT: Duration = Duration::from_secs(20);
/// Most that is said of a file, bytes.
const MOST_SAID: usize = 12 << 10;

fn worst() -> Vec<(&'static str, Vec<u8>)> {
    let many = |count: usize, line: &dyn Fn(usize) -> String| (0..count).map(line).collect::<String>().into_bytes();
    let deep = |before: &str, open: &str, middle: &str, close: &str| {
        format!("{before}{}{middle}{}", open.repeat(100_000), close.repeat(100_000)).into_bytes()
    };
    let profile = "schema = 1\nname = \"x\"\ntitle = \"t\"\n";
    vec![
        ("arrays in arrays", deep("a = ", "[", "", "]")),
        ("arrays in arrays of a known key", deep("[privacy]\nmasks = ", "[", "", "]")),
        ("tables in tables", deep("a = ", "{a=", "1", "}")),
        ("a dotted key", deep("", "a.", "a = 1", "")),
        ("a dotted key of a known table", deep("record.", "a.", "a = 1", "")),
        ("a dotted table", deep("[", "a.", "a]", "")),
        ("a dotted list of tables", deep("[[", "a.", "a]]", "")),
        ("many keys", many(90_000, &|n| format!("k{n}=1\n"))),
        ("many tables", many(90_000, &|n| format!("[t{n}]\n"))),
        ("many keys below one", many(60_000, &|n| format!("a.b{n}.c=1\n"))),
        ("many masks", format!("[privacy]\nmasks = [{}]", "\"1,1,2,2\",".repeat(90_000)).into_bytes()),
        ("many applications", format!("[privacy]\nexclude_apps = [{}]", "\"a b\",".repeat(100_000)).into_bytes()),
        (
            "many masks of a profile",
            many(6_000, &|n| match n {
                0 => profile.to_owned(),
                _ => "[[mask]]\nreason=\"r\"\narea=\"1,1,2,2\"\n".to_owned(),
            }),
        ),
        ("a wrong mask far down", format!("{profile}{}[[mask]]\nreason = \"R\"\n", "\n".repeat(200_000)).into_bytes()),
        ("a long line", vec![b'x'; 1_000_000]),
        ("a long line in a profile", vec![b'x'; 200_000]),
        ("a long key", format!("{profile}{} = 1", "k".repeat(200_000)).into_bytes()),
        ("a long key code", format!("{profile}[keys]\ngame_keys = [\"{}\"]", "K".repeat(200_000)).into_bytes()),
        ("a long name of a profile", format!("[privacy]\nprofile = \"{}\"", "p".repeat(1_000_000)).into_bytes()),
        ("a long folder", format!("[record]\nout = \"{}\"", "/x".repeat(500_000)).into_bytes()),
        ("too much of it", vec![b'#'; (1 << 20) + 1]),
        ("zeros", vec![0; 1000]),
        ("Latin-1", b"[record]\nout = \"\xe9\"\n".to_vec()),
        ("UTF-16", b"\xff\xfe[\0r\0e\0c\0o\0r\0d\0]\0".to_vec()),
        ("escapes as they are", b"# \x1b]2;pwned\x07\n[record]\nfps = \"\x1b[2J\"\n".to_vec()),
        ("controls that TOML allows", "\"\u{9b}2J\u{202e}\" = 1 # \u{9b}2J\n".as_bytes().to_vec()),
        ("escapes in a name", b"[privacy]\nprofile = \"\\u001b]2;pwned\\u0007\\u009b2J\"\n".to_vec()),
        ("escapes in a title", b"schema = 1\nname = \"x\"\ntitle = \"\\u001b]2;pwned\\u0007\\u202e\"\n".to_vec()),
        ("no number", b"[record]\ngop = nan\n".to_vec()),
        ("a large number", b"[record]\nfps = 99999999999999999999\n".to_vec()),
        ("a number below zero", b"[record]\nfps = -1\n".to_vec()),
    ]
}

#[test]
fn the_worst_settings_are_read_in_bounded_time_and_refused_in_a_few_lines() {
    let dir = tempfile::tempdir().expect("a folder");
    let (path, out) = (dir.path().join("settings.toml"), dir.path().join("out"));
    for (what, bytes) in worst() {
        fs::write(&path, bytes).expect("a file");
        for verb in VERBS {
            let began = Instant::now();
            let mut command = Command::new("/usr/bin/timeout");
            command.args(["20", env!("CARGO_BIN_EXE_watchcap")]);
            command
                .args(verb.iter().map(|word| if *word == "OUT" { out.as_os_str() } else { word.as_ref() }))
                .arg(&path);
            command
                .env("PATH", "/nonexistent")
                .env("XDG_CONFIG_HOME", "/nonexistent")
                .env("WATCHCAP_CONSENT", "screen,input")
                .stdin(Stdio::null());
            let (code, said, err) = run(&mut command);
            assert!((0..=3).contains(&code), "{what}: {verb:?} ended with {code}: {err:.2000}");
            assert!(began.elapsed() < LIMIT, "{what}: {verb:?} took {:?}", began.elapsed());
            assert!(said.len() + err.len() <= MOST_SAID, "{what}: {verb:?} said {} bytes", said.len() + err.len());
            assert!(!err.contains("a fault in watchcap") && !err.contains("panicked"), "{what}: {verb:?}: {err}");
            let steers = said.chars().chain(err.chars()).find(|c| *c != '\n' && shown::steers(*c));
            assert_eq!(steers, None, "{what}: {verb:?}: {err}");
            assert!(code == 0 || err.contains("error: "), "{what}: {verb:?} ended with {code}: {err}");
        }
    }
}

/// The program with a folder of settings of the test's own.
fn with_settings(home: &Path, args: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_watchcap"));
    command.args(args).env("XDG_CONFIG_HOME", home).env_remove("WATCHCAP_ALLOW_SHARED_FOLDER").stdin(Stdio::null());
    run(&mut command)
}

#[test]
fn settings_that_others_can_change_are_not_followed() {
    let dir = tempfile::tempdir().expect("a folder");
    let (home, own) = (dir.path(), dir.path().join("watchcap"));
    let (config, profile) = (own.join("config.toml"), own.join("profiles/desktop.toml"));
    fs::create_dir_all(own.join("profiles")).expect("a folder");
    fs::write(&config, "[record]\nconsent = [\"screen\", \"input\"]\n").expect("a file");
    fs::write(&profile, "schema = 1\nname = \"desktop\"\ntitle = \"Nothing is kept out\"\n").expect("a file");
    let mode = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).expect("a mode");
    let named = config.to_str().expect("text").to_owned();
    let out = dir.path().join("out").to_str().expect("text").to_owned();
    let record = ["record", "--source", "synthetic", "--size", "96x64", "--duration", "200ms", "--out", &out];
    let verbs: [(&[&str], &Path); 5] = [
        (&record, &config),
        (&["consent", "show"], &config),
        (&["--config", &named, "profile", "list"], &config),
        (&["profile", "list"], &profile),
        (&["profile", "show", "desktop"], &profile),
    ];
    for (args, _) in verbs {
        let (code, _, err) = with_settings(home, args);
        assert_eq!(code, 0, "{args:?}: {err}");
    }
    let refused = |file: &Path, why: &str| {
        for (args, reads) in verbs {
            if reads != file {
                continue;
            }
            let (code, _, err) = with_settings(home, args);
            assert!(matches!(code, 1 | 2) && err.contains(why), "{args:?}: {code} {err}");
            assert!(err.contains("--allow-shared-folder") && err.contains("hint: "), "{args:?}: {err}");
            let (code, _, err) = with_settings(home, &[&["--allow-shared-folder"], args].concat());
            assert_eq!(code, 0, "{args:?}: {err}");
        }
    };
    for file in [&config, &profile] {
        mode(file, 0o666);
        refused(file, "everybody can write to it");
        mode(file, 0o644);
        let folder = file.parent().expect("a folder");
        mode(folder, 0o777);
        refused(file, "everybody can write to it");
        mode(folder, 0o755);
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::chown(file, Some(65_534), None).expect("an owner");
            refused(file, "it belongs to a user that is not known here");
            std::os::unix::fs::chown(file, Some(0), None).expect("an owner");
        } else {
            println!("NOT TESTED: settings of another user, since only root can give one away");
        }
    }
    // What a stranger sent can be checked.
    mode(&profile, 0o666);
    let (code, _, err) = with_settings(home, &["profile", "check", profile.to_str().expect("text")]);
    assert_eq!(code, 0, "{err}");
}
