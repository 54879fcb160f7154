//! The terminal player: scrub the pictures of a recording against its inputs, so that a person can approve the data.
//!
//! A leaf: it knows no files and no formats. What it plays comes through two seams that it owns, [`Timeline`] (what
//! happened when) and [`Pictures`] (what a frame looks like), and what a person makes of it goes through two more, [`Review`]
//! (marks and verdicts) and [`Exports`] (pictures and excerpts); the program above implements them for a sealed session and for
//! a log that is still open or was left by a crash. A queue of recordings to review is a [`Library`] of them. A recording that is being made is
//! watched through a [`Monitor`].
//!
//! ```text
//!  terminal events ─┐                          ┌─> request ─> worker thread (Pictures) ──────────┐
//!  clock ───────────┼─> Msg ─> update ─> App ──┼─> command ─> desk threads (Review, Exports) ──┐ │
//!  answers ─────────┘            │             └─> draw ─> screen                              │ │
//!     ^                          └─> Timeline                                                  │ │
//!     └───────────────────────────────────────────── Msg::Report, Msg::Picture <───────────────┴─┘
//! ```
//!
//! Message in, state, screen out: `Msg` is closed, `update` has no I/O of its own and no clock, `draw` only reads.
//! Everything that a [`Timeline`] says is untrusted text and is cleaned before it is drawn.

mod app;
mod colours;
mod dashboard;
mod desk;
mod filter;
mod goto;
mod keys;
mod lens;
mod msg;
mod picture;
mod player;
mod prompt;
mod queue;
mod terminal;
mod text;
mod theme;
mod timeline;
mod update;
mod view;
mod worker;
mod zoom;

#[cfg(test)]
#[path = "../tests/support/fake.rs"]
mod fake;

pub use dashboard::{Activity, Gauge, Group, Happened, Hold, Monitor, Order, Readings, watch};
pub use filter::{Facts, Filter};
pub use queue::{Entry, Faults, Library, Part, review};
pub use terminal::{Abilities, Options, Recording, ReplayError, abandon, abilities, run};
pub use theme::Look;
pub use timeline::{
    Button, Click, Density, Direction, Export, Exports, Fact, Found, FrameInfo, HeldKey, InputState, Lane, Lanes,
    Level, Levels, Mask, Overlay, PadState, Picture, Pictures, Remark, Review, Row, Rows, Section, Sound, Span,
    SpanKind, Spans, Summary, Timeline, Tone, Verdict,
};
