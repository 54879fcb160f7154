//! The recorder with parts that are slow, hang, panic or disappear: it ends, the log seals, and what is missing is counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use watchcap::base::id::SessionId;
use watchcap::base::time::{Anchor, Clock, MonoNs, SystemClock, UtcNs};
use watchcap::capture::{
    BgraView, CaptureError, FacetSet, Look, Outlets, ScreenDescription, ScreenSource, Sources, synthetic,
};
use watchcap::encode::openh264::OpenH264;
use watchcap::encode::{Ask, EncodeError, EncodeSettings, EncoderDescription, Masked, Outbox, Quality, VideoEncoder};
use watchcap::finalize;
use watchcap::media::avc::sei::parse_sei;
use watchcap::media::frames::FrameReader;
use watchcap::media::picture::{FrameStamp, PixelFormat, Sampling};
use watchcap::media::track::CodecConfig;
use watchcap::privacy::Plan;
use watchcap::recorder::{
    Control, MakeEncoder, Offer, RecordError, RecordOptions, Recorded, Stop, Tap, Unchanged, record,
};
use watchcap::session::loss::MaxDropped;
use watchcap::session::metadata::Metadata;
use watchcap::session::table::read::SessionReader;
use watchcap::session::verify::{VerifyOptions, verify};

use crate::support::late::Late;
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
        sampling: Sampling::Yuv420,
        sound: watchcap::recorder::SoundOptions::default(),
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
        hotkeys: watchcap::base::hotkeys::Hotkeys::default(),
        stills: watchcap::recorder::StillOptions::default(),
        taps: Vec::new(),
        split: None,
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
    fn takes(&self) -> &[PixelFormat] {
        self.inner.takes()
    }
    fn config(&self) -> &CodecConfig {
        self.inner.config()
    }
    fn encode(&mut self, picture: &Masked, ask: Ask, out: &mut Outbox) -> Result<(), EncodeError> {
        assert_ne!(Some(ask.stamp.frame_ref.0), self.panic_at, "as the test wants");
        std::thread::sleep(self.delay);
        self.inner.encode(picture, ask, out)
    }
    fn repeat(&mut self, picture: &Masked, ask: Ask, out: &mut Outbox) -> Result<(), EncodeError> {
        self.inner.repeat(picture, ask, out)
    }
    fn finish(&mut self, out: &mut Outbox) -> Result<(), EncodeError> {
        self.inner.finish(out)
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
fn two_inputs_become_one_stream_and_the_metadata_names_both() {
    // In time for the order to be kept, and too late for it.
    for late in [Duration::from_millis(3), Duration::from_millis(40)] {
        let dir = tempfile::tempdir().expect("a folder");
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let sources = synthetic::split_sources(SIZE, &clock, late).expect("sources");
        run(options(dir.path(), 30), sources, odd(Duration::ZERO, None), &Stop::new()).expect("a recording");
        let metadata = sealed(dir.path());
        let input = &metadata.streams["input"];
        assert_eq!(
            (input.status.as_str(), input.source.as_deref()),
            ("recorded", Some("synthetic-keyboard+synthetic-pointer"))
        );
        let sources = input.settings["sources"].as_array().expect("each of them");
        let keys: Vec<_> = sources.iter().map(|source| source["keys"].as_bool().expect("a flag")).collect();
        assert_eq!((keys, input.settings["keys"].as_bool()), (vec![true, false], Some(true)));
        for kind in ["key_down", "key_up", "mouse_move", "mouse_click", "focus"] {
            assert!(metadata.counts.get(kind).is_some_and(|count| *count > 0), "no {kind} in {:?}", metadata.counts);
        }
        // Frames may be late on a busy machine.
        assert!(metadata.lost.iter().all(|loss| loss.stream == "screen"), "{:?}", metadata.lost);
    }
}

#[test]
fn times_increase_whatever_a_pushing_screen_delivers() {
    for fps in [30, 120] {
        let dir = tempfile::tempdir().expect("a folder");
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let how = synthetic::Pushing::default();
        let sources = synthetic::pushing_sources(SIZE, &clock, how).expect("sources");
        let done =
            run(options(dir.path(), fps), sources, odd(Duration::ZERO, None), &Stop::new()).expect("a recording");
        let metadata = sealed(dir.path());
        // 1.5 s at 50 pictures a second, of which the looks see some; and no repeat of what nobody knows.
        assert!((30..=90).contains(&metadata.frames), "{} frames of {} due", metadata.frames, done.status.due);
        let video = &mut |path: &std::path::Path| watchcap::session::verify::video::open_video(path);
        let report = verify(&dir.path().join("s"), VerifyOptions::default(), video, &mut |_| {});
        assert!(report.ok(), "{report:?}");
    }
}

#[test]
fn a_screen_that_hides_is_a_gap_and_no_repeat_and_the_positions_that_it_hands_in_are_rows() {
    let dir = tempfile::tempdir().expect("a folder");
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let hidden = (Duration::from_millis(600), Duration::from_millis(1100));
    let how = synthetic::Pushing { hidden: Some(hidden), hands_in: true };
    let sources = synthetic::pushing_sources(SIZE, &clock, how).expect("sources");
    let mut options = options(dir.path(), 30);
    options.duration = Some(Duration::from_secs(2));
    run(options, sources, odd(Duration::ZERO, None), &Stop::new()).expect("a recording");
    let metadata = sealed(dir.path());
    let reader = SessionReader::open(&dir.path().join("s")).expect("a session");
    let rows = reader.events().rows().collect::<Result<Vec<_>, _>>().expect("rows");
    let gaps: Vec<_> = rows.iter().filter(|row| row.metadata.get("reason") == Some("window_minimised")).collect();
    let [gap] = gaps[..] else { panic!("{} gaps", gaps.len()) };
    assert_eq!((gap.metadata.get("stream"), gap.metadata.get("lost")), (Some("screen"), Some("0")));
    let until: i64 = gap.metadata.get("until_ns").and_then(|until| until.parse().ok()).expect("an end");
    assert!((300_000_000..900_000_000).contains(&(until - gap.t_ns)), "it lasted {} ns", until - gap.t_ns);
    let frames: Vec<_> = rows.iter().filter(|row| row.event_type == "frame").map(|row| row.t_ns).collect();
    assert!(frames.iter().all(|t| *t <= gap.t_ns || *t >= until), "a frame of what was hidden");
    assert!(frames.iter().any(|t| *t < gap.t_ns) && frames.iter().any(|t| *t > until));
    // The pointer is the screen's, its motion the input's, each in a row of its own; none while there is nothing to see.
    let of = |name: &str| {
        rows.iter()
            .filter(|row| row.source.as_deref() == Some(name) && row.event_type == "mouse_move")
            .collect::<Vec<_>>()
    };
    let (pointed, moved) = (of("synthetic-pushing"), of("synthetic"));
    assert!(pointed.len() > 10 && moved.len() > 50, "{} positions, {} motions", pointed.len(), moved.len());
    assert!(pointed.iter().all(|row| row.mouse_x.is_some() && row.mouse_dx.is_none()));
    assert!(moved.iter().all(|row| row.mouse_x.is_none() && row.mouse_dx.is_some()));
    let input = &metadata.streams["input"];
    assert_eq!(input.source.as_deref(), Some("synthetic+synthetic-pushing"));
    assert_eq!(input.settings["position"].as_bool(), Some(true));
}

#[test]
fn a_slow_encoder_drops_frames_and_every_drop_is_written() {
    let dir = tempfile::tempdir().expect("a folder");
    let encoder = odd(Duration::from_millis(60), None);
    let done = run(options(dir.path(), 60), synthetic_sources(), encoder, &Stop::new()).expect("a recording");
    assert!(done.is_lossy(MaxDropped::default()) && done.status.dropped > 20, "{:?}", done.status);
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
    assert_eq!((done.end_reason.as_str(), done.is_lossy(MaxDropped::default())), ("panic", true));
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
            surface: watchcap::base::event::Surface { x: 0, y: 0, width: SIZE.0, height: SIZE.1, scale: None },
            refresh_hz: None,
            cursor: false,
            sees_changes: false,
            target: "test".into(),
            window_id: None,
            masks_windows: true,
            display_server: None,
            names_programs: true,
            hands_in: FacetSet::NONE,
            settings: Vec::new(),
        }
    }
    fn look(&mut self, _whole: bool) -> Result<Look, CaptureError> {
        self.grabs.fetch_add(1, Ordering::SeqCst);
        if self.left == 0 && self.hang {
            std::thread::sleep(Duration::from_hours(1));
        }
        if self.left == 0 {
            return Err(CaptureError::Gone { what: "display", detail: "the test took it".into() });
        }
        self.left -= 1;
        Ok(Look::new(SystemClock.now(), 1))
    }
    fn frame(&mut self) -> Result<BgraView<'_>, CaptureError> {
        Ok(BgraView { data: &mut self.pixels, stride: SIZE.0 as usize * 4, width: SIZE.0, height: SIZE.1 })
    }
}

fn broken(left: u64, hang: bool) -> (Sources, Arc<AtomicU64>) {
    let grabs = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&grabs);
    let screen = move |_: Outlets| -> Result<Box<dyn ScreenSource>, CaptureError> {
        let pixels = vec![90; SIZE.0 as usize * SIZE.1 as usize * 4];
        Ok(Box::new(Broken { pixels, left, hang, grabs: counter }))
    };
    (Sources { screen: Box::new(screen), inputs: synthetic_sources().inputs, sounds: Vec::new(), sign: None }, grabs)
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
    assert!(done.is_lossy(MaxDropped::default()));
    let metadata = sealed(dir.path());
    assert_eq!((metadata.frames, metadata.end_reason.as_deref()), (10, Some("sigint")));
    assert!(metadata.lost.iter().any(|loss| loss.reason == "source_hangs"), "{:?}", metadata.lost);
}

#[test]
fn a_screen_that_disappears_is_a_gap_with_its_reason() {
    let dir = tempfile::tempdir().expect("a folder");
    let (sources, _) = broken(12, false);
    let done = run(options(dir.path(), 30), sources, odd(Duration::ZERO, None), &Stop::new()).expect("a recording");
    assert_eq!((done.end_reason.as_str(), done.is_lossy(MaxDropped::default())), ("display_gone", true));
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
        let Anchor { mono, utc, boot_ns, .. } = SystemClock.anchor();
        let (set, asleep) = (self.set_ns.load(Ordering::SeqCst), self.asleep_ns.load(Ordering::SeqCst));
        Anchor { mono, utc: UtcNs(utc.0 + set + asleep), boot_ns: boot_ns.map(|boot| boot + asleep), awake_ns: None }
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
    assert!(done.is_lossy(MaxDropped::default()), "sleep is told by the exit code");
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

/// The frames of a session: time, picture number in the SEI, keyframe, and whether it repeats; and that the video says the same.
fn frames(session: &std::path::Path) -> Vec<(i64, bool, bool)> {
    let reader = SessionReader::open(session).expect("a session");
    let mut video = FrameReader::open(&session.join("frames.mp4")).expect("a video");
    let mut frames = Vec::new();
    for row in reader.events().rows().map(|row| row.expect("a row")).filter(|row| row.event_type == "frame") {
        let frame = frames.len();
        let stamp = parse_sei(video.access_unit(frame).expect("its bytes")).expect("a stamp");
        assert_eq!((stamp.frame_ref.0, stamp.t.0), (frame as u64, row.t_ns), "frame {frame} has another's bytes");
        assert_eq!(video.is_keyframe(frame), row.is_keyframe);
        video.decode(frame).expect("a picture");
        frames.push((row.t_ns, row.is_keyframe == Some(true), row.metadata.get("dup").is_some()));
    }
    assert_eq!(frames.len(), video.len());
    frames
}

#[test]
fn an_encoder_that_answers_late_goes_the_whole_way_and_loses_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let encoder: MakeEncoder = Box::new(|settings: &EncodeSettings| Late::open(settings, false));
    let done = run(options(dir.path(), 30), synthetic_sources(), encoder, &Stop::new()).expect("a recording");
    assert_eq!(done.end_reason, "duration");
    assert_eq!(done.status.frames + done.status.dropped, 45, "1.5 s at 30 fps");
    let metadata = sealed(dir.path());
    assert_eq!((metadata.frames, metadata.dropped_frames), (done.status.frames, Some(done.status.dropped)));
    let encoder = metadata.encoder.expect("an encoder");
    assert_eq!((encoder.name.as_str(), encoder.settings["delay"].as_str()), ("late 1.0", "2"));
    let session = dir.path().join("s");
    let frames = frames(&session);
    let keyframes: Vec<usize> = (0..frames.len()).filter(|frame| frames[*frame].1).collect();
    assert!(keyframes[0] == 0 && keyframes.windows(2).all(|pair| pair[1] - pair[0] <= 15), "{keyframes:?}");
    let (code, _, err) = support::run(watchcap().arg("verify").arg(&session));
    assert_eq!(code, 0, "{err}");
    // What it made can be masked afterwards: its kind is not in this build, so another one of the codec encodes anew.
    let masks = ["--mask", "0,0,16,16", "--from", "0", "--to", "1"];
    let (code, _, err) = support::run(watchcap().arg("redact").arg(&session).args(masks));
    assert_eq!(code, 0, "{err}");
}

#[test]
fn what_a_late_encoder_owes_in_a_pause_is_stored_before_it_ends() {
    let dir = tempfile::tempdir().expect("a folder");
    let encoder: MakeEncoder = Box::new(|settings: &EncodeSettings| Late::open(settings, true));
    let mut options = options(dir.path(), 30);
    options.duration = Some(Duration::from_secs(3));
    let control = options.control.clone();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let (mut in_pause, mut due_in_pause) = (0, 0);
    record(
        options,
        synthetic_sources(),
        encoder,
        &clock,
        &Stop::new(),
        |_, _| {},
        |status| {
            let elapsed = status.elapsed.as_millis();
            if (500..1000).contains(&elapsed) && !control.is_paused() {
                control.pause(clock.as_ref()).expect("a pause");
            } else if control.is_paused() && elapsed > 1500 {
                (in_pause, due_in_pause) = (status.frames + status.dropped, status.due);
                control.resume(clock.as_ref()).expect("it goes on");
            }
        },
    )
    .expect("a recording");
    assert!(in_pause > 0 && in_pause == due_in_pause, "{in_pause} of {due_in_pause} frames were stored in the pause");
    let session = dir.path().join("s");
    sealed(dir.path());
    let frames = frames(&session);
    let after = (1..frames.len()).max_by_key(|frame| frames[*frame].0 - frames[*frame - 1].0).expect("a pause");
    assert!(frames[after].1, "decoding cannot begin behind the pause");
}

/// A tap that looks at a corner, and has room for half of the pictures.
struct Eye {
    seen: Arc<std::sync::Mutex<Vec<(u64, u8)>>>,
    kept: Option<Masked>,
}

impl Tap for Eye {
    fn offer(&mut self, picture: &Masked, stamp: FrameStamp) -> Offer {
        let corner = picture.planar().planes().0[..8].iter().copied().max().expect("samples");
        self.seen.lock().expect("a list").push((stamp.frame_ref.0, corner));
        if stamp.frame_ref.0 % 2 == 1 {
            return Offer::Skipped;
        }
        // Kept for longer than the recorder needs it.
        self.kept = Some(picture.clone());
        Offer::Taken
    }
}

#[test]
fn a_tap_sees_every_new_picture_masked_and_costs_the_recording_none() {
    use watchcap::base::event::Area;
    use watchcap::privacy::mask::{AskedBy, Mask, Place};
    let dir = tempfile::tempdir().expect("a folder");
    let seen = Arc::default();
    let mut options = options(dir.path(), 30);
    let place = Place::Pixels(Area { x: 0, y: 0, width: 8, height: 2 });
    options.privacy.masks = vec![Mask { place, asked_by: AskedBy::Flag, reason: "mask".into() }];
    options.taps = vec![Box::new(Eye { seen: Arc::clone(&seen), kept: None })];
    let done = run(options, broken(40, false).0, odd(Duration::ZERO, None), &Stop::new()).expect("a recording");
    let seen = seen.lock().expect("a list");
    assert_eq!(done.status.frames, 40);
    assert_eq!(seen.iter().map(|(frame, _)| *frame).collect::<Vec<_>>(), (0..40).collect::<Vec<_>>());
    assert!(seen.iter().all(|(_, brightest)| *brightest == 16), "a picture without its mask: {seen:?}");
    assert_eq!(done.status.tap_skips, 20);
}
