//! The only switch over platforms: which backend serves what was asked for.
//!
//! Everything above asks for sources here and gets traits; everything below is compiled where its system exists.

use std::sync::Arc;
use std::time::Duration;

use super::{CaptureError, OpenInput, OpenScreen, Sources, Target, TargetInfo};
use crate::privacy::exclude::Exclusions;
use crate::time::Clock;

/// Which backend takes pictures.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ScreenBackend {
    /// The native one where there is one, else xcap.
    #[default]
    Auto,
    /// X11 through MIT-SHM.
    X11,
    /// Portable, through xcap.
    Xcap,
}

/// Which backend listens to inputs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum InputBackend {
    /// The native one where there is one, else polling.
    #[default]
    Auto,
    /// X11 through XInput2.
    Xi2,
    /// Portable, by polling through device_query.
    Poll,
}

/// What to open.
#[derive(Clone, Debug)]
pub struct CaptureOptions {
    /// What to record of the screen.
    pub target: Target,
    /// Draw the pointer into the pictures.
    pub cursor: bool,
    /// Which backend takes pictures.
    pub screen: ScreenBackend,
    /// Which backend listens to inputs.
    pub input: InputBackend,
    /// Listen to inputs at all.
    pub record_input: bool,
    /// Period of polling.
    pub poll_period: Duration,
    /// Windows that must not be seen, and whose input must not be known.
    pub exclusions: Arc<Exclusions>,
}

fn unavailable(backend: &'static str, what: &str, detail: &str) -> CaptureError {
    CaptureError::Unavailable { backend, what: what.into(), detail: detail.into() }
}

/// Prepares the sources; they open in the threads that use them.
///
/// # Errors
/// [`CaptureError::Unavailable`] when this build has no such backend.
pub fn sources(options: &CaptureOptions, clock: &Arc<dyn Clock>) -> Result<Sources, CaptureError> {
    let screen = open_screen(options, Arc::clone(clock))?;
    let input = if options.record_input { Some(open_input(options, Arc::clone(clock))?) } else { None };
    Ok(Sources { screen, input })
}

const HAS_X11: bool = cfg!(all(target_os = "linux", feature = "x11"));

fn open_screen(options: &CaptureOptions, clock: Arc<dyn Clock>) -> Result<OpenScreen, CaptureError> {
    #[cfg(all(target_os = "linux", feature = "x11", feature = "capture-xcap"))]
    if options.screen == ScreenBackend::Auto {
        let (target, cursor) = (options.target.clone(), options.cursor);
        let exclusions = Arc::clone(&options.exclusions);
        return Ok(Box::new(move || {
            match super::x11::screen::open(None, &target, cursor, exclusions, Arc::clone(&clock)) {
                // A server without MIT-SHM, or a picture format that is not ours: the portable way is slower and works.
                Err(error @ CaptureError::Unavailable { .. }) => {
                    tracing::warn!(%error, "the screen is taken through xcap");
                    super::portable::screen::open(&target, clock)
                }
                other => other,
            }
        }));
    }
    let backend = match options.screen {
        ScreenBackend::Auto if HAS_X11 => ScreenBackend::X11,
        ScreenBackend::Auto => ScreenBackend::Xcap,
        chosen => chosen,
    };
    let (target, cursor, exclusions) = (options.target.clone(), options.cursor, Arc::clone(&options.exclusions));
    match backend {
        #[cfg(all(target_os = "linux", feature = "x11"))]
        ScreenBackend::X11 => Ok(Box::new(move || super::x11::screen::open(None, &target, cursor, exclusions, clock))),
        #[cfg(feature = "capture-xcap")]
        ScreenBackend::Xcap => Ok(Box::new(move || {
            let _ = (cursor, exclusions);
            super::portable::screen::open(&target, clock)
        })),
        _ => {
            drop((target, cursor, exclusions, clock));
            Err(unavailable("this build", "screen", "it was compiled without that backend"))
        }
    }
}

fn open_input(options: &CaptureOptions, clock: Arc<dyn Clock>) -> Result<OpenInput, CaptureError> {
    let (period, exclusions) = (options.poll_period, Arc::clone(&options.exclusions));
    let backend = match options.input {
        InputBackend::Auto if HAS_X11 => InputBackend::Xi2,
        InputBackend::Auto => InputBackend::Poll,
        chosen => chosen,
    };
    match backend {
        #[cfg(all(target_os = "linux", feature = "x11"))]
        InputBackend::Xi2 => Ok(Box::new(move || super::x11::input::open(None, exclusions, clock))),
        InputBackend::Poll => Ok(Box::new(move || {
            let _ = exclusions;
            super::portable::input::open(clock, period)
        })),
        _ => Err(unavailable("this build", "input", "it was compiled without that backend")),
    }
}

/// What can be recorded on this machine.
///
/// # Errors
/// [`CaptureError::NoDisplay`] when there is none.
pub fn targets() -> Result<Vec<TargetInfo>, CaptureError> {
    #[cfg(all(target_os = "linux", feature = "x11"))]
    return super::x11::targets::list(None);
    #[cfg(all(not(all(target_os = "linux", feature = "x11")), feature = "capture-xcap"))]
    return super::portable::screen::list();
    #[cfg(all(not(all(target_os = "linux", feature = "x11")), not(feature = "capture-xcap")))]
    Err(unavailable("this build", "targets", "it was compiled without a screen backend"))
}
