//! The reviewing queue: a list of recordings with what is known of each, and the way from one to the next.
//!
//! Invariants: nothing is opened before it is chosen; what takes long (looking at a recording, checking one) is done in threads of its
//! own, nearest to the chosen line first; a verdict that was given can be taken back as long as the queue is open.

mod draw;
mod library;
mod list;
mod run;
mod scout;

pub use library::{Entry, Faults, Library, Part};
pub use run::review;
