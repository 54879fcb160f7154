//! Where devices come from: a folder that may be read, or the helper that lends them.

use std::collections::BTreeMap;
use std::os::fd::BorrowedFd;
use std::path::PathBuf;
use std::time::Duration;

use watchcap_input_helper::wire::MAX_DEVICES;

use super::device::Device;
use super::folder::Folder;
use super::gate::{SETTLE, Session};
use super::lent::Lent;
use super::session::SessionWatch;
use crate::base::time::MonoNs;
use crate::capture::CaptureError;

/// Where devices come from, and who tells whether the session is locked.
pub(super) enum Supply {
    /// The folder; logind, or nobody where the person said that a lock may be missed.
    Folder(Folder, Option<SessionWatch>),
    /// The helper, which takes them back when the session is locked.
    Lent(Lent),
}

impl Supply {
    /// Takes those that came meanwhile.
    pub(super) fn arrivals(&mut self, now: MonoNs, open: &BTreeMap<PathBuf, Device>) -> Vec<(PathBuf, Device)> {
        match self {
            Self::Folder(folder, _) => folder.arrivals(now, open),
            Self::Lent(lent) => lent.arrivals(MAX_DEVICES.saturating_sub(open.len())),
        }
    }

    /// Whether the session is open; `None` when nobody tells.
    ///
    /// # Errors
    /// [`CaptureError::Gone`] when the helper has ended.
    pub(super) fn session(&mut self) -> Result<Option<Session>, CaptureError> {
        match self {
            Self::Folder(_, watch) => Ok(watch.as_ref().map(SessionWatch::session)),
            Self::Lent(lent) => lent.session().map(Some),
        }
    }

    /// How long the session has to be open again: the helper has waited already.
    pub(super) fn settle(&self) -> Duration {
        if matches!(self, Self::Lent(_)) { Duration::ZERO } else { SETTLE }
    }

    /// Becomes readable when a device comes, or there is word of the session.
    pub(super) fn fd(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Self::Folder(folder, _) => folder.fd(),
            Self::Lent(lent) => lent.fd(),
        }
    }
}
