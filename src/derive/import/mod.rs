//! Makes a session of files that another recorder wrote: its table and its video, taken over value by value or refused.

pub(crate) mod batch;
mod batches;
pub(crate) mod columns;
pub mod consent;
pub mod describe;
pub(crate) mod error;
pub mod keys;
pub(crate) mod keysym;
pub(crate) mod meaning;
pub mod options;
pub(crate) mod order;
mod pads;
pub mod run;
pub(crate) mod sound;
pub(crate) mod table;
pub(crate) mod units;
pub(crate) mod video;
