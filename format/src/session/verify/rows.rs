//! The rows of a session against each other, its metadata and its video.

use std::collections::BTreeMap;

use super::options::VideoCheck;
use super::pads;
use super::report::{Kind, Report};
use crate::base::progress::Step;
use crate::media::mp4::index::pts_us;
use crate::session::clicks::Clicks;
use crate::session::layout;
use crate::session::metadata::{Metadata, printable};
use crate::session::table::read::EventsReader;
use crate::session::table::row::{OwnedRow, event_type, key};
use crate::session::table::schema;
use crate::session::table::schema::Version;

/// Rows between two reports of progress: about 10 ms of work.
const PROGRESS_ROWS: u64 = 16_384;

/// The most different event types that are counted: 13 are known; more than this is a table made to fill memory.
const MAX_EVENT_TYPES: usize = 1024;

/// What is known of the rows so far.
#[derive(Default)]
struct RowState {
    t_ns: Option<i64>,
    /// Frame rows so far.
    frames: u64,
    duplicates: u64,
    /// `t_ns` of frame 0.
    t0_ns: i64,
    counts: BTreeMap<String, u64>,
    clicks: Clicks,
    /// The first input row of this `t_ns`, and its frame. It is judged when the time moves on, since a frame of the very
    /// same time may stand behind it and is then the last one at or before it.
    waiting: Option<(u64, Option<i64>)>,
}

pub(super) fn check_table(
    table: &EventsReader,
    metadata: Option<&Metadata>,
    video: Option<&dyn VideoCheck>,
    report: &mut Report,
    progress: &mut dyn FnMut(Step),
) {
    const FILE: &str = layout::EVENTS_FILE;
    let session_id = metadata.map(|metadata| metadata.session_id.as_str());
    let version = metadata.map_or(schema::FORMAT_VERSION, |metadata| metadata.format_version.as_str());
    let known = Version::parse(version).filter(|version| version.is_known());
    if let Some(known) = known
        && (table.version().columns() != known.columns() || table.column_count() != known.columns().len())
    {
        let (found, wanted) = (table.column_count(), known.columns().len());
        report.add(Kind::Table, FILE, None, None, || format!("{found} columns instead of {wanted}"));
    }
    if known.is_none() {
        report.notes.push(format!(
            "format {} is newer than this release knows: row hashes were not compared",
            printable(version)
        ));
    }
    for (name, expected) in [(schema::FORMAT_VERSION_KEY, Some(version)), (schema::SESSION_ID_KEY, session_id)] {
        if expected.is_some() && table.key_value(name) != expected {
            report.add(Kind::TableMetadata, FILE, None, None, || format!("{name} is not that of metadata.json"));
        }
    }
    let mut state = RowState::default();
    let mut row = OwnedRow::default();
    let mut first_id: Option<String> = None;
    let mut rows = if known.is_some() { table.rows().checked() } else { table.rows() };
    loop {
        match rows.next_into(&mut row) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => {
                let at = Some(report.rows);
                report.add(Kind::Rows, FILE, at, None, || error.to_string());
                return;
            }
        }
        let at = report.rows;
        report.rows += 1;
        if at.is_multiple_of(PROGRESS_ROWS) {
            progress(Step { what: "rows", done: at, of: table.len() });
        }
        if row.intact == Some(false) {
            report.add(Kind::RowHash, FILE, Some(at), None, || "its hash is not that of its values".to_owned());
        }
        if row.seq != at as i64 {
            report.add(Kind::Rows, FILE, Some(at), None, || "its seq is not its place in the table".to_owned());
        }
        let expected_id = session_id.unwrap_or_else(|| first_id.get_or_insert_with(|| row.session_id.clone()));
        if row.session_id != expected_id {
            report.add(Kind::SessionId, FILE, Some(at), None, || "it is of another session".to_owned());
        }
        check_row(at, &row, video, &mut state, report);
    }
    judge_waiting(&mut state, report);
    if report.rows != table.len() {
        let (found, said) = (report.rows, table.len());
        report.add(Kind::Rows, FILE, None, None, || format!("{found} rows where the footer says {said}"));
    }
    if let Some(video) = video
        && video.len() != state.frames
    {
        let packets = video.len();
        report.add(Kind::FrameCount, layout::FRAMES_FILE, None, None, || {
            format!("{packets} packets, {} frame rows", state.frames)
        });
    }
    if let Some(metadata) = metadata {
        let counted = [
            ("frames", metadata.frames, state.frames),
            ("duplicate_frames", metadata.duplicate_frames, state.duplicates),
        ];
        for (name, said, found) in counted {
            if said != found {
                report.add(Kind::Counts, layout::METADATA_FILE, None, None, || {
                    format!("{name}: {said} instead of {found}")
                });
            }
        }
        if metadata.counts != state.counts {
            report.add(Kind::Counts, layout::METADATA_FILE, None, None, || "counts: not those of the rows".to_owned());
        }
        // Null in sessions of older formats.
        if metadata.clicks.is_some() && metadata.clicks != state.clicks.count() {
            report.add(Kind::Counts, layout::METADATA_FILE, None, None, || "clicks: not those of the rows".to_owned());
        }
    }
}

fn check_row(at: u64, row: &OwnedRow, video: Option<&dyn VideoCheck>, state: &mut RowState, report: &mut Report) {
    const FILE: &str = layout::EVENTS_FILE;
    if state.t_ns.is_some_and(|before| row.t_ns < before) {
        report.add(Kind::Order, FILE, Some(at), None, || "it is older than the row before it".to_owned());
    }
    if state.t_ns != Some(row.t_ns) {
        judge_waiting(state, report);
        state.t_ns = Some(row.t_ns);
    }
    state.clicks.add(&row.event_type, row.pressed, |key| row.metadata.get(key));
    if let Some(count) = state.counts.get_mut(&row.event_type) {
        *count += 1;
    } else if state.counts.len() < MAX_EVENT_TYPES {
        state.counts.insert(row.event_type.clone(), 1);
    } else {
        report.add(Kind::Rows, FILE, Some(at), None, || format!("more than {MAX_EVENT_TYPES} event types"));
    }
    if let Some(what) = pads::fault(row) {
        report.add(Kind::Rows, FILE, Some(at), None, || what.to_owned());
    }
    if row.event_type == event_type::FRAME {
        check_frame_row(at, row, video, state, report);
    } else if event_type::is_input(&row.event_type) || row.frame_ref.is_some() {
        match state.waiting {
            Some((_, frame_ref)) if frame_ref != row.frame_ref => {
                let what = || "rows of one time refer to different frames".to_owned();
                report.add(Kind::FrameRef, FILE, Some(at), None, what);
            }
            Some(_) => {}
            None => state.waiting = Some((at, row.frame_ref)),
        }
    }
}

/// Judges the rows of the time that has now passed.
fn judge_waiting(state: &mut RowState, report: &mut Report) {
    let Some((at, frame_ref)) = state.waiting.take() else { return };
    let expected = state.frames.checked_sub(1);
    if frame_ref.map(u64::try_from) != expected.map(Ok) {
        report.add(Kind::FrameRef, layout::EVENTS_FILE, Some(at), expected, || {
            "its frame_ref is not the last frame at or before it".to_owned()
        });
    }
}

fn check_frame_row(at: u64, row: &OwnedRow, video: Option<&dyn VideoCheck>, state: &mut RowState, report: &mut Report) {
    const FILE: &str = layout::EVENTS_FILE;
    let frame = state.frames;
    state.frames += 1;
    if frame == 0 {
        state.t0_ns = row.t_ns;
    }
    if row.frame_ref.map(u64::try_from) != Some(Ok(frame)) {
        let what = || format!("its frame_ref is not {frame}");
        report.add(Kind::FrameSequence, FILE, Some(at), Some(frame), what);
    }
    state.duplicates += u64::from(row.metadata.get(key::DUP) == Some("1"));
    let pts = pts_us(row.t_ns, state.t0_ns);
    if row.pts != Some(pts) {
        let what = || format!("the row's pts is not {pts}, as its t_ns says");
        report.add(Kind::FrameTime, FILE, Some(at), Some(frame), what);
    }
    let Some(video) = video.filter(|video| frame < video.len()) else { return };
    let in_video = video.pts_us(frame);
    if in_video != Some(pts) {
        let what = || format!("the video shows it at {} us, its row says {pts} us", in_video.unwrap_or(-1));
        report.add(Kind::FrameTime, layout::FRAMES_FILE, Some(at), Some(frame), what);
    }
    if frame > 0 && in_video <= video.pts_us(frame - 1) {
        let what = || "it is not later than the frame before it".to_owned();
        report.add(Kind::FrameTime, layout::FRAMES_FILE, Some(at), Some(frame), what);
    }
    if Some(video.is_keyframe(frame)) != row.is_keyframe {
        let what = || "video and row do not agree that it is a keyframe".to_owned();
        report.add(Kind::Keyframe, layout::FRAMES_FILE, Some(at), Some(frame), what);
    }
    let size = video.size_bytes(frame);
    if row.metadata.get(key::BYTES).and_then(|text| text.parse().ok()) != Some(size) {
        let what = || format!("its packet has {size} bytes, its row says something else");
        report.add(Kind::FrameBytes, layout::FRAMES_FILE, Some(at), Some(frame), what);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presentation_times_round_half_up() {
        for (t_ns, pts) in [(0, 0), (499, 0), (500, 1), (1_499, 1), (16_666_667, 16_667), (-1, 0), (-501, -1)] {
            assert_eq!(pts_us(t_ns + 77, 77), pts, "{t_ns}");
        }
        assert_eq!(pts_us(i64::MAX, i64::MIN), 18_446_744_073_709_552);
    }
}
