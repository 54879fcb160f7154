//! A playback stream: sound is heard when the player says, as far as the server's word on its buffers goes.
//!
//! The server wants samples; each time it is computed when the next one will be heard: the byte that the sink takes next is heard
//! `sink_usec` later, and so many bytes are before ours. Short buffers, so that a jump is heard soon.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use pulseaudio::protocol::{
    ChannelMap, Command, CreatePlaybackStreamReply, LatencyParams, PlaybackLatency, PlaybackStreamParams, Prop, Props,
    SampleFormat, SampleSpec,
    stream::{BufferAttr, StreamFlags},
};

use super::connection::{Connection, Incoming};
use super::failure::Failure;
use super::timing::Asked;
use crate::base::time::{Clock, MonoNs, UtcNs};
use crate::capture::CaptureError;
use crate::capture::sound::{Fill, OutputPlan, SoundOutput};

/// Sound that is on its way to the sink at the most: a machine that is busy for less breaks nothing off.
const AHEAD_MS: u32 = 80;
/// The server asks for as much at once.
const CHUNK_MS: u32 = 10;
/// How often the server is asked for the time, in the first second and later.
const EVERY_AT_FIRST: Duration = Duration::from_millis(20);
const EVERY: Duration = Duration::from_millis(100);
const FIRST: Duration = Duration::from_secs(1);
/// The answers whose middle counts: a single one may be late.
const ANSWERS: usize = 5;

/// A playback stream.
struct Output {
    connection: Connection,
    clock: Arc<dyn Clock>,
    channel: u32,
    rate: u32,
    /// Bytes of a sample of all channels.
    frame: u64,
    /// Bytes that the server wants, and that it was sent.
    wanted: u64,
    sent: u64,
    /// When its first byte would have been heard, by the last answers.
    begins: VecDeque<i64>,
    asked: Option<(u32, (MonoNs, UtcNs))>,
    next_ask: MonoNs,
    began: MonoNs,
}

/// Opens a playback stream.
///
/// # Errors
/// [`CaptureError::Unavailable`] without a server, or when it refuses.
pub(crate) fn open(plan: &OutputPlan) -> Result<Box<dyn SoundOutput>, CaptureError> {
    let opened = Output::open(plan).map_err(|failure| failure.unavailable())?;
    Ok(Box::new(opened))
}

impl Output {
    fn open(plan: &OutputPlan) -> Result<Self, Failure> {
        let clock = Arc::clone(&plan.clock);
        let mut connection = match &plan.server {
            Some(path) => Connection::to(path, Arc::clone(&clock))?,
            None => Connection::open(&clock)?,
        };
        let (rate, channels) = (plan.rate, plan.channels.clamp(1, 2));
        let frame = u64::from(channels) * size_of::<i16>() as u64;
        let bytes = |ms: u32| (u64::from(rate) * u64::from(ms) / 1000 * frame) as u32;
        let mut props = Props::new();
        props.set(Prop::MediaName, c"replay");
        let spec = SampleSpec { format: SampleFormat::S16Le, channels: channels as u8, sample_rate: rate };
        let params = PlaybackStreamParams {
            sample_spec: spec,
            channel_map: if channels == 1 { ChannelMap::mono() } else { ChannelMap::stereo() },
            buffer_attr: BufferAttr {
                max_length: u32::MAX,
                target_length: bytes(AHEAD_MS),
                pre_buffering: bytes(CHUNK_MS),
                minimum_request_length: bytes(CHUNK_MS),
                ..BufferAttr::default()
            },
            flags: StreamFlags { adjust_latency: true, ..StreamFlags::default() },
            props,
            ..PlaybackStreamParams::default()
        };
        let made: CreatePlaybackStreamReply = connection.ask(&Command::CreatePlaybackStream(params))?;
        if made.sample_spec != spec {
            return Err(Failure::Odd(format!("{:?} where {spec:?} was asked for", made.sample_spec)));
        }
        let now = clock.now();
        Ok(Self {
            connection,
            clock,
            channel: made.channel,
            rate,
            frame,
            wanted: made.requested_bytes.into(),
            sent: 0,
            begins: VecDeque::new(),
            asked: None,
            next_ask: now,
            began: now,
        })
    }

    fn ask_if_due(&mut self) -> Result<(), Failure> {
        let now = self.clock.now();
        if self.asked.is_some() || now < self.next_ask {
            return Ok(());
        }
        let anchor = self.clock.anchor();
        let wall = SystemTime::UNIX_EPOCH + Duration::from_nanos(u64::try_from(anchor.utc.0).unwrap_or(0));
        let question = Command::GetPlaybackLatency(LatencyParams { channel: self.channel, now: wall });
        self.asked = Some((self.connection.send(&question)?, (anchor.mono, anchor.utc)));
        self.next_ask = now.plus(if now.since(self.began) < FIRST { EVERY_AT_FIRST } else { EVERY });
        Ok(())
    }

    fn ns_of(&self, bytes: i64) -> i64 {
        let per_second = i128::from(u64::from(self.rate.max(1)) * self.frame.max(1));
        i64::try_from(i128::from(bytes) * 1_000_000_000 / per_second).unwrap_or(i64::MAX)
    }

    fn take(&mut self, incoming: Incoming) -> Result<(), Failure> {
        match incoming {
            Incoming::Told(told) => match *told {
                Command::Request(request) if request.channel == self.channel => {
                    self.wanted += u64::from(request.length);
                }
                Command::PlaybackStreamKilled(channel) if channel == self.channel => {
                    return Err(Failure::Odd("it ended the sound".into()));
                }
                _ => {}
            },
            Incoming::Answer { number, message } => {
                let Some((_, sent)) = self.asked.take_if(|(asked, _)| *asked == number) else { return Ok(()) };
                let said: PlaybackLatency = self.connection.understood(&message)?;
                let server = said.remote_time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
                let server = UtcNs(i64::try_from(server.as_nanos()).unwrap_or(i64::MAX));
                let asked = Asked { sent, answered: self.clock.now(), server };
                if let Some(when) = asked.when() {
                    let later = i64::try_from(said.sink_usec.saturating_mul(1000)).unwrap_or(i64::MAX);
                    let begins = when.0.saturating_add(later).saturating_sub(self.ns_of(said.read_offset));
                    self.begins.push_back(begins);
                    while self.begins.len() > ANSWERS {
                        self.begins.pop_front();
                    }
                }
            }
            Incoming::Samples { .. } => {}
        }
        Ok(())
    }

    /// When the next byte will be heard.
    fn heard(&self) -> Option<MonoNs> {
        let mut begins: Vec<i64> = self.begins.iter().copied().collect();
        let middle = begins.len() / 2;
        if begins.is_empty() {
            return None;
        }
        let begins = *begins.select_nth_unstable(middle).1;
        let at = begins.saturating_add(self.ns_of(i64::try_from(self.sent).unwrap_or(i64::MAX)));
        // Of an output that ran dry nothing is heard in the past.
        Some(MonoNs(at).max(self.clock.now()))
    }

    fn stepped(&mut self, fill: &mut Fill<'_>) -> Result<(), Failure> {
        self.ask_if_due()?;
        if let Some(incoming) = self.connection.receive()? {
            self.take(incoming)?;
        }
        let Some(heard) = self.heard() else { return Ok(()) };
        let frames = self.wanted / self.frame;
        if frames == 0 {
            return Ok(());
        }
        let mut samples = Vec::new();
        fill(heard, frames as usize, &mut samples);
        let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        self.connection.play(self.channel, &bytes)?;
        self.sent += bytes.len() as u64;
        self.wanted = self.wanted.saturating_sub(bytes.len() as u64);
        Ok(())
    }
}

impl SoundOutput for Output {
    fn step(&mut self, fill: &mut Fill<'_>) -> Result<(), CaptureError> {
        self.stepped(fill).map_err(|failure| failure.unavailable())
    }
}
