//! Ctrl-C and its kin: asked to stop, a recording ends in good order. A second signal changes nothing; a third ends nothing
//! that is being sealed either. A file that has reached its size limit is an error of the write and not the end of the process.

use crate::recorder::Stop;

/// Ends the recording when the process is asked to end: SIGINT, SIGTERM, SIGHUP (Ctrl-C and closing on Windows).
///
/// # Errors
/// When the system refuses the handlers.
#[cfg(unix)]
pub fn stop_on_signals(stop: &Stop) -> std::io::Result<()> {
    use std::sync::Arc;

    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    // With any handler the write answers EFBIG, which ends the recording in good order.
    signal_hook::flag::register(SIGXFSZ, Arc::default())?;
    let stop = stop.clone();
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            for signal in signals.forever() {
                stop.ask(match signal {
                    SIGTERM => "sigterm",
                    SIGHUP => "sighup",
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
pub fn stop_on_signals(stop: &Stop) -> std::io::Result<()> {
    let stop = stop.clone();
    ctrlc::set_handler(move || stop.ask("sigint")).map_err(std::io::Error::other)
}
