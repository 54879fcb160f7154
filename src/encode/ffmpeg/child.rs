//! One child with an encoder in it: a thread that writes pictures to it, one that reads what it makes, and bounds on waiting.

use std::ffi::OsString;
use std::io::{BufReader, Write as _};
use std::process::{ChildStdin, ChildStdout};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use super::nut::{Item, NutReader};
use crate::base::child::{Helper, Pipes, ffmpeg};
use crate::encode::masked::Masked;
use crate::encode::settings::EncodeSettings;
use crate::media::mkv;
use crate::media::picture::Sampling;

/// Pictures that wait to be written: the next one while one is written.
const PICTURES: usize = 1;
/// Packets that wait to be taken: no more than pictures are owed, and the stream header.
const PACKETS: usize = 64;
/// How long a child that owes nothing may take to end by itself.
const END: Duration = Duration::from_secs(2);

/// A picture on its way to the child.
struct Job {
    picture: Masked,
    t_us: u64,
}

/// Why the child does not go on.
pub(super) enum Gone {
    /// It has ended, or what it writes cannot be understood.
    Ended,
    /// It has not answered in time.
    Stalled,
}

/// A running child.
pub(super) struct Child {
    process: Helper,
    pictures: Option<Sender<Job>>,
    items: Receiver<Item>,
}

impl Child {
    /// Starts ffmpeg for pictures of these settings.
    ///
    /// # Errors
    /// What the system said.
    pub(super) fn start(args: &[OsString], settings: &EncodeSettings) -> std::io::Result<Self> {
        let (process, Pipes { stdin, stdout }) = Helper::start(&ffmpeg(), args)?;
        let &EncodeSettings { width, height, fps, sampling, .. } = settings;
        // As ffmpeg's list of raw formats has them (libavcodec/raw.c).
        let fourcc = match sampling {
            Sampling::Yuv420 => *b"I420",
            Sampling::Yuv444 => *b"444P",
            Sampling::Rgb => *b"G3\0\x08",
        };
        let (size, colour) = ((width, height), Some(sampling.colour()));
        let header =
            mkv::header(&mkv::Track { codec: mkv::RAW, private: &[], fourcc: Some(fourcc), size, fps, colour });
        let (pictures, jobs) = bounded(PICTURES);
        let (made, items) = bounded(PACKETS);
        let thread = |name: &str, work: Box<dyn FnOnce() + Send>| {
            std::thread::Builder::new().name(name.to_owned()).spawn(work).map(drop)
        };
        thread("to the encoder", Box::new(move || write(stdin, &header, &jobs)))?;
        thread("from the encoder", Box::new(move || read(stdout, &made)))?;
        Ok(Self { process, pictures: Some(pictures), items })
    }

    /// Hands a picture over.
    ///
    /// # Errors
    /// When the child has ended, or has not taken the one before in this time.
    pub(super) fn send(&self, picture: Masked, t_us: u64, within: Duration) -> Result<(), Gone> {
        let pictures = self.pictures.as_ref().ok_or(Gone::Ended)?;
        pictures
            .send_timeout(Job { picture, t_us }, within)
            .map_err(|error| if error.is_timeout() { Gone::Stalled } else { Gone::Ended })
    }

    /// Takes what the child has made; waits for it for at most this long, and answers `None` when nothing came and no time was given.
    ///
    /// # Errors
    /// When the child has ended, or nothing came in that time.
    pub(super) fn take(&self, within: Option<Duration>) -> Result<Option<Item>, Gone> {
        match self.items.recv_timeout(within.unwrap_or_default()) {
            Ok(item) => Ok(Some(item)),
            Err(RecvTimeoutError::Timeout) if within.is_none() => Ok(None),
            Err(RecvTimeoutError::Timeout) => Err(Gone::Stalled),
            Err(RecvTimeoutError::Disconnected) => Err(Gone::Ended),
        }
    }

    /// No picture follows: what is owed comes then.
    pub(super) fn close(&mut self) {
        self.pictures = None;
    }

    /// Ends the child, by itself where it owes nothing; returns what it said last.
    pub(super) fn end(mut self, by_itself: bool) -> String {
        self.close();
        if by_itself {
            self.process.finish(END);
        }
        self.process.end()
    }
}

fn write(mut stdin: ChildStdin, header: &[u8], jobs: &Receiver<Job>) {
    let mut written = stdin.write_all(header);
    while written.is_ok()
        && let Ok(Job { picture, t_us }) = jobs.recv()
    {
        let samples = picture.planar().data();
        let before = mkv::before_packet(t_us, true, samples.len());
        written = stdin.write_all(&before).and_then(|()| stdin.write_all(samples));
    }
    if let Err(error) = written {
        tracing::debug!(%error, "the encoder takes no more pictures");
    }
}

fn read(stdout: ChildStdout, made: &Sender<Item>) {
    let mut reader = NutReader::new(BufReader::new(stdout));
    loop {
        match reader.next() {
            Ok(Some(item)) => {
                if made.send(item).is_err() {
                    return;
                }
            }
            Ok(None) => return,
            Err(error) => return tracing::warn!(%error, "what the encoder makes cannot be read"),
        }
    }
}
