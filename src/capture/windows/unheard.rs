//! Notices that the pointer moves and no mouse is heard: Windows keeps the inputs of windows that run as administrator from programs that do not.
//!
//! Nothing tells a program which window does that without opening the window's process, which this one does not. But where the pointer is, everybody is
//! told. Pure. A pen or a finger moves it as well, and their inputs are not heard either. What a program does with it once or twice does not count.

use crate::base::time::MonoNs;

/// Looks, one after the other, at which the pointer had moved and no input had come.
const LOOKS: u32 = 3;
/// Looks at which it stood, after which what it did before does not count.
const STILL: u32 = 10;

/// What a look changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Turn {
    Nothing,
    /// Inputs are kept away: what is held counts as released.
    Began,
    /// Something is heard again: since when nothing was.
    Ended(MonoNs),
}

/// Follows the pointer.
#[derive(Default)]
pub(super) struct Unheard {
    at: Option<(f64, f64)>,
    moves: u32,
    still: u32,
    /// When the first of these moves was seen.
    first: Option<MonoNs>,
    since: Option<MonoNs>,
}

impl Unheard {
    /// Looks where the pointer is; `heard`: an input came since the last look.
    pub(super) fn look(&mut self, at: Option<(f64, f64)>, heard: bool, t: MonoNs) -> Turn {
        let moved = match (self.at, at) {
            (Some(before), Some(at)) => (before.0 - at.0).abs() + (before.1 - at.1).abs() >= 1.0,
            _ => false,
        };
        self.at = at.or(self.at);
        if heard {
            (self.moves, self.first) = (0, None);
            return self.since.take().map_or(Turn::Nothing, Turn::Ended);
        }
        if moved {
            (self.moves, self.still) = (self.moves + 1, 0);
            self.first.get_or_insert(t);
        } else {
            self.still += 1;
            if self.still >= STILL {
                (self.moves, self.first) = (0, None);
            }
        }
        if self.moves < LOOKS || self.since.is_some() {
            return Turn::Nothing;
        }
        self.since = self.first;
        Turn::Began
    }

    /// It is not known any more, or ends: since when nothing was heard.
    pub(super) fn end(&mut self) -> Option<MonoNs> {
        (self.at, self.moves, self.first) = (None, 0, None);
        self.since.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(x: i32) -> (f64, f64) {
        (f64::from(x), 7.0)
    }

    #[test]
    fn a_pointer_that_moves_without_an_input_tells_that_inputs_are_kept_away() {
        let mut unheard = Unheard::default();
        let look = |unheard: &mut Unheard, x, heard, t| unheard.look(Some(at(x)), heard, MonoNs(t));
        for (x, t) in [(0, 0), (5, 1), (5, 2), (9, 3)] {
            assert_eq!(look(&mut unheard, x, false, t), Turn::Nothing);
        }
        assert_eq!(look(&mut unheard, 12, false, 4), Turn::Began);
        assert_eq!(look(&mut unheard, 15, false, 5), Turn::Nothing);
        assert_eq!(look(&mut unheard, 20, true, 9), Turn::Ended(MonoNs(1)));
        assert_eq!((look(&mut unheard, 25, false, 10), unheard.end()), (Turn::Nothing, None));
    }

    #[test]
    fn a_mouse_that_is_heard_and_a_pointer_that_is_put_somewhere_tell_nothing() {
        let mut unheard = Unheard::default();
        for t in 0..100 {
            assert_eq!(unheard.look(Some(at(t * 10)), true, MonoNs(t.into())), Turn::Nothing);
        }
        for t in 100..200 {
            let x = if t < 150 { 0 } else { 400 };
            assert_eq!(unheard.look(Some(at(x)), false, MonoNs(t.into())), Turn::Nothing, "once in a while");
        }
        assert_eq!(unheard.look(None, false, MonoNs(300)), Turn::Nothing);
        for (x, t) in [(401, 301), (402, 302), (403, 303)] {
            unheard.look(Some(at(x)), false, MonoNs(t));
        }
        assert_eq!(unheard.end(), Some(MonoNs(301)), "and it was told when it ended");
    }
}
