//! MP4: appended to while recording ([`append`]), scanned after a crash ([`scan`]), finished with an index ([`moov`], [`sound`],
//! [`finish`]), written whole ([`writer`]), read ([`index`], [`sound_index`]), and looked through when another program made it ([`foreign`]).

pub mod append;
pub(crate) mod boxes;
pub(crate) mod description;
pub mod finish;
pub mod foreign;
pub mod foreign_sound;
pub(crate) mod foreign_tracks;
pub mod index;
pub mod mixed;
pub mod moov;
pub mod scan;
pub mod sound;
pub mod sound_index;
pub(crate) mod trak;
pub mod writer;
