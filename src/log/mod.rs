//! The log: open, append-only, crash-safe. One recording's events, frame references and facts in a sled database, and its tracks (pictures,
//! sound) in a file each beside it that is written once, in its final place.
//!
//! Guarantees, numbered so that tests and comments can name them:
//!
//! - **G1** A record that was appended is in the database within [`writer::COMMIT_NS`] (4 ms), so that with what waits in
//!   the sources a killed process loses at most 10 ms.
//! - **G2** A record in the database is on the disk within [`writer::SYNC_NS`] (40 ms) plus one `fdatasync`.
//! - **G3** A packet's bytes are in its track's file before its reference is in the database, and on the disk before the reference
//!   is synced: each chunk says how much of each track was on the disk when the chunk was cut.
//! - **G4** Records come back in the order in which they were appended, with no hole that is not reported.
//! - **G5** Each chunk frames itself (magic, length, CRC32C), and logs are read by a scan of the database's bytes. Chunks that
//!   hold facts are kept a second time, outside of the database ([`facts`]).
//! - **G6** After the first failed write nothing more is written, and everything acknowledged before stays readable.
//! - **G7** Reading never changes what the log says: [`reader::LogReader`] only reads, also while the log is being written.
//! - **G8** Sealing has room: [`reserve`] keeps it while the recording grows, so that a disk filled by others can be sealed on.
//!
//! Does not know the session's formats; `finalize` makes a session of it.

pub mod chunk;
pub mod codec;
pub mod ending;
mod error;
pub mod facts;
pub mod lock;
mod pads;
mod paths;
pub mod reader;
mod record;
pub mod reserve;
pub mod salvage;
pub mod setup;
pub mod sources;
pub mod store;
mod tracks;
pub mod writer;

pub use self::error::{FirstFailure, LogError};
pub use self::paths::{
    DEBUG_DIR, ENDING_FILE, EVENTS_DIR, FACTS_FILE, HOLDER_FILE, LOCK_FILE, LOG_DIR, LogPaths, RESERVE_FILE, VIDEO_FILE,
};
pub use self::record::{Body, Record};
