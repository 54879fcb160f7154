//! Lifts a session of an older format to the present one.

pub(crate) mod beside;
mod error;
pub(crate) mod holds;
pub(crate) mod leftover;
pub mod run;
