//! That what is recorded is gone, and what became of looking for it.

use crate::base::time::MonoNs;
use crate::capture::Absence;

/// The recorded surface was lost.
pub(super) struct Waiting {
    /// When that was noticed.
    pub(super) since: MonoNs,
    /// When it was looked for last.
    pub(super) looked: MonoNs,
    pub(super) absence: Absence,
    /// What ends the recording when it does not come back.
    pub(super) what: &'static str,
    pub(super) detail: String,
}

/// What became of a look.
pub(super) enum Sought {
    /// It is not there, since when.
    Absent(MonoNs, Absence),
    /// It may be there: a picture can be tried. With an identifier: another window took its place.
    There(Option<String>),
}
