//! Which keys are down, by device and for the desktop as a whole.
//!
//! The server's rule for its master keyboard, which is what applications see: a key goes down with the first device that presses it
//! and up with the first that releases it; what other devices do meanwhile is nothing. Invariant: of each key presses and releases
//! alternate.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::event::HidUsage;

/// What a raw press or release was for the desktop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Change {
    Pressed,
    Repeated,
    Released,
}

/// The keys that are down. A usage is kept from the press on, so that the release has the same.
#[derive(Default)]
pub(super) struct Held {
    devices: BTreeSet<(u16, u32)>,
    desktop: BTreeMap<u32, Option<HidUsage>>,
}

impl Held {
    /// The keys that the desktop holds, of no known device.
    pub(super) fn at_start(keys: impl Iterator<Item = (u32, Option<HidUsage>)>) -> Self {
        Self { devices: BTreeSet::new(), desktop: keys.collect() }
    }

    /// The keys and their usages.
    pub(super) fn keys(&self) -> impl Iterator<Item = (u32, Option<HidUsage>)> + '_ {
        self.desktop.iter().map(|(key, usage)| (*key, *usage))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.desktop.is_empty()
    }

    /// A device presses a key; what that is, and the key's usage. `repeats`: the server says that it is auto-repeat.
    pub(super) fn press(
        &mut self,
        (source, key): (u16, u32),
        repeats: bool,
        usage: Option<HidUsage>,
    ) -> Option<(Change, Option<HidUsage>)> {
        let again = !self.devices.insert((source, key));
        match self.desktop.get(&key) {
            // An injector that repeats by itself, and the server, do it on the device that holds the key.
            Some(usage) if again || repeats => Some((Change::Repeated, *usage)),
            Some(_) => None,
            None => {
                self.desktop.insert(key, usage);
                Some((Change::Pressed, usage))
            }
        }
    }

    /// A device releases a key.
    pub(super) fn release(&mut self, (source, key): (u16, u32)) -> Option<(Change, Option<HidUsage>)> {
        self.devices.remove(&(source, key));
        self.desktop.remove(&key).map(|usage| (Change::Released, usage))
    }

    /// The server says that these are down: what is not among them was released unseen.
    pub(super) fn keep(&mut self, down: &BTreeSet<u32>) -> Vec<(u32, Option<HidUsage>)> {
        self.devices.retain(|(_, key)| down.contains(key));
        let released: Vec<_> = self.keys().filter(|(key, _)| !down.contains(key)).collect();
        self.desktop.retain(|key, _| down.contains(key));
        released
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_key_of_two_keyboards_is_one_press_and_one_release() {
        let mut held = Held::default();
        let usage = Some(HidUsage(0x1a));
        assert_eq!(held.press((4, 25), false, usage), Some((Change::Pressed, usage)));
        assert_eq!(held.press((9, 25), false, None), None, "the other one");
        assert_eq!(held.press((9, 25), false, None), Some((Change::Repeated, usage)));
        assert_eq!(held.release((9, 25)), Some((Change::Released, usage)));
        assert_eq!(held.release((4, 25)), None);
        // One is still down; the other presses again, and then the first repeats after its release.
        held.press((4, 25), false, usage);
        held.press((9, 25), false, usage);
        held.release((4, 25));
        assert_eq!(held.press((4, 25), false, usage), Some((Change::Pressed, usage)));
        held.release((4, 25));
        assert_eq!(held.press((9, 25), true, usage), Some((Change::Pressed, usage)));
    }

    #[test]
    fn what_was_held_at_the_start_is_released_by_whoever_does() {
        let mut held = Held::at_start([(38, None)].into_iter());
        assert_eq!(held.press((9, 38), false, None), None);
        assert_eq!(held.release((4, 38)), Some((Change::Released, None)));
        held.press((9, 24), false, None);
        assert_eq!(held.keep(&BTreeSet::from([38])), [(24, None)]);
        assert!(held.is_empty());
    }
}
