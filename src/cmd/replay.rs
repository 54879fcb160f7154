//! `watchcap replay`.

use watchcap_replay::{self as player, Look, Options, Recording};

use super::{Failure, Outcome};
use crate::cli::{PicturesArg, ReplayArgs, ThemeArg};
use crate::playback;

pub(super) fn run(args: &ReplayArgs) -> Result<Outcome, Failure> {
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
    let recording =
        Recording { timeline: &*playback.timeline, pictures: playback.pictures, review: None, exports: None };
    player::run(recording, options).map_err(|error| Failure::new(&error, error.hint().map(str::to_owned)))?;
    Ok(Outcome::Clean)
}
