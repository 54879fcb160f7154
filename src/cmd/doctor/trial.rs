//! A recording of three seconds in the folder of recordings: sealed, verified, deleted.
//!
//! Of the desktop only where consent to it stands; else of the synthetic picture, which takes the same road but for the capture. It runs in a
//! process of its own, as every recording does.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::super::text;
use super::check::Check;
use crate::base::files;
use crate::base::time::{Clock, MonoNs};
use crate::session::edition;

const NAME: &str = "trial";
/// How long it may take, with measuring the encoder and sealing.
const LIMIT: Duration = Duration::from_secs(20);
/// Between two looks whether it ended.
const LOOK: i64 = 50_000_000;

/// What is tried.
pub(super) struct Trial<'a> {
    /// Where.
    pub(super) folder: &'a Path,
    /// The configuration that was named.
    pub(super) config: Option<&'a Path>,
    /// Record the desktop, since consent stands.
    pub(super) desktop: bool,
    pub(super) size: (u32, u32),
    pub(super) fps: u32,
}

pub(super) fn run(trial: &Trial<'_>, clock: &dyn Clock) -> Check {
    let folder = trial.folder.join(format!(".watchcap-doctor-{}", std::process::id()));
    if let Err(error) = files::create_private_dir(&folder) {
        return Check::no(NAME, &format!("cannot make {}: {error}", folder.display()), None);
    }
    let check = recorded(trial, &folder, clock);
    match files::remove_tree(&folder) {
        Ok(()) => check,
        Err(error) => {
            let hint = format!("delete {} yourself", folder.display());
            Check::no(NAME, &format!("{}; it cannot be deleted: {error}", check.detail), Some(hint))
        }
    }
}

fn recorded(trial: &Trial<'_>, folder: &Path, clock: &dyn Clock) -> Check {
    let (said, code) = match record(trial, folder, clock) {
        Ok(done) => done,
        Err(error) => return Check::no(NAME, &error, None),
    };
    let line = |event: &str| {
        let lines = said.0.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.into_iter().find(|line| line["event"] == event)
    };
    let Some(recorded) = line("recorded").filter(|_| code == Some(0) || code == Some(3)) else {
        let mut lines = said.1.lines().filter(|line| !line.trim().is_empty());
        let error =
            lines.clone().find_map(|line| line.strip_prefix("error: ")).unwrap_or("it did not end in good order");
        let hint = lines.find_map(|line| line.strip_prefix("hint: ")).map(str::to_owned);
        return Check::no(NAME, &error, hint);
    };
    let session = folder.join("trial");
    if let Some(fault) = edition::fault(&session, true, &mut |_| {}) {
        return Check::no(NAME, &format!("what was sealed does not verify: {fault}"), None);
    }
    let number = |key: &str| recorded[key].as_u64().unwrap_or_default();
    let what = if trial.desktop {
        "your desktop".to_owned()
    } else {
        format!("the synthetic desktop ({}x{}; yours only with a consent that stands)", trial.size.0, trial.size.1)
    };
    let (frames, dropped) = (number("frames"), number("dropped_frames"));
    let (frames, inputs) = (text::counted(frames, "frame"), text::counted(number("events"), "input"));
    Check::ok(NAME, format!("3 seconds of {what}: {frames}, {dropped} dropped, {inputs}; sealed, verified, deleted"))
}

/// Runs `record`, and returns what it printed on both outputs, and its exit code; none when it was ended.
fn record(trial: &Trial<'_>, folder: &Path, clock: &dyn Clock) -> std::io::Result<((String, String), Option<i32>)> {
    let mut command = Command::new(std::env::current_exe()?);
    if let Some(config) = trial.config {
        command.arg("--config").arg(config);
    }
    command.args(["--quiet", "record", "--duration", "3s", "--session", "trial", "--json", "--max-dropped", "100"]);
    command.arg("--fps").arg(trial.fps.to_string()).arg("--out").arg(folder);
    if !trial.desktop {
        let (width, height) = trial.size;
        command.args(["--source", "synthetic", "--size", &format!("{width}x{height}")]);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let until = MonoNs(clock.now().0 + LIMIT.as_nanos() as i64);
    while child.try_wait()?.is_none() {
        if clock.now() >= until {
            child.kill()?;
            break;
        }
        clock.sleep_until(MonoNs(clock.now().0 + LOOK));
    }
    // Both are a few lines, which pipes hold.
    let done = child.wait_with_output()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(((text(&done.stdout), text(&done.stderr)), done.status.code()))
}
