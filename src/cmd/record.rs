//! `watchcap record`.

pub(super) mod asking;
mod dashboard;
mod encoding;
mod environment;
mod flags;
mod foreground;
mod gpu;
mod keep;
mod locked;
mod rates;
mod readings;
mod sealing;
mod sign;
mod sound;
mod split;
mod stills;
mod study;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use self::dashboard::Dashboard;
use self::rates::Rates;
use super::failure::{Failure, Outcome};
use super::text;
use crate::base::event::Stream;
use crate::base::files;
use crate::base::hotkeys::{Action, Hotkeys};
use crate::base::id::SessionId;
use crate::base::shown::shell;
use crate::base::time::{Clock, SystemClock};
use crate::capture::backend::{Backend, InputPlan, LOCK, ScreenPlan};
use crate::capture::registry::{self, Choice};
use crate::capture::sound::SoundWanted;
use crate::capture::{
    CaptureError, Facet, FacetSet, OpenInput, ScreenDescription, Sources, Target, synthetic, wayland,
};
use crate::cli::{GamepadsArg, OnOff, QualityArg, RecordArgs, SourceArg, UnchangedArg};
use crate::config::layers::Layers;
use crate::config::{Config, RecordConfig, limits};
use crate::control::{ControlError, Recording, Server};
use crate::encode::settings::{Quality, expected_kbps};
use crate::log::setup::{Fact as _, SESSION_ID_KEY, SessionFact, StudyFact};
use crate::log::{LogError, LogPaths};
use crate::media::mp4::append::BOX_SIZE;
use crate::media::picture::{Planar, Sampling};
use crate::privacy;
use crate::privacy::consent::Consent;
use crate::recorder::{
    self, Control, RecordError, RecordOptions, Recorded, SoundOptions, Status, StillOptions, Stop, Unchanged,
};
use crate::session::layout;
use crate::session::loss::MaxDropped;

/// Longest name of a game or its version, bytes: both fit into one fact of the log.
const MAX_LABEL: usize = 256;
/// Size of the synthetic picture, as the help of `--size` says.
const SYNTHETIC_SIZE: (u32, u32) = (1280, 720);
/// How often the polling backend looks, per second, as the help of `--poll-hz` says.
const POLL_HZ: u32 = 500;
/// How long what is recorded is waited for, as the help of `--wait-target` says.
const WAIT_TARGET: Duration = Duration::from_secs(30);

pub(super) fn run(args: &RecordArgs, layers: &Layers) -> Result<Outcome, Failure> {
    flags::check(args)?;
    dashboard::check(args)?;
    let layers = super::games::in_force(layers, args, &flags::target(args)?);
    let config = layers.config();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let out = args.out.clone().or_else(|| config.record.out.clone()).unwrap_or_else(|| PathBuf::from("."));
    let recorded = run_into(&out, args, config, &clock)?;
    Ok(recorded.map_or(Outcome::Clean, |(_, outcome)| outcome))
}

/// Records into a new folder in `out`, and says which. `None`: the person was asked for consent and said no, so nothing was made.
pub(super) fn run_into(
    out: &Path,
    args: &RecordArgs,
    config: &Config,
    clock: &Arc<dyn Clock>,
) -> Result<Option<(PathBuf, Outcome)>, Failure> {
    let mut plan = Plan::of(args, &config.record)?;
    super::folder::check_own(out)?;
    plan.hotkeys = super::privacy::hotkeys(args, &config.hotkeys)?;
    let sign = sign::wanted(args, config, &plan.study)?;
    let sound = !plan.sounds.is_empty();
    let who = (out, &plan.target, &plan.hotkeys);
    let Some(consent) = asking::consent(args, config, clock.as_ref(), who, sound)? else {
        text::say("nothing was recorded");
        return Ok(None);
    };
    tracing::info!(streams = ?consent.streams, method = consent.method.name(), "consent");
    // Only now: a profile may be chosen by the windows that are open.
    plan.keep_out(args, config)?;
    stills::check(args, &consent, plan.privacy.keys.policy)?;
    let mut sources = sources(args, &config.record, clock, &consent, &plan)?;
    let telling = |open: OpenInput| -> OpenInput {
        Box::new(move || {
            open().inspect(|source| {
                let what = source.describe();
                tracing::info!(backend = %what.backend, facets = %what.facets, "input");
            })
        })
    };
    sources.inputs = sources.inputs.into_iter().map(telling).collect();
    sources.sign = sign.map(|sign| sign.prepare(clock));
    let (stop, control) = (Stop::new(), Control::new());
    crate::control::signals::stop_on_signals(&stop, &control, clock)
        .map_err(|error| Failure::new(&format!("cannot listen for signals: {error}"), None))?;
    record_into(out, args, &plan, sources, &consent, clock, (&stop, control)).map(Some)
}

/// What flags and configuration ask of the recorder.
struct Plan {
    fps: u32,
    gop_ns: i64,
    bitrate_kbps: Option<u32>,
    quality: Quality,
    sampling: Sampling,
    unchanged: Unchanged,
    target: Target,
    privacy: privacy::Plan,
    hotkeys: Hotkeys,
    /// The game: the person's word over the profile's.
    game: Option<String>,
    /// What a study says of it.
    study: StudyFact,
    /// Share of the frames that may be dropped before the exit code says so.
    max_dropped: MaxDropped,
    encoding: encoding::Choice,
    /// The devices of sound, in the order of their tracks.
    sounds: Vec<SoundWanted>,
    /// How sound is encoded.
    sound: SoundOptions,
    /// When PNG pictures are taken.
    stills: StillOptions,
}

impl Plan {
    fn of(args: &RecordArgs, config: &RecordConfig) -> Result<Self, Failure> {
        flags::check(args)?;
        let target = flags::target(args)?;
        let fps = args.fps.or(config.fps).unwrap_or(30);
        if !limits::FPS.contains(&fps) {
            return Err(Failure::usage(format!("{fps} frames per second are not possible"), "use --fps 1 to 240"));
        }
        let gop = args.gop.or(config.gop).unwrap_or(0.5);
        if !limits::GOP.contains(&gop) {
            return Err(Failure::usage(
                format!("{gop} seconds between keyframes are not possible"),
                "use --gop 0.01 to 60",
            ));
        }
        let bitrate_kbps = args.bitrate_kbps.or(config.bitrate_kbps);
        if bitrate_kbps.is_some_and(|rate| !limits::BITRATE_KBPS.contains(&rate)) {
            return Err(Failure::usage("that bit rate is not possible", "use --bitrate-kbps 100 to 200000"));
        }
        let quality = match (args.quality, config.quality.as_deref()) {
            (Some(QualityArg::Fast), _) | (None, None | Some("fast")) => Quality::Fast,
            (Some(QualityArg::Balanced), _) | (None, Some("balanced")) => Quality::Balanced,
            (Some(QualityArg::Sharp), _) | (None, Some("sharp")) => Quality::Sharp,
            (None, Some(other)) => {
                return Err(Failure::usage(format!("unknown quality '{other}'"), "fast, balanced or sharp"));
            }
        };
        let sampling = encoding::sampling(args, config)?;
        // Pictures without a loss take as many as they need.
        let bitrate_kbps = bitrate_kbps.filter(|_| sampling != Sampling::Rgb);
        let unchanged = match (args.unchanged, config.unchanged.as_deref()) {
            (Some(UnchangedArg::Repeat), _) | (None, None | Some("repeat")) => Unchanged::Repeat,
            (Some(UnchangedArg::Skip), _) | (None, Some("skip")) => Unchanged::Skip,
            (None, Some(other)) => {
                return Err(Failure::usage(format!("unknown 'unchanged' setting '{other}'"), "repeat or skip"));
            }
        };
        let max_dropped = args.max_dropped.or(config.max_dropped).unwrap_or(MaxDropped::default().0);
        if !limits::MAX_DROPPED.contains(&max_dropped) {
            return Err(Failure::usage(
                format!("{max_dropped} is no share of the frames"),
                "use --max-dropped 0 to 100",
            ));
        }
        Ok(Self {
            fps,
            gop_ns: (gop * 1e9) as i64,
            bitrate_kbps,
            quality,
            sampling,
            unchanged,
            target,
            privacy: privacy::Plan::default(),
            hotkeys: Hotkeys::default(),
            game: args.game.clone(),
            study: study::of(args, config)?,
            max_dropped: MaxDropped(max_dropped),
            encoding: encoding::Choice::of(args, config, sampling)?,
            sounds: sound::wanted(args, config)?,
            sound: sound::options(args, config)?,
            stills: stills::options(args, config)?,
        })
    }

    /// Decides what is kept out.
    fn keep_out(&mut self, args: &RecordArgs, config: &Config) -> Result<(), Failure> {
        let (privacy, game) = super::privacy::plan(args, &config.privacy, &self.target)?;
        self.privacy = privacy;
        self.game = self.game.take().or_else(|| config.game.clone()).or(game);
        Ok(())
    }
}

fn sources(
    args: &RecordArgs,
    config: &RecordConfig,
    clock: &Arc<dyn Clock>,
    consent: &Consent,
    plan: &Plan,
) -> Result<Sources, Failure> {
    let input = consent.covers(Stream::Input);
    let wanted = if consent.covers(Stream::Audio) { plan.sounds.as_slice() } else { &[] };
    let sounds = sound::sources(wanted, args.source, clock)?;
    if args.source == SourceArg::Synthetic {
        let size = args.size.unwrap_or(SYNTHETIC_SIZE);
        let made = match args.gamepads {
            GamepadsArg::On if input => synthetic::gamepad_sources(size, clock),
            _ => synthetic::sources(size, clock, input),
        };
        return made.map(|sources| Sources { sounds, ..sources }).map_err(|error| Failure::wrong(&error, error.hint()));
    }
    let poll_hz = args.poll_hz.unwrap_or(POLL_HZ);
    if !(1..=10_000).contains(&poll_hz) {
        return Err(Failure::usage(format!("cannot poll {poll_hz} times a second"), "use --poll-hz 1 to 10000"));
    }
    let screen = ScreenPlan {
        target: plan.target.clone(),
        cursor: args.cursor.map_or(config.cursor.unwrap_or(true), |cursor| cursor == OnOff::On),
        exclusions: Arc::clone(&plan.privacy.exclusions),
        wait_target: wait_target(args, config)?,
        clock: Arc::clone(clock),
    };
    let inputs = InputPlan {
        // A game's profile says what is black and which keys are chat: it withholds no window's keys.
        exclusions: Arc::new(plan.privacy.exclusions.without_games()),
        may_miss_lock: args.allow_missing.iter().any(|what| what == LOCK),
        gamepads: args.gamepads != GamepadsArg::Off,
        poll_period: Duration::from_secs(1) / poll_hz,
        clock: Arc::clone(clock),
    };
    let choice = |of: Vec<&'static dyn Backend>, name: &str| registry::choice(of.into_iter(), name).unwrap_or_default();
    let screen_choice = choice(registry::screens().collect(), &args.screen_backend);
    let input_choice = choice(registry::inputs().collect(), &args.input_backend);
    let mut sources = registry::sources((screen_choice, &screen), input.then_some((input_choice, &inputs)))
        .map(|sources| Sources { sounds, ..sources })
        .map_err(|error| Failure::new(&error, error.hint()))?;
    if input && args.gamepads != GamepadsArg::Off {
        sources.inputs.extend(gamepads(args.gamepads == GamepadsArg::On, input_choice, &inputs)?);
    }
    Ok(sources)
}

/// The source of the gamepads, where the other inputs' source does not report them; says which are recorded, and why some are not. Without `insist`
/// only where some are there.
fn gamepads(insist: bool, choice: Choice, plan: &InputPlan) -> Result<Option<OpenInput>, Failure> {
    match registry::gamepads(choice, plan) {
        Ok((names, open)) if !names.is_empty() => {
            text::say(&format!("gamepads are recorded: {}", names.join(", ")));
            Ok(open)
        }
        Ok((_, open)) if insist => {
            text::say("gamepads are recorded from when they come: none is there that may be read");
            Ok(open)
        }
        Ok(_) => Ok(None),
        Err(error) if insist => Err(Failure::new(&error, error.hint())),
        // A system that has none to read is no news.
        Err(CaptureError::Unavailable { what, .. }) if what == registry::GAMEPADS => Ok(None),
        Err(error) => {
            let hint = error.hint().map_or_else(String::new, |hint| format!(" ({hint})"));
            text::warn(&format!("gamepads are not recorded: {error}{hint}"));
            Ok(None)
        }
    }
}

/// How long what is recorded is waited for while it is away.
fn wait_target(args: &RecordArgs, config: &RecordConfig) -> Result<Duration, Failure> {
    let configured = config
        .wait_target
        .map(|seconds| limits::WAIT_TARGET.contains(&seconds).then(|| Duration::from_secs_f64(seconds)).ok_or(seconds));
    let wait = match (args.wait_target, configured) {
        (Some(wait), _) if !limits::WAIT_TARGET.contains(&wait.as_secs_f64()) => Err(wait.as_secs_f64()),
        (Some(wait), _) => Ok(wait),
        (None, configured) => configured.unwrap_or(Ok(WAIT_TARGET)),
    };
    wait.map_err(|seconds| Failure::usage(format!("cannot wait for {seconds} seconds"), "use --wait-target 0 to 24h"))
}

/// What may be missing: what the person named, and what a backend that was chosen by name lacks; the metadata says what is
/// missing. Not the focus when a window is recorded, since then input of other windows would be recorded too; and never what is to be
/// kept out of the recording.
fn allowed_to_miss(args: &RecordArgs, target: &Target) -> Vec<String> {
    let mut allowed = args.allow_missing.clone();
    let chosen = registry::choice(registry::inputs(), &args.input_backend).and_then(Choice::named);
    let lacks = chosen.map_or(FacetSet::NONE, Backend::lacks);
    let may = lacks.iter().filter(|facet| *facet != Facet::Focus || !target.is_window());
    allowed.extend(may.map(|facet| facet.name().to_owned()));
    allowed
}

/// Records into a new folder in `out`, seals it unless told not to, and says what became of it.
fn record_into(
    out: &Path,
    args: &RecordArgs,
    plan: &Plan,
    sources: Sources,
    consent: &Consent,
    clock: &Arc<dyn Clock>,
    (stop, control): (&Stop, Control),
) -> Result<(PathBuf, Outcome), Failure> {
    for (flag, value) in [("--game", &plan.game), ("--patch", &args.patch), ("--client-version", &args.client_version)]
    {
        if value.as_ref().is_some_and(|value| value.len() > MAX_LABEL) {
            return Err(Failure::usage(
                format!("the value of {flag} is too long"),
                format!("at most {MAX_LABEL} bytes fit"),
            ));
        }
    }
    let wants_png =
        plan.stills != StillOptions::default() || plan.hotkeys.iter().any(|(action, _)| action == Action::Png);
    if args.split.is_some() && wants_png {
        let hint = "leave out --split, or --png-burst, --png-on and the hotkey png";
        return Err(Failure::usage("no PNG pictures are taken of a recording that is split", hint));
    }
    let session_id = SessionId::new();
    let begun = clock.anchor().utc;
    let name = args.session.clone().unwrap_or_else(|| layout::session_name(begun));
    if let Some(why) = files::names::why_not(&name) {
        let said = format!("'{name}' is no name for a folder: {why}");
        return Err(Failure::usage(said, "give the place with --out, and a plain name"));
    }
    let mut facts = vec![
        consent.to_fact().entry(),
        (SESSION_ID_KEY.to_owned(), json!(session_id.to_string())),
        SessionFact {
            captured_at: Some(begun.to_rfc3339()),
            watchcap: Some(env!("CARGO_PKG_VERSION").to_owned()),
            game: plan.game.clone(),
            patch: args.patch.clone(),
            ..SessionFact::default()
        }
        .entry(),
        environment::facts(args.client_version.as_deref()).entry(),
    ];
    if plan.study != StudyFact::default() {
        facts.push(plan.study.entry());
    }
    let orders = Recording { control: control.clone(), stop: stop.clone(), clock: Arc::clone(clock) };
    let dashboard = args.dashboard.then(|| Dashboard::new(orders, plan.fps));
    let (dashboard, tap) = dashboard.unzip();
    let dashboard = dashboard.map(Arc::new);
    let options = RecordOptions {
        session_dir: out.join(name),
        exact_name: args.session.is_some(),
        session_id,
        fps: plan.fps,
        bitrate_kbps: plan.bitrate_kbps,
        gop_ns: plan.gop_ns,
        quality: plan.quality,
        sampling: plan.sampling,
        sound: plan.sound,
        duration: args.duration,
        unchanged: plan.unchanged,
        box_bytes: BOX_SIZE,
        allow_missing: allowed_to_miss(args, &plan.target),
        privacy: plan.privacy.clone(),
        hotkeys: plan.hotkeys.clone(),
        facts,
        stills: plan.stills,
        taps: tap.into_iter().collect(),
        split: None,
        control: control.clone(),
    };
    let line = status_line(args.dashboard);
    let server = Arc::new(Mutex::new(None::<Server>));
    let ended = Arc::new(Mutex::new(split::Ended::default()));
    let told = split::Told {
        line: line.clone(),
        server: Arc::clone(&server),
        ended: Arc::clone(&ended),
        dashboard: dashboard.clone(),
    };
    let split = args.split.map(|at| split::of(at, args, plan.max_dropped, told));
    let options = RecordOptions { split, ..options };
    let mut keep = keep::Keep::of(out, args, session_id);
    if let Some(keep) = &mut keep {
        keep.make_room(args.json)?;
    }
    let keeping = keep.clone().map(|keep| keep.start(stop, &line, args.json));
    let mut rates = Rates::default();
    let (mut told_withdrawn, mut told_no_sound) = (false, false);
    let mut told_profiles = 0;
    let encoder = plan.encoding.clone().maker(Arc::clone(clock));
    let recorded = recorder::record(
        options,
        sources,
        encoder,
        clock,
        stop,
        |folder, screen| {
            tell(folder, screen, plan);
            if args.source == SourceArg::Desktop {
                warn_of_wayland(screen);
            }
            let started = Server::start(folder, &control, stop, clock).inspect_err(tell_uncontrolled).ok();
            announce(args.json, folder, screen, started.is_some());
            *locked::lock(&server) = started;
            announce_hotkeys(&plan.hotkeys, control.records_input());
            announce_disk(folder);
            if let Some(dashboard) = &dashboard {
                dashboard.start(folder);
            }
        },
        |status| {
            if status.input_withdrawn && !stop.is_asked() && !std::mem::replace(&mut told_withdrawn, true) {
                let hotkeys = if plan.hotkeys.is_empty() { "" } else { ", and hotkeys do nothing any more" };
                let said = format!("consent to the input was taken back: it is not recorded any more{hotkeys}");
                line.suspend(|| text::warn(&said));
            }
            if status.sound_withdrawn && !stop.is_asked() && !std::mem::replace(&mut told_no_sound, true) {
                line.suspend(|| text::warn("consent to the sound was taken back: it is not recorded any more"));
            }
            if status.profiles > std::mem::replace(&mut told_profiles, status.profiles) {
                line.suspend(|| text::say("a window of a game is there: its profile is in force"));
            }
            rates.look(&status);
            if let Some(dashboard) = &dashboard {
                dashboard.tell(&status, &rates);
            } else {
                line.set_message(rates.describe(&status));
                line.tick();
            }
        },
    )
    .map_err(|error| match error {
        RecordError::MaskOutside(outside) => Failure::usage(outside.to_string(), outside.hint()),
        RecordError::FactTooLong { .. } => Failure::wrong(&error, error.hint()),
        error => Failure::new(&error, error.hint()),
    })?;
    if let Some(server) = locked::lock(&server).take() {
        server.close();
    }
    line.finish_and_clear();
    if let Some(dashboard) = &dashboard {
        dashboard.end();
    }
    summarise(args, &recorded);
    drop(keeping);
    let mut recorded = recorded;
    let parts = split::wait(&mut recorded, out, &ended);
    let folder = recorded.log.session_dir.clone();
    let max_dropped = plan.max_dropped;
    let outcome = if recorded.is_lossy(max_dropped) { Outcome::Lossy } else { Outcome::Clean };
    let command = format!("watchcap finalize {}", shell(&folder));
    if !recorded.folder.is_in_place() {
        let now = recorded.folder.whereabouts();
        let seal =
            now.as_ref().map_or_else(String::new, |now| format!("; seal it with: watchcap finalize {}", shell(now)));
        let hint = crate::finalize::moved_hint(now.as_deref(), "what was recorded") + &seal;
        return Err(Failure::new(
            &format!("{} was moved or exchanged by somebody while it was recorded into", folder.display()),
            Some(hint),
        ));
    }
    if args.no_finalize {
        if !args.json {
            text::out(&folder.display().to_string());
        }
        text::say(&format!("seal it with: {command}"));
        return parts.map(|parts| (folder, parts.or(outcome)));
    }
    let how = super::finalize::How::Once { keep_log: args.keep_log };
    let sealed = super::finalize::seal(&folder, how, max_dropped, args.json).map_err(|failure| {
        let why = failure.hint.or_else(|| recorded.failure.as_ref().and_then(LogError::hint));
        let first = why.map_or_else(String::new, |hint| format!("{hint}; "));
        Failure { hint: Some(format!("{first}what was recorded is kept, seal it with: {command}")), ..failure }
    })?;
    let parts = parts?;
    if let Some(mut keep) = keep {
        keep.end(args.json);
    }
    Ok((folder, sealed.or(parts).or(outcome)))
}

/// What was chosen, for `-v`: never a title, which is captured.
fn tell(folder: &Path, screen: &ScreenDescription, plan: &Plan) {
    let (width, height) = (screen.surface.width, screen.surface.height);
    let coded = Planar::coded_size(width, height);
    let bitrate_kbps = plan.bitrate_kbps.unwrap_or_else(|| expected_kbps(coded, plan.fps, plan.sampling));
    let pictures = plan.sampling.title();
    tracing::info!(backend = %screen.backend, width, height, masks_windows = screen.masks_windows, "screen");
    tracing::info!(fps = plan.fps, bitrate_kbps, gop_ms = plan.gop_ns / 1_000_000, quality = ?plan.quality, pictures, "encoder");
    let LogPaths { events, video, .. } = LogPaths::of(folder);
    tracing::info!(events = %events.display(), video = %video.display(), "log");
    for (area, mask) in plan.privacy.areas((width, height)) {
        tracing::debug!(?area, asked_by = mask.asked_by.name(), reason = %mask.reason, "mask");
    }
    if !screen.masks_windows && !plan.privacy.exclusions.games.is_empty() {
        text::warn(
            "the screen backend does not follow windows: the chat of a game that is opened later is not kept out",
        );
    }
    tracing::debug!(profile = ?plan.privacy.profile, keys = plan.privacy.keys.policy.name(), "privacy");
}

/// A recording runs without control as well.
fn tell_uncontrolled(error: &ControlError) {
    let hint = error.hint().map_or_else(String::new, |hint| format!("\nhint: {hint}"));
    text::warn(&text::printable(&format!("this recording cannot be paused or marked from outside: {error}{hint}")));
}

/// Says that the environment names another desktop than the one that is recorded.
fn warn_of_wayland(screen: &ScreenDescription) {
    if let Some(said) = wayland::session().filter(|_| !screen.backend.starts_with("wayland")) {
        let display = std::env::var("DISPLAY").unwrap_or_default();
        text::warn(&text::printable(&format!(
            "warning: {said}, but the X server {display} is recorded: nothing of the Wayland desktop is in the recording"
        )));
    }
}

fn announce(json: bool, folder: &Path, screen: &ScreenDescription, controlled: bool) {
    let pid = std::process::id();
    let folder = folder.display();
    let pause = if controlled { format!("\npause with: watchcap pause --pid {pid}") } else { String::new() };
    if json {
        text::json(&json!({ "event": "recording", "session": folder.to_string(), "pid": pid }));
    }
    text::say(&text::printable(&format!(
        "recording {} ({}x{}) into {folder}\n{}{pause}",
        screen.target,
        screen.surface.width,
        screen.surface.height,
        crate::control::signals::how_to_stop()
    )));
}

/// Says when the disk does not keep others out.
fn announce_disk(folder: &Path) {
    if matches!(files::keeps_modes(folder), Ok(false)) {
        text::warn(&text::printable(&format!(
            "warning: the disk of {} keeps no permission bits, so other accounts of this machine may be able to read the recording; \
             choose another disk with --out when they must not",
            folder.display()
        )));
    }
}

fn announce_hotkeys(hotkeys: &Hotkeys, records_input: bool) {
    if hotkeys.is_empty() {
        return;
    }
    if !records_input {
        text::say("no hotkeys: they are found among the recorded inputs, and the input is not recorded");
        return;
    }
    let list: Vec<_> = hotkeys.iter().map(|(action, chord)| format!("{} {chord}", action.name())).collect();
    text::say(&format!("hotkeys: {}", list.join(", ")));
}

fn summarise(args: &RecordArgs, recorded: &Recorded) {
    let Status { elapsed, frames, dropped, due, skipped, events, video_bytes, stills, stills_wanted, .. } =
        recorded.status;
    let stills_skipped = stills_wanted.saturating_sub(stills);
    if args.json {
        text::json(&json!({
            "event": "recorded", "session": recorded.log.session_dir.display().to_string(),
            "end_reason": recorded.end_reason, "elapsed_s": elapsed.as_secs_f64(), "frames": frames, "frames_due": due,
            "dropped_frames": dropped, "unchanged_skipped": skipped, "events": events, "video_bytes": video_bytes,
            "png_pictures": stills, "png_skipped": stills_skipped,
        }));
    }
    text::say(&format!(
        "recorded {} ({}): {}, {dropped} dropped, {}, {}",
        crate::base::shown::clock(elapsed),
        recorded.end_reason,
        text::counted(frames, "frame"),
        text::counted(events, "input event"),
        text::size(video_bytes)
    ));
    if stills_wanted > 0 {
        text::say(&format!("{} as PNG, {stills_skipped} skipped", text::counted(stills, "picture")));
    }
    if let Some(failure) = &recorded.failure {
        text::warn(&text::printable(&format!("recording stopped: {failure}; what was acknowledged before is kept")));
    }
}

/// The line that shows how it goes, where no dashboard does.
fn status_line(has_dashboard: bool) -> ProgressBar {
    let target = if has_dashboard { ProgressDrawTarget::hidden() } else { super::ui::target(4) };
    let line = ProgressBar::with_draw_target(None, target);
    if let Ok(style) = ProgressStyle::with_template("{spinner:.red} {msg}") {
        line.set_style(style.tick_chars("●○ "));
    }
    line
}
