//! How well the inputs and the pictures of a recording agree with what is known to have happened: what `sync-test` measures.

use serde::Serialize;

use crate::base::time::MonoNs;
use crate::capture::flash::Flash;

/// A picture of the test's window.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Seen {
    /// Its time.
    pub t_ns: i64,
    /// The window is white in it.
    pub is_white: bool,
}

/// Median, 95th percentile and the most of some figures.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Spread {
    /// Half are not more.
    pub p50: f64,
    /// 95 of a hundred are not more.
    pub p95: f64,
    /// None is more.
    pub max: f64,
}

impl Spread {
    /// Of nanoseconds, in milliseconds; `None` of none.
    fn of(mut ns: Vec<i64>) -> Option<Self> {
        ns.sort_unstable();
        let at = |share: f64| {
            let place = (ns.len() as f64 * share).ceil() as usize;
            ns.get(place.saturating_sub(1)).map(|ns| *ns as f64 / 1e6)
        };
        Some(Self { p50: at(0.5)?, p95: at(0.95)?, max: at(1.0)? })
    }
}

/// What was measured. Times are in milliseconds.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct SyncReport {
    /// Keys that were injected, each with a change of colour.
    pub flashes: usize,
    /// Of these, how many are no row of the table.
    pub missing_inputs: usize,
    /// Of these, how many changes are in no picture.
    pub missing_pictures: usize,
    /// Pictures that show a change before it was asked for.
    pub too_early: usize,
    /// How far the stamp of an input is outside of the time in which it happened; 0 inside.
    pub input_error_ms: Option<Spread>,
    /// From the change on the screen to the time of the first picture that shows it: up to the distance of two pictures.
    pub picture_delay_ms: Option<Spread>,
    /// From the stamp of the input to the time of the first picture that shows what it did.
    pub input_to_picture_ms: Option<Spread>,
    /// Distance of two pictures.
    pub interval_ms: Option<Spread>,
}

impl SyncReport {
    /// Nothing is missing, and no picture shows anything before its time.
    pub fn ok(&self) -> bool {
        self.flashes > 0 && self.missing_inputs + self.missing_pictures + self.too_early == 0
    }
}

/// How far a time is outside of a span.
fn outside(t_ns: i64, (from, until): (MonoNs, MonoNs)) -> i64 {
    (from.0 - t_ns).max(t_ns - until.0).max(0)
}

/// Compares what was done with what was recorded: `presses` are the times of the rows of the key, `pictures` are in the order of time.
pub fn compare(flashes: &[Flash], presses: &[i64], pictures: &[Seen]) -> SyncReport {
    let mut report = SyncReport {
        flashes: flashes.len(),
        missing_inputs: 0,
        missing_pictures: 0,
        too_early: 0,
        input_error_ms: None,
        picture_delay_ms: None,
        input_to_picture_ms: None,
        interval_ms: None,
    };
    let (mut errors, mut delays, mut answers) = (Vec::new(), Vec::new(), Vec::new());
    let mut presses = presses.iter().copied().peekable();
    for (n, flash) in flashes.iter().enumerate() {
        // Flashes are a tenth of a second apart at least: a row belongs to the flash to whose time it is nearest.
        let next = flashes.get(n + 1).map_or(i64::MAX, |next| next.injected.0.0);
        let half = flash.injected.0.0.saturating_add((next.saturating_sub(flash.injected.0.0)) / 2);
        let mut press = None;
        while let Some(t_ns) = presses.next_if(|t_ns| *t_ns < half) {
            press.get_or_insert(t_ns);
        }
        match press {
            Some(t_ns) => errors.push(outside(t_ns, flash.injected)),
            None => report.missing_inputs += 1,
        }
        // Between two changes the window has the one colour: whoever shows the other one shows what is to come.
        let since = if n == 0 { i64::MIN } else { flashes[n - 1].painted.1.0 };
        let early =
            |seen: &&Seen| (since..flash.painted.0.0).contains(&seen.t_ns) && seen.is_white == flash.is_white && n > 0;
        report.too_early += pictures.iter().filter(early).count();
        let until = flashes.get(n + 1).map_or(i64::MAX, |next| next.painted.0.0);
        let shows = |seen: &&Seen| (flash.painted.0.0..until).contains(&seen.t_ns) && seen.is_white == flash.is_white;
        match pictures.iter().find(shows) {
            Some(seen) => {
                delays.push((seen.t_ns - flash.painted.1.0).max(0));
                answers.extend(press.map(|t_ns| seen.t_ns - t_ns));
            }
            None => report.missing_pictures += 1,
        }
    }
    let intervals = pictures.windows(2).map(|pair| pair[1].t_ns - pair[0].t_ns).collect();
    report.input_error_ms = Spread::of(errors);
    report.picture_delay_ms = Spread::of(delays);
    report.input_to_picture_ms = Spread::of(answers);
    report.interval_ms = Spread::of(intervals);
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    fn flash(at_ms: i64, is_white: bool) -> Flash {
        let span = |from: i64, until: i64| (MonoNs(from * MS), MonoNs(until * MS));
        Flash { injected: span(at_ms, at_ms + 1), painted: span(at_ms + 2, at_ms + 3), is_white }
    }

    fn pictures(shift_ms: i64) -> Vec<Seen> {
        // White from 102 to 202, taken every 33 ms.
        let shows = |t: i64| (103..203).contains(&(t - shift_ms));
        (0..12).map(|n| Seen { t_ns: n * 33 * MS, is_white: shows(n * 33) }).collect()
    }

    #[test]
    fn what_agrees_is_measured() {
        let flashes = [flash(100, true), flash(200, false)];
        let report = compare(&flashes, &[100 * MS + 1, 203 * MS], &pictures(0));
        assert!(report.ok(), "{report:?}");
        assert_eq!(report.input_error_ms, Some(Spread { p50: 0.0, p95: 2.0, max: 2.0 }));
        assert_eq!(report.picture_delay_ms, Some(Spread { p50: 28.0, p95: 29.0, max: 29.0 }));
        assert_eq!(report.interval_ms, Some(Spread { p50: 33.0, p95: 33.0, max: 33.0 }));
    }

    #[test]
    fn what_does_not_is_counted() {
        let flashes = [flash(100, true), flash(200, false)];
        let report = compare(&flashes, &[100 * MS], &pictures(0));
        assert_eq!((report.missing_inputs, report.ok()), (1, false));
        // Pictures that are stamped 40 ms too early show white before it was painted, and black too.
        let early = compare(&flashes, &[100 * MS, 200 * MS], &pictures(-40));
        assert!(early.too_early > 0 && !early.ok(), "{early:?}");
        let blind: Vec<Seen> = pictures(0).into_iter().map(|seen| Seen { is_white: false, ..seen }).collect();
        assert_eq!(compare(&flashes, &[100 * MS, 200 * MS], &blind).missing_pictures, 1);
        assert!(!compare(&[], &[], &[]).ok());
    }
}
