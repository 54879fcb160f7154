//! What may be recorded: pure decisions, applied before anything is opened, encoded or appended.

pub mod consent;
