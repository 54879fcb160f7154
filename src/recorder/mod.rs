//! Records: threads behind bounded queues, and one loop that puts everything in order.
//!
//! ```text
//! screen ──grab, convert──> [PICTURES] ──> encoder ──> [UNITS] ──┐
//!                                                                ├──> sequence: number, append, commit ──> log
//! input ────────────────────────────────> [INPUTS] ─────────────┤
//! sound ───> [SOUNDS] ──> place, encode ──> [PACKETS] ───────────┘
//! ```
//!
//! Sources and encoder only produce; [`sequence`] numbers and appends, so order is a fact of the log. What does not fit into a
//! queue is dropped where it arises, counted, and written as a gap. Pictures are converted in the thread that grabs them:
//! the shared memory of the screen is free again after 0.3 ms, and 3 MB cross to the encoder instead of 8.

mod appending;
mod beyond;
mod chords;
mod context;
mod control;
mod crossing;
mod disk;
mod encode;
mod error;
mod facts;
mod failure;
mod folder;
mod inputs;
mod lag;
mod lanes;
mod masking;
mod mutes;
mod opening;
mod options;
mod pads;
mod part;
mod parts;
mod pauses;
mod pointed;
mod prepare;
mod produced;
mod queues;
mod run;
mod screen;
mod seam;
mod seams;
mod sequence;
mod sign;
mod sign_board;
mod sign_mask;
mod silence;
mod sound;
mod stamps;
mod status;
mod stills;
mod stop;
mod taps;
mod vitals;

pub use control::{Control, OrderError, Way};
pub use error::RecordError;
pub use options::{RecordOptions, SoundOptions, Unchanged};
pub use part::{Part, PartBegun, Split, SplitAt};
pub use run::{MakeEncoder, Recorded, record};
pub use status::Status;
pub use stills::StillOptions;
pub use stop::Stop;
pub use taps::{Offer, Tap};
pub use vitals::{Loss, Queue, Seen, Vitals};
