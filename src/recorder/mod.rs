//! Records: four threads behind bounded queues, and one loop that puts everything in order.
//!
//! ```text
//! screen ──grab, convert──> [PICTURES] ──> encoder ──> [UNITS] ──┐
//!                                                                ├──> sequence: number, append, commit ──> log
//! input ────────────────────────────────> [INPUTS] ─────────────┘
//! ```
//!
//! Sources and encoder only produce; [`sequence`] numbers and appends, so order is a fact of the log. What does not fit into a
//! queue is dropped where it arises, counted, and written as a gap. Pictures are converted in the thread that grabs them:
//! the shared memory of the screen is free again after 0.3 ms, and 3 MB cross to the encoder instead of 8.

mod chords;
mod control;
mod disk;
mod failure;
mod inputs;
mod masking;
mod pauses;
mod picture;
mod sequence;

pub use control::{Control, OrderError, Way};

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use serde_json::{Value, json};

use crate::capture::{
    CaptureError, InitialState, InputDescription, InputSink, OpenInput, ScreenDescription, Sources, StampedInput,
    StopFlag,
};
use crate::encode::{EncodeError, EncodeSettings, I420, Quality, VideoEncoder};
use crate::event::{Event, Stream};
use crate::hotkeys::Hotkeys;
use crate::id::SessionId;
use crate::log::lock::LogLock;
use crate::log::writer::{LogWriter, SealedLog};
use crate::log::{LogError, LogPaths};
use crate::privacy::{InForce, Plan};
use crate::time::{Clock, MonoNs};

/// Pictures that wait for the encoder: 8 x 3.1 MB at 1080p; at 60 fps the encoder may stall for 130 ms, which other programs on a
/// machine of two cores do to it.
const PICTURES: usize = 8;
/// Pictures in all: those that wait, one being filled, one being encoded and the one that a repeat needs.
const PICTURE_POOL: usize = PICTURES + 3;
/// Access units that wait to be appended: at 60 fps the disk may stall for half a second before frames are dropped.
const UNITS: usize = 30;
/// Inputs that wait to be appended, about 100 bytes each: at 1000 Hz the disk may stall for a minute before one is dropped.
const INPUTS: usize = 65_536;
/// Notes of the screen's thread (gaps, moved surface): a few per second at the worst.
const NOTES: usize = 1024;
/// How often the caller hears of the progress, nanoseconds.
const STATUS_NS: i64 = 250_000_000;

/// How long sources may take to end once the end was asked for: one that hangs in its system must not keep the log from being
/// closed within two seconds.
pub(crate) const GRACE: Duration = Duration::from_secs(1);

/// How long the log may take to be closed once the sources have ended: a slow disk may have seconds of writing to sync, one that
/// does not answer must not keep the process for ever.
const CLOSE_LIMIT: Duration = Duration::from_secs(30);

/// What is done with an unchanged picture.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Unchanged {
    /// A frame is stored, flagged `dup=1`: the cadence stays even.
    #[default]
    Repeat,
    /// No frame is stored; how many is counted.
    Skip,
}

/// What to record, and how.
pub struct RecordOptions {
    /// The session's folder: made by the recorder, after the sources have opened. Gets a numeric suffix when taken.
    pub session_dir: PathBuf,
    /// The name was chosen by the person: an existing folder is an error instead.
    pub exact_name: bool,
    /// The session's id.
    pub session_id: SessionId,
    /// Frames per second.
    pub fps: u32,
    /// Kilobits per second; `None` chooses by size and rate ([`default_bitrate_kbps`]).
    pub bitrate_kbps: Option<u32>,
    /// Longest time between two IDRs, nanoseconds.
    pub gop_ns: i64,
    /// Time against picture.
    pub quality: Quality,
    /// Stop by itself after this long.
    pub duration: Option<Duration>,
    /// What is done with an unchanged picture.
    pub unchanged: Unchanged,
    /// Size of the video file's boxes, bytes.
    pub box_bytes: u64,
    /// Streams that may be missing (`--allow-missing`).
    pub allow_missing: Vec<String>,
    /// What is kept out of the recording.
    pub privacy: Plan,
    /// Chords that pause, mark or stop it, as far as keys are recorded.
    pub hotkeys: Hotkeys,
    /// Facts for the log, in order; the consent comes first.
    pub facts: Vec<(String, Value)>,
    /// By which it is paused, resumed and marked.
    pub control: Control,
}

/// The bit rate when none was asked for: 0.075 bit per pixel and frame at 30 fps (4.7 Mbit/s at 1080p30), growing with the
/// square root of the rate since neighbouring frames differ less; at least 500 kbit/s.
pub fn default_bitrate_kbps(width: u32, height: u32, fps: u32) -> u32 {
    let pixels = f64::from(width) * f64::from(height);
    let rate = 30.0 * (f64::from(fps) / 30.0).sqrt();
    ((pixels * rate * 0.075 / 1000.0).round() as u32).clamp(500, 100_000)
}

/// How a recording goes.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Status {
    /// Time since recording began: the sources were open and the log had its first records.
    pub elapsed: Duration,
    /// Frames stored.
    pub frames: u64,
    /// Frames missed.
    pub dropped: u64,
    /// Frames that were due so far: stored, missed, skipped or still under way.
    pub due: u64,
    /// Frames not stored because nothing changed.
    pub skipped: u64,
    /// Input events appended.
    pub events: u64,
    /// Bytes of the video.
    pub video_bytes: u64,
    /// Records appended.
    pub records: u64,
    /// Bytes that can still be recorded until the disk ends the recording; `None` while that is not known.
    pub disk_left: Option<u64>,
    /// Bytes a second that the recording takes of the disk, measured.
    pub disk_rate: u64,
    /// Nothing is taken at the moment.
    pub paused: bool,
    /// Consent to the input was taken back: none is taken any more.
    pub input_withdrawn: bool,
}

/// Counters that the threads keep and anybody may read.
#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) frames: AtomicU64,
    pub(crate) dropped: AtomicU64,
    pub(crate) skipped: AtomicU64,
    pub(crate) events: AtomicU64,
    pub(crate) video_bytes: AtomicU64,
    pub(crate) records: AtomicU64,
    pub(crate) lost_inputs: AtomicU64,
    /// Deadlines of frames that have come: each is a frame, a drop, or a frame that was skipped as unchanged.
    pub(crate) due: AtomicU64,
    /// Times that the machine slept.
    pub(crate) suspended: AtomicU64,
    /// Bytes that sealing needs.
    pub(crate) to_seal: AtomicU64,
    /// Bytes until the disk ends the recording; 0 also before the first look.
    pub(crate) disk_left: AtomicU64,
    /// Bytes a second, measured; 0 before the first look.
    pub(crate) disk_rate: AtomicU64,
}

impl Counters {
    /// Frames that were due and became neither frames nor drops: they were under way when a part failed. They count as
    /// dropped from now on.
    pub(crate) fn take_missing_frames(&self) -> u64 {
        let known = [&self.frames, &self.dropped, &self.skipped].map(|n| n.load(Ordering::SeqCst)).iter().sum();
        let missing = self.due.load(Ordering::SeqCst).saturating_sub(known);
        self.dropped.fetch_add(missing, Ordering::SeqCst);
        missing
    }

    fn status(&self, elapsed: Duration) -> Status {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let disk_rate = read(&self.disk_rate);
        Status {
            elapsed,
            frames: read(&self.frames),
            dropped: read(&self.dropped),
            due: read(&self.due),
            skipped: read(&self.skipped),
            events: read(&self.events),
            video_bytes: read(&self.video_bytes),
            records: read(&self.records),
            disk_left: (disk_rate > 0).then(|| read(&self.disk_left)),
            disk_rate,
            paused: false,
            input_withdrawn: false,
        }
    }
}

/// Ends a recording, from wherever: the first reason stands.
#[derive(Clone, Default)]
pub struct Stop {
    flag: StopFlag,
    /// Set with `flag`, or before it when only the input ends.
    input: StopFlag,
    reason: Arc<Mutex<Option<String>>>,
    failure: Arc<Mutex<Option<(Stream, String)>>>,
}

impl Stop {
    /// Not asked for yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for the end, with a reason as a word in `snake_case`.
    pub fn ask(&self, reason: &str) {
        let mut first = self.reason.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert_with(|| reason.to_owned());
        drop(first);
        self.flag.set();
        self.input.set();
    }

    /// Ends the input; the screen goes on.
    pub(crate) fn close_input(&self) {
        self.input.set();
    }

    /// Asks for the end because a stream failed: the recording is not whole.
    pub(crate) fn fail(&self, stream: Stream, reason: &str) {
        let mut first = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert_with(|| (stream, reason.to_owned()));
        drop(first);
        self.ask(reason);
    }

    /// The stream that failed first, and why.
    pub(crate) fn failure(&self) -> Option<(Stream, String)> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the end was asked for.
    pub fn is_asked(&self) -> bool {
        self.flag.is_set()
    }

    /// The flag that the input source looks at.
    pub(crate) fn input_flag(&self) -> &StopFlag {
        &self.input
    }

    fn reason(&self) -> String {
        self.reason.lock().unwrap_or_else(PoisonError::into_inner).clone().unwrap_or_else(|| "sources_ended".into())
    }
}

/// What became of a recording.
#[derive(Debug)]
pub struct Recorded {
    /// The closed log.
    pub log: SealedLog,
    /// Why it ended.
    pub end_reason: String,
    /// Counters at the end.
    pub status: Status,
    /// Something failed, was dropped or lost: exit code 3.
    pub lossy: bool,
    /// What kept the log from being closed; what was acknowledged before is in it and can be sealed.
    pub failure: Option<LogError>,
}

/// Why a recording could not start, or could not be closed.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// A source could not be opened.
    #[error("cannot record the {stream}: {source}", stream = stream.name())]
    Source {
        /// Which stream.
        stream: Stream,
        /// Why not.
        source: CaptureError,
    },
    /// Promised streams are missing.
    #[error("the {backend} input backend does not report {what}")]
    Missing {
        /// The backend.
        backend: String,
        /// What it lacks, with commas.
        what: String,
    },
    /// Windows that must not be seen cannot be masked.
    #[error("the {backend} screen backend cannot tell where notifications and excluded windows are")]
    NoMasks {
        /// The backend.
        backend: String,
    },
    /// The encoder could not be opened.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The log could not be written.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The disk has not enough room to begin.
    #[error(
        "only {:.1} MB are free in {}; {:.1} MB are needed to begin, so that the recording can be ended and sealed",
        *free_bytes as f64 / 1e6,
        path.display(),
        *needed_bytes as f64 / 1e6
    )]
    NoRoom {
        /// Where.
        path: PathBuf,
        /// Free, bytes.
        free_bytes: u64,
        /// Needed for the end of the recording and for sealing it, bytes.
        needed_bytes: u64,
    },
    /// The disk does not answer, so that the log cannot be closed; what was acknowledged before is in it.
    #[error("the disk has not answered for {} seconds: the log in {path} could not be closed", CLOSE_LIMIT.as_secs(), path = path.display())]
    Stuck {
        /// The session's folder.
        path: PathBuf,
    },
    /// Somebody records into the folder.
    #[error("{path} is being recorded into: {holder}", path = path.display())]
    InUse {
        /// Which.
        path: PathBuf,
        /// Who, since when.
        holder: String,
    },
    /// The session's folder could not be made.
    #[error("cannot create {path}: {source}", path = path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The end was asked for before recording began.
    #[error("stopped before anything was recorded")]
    Interrupted,
    /// The system refused a thread.
    #[error("cannot start a thread: {source}")]
    Thread {
        /// What the system said.
        source: std::io::Error,
    },
}

impl RecordError {
    /// What the person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Source { source, .. } => source.hint(),
            Self::Missing { what, .. } => Some(format!("go on without it with --allow-missing {what}")),
            Self::NoMasks { .. } => Some("record them unmasked with --allow-missing masks".into()),
            Self::Encode(error) => error.hint(),
            Self::Log(error) => error.hint(),
            Self::Stuck { path } => {
                Some(format!("what was acknowledged is kept; seal it with: watchcap finalize {}", path.display()))
            }
            Self::NoRoom { .. } => Some("free some space, or choose another disk with --out".into()),
            Self::InUse { .. } => Some("choose another name with --session".into()),
            Self::Folder { source, .. } => match source.kind() {
                std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => {
                    Some("the folder given with --out must exist".into())
                }
                std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
                    Some("choose a folder that can be written with --out".into())
                }
                std::io::ErrorKind::AlreadyExists => Some("choose another name with --session".into()),
                _ => None,
            },
            Self::Interrupted | Self::Thread { .. } => None,
        }
    }
}

/// Makes the encoder once the size of the surface is known.
pub type MakeEncoder = Box<dyn FnOnce(&EncodeSettings) -> Result<Box<dyn VideoEncoder>, EncodeError> + Send>;

/// What the screen's thread hands to the sequence beside pictures.
pub(crate) enum Note {
    /// An event of the screen (gap, moved surface) and its time.
    Event(MonoNs, Event),
}

/// A picture on its way to the encoder.
pub(crate) struct Picture {
    t: MonoNs,
    capture_us: u32,
    convert_us: u32,
    /// `None`: the same as the one before.
    image: Option<I420>,
    /// The first after a pause: decoding can begin with it.
    restart: bool,
}

/// An access unit on its way to the log.
pub(crate) struct Unit {
    t: MonoNs,
    frame_ref: u64,
    bytes: Vec<u8>,
    keyframe: bool,
    duplicate: bool,
    capture_us: u32,
    encode_us: u32,
}

struct OpenedInput {
    description: InputDescription,
    initial: InitialState,
    /// Before it was opened: no input of it is earlier.
    at: MonoNs,
}

/// The input's thread, which opens its source and then waits for `go`.
struct StartingInput {
    opened: Receiver<Result<OpenedInput, CaptureError>>,
    go: Sender<()>,
    thread: JoinHandle<()>,
}

/// Ends the recording when the thread it lives in panics.
struct PanicGuard(Stop, Stream);

impl Drop for PanicGuard {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.fail(self.1, "panic");
        }
    }
}

fn spawn<T: Send + 'static>(
    name: &str,
    stream: Stream,
    stop: &Stop,
    body: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, RecordError> {
    let guard = PanicGuard(stop.clone(), stream);
    let guarded = move || {
        let _guard = guard;
        body()
    };
    Builder::new().name(name.into()).spawn(guarded).map_err(|source| RecordError::Thread { source })
}

/// Ends the recording because a source is gone. A window that was closed is a normal end; anything else is a failure.
pub(crate) fn source_ended(stop: &Stop, stream: Stream, error: &CaptureError) {
    match error {
        CaptureError::Gone { what: "window", .. } => stop.ask("window_closed"),
        CaptureError::Gone { what: "display", .. } => stop.fail(stream, "display_gone"),
        CaptureError::Gone { .. } => stop.fail(stream, "source_gone"),
        _ => stop.fail(stream, "capture_failed"),
    }
}

/// Waits for a source to open, as long as the end is not asked for.
fn wait_opened<T>(
    opened: &Receiver<Result<T, CaptureError>>,
    stream: Stream,
    stop: &Stop,
) -> Result<Result<T, CaptureError>, RecordError> {
    loop {
        match opened.recv_timeout(Duration::from_millis(50)) {
            Ok(result) => return Ok(result),
            Err(RecvTimeoutError::Disconnected) => return Err(died(stream)),
            Err(RecvTimeoutError::Timeout) if stop.is_asked() => return Err(RecordError::Interrupted),
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

/// Opens the input in its own thread; the thread waits for `go` before it runs the source.
fn start_input(
    open: OpenInput,
    queue: Sender<StampedInput>,
    clock: Arc<dyn Clock>,
    stop: Stop,
) -> Result<StartingInput, RecordError> {
    let (opened, wait_opened) = bounded(1);
    let (go, wait_go) = bounded::<()>(1);
    let (asked, at) = (stop.clone(), clock.now());
    let thread = spawn("input", Stream::Input, &asked, move || {
        let source = match open() {
            Ok(source) => source,
            Err(error) => {
                drop(opened.send(Err(error)));
                return;
            }
        };
        let told = opened.send(Ok(OpenedInput { description: source.describe(), initial: source.initial(), at }));
        if told.is_err() || wait_go.recv().is_err() {
            return;
        }
        let sink = InputSink::new(queue);
        if let Err(error) = source.run(&sink, stop.input_flag()) {
            tracing::error!(%error, "the input ended");
            source_ended(&stop, Stream::Input, &error);
        }
        sink.report_rest(clock.now());
    })?;
    Ok(StartingInput { opened: wait_opened, go, thread })
}

fn source_error(stream: Stream) -> impl FnOnce(CaptureError) -> RecordError {
    move |source| RecordError::Source { stream, source }
}

fn died(stream: Stream) -> RecordError {
    let source = CaptureError::System { what: "opening the source", detail: "its thread ended".into() };
    RecordError::Source { stream, source }
}

/// Checks that what recordings promise is there, or was allowed to be missing.
fn check_promises(
    input: &InputDescription,
    needs_redaction: bool,
    allow_missing: &[String],
) -> Result<(), RecordError> {
    let promised = [
        ("keys", input.keys),
        ("buttons", input.buttons),
        ("wheel", input.wheel),
        ("motion", input.relative_motion),
        ("position", input.position),
        ("focus", input.focus),
        ("redaction", input.tells_secrets || !needs_redaction),
    ];
    let missing: Vec<&str> = promised
        .into_iter()
        .filter(|(what, there)| !there && !allow_missing.iter().any(|allowed| allowed == what))
        .map(|(what, _)| what)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(RecordError::Missing { backend: input.backend.clone(), what: missing.join(",") })
}

/// Makes the session's folder, with a numeric suffix when the name is taken.
fn make_folder(wanted: &Path, exact: bool) -> Result<PathBuf, RecordError> {
    for n in 1..1000u32 {
        let path = if n == 1 {
            wanted.to_path_buf()
        } else {
            let mut name = wanted.file_name().unwrap_or_default().to_os_string();
            name.push(format!("_{n}"));
            wanted.with_file_name(name)
        };
        match crate::files::create_private_dir(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && !exact => {}
            Err(source) => {
                return Err(match LogLock::holder(&LogPaths::of(&path).lock) {
                    Some(holder) => RecordError::InUse { path, holder },
                    None => RecordError::Folder { path, source },
                });
            }
        }
    }
    let source = std::io::Error::from(std::io::ErrorKind::AlreadyExists);
    Err(RecordError::Folder { path: wanted.to_path_buf(), source })
}

/// Records until the end is asked for, or a source ends, and closes the log.
///
/// Nothing is created before the sources are open. `started` is told the session's folder once, before the first frame;
/// `status` is called four times a second.
///
/// # Errors
/// [`RecordError`] when it cannot start or the log cannot be closed; what was acknowledged can be finalized even then.
pub fn record(
    options: RecordOptions,
    sources: Sources,
    make_encoder: MakeEncoder,
    clock: &Arc<dyn Clock>,
    stop: &Stop,
    started: impl FnOnce(&Path, &ScreenDescription),
    mut status: impl FnMut(Status),
) -> Result<Recorded, RecordError> {
    let (inputs, wait_inputs) = bounded(INPUTS);
    let input = sources.input.map(|open| start_input(open, inputs, Arc::clone(clock), stop.clone())).transpose()?;
    let (notes, wait_notes) = bounded(NOTES);
    let counters = Arc::new(Counters::default());
    let control = options.control;
    let plan = options.privacy.clone();
    let mut screen =
        picture::start(sources.screen, plan, notes, Arc::clone(&counters), Arc::clone(clock), stop, control.clone())?;

    let description = wait_opened(&screen.opened, Stream::Screen, stop)?.map_err(source_error(Stream::Screen))?;
    let allowed = |what: &str| options.allow_missing.iter().any(|allowed| allowed == what);
    if options.privacy.masks_windows() && !description.masks_windows && !allowed("masks") {
        return Err(RecordError::NoMasks { backend: description.backend });
    }
    if options.privacy.masks_windows() && !description.masks_windows {
        tracing::warn!(
            "notifications and excluded windows are recorded as they are: the screen backend cannot mask them"
        );
    }
    let mut input_thread = None;
    let mut opened_input = None;
    if let Some(StartingInput { opened, go, thread }) = input {
        match wait_opened(&opened, Stream::Input, stop)? {
            Ok(opened) => {
                let needs_redaction = options.privacy.masks_windows();
                check_promises(&opened.description, needs_redaction, &options.allow_missing)?;
                if needs_redaction && !opened.description.tells_secrets {
                    tracing::warn!("what is typed into excluded windows is recorded: the input backend cannot tell");
                }
                opened_input = Some(opened);
                input_thread = Some((go, thread));
            }
            Err(error) if allowed("input") => {
                tracing::warn!(%error, "input is not recorded");
            }
            Err(error) => return Err(source_error(Stream::Input)(error)),
        }
    }

    let surface = description.surface;
    let (width, height) = I420::coded_size(surface.width, surface.height);
    let settings = EncodeSettings {
        width,
        height,
        fps: options.fps,
        bitrate_kbps: options.bitrate_kbps.unwrap_or_else(|| default_bitrate_kbps(width, height, options.fps)),
        gop_ns: options.gop_ns,
        quality: options.quality,
    };
    let encoder = make_encoder(&settings)?;

    let needed = disk::needed_to_begin(settings.bitrate_kbps);
    let out = options.session_dir.parent().filter(|path| !path.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match fs4::available_space(out) {
        Ok(free) if free < needed => {
            return Err(RecordError::NoRoom { path: out.to_path_buf(), free_bytes: free, needed_bytes: needed });
        }
        // What is wrong with the folder is said when the session's is made in it.
        _ => {}
    }
    if stop.is_asked() {
        return Err(RecordError::Interrupted);
    }
    let folder = make_folder(&options.session_dir, options.exact_name)?;
    let mut facts = options.facts;
    let follows_focus = opened_input.as_ref().is_some_and(|opened| opened.description.focus);
    let in_force = InForce {
        surface: (surface.width, surface.height),
        masks_windows: description.masks_windows,
        input: opened_input.is_some(),
        hides_secrets: opened_input.as_ref().is_some_and(|opened| opened.description.tells_secrets),
        only_with_focus: follows_focus && description.window_id.is_some(),
    };
    facts.push(("privacy".into(), options.privacy.to_fact(in_force)));
    let window = description.window_id.clone().filter(|_| follows_focus);
    if !options.hotkeys.is_empty() && opened_input.is_some() {
        let names: Vec<_> = options.hotkeys.iter().map(|(action, _)| action.name()).collect();
        facts.push(("hotkeys".into(), json!(names)));
    }
    let inputs = inputs::Inputs::new(surface, options.privacy.keys, window, options.hotkeys);
    facts.extend(sequence::start_facts(
        &description,
        opened_input.as_ref().map(|o| (&o.description, &o.initial)),
        &inputs,
        encoder.as_ref(),
        &settings,
        clock.name(),
    ));
    facts.push((
        "unchanged".into(),
        json!(match options.unchanged {
            Unchanged::Repeat => "repeat",
            Unchanged::Skip => "skip",
        }),
    ));
    let begin = clock.now();
    let begun = begin_log(&folder, options.session_id, options.box_bytes, settings.bitrate_kbps, &facts, clock);
    let (log, watch) = begun.inspect_err(|_| discard(&folder))?;
    control.set_records_input(opened_input.is_some());
    control.set_running(true);
    started(&folder, &description);

    let (units, wait_units) = bounded(UNITS);
    let encode_thread = screen.encode(encoder, units, Arc::clone(clock), stop.clone())?;
    let sequence = sequence::Sequence::new(log, inputs, Arc::clone(clock), Arc::clone(&counters));
    let initial = opened_input.map(|o| (o.at, o.initial));
    let sequence_thread = spawn("sequence", Stream::Log, stop, {
        let (stop, control) = (stop.clone(), control.clone());
        move || sequence.run(initial.as_ref(), &wait_inputs, &wait_units, &wait_notes, &stop, &control)
    })?;
    screen.go(picture::Pace { fps: options.fps, duration: options.duration, unchanged: options.unchanged });
    if let Some((go, _)) = &input_thread
        && go.send(()).is_err()
    {
        tracing::debug!("the input's thread has ended already");
    }

    let watching = watch.start(Arc::clone(&counters), stop)?;

    let wall = crate::time::SystemClock;
    let mut next = wall.now();
    let mut limit = None;
    while !sequence_thread.is_finished() {
        if wall.now() >= next {
            status(control.publish(counters.status(clock.now().since(begin))));
            next = wall.now().plus(Duration::from_nanos(STATUS_NS as u64));
        }
        if stop.is_asked() && wall.now() > *limit.get_or_insert_with(|| wall.now().plus(GRACE + CLOSE_LIMIT)) {
            return Err(RecordError::Stuck { path: folder });
        }
        wall.sleep_until(wall.now().plus(Duration::from_millis(20)));
    }
    control.set_running(false);
    let elapsed = clock.now().since(begin);
    // The log is closed. A thread that hangs in its system is left behind; it holds nothing that is still needed.
    let grace = wall.now().plus(GRACE);
    let others = [screen.thread(), Some(encode_thread), input_thread.map(|(_, thread)| thread), Some(watching)];
    for thread in others.into_iter().flatten() {
        while !thread.is_finished() && wall.now() < grace {
            wall.sleep_until(wall.now().plus(Duration::from_millis(5)));
        }
        if thread.is_finished() && thread.join().is_err() {
            tracing::error!("a thread of the recording panicked");
        }
    }
    let ended = sequence_thread.join().unwrap_or_else(|_panic| failure::panicked(&folder, &counters));
    let status = control.publish(counters.status(elapsed));
    let end_reason = stop.reason();
    let lossy = stop.failure().is_some()
        || [&counters.dropped, &counters.lost_inputs, &counters.suspended]
            .iter()
            .any(|n| n.load(Ordering::Relaxed) > 0)
        || matches!(end_reason.as_str(), "disk_full" | "file_too_large");
    Ok(Recorded { log: ended.log, end_reason, status, lossy, failure: ended.failure })
}

/// Begins the log: its facts are in the database when this returns, and the room for sealing it is kept.
fn begin_log(
    folder: &Path,
    session: SessionId,
    box_bytes: u64,
    bitrate_kbps: u32,
    facts: &[(String, Value)],
    clock: &Arc<dyn Clock>,
) -> Result<(LogWriter, disk::Watch), LogError> {
    let mut log = LogWriter::create(folder, session, box_bytes, Arc::clone(clock))?;
    let watch = disk::Watch::begin(folder, bitrate_kbps)?;
    let now = clock.now();
    for (key, value) in facts {
        sequence::append_fact(&mut log, now, key, value)?;
    }
    log.commit_facts()?;
    Ok((log, watch))
}

/// Removes the folder of a session that could not be begun: there is nothing in it.
fn discard(folder: &Path) {
    if let Err(error) = std::fs::remove_dir_all(folder) {
        tracing::warn!(%error, "the folder of the session that could not be begun is left behind");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_rate_grows_with_size_and_slower_with_frames() {
        assert_eq!(default_bitrate_kbps(1920, 1080, 30), 4666);
        assert_eq!(default_bitrate_kbps(1920, 1080, 60), 6598);
        assert_eq!(default_bitrate_kbps(64, 64, 30), 500);
    }

    #[test]
    fn the_first_reason_stands() {
        let stop = Stop::new();
        assert!(!stop.is_asked());
        stop.ask("sigint");
        stop.fail(Stream::Screen, "display_gone");
        assert_eq!(stop.reason(), "sigint");
        assert_eq!(stop.failure(), Some((Stream::Screen, "display_gone".into())));
        assert!(stop.is_asked() && stop.input_flag().is_set());
    }
}
