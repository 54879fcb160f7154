//! Attacks, each a script in `tests/attacks` that ends with 0 when it holds: by another user of the machine, by whoever sends files, by
//! a client of the display. Most need root and two users, alice and bob, which are made when they are missing; without root that is said.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Once;

use crate::support::run;

/// How often an attack is tried that wins only at the right moment.
const TRIES: u32 = 3;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/attacks")
}

/// Makes the two users that attacks are played by, as far as this process may.
fn make_users() {
    static MADE: Once = Once::new();
    MADE.call_once(|| {
        if !rustix::process::geteuid().is_root() {
            return;
        }
        for user in ["alice", "bob"] {
            let is_there = || Command::new("id").arg(user).output().is_ok_and(|found| found.status.success());
            if !is_there() {
                drop(Command::new("useradd").arg(user).output());
                assert!(is_there(), "the user {user} cannot be made: run `useradd {user}`");
            }
        }
    });
}

/// Runs an attack on a copy of the program that every user can run.
fn attack(name: &str, tries: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    make_users();
    let dir = tempfile::tempdir_in("/tmp").expect("a folder");
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).expect("a mode");
    let (built, program) = (env!("CARGO_BIN_EXE_watchcap"), dir.path().join("watchcap"));
    if std::fs::hard_link(built, &program).is_err() {
        std::fs::copy(built, &program).expect("a copy of the program");
    }
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join(".venv/bin/python");
    for _ in 0..tries {
        let mut command = Command::new("bash");
        command.arg(folder().join(format!("{name}.sh"))).arg(&program).env("TMPDIR", "/tmp");
        command.env_remove("WATCHCAP_CONSENT").env("XDG_CONFIG_HOME", "/nonexistent").env("PYTHON", &python);
        command.env_remove("WATCHCAP_ALLOW_SHARED_FOLDER");
        let (code, out, err) = run(&mut command);
        assert_eq!(code, 0, "{name}:\n{out}{err}");
        if out.contains("skipped:") {
            println!("NOT TESTED: {name}: {out}");
        }
    }
}

macro_rules! attacks {
    ($($name:ident $tries:expr;)*) => {
        /// Those that hold.
        const HELD: &[&str] = &[$(stringify!($name)),*];
        $(
            #[test]
            fn $name() {
                attack(stringify!($name), $tries);
            }
        )*
    };
}

attacks! {
    catalog_forged 1;
    clip_many_reasons 1;
    control_folder_taken 1;
    export_manifest_deletes 1;
    hard_link_temp 1;
    import_many_reasons 1;
    leftover_deletes_anything 1;
    record_folder_swapped TRIES;
    redact_border 1;
    redact_held_after_pause 1;
    x_many_windows 1;
}

#[test]
fn every_attack_is_run() {
    let scripts = std::fs::read_dir(folder()).expect("a folder").map(|entry| entry.expect("an entry").path());
    let scripts = scripts.filter(|path| path.extension().is_some_and(|ending| ending == "sh"));
    let mut names: BTreeSet<String> =
        scripts.map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned()).collect();
    for library in ["lib", "pylib"] {
        assert!(names.remove(library), "{library}.sh is not there");
    }
    let told: BTreeSet<String> = HELD.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(names, told);
}
