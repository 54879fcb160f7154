//! Opens, reads and verifies the sessions that watchcap records: no recorder, no encoder, no display and no database come with it.
//!
//! A session is a folder with `metadata.json`, `events.parquet`, `frames.mp4` and `integrity.sha256`; FORMAT.md says what stands in them.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::path::Path;
//! use watchcap_format::{FrameReader, OwnedRow, SessionReader, VerifyOptions, frames_path, open_video, verify};
//!
//! let dir = Path::new("session_20261130_120000");
//! let report = verify(dir, VerifyOptions::default(), &mut open_video, &mut |_| {});
//! assert!(report.ok(), "{:?}", report.problems);
//!
//! let session = SessionReader::open(dir)?;
//! let mut frames = FrameReader::open(&frames_path(dir))?;
//! let mut rows = session.events().rows();
//! let mut row = OwnedRow::default();
//! while rows.next_into(&mut row)? {
//!     if let Some(frame) = row.frame_ref {
//!         let picture = frames.rgb(usize::try_from(frame)?)?; // the newest picture at the time of this row
//!         println!("{} ns: {} on {:?}", row.t_ns, row.event_type, (picture.width, picture.height));
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What is promised
//!
//! The names at this root. Files are untrusted: every reader answers damage with an error, and its memory has a bound that does not grow with
//! the file. Nothing here writes into a session.
//!
//! The rooms [`base`], [`media`] and [`session`] are those of the program, which also writes with them. They are public because it is a crate of
//! its own, and change with it.

#![cfg_attr(
    test,
    allow(clippy::disallowed_methods, reason = "unit tests put files where they want them, and time themselves")
)]

pub mod base;
pub mod media;
pub mod session;

pub use media::frames::{FrameError, FrameReader};
pub use media::picture::{Planar, Sampling};
pub use media::rgb::Rgb;
pub use session::layout::{DirState, events_path, frames_path, metadata_path, state_of};
pub use session::metadata::{Metadata, MetadataError};
pub use session::review::{Remark, Review, ReviewError, Verdict};
pub use session::seal::FileHash;
pub use session::table::read::{EventsReader, ReadError, Rows, SessionReader};
pub use session::table::row::{OwnedRow, RowMetadata};
pub use session::verify::video::open_video;
pub use session::verify::{Kind, Problem, Report, VerifyOptions, verify};
