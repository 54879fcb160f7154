//! The first stage: looks for pictures and has them prepared, in the thread in which the screen was opened.
//!
//! Keeps the pace by absolute deadlines. A picture that finds no room is dropped here, counted and noted as a gap; what it
//! showed is not lost, since the next picture shows it too.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

use super::context::Running;
use super::control::Control;
use super::error::RecordError;
use super::masking::Masking;
use super::options::Unchanged;
use super::prepare::{Prepare, Prepared};
use super::queues::{Note, PICTURE_POOL, PICTURES, Picture, STILL_POOL};
use super::seam::{AHEAD_NS, Seam};
use super::sign_mask::SignMask;
use super::silence::Silence;
use super::stamps::{self, Said};
use super::status::Counters;
use super::stills::{Buffers, Bursts, StillOptions};
use super::stop::{Stop, source_ended, spawn};
use crate::base::event::{Event, Gap, Stream, Surface};
use crate::base::time::{Clock, MonoNs};
use crate::capture::pacing::Pacer;
use crate::capture::recording_sign::SignAreas;
use crate::capture::{
    Absence, CaptureError, InputSink, Look, OpenScreen, Outlets, ScreenDescription, ScreenSource, StampedInput,
};
use crate::encode::masked::Unmasked;
use crate::encode::still::UnmaskedStill;
use crate::media::picture::{PixelFormat, Planar};
use crate::privacy::Plan;
use crate::privacy::spans::PIECE_NS;

/// With `--unchanged skip` a frame is stored at least this often: the video's index counts a frame's duration in 32 bits of
/// microseconds (71 minutes), and a player wants something to show.
const HEARTBEAT: Duration = Duration::from_mins(1);

/// Longest time between two frames; the video's index counts a frame's duration in 32 bits of microseconds (71 minutes).
const LONGEST_STALL: Duration = Duration::from_hours(1);

/// In a pause the last picture before it is repeated this often, before [`LONGEST_STALL`] is over.
const PAUSE_HEARTBEAT: Duration = Duration::from_mins(50);

/// How long the end of the screen's thread waits to hand over what is left.
const LAST_WORD: Duration = Duration::from_millis(500);

/// How fast to go, and until when.
#[derive(Clone, Copy)]
pub(super) struct Pace {
    pub(super) fps: u32,
    pub(super) duration: Option<Duration>,
    pub(super) unchanged: Unchanged,
    /// Every movement of the pointer has an input, also those that programs make.
    pub(super) every_move_is_input: bool,
    /// What the encoder takes.
    pub(super) format: PixelFormat,
}

/// The screen's side of a recording that is being started.
pub(super) struct Screen {
    pub(super) opened: Receiver<Result<ScreenDescription, CaptureError>>,
    go: Sender<Pace>,
    pictures: Option<Receiver<Picture>>,
    pool: Option<Sender<Unmasked>>,
    stills: Option<Sender<UnmaskedStill>>,
    thread: Option<JoinHandle<()>>,
}

/// Opens the screen in its own thread; the thread waits for [`Screen::go`].
pub(super) fn start(
    open: OpenScreen,
    inputs: Option<Sender<StampedInput>>,
    plan: Plan,
    notes: Sender<Note>,
    stills: StillOptions,
    areas: Arc<SignAreas>,
    running: &Running,
) -> Result<Screen, RecordError> {
    let (opened, wait_opened) = bounded(1);
    let (go, wait_go) = bounded::<Pace>(1);
    let (pictures, wait_pictures) = bounded(PICTURES);
    let (pool, wait_pool) = bounded::<Unmasked>(PICTURE_POOL);
    let (still_pool, wait_stills) = bounded::<UnmaskedStill>(STILL_POOL);
    let filler = pool.clone();
    let Running { clock, stop, control, seam, counters, .. } = running.clone();
    let thread = spawn("screen", Stream::Screen, &running.stop, move || {
        let inputs = inputs.map(|queue| Arc::new(InputSink::new(queue)));
        let outlets = inputs.clone().map_or_else(Outlets::closed, Outlets::to);
        let source = match open(outlets) {
            Ok(source) => source,
            Err(error) => {
                drop(opened.send(Err(error)));
                return;
            }
        };
        let description = source.describe();
        let (surface, source_masks_windows) = (description.surface, description.masks_windows);
        let sign = SignMask::of(areas, &description, Arc::clone(&clock));
        if opened.send(Ok(description)).is_err() {
            return;
        }
        let Ok(pace) = wait_go.recv() else { return };
        let (width, height) = Planar::coded_size(surface.width, surface.height);
        for buffer in (0..PICTURE_POOL).map_while(|_| Unmasked::new(pace.format, width, height)) {
            drop(filler.send(buffer));
        }
        drop(filler);
        let mut stage = Grabber {
            source,
            pictures,
            prepare: Prepare::new(wait_pool, Buffers::new((surface.width, surface.height), wait_stills)),
            bursts: Bursts::new(stills),
            notes,
            counters,
            clock: Arc::clone(&clock),
            stop: stop.clone(),
            masking: Masking::new(plan.settled(source_masks_windows), (surface.width, surface.height), sign),
            control,
            owed: true,
            fresh: false,
            moved: None,
            away: None,
            shown: false,
            watched: None,
            stored: None,
            silence: Silence::default(),
            seam,
            begins_part: false,
            unsent: VecDeque::new(),
        };
        if let Err(error) = stage.run(pace) {
            tracing::error!(%error, "the screen ended");
            source_ended(&stop, Stream::Screen, &error);
        }
        if let Some(inputs) = inputs {
            inputs.report_rest(clock.now());
        }
    })?;
    let pictures = Some(wait_pictures);
    let stills = Some(still_pool);
    Ok(Screen { opened: wait_opened, go, pictures, pool: Some(pool), stills, thread: Some(thread) })
}

impl Screen {
    /// Lets the screen's thread begin.
    pub(super) fn go(&self, pace: Pace) {
        if self.go.send(pace).is_err() {
            tracing::debug!("the screen's thread has ended already");
        }
    }

    /// The encoder's ends of the queues of pictures and of their buffers, once.
    pub(super) fn pictures(&mut self) -> Option<(Receiver<Picture>, Sender<Unmasked>)> {
        self.pictures.take().zip(self.pool.take())
    }

    /// The writer's end of the queue by which the buffers of PNG pictures come back, once.
    pub(super) fn stills(&mut self) -> Option<Sender<UnmaskedStill>> {
        self.stills.take()
    }

    /// The screen's thread, once.
    pub(super) fn thread(&mut self) -> Option<JoinHandle<()>> {
        self.thread.take()
    }
}

/// The time of the first of `missed` deadlines before `until`.
fn first_of(missed: u64, until: MonoNs, fps: u32) -> MonoNs {
    MonoNs(until.0 - missed as i64 * 1_000_000_000 / i64::from(fps))
}

struct Grabber {
    source: Box<dyn ScreenSource>,
    pictures: Sender<Picture>,
    prepare: Prepare,
    /// Of which frames a PNG picture is taken.
    bursts: Bursts,
    notes: Sender<Note>,
    counters: Arc<Counters>,
    clock: Arc<dyn Clock>,
    stop: Stop,
    masking: Masking,
    control: Control,
    /// The encoder has not seen the present picture yet.
    owed: bool,
    /// There was a pause since the last picture: the next one is taken whole, and decoding can begin with it.
    fresh: bool,
    /// The surface moved, in a look that a pause kept from being used.
    moved: Option<Surface>,
    /// There is nothing to take a picture of: since when (or the end of the last piece that was told), and why.
    away: Option<(MonoNs, Absence)>,
    /// The source has had a picture: before that it has none to repeat.
    shown: bool,
    /// When the source was asked last; `None` when it was not since the last pause.
    watched: Option<MonoNs>,
    /// Time of the last picture that was handed over.
    stored: Option<MonoNs>,
    silence: Silence,
    seam: Arc<Seam>,
    /// The next picture is the first of a part.
    begins_part: bool,
    /// Notes that found no room; at most one per frame, and none while the sequence runs.
    unsent: VecDeque<Note>,
}

impl Grabber {
    fn note(&mut self, t: MonoNs, event: Event) {
        self.send(Note::Event(t, event));
    }

    /// Notes are few and must not get lost: what finds no room waits here and goes first next time.
    fn send(&mut self, note: Note) {
        self.unsent.push_back(note);
        while let Some(note) = self.unsent.pop_front() {
            if let Err(TrySendError::Full(note)) = self.notes.try_send(note) {
                self.unsent.push_front(note);
                break;
            }
        }
    }

    /// Counts deadlines that have come; each becomes a frame, a drop, or is skipped as unchanged.
    fn due(&self, count: u64) {
        self.counters.due.fetch_add(count, Ordering::SeqCst);
    }

    fn drop_frames(&mut self, t: MonoNs, reason: &str, count: u64, until: MonoNs) {
        self.counters.dropped.fetch_add(count, Ordering::Relaxed);
        let reason = reason.to_owned();
        self.note(t, Event::Gap(Gap { stream: Stream::Screen, reason, lost: Some(count), until }));
    }

    /// There is nothing to take a picture of: says so, and what of that lasted long enough.
    fn absent(&mut self, since: MonoNs, t: MonoNs, absence: Absence) {
        let Some((since, before)) = self.away else {
            tracing::warn!("{}: there are no pictures and no input until it is back", absence.told());
            // Not before it was seen last, nor in a pause.
            let since = self.watched.map_or(t, |watched| since.max(watched)).min(t);
            self.away = Some((since, absence));
            self.send(Note::Away(since));
            return;
        };
        if before != absence || t.0 - since.0 >= PIECE_NS {
            self.away = Some((t, absence));
            self.absence_gap(since, before, t);
        }
    }

    /// There is something again.
    fn back(&mut self, t: MonoNs, renewed: Option<String>) {
        if let Some((since, absence)) = self.away.take() {
            tracing::warn!("what is recorded is back");
            self.absence_gap(since, absence, t);
            self.owed = true;
        } else if renewed.is_none() {
            return;
        }
        self.send(Note::Back(t, renewed));
    }

    /// Nothing was lost: there was nothing to be seen.
    fn absence_gap(&mut self, since: MonoNs, absence: Absence, until: MonoNs) {
        let reason = absence.reason().to_owned();
        self.note(since, Event::Gap(Gap { stream: Stream::Screen, reason, lost: Some(0), until }));
    }

    /// Plans the seam that is wanted, if one is.
    fn plan_seam(&self, pacer: &Pacer) {
        self.seam.plan(|| pacer.deadline_from(MonoNs(self.clock.now().0 + AHEAD_NS)));
    }

    /// Something is of this time: where it is the first of the next part, what lasts is told up to the seam.
    fn cross_seam(&mut self, t: MonoNs) {
        let Some(at) = self.seam.cross(t, self.counters.skipped.load(Ordering::SeqCst)) else { return };
        self.begins_part = true;
        if let Some((since, absence)) = self.away.filter(|(since, _)| *since < at) {
            self.away = Some((at, absence));
            self.absence_gap(since, absence, at);
        }
        for (from, event) in self.masking.end(at) {
            self.note(from, event);
        }
    }

    /// In a pause: takes nothing. The video's index cannot say that a frame lasted for hours, so in a long one the picture from
    /// before the pause is stored once more now and then.
    fn rest(&mut self, now: MonoNs) {
        if self.stored.is_some_and(|stored| now.since(stored) >= PAUSE_HEARTBEAT) && !self.stop.is_asked() {
            let (restart, begins_part) = (false, self.begins_part);
            let picture =
                Picture { t: now, capture_us: 0, convert_us: 0, image: None, still: None, restart, begins_part };
            if self.pictures.try_send(picture).is_ok() {
                self.due(1);
                (self.stored, self.begins_part) = (Some(now), false);
            }
        }
    }

    /// Takes pictures until the end, and tells what lasts until then, also when the source has failed.
    fn run(&mut self, pace: Pace) -> Result<(), CaptureError> {
        let ended = self.take_pictures(pace);
        if let Some((since, absence)) = self.away.take() {
            self.absence_gap(since, absence, self.clock.now());
        }
        for (from, event) in self.masking.end(self.clock.now()) {
            self.note(from, event);
        }
        for note in self.unsent.drain(..) {
            if self.notes.send_timeout(note, LAST_WORD).is_err() {
                tracing::error!("a note of the screen could not be written");
            }
        }
        ended
    }

    fn take_pictures(&mut self, pace: Pace) -> Result<(), CaptureError> {
        let begin = self.clock.now();
        let end = pace.duration.map(|duration| begin.plus(duration));
        let mut pacer = Pacer::new(begin, pace.fps);
        while !self.stop.is_asked() {
            let left = end.map_or(0, |end| pacer.left_before(end));
            let tick = pacer.next(self.clock.as_ref());
            if let Some(end) = end.filter(|end| tick.deadline >= *end) {
                // Deadlines that passed unseen before the end were due all the same.
                if left > 0 && !self.fresh && self.away.is_none() && !self.control.is_paused() {
                    self.due(left);
                    self.drop_frames(first_of(left, end, pace.fps), "late", left, end);
                }
                self.stop.ask("duration");
                break;
            }
            if self.stored.is_some_and(|stored| tick.deadline.since(stored) > LONGEST_STALL) {
                self.due(tick.missed + 1);
                // The process was stopped for long: the video's index cannot say so, and nobody wants such a session.
                self.stop.fail(Stream::Screen, "stalled");
                break;
            }
            self.plan_seam(&pacer);
            if self.control.is_paused() {
                self.cross_seam(tick.deadline);
                self.fresh = true;
                self.watched = None;
                self.silence.rest(&self.counters.silence);
                self.source.rest()?;
                self.rest(tick.deadline);
                continue;
            }
            // What passed in a pause, or while there was nothing to be seen, was not missed.
            let missed = if self.fresh || self.away.is_some() { 0 } else { tick.missed };
            self.due(missed + 1);
            if missed > 0 {
                self.drop_frames(first_of(missed, tick.deadline, pace.fps), "late", missed, tick.deadline);
            }
            let look = match self.source.look(self.stored.is_none() || self.fresh) {
                Err(error) if self.away.is_some() || matches!(error, CaptureError::Gone { what: "window", .. }) => {
                    // There was nothing to be seen at this moment.
                    self.counters.due.fetch_sub(1, Ordering::SeqCst);
                    return Err(error);
                }
                look => look?,
            };
            let now = self.clock.now();
            if let Some(behind) = self.source.behind() {
                self.counters.lag.saw(behind);
            }
            let follows = pace.every_move_is_input && self.control.input_until().is_none();
            self.silence.look(self.source.pointer().filter(|_| follows), now, &self.counters.silence);
            let moved = look.surface();
            self.moved = moved.or(self.moved);
            let (said, capture_us, renewed) = match look {
                Look::New { t, capture_us, renewed, .. } => (Said::New(t), capture_us, renewed),
                Look::Same { until, capture_us, .. } => (Said::Same(until), capture_us, None),
                Look::Hidden { since, why } => {
                    self.counters.due.fetch_sub(1, Ordering::SeqCst);
                    self.cross_seam(tick.deadline);
                    if self.control.admits(now) {
                        self.absent(since, now, why);
                        self.watched = Some(now);
                        self.rest(tick.deadline);
                    }
                    continue;
                }
            };
            self.watched = Some(now);
            let is_new = matches!(said, Said::New(_));
            self.shown |= is_new;
            let said = Some(said).filter(|_| self.shown);
            let Some(t) = said.and_then(|said| stamps::stamp(said, begin, self.stored, now)) else {
                // The source knows nothing of this moment yet.
                self.owed |= self.masking.look(self.source.as_ref(), moved);
                self.counters.due.fetch_sub(1, Ordering::SeqCst);
                continue;
            };
            // A picture is judged by its own time too: one that was made in a pause may come after it.
            let own = if let Some(Said::New(own)) = said { own.min(now) } else { t };
            if !self.control.admits(t) || !self.control.admits(own) {
                self.counters.due.fetch_sub(1, Ordering::SeqCst);
                continue;
            }
            self.cross_seam(t);
            // Also one of a look whose picture was not kept.
            let moved = self.moved.take();
            if let Some(surface) = moved {
                self.note(t, Event::Window(surface));
            }
            self.back(t, renewed);
            let masked_anew = self.masking.look(self.source.as_ref(), moved);
            for seen in self.masking.profiles_seen(self.source.games(), self.stored.is_none()) {
                self.counters.profiles.fetch_add(1, Ordering::Relaxed);
                self.send(Note::Profile(t, seen));
            }
            self.owed |= is_new || self.fresh || masked_anew;
            let rested = self.stored.is_some_and(|stored| t.since(stored) < HEARTBEAT);
            // Asked for just before a pause, it is of the first frame behind it.
            let still_due = self.bursts.due(t, self.control.take_stills(t));
            if !self.owed && pace.unchanged == Unchanged::Skip && rested && !still_due && !self.begins_part {
                self.counters.skipped.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            let before = self.clock.now();
            let wants_still = self.bursts.wants(self.owed);
            let prepared = self.prepare.picture(self.source.as_mut(), &self.masking, self.owed, wants_still)?;
            let Some(Prepared { image, still }) = prepared else {
                self.drop_frames(t, "encoder_busy", 1, t);
                continue;
            };
            let convert_us = self.clock.now().since(before).as_micros() as u32;
            let changed = image.is_some();
            let (restart, begins_part) = (self.fresh, self.begins_part);
            self.counters.waiting.pictures.store(self.pictures.len(), Ordering::Relaxed);
            match self.pictures.try_send(Picture { t, capture_us, convert_us, image, still, restart, begins_part }) {
                Ok(()) => {
                    self.stored = Some(t);
                    self.owed &= !changed;
                    (self.fresh, self.begins_part) = (false, false);
                    self.bursts.passed();
                    self.counters.stills_wanted.fetch_add(u64::from(wants_still), Ordering::Relaxed);
                    for (from, event) in self.masking.handed_on(t) {
                        self.note(from, event);
                    }
                }
                Err(TrySendError::Full(picture)) => {
                    self.prepare.give_back(picture.image, picture.still);
                    self.drop_frames(t, "encoder_busy", 1, t);
                }
                Err(TrySendError::Disconnected(_)) => break,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::{ManualClock, UtcNs};
    use crate::capture::BgraView;
    use crate::media::picture::Sampling;

    /// A still screen on which recording is paused while its second picture is taken.
    struct Still {
        clock: Arc<ManualClock>,
        control: Control,
        looks: u32,
        pixels: Vec<u8>,
    }

    impl ScreenSource for Still {
        fn describe(&self) -> ScreenDescription {
            unreachable!("the grabber does not ask")
        }
        fn look(&mut self, _whole: bool) -> Result<Look, CaptureError> {
            self.looks += 1;
            assert!(self.looks <= 2, "a picture was taken in the pause");
            if self.looks == 2 {
                self.control.pause(self.clock.as_ref()).expect("a pause");
            }
            Ok(Look::new(self.clock.now(), 0))
        }
        fn frame(&mut self) -> Result<BgraView<'_>, CaptureError> {
            Ok(BgraView { data: &mut self.pixels, stride: 64, width: 16, height: 16 })
        }
    }

    #[test]
    fn a_pause_of_hours_takes_no_picture_and_is_no_stall() {
        let clock = Arc::new(ManualClock::new(MonoNs(0), UtcNs(0)));
        let control = Control::new();
        control.set_running(true);
        let source = Still { clock: Arc::clone(&clock), control: control.clone(), looks: 0, pixels: vec![0; 1024] };
        let (pictures, taken) = bounded(PICTURES);
        let (buffers, pool) = bounded(PICTURE_POOL);
        for _ in 0..2 {
            buffers
                .send(Unmasked::new(PixelFormat::Planar(Sampling::Yuv420), 16, 16).expect("a buffer"))
                .expect("room");
        }
        let (notes, noted) = bounded(4);
        let stop = Stop::new();
        let mut grabber = Grabber {
            source: Box::new(source),
            pictures,
            prepare: Prepare::new(pool, Buffers::new((16, 16), bounded(1).1)),
            bursts: Bursts::new(StillOptions::default()),
            notes,
            counters: Arc::default(),
            clock,
            stop: stop.clone(),
            control,
            masking: Masking::new(Plan::default(), (16, 16), None),
            owed: true,
            fresh: false,
            moved: None,
            away: None,
            shown: false,
            watched: None,
            stored: None,
            silence: Silence::default(),
            seam: Arc::default(),
            begins_part: false,
            unsent: VecDeque::new(),
        };
        let (duration, format) = (Some(Duration::from_hours(3)), PixelFormat::Planar(Sampling::Yuv420));
        let pace = Pace { fps: 1, duration, unchanged: Unchanged::Repeat, every_move_is_input: false, format };
        grabber.run(pace).expect("no error");
        assert_eq!((stop.reason().as_str(), stop.failure()), ("duration", None));
        let taken: Vec<_> =
            taken.try_iter().map(|picture| (picture.t.0 / 60_000_000_000, picture.image.is_some())).collect();
        assert_eq!(taken, [(0, true), (50, false), (100, false), (150, false)]);
        assert_eq!(noted.len(), 0, "the pause was noted as a gap");
    }
}
