//! `watchcap doctor`: what this machine can record, tried and not guessed.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::{Failure, Outcome, text};
use crate::base::time::{Clock, SystemClock};
use crate::capture::backend::{Backend, InputPlan, ScreenPlan};
use crate::capture::registry::{self, Choice};
use crate::capture::{Facet, Look, Outlets, Target, wayland};
use crate::cli::DoctorArgs;
use crate::config::{Config, config_file};
use crate::encode::kind::EncoderKind;
use crate::encode::registry::ENCODERS;
use crate::encode::settings::{EncodeSettings, Quality, default_bitrate_kbps};
use crate::encode::{Driver, rate};
use crate::media::picture::I420;

/// Size of the pictures by which encoders are tried.
const PROBE_SIZE: (u32, u32) = (640, 480);
/// Size at which they are measured, as the help of `--size` says.
const SIZE: (u32, u32) = (1920, 1080);
/// Frames a second that are asked of them, as the help of `--fps` says.
const FPS: u32 = 30;
/// How long each is measured.
const MEASURED: Duration = Duration::from_millis(500);

/// One finding.
struct Check {
    name: String,
    ok: bool,
    detail: String,
    /// What can be done about it.
    hint: Option<String>,
}

impl Check {
    fn ok(name: impl Into<String>, detail: String) -> Self {
        Self { name: name.into(), ok: true, detail, hint: None }
    }

    fn no(name: impl Into<String>, error: &impl std::fmt::Display, hint: Option<String>) -> Self {
        Self { name: name.into(), ok: false, detail: error.to_string(), hint }
    }
}

pub(super) fn run(args: &DoctorArgs, config: Option<&Path>) -> Result<Outcome, Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let mut checks: Vec<Check> = ENCODERS.iter().map(|kind| encoder(*kind, args, clock.as_ref())).collect();
    checks.extend([disk(), configuration(config)]);
    checks.extend(display());
    checks.extend(registry::screens().map(|backend| screen(backend, &clock)));
    checks.extend(registry::inputs().map(|backend| input(backend, &clock)));
    if args.json {
        let list: Vec<_> =
            checks.iter().map(|c| json!({ "check": c.name, "ok": c.ok, "detail": c.detail, "hint": c.hint })).collect();
        text::json(&json!(list));
    } else {
        let rows: Vec<_> = checks
            .iter()
            .map(|c| vec![if c.ok { "ok" } else { "no" }.into(), c.name.clone(), text::cell(&c.detail)])
            .collect();
        text::out(&text::table(&rows).join("\n"));
        for line in advice(&checks) {
            text::say(&text::printable(&line));
        }
    }
    let missing = missing(&checks);
    if missing.is_empty() {
        return Ok(Outcome::Clean);
    }
    let hint = "the synthetic desktop needs no display: watchcap demo".to_owned();
    let synthetic_works = missing.iter().all(|name| *name == "screen");
    Err(Failure::new(
        &format!("this machine cannot record now: {} fails", missing.join(" and ")),
        synthetic_works.then_some(hint),
    ))
}

/// What of that without which nothing is recorded fails: disk and configuration, every encoder, and every way to the screen.
fn missing(checks: &[Check]) -> Vec<&str> {
    let is_of = |check: &Check, kind: &str| check.name.starts_with(kind);
    let none_of = |kind: &str| !checks.iter().any(|check| check.ok && is_of(check, kind));
    // Why no way to the screen works is no fault beside it; nor is a way of several that does not work.
    let ways = ["encoder", "screen", "input", "display"];
    let needed = checks.iter().filter(|check| !check.ok && !ways.iter().any(|kind| is_of(check, kind)));
    let encoder = none_of("encoder").then_some("encoder");
    let screen = none_of("screen").then_some("screen");
    encoder.into_iter().chain(needed.map(|check| check.name.as_str())).chain(screen).collect()
}

/// What to do about what is missing, each advice once; nothing about one way of several when another one works.
fn advice(checks: &[Check]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for kind in ["encoder", "disk", "configuration", "screen", "input"] {
        let ways = || checks.iter().filter(|check| check.name.starts_with(kind));
        if ways().any(|check| check.ok) {
            continue;
        }
        for hint in ways().filter_map(|check| check.hint.as_ref()).map(|hint| format!("hint: {hint}")) {
            if !lines.contains(&hint) {
                lines.push(hint);
            }
        }
    }
    lines
}

/// An encoder, tried: it encodes pictures, and they decode to what they were; and measured: how many it makes a second.
fn encoder(kind: &dyn EncoderKind, args: &DoctorArgs, clock: &dyn Clock) -> Check {
    let name = format!("encoder ({})", kind.name());
    let ((width, height), fps) = (args.size.unwrap_or(SIZE), args.fps.unwrap_or(FPS));
    let (width, height) = I420::coded_size(width, height);
    let bitrate_kbps = default_bitrate_kbps(width, height, fps);
    let settings = EncodeSettings { width, height, fps, bitrate_kbps, gop_ns: 500_000_000, quality: Quality::Fast };
    let tried = kind.probe(PROBE_SIZE).and_then(|probe| {
        let held = rate::held(Driver::new(kind.open(&settings)?), &settings, clock, MEASURED)?;
        Ok((probe, held))
    });
    match tried {
        Ok((probe, held)) => {
            let enough = if held < fps { format!(", too few for {fps}") } else { String::new() };
            let what = format!("{held} frames a second of {width}x{height}{enough}");
            Check::ok(name, format!("{}: {}; {what}", probe.name, kind.about()))
        }
        Err(error) => Check::no(name, &error, error.hint()),
    }
}

/// The configuration that `record` would use.
fn configuration(named: Option<&Path>) -> Check {
    const NAME: &str = "configuration";
    let path = named.map(Path::to_path_buf).or_else(config_file);
    match Config::load(named) {
        Err(error) => Check::no(NAME, &error, Some(error.hint().into())),
        Ok(config) => {
            let consent = match config.record.consent.as_slice() {
                [] => "no standing consent".to_owned(),
                streams => format!("standing consent to {}", streams.join(", ")),
            };
            let file = path.filter(|path| path.is_file());
            let file = file.map_or_else(|| "none, all defaults".to_owned(), |path| path.display().to_string());
            Check::ok(NAME, format!("{file}; {consent}"))
        }
    }
}

fn disk() -> Check {
    match fs4::available_space(Path::new(".")) {
        Ok(bytes) if bytes > 1 << 30 => Check::ok("disk here", format!("{} free", text::size(bytes))),
        Ok(bytes) => Check::no("disk here", &format!("{} free", text::size(bytes)), None),
        Err(error) => Check::no("disk here", &error, None),
    }
}

/// The display server, where there is more than one kind; one that does not answer is told by what needs it.
fn display() -> Option<Check> {
    let kind = registry::server().ok()??;
    let name = std::env::var("DISPLAY").unwrap_or_default();
    let said = wayland::session();
    if kind == "xwayland" {
        let refused = "Xwayland, the part of a Wayland desktop that X11 programs see";
        return Some(Check::no("display", &format!("{name}: {refused}"), Some(wayland::OTHER_SERVER.into())));
    }
    if kind == "wayland" {
        return Some(Check::ok("display", format!("{}: a Wayland compositor", said.unwrap_or_default())));
    }
    let beside = said.map_or_else(String::new, |said| format!("; {said}: the Wayland desktop is not recorded"));
    Some(Check::ok("display", format!("{name}: an X11 server{beside}")))
}

fn screen(backend: &'static dyn Backend, clock: &Arc<dyn Clock>) -> Check {
    let name = format!("screen ({})", backend.name());
    let plan = ScreenPlan {
        target: Target::Primary,
        cursor: true,
        exclusions: Arc::default(),
        wait_target: Duration::ZERO,
        clock: Arc::clone(clock),
    };
    let tried = backend
        .ready()
        .and_then(|()| registry::open_screen(Choice::Named(backend), &plan, false))
        .and_then(|open| open(Outlets::closed()))
        .and_then(|mut source| source.look(true).map(|look| (source.describe(), look)));
    match tried {
        Ok((what, look)) => {
            let surface = what.surface;
            let size = format!("{}x{}", surface.width, surface.height);
            let kind = kind(backend);
            let first = match look {
                Look::New { capture_us, .. } => format!("first picture in {capture_us} us"),
                Look::Same { .. } => "no picture yet: nothing has changed on it".to_owned(),
                Look::Hidden { why, .. } => why.told().to_owned(),
            };
            let detail = format!("{kind}, {}: {size}, {first}", what.backend);
            Check::ok(name, detail)
        }
        Err(error) => Check::no(name, &error, error.hint()),
    }
}

fn input(backend: &'static dyn Backend, clock: &Arc<dyn Clock>) -> Check {
    let name = format!("input ({})", backend.name());
    let plan = InputPlan {
        exclusions: Arc::default(),
        may_miss_lock: false,
        poll_period: Duration::from_millis(2),
        clock: Arc::clone(clock),
    };
    let opened = backend
        .ready()
        .and_then(|()| registry::open_inputs(Choice::Named(backend), &plan))
        .and_then(|inputs| inputs.into_iter().map(|open| open()).collect::<Result<Vec<_>, _>>());
    match opened {
        Ok(sources) => {
            let told: Vec<_> = sources
                .iter()
                .map(|source| source.describe())
                .map(|what| {
                    format!("{}: {}", what.backend, what.facets.iter().map(Facet::name).collect::<Vec<_>>().join(", "))
                })
                .collect();
            Check::ok(name, format!("{}, {}", kind(backend), told.join("; ")))
        }
        Err(error) => Check::no(name, &error, error.hint()),
    }
}

fn kind(backend: &dyn Backend) -> &'static str {
    if backend.is_native() { "native" } else { "portable" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_is_given_once_and_only_where_no_way_works() {
        let no = |name| Check::no(name, &"no display", Some("set DISPLAY".into()));
        let dark = [no("screen (x11)"), no("screen (xcap)"), no("input (xi2)"), no("input (poll)")];
        let lines = advice(&dark);
        assert_eq!(lines, ["hint: set DISPLAY"]);
        let light =
            [Check::ok("screen (x11)", "x11".into()), no("screen (xcap)"), Check::ok("input (poll)", "x".into())];
        assert_eq!(advice(&light), Vec::<String>::new());
    }

    #[test]
    fn a_machine_without_any_screen_cannot_record_and_one_without_inputs_can() {
        let no = |name| Check::no(name, &"no display", None);
        let ok = |name| Check::ok(name, "x".into());
        assert_eq!(
            missing(&[ok("encoder (a)"), no("encoder (b)"), ok("disk here"), no("screen (x11)"), no("screen (xcap)")]),
            ["screen"]
        );
        let deaf = [ok("encoder"), ok("screen (x11)"), no("screen (xcap)"), no("input (xi2)"), no("input (poll)")];
        assert_eq!(missing(&deaf), Vec::<&str>::new());
        assert_eq!(missing(&[no("encoder"), no("configuration"), ok("screen (xcap)")]), ["encoder", "configuration"]);
    }
}
