//! From lists of windows to what the privacy policy is told, and to what lies over a recorded window.
//!
//! Pure. Windows tells of no window in the order in which things happen, so the list is asked for before and after each picture, and what
//! changed between two lists is told as if it had happened then: a window that was there in either is covered where it was in both.
//! A window that moves can be further away between two lists than in both, where it turns back: it is covered as far around as it came
//! in that time, at the fastest that it was seen to move in the last second. One that stood until then, and is moved out and back between
//! two lists, is not seen.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::base::event::Area;
use crate::base::time::MonoNs;
use crate::capture::Covered;
use crate::privacy::cover::{ClientId, Cover, NewWindow, Said, Scope, Stacking, Told, WindowEvent, WindowId};
use crate::privacy::exclude::Exclusions;

/// The process that shows notifications, and the class of its windows.
const NOTIFIER: (&str, &str) = ("shellexperiencehost", "Windows.UI.Core.CoreWindow");
/// How often windows that are new are asked in one go.
const ROUNDS: u32 = 4;
/// How long a window that moved is taken for one that moves.
const MOVES_FOR: Duration = Duration::from_secs(1);
/// Most pixels around a window that moves which are covered too.
const FURTHEST: u32 = 400;

/// A window, as the system lists it.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct WindowFacts {
    /// Its handle.
    pub(super) id: u64,
    pub(super) pid: u32,
    /// On the desktop, with its frame.
    pub(super) area: Area,
    /// It can be seen, or could be if nothing lay over it: visible, not minimised, not cloaked.
    pub(super) shown: bool,
    /// What lies below may be seen through it: it is layered, has a shape of its own, or no picture of its own.
    pub(super) blends: bool,
    /// Clicks go through it: an overlay.
    pub(super) is_overlay: bool,
    /// It has no title bar: menus, lists, tooltips.
    pub(super) is_popup: bool,
    /// It covers a whole monitor.
    pub(super) fills: bool,
    /// It is maximised.
    pub(super) is_zoomed: bool,
    pub(super) title: String,
    /// Its class.
    pub(super) class: String,
    /// Its program's file, without `.exe`; empty when it is not known.
    pub(super) program: String,
}

impl WindowFacts {
    /// What it says of itself. The program stands for the application, since classes are often those of a toolkit.
    pub(super) fn said(&self) -> Said {
        let (program, class) = NOTIFIER;
        Said {
            app: self.program.clone(),
            instance: self.class.clone(),
            titles: [self.title.clone(), String::new()],
            programs: Vec::new(),
            is_notification: self.class == class && self.program.eq_ignore_ascii_case(program),
        }
    }

    /// Whether it is still the window that it was: handles are given again.
    fn is_same(&self, other: &Self) -> bool {
        (self.pid, &self.class) == (other.pid, &other.class)
    }
}

/// How a window moved.
#[derive(Clone, Copy)]
struct Motion {
    /// Pixels per second, at the fastest in the last [`MOVES_FOR`].
    speed: f64,
    /// When it was last seen at another place.
    at: MonoNs,
    /// It came from one place to another more than once: one that was put elsewhere does not move.
    goes_on: bool,
    /// How many pixels further than in the list it may have been since the list before.
    margin: u32,
}

/// Follows the windows of the desktop by lists of them.
pub(super) struct Roster {
    known: BTreeMap<u64, WindowFacts>,
    /// Of those that were moved, how.
    motions: BTreeMap<u64, Motion>,
    /// When the list before was read.
    listed: Option<MonoNs>,
    cover: Cover,
}

impl Roster {
    /// Knows no window yet.
    pub(super) fn new(rules: Arc<Exclusions>, desktop: Area) -> Self {
        let cover = Cover::new(rules, Scope::Desktop, (desktop.width, desktop.height));
        Self { known: BTreeMap::new(), motions: BTreeMap::new(), listed: None, cover }
    }

    /// Nothing is kept out, so no list is needed.
    pub(super) fn is_idle(&self) -> bool {
        self.cover.is_idle()
    }

    /// Takes in a list, from the top to the bottom, that was read at `now`.
    pub(super) fn take(&mut self, list: &[WindowFacts], now: MonoNs) {
        let gone: Vec<u64> = self.known.keys().copied().filter(|id| list.iter().all(|facts| facts.id != *id)).collect();
        for id in gone {
            self.known.remove(&id);
            self.motions.remove(&id);
            self.cover.event(&WindowEvent::Went { window: WindowId(id), into: None }, now);
        }
        let passed = self.listed.map_or(Duration::ZERO, |listed| now.since(listed));
        for facts in list {
            self.compare(facts, passed, now);
            self.surround(facts, passed, now);
        }
        self.listed = Some(now);
        self.cover.set_order(list.iter().rev().map(|facts| WindowId(facts.id)));
        for _ in 0..ROUNDS {
            let unasked = self.cover.unasked();
            if unasked.is_empty() {
                break;
            }
            for window in unasked {
                let mut judged = self.cover.judge(&window);
                let facts = self.known.get(&window.window.0);
                match facts {
                    Some(facts) => drop(judged.hear(&facts.said())),
                    None => judged.gone(),
                }
                // Corners of usual windows are round, so only what covers a monitor hides what is below.
                let opaque = facts.is_some_and(|facts| facts.fills && !facts.blends && !facts.is_overlay);
                self.cover.told(window.window, &Told { judged, opaque, paints: true, inset: [0; 4] });
            }
        }
        self.cover.settle();
    }

    fn compare(&mut self, facts: &WindowFacts, passed: Duration, now: MonoNs) {
        let window = WindowId(facts.id);
        let before = self.known.insert(facts.id, facts.clone());
        let before = before.filter(|before| {
            let same = before.is_same(facts);
            if !same {
                self.cover.event(&WindowEvent::Went { window, into: None }, now);
            }
            same
        });
        let Some(before) = before else {
            let client = (facts.pid != 0).then_some(ClientId(facts.pid.into()));
            let new = NewWindow { area: facts.area, shown: facts.shown, unmanaged: false, client, is_new: true };
            return self.cover.event(&WindowEvent::Appeared(window, new), now);
        };
        if before.area != facts.area {
            self.place(window, facts.area, now);
            let apart = f64::from(apart(before.area, facts.area));
            let speed = apart / passed.max(Duration::from_millis(1)).as_secs_f64();
            let fastest = self.motions.get(&facts.id).filter(|motion| now.since(motion.at) < MOVES_FOR);
            let (speed, goes_on) = fastest.map_or((speed, false), |motion| (motion.speed.max(speed), true));
            self.motions.insert(facts.id, Motion { speed, at: now, goes_on, margin: 0 });
        }
        if facts.shown != before.shown {
            let event =
                if facts.shown { WindowEvent::Shown { window, unmanaged: false } } else { WindowEvent::Hidden(window) };
            self.cover.event(&event, now);
        }
        if (&before.title, &before.program, before.blends, before.fills, before.is_overlay)
            != (&facts.title, &facts.program, facts.blends, facts.fills, facts.is_overlay)
        {
            self.cover.event(&WindowEvent::Changed(window), now);
        }
    }

    fn place(&mut self, window: WindowId, area: Area, now: MonoNs) {
        let (unmanaged, stacking) = (false, Stacking::Top);
        self.cover.event(&WindowEvent::Placed { window, area, unmanaged, stacking }, now);
    }

    /// Covers where a window that moves may have been in the time that passed since the list before.
    fn surround(&mut self, facts: &WindowFacts, passed: Duration, now: MonoNs) {
        let Some(motion) = self.motions.get_mut(&facts.id) else { return };
        if now.since(motion.at) >= MOVES_FOR {
            self.motions.remove(&facts.id);
            return;
        }
        if !motion.goes_on {
            return;
        }
        motion.margin = (motion.speed * passed.as_secs_f64()).ceil().min(f64::from(FURTHEST)) as u32;
        // What fills a monitor hides what is below, so it must not be taken for larger than it is.
        if !facts.fills {
            let window = WindowId(facts.id);
            self.place(window, self.reach(facts), now);
            self.place(window, facts.area, now);
        }
    }

    /// Where a window of the last list may have been since the list before.
    pub(super) fn reach(&self, facts: &WindowFacts) -> Area {
        grown(facts.area, self.motions.get(&facts.id).map_or(0, |motion| motion.margin))
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

/// How far an edge is from where it was, pixels.
fn apart(a: Area, b: Area) -> u32 {
    let edges = |area: Area| {
        let (x, y) = (i64::from(area.x), i64::from(area.y));
        [x, y, x + i64::from(area.width), y + i64::from(area.height)]
    };
    let apart = edges(a).into_iter().zip(edges(b)).map(|(a, b)| a.abs_diff(b)).max().unwrap_or(0);
    u32::try_from(apart).unwrap_or(u32::MAX)
}

/// An area and so many pixels around it.
fn grown(area: Area, margin: u32) -> Area {
    let (left, both) = (i32::try_from(margin).unwrap_or(i32::MAX), margin.saturating_mul(2));
    Area {
        x: area.x.saturating_sub(left),
        y: area.y.saturating_sub(left),
        width: area.width.saturating_add(both),
        height: area.height.saturating_add(both),
    }
}

/// Where windows of others lie over a recorded one, in a list from the top to the bottom. Its own menus and lists do not count, and
/// overlays that clicks go through do not either. `None`: it is not in the list, so nothing of the desktop is its picture.
pub(super) fn over(list: &[WindowFacts], id: u64) -> Option<Vec<&WindowFacts>> {
    let at = list.iter().position(|facts| facts.id == id && facts.shown)?;
    let own = |facts: &WindowFacts| facts.pid == list[at].pid && facts.is_popup;
    Some(list[..at].iter().filter(|facts| facts.shown && !facts.is_overlay && !own(facts)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::privacy::exclude::Reason;

    const DESKTOP: Area = Area { x: -1280, y: 0, width: 3200, height: 1080 };
    const AT: Area = Area { x: 100, y: 100, width: 300, height: 200 };

    fn window(id: u64, program: &str, area: Area) -> WindowFacts {
        WindowFacts { id, pid: id as u32, area, shown: true, program: program.into(), ..WindowFacts::default() }
    }

    fn roster() -> Roster {
        Roster::new(Arc::new(Exclusions::usual()), DESKTOP)
    }

    fn places(roster: &Roster) -> Vec<(Area, Reason)> {
        roster.covered().into_iter().map(|covered| (covered.area, covered.reason)).collect()
    }

    fn ms(ms: i64) -> MonoNs {
        MonoNs(ms * 1_000_000)
    }

    #[test]
    fn an_excluded_window_is_covered_where_it_was_in_either_list() {
        let mut roster = roster();
        let vault = window(7, "KeePassXC", AT);
        roster.take(&[vault.clone(), window(8, "notepad", DESKTOP)], ms(0));
        roster.note(ms(1));
        assert_eq!(places(&roster), [(AT, Reason::Excluded)]);
        // Left of the primary monitor, where places are negative.
        let moved = Area { x: -900, ..AT };
        roster.take(&[WindowFacts { area: moved, ..vault.clone() }], ms(10));
        roster.note(ms(11));
        assert_eq!(places(&roster), [(moved, Reason::Excluded), (AT, Reason::Excluded)]);
        // Gone, it lingers; then nothing is left.
        roster.take(&[], ms(20));
        roster.note(ms(21));
        assert_eq!(places(&roster).len(), 2);
        roster.note(ms(1000));
        assert_eq!(places(&roster), []);
    }

    #[test]
    fn a_window_that_moves_is_covered_as_far_as_it_comes_between_two_lists() {
        let mut roster = roster();
        let at = |x: i32| [WindowFacts { area: Area { x, ..AT }, ..window(7, "KeePassXC", AT) }];
        let covers = |roster: &Roster, x: i32| {
            let wanted = Area { x, ..AT };
            places(roster).iter().any(|(area, _)| area.and(wanted) == Some(wanted))
        };
        roster.take(&at(100), ms(0));
        roster.take(&at(106), ms(60));
        roster.take(&at(112), ms(120));
        roster.note(ms(121));
        // It came 6 pixels in 60 ms, twice, so in the next 60 it comes 6, there and back.
        roster.take(&at(112), ms(180));
        roster.note(ms(181));
        assert!(covers(&roster, 118) && covers(&roster, 106), "{:?}", places(&roster));
        assert_eq!(roster.reach(&at(112)[0]).x, 106);
        // A second later it stands, and only where it was is covered.
        for now in [700, 1300, 1800, 2300] {
            roster.take(&at(112), ms(now));
            roster.note(ms(now + 1));
        }
        assert_eq!(places(&roster), [(Area { x: 112, ..AT }, Reason::Excluded)]);
    }

    #[test]
    fn a_title_that_becomes_a_vault_is_covered_and_a_handle_given_again_is_another_window() {
        let mut roster = roster();
        let browser = WindowFacts { title: "News".into(), class: "Chrome".into(), ..window(7, "chrome", AT) };
        roster.take(std::slice::from_ref(&browser), ms(0));
        roster.note(ms(1));
        assert_eq!(places(&roster), []);
        roster.take(&[WindowFacts { title: "My vault | Bitwarden".into(), ..browser.clone() }], ms(2));
        roster.note(ms(3));
        assert_eq!(places(&roster), [(AT, Reason::Excluded)]);
        roster.take(&[WindowFacts { pid: 99, ..browser }], ms(2000));
        roster.note(ms(2001));
        roster.note(ms(2500));
        assert_eq!(places(&roster), []);
    }

    #[test]
    fn only_what_covers_a_monitor_and_blends_with_nothing_hides_what_is_below() {
        for (fills, blends, is_overlay, hidden) in [
            (true, false, false, true),
            (false, false, false, false),
            (true, true, false, false),
            (true, false, true, false),
        ] {
            let mut roster = roster();
            let game = WindowFacts { blends, is_overlay, fills, ..window(1, "game", DESKTOP) };
            roster.take(&[game, window(7, "1Password", AT)], ms(0));
            roster.note(ms(1));
            assert_eq!(places(&roster).is_empty(), hidden, "{fills} {blends} {is_overlay}");
        }
    }

    #[test]
    fn notifications_are_those_of_the_shell() {
        let mut roster = roster();
        let toast = WindowFacts { class: NOTIFIER.1.into(), ..window(7, "ShellExperienceHost", AT) };
        let cloaked = WindowFacts { shown: false, ..toast.clone() };
        roster.take(std::slice::from_ref(&cloaked), ms(0));
        roster.note(ms(1));
        assert_eq!(places(&roster), []);
        roster.take(&[toast], ms(10));
        roster.note(ms(11));
        assert_eq!(places(&roster), [(AT, Reason::Notification)]);
        assert!(!roster.is_idle() && Roster::new(Arc::new(Exclusions::none()), DESKTOP).is_idle());
        assert_eq!(roster.games(), 0);
    }

    #[test]
    fn what_lies_over_a_window_is_of_others() {
        let own = window(1, "game", AT);
        let menu = WindowFacts { id: 2, is_popup: true, ..own.clone() };
        let dialog = WindowFacts { id: 3, ..own.clone() };
        let other = window(4, "notepad", DESKTOP);
        let overlay = WindowFacts { is_overlay: true, ..window(5, "overlay", DESKTOP) };
        let hidden = WindowFacts { shown: false, ..window(6, "hidden", DESKTOP) };
        let below = window(7, "below", DESKTOP);
        let list = [menu, dialog, other, overlay, hidden, own, below];
        let over = |id| -> Option<Vec<u64>> { Some(over(&list, id)?.iter().map(|facts| facts.id).collect()) };
        assert_eq!(over(1), Some(vec![3, 4]));
        assert_eq!(over(2), Some(vec![]));
        // One that is not listed is on another desktop, or gone: what is copied there is of others.
        assert_eq!((over(99), over(6)), (None, None));
    }
}
