//! A table of many sessions, one row each.

pub mod chosen;
pub mod columns;
pub(crate) mod entry;
pub mod find;
pub mod run;
