//! Looks at sessions and logs and says how they are: what a folder holds ([`survey`]), what is odd about a session ([`qa`]), and tables of
//! many ([`catalog`]).

pub mod catalog;
pub mod qa;
pub mod survey;
