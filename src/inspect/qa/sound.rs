//! What the sound is like: whether there is any, whether it is cut off where it is loudest, and how much of it is missing.
//!
//! All of it is decoded, in order: an hour takes seconds. Memory is that of a packet.

use super::finding::{Found, Limits};
use crate::base::progress::Step;
use crate::media::decode::DecodeError;
use crate::media::decode::pcm::{PcmError, PcmReader};
use crate::media::mp4::sound::time;
use crate::session::sealed::SealedSession;
use crate::session::sound;

/// Sound that never comes near to this is silence: -60 dB of full scale. The noise of a microphone that works is above it.
const SILENT: u16 = 33;
/// A sample that is as loud as can be, but for what coding makes of it.
const FULL: u16 = 32_766;
/// So many of these in a row are a wave that is cut off, and no peak.
const CLIPPED_RUN: u32 = 3;
/// What is clipped within so long is one finding.
const TOGETHER_NS: i64 = 1_000_000_000;

/// What was heard.
#[derive(Default)]
pub(super) struct Heard {
    /// The largest share of a file of sound that is silent, of its seconds.
    pub(super) silent: Option<f64>,
    pub(super) silences: Found,
    /// The largest share of the samples of a file that are cut off.
    pub(super) clipped: Option<f64>,
    pub(super) clippings: Found,
    /// Samples of sound that there are, of all files.
    pub(super) samples: u64,
    pub(super) undecodable: Option<Found>,
}

/// Listens to every file of sound.
pub(super) fn listen(session: &SealedSession, limits: &Limits, progress: &mut dyn FnMut(Step)) -> Heard {
    let metadata = session.metadata();
    let mut heard = Heard::default();
    for name in sound::files(metadata) {
        let t0_ns = sound::t0_ns(metadata, name).unwrap_or_default();
        let mut file = File { name, t0_ns, rate: 1, ..File::default() };
        match file.listen(session, &mut heard.clippings, progress) {
            Ok(()) => {
                heard.undecodable.get_or_insert_default();
                let share = |part: u64, whole: u64| part as f64 / whole.max(1) as f64;
                let silent = share(file.silent, file.stretches);
                if silent > limits.sound_silent {
                    let what = || format!("{name}: {:.1} % of it are below -60 dB", silent * 100.0);
                    heard.silences.add((t0_ns, file.end_ns()), None, what);
                }
                let largest = |before: Option<f64>, now: f64| Some(before.map_or(now, |before| before.max(now)));
                heard.silent = largest(heard.silent, silent);
                heard.clipped = largest(heard.clipped, share(file.clipped, file.values));
                heard.samples += file.samples;
            }
            // Nothing here decodes it: that says nothing of it.
            Err(PcmError::Decode { source: DecodeError::Absent { .. }, .. }) => {}
            Err(error) => {
                let found = heard.undecodable.get_or_insert_default();
                found.add((t0_ns, file.end_ns()), None, || error.to_string());
            }
        }
    }
    heard
}

/// A file that is listened to.
#[derive(Default)]
struct File {
    name: &'static str,
    t0_ns: i64,
    rate: u32,
    /// Samples (per channel), and values of all channels.
    samples: u64,
    values: u64,
    clipped: u64,
    /// Stretches of a tenth of a second, and those that are silent.
    stretches: u64,
    silent: u64,
    /// The loudest of the present one, and how many samples it has.
    peak: u16,
    of_stretch: u32,
    /// Full samples in a row, by channel.
    runs: Vec<u32>,
    /// What is clipped: from when, until when, how many samples.
    open: Option<(i64, i64, u64)>,
    last_tick: i64,
}

impl File {
    fn listen(
        &mut self,
        session: &SealedSession,
        clippings: &mut Found,
        progress: &mut dyn FnMut(Step),
    ) -> Result<(), PcmError> {
        let mut reader = PcmReader::open(&session.dir().join(self.name))?;
        self.rate = reader.rate();
        self.runs = vec![0; usize::from(reader.channels().max(1))];
        let (of, mut done) = (reader.packets() as u64, 0);
        while let Some(block) = reader.next_block()? {
            for (at, samples) in (block.tick..).zip(block.samples.chunks_exact(self.runs.len())) {
                // What is before time 0 nobody hears.
                if at >= 0 {
                    self.take(at, samples, clippings);
                }
            }
            done += 1;
            if done % 4096 == 0 {
                progress(Step { what: "sound", done, of });
            }
        }
        if self.of_stretch > 0 {
            self.end_stretch();
        }
        self.close(clippings);
        Ok(())
    }

    fn time(&self, tick: i64) -> i64 {
        time(u64::try_from(tick).unwrap_or(0), self.t0_ns, self.rate)
    }

    fn end_ns(&self) -> i64 {
        self.time(self.last_tick)
    }

    fn take(&mut self, tick: i64, samples: &[i16], clippings: &mut Found) {
        self.samples += 1;
        self.last_tick = tick;
        for (channel, sample) in samples.iter().enumerate() {
            let level = sample.unsigned_abs();
            self.values += 1;
            self.peak = self.peak.max(level);
            let run = &mut self.runs[channel];
            *run = if level >= FULL { *run + 1 } else { 0 };
            if *run >= CLIPPED_RUN {
                // The first ones of a run count when it is one.
                let more = if *run == CLIPPED_RUN { u64::from(CLIPPED_RUN) } else { 1 };
                self.clipped += more;
                self.clip(tick, more, clippings);
            }
        }
        self.of_stretch += 1;
        if self.of_stretch >= (self.rate / 10).max(1) {
            self.end_stretch();
        }
    }

    fn end_stretch(&mut self) {
        self.stretches += 1;
        self.silent += u64::from(self.peak < SILENT);
        (self.peak, self.of_stretch) = (0, 0);
    }

    fn clip(&mut self, tick: i64, more: u64, clippings: &mut Found) {
        let t = self.time(tick);
        if let Some((_, until, count)) = self.open.as_mut().filter(|(_, until, _)| t - *until < TOGETHER_NS) {
            (*until, *count) = (t, *count + more);
            return;
        }
        self.close(clippings);
        self.open = Some((t, t, more));
    }

    fn close(&mut self, clippings: &mut Found) {
        if let Some((from, until, count)) = self.open.take() {
            clippings.add((from, until), None, || format!("{}: {count} samples are cut off", self.name));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(samples: impl Iterator<Item = i16>) -> (File, Found) {
        let mut file = File { name: "audio.mp4", rate: 48_000, runs: vec![0], ..File::default() };
        let mut found = Found::default();
        for (tick, sample) in (0..).zip(samples) {
            file.take(tick, &[sample], &mut found);
        }
        file.close(&mut found);
        (file, found)
    }

    #[test]
    fn silence_is_counted_in_tenths_of_a_second() {
        // A tenth with one sample that is heard, two without.
        let (file, _) = heard((0..14_400).map(|n| if n == 77 { 40 } else { 32 }));
        assert_eq!((file.stretches, file.silent), (3, 2));
    }

    #[test]
    fn a_wave_that_is_cut_off_is_clipped_and_a_peak_is_not() {
        let (file, found) = heard([0, 32_767, -32_768, 0, 32_767, 32_767, 0].into_iter());
        assert_eq!((file.clipped, found.count), (0, 0));
        let wave = |n: i32| {
            if (100..110).contains(&(n % 24_000)) || (100..104).contains(&(n % 96_000)) { i16::MIN } else { 0 }
        };
        let (file, found) = heard((0..96_000).map(wave));
        assert_eq!(file.clipped, 40);
        // Those within a second are one.
        assert_eq!((found.count, found.kept[0].what.as_str()), (1, "audio.mp4: 40 samples are cut off"));
    }
}
