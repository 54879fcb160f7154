//! Looks at sessions and logs and says how they are: what a folder holds ([`survey`]), what is odd about a session ([`qa`]), what in its
//! folder is not of it ([`strays`]), tables of many ([`catalog`]), pages for a browser ([`report`]), and how well inputs and pictures
//! agree on this machine ([`sync`]).

pub mod catalog;
pub mod last_sync;
pub mod qa;
pub mod report;
pub mod strays;
pub mod survey;
pub mod sync;
