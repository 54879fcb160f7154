//! Where the pointer was at each event of a batch, from where it was before and after the batch.
//!
//! For a server that does not say what its pointer did ([`super::tap`]). It tells the position once per batch. A walk over the events' steps from the position before must end at
//! the position after; only then are the places in between known. Invariant: a position that was not proved that way
//! is `None`, except the last of the batch, which the server told.
//!
//! The same walk finds out what a device's numbers mean. A device declared relative may still post absolute places
//! (XTEST and VNC servers do, in the same axes); nothing in a raw event tells which. A batch that ends where absolute
//! places lead, and where relative steps do not, was absolute.

/// Desktop pixels.
pub(super) type Point = (f64, f64);

/// The server keeps fractions of a pixel that it does not tell: one pixel at each end of the walk, and rounding.
const TOLERANCE: f64 = 1.5;

/// What an event did to the pointer.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Step {
    /// Nothing: a button, a wheel.
    Still,
    /// Numbers of a device that calls itself relative: steps, or places. `None`: that axis is not in the event.
    Numbers(Option<f64>, Option<f64>),
    /// It went somewhere that the event does not tell in pixels: an absolute device.
    Jump,
}

/// What the numbers of [`Step::Numbers`] were in a batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Meaning {
    /// Steps: the pointer went the way they lead.
    Relative,
    /// Places on the desktop.
    Absolute,
    /// Both or neither explain where the pointer is now.
    Unknown,
}

/// Pushes a position per step into `places` (cleared first) and says what the numbers meant.
pub(super) fn walk(
    start: Option<Point>,
    steps: &[Step],
    end: Option<Point>,
    size: (f64, f64),
    places: &mut Vec<Option<Point>>,
) -> Meaning {
    let Some(end) = end else {
        // It is on another screen.
        places.clear();
        places.resize(steps.len(), None);
        return Meaning::Unknown;
    };
    let relative = follow(start, steps, size, false, None);
    let absolute = follow(start, steps, size, true, None);
    let moved = steps.iter().any(|step| matches!(step, Step::Numbers(..)));
    let near =
        |to: Option<Point>| to.is_some_and(|to| (to.0 - end.0).abs() <= TOLERANCE && (to.1 - end.1).abs() <= TOLERANCE);
    // A place is told in whole pixels: no tolerance, so that a slow mouse near the corner is not taken for a tablet.
    let exact = |to: Option<Point>| to.is_some_and(|to| (to.0 - end.0).abs() < 1.0 && (to.1 - end.1).abs() < 1.0);
    let meaning = match (near(relative), moved && exact(absolute)) {
        (true, false) => Meaning::Relative,
        (false, true) => Meaning::Absolute,
        _ => Meaning::Unknown,
    };
    places.clear();
    match meaning {
        Meaning::Unknown => places.resize(steps.len(), None),
        _ => {
            follow(start, steps, size, meaning == Meaning::Absolute, Some(places));
        }
    }
    // From the last event that moved the pointer on, it is where the server says it is.
    let last = steps.iter().rposition(|step| *step != Step::Still).unwrap_or(0);
    for place in places.iter_mut().skip(last) {
        *place = Some(end);
    }
    meaning
}

/// Follows the steps from `start`, kept on the desktop as the server keeps the pointer. `None` once it is unknown.
fn follow(
    start: Option<Point>,
    steps: &[Step],
    size: (f64, f64),
    absolute: bool,
    mut places: Option<&mut Vec<Option<Point>>>,
) -> Option<Point> {
    let limit = |to: f64, size: f64| to.clamp(0.0, (size - 1.0).max(0.0));
    let mut at = start;
    for step in steps {
        at = match *step {
            Step::Still => at,
            Step::Jump => None,
            Step::Numbers(x, y) => at.map(|at| {
                if absolute {
                    (limit(x.unwrap_or(at.0), size.0), limit(y.unwrap_or(at.1), size.1))
                } else {
                    (limit(at.0 + x.unwrap_or(0.0), size.0), limit(at.1 + y.unwrap_or(0.0), size.1))
                }
            }),
        };
        if let Some(places) = places.as_deref_mut() {
            places.push(at);
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: (f64, f64) = (640.0, 480.0);

    fn run(start: Option<Point>, steps: &[Step], end: Point) -> (Meaning, Vec<Option<Point>>) {
        let mut places = Vec::new();
        let meaning = walk(start, steps, Some(end), SIZE, &mut places);
        assert_eq!(places.len(), steps.len());
        (meaning, places)
    }

    fn by(x: f64, y: f64) -> Step {
        Step::Numbers(Some(x), Some(y))
    }

    #[test]
    fn relative_steps_are_placed_and_kept_on_the_desktop() {
        let steps = [by(3.0, 0.0), Step::Still, by(-200.0, 5.0), by(10.0, 0.0)];
        let (meaning, places) = run(Some((100.0, 50.0)), &steps, (10.0, 55.0));
        assert_eq!(meaning, Meaning::Relative);
        assert_eq!(places, [Some((103.0, 50.0)), Some((103.0, 50.0)), Some((0.0, 55.0)), Some((10.0, 55.0))]);
    }

    #[test]
    fn places_posted_in_relative_axes_are_recognised() {
        let steps = [by(300.0, 200.0), by(310.0, 205.0), Step::Still];
        let (meaning, places) = run(Some((100.0, 50.0)), &steps, (310.0, 205.0));
        assert_eq!(meaning, Meaning::Absolute);
        assert_eq!(places, [Some((300.0, 200.0)), Some((310.0, 205.0)), Some((310.0, 205.0))]);
    }

    #[test]
    fn what_is_not_proved_is_not_claimed() {
        // The pointer was warped in the middle: neither way leads to where it is.
        let (meaning, places) = run(Some((100.0, 50.0)), &[by(3.0, 0.0), by(1.0, 1.0), Step::Still], (320.0, 240.0));
        assert_eq!((meaning, &places[..]), (Meaning::Unknown, &[None, Some((320.0, 240.0)), Some((320.0, 240.0))][..]));
        // In the corner both lead there.
        assert_eq!(run(Some((0.0, 0.0)), &[by(3.0, 4.0)], (3.0, 4.0)).0, Meaning::Unknown);
        // Nothing is known of before, or a tablet was used in between.
        assert_eq!(run(None, &[by(3.0, 0.0), by(1.0, 1.0)], (5.0, 5.0)).1, [None, Some((5.0, 5.0))]);
        assert_eq!(run(Some((1.0, 1.0)), &[by(3.0, 0.0), Step::Jump], (4.0, 1.0)).1, [None, Some((4.0, 1.0))]);
    }

    #[test]
    fn a_batch_without_motion_is_where_the_pointer_is() {
        let (meaning, places) = run(Some((5.0, 5.0)), &[Step::Still, Step::Still], (5.0, 5.0));
        assert_eq!((meaning, &places[..]), (Meaning::Relative, &[Some((5.0, 5.0)); 2][..]));
        assert_eq!(run(Some((5.0, 5.0)), &[Step::Still], (90.0, 9.0)).1, [Some((90.0, 9.0))]);
    }
}
