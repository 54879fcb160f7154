//! What encoding costs: CPU time of this process (all threads) per picture, on a clip of raw 4:2:0 pictures.
//!
//! `cargo bench --bench encode -- CLIP.yuv --size 1920x1080 --fps 30 --kbps 8000 --out CLIP.h264` prints one line; the
//! stream is for `ffmpeg … -lavfi ssim`. `scripts/bench_encode.sh` does the whole comparison with libx264.
//! `--still N` repeats the first picture N times instead. `--set name=value` changes one field of the tuning. `--x264 PROGRAM` encodes with that
//! watchcap-x264 instead, whose CPU time counts too. `--repeat` hands pictures that are like the one before over as repeats, as a recording does.
#![expect(clippy::print_stdout, reason = "printing is what a measurement is for")]
#![expect(clippy::disallowed_methods, reason = "a benchmark writes its stream where it is told")]

use std::fs::File;
use std::io::{BufWriter, Read, Write};

use watchcap::base::id::FrameRef;
use watchcap::base::time::MonoNs;
use watchcap::encode::openh264::{OpenH264, Tuning};
use watchcap::encode::x264::X264Encoder;
use watchcap::encode::{Driver, EncodeSettings, Gop, Masked, Quality, VideoEncoder};
use watchcap::media::avc::nal::to_annex_b;
use watchcap::media::picture::{FrameStamp, Planar, Sampling};

type Failure = Box<dyn std::error::Error>;

struct Options {
    clip: String,
    out: Option<String>,
    still: Option<u64>,
    settings: EncodeSettings,
    tuning: Tuning,
    x264: Option<String>,
    repeat: bool,
}

fn options() -> Result<Options, Failure> {
    let mut settings = EncodeSettings {
        width: 1920,
        height: 1080,
        fps: 30,
        bitrate_kbps: 8000,
        gop_ns: 500_000_000,
        quality: Quality::Fast,
        sampling: Sampling::Yuv420,
    };
    let (mut clip, mut out, mut still, mut changes) = (None, None, None, Vec::new());
    let (mut x264, mut repeat) = (None, false);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
        match argument.as_str() {
            "--bench" => {}
            "--x264" => x264 = Some(value()?),
            "--repeat" => repeat = true,
            "--out" => out = Some(value()?),
            "--still" => still = Some(value()?.parse()?),
            "--size" => {
                let size = value()?;
                let (width, height) = size.split_once('x').ok_or("a size is WIDTHxHEIGHT")?;
                (settings.width, settings.height) = (width.parse()?, height.parse()?);
            }
            "--fps" => settings.fps = value()?.parse()?,
            "--kbps" => settings.bitrate_kbps = value()?.parse()?,
            "--gop-ms" => settings.gop_ns = value()?.parse::<i64>()? * 1_000_000,
            "--quality" => {
                settings.quality = match value()?.as_str() {
                    "fast" => Quality::Fast,
                    "balanced" => Quality::Balanced,
                    "sharp" => Quality::Sharp,
                    other => return Err(format!("no quality is called {other}").into()),
                }
            }
            "--set" => changes.push(value()?),
            _ => clip = Some(argument),
        }
    }
    let mut tuning = Tuning::of(settings.quality);
    for change in changes {
        let (name, value) = change.split_once('=').ok_or("--set takes name=value")?;
        match name {
            "complexity" => tuning.complexity = value.parse()?,
            "deblocking" => tuning.deblocking_idc = value.parse()?,
            "slices" => tuning.slices = value.parse()?,
            "min_qp" => tuning.min_qp = value.parse()?,
            "max_qp" => tuning.max_qp = value.parse()?,
            "idr" => tuning.idr_percent = value.parse()?,
            other => return Err(format!("the tuning has no {other}").into()),
        }
    }
    Ok(Options { clip: clip.ok_or("which clip?")?, out, still, settings, tuning, x264, repeat })
}

/// CPU time of this process, seconds.
#[cfg(unix)]
fn cpu() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// Wall time, seconds: where no CPU clock is at hand.
#[cfg(not(unix))]
fn cpu() -> f64 {
    use watchcap::base::time::{Clock, SystemClock};
    SystemClock.now().0 as f64 * 1e-9
}

/// CPU time of children that have ended, seconds, to a hundredth.
fn cpu_of_children() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(13).take(2);
    fields.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

fn main() -> Result<(), Failure> {
    let Options { clip, out, still, settings, tuning, x264, repeat } = options()?;
    let mut clip = File::open(clip)?;
    let mut out = out.map(File::create).transpose()?.map(BufWriter::new);
    let encoder: Box<dyn VideoEncoder> = match &x264 {
        Some(program) => Box::new(X264Encoder::open(program.into(), &settings)?),
        None => Box::new(OpenH264::with_tuning(&settings, tuning)?),
    };
    let mut driver = Driver::new(encoder);
    let mut gop = Gop::new(settings.gop_ns, settings.fps);
    let sets = driver.config().avc().ok_or("no H.264")?.clone();
    let mut masked = Masked::not_captured(Planar::yuv420(settings.width, settings.height));
    let mut annex_b = Vec::new();
    let (mut frames, mut bytes, mut spent, mut worst) = (0_u64, 0_u64, 0.0_f64, 0.0_f64);
    let (mut keyframes, mut moved) = (0_u64, 0_u64);
    while still.is_none_or(|repeats| frames <= repeats) {
        let mut fresh = still.is_none() || frames == 0;
        if fresh {
            let mut picture = Planar::yuv420(settings.width, settings.height);
            let (y, u, v) = picture.planes_mut();
            if clip.read_exact(y).is_err() {
                break;
            }
            clip.read_exact(u)?;
            clip.read_exact(v)?;
            fresh = !repeat || frames == 0 || masked.planar() != &picture;
            masked = Masked::not_captured(picture);
            moved += u64::from(fresh);
        }
        let t = MonoNs(frames as i64 * 1_000_000_000 / i64::from(settings.fps));
        let stamp = FrameStamp { frame_ref: FrameRef(frames), t };
        let before = cpu();
        let ask = gop.ask(stamp);
        if fresh { driver.encode(&masked, ask) } else { driver.repeat(&masked, ask) }?;
        let unit = driver.next_unit().ok_or("no answer at once")?;
        gop.made(&unit);
        let took = cpu() - before;
        spent += took;
        worst = worst.max(took);
        frames += 1;
        bytes += unit.bytes.len() as u64;
        keyframes += u64::from(unit.keyframe);
        if let Some(out) = &mut out {
            annex_b.clear();
            to_annex_b(&unit.bytes, unit.keyframe.then_some(&sets), &mut annex_b)?;
            out.write_all(&annex_b)?;
        }
    }
    driver.finish()?;
    spent += cpu_of_children();
    let seconds = frames as f64 / f64::from(settings.fps);
    println!(
        "{frames} frames, {moved} moved, {keyframes} IDR, {:.0} kbit/s, cpu {:.3} ms per frame, worst {:.1} ms ({tuning:?})",
        bytes as f64 * 8.0 / 1000.0 / seconds,
        spent * 1000.0 / frames as f64,
        worst * 1000.0,
    );
    Ok(())
}
