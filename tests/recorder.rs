//! The recorder with parts that are slow, hang, panic or disappear: it ends, the log seals, and what is missing is counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use watchcap::capture::{BgraView, CaptureError, Grab, ScreenDescription, ScreenSource, Sources, synthetic};
use watchcap::encode::openh264::OpenH264;
use watchcap::encode::{
    EncodeError, EncodeSettings, Encoded, EncoderDescription, FrameStamp, I420, ParameterSets, Quality, VideoEncoder,
};
use watchcap::finalize;
use watchcap::id::SessionId;
use watchcap::privacy::Plan;
use watchcap::recorder::{Control, MakeEncoder, RecordError, RecordOptions, Recorded, Stop, Unchanged, record};
use watchcap::session::metadata::Metadata;
use watchcap::session::reader::SessionReader;
use watchcap::time::{Anchor, Clock, MonoNs, SystemClock, UtcNs};

use crate::support::{self, watchcap};

const SIZE: (u32, u32) = (96, 64);

fn options(dir: &std::path::Path, fps: u32) -> RecordOptions {
    let id = SessionId::new();
    RecordOptions {
        session_dir: dir.join("s"),
        exact_name: true,
        session_id: id,
        fps,
        bitrate_kbps: Some(200),
        gop_ns: 500_000_000,
        quality: Quality::Fast,
        duration: Some(Duration::from_millis(1500)),
        unchanged: Unchanged::Repeat,
        box_bytes: 1 << 20,
        allow_missing: Vec::new(),
        privacy: Plan::default(),
        facts: vec![
            (
                "consent".into(),
                json!({"record_screen": true, "record_input": true, "method": "synthetic", "given_at": ""}),
            ),
            ("session_id".into(), json!(id.to_string())),
        ],
        hotkeys: watchcap::hotkeys::Hotkeys::default(),
        control: Control::new(),
    }
}

/// An encoder that misbehaves at one frame, or at every frame.
struct Odd {
    inner: OpenH264,
    delay: Duration,
    panic_at: Option<u64>,
}

impl VideoEncoder for Odd {
    fn describe(&self) -> EncoderDescription {
        self.inner.describe()
    }
    fn parameter_sets(&self) -> &ParameterSets {
        self.inner.parameter_sets()
    }
    fn encode(&mut self, picture: &I420, stamp: FrameStamp, out: &mut Vec<u8>) -> Result<Encoded, EncodeError> {
        assert_ne!(Some(stamp.frame_ref.0), self.panic_at, "as the test wants");
        std::thread::sleep(self.delay);
        self.inner.encode(picture, stamp, out)
    }
    fn restart(&mut self) {
        self.inner.restart();
    }
    fn repeat(&mut self, picture: &I420, stamp: FrameStamp, out: &mut Vec<u8>) -> Result<Encoded, EncodeError> {
        self.inner.repeat(picture, stamp, out)
    }
}

fn odd(delay: Duration, panic_at: Option<u64>) -> MakeEncoder {
    Box::new(move |settings: &EncodeSettings| {
        Ok(Box::new(Odd { inner: OpenH264::new(settings)?, delay, panic_at }) as Box<dyn VideoEncoder>)
    })
}

fn run(options: RecordOptions, sources: Sources, encoder: MakeEncoder, stop: &Stop) -> Result<Recorded, RecordError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    record(options, sources, encoder, &clock, stop, |_, _| {}, |_| {})
}

fn synthetic_sources() -> Sources {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    synthetic::sources(SIZE, &clock, true).expect("sources")
}

fn sealed(dir: &std::path::Path) -> Metadata {
    finalize::finalize(&dir.join("s"), false, &mut |_| {}).expect("a session").metadata
}

#[test]
fn a_slow_encoder_drops_frames_and_every_drop_is_written() {
    let dir = tempfile::tempdir().expect("a folder");
    let encoder = odd(Duration::from_millis(60), None);
    let done = run(options(dir.path(), 60), synthetic_sources(), encoder, &Stop::new()).expect("a recording");
    assert!(done.lossy && done.status.dropped > 20, "{:?}", done.status);
    // 1.5 s at 60 fps are 90 deadlines; each is a frame or a drop.
    assert_eq!(done.status.frames + done.status.dropped, 90, "of 90 deadlines");
    assert_eq!(done.status.due, 90);
    let metadata = sealed(dir.path());
    assert_eq!((metadata.frames, metadata.dropped_frames), (done.status.frames, Some(done.status.dropped)));
    let lost: u64 = metadata.lost.iter().filter(|l| l.stream == "screen").filter_map(|l| l.count).sum();
    assert_eq!(lost, done.status.dropped);
}

#[test]
fn a_panicking_encoder_ends_the_recording_and_what_was_stored_seals() {
    let dir = tempfile::tempdir().expect("a folder");
    let began = Instant::now();
    let encoder = odd(Duration::ZERO, Some(20));
    let mut options = options(dir.path(), 60);
    options.duration = Some(Duration::from_mins(1));
    let done = run(options, synthetic_sources(), encoder, &Stop::new()).expect("a recording");
    assert!(began.elapsed() < Duration::from_secs(10), "it went on for {:?}", began.elapsed());
    assert_eq!((done.end_reason.as_str(), done.lossy), ("panic", true));
    let metadata = sealed(dir.path());
    assert_eq!(metadata.frames, 20);
    assert_eq!(
        metadata.frames + metadata.dropped_frames.expect("counted"),
        done.status.due,
        "pictures under way are counted"
    );
    assert_eq!(metadata.streams["screen"].status, "failed");
    assert_eq!(metadata.end_reason.as_deref(), Some("panic"));
}

/// A screen that hangs or disappears after some pictures.
struct Broken {
    pixels: Vec<u8>,
    left: u64,
    hang: bool,
    grabs: Arc<AtomicU64>,
}

impl ScreenSource for Broken {
    fn describe(&self) -> ScreenDescription {
        ScreenDescription {
            backend: "broken".into(),
            surface: watchcap::event::Surface { x: 0, y: 0, width: SIZE.0, height: SIZE.1, scale: 1.0 },
            refresh_hz: None,
            cursor: false,
            sees_changes: false,
            target: "test".into(),
            window_id: None,
            masks_windows: true,
        }
    }
    fn grab(&mut self, _whole: bool) -> Result<Grab, CaptureError> {
        self.grabs.fetch_add(1, Ordering::SeqCst);
        if self.left == 0 && self.hang {
            std::thread::sleep(Duration::from_hours(1));
        }
        if self.left == 0 {
            return Err(CaptureError::Gone { what: "display", detail: "the test took it".into() });
        }
        self.left -= 1;
        Ok(Grab { t: SystemClock.now(), capture_us: 1, changed: true, surface: None })
    }
    fn pixels(&mut self) -> BgraView<'_> {
        BgraView { data: &mut self.pixels, stride: SIZE.0 as usize * 4, width: SIZE.0, height: SIZE.1 }
    }
}

fn broken(left: u64, hang: bool) -> (Sources, Arc<AtomicU64>) {
    let grabs = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&grabs);
    let screen = move || -> Result<Box<dyn ScreenSource>, CaptureError> {
        let pixels = vec![90; SIZE.0 as usize * SIZE.1 as usize * 4];
        Ok(Box::new(Broken { pixels, left, hang, grabs: counter }))
    };
    (Sources { screen: Box::new(screen), input: synthetic_sources().input }, grabs)
}

#[test]
fn a_screen_that_hangs_does_not_keep_the_log_from_being_closed() {
    let dir = tempfile::tempdir().expect("a folder");
    let (sources, grabs) = broken(10, true);
    let stop = Stop::new();
    let asking = stop.clone();
    let asker = std::thread::spawn(move || {
        while grabs.load(Ordering::SeqCst) < 11 {
            std::thread::sleep(Duration::from_millis(10));
        }
        let asked = Instant::now();
        asking.ask("sigint");
        asked
    });
    let mut options = options(dir.path(), 30);
    options.duration = None;
    let done = run(options, sources, odd(Duration::ZERO, None), &stop).expect("a recording");
    let took = asker.join().expect("a time").elapsed();
    assert!(took < Duration::from_millis(2500), "it took {took:?}");
    assert!(done.lossy);
    let metadata = sealed(dir.path());
    assert_eq!((metadata.frames, metadata.end_reason.as_deref()), (10, Some("sigint")));
    assert!(metadata.lost.iter().any(|loss| loss.reason == "source_hangs"), "{:?}", metadata.lost);
}

#[test]
fn a_screen_that_disappears_is_a_gap_with_its_reason() {
    let dir = tempfile::tempdir().expect("a folder");
    let (sources, _) = broken(12, false);
    let done = run(options(dir.path(), 30), sources, odd(Duration::ZERO, None), &Stop::new()).expect("a recording");
    assert_eq!((done.end_reason.as_str(), done.lossy), ("display_gone", true));
    let metadata = sealed(dir.path());
    assert_eq!(metadata.frames, 12);
    assert_eq!(metadata.streams["screen"].status, "failed");
    assert_eq!(metadata.streams["screen"].reason.as_deref(), Some("display_gone"));
    assert!(metadata.lost.iter().any(|loss| loss.reason == "display_gone"), "{:?}", metadata.lost);
}

/// The machine's clocks, of a machine that sleeps and whose wall clock somebody sets.
#[derive(Default)]
struct Astray {
    set_ns: AtomicI64,
    asleep_ns: AtomicI64,
}

impl Clock for Astray {
    fn now(&self) -> MonoNs {
        SystemClock.now()
    }
    fn anchor(&self) -> Anchor {
        let Anchor { mono, utc, boot_ns } = SystemClock.anchor();
        let (set, asleep) = (self.set_ns.load(Ordering::SeqCst), self.asleep_ns.load(Ordering::SeqCst));
        Anchor { mono, utc: UtcNs(utc.0 + set + asleep), boot_ns: boot_ns.map(|boot| boot + asleep) }
    }
    fn sleep_until(&self, until: MonoNs) {
        SystemClock.sleep_until(until);
    }
    fn name(&self) -> &'static str {
        SystemClock.name()
    }
}

#[test]
fn a_machine_that_slept_and_a_clock_that_was_set_are_rows_and_nothing_is_lost() {
    const BACK_NS: i64 = -3_600_000_000_000;
    const ASLEEP_NS: i64 = 90_000_000_000;
    let dir = tempfile::tempdir().expect("a folder");
    let astray = Arc::new(Astray::default());
    let clock: Arc<dyn Clock> = Arc::<Astray>::clone(&astray);
    let sources = synthetic::sources(SIZE, &clock, true).expect("sources");
    let mut options = options(dir.path(), 30);
    options.duration = Some(Duration::from_secs(4));
    let encoder = odd(Duration::ZERO, None);
    let done = record(
        options,
        sources,
        encoder,
        &clock,
        &Stop::new(),
        |_, _| {},
        |status| {
            if status.elapsed > Duration::from_secs(1) {
                astray.set_ns.store(BACK_NS, Ordering::SeqCst);
            }
            if status.elapsed > Duration::from_millis(2500) {
                astray.asleep_ns.store(ASLEEP_NS, Ordering::SeqCst);
            }
        },
    )
    .expect("a recording");
    assert!(done.lossy, "sleep is told by the exit code");
    assert_eq!((done.end_reason.as_str(), done.status.frames + done.status.dropped), ("duration", 120));

    let metadata = sealed(dir.path());
    let session = dir.path().join("s");
    let reader = SessionReader::open(&session).expect("a session");
    let rows = reader.events().rows().collect::<Result<Vec<_>, _>>().expect("rows");
    let gaps: Vec<_> = rows.iter().filter(|row| row.metadata.get("stream") == Some("clock")).collect();
    let reasons: Vec<_> = gaps.iter().map(|row| (row.metadata.get("reason"), row.metadata.get("lost"))).collect();
    assert_eq!(reasons, [(Some("clock_jump"), Some("0")), (Some("suspended"), None)]);
    // Both ends of a gap are readings of all clocks, which tell how much it was.
    let anchor =
        |at: i64| metadata.clock.anchors.iter().find(|a| a.monotonic_ns == at).expect("a reading at the gap's end");
    for (gap, set, asleep) in [(gaps[0], BACK_NS, 0), (gaps[1], 0, ASLEEP_NS)] {
        let until = gap.metadata.get("until_ns").and_then(|until| until.parse().ok()).expect("an end");
        let (from, to) = (anchor(gap.t_ns), anchor(until));
        let passed = to.monotonic_ns - from.monotonic_ns;
        let off = to.realtime_ns - from.realtime_ns - passed - set - asleep;
        assert!(off.abs() < 10_000_000, "the wall clock is {off} ns off");
        let boot = to.boottime_ns.zip(from.boottime_ns).map(|(to, from)| to - from - passed - asleep);
        assert!(boot.is_none_or(|off| off.abs() < 10_000_000), "the boot clock is {boot:?} ns off");
    }
    // Times go on: they are those of the monotonic clock.
    let frames: Vec<_> = rows.iter().filter(|row| row.event_type == "frame").map(|row| row.t_ns).collect();
    assert!(frames.windows(2).all(|pair| pair[0] < pair[1] && pair[1] - pair[0] < 2_000_000_000), "{frames:?}");
    let (code, _, err) = support::run(watchcap().arg("verify").arg(&session));
    assert_eq!(code, 0, "{err}");
}
