//! The one loop that numbers and appends: what it takes first comes first in the log.
//!
//! Owns the log's writer. Reads the clocks; what of the inputs is written, and how, [`Inputs`] decides. Ends when every producer
//! has ended and everything they sent is appended; or, when the log fails, when everything that they still send is counted
//! ([`super::failure`]).

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crossbeam_channel::{Receiver, Select};
use serde_json::json;

use super::beyond::Beyond;
use super::chords::Asked;
use super::context::Running;
use super::control::{Control, Order, Way, Withdrawal};
use super::facts::append_fact;
use super::failure::{self, Ended};
use super::inputs::Inputs;
use super::lanes::{Lanes, Next};
use super::pauses::{Pauses, SETTLE_NS};
use super::produced::Produced;
use super::queues::{BURST, GRACE};
use super::seams::Seams;
use super::sign_board::SignBoard;
use super::status::Counters;
use super::stills::StillOptions;
use super::stop::Stop;
use super::vitals::Watch;
use crate::base::event::{Content, Event, Gap, Source, Stream};
use crate::base::hotkeys::Action;
use crate::base::time::{Anchor, Clock, MonoNs, SystemClock, UtcNs};
use crate::capture::{InitialState, RawInput, StampedInput};
use crate::log::setup::{Fact as _, SKIPPED_KEY, StillCountsFact, TimingFact, failed_key, withdrawn_key};
use crate::log::writer::LogWriter;
use crate::log::{Body, LogError, Record};
use crate::privacy::consent::STREAMS;
use crate::privacy::fact::{ProfileFact, WithdrawalFact};

/// How often the clocks are read: 360 readings an hour fit the drift to far below 1 ppm.
const ANCHOR_NS: i64 = 10_000_000_000;
/// How often they are looked at for jumps and sleep: how long a gap of the clock is at the least.
const GLANCE_NS: i64 = 250_000_000;
/// Longest wait for something to append: bounds how late a commit or a reading of the clocks can be noticed when idle.
const IDLE: Duration = Duration::from_millis(50);

/// The loop's state.
pub(super) struct Sequence {
    pub(super) log: LogWriter,
    pub(super) inputs: Inputs,
    /// On which inputs a PNG picture is asked for.
    stills: StillOptions,
    /// What the inputs became, on its way to the log.
    pub(super) written: Vec<super::inputs::Written>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) counters: Arc<Counters>,
    pub(super) pauses: Pauses,
    /// From here on no input is kept, since consent was taken back.
    closed: Option<MonoNs>,
    /// Streams whose withdrawal is in the log.
    pub(super) told_withdrawn: Vec<Stream>,
    /// Profiles that came into force, as the fact about them lists them.
    pub(super) profiles: Vec<ProfileFact>,
    /// When the sign on the screen was not shown, and how much of that is in the log.
    pub(super) sign: Arc<SignBoard>,
    pub(super) told_sign: u64,
    /// The last reading in the log, and the last of all.
    pub(super) last_anchor: Option<Anchor>,
    last_glance: Option<Anchor>,
    pub(super) seams: Seams,
    pub(super) beyond: Beyond,
    watch: Watch,
}

impl Sequence {
    pub(super) fn new(log: LogWriter, inputs: Inputs, stills: StillOptions, seams: Seams, running: &Running) -> Self {
        Self {
            log,
            inputs,
            stills,
            written: Vec::new(),
            clock: Arc::clone(&running.clock),
            counters: Arc::clone(&running.counters),
            pauses: Pauses::default(),
            closed: None,
            told_withdrawn: Vec::new(),
            profiles: Vec::new(),
            sign: Arc::clone(&running.sign),
            told_sign: 0,
            last_anchor: None,
            last_glance: None,
            seams,
            beyond: Beyond::default(),
            watch: Watch::default(),
        }
    }

    /// Appends until all producers have ended, then closes the log; one that cannot be written any more is given up.
    pub(super) fn run(
        mut self,
        initial: Option<&(MonoNs, InitialState)>,
        mut inputs: Lanes,
        queues: &Produced,
        stop: &Stop,
        control: &Control,
    ) -> Ended {
        let done = self.run_until_done(initial, &mut inputs, queues, stop, control);
        self.close_part_before();
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
                self.beyond.count(&mut lost);
                failure::count_rest(&mut lost, &mut inputs, queues);
                failure::give_up(self.log, error, t, lost, &self.counters, stop)
            }
        }
    }

    fn run_until_done(
        &mut self,
        initial: Option<&(MonoNs, InitialState)>,
        inputs: &mut Lanes,
        queues: &Produced,
        stop: &Stop,
        control: &Control,
    ) -> Result<(), LogError> {
        let Produced { units, notes, sounds } = queues;
        self.anchor()?;
        if let Some((t, initial)) = initial {
            self.inputs.begin(*t, initial, &mut self.written);
            self.append_written()?;
        }
        let (mut units_open, mut notes_open, mut sounds_open) = (true, true, true);
        let wall = SystemClock;
        let mut deadline = None;
        while inputs.is_open() || units_open || notes_open || sounds_open || self.beyond.is_any() {
            if stop.is_asked() && wall.now() > *deadline.get_or_insert_with(|| wall.now().plus(GRACE)) {
                let stream = match (units_open, inputs.is_open()) {
                    (true, _) => Stream::Screen,
                    (false, true) => Stream::Input,
                    (false, false) => Stream::Audio,
                };
                stop.fail(stream, "source_hangs");
                break;
            }
            let until = self.until();
            let mut select = Select::new();
            let lanes: Vec<usize> = inputs.waiting().map(|queue| select.recv(queue)).collect();
            // What is behind one that waits for a seam is later than it.
            let unit = (units_open && self.beyond.unit.is_none()).then(|| select.recv(units));
            let sound = (sounds_open && self.beyond.sound.is_none()).then(|| select.recv(sounds));
            if notes_open && self.beyond.note.is_none() {
                select.recv(notes);
            }
            if self.beyond.order.is_none() {
                select.recv(control.orders());
            }
            let wait = match self.log.due() {
                Some(due) => due.since(self.clock.now()).min(IDLE),
                None => IDLE,
            };
            let wait = inputs.due_in(self.clock.now(), until).map_or(wait, |held| held.min(wait));
            let wait = self.seam_in(inputs).map_or(wait, |seam| seam.min(wait));
            let ready = select.ready_timeout(wait).ok();
            let waits = self.beyond.is_any();
            if ready.is_some() || waits {
                // Notes first: a surface that moved is known before the inputs that are relative to it.
                if notes_open {
                    notes_open = self.drain(notes, |beyond| &mut beyond.note, Self::append_note)?;
                }
                self.take_orders(control)?;
            }
            let is_held_no_longer = inputs.due_in(self.clock.now(), until) == Some(Duration::ZERO);
            if waits || ready.is_some_and(|ready| lanes.contains(&ready)) || is_held_no_longer {
                self.take_inputs(inputs, control, stop)?;
            }
            if units_open && (self.beyond.unit.is_some() || (ready.is_some() && ready == unit)) {
                units_open = self.drain(units, |beyond| &mut beyond.unit, Self::append_unit)?;
            }
            if sounds_open && (self.beyond.sound.is_some() || (ready.is_some() && ready == sound)) {
                sounds_open = self.drain(sounds, |beyond| &mut beyond.sound, Self::append_sound)?;
            }
            if inputs.is_empty()
                && let Some(t) = self.pauses.settled_at(self.clock.now())
            {
                self.go_on(t)?;
            }
            self.look_at_seam(inputs)?;
            self.look_at_consent(control, inputs.is_empty())?;
            self.look_at_sign()?;
            self.tick()?;
            self.log.commit_if_due()?;
            self.log.check()?;
            self.look_at_clocks()?;
            self.report(inputs, queues);
        }
        self.take_orders(control)?;
        self.cross_at_last()?;
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
        self.look_at_sign()?;
        self.append_failure(stop)?;
        self.anchor()
    }

    /// Takes the inputs that are not to be waited with.
    fn take_inputs(&mut self, inputs: &mut Lanes, control: &Control, stop: &Stop) -> Result<(), LogError> {
        for _ in 0..BURST {
            match inputs.next(self.clock.now(), self.until()) {
                Next::Input(input) => self.append_input(input, control, stop)?,
                Next::Passed => {}
                Next::Wait => break,
            }
        }
        Ok(())
    }

    /// Time passes: long spans are told in pieces. Not while a seam is being crossed, up to which they are told then.
    fn tick(&mut self) -> Result<(), LogError> {
        let now = self.clock.now();
        if now >= self.until() {
            return Ok(());
        }
        self.inputs.tick(now, &mut self.written);
        self.append_written()
    }

    /// Tells the other threads how far the log is.
    fn report(&mut self, inputs: &Lanes, queues: &Produced) {
        let recorded = self.log.recorded();
        self.counters.records.store(self.log.progress().records, Ordering::Relaxed);
        self.counters.to_seal.store(recorded.bytes_to_seal(), Ordering::Relaxed);
        self.counters.part_bytes.store(self.log.bytes(), Ordering::Relaxed);
        self.counters.part_frames.store(recorded.frames, Ordering::Relaxed);
        let now = self.clock.now();
        if self.watch.is_due(now) {
            let waiting = &self.counters.waiting;
            waiting.inputs.store(inputs.queues().map(Receiver::len).max().unwrap_or(0), Ordering::Relaxed);
            waiting.units.store(queues.units.len(), Ordering::Relaxed);
            waiting.packets.store(queues.sounds.len(), Ordering::Relaxed);
            let commits = self.log.commit_times();
            let commit_us = commits.percentile(50).zip(commits.percentile(99));
            self.watch.publish(now, &self.counters.board, commit_us, self.inputs.withheld());
        }
    }

    /// What ended the recording, if it was a failure; and the frames that were due and did not get here.
    fn append_failure(&mut self, stop: &Stop) -> Result<(), LogError> {
        let t = self.clock.now();
        let missing = self.counters.take_missing_frames();
        let mut on_screen = "not_stored".to_owned();
        if let Some((stream, reason)) = stop.failure() {
            append_fact(&mut self.log, t, &failed_key(stream), &json!(reason))?;
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

    pub(super) fn append(&mut self, t: MonoNs, source: Source, event: Event) -> Result<(), LogError> {
        self.watch.saw(t, &event);
        if t >= self.seams.begin {
            return self.log.append(&Record { t, source, body: Body::Event(event) }).map(drop);
        }
        // Of before the seam: it belongs to the part before, while that is open.
        if let Some(before) = &mut self.seams.before {
            before.append(|log| log.append(&Record { t, source, body: Body::Event(event) }).map(drop));
            return Ok(());
        }
        let (t, event) = self.seams.late(event);
        self.log.append(&Record { t, source, body: Body::Event(event) }).map(drop)
    }

    /// Looks whether the machine slept or the wall clock was set; such a gap stands between two readings of the clocks, whose
    /// difference is its size. Reads them into the log from time to time in any case.
    fn look_at_clocks(&mut self) -> Result<(), LogError> {
        let now = self.clock.now();
        // A gap of while a seam is being crossed is told when it is: it is seen then as well.
        if now >= self.until() || self.last_glance.is_some_and(|last| now.0 - last.mono.0 < GLANCE_NS) {
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

    pub(super) fn append_anchor(&mut self, anchor: Anchor) -> Result<(), LogError> {
        let is_first = self.last_anchor.replace(anchor).is_none();
        self.log.append(&Record { t: anchor.mono, source: Source::Recorder, body: Body::Anchor(anchor) })?;
        if !is_first {
            self.append_timing(anchor.mono)?;
        }
        let skipped = self.counters.skipped.load(Ordering::Relaxed).saturating_sub(self.seams.skipped);
        // How many were skipped before the part, the screen's thread has not said yet.
        if skipped > 0 && self.seams.before.is_none() {
            append_fact(&mut self.log, anchor.mono, SKIPPED_KEY, &json!(skipped))?;
        }
        let wanted = self.counters.stills_wanted.load(Ordering::Relaxed);
        if wanted > 0 {
            let counts = StillCountsFact { wanted: Some(wanted) };
            append_fact(&mut self.log, anchor.mono, StillCountsFact::KEY, &json!(counts))?;
        }
        Ok(())
    }

    /// Says how fast it was recorded so far, which no record tells.
    fn append_timing(&mut self, t: MonoNs) -> Result<(), LogError> {
        let commits = self.log.commit_times();
        let lag = self.counters.lag.so_far();
        let fact = TimingFact {
            commit_p50_us: commits.percentile(50),
            commit_p99_us: commits.percentile(99),
            input_silence_us: self.counters.silence.longest_us(),
            behind_last_ns: lag.map(|lag| lag.last_ns),
            behind_greatest_ns: lag.map(|lag| lag.greatest_ns),
            late_pictures: lag.map(|lag| lag.late_pictures),
            late_by_ns: lag.map(|lag| lag.late_by_ns),
            ..TimingFact::default()
        };
        append_fact(&mut self.log, t, TimingFact::KEY, &json!(fact))
    }

    fn append_input(&mut self, mut input: StampedInput, control: &Control, stop: &Stop) -> Result<(), LogError> {
        // The pointer's silence is no shorter for what a gamepad says.
        if !matches!(input.input, RawInput::Pad { .. } | RawInput::PadLost { .. }) {
            self.counters.silence.heard(input.t);
        }
        // What comes after inputs of behind the seam, from a slower source: what was held then is stated.
        input.t = input.t.max(self.seams.begin);
        if let Some(closed) = self.closed {
            // What was lost before is told even now.
            let is_loss =
                matches!(input.input, RawInput::Lost { .. } | RawInput::Skipped { .. } | RawInput::PadLost { .. });
            if is_loss && input.t < closed {
                self.inputs.take(input, &mut self.written);
            }
            return self.append_written();
        }
        if let Some(t) = control.input_until().filter(|t| *t <= input.t) {
            return self.close_input(t, control);
        }
        // An order from before this input has been given by now.
        if !control.orders().is_empty() {
            self.take_orders(control)?;
        }
        if self.pauses.covers(input.t) {
            if self.pauses.is_over() {
                self.inputs.overlook_late(input, &mut self.written);
            } else {
                self.inputs.overlook(input, &mut self.written);
            }
            self.append_written()?;
            return self.obey_hotkeys(control, stop);
        }
        if let Some(end) = self.pauses.settled_by(input.t) {
            self.go_on(end)?;
        }
        self.inputs.take(input, &mut self.written);
        for (t, source, event) in &self.written {
            // Of what is written, after privacy: a picture says no more of an input than its row does.
            let asks = match event {
                Event::Key(key) => self.stills.on_key && key.down && !key.repeat,
                Event::MouseClick { pressed, .. } => self.stills.on_click && *pressed,
                _ => false,
            };
            if asks && *source != Source::Recorder {
                control.ask_for_stills(*t, Some(1));
            }
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
                Action::Png => {
                    self.append(t, source, Event::Mark { text: Content::default() })?;
                    control.ask_for_stills(t, None);
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

    pub(super) fn append_written(&mut self) -> Result<(), LogError> {
        for (t, source, event) in std::mem::take(&mut self.written) {
            self.append(t, source, event)?;
        }
        Ok(())
    }

    /// Writes what a person asked for.
    pub(super) fn obey(&mut self, order: Order) -> Result<(), LogError> {
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
        for stream in STREAMS {
            if let Some(withdrawn) = control.withdrawn(stream)
                && withdrawn.t < self.until()
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
        let fact = WithdrawalFact {
            t_ns: Some(t.0),
            at: Some(at.to_rfc3339()),
            how: Some(way.name().to_owned()),
            ..WithdrawalFact::default()
        };
        append_fact(&mut self.log, now.mono, &withdrawn_key(stream), &json!(fact))
    }

    /// No input of `t` or later is kept.
    fn close_input(&mut self, t: MonoNs, control: &Control) -> Result<(), LogError> {
        if self.closed.is_some() {
            return Ok(());
        }
        // A pause from before is heard of before.
        self.take_orders(control)?;
        if let Some(end) = self.pauses.settled_by(t) {
            self.go_on(end)?;
        }
        self.closed = Some(t);
        self.inputs.close(t, &mut self.written);
        self.append_written()
    }

    /// Recording goes on after a pause that ended at `t`. What was held when it began is released by finalizing, which sees every
    /// row in order of time.
    pub(super) fn go_on(&mut self, t: MonoNs) -> Result<(), LogError> {
        self.inputs.go_on(t, &mut self.written);
        self.append_written()
    }
}
