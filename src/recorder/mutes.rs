//! What of the sound is not kept, by its own time: that of pauses, and that from when consent was taken back.

use std::collections::VecDeque;

use crate::base::time::MonoNs;
use crate::session::sound::MARGIN_NS;

/// The most pauses that are kept apart: each is forgotten a minute after its end.
const MOST: usize = 256;
/// How long after its end a pause is known: far more than any sound is late.
const KNOWN_NS: i64 = 60_000_000_000;

/// The pauses that sound may fall into.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mutes {
    spans: VecDeque<(MonoNs, Option<MonoNs>)>,
}

impl Mutes {
    /// A pause begins.
    pub(crate) fn begin(&mut self, t: MonoNs) {
        let is_old = |until: Option<MonoNs>| until.is_some_and(|until| t.0 - until.0 > KNOWN_NS);
        while self.spans.front().is_some_and(|(_, until)| is_old(*until)) {
            self.spans.pop_front();
        }
        self.spans.push_back((t, None));
        if self.spans.len() > MOST
            && let Some((from, _)) = self.spans.pop_front()
            && let Some(second) = self.spans.front_mut()
        {
            // Rather too much is kept out than too little.
            second.0 = from;
        }
    }

    /// The pause ends.
    pub(crate) fn end(&mut self, t: MonoNs) {
        if let Some((_, until)) = self.spans.back_mut() {
            until.get_or_insert(t);
        }
    }

    /// Returns the parts of a stretch of time that are not kept.
    pub(crate) fn within(&self, from: MonoNs, until: MonoNs) -> Vec<(MonoNs, MonoNs)> {
        let wide = self.spans.iter().map(|(begin, end)| {
            let end = end.map_or(MonoNs(i64::MAX), |end| MonoNs(end.0.saturating_add(MARGIN_NS)));
            (MonoNs(begin.0.saturating_sub(MARGIN_NS)), end)
        });
        wide.filter(|(begin, end)| *begin < until && from < *end)
            .map(|(begin, end)| (begin.max(from), end.min(until)))
            .collect()
    }
}

/// Makes the samples of these parts silent. The first sample is of `t`, the next ones `per_sample` nanoseconds later each.
pub(super) fn silence(
    samples: &mut [f32],
    channels: usize,
    (t, per_sample): (MonoNs, f64),
    parts: &[(MonoNs, MonoNs)],
) {
    let count = samples.len() / channels.max(1);
    for (from, until) in parts {
        let at = |time: MonoNs| (time.0.saturating_sub(t.0) as f64 / per_sample).clamp(0.0, count as f64);
        let (first, behind) = (at(*from).floor() as usize, at(*until).ceil() as usize);
        samples[first * channels..behind * channels].fill(0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_silent_with_a_margin_on_both_sides() {
        let ms = |ms: i64| MonoNs(ms * 1_000_000);
        let mut mutes = Mutes::default();
        assert!(mutes.within(ms(0), ms(1000)).is_empty());
        mutes.begin(ms(100));
        assert_eq!(mutes.within(ms(0), ms(1000)), [(ms(80), ms(1000))]);
        mutes.end(ms(200));
        mutes.begin(ms(500));
        mutes.end(ms(600));
        assert_eq!(mutes.within(ms(0), ms(1000)), [(ms(80), ms(220)), (ms(480), ms(620))]);
        assert!(mutes.within(ms(220), ms(480)).is_empty() && mutes.within(ms(0), ms(80)).is_empty());
        // 1 kHz, two channels.
        let mut samples = vec![1.0; 2000];
        silence(&mut samples, 2, (ms(0), 1e6), &mutes.within(ms(0), ms(1000)));
        let kept: Vec<usize> = (0..1000).filter(|at| samples[at * 2] > 0.0).collect();
        assert_eq!(kept, (0..80).chain(220..480).chain(620..1000).collect::<Vec<_>>());
        assert!((0..1000).all(|at| samples[at * 2].to_bits() == samples[at * 2 + 1].to_bits()));
    }

    #[test]
    fn very_many_pauses_keep_too_much_out_and_never_too_little() {
        let mut mutes = Mutes::default();
        for n in 0..1000 {
            mutes.begin(MonoNs(n * 50_000_000));
            mutes.end(MonoNs(n * 50_000_000 + 1));
        }
        assert!(mutes.spans.len() <= MOST);
        for n in 0..1000 {
            assert!(!mutes.within(MonoNs(n * 50_000_000), MonoNs(n * 50_000_000 + 1)).is_empty(), "{n}");
        }
        mutes.begin(MonoNs(1_000_000_000_000));
        assert_eq!(mutes.spans.len(), 1, "old ones are forgotten");
    }
}
