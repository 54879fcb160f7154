//! Where the pointer was at a button or a wheel whose device does not tell, by a source that proves where it is from time to time.
//!
//! A compositor tells places at its refreshes, and motion of devices is known before it has moved the pointer. So a place holds at a time only when it was
//! proved shortly before ([`KNOWN_NS`]), no device has moved since some refreshes before that ([`SETTLES_NS`]), and no other place was told since.
//! Everything else is unknown: nothing is computed of motion, which compositors accelerate by rules of their own. Pure.

use std::collections::VecDeque;

use crate::base::time::MonoNs;

/// The longest that a place may have been proved before the time of which it is asked.
const KNOWN_NS: i64 = 50_000_000;
/// How long after the last motion of a device it may take until the place is told that it led to: three refreshes at 60 Hz.
pub(crate) const SETTLES_NS: i64 = 50_000_000;
/// Proofs and places that are kept, since inputs may be taken after what came later: at some 200 a second, more than a second.
const KEPT: usize = 256;

/// A place on the desktop, pixels.
type Point = (f64, f64);

/// What is known of the pointer's places.
#[derive(Default)]
pub(crate) struct Pointed {
    /// When it was proved where it was; `None`: it is not known since then.
    proofs: VecDeque<(MonoNs, Option<Point>)>,
    /// When places were told.
    told: VecDeque<MonoNs>,
    /// The last motion of a device.
    moved: Option<MonoNs>,
}

impl Pointed {
    /// A source says where it surely was at this time, or that it is not known.
    pub(crate) fn proved(&mut self, t: MonoNs, place: Option<Point>) {
        if self.proofs.len() == KEPT {
            self.proofs.pop_front();
        }
        self.proofs.push_back((t, place));
    }

    /// A device moved, or a place was told.
    pub(crate) fn moved(&mut self, t: MonoNs, by_device: bool) {
        if by_device {
            self.moved = self.moved.max(Some(t));
        } else {
            if self.told.len() == KEPT {
                self.told.pop_front();
            }
            self.told.push_back(t);
        }
    }

    /// Nothing of before counts.
    pub(crate) fn forget(&mut self) {
        self.proofs.clear();
    }

    /// Where it was at this time, as far as that is known.
    pub(crate) fn at(&self, t: MonoNs) -> Option<Point> {
        let (proved, place) = *self.proofs.iter().rev().find(|(proved, _)| *proved <= t)?;
        let is_recent = t.0.saturating_sub(proved.0) <= KNOWN_NS;
        let rests = self.moved.is_none_or(|moved| proved.0.saturating_sub(moved.0) >= SETTLES_NS);
        let is_last = !self.told.iter().any(|told| (proved..=t).contains(told));
        place.filter(|_| is_recent && rests && is_last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: i64) -> MonoNs {
        MonoNs(ms * 1_000_000)
    }

    #[test]
    fn a_place_holds_shortly_after_it_was_proved_while_nothing_moves() {
        let mut pointed = Pointed::default();
        assert_eq!(pointed.at(ms(10)), None, "nobody proves anything");
        pointed.proved(ms(100), Some((3.0, 4.0)));
        assert_eq!(pointed.at(ms(99)), None);
        assert_eq!(pointed.at(ms(100)), Some((3.0, 4.0)));
        assert_eq!(pointed.at(ms(150)), Some((3.0, 4.0)));
        assert_eq!(pointed.at(ms(151)), None, "too long ago");
        pointed.proved(ms(160), None);
        assert_eq!((pointed.at(ms(165)), pointed.at(ms(120))), (None, Some((3.0, 4.0))), "it left, and had not before");
        pointed.forget();
        assert_eq!(pointed.at(ms(120)), None);
    }

    #[test]
    fn a_place_does_not_hold_while_a_device_moves_or_another_is_told() {
        let mut pointed = Pointed::default();
        pointed.moved(ms(60), true);
        pointed.proved(ms(100), Some((3.0, 4.0)));
        assert_eq!(pointed.at(ms(105)), None, "what the motion led to may not be told yet");
        pointed.proved(ms(110), Some((3.0, 4.0)));
        assert_eq!(pointed.at(ms(115)), Some((3.0, 4.0)));
        pointed.moved(ms(120), false);
        assert_eq!((pointed.at(ms(119)), pointed.at(ms(121))), (Some((3.0, 4.0)), None), "a touchpad moves it");
        pointed.proved(ms(130), Some((9.0, 9.0)));
        assert_eq!(pointed.at(ms(131)), Some((9.0, 9.0)));
        pointed.moved(ms(132), true);
        assert_eq!(pointed.at(ms(133)), None);
    }
}
