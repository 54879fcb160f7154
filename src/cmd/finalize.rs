//! `watchcap finalize`.

use std::path::Path;

use serde_json::json;

use super::failure::{Failure, Outcome};
use super::text;
use super::ui::Bar;
use crate::base::progress::Step;
use crate::base::shown;
use crate::cli::FinalizeArgs;
use crate::finalize::{self, Done, Finalized};
use crate::inspect::survey::{self, Found, State};
use crate::log::reader::{Database, LogReader};
use crate::log::{LogError, LogPaths};
use crate::session::layout::{self, DirState};
use crate::session::loss::MaxDropped;

pub(super) fn run(args: &FinalizeArgs) -> Result<Outcome, Failure> {
    super::folder::check(&args.session)?;
    super::folder::check_own(&args.session)?;
    let max_dropped = args.max_dropped.map_or_else(MaxDropped::default, MaxDropped);
    if !args.again && !survey::is_recording(&args.session) {
        let found = survey::below(&args.session);
        if !found.is_empty() {
            return all((&args.session, &found), How::Once { keep_log: args.keep_log }, max_dropped, args.json);
        }
    }
    let how = if args.again { How::Again } else { How::Once { keep_log: args.keep_log } };
    seal(&args.session, how, max_dropped, args.json)
}

/// Seals every log below a folder (`named`) that nobody uses: what a recorder that was killed has left.
fn all(
    (named, found): (&Path, &[Found]),
    how: How,
    max_dropped: MaxDropped,
    as_json: bool,
) -> Result<Outcome, Failure> {
    let is_log = |found: &&Found| layout::state_of(&found.path) == DirState::Log;
    let beside: Vec<_> = found.iter().filter(|found| !is_log(found) && found.log_bytes.is_some()).collect();
    // What is left of a log whose deletion was interrupted goes.
    let mut rests = Vec::new();
    for found in beside {
        let path = &found.path;
        let why = match has_whole_log(path) {
            Ok(false) => {
                rests.extend((found.state == State::Sealed).then_some(found));
                continue;
            }
            Ok(true) => "its log is beside it".to_owned(),
            Err(error) => format!("its log beside it cannot be read ({error})"),
        };
        text::say(&text::printable(&format!(
            "note: {} is sealed and {why}; when that is not needed, delete it with: watchcap finalize {}",
            path.display(),
            shown::shell(path)
        )));
    }
    let logs = found.iter().filter(is_log).chain(rests);
    let (used, free): (Vec<_>, Vec<_>) =
        logs.partition(|found| matches!(found.state, State::Recording | State::Finalizing));
    for found in used {
        let holder = found.holder.as_deref().unwrap_or("another process");
        text::say(&text::printable(&format!("note: {} is in use by {holder}, passed over", found.path.display())));
    }
    if free.is_empty() {
        text::say("there is no log to be sealed");
        return Ok(Outcome::Clean);
    }
    let paths: Vec<_> = free.iter().map(|found| found.path.clone()).collect();
    let mut lossy = false;
    let outcome = super::many::each(&paths, "sealed", |session| {
        // The folders between the two count, too: `named` was looked at before.
        for part in session.ancestors().take_while(|part| *part != named) {
            super::folder::check_own(part)?;
        }
        lossy |= seal(session, how, max_dropped, as_json)? == Outcome::Lossy;
        Ok(())
    })?;
    Ok(if lossy { Outcome::Lossy } else { outcome })
}

/// Whether the log beside a sealed session can be read, as one that was kept: of one whose deletion was interrupted something is missing.
fn has_whole_log(session: &Path) -> Result<bool, LogError> {
    match LogReader::open(&LogPaths::of(session)) {
        Ok(log) => Ok(log.database == Database::Present && log.holes.is_empty()),
        Err(LogError::NoLog { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// How a log is sealed.
#[derive(Clone, Copy)]
pub(super) enum How {
    /// For the first time.
    Once {
        /// The log stays in any case.
        keep_log: bool,
    },
    /// It is sealed already, and is to be made anew.
    Again,
}

/// Seals a log and says what became of it.
pub(super) fn seal(session: &Path, how: How, max_dropped: MaxDropped, as_json: bool) -> Result<Outcome, Failure> {
    let bar = Bar::new("finalize");
    let mut progress = |step: Step| bar.step(step);
    let done = match how {
        How::Once { keep_log } => finalize::finalize(session, keep_log, &mut progress),
        How::Again => finalize::again(session, &mut progress),
    }?;
    bar.end();
    Ok(tell(session, &done, max_dropped, as_json))
}

/// Says what became of a log that was sealed.
pub(super) fn tell(session: &Path, done: &Finalized, max_dropped: MaxDropped, as_json: bool) -> Outcome {
    let rows: u64 = done.metadata.counts.values().sum();
    let folder = done.session.display();
    let (already, lossy) = (done.done == Done::Already, done.is_lossy(max_dropped));
    if as_json {
        text::json(&json!({
            "event": "sealed", "already": already, "session": folder.to_string(), "rows": rows, "frames": done.metadata.frames,
            "dropped_frames": done.metadata.dropped_frames, "recovered": done.metadata.recovered, "lossy": lossy,
            "log_kept": done.log_kept,
        }));
    } else {
        text::out(&folder.to_string());
    }
    let (rows, frames) = (text::counted(rows, "row"), text::counted(done.metadata.frames, "frame"));
    if let Some(error) = &done.log_left {
        text::say(&format!(
            "note: some of the log in {folder} is left, since it cannot be deleted now ({error}); the session does not need it; \
             delete it later with: watchcap finalize {}",
            shown::shell(session)
        ));
    }
    if already {
        text::say(&format!("{folder} is sealed already: {rows}, {frames}"));
        if done.log_kept {
            let log = layout::log_dir(session);
            text::say(&format!("its log is kept: delete {} when you need it no more", shown::shell(&log)));
        }
        return Outcome::Clean;
    }
    text::say(&format!("sealed {folder}: {rows}, {frames}"));
    if let Some(recovery) = &done.metadata.recovery {
        text::warn(if recovery.closed {
            "its log was damaged; what could be read was recovered"
        } else {
            "the recording did not end in good order; what could be read was recovered"
        });
        if recovery.video != "present" {
            text::warn(&format!("the video of the log is {}", recovery.video));
        }
    }
    for loss in &done.metadata.lost {
        if loss.count == Some(0) {
            let gaps = text::counted(loss.gaps, "gap");
            text::say(&text::printable(&format!("{gaps} in {}, with nothing lost ({})", loss.stream, loss.reason)));
            continue;
        }
        let count = loss.count.map_or_else(|| "an unknown number".into(), |count| count.to_string());
        text::warn(&text::printable(&format!("lost in {}: {count} ({})", loss.stream, loss.reason)));
    }
    if finalize::keeps_log(&done.metadata) {
        let log = layout::log_dir(session);
        text::warn(&format!(
            "the log was kept, since parts of it are gone: delete {} when you need it no more; once it is mended, make the session anew with: \
             watchcap finalize --again {}",
            shown::shell(&log),
            shown::shell(session)
        ));
    }
    if lossy { Outcome::Lossy } else { Outcome::Clean }
}
