//! `watchcap sync-test`: records a window that it changes itself, and compares what was recorded with what it did.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use serde_json::json;

use super::failure::{Failure, Outcome};
use super::{record, text};
use crate::base::files;
use crate::base::time::{Clock, SystemClock};
use crate::capture::CaptureError;
use crate::capture::flash::{Flash, FlashWindow};
use crate::capture::registry;
use crate::cli::{Cli, SyncTestArgs, Verb};
use crate::config::layers::Layers;
use crate::inspect::last_sync;
use crate::inspect::sync::{Seen, Spread, SyncReport, compare};
use crate::media::frames::FrameReader;
use crate::session::layout;
use crate::session::sealed::SealedSession;
use crate::session::table::row::{OwnedRow, event_type};

/// Distance of two flashes, least and by how much it varies: so that they fall on every part of the distance of two pictures.
const EVERY: (Duration, u64) = (Duration::from_millis(150), 97);
/// How long the recording has to have begun before the first flash, and goes on behind the last one.
const MARGIN: Duration = Duration::from_millis(600);
/// How long the recording may take to begin.
const PATIENCE: Duration = Duration::from_secs(20);
/// Between two looks whether it has.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Shortest time that is measured.
const SHORTEST: Duration = Duration::from_secs(3);
/// Side of the picture of the window that is looked at: its middle is far from its edge.
const SIDE: u32 = 16;

pub(super) fn run(args: &SyncTestArgs, layers: &Layers) -> Result<Outcome, Failure> {
    if args.duration < SHORTEST {
        return Err(Failure::usage("that is too short to measure anything", "use --duration 3s or more"));
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let at = clock.anchor().utc.to_rfc3339();
    let window = registry::flash_window(&clock).map_err(|error| Failure::new(&error, error.hint()))?;
    let (folder, is_kept) = place(args)?;
    let name = layout::session_name(clock.anchor().utc);
    let key = window.key();
    let recorded = recorded(args, layers, &clock, window, (&folder, &name));
    let measured = recorded.map(|(session, flashes)| {
        session.map(|session| measured(&session, key, &flashes).map(|report| (report, session)))
    });
    // Also of a recording that failed: what it has is not to lie about.
    if !is_kept {
        drop(files::remove_tree(&folder));
    }
    let Some(measured) = measured? else { return Ok(Outcome::Clean) };
    let (report, session) = measured?;
    let fps = args.fps.unwrap_or(30);
    let kept = last_sync::keep(at, fps, &report);
    tell(args, &report, is_kept.then_some(session.as_path()));
    if let Err(error) = kept {
        text::say(&text::printable(&format!("note: the result was not kept for later recordings: {error}")));
    }
    if report.ok() {
        return Ok(Outcome::Clean);
    }
    let hint =
        "run it again with nothing else running; when it stays so, report it with the output of: watchcap doctor";
    Err(Failure::new(&"inputs or pictures are missing, or a picture is stamped too early", Some(hint.into())))
}

/// The folder that is recorded into, and whether it stays.
fn place(args: &SyncTestArgs) -> Result<(PathBuf, bool), Failure> {
    if let Some(out) = &args.out {
        return Ok((out.clone(), true));
    }
    let folder = std::env::temp_dir().join(format!("watchcap-sync-test-{}", std::process::id()));
    files::create_private_dir(&folder)
        .map_err(|error| Failure::new(&format!("cannot create {}: {error}", folder.display()), None))?;
    Ok((folder, false))
}

/// Records while another thread changes the window; the session (none when the person said no) and what was done.
fn recorded(
    args: &SyncTestArgs,
    layers: &Layers,
    clock: &Arc<dyn Clock>,
    window: Box<dyn FlashWindow + Send>,
    (folder, name): (&Path, &str),
) -> Result<(Option<PathBuf>, Vec<Flash>), Failure> {
    let (x, y, width, height) = window.area();
    let region = format!("{x},{y},{width},{height}");
    // What `record` takes for granted stands in one place: its command line.
    let words = ["watchcap", "record", "--region", &region, "--session", name, "--profile", "none", "--sign", "off"];
    let Ok(Cli { verb: Verb::Record(mut record_args), .. }) = Cli::try_parse_from(words) else {
        return Err(Failure::usage("the test's command line is broken", "this is a defect"));
    };
    record_args.duration = Some(args.duration);
    record_args.fps = Some(args.fps.unwrap_or(30));
    record_args.consent.clone_from(&args.consent);
    let hand = {
        let (clock, dir, duration) = (Arc::clone(clock), folder.join(name), args.duration);
        std::thread::spawn(move || flashes(window, clock.as_ref(), &dir, duration))
    };
    let session = text::without_results(|| record::run_into(folder, &record_args, layers.config(), clock));
    let flashes = hand.join().unwrap_or_else(|_panic| Ok(Vec::new()));
    let session = session?.map(|(session, _)| session);
    Ok((session, flashes.map_err(|error| Failure::new(&error, error.hint()))?))
}

/// Changes the window again and again while the recording runs.
fn flashes(
    mut window: Box<dyn FlashWindow + Send>,
    clock: &dyn Clock,
    dir: &Path,
    duration: Duration,
) -> Result<Vec<Flash>, CaptureError> {
    let asked = clock.now();
    // Its folder is made when everything is open.
    while !layout::log_frames_path(dir).exists() {
        if clock.now().since(asked) > PATIENCE {
            return Ok(Vec::new());
        }
        clock.sleep_until(clock.now().plus(LOOK_EVERY));
    }
    let begun = clock.now();
    let end = begun.plus(duration.saturating_sub(MARGIN));
    let (mut due, mut done, mut n) = (begun.plus(MARGIN), Vec::new(), 0_u64);
    while due < end {
        clock.sleep_until(due);
        done.extend(window.flash()?);
        n += 1;
        // Every number of milliseconds below the limit comes up, in no order that a rate of pictures has.
        due = clock.now().plus(EVERY.0).plus(Duration::from_millis(n * 61 % EVERY.1));
    }
    // With the window its last colour would be gone before a picture is taken of it.
    clock.sleep_until(clock.now().plus(MARGIN));
    Ok(done)
}

/// Compares the session with what was done; `key` is the USB HID usage of the key that was injected.
fn measured(session: &Path, key: u16, flashes: &[Flash]) -> Result<SyncReport, Failure> {
    let sealed = SealedSession::open(session).map_err(Failure::from)?;
    let (mut presses, mut times) = (Vec::new(), Vec::new());
    let (mut rows, mut row) = (sealed.reader().events().rows(), OwnedRow::default());
    while rows.next_into(&mut row).map_err(|error| Failure::new(&error, error.hint()))? {
        match row.event_type.as_str() {
            event_type::KEY_DOWN if row.key_code == Some(key.into()) => presses.push(row.t_ns),
            event_type::FRAME => times.push(row.t_ns),
            _ => {}
        }
    }
    let mut pictures = Vec::with_capacity(times.len());
    if !times.is_empty() {
        let failed = |error: crate::media::frames::FrameError| Failure::new(&error, error.hint());
        let mut video = FrameReader::open(&layout::frames_path(session)).map_err(failed)?;
        for (frame, t_ns) in times.into_iter().enumerate() {
            let picture = video.rgb_scaled(frame, (SIDE, SIDE)).map_err(failed)?;
            let middle = ((SIDE / 2 * SIDE + SIDE / 2) * 3) as usize;
            pictures.push(Seen { t_ns, is_white: picture.data.get(middle).is_some_and(|red| *red >= 128) });
        }
    }
    Ok(compare(flashes, &presses, &pictures))
}

fn tell(args: &SyncTestArgs, report: &SyncReport, session: Option<&Path>) {
    if args.json {
        let mut value = serde_json::to_value(report).unwrap_or_default();
        if let Some(map) = value.as_object_mut() {
            map.insert("ok".into(), json!(report.ok()));
            map.insert("session".into(), json!(session.map(|path| path.display().to_string())));
        }
        return text::json(&value);
    }
    let spread = |spread: Option<Spread>| {
        spread.map_or_else(
            || "not measured".to_owned(),
            |Spread { p50, p95, max }| format!("{p50:.2} ms median, {p95:.2} ms for 95 of 100, {max:.2} ms at most"),
        )
    };
    text::pairs(&[
        ("flashes", format!("{}, each a key and a change of colour", report.flashes)),
        ("missing", format!("{} inputs, {} pictures", report.missing_inputs, report.missing_pictures)),
        ("too early", format!("{} pictures show what was not there yet", report.too_early)),
        ("input", format!("{} outside of the time in which it happened", spread(report.input_error_ms))),
        ("picture", format!("{} from the change to the picture that shows it", spread(report.picture_delay_ms))),
        ("both", format!("{} from the input to that picture", spread(report.input_to_picture_ms))),
        ("pacing", format!("{} between pictures", spread(report.interval_ms))),
    ]);
    if let Some(session) = session {
        text::out(&text::printable(&session.display().to_string()));
    }
}
