//! Sound on its way into the log: where its samples lie in time ([`mod@line`], [`place`]), and the thread that puts them there, without what is
//! kept out ([`stage`]).

mod holes;
mod line;
mod place;
mod stage;
mod start;

pub(super) use self::stage::{SoundNews, SoundStage};
pub(super) use self::start::{OpenedSound, StartingSound, encoder, start};
