//! Records of a log as rows of the table: what `finalize` would write, for a part of the log.
//!
//! Frames have the numbers that were given when the whole log was gone through; everything else is made by [`RowMaker`], which
//! does not know here what stood before the part: which window is active and what is held is the timeline's to know.

use std::convert::Infallible;

use crate::base::event::{Event, Frame, Gap, Source, Stream};
use crate::base::time::MonoNs;
use crate::finalize::missing::FoundFrame;
use crate::finalize::rows::RowMaker;
use crate::log::{Body, Record};
use crate::media::mp4::index::{Sample, pts_us};
use crate::play::reel::FrameTimes;
use crate::session::table::row::{OwnedRow, Row, RowMetadata, event_type, key};

/// The rows of some records in order of time; `frames` has numbered the frames, `found` are those that were found by their SEI.
pub(crate) fn rows(
    records: &[(u64, Record)],
    session_id: &str,
    frames: &RowMaker,
    found: &[FoundFrame],
    times: &FrameTimes,
) -> Vec<OwnedRow> {
    let mut maker = RowMaker::new(session_id.to_owned(), Vec::new());
    let mut rows = Vec::with_capacity(records.len());
    let frame_at = |t_ns: i64| times.at(t_ns).map(|frame| frame as i64);
    for (seq, record) in records {
        let mut record = record.clone();
        if let Body::Event(Event::Frame(frame)) = &record.body {
            if let Some(index) = number(frames, record.t) {
                let by_sei = found.iter().any(|found| found.frame.frame_ref == frame.frame_ref);
                rows.push(frame_row(record.t, frame, index, &frames.samples[index], by_sei));
                continue;
            }
            let gap = Gap { stream: Stream::Screen, reason: "frame_torn".into(), lost: Some(1), until: record.t };
            record = event_record(record.t, Event::Gap(gap));
        }
        let Ok(()) = maker.batch(&[(*seq, record)], &mut |_| false, &mut |row: &Row<'_>| {
            rows.push(OwnedRow { frame_ref: frame_at(row.t_ns), ..owned(row) });
            Ok::<(), Infallible>(())
        });
    }
    rows
}

/// Whether a record is about a frame.
pub(crate) fn is_frame(record: &Record) -> bool {
    matches!(record.body, Body::Event(Event::Frame(_)))
}

/// A record of something that happened.
pub(crate) fn event_record(t: MonoNs, event: Event) -> Record {
    Record { t, source: Source::Recorder, body: Body::Event(event) }
}

/// The record of a frame that was found.
pub(crate) fn frame_record(found: &FoundFrame) -> Record {
    event_record(found.t, Event::Frame(found.frame.clone()))
}

/// The number of the frame that was captured at a time, when it is in the video.
fn number(frames: &RowMaker, t: MonoNs) -> Option<usize> {
    let pts = pts_us(t.0, frames.facts.t0?.0);
    frames.samples.binary_search_by_key(&pts, |sample| sample.pts_us).ok()
}

fn frame_row(t: MonoNs, frame: &Frame, index: usize, sample: &Sample, by_sei: bool) -> OwnedRow {
    let mut metadata = RowMetadata::default();
    metadata.push_int(key::BYTES, i64::from(frame.size_bytes));
    if frame.duplicate {
        metadata.push_flag(key::DUP);
    }
    if by_sei {
        metadata.push_flag(key::RECOVERED);
    }
    OwnedRow {
        t_ns: t.0,
        event_type: event_type::FRAME.into(),
        frame_ref: Some(index as i64),
        is_keyframe: Some(frame.keyframe),
        pts: Some(sample.pts_us),
        metadata,
        ..OwnedRow::default()
    }
}

fn owned(row: &Row<'_>) -> OwnedRow {
    OwnedRow {
        t_ns: row.t_ns,
        event_type: row.event_type.into(),
        key_code: row.key_code,
        mouse_x: row.mouse_x,
        mouse_y: row.mouse_y,
        mouse_button: row.mouse_button.map(str::to_owned),
        delta: row.delta,
        metadata: row.metadata.clone(),
        pressed: row.pressed,
        mouse_dx: row.mouse_dx,
        mouse_dy: row.mouse_dy,
        repeat: row.repeat,
        ..OwnedRow::default()
    }
}
