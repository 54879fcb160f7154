//! A window that is recorded alone, while others cover it, move over it, open, close, and change their titles: not one pixel of them is in its pictures, and they
//! are in those of the monitor that are taken beside. A schedule depends on its seed alone, but for when the machine runs whom:
//! `WATCHCAP_SEED` begins with another one, `WATCHCAP_SCHEDULES` says how many. sway of Debian testing copies windows: `make test-desktops` has it.
#![cfg(all(target_os = "linux", feature = "wayland"))]

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use watchcap::media::frames::FrameReader;

use crate::privacy::{SECRET, secret_pixels};
use crate::support::sway::Sway;
use crate::support::{Running, example, run, watchcap};

/// No wait is longer.
const PATIENCE: Duration = Duration::from_secs(20);
const SIZE: (u32, u32) = (640, 480);
/// Steps of a schedule.
const STEPS: u64 = 40;
/// Windows beside the recorded one.
const WINDOWS: u64 = 4;

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

fn pause(ms: u64) {
    std::thread::sleep(Duration::from_millis(ms));
}

fn client(sway: &Sway, name: &str, more: &[&str]) -> Running {
    let log = sway.file(&format!("{name}.jsonl"));
    drop(std::fs::remove_file(&log));
    let mut client = example("wayland_client");
    client.args(["--app-id", name, "--log"]).arg(&log).args(more).stderr(Stdio::null());
    let client = Running(sway.admit(&mut client).spawn().expect("a client"));
    let began = Instant::now();
    while std::fs::read_to_string(&log).map_or(0, |text| text.lines().count()) < 2 {
        assert!(began.elapsed() < PATIENCE, "{name} does not paint");
        pause(5);
    }
    client
}

/// A recording without an end, once it has begun.
fn recording(sway: &Sway, out: &Path, name: &str, more: &[&str]) -> Running {
    let mut command = watchcap();
    command.args(["record", "--consent", "screen", "--max-dropped", "100", "--duration", "300s", "--session", name]);
    command.arg("--out").arg(out).args(more).stdout(Stdio::null());
    let said = sway.file(&format!("{name}.said"));
    command.stderr(std::fs::File::create(&said).expect("a file"));
    let recording = Running(sway.admit(&mut command).spawn().expect("it runs"));
    let began = Instant::now();
    while !out.join(name).join("log").is_dir() {
        let said = || std::fs::read_to_string(&said).unwrap_or_default();
        assert!(began.elapsed() < PATIENCE, "{name} does not begin: {}", said());
        pause(20);
    }
    recording
}

/// One schedule. A command that fails does so since its window has just gone, or has not come.
fn schedule(sway: &Sway, seed: u64, windows: &mut [Option<Running>]) {
    let mut random = Random(seed);
    for _ in 0..STEPS {
        let number = random.below(WINDOWS);
        let name = format!("other{number}");
        let place = &mut windows[number as usize];
        let (x, y) = (random.below(600) as i64 - 100, random.below(440) as i64 - 80);
        let (width, height) = (60 + random.below(560), 60 + random.below(400));
        let of = |what: &str| sway.tries(&format!("[app_id={name}] {what}"));
        match random.below(12) {
            0..=2 => {
                let is_closed = place.take().is_some();
                if !is_closed {
                    let titles = if random.below(2) == 0 { "My vault | Bitwarden,News" } else { "News,A game" };
                    *place = Some(client(sway, &name, &["--colour", SECRET, "--rate", "60", "--titles", titles]));
                    of("floating enable");
                }
            }
            3..=5 => of(&format!("move absolute position {x} {y}")),
            6 => of(&format!("resize set {width} {height}")),
            7 => of("floating toggle"),
            8 => of("fullscreen toggle"),
            9 => of("focus"),
            // What is recorded goes elsewhere, and comes back.
            10 => {
                for workspace in ["2", "1"] {
                    sway.tries(&format!("[app_id=game] move container to workspace {workspace}"));
                    pause(random.below(60));
                }
            }
            _ => {
                let shape = if random.below(2) == 0 { "floating toggle" } else { "fullscreen toggle" };
                sway.tries(&format!("[app_id=game] {shape}"));
            }
        }
        pause(random.below(80));
    }
}

/// How many pictures of a session have pixels of the other windows, and of how many.
fn with_secrets(session: &Path) -> (usize, usize, Option<usize>) {
    let (code, _, err) = run(watchcap().arg("verify").arg(session));
    assert_eq!(code, 0, "{err}");
    let mut video = FrameReader::open(&session.join("frames.mp4")).expect("the video");
    let count = video.len();
    let shows: Vec<usize> =
        (0..count).filter(|at| secret_pixels(&video.rgb(*at as _).expect("a picture").data) > 0).collect();
    (shows.len(), count, shows.first().copied())
}

#[test]
fn no_pixel_of_another_window_is_in_the_pictures_of_one_that_is_recorded_alone() {
    let Some(sway) = Sway::start_newer(SIZE) else { return };
    let number =
        |name: &str, default: u64| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    let (schedules, first) = (number("WATCHCAP_SCHEDULES", 8), number("WATCHCAP_SEED", 1));
    let out = tempfile::tempdir().expect("a folder");
    let game = client(&sway, "game", &["--title", "A game", "--rate", "60"]);
    let window = recording(&sway, out.path(), "window", &["--app", "game", "--fps", "60", "--gop", "2"]);
    let monitor = recording(&sway, out.path(), "monitor", &["--allow-missing", "masks", "--fps", "10"]);
    let mut windows: Vec<Option<Running>> = (0..WINDOWS).map(|_| None).collect();
    for seed in first..first + schedules {
        schedule(&sway, seed, &mut windows);
    }
    for recording in [window, monitor] {
        let (code, _) = recording.stop("INT", PATIENCE);
        assert!(code == 0 || code == 3, "{code}");
    }
    drop((windows, game));
    let (shows, count, at) = with_secrets(&out.path().join("window"));
    let (beside, of, _) = with_secrets(&out.path().join("monitor"));
    println!(
        "{schedules} schedules of {STEPS} steps from seed {first}: {shows} of {count} pictures of the window, and {beside} of {of} of the monitor, show another window"
    );
    assert_eq!(shows, 0, "picture {at:?} of {count} shows another window (seeds {first} to {})", first + schedules);
    assert!(count > 100 && beside * 4 > of, "{count} pictures; {beside} of {of} of the monitor");
}
