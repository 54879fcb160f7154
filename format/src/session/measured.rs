//! What the rows of a session add up to: one fold for every verb that writes rows, and its figures in the metadata.
//!
//! Invariants: sums saturate and what is kept is bounded, whatever the rows say. Nothing is assumed: a figure that the rows cannot tell is
//! left as it is.

use std::collections::BTreeMap;

use super::metadata::{Extra, Loss, Metadata, Percentiles};
use crate::base::event::Stream;
use crate::base::histogram::Histogram;
use crate::media::track::Sample;
use crate::session::table::row::{Row, event_type, key};

/// What is coded of the pictures.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Pictures {
    /// Time of the last frame, microseconds from the first.
    pub last_us: i64,
    /// Bytes of all access units.
    pub bytes: u64,
}

impl Pictures {
    /// Returns what is coded of these frames.
    pub fn of(samples: &[Sample]) -> Self {
        Self {
            last_us: samples.last().map_or(0, |last| last.pts_us),
            bytes: samples.iter().map(|sample| u64::from(sample.size)).sum(),
        }
    }

    /// Returns their mean bit rate, to the bit per second.
    pub fn bitrate_kbps(self) -> Option<f64> {
        let seconds = self.last_us as f64 / 1e6;
        (self.last_us > 0).then(|| (self.bytes as f64 * 8.0 / 1000.0 / seconds * 1000.0).round() / 1000.0)
    }
}

/// The figures of the rows so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measured {
    frames: u64,
    duplicate_frames: u64,
    dropped_frames: u64,
    redacted_keys: u64,
    redacted_spans: u64,
    losses: Losses,
    /// Begin of the pause that lasts.
    paused_since: Option<i64>,
    /// Time in pauses since the last frame, nanoseconds.
    paused_ns: i64,
    /// Time in pauses between frames, nanoseconds.
    paused_between_ns: i64,
    /// Time of the last frame; `None` also when a pause was since.
    last_frame_ns: Option<i64>,
    intervals: Histogram,
    grabs: Histogram,
    encodings: Histogram,
}

impl Measured {
    /// Takes the next row, as it is written.
    pub fn take(&mut self, row: &Row<'_>) {
        let flag = |name: &str| u64::from(row.metadata.get(name) == Some("1"));
        match row.event_type {
            event_type::FRAME => {
                self.duplicate_frames += flag(key::DUP);
                if let Some(since) = &mut self.paused_since {
                    self.paused_ns = self.paused_ns.saturating_add(row.t_ns.saturating_sub(*since));
                    *since = row.t_ns;
                }
                // What was before the first frame does not lie between frames.
                let paused_ns = std::mem::take(&mut self.paused_ns);
                let between = if self.frames > 0 { paused_ns } else { 0 };
                self.paused_between_ns = self.paused_between_ns.saturating_add(between);
                self.frames += 1;
                self.take_times(row);
            }
            event_type::KEY_DOWN | event_type::KEY_UP => {
                self.redacted_keys += u64::from(row.metadata.get(key::REDACTED).is_some());
            }
            event_type::REDACT => self.redacted_spans += 1,
            event_type::PAUSE => {
                self.paused_since.get_or_insert(row.t_ns);
                self.last_frame_ns = None;
            }
            event_type::RESUME => {
                let paused = self.paused_since.take().map_or(0, |since| row.t_ns.saturating_sub(since));
                self.paused_ns = self.paused_ns.saturating_add(paused);
            }
            event_type::GAP => {
                let word = |name: &str| row.metadata.get(name).unwrap_or_default();
                let number = |name: &str| row.metadata.get(name);
                let lost: Option<u64> = number(key::LOST).and_then(|text| text.parse().ok());
                let until_ns = number(key::UNTIL_NS).and_then(|text| text.parse().ok());
                let stream = word(key::STREAM);
                if stream == Stream::Screen.name() {
                    self.dropped_frames = self.dropped_frames.saturating_add(lost.unwrap_or(0));
                }
                self.losses.add(stream, word(key::REASON), lost, (row.t_ns, until_ns));
            }
            _ => {}
        }
    }

    /// What a frame says of the times that it took.
    fn take_times(&mut self, row: &Row<'_>) {
        // A frame of a pause repeats what was before it.
        let last = if self.paused_since.is_none() { self.last_frame_ns.replace(row.t_ns) } else { None };
        if let Some(last) = last {
            self.intervals.add(u64::try_from(row.t_ns.saturating_sub(last)).unwrap_or(0) / 1000);
        }
        if row.metadata.get(key::DUP).is_none() {
            let us = |name: &str| row.metadata.get(name).and_then(|text| text.parse::<u64>().ok());
            if let Some(us) = us(key::CAPTURE_US) {
                self.grabs.add(us);
            }
            if let Some(us) = us(key::ENCODE_US) {
                self.encodings.add(us);
            }
        }
    }

    /// Returns how many frames there were.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Returns how many key rows have no code, since it was withheld.
    pub fn redacted_keys(&self) -> u64 {
        self.redacted_keys
    }

    /// Says it all in the metadata. Whoever did not say how many frames were dropped of the whole does not say it of this.
    pub fn apply(&self, metadata: &mut Metadata, pictures: Pictures) {
        metadata.lost = self.losses.list();
        metadata.frames = self.frames;
        metadata.duplicate_frames = self.duplicate_frames;
        metadata.dropped_frames = metadata.dropped_frames.map(|_whole| self.dropped_frames);
        metadata.privacy.redacted_keys = self.redacted_keys;
        metadata.privacy.redacted_spans = self.redacted_spans;
        let running_us = pictures.last_us.saturating_sub(self.paused_between_ns / 1000);
        metadata.capture_fps =
            (self.frames >= 2 && running_us > 0).then(|| (self.frames - 1) as f64 / (running_us as f64 / 1e6));
        metadata.bitrate_kbps = pictures.bitrate_kbps();
        let timing = metadata.timing.get_or_insert_default();
        timing.frame_interval_ms = Percentiles::of(&self.intervals);
        timing.grab_ms = Percentiles::of(&self.grabs);
        timing.encode_ms = Percentiles::of(&self.encodings);
    }
}

/// Most pairs of stream and reason that are told apart; the recorder has some twenty reasons.
const MAX_LOSSES: usize = 1024;

/// The longest stream or reason that is told apart, bytes; both are words, and those of the recorder have up to 20.
const MAX_LOSS_WORD: usize = 128;

/// What stands for streams and reasons that are too many or too long. Their rows keep them.
const OTHER_LOSS: &str = "other";

/// Adds up what is missing, by stream and reason: at most [`MAX_LOSSES`] pairs, and one of others for each stream.
#[derive(Clone, Debug, Default, PartialEq)]
struct Losses(BTreeMap<(String, String), Lost>);

/// What is missing in one stream for one reason.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Lost {
    gaps: u64,
    count: Option<u64>,
    from_ns: i64,
    until_ns: Option<i64>,
}

impl Losses {
    /// Counts a gap: the words of its row, how many are missing, and from when until when.
    fn add(&mut self, stream: &str, reason: &str, lost: Option<u64>, span: (i64, Option<i64>)) {
        let word = |text: &str| if text.len() <= MAX_LOSS_WORD { text.to_owned() } else { OTHER_LOSS.to_owned() };
        let mut id = (word(stream), word(reason));
        if self.0.len() >= MAX_LOSSES && !self.0.contains_key(&id) {
            let is_known = Stream::ALL.into_iter().any(|known| known.name() == id.0);
            id = (if is_known { id.0 } else { OTHER_LOSS.to_owned() }, OTHER_LOSS.to_owned());
        }
        let (from_ns, until_ns) = span;
        let sum = self.0.entry(id).or_insert(Lost { gaps: 0, count: Some(0), from_ns, until_ns });
        sum.gaps = sum.gaps.saturating_add(1);
        sum.count = sum.count.zip(lost).map(|(sum, more)| sum.saturating_add(more));
        sum.from_ns = sum.from_ns.min(from_ns);
        sum.until_ns = sum.until_ns.max(until_ns);
    }

    /// The list for the metadata, by stream and reason.
    fn list(&self) -> Vec<Loss> {
        self.0
            .iter()
            .map(|((stream, reason), lost)| Loss {
                stream: stream.clone(),
                reason: reason.clone(),
                gaps: lost.gaps,
                count: lost.count,
                from_ns: Some(lost.from_ns),
                until_ns: lost.until_ns,
                extra: Extra::new(),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::metadata::samples::bare;
    use crate::session::table::row::{OwnedRow, RowMetadata};

    fn row(t_ns: i64, kind: &str, said: &[(&str, &str)]) -> OwnedRow {
        let mut metadata = RowMetadata::default();
        for (name, value) in said {
            metadata.push_str(name, value);
        }
        OwnedRow { t_ns, event_type: kind.into(), metadata, ..OwnedRow::default() }
    }

    fn measured(rows: &[OwnedRow]) -> Measured {
        let mut measured = Measured::default();
        for row in rows {
            measured.take(&row.as_row());
        }
        measured
    }

    #[test]
    fn pauses_count_between_frames_and_nowhere_else() {
        const S: i64 = 1_000_000_000;
        let rows = [
            row(0, event_type::PAUSE, &[]),
            row(9 * S, event_type::RESUME, &[]),
            row(10 * S, event_type::FRAME, &[]),
            row(11 * S, event_type::PAUSE, &[]),
            row(13 * S, event_type::RESUME, &[]),
            row(14 * S, event_type::FRAME, &[(key::DUP, "1")]),
            row(15 * S, event_type::PAUSE, &[]),
            row(99 * S, event_type::RESUME, &[]),
        ];
        let mut metadata = bare("s");
        measured(&rows).apply(&mut metadata, Pictures { last_us: 4_000_000, bytes: 1_000_000 });
        assert_eq!((metadata.frames, metadata.duplicate_frames), (2, 1));
        // One step in the two seconds that were not paused; the video lasts for four.
        assert_eq!((metadata.capture_fps, metadata.bitrate_kbps), (Some(0.5), Some(2000.0)));
    }

    #[test]
    fn times_are_those_of_new_pictures_and_intervals_those_without_a_pause() {
        const MS: i64 = 1_000_000;
        let mut rows = Vec::new();
        for n in 0..100 {
            let encode = if n == 99 { "90000" } else { "9000" };
            rows.push(row(n * 33 * MS, event_type::FRAME, &[(key::CAPTURE_US, "700"), (key::ENCODE_US, encode)]));
        }
        rows.push(row(3_270 * MS, event_type::PAUSE, &[]));
        rows.push(row(9_000 * MS, event_type::FRAME, &[(key::DUP, "1"), (key::CAPTURE_US, "0")]));
        rows.push(row(99_000 * MS, event_type::RESUME, &[]));
        rows.push(row(99_001 * MS, event_type::FRAME, &[(key::DUP, "1"), (key::ENCODE_US, "1")]));
        rows.push(row(99_034 * MS, event_type::FRAME, &[(key::DUP, "1"), (key::ENCODE_US, "-7")]));
        let mut metadata = bare("s");
        measured(&rows).apply(&mut metadata, Pictures::default());
        let timing = metadata.timing.expect("times");
        let near = |found: Option<Percentiles>, p50: f64, p99: f64| {
            let Percentiles { p50: half, p99: most } = found.expect("measured");
            assert!((half / p50 - 1.0).abs() < 0.01 && (most / p99 - 1.0).abs() < 0.01, "{half} {most}");
        };
        near(timing.frame_interval_ms, 33.0, 33.0);
        near(timing.grab_ms, 0.7, 0.7);
        near(timing.encode_ms, 9.0, 9.0);
        assert_eq!((timing.commit_ms, timing.input_silence_ms), (None, None), "no row tells");
        let mut nothing = bare("s");
        measured(&[]).apply(&mut nothing, Pictures::default());
        assert_eq!(nothing.timing, Some(crate::session::metadata::Timing::default()));
    }

    #[test]
    fn hostile_sums_saturate_and_losses_are_bounded() {
        let most = u64::MAX.to_string();
        let gap = |stream: &str, reason: &str| {
            let said = [(key::LOST, most.as_str()), (key::REASON, reason), (key::STREAM, stream)];
            row(i64::MIN, event_type::GAP, &said)
        };
        let mut rows = vec![gap("screen", "late"), gap("screen", "late"), row(i64::MIN, event_type::PAUSE, &[])];
        rows.extend((0..3 * MAX_LOSSES).map(|n| gap("input", &format!("reason_{n}"))));
        rows.extend([row(i64::MAX, event_type::FRAME, &[]), gap("another", &"x".repeat(8192))]);
        rows.push(row(i64::MAX, event_type::FRAME, &[]));
        let mut metadata = bare("s");
        measured(&rows).apply(&mut metadata, Pictures { last_us: i64::MAX, bytes: u64::MAX });
        assert_eq!(metadata.dropped_frames, Some(u64::MAX));
        assert!(metadata.lost.len() <= MAX_LOSSES + Stream::ALL.len() + 1, "{}", metadata.lost.len());
        assert!(metadata.lost.iter().all(|loss| loss.reason.len() <= MAX_LOSS_WORD));
        assert_eq!(metadata.lost.iter().map(|loss| loss.gaps).sum::<u64>(), 3 * MAX_LOSSES as u64 + 3);
    }

    #[test]
    fn what_nobody_said_of_the_whole_is_not_said() {
        let mut metadata = bare("s");
        metadata.dropped_frames = None;
        let said = [(key::LOST, "2"), (key::REASON, "late"), (key::STREAM, "screen"), (key::UNTIL_NS, "5")];
        measured(&[row(1, event_type::GAP, &said)]).apply(&mut metadata, Pictures::default());
        assert_eq!((metadata.dropped_frames, metadata.capture_fps, metadata.bitrate_kbps), (None, None, None));
        let loss = metadata.lost.first().expect("a loss");
        assert_eq!((loss.count, loss.from_ns, loss.until_ns), (Some(2), Some(1), Some(5)));
    }
}
