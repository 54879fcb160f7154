//! Rules about the code itself that no compiler checks.

mod uses;

use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources(dir: &str) -> Vec<PathBuf> {
    let mut out = Vec::new();
    let mut folders = vec![root().join(dir)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                out.push(path);
            }
        }
    }
    assert!(!out.is_empty(), "{dir} has no sources");
    out.sort();
    out
}

/// The sources of the program and of its library, each by its name below the `src` that it is in, with slashes: the rooms of both have names of
/// their own, and stand on the floors of one house.
fn house() -> Vec<(String, PathBuf)> {
    let of = |src: &str| {
        let below = root().join(src);
        let name = |path: &Path| path.strip_prefix(&below).expect("below src").to_string_lossy().replace('\\', "/");
        sources(src).into_iter().map(|path| (name(&path), path)).collect::<Vec<_>>()
    };
    let mut all = [of("src"), of("format/src")].concat();
    all.sort();
    all
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).expect("a source")
}

#[test]
fn every_test_file_is_listed() {
    let main = text(&root().join("tests/main.rs"));
    for path in std::fs::read_dir(root().join("tests")).expect("a folder") {
        let path = path.expect("an entry").path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let is_module = path.extension().is_some_and(|e| e == "rs") || path.join("mod.rs").is_file();
        if is_module && name != "main" {
            assert!(
                main.contains(&format!("mod {name};")),
                "tests/{name} is not listed in tests/main.rs and never runs"
            );
        }
    }
}

#[test]
fn every_file_says_what_it_owns() {
    for dir in ["src", "format/src", "replay/src", "migrations/src", "pipewire/src", "input-helper/src", "tests"] {
        for path in sources(dir) {
            assert!(text(&path).starts_with("//! "), "{} does not open with a //! line", path.display());
        }
    }
}

/// The signs of rooms in which something is still done. It only gets shorter.
const MOD_FILES_WITH_LOGIC: [&str; 0] = [];

/// A `mod.rs` is the sign of its room: what it is about, its files, and the names that others know it by.
#[test]
fn mod_files_have_no_logic() {
    let mut found = Vec::new();
    for dir in ["src", "format/src", "replay/src", "migrations/src"] {
        for path in sources(dir).into_iter().filter(|path| path.ends_with("mod.rs")) {
            let source = text(&path);
            let is_logic = |line: &str| {
                let line = line.strip_prefix("pub(crate) ").or(line.strip_prefix("pub ")).unwrap_or(line);
                let words = [
                    "fn ",
                    "const ",
                    "static ",
                    "struct ",
                    "enum ",
                    "trait ",
                    "impl ",
                    "impl<",
                    "type ",
                    "macro_rules!",
                ];
                words.iter().any(|word| line.starts_with(word))
            };
            if source.lines().any(is_logic) {
                found.push(path.strip_prefix(root()).expect("below the root").to_string_lossy().replace('\\', "/"));
            }
        }
    }
    found.sort();
    assert_eq!(found, MOD_FILES_WITH_LOGIC);
}

/// What makes, changes or removes a file or a folder, or opens one to be written to.
const CHANGES: [&str; 16] = [
    "fs::write(",
    "fs::copy(",
    "fs::rename(",
    "fs::remove_",
    "fs::create_dir",
    "fs::hard_link(",
    "fs::set_permissions(",
    ".set_permissions(",
    "fs::symlink(",
    "File::create(",
    "File::create_new(",
    "File::options(",
    "OpenOptions",
    "DirBuilder",
    "rustix::fs::open",
    "rustix::fs::unlink",
];

/// Elsewhere a name could be followed, emptied or replaced that somebody else put there.
#[test]
fn files_are_changed_in_one_place() {
    for (inside, path) in house() {
        let is_test =
            path.file_stem().is_some_and(|name| name == "tests" || name.to_string_lossy().ends_with("_tests"));
        if is_test || inside.starts_with("base/files") {
            continue;
        }
        let source = text(&path);
        let code = source.split("#[cfg(test)]").next().unwrap_or_default();
        for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
            // A type of ours whose name ends in `File`.
            let line = line.replace("FactsFile::", "");
            let found = CHANGES.iter().find(|change| line.contains(*change));
            assert!(found.is_none(), "{}: use crate::base::files instead: {}", inside, line.trim());
        }
    }
}

/// The files that may ask which system, processor or feature they are compiled for: one room's door to it each. It only gets shorter.
const PLATFORM_FILES: [&str; 40] = [
    "base/child.rs",
    "base/child/shared.rs",
    "base/clock/mod.rs",
    "base/file_at.rs",
    "base/files/blocks.rs",
    "base/files/folder.rs",
    "base/files/folder/other.rs",
    "base/files/folder/unix.rs",
    "base/files/holding.rs",
    "base/files/holes.rs",
    "base/files/keeping.rs",
    "base/files/look.rs",
    "base/files/mod.rs",
    "base/files/modes.rs",
    "base/files/names.rs",
    "base/files/pins.rs",
    "base/files/reading.rs",
    "base/files/syncing.rs",
    "base/files/trust.rs",
    "base/person.rs",
    "base/priority.rs",
    "base/shown.rs",
    "capture/error.rs",
    // What stands in for pkexec is of debug builds alone.
    "capture/evdev/permission.rs",
    "capture/letterbox.rs",
    "capture/macos/mod.rs",
    "capture/mod.rs",
    "capture/portable/input.rs",
    "capture/portable/mod.rs",
    "capture/portable/refuse.rs",
    "capture/portable/screen.rs",
    "capture/registry.rs",
    "capture/wayland.rs",
    "capture/windows/mod.rs",
    "control/signals.rs",
    "control/transport.rs",
    "control/transport/waiting.rs",
    "encode/mod.rs",
    "encode/sound.rs",
    "session/table/sha256_lanes.rs",
];

/// Elsewhere what a system lacks would be found only where it is missing.
#[test]
fn only_named_files_know_what_they_are_compiled_for() {
    let mut found = Vec::new();
    for (inside, path) in house() {
        // What only tests need stands in a file of theirs, or at the bottom.
        if path.file_stem().is_some_and(|name| name.to_string_lossy().ends_with("tests")) {
            continue;
        }
        let source = text(&path);
        let code = source
            .split("#[cfg(all(test")
            .next()
            .and_then(|code| code.split("#[cfg(test)]").next())
            .unwrap_or_default();
        let asks = |line: &str| {
            let question =
                line.split_once("cfg").map(|(_, rest)| rest.trim_start_matches("_attr").trim_start_matches('!'));
            let about = |rest: &str| {
                let words = ["unix", "windows", "target_", "feature =", "debug_assertions"];
                rest.starts_with('(') && words.iter().any(|word| rest.contains(word))
            };
            question.is_some_and(about)
        };
        if code.lines().filter(|line| !line.trim_start().starts_with("//")).any(asks) {
            found.push(inside);
        }
    }
    assert_eq!(found, PLATFORM_FILES);
}

/// The files with `unsafe` in them, behind functions that are safe to call: each is what talks to one interface of a system, or of a library in C.
const UNSAFE_FILES: [&str; 21] = [
    // The performance counter.
    "base/clock/windows.rs",
    // Rights to files, and what a crash of the process leaves.
    "base/files/windows.rs",
    // All calls of macOS that capture is made of: displays, windows, rights; dictionaries; ScreenCaptureKit; the event tap.
    "capture/macos/ffi/desk.rs",
    "capture/macos/ffi/output.rs",
    "capture/macos/ffi/reading.rs",
    "capture/macos/ffi/stream.rs",
    "capture/macos/ffi/tap.rs",
    // libX11's error handler.
    "capture/portable/input.rs",
    // All calls of the Windows API that capture is made of: one folder, a file for each interface.
    "capture/windows/ffi/automation.rs",
    "capture/windows/ffi/canvas.rs",
    "capture/windows/ffi/compositor.rs",
    "capture/windows/ffi/desktop.rs",
    "capture/windows/ffi/duplication.rs",
    "capture/windows/ffi/gpu.rs",
    "capture/windows/ffi/list.rs",
    "capture/windows/ffi/listener.rs",
    "capture/windows/ffi/outputs.rs",
    "capture/windows/ffi/xinput.rs",
    // The memory that is shared with the X server.
    "capture/x11/shm.rs",
    // Named pipes, the console and the end of the session on Windows.
    "control/transport/ffi.rs",
    // The C++ interface of the encoder.
    "encode/raw.rs",
];

#[test]
fn unsafe_is_in_named_files() {
    let allows = |path: &Path| text(path).contains("(unsafe_code");
    let found: Vec<String> = house().into_iter().filter(|(_, path)| allows(path)).map(|(inside, _)| inside).collect();
    assert_eq!(found, UNSAFE_FILES);
}

/// What keeps captured pixels apart from those that may be seen, and the files that may use it: the painter of masks, those who have
/// pictures that nobody captured just now, and the type that holds captured ones.
const GATES: [(&str, &[&str]); 3] = [
    (".mask(", &["recorder/masking.rs"]),
    (
        "Masked::not_captured(",
        &["derive/redact/video.rs", "encode/ffmpeg/encoder.rs", "encode/probe.rs", "encode/rate.rs", "export/video.rs"],
    ),
    ("convert::to_planar(", &["encode/masked.rs"]),
];

#[test]
fn captured_pictures_have_one_way_out() {
    for (inside, path) in house() {
        if inside.ends_with("/tests.rs") || inside.ends_with("_tests.rs") {
            continue;
        }
        let source = text(&path);
        let code = source.split("#[cfg(test)]").next().unwrap_or_default();
        for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
            for (gate, users) in GATES {
                assert!(
                    !line.contains(gate) || users.contains(&inside.as_str()),
                    "{inside} uses {gate}: {}",
                    line.trim()
                );
            }
        }
    }
}

/// The floors of the house, lowest first: a room uses those on lower floors and itself, and nobody on its own floor.
const FLOORS: [&[&str]; 7] = [
    &["base"],
    &["config", "media", "privacy"],
    &["capture", "encode", "log", "session"],
    &["finalize", "inspect", "recorder"],
    &["control", "derive", "play"],
    &["export"],
    &["delete"],
];
/// What stands above them all, and knows each other.
const ROOF: [&str; 3] = ["cli", "cmd", "main"];

/// The circles between files that are left, by the first of their names. It only gets shorter.
const CIRCLES: [&str; 0] = [];

#[test]
fn rooms_use_only_what_stands_below_them() {
    let floor = |room: &str| FLOORS.iter().position(|floor| floor.contains(&room));
    for (file, used) in uses::of_all(&house()) {
        let room = uses::room(&file);
        if ROOF.contains(&room) {
            continue;
        }
        let own = floor(room).unwrap_or_else(|| panic!("{file}: {room} stands on no floor"));
        for other in used {
            let theirs = uses::room(&other);
            let is_below = floor(theirs).is_some_and(|theirs| theirs < own);
            assert!(theirs == room || is_below, "{file} uses {other}, which stands on no lower floor");
        }
    }
}

#[test]
fn no_files_use_each_other_in_a_circle() {
    let circles = uses::circles(&uses::of_all(&house()));
    let found: Vec<&str> = circles.iter().map(|circle| circle[0].as_str()).collect();
    assert_eq!(found, CIRCLES, "{circles:#?}");
}
