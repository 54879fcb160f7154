//! What is held down, device by device.
//!
//! Invariant: a key that two devices hold goes up with the second release; nothing stays down that a device took with it.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::event::Button;

/// A key by its code, or a button.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum What {
    Key(u16),
    Button(Button),
}

/// What is held.
#[derive(Default)]
pub(super) struct Held(BTreeMap<u64, BTreeSet<What>>);

impl Held {
    fn is_held(&self, what: What) -> bool {
        self.0.values().any(|held| held.contains(&what))
    }

    /// Presses; whether it was up before.
    pub(super) fn press(&mut self, device: u64, what: What) -> bool {
        let was_held = self.is_held(what);
        self.0.entry(device).or_default().insert(what);
        !was_held
    }

    /// Releases; whether it is up now. What was held before anything was heard belongs to no device, and goes with the first release.
    pub(super) fn release(&mut self, device: u64, what: What) -> bool {
        for of in [device, UNKNOWN] {
            if let Some(held) = self.0.get_mut(&of) {
                held.remove(&what);
            }
        }
        !self.is_held(what)
    }

    /// Forgets a device; what is up now.
    pub(super) fn remove(&mut self, device: u64) -> Vec<What> {
        let held = self.0.remove(&device).unwrap_or_default();
        held.into_iter().filter(|what| !self.is_held(*what)).collect()
    }

    /// Forgets everything; what was held.
    pub(super) fn clear(&mut self) -> BTreeSet<What> {
        std::mem::take(&mut self.0).into_values().flatten().collect()
    }
}

/// The device of what was held before anything was heard.
pub(super) const UNKNOWN: u64 = u64::MAX;

#[cfg(test)]
mod tests {
    use super::*;

    const A: What = What::Key(0x1e);

    #[test]
    fn keys_of_two_devices_and_of_one_that_goes() {
        let mut held = Held::default();
        assert!(held.press(1, A) && !held.press(1, A) && !held.press(2, A));
        assert!(!held.release(1, A), "the other device holds it still");
        held.press(2, What::Button(Button::Left));
        assert_eq!(held.remove(2), [A, What::Button(Button::Left)]);
        assert!(held.remove(2).is_empty() && held.release(1, A));
    }

    #[test]
    fn what_was_held_at_the_start_goes_with_any_release() {
        let mut held = Held::default();
        held.press(UNKNOWN, A);
        assert!(!held.press(1, A), "auto-repeat of it");
        assert!(held.release(1, A));
        held.press(3, A);
        assert_eq!(held.clear().len(), 1);
        assert!(held.clear().is_empty());
    }
}
