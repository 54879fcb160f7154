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
mod error;
mod failure;
mod inputs;
mod masking;
mod opening;
mod options;
mod pauses;
mod picture;
mod sequence;
mod status;
mod stop;

pub use control::{Control, OrderError, Way};
pub use error::RecordError;
pub use options::{RecordOptions, Unchanged, default_bitrate_kbps};
pub use status::Status;
pub use stop::Stop;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::bounded;
use serde_json::{Value, json};

use self::opening::{OpenedInput, Promises, StartingInput};
use self::status::Counters;
use self::stop::{source_ended, spawn};
use crate::capture::{ScreenDescription, Sources};
use crate::encode::{EncodeError, EncodeSettings, I420, VideoEncoder};
use crate::event::{Event, Stream, Surface};
use crate::id::SessionId;
use crate::log::lock::LogLock;
use crate::log::writer::{LogWriter, SealedLog};
use crate::log::{LogError, LogPaths};
use crate::privacy::InForce;
use crate::session::layout;
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
    let starting =
        sources.input.map(|open| opening::start_input(open, inputs, Arc::clone(clock), stop.clone())).transpose()?;
    let (notes, wait_notes) = bounded(NOTES);
    let counters = Arc::new(Counters::default());
    let control = options.control.clone();
    let plan = options.privacy.clone();
    let mut screen =
        picture::start(sources.screen, plan, notes, Arc::clone(&counters), Arc::clone(clock), stop, control.clone())?;
    let promises = Promises::of(&options);
    let description = promises.screen(&screen.opened, stop)?;
    options.privacy.check_masks((description.surface.width, description.surface.height))?;
    let input = starting.as_ref().map(|input| promises.input(input, stop)).transpose()?.flatten();

    let settings = encode_settings(&options, description.surface);
    let encoder = make_encoder(&settings)?;
    disk::check_room(&options.session_dir, settings.bitrate_kbps)?;
    if stop.is_asked() {
        return Err(RecordError::Interrupted);
    }
    let folder = make_folder(&options.session_dir, options.exact_name)?;
    let window = description.window_id.clone().filter(|_| input.as_ref().is_some_and(|input| input.description.focus));
    let pace = picture::Pace { fps: options.fps, duration: options.duration, unchanged: options.unchanged };
    let (session, box_bytes) = (options.session_id, options.box_bytes);
    let mut facts = options.facts;
    facts.push(("privacy".into(), options.privacy.to_fact(in_force(&description, input.as_ref()))));
    if !options.hotkeys.is_empty() && input.is_some() {
        let names: Vec<_> = options.hotkeys.iter().map(|(action, _)| action.name()).collect();
        facts.push(("hotkeys".into(), json!(names)));
    }
    let inputs = inputs::Inputs::new(description.surface, options.privacy.keys, window, options.hotkeys);
    facts.extend(sequence::start_facts(
        &description,
        input.as_ref().map(|input| (&input.description, &input.initial)),
        &inputs,
        encoder.as_ref(),
        &settings,
        clock.name(),
    ));
    facts.push(("unchanged".into(), json!(options.unchanged.name())));
    let begin = clock.now();
    let begun = begin_log(&folder, session, box_bytes, settings.bitrate_kbps, &facts, clock);
    let (log, watch) = begun.inspect_err(|_| discard(&folder))?;
    control.set_records_input(input.is_some());
    control.set_running(true);
    started(&folder, &description);

    let (units, wait_units) = bounded(UNITS);
    let encode_thread = screen.encode(encoder, units, Arc::clone(clock), stop.clone())?;
    let sequence = sequence::Sequence::new(log, inputs, Arc::clone(clock), Arc::clone(&counters));
    let initial = input.map(|input| (input.at, input.initial));
    let sequence_thread = spawn("sequence", Stream::Log, stop, {
        let (stop, control) = (stop.clone(), control.clone());
        move || sequence.run(initial.as_ref(), &wait_inputs, &wait_units, &wait_notes, &stop, &control)
    })?;
    screen.go(pace);
    let input_thread = starting.map(StartingInput::go);
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
    // The log is closed.
    let_end([screen.thread(), Some(encode_thread), input_thread, Some(watching)]);
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

fn encode_settings(options: &RecordOptions, surface: Surface) -> EncodeSettings {
    let (width, height) = I420::coded_size(surface.width, surface.height);
    EncodeSettings {
        width,
        height,
        fps: options.fps,
        bitrate_kbps: options.bitrate_kbps.unwrap_or_else(|| default_bitrate_kbps(width, height, options.fps)),
        gop_ns: options.gop_ns,
        quality: options.quality,
    }
}

/// Makes the session's folder, with a numeric suffix when the name is taken and not `exact`.
fn make_folder(wanted: &Path, exact: bool) -> Result<PathBuf, RecordError> {
    layout::create_session_dir(wanted, exact).map_err(|source| match LogLock::holder(&LogPaths::of(wanted).lock) {
        Some(holder) if exact => RecordError::InUse { path: wanted.to_path_buf(), holder },
        _ => RecordError::Folder { path: wanted.to_path_buf(), source },
    })
}

/// What of the privacy plan the sources can hold.
fn in_force(screen: &ScreenDescription, input: Option<&OpenedInput>) -> InForce {
    let input = input.map(|input| &input.description);
    InForce {
        surface: (screen.surface.width, screen.surface.height),
        masks_windows: screen.masks_windows,
        input: input.is_some(),
        hides_secrets: input.is_some_and(|input| input.tells_secrets),
        only_with_focus: input.is_some_and(|input| input.focus) && screen.window_id.is_some(),
    }
}

/// Waits for threads whose work is over. One that hangs in its system is left behind after [`GRACE`]; it holds nothing that is still
/// needed.
fn let_end(threads: [Option<JoinHandle<()>>; 4]) {
    let wall = crate::time::SystemClock;
    let grace = wall.now().plus(GRACE);
    for thread in threads.into_iter().flatten() {
        while !thread.is_finished() && wall.now() < grace {
            wall.sleep_until(wall.now().plus(Duration::from_millis(5)));
        }
        if thread.is_finished() && thread.join().is_err() {
            tracing::error!("a thread of the recording panicked");
        }
    }
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
