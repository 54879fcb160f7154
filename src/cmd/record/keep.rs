//! Keeps a folder of sessions within a size or a number, before and while something is recorded into it: the oldest go.
//!
//! Removes only what is sealed, has no log beside it, was not made of another session, was not accepted or annotated, and holds nothing but the
//! files of a session; only what lies in the folder itself; never the newest session of the recording that asks; and only as `watchcap delete
//! --only` does. When that is not enough, the recording ends, and says why.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::ProgressBar;
use serde_json::json;

use crate::base::files;
use crate::base::files::Identity;
use crate::base::id::SessionId;
use crate::base::priority;
use crate::base::time::{Clock as _, SystemClock};
use crate::cli::RecordArgs;
use crate::cmd::failure::Failure;
use crate::cmd::text;
use crate::delete;
use crate::inspect::survey::{self, State};
use crate::recorder::Stop;
use crate::session::layout::{self, DirState};
use crate::session::metadata::Metadata;
use crate::session::review::{Review, Verdict};
use crate::session::seal;

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
    /// Id of the recording that is made, or of the first part of it.
    run: SessionId,
    /// What was read of sealed sessions.
    read: BTreeMap<PathBuf, Read>,
    /// Sessions that could not be removed.
    stuck: BTreeSet<PathBuf>,
}

/// What was read of a sealed session. It is read again when its seal is another file.
#[derive(Clone)]
struct Read {
    seal: (u64, Option<Identity>),
    /// When it began, where it is a recording that can be read.
    begun: Option<String>,
    /// Which part of the recording that is made now it is.
    part: Option<u64>,
    /// The files that its seal lists.
    listed: BTreeSet<String>,
}

/// A session that may go.
struct Sealed {
    path: PathBuf,
    bytes: u64,
    begun: String,
    listed: BTreeSet<String>,
    /// It is the newest of the recording that is made now.
    stays: bool,
}

/// What a removal came to.
#[derive(Default, PartialEq, Debug)]
struct Went {
    /// Files that were removed.
    files: u64,
    /// Bytes that are no longer there.
    bytes: u64,
    /// What is still there, with the reason.
    left: Vec<(PathBuf, String)>,
}

/// A session that was removed, as far as it was.
struct Removed {
    path: PathBuf,
    went: Went,
    why: String,
}

impl Keep {
    /// What was asked for; `None` when nothing was. `run` is the id of the recording that is made.
    pub(super) fn of(out: &Path, args: &RecordArgs, run: SessionId) -> Option<Self> {
        let (max_bytes, last) = (args.max_disk, args.keep_last.map(|last| last as usize));
        let (folder, read, stuck) = (out.to_path_buf(), BTreeMap::new(), BTreeSet::new());
        (max_bytes.is_some() || last.is_some()).then_some(Self { folder, max_bytes, last, run, read, stuck })
    }

    /// Makes room before a recording begins.
    pub(super) fn make_room(&mut self, json: bool) -> Result<(), Failure> {
        let left = self.turn(&mut |removed| tell(&removed, json));
        left.map_err(|bytes| {
            let message = format!(
                "{} holds {}, which is as much as --max-disk allows, and nothing in it may be removed",
                self.folder.display(),
                text::size(bytes)
            );
            let hint = "sealed sessions that nobody accepted or annotated are removed by themselves; remove others with `watchcap delete`, seal logs \
                        with `watchcap finalize`, or give a larger --max-disk";
            Failure::new(&message, Some(hint.into()))
        })
    }

    /// Keeps to it once more, when everything is sealed.
    pub(super) fn end(&mut self, json: bool) {
        if self.turn(&mut |removed| tell(&removed, json)).is_err() {
            tracing::debug!("the folder is larger than it is to be, and nothing may be removed");
        }
    }

    /// Keeps to it until the guard is dropped.
    pub(super) fn start(mut self, stop: &Stop, line: &ProgressBar, json: bool) -> Guard {
        let ended = Arc::new(AtomicBool::new(false));
        let (flag, stop, line) = (Arc::clone(&ended), stop.clone(), line.clone());
        let run = move || {
            priority::lower();
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
    fn turn(&mut self, told: &mut dyn FnMut(Removed)) -> Result<(), u64> {
        let (bytes, mut sealed) = self.look();
        if self.limit(bytes, sealed.len()).is_some() {
            sealed.retain(|one| delete::removes_all(&one.path, &one.listed));
        }
        self.reduce(bytes, &sealed, &mut remove, told)
    }

    /// The bytes of all recordings in the folder, and those that may go, the oldest first. Logs are measured, not opened.
    fn look(&mut self) -> (u64, Vec<Sealed>) {
        let mut before = std::mem::take(&mut self.read);
        let (mut bytes, mut all) = (0_u64, Vec::new());
        for path in recordings(&self.folder) {
            let size = survey::size_of(&path);
            bytes = bytes.saturating_add(size);
            let seal = match files::look(&layout::integrity_path(&path)) {
                Ok(found) if layout::state_of(&path) == DirState::Sealed => (found.len, found.identity),
                _ => continue,
            };
            let known = before.remove(&path).filter(|known| known.seal == seal);
            let read = known.unwrap_or_else(|| read(&path, seal, self.run));
            all.push((path.clone(), size, read.clone()));
            self.read.insert(path, read);
        }
        let newest = all.iter().filter_map(|(_, _, read)| read.part).max();
        let mut sealed: Vec<_> = all
            .into_iter()
            .filter(|(path, ..)| !self.stuck.contains(path) && !is_protected(path))
            // Of what does not say when it began nobody knows how old it is, and it stays.
            .filter_map(|(path, bytes, Read { begun, part, listed, .. })| {
                let stays = part.is_some() && part == newest;
                Some(Sealed { path, bytes, begun: begun?, listed, stays })
            })
            .collect();
        sealed.sort_by(|a, b| (&a.begun, &a.path).cmp(&(&b.begun, &b.path)));
        (bytes, sealed)
    }

    /// The limit that is passed by so many bytes, or so many sessions that may go.
    fn limit(&self, bytes: u64, sealed: usize) -> Option<String> {
        let size = self.max_bytes.filter(|most| bytes >= *most);
        let number = self.last.filter(|last| sealed > *last);
        size.map(|most| format!("--max-disk {}", text::size(most)))
            .or_else(|| number.map(|last| format!("--keep-last {last}")))
    }

    /// Removes the oldest until no limit is passed; the bytes that are there when that cannot be done.
    fn reduce(
        &mut self,
        mut bytes: u64,
        sealed: &[Sealed],
        remove: &mut dyn FnMut(&Path, u64) -> Went,
        told: &mut dyn FnMut(Removed),
    ) -> Result<(), u64> {
        let mut number = sealed.len();
        for one in sealed.iter().filter(|one| !one.stays) {
            let Some(why) = self.limit(bytes, number) else { break };
            let went = remove(&one.path, one.bytes);
            bytes = bytes.saturating_sub(went.bytes);
            // What is left of it is no session that could go.
            number -= 1;
            if !went.left.is_empty() {
                self.stuck.insert(one.path.clone());
            }
            told(Removed { path: one.path.clone(), went, why });
        }
        // More than are to be kept are no reason to stop.
        match self.max_bytes {
            Some(most) if bytes >= most => Err(bytes),
            _ => Ok(()),
        }
    }
}

/// The recordings in a folder, not those in folders below. Links are not followed.
fn recordings(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let folders = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    folders.map(|entry| entry.path()).filter(|path| survey::is_recording(path)).collect()
}

/// Reads what is needed of a sealed session.
fn read(path: &Path, seal: (u64, Option<Identity>), run: SessionId) -> Read {
    let is_whole = survey::look(path).is_ok_and(|found| found.state == State::Sealed);
    let metadata = Metadata::read(&layout::metadata_path(path)).ok().filter(|_| is_whole);
    let is_recording = |metadata: &&Metadata| {
        metadata.lineage.is_empty() && metadata.import.is_none() && !metadata.captured_at.is_empty()
    };
    let begun = metadata.as_ref().filter(is_recording).map(|metadata| metadata.captured_at.clone());
    let part = metadata.and_then(|metadata| {
        let run = run.to_string();
        match metadata.series {
            Some(series) => (series.part_of == run).then_some(series.index),
            None => (metadata.session_id == run).then_some(1),
        }
    });
    let listed = seal::read_integrity(path).unwrap_or_default().into_iter().map(|entry| entry.name).collect();
    Read { seal, begun, part, listed }
}

/// Whether a sealed session must stay for what is beside it: a log, annotations, a review that accepted it.
fn is_protected(path: &Path) -> bool {
    let has = |path: PathBuf| path.symlink_metadata().is_ok();
    if has(layout::log_dir(path)) || has(layout::annotations_path(path)) {
        return true;
    }
    // A review that cannot be read may have accepted it.
    has(layout::review_path(path))
        && Review::read(path).map_or(true, |review| {
            let accepted = review
                .verdict()
                .into_iter()
                .chain(review.spans())
                .any(|remark| remark.verdict == Some(Verdict::Accept));
            accepted || !review.torn.is_empty() || !review.faults.is_empty() || review.later > 0
        })
}

/// Removes a session of so many bytes, as `watchcap delete --only` does.
fn remove(path: &Path, bytes: u64) -> Went {
    let went = match delete::plan(path, None, true) {
        Ok(plan) => {
            let delete::Removed { files, bytes, left } = delete::run(&plan);
            Went { files, bytes, left }
        }
        Err(error) => Went { left: vec![(path.to_path_buf(), error.to_string())], ..Went::default() },
    };
    // Somebody else may have removed it.
    let is_gone = path.symlink_metadata().is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound);
    if is_gone { Went { files: went.files, bytes, left: Vec::new() } } else { went }
}

fn tell(Removed { path, went: Went { files, bytes, left }, why }: &Removed, as_json: bool) {
    if *files > 0 {
        if as_json {
            let left: Vec<_> = left.iter().map(|(path, _)| path.display().to_string()).collect();
            let session = path.display().to_string();
            text::json(&json!({ "event": "deleted", "session": session, "bytes": bytes, "why": why, "left": left }));
        }
        text::say(&text::printable(&format!("deleted {} ({}): {why}", path.display(), text::size(*bytes))));
    }
    for (path, reason) in left {
        text::warn(&text::printable(&format!("{} is left: {reason}", path.display())));
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn keep(max_bytes: Option<u64>, last: Option<usize>) -> Keep {
        let (read, stuck) = (BTreeMap::new(), BTreeSet::new());
        Keep { folder: PathBuf::from("."), max_bytes, last, run: SessionId::new(), read, stuck }
    }

    fn sealed(names: &[&str]) -> Vec<Sealed> {
        let of = |name: &&str| Sealed {
            path: PathBuf::from(name),
            bytes: 100,
            begun: (*name).to_owned(),
            listed: BTreeSet::new(),
            stays: false,
        };
        names.iter().map(of).collect()
    }

    #[test]
    fn what_went_counts_even_where_something_is_left() {
        // All but ten bytes of the first are gone, which is enough.
        let (mut keep, mut tried) = (keep(Some(250), None), Vec::new());
        let mut remove = |path: &Path, bytes: u64| {
            tried.push(path.to_path_buf());
            Went { files: 1, bytes: bytes - 10, left: vec![(path.join("x"), "it is not ours".into())] }
        };
        let mut told = 0;
        let all = sealed(&["a", "b", "c"]);
        assert_eq!(keep.reduce(300, &all, &mut remove, &mut |_| told += 1), Ok(()));
        assert_eq!((tried, told), (vec![PathBuf::from("a")], 1));
        // It is not tried again.
        assert!(keep.stuck.contains(Path::new("a")));
    }

    #[test]
    fn one_that_stays_is_none_that_is_too_many_and_the_newest_is_never_tried() {
        let (mut keep, mut tried) = (keep(None, Some(2)), Vec::new());
        let mut remove = |path: &Path, _: u64| {
            tried.push(path.to_path_buf());
            Went { left: vec![(path.to_path_buf(), "it is in use".into())], ..Went::default() }
        };
        assert_eq!(keep.reduce(300, &sealed(&["a", "b", "c"]), &mut remove, &mut |_| ()), Ok(()));
        assert_eq!(tried, [PathBuf::from("a")]);
        let (mut keep, mut all) = (self::keep(Some(10), Some(1)), sealed(&["a", "b", "c"]));
        all[1].stays = true;
        let mut tried = Vec::new();
        let mut remove = |path: &Path, bytes: u64| {
            tried.push(path.to_path_buf());
            Went { files: 1, bytes, left: Vec::new() }
        };
        assert_eq!(keep.reduce(300, &all, &mut remove, &mut |_| ()), Err(100));
        assert_eq!(tried, [PathBuf::from("a"), PathBuf::from("c")]);
    }

    #[test]
    fn a_session_that_is_gone_is_removed_and_what_is_left_of_one_is_said() {
        let dir = tempfile::tempdir().expect("a folder");
        let gone = dir.path().join("gone");
        assert_eq!(remove(&gone, 70), Went { files: 0, bytes: 70, left: Vec::new() });
        let path = dir.path().join("s");
        std::fs::create_dir(&path).expect("a folder");
        for (name, text) in [("metadata.json", "1234"), ("integrity.sha256", "12"), ("notes.txt", "mine")] {
            std::fs::write(path.join(name), text).expect("a file");
        }
        let went = remove(&path, 10);
        let left: Vec<_> = went.left.iter().map(|(path, _)| path.clone()).collect();
        assert_eq!((went.files, went.bytes, left), (2, 6, vec![path.join("notes.txt")]));
    }
}
