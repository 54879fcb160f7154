//! What is held, over all devices: a key that two keyboards hold goes up with the last of them.

use std::collections::{BTreeMap, BTreeSet};

/// Numbers a device.
pub(super) type DeviceId = u32;

/// Codes that are down, each with the devices that hold it.
#[derive(Default)]
pub(super) struct Held(BTreeMap<u16, BTreeSet<DeviceId>>);

impl Held {
    /// A device presses a code; whether nobody held it.
    pub(super) fn press(&mut self, device: DeviceId, code: u16) -> bool {
        let holders = self.0.entry(code).or_default();
        let is_first = holders.is_empty();
        holders.insert(device);
        is_first
    }

    /// A device releases a code; whether nobody holds it any more, and somebody did.
    pub(super) fn release(&mut self, device: DeviceId, code: u16) -> bool {
        let Some(holders) = self.0.get_mut(&code) else { return false };
        holders.remove(&device);
        let is_last = holders.is_empty();
        if is_last {
            self.0.remove(&code);
        }
        is_last
    }

    /// A device holds exactly these, or none when it is gone; what is up by that.
    pub(super) fn keep(&mut self, device: DeviceId, down: &BTreeSet<u16>) -> Vec<u16> {
        let gone = |(code, holders): (&u16, &BTreeSet<DeviceId>)| {
            (holders.contains(&device) && !down.contains(code)).then_some(*code)
        };
        let gone: Vec<u16> = self.0.iter().filter_map(gone).collect();
        gone.into_iter().filter(|code| self.release(device, *code)).collect()
    }

    /// Whether a device holds a code.
    pub(super) fn is_held_by(&self, device: DeviceId, code: u16) -> bool {
        self.0.get(&code).is_some_and(|holders| holders.contains(&device))
    }

    /// What is down.
    pub(super) fn codes(&self) -> impl Iterator<Item = u16> + '_ {
        self.0.keys().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_two_keyboards_is_one_key() {
        let mut held = Held::default();
        assert!(held.press(1, 30) && !held.press(2, 30) && held.press(2, 31));
        assert!(!held.release(1, 30) && held.release(2, 30) && !held.release(2, 30));
        assert!(!held.press(1, 31) && held.press(2, 32));
        assert_eq!(held.keep(2, &BTreeSet::from([31])), [32], "it still holds the other");
        assert!(held.keep(2, &BTreeSet::new()).is_empty(), "another device holds it too");
        assert_eq!((held.keep(1, &BTreeSet::new()), held.codes().count()), (vec![31], 0));
    }
}
