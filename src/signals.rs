//! Ctrl-C and its kin: asked to stop, a recording ends in good order; SIGUSR2 takes consent back. A second signal changes nothing; a third ends nothing
//! that is being sealed either. A file that has reached its size limit is an error of the write and not the end of the process.

use std::sync::Arc;

use crate::recorder::{Control, Stop};
use crate::time::Clock;

/// Ends the recording when the process is asked to end: SIGINT, SIGTERM, SIGHUP (Ctrl-C and closing on Windows); SIGUSR2 takes back the
/// consent to all of it.
///
/// # Errors
/// When the system refuses the handlers.
#[cfg(unix)]
pub fn stop_on_signals(stop: &Stop, control: &Control, clock: &Arc<dyn Clock>) -> std::io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR2, SIGXFSZ};

    use crate::privacy::consent::WITHDRAWN;
    use crate::recorder::Way;
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGHUP, SIGUSR2])?;
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

/// Ends the recording when the process is asked to end: Ctrl-C, closing the console, logging off.
///
/// # Errors
/// When the system refuses the handler.
#[cfg(windows)]
pub fn stop_on_signals(stop: &Stop, _: &Control, _: &Arc<dyn Clock>) -> std::io::Result<()> {
    let stop = stop.clone();
    ctrlc::set_handler(move || stop.ask("sigint")).map_err(std::io::Error::other)
}
