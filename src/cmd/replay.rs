//! `watchcap replay`.

use watchcap_replay::{self as player, Look, Options, Recording};

use super::{Failure, Outcome};
use crate::cli::{PicturesArg, ReplayArgs, ThemeArg};
use crate::log::LogPaths;
use crate::session::timeline::ReelTimeline;
use crate::session::{layout, sealed};

pub(super) fn run(args: &ReplayArgs) -> Result<Outcome, Failure> {
    let dir = &args.session;
    if !layout::events_path(dir).is_file() && LogPaths::of(dir).is_there() {
        let hint = format!("seal it first: watchcap finalize {}", dir.display());
        return Err(Failure::new(&format!("{} is a log and no session yet", dir.display()), Some(hint)));
    }
    let (reel, pictures) = sealed::open(dir).map_err(|error| {
        let hint = error.hint().unwrap_or_else(|| format!("see what is wrong with: watchcap verify {}", dir.display()));
        Failure::new(&error, Some(hint))
    })?;
    let timeline = ReelTimeline::new(reel);
    let look = match args.theme {
        ThemeArg::Dark => Look::Dark,
        ThemeArg::Light => Look::Light,
        ThemeArg::Contrast => Look::Contrast,
    };
    let options = Options { half_blocks: args.pictures == PicturesArg::Blocks, look, ..Options::default() };
    let recording = Recording { timeline: &timeline, pictures: Box::new(pictures), review: None, exports: None };
    player::run(recording, options).map_err(|error| Failure::new(&error, error.hint().map(str::to_owned)))?;
    Ok(Outcome::Clean)
}
