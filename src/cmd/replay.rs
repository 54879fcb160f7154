//! `watchcap replay`.

use watchcap_replay::{self as player, Look, Options, Recording, Timeline as _};

use super::{Failure, Outcome, qa};
use crate::cli::{PicturesArg, ReplayArgs, ThemeArg};
use crate::clip::exports::Exporter;
use crate::log::LogPaths;
use crate::session::metadata::Metadata;
use crate::session::review::{self, Book};
use crate::session::{layout, timeline};
use crate::time::SystemClock;

/// The book that marks and verdicts go into.
fn book(args: &ReplayArgs, span_ns: (i64, i64)) -> Result<Book, Failure> {
    let dir = &args.session;
    let metadata = Metadata::read(&layout::metadata_path(dir)).map_err(|error| Failure::new(&error, error.hint()))?;
    let by = args.reviewer.clone().or_else(|| review::user_name(|name| std::env::var(name).ok()));
    Book::open(dir, &metadata.session_id, Some(span_ns), by, Box::new(SystemClock))
        .map_err(|error| Failure::new(&error, error.hint()))
}

pub(super) fn run(args: &ReplayArgs) -> Result<Outcome, Failure> {
    if args.check {
        return qa::run(args);
    }
    let dir = &args.session;
    if !layout::events_path(dir).is_file() && LogPaths::of(dir).dir.is_dir() {
        let hint = format!("seal it first: watchcap finalize {}", dir.display());
        return Err(Failure::new(&format!("{} is a log and no session yet", dir.display()), Some(hint)));
    }
    let (timeline, pictures) = timeline::open(dir).map_err(|error| {
        let hint = error.hint().unwrap_or_else(|| format!("see what is wrong with: watchcap verify {}", dir.display()));
        Failure::new(&error, Some(hint))
    })?;
    let look = match args.theme {
        ThemeArg::Dark => Look::Dark,
        ThemeArg::Light => Look::Light,
        ThemeArg::Contrast => Look::Contrast,
    };
    let options = Options { half_blocks: args.pictures == PicturesArg::Blocks, look, ..Options::default() };
    let summary = timeline.summary();
    let recording = Recording {
        timeline: &timeline,
        pictures: Box::new(pictures),
        review: Some(Box::new(book(args, (summary.start_ns, summary.end_ns))?)),
        exports: Some(Box::new(Exporter::new(dir, &args.export_dir))),
    };
    player::run(recording, options).map_err(|error| Failure::new(&error, error.hint().map(str::to_owned)))?;
    Ok(Outcome::Clean)
}
