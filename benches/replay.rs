//! The player's data side: what opening, seeking and stepping cost, on a long session and at 1080p.
//!
//! ```text
//! cargo bench --bench replay -- make DIR       # DIR/long: 8 h, 10.4 million rows; DIR/sharp: 30 s of 1080p60
//! cargo bench --bench replay -- make DIR sharp # the second one alone
//! cargo bench --bench replay -- make DIR hours # DIR/hours: 2 h, for the pages of `report`; only when it is named
//! cargo bench --bench replay -- measure DIR
//! ```
//! The sessions are made with the real encoder and the real writers of table, index and metadata. The index of the long one points
//! at the same four seconds of video again and again, each frame with a time of its own. `scripts/bench_replay.py` runs both and
//! measures the player in a terminal beside them.

#![expect(clippy::disallowed_methods, reason = "a benchmark reads the machine's clock")]
#![expect(clippy::print_stdout, reason = "a benchmark prints its result")]

use std::path::Path;
use std::time::Instant;

use serde_json::{Value, json};
use watchcap::base::id::{FrameRef, SessionId};
use watchcap::base::time::MonoNs;
use watchcap::encode::convert::{self, Bgrx};
use watchcap::encode::openh264::OpenH264;
use watchcap::encode::{Driver, EncodeSettings, Gop, Masked, Quality};
use watchcap::media::mp4::append::{BOX_SIZE, VideoWriter};
use watchcap::media::mp4::finish;
use watchcap::media::mp4::moov;
use watchcap::media::mp4::moov::{Sample, VideoTrack};
use watchcap::media::picture::{FrameStamp, Planar, Sampling};
use watchcap::play::opened;
use watchcap::session::table::row::{Row, RowMetadata, event_type, key};
use watchcap::session::table::write::TableWriter;
use watchcap::session::{layout, seal};
use watchcap_replay::{Direction, Filter, Found, Lane, Lanes};

type Any = Box<dyn std::error::Error>;

/// What is made.
struct Plan {
    name: &'static str,
    size: (u32, u32),
    fps: i64,
    seconds: i64,
    /// Motion events a second.
    motion: i64,
    /// Seconds of video that are encoded, and then repeated.
    encoded: i64,
}

/// What is made when it is named.
const HOURS: Plan = Plan { name: "hours", size: (1920, 1080), fps: 30, seconds: 2 * 3600, motion: 330, encoded: 4 };
/// What is made.
const PLANS: [Plan; 2] = [
    Plan { name: "long", size: (1920, 1080), fps: 30, seconds: 8 * 3600, motion: 330, encoded: 4 },
    Plan { name: "sharp", size: (1920, 1080), fps: 60, seconds: 30, motion: 1000, encoded: 30 },
];

/// A picture in which everything moves: a scrolling texture, as BGRX pixels.
fn paint(pixels: &mut [u8], (width, height): (u32, u32), step: i64) {
    for y in 0..height as usize {
        for x in 0..width as usize {
            let at = (y * width as usize + x) * 4;
            let u = x + step as usize * 6;
            let v = (u ^ y) as u8;
            pixels[at] = v;
            pixels[at + 1] = (u / 3) as u8;
            pixels[at + 2] = (y / 2) as u8 ^ (u / 64 * 40) as u8;
        }
    }
}

fn make(dir: &Path, plan: &Plan) -> Result<(), Any> {
    let began = Instant::now();
    let session = dir.join(plan.name);
    watchcap::base::files::create_private_dir(&session)?;
    let (width, height) = plan.size;
    let fps = plan.fps as u32;
    let settings = EncodeSettings {
        width,
        height,
        fps,
        bitrate_kbps: 8000,
        gop_ns: 500_000_000,
        quality: Quality::Fast,
        sampling: Sampling::Yuv420,
    };
    let mut driver = Driver::new(Box::new(OpenH264::new(&settings)?));
    let mut gop = Gop::new(settings.gop_ns, settings.fps);
    let t0 = 1_000_000_000_i64;
    // Captured some microseconds late, as frames are.
    let frame_t = |n: i64| t0 + n * 1_000_000_000 / plan.fps + if n > 0 { n * 7919 % 60 * 1000 } else { 0 };

    // The video: what is encoded once is there once, and the index points at it again and again.
    let video = layout::frames_path(&session);
    let mut writer = VideoWriter::create(&video, BOX_SIZE)?;
    let mut pixels = vec![0; (width * height * 4) as usize];
    let mut encoded = Vec::new();
    for n in 0..plan.encoded * plan.fps {
        paint(&mut pixels, plan.size, n);
        let mut picture = Planar::yuv420(width, height);
        convert::to_i420(Bgrx { data: &pixels, stride: width as usize * 4, width, height }, &mut picture)?;
        let stamp = FrameStamp { frame_ref: FrameRef(n as u64), t: MonoNs(frame_t(n)) };
        driver.encode(&Masked::not_captured(picture), gop.ask(stamp))?;
        let unit = driver.next_unit().ok_or("no answer at once")?;
        encoded.push((writer.append(&unit.bytes)?, unit.keyframe));
    }
    let frames = plan.seconds * plan.fps;
    let mut samples = Vec::with_capacity(frames as usize);
    for n in 0..frames {
        let (extent, keyframe) = &encoded[(n as usize) % encoded.len()];
        let pts_us = (frame_t(n) - t0 + 500) / 1000;
        samples.push(Sample { offset: extent.offset, size: extent.len, pts_us, keyframe: *keyframe });
    }
    let config = driver.config();
    let track =
        VideoTrack { config, coded: plan.size, surface: plan.size, nominal_frame_us: 1_000_000 / fps, rate: None };
    let index = moov::build(&samples, &track)?;
    finish::finish(&video, writer.layout(), writer.len(), &index)?;

    // The table: motion, frames, a key a second, a click every three, a gap every ten minutes.
    let id = SessionId::new().to_string();
    let mut table = TableWriter::create(&layout::events_path(&session), &id, &[])?;
    let mut metadata = RowMetadata::default();
    let mut frame = 0;
    let mut rows = 0_u64;
    let end = t0 + plan.seconds * 1_000_000_000;
    let step = 1_000_000_000 / plan.motion;
    let mut t_ns = t0;
    let mut n = 0_i64;
    while t_ns < end {
        while frame < frames && frame_t(frame) <= t_ns {
            metadata.clear();
            metadata.push_int(key::BYTES, i64::from(samples[frame as usize].size));
            metadata.push_int(key::CAPTURE_US, 900);
            metadata.push_int(key::ENCODE_US, 9000 + frame % 500);
            let mut row = Row::new(frame_t(frame), event_type::FRAME, &id, &metadata);
            row.frame_ref = Some(frame);
            row.pts = Some(samples[frame as usize].pts_us);
            row.is_keyframe = Some(samples[frame as usize].keyframe);
            table.push(&row)?;
            (frame, rows) = (frame + 1, rows + 1);
        }
        metadata.clear();
        let in_second = n % plan.motion;
        let second = n / plan.motion;
        let mut row = Row::new(t_ns, event_type::MOUSE_MOVE, &id, &metadata);
        row.mouse_x = Some((n % 1777) as f32 / 1777.0);
        row.mouse_y = Some((n % 983) as f32 / 983.0);
        row.mouse_dx = Some((n % 7) as f32 - 3.0);
        row.mouse_dy = Some((n % 5) as f32 - 2.0);
        row.frame_ref = Some(frame - 1);
        row.source = Some("xi2");
        table.push(&row)?;
        rows += 1;
        let at = |share: i64| in_second == plan.motion * share / 10;
        let kind = match () {
            () if at(2) => event_type::KEY_DOWN,
            () if at(4) => event_type::KEY_UP,
            () if at(5) && second % 3 == 0 => event_type::MOUSE_CLICK,
            () if at(6) && second % 600 == 300 => event_type::GAP,
            () => "",
        };
        if !kind.is_empty() {
            match kind {
                event_type::GAP => {
                    metadata.push_int(key::LOST, 3);
                    metadata.push_str(key::REASON, "late");
                    metadata.push_str(key::STREAM, "screen");
                    metadata.push_int(key::UNTIL_NS, t_ns + 100_000_000);
                }
                event_type::MOUSE_CLICK => {}
                _ => metadata.push_str(key::CODE, ["KeyW", "KeyA", "KeyS", "KeyD"][(second % 4) as usize]),
            }
            let mut row = Row::new(t_ns, kind, &id, &metadata);
            row.frame_ref = Some(frame - 1);
            row.source = Some("xi2");
            match kind {
                event_type::MOUSE_CLICK => {
                    (row.mouse_button, row.pressed) = (Some("left"), Some(second % 2 == 0));
                    (row.mouse_x, row.mouse_y) = (Some(0.5), Some(0.5));
                }
                event_type::GAP => {}
                _ => {
                    row.key_code = Some([26, 4, 22, 7][(second % 4) as usize]);
                    row.pressed = Some(kind == event_type::KEY_DOWN);
                }
            }
            table.push(&row)?;
            rows += 1;
        }
        n += 1;
        t_ns += step;
    }
    let summary = table.finish()?;

    // The metadata of a real recording, with what is other here.
    let mut facts: Value = serde_json::from_str(include_str!("../tests/golden/session-1.0.0/metadata.json"))?;
    for (name, value) in [
        ("session_id", json!(id)),
        ("format_version", json!(watchcap::session::table::schema::FORMAT_VERSION)),
        ("frames", json!(frames)),
        ("duration_ns", json!(plan.seconds * 1_000_000_000)),
        ("resolution", json!([width, height])),
        ("counts", json!(summary.counts)),
        ("clicks", json!(summary.clicks.count())),
        ("duplicate_frames", json!(0)),
        ("dropped_frames", json!(3 * summary.counts.get(event_type::GAP).copied().unwrap_or(0))),
    ] {
        facts[name] = value;
    }
    seal::publish_bytes(&layout::metadata_path(&session), serde_json::to_string_pretty(&facts)?.as_bytes())?;
    seal::seal(&session, &[], &mut |_| {})?;
    println!(
        "{}: {} s, {frames} frames of {width}x{height}, {rows} rows, made in {:.0} s",
        plan.name,
        plan.seconds,
        began.elapsed().as_secs_f64()
    );
    Ok(())
}

/// A number that looks random and is the same each time.
struct Draw(u64);

impl Draw {
    fn below(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

/// Prints p50, p95 and the most of some times.
fn times(what: &str, mut ms: Vec<f64>) {
    ms.sort_by(f64::total_cmp);
    let at = |share: f64| ms[((ms.len() - 1) as f64 * share) as usize];
    println!("  {what}: p50 {:.1} ms, p95 {:.1} ms, max {:.1} ms ({} times)", at(0.5), at(0.95), at(1.0), ms.len());
}

fn status(field: &str) -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with(field))?;
    Some(line.split_whitespace().nth(1)?.parse::<f64>().ok()? / 1000.0)
}

/// What the player asks for when the playhead has moved.
fn look(playback: &mut opened::Playback, frame: u64, within: (u32, u32)) -> Result<f64, Any> {
    let began = Instant::now();
    let timeline = &playback.timeline;
    let t_ns = timeline.frame(frame).ok_or("no such frame")?.t_ns;
    timeline.state_at(t_ns)?;
    timeline.overlay(t_ns - 500_000_000, t_ns)?;
    timeline.rows(t_ns, 256, 256, &Filter::lanes(Lanes::NOTABLE))?;
    playback.pictures.picture(frame, within)?;
    Ok(began.elapsed().as_secs_f64() * 1000.0)
}

fn measure(session: &Path) -> Result<(), Any> {
    // A picture of half-blocks at 200 columns.
    let within = (143, 80);
    println!("{}:", session.file_name().unwrap_or_default().display());
    let began = Instant::now();
    let mut playback = opened::open(session)?;
    let opened = began.elapsed().as_secs_f64() * 1000.0;
    look(&mut playback, 0, within)?;
    println!("  opened in {opened:.0} ms, first picture after {:.0} ms", began.elapsed().as_secs_f64() * 1000.0);
    let summary = playback.timeline.summary();
    let mut draw = Draw(7);
    // Seeks while the overview is being made, and behind it.
    let mut early = Vec::new();
    for _ in 0..40 {
        early.push(look(&mut playback, draw.below(summary.frames), within)?);
    }
    times("seek while events are counted", early);
    let mut counted = None;
    loop {
        let density = playback.timeline.density(summary.start_ns, summary.end_ns, 100)?;
        let sum: u64 = density.counts.iter().flatten().map(|count| u64::from(*count)).sum();
        if density.complete {
            println!("  {sum} events: everything known after {:.1} s", began.elapsed().as_secs_f64());
            break;
        }
        if counted.is_none() && sum > 0 && density.counts.last().is_some_and(|last| last.iter().any(|count| *count > 0))
        {
            counted = Some(began.elapsed().as_secs_f64());
            println!("  lanes are whole after {:.1} s", counted.unwrap_or(f64::NAN));
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let seeks: Result<Vec<f64>, Any> =
        (0..200).map(|_| look(&mut playback, draw.below(summary.frames), within)).collect();
    times("seek", seeks?);
    let middle = summary.frames / 2;
    look(&mut playback, middle, within)?;
    let on: Result<Vec<f64>, Any> = (1..200).map(|n| look(&mut playback, middle + n, within)).collect();
    times("step on", on?);
    let back: Result<Vec<f64>, Any> = (1..200).rev().map(|n| look(&mut playback, middle + n, within)).collect();
    times("step back (nothing decoded ahead)", back?);
    for (what, filter) in [
        ("next key", Filter::parse("type:key_down").within(Lanes::only(Lane::Key))),
        ("next gap", Filter::lanes(Lanes::only(Lane::Gap))),
        ("a word that is nowhere", Filter::parse("nowhere").within(Lanes::only(Lane::Key))),
    ] {
        let began = Instant::now();
        let (mut from, mut calls, mut longest) = (summary.start_ns + 1, 0, 0.0_f64);
        let found = loop {
            let call = Instant::now();
            let found = playback.timeline.nearest(from, Direction::Forward, &filter)?;
            longest = longest.max(call.elapsed().as_secs_f64() * 1000.0);
            calls += 1;
            match found {
                Found::UpTo(t_ns) => from = t_ns,
                other => break other,
            }
        };
        let took = began.elapsed().as_secs_f64() * 1000.0;
        println!("  {what}: {found:?} in {took:.0} ms, {calls} calls, the longest {longest:.1} ms");
    }
    println!(
        "  resident memory: {:.0} MB, at its peak {:.0} MB",
        status("VmRSS").unwrap_or(f64::NAN),
        status("VmHWM").unwrap_or(f64::NAN)
    );
    Ok(())
}

fn main() -> Result<(), Any> {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["make", dir] => PLANS.iter().try_for_each(|plan| make(Path::new(dir), plan)),
        ["make", dir, name] => PLANS
            .iter()
            .chain([&HOURS])
            .filter(|plan| plan.name == name)
            .try_for_each(|plan| make(Path::new(dir), plan)),
        // A session a process: the peak of memory is then its own.
        ["measure", session] => measure(Path::new(session)),
        _ => Err("say `make DIR`, `make DIR NAME` or `measure SESSION`".into()),
    }
}
