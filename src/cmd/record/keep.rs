//! Keeps a folder of sessions within a size or a number, before and while something is recorded into it: the oldest go.
//!
//! Removes only what is sealed, has no log beside it, was not made of another session, and was not accepted by a reviewer; and only as `watchcap
//! delete --only` does. When that is not enough, the recording ends, and says why.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::ProgressBar;
use serde_json::json;

use crate::base::time::{Clock as _, SystemClock};
use crate::cli::RecordArgs;
use crate::cmd::failure::Failure;
use crate::cmd::text;
use crate::delete;
use crate::inspect::survey::{self, Found, State};
use crate::recorder::Stop;
use crate::session::layout;
use crate::session::metadata::Metadata;
use crate::session::review::{Review, Verdict};

/// How often the folder is looked at while recording.
const PERIOD: Duration = Duration::from_secs(2);
/// How often the end of the recording is looked for.
const GLANCE: Duration = Duration::from_millis(50);
/// Why a recording ends that has no room left in the folder.
pub(super) const REASON: &str = "max_disk";

/// What a folder may hold.
#[derive(Clone)]
pub(super) struct Keep {
    folder: PathBuf,
    max_bytes: Option<u64>,
    last: Option<usize>,
}

/// A session that was removed.
struct Removed {
    path: PathBuf,
    bytes: u64,
    why: String,
}

impl Keep {
    /// What was asked for; `None` when nothing was.
    pub(super) fn of(out: &Path, args: &RecordArgs) -> Option<Self> {
        let (max_bytes, last) = (args.max_disk, args.keep_last.map(|last| last as usize));
        (max_bytes.is_some() || last.is_some()).then(|| Self { folder: out.to_path_buf(), max_bytes, last })
    }

    /// Makes room before a recording begins.
    pub(super) fn make_room(&self, json: bool) -> Result<(), Failure> {
        let left = self.turn(&mut |removed| tell(&removed, json));
        left.map_err(|bytes| {
            let message = format!(
                "{} holds {}, which is as much as --max-disk allows, and nothing in it may be removed",
                self.folder.display(),
                text::size(bytes)
            );
            let hint = "sealed sessions that nobody accepted are removed by themselves; remove others with `watchcap delete`, seal logs \
                        with `watchcap finalize`, or give a larger --max-disk";
            Failure::new(&message, Some(hint.into()))
        })
    }

    /// Keeps to it once more, when everything is sealed.
    pub(super) fn end(&self, json: bool) {
        if self.turn(&mut |removed| tell(&removed, json)).is_err() {
            tracing::debug!("the folder is larger than it is to be, and nothing may be removed");
        }
    }

    /// Keeps to it until the guard is dropped.
    pub(super) fn start(self, stop: &Stop, line: &ProgressBar, json: bool) -> Guard {
        let ended = Arc::new(AtomicBool::new(false));
        let (flag, stop, line) = (Arc::clone(&ended), stop.clone(), line.clone());
        let run = move || {
            let mut next = SystemClock.now().plus(PERIOD);
            while !flag.load(Ordering::SeqCst) {
                SystemClock.sleep_until(SystemClock.now().plus(GLANCE));
                if SystemClock.now() < next {
                    continue;
                }
                let full = self.turn(&mut |removed| line.suspend(|| tell(&removed, json)));
                if let (Err(bytes), false) = (full, stop.is_asked()) {
                    let held = text::size(bytes);
                    let said =
                        format!("the folder holds {held}, more than --max-disk allows, and nothing may be removed");
                    line.suspend(|| text::warn(&format!("recording stops: {said}")));
                    stop.ask(REASON);
                }
                next = SystemClock.now().plus(PERIOD);
            }
        };
        let thread = std::thread::Builder::new().name("keep".into()).spawn(run);
        Guard {
            ended,
            thread: thread.inspect_err(|error| tracing::error!(%error, "the folder is not kept small")).ok(),
        }
    }

    /// Removes what is too much; the bytes that are there when that cannot be done.
    fn turn(&self, removed: &mut dyn FnMut(Removed)) -> Result<(), u64> {
        let mut found = survey::below(&self.folder);
        // Oldest first; of what does not say when it began nobody knows how old it is, and it stays.
        found.sort_by(|a, b| (&a.captured_at, &a.path).cmp(&(&b.captured_at, &b.path)));
        let mut bytes: u64 = found.iter().map(|found| found.size_bytes).sum();
        let mut sealed = found.iter().filter(|found| found.state == State::Sealed).count();
        let too_many = |sealed: usize| self.last.is_some_and(|last| sealed > last);
        for one in &found {
            let too_large = self.max_bytes.is_some_and(|most| bytes >= most);
            if !too_large && !too_many(sealed) {
                break;
            }
            if !may_go(one) {
                continue;
            }
            let limit = match self.max_bytes {
                Some(most) if too_large => format!("--max-disk {}", text::size(most)),
                _ => format!("--keep-last {}", self.last.unwrap_or(0)),
            };
            if remove(&one.path) {
                bytes = bytes.saturating_sub(one.size_bytes);
                sealed -= 1;
                removed(Removed { path: one.path.clone(), bytes: one.size_bytes, why: limit });
            }
        }
        // More than are to be kept are no reason to stop, since they are accepted or not sealed.
        match self.max_bytes {
            Some(most) if bytes >= most => Err(bytes),
            _ => Ok(()),
        }
    }
}

/// Whether a session may be removed by itself.
fn may_go(found: &Found) -> bool {
    let is_whole = found.state == State::Sealed && found.log_bytes.is_none() && found.captured_at.is_some();
    let is_recording = || {
        let metadata = Metadata::read(&layout::metadata_path(&found.path));
        metadata.is_ok_and(|metadata| metadata.lineage.is_empty() && metadata.import.is_none())
    };
    // A review that cannot be read may have accepted it.
    let is_accepted = || {
        let review = Review::read(&found.path);
        review.map_or(true, |review| {
            let accepted = review
                .verdict()
                .into_iter()
                .chain(review.spans())
                .any(|remark| remark.verdict == Some(Verdict::Accept));
            accepted || !review.torn.is_empty() || !review.faults.is_empty() || review.later > 0
        })
    };
    is_whole && is_recording() && !is_accepted()
}

/// Removes it, as `watchcap delete --only` does; whether all of it is gone.
fn remove(path: &Path) -> bool {
    match delete::plan(path, None, true) {
        Ok(plan) => delete::run(&plan).left.is_empty(),
        Err(error) => {
            tracing::debug!(%error, "a session stays");
            false
        }
    }
}

fn tell(Removed { path, bytes, why }: &Removed, as_json: bool) {
    if as_json {
        text::json(&json!({ "event": "deleted", "session": path.display().to_string(), "bytes": bytes, "why": why }));
    }
    text::say(&text::printable(&format!("deleted {} ({}): {why}", path.display(), text::size(*bytes))));
}

/// Looks after the folder as long as it lives.
pub(super) struct Guard {
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that keeps the folder small panicked");
        }
    }
}
