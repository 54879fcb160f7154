//! The frozen shapes of every format that watchcap has released, and the pure steps between neighbours.
//!
//! A leaf: no files, no domain types. A released shape is never edited; a change is a new module beside it, a step from the
//! old one, and a golden sample of both. What belongs to the log lives in [`log`], the table of the session in [`session`].

pub mod log;
pub mod session;
