//! What a person meets first: help, the names of verbs, what is said and what is kept quiet.

use crate::support::{run, synthetic, watchcap};

/// The headings of a help, in their order.
fn headings(help: &str) -> Vec<&str> {
    help.lines()
        .filter(|line| line.ends_with(':') && !line.starts_with(' '))
        .map(|line| line.trim_end_matches(':'))
        .collect()
}

#[test]
fn the_options_of_record_stand_under_headings() {
    let (code, out, err) = run(watchcap().args(["record", "--help"]));
    assert_eq!(code, 0, "{err}");
    let found = headings(&out);
    let wanted = [
        "Options",
        "What is recorded",
        "Video",
        "Backends",
        "What is kept out",
        "While recording",
        "For the metadata",
        "Global options",
        "Examples",
    ];
    let in_order: Vec<_> = found.iter().filter(|heading| wanted.contains(heading)).copied().collect();
    assert_eq!(in_order, wanted, "{out}");
    // Nothing steers a terminal that is none.
    assert!(!out.contains('\u{1b}'), "{out:?}");
    for verb in ["verify", "doctor", "export"] {
        let (_, out, _) = run(watchcap().args([verb, "-h"]));
        assert!(headings(&out).ends_with(&["Global options", "Examples"]), "{out}");
    }
}

#[test]
fn sessions_are_listed_by_ls_and_played_by_play() {
    let dir = tempfile::tempdir().expect("a folder");
    synthetic(dir.path(), "s", &[]);
    let (code, out, err) = run(watchcap().arg("ls").current_dir(dir.path()));
    assert!(code == 0 && out.contains("sealed") && out.lines().any(|line| line.starts_with("s ")), "{out}{err}");
    assert_eq!(run(watchcap().args(["info", "."]).current_dir(dir.path())).1, out);
    let (_, checked, _) = run(watchcap().args(["play", "--check", "--json", "s"]).current_dir(dir.path()));
    let report: serde_json::Value = serde_json::from_str(&checked).expect("JSON");
    assert!(report.is_object(), "{checked}");
    let (_, help, _) = run(watchcap().arg("--help"));
    assert!(help.contains("[alias: ls]") && help.contains("[alias: play]"), "{help}");
}

#[test]
fn completions_and_manual_pages_are_made() {
    for (shell, part) in [
        ("bash", "complete -F"),
        ("zsh", "#compdef watchcap"),
        ("fish", "complete -c watchcap"),
        ("powershell", "Register-ArgumentCompleter"),
    ] {
        let (code, out, err) = run(watchcap().args(["completions", shell]));
        assert!(code == 0 && out.contains(part) && out.contains("max-dropped"), "{shell}: {err}");
    }
    let dir = tempfile::tempdir().expect("a folder");
    let (code, _, err) = run(watchcap().arg("man").arg(dir.path().join("man1")));
    assert_eq!(code, 0, "{err}");
    let page = |name: &str| std::fs::read_to_string(dir.path().join("man1").join(name)).expect("a page");
    let record = page("watchcap-record.1");
    for part in [
        ".TH watchcap-record 1",
        ".SH \"WHAT IS KEPT OUT\"",
        ".SH EXAMPLES",
        "watchcap record \\-\\-consent screen,input",
    ] {
        assert!(record.contains(part), "{part} is not in\n{record}");
    }
    assert!(
        page("watchcap.1").contains("watchcap\\-verify(1)") && page("watchcap-config-init.1").contains("commented out")
    );
    assert!(!record.contains('\u{1b}'), "nothing steers a terminal");
}

#[test]
fn quiet_leaves_results_and_errors_and_the_log_file_has_all() {
    let dir = tempfile::tempdir().expect("a folder");
    let log = dir.path().join("watchcap.log");
    let record = |name: &str, more: &[&str]| {
        let mut command = watchcap();
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
        run(command.arg("--out").arg(dir.path()).args(["--session", name]).args(more))
    };
    let (code, out, err) = record("a", &["--quiet", "--log-file", log.to_str().expect("text")]);
    assert!(code == 0 && err.is_empty() && out.trim_end().ends_with("/a"), "{out}{err}");
    let said = std::fs::read_to_string(&log).expect("a log file");
    for what in ["recording ", "recorded ", "sealed ", "fps=30", "watchcap 0."] {
        assert!(said.contains(what), "'{what}' is not in\n{said}");
    }
    let is_stamped = |line: &str| line.starts_with("20") && line.contains("Z ");
    assert!(said.lines().all(is_stamped), "{said}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(&log).expect("its mode").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "what is said may name windows");
    }
    // Appended to; errors are said in both places.
    let (code, _, err) =
        run(watchcap().args(["-q", "--log-file"]).arg(&log).arg("verify").arg(dir.path().join("none")));
    let both = std::fs::read_to_string(&log).expect("a log file");
    assert!(code == 1 && err.starts_with("error: ") && both.starts_with(&said), "{err}");
    assert!(both.lines().any(|line| line.contains("ERROR error: ")), "{both}");
    // Without either all is said.
    let (_, _, err) = record("b", &[]);
    assert!(err.contains("recorded ") && err.contains("sealed "), "{err}");
}

#[test]
fn a_log_file_that_cannot_be_written_is_refused_before_anything_is_done() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut command = watchcap();
    command.args(["record", "--source", "synthetic", "--duration", "300ms", "--session", "s", "--out"]).arg(dir.path());
    let (code, _, err) = run(command.args(["--log-file", "/nonexistent/x.log"]));
    assert!(code == 2 && err.contains("/nonexistent/x.log") && err.contains("hint: "), "{err}");
    assert!(!dir.path().join("s").exists());
    let (code, _, err) = run(watchcap().args(["-q", "-v", "info"]));
    assert!(code == 2 && err.contains("cannot be used with"), "{err}");
}
