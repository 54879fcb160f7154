//! The samples of a file of sound at any instant, decoded ahead by a thread: what the player's voice is made of.
//!
//! Invariant: reading never waits. What is not decoded yet is silence, and so is what the file does not have. Small seams between packets (a sample more or less, by which the
//! file says how a device's clock drifts) are passed over without a tick.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};

use crate::media::decode::pcm::{PcmError, PcmReader};

/// Packets that are decoded ahead: about a second and a half of AAC.
const AHEAD: usize = 64;
/// A place that is farther than this part of a second from the next sample is gone to.
const APART: i64 = 100;
/// Packets whose places are farther apart than this part of a second are not joined.
const SEAM: i64 = 200;

/// Samples at their place.
struct Block {
    tick: i64,
    samples: Vec<i16>,
}

/// A file of sound.
pub(super) struct Track {
    path: PathBuf,
    t0_ns: i64,
    rate: u32,
    /// Channels of the file, and of what is read.
    of_file: usize,
    channels: usize,
    /// The tick of the sample that is read next.
    next: i64,
    decoded: Option<Receiver<Result<Block, String>>>,
    held: VecDeque<Block>,
}

impl Track {
    /// Opens a file whose time 0 is `t0_ns`.
    ///
    /// # Errors
    /// When it cannot be read, or not be decoded here.
    pub(super) fn open(path: &Path, t0_ns: i64) -> Result<Self, PcmError> {
        let reader = PcmReader::open(path)?;
        let of_file = usize::from(reader.channels().max(1));
        Ok(Self {
            path: path.to_owned(),
            t0_ns,
            rate: reader.rate(),
            of_file,
            channels: of_file.min(2),
            next: i64::MIN,
            decoded: None,
            held: VecDeque::new(),
        })
    }

    /// Samples per second and channel.
    pub(super) fn rate(&self) -> u32 {
        self.rate
    }

    /// Channels of what is read.
    pub(super) fn channels(&self) -> u16 {
        self.channels as u16
    }

    /// Appends `count` samples (per channel) from an instant of the recording on; goes on where it was when that is about there.
    ///
    /// # Errors
    /// When what is to be heard cannot be decoded: silence was appended in its place.
    pub(super) fn read(&mut self, t_ns: i64, count: usize, out: &mut Vec<i16>) -> Result<(), String> {
        let since = i128::from(t_ns) - i128::from(self.t0_ns);
        let wanted = (since * i128::from(self.rate)).div_euclid(1_000_000_000);
        let wanted = i64::try_from(wanted).unwrap_or(i64::MAX / 2);
        let apart = i64::from(self.rate) / APART;
        if self.next == i64::MIN || (wanted - self.next).abs() > apart {
            self.go(wanted);
        }
        let received = self.receive(self.next + count as i64);
        let begin = out.len();
        out.resize(begin + count * self.channels, 0);
        let part = &mut out[begin..];
        for block in &self.held {
            let frames = (block.samples.len() / self.of_file) as i64;
            let first = block.tick.max(self.next);
            let behind = (block.tick + frames).min(self.next + count as i64);
            for tick in first..behind {
                let from = (tick - block.tick) as usize * self.of_file;
                let to = (tick - self.next) as usize * self.channels;
                part[to..to + self.channels].copy_from_slice(&block.samples[from..from + self.channels]);
            }
        }
        self.next += count as i64;
        self.forget();
        received
    }

    /// Goes to a sample.
    fn go(&mut self, tick: i64) {
        let forward = tick.saturating_sub(self.next);
        self.next = tick;
        self.forget();
        // What is decoded already, or soon will be, is gone through.
        if self.decoded.is_some() && (0..i64::from(self.rate)).contains(&forward) && !self.held.is_empty() {
            return;
        }
        self.held.clear();
        let (made, decoded) = sync_channel(AHEAD);
        let (path, told) = (self.path.clone(), made.clone());
        let decode = move || {
            let sent = |block: Block| made.send(Ok(block)).is_ok();
            if let Err(error) = decode(&path, tick, sent) {
                // Nobody listens any more where it was gone elsewhere.
                drop(made.send(Err(error.to_string())));
            }
        };
        if let Err(error) = std::thread::Builder::new().name("sound decoder".into()).spawn(decode) {
            drop(told.try_send(Err(error.to_string())));
        }
        self.decoded = Some(decoded);
    }

    /// Takes what is decoded, up to a sample.
    fn receive(&mut self, until: i64) -> Result<(), String> {
        let seam = i64::from(self.rate) / SEAM;
        while let Some(decoded) = &self.decoded {
            let end = self.held.back().map(|block| block.tick + (block.samples.len() / self.of_file) as i64);
            if end.is_some_and(|end| end >= until) {
                break;
            }
            match decoded.try_recv() {
                Ok(Err(error)) => {
                    self.decoded = None;
                    return Err(error);
                }
                Ok(Ok(mut block)) => {
                    if let Some(end) = end.filter(|end| (block.tick - end).abs() <= seam) {
                        block.tick = end;
                    }
                    self.held.push_back(block);
                    self.forget();
                }
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => break,
            }
        }
        Ok(())
    }

    /// Drops what lies before the next sample; one is kept, so that the one behind it is joined to it.
    fn forget(&mut self) {
        let of_file = self.of_file;
        let over = |block: &Block, next: i64| block.tick + (block.samples.len() / of_file) as i64 <= next;
        while self.held.len() > 1 && self.held.front().is_some_and(|block| over(block, self.next)) {
            self.held.pop_front();
        }
    }
}

/// Decodes a file from a sample on, as long as what is made of it is wanted.
fn decode(path: &Path, tick: i64, mut sent: impl FnMut(Block) -> bool) -> Result<(), PcmError> {
    let mut reader = PcmReader::open_at(path, tick)?;
    while let Some(block) = reader.next_block()? {
        if !sent(Block { tick: block.tick, samples: block.samples.to_vec() }) {
            break;
        }
    }
    Ok(())
}
