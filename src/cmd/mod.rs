//! The verbs: wiring only. Each turns its arguments into calls of the library and the result into text or JSON.
//!
//! Human text goes to standard error, results to standard output. Exit codes: 0 clean, 1 failure, 2 usage, 3 finished, but
//! data was lost or recovered.

mod annotate;
mod catalog;
mod clip;
mod config;
mod consent;
mod control;
mod delete;
mod demo;
mod dispatch;
mod doctor;
mod export;
mod failure;
mod finalize;
mod folder;
mod games;
mod given;
mod held;
mod import;
mod info;
mod install;
mod join;
mod logging;
mod many;
mod migrate;
mod privacy;
mod profile;
mod qa;
mod record;
mod recover;
mod redact;
mod replay;
mod report;
mod reseal;
mod sessions;
mod sign;
mod sync_test;
mod targets;
mod text;
mod ui;
mod verify;

pub use self::dispatch::main;
pub use self::failure::{Failure, Outcome};
