//! What of a recorded window's own picture must not be seen: all of it while what it says of itself is excluded, and the chat of a game.

use std::sync::Arc;

use super::toplevel::{Facts, News};
use crate::base::event::Area;
use crate::base::time::MonoNs;
use crate::capture::Covered;
use crate::privacy::cover::{Cover, NewWindow, Said, Scope, Told, WindowEvent, WindowId};
use crate::privacy::exclude::Exclusions;

/// Follows the recorded window.
pub(super) struct Own {
    cover: Cover,
    window: WindowId,
    facts: Option<Facts>,
    /// The games that windows before it were of, a bit each.
    games: u64,
}

impl Own {
    /// For a window of this number, whose picture is of this size.
    pub(super) fn new(rules: &Arc<Exclusions>, number: u64, (width, height): (u32, u32)) -> Self {
        let window = WindowId(number);
        let mut cover = Cover::new(Arc::clone(rules), Scope::Window(window), (width, height));
        let area = Area { x: 0, y: 0, width, height };
        cover.found(window, NewWindow { area, shown: true, unmanaged: false, client: None, is_new: false });
        cover.set_place(area);
        Self { cover, window, facts: None, games: 0 }
    }

    /// For the window that takes the place of this one.
    pub(super) fn renewed(&self, rules: &Arc<Exclusions>, number: u64, size: (u32, u32)) -> Self {
        Self { games: self.games(), ..Self::new(rules, number, size) }
    }

    /// Takes in the size of its picture.
    pub(super) fn sized(&mut self, (width, height): (u32, u32)) {
        self.cover.set_place(Area { x: 0, y: 0, width, height });
    }

    /// Takes in what it said of itself since the last look and what it says now, and that a picture of it was taken: of any of these moments. What
    /// was said beyond what is kept may have been anything, and so what one says that is closed by now.
    pub(super) fn look(&mut self, news: &News, facts: Option<&Facts>, now: MonoNs) {
        if news.is_cut || facts.is_none() {
            self.cover.event(&WindowEvent::Changed(self.window), now);
            self.facts = None;
            self.cover.note(now);
        }
        for facts in news.told.iter().chain(facts) {
            self.hear(facts, now);
        }
    }

    fn hear(&mut self, facts: &Facts, now: MonoNs) {
        if self.facts.as_ref() != Some(facts) {
            self.cover.event(&WindowEvent::Changed(self.window), now);
            self.facts = Some(facts.clone());
        }
        for window in self.cover.unasked() {
            let mut judged = self.cover.judge(&window);
            let titles = [facts.title.clone(), String::new()];
            judged.hear(&Said { app: facts.app.clone(), titles, ..Said::default() });
            self.cover.told(window.window, &Told { judged, opaque: true, paints: true, inset: [0; 4] });
        }
        self.cover.settle();
        self.cover.note(now);
    }

    /// What must not be seen of a picture of this size.
    pub(super) fn covered(&self, size: (u32, u32)) -> Vec<Covered> {
        let inside = |mut covered: Covered| {
            covered.area = covered.area.inside(size)?;
            Some(covered)
        };
        self.cover.covered().into_iter().filter_map(inside).collect()
    }

    /// The games that had a window so far, a bit each.
    pub(super) fn games(&self) -> u64 {
        self.games | self.cover.games()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: (u32, u32) = (640, 480);

    fn says(title: &str) -> Facts {
        Facts { title: title.into(), app: "firefox".into(), ..Facts::default() }
    }

    #[test]
    fn all_of_a_window_is_covered_while_its_title_is_excluded_and_a_while_after() {
        let rules = Arc::new(Exclusions::usual());
        let mut own = Own::new(&rules, 1, SIZE);
        let whole = [Area { x: 0, y: 0, width: 640, height: 480 }];
        let mut covered = |title: &str, ms: i64| {
            own.look(&News::default(), Some(&says(title)), MonoNs(ms * 1_000_000));
            own.covered(SIZE).iter().map(|covered| covered.area).collect::<Vec<_>>()
        };
        assert!(covered("news", 0).is_empty());
        assert_eq!(covered("My vault | Bitwarden", 20), whole);
        assert_eq!(covered("news", 40), whole);
        assert_eq!(covered("news", 300), whole);
        assert!(covered("news", 900).is_empty());
        let mut next = own.renewed(&rules, 2, SIZE);
        next.look(&News::default(), Some(&says("My vault | Bitwarden")), MonoNs(0));
        assert_eq!(next.covered(SIZE).len(), 1);
    }

    #[test]
    fn what_it_said_between_two_looks_counts_too() {
        let rules = Arc::new(Exclusions::usual());
        let mut own = Own::new(&rules, 1, SIZE);
        let mut covered = |told: &[&str], is_cut: bool, ms: i64| {
            let news = News { told: told.iter().map(|title| says(title)).collect(), is_cut };
            own.look(&news, Some(&says("news")), MonoNs(ms * 1_000_000));
            own.covered(SIZE).len()
        };
        assert_eq!(covered(&["news"], false, 0), 0);
        assert_eq!(covered(&["My vault | Bitwarden", "news"], false, 20), 1);
        assert_eq!(covered(&[], false, 300), 1);
        assert_eq!(covered(&[], false, 900), 0);
        assert_eq!(covered(&["sports", "news"], false, 920), 0);
        assert_eq!(covered(&["sports", "news"], true, 940), 1, "more than is kept");
        assert_eq!(covered(&[], false, 1900), 0);
        own.look(&News::default(), None, MonoNs(1_920_000_000));
        assert_eq!(own.covered(SIZE).len(), 1, "it was closed, and what it said is not known");
    }
}
