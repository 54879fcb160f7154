//! How long sealing takes, by the rows of a recording: 1000 inputs and 60 frame references a second, as the recorder commits
//! them (a chunk every 4 ms), at 10 minutes and at 2 hours.
//!
//! ```text
//! cargo bench --bench finalize [-- MINUTES...]
//! cargo bench --bench finalize -- --make FOLDER MINUTES     # only make the log, for scripts/bench_tables.py
//! ```
//! Prints rows, chunks, the log's size, wall and CPU time of finalizing, the promise (1 s plus 1 s per 2 million rows) and the
//! peak of resident memory of a process that only finalizes. The log is made with the real writer on a manual clock.

#![expect(clippy::disallowed_methods, reason = "a benchmark reads the machine's clock")]
#![expect(clippy::print_stdout, reason = "a benchmark prints its result")]

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use serde_json::json;
use watchcap::base::event::{Event, Position, Source};
use watchcap::base::id::{FrameRef, SessionId};
use watchcap::base::time::{Clock, ManualClock, MonoNs, UtcNs};
use watchcap::encode::openh264::OpenH264;
use watchcap::encode::{Driver, EncodeSettings, Gop, Masked, Quality};
use watchcap::finalize;
use watchcap::log::writer::LogWriter;
use watchcap::log::{Body, Record};
use watchcap::media::mp4::append::BOX_SIZE;
use watchcap::media::picture::{FrameStamp, Planar, Sampling};
use watchcap::media::track::{Cost, Packet, TrackId, TrackSpec};

/// Set in the process that only finalizes.
const CHILD: &str = "WATCHCAP_BENCH_FINALIZE";

fn make(session: &Path, minutes: i64) -> Result<u64, Box<dyn std::error::Error>> {
    watchcap::base::files::create_private_dir(session)?;
    let clock = Arc::new(ManualClock::new(MonoNs(1_000_000_000), UtcNs(1_790_000_000_000_000_000)));
    let id = SessionId::new();
    let (width, height, fps) = (320, 192, 60);
    let settings = EncodeSettings {
        width,
        height,
        fps,
        bitrate_kbps: 500,
        gop_ns: 500_000_000,
        quality: Quality::Fast,
        sampling: Sampling::Yuv420,
    };
    let mut driver = Driver::new(Box::new(OpenH264::new(&settings)?));
    let mut gop = Gop::new(settings.gop_ns, settings.fps);
    let sets = driver.config().avc().ok_or("no H.264")?.clone();
    let tracks = [TrackSpec::pictures(sets, (width, height), (width, height), BOX_SIZE)];
    let mut log = LogWriter::create(session, id, &tracks, Arc::clone(&clock) as Arc<dyn Clock>)?;
    let begin = clock.now();
    for (key, value) in [
        ("consent", json!({"record_screen": true, "record_input": true, "method": "synthetic", "given_at": ""})),
        ("session", json!({"watchcap": "bench"})),
        ("session_id", json!(id.to_string())),
        ("encoder", json!({"name": "openh264", "width": width, "height": height, "fps": fps})),
    ] {
        let body = Body::Setup { key: key.into(), json: value.to_string() };
        log.append(&Record { t: begin, source: Source::Recorder, body })?;
    }
    let picture = Masked::not_captured(Planar::yuv420(width, height));
    let mut frames = 0u64;
    let mut rows = 0u64;
    for ms in 0..minutes * 60_000 {
        let t = MonoNs(begin.0 + ms * 1_000_000);
        clock.advance_to(t);
        if ms * 60 / 1000 >= frames as i64 {
            let stamp = FrameStamp { frame_ref: FrameRef(frames), t };
            let ask = gop.ask(stamp);
            if frames == 0 { driver.encode(&picture, ask) } else { driver.repeat(&picture, ask) }?;
            let unit = driver.next_unit().ok_or("no answer at once")?;
            log.append_packet(&Packet {
                track: TrackId::PICTURES,
                first_sample: frames,
                samples: 1,
                t,
                bytes: unit.bytes,
                keyframe: unit.keyframe,
                repeats: frames > 0,
                cost: Cost { capture_us: 500, encode_us: 9000 },
            })?;
            frames += 1;
            rows += 1;
        }
        let position = Some(Position { x: (ms % 1920) as f32 / 1920.0, y: (ms % 1080) as f32 / 1080.0 });
        let motion = Some(((ms % 7) as f32 - 3.0, (ms % 5) as f32 - 2.0));
        let body = Body::Event(Event::MouseMove { position, motion, warped: false });
        log.append(&Record { t: MonoNs(t.0 + 300_000), source: Source::Xi2, body })?;
        rows += 1;
        log.commit_if_due()?;
    }
    log.seal(clock.now(), "duration")?;
    Ok(rows)
}

/// User and system time of this process so far, seconds.
fn cpu_s() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: f64 = fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?;
    Some(ticks / 100.0)
}

fn peak_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM"))?;
    Some(line.split_whitespace().nth(1)?.parse::<f64>().ok()? / 1000.0)
}

fn size(dir: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(dir) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(meta) if meta.is_dir() => size(&entry.path()),
            Ok(meta) => meta.len(),
            Err(_) => 0,
        })
        .sum()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    if let Some(session) = std::env::var_os(CHILD) {
        let began = Instant::now();
        let done = finalize::finalize(Path::new(&session), false, &mut |_| {})?;
        let wall = began.elapsed().as_secs_f64();
        let rows: u64 = done.metadata.counts.values().sum();
        println!(
            "{rows} rows, {} frames: finalize {wall:.2} s wall, {:.2} s CPU, peak {:.0} MB (promise {:.2} s)",
            done.metadata.frames,
            cpu_s().unwrap_or(f64::NAN),
            peak_mb().unwrap_or(f64::NAN),
            1.0 + rows as f64 / 2e6
        );
        return Ok(());
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--make") {
        let folder = arguments.get(at + 1).ok_or("--make FOLDER MINUTES")?;
        let minutes = arguments.get(at + 2).ok_or("--make FOLDER MINUTES")?.parse()?;
        println!("{} records", make(Path::new(folder), minutes)?);
        return Ok(());
    }
    let asked: Vec<i64> = std::env::args().skip(1).filter_map(|a| a.parse().ok()).collect();
    let minutes = if asked.is_empty() { vec![10, 120] } else { asked };
    for minutes in minutes {
        let dir = tempfile::tempdir()?;
        let session = dir.path().join("session");
        let began = Instant::now();
        let rows = make(&session, minutes)?;
        println!(
            "{minutes} minutes: {rows} records, log {:.0} MB, made in {:.0} s",
            size(&session.join("log/events")) as f64 / 1e6,
            began.elapsed().as_secs_f64()
        );
        let status = Command::new(std::env::current_exe()?).env(CHILD, &session).status()?;
        if !status.success() {
            return Err("finalizing failed".into());
        }
    }
    Ok(())
}
