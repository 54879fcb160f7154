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
        let list: Vec<_> = checks.iter().map(|c| json!({ "check": c.name, "ok": c.ok, "detail": c.detail })).collect();
        text::json(&json!(list));
    } else {
        let rows: Vec<_> = checks
            .iter()
            .map(|c| vec![if c.ok { "ok" } else { "no" }.into(), c.name.into(), text::cell(&c.detail)])
            .collect();
        text::out(&text::table(&rows).join("\n"));
    }
    // The encoder and the disk are needed for anything; a missing display still leaves the synthetic desktop.
    if checks.iter().take(2).all(|check| check.ok) {
        Ok(Outcome::Clean)
    } else {
        Err(Failure::new(&"this machine cannot record", None))
    }
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
        Ok(name) => Check { name: "encoder", ok: true, detail: name },
        Err(error) => Check { name: "encoder", ok: false, detail: error.to_string() },
    }
}

fn disk() -> Check {
    match fs4::available_space(Path::new(".")) {
        Ok(bytes) => Check { name: "disk here", ok: bytes > 1 << 30, detail: format!("{} free", text::size(bytes)) },
        Err(error) => Check { name: "disk here", ok: false, detail: error.to_string() },
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
            Check { name, ok: true, detail }
        }
        Err(error) => Check { name, ok: false, detail: error.to_string() },
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
            Check { name, ok: true, detail: format!("{}: {}", what.backend, list.join(", ")) }
        }
        Ok(None) => Check { name, ok: false, detail: "not in this build".into() },
        Err(error) => Check { name, ok: false, detail: error.to_string() },
    }
}
