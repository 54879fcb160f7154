//! The source: one thread that reads samples, and opens the device again when it or the server went away.

use std::sync::Arc;
use std::time::Duration;

use super::connection::Connection;
use super::devices::Devices;
use super::failure::{Failure, NAME};
use super::quantum::Quantum;
use super::stream::{News, Stream, Wish};
use crate::base::time::{Clock, MonoNs};
use crate::capture::sound::{SoundBlock, SoundDescription, SoundPlan, SoundRole, SoundSink, SoundSource, SoundWanted};
use crate::capture::{CaptureError, StopFlag};

/// How long is waited before a device or a server that went is looked for again.
const AGAIN: Duration = Duration::from_millis(500);
/// At the end and while nothing comes it is looked this often whether to stop.
const LOOK: Duration = Duration::from_millis(20);
/// How long the server's steps are watched at the start, at the most.
const WATCH: Duration = Duration::from_millis(600);
/// Without a sample for so long the device gives none, whatever the server says.
const GIVES_NONE: Duration = Duration::from_millis(500);
/// Rates that are taken as the device has them; others are converted by the server.
const RATES: std::ops::RangeInclusive<u32> = 8_000..=48_000;
/// The rate that others are converted to.
const USUAL_RATE: u32 = 48_000;

/// Why nothing is heard: the device went, or the server.
const DEVICE_GONE: &str = "device_gone";
const SERVER_GONE: &str = "server_gone";

/// A device of a sound server.
struct PulseSource {
    clock: Arc<dyn Clock>,
    wanted: SoundWanted,
    wish: Wish,
    connection: Option<Connection>,
    description: SoundDescription,
}

/// Why samples do not come any more.
enum Ended {
    /// The end was asked for, or nobody takes sound.
    Stop,
    /// The device is gone: a word for why.
    Away(&'static str),
}

/// Opens a device.
///
/// # Errors
/// [`CaptureError::Unavailable`] without a server, [`CaptureError::NoDevice`] without the device.
pub(super) fn open(plan: &SoundPlan) -> Result<Box<dyn SoundSource>, CaptureError> {
    let SoundPlan { wanted, clock } = plan.clone();
    let mut connection = Connection::open(&clock).map_err(|failure| failure.unavailable())?;
    let devices = Devices::of(&mut connection).map_err(|failure| failure.unavailable())?;
    let source = devices.find(&wanted).ok_or_else(|| CaptureError::NoDevice { wanted: wanted.shown().to_owned() })?;
    let own = source.sample_spec.sample_rate;
    let wish = Wish {
        source: source.name.clone(),
        rate: if RATES.contains(&own) { own } else { USUAL_RATE },
        channels: source.sample_spec.channels.clamp(1, 2).into(),
    };
    let is_monitor = source.monitor_of_sink_index.is_some();
    let mut settings = vec![("server".to_owned(), devices.server().into())];
    // That it can be had is tried now; its samples are wanted when the recording begins.
    let (fragment, quantum) = tried(&mut connection, &*clock, &wish, devices.is_pipewire())
        .map_err(|failure| if failure.is_unknown() { missing(&wanted) } else { failure.unavailable() })?;
    settings.push(("fragment_samples".to_owned(), fragment.into()));
    settings.extend(quantum.map(|quantum| ("quantum_samples".to_owned(), quantum.into())));
    let description = SoundDescription {
        backend: NAME.into(),
        device: wish.source.to_string_lossy().into_owned(),
        role: Some(if is_monitor { SoundRole::System } else { SoundRole::Microphone }),
        rate: wish.rate,
        channels: wish.channels,
        settings,
    };
    Ok(Box::new(PulseSource { clock, wanted, wish, connection: Some(connection), description }))
}

fn missing(wanted: &SoundWanted) -> CaptureError {
    CaptureError::NoDevice { wanted: wanted.shown().to_owned() }
}

/// Opens a stream and closes it again. Returns the samples of a fragment, and of PipeWire the quantum.
fn tried(
    connection: &mut Connection,
    clock: &dyn Clock,
    wish: &Wish,
    has_quantum: bool,
) -> Result<(u32, Option<u64>), Failure> {
    let mut stream = Stream::open(connection, clock, wish, 0)?;
    let fragment = stream.fragment_bytes / (u32::from(wish.channels) * size_of::<f32>() as u32);
    let mut quantum = Quantum::default();
    let until = clock.now().plus(WATCH);
    while has_quantum && quantum.samples().is_none() && clock.now() < until {
        stream.hurry();
        stream.ask_if_due(connection, clock)?;
        if let Some(incoming) = connection.receive()? {
            stream.take(connection, clock, incoming, &mut |count| quantum.look(count))?;
        }
    }
    stream.close(connection);
    Ok((fragment, quantum.samples()))
}

impl SoundSource for PulseSource {
    fn describe(&self) -> SoundDescription {
        self.description.clone()
    }

    fn run(mut self: Box<Self>, sink: &SoundSink, stop: &StopFlag) -> Result<(), CaptureError> {
        let clock = Arc::clone(&self.clock);
        // The number of the next sample, and when the last one ended.
        let mut reached: Option<(u64, MonoNs)> = None;
        while !stop.is_set() {
            let (since, reason) = match self.begin(reached) {
                Ok((mut connection, mut stream)) => {
                    let ended = record(&*clock, &mut connection, &mut stream, sink, stop);
                    let end = stream.end(clock.now());
                    reached = Some((stream.next(), end));
                    match ended {
                        Ok(Ended::Stop) => break,
                        Ok(Ended::Away(reason)) => {
                            self.connection = Some(connection);
                            (end, reason)
                        }
                        Err(failure) => {
                            tracing::warn!(%failure, "sound stopped, and is looked for again");
                            (end, SERVER_GONE)
                        }
                    }
                }
                Err((reason, failure)) => {
                    tracing::debug!(%failure, "no sound yet");
                    (reached.map_or_else(|| clock.now(), |(_, end)| end), reason)
                }
            };
            if !sink.silent(since, reason) {
                break;
            }
            let until = clock.now().plus(AGAIN);
            while !stop.is_set() && clock.now() < until {
                clock.sleep_until(clock.now().plus(LOOK).min(until));
            }
        }
        Ok(())
    }
}

impl PulseSource {
    /// Connects where that is needed, and opens the device: the one that is wanted, which for a role may be another one by now.
    fn begin(&mut self, reached: Option<(u64, MonoNs)>) -> Result<(Connection, Stream), (&'static str, Failure)> {
        let kept = self.connection.take().map_or_else(|| Connection::open(&self.clock), Ok);
        let mut connection = kept.map_err(|failure| (SERVER_GONE, failure))?;
        match self.opened(&mut connection, reached) {
            Ok(stream) => Ok((connection, stream)),
            Err(failure @ (Failure::Refused(_) | Failure::Odd(_))) => {
                self.connection = Some(connection);
                Err((DEVICE_GONE, failure))
            }
            Err(failure) => Err((SERVER_GONE, failure)),
        }
    }

    fn opened(&mut self, connection: &mut Connection, reached: Option<(u64, MonoNs)>) -> Result<Stream, Failure> {
        let Some((number, end)) = reached else { return Stream::open(connection, &*self.clock, &self.wish, 0) };
        let devices = Devices::of(connection)?;
        let gone = || Failure::Odd("it has no such device any more".into());
        self.wish.source = devices.find(&self.wanted).ok_or_else(gone)?.name.clone();
        // What was missed counts as if the device had gone on.
        let missed = self.clock.now().since(end).as_nanos() * u128::from(self.wish.rate) / 1_000_000_000;
        Stream::open(connection, &*self.clock, &self.wish, number + u64::try_from(missed).unwrap_or(0))
    }
}

/// Hands over samples until there are no more.
fn record(
    clock: &dyn Clock,
    connection: &mut Connection,
    stream: &mut Stream,
    sink: &SoundSink,
    stop: &StopFlag,
) -> Result<Ended, Failure> {
    let mut last = clock.now();
    while !stop.is_set() {
        stream.ask_if_due(connection, clock)?;
        let news = match connection.receive()? {
            Some(incoming) => stream.take(connection, clock, incoming, &mut |_| ())?,
            None => News::Nothing,
        };
        let mut asleep = None;
        match news {
            News::Block(placed, samples) => {
                last = clock.now();
                let block = SoundBlock { t: placed.t, is_measured: placed.is_measured, first: placed.first, samples };
                if !sink.send(block) {
                    return Ok(Ended::Stop);
                }
            }
            News::Gone => return Ok(Ended::Away(DEVICE_GONE)),
            News::Suspended(true) => asleep = Some("device_suspended"),
            News::Suspended(false) => {}
            News::Nothing => asleep = (clock.now().since(last) > GIVES_NONE).then_some("device_silent"),
        }
        if let Some(reason) = asleep.filter(|_| !stream.is_asleep()) {
            stream.sleep();
            if !sink.silent(stream.end(clock.now()), reason) {
                return Ok(Ended::Stop);
            }
        }
    }
    Ok(Ended::Stop)
}
