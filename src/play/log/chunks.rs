//! The chunks of a log that may be growing: which there are, which of them hold a span of time, and where they can be cut.
//!
//! Pure bookkeeping over [`Place`]s; reads nothing. A record is not always appended in the order of time (a frame comes after
//! later inputs), so for every chunk it is kept how far time had come before it and what the earliest time behind it is: the
//! chunks of a span are then two binary searches. A cut is final two seconds after it: what comes later is not older.

use crate::log::salvage::Place;

/// Records between two cuts: what is read for an answer. A few milliseconds, and a few seconds of a busy recording.
const BLOCK_RECORDS: u64 = 4096;
/// No record is appended later than this after its time: a frame waits for the encoder and in queues, 0.6 s at the most.
const LATEST_NS: i64 = 2_000_000_000;

/// Chunks in the order of their records.
#[derive(Default)]
pub(crate) struct Chunks {
    places: Vec<Place>,
    /// Latest time in each chunk and those before it.
    reached: Vec<i64>,
    /// Earliest time in each chunk and those behind it.
    ahead: Vec<i64>,
    /// Instants at which the recording is cut: each block begins at one and ends before the next.
    cuts: Vec<i64>,
    /// A cut that is not final yet, and how many records there are since the last one.
    next_cut: Option<i64>,
    records: u64,
}

impl Chunks {
    /// Chunks that were read as a whole.
    pub(crate) fn new(places: &[Place]) -> Self {
        let mut chunks = Self::default();
        for place in places {
            chunks.push(*place);
        }
        chunks
    }

    /// The number of the record behind the last one.
    pub(crate) fn end(&self) -> u64 {
        self.places.last().map_or(0, Place::end)
    }

    /// All of them.
    pub(crate) fn places(&self) -> &[Place] {
        &self.places
    }

    /// First and last time.
    pub(crate) fn span(&self) -> Option<(i64, i64)> {
        Some((*self.ahead.first()?, *self.reached.last()?))
    }

    /// Adds a chunk behind the others.
    pub(crate) fn push(&mut self, place: Place) {
        let reached = self.reached.last().copied().unwrap_or(i64::MIN).max(place.max_t.0);
        self.places.push(place);
        self.reached.push(reached);
        self.ahead.push(place.min_t.0);
        for earlier in self.ahead.iter_mut().rev().skip(1) {
            if *earlier <= place.min_t.0 {
                break;
            }
            *earlier = place.min_t.0;
        }
        if self.cuts.is_empty() {
            self.cuts.push(i64::MIN);
        }
        self.records += u64::from(place.count);
        if self.next_cut.is_none() && self.records >= BLOCK_RECORDS {
            self.next_cut = Some(reached.saturating_add(1));
        }
        if let Some(cut) = self.next_cut
            && reached >= cut.saturating_add(LATEST_NS)
        {
            self.cuts.push(cut);
            (self.next_cut, self.records) = (None, 0);
        }
    }

    /// Blocks: spans between cuts, the last one open.
    pub(crate) fn blocks(&self) -> usize {
        self.cuts.len()
    }

    /// From when until when (not included) a block goes.
    pub(crate) fn block(&self, block: usize) -> Option<(i64, i64)> {
        let from = *self.cuts.get(block)?;
        Some((from, self.cuts.get(block + 1).copied().unwrap_or(i64::MAX)))
    }

    /// First and last instant of a block.
    pub(crate) fn span_of(&self, block: usize) -> Option<(i64, i64)> {
        let (from, until) = self.block(block)?;
        let (first, last) = self.span()?;
        Some((from.max(first), until.saturating_sub(1).min(last)))
    }

    /// The block of an instant.
    pub(crate) fn block_at(&self, t_ns: i64) -> usize {
        self.cuts.partition_point(|cut| *cut <= t_ns).saturating_sub(1)
    }

    /// The chunks that may hold records from one time until another (not included).
    pub(crate) fn of(&self, from: i64, until: i64) -> &[Place] {
        let first = self.reached.partition_point(|reached| *reached < from);
        let last = self.ahead.partition_point(|ahead| *ahead < until).max(first);
        &self.places[first..last]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::MonoNs;

    fn place(first: u64, count: u16, min_t: i64, max_t: i64) -> Place {
        let (min_t, max_t) = (MonoNs(min_t), MonoNs(max_t));
        Place { first, offset: first * 100, min_t, max_t, len: 100, count, flags: 0, copy: false }
    }

    #[test]
    fn the_chunks_of_a_span_are_found_although_records_come_late() {
        let chunks = Chunks::new(&[place(0, 2, 10, 20), place(2, 2, 30, 40), place(4, 2, 15, 45), place(6, 2, 50, 60)]);
        let found = |from, until| chunks.of(from, until).iter().map(|place| place.first).collect::<Vec<_>>();
        // The third chunk reaches back behind the second: both may hold what the span asks for.
        assert_eq!(found(10, 16), [0, 2, 4]);
        assert_eq!(found(10, 15), [0]);
        assert_eq!(found(41, 50), [4]);
        assert_eq!(found(46, 100), [6]);
        assert!(found(61, 100).is_empty() && found(0, 10).is_empty());
        assert_eq!(chunks.span(), Some((10, 60)));
    }

    #[test]
    fn blocks_are_cut_two_seconds_late_and_share_nothing() {
        let mut chunks = Chunks::default();
        let second = 1_000_000_000;
        for n in 0..40_i64 {
            chunks.push(place(n as u64 * 400, 400, n * second / 4, n * second / 4 + 1000));
        }
        // 4096 records are 11 chunks: the cut lies behind the 11th, and is made when the 19th is there.
        assert_eq!(chunks.block(0), Some((i64::MIN, 10 * second / 4 + 1001)));
        assert!(chunks.blocks() > 1);
        for block in 0..chunks.blocks() {
            let (from, until) = chunks.block(block).expect("a block");
            assert!(from < until);
            if block > 0 {
                assert_eq!(chunks.block(block - 1).expect("a block").1, from);
                assert_eq!((chunks.block_at(from), chunks.block_at(from - 1)), (block, block - 1));
            }
        }
        assert_eq!(chunks.block_at(i64::MAX), chunks.blocks() - 1);
        let last = chunks.span().expect("times").1;
        assert!(chunks.span_of(chunks.blocks() - 1).is_some_and(|span| span.1 == last));
    }
}
