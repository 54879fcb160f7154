//! The first two stages: grab and convert in one thread, encode in the next.
//!
//! Keeps the pace by absolute deadlines. A picture that finds no room is dropped here, counted and noted as a gap; what it
//! showed is not lost, since the next picture shows it too.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

use super::masking::Masking;
use super::{
    Control, Counters, Note, PICTURE_POOL, PICTURES, Picture, RecordError, Stop, Unchanged, Unit, source_ended, spawn,
};
use crate::capture::pacing::Pacer;
use crate::capture::{CaptureError, OpenScreen, ScreenDescription, ScreenSource};
use crate::encode::{FrameStamp, I420, VideoEncoder, convert};
use crate::event::{Event, Gap, Stream, Surface};
use crate::id::FrameRef;
use crate::privacy::Plan;
use crate::time::{Clock, MonoNs};

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
}

/// The screen's side of a recording that is being started.
pub(super) struct Screen {
    pub(super) opened: Receiver<Result<ScreenDescription, CaptureError>>,
    go: Sender<Pace>,
    pictures: Option<Receiver<Picture>>,
    pool: Option<Sender<I420>>,
    thread: Option<JoinHandle<()>>,
}

/// Opens the screen in its own thread; the thread waits for [`Screen::go`].
pub(super) fn start(
    open: OpenScreen,
    plan: Plan,
    notes: Sender<Note>,
    counters: Arc<Counters>,
    clock: Arc<dyn Clock>,
    stop: &Stop,
    control: Control,
) -> Result<Screen, RecordError> {
    let (opened, wait_opened) = bounded(1);
    let (go, wait_go) = bounded::<Pace>(1);
    let (pictures, wait_pictures) = bounded(PICTURES);
    let (pool, wait_pool) = bounded::<I420>(PICTURE_POOL);
    let filler = pool.clone();
    let asked = stop.clone();
    let thread = spawn("screen", Stream::Screen, stop, move || {
        let source = match open() {
            Ok(source) => source,
            Err(error) => {
                drop(opened.send(Err(error)));
                return;
            }
        };
        let surface = source.describe().surface;
        if opened.send(Ok(source.describe())).is_err() {
            return;
        }
        let Ok(pace) = wait_go.recv() else { return };
        let (width, height) = I420::coded_size(surface.width, surface.height);
        for _ in 0..PICTURE_POOL {
            drop(filler.send(I420::new(width, height)));
        }
        drop(filler);
        let mut stage = Grabber {
            source,
            pictures,
            pool: wait_pool,
            notes,
            counters,
            clock,
            stop: asked.clone(),
            masking: Masking::new(plan, (surface.width, surface.height)),
            control,
            owed: true,
            fresh: false,
            moved: None,
            stored: None,
            spare: None,
            unsent: VecDeque::new(),
        };
        if let Err(error) = stage.run(pace) {
            tracing::error!(%error, "the screen ended");
            source_ended(&asked, Stream::Screen, &error);
        }
    })?;
    let pictures = Some(wait_pictures);
    Ok(Screen { opened: wait_opened, go, pictures, pool: Some(pool), thread: Some(thread) })
}

impl Screen {
    /// Lets the screen's thread begin.
    pub(super) fn go(&self, pace: Pace) {
        if self.go.send(pace).is_err() {
            tracing::debug!("the screen's thread has ended already");
        }
    }

    /// Starts the encoder's thread.
    pub(super) fn encode(
        &mut self,
        encoder: Box<dyn VideoEncoder>,
        units: Sender<Unit>,
        clock: Arc<dyn Clock>,
        stop: Stop,
    ) -> Result<JoinHandle<()>, RecordError> {
        let (pictures, pool) = (self.pictures.take(), self.pool.take());
        let asked = stop.clone();
        spawn("encode", Stream::Screen, &asked, move || {
            let (Some(pictures), Some(pool)) = (pictures, pool) else { return };
            if let Err(error) = encode_all(encoder, &pictures, &pool, &units, clock.as_ref()) {
                tracing::error!(%error, "the encoder ended");
                stop.fail(Stream::Screen, "encoder_failed");
            }
        })
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
    pool: Receiver<I420>,
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
    /// The surface moved, in a grab that a pause kept from being used.
    moved: Option<Surface>,
    /// Time of the last picture that was handed over.
    stored: Option<MonoNs>,
    /// The buffer of a picture that found no room.
    spare: Option<I420>,
    /// Notes that found no room; at most one per frame, and none while the sequence runs.
    unsent: VecDeque<Note>,
}

impl Grabber {
    /// Notes are few and must not get lost: what finds no room waits here and goes first next time.
    fn note(&mut self, t: MonoNs, event: Event) {
        self.unsent.push_back(Note::Event(t, event));
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

    /// In a pause: takes nothing. The video's index cannot say that a frame lasted for hours, so in a long one the picture from
    /// before the pause is stored once more now and then.
    fn rest(&mut self, now: MonoNs) {
        if self.stored.is_some_and(|stored| now.since(stored) >= PAUSE_HEARTBEAT) && !self.stop.is_asked() {
            let picture = Picture { t: now, capture_us: 0, convert_us: 0, image: None, restart: false };
            if self.pictures.try_send(picture).is_ok() {
                self.due(1);
                self.stored = Some(now);
            }
        }
    }

    fn run(&mut self, pace: Pace) -> Result<(), CaptureError> {
        let begin = self.clock.now();
        let end = pace.duration.map(|duration| begin.plus(duration));
        let mut pacer = Pacer::new(begin, pace.fps);
        while !self.stop.is_asked() {
            let left = end.map_or(0, |end| pacer.left_before(end));
            let tick = pacer.next(self.clock.as_ref());
            if let Some(end) = end.filter(|end| tick.deadline >= *end) {
                // Deadlines that passed unseen before the end were due all the same.
                if left > 0 && !self.fresh && !self.control.is_paused() {
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
            if self.control.is_paused() {
                self.fresh = true;
                self.rest(tick.deadline);
                continue;
            }
            // What passed in a pause was not missed.
            let missed = if self.fresh { 0 } else { tick.missed };
            self.due(missed + 1);
            if missed > 0 {
                self.drop_frames(first_of(missed, tick.deadline, pace.fps), "late", missed, tick.deadline);
            }
            let grab = self.source.grab(self.stored.is_none() || self.fresh)?;
            self.moved = grab.surface.or(self.moved);
            if !self.control.admits(grab.t) {
                self.counters.due.fetch_sub(1, Ordering::SeqCst);
                continue;
            }
            if let Some(surface) = self.moved.take() {
                self.note(grab.t, Event::Window(surface));
            }
            let masked_anew = self.masking.look(self.source.as_ref(), grab.surface);
            self.owed |= grab.changed || self.fresh || masked_anew;
            let rested = self.stored.is_some_and(|stored| grab.t.since(stored) < HEARTBEAT);
            if !self.owed && pace.unchanged == Unchanged::Skip && rested {
                self.counters.skipped.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            let before = self.clock.now();
            let image = if self.owed {
                let Some(mut image) = self.spare.take().or_else(|| self.pool.try_recv().ok()) else {
                    self.drop_frames(grab.t, "encoder_busy", 1, grab.t);
                    continue;
                };
                let pixels = self.source.pixels();
                let pixels = convert::Bgrx {
                    data: pixels.data,
                    stride: pixels.stride,
                    width: pixels.width,
                    height: pixels.height,
                };
                convert::to_i420(pixels, &mut image)
                    .map_err(|error| CaptureError::System { what: "colour conversion", detail: error.to_string() })?;
                self.masking.paint(&mut image);
                Some(image)
            } else {
                None
            };
            let convert_us = self.clock.now().since(before).as_micros() as u32;
            let changed = image.is_some();
            let capture_us = grab.capture_us;
            match self.pictures.try_send(Picture { t: grab.t, capture_us, convert_us, image, restart: self.fresh }) {
                Ok(()) => {
                    self.stored = Some(grab.t);
                    self.owed &= !changed;
                    self.fresh = false;
                    for (from, event) in self.masking.handed_on(grab.t) {
                        self.note(from, event);
                    }
                }
                Err(TrySendError::Full(picture)) => {
                    self.spare = picture.image;
                    self.drop_frames(grab.t, "encoder_busy", 1, grab.t);
                }
                Err(TrySendError::Disconnected(_)) => break,
            }
        }
        for (from, event) in self.masking.end(self.clock.now()) {
            self.note(from, event);
        }
        for note in self.unsent.drain(..) {
            if self.notes.send_timeout(note, LAST_WORD).is_err() {
                tracing::error!("a note of the screen could not be written");
            }
        }
        Ok(())
    }
}

fn encode_all(
    mut encoder: Box<dyn VideoEncoder>,
    pictures: &Receiver<Picture>,
    pool: &Sender<I420>,
    units: &Sender<Unit>,
    clock: &dyn Clock,
) -> Result<(), crate::encode::EncodeError> {
    let mut last: Option<I420> = None;
    let mut frame_ref = 0;
    for picture in pictures {
        let before = clock.now();
        let stamp = FrameStamp { frame_ref: FrameRef(frame_ref), t: picture.t };
        let mut bytes = Vec::new();
        let duplicate = picture.image.is_none();
        if picture.restart {
            encoder.restart();
        }
        let encoded = if let Some(image) = picture.image {
            let encoded = encoder.encode(&image, stamp, &mut bytes)?;
            if let Some(old) = last.replace(image) {
                drop(pool.try_send(old));
            }
            encoded
        } else if let Some(image) = &last {
            encoder.repeat(image, stamp, &mut bytes)?
        } else {
            continue;
        };
        let encode_us = picture.convert_us + clock.now().since(before).as_micros() as u32;
        let unit = Unit {
            t: picture.t,
            frame_ref,
            bytes,
            keyframe: encoded.keyframe,
            duplicate,
            capture_us: picture.capture_us,
            encode_us,
        };
        if units.send(unit).is_err() {
            break;
        }
        frame_ref += 1;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::{BgraView, Grab};
    use crate::time::{ManualClock, UtcNs};

    /// A still screen on which recording is paused while its second picture is taken.
    struct Still {
        clock: Arc<ManualClock>,
        control: Control,
        grabs: u32,
        pixels: Vec<u8>,
    }

    impl ScreenSource for Still {
        fn describe(&self) -> ScreenDescription {
            unreachable!("the grabber does not ask")
        }
        fn grab(&mut self, _whole: bool) -> Result<Grab, CaptureError> {
            self.grabs += 1;
            assert!(self.grabs <= 2, "a picture was taken in the pause");
            if self.grabs == 2 {
                self.control.pause(self.clock.as_ref()).expect("a pause");
            }
            Ok(Grab { t: self.clock.now(), capture_us: 0, changed: true, surface: None })
        }
        fn pixels(&mut self) -> BgraView<'_> {
            BgraView { data: &mut self.pixels, stride: 64, width: 16, height: 16 }
        }
    }

    #[test]
    fn a_pause_of_hours_takes_no_picture_and_is_no_stall() {
        let clock = Arc::new(ManualClock::new(MonoNs(0), UtcNs(0)));
        let control = Control::new();
        control.set_running(true);
        let source = Still { clock: Arc::clone(&clock), control: control.clone(), grabs: 0, pixels: vec![0; 1024] };
        let (pictures, taken) = bounded(PICTURES);
        let (buffers, pool) = bounded(PICTURE_POOL);
        buffers.send(I420::new(16, 16)).expect("room");
        buffers.send(I420::new(16, 16)).expect("room");
        let (notes, noted) = bounded(4);
        let stop = Stop::new();
        let mut grabber = Grabber {
            source: Box::new(source),
            pictures,
            pool,
            notes,
            counters: Arc::default(),
            clock,
            stop: stop.clone(),
            control,
            masking: Masking::new(Plan::default(), (16, 16)),
            owed: true,
            fresh: false,
            moved: None,
            stored: None,
            spare: None,
            unsent: VecDeque::new(),
        };
        let pace = Pace { fps: 1, duration: Some(Duration::from_hours(3)), unchanged: Unchanged::Repeat };
        grabber.run(pace).expect("no error");
        assert_eq!((stop.reason().as_str(), stop.failure()), ("duration", None));
        let taken: Vec<_> =
            taken.try_iter().map(|picture| (picture.t.0 / 60_000_000_000, picture.image.is_some())).collect();
        assert_eq!(taken, [(0, true), (50, false), (100, false), (150, false)]);
        assert_eq!(noted.len(), 0, "the pause was noted as a gap");
    }
}
