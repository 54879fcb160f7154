//! From lists of windows to what the system leaves out of the pictures, and to what is covered in those that it was not told of yet.
//!
//! Pure. What must not be seen is kept out twice. The system draws no picture of it ([`Kept`]): applications are left out with every window that they
//! will open, windows with an excluded title one by one. And until the system says that it does so, such a window is covered by the list, as on
//! other systems. Invariant: a window is covered, or the system has confirmed that it leaves it out; for 0.4 s after that both
//! ([`LINGER`](crate::privacy::cover::LINGER)).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::points::Points;
use super::window::WindowFacts;
use crate::base::event::Area;
use crate::base::time::MonoNs;
use crate::capture::Covered;
use crate::privacy::cover::{ClientId, Cover, NewWindow, Scope, Stacking, Told, WindowEvent, WindowId};
use crate::privacy::exclude::Exclusions;

/// How often windows that are new are asked in one go.
const ROUNDS: u32 = 4;

/// What the system is to leave out, or leaves out.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Kept {
    /// Processes with their bundles, and all of their windows: numbers of processes are given again.
    pub(super) apps: BTreeSet<(u32, String)>,
    /// Windows of others, by their numbers.
    pub(super) windows: BTreeSet<u32>,
}

impl Kept {
    /// What is in both.
    #[must_use]
    pub(super) fn common(&self, other: &Self) -> Self {
        Self { apps: &self.apps & &other.apps, windows: &self.windows & &other.windows }
    }

    fn has(&self, facts: &WindowFacts) -> bool {
        self.windows.contains(&facts.id) || self.apps.contains(&app(facts))
    }
}

fn app(facts: &WindowFacts) -> (u32, String) {
    (facts.pid, facts.bundle.clone())
}

/// What of a list the system is to leave out, beside these applications. Windows of an application that is left out are none of the windows: there they
/// would be exceptions, which are shown.
fn kept_beside(list: &[WindowFacts], rules: &Exclusions, mut apps: BTreeSet<(u32, String)>) -> Kept {
    apps.extend(list.iter().filter(|facts| facts.verdict(rules, false).is_some()).map(app));
    let by_title = |facts: &&WindowFacts| !apps.contains(&app(facts)) && facts.verdict(rules, true).is_some();
    let windows = list.iter().filter(by_title).map(|facts| facts.id).collect();
    Kept { apps, windows }
}

/// What of a list the system is to leave out.
pub(super) fn kept_out(list: &[WindowFacts], rules: &Exclusions) -> Kept {
    kept_beside(list, rules, BTreeSet::new())
}

/// What the system is to be asked for when it leaves `out` out; `None` while that is enough. Applications that were left out once stay so, also while they
/// show nothing; a window is seen again when its title lets it.
pub(super) fn order(list: &[WindowFacts], rules: &Exclusions, out: &Kept) -> Option<Kept> {
    let kept = kept_beside(list, rules, out.apps.clone());
    let is_seen = list.iter().any(|facts| facts.on_screen && kept.has(facts) && !out.has(facts));
    let is_over = out.windows.iter().any(|id| !kept.windows.contains(id));
    (is_seen || is_over).then_some(kept)
}

/// Follows the windows of the desktop by lists of them.
pub(super) struct Roster {
    rules: Arc<Exclusions>,
    known: BTreeMap<u32, (WindowFacts, Area)>,
    cover: Cover,
}

impl Roster {
    /// Knows no window yet.
    pub(super) fn new(rules: Arc<Exclusions>, desktop: Area) -> Self {
        let cover = Cover::new(Arc::clone(&rules), Scope::Desktop, (desktop.width, desktop.height));
        Self { rules, known: BTreeMap::new(), cover }
    }

    /// Nothing is kept out, so no list is needed.
    pub(super) fn is_idle(&self) -> bool {
        self.cover.is_idle()
    }

    pub(super) fn rules(&self) -> &Exclusions {
        &self.rules
    }

    /// Takes in a list, from the top to the bottom, that was read at `now`, while the system left `out` out. `at` says where windows are in the pictures.
    pub(super) fn take(&mut self, list: &[WindowFacts], at: impl Fn(Points) -> Area, out: &Kept, now: MonoNs) {
        let seen: Vec<&WindowFacts> = list.iter().filter(|facts| facts.on_screen && !out.has(facts)).collect();
        let ids: BTreeSet<u32> = seen.iter().map(|facts| facts.id).collect();
        let gone: Vec<u32> = self.known.keys().copied().filter(|id| !ids.contains(id)).collect();
        for id in gone {
            self.went(id, now);
        }
        for facts in &seen {
            self.compare(facts, at(facts.points), now);
        }
        self.cover.set_order(seen.iter().rev().map(|facts| WindowId(facts.id.into())));
        for _ in 0..ROUNDS {
            let unasked = self.cover.unasked();
            if unasked.is_empty() {
                break;
            }
            for window in unasked {
                let mut judged = self.cover.judge(&window);
                let known = u32::try_from(window.window.0).ok().and_then(|id| self.known.get(&id));
                match known {
                    Some((facts, _)) => drop(judged.hear(&facts.said())),
                    None => judged.gone(),
                }
                // Any window can be translucent here, and none says so.
                self.cover.told(window.window, &Told { judged, opaque: false, paints: true, inset: [0; 4] });
            }
        }
        self.cover.settle();
    }

    fn went(&mut self, id: u32, now: MonoNs) {
        self.known.remove(&id);
        self.cover.event(&WindowEvent::Went { window: WindowId(id.into()), into: None }, now);
    }

    fn compare(&mut self, facts: &WindowFacts, area: Area, now: MonoNs) {
        let window = WindowId(facts.id.into());
        let Some((before, was_at)) = self.known.insert(facts.id, (facts.clone(), area)) else {
            let client = Some(ClientId(facts.pid.into()));
            let new = NewWindow { area, shown: true, unmanaged: false, client, is_new: true };
            return self.cover.event(&WindowEvent::Appeared(window, new), now);
        };
        if was_at != area {
            let (unmanaged, stacking) = (false, Stacking::Top);
            self.cover.event(&WindowEvent::Placed { window, area, unmanaged, stacking }, now);
        }
        if (&before.title, &before.app, &before.bundle) != (&facts.title, &facts.app, &facts.bundle) {
            self.cover.event(&WindowEvent::Changed(window), now);
        }
    }

    /// A picture was taken, and a list behind it was taken in.
    pub(super) fn note(&mut self, now: MonoNs) {
        self.cover.note(now);
    }

    /// What must not be seen, on the desktop.
    pub(super) fn covered(&self) -> Vec<Covered> {
        self.cover.covered()
    }

    /// The games that had a window so far, a bit each.
    pub(super) fn games(&self) -> u64 {
        self.cover.games()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::macos::places::{Desktop, Display};
    use crate::privacy::exclude::Reason;

    const AT: Points = Points { x: 100.0, y: 100.0, width: 300.0, height: 200.0 };
    /// The same on a display of two pixels a point.
    const COVERED: Area = Area { x: 200, y: 200, width: 600, height: 400 };

    fn desktop() -> Desktop {
        let points = Points { x: 0.0, y: 0.0, width: 1440.0, height: 900.0 };
        Desktop(vec![Display { id: 1, points, scale: 2.0, is_main: true, ..Display::default() }])
    }

    fn window(id: u32, bundle: &str, title: &str) -> WindowFacts {
        let (bundle, title) = (bundle.into(), title.into());
        WindowFacts { id, pid: id / 10, points: AT, on_screen: true, bundle, title, ..WindowFacts::default() }
    }

    fn roster() -> Roster {
        Roster::new(Arc::new(Exclusions::usual()), desktop().whole())
    }

    fn look(roster: &mut Roster, list: &[WindowFacts], out: &Kept, ms: i64) -> Vec<(Area, Reason)> {
        roster.take(list, |points| desktop().touched(points), out, MonoNs(ms * 1_000_000));
        roster.note(MonoNs(ms * 1_000_000 + 1));
        roster.covered().into_iter().map(|covered| (covered.area, covered.reason)).collect()
    }

    #[test]
    fn applications_are_left_out_whole_and_titles_one_by_one() {
        let list = [
            window(10, "com.bitwarden.desktop", "Vault"),
            window(20, "com.apple.Safari", "News"),
            window(21, "com.apple.Safari", "My vault | 1Password"),
            window(30, "com.apple.notificationcenterui", ""),
            window(40, "com.apple.SecurityAgent", ""),
            window(50, "com.apple.loginwindow", ""),
        ];
        let kept = kept_out(&list, &Exclusions::usual());
        let pids: Vec<u32> = kept.apps.iter().map(|(pid, _)| *pid).collect();
        assert_eq!(pids, [1, 3, 4, 5]);
        assert_eq!(kept.windows, BTreeSet::from([21]), "and nothing else of the browser");
        assert_eq!(kept_out(&list, &Exclusions::none()), Kept::default());
        let rules = Exclusions::usual();
        let hides: Vec<_> = list.iter().filter_map(|facts| facts.hides_keys(&rules)).collect();
        assert_eq!(hides, [Reason::Excluded, Reason::Excluded, Reason::Excluded, Reason::LockScreen]);
    }

    #[test]
    fn a_window_is_covered_until_the_system_leaves_it_out_and_a_while_after() {
        let mut roster = roster();
        let list = [window(10, "com.bitwarden.desktop", "Vault"), window(20, "com.apple.Safari", "News")];
        let out = kept_out(&list, roster.rules());
        assert_eq!(look(&mut roster, &list, &Kept::default(), 0), [(COVERED, Reason::Excluded)]);
        assert_eq!(look(&mut roster, &list, &out, 30), [(COVERED, Reason::Excluded)], "pictures may be on their way");
        assert_eq!(look(&mut roster, &list, &out, 1000), []);
        // Another window of the same application: never seen.
        let more = [list[0].clone(), WindowFacts { id: 11, ..list[0].clone() }];
        assert_eq!(look(&mut roster, &more, &out, 1030), []);
        // The system forgot: covered at once.
        assert_eq!(look(&mut roster, &list, &Kept::default(), 1060), [(COVERED, Reason::Excluded)]);
    }

    #[test]
    fn the_system_is_asked_when_something_is_seen_or_may_be_again() {
        let rules = Exclusions::usual();
        let vault = window(10, "com.bitwarden.desktop", "Vault");
        let mut list = vec![vault.clone(), window(21, "com.apple.Safari", "My vault | 1Password")];
        let all = order(&list, &rules, &Kept::default()).expect("an order");
        assert_eq!(order(&list, &rules, &all), None);
        // The application shows nothing: it stays left out, and is when it comes again.
        assert_eq!(order(&list[1..], &rules, &all), None);
        list.push(WindowFacts { id: 11, ..vault.clone() });
        assert_eq!(order(&list, &rules, &all), None);
        // Another application has its number.
        let other = WindowFacts { bundle: "org.keepassxc.keepassxc".into(), app: "KeePassXC".into(), ..vault };
        assert!(order(&[list[1].clone(), other], &rules, &all).is_some());
        list[1].title = "News".into();
        let less = order(&list, &rules, &all).expect("an order");
        assert_eq!((less.windows.len(), &less.apps, less.common(&all)), (0, &all.apps, less.clone()));
        assert_eq!(order(&list, &rules, &less), None);
        // A window of an application that is left out is none by itself: as an exception it would be shown.
        let out = Kept { apps: BTreeSet::from([(2, "com.apple.Safari".into())]), windows: BTreeSet::from([21]) };
        list[1].title = "My vault | 1Password".into();
        assert_eq!(order(&list, &rules, &out).map(|kept| kept.windows.len()), Some(0));
    }

    #[test]
    fn a_window_that_moves_or_gets_another_title_is_covered_where_it_was_too() {
        let mut roster = roster();
        let mut list = [window(20, "com.apple.Safari", "News")];
        assert_eq!(look(&mut roster, &list, &Kept::default(), 0), []);
        list[0].title = "Bitwarden Web".into();
        assert_eq!(look(&mut roster, &list, &Kept::default(), 30), [(COVERED, Reason::Excluded)]);
        list[0].points.x = 200.0;
        let moved = Area { x: 400, ..COVERED };
        let both = [(COVERED, Reason::Excluded), (moved, Reason::Excluded)];
        assert_eq!(look(&mut roster, &list, &Kept::default(), 60), both);
        list[0].on_screen = false;
        assert_eq!(look(&mut roster, &list, &Kept::default(), 90), both, "it lingers");
        assert_eq!(look(&mut roster, &list, &Kept::default(), 1000), []);
        assert_eq!(roster.games(), 0);
        assert!(!roster.is_idle() && Roster::new(Arc::default(), desktop().whole()).is_idle());
    }
}
