//! When an event happened: the arrival stamp, bounded by the server's millisecond clock.
//!
//! Invariant: a stamp is never before the event by the server's clock, never after its arrival, and never decreases.
//! An event is stamped `min(arrival, server ms + one tick)`: an event that was read late (we were scheduled away, or
//! asked the server something) is still no more than a tick late.
//!
//! What it does not do: read a clock. It is handed both times.

use crate::base::time::MonoNs;

/// Nanoseconds in a millisecond.
const MS: i64 = 1_000_000;
/// The server's clock has 32 bits of milliseconds: it wraps after 49.7 days.
const WRAP: i64 = (1 << 32) * MS;
/// How long one minimum of an estimated offset is kept, ns. Two such windows overlap. Two crystals drift apart by at
/// most about 100 ppm, so over 2 x 10 s the estimate is at most 2 ms stale. Used for servers on another machine only.
const WINDOW: i64 = 10_000 * MS;

/// A reading of both clocks: the server's lies between `before` and `after`.
#[derive(Clone, Copy)]
pub(super) struct Reading {
    /// Our clock before asking.
    pub(super) before: MonoNs,
    /// The server's milliseconds.
    pub(super) server_ms: u32,
    /// Our clock after the answer.
    pub(super) after: MonoNs,
}

/// Turns server times and arrivals into stamps.
pub(super) struct ServerClock {
    /// Our clock minus the server's, ns, when it is an estimate; 0 when both are the same clock.
    offset: i64,
    /// Both are the same clock (a server on this machine).
    same: bool,
    /// What the server's milliseconds cut off, ns.
    tick: i64,
    /// Smallest offset seen in the window before and in this one, and when this one began.
    minima: [i64; 2],
    window_from: i64,
    last: MonoNs,
}

/// The server time nearest to `guess` (ns of the server's unwrapped clock) that has these low 32 bits.
fn unwrap_ms(server_ms: u32, guess: i64) -> i64 {
    let low = i64::from(server_ms) * MS;
    low + (guess - low + WRAP / 2).div_euclid(WRAP) * WRAP
}

impl ServerClock {
    /// From a few readings of both clocks. `coarse` is the resolution of the clock that the server may read instead
    /// of the fine one (it takes `CLOCK_MONOTONIC_COARSE` when that has 1 ms or better), ns.
    pub(super) fn new(readings: &[Reading], coarse: i64) -> Self {
        let tick = if (1..=MS).contains(&coarse) { MS + coarse } else { MS };
        let bounds = |r: &Reading| {
            let server = unwrap_ms(r.server_ms, r.after.0);
            (r.before.0 - server - tick, r.after.0 - server)
        };
        let same = !readings.is_empty() && readings.iter().map(bounds).all(|(least, most)| (least..=most).contains(&0));
        let most = readings.iter().map(|r| bounds(r).1).min().unwrap_or(0);
        let from = readings.last().map_or(0, |r| r.after.0);
        Self {
            offset: if same { 0 } else { most },
            same,
            tick,
            minima: [most; 2],
            window_from: from,
            last: MonoNs(i64::MIN),
        }
    }

    /// Whether the server reads the same clock as we do.
    pub(super) fn is_same(&self) -> bool {
        self.same
    }

    /// The stamp of an event that the server timed at `server_ms` and that was read at `arrival`.
    pub(super) fn stamp(&mut self, server_ms: u32, arrival: MonoNs) -> MonoNs {
        let server = unwrap_ms(server_ms, arrival.0 - self.offset);
        let residual = arrival.0 - server;
        if self.same && residual < -self.tick {
            // An event from the future: it is not the same clock after all.
            self.same = false;
            self.minima = [residual; 2];
            self.window_from = arrival.0;
        }
        if !self.same {
            if arrival.0 - self.window_from > WINDOW {
                self.minima = [self.minima[1], residual];
                self.window_from = arrival.0;
            }
            self.minima[1] = self.minima[1].min(residual);
            self.offset = self.minima[0].min(self.minima[1]);
        }
        self.at(MonoNs(arrival.0.min(server + self.offset + self.tick)))
    }

    /// The stamp of something that we found out ourselves, at `now`.
    pub(super) fn at(&mut self, now: MonoNs) -> MonoNs {
        self.last = self.last.max(now);
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local(now: i64) -> ServerClock {
        let ms = (now / MS) as u32;
        ServerClock::new(&[Reading { before: MonoNs(now - 50_000), server_ms: ms, after: MonoNs(now + 50_000) }], 0)
    }

    #[test]
    fn a_late_arrival_is_bounded_by_the_servers_millisecond() {
        let mut clock = local(5_000 * MS + 300_000);
        assert!(clock.is_same());
        assert_eq!(clock.stamp(6_000, MonoNs(6_000 * MS + 200_000)).0, 6_000 * MS + 200_000, "in time: the arrival");
        assert_eq!(clock.stamp(6_010, MonoNs(6_050 * MS)).0, 6_011 * MS, "40 ms late: one tick after the event");
        assert_eq!(clock.stamp(6_005, MonoNs(6_051 * MS)).0, 6_011 * MS, "never goes back");
    }

    #[test]
    fn the_wrap_after_49_days_is_no_step() {
        let wrap = 1_i64 << 32;
        let mut clock = local((wrap - 10) * MS + 400_000);
        assert!(clock.is_same());
        let before = clock.stamp(u32::MAX, MonoNs((wrap + 20) * MS)).0;
        let after = clock.stamp(0, MonoNs((wrap + 20) * MS)).0;
        assert_eq!((before, after), (wrap * MS, (wrap + 1) * MS));
        assert_eq!(local(3 * WRAP + 7 * MS).stamp(1_000, MonoNs(3 * WRAP + 1_500 * MS)).0, 3 * WRAP + 1_001 * MS);
    }

    #[test]
    fn another_machines_clock_is_estimated_from_the_fastest_arrival() {
        let ahead = 77_000 * MS;
        let reading = Reading { before: MonoNs(ahead), server_ms: 0, after: MonoNs(ahead + 3 * MS) };
        let mut clock = ServerClock::new(&[reading], 0);
        assert!(!clock.is_same());
        // The fastest way takes 0.2 ms; then one event comes 30 ms late.
        for ms in (100..200).step_by(10) {
            let delay = if ms == 150 { 200_000 } else { 900_000 };
            clock.stamp(ms, MonoNs(ahead + i64::from(ms) * MS + delay));
        }
        assert_eq!(clock.stamp(300, MonoNs(ahead + 330 * MS)).0, ahead + 301 * MS + 200_000);
        // The clocks drift by 5 ms; after two windows the old minimum is forgotten.
        for s in 1..=25_u32 {
            clock.stamp(s * 1_000, MonoNs(ahead + i64::from(s) * 1_000 * MS + 5 * MS));
        }
        assert_eq!(clock.stamp(26_000, MonoNs(ahead + 26_050 * MS)).0, ahead + 26_006 * MS);
    }

    #[test]
    fn a_coarse_server_clock_widens_the_bound() {
        let reading = Reading { before: MonoNs(MS + 900_000), server_ms: 0, after: MonoNs(MS + 950_000) };
        assert!(!ServerClock::new(&[reading], 4 * MS).is_same());
        let mut clock = ServerClock::new(&[reading], MS);
        assert!(clock.is_same());
        assert_eq!(clock.stamp(10, MonoNs(50 * MS)).0, 12 * MS);
    }
}
