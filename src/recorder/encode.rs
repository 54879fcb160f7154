//! The second stage: encodes pictures in their order and hands the access units on, when the encoder answers.
//!
//! Counts access units; that number is the frame's. Which pictures are IDRs is decided by recorded time ([`crate::encode::gop`]). Taps see
//! each new picture here, masked and with its stamp.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};

use super::context::Running;
use super::error::RecordError;
use super::queues::{Picture, Unit};
use super::status::Counters;
use super::stills::Job;
use super::stop::spawn;
use super::taps::{Offer, Tap};
use crate::base::event::Stream;
use crate::base::id::FrameRef;
use crate::base::time::{Clock, MonoNs};
use crate::encode::driver::Driver;
use crate::encode::error::EncodeError;
use crate::encode::gop::Gop;
use crate::encode::masked::{Masked, Unmasked};
use crate::media::picture::{FrameStamp, PixelFormat};

/// How often an encoder that owes answers is asked for them while no picture comes: bounds what a crash in a pause loses.
const COLLECT: Duration = Duration::from_millis(100);

/// The ends of the queues that the stage works on.
pub(super) struct Queues {
    pub(super) pictures: Receiver<Picture>,
    pub(super) pool: Sender<Unmasked>,
    pub(super) units: Sender<Unit>,
    /// To the writer of PNG pictures.
    pub(super) stills: Sender<Job>,
}

/// The stage, before its thread runs.
pub(super) struct EncodeStage {
    driver: Driver,
    gop: Gop,
    taps: Vec<Box<dyn Tap>>,
    queues: Queues,
    /// Format and size of the buffers.
    buffers: (PixelFormat, (u32, u32)),
    clock: Arc<dyn Clock>,
    counters: Arc<Counters>,
    /// The picture of the last frame, which a repeat shows.
    last: Option<Masked>,
    /// Pictures that the encoder has not answered, in order.
    given: VecDeque<Given>,
    next_frame: u64,
    /// Seams so far.
    part: u64,
}

/// What is known of a picture while the encoder has it.
struct Given {
    /// When the encoder was given it.
    at: MonoNs,
    part: u64,
    capture_us: u32,
    convert_us: u32,
    duplicate: bool,
}

impl EncodeStage {
    pub(super) fn new(
        driver: Driver,
        gop: Gop,
        buffers: (PixelFormat, (u32, u32)),
        taps: Vec<Box<dyn Tap>>,
        queues: Queues,
        running: &Running,
    ) -> Self {
        Self {
            driver,
            gop,
            taps,
            queues,
            buffers,
            clock: Arc::clone(&running.clock),
            counters: Arc::clone(&running.counters),
            last: None,
            given: VecDeque::new(),
            next_frame: 0,
            part: 0,
        }
    }

    /// Starts the encoder's thread, which ends when the screen's has and everything is handed on.
    pub(super) fn start(mut self, running: &Running) -> Result<JoinHandle<()>, RecordError> {
        let stop = running.stop.clone();
        spawn("encode", Stream::Screen, &running.stop, move || {
            if let Err(error) = self.run() {
                tracing::error!(%error, "the encoder ended");
                stop.fail(Stream::Screen, "encoder_failed");
            }
        })
    }

    fn run(&mut self) -> Result<(), EncodeError> {
        loop {
            let owes = self.driver.waiting() > 0;
            let picture = match self.queues.pictures.recv_timeout(if owes { COLLECT } else { Duration::MAX }) {
                Ok(picture) => Some(picture),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => break,
            };
            self.counters.waiting.pictures.store(self.queues.pictures.len(), Ordering::Relaxed);
            let taken = match picture {
                Some(picture) => self.take(picture),
                None => self.driver.collect(),
            };
            // What was made before a failure is stored.
            if !self.hand_on() {
                return taken;
            }
            taken?;
        }
        let finished = self.driver.finish();
        self.hand_on();
        finished
    }

    /// Gives the encoder a picture.
    fn take(&mut self, picture: Picture) -> Result<(), EncodeError> {
        let Picture { t, capture_us, convert_us, image, still, restart, begins_part } = picture;
        if restart || begins_part {
            self.gop.restart();
        }
        if begins_part {
            (self.part, self.next_frame) = (self.part + 1, 0);
        }
        let duplicate = image.is_none();
        if let Some(old) = image.and_then(|image| self.last.replace(image)) {
            self.give_back(old);
        }
        // A repeat before the first picture: there is nothing to be repeated.
        let Some(shown) = &self.last else { return Ok(()) };
        let stamp = FrameStamp { frame_ref: FrameRef(self.next_frame), t };
        self.next_frame += 1;
        if let Some(picture) = still {
            // There are no more buffers than fit; when the writer has ended it was wanted and is not written.
            drop(self.queues.stills.try_send(Job { frame: stamp.frame_ref, picture }));
        }
        if !duplicate {
            let skipped =
                self.taps.iter_mut().filter_map(|tap| (tap.offer(shown, stamp) == Offer::Skipped).then_some(()));
            self.counters.tap_skips.fetch_add(skipped.count() as u64, Ordering::Relaxed);
        }
        let ask = self.gop.ask(stamp);
        self.given.push_back(Given { at: self.clock.now(), part: self.part, capture_us, convert_us, duplicate });
        if duplicate { self.driver.repeat(shown, ask) } else { self.driver.encode(shown, ask) }
    }

    /// Gives a buffer back to be filled again; one that a tap still looks at is replaced.
    fn give_back(&self, old: Masked) {
        let (format, (width, height)) = self.buffers;
        if let Some(buffer) = old.reuse().or_else(|| Unmasked::new(format, width, height)) {
            drop(self.queues.pool.try_send(buffer));
        }
    }

    /// Hands on what the encoder has made; false when nobody takes it any more.
    fn hand_on(&mut self) -> bool {
        while let Some(unit) = self.driver.next_unit()
            && let Some(given) = self.given.pop_front()
        {
            self.gop.made(&unit);
            let Given { at, part, capture_us, convert_us, duplicate } = given;
            let encode_us = convert_us + self.clock.now().since(at).as_micros() as u32;
            let (t, frame_ref) = (unit.stamp.t, unit.stamp.frame_ref.0);
            let (bytes, keyframe) = (unit.bytes, unit.keyframe);
            let unit = Unit { t, part, frame_ref, bytes, keyframe, duplicate, capture_us, encode_us };
            self.counters.waiting.units.store(self.queues.units.len(), Ordering::Relaxed);
            if self.queues.units.send(unit).is_err() {
                return false;
            }
        }
        true
    }
}
