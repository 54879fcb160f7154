//! Counts clicks as people do: a press and its release are two rows and one click.

use crate::session::table::row::{event_type, key};

/// Presses of buttons among rows; not known once a row does not say whether its button went down or up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Clicks(Option<u64>);

impl Default for Clicks {
    fn default() -> Self {
        Self(Some(0))
    }
}

impl Clicks {
    /// Takes a row. A button that was held already when recording began or resumed (`held`) was not pressed then.
    pub fn add<'a>(&mut self, event_type: &str, pressed: Option<bool>, value: impl Fn(&str) -> Option<&'a str>) {
        if event_type != event_type::MOUSE_CLICK || value(key::HELD).is_some() {
            return;
        }
        self.0 = self.0.zip(pressed).map(|(count, pressed)| count + u64::from(pressed));
    }

    /// How many there were; `None` when that is not known.
    pub fn count(self) -> Option<u64> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_press_and_its_release_are_one_click() {
        let mut clicks = Clicks::default();
        let held = |name: &str| (name == key::HELD).then_some("1");
        clicks.add(event_type::MOUSE_CLICK, Some(true), held);
        for pressed in [false, true, false, true] {
            clicks.add(event_type::MOUSE_CLICK, Some(pressed), |_| None);
        }
        clicks.add(event_type::KEY_DOWN, Some(true), |_| None);
        assert_eq!(clicks.count(), Some(2));
        clicks.add(event_type::MOUSE_CLICK, None, |_| None);
        clicks.add(event_type::MOUSE_CLICK, Some(true), |_| None);
        assert_eq!(clicks.count(), None, "nobody knows what that row was");
    }
}
