//! `watchcap replay`.

use watchcap_replay::{self as player, Look, Options, Recording, Review, Summary};

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

/// The book that marks and verdicts go into; `None` for a log that does not say any more which recording it is of.
fn book(args: &ReplayArgs, summary: &Summary) -> Result<Option<Box<dyn Review>>, Failure> {
    let dir = &args.session;
    let metadata = layout::metadata_path(dir);
    let id = if metadata.is_file() {
        Some(Metadata::read(&metadata).map_err(|error| Failure::new(&error, error.hint()))?.session_id)
    } else {
        let log = LogReader::open(&LogPaths::of(dir)).map_err(|error| Failure::new(&error, error.hint()))?;
        let story = Story::read(&log);
        (!story.partial_id).then_some(story.session_id)
    };
    let Some(id) = id else { return Ok(None) };
    let by = args.reviewer.clone().or_else(|| review::user_name(|name| std::env::var(name).ok()));
    // While it is being recorded nobody can have seen all of it.
    let span_ns = (!summary.live).then_some((summary.start_ns, summary.end_ns));
    let book = Book::open(dir, &id, span_ns, by, Box::new(SystemClock));
    Ok(Some(Box::new(book.map_err(|error| Failure::new(&error, error.hint()))?)))
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
    let recording = Recording {
        timeline: &*playback.timeline,
        pictures: playback.pictures,
        review: book(args, &playback.timeline.summary())?,
        exports: Some(Box::new(Exporter::new(dir, &args.export_dir))),
    };
    player::run(recording, options).map_err(|error| Failure::new(&error, error.hint().map(str::to_owned)))?;
    Ok(Outcome::Clean)
}
