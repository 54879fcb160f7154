//! Joins what devices did with what the master pointer did, both between the same two moments.
//!
//! Every raw motion and button is followed in the server by what it made of the pointer, with the same time. What has no raw event
//! was made by no device: a warp, or a release by the server itself. A raw button without a deed did nothing: it is mapped to none, or
//! another mouse holds it already. Pure; both streams are in the order in which the server handled them.

use super::meaning::Fits;
use super::path::{Point, Step};
use super::tap::{Deed, Done};

/// A raw event of a pointing device.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Raw {
    pub(super) act: Act,
    /// The server's milliseconds.
    pub(super) time: u32,
}

/// What a device did.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Act {
    Move(Step),
    Press,
    Release,
}

/// One event of the joined stream.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Joined {
    /// The raw event of this number, and what it did.
    Raw(usize, Option<Done>),
    /// What no device did.
    Alone(Done),
}

/// Joins both; `at` is where the pointer was before them, the desktop has this `size`.
pub(super) fn join(raws: &[Raw], done: &[Done], at: Option<Point>, size: (f64, f64)) -> Vec<Joined> {
    let mut joined = Vec::with_capacity(raws.len().max(done.len()));
    // Mostly each did one thing, and nobody else did any.
    if raws.len() == done.len() && raws.iter().zip(done).all(|(raw, done)| raw.time == done.time && may_be(raw, done)) {
        joined.extend(done.iter().enumerate().map(|(index, done)| Joined::Raw(index, Some(*done))));
        return joined;
    }
    let mut next = 0;
    for (index, raw) in raws.iter().enumerate() {
        let found = match raw.act {
            // It did not move the pointer, and has no deed.
            Act::Move(Step::Still) => None,
            Act::Move(step) => find_motion(step, raw.time, &raws[index..], done, next, at, size),
            Act::Press | Act::Release => find_button(raw, done, next),
        };
        let deed = found.map(|found| {
            joined.extend(done[next..found].iter().map(|done| Joined::Alone(*done)));
            next = found + 1;
            done[found]
        });
        joined.push(Joined::Raw(index, deed));
    }
    joined.extend(done[next..].iter().map(|done| Joined::Alone(*done)));
    joined
}

/// Whether deeds are missing: a raw motion has none.
pub(super) fn has_gaps(raws: &[Raw], joined: &[Joined]) -> bool {
    let lacks = |joined: &Joined| match joined {
        Joined::Raw(index, None) => matches!(raws[*index].act, Act::Move(step) if moves(step)),
        _ => false,
    };
    joined.iter().any(lacks)
}

/// Whether the pointer may have been moved since its last deed by a raw motion whose deed is not there: the record may have gaps. Where the pointer is then is no proof of a warp.
pub(super) fn is_open(raws: &[Raw], joined: &[Joined]) -> bool {
    let since = joined.iter().rev().map_while(|joined| match joined {
        Joined::Raw(index, None) => Some(&raws[*index]),
        Joined::Raw(_, Some(_)) | Joined::Alone(_) => None,
    });
    since.into_iter().any(|raw| matches!(raw.act, Act::Move(step) if moves(step)))
}

/// Such a step moves the pointer, and has a deed.
pub(super) fn moves(step: Step) -> bool {
    step != Step::Still && !is_zero(step)
}

/// Whether a raw event can have done that.
fn may_be(raw: &Raw, done: &Done) -> bool {
    match raw.act {
        Act::Move(step) => moves(step) && done.deed == Deed::Motion,
        Act::Press => matches!(done.deed, Deed::Press(_)),
        Act::Release => matches!(done.deed, Deed::Release(_)),
    }
}

/// The button's deed: the next one of its kind and time.
fn find_button(raw: &Raw, done: &[Done], next: usize) -> Option<usize> {
    let same_time = |done: &&Done| later(done.time, raw.time) <= 0;
    let at = done[next..].iter().take_while(same_time).position(|done| done.time == raw.time && may_be(raw, done))?;
    Some(next + at)
}

/// The motion's deed. Of several at its time, as many may be somebody else's as there are more deeds than raw motions; among the
/// others the first that the numbers explain best.
fn find_motion(
    step: Step,
    time: u32,
    raws: &[Raw],
    done: &[Done],
    next: usize,
    at: Option<Point>,
    size: (f64, f64),
) -> Option<usize> {
    let moves = |raw: &&Raw| raw.time == time && matches!(raw.act, Act::Move(step) if moves(step));
    let raws = raws.iter().filter(moves).count();
    let candidates: Vec<usize> = done[next..]
        .iter()
        .enumerate()
        .take_while(|(_, done)| later(done.time, time) <= 0)
        .filter(|(_, done)| done.deed == Deed::Motion && done.time == time)
        // Steps by nothing move nothing; the place 0,0 is one.
        .filter(|(_, done)| !is_zero(step) || done.at.is_some_and(|at| at.0 < 1.0 && at.1 < 1.0))
        .map(|(index, _)| next + index)
        .collect();
    let surplus = candidates.len().saturating_sub(raws);
    let allowed = &candidates[..candidates.len().min(surplus + 1)];
    let fits = |index: usize| {
        let before = if index == 0 { at } else { done[index - 1].at };
        let (Step::Numbers(x, y), Some(before), Some(after)) = (step, before, done[index].at) else { return None };
        Some(Fits::of(before, after, (x, y), size))
    };
    // The first of the best.
    let best = allowed.iter().rev().max_by_key(|index| fits(**index).map_or(0, Fits::rank));
    best.copied()
}

/// Its numbers are zero.
fn is_zero(step: Step) -> bool {
    matches!(step, Step::Numbers(x, y) if x.unwrap_or(0.0) == 0.0 && y.unwrap_or(0.0) == 0.0)
}

/// How much later `a` is than `b` on a clock of 32 bits.
fn later(a: u32, b: u32) -> i32 {
    a.wrapping_sub(b) as i32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::MonoNs;

    const SIZE: (f64, f64) = (640.0, 480.0);

    fn by(x: f64, y: f64, time: u32) -> Raw {
        Raw { act: Act::Move(Step::Numbers(Some(x), Some(y))), time }
    }

    fn moved(x: f64, y: f64, time: u32) -> Done {
        Done { deed: Deed::Motion, time, at: Some((x, y)), arrival: MonoNs(0) }
    }

    fn button(deed: Deed, at: Point, time: u32) -> Done {
        Done { deed, time, at: Some(at), arrival: MonoNs(0) }
    }

    fn joined(raws: &[Raw], done: &[Done]) -> Vec<Joined> {
        join(raws, done, Some((320.0, 240.0)), SIZE)
    }

    #[test]
    fn every_step_of_a_game_that_warps_back_has_its_place() {
        let raws = [by(7.0, 3.0, 5), by(7.0, 3.0, 5), by(7.0, 3.0, 6)];
        let home = |time| moved(320.0, 240.0, time);
        // The second step came before the game had warped back after the first.
        let done = [moved(327.0, 243.0, 5), moved(334.0, 246.0, 5), home(5), moved(327.0, 243.0, 6), home(7)];
        let wanted = [
            Joined::Raw(0, Some(done[0])),
            Joined::Raw(1, Some(done[1])),
            Joined::Alone(done[2]),
            Joined::Raw(2, Some(done[3])),
            Joined::Alone(done[4]),
        ];
        assert_eq!(joined(&raws, &done), wanted);
    }

    #[test]
    fn a_warp_in_the_same_millisecond_is_told_from_the_motion() {
        let done = [moved(10.0, 10.0, 5), moved(12.0, 9.0, 5), moved(400.0, 9.0, 5)];
        let wanted = [Joined::Alone(done[0]), Joined::Raw(0, Some(done[1])), Joined::Alone(done[2])];
        assert_eq!(joined(&[by(2.0, -1.0, 5)], &done), wanted);
    }

    #[test]
    fn a_step_by_nothing_has_no_deed_and_the_corner_is_a_place() {
        let done = [moved(321.0, 240.0, 5), moved(0.0, 0.0, 5), moved(1.0, 0.0, 5)];
        let raws = [by(0.0, 0.0, 5), by(1.0, 0.0, 5), by(0.0, 0.0, 5), by(1.0, 0.0, 5)];
        let wanted = [
            Joined::Raw(0, None),
            Joined::Raw(1, Some(done[0])),
            Joined::Raw(2, Some(done[1])),
            Joined::Raw(3, Some(done[2])),
        ];
        let first = [done[0]];
        assert_eq!(joined(&raws[..2], &first), wanted[..2]);
        assert_eq!(
            join(&raws[2..], &done[1..], first[0].at, SIZE),
            [Joined::Raw(0, Some(done[1])), Joined::Raw(1, Some(done[2])),]
        );
    }

    #[test]
    fn a_window_that_confines_with_the_first_step_is_no_step() {
        let done = [moved(149.0, 149.0, 5), moved(149.0, 149.0, 5)];
        let wanted = [Joined::Alone(done[0]), Joined::Raw(0, Some(done[1]))];
        assert_eq!(joined(&[by(30.0, 3.0, 5)], &done), wanted);
    }

    #[test]
    fn clicks_of_a_drag_by_warping_stand_between_the_right_places() {
        let raw = |act| Raw { act, time: 5 };
        let done = [
            moved(10.0, 10.0, 5),
            button(Deed::Press(1), (10.0, 10.0), 5),
            moved(50.0, 50.0, 5),
            moved(90.0, 60.0, 5),
            button(Deed::Release(1), (90.0, 60.0), 5),
        ];
        let wanted = [
            Joined::Alone(done[0]),
            Joined::Raw(0, Some(done[1])),
            Joined::Alone(done[2]),
            Joined::Alone(done[3]),
            Joined::Raw(1, Some(done[4])),
        ];
        assert_eq!(joined(&[raw(Act::Press), raw(Act::Release)], &done), wanted);
    }

    #[test]
    fn a_button_that_another_mouse_holds_did_nothing() {
        let at = (1.0, 1.0);
        let raws: Vec<Raw> = [(Act::Press, 1), (Act::Press, 2), (Act::Release, 3), (Act::Release, 4)]
            .map(|(act, time)| Raw { act, time })
            .to_vec();
        let done = [button(Deed::Press(1), at, 1), button(Deed::Release(1), at, 4)];
        let wanted =
            [Joined::Raw(0, Some(done[0])), Joined::Raw(1, None), Joined::Raw(2, None), Joined::Raw(3, Some(done[1]))];
        assert_eq!(joined(&raws, &done), wanted);
    }

    #[test]
    fn motions_that_the_record_dropped_are_one_each_and_prove_no_warp() {
        let still = Raw { act: Act::Move(Step::Still), time: 9 };
        let raws = [by(2.0, 0.0, 5), by(2.0, 0.0, 6), by(2.0, 0.0, 7), by(2.0, 0.0, 8), still];
        let open = |done: &[Done]| {
            let joined = joined(&raws, done);
            assert!(joined.len() == raws.len(), "{joined:?}");
            assert!(has_gaps(&raws, &joined));
            is_open(&raws, &joined)
        };
        let done = [moved(322.0, 240.0, 5), moved(328.0, 240.0, 8)];
        assert!(!open(&done), "the last place is known");
        assert!(open(&done[..1]) && open(&[]), "a step behind the last deed");
        assert!(!is_open(&raws[..1], &joined(&raws[..1], &[done[0], moved(9.0, 9.0, 6)])), "a warp is the last");
        assert!(!is_open(&[still], &joined(&[still], &[])), "a wheel moves nothing");
    }

    #[test]
    fn turns_of_a_wheel_and_times_that_wrap_are_no_obstacle() {
        let still = Raw { act: Act::Move(Step::Still), time: u32::MAX };
        let done = [moved(321.0, 240.0, u32::MAX), moved(322.0, 240.0, 0)];
        let raws = [still, by(1.0, 0.0, u32::MAX), by(1.0, 0.0, 0)];
        let wanted = [Joined::Raw(0, None), Joined::Raw(1, Some(done[0])), Joined::Raw(2, Some(done[1]))];
        assert_eq!(joined(&raws, &done), wanted);
        assert!(joined(&[], &[]).is_empty());
    }
}
