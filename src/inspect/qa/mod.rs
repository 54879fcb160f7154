//! Looks for what is odd in a session: what a person would find who watched all of it.

mod error;
mod finding;
pub(crate) mod pictures;
pub(crate) mod rows;
pub mod run;
mod sound;
