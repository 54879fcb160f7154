//! Ctrl-C and its kin: asked to stop, a recording ends in good order; SIGUSR2 takes consent back. A second signal changes nothing; a third ends nothing
//! that is being sealed either. A signal that was ignored when the program started (`nohup`, a background job of a script) stays ignored. A file that has reached its size limit is an error of the write and not the end of the process.

use std::sync::Arc;

use crate::base::time::Clock;
use crate::recorder::{Control, Stop};

/// Number of the first signal in the masks of `/proc/self/status`.
#[cfg(target_os = "linux")]
const FIRST_SIGNAL: i32 = 1;

/// Whether a signal was ignored when the program started. Read before any handler is set; where the system does not tell without
/// `unsafe`, no signal counts as ignored.
#[cfg(unix)]
fn is_ignored(signal: i32) -> bool {
    #[cfg(target_os = "linux")]
    {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        ignored_mask(&status).is_some_and(|mask| mask >> (signal - FIRST_SIGNAL) & 1 == 1)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = signal;
        false
    }
}

/// The mask of ignored signals in the text of `/proc/PID/status`.
#[cfg(target_os = "linux")]
fn ignored_mask(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
    u64::from_str_radix(line.trim(), 16).ok()
}

/// Returns how the recording is ended, for its ready line: by Ctrl-C unless that is ignored, and from elsewhere by the first signal that
/// is heeded, else over the control socket.
#[cfg(unix)]
pub fn how_to_stop() -> String {
    use signal_hook::consts::{SIGINT, SIGTERM};
    let pid = std::process::id();
    let command = |name| format!("kill -{name} {pid}");
    match [SIGINT, SIGTERM].map(is_ignored) {
        [false, _] => format!("stop with Ctrl-C here, or: {}", command("INT")),
        [true, false] => format!("stop with: {}", command("TERM")),
        [true, true] => format!("stop with: watchcap stop --pid {pid}"),
    }
}

/// Returns how the recording is ended, for its ready line.
#[cfg(windows)]
pub fn how_to_stop() -> String {
    format!("stop with Ctrl-C here, or: watchcap stop --pid {}", std::process::id())
}

/// Ends the recording when the process is asked to end: SIGINT, SIGTERM, SIGHUP; SIGUSR2 takes back the
/// consent to all of it. Of these, a signal that was ignored when the program started stays ignored.
///
/// # Errors
/// When the system refuses the handlers.
#[cfg(unix)]
pub fn stop_on_signals(stop: &Stop, control: &Control, clock: &Arc<dyn Clock>) -> std::io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR2, SIGXFSZ};

    use crate::privacy::consent::WITHDRAWN;
    use crate::recorder::Way;
    let heeded = [SIGINT, SIGTERM, SIGHUP, SIGUSR2].into_iter().filter(|signal| !is_ignored(*signal));
    let mut signals = signal_hook::iterator::Signals::new(heeded)?;
    // With any handler the write answers EFBIG, which ends the recording in good order.
    signal_hook::flag::register(SIGXFSZ, Arc::default())?;
    let (stop, control, clock) = (stop.clone(), control.clone(), Arc::clone(clock));
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            for signal in signals.forever() {
                if signal == SIGUSR2 && control.withdraw(&[], Way::Signal, clock.as_ref(), &stop).is_ok() {
                    continue;
                }
                stop.ask(match signal {
                    SIGTERM => "sigterm",
                    SIGHUP => "sighup",
                    // Before it began: then nothing was recorded.
                    SIGUSR2 => WITHDRAWN,
                    _ => "sigint",
                });
            }
        })
        .map(drop)
}

/// Ends the recording when the process is asked to end: Ctrl-C and Ctrl-Break, the console's window closed (`sighup`), the end of the session and
/// `taskkill` (`sigterm`). The system ends the process five seconds after the console or the session: what has to be on the disk is there in
/// a fraction of one, and a recording that is not sealed by then is by `finalize`.
///
/// # Errors
/// When the system refuses the handler.
#[cfg(windows)]
pub fn stop_on_signals(stop: &Stop, _: &Control, clock: &Arc<dyn Clock>) -> std::io::Result<()> {
    use super::transport::ffi::{self, Asked};
    let (stop, clock) = (stop.clone(), Arc::clone(clock));
    ffi::listen_to_console(Box::new(move |asked| {
        stop.ask(match asked {
            Asked::Interrupted => "sigint",
            Asked::ConsoleClosed => "sighup",
            Asked::SessionEnds | Asked::Told => "sigterm",
        });
        // As soon as this is answered the process is ended: so it is not, and the process ends by itself.
        if matches!(asked, Asked::ConsoleClosed | Asked::SessionEnds) {
            loop {
                clock.sleep_until(clock.now().plus(WAIT));
            }
        }
    }))?;
    std::thread::Builder::new()
        .name("session-end".into())
        .spawn(|| {
            let error = ffi::listen_to_session();
            tracing::warn!(%error, "the end of the session is not heard: stop recordings before you log off");
        })
        .map(drop)
}

/// How long the end of the process is waited for at once.
#[cfg(windows)]
const WAIT: std::time::Duration = std::time::Duration::from_secs(1);

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_mask_of_ignored_signals_is_read() {
        let status =
            "Name:\twatchcap\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000001001\nSigCgt:\t0000000180004602\n";
        assert_eq!(ignored_mask(status), Some(0x1001));
        assert_eq!(ignored_mask("Name:\tx\n"), None);
        assert!(ignored_mask(&std::fs::read_to_string("/proc/self/status").expect("a status")).is_some());
    }
}
