//! By how much repeats are behind the screen, where that is told of and not asked for, and what came later than was allowed for.

use std::sync::{Mutex, PoisonError};

use crate::capture::Behind;

/// What there was of it so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct LagSoFar {
    /// By how much repeats were behind last, and at the most, nanoseconds.
    pub(super) last_ns: i64,
    pub(super) greatest_ns: i64,
    /// Pictures that came later than that, and by how much at the most.
    pub(super) late_pictures: u64,
    pub(super) late_by_ns: i64,
}

/// What the screen's thread tells the sequence.
#[derive(Default)]
pub(crate) struct LagFigures(Mutex<Option<LagSoFar>>);

impl LagFigures {
    /// Takes in what the source says after a look.
    pub(super) fn saw(&self, behind: Behind) {
        let mut so_far = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let so_far = so_far.get_or_insert_default();
        so_far.last_ns = behind.allowed_ns;
        so_far.greatest_ns = so_far.greatest_ns.max(behind.allowed_ns);
        if let Some(late_ns) = behind.late_ns {
            so_far.late_pictures += 1;
            so_far.late_by_ns = so_far.late_by_ns.max(late_ns);
        }
    }

    /// Another part begins.
    pub(super) fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Returns it; `None` of a source whose repeats are of the moment.
    pub(super) fn so_far(&self) -> Option<LagSoFar> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greatest_of_each_part_is_kept_and_late_pictures_are_counted() {
        let figures = LagFigures::default();
        assert_eq!(figures.so_far(), None);
        for (allowed_ns, late_ns) in [(20, None), (50, Some(7)), (5, Some(3)), (6, None)] {
            figures.saw(Behind { allowed_ns, late_ns });
        }
        let all = LagSoFar { last_ns: 6, greatest_ns: 50, late_pictures: 2, late_by_ns: 7 };
        assert_eq!(figures.so_far(), Some(all));
        figures.forget();
        figures.saw(Behind { allowed_ns: 8, late_ns: None });
        assert_eq!(figures.so_far(), Some(LagSoFar { last_ns: 8, greatest_ns: 8, ..LagSoFar::default() }));
    }
}
