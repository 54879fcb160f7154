//! The contract of capture sources, held against every one that there is: the synthetic ones here, those of [`BACKENDS`] on a real server.
//!
//! Screens: the times of pictures strictly increase, none is in the future, and no picture shows what is newer than its time; pictures have the
//! size that was described; what must not be seen is covered in every picture that shows it. Inputs: the active window first, nothing that
//! was not described, no time in the future or before the source was opened, and an end within a bound.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::Receiver;
use watchcap::base::time::{Clock, MonoNs, SystemClock};
use watchcap::capture::sound::{OpenSound, SoundItem, SoundSink};
use watchcap::capture::synthetic::{self, Barcode, Clicks, Hole, Pushing, Shows};
use watchcap::capture::{
    Facet, FacetSet, InputSink, Look, OpenInput, OpenScreen, Outlets, RawInput, ScreenDescription, StampedInput,
    StopFlag,
};

/// Longest that an input source takes to end. It is to take 100 ms; machines of CI are slow.
const STOP: Duration = Duration::from_secs(3);
const SIZE: (u32, u32) = (320, 240);

/// What was seen of a picture: its time, the number in it, and what a pixel was.
struct Seen {
    t: MonoNs,
    number: Option<u32>,
    pixel: [u8; 3],
}

/// What of a picture is looked at.
struct Truth {
    /// Where the barcode is, from where a synthetic one would be.
    barcode: (usize, i64),
    pixel: (usize, usize),
    /// A colour that must be covered where that pixel has it.
    secret: Option<[u8; 3]>,
}

/// Looks at a screen 60 times a second, and holds every answer against the contract.
fn hold_screen(open: OpenScreen, outlets: Outlets, lasts: Duration, truth: &Truth) -> (ScreenDescription, Vec<Seen>) {
    let clock = SystemClock;
    let mut source = open(outlets).expect("a screen");
    let described = source.describe();
    assert_eq!(described, source.describe(), "it is the same from start to end");
    let size = (described.surface.width, described.surface.height);
    let (begin, mut seen, mut last, mut answers) = (clock.now(), Vec::new(), None::<MonoNs>, 0);
    while clock.now().since(begin) < lasts {
        let look = source.look(answers == 0).expect("an answer");
        let now = clock.now();
        answers += 1;
        assert!(look.t() <= now, "{}: {look:?} is in the future", described.backend);
        if let Look::New { t, .. } = look {
            assert!(last.is_none_or(|last| last < t), "{}: {t:?} is not after {last:?}", described.backend);
            last = Some(t);
            let view = source.frame().expect("its pixels");
            assert_eq!((view.width, view.height), size, "{}", described.backend);
            let at = |x: usize, y: usize| y * view.stride + x * 4;
            assert!(view.data.len() >= at(0, size.1 as usize - 1) + size.0 as usize * 4);
            let (cell, off) = truth.barcode;
            let luma = |x: usize, y: usize| view.data[at((x as i64 + off) as usize, (y as i64 + off) as usize) + 1];
            // A black picture reads as number 0: before the client has painted it says nothing.
            let number = Barcode { cell }.read(luma).filter(|number| *number > 0);
            let place = at(truth.pixel.0, truth.pixel.1);
            let pixel = [view.data[place], view.data[place + 1], view.data[place + 2]];
            if Some(pixel) == truth.secret && described.masks_windows {
                let (x, y) = (truth.pixel.0 as i32, truth.pixel.1 as i32);
                let covers = source.covered().into_iter().any(|covered| {
                    let area = covered.area;
                    (area.x..area.x + area.width as i32).contains(&x)
                        && (area.y..area.y + area.height as i32).contains(&y)
                });
                assert!(covers, "{}: what must not be seen is not covered", described.backend);
            }
            seen.push(Seen { t, number, pixel });
        }
        clock.sleep_until(begin.plus(Duration::from_nanos(16_666_667) * answers));
    }
    (described, seen)
}

/// An input source that runs.
struct Listening {
    facets: FacetSet,
    backend: String,
    opened: MonoNs,
    stop: StopFlag,
    thread: std::thread::JoinHandle<()>,
    inputs: Receiver<StampedInput>,
}

impl Listening {
    fn start(open: OpenInput) -> Self {
        let (queue, inputs) = crossbeam_channel::bounded(1 << 16);
        let (tell, told) = crossbeam_channel::bounded(1);
        let stop = StopFlag::new();
        let (opened, asked) = (SystemClock.now(), stop.clone());
        let thread = std::thread::spawn(move || {
            let source = open().expect("an input");
            tell.send(source.describe()).expect("a listener");
            let sink = InputSink::new(queue);
            source.run(&sink, &asked).expect("a good end");
            sink.report_rest(SystemClock.now());
        });
        let described = told.recv().expect("a description");
        Self { facets: described.facets, backend: described.backend, opened, stop, thread, inputs }
    }

    /// Ends it, and holds what it sent against the contract.
    fn end(self) -> Vec<StampedInput> {
        let asked = SystemClock.now();
        self.stop.set();
        while !self.thread.is_finished() {
            assert!(SystemClock.now().since(asked) < STOP, "{} does not end", self.backend);
            SystemClock.sleep_until(SystemClock.now().plus(Duration::from_millis(5)));
        }
        self.thread.join().expect("no panic");
        let (now, sent) = (SystemClock.now(), self.inputs.try_iter().collect::<Vec<_>>());
        let has = |facet| self.facets.has(facet);
        if has(Facet::Focus) {
            let first = sent.first().expect("the active window at least");
            assert!(matches!(first.input, RawInput::Focus { .. }), "{}: the active window is not first", self.backend);
        }
        for StampedInput { t, input, .. } in &sent {
            assert!(*t <= now && *t >= self.opened, "{}: a time that cannot be", self.backend);
            let described = match input {
                RawInput::Key { .. } | RawInput::Layout(_) => has(Facet::Keys),
                RawInput::Button { .. } => has(Facet::Buttons),
                RawInput::Wheel { .. } => has(Facet::Wheel),
                RawInput::Motion { motion, .. } => has(Facet::Position) || (motion.is_some() && has(Facet::Motion)),
                RawInput::Focus { .. } => has(Facet::Focus),
                RawInput::Proved { .. } => has(Facet::Position),
                RawInput::Unproved { .. } => has(Facet::Motion),
                RawInput::Pad { .. } | RawInput::PadLost { .. } => has(Facet::Gamepads),
                RawInput::Secret { .. } => has(Facet::Redaction),
                RawInput::Skipped { .. } | RawInput::Lost { .. } => true,
            };
            assert!(described, "{}: it sent what it does not have", self.backend);
        }
        sent
    }
}

/// The times at which keys went down.
fn presses(inputs: &[StampedInput]) -> Vec<MonoNs> {
    let down = |input: &&StampedInput| matches!(input.input, RawInput::Key { down: true, repeat: false, .. });
    inputs.iter().filter(down).map(|input| input.t).collect()
}

#[test]
fn the_synthetic_sources_keep_it() {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let hidden = Some((Duration::from_millis(700), Duration::from_millis(1300)));
    let all = [
        synthetic::sources(SIZE, &clock, true),
        synthetic::split_sources(SIZE, &clock, Duration::from_millis(3)),
        synthetic::pushing_sources(SIZE, &clock, Pushing::default()),
        synthetic::pushing_sources(SIZE, &clock, Pushing { hidden, hands_in: true }),
    ];
    let cell = Barcode::of_width(SIZE.0).cell;
    // The patch that changes with each press.
    let truth = Truth { barcode: (cell, 0), pixel: (cell + 2, SIZE.1 as usize / 2 + 2), secret: None };
    for (at, sources) in all.into_iter().enumerate() {
        let sources = sources.expect("sources");
        let listening: Vec<_> = sources.inputs.into_iter().map(Listening::start).collect();
        let (queue, handed) = crossbeam_channel::bounded(1 << 12);
        let outlets = Outlets::to(Arc::new(InputSink::new(queue)));
        let (described, seen) = hold_screen(sources.screen, outlets, Duration::from_millis(2500), &truth);
        let inputs: Vec<_> = listening.into_iter().flat_map(Listening::end).collect();
        let presses = presses(&inputs);
        assert!(presses.len() >= 2 && seen.len() > 40, "{at}: {} presses, {} pictures", presses.len(), seen.len());
        assert!(seen.is_sorted_by_key(|seen| seen.number.expect("a barcode")), "{at}");
        // What a picture shows is the script at its time, neither newer nor older. The first one sets the beginning.
        for seen in seen.iter().filter(|seen| seen.t.since(presses[0]) > Duration::ZERO) {
            let pressed = presses.iter().filter(|press| **press <= seen.t).count() % 2 == 1;
            assert_eq!(seen.pixel, if pressed { [60, 200, 60] } else { [200, 60, 60] }, "{at}: at {:?}", seen.t);
        }
        let positions: Vec<_> = handed.try_iter().collect();
        assert_eq!(described.hands_in.has(Facet::Position), !positions.is_empty(), "{at}");
        assert!(positions.is_sorted_by_key(|input| input.t), "{at}");
        let longest = seen.windows(2).map(|pair| pair[1].t.since(pair[0].t)).max().expect("pictures");
        assert_eq!(longest >= Duration::from_millis(590), at == 3, "{at}: it shows what is hidden, or hides the rest");
    }
}

/// The backends on a real X server, in a process of its own, since they read `DISPLAY` there.
#[cfg(all(target_os = "linux", feature = "x11"))]
mod on_x11 {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::process::{Child, ChildStdin, ChildStdout};

    use watchcap::base::hid;
    use watchcap::capture::Target;
    use watchcap::capture::backend::{InputPlan, ScreenPlan};
    use watchcap::capture::registry::{self, Choice};
    use watchcap::privacy::exclude::Exclusions;

    use super::*;
    use crate::support::{Display, Running, example, run};

    /// Where the window is that must not be seen, and its colour.
    const SECRET: (usize, usize) = (720, 20);
    const MAGENTA: [u8; 3] = [255, 0, 255];
    /// The key `w`, as X numbers it.
    const KEY_W: u32 = 25;

    /// A client that does as it is told.
    struct Hand(Child, ChildStdin, BufReader<ChildStdout>);

    impl Hand {
        fn start() -> Self {
            let mut client = example("windows_client");
            let mut client = client.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a client");
            let (to, from) = (client.stdin.take().expect("piped"), client.stdout.take().expect("piped"));
            Self(client, to, BufReader::new(from))
        }

        fn does(&mut self, what: &str) {
            writeln!(self.1, "{what}").expect("it listens");
            let mut line = String::new();
            self.2.read_line(&mut line).expect("it answers");
            assert!(line.contains("did"), "{what}: {line}");
        }
    }

    impl Drop for Hand {
        fn drop(&mut self) {
            drop(self.0.kill());
            drop(self.0.wait());
        }
    }

    #[test]
    #[ignore = "run by the test below"]
    fn inner_backends() {
        let log = std::env::var("WATCHCAP_TEST_PAINTS").expect("a log");
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let exclusions = Arc::new(Exclusions::usual());
        let truth = Truth { barcode: (16, -16), pixel: SECRET, secret: Some(MAGENTA) };
        for backend in registry::screens() {
            let plan = ScreenPlan {
                target: Target::Primary,
                cursor: false,
                exclusions: Arc::clone(&exclusions),
                wait_target: Duration::ZERO,
                clock: Arc::clone(&clock),
            };
            if let Err(error) = backend.ready() {
                println!("{} is not ready here: {error}", backend.name());
                continue;
            }
            let hand = std::thread::spawn(|| {
                let mut hand = Hand::start();
                for _ in 0..6 {
                    hand.does("open vault 700 0 120 60 ff00ff class=KeePassXC");
                    hand.does("wait 150");
                    hand.does("close vault");
                    hand.does("wait 150");
                }
            });
            let open = registry::open_screen(Choice::Named(backend), &plan, false).expect("a way");
            let (described, seen) = hold_screen(open, Outlets::closed(), Duration::from_secs(2), &truth);
            hand.join().expect("its end");
            let paints = paints(Path::new(&log));
            let of = |seen: &Seen| seen.number.and_then(|n| Some((seen.t, *paints.get(n as usize)?)));
            let known: Vec<_> = seen.iter().filter_map(of).collect();
            assert!(known.len() > 10, "{}: {} of {} pictures", described.backend, known.len(), seen.len());
            for (t, painted) in known {
                assert!(painted <= t.0, "{}: it shows at {t:?} what was painted at {painted}", described.backend);
            }
            let showed = seen.iter().filter(|seen| seen.pixel == MAGENTA).count();
            assert!(showed > 3, "{}: the window was seen {showed} times", described.backend);
            println!("screen {} held", described.backend);
        }
        for backend in registry::inputs() {
            let (clock, exclusions) = (Arc::clone(&clock), Arc::clone(&exclusions));
            let plan = InputPlan {
                gamepads: true,
                exclusions,
                may_miss_lock: true,
                poll_period: Duration::from_millis(2),
                clock,
            };
            if let Err(error) = backend.ready() {
                println!("{} is not ready here: {error}", backend.name());
                continue;
            }
            let mut hand = Hand::start();
            hand.does("open box 100 150 100 60 00ff00");
            hand.does("focus box");
            for open in registry::open_inputs(Choice::Named(backend), &plan).expect("inputs") {
                let listening = Listening::start(open);
                let backend = listening.backend.clone();
                let has_focus = listening.facets.has(Facet::Focus);
                hand.does("wait 100");
                for step in 0..5 {
                    hand.does(&format!("key {KEY_W} 1"));
                    hand.does("wait 60");
                    hand.does(&format!("key {KEY_W} 0"));
                    hand.does(&format!("pointer {} 200", 110 + step * 7));
                    hand.does("button 1 1");
                    hand.does("wait 60");
                    hand.does("button 1 0");
                    hand.does("wait 20");
                }
                hand.does("focus root");
                hand.does("wait 100");
                let inputs = listening.end();
                assert_eq!(presses(&inputs).len(), 5, "{backend}");
                let w = hid::usage_of_code("KeyW");
                let is_w = |input: &StampedInput| !matches!(input.input, RawInput::Key { usage, .. } if usage != w);
                assert!(inputs.iter().all(is_w), "{backend}");
                let clicks =
                    inputs.iter().filter(|input| matches!(input.input, RawInput::Button { pressed: true, .. }));
                assert_eq!(clicks.count(), 5, "{backend}");
                let focuses = inputs.iter().filter(|input| matches!(input.input, RawInput::Focus { .. })).count();
                assert!(!has_focus || focuses >= 2, "{backend}: {focuses} windows");
                println!("input {backend} held");
            }
        }
    }

    #[cfg(feature = "wayland")]
    #[test]
    fn the_copy_protocol_keeps_it_on_a_real_compositor() {
        let sway = crate::support::sway::Sway::start((900, 300), false);
        let log = sway.file("paints.jsonl");
        let mut client = example("wayland_client");
        let client = Running(sway.admit(client.arg("--log").arg(&log)).spawn().expect("a client"));
        let mut inner = Command::new(std::env::current_exe().expect("this program"));
        inner.args(["sources::on_x11::inner_copy", "--exact", "--ignored", "--nocapture"]);
        let (code, out, err) = run(sway.admit(&mut inner).env("WATCHCAP_TEST_PAINTS", &log));
        drop(client);
        assert_eq!(code, 0, "{out}{err}");
        assert!(out.contains("screen wayland-copy-wlr held"), "{out}");
    }

    #[cfg(feature = "wayland")]
    #[test]
    #[ignore = "run by the test above"]
    fn inner_copy() {
        let log = std::env::var("WATCHCAP_TEST_PAINTS").expect("a log");
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let plan = ScreenPlan {
            target: Target::Primary,
            cursor: true,
            exclusions: Arc::default(),
            wait_target: Duration::ZERO,
            clock,
        };
        // As `auto` finds it: X11 and the portable ones are for other desktops.
        let open = registry::open_screen(Choice::Auto, &plan, false).expect("a way");
        let truth = Truth { barcode: (16, -16), pixel: SECRET, secret: None };
        let (described, seen) = hold_screen(open, Outlets::closed(), Duration::from_millis(2500), &truth);
        let paints = paints(Path::new(&log));
        let of = |seen: &Seen| seen.number.and_then(|n| Some((seen.t, n, *paints.get(n as usize)?)));
        let known: Vec<_> = seen.iter().filter_map(of).collect();
        assert!(known.len() > 30, "{}: {} of {} pictures", described.backend, known.len(), seen.len());
        for (t, number, painted) in &known {
            assert!(*painted <= t.0, "{number} is shown at {t:?} and was painted at {painted}");
        }
        assert!(known.is_sorted_by_key(|(_, number, _)| *number), "an older picture came after a newer one");
        println!("screen {} held", described.backend);
    }

    /// When each number was painted, from the client's log: before that nobody can have seen it.
    fn paints(log: &Path) -> Vec<i64> {
        let text = std::fs::read_to_string(log).expect("a log");
        let mut paints = Vec::new();
        for line in text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok()) {
            if line["kind"] == "paint" {
                let frame = line["frame"].as_u64().expect("a number") as usize;
                paints.resize(paints.len().max(frame + 1), i64::MAX);
                paints[frame] = paints[frame].min(line["before"].as_i64().expect("a time"));
            }
        }
        paints
    }

    #[test]
    fn every_backend_keeps_it_on_a_real_server() {
        let display = Display::start(900, 300);
        let folder = tempfile::tempdir().expect("a folder");
        let log = folder.path().join("paints.jsonl");
        let mut client = example("barcode_client");
        client.args(["--display", &display.name, "--height", "120", "--override", "true", "--log"]).arg(&log);
        let client = Running(client.spawn().expect("a client"));
        let mut inner = Command::new(std::env::current_exe().expect("this program"));
        inner.args(["sources::on_x11::inner_backends", "--exact", "--ignored", "--nocapture"]);
        inner.env("DISPLAY", &display.name).env("WATCHCAP_TEST_PAINTS", &log);
        inner.env_remove("WAYLAND_DISPLAY").env_remove("XDG_SESSION_TYPE");
        let (code, out, err) = run(&mut inner);
        drop(client);
        assert_eq!(code, 0, "{out}{err}");
        let held: Vec<_> = out.lines().filter(|line| line.ends_with(" held")).collect();
        let native = ["screen x11-shm held", "input xi2 held"];
        assert!(native.iter().all(|line| held.contains(line)), "{out}");
        println!("{}", held.join("\n"));
    }
}

/// Holds a source of sound against the contract for a while: what it said of its device is what it delivers, numbers never go back without
/// a word, blocks have whole samples of all channels, no sample was heard in the future, and it ends when it is told to.
fn hold_sound(open: OpenSound, lasts: Duration) -> u64 {
    let (queue, items) = crossbeam_channel::unbounded();
    let stop = StopFlag::new();
    let (describe, described) = crossbeam_channel::bounded(1);
    let begin = SystemClock.now();
    let source = std::thread::spawn({
        let stop = stop.clone();
        move || {
            let source = open().expect("a source of sound");
            let what = source.describe();
            assert_eq!(what, source.describe(), "it is the same from start to end");
            describe.send(what).expect("a listener");
            source.run(&SoundSink::new(queue), &stop)
        }
    });
    let what = described.recv().expect("a description");
    assert!(what.rate > 0 && what.channels > 0 && !what.backend.is_empty() && !what.device.is_empty());
    let (mut next, mut samples) = (0, 0);
    while SystemClock.now().since(begin) < lasts {
        let Ok(item) = items.recv_timeout(Duration::from_millis(50)) else { continue };
        let now = SystemClock.now();
        match item {
            SoundItem::Silent { since, reason } => {
                assert!(since <= now && !reason.is_empty());
                next = 0;
            }
            SoundItem::Block(block) => {
                let channels = usize::from(what.channels);
                assert!(!block.samples.is_empty() && block.samples.len().is_multiple_of(channels), "{}", what.backend);
                let count = (block.samples.len() / channels) as u64;
                assert!(block.first >= next, "{}: {} comes after {next}", what.backend, block.first);
                next = block.first + count;
                samples += count;
                // The first sample of a block that has arrived was heard by then, within what stamps are off.
                assert!(block.t.0 <= now.0 + 20_000_000, "{}: {:?} at {now:?}", what.backend, block.t);
            }
        }
    }
    stop.set();
    let asked = SystemClock.now();
    source.join().expect("no panic").expect("its end");
    assert!(SystemClock.now().since(asked) < STOP, "{} does not end", what.backend);
    samples
}

#[test]
fn sources_of_sound_keep_the_contract() {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let second = Duration::from_secs(1);
    let holes = [Shows::Numbers, Shows::Times, Shows::Gone].into_iter().zip(1..).map(|(shows, n)| Hole {
        at: second * n,
        lasts: second / 4,
        shows,
    });
    let odd =
        Clicks { drift_ppm: 500.0, holes: holes.collect(), jitter: Duration::from_millis(5), ..Clicks::default() };
    let samples = hold_sound(Clicks::default().open(Arc::clone(&clock)), second);
    assert!((40_000..=48_500).contains(&samples), "{samples} in a second");
    let samples = hold_sound(odd.open(clock), second * 4);
    assert!((130_000..=160_000).contains(&samples), "{samples} in four seconds less the holes");
}
