//! `docs/metadata.schema.json`, accepted by the stock validator: sessions of every version are held against it, and broken ones.

use std::path::Path;

use crate::support::{copy_tree, python, run, watchcap};

#[test]
fn sessions_of_every_version_pass_the_stock_validator_and_broken_ones_do_not() {
    let dir = tempfile::tempdir().expect("a folder");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let at = |name: &str| dir.path().join(name);
    let mut record = watchcap();
    record.args(["record", "--source", "synthetic", "--duration", "700ms", "--size", "320x180", "--fps", "20"]);
    record.args(["--mask", "0,0,16,16", "--patch", "1", "--client-version", "2.3", "--session", "recorded", "--out"]);
    let (code, _, err) = run(record.arg(dir.path()));
    assert!(code == 0 || code == 3, "{err}");
    for version in ["1.0.0", "1.1.0"] {
        let golden = root.join(format!("tests/golden/session-{version}"));
        copy_tree(&golden, &at(version));
        copy_tree(&golden, &at(&format!("{version}-lifted")));
    }
    let (code, _, err) = run(watchcap().args(["migrate", "--in-place"]).args([at("1.0.0-lifted"), at("1.1.0-lifted")]));
    assert_eq!(code, 0, "{err}");
    let (code, _, err) = run(watchcap().args(["redact", "--from", "0.1", "--to", "0.3", "--keys"]).arg(at("recorded")));
    assert_eq!(code, 0, "{err}");

    let schema = root.join("docs/metadata.schema.json");
    let recorded = std::fs::read_dir(dir.path()).expect("a folder").filter_map(Result::ok).map(|entry| entry.path());
    let mut good: Vec<_> = recorded
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("recorded")))
        .collect();
    assert_eq!(good.len(), 2, "the recording and what redact made of it");
    good.sort();
    good.extend([at("1.0.0-lifted"), at("1.1.0-lifted")]);
    let (not, old) = (Path::new("--not").to_path_buf(), [at("1.0.0"), at("1.1.0")]);
    let all: Vec<&Path> =
        [&schema].into_iter().chain(&good).chain([&not]).chain(&old).map(std::path::PathBuf::as_path).collect();
    let said = python("metadata_schema.py", &all);
    assert!(said.contains("4 accepted"), "{said}");
}
