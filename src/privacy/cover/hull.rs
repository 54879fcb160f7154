//! Bounds on the work that programs can make: a thousand windows that must not be seen, or changes by the ten thousand between two pictures.
//! What is simplified is never too little: more is covered than must be.

use super::super::reason::Reason;
use super::window::WindowId;
use crate::base::event::Area;

/// Areas that must not be seen and are told apart; more, and the rectangle around all of them is covered. A desktop shows a handful of
/// notifications; each area is painted in every picture.
pub(super) const MAX_AREAS: usize = 64;
/// Changes between two looks for which it is worked out what hides what: up to 64 areas, each against all windows above it.
pub(super) const MAX_EXACT: u32 = 8;
/// Changes between two looks that are followed at all; behind that all of the screen is covered until the next look.
pub(super) const MAX_FOLLOWED: u32 = 1024;

/// How closely a change is looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Effort {
    /// What is hidden by other windows is not covered.
    Exact,
    /// Windows count as seen whole.
    Whole,
    /// Not any more: everything is covered.
    Nothing,
}

/// Counts the changes since the last look.
#[derive(Clone, Copy, Default)]
pub(super) struct Changes(u32);

impl Changes {
    /// Takes in a change, and returns how closely it is to be looked at.
    pub(super) fn another(&mut self) -> Effort {
        self.0 = self.0.saturating_add(1);
        match self.0 {
            0..=MAX_EXACT => Effort::Exact,
            count if count <= MAX_FOLLOWED => Effort::Whole,
            _ => Effort::Nothing,
        }
    }
}

/// Where something can be seen that must not be: of which window (`None`: of many), and why it must not (`None`: not asked yet).
pub(super) type Seen = (Option<WindowId>, Area, Option<Reason>);

/// Areas of windows that must not be seen.
pub(super) struct Areas {
    all: Vec<Seen>,
    around: Option<(Area, Option<Reason>)>,
}

impl Areas {
    pub(super) fn new() -> Self {
        Self { all: Vec::new(), around: None }
    }

    /// Whether there are too many to be told apart, so that it need not be worked out what hides them.
    pub(super) fn is_around(&self) -> bool {
        self.around.is_some()
    }

    pub(super) fn push(&mut self, window: WindowId, area: Area, reason: Option<Reason>) {
        if let Some((around, _)) = &mut self.around {
            *around = hull(*around, area);
            return;
        }
        self.all.push((Some(window), area, reason));
        if self.all.len() > MAX_AREAS {
            let areas = self.all.drain(..).map(|(_, area, reason)| (area, reason));
            self.around = areas.reduce(|(around, first), (area, reason)| (hull(around, area), first.or(reason)));
        }
    }

    /// The areas, or the one around them.
    pub(super) fn finish(self) -> Vec<Seen> {
        match self.around {
            Some((area, reason)) => vec![(None, area, Some(reason.unwrap_or(Reason::Unclassified)))],
            None => self.all,
        }
    }
}

/// The smallest rectangle that holds both.
fn hull(one: Area, other: Area) -> Area {
    let end = |from: i32, length: u32| i64::from(from) + i64::from(length);
    let (x, y) = (one.x.min(other.x), one.y.min(other.y));
    let right = end(one.x, one.width).max(end(other.x, other.width));
    let bottom = end(one.y, one.height).max(end(other.y, other.height));
    let length = |from: i32, until: i64| u32::try_from(until - i64::from(from)).unwrap_or(u32::MAX);
    Area { x, y, width: length(x, right), height: length(y, bottom) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(x: i32, y: i32) -> Area {
        Area { x, y, width: 20, height: 10 }
    }

    #[test]
    fn many_windows_become_the_rectangle_around_them() {
        let mut few = Areas::new();
        (0..64).for_each(|n| few.push(WindowId(n), area(n as i32, 0), Some(Reason::Notification)));
        assert!(!few.is_around() && few.finish().len() == 64);
        let mut many = Areas::new();
        for n in 0..1000 {
            many.push(WindowId(n), area(n as i32 - 100, -(n as i32)), (n > 3).then_some(Reason::Notification));
        }
        let around = Area { x: -100, y: -999, width: 999 + 20, height: 999 + 10 };
        assert!(many.is_around());
        assert_eq!(many.finish(), [(None, around, Some(Reason::Notification))]);
        let mut unasked = Areas::new();
        (0..100).for_each(|n| unasked.push(WindowId(n), area(0, 0), None));
        assert_eq!(unasked.finish(), [(None, area(0, 0), Some(Reason::Unclassified))]);
    }

    #[test]
    fn a_flood_of_changes_is_looked_at_less_closely() {
        let mut changes = Changes::default();
        let efforts: Vec<Effort> = (0..2000).map(|_| changes.another()).collect();
        let count = |effort| efforts.iter().filter(|found| **found == effort).count();
        assert_eq!([Effort::Exact, Effort::Whole, Effort::Nothing].map(count), [8, 1016, 976]);
        assert!(efforts.is_sorted_by_key(|effort| *effort as u8));
    }
}
