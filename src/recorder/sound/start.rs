//! How a source of sound is opened, in its own thread, and what encodes it. Nothing is created here.

use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::base::event::Stream;
use crate::capture::CaptureError;
use crate::capture::sound::{OpenSound, SoundDescription, SoundItem, SoundSink};
use crate::encode::error::EncodeError;
use crate::encode::sound::{SoundEncoder, SoundSettings};
use crate::recorder::context::Running;
use crate::recorder::error::RecordError;
use crate::recorder::options::SoundOptions;
use crate::recorder::queues::SOUNDS;
use crate::recorder::stop::spawn;

/// The thread of a source of sound, which opens it and then waits for `go`.
pub(in crate::recorder) struct StartingSound {
    pub(in crate::recorder) opened: Receiver<Result<SoundDescription, CaptureError>>,
    queue: Receiver<SoundItem>,
    go: Sender<()>,
    thread: JoinHandle<()>,
}

/// A source of sound that is open, and what encodes it.
pub(in crate::recorder) struct OpenedSound {
    pub(in crate::recorder) what: SoundDescription,
    pub(in crate::recorder) encoder: Box<dyn SoundEncoder>,
    pub(in crate::recorder) starting: StartingSound,
}

impl StartingSound {
    /// Lets the thread begin.
    pub(in crate::recorder) fn go(self) -> JoinHandle<()> {
        if self.go.send(()).is_err() {
            tracing::debug!("the thread of the sound has ended already");
        }
        self.thread
    }

    /// Returns the queue that the source fills.
    pub(in crate::recorder) fn queue(&self) -> Receiver<SoundItem> {
        self.queue.clone()
    }
}

/// Opens a source of sound in its own thread; the thread waits for `go` before it runs the source.
pub(in crate::recorder) fn start(open: OpenSound, running: &Running) -> Result<StartingSound, RecordError> {
    let (opened, wait_opened) = bounded(1);
    let (go, wait_go) = bounded::<()>(1);
    let (items, queue) = bounded(SOUNDS);
    let stop = running.stop.clone();
    let thread = spawn("sound-source", Stream::Audio, &running.stop, move || {
        let source = match open() {
            Ok(source) => source,
            Err(error) => {
                drop(opened.send(Err(error)));
                return;
            }
        };
        if opened.send(Ok(source.describe())).is_err() || wait_go.recv().is_err() {
            return;
        }
        if let Err(error) = source.run(&SoundSink::new(items), stop.sound_flag()) {
            // The recording goes on without it; the stage tells of it.
            tracing::error!(%error, "the sound ended");
        }
    })?;
    Ok(StartingSound { opened: wait_opened, queue, go, thread })
}

/// Opens the encoder for a source.
pub(in crate::recorder) fn encoder(
    options: &SoundOptions,
    what: &SoundDescription,
) -> Result<Box<dyn SoundEncoder>, EncodeError> {
    let settings = SoundSettings { rate: what.rate, channels: what.channels, bitrate_kbps: options.bitrate_kbps };
    options.encoder.open(&settings)
}
