//! Windows, as ext-foreign-toplevel-list tells of them: an identifier, title and application; neither process nor place, nor which is active.

use wayland_protocols::ext::foreign_toplevel_list::v1::client::ext_foreign_toplevel_handle_v1::{
    Event, ExtForeignToplevelHandleV1 as Handle,
};

use crate::base::time::MonoNs;

/// The most windows that are followed: far more than a desktop has.
const MAX_WINDOWS: usize = 4096;

/// What a window says of itself. A message of Wayland has 64 KiB at most, and so has each text.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Facts {
    /// What the compositor calls it; never given again.
    pub(super) identifier: String,
    pub(super) title: String,
    pub(super) app: String,
}

/// A window.
#[derive(Debug)]
pub(super) struct Toplevel {
    /// Its number here.
    pub(super) number: u64,
    pub(super) proxy: Option<Handle>,
    /// When it was heard of.
    pub(super) came: MonoNs,
    /// What was told, and what of it holds since it was told in full.
    told: Facts,
    pub(super) facts: Option<Facts>,
}

/// The windows of the desktop, in the order in which the compositor tells of them.
#[derive(Debug)]
pub(super) struct Windows {
    list: Vec<Toplevel>,
    given: u64,
    /// When what is told now is read.
    pub(super) now: MonoNs,
}

impl Default for Windows {
    fn default() -> Self {
        Self { list: Vec::new(), given: 0, now: MonoNs(i64::MIN) }
    }
}

impl Windows {
    /// Takes in a window of which nothing is known; its number.
    pub(super) fn add(&mut self, proxy: Option<Handle>) -> u64 {
        self.given += 1;
        if self.list.len() < MAX_WINDOWS {
            let (number, came, told) = (self.given, self.now, Facts::default());
            self.list.push(Toplevel { number, proxy, came, told, facts: None });
        }
        self.given
    }

    /// Takes in what is told of a window.
    pub(super) fn event(&mut self, number: u64, event: Event) {
        let Some(at) = self.list.iter().position(|window| window.number == number) else { return };
        let window = &mut self.list[at];
        match event {
            Event::Title { title } => window.told.title = title,
            Event::AppId { app_id } => window.told.app = app_id,
            Event::Identifier { identifier } => window.told.identifier = identifier,
            Event::Done => window.facts = Some(window.told.clone()),
            Event::Closed => {
                if let Some(proxy) = self.list.remove(at).proxy {
                    proxy.destroy();
                }
            }
            _ => {}
        }
    }

    /// The windows of which all is told.
    pub(super) fn known(&self) -> impl Iterator<Item = (&Toplevel, &Facts)> {
        self.list.iter().filter_map(|window| Some((window, window.facts.as_ref()?)))
    }

    /// The window with an identifier.
    pub(super) fn get(&self, identifier: &str) -> Option<(&Toplevel, &Facts)> {
        self.known().find(|(_, facts)| facts.identifier == identifier)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_of_a_window_holds_when_all_was_told_and_until_it_is_closed() {
        let mut windows = Windows { now: MonoNs(5), ..Windows::default() };
        let number = windows.add(None);
        windows.event(number, Event::Identifier { identifier: "a1".into() });
        windows.event(number, Event::AppId { app_id: "game".into() });
        assert!(windows.get("a1").is_none());
        windows.event(number, Event::Done);
        windows.event(number, Event::Title { title: "two".into() });
        let facts = |windows: &Windows| windows.get("a1").map(|(window, facts)| (window.came, facts.title.clone()));
        assert_eq!(facts(&windows), Some((MonoNs(5), String::new())));
        windows.event(number, Event::Done);
        assert_eq!(facts(&windows), Some((MonoNs(5), "two".into())));
        windows.event(number, Event::Closed);
        windows.event(number, Event::Done);
        assert_eq!(facts(&windows), None);
        for _ in 0..=MAX_WINDOWS {
            windows.add(None);
        }
        assert_eq!(windows.list.len(), MAX_WINDOWS);
    }
}
