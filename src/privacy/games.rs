//! Games that the windows choose while recording (`--profile auto`): which window is one's, and what of it must not be seen.
//!
//! Pure decisions, as everything of `privacy`: the screen source says which windows there are and where; areas are of the game's window
//! and move with it, unlike those of a profile that was named, which are of the whole picture.

use super::chat::WindowMatch;
use super::mask::Place;
use super::profile::Profile;
use super::reason::Reason;
use crate::base::event::Area;

/// The most games that are looked for at once: one bit of a word each, see [`Games::of`].
pub const MAX_GAMES: usize = 64;

/// A game.
#[derive(Clone, PartialEq, Debug)]
pub struct Game {
    /// Name of its profile.
    pub profile: String,
    /// What it is called, for the metadata.
    pub game: Option<String>,
    /// Its chat is masked, and the profile knows the keys that open and close it.
    pub hides_chat: bool,
    windows: WindowMatch,
    masks: Vec<(Place, Reason)>,
}

/// The games that are looked for, the first that fits a window goes first.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Games(Vec<Game>);

impl Games {
    /// The games of these profiles, without those that say nothing of windows; the largest masks where no HUD scale is given.
    pub fn new(profiles: &[Profile], hud_scale: Option<u8>) -> Self {
        let game = |profile: &Profile| {
            let masks = profile.masks(hud_scale);
            Game {
                profile: profile.name.clone(),
                game: profile.game.clone(),
                hides_chat: profile.chat.is_some() && masks.iter().any(|mask| mask.reason == "chat"),
                windows: profile.windows.clone(),
                masks: masks.into_iter().map(|mask| (mask.place, Reason::of_profile(&mask.reason))).collect(),
            }
        };
        Self(profiles.iter().filter(|profile| !profile.windows.is_empty()).take(MAX_GAMES).map(game).collect())
    }

    /// None is looked for.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The game with a place in the list.
    pub fn get(&self, index: usize) -> Option<&Game> {
        self.0.get(index)
    }

    /// The place in the list of the game that a window is of, by the two names of its application and its title.
    pub fn of(&self, [app, instance]: [&str; 2], title: &str) -> Option<usize> {
        self.0.iter().position(|game| game.windows.fits(app, instance, title))
    }

    /// What must not be seen of a game's window of this size, with the reasons; areas count from the window's corner.
    pub fn masks(&self, index: usize, size: (u32, u32)) -> Vec<(Area, Reason)> {
        let masks = self.0.get(index).map_or(&[][..], |game| &game.masks);
        masks.iter().filter_map(|(place, reason)| Some((place.resolve(size)?, *reason))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::profile::BUILT_IN;
    use super::*;

    #[test]
    fn a_game_is_found_by_its_window_and_its_masks_move_with_it() {
        let profiles: Vec<Profile> =
            BUILT_IN.iter().map(|(_, text)| Profile::parse(text).expect("a profile")).collect();
        let games = Games::new(&profiles, Some(50));
        assert_eq!(games.0.len(), 1, "of the built-in profiles one says which windows it is for");
        assert_eq!(
            games.get(0).map(|game| (game.profile.as_str(), game.hides_chat)),
            Some(("league-of-legends", true))
        );
        assert_eq!(games.of(["League of Legends.exe", ""], "anything"), Some(0));
        assert_eq!(games.of(["", "leagueclientux.exe"], ""), Some(0));
        assert_eq!(games.of(["steam_app_0", ""], "League of Legends (TM) Client"), Some(0));
        assert_eq!(
            games.of(["Firefox", "Navigator"], "League of Legends - Wikipedia"),
            None,
            "a page about it is not it"
        );
        let [(area, reason)] = games.masks(0, (1920, 1080))[..] else { panic!("one mask") };
        assert_eq!((area, reason.name()), (Area { x: 0, y: 561, width: 702, height: 411 }, "chat"));
        assert_eq!(games.masks(1, (1920, 1080)), []);
    }
}
