//! The interactive player on folders from strangers, in a real terminal: it shows what there is or says what is wrong, leaves when it is told to, and
//! gives the terminal back.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use watchcap::session::layout;

use crate::replay::Terminal;
use crate::support::{copy_tree, synthetic};

/// For all folders, on a machine that does other things as well.
const LIMIT: Duration = Duration::from_mins(5);

type Put = fn(&Path);

/// What becomes of a file.
const KINDS: [(&str, Put); 9] = [
    ("missing", |_| ()),
    ("fifo", |path| assert!(Command::new("mkfifo").arg(path).status().expect("mkfifo").success())),
    ("device", |path| symlink("/dev/zero", path).expect("a link")),
    ("loop", |path| symlink(path, path).expect("a link")),
    ("folder", |path| fs::create_dir(path).expect("a folder")),
    ("endless", |path| fs::File::create(path).and_then(|file| file.set_len(1 << 40)).expect("a file")),
    ("empty", |path| fs::write(path, "").expect("a file")),
    ("noise", |path| {
        let noise = |n: u32| (n.wrapping_mul(2_654_435_761) >> 13) as u8;
        fs::write(path, (0..20_000).map(noise).collect::<Vec<_>>()).expect("a file");
    }),
    ("escapes", |path| {
        fs::write(path, "\x1b]2;pwned\x07\x1b]52;c;cHduZWQ=\x1b\\\x1b[2J\n".repeat(100)).expect("a file");
    }),
];

/// Texts in the place of the metadata: right JSON, and nothing else is right.
const METADATA: [(&str, &str, &str); 8] = [
    ("version", "\"format_version\": \"1.", "\"format_version\": \"\\u001b]2;pwned\\u0007."),
    ("later", "\"format_version\": \"1.", "\"format_version\": \"9."),
    ("frames", "\"frames\": ", "\"frames\": 99999999999999"),
    ("duration", "\"duration_ns\": ", "\"duration_ns\": -"),
    ("long", "\"duration_ns\": ", "\"duration_ns\": 9999"),
    ("width", "\"width\": ", "\"width\": 4294967"),
    ("flat", "\"height\": ", "\"height\": 0, \"x\": "),
    ("id", "\"session_id\": \"", "\"session_id\": \"\\u009b2J\\u202epwned"),
];

fn remove(path: &Path) {
    if path.is_dir() {
        fs::remove_dir_all(path).expect("removed");
    } else {
        drop(fs::remove_file(path));
    }
}

/// A copy in which `name` is something else.
fn spoilt(from: &Path, to: &Path, name: &str, put: impl FnOnce(&Path)) {
    copy_tree(from, to);
    let path = to.join(name);
    remove(&path);
    put(&path);
}

/// The folders, below `dir`; answers with how many.
fn strangers(dir: &Path, session: &Path, log: &Path) -> usize {
    let at = |kind: &str, name: &str| dir.join(format!("{kind}-{}", name.replace('/', "_")));
    for (kind, put) in KINDS {
        for name in [layout::METADATA_FILE, layout::EVENTS_FILE, layout::FRAMES_FILE, layout::INTEGRITY_FILE] {
            spoilt(session, &at(kind, name), name, put);
        }
        for name in ["log/events/db", "log/facts", "log/frames.mp4", "log/lock", "log/events", "log"] {
            spoilt(log, &at(kind, name), name, put);
        }
    }
    for name in [layout::METADATA_FILE, layout::EVENTS_FILE, layout::FRAMES_FILE, "log/frames.mp4", "log/facts"] {
        let from = if name.starts_with("log") { log } else { session };
        let bytes = fs::read(from.join(name)).expect("bytes");
        spoilt(from, &at("half", name), name, |path| fs::write(path, &bytes[..bytes.len() / 2]).expect("a file"));
        let mut flipped = bytes.clone();
        flipped.iter_mut().step_by(97).for_each(|byte| *byte ^= 0x10);
        spoilt(from, &at("flipped", name), name, |path| fs::write(path, flipped).expect("a file"));
    }
    let text = fs::read_to_string(layout::metadata_path(session)).expect("metadata");
    for (kind, was, is) in METADATA {
        assert!(text.contains(was), "there is no {was}");
        let changed = text.replacen(was, is, 1);
        spoilt(session, &at("says", kind), layout::METADATA_FILE, |path| fs::write(path, changed).expect("a file"));
    }
    let review = "{\"watchcap_review\": 1}\n\x1b]2;pwned\x07\n".repeat(1000);
    spoilt(session, &at("escapes", "review"), layout::REVIEW_FILE, |path| fs::write(path, review).expect("a file"));
    fs::create_dir(dir.join("nothing")).expect("a folder");
    symlink(session, dir.join("link")).expect("a link");
    fs::read_dir(dir).expect("a folder").count()
}

#[test]
fn the_player_comes_to_an_end_on_every_strangers_folder() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = synthetic(dir.path(), "s", &[]);
    let log = synthetic(dir.path(), "l", &["--no-finalize"]);
    let (folders, told) = (dir.path().join("folders"), dir.path().join("told"));
    fs::create_dir(&folders).expect("a folder");
    fs::create_dir(&told).expect("a folder");
    let count = strangers(&folders, &session, &log);
    assert!(count > 100, "{count} folders");
    let script = dir.path().join("all.sh");
    let text = format!(
        "cd {folders}; sleep 1; for d in *; do timeout --foreground 20 {program} replay --pictures blocks $d 2>{told}/$d; \
         echo $d $? >>{told}.codes; done; sleep 300",
        folders = folders.display(),
        program = env!("CARGO_BIN_EXE_watchcap"),
        told = told.display(),
    );
    fs::write(&script, text).expect("a script");
    let terminal = Terminal::start("strangers", &format!("sh {}", script.display()), (100, 30));
    let written = dir.path().join("written");
    terminal.tmux(&["pipe-pane", "-o", &format!("cat > '{}'", written.display())]);
    let codes = || fs::read_to_string(told.with_extension("codes")).unwrap_or_default();
    let began = Instant::now();
    while codes().lines().count() < count {
        assert!(began.elapsed() < LIMIT, "after {LIMIT:?}:\n{}", codes());
        terminal.keys(&["Right", "End", "Tab", "?", "?", "q"]);
        std::thread::sleep(Duration::from_millis(200));
    }
    assert_eq!(
        terminal.tmux(&["display-message", "-p", "#{alternate_on}"]).trim(),
        "0",
        "the terminal is not given back"
    );
    let title = terminal.tmux(&["display-message", "-p", "#{pane_title}"]);
    assert!(!title.contains("pwned"), "{title}");
    let bytes = fs::read(&written).expect("what was written");
    let holds = |what: &str| bytes.windows(what.len()).any(|part| part == what.as_bytes());
    for what in ["]2;pwned", "]52;", "\u{9b}2J", "\u{202e}", "panicked", "a fault in watchcap"] {
        assert!(!holds(what), "{what:?} was written");
    }
    let mut played = 0;
    for line in codes().lines() {
        let (name, code) = line.rsplit_once(' ').expect("a code");
        let err = fs::read_to_string(told.join(name)).expect("what was said");
        assert!(matches!(code, "0" | "1" | "2" | "3"), "{name} ended with {code}: {err}");
        assert!(code == "0" || err.contains("error: "), "{name} ended with {code}: {err}");
        assert!(!err.contains("panicked") && !err.contains("a fault in watchcap"), "{name}: {err}");
        let steers = err.chars().find(|c| *c != '\n' && watchcap::base::shown::steers(*c));
        assert_eq!(steers, None, "{name}: {err}");
        played += u32::from(code == "0");
    }
    assert!(played > 0, "nothing was played:\n{}", codes());
    println!("{count} folders, of which {played} were played");
}
