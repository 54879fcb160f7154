//! `watchcap doctor`: what this machine can record, tried and not guessed.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::{Failure, Outcome, text};
use crate::capture::Target;
use crate::capture::platform::{self, CaptureOptions, InputBackend, ScreenBackend};
use crate::cli::DoctorArgs;
use crate::encode::{EncodeSettings, FrameStamp, I420, Quality, VideoEncoder, openh264::OpenH264};
use crate::id::FrameRef;
use crate::time::{Clock, MonoNs, SystemClock};

/// One finding.
struct Check {
    name: &'static str,
    ok: bool,
    detail: String,
    /// What can be done about it.
    hint: Option<String>,
}

impl Check {
    fn ok(name: &'static str, detail: String) -> Self {
        Self { name, ok: true, detail, hint: None }
    }

    fn no(name: &'static str, error: &impl std::fmt::Display, hint: Option<String>) -> Self {
        Self { name, ok: false, detail: error.to_string(), hint }
    }
}

pub(super) fn run(args: &DoctorArgs) -> Result<Outcome, Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let mut checks = vec![encoder(), disk()];
    for (name, backend) in [("screen (native)", ScreenBackend::Auto), ("screen (xcap)", ScreenBackend::Xcap)] {
        checks.push(screen(name, backend, &clock));
    }
    for (name, backend) in [("input (native)", InputBackend::Auto), ("input (poll)", InputBackend::Poll)] {
        checks.push(input(name, backend, &clock));
    }
    if args.json {
        let list: Vec<_> =
            checks.iter().map(|c| json!({ "check": c.name, "ok": c.ok, "detail": c.detail, "hint": c.hint })).collect();
        text::json(&json!(list));
    } else {
        let rows: Vec<_> = checks
            .iter()
            .map(|c| vec![if c.ok { "ok" } else { "no" }.into(), c.name.into(), text::cell(&c.detail)])
            .collect();
        text::out(&text::table(&rows).join("\n"));
        for line in advice(&checks) {
            text::say(&text::printable(&line));
        }
    }
    // The encoder and the disk are needed for anything; a missing display still leaves the synthetic desktop.
    if checks.iter().take(2).all(|check| check.ok) {
        Ok(Outcome::Clean)
    } else {
        Err(Failure::new(&"this machine cannot record", None))
    }
}

/// What to do about what is missing, each advice once; nothing about one way of several when another one works.
fn advice(checks: &[Check]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for kind in ["screen", "input"] {
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

fn encoder() -> Check {
    let settings = EncodeSettings {
        width: 640,
        height: 480,
        fps: 30,
        bitrate_kbps: 1000,
        gop_ns: 500_000_000,
        quality: Quality::Fast,
    };
    let tried = OpenH264::new(&settings).and_then(|mut encoder| {
        let stamp = FrameStamp { frame_ref: FrameRef(0), t: MonoNs(0) };
        let mut unit = Vec::new();
        encoder.encode(&I420::new(640, 480), stamp, &mut unit)?;
        Ok(encoder.describe().name)
    });
    match tried {
        Ok(name) => Check::ok("encoder", name),
        Err(error) => Check::no("encoder", &error, error.hint()),
    }
}

fn disk() -> Check {
    match fs4::available_space(Path::new(".")) {
        Ok(bytes) if bytes > 1 << 30 => Check::ok("disk here", format!("{} free", text::size(bytes))),
        Ok(bytes) => Check::no("disk here", &format!("{} free", text::size(bytes)), None),
        Err(error) => Check::no("disk here", &error, None),
    }
}

fn options(screen: ScreenBackend, input: InputBackend) -> CaptureOptions {
    let poll_period = Duration::from_millis(2);
    CaptureOptions {
        target: Target::Primary,
        cursor: true,
        screen,
        input,
        record_input: true,
        poll_period,
        exclusions: std::sync::Arc::default(),
    }
}

fn screen(name: &'static str, backend: ScreenBackend, clock: &Arc<dyn Clock>) -> Check {
    let tried = platform::sources(&options(backend, InputBackend::Auto), clock)
        .and_then(|sources| (sources.screen)())
        .and_then(|mut source| source.grab(true).map(|grab| (source.describe(), grab)));
    match tried {
        Ok((what, grab)) => {
            let surface = what.surface;
            let size = format!("{}x{}", surface.width, surface.height);
            let detail = format!("{}: {size}, first picture in {} us", what.backend, grab.capture_us);
            Check::ok(name, detail)
        }
        Err(error) => Check::no(name, &error, error.hint()),
    }
}

fn input(name: &'static str, backend: InputBackend, clock: &Arc<dyn Clock>) -> Check {
    let tried = platform::sources(&options(ScreenBackend::Auto, backend), clock)
        .and_then(|sources| sources.input.map(|open| open()).transpose());
    match tried {
        Ok(Some(source)) => {
            let what = source.describe();
            let abilities = [
                ("keys", what.keys),
                ("buttons", what.buttons),
                ("wheel", what.wheel),
                ("relative motion", what.relative_motion),
                ("position", what.position),
                ("focus", what.focus),
            ];
            let list: Vec<_> = abilities.iter().filter(|(_, there)| *there).map(|(name, _)| *name).collect();
            Check::ok(name, format!("{}: {}", what.backend, list.join(", ")))
        }
        Ok(None) => Check::no(name, &"not in this build", None),
        Err(error) => Check::no(name, &error, error.hint()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_is_given_once_and_only_where_no_way_works() {
        let no = |name| Check::no(name, &"no display", Some("set DISPLAY".into()));
        let dark = [no("screen (native)"), no("screen (xcap)"), no("input (native)"), no("input (poll)")];
        let lines = advice(&dark);
        assert_eq!(lines, ["hint: set DISPLAY"]);
        let light =
            [Check::ok("screen (native)", "x11".into()), no("screen (xcap)"), Check::ok("input (poll)", "x".into())];
        assert_eq!(advice(&light), Vec::<String>::new());
    }
}
