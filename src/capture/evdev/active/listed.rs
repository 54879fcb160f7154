//! The windows of ext-foreign-toplevel-list, by whose identifiers they are recorded alone; it does not tell which is active.
//!
//! The list that tells that gives its own handles, so a window of one list is known in the other by its application and title, while no other
//! window of either list has the same. What was found so stays: both handles last as long as the window.

use std::collections::BTreeMap;

use wayland_protocols::ext::foreign_toplevel_list::v1::client::ext_foreign_toplevel_handle_v1::{
    Event, ExtForeignToplevelHandleV1 as Handle,
};

/// Most windows that are followed.
const MAX_WINDOWS: usize = 4096;

/// Application and title.
pub(super) type Words<'a> = (&'a str, &'a str);

#[derive(Clone, Default)]
struct Facts {
    identifier: String,
    app: String,
    title: String,
}

struct Listed {
    number: u64,
    told: Facts,
    holds: Option<Facts>,
}

/// What is listed, and which window of the other list each is.
#[derive(Default)]
pub(super) struct Identifiers {
    list: Vec<Listed>,
    given: u64,
    /// By the number that a window has in the other list.
    found: BTreeMap<u64, String>,
}

impl Identifiers {
    /// Takes in a window; its number here.
    pub(super) fn add(&mut self) -> u64 {
        self.given += 1;
        if self.list.len() < MAX_WINDOWS {
            self.list.push(Listed { number: self.given, told: Facts::default(), holds: None });
        }
        self.given
    }

    /// Takes in what is told of a window.
    pub(super) fn event(&mut self, number: u64, proxy: Option<&Handle>, event: Event) {
        let Some(at) = self.list.iter().position(|window| window.number == number) else { return };
        let window = &mut self.list[at];
        match event {
            Event::Identifier { identifier } => window.told.identifier = identifier,
            Event::AppId { app_id } => window.told.app = app_id,
            Event::Title { title } => window.told.title = title,
            Event::Done => window.holds = Some(window.told.clone()),
            Event::Closed => {
                self.list.remove(at);
                if let Some(proxy) = proxy {
                    proxy.destroy();
                }
            }
            _ => {}
        }
    }

    /// Looks which window is which, when all is told of both lists. `others`: those of the other list, by their numbers.
    pub(super) fn compare(&mut self, others: &[(u64, Words<'_>)]) {
        self.found.retain(|number, _| others.iter().any(|(other, _)| other == number));
        for (number, words) in others {
            if self.found.contains_key(number) || others.iter().filter(|(_, other)| other == words).count() != 1 {
                continue;
            }
            let mut same = self.list.iter().filter_map(|window| window.holds.as_ref());
            let mut same = same.by_ref().filter(|facts| (facts.app.as_str(), facts.title.as_str()) == *words);
            if let (Some(facts), None) = (same.next(), same.next())
                && !facts.identifier.is_empty()
                && self.found.values().all(|found| *found != facts.identifier)
            {
                self.found.insert(*number, facts.identifier.clone());
            }
        }
    }

    /// The identifier of the window with a number in the other list; `None` where it is not certain.
    pub(super) fn of(&self, number: u64) -> Option<&str> {
        self.found.get(&number).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comes(all: &mut Identifiers, identifier: &str, app: &str, title: &str) -> u64 {
        let number = all.add();
        all.event(number, None, Event::Identifier { identifier: identifier.into() });
        all.event(number, None, Event::AppId { app_id: app.into() });
        all.event(number, None, Event::Title { title: title.into() });
        all.event(number, None, Event::Done);
        number
    }

    #[test]
    fn a_window_is_known_by_its_words_while_they_are_its_alone_and_stays_known() {
        let mut all = Identifiers::default();
        let a = comes(&mut all, "a", "foot", "~");
        comes(&mut all, "b", "foot", "~");
        comes(&mut all, "g", "game", "one");
        all.compare(&[(1, ("foot", "~")), (2, ("foot", "~")), (3, ("game", "one"))]);
        assert_eq!((all.of(1), all.of(2), all.of(3)), (None, None, Some("g")), "two are called the same");
        all.event(a, None, Event::Title { title: "vim".into() });
        all.event(a, None, Event::Done);
        all.compare(&[(1, ("foot", "vim")), (2, ("foot", "~")), (3, ("foot", "vim"))]);
        assert_eq!((all.of(1), all.of(2), all.of(3)), (None, Some("b"), Some("g")));
        all.compare(&[(1, ("foot", "vim")), (2, ("foot", "~"))]);
        assert_eq!((all.of(1), all.of(3)), (Some("a"), None), "it was closed");
        all.compare(&[(1, ("foot", "vim")), (4, ("foot", "vim"))]);
        assert_eq!((all.of(1), all.of(4)), (Some("a"), None));
        all.event(a, None, Event::Closed);
        comes(&mut all, "c", "foot", "new");
        all.compare(&[(5, ("foot", "new"))]);
        assert_eq!(all.of(5), Some("c"));
    }
}
