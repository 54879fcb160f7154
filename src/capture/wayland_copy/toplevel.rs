//! Windows, as ext-foreign-toplevel-list tells of them: an identifier, title and application; neither process nor place, nor which is active.

use wayland_protocols::ext::foreign_toplevel_list::v1::client::ext_foreign_toplevel_handle_v1::{
    Event, ExtForeignToplevelHandleV1 as Handle,
};

use crate::base::time::MonoNs;

/// The most windows that are followed: far more than a desktop has.
const MAX_WINDOWS: usize = 4096;
/// The most that the recorded window may say of itself between two looks and is kept: at 64 KiB a text, some megabytes.
const MAX_NEWS: usize = 32;

/// What a window says of itself. A message of Wayland has 64 KiB at most, and so has each text.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Facts {
    /// What the compositor calls it; never given again.
    pub(super) identifier: String,
    pub(super) title: String,
    pub(super) app: String,
}

/// What the recorded window said of itself since the last look, in order.
#[derive(PartialEq, Eq, Debug, Default)]
pub(super) struct News {
    pub(super) told: Vec<Facts>,
    /// It said more than is kept.
    pub(super) is_cut: bool,
}

impl News {
    fn add(&mut self, facts: &Facts) {
        if self.told.len() < MAX_NEWS {
            self.told.push(facts.clone());
        } else {
            self.is_cut = true;
        }
    }
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
    /// The number of the recorded window, and what it said.
    followed: Option<u64>,
    news: News,
    /// When what is told now is read.
    pub(super) now: MonoNs,
}

impl Default for Windows {
    fn default() -> Self {
        Self { list: Vec::new(), given: 0, followed: None, news: News::default(), now: MonoNs(i64::MIN) }
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
            Event::Done if window.facts.as_ref() == Some(&window.told) => {}
            Event::Done => {
                window.facts = Some(window.told.clone());
                if self.followed == Some(number) {
                    self.news.add(&window.told);
                }
            }
            Event::Closed => {
                if let Some(proxy) = self.list.remove(at).proxy {
                    proxy.destroy();
                }
            }
            _ => {}
        }
    }

    /// Keeps what this window says of itself from now on.
    pub(super) fn follow(&mut self, number: Option<u64>) {
        (self.followed, self.news) = (number, News::default());
    }

    /// What it said since this was asked last.
    pub(super) fn news(&mut self) -> News {
        std::mem::take(&mut self.news)
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
        let titles = |news: News| news.told.into_iter().map(|facts| facts.title).collect::<Vec<_>>();
        assert_eq!(titles(windows.news()), [""; 0], "nobody follows it");
        windows.follow(Some(number));
        for title in ["vault", "vault", "three"] {
            windows.event(number, Event::Title { title: title.into() });
            windows.event(number, Event::Done);
        }
        assert_eq!(titles(windows.news()), ["vault", "three"], "each word, and not the last alone");
        for at in 0..=MAX_NEWS {
            windows.event(number, Event::Title { title: at.to_string() });
            windows.event(number, Event::Done);
        }
        let news = windows.news();
        assert_eq!((news.told.len(), news.is_cut, windows.news()), (MAX_NEWS, true, News::default()));
        windows.event(number, Event::Closed);
        windows.event(number, Event::Done);
        assert_eq!(facts(&windows), None);
        for _ in 0..=MAX_WINDOWS {
            windows.add(None);
        }
        assert_eq!(windows.list.len(), MAX_WINDOWS);
    }
}
