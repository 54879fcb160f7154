//! What a format says of itself: its name, its options, its files. Nothing here reads a session or writes a file.

use super::opt::Opt;
use super::options::Options;
use crate::base::event::Stream;

/// What is known of a format before anything is made.
pub trait FormatKind: Sync {
    /// Its name on the command line and in manifests.
    fn name(&self) -> &'static str;
    /// One line for the help text.
    fn about(&self) -> &'static str;
    /// Version of its layout: another one is made anew.
    fn version(&self) -> u32;
    /// The options that it takes; others are refused.
    fn takes(&self) -> &'static [Opt];
    /// The streams whose consent it needs.
    fn needs(&self) -> &'static [Stream];
    /// Whether what it makes with these options has the inputs of gamepads. Of a format without inputs nothing is missing.
    fn has_gamepads(&self, options: &Options) -> bool {
        !self.needs().contains(&Stream::Input) || (options.gamepad && self.takes().contains(&Opt::Space))
    }
    /// End of the name of its one file per session; `None` when a session becomes several files. With it, `--out` may name a file.
    fn suffix(&self) -> Option<&'static str> {
        None
    }
    /// Whether it makes a file of this name (a path inside the folder): `stem` is the session's name, or that of the one file that was
    /// asked for. A manifest that names anything else is not believed: what it names would be deleted.
    fn makes(&self, file: &str, stem: &str, session_id: &str) -> bool;
    /// Whether it takes PNG pictures of a session along, where it has some.
    fn takes_stills(&self) -> bool {
        false
    }
    /// Whether it is about sessions as a whole, so that a part that was accepted does not do.
    fn is_whole(&self) -> bool {
        false
    }
    /// Whether names of files are made of a session's id, so that two editions of a recording cannot lie in one folder.
    fn is_by_id(&self) -> bool {
        false
    }
    /// Whether names of files are made of a session's place among the others, so that one session's may have been another's before.
    fn is_by_place(&self) -> bool {
        false
    }
}
