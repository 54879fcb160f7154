//! A session as one HTML page that a browser opens from a file: the video with what was done drawn over it, lanes under it, plots, and what is
//! to be known of the session; and a page over many sessions.
//!
//! Keeps the invariants that nothing in a page is taken from the network and nothing can be sent there (its policy forbids both), that no
//! text of a session becomes part of the page's program, and that a session is only read. What is too much for a page is counted in it.

mod arrays;
mod gathered;
mod known;
pub mod overview;
mod page;
mod rows;
pub mod run;
