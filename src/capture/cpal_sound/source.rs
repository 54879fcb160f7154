//! The source: a callback of the system puts blocks into a queue, and this thread hands them over.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use cpal::traits::{DeviceTrait as _, StreamTrait as _};
use cpal::{BufferSize, SampleFormat, StreamConfig};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};

use super::devices::{self, Found, NAME};
use super::mix;
use super::stamps::Stamps;
use crate::base::time::{Clock, MonoNs};
use crate::capture::sound::{SoundBlock, SoundDescription, SoundPlan, SoundSink, SoundSource, SoundWanted};
use crate::capture::{CaptureError, StopFlag};

/// How long is waited at once: `stop` is obeyed this often, and the clocks compared.
const WAIT: Duration = Duration::from_millis(50);
/// Without a block for so long the device gives none: a loopback while nothing plays.
const GIVES_NONE: Duration = Duration::from_millis(500);
/// How long is waited before a device that went is looked for again.
const AGAIN: Duration = Duration::from_millis(500);
/// Blocks in the queue: two seconds of 10 ms each.
const QUEUE: usize = 200;
/// How long the system may take to open a device.
const OPENING: Duration = Duration::from_secs(3);

/// A block as the system gives it.
struct Raw {
    /// When it was heard, by the stream's clock.
    at: i64,
    samples: Vec<f32>,
}

/// A stream that runs.
struct Running {
    stream: cpal::Stream,
    blocks: Receiver<Raw>,
    /// What the stream's clock is behind that of the recording.
    offset: AtomicI64,
    is_gone: Arc<AtomicBool>,
}

struct CpalSource {
    clock: Arc<dyn Clock>,
    wanted: SoundWanted,
    config: StreamConfig,
    description: SoundDescription,
}

/// Opens a device.
///
/// # Errors
/// [`CaptureError::NoDevice`] without it, [`CaptureError::Unavailable`] when the system refuses.
pub(super) fn open(plan: &SoundPlan) -> Result<Box<dyn SoundSource>, CaptureError> {
    let SoundPlan { wanted, clock } = plan.clone();
    let found = devices::find(&wanted)?;
    let usual = found.config().map_err(|error| devices::unavailable(&error))?;
    let config = StreamConfig { buffer_size: BufferSize::Default, ..usual.config() };
    // That it can be had is tried now; its samples are wanted when the recording begins.
    drop(begin(&found, config).map_err(|error| devices::unavailable(&error))?);
    let mixed = (config.channels > 2).then(|| ("device_channels".to_owned(), config.channels.into()));
    let description = SoundDescription {
        backend: NAME.into(),
        device: found.id(),
        role: Some(found.role),
        rate: config.sample_rate,
        channels: mix::recorded(config.channels),
        settings: mixed.into_iter().collect(),
    };
    Ok(Box::new(CpalSource { clock, wanted, config, description }))
}

fn begin(found: &Found, config: StreamConfig) -> Result<Running, cpal::Error> {
    let (queue, blocks): (Sender<Raw>, _) = crossbeam_channel::bounded(QUEUE);
    let is_gone = Arc::new(AtomicBool::new(false));
    let gone = Arc::clone(&is_gone);
    let take = move |samples: &[f32], info: &cpal::InputCallbackInfo| {
        let at = i64::try_from(info.timestamp().capture.as_nanos()).unwrap_or(i64::MAX);
        // A block that does not fit is missing, and the times of the next ones tell.
        drop(queue.try_send(Raw { at, samples: samples.to_vec() }));
    };
    let fail = move |error: cpal::Error| {
        use cpal::ErrorKind::{DeviceNotAvailable, HostUnavailable, PermissionDenied, StreamInvalidated};
        tracing::warn!(%error, "the sound device");
        if matches!(error.kind(), DeviceNotAvailable | HostUnavailable | PermissionDenied | StreamInvalidated) {
            gone.store(true, Ordering::SeqCst);
        }
    };
    debug_assert_eq!(<f32 as cpal::SizedSample>::FORMAT, SampleFormat::F32);
    let stream = found.device.build_input_stream(config, take, fail, Some(OPENING))?;
    stream.play()?;
    Ok(Running { stream, blocks, offset: AtomicI64::new(0), is_gone })
}

impl Running {
    /// Compares the clocks.
    fn compare(&self, clock: &dyn Clock) {
        let before = clock.now();
        let theirs = i64::try_from(self.stream.now().as_nanos()).unwrap_or(i64::MAX);
        let middle = before.plus(clock.now().since(before) / 2);
        self.offset.store(middle.0.saturating_sub(theirs), Ordering::Relaxed);
    }

    fn time(&self, at: i64) -> MonoNs {
        MonoNs(at.saturating_add(self.offset.load(Ordering::Relaxed)))
    }
}

impl SoundSource for CpalSource {
    fn describe(&self) -> SoundDescription {
        self.description.clone()
    }

    fn run(self: Box<Self>, sink: &SoundSink, stop: &StopFlag) -> Result<(), CaptureError> {
        let clock = &*self.clock;
        let mut stamps = Stamps::new(self.config.sample_rate, 0);
        while !stop.is_set() {
            let begun = devices::find(&self.wanted)
                .and_then(|found| begin(&found, self.config).map_err(|error| devices::unavailable(&error)));
            if let Ok(running) = begun
                && !self.record(&running, &mut stamps, sink, stop)
            {
                break;
            }
            if !sink.silent(stamps.end().unwrap_or_else(|| clock.now()), "device_gone") {
                break;
            }
            let until = clock.now().plus(AGAIN);
            while !stop.is_set() && clock.now() < until {
                clock.sleep_until(clock.now().plus(WAIT).min(until));
            }
        }
        Ok(())
    }
}

impl CpalSource {
    /// Hands over blocks until the device goes; false when the end was asked for, or nobody takes sound.
    fn record(&self, running: &Running, stamps: &mut Stamps, sink: &SoundSink, stop: &StopFlag) -> bool {
        let clock = &*self.clock;
        let (mut last, mut compared, mut is_told) = (clock.now(), clock.now(), false);
        running.compare(clock);
        while !stop.is_set() {
            if running.is_gone.load(Ordering::SeqCst) {
                return true;
            }
            let raw = match running.blocks.recv_timeout(WAIT) {
                Ok(raw) => raw,
                Err(RecvTimeoutError::Disconnected) => return true,
                Err(RecvTimeoutError::Timeout) => {
                    if !is_told && clock.now().since(last) > GIVES_NONE {
                        is_told = true;
                        if !sink.silent(stamps.end().unwrap_or(last), "device_silent") {
                            return false;
                        }
                    }
                    continue;
                }
            };
            let now = clock.now();
            (last, is_told) = (now, false);
            if now.since(compared) > GIVES_NONE {
                compared = now;
                running.compare(clock);
            }
            let t = running.time(raw.at);
            let first = stamps.place(t, raw.samples.len() as u64 / u64::from(self.config.channels.max(1)));
            let samples = mix::down(&raw.samples, self.config.channels);
            if !sink.send(SoundBlock { t, is_measured: true, first, samples }) {
                return false;
            }
        }
        false
    }
}
