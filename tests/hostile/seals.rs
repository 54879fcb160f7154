//! `verify` is stricter than `sha256sum -c`: what that would pass over or misunderstand is an error with its line.

use std::fs;
use std::path::Path;

use watchcap::session::layout;
use watchcap::session::verify::video::open_video;
use watchcap::session::verify::{Kind, Report, VerifyOptions, verify};

use super::golden;
use crate::support::{run, watchcap};

fn check(dir: &Path) -> Report {
    verify(dir, VerifyOptions::default(), &mut |path| open_video(path), &mut |_| {})
}

type Put = fn(&Path);

/// The seal changed by hand, and what `verify` says of it.
#[test]
fn every_line_that_we_would_not_write_is_refused_with_its_reason() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = golden(dir.path());
    assert!(check(&session).ok(), "{:#?}", check(&session).problems);
    let path = layout::integrity_path(&session);
    let good = fs::read_to_string(&path).expect("a seal");
    let lines: Vec<&str> = good.lines().collect();
    assert_eq!(lines.len(), 3);
    let hash = &lines[0][..64];
    let with = |line: String| format!("{good}{line}\n");
    let long = format!("z/{}", "a/".repeat(9));
    for (seal, line, why) in [
        (good.replace('\n', "\r\n"), 1, "CR LF"),
        (good.trim_end().to_owned(), 3, "the last line has no end"),
        (good.clone() + "\n", 4, "expected 64 digits"),
        (format!("\u{feff}{good}"), 1, "expected 64 digits"),
        (good.replace(hash, &hash.to_uppercase()), 1, "lowercase"),
        (good.replacen(hash, &hash[1..], 1), 1, "expected 64 digits"),
        (good.replacen("  ", " *", 1), 1, "two spaces"),
        (good.replacen("  ", "   ", 1), 1, "a character other than"),
        (good.replacen("  ", "\t", 1), 1, "two spaces"),
        (format!("{}\n{}\n{}\n", lines[1], lines[0], lines[2]), 2, "order of their bytes"),
        (format!("{}\n{good}", lines[0]), 2, "there twice"),
        (with(format!("{hash}  /etc/passwd")), 4, "absolute"),
        (with(format!("{hash}  ../other")), 4, "`..`"),
        (with(format!("{hash}  z/../../other")), 4, "`..`"),
        (with(format!("{hash}  ./z")), 4, "`.`"),
        (with(format!("{hash}  z//z")), 4, "empty part"),
        (with(format!("{hash}  {long}z")), 4, "deeper"),
        (with(format!("\\{hash}  z\\nz")), 4, "backslash"),
        (with(format!("{hash}  z\\z")), 4, "a character other than"),
        (with(format!("{hash}  z z")), 4, "a character other than"),
        (with(format!("{hash}  z\u{1b}[2J")), 4, "a character other than"),
        (with(format!("{hash}  log/lock")), 4, "not one that is sealed"),
        (with(format!("{hash}  integrity.sha256")), 4, "not one that is sealed"),
        (format!("# a remark\n{good}"), 1, "expected 64 digits"),
        (String::new(), 1, "the last line has no end"),
    ] {
        fs::write(&path, &seal).expect("a seal");
        let report = check(&session);
        let problem =
            report.problems.iter().find(|problem| problem.kind == Kind::Seal).unwrap_or_else(|| panic!("{seal:?}"));
        assert!(
            problem.what.contains(&format!("line {line}: ")) && problem.what.contains(why),
            "{seal:?}: {}",
            problem.what
        );
    }
    fs::write(&path, [good.as_bytes(), b"\xff\n"].concat()).expect("a seal");
    assert!(check(&session).problems.iter().any(|problem| problem.what.contains("line 4: it is not UTF-8")));
    fs::write(&path, vec![b'a'; 17 << 20]).expect("a seal");
    assert!(check(&session).problems.iter().any(|problem| problem.what.contains("more than 16777216")));
    fs::write(&path, &good).expect("a seal");
    assert!(check(&session).ok());
}

#[cfg(unix)]
#[test]
fn what_lies_in_the_folder_beside_sealed_files_is_named() {
    use std::os::unix::fs::symlink;
    let dir = tempfile::tempdir().expect("a folder");
    let elsewhere = dir.path().join("elsewhere");
    fs::write(&elsewhere, "{}").expect("a file");
    let made: [(&str, Put, Kind); 8] = [
        ("extra.bin", |path| fs::write(path, "x").expect("a file"), Kind::ExtraFile),
        (".hidden", |path| fs::write(path, "x").expect("a file"), Kind::ExtraFile),
        ("metadata.json.tmp", |path| fs::write(path, "x").expect("a file"), Kind::ExtraFile),
        ("log", |path| fs::write(path, "x").expect("a file"), Kind::ExtraFile),
        ("debug", |path| fs::create_dir(path).expect("a folder"), Kind::ExtraFile),
        ("with space", |path| fs::create_dir(path).expect("a folder"), Kind::ForeignFile),
        ("link", |path| symlink("metadata.json", path).expect("a link"), Kind::ForeignFile),
        ("dangling", |path| symlink("nowhere", path).expect("a link"), Kind::ForeignFile),
    ];
    for (name, make, kind) in made {
        let session = golden(dir.path());
        make(&session.join(name));
        let report = check(&session);
        let problems: Vec<_> = report.problems.iter().map(|problem| (problem.kind, problem.file.as_str())).collect();
        assert_eq!(problems, [(kind, name)]);
        fs::remove_dir_all(&session).expect("removed");
    }
    // A link in the place of a file is not followed, whatever it points at: nothing is said of what is in there.
    for name in [layout::METADATA_FILE, layout::EVENTS_FILE, layout::FRAMES_FILE] {
        let session = golden(dir.path());
        let target = dir.path().join("same");
        fs::rename(session.join(name), &target).expect("moved");
        symlink(&target, session.join(name)).expect("a link");
        let problems = check(&session).problems;
        let found = |kind| problems.iter().any(|problem| problem.kind == kind && problem.file == name);
        assert!(found(Kind::ForeignFile) && found(Kind::MissingFile), "{problems:#?}");
        assert!(problems.iter().any(|problem| problem.what == "it is not there as a regular file"), "{problems:#?}");
        fs::remove_dir_all(&session).expect("removed");
    }
    // The seal itself.
    let session = golden(dir.path());
    fs::rename(layout::integrity_path(&session), dir.path().join("seal")).expect("moved");
    symlink(dir.path().join("seal"), layout::integrity_path(&session)).expect("a link");
    let problems = check(&session).problems;
    assert!(
        problems.iter().any(|problem| (problem.kind, problem.file.as_str()) == (Kind::ForeignFile, "integrity.sha256")),
        "{problems:#?}"
    );
}

/// A hard link is told and is no fault: backups are made of them.
#[cfg(unix)]
#[test]
fn a_hard_link_is_a_note() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = golden(dir.path());
    fs::hard_link(layout::frames_path(&session), dir.path().join("other")).expect("a link");
    let report = check(&session);
    assert!(report.ok());
    assert!(
        report.notes.iter().any(|note| note.contains("frames.mp4") && note.contains("hard link")),
        "{:?}",
        report.notes
    );
    let (code, _, err) = run(watchcap().arg("verify").arg(&session));
    assert!(code == 0 && err.contains("hard link"), "{err}");
}
