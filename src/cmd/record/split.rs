//! A recording in parts: says of each that it begins, and seals it beside the recording.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use indicatif::ProgressBar;
use serde_json::json;

use super::dashboard::Dashboard;
use super::locked::lock;
use super::sealing::{How, seal};
use crate::base::shown::shell;
use crate::cli::RecordArgs;
use crate::cmd::failure::{Failure, Outcome};
use crate::cmd::text;
use crate::control::Server;
use crate::recorder::{Part, Recorded, Split, SplitAt};
use crate::session::loss::MaxDropped;

/// What became of the parts before the last one.
#[derive(Default)]
pub(super) struct Ended {
    /// Folders of those that could not be sealed.
    unsealed: Vec<PathBuf>,
    /// One of them lost data, or its log could not be closed.
    is_lossy: bool,
}

/// Who is told of the parts.
pub(super) struct Told {
    /// What is said is said around it.
    pub(super) line: ProgressBar,
    /// Says where is recorded into now.
    pub(super) server: Arc<Mutex<Option<Server>>>,
    /// What became of them.
    pub(super) ended: Arc<Mutex<Ended>>,
    pub(super) dashboard: Option<Arc<Dashboard>>,
}

/// How the recorder is asked to split.
pub(super) fn of(at: SplitAt, args: &RecordArgs, max_dropped: MaxDropped, told: Told) -> Split {
    let (json, no_finalize, keep_log) = (args.json, args.no_finalize, args.keep_log);
    let Told { line, server, ended, dashboard } = told;
    let told = line.clone();
    let begun = move |folder: &Path, index: u64| {
        if let Some(server) = lock(&server).as_ref() {
            server.set_session(folder);
        }
        if let Some(dashboard) = &dashboard {
            dashboard.set_folder(folder);
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
            lock(&ended).is_lossy = true;
            line.suspend(|| text::warn(&text::printable(&format!("{}: {error}", folder.display()))));
        }
        if no_finalize {
            line.suspend(|| text::say(&format!("seal it with: watchcap finalize {}", shell(&folder))));
            return;
        }
        let failed = if pin.is_in_place() {
            match seal(&folder, How { keep_log, max_dropped, json }, &line) {
                Ok(outcome) => {
                    lock(&ended).is_lossy |= outcome == Outcome::Lossy;
                    return;
                }
                Err(why) => why,
            }
        } else {
            "it was moved or exchanged while it was recorded into".to_owned()
        };
        let said = format!("{} is not sealed: {failed}", folder.display());
        line.suspend(|| text::warn(&text::printable(&said)));
        lock(&ended).unsealed.push(folder);
    };
    Split { at, begun: Box::new(begun), closed: Box::new(closed) }
}

/// Waits until the parts before the last one, in the folder `out`, are sealed; what became of them.
pub(super) fn wait(recorded: &mut Recorded, out: &Path, ended: &Mutex<Ended>) -> Result<Outcome, Failure> {
    let mut has_died = false;
    if let Some(sealing) = recorded.sealing.take() {
        if !sealing.is_finished() {
            text::say("sealing the parts before the last one");
        }
        has_died = sealing.join().is_err();
    }
    outcome(&lock(ended), has_died, out)
}

fn outcome(Ended { unsealed, is_lossy }: &Ended, has_died: bool, out: &Path) -> Result<Outcome, Failure> {
    let (message, place) = match unsealed.as_slice() {
        _ if has_died => ("the thread that seals parts ended by a fault of this program".to_owned(), out),
        [] => return Ok(if *is_lossy { Outcome::Lossy } else { Outcome::Clean }),
        [one] => ("1 part could not be sealed".to_owned(), one.as_path()),
        more => (format!("{} parts could not be sealed", more.len()), out),
    };
    let hint = format!("what was recorded is kept, seal it with: watchcap finalize {}", shell(place));
    Err(Failure::new(&message, Some(hint)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_became_of_the_parts_decides_the_exit_code() {
        let of = |unsealed: &[&str], is_lossy, has_died| {
            let unsealed = unsealed.iter().map(PathBuf::from).collect();
            outcome(&Ended { unsealed, is_lossy }, has_died, Path::new("out"))
                .map_err(|failure| (failure.code, failure.hint.unwrap_or_default()))
        };
        assert_eq!((of(&[], false, false), of(&[], true, false)), (Ok(Outcome::Clean), Ok(Outcome::Lossy)));
        let hint = |place: &str| format!("what was recorded is kept, seal it with: watchcap finalize {place}");
        assert_eq!(of(&["out/s-part0001"], true, false), Err((1, hint("out/s-part0001"))));
        assert_eq!(of(&["out/a", "out/b"], false, false), Err((1, hint("out"))));
        assert_eq!(of(&[], false, true), Err((1, hint("out"))));
    }
}
