//! What is said about parts of a recording that is split, between those who ask for it, the sequence, and who closes them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender};

use super::seam::Seam;
use crate::base::files::Pin;
use crate::base::time::MonoNs;
use crate::log::LogError;
use crate::log::writer::LogWriter;

/// When a part has lasted long enough.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SplitAt {
    /// After this long.
    Time(Duration),
    /// When its log has this many bytes.
    Bytes(u64),
}

/// A part that is closed.
#[derive(Debug)]
pub struct Part {
    /// Its folder.
    pub folder: PathBuf,
    /// The same, whatever has its name now.
    pub pin: Pin,
    /// Which it is, from 1.
    pub index: u64,
    /// What kept its log from being closed; it can be sealed all the same.
    pub failure: Option<LogError>,
}

/// Is told of a part that begins: its folder, and its number from 1.
pub type PartBegun = Box<dyn FnMut(&Path, u64) + Send>;

/// How a recording is split.
pub struct Split {
    /// When.
    pub at: SplitAt,
    /// Told of each part that begins, after the first.
    pub begun: PartBegun,
    /// Told of each part that is closed, beside the recording and in order, but for the last one, with which the recording ends.
    pub closed: Box<dyn FnMut(Part) + Send>,
}

/// What the sequence hands over when nothing of a part can come any more.
pub(super) struct EndedPart {
    pub(super) log: LogWriter,
    /// The seam.
    pub(super) t: MonoNs,
    /// Why its log cannot be written any more.
    pub(super) failure: Option<LogError>,
}

/// The sequence's ends of what is exchanged about parts.
pub(super) struct PartQueues {
    pub(super) seam: Arc<Seam>,
    pub(super) next: Receiver<LogWriter>,
    pub(super) ended: Sender<EndedPart>,
}
