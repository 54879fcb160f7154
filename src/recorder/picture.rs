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

use super::{Counters, Note, PICTURE_POOL, PICTURES, Picture, RecordError, Stop, Unchanged, Unit, source_ended, spawn};
use crate::capture::pacing::Pacer;
use crate::capture::{CaptureError, OpenScreen, ScreenDescription, ScreenSource};
use crate::encode::{FrameStamp, I420, VideoEncoder, convert};
use crate::event::{Event, Gap, Stream};
use crate::id::FrameRef;
use crate::time::{Clock, MonoNs};

/// With `--unchanged skip` a frame is stored at least this often: the video's index counts a frame's duration in 32 bits of
/// microseconds (71 minutes), and a player wants something to show.
const HEARTBEAT: Duration = Duration::from_mins(1);

/// Longest time between two frames; the video's index counts a frame's duration in 32 bits of microseconds (71 minutes).
const LONGEST_STALL: Duration = Duration::from_hours(1);

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
    notes: Sender<Note>,
    counters: Arc<Counters>,
    clock: Arc<dyn Clock>,
    stop: &Stop,
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
            owed: true,
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
    /// The encoder has not seen the present picture yet.
    owed: bool,
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

    fn drop_frames(&mut self, t: MonoNs, reason: &str, count: u64, until: MonoNs) {
        self.counters.dropped.fetch_add(count, Ordering::Relaxed);
        let reason = reason.to_owned();
        self.note(t, Event::Gap(Gap { stream: Stream::Screen, reason, lost: Some(count), until }));
    }

    fn run(&mut self, pace: Pace) -> Result<(), CaptureError> {
        let begin = self.clock.now();
        let end = pace.duration.map(|duration| begin.plus(duration));
        let mut pacer = Pacer::new(begin, pace.fps);
        let mut stored: Option<MonoNs> = None;
        while !self.stop.is_asked() {
            let left = end.map_or(0, |end| pacer.left_before(end));
            let tick = pacer.next(self.clock.as_ref());
            if let Some(end) = end.filter(|end| tick.deadline >= *end) {
                // Deadlines that passed unseen before the end were due all the same.
                if left > 0 {
                    self.counters.due.fetch_add(left, Ordering::SeqCst);
                    self.drop_frames(first_of(left, end, pace.fps), "late", left, end);
                }
                self.stop.ask("duration");
                break;
            }
            self.counters.due.fetch_add(tick.missed + 1, Ordering::SeqCst);
            if stored.is_some_and(|stored| tick.deadline.since(stored) > LONGEST_STALL) {
                // The process was stopped for long: the video's index cannot say so, and nobody wants such a session.
                self.stop.fail(Stream::Screen, "stalled");
                break;
            }
            if tick.missed > 0 {
                self.drop_frames(first_of(tick.missed, tick.deadline, pace.fps), "late", tick.missed, tick.deadline);
            }
            let grab = self.source.grab(stored.is_none())?;
            if let Some(surface) = grab.surface {
                self.note(grab.t, Event::Window(surface));
            }
            self.owed |= grab.changed;
            let rested = stored.is_some_and(|stored| grab.t.since(stored) < HEARTBEAT);
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
                Some(image)
            } else {
                None
            };
            let convert_us = self.clock.now().since(before).as_micros() as u32;
            let changed = image.is_some();
            match self.pictures.try_send(Picture { t: grab.t, capture_us: grab.capture_us, convert_us, image }) {
                Ok(()) => {
                    stored = Some(grab.t);
                    self.owed &= !changed;
                }
                Err(TrySendError::Full(picture)) => {
                    self.spare = picture.image;
                    self.drop_frames(grab.t, "encoder_busy", 1, grab.t);
                }
                Err(TrySendError::Disconnected(_)) => break,
            }
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
