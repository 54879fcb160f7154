//! Windows that must not be seen, appearing, moving and vanishing at random times between frames: not one pixel of them is in a frame.
//!
//! A slice runs with every test; `make privacy` runs the campaign. `WATCHCAP_SCHEDULES` says how many, `WATCHCAP_SEED` from which on; a
//! schedule depends on its seed only, but for when the machine runs whom.

use watchcap::media::frames::FrameReader;

use crate::privacy::{SECRET, Windows, desk, number, of_type, record, rows, secret_pixels, stop};

const SIZE: (i64, i64) = (320, 240);

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: i64) -> i64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % bound.max(1) as u64) as i64
    }
}

/// A time in which a window certainly was on the screen, and a point of it that was.
struct Certain {
    from: i64,
    until: i64,
    point: (usize, usize),
}

/// Runs one schedule; tells when and where windows were up.
fn schedule(windows: &mut Windows, seed: u64, certain: &mut Vec<Certain>) {
    let mut random = Random(seed);
    let kinds = [
        "type=notification class=Any",
        "class=Dunst",
        "class=KeePassXC managed",
        "title=My_Bitwarden_vault class=Web managed",
    ];
    let pause = |windows: &mut Windows, random: &mut Random, limit: i64| {
        let ms = random.below(limit);
        if ms > 0 {
            windows.command(&format!("wait {ms}"));
        }
    };
    let count = 1 + random.below(2);
    for n in 0..count {
        let kind = kinds[random.below(kinds.len() as i64) as usize];
        let (width, height) = (20 + random.below(80), 16 + random.below(60));
        // Wholly on the screen, or over one of its edges.
        let place = |random: &mut Random| (random.below(SIZE.0) - width / 2, random.below(SIZE.1) - height / 2);
        let (mut x, mut y) = place(&mut random);
        let mut size = (width, height);
        let name = format!("w{n}");
        let (_, mut since) = windows.command(&format!("open {name} {x} {y} {width} {height} {SECRET} {kind}"));
        let mut mapped = true;
        for _ in 0..random.below(6) {
            pause(windows, &mut random, 45);
            let visible = (mapped, (x, y), size);
            let (before, after) = match random.below(5) {
                0..=2 => {
                    (x, y) = place(&mut random);
                    windows.command(&format!("move {name} {x} {y}"))
                }
                3 => {
                    mapped = !mapped;
                    windows.command(&format!("{} {name}", if mapped { "map" } else { "unmap" }))
                }
                _ => {
                    size = (16 + random.below(90), 16 + random.below(70));
                    windows.command(&format!("size {name} {} {}", size.0, size.1))
                }
            };
            certain.extend(up(visible, since, before));
            since = after;
        }
        pause(windows, &mut random, 60);
        // The second may come while the first is up, and outlive it.
        if n + 1 == count || random.below(2) == 0 {
            let (before, _) = windows.command(&format!("close {name}"));
            certain.extend(up((mapped, (x, y), size), since, before));
        }
    }
    if count == 2 {
        // Closed already or not: both are gone now.
        windows.close_all(&["w0", "w1"]);
    }
    pause(windows, &mut random, 50);
}

/// A point in the middle of what of a window was on the screen.
fn up((mapped, at, size): (bool, (i64, i64), (i64, i64)), from: i64, until: i64) -> Option<Certain> {
    let middle = |at: i64, length: i64, limit: i64| {
        let (from, to) = (at.max(0), (at + length).min(limit));
        (from + 4 < to).then_some(i64::midpoint(from, to) as usize)
    };
    let point = (middle(at.0, size.0, SIZE.0)?, middle(at.1, size.1, SIZE.1)?);
    (mapped && from < until).then_some(Certain { from, until, point })
}

fn race(schedules: u64, first: u64) {
    let dir = tempfile::tempdir().expect("a folder");
    let (display, mut windows) = desk((SIZE.0 as u32, SIZE.1 as u32));
    let recorder = record(&display, dir.path(), &["--fps", "60", "--gop", "2"]);
    let mut certain = Vec::new();
    for seed in first..first + schedules {
        schedule(&mut windows, seed, &mut certain);
    }
    windows.command("wait 900");
    let session = stop(recorder, dir.path());
    let rows = rows(&session);
    // A picture may be older than its time by as long as taking it took, which is long when others have the machine.
    let times: Vec<(i64, i64)> = of_type(&rows, &["frame"])
        .map(|row| {
            let t = row["t_ns"].as_i64().expect("a time");
            (t - number(row, "capture_us") * 1000, t)
        })
        .collect();
    let mut video = FrameReader::open(&session.join("frames.mp4")).expect("the video");
    let (mut checked, mut next) = (0, 0);
    certain.sort_by_key(|span| span.from);
    for (index, (asked, t)) in times.iter().enumerate() {
        let picture = video.rgb(index as _).expect("a picture");
        let secrets = secret_pixels(&picture.data);
        assert_eq!(
            secrets,
            0,
            "frame {index} of {} shows a window (seeds {first} to {})",
            times.len(),
            first + schedules
        );
        while certain.get(next).is_some_and(|span| span.from + 2_000_000_000 < *t) {
            next += 1;
        }
        for span in certain[next..].iter().take_while(|span| span.from <= *asked).filter(|span| *t < span.until) {
            checked += 1;
            let start = (span.point.1 * SIZE.0 as usize + span.point.0) * 3;
            assert!(
                picture.data[start..start + 3].iter().all(|c| *c < 60),
                "frame {index} is not masked at {:?}",
                span.point
            );
        }
    }
    let black = |data: &[u8]| data.chunks_exact(3).filter(|p| p.iter().all(|c| *c < 40)).count();
    assert_eq!(
        black(&video.rgb((times.len() - 1) as _).expect("a picture").data),
        0,
        "masks stay when windows are gone"
    );
    println!(
        "{schedules} schedules from seed {first}: {} frames, no pixel of a window; {checked} checks of one that was up",
        times.len()
    );
    assert!(checked as u64 > schedules, "{checked} checks are too few to say anything");
}

#[test]
fn no_window_that_appears_moves_and_vanishes_between_frames_is_seen() {
    race(50, 1);
}

#[test]
#[ignore = "the campaign: make privacy"]
fn campaign() {
    let number =
        |name: &str, default: u64| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    let (all, seed) = (number("WATCHCAP_SCHEDULES", 1000), number("WATCHCAP_SEED", 1000));
    // In parts, so that a recording stays small and a failure names few seeds.
    for part in 0..all.div_ceil(100) {
        race((all - part * 100).min(100), seed + part * 100);
    }
}
