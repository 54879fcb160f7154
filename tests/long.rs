//! Two hours in seconds: a manual clock, small pictures, the real log, the real encoder, the real finalizer.

use std::sync::Arc;

use serde_json::json;
use watchcap::base::event::{Event, HidUsage, Key, Position, Source};
use watchcap::base::id::{FrameRef, SessionId};
use watchcap::base::time::{Clock, ManualClock, MonoNs, UtcNs};
use watchcap::encode::openh264::OpenH264;
use watchcap::encode::{Driver, EncodeSettings, Gop, Masked, Quality};
use watchcap::finalize;
use watchcap::log::writer::LogWriter;
use watchcap::log::{Body, Record};
use watchcap::media::frames::FrameReader;
use watchcap::media::picture::{FrameStamp, Planar, Sampling};
use watchcap::media::track::{Cost, Packet, TrackId, TrackSpec};
use watchcap::session::loss::MaxDropped;

use crate::support::{run, watchcap};

const FPS: u32 = 4;
const SECONDS: i64 = 2 * 3600;
/// Inputs between two frames: 25 a second.
const INPUTS: i64 = 6;

#[test]
fn two_hours_seal_and_are_indexed_past_71_minutes() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = dir.path().join("long");
    watchcap::base::files::create_private_dir(&session).expect("a folder");
    let clock = Arc::new(ManualClock::new(MonoNs(7_000_000_000), UtcNs(1_790_000_000_000_000_000)));
    let dynamic: Arc<dyn Clock> = Arc::clone(&clock) as Arc<dyn Clock>;
    let id = SessionId::new();
    let settings = EncodeSettings {
        width: 96,
        height: 64,
        fps: FPS,
        bitrate_kbps: 100,
        gop_ns: 2_000_000_000,
        quality: Quality::Fast,
        sampling: Sampling::Yuv420,
    };
    let mut driver = Driver::new(Box::new(OpenH264::new(&settings).expect("an encoder")));
    let mut gop = Gop::new(settings.gop_ns, settings.fps);
    // Boxes of 1 MiB, so that the session has several.
    let sets = driver.config().avc().expect("H.264").clone();
    let tracks = [TrackSpec::pictures(sets, (96, 64), (96, 64), 1 << 20)];
    let mut log = LogWriter::create(&session, id, &tracks, dynamic).expect("a log");
    let facts = [
        (
            "consent",
            json!({"record_screen": true, "record_input": true, "method": "synthetic", "given_at": "2026-09-21T14:13:20Z"}),
        ),
        ("session", json!({"watchcap": "0.1.0"})),
        ("session_id", json!(id.to_string())),
        ("screen", json!({"backend": "synthetic", "width": 96, "height": 64, "x": 0, "y": 0, "scale": 1.0})),
        ("encoder", json!({"name": "openh264", "codec_string": "avc1", "width": 96, "height": 64, "fps": FPS})),
    ];
    let begin = clock.now();
    let append = |log: &mut LogWriter, t: MonoNs, source, body| {
        log.append(&Record { t, source, body }).expect("an append");
    };
    for (key, value) in facts {
        append(&mut log, begin, Source::Recorder, Body::Setup { key: key.into(), json: value.to_string() });
    }
    let mut picture = Planar::yuv420(96, 64);
    let frames = SECONDS * i64::from(FPS);
    for n in 0..frames {
        let t = MonoNs(begin.0 + n * 1_000_000_000 / i64::from(FPS));
        clock.advance_to(t);
        if n % (10 * i64::from(FPS)) == 0 {
            append(&mut log, t, Source::Recorder, Body::Anchor(clock.anchor()));
        }
        let stamp = FrameStamp { frame_ref: FrameRef(n as u64), t };
        let duplicate = n % 3 == 1;
        let ask = gop.ask(stamp);
        if duplicate {
            driver.repeat(&Masked::not_captured(picture.clone()), ask).expect("a repeat");
        } else {
            let (luma, ..) = picture.planes_mut();
            luma[(n as usize * 96) % (96 * 64)..][..96].fill((n % 200) as u8 + 20);
            driver.encode(&Masked::not_captured(picture.clone()), ask).expect("a frame");
        }
        let unit = driver.next_unit().expect("an answer at once");
        gop.made(&unit);
        let packet = Packet {
            track: TrackId::PICTURES,
            first_sample: n as u64,
            samples: 1,
            t,
            bytes: unit.bytes,
            keyframe: unit.keyframe,
            repeats: duplicate,
            cost: Cost { capture_us: 1, encode_us: 1 },
        };
        log.append_packet(&packet).expect("an append");
        for i in 0..INPUTS {
            let t = MonoNs(t.0 + (i + 1) * 30_000_000);
            let position = Some(Position { x: (i as f32) / 7.0, y: 0.5 });
            append(
                &mut log,
                t,
                Source::Synthetic,
                Body::Event(Event::MouseMove { position, motion: Some((1.0, 0.0)), warped: false }),
            );
        }
        if n == frames - 2 {
            let key = Key { usage: Some(HidUsage(4)), native: Some(38), down: true, repeat: false, redacted: false };
            append(&mut log, MonoNs(t.0 + 200_000_000), Source::Synthetic, Body::Event(Event::Key(key)));
        }
        log.commit_if_due().expect("a commit");
    }
    let end = MonoNs(begin.0 + SECONDS * 1_000_000_000);
    clock.advance_to(end);
    append(&mut log, end, Source::Recorder, Body::Anchor(clock.anchor()));
    log.seal(end, "duration").expect("a closed log");

    let done = finalize::finalize(&session, false, &mut |_| {}).expect("a session");
    assert!(!done.is_lossy(MaxDropped::default()), "{:?}", done.metadata.lost);
    assert_eq!(done.metadata.frames, frames as u64);
    assert_eq!(done.metadata.counts["mouse_move"], (frames * INPUTS) as u64);
    assert_eq!((done.metadata.counts["key_down"], done.metadata.counts["key_up"]), (1, 1), "the held key is stuck");
    let drift = done.metadata.clock_drift_ppm.expect("two hours are long enough to measure the drift");
    assert!(drift.abs() < 1e-6, "the manual clock does not drift, {drift} ppm were measured");

    let mut video = FrameReader::open(&session.join("frames.mp4")).expect("the video");
    assert_eq!(video.len() as i64, frames);
    let last = frames as usize - 1;
    let pts = video.pts_us(last).expect("a time");
    assert_eq!(pts, (frames - 1) * 1_000_000 / i64::from(FPS));
    assert!(pts > i64::from(u32::MAX), "two hours do not pass 71 minutes");
    video.decode(last).expect("the last frame");
    let probe = std::process::Command::new("ffprobe")
        .args(["-v", "error", "-show_entries", "packet=pts", "-of", "csv=p=0"])
        .arg(session.join("frames.mp4"))
        .output()
        .expect("ffprobe is missing: run scripts/setup.sh test");
    let text = String::from_utf8_lossy(&probe.stdout);
    let times: Vec<i64> = text.lines().filter_map(|line| line.trim_end_matches(',').parse().ok()).collect();
    assert_eq!(times.len() as i64, frames);
    assert!(times.iter().enumerate().all(|(n, t)| *t == n as i64 * 1_000_000 / i64::from(FPS)));
    let (code, _, err) = run(watchcap().arg("verify").arg(&session));
    assert_eq!(code, 0, "{err}");
}
