//! A recording in parts: says of each that it begins, and seals it beside the recording.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use indicatif::ProgressBar;
use serde_json::json;

use crate::base::shown::shell;
use crate::cli::RecordArgs;
use crate::cmd::failure::Failure;
use crate::cmd::{finalize, text};
use crate::control::Server;
use crate::recorder::{Part, Recorded, Split, SplitAt};
use crate::session::loss::MaxDropped;

/// Folders of parts that could not be sealed.
pub(super) type Unsealed = Arc<Mutex<Vec<PathBuf>>>;

/// A lock that a panic elsewhere does not keep.
pub(super) fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How the recorder is asked to split.
pub(super) fn of(
    at: SplitAt,
    args: &RecordArgs,
    max_dropped: MaxDropped,
    line: &ProgressBar,
    (server, unsealed): (&Arc<Mutex<Option<Server>>>, &Unsealed),
) -> Split {
    let (json, no_finalize, keep_log) = (args.json, args.no_finalize, args.keep_log);
    let (server, unsealed) = (Arc::clone(server), Arc::clone(unsealed));
    let (told, line) = (line.clone(), line.clone());
    let begun = move |folder: &Path, index: u64| {
        if let Some(server) = lock(&server).as_ref() {
            server.set_session(folder);
        }
        told.suspend(|| {
            if json {
                let session = folder.display().to_string();
                text::json(&json!({ "event": "part", "session": session, "part": index }));
            }
            text::say(&text::printable(&format!("part {index}: recording into {}", folder.display())));
        });
    };
    let closed = move |part: Part| {
        let Part { folder, pin, failure, .. } = part;
        if let Some(error) = failure {
            line.suspend(|| text::warn(&text::printable(&format!("{}: {error}", folder.display()))));
        }
        if no_finalize {
            line.suspend(|| text::say(&format!("seal it with: watchcap finalize {}", shell(&folder))));
            return;
        }
        let failed = if pin.is_in_place() {
            match crate::finalize::finalize(&folder, keep_log, &mut |_| {}) {
                Ok(done) => {
                    line.suspend(|| finalize::tell(&folder, &done, max_dropped, json));
                    return;
                }
                Err(error) => error.to_string(),
            }
        } else {
            "it was moved or exchanged while it was recorded into".to_owned()
        };
        let said = format!("{} is not sealed: {failed}", folder.display());
        line.suspend(|| text::warn(&text::printable(&said)));
        lock(&unsealed).push(folder);
    };
    Split { at, begun: Box::new(begun), closed: Box::new(closed) }
}

/// Waits until the parts before the last one are sealed.
pub(super) fn wait(recorded: &mut Recorded, unsealed: &Unsealed) -> Result<(), Failure> {
    if let Some(sealing) = recorded.sealing.take() {
        if !sealing.is_finished() {
            text::say("sealing the parts before the last one");
        }
        if sealing.join().is_err() {
            tracing::error!("the thread that seals parts panicked");
        }
    }
    let left = lock(unsealed);
    let Some(first) = left.first() else { return Ok(()) };
    let message = format!("{} could not be sealed", text::counted(left.len() as u64, "part"));
    let hint = format!("what was recorded is kept, seal it with: watchcap finalize {}", shell(first));
    Err(Failure::new(&message, Some(hint)))
}
