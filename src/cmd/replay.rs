//! `watchcap replay`: the player of one recording, or the queue of those below a folder.

mod queue;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use watchcap_replay::{self as player, Exports, Look, Options, Recording, Remark, Review};

use super::failure::{Failure, Outcome};
use super::{qa, text};
use crate::base::person;
use crate::base::shown::shell;
use crate::base::time::SystemClock;
use crate::cli::{PicturesArg, ReplayArgs, ThemeArg};
use crate::derive::clip::exports::Exporter;
use crate::finalize::describe::Story;
use crate::log::LogPaths;
use crate::log::reader::LogReader;
use crate::play::opened::{self, PlaybackError};
use crate::play::reel::Reel as _;
use crate::play::reviews::Reviews;
use crate::play::sealed;
use crate::play::series::find;
use crate::play::series::open::{self as series, Part};
use crate::play::series::spread::{SeriesExports, SeriesReview};
use crate::session::layout;
use crate::session::metadata::{Metadata, printable};
use crate::session::review::Book;

/// The book that marks and verdicts go into, opened by the thread that writes them: which recording a long log is of takes a scan of it.
/// One of a log is closed when the player goes over to the session: from then on that is what is judged.
struct Later {
    dir: PathBuf,
    by: Option<String>,
    /// `None` while it is being recorded: nobody can have seen all of it.
    span_ns: Option<(i64, i64)>,
    /// What is played is the sealed session.
    is_session: Arc<AtomicBool>,
    /// The book, and whether it is of the session.
    book: Option<(bool, Reviews)>,
}

impl Later {
    fn open(&self) -> Result<Reviews, String> {
        let metadata = layout::metadata_path(&self.dir);
        let id = if metadata.is_file() {
            Metadata::read(&metadata).map_err(|error| error.to_string())?.session_id
        } else {
            let story = Story::read(&LogReader::open(&LogPaths::of(&self.dir)).map_err(|error| error.to_string())?);
            if story.partial_id {
                return Err("the log does not say any more which recording it is of".into());
            }
            story.session_id
        };
        Book::open(&self.dir, &id, self.span_ns, self.by.clone(), Box::new(SystemClock))
            .map(Reviews)
            .map_err(|error| error.to_string())
    }

    fn book(&mut self) -> Result<&mut Reviews, String> {
        let is_session = self.is_session.load(Ordering::Acquire);
        let book = match self.book.take() {
            Some((of_session, book)) if of_session == is_session => book,
            Some(_of_the_log) => {
                // The session's own ends, so that a verdict on all of it is one.
                self.span_ns = sealed::open(&self.dir).ok().map(|(reel, _)| reel.span());
                self.open()?
            }
            None => self.open()?,
        };
        Ok(&mut self.book.insert((is_session, book)).1)
    }
}

impl Review for Later {
    fn list(&mut self) -> Result<Vec<Remark>, String> {
        self.book()?.list()
    }

    fn append(&mut self, remark: &Remark) -> Result<(), String> {
        Review::append(self.book()?, remark)
    }

    fn undo(&mut self, remark: &Remark) -> Result<(), String> {
        Review::undo(self.book()?, remark)
    }
}

/// Opens recordings for the player: where verdicts and exports of each go.
#[derive(Clone)]
struct Opener {
    by: Option<String>,
    export_dir: PathBuf,
}

impl Opener {
    fn of(args: &ReplayArgs) -> Self {
        let by = args.reviewer.clone().or_else(|| {
            let name = person::user_name(|name| std::env::var(name).ok()).or_else(person::account_name);
            name.map(|name| printable(&name))
        });
        Self { by, export_dir: args.export_dir.clone() }
    }

    /// Where verdicts on a recording go; `span_ns` are its first and last instant, when both are known.
    fn review(&self, dir: &Path, span_ns: Option<(i64, i64)>, is_session: Arc<AtomicBool>) -> Box<dyn Review> {
        Box::new(Later { dir: dir.to_owned(), by: self.by.clone(), span_ns, is_session, book: None })
    }

    fn open(&self, dir: &Path) -> Result<Recording, PlaybackError> {
        let playback = opened::open(dir)?;
        let summary = playback.timeline.summary();
        let span_ns = (!summary.live).then_some((summary.start_ns, summary.end_ns));
        Ok(Recording {
            timeline: playback.timeline,
            pictures: playback.pictures,
            sound: playback.sound,
            review: Some(self.review(dir, span_ns, playback.is_session)),
            exports: Some(Box::new(Exporter::new(dir, &self.export_dir))),
        })
    }

    /// Opens a part as one with those beside it; answers with where it begins. `None` when there is no other, or one cannot be played.
    fn open_series(&self, dir: &Path) -> Option<(Recording, i64)> {
        let dirs = find::around(dir)?;
        let (playback, parts) = match series::open(&dirs) {
            Ok(opened) => opened,
            Err(error) => {
                text::say(&text::printable(&format!(
                    "note: it is played alone, since a part beside it cannot be: {error}"
                )));
                return None;
            }
        };
        let begin_ns = parts.iter().find(|part| part.dir == dir).map_or(0, |part| part.span_ns.0);
        let review = |part: &Part| {
            let is_session = Arc::new(AtomicBool::new(true));
            (part.span_ns, self.review(&part.dir, Some(part.span_ns), is_session))
        };
        let exports = |part: &Part| {
            let exporter: Box<dyn Exports> = Box::new(Exporter::new(&part.dir, &self.export_dir));
            ((part.frames.clone(), part.span_ns), exporter)
        };
        let recording = Recording {
            timeline: playback.timeline,
            pictures: playback.pictures,
            sound: playback.sound,
            review: Some(Box::new(SeriesReview::new(parts.iter().map(review).collect()))),
            exports: Some(Box::new(SeriesExports::new(parts.iter().map(exports).collect()))),
        };
        Some((recording, begin_ns))
    }
}

pub(super) fn run(args: &ReplayArgs) -> Result<Outcome, Failure> {
    if args.check {
        return qa::run(args);
    }
    let dir = &args.session;
    super::folder::tell(dir);
    let look = match args.theme {
        ThemeArg::Dark => Look::Dark,
        ThemeArg::Light => Look::Light,
        ThemeArg::Contrast => Look::Contrast,
    };
    let options = Options { half_blocks: args.pictures == PicturesArg::Blocks, look, ..Options::default() };
    let opener = Opener::of(args);
    let played = if let Some(shelf) = queue::Shelf::below(dir, &opener) {
        shelf.tell_unreadable();
        player::review(Arc::new(shelf), options)
    } else if let Some((recording, at_ns)) = (!args.alone).then(|| opener.open_series(dir)).flatten() {
        player::run(recording, Options { at_ns: Some(at_ns), ..options })
    } else {
        let recording = opener.open(dir).map_err(|error| {
            let hint =
                error.hint().unwrap_or_else(|| format!("see what is wrong with: watchcap verify {}", shell(dir)));
            Failure::new(&error, Some(hint))
        })?;
        player::run(recording, options)
    };
    played.map_err(|error| Failure::new(&error, error.hint().map(str::to_owned)))?;
    Ok(Outcome::Clean)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::metadata::samples::bare;
    use crate::session::review::Review as Said;

    const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

    #[test]
    fn what_is_said_after_the_log_became_a_session_is_of_the_session() {
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::write(layout::metadata_path(dir.path()), bare(ID).to_json().expect("json")).expect("metadata");
        let is_session = Arc::new(AtomicBool::new(false));
        let mut later = Later {
            dir: dir.path().to_owned(),
            by: None,
            span_ns: None,
            is_session: Arc::clone(&is_session),
            book: None,
        };
        let verdict = Some(player::Verdict::Accept);
        let remark = Remark { from_ns: 1, until_ns: 2, verdict, note: String::new() };
        later.append(&remark).expect("kept");
        std::fs::write(layout::integrity_path(dir.path()), "a").expect("a seal");
        later.append(&remark).expect("kept");
        is_session.store(true, Ordering::Release);
        later.append(&remark).expect("kept");
        let said = Said::read(dir.path()).expect("a review");
        assert_eq!(said.remarks.iter().map(|remark| remark.stale).collect::<Vec<_>>(), [true, true, false]);
    }
}
