//! Which windows have the keyboard, as far as was told.

use std::collections::BTreeSet;

use super::window::{GrabNews, KeyboardEvent, WindowId};

/// Which window has taken the keyboard without the focus.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Grab {
    /// Nothing was told yet.
    #[default]
    Unknown,
    /// None.
    Free,
    /// This one; `None`: it is not known which.
    Held(Option<WindowId>),
}

impl Grab {
    fn told(&mut self, news: GrabNews) {
        *self = match (news, *self) {
            (GrabNews::Free, _) => Self::Free,
            (GrabNews::At(window), _) => Self::Held(Some(window)),
            (GrabNews::Still, Self::Held(by)) => Self::Held(by),
            (GrabNews::Still | GrabNews::Somewhere, _) => Self::Held(None),
        };
    }
}

/// Who has the keyboard.
#[derive(Debug, Default)]
pub(super) struct Keyboard {
    /// Windows that have it. Empty: not known, unless the desktop has it.
    focused: BTreeSet<WindowId>,
    /// The desktop has it: no window in particular.
    desktop: bool,
    pub(super) grab: Grab,
}

impl Keyboard {
    pub(super) fn event(&mut self, event: KeyboardEvent) {
        match event {
            KeyboardEvent::Came(None) => self.desktop = true,
            KeyboardEvent::Went(None) => self.desktop = false,
            KeyboardEvent::Came(Some(window)) => drop(self.focused.insert(window)),
            KeyboardEvent::Went(Some(window)) => self.forget(window),
            KeyboardEvent::Grab(news) => self.grab.told(news),
        }
    }

    /// A window is no more.
    pub(super) fn forget(&mut self, window: WindowId) {
        self.focused.remove(&window);
    }

    pub(super) fn focused(&self) -> &BTreeSet<WindowId> {
        &self.focused
    }

    pub(super) fn is_with_the_desktop(&self) -> bool {
        self.desktop
    }

    /// The window at which it is grabbed.
    pub(super) fn holder(&self) -> Option<WindowId> {
        if let Grab::Held(by) = self.grab { by } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grab_goes_on_until_it_is_free() {
        let mut keyboard = Keyboard::default();
        let mut told = |news| {
            keyboard.event(KeyboardEvent::Grab(news));
            keyboard.grab
        };
        let window = WindowId(7);
        assert_eq!(told(GrabNews::Still), Grab::Held(None), "it began before anybody listened");
        assert_eq!(told(GrabNews::At(window)), Grab::Held(Some(window)));
        assert_eq!(told(GrabNews::Still), Grab::Held(Some(window)));
        assert_eq!(told(GrabNews::Somewhere), Grab::Held(None));
        assert_eq!(told(GrabNews::Free), Grab::Free);
    }
}
