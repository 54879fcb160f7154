//! watchcap records a screen and every input on one clock and hands the result to machine learning with no adapter.
//!
//! ```text
//! run time   desktop → capture → (encode) → recorder → log ══seal══> finalize → session → replay
//! ```
//!
//! A *log* is open and append-only; a *session* is sealed and immutable. The modules below stand in the order in which
//! a recording passes them, behind what all of them use; `ARCHITECTURE.md` says which floor each is on.

#![cfg_attr(
    test,
    allow(clippy::disallowed_methods, reason = "unit tests put files where they want them, and time themselves")
)]

// The rooms of the library `watchcap-format`, under the names that they have there.
pub use watchcap_format::{base, media, session};

pub mod config;
pub mod privacy;

pub mod capture;
pub mod control;
pub mod encode;
pub mod log;
pub mod recorder;

pub mod finalize;

pub mod delete;
pub mod derive;
pub mod export;
pub mod inspect;
pub mod play;

#[doc(hidden)]
pub mod cli;
#[doc(hidden)]
pub mod cmd;
