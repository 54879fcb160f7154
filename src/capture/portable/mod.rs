//! Portable backends for systems without a native one, labelled as such wherever their data goes.

#[cfg(feature = "capture-poll")]
pub mod input;
#[cfg(feature = "capture-poll")]
pub(crate) mod poll_backend;
#[cfg(any(feature = "capture-poll", feature = "capture-xcap"))]
mod refuse;
#[cfg(feature = "capture-xcap")]
pub mod screen;
#[cfg(feature = "capture-xcap")]
pub(crate) mod xcap_backend;

#[cfg(feature = "capture-xcap")]
use self::refuse::refuse_blind;
#[cfg(feature = "capture-poll")]
use self::refuse::refuse_deaf;
#[cfg(any(feature = "capture-poll", feature = "capture-xcap"))]
use self::refuse::refuse_wayland;
