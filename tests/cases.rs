//! Cases that other people's programs and complaints gave: each is a script of `tests/cases`, which gets the program's path. Exit 0 is right,
//! 2 and 77 mean that it could not be tried, anything else is wrong.
//!
//! A case that cannot be tried fails here too, unless it needs what not every machine has (root, or the packages of `make test-consumers`),
//! and then says so.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use crate::support::{Display, LOOP_DEVICES, venv_python};

/// Longest time for one case: the slowest takes 20 s on two busy cores.
const LIMIT: Duration = Duration::from_mins(4);

/// What a case needs beyond what `scripts/setup.sh test` installs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Needs {
    Nothing,
    /// Root, to mount a disk.
    Root,
    /// The packages that `make test-consumers` installs; that target runs it.
    Consumers,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases")
}

fn is(name: &str, extension: &str) -> bool {
    Path::new(name).extension().is_some_and(|found| found == extension)
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Runs a case and asserts that it is right, or that it could not be tried and need not be.
fn case(name: &str, needs: Needs) {
    if needs == Needs::Consumers {
        println!("skipped: {name} needs the packages of `make test-consumers`, which runs it");
        return;
    }
    let _loops = (needs == Needs::Root).then(|| LOOP_DEVICES.lock().unwrap_or_else(PoisonError::into_inner));
    let path = folder().join(name);
    let mut command = if is(name, "py") { venv_python() } else { Command::new("bash") };
    // Signals that the test's own parent ignores must not be ignored by what the case starts and interrupts.
    let mut with_signals = Command::new("env");
    with_signals.arg("--default-signal=INT,HUP,TERM").arg(command.get_program());
    command = with_signals;
    command.arg(&path).arg(env!("CARGO_BIN_EXE_watchcap")).stdin(Stdio::null());
    // Shell cases call `python3`: the one that has the readers.
    let python = PathBuf::from(venv_python().get_program());
    let bin = python.parent().map(Path::to_path_buf).unwrap_or_default();
    let search = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{}:{search}", bin.display()));
    let scratch = tempfile::tempdir().expect("a folder");
    let said = scratch.path().join("said");
    let out = std::fs::File::create(&said).expect("a file");
    command.stdout(out.try_clone().expect("a handle")).stderr(out).env("TMPDIR", scratch.path());
    let began = Instant::now();
    let mut child = command.spawn().expect("env and the interpreter of the case");
    let code = loop {
        if let Some(status) = child.try_wait().expect("its state") {
            break status.code().unwrap_or(-1);
        }
        if began.elapsed() > LIMIT {
            drop(child.kill());
            drop(child.wait());
            break -1;
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let said = std::fs::read_to_string(&said).unwrap_or_default();
    match code {
        0 => println!("right: {name}: {}", said.lines().last().unwrap_or_default()),
        2 | 77 if needs == Needs::Root && !is_root() => println!("skipped: {name} needs root"),
        code => panic!("{name} exits with {code} after {:?}:\n{said}", began.elapsed()),
    }
}

macro_rules! cases {
    ($($function:ident: $file:literal, $needs:ident;)*) => {
        $(#[test]
        fn $function() {
            case($file, Needs::$needs);
        })*

        /// Every case that is listed.
        const LISTED: &[&str] = &[$($file),*];
    };
}

cases! {
    deep_colour_hint: "deep_colour_hint.py", Nothing;
    grid_tail: "grid_tail.py", Nothing;
    import_consent: "import_consent.py", Nothing;
    import_empty_column: "import_empty_column.py", Nothing;
    import_refusals: "import_refusals.py", Nothing;
    import_units: "import_units.py", Nothing;
    lerobot_order: "lerobot_order.py", Consumers;
    locked_pointer: "locked_pointer.py", Nothing;
    nameless_locker: "nameless_locker.py", Nothing;
    nohup: "nohup.py", Nothing;
    open_lock_on_network_disk: "open_lock_on_network_disk.py", Root;
    popup_menu: "popup_menu.py", Nothing;
    remote_pointer: "remote_pointer.py", Nothing;
    torchcodec_approx: "torchcodec_approx.py", Consumers;
    two_keyboards: "two_keyboards.py", Nothing;
    vpt_names: "vpt_names.py", Nothing;
    warped_pointer: "warped_pointer.py", Nothing;
    catalog_hint: "n2-catalog-hint.sh", Nothing;
    consent_answer: "n2-consent-answer.sh", Nothing;
    doctor_config: "n2-doctor-config.sh", Nothing;
    doctor_exit: "n2-doctor-exit.sh", Nothing;
    doctor_wayland: "n2-doctor-wayland.sh", Nothing;
    export_many: "n2-export-many.sh", Nothing;
    export_rates: "n2-export-rates.sh", Nothing;
    export_task: "n2-export-task.sh", Nothing;
    finalize_again: "n2-finalize-again.sh", Nothing;
    plurals: "n2-plurals.sh", Nothing;
    readme_catalog_migrate: "n2-readme-catalog-migrate.sh", Nothing;
    withdrawn_export: "n2-withdrawn-export.sh", Nothing;
}

/// What is no case, or a case of work that is not done yet.
const NO_CASES: [&str; 2] = ["field.py", "n2-lib.sh"];

#[test]
fn every_case_is_listed() {
    let files: BTreeSet<String> = std::fs::read_dir(folder())
        .expect("tests/cases")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|name| is(name, "py") || is(name, "sh"))
        .collect();
    let listed: BTreeSet<String> = LISTED.iter().chain(&NO_CASES).map(|name| (*name).to_owned()).collect();
    assert_eq!(files, listed);
}

/// An X server is there, since a case that finds none says only that it was not tried.
#[test]
fn the_server_that_cases_need_starts() {
    assert!(Display::start(64, 64).name.starts_with(':'));
}
