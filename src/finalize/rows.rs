//! Records into rows: frame references, the active window, held keys, and the registered metadata keys.
//!
//! A function of the log: the same records give the same rows. Owns the numbering of frames (a frame whose bytes are gone, or
//! that cannot be decoded because an earlier one is gone, gets no number and becomes a gap). A frame that was found by its SEI
//! says so, and nothing that only its reference would tell.

use std::collections::BTreeMap;

use crate::base::event::{Axis, Button, Event, Frame, Gap, Key, Source, Stream, Surface, UNKNOWN_US};
use crate::base::hid;
use crate::base::id::FrameRef;
use crate::base::pad::{PadChange, PadControl};
use crate::base::time::MonoNs;
use crate::log::{Body, Record};
use crate::media::mp4::index::{Sample, pts_us};
use crate::media::mp4::moov::MAX_GAP_US;
use crate::privacy::consent::WITHDRAWN;
use crate::session::held::{Change, Held};
use crate::session::measured::Measured;
use crate::session::table::row::{Row, RowMetadata, STANDARD, WARP, event_type, key};

/// What the rows say as a whole: for the metadata.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RowFacts {
    /// Time of frame 0.
    pub t0: Option<MonoNs>,
    /// Time of the first and of the last row.
    pub span: Option<(MonoNs, MonoNs)>,
    /// Frames that are known of and are not in the video, since their bytes, or those of a frame they build on, are not there.
    pub torn_frames: u64,
    /// Frames in the video whose references are gone: found by their SEI.
    pub found_frames: u64,
}

/// Makes rows.
pub struct RowMaker {
    session_id: String,
    window_id: String,
    metadata: RowMetadata,
    /// Numbers (as the log counts) of the frames that were found by their SEI, sorted.
    found: Vec<u64>,
    /// Frames from here on (as numbered in the log) are left out.
    ended_at: u64,
    next_logged: u64,
    /// A frame is missing: nothing can be decoded until the next IDR.
    waiting_for_idr: bool,
    last_frame: Option<u64>,
    /// Numbers of frames by those that the log counts: of each run that both count on, the first of both and how many.
    runs: BTreeMap<u64, (u64, u64)>,
    /// What is down, with the event of its press.
    held: Held<Event>,
    /// The video's index.
    pub samples: Vec<Sample>,
    /// What the rows say as a whole.
    pub facts: RowFacts,
    /// What the rows add up to.
    pub measured: Measured,
}

impl RowMaker {
    /// A maker for one session; `found` are the numbers (as the log counts) of the frames that were found by their SEI, sorted.
    pub fn new(session_id: String, found: Vec<u64>) -> Self {
        Self {
            session_id,
            window_id: String::new(),
            metadata: RowMetadata::default(),
            found,
            ended_at: u64::MAX,
            next_logged: 0,
            waiting_for_idr: false,
            last_frame: None,
            runs: BTreeMap::new(),
            held: Held::default(),
            samples: Vec::new(),
            facts: RowFacts::default(),
            measured: Measured::default(),
        }
    }

    /// Makes the rows of a batch that holds all records of each of its times, sorted. `holds` says whether a frame's bytes are
    /// there.
    ///
    /// # Errors
    /// Whatever `sink` answers.
    pub fn batch<E>(
        &mut self,
        batch: &[(u64, Record)],
        holds: &mut impl FnMut(&Frame) -> bool,
        sink: &mut impl FnMut(&Row<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut at = 0;
        while at < batch.len() {
            let t = batch[at].1.t;
            let end = at + batch[at..].partition_point(|(_, record)| record.t <= t);
            // An input at the very time of a frame belongs to that frame, also when it arrived before it.
            let mut kept = Vec::new();
            for (_, record) in &batch[at..end] {
                let Body::Event(event) = &record.body else { continue };
                if let Event::Frame(frame) = event {
                    kept.push(self.place(frame, t, holds));
                }
            }
            let mut kept = kept.into_iter();
            for (_, record) in &batch[at..end] {
                let Body::Event(event) = &record.body else { continue };
                match event {
                    Event::Frame(frame) => match kept.next().flatten() {
                        Some(index) => self.frame_row(t, frame, index, sink)?,
                        None => self.torn_row(t, sink)?,
                    },
                    Event::Pause => {
                        self.release_held(t, sink)?;
                        self.by_hotkey(record.source);
                        self.row(t, event_type::PAUSE, Cells::default(), sink)?;
                    }
                    // Consent to the input was taken back: nothing is held that is known of, and no window is known to be active.
                    Event::Gap(gap) if gap.stream == Stream::Input && gap.reason == WITHDRAWN => {
                        self.release_held(t, sink)?;
                        self.window_id.clear();
                        self.event_row(t, record.source, event, sink)?;
                    }
                    other => self.event_row(t, record.source, other, sink)?,
                }
            }
            at = end;
        }
        Ok(())
    }

    /// Ends the table: what is still held is released at `t`, so that no loader sees a stuck key.
    ///
    /// # Errors
    /// Whatever `sink` answers.
    pub fn finish<E>(&mut self, t: MonoNs, sink: &mut impl FnMut(&Row<'_>) -> Result<(), E>) -> Result<(), E> {
        let t = self.facts.span.map_or(t, |(_, last)| last.max(t));
        self.release_held(t, sink)
    }

    /// Gives a frame its number, or none.
    fn place(&mut self, frame: &Frame, t: MonoNs, holds: &mut impl FnMut(&Frame) -> bool) -> Option<u64> {
        let logged = frame.frame_ref.0;
        if logged != self.next_logged {
            self.waiting_for_idr = true;
        }
        self.next_logged = logged.saturating_add(1);
        if frame.keyframe {
            self.waiting_for_idr = false;
        }
        if !holds(frame) {
            self.waiting_for_idr = true;
        }
        if logged >= self.ended_at || self.waiting_for_idr {
            self.facts.torn_frames += 1;
            return None;
        }
        let t0 = *self.facts.t0.get_or_insert(t);
        let pts_us = pts_us(t.0, t0.0);
        if self.samples.last().is_some_and(|last| pts_us.saturating_sub(last.pts_us) > MAX_GAP_US) {
            // The index cannot say so; what lies behind such a gap is left out, and is a gap.
            self.ended_at = logged;
            self.facts.torn_frames += 1;
            return None;
        }
        let index = self.samples.len() as u64;
        self.samples.push(Sample { offset: frame.offset, size: frame.size_bytes, pts_us, keyframe: frame.keyframe });
        self.last_frame = Some(index);
        match self.runs.range_mut(..=logged).next_back() {
            Some((first, run)) if logged - *first == run.1 && index - run.0 == run.1 => run.1 += 1,
            _ => drop(self.runs.insert(logged, (index, 1))),
        }
        Some(index)
    }

    /// The number of a frame that is in the video, by the one that the log counts.
    pub(super) fn number_of(&self, logged: FrameRef) -> Option<FrameRef> {
        let (first, (index, count)) = self.runs.range(..=logged.0).next_back()?;
        let behind = logged.0 - first;
        (behind < *count).then(|| FrameRef(index + behind))
    }

    fn row<E>(
        &mut self,
        t: MonoNs,
        event_type: &str,
        cells: Cells<'_>,
        sink: &mut impl FnMut(&Row<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let (first, last) = self.facts.span.unwrap_or((t, t));
        self.facts.span = Some((first.min(t), last.max(t)));
        let row = Row {
            t_ns: t.0,
            event_type,
            key_code: cells.key_code,
            mouse_x: cells.position.map(|p| p.x),
            mouse_y: cells.position.map(|p| p.y),
            mouse_button: cells.button.map(Button::name),
            delta: cells.delta,
            frame_ref: self.last_frame.map(|n| n as i64),
            window_id: &self.window_id,
            session_id: &self.session_id,
            metadata: &self.metadata,
            pressed: cells.pressed,
            mouse_dx: cells.motion.map(|(dx, _)| dx),
            mouse_dy: cells.motion.map(|(_, dy)| dy),
            pts: cells.pts,
            is_keyframe: cells.is_keyframe,
            repeat: cells.repeat,
            source: cells.source.as_ref().map(Source::name).filter(|name| !name.is_empty()),
            pad: cells.pad.map(i32::from),
            control: cells.control.map(PadControl::name),
            value: cells.value,
        };
        // What goes up is released as it went down, where it was last told.
        if let Some(event) = cells.held
            && let Change::Again(press) | Change::Continued(press) | Change::Moved(press) =
                self.held.apply(&row, || event.clone())
        {
            press.clone_from(event);
        }
        self.measured.take(&row);
        let result = sink(&row);
        self.metadata.clear();
        result
    }

    fn frame_row<E>(
        &mut self,
        t: MonoNs,
        frame: &Frame,
        index: u64,
        sink: &mut impl FnMut(&Row<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let pts = self.samples[index as usize].pts_us;
        let found = self.found.binary_search(&frame.frame_ref.0).is_ok();
        self.metadata.push_int(key::BYTES, i64::from(frame.size_bytes));
        if !found && frame.capture_us != UNKNOWN_US {
            self.metadata.push_int(key::CAPTURE_US, i64::from(frame.capture_us));
        }
        if frame.duplicate {
            self.metadata.push_str(key::DUP, "1");
        }
        if found {
            self.facts.found_frames += 1;
            self.metadata.push_str(key::RECOVERED, "1");
        } else {
            self.metadata.push_int(key::ENCODE_US, i64::from(frame.encode_us));
        }
        let cells = Cells { pts: Some(pts), is_keyframe: Some(frame.keyframe), ..Cells::default() };
        self.row(t, event_type::FRAME, cells, sink)
    }

    fn torn_row<E>(&mut self, t: MonoNs, sink: &mut impl FnMut(&Row<'_>) -> Result<(), E>) -> Result<(), E> {
        let gap = Gap { stream: Stream::Screen, reason: "frame_torn".into(), lost: Some(1), until: t };
        self.event_row(t, Source::Recorder, &Event::Gap(gap), sink)
    }

    /// Says of a row that its order came from a source of inputs.
    fn by_hotkey(&mut self, source: Source) {
        if source != Source::Recorder {
            self.metadata.push_str(key::HOTKEY, "1");
        }
    }

    fn release_held<E>(&mut self, t: MonoNs, sink: &mut impl FnMut(&Row<'_>) -> Result<(), E>) -> Result<(), E> {
        for press in self.held.take_all() {
            let release = match press {
                Event::Key(key) => Event::Key(Key { down: false, repeat: false, ..key }),
                Event::MouseClick { button, position, .. } => Event::MouseClick { button, pressed: false, position },
                Event::Pad { pad, change: PadChange::Button { control, native, .. } } => {
                    Event::Pad { pad, change: PadChange::Button { control, native, pressed: false } }
                }
                Event::Pad { pad, change: PadChange::Axis { control, native, .. } } => {
                    Event::Pad { pad, change: PadChange::Axis { control, native, value: 0.0 } }
                }
                _ => continue,
            };
            self.event_row(t, Source::Recorder, &release, sink)?;
        }
        Ok(())
    }

    fn event_row<E>(
        &mut self,
        t: MonoNs,
        source: Source,
        event: &Event,
        sink: &mut impl FnMut(&Row<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut cells = Cells::default();
        let metadata = &mut self.metadata;
        let input = |metadata: &mut RowMetadata, cells: &mut Cells<'_>| {
            if source == Source::Recorder {
                metadata.push_str(key::HELD, "1");
            }
            cells.source = Some(source);
        };
        match event {
            Event::Key(held) => {
                cells.held = Some(event);
                cells.key_code = held.usage.map(|usage| i32::from(usage.0));
                if let Some(code) = held.usage.and_then(hid::code_of_usage) {
                    metadata.push_str(key::CODE, code);
                }
                if let Some(native) = held.native {
                    metadata.push_int(key::NATIVE, i64::from(native));
                }
                if held.redacted {
                    metadata.push_str(key::REDACTED, "1");
                }
                cells.pressed = Some(held.down);
                cells.repeat = held.down.then_some(held.repeat);
                input(metadata, &mut cells);
            }
            Event::MouseMove { position, motion, warped } => {
                cells.position = *position;
                cells.motion = *motion;
                if *warped {
                    metadata.push_str(key::ORIGIN, WARP);
                }
                input(metadata, &mut cells);
            }
            Event::MouseClick { button, pressed, position } => {
                cells.held = Some(event);
                cells.position = *position;
                cells.button = Some(*button);
                cells.pressed = Some(*pressed);
                input(metadata, &mut cells);
            }
            Event::Wheel { delta, axis, hi_res, position } => {
                cells.position = *position;
                cells.delta = Some(*delta);
                if *axis == Axis::Horizontal {
                    metadata.push_str(key::AXIS, "horizontal");
                }
                if *hi_res {
                    metadata.push_str(key::HI_RES, "1");
                }
                input(metadata, &mut cells);
            }
            Event::Pad { pad, change } => {
                cells.pad = Some(*pad);
                input(metadata, &mut cells);
                pad_cells(event, change, metadata, &mut cells);
            }
            Event::Focus { window_id, title, app, pid } => {
                self.window_id.clone_from(window_id);
                metadata.push_str(key::APP, app);
                if let Some(pid) = pid {
                    metadata.push_int(key::PID, i64::from(*pid));
                }
                cells.source = Some(source);
                metadata.push_str(key::TITLE, &title.0);
            }
            Event::Layout(layout) => {
                if let Some(group) = layout.group {
                    metadata.push_int(key::GROUP, i64::from(group));
                }
                if let Some(names) = &layout.names {
                    metadata.push_str(key::LAYOUT, names);
                }
                cells.source = Some(source);
            }
            Event::Mark { text } => {
                self.by_hotkey(source);
                let metadata = &mut self.metadata;
                metadata.push_str(key::TEXT, &text.0);
            }
            Event::Gap(gap) => {
                if let Some(lost) = gap.lost {
                    metadata.push_int(key::LOST, lost.min(i64::MAX as u64) as i64);
                }
                metadata.push_str(key::REASON, &gap.reason);
                metadata.push_str(key::STREAM, gap.stream.name());
                metadata.push_int(key::UNTIL_NS, gap.until.0);
            }
            Event::Window(Surface { x, y, width, height, scale }) => {
                metadata.push_int(key::HEIGHT, i64::from(*height));
                if let Some(scale) = scale {
                    metadata.push_f32(key::SCALE, *scale);
                }
                metadata.push_int(key::WIDTH, i64::from(*width));
                metadata.push_int(key::X, i64::from(*x));
                metadata.push_int(key::Y, i64::from(*y));
            }
            Event::Redact { what, reason, area, until } => {
                if let Some(area) = area {
                    metadata.push_int(key::HEIGHT, i64::from(area.height));
                }
                metadata.push_str(key::REASON, reason);
                metadata.push_int(key::UNTIL_NS, until.0);
                metadata.push_str(key::WHAT, what);
                if let Some(area) = area {
                    metadata.push_int(key::WIDTH, i64::from(area.width));
                    metadata.push_int(key::X, i64::from(area.x));
                    metadata.push_int(key::Y, i64::from(area.y));
                }
            }
            Event::Resume => {
                self.by_hotkey(source);
            }
            // Handled by `batch`, which knows the frame's number and releases what is held.
            Event::Pause | Event::Frame(_) => return Ok(()),
        }
        self.row(t, event_type::of(event), cells, sink)
    }
}

/// What a change of a gamepad says in its row.
fn pad_cells<'a>(event: &'a Event, change: &PadChange, metadata: &mut RowMetadata, cells: &mut Cells<'a>) {
    match change {
        PadChange::Connected(about) => {
            if about.standard {
                metadata.push_str(key::MAPPING, STANDARD);
            }
            metadata.push_str(key::NAME, &about.name);
            for (key, id) in [(key::PRODUCT, about.product), (key::VENDOR, about.vendor)] {
                if let Some(id) = id {
                    metadata.push_str(key, &format!("{id:04x}"));
                }
            }
        }
        PadChange::Disconnected => {}
        PadChange::Button { control, native, pressed } => {
            cells.held = Some(event);
            (cells.control, cells.pressed) = (*control, Some(*pressed));
            cells.value = Some(f32::from(u8::from(*pressed)));
            metadata.push_int(key::NATIVE, i64::from(*native));
        }
        PadChange::Axis { control, native, value } => {
            cells.held = Some(event);
            (cells.control, cells.value) = (*control, Some(*value));
            metadata.push_int(key::NATIVE, i64::from(*native));
        }
    }
}

/// The cells of a row that depend on its kind.
#[derive(Clone, Copy, Default)]
struct Cells<'a> {
    /// It is about something that is held.
    held: Option<&'a Event>,
    key_code: Option<i32>,
    position: Option<crate::base::event::Position>,
    button: Option<Button>,
    delta: Option<f32>,
    pressed: Option<bool>,
    motion: Option<(f32, f32)>,
    pts: Option<i64>,
    is_keyframe: Option<bool>,
    repeat: Option<bool>,
    source: Option<Source>,
    pad: Option<u8>,
    control: Option<PadControl>,
    value: Option<f32>,
}
