//! A day of recording on a clock that runs fast: whether memory, open files, threads and CPU time per recorded hour stay flat.
//!
//! ```text
//! cargo bench --bench day [-- HOURS SPEED FPS]      # 24 hours, 60 times as fast as life, 10 frames a second: 24 minutes
//! ```
//! The recorder of the program with the synthetic desktop (125 pointer reports a second, keys, clicks, wheel), split each hour, each part
//! sealed beside the recording by a process of its own, as the program does. Prints a line an hour; at the end it compares the hours, adds up frames and rows of all parts, and verifies
//! the first, the middle and the last one. Ends with 1 when a frame or a part is missing. Threads wait in the machine's time, so a
//! wait of 4 ms lasts `SPEED` times that on the fast clock: latencies are not measured by this, only what grows.

#![expect(clippy::print_stdout, reason = "a benchmark prints its result")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::json;
use watchcap::base::child::{own_program, run_last};
use watchcap::base::id::SessionId;
use watchcap::base::time::{Anchor, Clock, MonoNs, SystemClock, UtcNs};
use watchcap::capture::synthetic;
use watchcap::encode::openh264::OpenH264;
use watchcap::encode::{Quality, VideoEncoder};
use watchcap::finalize;
use watchcap::media::picture::Sampling;
use watchcap::privacy::Plan;
use watchcap::recorder::{
    Control, RecordOptions, SoundOptions, Split, SplitAt, Status, StillOptions, Stop, Unchanged, record,
};
use watchcap::session::layout;
use watchcap::session::metadata::Metadata;
use watchcap::session::verify::{VerifyOptions, verify, video::open_video};

/// Names the part that a process of this program only seals.
const CHILD: &str = "WATCHCAP_BENCH_DAY";

/// The machine's clock, `speed` times as fast from `begin` on.
struct Fast {
    begin: Anchor,
    speed: i64,
}

impl Clock for Fast {
    fn now(&self) -> MonoNs {
        let passed = SystemClock.now().0 - self.begin.mono.0;
        MonoNs(self.begin.mono.0 + passed * self.speed)
    }

    fn anchor(&self) -> Anchor {
        let mono = self.now();
        let utc = UtcNs(self.begin.utc.0 + (mono.0 - self.begin.mono.0));
        Anchor { mono, utc, boot_ns: Some(mono.0), awake_ns: None }
    }

    fn sleep_until(&self, until: MonoNs) {
        let real = self.begin.mono.0 + (until.0 - self.begin.mono.0) / self.speed;
        SystemClock.sleep_until(MonoNs(real));
    }

    fn name(&self) -> &'static str {
        "fast"
    }
}

/// What the process has at the end of an hour.
#[derive(Clone, Copy, Default)]
struct Use {
    resident_mb: f64,
    files: usize,
    threads: usize,
    cpu_s: f64,
}

/// Reads what this process has; the system tells by text files.
fn used() -> Option<Use> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let of = |name: &str| -> Option<f64> {
        status.lines().find(|line| line.starts_with(name))?.split_whitespace().nth(1)?.parse().ok()
    };
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: f64 = fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?;
    Some(Use {
        resident_mb: of("VmRSS")? / 1000.0,
        files: std::fs::read_dir("/proc/self/fd").ok()?.count().saturating_sub(1),
        threads: of("Threads")? as usize,
        cpu_s: ticks / 100.0,
    })
}

/// The first, the middle and the last of what there is.
fn some(parts: &[PathBuf]) -> Vec<&PathBuf> {
    let mut at = vec![0, parts.len() / 2, parts.len().saturating_sub(1)];
    at.dedup();
    at.iter().filter_map(|at| parts.get(*at)).collect()
}

/// Frames and rows of a part, sealed by another process.
fn seal(folder: &Path) -> Result<(u64, u64), Box<dyn std::error::Error>> {
    let mut command = Command::new(own_program()?);
    let output = run_last(command.env(CHILD, folder))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let metadata = Metadata::read(&layout::metadata_path(folder))?;
    Ok((metadata.frames, metadata.counts.values().sum()))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    if let Some(part) = std::env::var_os(CHILD) {
        finalize::finalize(Path::new(&part), false, &mut |_| {})?;
        return Ok(());
    }
    let asked: Vec<u64> = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    let [hours, speed, fps] = [(0, 24), (1, 60), (2, 10)].map(|(at, usual)| *asked.get(at).unwrap_or(&usual));
    let dir = tempfile::tempdir()?;
    let fast = Fast { begin: SystemClock.anchor(), speed: i64::try_from(speed)? };
    let clock: Arc<dyn Clock> = Arc::new(fast);
    let sources = synthetic::sources((320, 180), &clock, true)?;
    let sealed: Arc<Mutex<Vec<(PathBuf, u64, u64)>>> = Arc::default();
    let failures: Arc<Mutex<Vec<String>>> = Arc::default();
    let (done, failed) = (Arc::clone(&sealed), Arc::clone(&failures));
    let closed = move |part: watchcap::recorder::Part| match seal(&part.folder) {
        Ok((frames, rows)) => {
            done.lock().unwrap_or_else(PoisonError::into_inner).push((part.folder, frames, rows));
        }
        Err(error) => failed.lock().unwrap_or_else(PoisonError::into_inner).push(error.to_string()),
    };
    let id = SessionId::new();
    let consent = json!({"record_screen": true, "record_input": true, "method": "synthetic", "given_at": ""});
    let hour = Duration::from_hours(1);
    let options = RecordOptions {
        session_dir: dir.path().join("day"),
        exact_name: true,
        session_id: id,
        fps: u32::try_from(fps)?,
        bitrate_kbps: Some(200),
        gop_ns: 500_000_000,
        quality: Quality::Fast,
        sampling: Sampling::Yuv420,
        sound: SoundOptions::default(),
        duration: Some(hour * u32::try_from(hours)?),
        unchanged: Unchanged::Repeat,
        box_bytes: 1 << 20,
        allow_missing: Vec::new(),
        privacy: Plan::default(),
        facts: vec![("consent".into(), consent), ("session_id".into(), json!(id.to_string()))],
        hotkeys: watchcap::base::hotkeys::Hotkeys::default(),
        stills: StillOptions::default(),
        taps: Vec::new(),
        split: Some(Split { at: SplitAt::Time(hour), begun: Box::new(|_, _| {}), closed: Box::new(closed) }),
        control: Control::new(),
    };
    println!("hour  resident MB  files  threads  CPU s of the hour  frames     dropped  inputs");
    let mut at = Vec::new();
    let mut before = (Use::default(), Status::default());
    let tell = |status: Status| {
        let over = status.elapsed.as_secs() / 3600;
        if over as usize <= at.len() {
            return;
        }
        let Some(now) = used() else { return };
        println!(
            "{over:>4}  {:>11.1}  {:>5}  {:>7}  {:>17.1}  {:>9}  {:>7}  {}",
            now.resident_mb,
            now.files,
            now.threads,
            now.cpu_s - before.0.cpu_s,
            status.frames - before.1.frames,
            status.dropped - before.1.dropped,
            status.events - before.1.events,
        );
        at.push(Use { cpu_s: now.cpu_s - before.0.cpu_s, ..now });
        before = (now, status);
    };
    let encoder = |settings: &_| Ok(Box::new(OpenH264::new(settings)?) as Box<dyn VideoEncoder>);
    let mut recorded = record(options, sources, Box::new(encoder), &clock, &Stop::new(), |_, _| {}, tell)?;
    if let Some(sealing) = recorded.sealing.take() {
        sealing.join().map_err(|_panic| "the thread that seals parts ended by a fault")?;
    }
    let mut parts = sealed.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let last = recorded.log.session_dir.clone();
    let (frames, rows) = seal(&last)?;
    parts.push((last, frames, rows));
    let status = recorded.status;
    let (frames, rows) = parts.iter().fold((0, 0), |sum, part| (sum.0 + part.1, sum.1 + part.2));
    println!(
        "{} parts, {frames} frames ({} stored, {} dropped, {} due), {rows} rows",
        parts.len(),
        status.frames,
        status.dropped,
        status.due
    );
    let mut faults = failures.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if frames != status.frames || frames + status.dropped != status.due {
        faults.push("frames are missing".into());
    }
    if (parts.len() as u64).abs_diff(hours) > 1 {
        faults.push(format!("{} parts of {hours} hours", parts.len()));
    }
    let folders: Vec<PathBuf> = parts.into_iter().map(|part| part.0).collect();
    for part in some(&folders) {
        let report = verify(part, VerifyOptions::default(), &mut |path: &Path| open_video(path), &mut |_| {});
        println!(
            "{}: {}",
            part.file_name().unwrap_or_default().display(),
            if report.ok() { "verified" } else { "NOT whole" }
        );
        if !report.ok() {
            faults.push(format!("{report:?}"));
        }
    }
    // The first hour has what is set up once.
    let (Some(second), Some(end)) = (at.get(1), at.last()) else { return Ok(()) };
    println!(
        "hour 2 against hour {}: resident {:+.1} MB, files {:+}, threads {:+}, CPU {:+.1} %",
        at.len(),
        end.resident_mb - second.resident_mb,
        end.files as i64 - second.files as i64,
        end.threads as i64 - second.threads as i64,
        100.0 * (end.cpu_s / second.cpu_s - 1.0),
    );
    if faults.is_empty() { Ok(()) } else { Err(faults.join("; ").into()) }
}
