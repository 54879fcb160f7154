//! The playhead: where the player is in the recording, whether it moves, and how fast.
//!
//! Invariant: the position is inside the session, whatever it is told. It has no clock: it is handed the nanoseconds that
//! have passed. It knows no frames and no rows.

/// Speeds as (numerator, denominator), slowest first.
const SPEEDS: [(i128, i128); 8] = [(1, 10), (1, 4), (1, 2), (1, 1), (2, 1), (4, 1), (8, 1), (16, 1)];
/// Real time in [`SPEEDS`].
const REAL_TIME: usize = 3;
/// From this speed on not every frame can be decoded in time.
const FAST: usize = 5;
/// How these are called on the screen, at the same places as in [`SPEEDS`].
const SPEED_NAMES: [&str; SPEEDS.len()] = ["0.1×", "0.25×", "0.5×", "1×", "2×", "4×", "8×", "16×"];

/// The playhead of a session.
#[derive(Clone, Debug)]
pub(crate) struct Player {
    start: i64,
    end: i64,
    at: i64,
    playing: bool,
    speed: usize,
    /// What is played again and again: two instants of the session, the second after the first.
    repeat: Option<(i64, i64)>,
    /// What a slow speed left over: less than one nanosecond, in units of the speed's denominator.
    rest: i128,
}

impl Player {
    /// A playhead at the start of `start..=end`, standing still. An end before the start is the start.
    pub(crate) fn new(start: i64, end: i64) -> Self {
        Self { start, end: end.max(start), at: start, playing: false, speed: REAL_TIME, repeat: None, rest: 0 }
    }

    /// Where the playhead is, on the session's clock.
    pub(crate) fn at(&self) -> i64 {
        self.at
    }

    /// The first instant.
    pub(crate) fn start(&self) -> i64 {
        self.start
    }

    /// The last instant.
    pub(crate) fn end(&self) -> i64 {
        self.end
    }

    /// Time since the start of the session, nanoseconds.
    pub(crate) fn elapsed(&self) -> u64 {
        self.at.abs_diff(self.start)
    }

    /// The session's whole length, nanoseconds.
    pub(crate) fn length(&self) -> u64 {
        self.end.abs_diff(self.start)
    }

    /// Whether it moves by itself.
    pub(crate) fn playing(&self) -> bool {
        self.playing
    }

    /// It moves as fast as what was recorded.
    pub(crate) fn in_real_time(&self) -> bool {
        self.playing && self.speed == REAL_TIME
    }

    /// It moves so fast that pictures should be chosen by what they cost.
    pub(crate) fn fast(&self) -> bool {
        self.playing && self.speed >= FAST
    }

    /// What is played again and again.
    pub(crate) fn repeat(&self) -> Option<(i64, i64)> {
        self.repeat
    }

    /// Plays a span again and again once the playhead is in it; `None` or an empty span ends that.
    pub(crate) fn set_repeat(&mut self, span: Option<(i64, i64)>) {
        let inside = span.map(|(from, until)| (from.clamp(self.start, self.end), until.clamp(self.start, self.end)));
        self.repeat = inside.filter(|(from, until)| from < until);
    }

    /// The session is longer than it was (or, of a damaged one, shorter).
    pub(crate) fn set_end(&mut self, end: i64) {
        self.end = end.max(self.start);
        self.at = self.at.min(self.end);
        self.set_repeat(self.repeat);
    }

    /// The speed as it is written on the screen.
    pub(crate) fn speed_name(&self) -> &'static str {
        SPEED_NAMES[self.speed]
    }

    /// Starts or stops. Starting at the end starts over.
    pub(crate) fn toggle(&mut self) {
        if self.playing {
            self.pause();
        } else if self.length() > 0 {
            if self.at >= self.end {
                self.at = self.start;
            }
            self.playing = true;
            self.rest = 0;
        }
    }

    /// Stops.
    pub(crate) fn pause(&mut self) {
        self.playing = false;
    }

    /// One step faster, up to the fastest.
    pub(crate) fn faster(&mut self) {
        self.speed = (self.speed + 1).min(SPEEDS.len() - 1);
        self.rest = 0;
    }

    /// One step slower, down to the slowest.
    pub(crate) fn slower(&mut self) {
        self.speed = self.speed.saturating_sub(1);
        self.rest = 0;
    }

    /// Real time.
    pub(crate) fn real_time(&mut self) {
        self.speed = REAL_TIME;
        self.rest = 0;
    }

    /// Goes to an instant, or to the nearest one inside the session.
    pub(crate) fn seek(&mut self, to: i64) {
        self.at = to.clamp(self.start, self.end);
        self.rest = 0;
    }

    /// Moves by some nanoseconds, as far as the session goes.
    pub(crate) fn skip(&mut self, by: i64) {
        self.seek(self.at.saturating_add(by));
    }

    /// Goes to a share of the session: to the first instant of part `part` of `whole` equal ones, to its end when `part` is
    /// `whole` or more.
    pub(crate) fn seek_share(&mut self, part: u64, whole: u64) {
        let whole = whole.max(1);
        let product = i128::from(self.length()) * i128::from(part.min(whole));
        let offset = (product + i128::from(whole) - 1) / i128::from(whole);
        // Inside the session by construction: offset is at most its length.
        self.seek((i128::from(self.start) + offset) as i64);
    }

    /// Real time has passed: moves on when playing, and stops at the end.
    pub(crate) fn advance(&mut self, real_ns: u64) {
        if !self.playing {
            return;
        }
        let (num, den) = SPEEDS[self.speed];
        let scaled = i128::from(real_ns) * num + self.rest;
        self.rest = scaled % den;
        let mut to = i128::from(self.at) + scaled / den;
        if let Some((from, until)) = self.repeat
            && self.at <= until
            && to > i128::from(until)
        {
            // As far into the next round as it came over the end of this one.
            to = i128::from(from) + (to - i128::from(until)) % (i128::from(until) - i128::from(from));
        }
        if to >= i128::from(self.end) {
            self.at = self.end;
            self.playing = false;
        } else {
            self.at = to as i64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plays_at_its_speed_and_stops_at_the_end() {
        let mut player = Player::new(100, 1_100);
        player.advance(50);
        assert_eq!(player.at(), 100, "stands still until told to play");
        player.toggle();
        player.advance(50);
        assert_eq!(player.at(), 150);
        player.faster();
        player.advance(50);
        assert_eq!((player.at(), player.speed_name()), (250, "2×"));
        player.advance(u64::MAX);
        assert_eq!((player.at(), player.playing()), (1_100, false));
        player.toggle();
        assert_eq!((player.at(), player.playing()), (100, true), "playing at the end starts over");
    }

    #[test]
    fn a_slow_speed_loses_no_time_to_rounding() {
        let mut player = Player::new(0, 1_000);
        (0..10).for_each(|_| player.slower());
        assert_eq!(player.speed_name(), "0.1×");
        player.toggle();
        (0..100).for_each(|_| player.advance(7));
        assert_eq!(player.at(), 70);
    }

    #[test]
    fn a_span_is_played_again_and_again() {
        let mut player = Player::new(0, 1_000);
        player.set_repeat(Some((200, 300)));
        player.toggle();
        player.advance(250);
        assert_eq!(player.at(), 250, "what lies before it is played up to it");
        player.advance(60);
        assert_eq!(player.at(), 210);
        player.advance(1_000_000);
        assert!((200..=300).contains(&player.at()) && player.playing());
        player.seek(400);
        player.advance(100);
        assert_eq!(player.at(), 500, "what lies behind it is left alone");
        player.set_repeat(Some((500, 5_000)));
        player.advance(600);
        assert_eq!((player.at(), player.repeat()), (600, Some((500, 1_000))), "a span that ends with the session");
        player.set_end(400);
        assert_eq!((player.at(), player.repeat()), (400, None));
        player.set_repeat(Some((300, 300)));
        assert_eq!(player.repeat(), None);
    }

    #[test]
    fn never_leaves_the_session_even_at_the_edges_of_the_numbers() {
        let mut player = Player::new(i64::MIN, i64::MAX);
        player.skip(-1);
        assert_eq!(player.at(), i64::MIN);
        player.seek_share(u64::MAX, 1);
        assert_eq!((player.at(), player.length()), (i64::MAX, u64::MAX));
        let mut empty = Player::new(5, 1);
        empty.toggle();
        empty.seek(100);
        assert_eq!((empty.at(), empty.playing(), empty.length()), (5, false, 0));
    }
}
