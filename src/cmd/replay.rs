//! `watchcap replay`.

use std::path::PathBuf;

use watchcap_replay::{self as player, Look, Options, Recording, Remark, Review};

use super::{Failure, Outcome, qa};
use crate::cli::{PicturesArg, ReplayArgs, ThemeArg};
use crate::clip::exports::Exporter;
use crate::finalize::describe::Story;
use crate::log::LogPaths;
use crate::log::reader::LogReader;
use crate::playback;
use crate::session::layout;
use crate::session::metadata::Metadata;
use crate::session::review::{self, Book};
use crate::time::SystemClock;

/// The book that marks and verdicts go into, opened by the thread that writes them: which recording a long log is of takes a scan of it.
struct Later {
    dir: PathBuf,
    by: Option<String>,
    /// `None` while it is being recorded: nobody can have seen all of it.
    span_ns: Option<(i64, i64)>,
    book: Option<Book>,
}

impl Later {
    fn open(&self) -> Result<Book, String> {
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
            .map_err(|error| error.to_string())
    }

    fn book(&mut self) -> Result<&mut Book, String> {
        match self.book {
            Some(ref mut book) => Ok(book),
            None => Ok(self.book.insert(self.open()?)),
        }
    }
}

impl Review for Later {
    fn list(&mut self) -> Result<Vec<Remark>, String> {
        self.book()?.list()
    }

    fn append(&mut self, remark: &Remark) -> Result<(), String> {
        Review::append(self.book()?, remark)
    }
}

pub(super) fn run(args: &ReplayArgs) -> Result<Outcome, Failure> {
    if args.check {
        return qa::run(args);
    }
    let dir = &args.session;
    let playback = playback::open(dir).map_err(|error| {
        let hint = error.hint().unwrap_or_else(|| format!("see what is wrong with: watchcap verify {}", dir.display()));
        Failure::new(&error, Some(hint))
    })?;
    let look = match args.theme {
        ThemeArg::Dark => Look::Dark,
        ThemeArg::Light => Look::Light,
        ThemeArg::Contrast => Look::Contrast,
    };
    let options = Options { half_blocks: args.pictures == PicturesArg::Blocks, look, ..Options::default() };
    let summary = playback.timeline.summary();
    let review = Later {
        dir: dir.clone(),
        by: args.reviewer.clone().or_else(|| review::user_name(|name| std::env::var(name).ok())),
        span_ns: (!summary.live).then_some((summary.start_ns, summary.end_ns)),
        book: None,
    };
    let recording = Recording {
        timeline: &*playback.timeline,
        pictures: playback.pictures,
        review: Some(Box::new(review)),
        exports: Some(Box::new(Exporter::new(dir, &args.export_dir))),
    };
    player::run(recording, options).map_err(|error| Failure::new(&error, error.hint().map(str::to_owned)))?;
    Ok(Outcome::Clean)
}
