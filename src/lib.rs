//! watchcap records a screen and every input on one clock and hands the result to machine learning with no adapter.
//!
//! ```text
//! run time   desktop → capture → (encode) → recorder → log ══seal══> finalize → session → replay
//! ```
//!
//! A *log* is open and append-only; a *session* is sealed and immutable. The modules below stand in the order in which
//! a recording passes them; a module may use those that stand lower in `ARCHITECTURE.md`, never one above.

pub mod capture;
pub mod catalog;
pub mod clip;
pub mod config;
pub mod control;
pub mod encode;
pub mod event;
pub mod export;
mod file_at;
pub mod files;
pub mod finalize;
pub mod hid;
pub mod hotkeys;
pub mod id;
pub mod log;
pub mod migrate;
pub mod panics;
pub mod playback;
pub mod privacy;
pub mod progress;
pub mod qa;
pub mod recorder;
pub mod redact;
pub mod session;
pub mod shown;
pub mod signals;
pub mod time;

#[doc(hidden)]
pub mod cli;
#[doc(hidden)]
pub mod cmd;
