//! The synthetic sound: a click at each half second of the clock, from a device whose clock may drift, and which may lose samples.
//!
//! When a click is heard follows from the clock alone, so every click of a recording says how far its time is off.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::base::time::{Clock, MonoNs};
use crate::capture::sound::OpenSound;
use crate::capture::sound::{
    SoundBlock, SoundDescription, SoundDevice, SoundPlan, SoundRole, SoundSink, SoundSource, SoundWanted,
};
use crate::capture::{CaptureError, StopFlag};

/// Clicks are heard whenever the clock is a multiple of this; those of the microphone half of it later.
pub const CLICK_EVERY_NS: i64 = 500_000_000;
/// How long a click is.
const CLICK_NS: i64 = 8_000_000;
/// Its tone, cycles per second.
const TONE_HZ: f64 = 1500.0;
/// Samples per second and channel.
const RATE: u32 = 48_000;
/// Channels.
const CHANNELS: u16 = 2;
/// Samples (per channel) of a block: 10 ms.
const BLOCK: u64 = 480;
/// The longest time for which it is not looked whether the end was asked for.
const STEP: Duration = Duration::from_millis(50);
/// The name that asks for it, whatever else is recorded.
pub const CLICKS: &str = "synthetic";

/// Samples that the device made and nobody got.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hole {
    /// How long after the first sample.
    pub at: Duration,
    /// How long.
    pub lasts: Duration,
    /// How it shows.
    pub shows: Shows,
}

/// How a hole shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shows {
    /// The device's numbers jump.
    Numbers,
    /// Only its times do.
    Times,
    /// The source says that the device is gone, and counts anew when it is back.
    Gone,
}

/// A device that clicks.
#[derive(Clone, Debug, Default)]
pub struct Clicks {
    /// How much faster than the clock the device is, parts per million.
    pub drift_ppm: f64,
    /// Where samples are missing, in order.
    pub holes: Vec<Hole>,
    /// How far stamps are off at the most, on both sides.
    pub jitter: Duration,
    /// It is the microphone, whose clicks come in between.
    pub microphone: bool,
}

/// Lists the devices.
pub(crate) fn devices() -> Vec<SoundDevice> {
    let device = |id: &str, title: &str, role| SoundDevice {
        id: id.to_owned(),
        title: title.to_owned(),
        role,
        is_default: false,
        rate: Some(RATE),
        channels: Some(CHANNELS),
    };
    vec![device(CLICKS, "a click each half second of the clock", SoundRole::System)]
}

/// Prepares the device that a plan asks for; under `--source synthetic` both roles are there, else it is asked for by its name.
pub fn open_clicks(plan: &SoundPlan) -> OpenSound {
    let (wanted, clock) = (plan.wanted.clone(), Arc::clone(&plan.clock));
    let microphone = wanted == SoundWanted::Role(SoundRole::Microphone);
    match wanted {
        SoundWanted::Device(name) if name != CLICKS => Box::new(|| Err(CaptureError::NoDevice { wanted: name })),
        _ => Clicks { microphone, ..Clicks::default() }.open(clock),
    }
}

impl Clicks {
    /// Returns what opens it.
    pub fn open(self, clock: Arc<dyn Clock>) -> OpenSound {
        Box::new(move || Ok(Box::new(ClickSource { clicks: self, clock })))
    }

    /// The value of a sample that is made at `t`.
    fn value(&self, t: i64) -> f32 {
        let since = (t - if self.microphone { CLICK_EVERY_NS / 2 } else { 0 }).rem_euclid(CLICK_EVERY_NS);
        if since >= CLICK_NS {
            return 0.0;
        }
        let fades = 1.0 - since as f64 / CLICK_NS as f64;
        (0.8 * fades * (since as f64 * 1e-9 * TONE_HZ * std::f64::consts::TAU).cos()) as f32
    }
}

struct ClickSource {
    clicks: Clicks,
    clock: Arc<dyn Clock>,
}

impl SoundSource for ClickSource {
    fn describe(&self) -> SoundDescription {
        SoundDescription {
            backend: "synthetic".into(),
            device: CLICKS.into(),
            role: Some(if self.clicks.microphone { SoundRole::Microphone } else { SoundRole::System }),
            rate: RATE,
            channels: CHANNELS,
            settings: vec![("click_every_ns".into(), json!(CLICK_EVERY_NS))],
        }
    }

    fn run(self: Box<Self>, sink: &SoundSink, stop: &StopFlag) -> Result<(), CaptureError> {
        let Self { clicks, clock } = *self;
        let begin = clock.now();
        let per_sample = 1e9 / (f64::from(RATE) * (1.0 + clicks.drift_ppm * 1e-6));
        let time = |made: u64| begin.0 + (made as f64 * per_sample).round() as i64;
        let samples_in = |time: Duration| (time.as_nanos() as f64 / per_sample).round() as u64;
        let mut holes = clicks.holes.iter().peekable();
        let (mut number, mut made) = (0, 0);
        let mut chance = 1_u64;
        while !stop.is_set() {
            if let Some(hole) = holes.next_if(|hole| made >= samples_in(hole.at)) {
                let lost = samples_in(hole.lasts);
                let since = MonoNs(time(made));
                made += lost;
                match hole.shows {
                    Shows::Numbers => number += lost,
                    Shows::Times => {}
                    Shows::Gone => {
                        number = 0;
                        if !sink.silent(since, "device_gone") {
                            return Ok(());
                        }
                    }
                }
                continue;
            }
            let due = MonoNs(time(made + BLOCK));
            // In short steps, so that an end is heard.
            clock.sleep_until(due.min(clock.now().plus(STEP)));
            if clock.now() < due {
                continue;
            }
            let of = |n| [clicks.value(time(n)); CHANNELS as usize];
            let samples = (made..made + BLOCK).flat_map(of).collect();
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let off = (chance >> 33) as f64 / f64::from(1_u32 << 30) - 1.0;
            let t = MonoNs(time(made) + (clicks.jitter.as_nanos() as f64 * off) as i64);
            if !sink.send(SoundBlock { t, is_measured: true, first: number, samples }) {
                return Ok(());
            }
            (number, made) = (number + BLOCK, made + BLOCK);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clicks_begin_loud_at_half_seconds_and_are_short() {
        let clicks = Clicks::default();
        for click in [0, 7 * CLICK_EVERY_NS] {
            assert!(clicks.value(click) > 0.7 && clicks.value(click - 1).abs() < 1e-9);
            assert!(clicks.value(click + CLICK_NS).abs() < 1e-9);
        }
        let microphone = Clicks { microphone: true, ..Clicks::default() };
        assert!(microphone.value(0).abs() < 1e-9 && microphone.value(CLICK_EVERY_NS / 2) > 0.7);
    }
}
