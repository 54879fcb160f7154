//! Finds hotkeys among the inputs, and keeps their keys out of what is written.
//!
//! Invariant: a key whose press completed a chord is the hotkey's until its release: nothing else hears of its press, its repeats and its
//! release. What the chord is for is handed on, in order with the inputs.

use std::collections::BTreeMap;

use crate::base::event::{HidUsage, Source};
use crate::base::hotkeys::{Action, Hotkeys, Modifiers};
use crate::base::time::MonoNs;

/// A key, by usage and native code: some systems have only one of them.
pub(crate) type KeyName = (Option<HidUsage>, u32);

/// What a hotkey asked for.
pub(super) struct Asked {
    /// When its key went down.
    pub(super) t: MonoNs,
    /// Who saw it.
    pub(super) source: Source,
    /// What it is for.
    pub(super) action: Action,
}

/// Follows the keys of hotkeys.
#[derive(Default)]
pub(super) struct Chords {
    hotkeys: Hotkeys,
    /// Keys of hotkeys that are down; whether their release may have been lost.
    down: BTreeMap<KeyName, bool>,
    /// What was asked for and not handed on yet.
    asked: Vec<Asked>,
}

impl Chords {
    /// For these.
    pub(super) fn new(hotkeys: Hotkeys) -> Self {
        Self { hotkeys, ..Self::default() }
    }

    /// Whether this change of a key is a hotkey's. `fresh`: it is a press and no repeat; `held` are the modifiers that are down.
    pub(super) fn take(
        &mut self,
        (t, source): (MonoNs, Source),
        name: KeyName,
        down: bool,
        fresh: bool,
        held: impl FnOnce() -> Modifiers,
    ) -> bool {
        if !down {
            return self.down.remove(&name).is_some();
        }
        // A repeat is the hotkey's, too, when its release may have been lost: it was never released in between, or nobody pressed it.
        if self.down.get(&name).is_some_and(|doubtful| !doubtful || !fresh) {
            return true;
        }
        // A press after one whose release may be lost: looked at afresh.
        self.down.remove(&name);
        let action =
            name.0.filter(|_| fresh && !self.hotkeys.is_empty()).and_then(|key| self.hotkeys.pressed(key, held()));
        if let Some(action) = action {
            self.down.insert(name, false);
            self.asked.push(Asked { t, source, action });
        }
        action.is_some()
    }

    /// Some inputs were lost.
    pub(super) fn doubt(&mut self) {
        self.down.values_mut().for_each(|doubtful| *doubtful = true);
    }

    /// The key of a hotkey is down.
    pub(super) fn is_down(&self) -> bool {
        !self.down.is_empty()
    }

    /// What was asked for since the last time.
    pub(super) fn take_asked(&mut self) -> Vec<Asked> {
        std::mem::take(&mut self.asked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::hid::usage_of_code;
    use crate::base::hotkeys::Chord;

    const CTRL: Modifiers = Modifiers { ctrl: true, alt: false, meta: false, shift: false };

    fn chords() -> Chords {
        let mut hotkeys = Hotkeys::default();
        hotkeys.set(Action::Mark, Chord::parse("ctrl+p").expect("a chord")).expect("the first");
        Chords::new(hotkeys)
    }

    fn name(code: &str) -> KeyName {
        (usage_of_code(code), 7)
    }

    #[test]
    fn the_key_is_the_hotkeys_until_it_is_released_whatever_the_modifiers_do() {
        let mut chords = chords();
        let mut take = |code: &str, down, fresh, held| {
            let taken = chords.take((MonoNs(5), Source::Xi2), name(code), down, fresh, || held);
            (taken, chords.take_asked().len())
        };
        assert_eq!(take("KeyP", true, true, Modifiers::default()), (false, 0), "without its modifier");
        assert_eq!(take("KeyP", false, false, CTRL), (false, 0), "its press was no hotkey");
        assert_eq!(take("KeyP", true, false, CTRL), (false, 0), "a repeat of a key that was down before");
        assert_eq!(take("KeyQ", true, true, CTRL), (false, 0));
        assert_eq!(take("KeyP", true, true, CTRL), (true, 1));
        assert_eq!(take("KeyP", true, false, CTRL), (true, 0), "a repeat");
        assert_eq!(take("KeyP", true, false, Modifiers::default()), (true, 0), "a repeat when Ctrl is up");
        assert_eq!(take("KeyP", false, false, Modifiers::default()), (true, 0));
        assert_eq!(take("KeyP", false, false, Modifiers::default()), (false, 0), "it is over");
    }

    #[test]
    fn a_release_that_was_lost_does_not_swallow_the_next_press() {
        let mut chords = chords();
        let at = (MonoNs(5), Source::Xi2);
        assert!(chords.take(at, name("KeyP"), true, true, || CTRL) && chords.is_down());
        chords.doubt();
        assert!(!chords.take(at, name("KeyP"), true, true, Modifiers::default) && !chords.is_down());
        assert!(chords.take(at, name("KeyP"), true, true, || CTRL));
        chords.doubt();
        assert!(chords.take(at, name("KeyP"), true, false, Modifiers::default), "it repeats after all");
        assert!(chords.take(at, name("KeyP"), false, false, || CTRL), "its release came after all");
    }
}
