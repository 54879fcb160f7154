//! One record stream: asks for it, asks after its time, and sorts what comes of it.

use std::ffi::CString;
use std::time::{Duration, SystemTime};

use pulseaudio::protocol::{
    ChannelMap, Command, CreateRecordStreamReply, LatencyParams, Prop, Props, RecordLatency, RecordStreamParams,
    SampleFormat, SampleSpec,
    stream::{BufferAttr, StreamFlags},
};

use super::connection::{Connection, Incoming};
use super::failure::Failure;
use super::timing::{Asked, Buffers, Placed, Timeline};
use crate::base::time::{Clock, MonoNs, UtcNs};

/// How often the server is asked for the time.
const EVERY: Duration = Duration::from_millis(250);
/// How often while the first times that count are waited for: the sound is placed by the middle of them, and one alone may be wrong.
const EVERY_AT_FIRST: Duration = Duration::from_millis(20);
/// Fragments a second: 10 ms each. A server adds about one to its latency, and wakes us as often.
const FRAGMENTS: u32 = 100;
/// The quantum that PipeWire is asked for, samples: stamps of sound are off by up to two of them.
const QUANTUM: u32 = 256;

/// What a stream is asked to give.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Wish {
    /// The device.
    pub(super) source: CString,
    /// Samples per second and channel.
    pub(super) rate: u32,
    /// Channels, one or two.
    pub(super) channels: u16,
}

/// What came of a stream.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum News {
    /// Samples.
    Block(Placed, Vec<f32>),
    /// The server made an end of it.
    Gone,
    /// The device sleeps, or woke up.
    Suspended(bool),
    /// Nothing of interest.
    Nothing,
}

/// A record stream.
pub(super) struct Stream {
    channel: u32,
    timeline: Timeline,
    /// The number of a question that was not answered, and when it was sent by both clocks.
    asked: Option<(u32, (MonoNs, UtcNs))>,
    next_ask: MonoNs,
    /// Nothing comes for a while.
    is_asleep: bool,
    /// What the server made of the fragment that it was asked for, bytes.
    pub(super) fragment_bytes: u32,
}

impl Stream {
    /// Opens a stream whose first sample has the number `base`.
    ///
    /// # Errors
    /// When the server refuses.
    pub(super) fn open(
        connection: &mut Connection,
        clock: &dyn Clock,
        wish: &Wish,
        base: u64,
    ) -> Result<Self, Failure> {
        let Wish { source, rate, channels } = wish;
        let bytes = rate / FRAGMENTS * u32::from(*channels) * size_of::<f32>() as u32;
        let mut props = Props::new();
        props.set(Prop::MediaName, c"recording");
        let latency = CString::new(format!("{QUANTUM}/{rate}")).unwrap_or_default();
        props.set_bytes(c"node.latency", latency.as_bytes_with_nul());
        let spec = SampleSpec { format: SampleFormat::Float32Le, channels: *channels as u8, sample_rate: *rate };
        let params = RecordStreamParams {
            sample_spec: spec,
            channel_map: if *channels == 1 { ChannelMap::mono() } else { ChannelMap::stereo() },
            source_name: Some(source.clone()),
            // As long as can be: a server drops what does not fit, and says nothing of it.
            buffer_attr: BufferAttr { max_length: u32::MAX, fragment_size: bytes, ..BufferAttr::default() },
            flags: StreamFlags { adjust_latency: true, ..StreamFlags::default() },
            props,
            ..RecordStreamParams::default()
        };
        let made: CreateRecordStreamReply = connection.ask(&Command::CreateRecordStream(params))?;
        if made.sample_spec != spec {
            return Err(Failure::Odd(format!("{:?} where {spec:?} was asked for", made.sample_spec)));
        }
        let now = clock.now();
        Ok(Self {
            channel: made.channel,
            timeline: Timeline::new(*rate, *channels, base, now),
            asked: None,
            next_ask: now,
            is_asleep: false,
            fragment_bytes: made.buffer_attr.fragment_size,
        })
    }

    /// Asks the server for the time when it is due, or at once.
    ///
    /// # Errors
    /// When the server is gone.
    pub(super) fn ask_if_due(&mut self, connection: &mut Connection, clock: &dyn Clock) -> Result<(), Failure> {
        let now = clock.now();
        if self.asked.is_some() || now < self.next_ask {
            return Ok(());
        }
        let anchor = clock.anchor();
        let wall = SystemTime::UNIX_EPOCH + Duration::from_nanos(u64::try_from(anchor.utc.0).unwrap_or(0));
        let question = Command::GetRecordLatency(LatencyParams { channel: self.channel, now: wall });
        self.asked = Some((connection.send(&question)?, (anchor.mono, anchor.utc)));
        self.next_ask = now.plus(if self.timeline.is_young(now) { EVERY_AT_FIRST } else { EVERY });
        Ok(())
    }

    /// Asks again as soon as the answer is there.
    pub(super) fn hurry(&mut self) {
        self.next_ask = MonoNs(i64::MIN);
    }

    /// Says that nothing comes: what comes next is of later.
    pub(super) fn sleep(&mut self) {
        self.is_asleep = true;
    }

    /// Returns whether nothing comes, as was said.
    pub(super) fn is_asleep(&self) -> bool {
        self.is_asleep
    }

    /// Sorts what came. An answer about the time goes to `counted` too: the server's count of samples.
    ///
    /// # Errors
    /// When the server refuses to tell the time.
    pub(super) fn take(
        &mut self,
        connection: &Connection,
        clock: &dyn Clock,
        incoming: Incoming,
        counted: &mut impl FnMut(u64),
    ) -> Result<News, Failure> {
        match incoming {
            Incoming::Samples { channel, bytes } if channel == self.channel => {
                let (now, length) = (clock.now(), bytes.len() as u64);
                if std::mem::take(&mut self.is_asleep) {
                    self.timeline.resume(length, now);
                    self.hurry();
                }
                let placed = self.timeline.place(length, now);
                let samples = bytes.as_chunks::<4>().0.iter().map(|sample| f32::from_le_bytes(*sample)).collect();
                Ok(News::Block(placed, samples))
            }
            Incoming::Answer { number, message } => {
                if let Some((_, sent)) = self.asked.take_if(|(asked, _)| *asked == number) {
                    let said: RecordLatency = match connection.understood(&message) {
                        // It does not know the stream any more.
                        Err(Failure::Refused(_)) => return Ok(News::Gone),
                        said => said?,
                    };
                    let server = said.remote_time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
                    let server = UtcNs(i64::try_from(server.as_nanos()).unwrap_or(i64::MAX));
                    let buffers = Buffers {
                        write: said.write_offset,
                        read: said.read_offset,
                        source_us: said.source_usec,
                        sink_us: said.sink_usec,
                    };
                    self.timeline.heard(&Asked { sent, answered: clock.now(), server }, &buffers);
                    counted(u64::try_from(said.write_offset).unwrap_or(0) / self.timeline.frame());
                }
                Ok(News::Nothing)
            }
            Incoming::Told(told) => Ok(self.told(&told)),
            Incoming::Samples { .. } => Ok(News::Nothing),
        }
    }

    fn told(&self, told: &Command) -> News {
        match told {
            Command::RecordStreamKilled(channel) if *channel == self.channel => News::Gone,
            Command::RecordStreamSuspended(told) if told.stream_index == self.channel => {
                News::Suspended(told.suspended)
            }
            Command::RecordStreamMoved(told) if told.stream_index == self.channel => {
                tracing::info!(device = %told.device_name.to_string_lossy(), "the sound server moved the recording");
                News::Nothing
            }
            _ => News::Nothing,
        }
    }

    /// Returns the number of the sample that comes next.
    pub(super) fn next(&self) -> u64 {
        self.timeline.next()
    }

    /// Returns when the last sample ended.
    pub(super) fn end(&self, now: MonoNs) -> MonoNs {
        self.timeline.end(now)
    }

    /// Takes it from the server. What of it is still on its way is not ours any more.
    pub(super) fn close(self, connection: &mut Connection) {
        // It goes with the connection in any case.
        drop(connection.send(&Command::DeleteRecordStream(self.channel)));
    }
}
