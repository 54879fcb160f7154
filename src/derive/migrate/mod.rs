//! Lifts a session of an older format to the present one.

pub(crate) mod leftover;
pub(crate) mod review;
pub mod run;
