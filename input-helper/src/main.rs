//! `watchcap-input-helper`: lends the kernel's input devices to a recording, and takes them back when the session is locked or left.
//!
//! It is not meant for people: watchcap starts it by pkexec, which asks the person for the permission. Its standard input is a socket to the recorder.
//! What is said over it is in `wire.rs`. It reads no argument, no file and no variable but `PKEXEC_UID`, by which pkexec says who asked.
//!
//! Invariant: whatever ends it (the recorder hangs up, a signal, a fault, a panic) revokes all devices first; only SIGKILL of root does not.

#[cfg(target_os = "linux")]
mod apart;
#[cfg(target_os = "linux")]
mod asker;
#[cfg(target_os = "linux")]
mod cgroup;
#[cfg(target_os = "linux")]
mod gate;
#[cfg(target_os = "linux")]
mod lent;
#[cfg(target_os = "linux")]
mod logind;
#[cfg(target_os = "linux")]
mod revoke;
#[cfg(target_os = "linux")]
mod serve;

use std::io::Write as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    // It would print what went wrong before devices are taken back, and wait for whoever does not read that.
    std::panic::set_hook(Box::new(|_| {}));
    match started() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            // Nothing is lent here: whoever holds the other end of this pipe cannot keep devices by not reading it.
            drop(writeln!(std::io::stderr(), "watchcap-input-helper: {why}"));
            ExitCode::FAILURE
        }
    }
}

#[cfg(target_os = "linux")]
fn started() -> Result<(), String> {
    serve::run()
}

#[cfg(not(target_os = "linux"))]
fn started() -> Result<(), String> {
    Err("this system has no such devices".to_owned())
}
