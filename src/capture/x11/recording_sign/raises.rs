//! How often the sign is raised over what covers it: at once, then ever more seldom while it is covered again, so that two programs that both want to
//! be on top do not fight.

use crate::base::time::MonoNs;

/// How long it is waited before the sign is raised again: doubled each time, up to the most, and from the least again after a quiet time.
const RAISE_NS: (i64, i64) = (250_000_000, 16_000_000_000);
const QUIET_NS: i64 = 30_000_000_000;

/// When it may be raised again.
pub(super) struct Raises {
    wait_ns: i64,
    last: Option<MonoNs>,
}

impl Default for Raises {
    fn default() -> Self {
        Self { wait_ns: RAISE_NS.0, last: None }
    }
}

impl Raises {
    /// Whether it may be raised now; if so, it is.
    pub(super) fn may(&mut self, now: MonoNs) -> bool {
        let Some(last) = self.last else {
            self.last = Some(now);
            return true;
        };
        let since = now.0 - last.0;
        if since < self.wait_ns {
            return false;
        }
        self.wait_ns = if since > QUIET_NS { RAISE_NS.0 } else { (self.wait_ns * 2).min(RAISE_NS.1) };
        self.last = Some(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_often_it_is_raised_is_bounded_and_quick_at_first() {
        let mut raises = Raises::default();
        // Something covers it all the time: it is tried every 50 ms, for ten minutes.
        let tries = (0..12_000).map(|n| MonoNs(n * 50_000_000));
        let raised: Vec<i64> = tries.filter(|t| raises.may(*t)).map(|t| t.0 / 1_000_000).collect();
        assert_eq!(raised[..6], [0, 250, 750, 1750, 3750, 7750]);
        assert!(raised.len() < 50, "{}", raised.len());
        // After a quiet time it is quick again.
        assert!(raises.may(MonoNs(700_000_000_000)) && raises.may(MonoNs(700_250_000_000)));
    }
}
