//! What may be recorded: pure decisions, applied before anything is opened, encoded or appended.

pub mod chat;
pub mod consent;
pub mod cover;
pub mod exclude;
pub mod fact;
pub mod games;
pub mod keys;
pub mod mask;
pub mod names;
mod plan;
pub mod profile;
pub mod reason;
pub mod spans;
pub mod study;

pub use self::plan::{Choice, FoundProfile, InForce, Plan};
