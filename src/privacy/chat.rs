//! Whether a game's chat is open, told from the keys that open and close it.
//!
//! A game does not say when its chat is open; the keys that the profile names are all there is to go by. Where they leave a
//! doubt, chat counts as open: after the person came back to the game with chat open, it stays open until a key closes it. What
//! it cannot see: chat that is opened or closed with the mouse, and a key that the game ignored. Where one key both opens and
//! closes, such a miss turns the state round until a key that only closes (Escape) is pressed; whoever cannot live with that
//! records with `--keys no-text`.

use std::collections::BTreeSet;

use super::names;
use crate::base::event::HidUsage;

/// The keys of a game's chat.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct ChatKeys {
    /// Open chat when pressed while it is closed.
    pub open: BTreeSet<HidUsage>,
    /// Close it when pressed while it is open.
    pub close: BTreeSet<HidUsage>,
    /// The game's windows; empty: whichever window is active.
    pub windows: WindowMatch,
}

/// Which windows a profile is for.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct WindowMatch {
    /// Applications, in lower case.
    pub apps: Vec<String>,
    /// Parts of titles, in lower case.
    pub titles: Vec<String>,
    /// Whole titles, in lower case.
    pub whole_titles: Vec<String>,
}

impl WindowMatch {
    /// It says nothing: any window will do.
    pub fn is_empty(&self) -> bool {
        self.apps.is_empty() && self.titles.is_empty() && self.whole_titles.is_empty()
    }

    /// Whether a window of this class (or instance) and title is one of these.
    pub fn fits(&self, app: &str, instance: &str, title: &str) -> bool {
        self.apps.iter().any(|pattern| names::app_fits(pattern, app, instance))
            || self.titles.iter().any(|part| names::title_fits(part, title))
            || self.whole_titles.iter().any(|whole| *whole == title.to_lowercase())
    }
}

/// Follows the state of chat.
pub struct Chat {
    keys: ChatKeys,
    in_game: bool,
    open: bool,
}

impl Chat {
    /// Closed, and the game does not have the focus, unless any window will do.
    pub fn new(keys: ChatKeys) -> Self {
        let in_game = keys.windows.is_empty();
        Self { keys, in_game, open: false }
    }

    /// Another window became active.
    pub fn focus(&mut self, app: &str, title: &str) {
        self.in_game = self.keys.windows.is_empty() || self.keys.windows.fits(app, "", title);
    }

    /// A key was pressed (no repeat); whether its code is withheld. The keys that open and close chat say nothing of what is typed.
    pub fn press(&mut self, usage: Option<HidUsage>) -> bool {
        if !self.in_game {
            return false;
        }
        let is_one_of = |keys: &BTreeSet<HidUsage>| usage.is_some_and(|usage| keys.contains(&usage));
        if self.open {
            let closes = is_one_of(&self.keys.close);
            self.open = !closes;
            !closes
        } else {
            self.open = is_one_of(&self.keys.open);
            false
        }
    }

    /// What is typed now goes into chat.
    pub fn is_typing(&self) -> bool {
        self.open && self.in_game
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::hid::usage_of_code;

    fn chat(apps: &[&str]) -> Chat {
        let keys = |codes: &[&str]| codes.iter().filter_map(|code| usage_of_code(code)).collect();
        let apps = apps.iter().map(|app| (*app).to_owned()).collect();
        let windows = WindowMatch { apps, ..WindowMatch::default() };
        Chat::new(ChatKeys { open: keys(&["Enter"]), close: keys(&["Enter", "Escape"]), windows })
    }

    #[test]
    fn what_is_typed_between_opening_and_closing_is_withheld() {
        let mut chat = chat(&[]);
        let mut typed = |code: &str| chat.press(usage_of_code(code));
        let told =
            ["KeyQ", "Enter", "KeyH", "KeyI", "Enter", "KeyW", "Enter", "KeyX", "Escape", "KeyE"].map(&mut typed);
        assert_eq!(told, [false, false, true, true, false, false, false, true, false, false]);
        assert!(!chat.press(usage_of_code("Enter")) && chat.press(None), "a key without a usage is text too");
    }

    #[test]
    fn only_the_game_has_chat_and_it_stays_open_behind_another_window() {
        let mut chat = chat(&["game.exe"]);
        assert!(!chat.press(usage_of_code("Enter")) && !chat.press(usage_of_code("KeyA")), "no game yet");
        chat.focus("Game.exe", "");
        assert!(!chat.press(usage_of_code("Enter")) && chat.is_typing());
        chat.focus("XTerm", "");
        assert!(!chat.is_typing() && !chat.press(usage_of_code("Enter")));
        chat.focus("game.exe", "");
        assert!(chat.is_typing() && chat.press(usage_of_code("KeyA")));
    }
}
