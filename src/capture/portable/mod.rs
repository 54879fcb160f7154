//! Portable backends for systems without a native one, labelled as such wherever their data goes.

pub mod input;
#[cfg(feature = "capture-xcap")]
pub mod screen;
