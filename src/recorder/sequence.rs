//! The one loop that numbers and appends: what it takes first comes first in the log.
//!
//! Owns the log's writer. Reads the clocks; what of the inputs is written, and how, [`Inputs`] decides. Ends when every producer
//! has ended and everything they sent is appended; or, when the log fails, when everything that they still send is counted
//! ([`super::failure`]).

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crossbeam_channel::{Receiver, Select};
use serde_json::{Value, json};

use super::chords::Asked;
use super::control::{Control, Order, Way, Withdrawal};
use super::failure::{self, Ended};
use super::inputs::Inputs;
use super::pauses::{Pauses, SETTLE_NS};
use super::{Counters, GRACE, Note, Stop, Unit};
use crate::capture::{InitialState, InputDescription, RawInput, ScreenDescription, StampedInput};
use crate::encode::{EncodeSettings, VideoEncoder};
use crate::event::{Content, Event, Frame, Gap, Source, Stream, Surface};
use crate::hid;
use crate::hotkeys::Action;
use crate::id::FrameRef;
use crate::log::writer::LogWriter;
use crate::log::{Body, LogError, Record, codec};
use crate::time::{Anchor, Clock, MonoNs, SystemClock, UtcNs};

/// How often the clocks are read: 360 readings an hour fit the drift to far below 1 ppm.
const ANCHOR_NS: i64 = 10_000_000_000;
/// How often they are looked at for jumps and sleep: how long a gap of the clock is at the least.
const GLANCE_NS: i64 = 250_000_000;
/// Longest wait for something to append: bounds how late a commit or a reading of the clocks can be noticed when idle.
const IDLE: Duration = Duration::from_millis(50);
/// Most items taken from one queue before the others are looked at.
const BURST: usize = 256;

/// Appends a fact; one that is too long for a record is cut to null, and that is logged.
pub(super) fn append_fact(log: &mut LogWriter, t: MonoNs, key: &str, value: &Value) -> Result<(), LogError> {
    let mut json = value.to_string();
    if json.len() > codec::MAX_FACT {
        tracing::warn!(key, bytes = json.len(), "a fact is too long for the log and is left out");
        json = "null".into();
    }
    log.append(&Record { t, source: Source::Recorder, body: Body::Setup { key: key.into(), json } }).map(drop)
}

/// The facts that are known once sources and encoder are open.
pub(super) fn start_facts(
    screen: &ScreenDescription,
    input: Option<(&InputDescription, &InitialState)>,
    inputs: &Inputs,
    encoder: &dyn VideoEncoder,
    settings: &EncodeSettings,
    clock: &str,
) -> Vec<(String, Value)> {
    let surface = screen.surface;
    let coder = encoder.describe();
    let [sps, pps] = encoder.parameter_sets().to_hex();
    let mut facts = vec![
        ("clock_id".to_owned(), json!(clock)),
        (
            "screen".to_owned(),
            json!({
                "backend": screen.backend, "target": screen.target, "window_id": screen.window_id,
                "refresh_hz": screen.refresh_hz, "cursor": screen.cursor, "sees_changes": screen.sees_changes,
                "masks_windows": screen.masks_windows,
                "x": surface.x, "y": surface.y, "width": surface.width, "height": surface.height,
                "scale": surface.scale,
            }),
        ),
        (
            "encoder".to_owned(),
            json!({
                "name": coder.name, "codec_string": coder.codec_string,
                "settings": coder.settings.iter().map(|(k, v)| (k.clone(), json!(v))).collect::<serde_json::Map<_, _>>(),
                "width": settings.width, "height": settings.height, "fps": settings.fps,
                "bitrate_kbps": settings.bitrate_kbps, "gop_ns": settings.gop_ns,
            }),
        ),
        ("parameter_sets".to_owned(), json!({ "sps": sps, "pps": pps })),
    ];
    if let Some((input, initial)) = input {
        let mut devices = input.devices.clone();
        devices.truncate(32);
        facts.push((
            "input".to_owned(),
            json!({
                "backend": input.backend, "devices": devices, "keyboard_layout": input.keyboard_layout,
                "poll_us": input.poll_us, "keys": input.keys, "buttons": input.buttons, "wheel": input.wheel,
                "relative_motion": input.relative_motion, "position": input.position, "focus": input.focus,
                "tells_secrets": input.tells_secrets,
            }),
        ));
        if inputs.may_tell_initial(initial) {
            facts.push(("initial_state".to_owned(), initial_state(initial, surface, inputs)));
        }
    }
    facts
}

/// What was held and where the pointer was; of the keys those whose codes may be known.
fn initial_state(initial: &InitialState, surface: Surface, inputs: &Inputs) -> Value {
    let position = initial.pointer.map(|at| surface.relative(at));
    let keys: Vec<Value> = initial
        .keys
        .iter()
        .filter(|(usage, _)| inputs.may_tell(*usage))
        .map(|(usage, native)| {
            json!({ "key_code": usage.map(|u| u.0), "code": usage.and_then(hid::code_of_usage), "native": native })
        })
        .collect();
    json!({
        "keys": keys,
        "buttons": initial.buttons.iter().map(|b| b.name()).collect::<Vec<_>>(),
        "mouse_x": position.map(|p| p.x), "mouse_y": position.map(|p| p.y),
    })
}

/// The loop's state.
pub(super) struct Sequence {
    log: LogWriter,
    inputs: Inputs,
    /// What the inputs became, on its way to the log.
    written: Vec<super::inputs::Written>,
    clock: Arc<dyn Clock>,
    counters: Arc<Counters>,
    pauses: Pauses,
    /// From here on no input is kept, since consent was taken back.
    closed: Option<MonoNs>,
    /// Streams whose withdrawal is in the log.
    told_withdrawn: Vec<Stream>,
    /// The last reading in the log, and the last of all.
    last_anchor: Option<Anchor>,
    last_glance: Option<Anchor>,
}

impl Sequence {
    pub(super) fn new(log: LogWriter, inputs: Inputs, clock: Arc<dyn Clock>, counters: Arc<Counters>) -> Self {
        Self {
            log,
            inputs,
            written: Vec::new(),
            clock,
            counters,
            pauses: Pauses::default(),
            closed: None,
            told_withdrawn: Vec::new(),
            last_anchor: None,
            last_glance: None,
        }
    }

    /// Appends until all three producers have ended, then closes the log; one that cannot be written any more is given up.
    pub(super) fn run(
        mut self,
        initial: Option<&(MonoNs, InitialState)>,
        inputs: &Receiver<StampedInput>,
        units: &Receiver<Unit>,
        notes: &Receiver<Note>,
        stop: &Stop,
        control: &Control,
    ) -> Ended {
        let done = self.run_until_done(initial, inputs, units, notes, stop, control);
        let t = self.clock.now();
        match done {
            Ok(()) => match self.log.seal(t, &stop.reason()) {
                Ok(log) => Ended { log, failure: None },
                Err(unsealed) => {
                    stop.fail(Stream::Log, unsealed.error.end_reason());
                    let lost = unsealed.writer.uncommitted();
                    failure::give_up(*unsealed.writer, unsealed.error, t, lost, &self.counters, stop)
                }
            },
            Err(error) => {
                stop.fail(Stream::Log, error.end_reason());
                let mut lost = self.log.uncommitted();
                failure::count_rest(&mut lost, inputs, units, notes);
                failure::give_up(self.log, error, t, lost, &self.counters, stop)
            }
        }
    }

    fn run_until_done(
        &mut self,
        initial: Option<&(MonoNs, InitialState)>,
        inputs: &Receiver<StampedInput>,
        units: &Receiver<Unit>,
        notes: &Receiver<Note>,
        stop: &Stop,
        control: &Control,
    ) -> Result<(), LogError> {
        self.anchor()?;
        if let Some((t, initial)) = initial {
            self.inputs.begin(*t, initial, &mut self.written);
            self.append_written()?;
        }
        let (mut inputs_open, mut units_open, mut notes_open) = (true, true, true);
        let wall = SystemClock;
        let mut deadline = None;
        while inputs_open || units_open || notes_open {
            if stop.is_asked() && wall.now() > *deadline.get_or_insert_with(|| wall.now().plus(GRACE)) {
                let stream = if inputs_open { Stream::Input } else { Stream::Screen };
                stop.fail(stream, "source_hangs");
                break;
            }
            let mut select = Select::new();
            let input = inputs_open.then(|| select.recv(inputs));
            let unit = units_open.then(|| select.recv(units));
            if notes_open {
                select.recv(notes);
            }
            select.recv(control.orders());
            let wait = match self.log.due() {
                Some(due) => due.since(self.clock.now()).min(IDLE),
                None => IDLE,
            };
            if let Ok(ready) = select.ready_timeout(wait) {
                // Notes first: a surface that moved is known before the inputs that are relative to it.
                if notes_open {
                    notes_open = self.drain(notes, |this, Note::Event(t, event)| this.append_screen(t, event))?;
                }
                self.drain(control.orders(), Self::obey)?;
                if Some(ready) == input {
                    inputs_open = self.drain(inputs, |this, input| this.append_input(input, control, stop))?;
                } else if Some(ready) == unit {
                    units_open = self.drain(units, |this, unit| this.append_unit(&unit))?;
                }
            }
            if inputs.is_empty()
                && let Some(t) = self.pauses.settled_at(self.clock.now())
            {
                self.go_on(t)?;
            }
            self.look_at_consent(control, inputs.is_empty())?;
            let now = self.clock.now();
            self.inputs.tick(now, &mut self.written);
            self.append_written()?;
            self.log.commit_if_due()?;
            self.log.check()?;
            self.look_at_clocks()?;
            self.report();
        }
        self.drain(control.orders(), Self::obey)?;
        if let Some(t) = self.pauses.settle() {
            self.go_on(t)?;
        }
        self.look_at_consent(control, true)?;
        if let Some(t) = control.input_until() {
            self.close_input(t, control)?;
        }
        let t = self.clock.now();
        self.inputs.end(t, &mut self.written);
        self.append_written()?;
        self.append_failure(stop)?;
        self.anchor()
    }

    /// Tells the other threads how far the log is.
    fn report(&self) {
        let recorded = self.log.recorded();
        self.counters.records.store(self.log.progress().records, Ordering::Relaxed);
        self.counters.to_seal.store(recorded.bytes_to_seal(), Ordering::Relaxed);
    }

    /// What ended the recording, if it was a failure; and the frames that were due and did not get here.
    fn append_failure(&mut self, stop: &Stop) -> Result<(), LogError> {
        let t = self.clock.now();
        let missing = self.counters.take_missing_frames();
        let mut on_screen = "not_stored".to_owned();
        if let Some((stream, reason)) = stop.failure() {
            append_fact(&mut self.log, t, &format!("failed_{}", stream.name()), &json!(reason))?;
            if stream == Stream::Screen {
                on_screen = reason;
            } else {
                let gap = Gap { stream, reason, lost: None, until: t };
                self.append(t, Source::Recorder, Event::Gap(gap))?;
            }
        }
        if missing > 0 || on_screen != "not_stored" {
            let gap = Gap { stream: Stream::Screen, reason: on_screen, lost: Some(missing), until: t };
            self.append(t, Source::Recorder, Event::Gap(gap))?;
        }
        Ok(())
    }

    /// Takes what is in a queue; false when its producer has ended.
    fn drain<T>(
        &mut self,
        queue: &Receiver<T>,
        mut take: impl FnMut(&mut Self, T) -> Result<(), LogError>,
    ) -> Result<bool, LogError> {
        for _ in 0..BURST {
            match queue.try_recv() {
                Ok(item) => take(self, item)?,
                Err(crossbeam_channel::TryRecvError::Empty) => return Ok(true),
                Err(crossbeam_channel::TryRecvError::Disconnected) => return Ok(false),
            }
        }
        Ok(true)
    }

    fn append(&mut self, t: MonoNs, source: Source, event: Event) -> Result<(), LogError> {
        self.log.append(&Record { t, source, body: Body::Event(event) }).map(drop)
    }

    /// Looks whether the machine slept or the wall clock was set; such a gap stands between two readings of the clocks, whose
    /// difference is its size. Reads them into the log from time to time in any case.
    fn look_at_clocks(&mut self) -> Result<(), LogError> {
        let now = self.clock.now();
        if self.last_glance.is_some_and(|last| now.0 - last.mono.0 < GLANCE_NS) {
            return Ok(());
        }
        let seen = self.clock.anchor();
        let Some(before) = self.last_glance.replace(seen) else { return self.append_anchor(seen) };
        let slept = seen.asleep_ns(&before).is_some();
        let jumped = seen.wall_jump_ns(&before).is_some();
        if slept || jumped {
            if self.last_anchor != Some(before) {
                self.append_anchor(before)?;
            }
            // Nothing is lost by a jump: times are those of the monotonic clock.
            for (reason, lost) in
                [slept.then_some(("suspended", None)), jumped.then_some(("clock_jump", Some(0)))].into_iter().flatten()
            {
                let gap = Gap { stream: Stream::Clock, reason: reason.into(), lost, until: seen.mono };
                self.append(before.mono, Source::Recorder, Event::Gap(gap))?;
            }
            self.counters.suspended.fetch_add(u64::from(slept), Ordering::Relaxed);
        }
        let due = self.last_anchor.is_none_or(|last| seen.mono.0 - last.mono.0 >= ANCHOR_NS);
        if slept || jumped || due { self.append_anchor(seen) } else { Ok(()) }
    }

    /// Reads the clocks into the log.
    fn anchor(&mut self) -> Result<(), LogError> {
        let anchor = self.clock.anchor();
        self.last_glance.get_or_insert(anchor);
        self.append_anchor(anchor)
    }

    fn append_anchor(&mut self, anchor: Anchor) -> Result<(), LogError> {
        self.last_anchor = Some(anchor);
        self.log.append(&Record { t: anchor.mono, source: Source::Recorder, body: Body::Anchor(anchor) })?;
        let skipped = self.counters.skipped.load(Ordering::Relaxed);
        if skipped > 0 {
            append_fact(&mut self.log, anchor.mono, "unchanged_skipped", &json!(skipped))?;
        }
        Ok(())
    }

    fn append_input(&mut self, input: StampedInput, control: &Control, stop: &Stop) -> Result<(), LogError> {
        if let Some(closed) = self.closed {
            // What was lost before is told even now.
            if matches!(input.input, RawInput::Lost { .. }) && input.t < closed {
                self.inputs.take(input, &mut self.written);
            }
            return self.append_written();
        }
        if let Some(t) = control.input_until().filter(|t| *t <= input.t) {
            return self.close_input(t, control);
        }
        // An order from before this input has been given by now.
        if !control.orders().is_empty() {
            self.drain(control.orders(), Self::obey)?;
        }
        if self.pauses.covers(input.t) {
            self.inputs.overlook(input, &mut self.written);
            self.append_written()?;
            return self.obey_hotkeys(control, stop);
        }
        if let Some(end) = self.pauses.settled_by(input.t) {
            self.go_on(end)?;
        }
        self.inputs.take(input, &mut self.written);
        for (_, _, event) in &self.written {
            match event {
                Event::Gap(gap) => drop(self.counters.lost_inputs.fetch_add(gap.lost.unwrap_or(1), Ordering::Relaxed)),
                Event::Redact { .. } => {}
                _ => drop(self.counters.events.fetch_add(1, Ordering::Relaxed)),
            }
        }
        self.append_written()?;
        self.obey_hotkeys(control, stop)
    }

    /// Does what hotkeys among the inputs ask for. A pause begins now and not when the key went down, since pictures were taken in between; a
    /// mark is where the key went down.
    fn obey_hotkeys(&mut self, control: &Control, stop: &Stop) -> Result<(), LogError> {
        for Asked { t, source, action } in self.inputs.take_asked() {
            let clock = self.clock.as_ref();
            let done = match action {
                Action::Pause if control.is_paused() => control.resume_by(source, clock).map(drop),
                Action::Pause => control.pause_by(source, clock).map(drop),
                Action::Mark => {
                    self.append(t, source, Event::Mark { text: Content::default() })?;
                    Ok(())
                }
                Action::Stop => {
                    stop.ask("hotkey");
                    Ok(())
                }
                Action::Withdraw => control.withdraw(&[], Way::Hotkey, clock, stop).map(drop),
            };
            if let Err(error) = done {
                tracing::warn!(%error, action = action.name(), "a hotkey was without effect");
            }
        }
        Ok(())
    }

    fn append_written(&mut self) -> Result<(), LogError> {
        for (t, source, event) in std::mem::take(&mut self.written) {
            self.append(t, source, event)?;
        }
        Ok(())
    }

    /// Writes what a person asked for.
    fn obey(&mut self, order: Order) -> Result<(), LogError> {
        match order {
            Order::Pause(t, source) => {
                if let Some(end) = self.pauses.settle() {
                    self.go_on(end)?;
                }
                self.pauses.begin(t);
                self.append(t, source, Event::Pause)
            }
            Order::Resume(t, source) => {
                self.pauses.end(t);
                self.append(t, source, Event::Resume)
            }
            Order::Mark(t, text) => self.append(t, Source::Recorder, Event::Mark { text }),
        }
    }

    /// Writes down that consent was taken back, as soon as it was; closes the input once nothing from before that can come any more.
    fn look_at_consent(&mut self, control: &Control, idle: bool) -> Result<(), LogError> {
        for stream in [Stream::Screen, Stream::Input] {
            if let Some(withdrawn) = control.withdrawn(stream)
                && !self.told_withdrawn.contains(&stream)
            {
                self.told_withdrawn.push(stream);
                self.append_withdrawal(stream, withdrawn)?;
            }
        }
        if let Some(t) = control.input_until()
            && idle
            && self.clock.now().0 - t.0 >= SETTLE_NS
        {
            self.close_input(t, control)?;
        }
        Ok(())
    }

    fn append_withdrawal(&mut self, stream: Stream, Withdrawal { t, way }: Withdrawal) -> Result<(), LogError> {
        let now = self.clock.anchor();
        let at = UtcNs(now.utc.0 - (now.mono.0 - t.0));
        let fact = json!({ "t_ns": t.0, "at": at.to_rfc3339(), "how": way.name() });
        append_fact(&mut self.log, now.mono, &format!("withdrawn_{}", stream.name()), &fact)
    }

    /// No input of `t` or later is kept.
    fn close_input(&mut self, t: MonoNs, control: &Control) -> Result<(), LogError> {
        if self.closed.is_some() {
            return Ok(());
        }
        // A pause from before is heard of before.
        self.drain(control.orders(), Self::obey)?;
        if let Some(end) = self.pauses.settled_by(t) {
            self.go_on(end)?;
        }
        self.closed = Some(t);
        self.inputs.close(t, &mut self.written);
        self.append_written()
    }

    /// Recording goes on after a pause that ended at `t`. What was held when it began is released by finalizing, which sees every
    /// row in order of time.
    fn go_on(&mut self, t: MonoNs) -> Result<(), LogError> {
        self.inputs.go_on(t, &mut self.written);
        self.append_written()
    }

    fn append_screen(&mut self, t: MonoNs, event: Event) -> Result<(), LogError> {
        if let Event::Window(surface) = &event {
            self.inputs.surface_moved(*surface);
        }
        self.append(t, Source::Recorder, event)
    }

    fn append_unit(&mut self, unit: &Unit) -> Result<(), LogError> {
        let extent = self.log.append_video(&unit.bytes)?;
        let frame = Frame {
            frame_ref: FrameRef(unit.frame_ref),
            offset: extent.offset,
            size_bytes: extent.len,
            crc32c: extent.crc32c,
            keyframe: unit.keyframe,
            duplicate: unit.duplicate,
            capture_us: unit.capture_us,
            encode_us: unit.encode_us,
        };
        // Before it is appended: one that cannot be is among those that are taken off again when the log is given up.
        self.counters.frames.fetch_add(1, Ordering::Relaxed);
        self.append(unit.t, Source::Recorder, Event::Frame(frame))?;
        self.counters.video_bytes.store(self.log.progress().video_bytes, Ordering::Relaxed);
        Ok(())
    }
}
