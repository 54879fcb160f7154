//! How many bits a picture gets, for an encoder that is told one quantiser a picture: a bucket that fills with the bits of each picture and
//! leaks at the bit rate.
//!
//! libx264 has rate controls of its own; each of them first makes a small copy of every picture and looks for motion in it, which costs a quarter of
//! its fastest preset. A quantiser that is told leaves that out. IDRs are charged to the bucket like every other picture, and get no more
//! than a share of their group.
//!
//! It knows sizes and quantisers, and neither pictures nor clocks. Six steps of the quantiser halve the bits, about; what is wrong with that is
//! corrected by the picture that follows.

/// Lowest quantiser of a picture that shows something new: below, the eye sees no difference and the bits double every few steps.
const MIN_QP: f64 = 16.0;
/// Highest: beyond it a picture is not to be read any more.
const MAX_QP: f64 = 46.0;
/// The first picture's, of which nothing is known.
const FIRST_QP: f64 = 26.0;
/// Lowest quantiser of a repeat, which sharpens what stands still.
const MIN_STILL_QP: u8 = 12;
/// Steps that each repeat is sharper by.
const STILL_STEP: u8 = 4;
/// Share of a group's bits that its IDR may take.
const IDR_SHARE: f64 = 0.4;
/// The same on a screen that stands still.
const STILL_IDR_SHARE: f64 = 0.75;
/// Bits of an IDR at the most, in pictures' worth.
const IDR_PICTURES: f64 = 8.0;
/// How much finer an IDR is than the pictures around it, where its share allows: they are predicted from it.
const IDR_FINER: f64 = 5.0;
/// Pictures over which a debt is paid back; of an IDR, its share of it.
const PAYBACK: f64 = 60.0;
const IDR_PAYBACK: f64 = 40.0;
/// Seconds' worth of bits that may be saved up, and over which a debt ends at the highest quantiser.
const BUCKET_S: f64 = 2.0;
/// Most steps that the quantiser falls by from picture to picture, and rises by: pictures of one scene differ by half of their bits, and following
/// each of them costs 0.3 dB at the same bits on a game, against a quantiser that stays. Rising by 0.5 at the most costs 1 dB on a desktop that
/// is scrolled, whose first pictures take the bits of those behind them.
const FALL: f64 = 0.5;
const RISE: f64 = 1.5;
/// A picture of less than this share of the usual bits changed little: the next one may be sharper by more, as a repeat is, since what was coded
/// coarsely while all of the screen moved (text that was scrolled) would otherwise stay so for seconds.
const EASY: f64 = 0.33;
const EASY_FALL: f64 = 3.0;
/// While no more than this share of the bucket is owed.
const EASY_DEBT: f64 = 0.1;
/// Steps that are too few by more than this are made up for at once: another scene.
const SCENE: f64 = 8.0;
/// Pictures at the start for which it may rise by more: nothing is known of them, and a screen that stands soon keeps what they got.
const EARLY: u32 = 8;
const EARLY_RISE: f64 = 8.0;
/// How much of what pictures were hard to code is remembered from picture to picture.
const MEMORY: f64 = 0.96;

/// Follows the bits of a stream.
#[derive(Clone, Debug)]
pub struct RateControl {
    /// Bits a picture, on average.
    target: f64,
    /// Pictures of a group.
    group: f64,
    /// Bits of the bucket.
    most: f64,
    /// Quantiser of the last picture that was no IDR.
    qp: f64,
    /// Bits that were made beyond those that have leaked; less than 0: saved.
    debt: f64,
    /// Bits at a quantiser of 0 of the last pictures that were no IDR: the last one's, and the most of late.
    hard: f64,
    hardest: f64,
    /// Bits of the last picture that was no IDR.
    last: f64,
    /// Those of the last IDR, at a quantiser of 0.
    idr: f64,
    /// Pictures that showed something new, up to [`EARLY`].
    shown: u32,
    is_lossless: bool,
}

impl RateControl {
    /// For a stream of this bit rate, with an IDR each `gop_ns` at the latest.
    pub fn new(bitrate_kbps: u32, fps: u32, gop_ns: i64) -> Self {
        let fps = f64::from(fps.max(1));
        let target = f64::from(bitrate_kbps) * 1000.0 / fps;
        let group = (gop_ns as f64 * 1e-9 * fps).clamp(1.0, 600.0);
        let most = target * fps * BUCKET_S;
        Self {
            target,
            group,
            most,
            qp: FIRST_QP,
            debt: 0.0,
            hard: 0.0,
            hardest: 0.0,
            last: 0.0,
            idr: 0.0,
            shown: 0,
            is_lossless: false,
        }
    }

    /// For a stream that loses nothing: every quantiser is 0, and bits are as many as it takes.
    pub fn lossless() -> Self {
        Self { is_lossless: true, ..Self::new(1, 1, 0) }
    }

    /// The quantiser of the next picture, which shows something new.
    pub fn qp(&mut self, idr: bool) -> u8 {
        if self.is_lossless {
            return 0;
        }
        self.shown = (self.shown + 1).min(EARLY);
        let qp = if idr { self.idr_qp() } else { self.predicted_qp() };
        qp.round() as u8
    }

    fn predicted_qp(&mut self) -> f64 {
        if self.hard > 0.0 {
            let want = (self.target - self.debt / PAYBACK).max(self.target * 0.1);
            let is_easy = self.last < EASY * self.target && self.debt < EASY_DEBT * self.most;
            // What was hard of late will be again: a screen that stands for a moment does not get all bits at once.
            let (hardest, fall) = if is_easy { (0.0, EASY_FALL) } else { (self.hardest * 0.4, FALL) };
            let wanted = quantiser(self.hard.max(hardest), want);
            let rise = if self.shown < EARLY { EARLY_RISE } else { RISE.max(wanted - self.qp - SCENE) };
            self.qp += (wanted - self.qp).clamp(-fall, rise);
        }
        // Beyond its bound a debt counts more than what pictures look like.
        let over = ((self.debt / self.most).clamp(0.5, 1.5) - 0.5) * (MAX_QP - FIRST_QP);
        self.qp = self.qp.clamp(MIN_QP, MAX_QP);
        (self.qp + over).clamp(MIN_QP, MAX_QP)
    }

    fn idr_qp(&self) -> f64 {
        let finer = (self.qp - IDR_FINER).max(MIN_QP);
        if self.idr <= 0.0 {
            return finer;
        }
        let share = (self.group * IDR_SHARE).clamp(1.0, IDR_PICTURES) * self.target;
        let want = (share - self.debt.max(0.0) / IDR_PAYBACK).max(self.target * 0.5);
        finer.max(quantiser(self.idr, want)).min(MAX_QP)
    }

    /// The quantiser of a repeat of a picture that was made with `last`; `None` when it is sharp enough, or there are no bits for it.
    ///
    /// `again` are the bits of the group so far, which will be sent each time that a group is due: they get no more than a share of its bits.
    pub fn still_qp(&self, last: u8, again: usize) -> Option<u8> {
        if self.is_lossless {
            return None;
        }
        let finer = last.saturating_sub(STILL_STEP).max(MIN_STILL_QP);
        let has_room = (again as f64) < self.group * STILL_IDR_SHARE * self.target;
        (finer < last && has_room && self.debt < 2.0 * self.target).then_some(finer)
    }

    /// The quantiser of an IDR of a screen that stands still, whose picture was made with `last`: as sharp, as far as its group has the bits. The
    /// copies behind it cost nothing, and the group may be sent again and again.
    pub fn still_idr_qp(&self, last: u8) -> u8 {
        if self.idr <= 0.0 || self.is_lossless {
            return last;
        }
        let want = self.group * STILL_IDR_SHARE * self.target;
        (quantiser(self.idr, want).ceil() as u8).clamp(last, MAX_QP as u8)
    }

    /// A picture was made with this quantiser.
    pub fn made(&mut self, qp: u8, idr: bool, bits: usize) {
        let bits = bits as f64;
        self.spend(bits);
        let at_zero = bits * (f64::from(qp) / 6.0).exp2();
        if idr {
            self.idr = at_zero;
        } else {
            self.last = bits;
            self.hard = at_zero;
            self.hardest = (self.hardest * MEMORY).max(at_zero);
        }
    }

    /// A picture was stored that says nothing of those to come: a sharper repeat, bytes that are sent again, or a picture of skipped blocks.
    pub fn stored(&mut self, bits: usize) {
        self.spend(bits as f64);
    }

    fn spend(&mut self, bits: f64) {
        self.debt = (self.debt + bits - self.target).max(-self.most);
    }
}

/// The quantiser at which something takes so many bits.
fn quantiser(at_zero: f64, bits: f64) -> f64 {
    6.0 * (at_zero / bits.max(1.0)).max(1.0).log2()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stream whose pictures take these bits at a quantiser of 0; IDRs take `idr` times as many. Returns bits of each picture.
    fn stream(
        rate: &mut RateControl,
        hard: impl Fn(usize) -> f64,
        idr: f64,
        pictures: usize,
        group: usize,
    ) -> Vec<f64> {
        let mut made = Vec::new();
        for n in 0..pictures {
            let is_idr = n % group == 0;
            let qp = rate.qp(is_idr);
            let bits = hard(n) * if is_idr { idr } else { 1.0 } * (-f64::from(qp) / 6.0).exp2();
            rate.made(qp, is_idr, bits as usize);
            made.push(bits);
        }
        made
    }

    fn kbps(bits: &[f64], fps: f64) -> f64 {
        bits.iter().sum::<f64>() * fps / bits.len() as f64 / 1000.0
    }

    #[test]
    fn the_rate_is_held_on_even_and_on_uneven_pictures_and_whatever_idrs_take() {
        for rate_kbps in [4000_u32, 8000] {
            for idr in [1.5, 4.0, 12.0] {
                let even = 6e6;
                let mut rate = RateControl::new(rate_kbps, 30, 500_000_000);
                stream(&mut rate, |_| even, idr, 60, 15);
                let held = kbps(&stream(&mut rate, |_| even, idr, 600, 15), 30.0) / f64::from(rate_kbps);
                assert!((0.98..1.02).contains(&held), "{rate_kbps} kbit/s, IDRs of {idr}: {held}");
                let uneven = |n: usize| {
                    even * (1.0 + 0.8 * (n as f64 * 0.7).sin()) * if (n / 40).is_multiple_of(2) { 0.3 } else { 2.0 }
                };
                let held = kbps(&stream(&mut rate, uneven, idr, 1200, 15), 30.0) / f64::from(rate_kbps);
                assert!((0.8..1.08).contains(&held), "{rate_kbps} kbit/s, uneven, IDRs of {idr}: {held}");
            }
        }
    }

    #[test]
    fn a_screen_that_begins_to_move_takes_what_was_saved_and_then_its_bits() {
        let mut rate = RateControl::new(4000, 30, 500_000_000);
        stream(&mut rate, |_| 1e5, 4.0, 300, 15);
        // The first one nobody could know.
        let made = &stream(&mut rate, |_| 2e7, 4.0, 300, 15)[1..];
        let most = |made: &[f64]| made.windows(30).map(|second| second.iter().sum::<f64>()).fold(0.0, f64::max);
        assert!(most(made) < 1.75 * 4_000_000.0, "{} bits in a second", most(made));
        assert!(most(&made[120..]) < 1.1 * 4_000_000.0, "{} bits in a second, after four", most(&made[120..]));
        let all = made[..120].iter().sum::<f64>();
        assert!(all < (4.0 + BUCKET_S) * 4_000_000.0, "{all} bits in four seconds");
    }

    #[test]
    fn what_was_coded_coarsely_while_all_moved_is_sharpened_once_little_does() {
        let mut rate = RateControl::new(8000, 30, 500_000_000);
        // Scrolling.
        stream(&mut rate, |_| 3e7, 2.0, 60, 15);
        let coarse = rate.qp(false);
        // Somebody types: each picture has little that is new, and IDRs take what they took.
        stream(&mut rate, |_| 4e5, 50.0, 30, 15);
        let fine = rate.qp(false);
        assert!(coarse > 35 && f64::from(fine) <= MIN_QP + 4.0, "a second later: {coarse}, {fine}");
    }

    #[test]
    fn a_stream_without_loss_has_one_quantiser_whatever_it_costs() {
        let mut rate = RateControl::lossless();
        for n in 0..50 {
            assert_eq!((rate.qp(n % 15 == 0), rate.still_qp(0, 0), rate.still_idr_qp(0)), (0, None, 0));
            rate.made(0, n % 15 == 0, 90_000_000);
        }
    }

    #[test]
    fn what_stands_still_is_sharpened_while_there_are_bits() {
        let mut rate = RateControl::new(4000, 30, 500_000_000);
        assert_eq!((rate.still_qp(30, 0), rate.still_qp(14, 0), rate.still_qp(12, 0)), (Some(26), Some(12), None));
        rate.made(26, true, 4_000_000);
        assert_eq!(rate.still_qp(26, 0), None, "the IDR has taken them");
        for _ in 0..30 {
            rate.stored(100);
        }
        assert_eq!(rate.still_qp(26, 1_400_000), Some(22));
        assert_eq!(rate.still_qp(26, 1_600_000), None, "each group would send them again");
    }
}
