//! Rules about the code itself that no compiler checks.

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
    for dir in ["src", "replay/src", "migrations/src", "tests"] {
        for path in sources(dir) {
            assert!(text(&path).starts_with("//! "), "{} does not open with a //! line", path.display());
        }
    }
}

/// The rows of the house, lowest first: a module uses those in lower rows and in its own row, apart from [`STRANGERS`].
const ROWS: [&[&str]; 5] = [
    &["event", "id", "time", "config", "files", "file_at", "hid", "hotkeys", "panics", "progress", "shown"],
    &["capture", "encode", "privacy", "log", "session"],
    &["recorder", "finalize", "redact", "migrate", "catalog", "export", "playback", "clip", "qa"],
    &["control", "signals"],
    &["cli", "cmd", "main"],
];
/// What a module must not know although it stands in the same row.
const STRANGERS: [(&str, &str); 7] = [
    ("capture", "log"),
    ("capture", "session"),
    ("encode", "log"),
    ("encode", "capture"),
    ("log", "session"),
    ("log", "capture"),
    ("session", "log"),
];

#[test]
fn modules_use_only_what_stands_below_them() {
    let row = |module: &str| ROWS.iter().position(|row| row.contains(&module));
    for path in sources("src") {
        let inside = path.strip_prefix(root().join("src")).expect("below src");
        let first = inside.components().next().expect("a name").as_os_str().to_string_lossy().into_owned();
        let module = first.trim_end_matches(".rs").to_owned();
        let is_test = path.file_stem().is_some_and(|name| name.to_string_lossy().ends_with("_tests"));
        if module == "lib" || is_test {
            continue;
        }
        let own = row(&module).unwrap_or_else(|| panic!("{module} stands in no row"));
        // Unit tests may reach anywhere: they stand at the bottom of their file, or in one of their own.
        let source = text(&path);
        let code = source.split("#[cfg(test)]").next().unwrap_or_default();
        for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
            for part in line.split("crate::").skip(1) {
                let used: String = part.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
                let Some(theirs) = row(&used) else { continue };
                assert!(theirs <= own, "{}: {module} uses {used}, which stands above it", inside.display());
                let stranger = STRANGERS.contains(&(module.as_str(), used.as_str()));
                assert!(!stranger, "{}: {module} must not know {used}", inside.display());
            }
        }
    }
}
