//! `watchcap doctor`: what this machine can record, tried and not guessed, and what to run next.

mod check;
mod kept;
mod machine;
mod sound;
mod sources;
mod trial;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use self::check::{Check, advice, missing};
use super::failure::{Failure, Outcome};
use super::text;
use super::ui::Bar;
use crate::base::event::Stream;
use crate::base::progress::Step;
use crate::base::shown::shell;
use crate::base::time::{Clock, SystemClock};
use crate::capture::{Facet, FacetSet, registry};
use crate::cli::DoctorArgs;
use crate::encode::kind::EncoderKind;
use crate::encode::registry::ENCODERS;
use crate::encode::settings::{EncodeSettings, Quality, default_bitrate_kbps, expected_kbps};
use crate::encode::{Driver, rate};
use crate::media::picture::{Planar, Sampling};

/// Size of the pictures by which encoders are tried.
const PROBE_SIZE: (u32, u32) = (640, 480);
/// Size at which they are measured where no screen is found, as the help of `--size` says.
const SIZE: (u32, u32) = (1920, 1080);
/// Frames a second that are asked of them, as the help of `--fps` says.
const FPS: u32 = 30;
/// How long each is measured.
const MEASURED: Duration = Duration::from_millis(400);

/// What a recording would be, for the last words.
struct Outlook {
    size: (u32, u32),
    fps: u32,
    /// The way to the screen.
    screen: Option<String>,
    masks_windows: bool,
    /// What inputs would be reported; none when they cannot be opened.
    facets: Option<FacetSet>,
    /// The encoder that `auto` takes, or the first that is fast enough.
    encoder: Option<Held>,
    consents: bool,
    unsealed: Option<PathBuf>,
}

/// An encoder that works.
#[derive(Clone, Copy)]
struct Held {
    name: &'static str,
    /// Frames a second that it makes.
    fps: u32,
}

pub(super) fn run(args: &DoctorArgs, config: Option<&Path>) -> Result<Outcome, Failure> {
    if args.ask {
        ask();
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let bar = Bar::new("doctor");
    let (checks, outlook) = tried(args, config, &clock, &bar);
    bar.end();
    let missing = missing(&checks);
    let (verdict, next) = verdict(&outlook, &missing);
    if args.json {
        let one = |c: &Check| json!({ "check": c.name, "ok": c.ok, "detail": c.detail, "hint": c.hint });
        let last = json!({ "check": "verdict", "ok": missing.is_empty(), "detail": verdict, "hint": next });
        text::json(&checks.iter().map(one).chain([last]).collect());
    } else {
        let rows: Vec<_> = checks
            .iter()
            .map(|c| vec![if c.ok { "ok" } else { "no" }.into(), c.name.clone(), text::cell(&c.detail)])
            .collect();
        text::out(&text::table(&rows).join("\n"));
        for line in advice(&checks) {
            text::warn(&text::printable(&line));
        }
    }
    if missing.is_empty() {
        text::say(&text::printable(&format!("{verdict}\nnext: {next}")));
        return Ok(Outcome::Clean);
    }
    Err(Failure::new(&verdict, Some(next)))
}

/// Has the system ask the person for what recording needs, and says what came of it.
fn ask() {
    let answers = registry::request();
    if answers.is_empty() {
        text::say("this system asks for no rights beforehand");
    }
    for (backend, answer) in answers {
        let told = answer.unwrap_or_else(|error| error.to_string());
        text::say(&text::printable(&format!("{}: {told}", backend.name())));
    }
}

/// Tries everything, one after the other: what is measured is not disturbed by what is tried beside it.
fn tried(args: &DoctorArgs, config: Option<&Path>, clock: &Arc<dyn Clock>, bar: &Bar) -> (Vec<Check>, Outlook) {
    let (all, mut done) = (ENCODERS.len() as u64 + 6, 0);
    let mut step = |what: &'static str| {
        bar.step(Step { what, done, of: all });
        done += 1;
    };
    step("screens");
    let mut checks: Vec<Check> = sources::display().into_iter().chain(sources::session()).collect();
    let screens: Vec<_> = registry::screens().map(|backend| (backend, sources::screen(backend, clock))).collect();
    let found = screens.iter().find_map(|(backend, (_, what))| Some((backend.name(), what.as_ref()?)));
    let surface = found.map(|(_, what)| (what.surface.width, what.surface.height));
    // One that asks the person is not opened here.
    let asks = screens.iter().find(|(_, (check, _))| check.ok).map(|(backend, _)| backend.name());
    let (screen, masks_windows) =
        (found.map(|(name, _)| name).or(asks).map(str::to_owned), found.is_some_and(|(_, what)| what.masks_windows));
    let opens = found.is_some();
    let size = args.size.or(surface).unwrap_or(SIZE);
    checks.extend(screens.into_iter().map(|(_, (check, _))| check));
    step("inputs");
    checks.extend(registry::inputs().map(|backend| sources::input(backend, clock)));
    checks.push(sources::gamepads(clock));
    let (arriving, facets) = sources::arriving(clock);
    checks.push(arriving);
    step("files");
    let (configuration, layers) = kept::configuration(config);
    let record = layers.map(|layers| layers.config().record.clone()).unwrap_or_default();
    let fps = args.fps.or(record.fps).unwrap_or(FPS);
    let coded = Planar::coded_size(size.0, size.1);
    let sampling = if record.lossless == Some(true) { Sampling::Rgb } else { Sampling::default() };
    let asked = record.bitrate_kbps.filter(|_| sampling != Sampling::Rgb);
    let bitrate_kbps = asked.unwrap_or_else(|| expected_kbps(coded, fps, sampling));
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let out = variable("WATCHCAP_OUT").map(PathBuf::from).or(record.out).unwrap_or_else(|| PathBuf::from("."));
    let folder = machine::there(&out);
    let consents =
        variable("WATCHCAP_CONSENT").map_or(record.consent, |list| list.split(',').map(str::to_owned).collect());
    let agrees = |wanted: Stream| consents.iter().any(|stream| stream == wanted.name());
    let (consents, to_sound) = (agrees(Stream::Screen), agrees(Stream::Audio));
    checks.push(configuration);
    let (logs, unsealed) = kept::unsealed(&out);
    checks.push(logs);
    step("sound");
    checks.push(sound::check(to_sound, clock));
    step("disk");
    checks.extend([machine::disk(&folder, bitrate_kbps, clock.as_ref()), machine::clocks(clock.as_ref())]);
    checks.push(machine::terminal());
    let mut held: Vec<Held> = Vec::new();
    for kind in ENCODERS {
        step("encoders");
        let (check, works) = encoder(*kind, (size, fps), clock.as_ref());
        held.extend(works);
        checks.push(check);
    }
    let encoder = held.iter().find(|one| one.fps >= fps).or(held.first()).copied();
    step("recording");
    let desktop = consents && opens;
    checks.push(trial::run(&trial::Trial { folder: &folder, config, desktop, size: coded, fps }, clock.as_ref()));
    let outlook = Outlook { size, fps, screen, masks_windows, facets, encoder, consents, unsealed };
    (checks, outlook)
}

/// What it all comes to, and the command to run next.
fn verdict(outlook: &Outlook, missing: &[&str]) -> (String, String) {
    let Outlook { size: (width, height), fps, .. } = *outlook;
    if !missing.is_empty() {
        let only_the_screen = missing.iter().all(|name| *name == "screen");
        let synthetic = "the synthetic desktop needs no display: watchcap demo";
        let next = if only_the_screen { synthetic } else { "mend what is marked `no`, and run watchcap doctor again" };
        return (format!("this machine cannot record now: {} fails", missing.join(" and ")), next.to_owned());
    }
    let encoder = outlook.encoder.map_or_else(String::new, |Held { name, fps: makes }| {
        if makes < fps {
            format!(
                "{name} makes only {makes} of {fps} frames a second: record less with --fps, or a part with --region"
            )
        } else {
            format!("{name} holds {fps} frames a second with {} to spare", makes - fps)
        }
    });
    let facets = outlook.facets.unwrap_or(FacetSet::NONE);
    let lacks: Vec<&str> = FacetSet::PROMISED.without(facets).iter().map(Facet::name).collect();
    let inputs = match outlook.facets {
        None => "no inputs".to_owned(),
        Some(_) if lacks.is_empty() => "every kind of input".to_owned(),
        Some(_) => format!("inputs without {}", lacks.join(", ")),
    };
    let screen = outlook.screen.as_deref().unwrap_or("none");
    let verdict = format!("this machine can record {width}x{height} by {screen} and {inputs}; {encoder}");
    if let Some(log) = &outlook.unsealed {
        return (verdict, format!("watchcap finalize {}", shell(log)));
    }
    let masks = (!outlook.masks_windows).then_some("masks");
    let may_miss: Vec<&str> = if outlook.facets.is_none() {
        masks.into_iter().chain(["input"]).collect()
    } else {
        masks.into_iter().chain(lacks).collect()
    };
    let consent = if outlook.consents { "" } else { " --consent screen,input" };
    let allow = if may_miss.is_empty() { String::new() } else { format!(" --allow-missing {}", may_miss.join(",")) };
    (verdict, format!("watchcap record{consent}{allow}"))
}

/// What an encoder takes beside 4:2:0, each tried.
fn samplings(kind: &dyn EncoderKind) -> String {
    let others = kind.samplings().iter().filter(|sampling| **sampling != Sampling::Yuv420);
    let tried = others.map(|sampling| match kind.probe(PROBE_SIZE, *sampling) {
        Ok(_) => format!("; {}", sampling.title()),
        Err(error) => format!("; no {}: {error}", sampling.title()),
    });
    tried.collect()
}

/// An encoder, tried: it encodes pictures, and they decode to what they were; and measured: how many it makes a second.
fn encoder(kind: &dyn EncoderKind, (size, fps): ((u32, u32), u32), clock: &dyn Clock) -> (Check, Option<Held>) {
    let name = format!("encoder ({})", kind.name());
    let (width, height) = Planar::coded_size(size.0, size.1);
    let bitrate_kbps = default_bitrate_kbps(width, height, fps);
    let settings = EncodeSettings {
        width,
        height,
        fps,
        bitrate_kbps,
        gop_ns: 500_000_000,
        quality: Quality::Fast,
        sampling: Sampling::Yuv420,
    };
    let tried = kind.probe(PROBE_SIZE, Sampling::Yuv420).and_then(|probe| {
        let held = rate::held(Driver::new(kind.open(&settings)?), &settings, clock, MEASURED)?;
        Ok((probe, held))
    });
    match tried {
        Ok((probe, held)) => {
            let enough = if held < fps { format!(", too few for {fps}") } else { String::new() };
            let what = format!("{held} frames a second of {width}x{height}{enough}");
            let more = samplings(kind);
            let check = Check::ok(name, format!("{}: {}; {what}{more}", probe.name, kind.about()));
            (check, Some(Held { name: kind.name(), fps: held }))
        }
        Err(error) => (Check::no(name, &error, error.hint()), None),
    }
}
