//! The seam of compositors that tell their active window.

use std::io;
use std::time::Duration;

/// The longest title or name that is looked at, bytes of UTF-8. Rules see all of it; what is told is shorter.
const MAX_TEXT: usize = 64 << 10;

/// The active window.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Active {
    /// Its identifier.
    pub(crate) id: String,
    /// Its application: the `app_id`, or the class of an X client.
    pub(crate) app: String,
    /// The other name of its application, where there is one.
    pub(crate) instance: String,
    /// Its title.
    pub(crate) title: String,
    /// Its process.
    pub(crate) pid: Option<u32>,
}

impl Active {
    /// Bounds each text.
    pub(super) fn bounded(mut self) -> Self {
        for text in [&mut self.app, &mut self.instance, &mut self.title] {
            text.truncate(text.floor_char_boundary(MAX_TEXT));
        }
        self
    }
}

/// A compositor that tells its active window.
pub(crate) trait Desk: Send {
    /// Waits until the compositor has something to say, up to a limit; an early end is allowed.
    fn wait(&mut self, limit: Duration) -> io::Result<()>;

    /// Goes to the compositor and back. Returns which windows have been active since the last look (none: no window was), the one that is
    /// now as the last; every change before the call is in the answer. Nothing where nothing changed, but at the first look.
    fn look(&mut self) -> io::Result<Vec<Option<Active>>>;
}
