//! When a picture has to be an IDR: decided by recorded time, for every encoder alike.
//!
//! The first picture is one, the first after [`Gop::restart`], and one whenever the longest time between two has passed. It reads no
//! clock: time is that of the stamps. Not in the recorder, since `export` decides by the same rule.

use super::ask::Ask;
use super::outbox::CodedUnit;
use crate::base::time::MonoNs;
use crate::media::picture::FrameStamp;

/// Decides which pictures are IDRs.
pub struct Gop {
    longest_ns: i64,
    /// Half the time between two pictures, so that jitter does not move an IDR to the picture after the one it belongs to.
    forgiven_ns: i64,
    last_idr: Option<MonoNs>,
    restart: bool,
}

impl Gop {
    /// At most `longest_ns` of recorded time between two IDRs, at about `fps` pictures a second.
    pub fn new(longest_ns: i64, fps: u32) -> Self {
        let forgiven_ns = 500_000_000 / i64::from(fps.max(1));
        Self { longest_ns, forgiven_ns, last_idr: None, restart: false }
    }

    /// What to ask of the encoder for the picture of this stamp.
    pub fn ask(&mut self, stamp: FrameStamp) -> Ask {
        let due = |last: MonoNs| stamp.t.0.saturating_sub(last.0) >= self.longest_ns.saturating_sub(self.forgiven_ns);
        let idr = self.restart || self.last_idr.is_none_or(due);
        if idr {
            self.last_idr = Some(stamp.t);
            self.restart = false;
        }
        Ask { stamp, idr }
    }

    /// The next picture is an IDR, whatever the time: what is before it is of no use to it.
    pub fn restart(&mut self) {
        self.restart = true;
    }

    /// An encoder made a unit. One that is an IDR without being asked for counts as well, also when it comes late.
    pub fn made(&mut self, unit: &CodedUnit) {
        if unit.keyframe {
            self.last_idr = self.last_idr.max(Some(unit.stamp.t));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::FrameRef;

    fn stamp(ms: i64) -> FrameStamp {
        FrameStamp { frame_ref: FrameRef(0), t: MonoNs(ms * 1_000_000) }
    }

    fn unit(ms: i64) -> CodedUnit {
        CodedUnit { stamp: stamp(ms), bytes: Vec::new(), keyframe: true }
    }

    #[test]
    fn idrs_come_by_recorded_time_with_half_a_picture_forgiven() {
        let mut gop = Gop::new(500_000_000, 30);
        let found: Vec<i64> = (0..60).map(|n| n * 33 + (n % 3)).filter(|ms| gop.ask(stamp(*ms)).idr).collect();
        assert_eq!(found, [0, 495, 990, 1485]);
        let mut never = Gop::new(i64::MAX, 30);
        assert!(never.ask(stamp(0)).idr && !never.ask(stamp(3_000_000_000_000)).idr);
    }

    #[test]
    fn a_restart_holds_until_the_next_picture_whatever_comes_late() {
        let mut gop = Gop::new(500_000_000, 30);
        assert!(gop.ask(stamp(0)).idr && !gop.ask(stamp(33)).idr);
        gop.restart();
        gop.made(&unit(33));
        assert!(gop.ask(stamp(66)).idr && !gop.ask(stamp(100)).idr);
    }

    #[test]
    fn an_idr_that_was_not_asked_for_counts_and_an_old_one_does_not_count_back() {
        let mut gop = Gop::new(500_000_000, 30);
        assert!(gop.ask(stamp(0)).idr);
        gop.made(&unit(300));
        assert!(!gop.ask(stamp(500)).idr && gop.ask(stamp(800)).idr);
        gop.made(&unit(500));
        assert!(!gop.ask(stamp(1200)).idr);
    }
}
