//! Exports: a sealed session in the form that some trainer reads.
//!
//! Keeps the invariants that a session is only read; that what is published is whole, says what it was made of ([`manifest`]), and is
//! the same to the byte when it is made again; and that nothing leaves a session which its consent does not cover. One piece is one
//! session in one format: its files are written under temporary names, published, and its manifest comes last. A piece whose manifest
//! says what would be made again is left as it is, so an export that was interrupted goes on with the session at which it stopped.
//! What no earlier export made is never replaced, nor what one made with other options; what can be told beforehand is refused before
//! anything is written ([`ahead`]). Of many sessions the bad ones are left out and counted ([`run`]).
//!
//! A format is one file with an implementation of [`FormatKind`] (what it says of itself) and [`Format`] (what it does), and a line in
//! [`FORMATS`]. It gets a [`Source`](source::Source) (a session that was
//! checked, with its frames), the [`Options`] it said it takes, and an [`Out`](out::Out) to write to.

pub mod about;
pub mod actions;
mod ahead;
pub mod computer_use;
pub mod copy;
pub mod dense;
mod error;
mod format;
pub mod frames_json;
pub mod inputs;
mod keys;
mod kind;
pub mod lerobot;
mod made;
pub mod manifest;
pub mod mcap;
mod opt;
mod options;
pub mod out;
pub mod pads;
mod registry;
mod run;
mod series;
mod sound;
pub mod source;
pub mod space;
mod spans;
pub mod steps;
mod table;
pub mod unseen;
pub mod video;
pub mod vpt;
pub mod webdataset;
pub mod words;

pub use error::ExportError;
pub use format::{Format, Piece};
pub use keys::Keys;
pub use kind::FormatKind;
pub use made::{Done, Failed, Made};
pub use opt::Opt;
pub use options::{McapFor, Options};
pub use registry::{FORMATS, format_named};
pub use run::Plan;
pub use series::{Joined, Together};
pub use spans::Spans;
