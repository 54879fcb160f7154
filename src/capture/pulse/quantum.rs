//! How many samples a server works on at once, from how its count of them grows: PipeWire tells its quantum nowhere in this protocol.

/// Looks that are taken into account: the first half minute.
const LOOKS: u32 = 120;
/// Fewer say too little.
const FEWEST: u32 = 8;

/// The greatest number of samples that every growth was a multiple of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Quantum {
    last: Option<u64>,
    common: u64,
    looks: u32,
}

impl Quantum {
    /// Takes the server's count of samples.
    pub(super) fn look(&mut self, count: u64) {
        let Some(grown) = self.last.replace(count).and_then(|last| count.checked_sub(last)) else { return };
        if grown > 0 && self.looks < LOOKS {
            self.common = common(self.common, grown);
            self.looks += 1;
        }
    }

    /// Returns it, as far as it is known.
    pub(super) fn samples(self) -> Option<u64> {
        (self.looks >= FEWEST).then_some(self.common)
    }
}

fn common(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { common(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_common_step_of_all_growths_is_found() {
        let mut quantum = Quantum::default();
        for count in [7, 7 + 256 * 12, 7 + 256 * 13, 7 + 256 * 13, 7 + 256 * 20, 7 + 256 * 29, 7 + 256 * 41] {
            quantum.look(count);
        }
        assert_eq!(quantum.samples(), None, "too few");
        for n in 42..46 {
            quantum.look(7 + 256 * n);
        }
        assert_eq!(quantum.samples(), Some(256));
    }
}
