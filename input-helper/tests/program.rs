//! The program says what it is and does nothing when a person starts it. What it does for a recorder is tested by `tests/input_helper.rs` of the
//! workspace, which needs the program that is built for this test.

use std::process::Command;

#[test]
fn a_person_who_starts_it_is_told_who_does() {
    for args in [&[][..], &["--help"], &["--version"]] {
        let output = Command::new(env!("CARGO_BIN_EXE_watchcap-input-helper"))
            .args(args)
            .env_remove("PKEXEC_UID")
            .output()
            .expect("the program");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(1) && output.stdout.is_empty(), "{said}");
        let word = if cfg!(target_os = "linux") { "pkexec" } else { "no such devices" };
        assert!(said.contains(word) && said.lines().count() == 1, "{said}");
    }
}
