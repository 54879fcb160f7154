//! The part of the recording that the timeline shows: zooming, panning, and the way between times and columns.
//!
//! Invariant: the part lies inside the session and is not shorter than [`SHORTEST`] (or the session). It knows no screen but
//! the number of its columns.

/// The shortest part that is shown, nanoseconds: a third of a frame at 60 per second.
const SHORTEST: i128 = 5_000_000;

/// A part of the session, both ends included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Zoom {
    from: i64,
    until: i64,
    /// It shows everything, also what will come.
    whole: bool,
}

impl Zoom {
    /// Everything between two instants.
    pub(crate) fn whole(start: i64, end: i64) -> Self {
        Self { from: start, until: end.max(start), whole: true }
    }

    /// Its first instant.
    pub(crate) fn from(self) -> i64 {
        self.from
    }

    /// Its last instant.
    pub(crate) fn until(self) -> i64 {
        self.until
    }

    /// Whether it shows everything.
    pub(crate) fn is_whole(self) -> bool {
        self.whole
    }

    /// Its length, nanoseconds.
    pub(crate) fn length(self) -> u64 {
        self.until.abs_diff(self.from)
    }

    /// The session is now `start..=end`.
    pub(crate) fn within(&mut self, start: i64, end: i64) {
        *self = if self.whole { Self::whole(start, end) } else { Self::placed(self.from, self.span(), start, end) };
    }

    /// Twice as close (`closer`) or twice as far, with an instant staying at its column.
    pub(crate) fn zoom(&mut self, closer: bool, around: i64, start: i64, end: i64) {
        let around = i128::from(around.clamp(self.from, self.until));
        let before = around - i128::from(self.from);
        let (span, before) = match (closer, self.span() / 2) {
            (true, half) if half >= SHORTEST => (half, before / 2),
            (true, _) => (SHORTEST, before * SHORTEST / self.span().max(1)),
            (false, _) => (self.span() * 2, before * 2),
        };
        let from = (around - before).clamp(i64::MIN.into(), i64::MAX.into()) as i64;
        *self = Self::placed(from, span, start, end);
    }

    /// To later or earlier by a half of its length.
    pub(crate) fn pan(&mut self, later: bool, start: i64, end: i64) {
        let by = (self.span() / 2).min(i64::MAX.into()) as i64;
        let from = if later { self.from.saturating_add(by) } else { self.from.saturating_sub(by) };
        *self = Self::placed(from, self.span(), start, end);
    }

    /// Moves so that an instant is in it: when it ran out at one side it comes in a tenth from the other, so that playing
    /// turns pages.
    pub(crate) fn show(&mut self, at: i64, start: i64, end: i64) {
        if !(self.from..=self.until).contains(&at) {
            let share = if at > self.until { 1 } else { 9 };
            let before = (self.span() * share / 10).min(i64::MAX.into()) as i64;
            *self = Self::placed(at.saturating_sub(before), self.span(), start, end);
        }
    }

    fn span(self) -> i128 {
        i128::from(self.until) - i128::from(self.from)
    }

    fn placed(from: i64, span: i128, start: i64, end: i64) -> Self {
        let session = i128::from(end) - i128::from(start);
        if span >= session {
            return Self::whole(start, end);
        }
        let from = i128::from(from).clamp(start.into(), i128::from(end) - span);
        // Inside the session, which is inside the numbers.
        Self { from: from as i64, until: (from + span) as i64, whole: false }
    }

    /// The column of an instant in a bar of `width` columns: that of the bucket in which its events are counted. `None` when
    /// it is not in this part; the last instant is in the last column.
    pub(crate) fn column(self, at: i64, width: u16) -> Option<u16> {
        if !(self.from..=self.until).contains(&at) || width == 0 {
            return None;
        }
        let share = u128::from(at.abs_diff(self.from)) * u128::from(width) / u128::from(self.length().max(1));
        Some(share.min(u128::from(width - 1)) as u16)
    }

    /// The columns that a span of time touches, both included; `None` when none.
    pub(crate) fn columns(self, from: i64, until: i64, width: u16) -> Option<(u16, u16)> {
        if from > self.until || until < self.from || until < from {
            return None;
        }
        Some((self.column(from.max(self.from), width)?, self.column(until.min(self.until), width)?))
    }

    /// The first instant of a column. The last column is the end: nothing else could be clicked to get there.
    pub(crate) fn instant(self, column: u16, width: u16) -> i64 {
        if column + 1 >= width {
            return self.until;
        }
        let product = u128::from(self.length()) * u128::from(column);
        let offset = product.div_ceil(u128::from(width.max(1)));
        // Inside the part by construction: the offset is at most its length.
        (i128::from(self.from) + offset as i128) as i64
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_click_on_the_column_of_an_instant_leads_back_to_it() {
        for (start, end, width) in
            [(0, 1_000_000_000, 70_u16), (i64::MIN, i64::MAX, 100), (5, 12, 33), (i64::MAX - 1, i64::MAX, 2)]
        {
            let zoom = Zoom::whole(start, end);
            for x in 0..width {
                let back = zoom.column(zoom.instant(x, width), width);
                let last = x + 1 == width;
                assert!(back == Some(x) || (zoom.length() < u64::from(width) && !last), "{x} of {width}: {back:?}");
            }
            assert_eq!((zoom.column(end, width), zoom.instant(width - 1, width)), (Some(width - 1), end));
        }
        let point = Zoom::whole(7, 7);
        assert_eq!((point.column(7, 10), point.column(8, 10), point.column(7, 0)), (Some(0), None, None));
    }

    #[test]
    fn what_lies_under_the_hand_stays_there() {
        let (start, end) = (0, 60_000_000_000);
        let mut zoom = Zoom::whole(start, end);
        for _ in 0..5 {
            zoom.zoom(true, 20_000_000_000, start, end);
            assert_eq!(zoom.column(20_000_000_000, 90), Some(30));
        }
        assert_eq!(zoom.length(), 60_000_000_000 / 32);
        (0..5).for_each(|_| zoom.zoom(false, 20_000_000_000, start, end));
        assert_eq!(zoom, Zoom::whole(start, end));
    }

    #[test]
    fn it_follows_the_playhead_in_pages_and_grows_only_when_whole() {
        let mut zoom = Zoom::whole(0, 1_000_000_000);
        zoom.within(0, 2_000_000_000);
        assert_eq!((zoom.until(), zoom.is_whole()), (2_000_000_000, true));
        (0..2).for_each(|_| zoom.zoom(true, 0, 0, 2_000_000_000));
        zoom.within(0, 4_000_000_000);
        assert_eq!((zoom.from(), zoom.until()), (0, 500_000_000));
        zoom.show(500_000_001, 0, 4_000_000_000);
        assert_eq!((zoom.from(), zoom.length()), (450_000_001, 500_000_000));
        zoom.show(400_000_000, 0, 4_000_000_000);
        assert_eq!(zoom.until(), 500_000_000);
        zoom.pan(true, 0, 4_000_000_000);
        assert_eq!(zoom.until(), 750_000_000);
        assert_eq!(zoom.columns(0, 300_000_000, 50), Some((0, 5)));
        assert_eq!((zoom.columns(750_000_001, 800_000_000, 50), zoom.columns(5, 4, 50)), (None, None));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn it_never_leaves_the_session(
            (start, end) in (any::<i64>(), any::<i64>()),
            steps in proptest::collection::vec((0..5_u8, any::<i64>(), any::<bool>()), 0..60),
        ) {
            let (start, end) = (start.min(end), start.max(end));
            let mut zoom = Zoom::whole(start, end);
            for (what, at, flag) in steps {
                match what {
                    0 | 1 => zoom.zoom(flag, at, start, end),
                    2 => zoom.pan(flag, start, end),
                    3 => zoom.show(at.clamp(start, end), start, end),
                    _ => zoom.within(start, end),
                }
                prop_assert!(start <= zoom.from() && zoom.from() <= zoom.until() && zoom.until() <= end);
                prop_assert!(i128::from(zoom.length()) >= SHORTEST.min(i128::from(end) - i128::from(start)));
            }
        }
    }
}
