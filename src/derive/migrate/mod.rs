//! Lifts a session of an older format to the present one.

mod error;
pub(crate) mod holds;
pub(crate) mod leftover;
pub(crate) mod review;
pub mod run;
