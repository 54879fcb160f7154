//! The terminal player: scrub the pictures of a recording against its inputs, so that a person can approve the data.
//!
//! A leaf: it knows no files and no formats. What it plays comes through two seams that it owns, [`Timeline`] (what
//! happened when) and [`Pictures`] (what a frame looks like); the program above implements them for a sealed session and
//! for a log that is still open or was left by a crash.
//!
//! ```text
//!  terminal events ─┐                          ┌─> request ─> worker thread (Pictures) ─┐
//!  clock ───────────┼─> Msg ─> update ─> App ──┼─> draw ─> screen                       │
//!  pictures ────────┘            │             └──────────────── Msg::Picture <─────────┘
//!                                └─> Timeline
//! ```
//!
//! Message in, state, screen out: `Msg` is closed, `update` has no I/O of its own and no clock, `draw` only reads.
//! Everything that a [`Timeline`] says is untrusted text and is cleaned before it is drawn.

mod app;
mod keys;
mod msg;
mod picture;
mod player;
mod terminal;
mod text;
mod theme;
mod timeline;
mod view;
mod worker;

#[cfg(test)]
#[path = "../tests/support/fake.rs"]
mod fake;

pub use terminal::{Options, ReplayError, run};
pub use timeline::{
    Button, Density, Direction, FrameInfo, HeldKey, InputState, Lane, Lanes, Picture, Pictures, Row, Rows, Summary,
    Timeline,
};
