//! A window as the system lists it, and what the privacy policy says of it.

use super::points::Points;
use crate::privacy::cover::Said;
use crate::privacy::exclude::{self, Exclusions, Reason};

/// What shows notifications.
const NOTIFIER: &str = "com.apple.notificationcenterui";
/// A window, as the system lists it.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct WindowFacts {
    /// Its number.
    pub(super) id: u32,
    pub(super) pid: u32,
    pub(super) points: Points,
    /// 0 for usual windows; menus, panels and notifications are higher, the desktop is lower.
    pub(super) layer: i32,
    /// It is shown: not minimised, not hidden, not on another desktop.
    pub(super) on_screen: bool,
    /// Its title; only told to those who may record the screen.
    pub(super) title: String,
    /// The name of its application, in the person's language.
    pub(super) app: String,
    /// The identifier of its application's bundle; empty for programs without one.
    pub(super) bundle: String,
}

impl WindowFacts {
    /// Why it must not be seen, by its application alone or with its title.
    pub(super) fn verdict(&self, rules: &Exclusions, with_title: bool) -> Option<Reason> {
        rules.verdict(exclude::WindowFacts {
            app: &self.app,
            instance: &self.bundle,
            title: if with_title { &self.title } else { "" },
            programs: &[],
            is_notification: self.is_notification(),
            unmanaged: false,
        })
    }

    /// Why what is typed into it must not be known.
    pub(super) fn hides_keys(&self, rules: &Exclusions) -> Option<Reason> {
        self.verdict(rules, true).filter(|reason| reason.hides_keys())
    }

    fn is_notification(&self) -> bool {
        self.bundle.eq_ignore_ascii_case(NOTIFIER)
    }

    /// What it says of itself.
    pub(super) fn said(&self) -> Said {
        Said {
            app: self.app.clone(),
            instance: self.bundle.clone(),
            titles: [self.title.clone(), String::new()],
            programs: Vec::new(),
            is_notification: self.is_notification(),
        }
    }
}
