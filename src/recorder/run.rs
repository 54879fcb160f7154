//! One recording from its start to its end: opens the sources, makes the folder and the log, starts the threads, and waits for them.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::bounded;
use serde_json::{Value, json};

use super::context::Running;
use super::encode::{EncodeStage, Queues};
use super::error::RecordError;
use super::folder::{Folder, begin_log, discard, make_folder};
use super::lanes::{Lane, Lanes};
use super::opening::{self, OpenedInputs, Promises, StartingInput};
use super::options::RecordOptions;
use super::parts::{Common, Parts};
use super::produced::Produced;
use super::queues::{CLOSE_LIMIT, GRACE, INPUTS, NOTES, PACKETS, UNITS};
use super::seams::Seams;
use super::sound::{OpenedSound, SoundStage, StartingSound};
use super::status::{Counters, Status};
use super::stop::{Stop, spawn};
use super::{disk, facts, failure, inputs, prepare, screen, sequence, sign, sound, stills};
use crate::base::event::{Stream, Surface};
use crate::base::files::Pin;
use crate::base::time::Clock;
use crate::capture::sound::SoundDescription;
use crate::capture::{Facet, FacetSet, ScreenDescription, Sources};
use crate::encode::driver::Driver;
use crate::encode::encoder::VideoEncoder;
use crate::encode::error::EncodeError;
use crate::encode::gop::Gop;
use crate::encode::settings::{EncodeSettings, expected_kbps};
use crate::log::setup::{Fact as _, HOTKEYS_KEY, SeriesFact, UNCHANGED_KEY};
use crate::log::writer::SealedLog;
use crate::log::{LogError, codec};
use crate::media::picture::Planar;
use crate::media::track::{TrackId, TrackSpec};
use crate::privacy::InForce;
use crate::session::layout;
use crate::session::loss::{MaxDropped, is_fault};

/// How often the caller hears of the progress, nanoseconds.
const STATUS_NS: i64 = 250_000_000;

/// How long after the asked duration the end is asked for here, when the screen's thread has not: it may be held up by a display that
/// is slow or floods it, and a recording must end when it was to end.
const OVERTIME: Duration = Duration::from_millis(500);

/// What became of a recording.
#[derive(Debug)]
pub struct Recorded {
    /// The closed log.
    pub log: SealedLog,
    /// Why it ended.
    pub end_reason: String,
    /// Counters at the end.
    pub status: Status,
    /// A fault ended it, or inputs were lost.
    pub faulty: bool,
    /// What kept the log from being closed; what was acknowledged before is in it and can be sealed.
    pub failure: Option<LogError>,
    /// The session's folder, as long as this lives the one that was recorded into, whatever has its name.
    pub folder: Pin,
    /// What closes and seals the parts before, where it was split and that is still being done.
    pub sealing: Option<JoinHandle<()>>,
}

/// Makes the encoder once the size of the surface is known.
pub type MakeEncoder = Box<dyn FnOnce(&EncodeSettings) -> Result<Box<dyn VideoEncoder>, EncodeError> + Send>;

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
    let counters = Arc::new(Counters::default());
    let control = options.control.clone();
    let running = Running {
        clock: Arc::clone(clock),
        stop: stop.clone(),
        control: control.clone(),
        seam: Arc::default(),
        sign: Arc::default(),
        counters: Arc::clone(&counters),
    };
    let (mut starting, mut queues) = (Vec::new(), Vec::new());
    for open in sources.inputs {
        let (inputs, queue) = bounded(INPUTS);
        starting.push(opening::start_input(open, inputs, &running)?);
        queues.push(queue);
    }
    let sounds: Vec<_> =
        sources.sounds.into_iter().map(|open| sound::start(open, &running)).collect::<Result<_, _>>()?;
    let (notes, wait_notes) = bounded(NOTES);
    let plan = options.privacy.clone();
    // Some screens know where the pointer is; where inputs are recorded, that is one.
    let (outlet, from_screen) = if starting.is_empty() {
        (None, None)
    } else {
        let (outlet, queue) = bounded(INPUTS);
        (Some(outlet), Some(queue))
    };
    let areas = Arc::default();
    let mut screen = screen::start(sources.screen, outlet, plan, notes, options.stills, Arc::clone(&areas), &running)?;
    let description = Promises::of(&options).screen(&screen.opened, stop)?;
    let options = RecordOptions { privacy: options.privacy.settled(description.masks_windows), ..options };
    let promises = Promises::of(&options);
    options.privacy.check_masks((description.surface.width, description.surface.height))?;
    let input = promises.inputs(&starting, &description, stop)?;
    let sounds = promises.sounds(sounds, &options.sound, stop)?;

    let sign = sign::show(sources.sign, &description, &areas, &running)?;
    let settings = encode_settings(&options, description.surface);
    let encoder = Driver::new(make_encoder(&settings)?);
    let format = prepare::format(&encoder)?;
    let bitrate_kbps = settings.bitrate_kbps + sounds.iter().map(|sound| sound_kbps(&sound.what)).sum::<u32>();
    disk::check_room(&options.session_dir, bitrate_kbps)?;
    if stop.is_asked() {
        return Err(RecordError::Interrupted);
    }
    let mut facts = options.facts;
    facts.push(options.privacy.to_fact(in_force(&description, input.as_ref())).entry());
    check_facts(&facts)?;
    let wanted = match &options.split {
        Some(_) => layout::part_path(&options.session_dir, 1),
        None => options.session_dir.clone(),
    };
    let Folder { path: folder, pin, above: created } = make_folder(&wanted, options.exact_name)?;
    let window =
        description.window_id.clone().filter(|_| input.as_ref().is_some_and(|input| input.facets().has(Facet::Focus)));
    let pace = screen::Pace {
        fps: options.fps,
        duration: options.duration,
        unchanged: options.unchanged,
        every_move_is_input: input.as_ref().is_some_and(OpenedInputs::has_every_move),
        format,
    };
    let session = options.session_id;
    let surface = (description.surface.width, description.surface.height);
    let coded = (settings.width, settings.height);
    let mut tracks = vec![TrackSpec::pictures(encoder.config().clone(), coded, surface, options.box_bytes)];
    for (id, sound) in SOUND_TRACKS.into_iter().zip(&sounds) {
        let shape = (sound.what.rate, sound.what.channels);
        tracks.push(TrackSpec::sound(id, sound.encoder.config(), shape, options.box_bytes));
    }
    if !options.hotkeys.is_empty() && input.is_some() {
        let names: Vec<_> = options.hotkeys.iter().map(|(action, _)| action.name()).collect();
        facts.push((HOTKEYS_KEY.into(), json!(names)));
    }
    let inputs = inputs::Inputs::new(description.surface, options.privacy.keys, window, options.hotkeys);
    facts.extend(facts::start_facts(&description, input.as_ref(), &inputs, &encoder, &settings, clock.name()));
    facts.extend(facts::sound_facts(&sounds));
    facts.push((UNCHANGED_KEY.into(), json!(options.unchanged.name())));
    facts.extend(facts::stills_fact(options.stills));
    facts.extend(sign.as_ref().map(|sign| sign.fact.entry()));
    if options.split.is_some() {
        let series = SeriesFact { part_of: Some(session.to_string()), index: Some(1), ..SeriesFact::default() };
        facts.push(series.entry());
    }
    let begin = clock.now();
    let begun = begin_log(&folder, session, &tracks, bitrate_kbps, &facts, clock);
    let (log, watch) = begun.inspect_err(|_| discard(&folder, &created))?;
    control.set_still_frames(options.stills.frames);
    if options.split.is_some() {
        control.set_no_stills();
        counters.part.store(1, Ordering::SeqCst);
    }
    control.set_records_input(input.is_some());
    control.set_records_sound(!sounds.is_empty());
    counters.sounds.store(sounds.len() as u64, Ordering::Relaxed);
    control.set_running(true);
    started(&folder, &description);

    let mut threads: Vec<JoinHandle<()>> = Vec::new();
    let (units, wait_units) = bounded(UNITS);
    let encode_thread = match screen.pictures() {
        Some((pictures, pool)) => {
            let (gop, buffers) = (Gop::new(settings.gop_ns, settings.fps), (format, (settings.width, settings.height)));
            let back = screen.stills().unwrap_or_else(|| bounded(0).0);
            let (writer, stills) = stills::Writer::new(&folder, surface, back, (&counters, stop));
            threads.push(writer.start()?);
            let queues = Queues { pictures, pool, units, stills };
            Some(EncodeStage::new(encoder, gop, buffers, options.taps, queues, &running).start(&running)?)
        }
        None => None,
    };
    let (news, wait_sounds) = bounded(PACKETS);
    let mut sound_sources = Vec::new();
    let mut priming = Vec::new();
    for (id, OpenedSound { what, encoder, starting }) in SOUND_TRACKS.into_iter().zip(sounds) {
        priming.push((id, i64::from(encoder.config().priming()) * 1_000_000_000 / i64::from(what.rate.max(1))));
        let ends = (starting.queue(), news.clone());
        threads.push(SoundStage::new(id, &what, encoder, ends, &running).start()?);
        sound_sources.push(starting);
    }
    drop(news);
    let (watches, wait_watches) = bounded(1);
    let (mut parts, part_queues) = match options.split {
        Some(split) => {
            let common = Common { base: options.session_dir, facts, tracks, bitrate_kbps };
            let (parts, queues) = Parts::new(common, split, (folder.clone(), pin, session), watches, &running)?;
            (PartsOrPin::Parts(Box::new(parts)), Some(queues))
        }
        None => (PartsOrPin::Pin(pin), None),
    };
    let input_fact = input.as_ref().map(facts::input_fact);
    let seams = Seams::new(part_queues, input_fact, description.surface, priming);
    let sequence = sequence::Sequence::new(log, inputs, options.stills, seams, &running);
    let takes = |at: usize| {
        let source = input.as_ref().and_then(|input| input.sources[at].as_ref());
        source.map_or(FacetSet::NONE, |(_, own)| *own)
    };
    // A screen that hands in nothing is nothing to wait for.
    let hands_in = input.as_ref().is_some_and(|input| input.sources.len() > queues.len());
    queues.extend(from_screen.filter(|_| hands_in));
    let lanes = Lanes::new(queues.into_iter().enumerate().map(|(at, queue)| Lane::new(queue, takes(at))).collect());
    let initial = input.map(|input| (input.at, input.initial));
    let sequence_thread = spawn("sequence", Stream::Log, stop, {
        let (stop, control) = (stop.clone(), control.clone());
        let queues = Produced { units: wait_units, notes: wait_notes, sounds: wait_sounds };
        move || sequence.run(initial.as_ref(), lanes, &queues, &stop, &control)
    })?;
    screen.go(pace);
    let input_threads = starting.into_iter().map(StartingInput::go);
    threads.extend(input_threads.chain(sound_sources.into_iter().map(StartingSound::go)));
    let watching = watch.start(Arc::clone(&counters), wait_watches, stop)?;

    let wall = crate::base::time::SystemClock;
    let mut next = wall.now();
    let mut limit = None;
    let overtime = pace.duration.map(|duration| duration + OVERTIME);
    while !sequence_thread.is_finished() {
        if wall.now() >= next {
            status(control.publish(counters.status(clock.now().since(begin))));
            next = wall.now().plus(Duration::from_nanos(STATUS_NS as u64));
        }
        if let PartsOrPin::Parts(parts) = &mut parts {
            parts.turn();
        }
        if overtime.is_some_and(|overtime| clock.now().since(begin) > overtime) {
            stop.ask("duration");
        }
        if stop.is_asked() && wall.now() > *limit.get_or_insert_with(|| wall.now().plus(GRACE + CLOSE_LIMIT)) {
            let (path, to_seal) = match &parts {
                PartsOrPin::Parts(parts) => parts.unsealed(),
                PartsOrPin::Pin(_) => (folder.clone(), folder),
            };
            return Err(RecordError::Stuck { path, to_seal });
        }
        wall.sleep_until(wall.now().plus(Duration::from_millis(20)));
    }
    control.set_running(false);
    let (folder, pin, sealing) = match parts {
        PartsOrPin::Parts(parts) => parts.end(),
        PartsOrPin::Pin(pin) => (folder, pin, None),
    };
    let elapsed = clock.now().since(begin);
    // The log is closed.
    threads.extend([screen.thread(), encode_thread].into_iter().flatten());
    threads.push(watching);
    let_end(threads);
    // Nothing is recorded any more.
    drop(sign);
    let ended = sequence_thread.join().unwrap_or_else(|_panic| failure::panicked(&folder, &counters));
    let status = control.publish(counters.status(elapsed));
    let end_reason = stop.reason();
    let faulty = stop.failure().is_some()
        || [&counters.lost_inputs, &counters.lost_sound, &counters.suspended]
            .iter()
            .any(|n| n.load(Ordering::Relaxed) > 0)
        || is_fault(&end_reason);
    Ok(Recorded { log: ended.log, end_reason, status, faulty, failure: ended.failure, folder: pin, sealing })
}

impl Recorded {
    /// Whether a fault ended it, inputs were lost, or more frames were dropped than may be: exit code 3.
    pub fn is_lossy(&self, max_dropped: MaxDropped) -> bool {
        self.faulty || max_dropped.is_passed(self.status.dropped, self.status.due)
    }
}

/// Tracks of sound, in the order of their sources.
const SOUND_TRACKS: [TrackId; 2] = [TrackId::SOUND, TrackId::MICROPHONE];

/// What sound takes of the disk at the most, kilobits per second: that of 16 bits which are stored as they are.
fn sound_kbps(what: &SoundDescription) -> u32 {
    what.rate.saturating_mul(u32::from(what.channels)) / 1000 * 16
}

fn encode_settings(options: &RecordOptions, surface: Surface) -> EncodeSettings {
    let (width, height) = Planar::coded_size(surface.width, surface.height);
    EncodeSettings {
        width,
        height,
        fps: options.fps,
        bitrate_kbps: options
            .bitrate_kbps
            .unwrap_or_else(|| expected_kbps((width, height), options.fps, options.sampling)),
        gop_ns: options.gop_ns,
        quality: options.quality,
        sampling: options.sampling,
    }
}

/// Refuses what a person asks to be said of the recording and the log has no room for: it would be left out.
fn check_facts(facts: &[(String, Value)]) -> Result<(), RecordError> {
    for (key, value) in facts {
        let bytes = value.to_string().len();
        if bytes > codec::MAX_FACT {
            return Err(RecordError::FactTooLong { key: key.clone(), bytes });
        }
    }
    Ok(())
}

/// The parts of a recording that is split, or the folder of one that is not.
enum PartsOrPin {
    Parts(Box<Parts>),
    Pin(Pin),
}

/// What of the privacy plan the sources can hold.
fn in_force(screen: &ScreenDescription, input: Option<&OpenedInputs>) -> InForce {
    let facets = input.map_or(FacetSet::NONE, OpenedInputs::facets);
    InForce {
        surface: (screen.surface.width, screen.surface.height),
        masks_windows: screen.masks_windows,
        names_programs: screen.names_programs,
        input: input.is_some(),
        hides_secrets: facets.has(Facet::Redaction),
        tells_focus: facets.has(Facet::Focus),
        only_with_focus: facets.has(Facet::Focus) && screen.window_id.is_some(),
    }
}

/// Waits for threads whose work is over. One that hangs in its system is left behind after [`GRACE`]; it holds nothing that is still
/// needed.
fn let_end(threads: Vec<JoinHandle<()>>) {
    let wall = crate::base::time::SystemClock;
    let grace = wall.now().plus(GRACE);
    for thread in threads {
        while !thread.is_finished() && wall.now() < grace {
            wall.sleep_until(wall.now().plus(Duration::from_millis(5)));
        }
        if thread.is_finished() && thread.join().is_err() {
            tracing::error!("a thread of the recording panicked");
        }
    }
}
