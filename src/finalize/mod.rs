//! From a log to a sealed session: a function of the log.
//!
//! The steps, in the order that makes each of them interruptible and repeatable:
//!
//! 1. take the lock; open the log; find the frames whose references are missing;
//! 2. merge the records into rows, write `events.parquet` beside its place;
//! 3. finish the video in place: cut behind the last frame, patch the last box, append the index;
//! 4. publish the table, the video and the metadata under their names;
//! 5. write `integrity.sha256`: from now on the session is sealed;
//! 6. read back what was sealed;
//! 7. delete the log, unless it is to be kept.
//!
//! What cannot be read just now (a disk that fails, a folder of somebody else) is not taken for missing: nothing is sealed without it. A log
//! of which parts are gone is kept beside the session that was made of the rest.
//!
//! Killed anywhere, it is run again and gives the same bytes: nothing of the wall clock, the host or the order of threads is in
//! its output, and nothing of the log is changed before step 7 other than what step 3 would write there again.

pub mod check;
pub mod describe;
mod discard;
mod drift;
mod error;
mod keep;
pub mod merge;
pub mod missing;
pub mod report;
pub mod rows;
mod run;
mod screen_sign;
pub mod source;
mod stills;
mod tracks;
pub mod video;

pub use error::{FinalizeError, moved_hint};
pub use keep::keeps_log;
pub use run::{Done, Finalized, again, finalize};
