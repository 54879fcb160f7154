//! Makes a session anew without what must not be known: areas of its pictures, spans of its inputs.

pub(crate) mod border;
#[cfg(test)]
mod border_tests;
mod error;
pub(crate) mod keys;
pub(crate) mod rows;
pub mod run;
pub(crate) mod sound;
mod stills;
pub(crate) mod video;
