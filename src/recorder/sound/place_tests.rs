//! Where samples are put, for devices that drift, lose, repeat, go away and come back.

use super::*;

const RATE: u32 = 48_000;
const T0: i64 = 9_000_000_000;
const BLOCK: u64 = 480;

/// A device: the sample with the number `n` has the value `n` (mod 2^20, so that a float holds it), and `ppm` is its drift.
struct Device {
    ppm: f64,
    /// Its next number, and how many samples were made in truth.
    number: u64,
    made: u64,
}

impl Device {
    fn new(ppm: f64) -> Self {
        Self { ppm, number: 0, made: 0 }
    }

    fn time(&self, made: u64) -> i64 {
        T0 + (made as f64 * 1e9 / (f64::from(RATE) * (1.0 + self.ppm * 1e-6))).round() as i64
    }

    /// The next block, whose samples say in truth when they were made, ms since the start.
    fn block(&mut self) -> (SoundBlock, MonoNs) {
        let t = MonoNs(self.time(self.made));
        let samples = (0..BLOCK).map(|n| (self.time(self.made + n) - T0) as f32 / 1e6).collect();
        let block = SoundBlock { t, is_measured: true, first: self.number, samples };
        (self.number, self.made) = (self.number + BLOCK, self.made + BLOCK);
        (block, MonoNs(self.time(self.made)))
    }
}

/// Everything that was put out, held to the invariant: no hole between two pieces, and time that goes on.
#[derive(Default)]
struct Heard {
    end: Option<f64>,
    samples: u64,
    silent: u64,
    holes: Vec<Hole>,
    /// How far a sample is from its true time at the most, ms.
    worst: f64,
    /// How far those are that were put out at a guess, and by how much they were moved since, ns.
    guessed: Vec<f64>,
    moved: Option<i64>,
}

impl Heard {
    fn take(&mut self, pieces: Vec<Piece>) {
        for piece in pieces {
            let (t, per_sample, count) = match &piece {
                Piece::Sound { t, per_sample, samples } => {
                    for (n, truth) in samples.iter().enumerate() {
                        let off = (t.0 - T0) as f64 / 1e6 + n as f64 * per_sample / 1e6 - f64::from(*truth);
                        match self.moved {
                            None => self.guessed.push(off),
                            Some(_) => self.worst = self.worst.max(off.abs()),
                        }
                    }
                    self.samples += samples.len() as u64;
                    (*t, *per_sample, samples.len() as u64)
                }
                Piece::Silence { t, per_sample, count } => {
                    self.silent += count;
                    (*t, *per_sample, *count)
                }
                Piece::Hole(hole) => {
                    self.holes.push(hole.clone());
                    continue;
                }
                Piece::Moved(by_ns) => {
                    assert_eq!(self.moved.replace(*by_ns), None, "moved twice");
                    let moved = |off: f64| (off + *by_ns as f64 / 1e6).abs();
                    self.worst = self.guessed.drain(..).map(moved).fold(self.worst, f64::max);
                    self.end = self.end.map(|end| end + *by_ns as f64);
                    continue;
                }
            };
            assert!(per_sample > 20_700.0 && per_sample < 20_960.0, "{per_sample}");
            if let Some(end) = self.end {
                assert!(((t.0 - T0) as f64 - end).abs() < 2.0, "a hole of {} ns", (t.0 - T0) as f64 - end);
            }
            self.end = Some((t.0 - T0) as f64 + count as f64 * per_sample);
        }
    }
}

#[test]
fn every_sample_is_put_out_once_and_where_it_was_heard() {
    for ppm in [-400.0, 0.0, 250.0] {
        let (mut device, mut placer, mut heard) = (Device::new(ppm), Placer::new(RATE, 1), Heard::default());
        for _ in 0..3000 {
            let (block, now) = device.block();
            heard.take(placer.take(block, now));
        }
        heard.take(placer.finish(MonoNs(device.time(device.made))));
        assert_eq!((heard.samples, heard.silent, heard.holes.len()), (3000 * BLOCK, 0, 0));
        assert!(heard.worst < 1.0, "{ppm}: {} ms", heard.worst);
    }
}

#[test]
fn numbers_that_are_missing_are_silence_of_that_length() {
    let (mut device, mut placer, mut heard) = (Device::new(50.0), Placer::new(RATE, 1), Heard::default());
    for n in 0..1000 {
        let (block, now) = device.block();
        // Four blocks in a row, and one a moment later.
        if !(500..504).contains(&n) && n != 520 {
            heard.take(placer.take(block, now));
        }
    }
    heard.take(placer.finish(MonoNs(device.time(device.made))));
    assert_eq!((heard.samples, heard.silent), (995 * BLOCK, 5 * BLOCK));
    let [hole] = &heard.holes[..] else { panic!("{:?}", heard.holes) };
    assert_eq!((hole.lost, hole.reason), (5 * BLOCK, "sound_lost"));
    assert!((hole.since.0 - device.time(500 * BLOCK)).abs() < 1_000_000 && hole.until > hole.since);
    assert!(heard.worst < 1.0, "{} ms", heard.worst);
}

#[test]
fn samples_that_are_lost_without_a_word_are_found_by_their_times() {
    let (mut device, mut placer, mut heard) = (Device::new(0.0), Placer::new(RATE, 1), Heard::default());
    for n in 0..1000 {
        if n == 500 {
            // 100 ms that the device's numbers do not tell of.
            device.made += 4800;
        }
        let (block, now) = device.block();
        heard.take(placer.take(block, now));
    }
    heard.take(placer.finish(MonoNs(device.time(device.made))));
    assert_eq!(heard.samples, 1000 * BLOCK);
    assert!(heard.silent.abs_diff(4800) < 48, "{}", heard.silent);
    let [hole] = &heard.holes[..] else { panic!("{:?}", heard.holes) };
    assert_eq!(hole.reason, "sound_lost");
    assert!((hole.since.0 - device.time(500 * BLOCK)).abs() < 2_000_000, "{hole:?}");
    let end = heard.end.expect("sound") as i64 + T0;
    assert!((end - device.time(device.made)).abs() < 2_000_000, "{end}");
}

#[test]
fn a_device_that_goes_away_and_comes_back_leaves_silence_and_a_hole() {
    let (mut device, mut placer, mut heard) = (Device::new(0.0), Placer::new(RATE, 1), Heard::default());
    let mut now = MonoNs(0);
    for _ in 0..500 {
        let (block, at) = device.block();
        now = at;
        heard.take(placer.take(block, now));
    }
    heard.take(placer.silent(now, "device_gone"));
    for _ in 0..120 {
        now = MonoNs(now.0 + 100_000_000);
        heard.take(placer.tick(now));
    }
    // Silence goes on while nothing comes, so that a crash loses little of it.
    assert!(heard.silent > 11 * u64::from(RATE), "{}", heard.silent);
    // The device counts anew.
    device = Device { number: 0, made: device.made + 12 * u64::from(RATE), ..device };
    for _ in 0..200 {
        let (block, at) = device.block();
        heard.take(placer.take(block, at));
    }
    heard.take(placer.finish(MonoNs(device.time(device.made))));
    assert_eq!(heard.samples, 700 * BLOCK);
    assert!(heard.silent.abs_diff(12 * u64::from(RATE)) < 10, "{}", heard.silent);
    assert_eq!(heard.holes.iter().map(|hole| hole.lost).sum::<u64>(), heard.silent);
    assert!(heard.holes.len() == 2 && heard.holes.iter().all(|hole| hole.reason == "device_gone"), "{:?}", heard.holes);
    assert!(heard.worst < 1.0, "{} ms", heard.worst);
}

#[test]
fn a_device_that_says_nothing_is_away_and_one_that_never_comes_back_is_silent_to_the_end() {
    let (mut device, mut placer, mut heard) = (Device::new(0.0), Placer::new(RATE, 1), Heard::default());
    let mut now = MonoNs(0);
    for _ in 0..200 {
        let (block, at) = device.block();
        now = at;
        heard.take(placer.take(block, now));
    }
    for _ in 0..30 {
        now = MonoNs(now.0 + 100_000_000);
        heard.take(placer.tick(now));
    }
    heard.take(placer.finish(now));
    let end = heard.end.expect("sound") as i64 + T0;
    assert!((end - now.0).abs() < 1_000_000, "{end} {now:?}");
    assert_eq!(heard.holes.iter().map(|hole| hole.reason).collect::<Vec<_>>(), ["sound_stalled"]);
    assert!(heard.silent.abs_diff(3 * u64::from(RATE)) < 10, "{}", heard.silent);
}

#[test]
fn what_comes_twice_is_put_out_once() {
    let (mut device, mut placer, mut heard) = (Device::new(0.0), Placer::new(RATE, 1), Heard::default());
    for n in 0..400 {
        let (block, now) = device.block();
        heard.take(placer.take(block.clone(), now));
        if n == 200 {
            heard.take(placer.take(block, now));
        }
    }
    heard.take(placer.finish(MonoNs(device.time(device.made))));
    assert_eq!((heard.samples, heard.silent), (400 * BLOCK, 0));
    assert!(heard.worst < 1.0);
}

#[test]
fn stamps_that_are_guesses_are_used_where_there_are_no_others() {
    for measured in [0, 100, 1000] {
        let (mut device, mut placer, mut heard) = (Device::new(0.0), Placer::new(RATE, 1), Heard::default());
        for n in 0..1000 {
            let (block, now) = device.block();
            let is_measured = n >= 100 && n < 100 + measured;
            let wrong = if n < 100 { 130_000_000 } else { 0 };
            let t = MonoNs(block.t.0 + if measured == 0 { 0 } else { wrong });
            heard.take(placer.take(SoundBlock { t, is_measured, ..block }, now));
        }
        heard.take(placer.finish(MonoNs(device.time(device.made))));
        assert_eq!((heard.samples, heard.silent), (1000 * BLOCK, 0), "{measured}");
        assert!(heard.worst < 1.0, "{measured}: {} ms", heard.worst);
    }
}

#[test]
fn the_first_sample_is_placed_by_stamps_that_agree_and_not_by_the_first_ones() {
    // A server that has not settled: for 0.6 s every second stamp is 40 ms late; then a device that begins anew, as it.
    let (mut device, mut placer, mut heard) = (Device::new(30.0), Placer::new(RATE, 1), Heard::default());
    for n in 0..400 {
        let (mut block, now) = device.block();
        if n % 200 < 60 && n % 2 == 0 {
            block.t = MonoNs(block.t.0 + 40_000_000);
        }
        heard.take(placer.take(block, now));
        if n == 199 {
            let end = MonoNs(device.time(device.made));
            heard.take(placer.silent(end, "server_gone"));
        }
    }
    heard.take(placer.finish(MonoNs(device.time(device.made))));
    assert!(heard.worst < 2.0, "{} ms", heard.worst);
    assert_eq!(heard.samples, 400 * BLOCK);
    // Those that never agree are taken as they are, when too much is held.
    let (mut device, mut placer, mut heard) = (Device::new(0.0), Placer::new(RATE, 1), Heard::default());
    for n in 0..300 {
        let (mut block, now) = device.block();
        block.t = MonoNs(block.t.0 + if n % 2 == 0 { 12_000_000 } else { 0 });
        heard.take(placer.take(block, now));
    }
    assert!(heard.samples >= 260 * BLOCK && heard.worst < 13.0, "{} {}", heard.samples, heard.worst);
}

/// A kill before the stamps agree is to lose nothing but what is on its way.
#[test]
fn the_first_sound_is_put_out_at_once_and_moved_when_its_stamps_agree() {
    let (mut device, mut placer, mut heard) = (Device::new(30.0), Placer::new(RATE, 1), Heard::default());
    for n in 0..200 {
        let (mut block, now) = device.block();
        // Nothing is measured in the first second, and what is said then is 130 ms off.
        block.is_measured = n >= 100;
        block.t = MonoNs(block.t.0 + if n < 100 { 130_000_000 } else { 0 });
        heard.take(placer.take(block, now));
        assert_eq!(heard.samples, (n + 1) * BLOCK);
        assert_eq!(heard.moved.is_some(), n >= 125, "block {n}");
    }
    assert!((heard.moved.expect("moved") + 130_000_000).abs() < 1_000_000, "{:?}", heard.moved);
    assert!(heard.worst < 1.0, "{} ms", heard.worst);
    // One that ends before is moved to where it seems to have been.
    let (mut device, mut placer, mut heard) = (Device::new(0.0), Placer::new(RATE, 1), Heard::default());
    for n in 0..20 {
        let (mut block, now) = device.block();
        block.is_measured = false;
        block.t = MonoNs(block.t.0 + if n < 3 { 50_000_000 } else { 2_000_000 });
        heard.take(placer.take(block, now));
    }
    heard.take(placer.finish(MonoNs(device.time(device.made))));
    assert!(heard.samples == 20 * BLOCK && heard.worst < 3.0, "{} {}", heard.samples, heard.worst);
}

/// A sink on which nothing plays says so before its first sample.
#[test]
fn the_first_sound_of_a_device_that_was_silent_at_first_is_put_out_at_once_too() {
    let (mut device, mut placer, mut heard) = (Device::new(30.0), Placer::new(RATE, 1), Heard::default());
    let since = MonoNs(T0 - 700_000_000);
    heard.take(placer.silent(since, "device_silent"));
    heard.take(placer.tick(MonoNs(T0 - 100_000_000)));
    for n in 0..200 {
        let (mut block, now) = device.block();
        block.is_measured = n >= 100;
        block.t = MonoNs(block.t.0 + if n < 100 { 130_000_000 } else { 0 });
        // Samples are missing while times are a guess.
        if n == 20 {
            device.number += BLOCK;
            device.made += BLOCK;
        }
        heard.take(placer.take(block, now));
        assert_eq!(heard.samples, (n + 1) * BLOCK);
        assert_eq!(heard.moved.is_some(), n >= 125, "block {n}");
    }
    heard.take(placer.finish(MonoNs(device.time(device.made))));
    assert!(heard.worst < 1.0, "{} ms", heard.worst);
    // Both holes have the times that are no guess.
    let near = |t: MonoNs, ns: i64| (t.0 - ns).abs() < 1_000_000;
    let [silent, lost] = heard.holes.as_slice() else { panic!("{:?}", heard.holes) };
    assert!(silent.since == since && near(silent.until, T0) && silent.reason == "device_silent", "{silent:?}");
    let at = device.time(21 * BLOCK);
    assert!(near(lost.since, at) && near(lost.until, at + 10_000_000) && lost.lost == BLOCK, "{lost:?}");
}

#[test]
fn a_device_that_was_silent_for_a_moment_has_lost_nothing() {
    let (mut device, mut placer, mut heard) = (Device::new(0.0), Placer::new(RATE, 1), Heard::default());
    for n in 0..200 {
        let (block, now) = device.block();
        heard.take(placer.take(block, now));
        if n == 99 {
            // Its samples came late, and it was told to be silent until a moment in which one of them was due.
            let end = MonoNs(device.time(device.made));
            heard.take(placer.silent(end, "device_silent"));
            heard.take(placer.tick(MonoNs(end.0 + BEHIND_NS + 30_000)));
        }
    }
    heard.take(placer.finish(MonoNs(device.time(device.made))));
    assert_eq!((heard.samples, heard.silent, heard.holes.len()), (200 * BLOCK, 0, 0));
}
