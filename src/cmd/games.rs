//! Which game's tables of the configuration are in force: by its name, or by the window that is recorded or open.

use super::{profile, text};
use crate::capture::Target;
use crate::cli::{RecordArgs, SourceArg};
use crate::config::GameConfig;
use crate::config::layers::Layers;
use crate::privacy::chat::WindowMatch;

/// Puts the tables of the game over the others, and says so.
pub(super) fn in_force(layers: &Layers, args: &RecordArgs, target: &Target) -> Layers {
    let games = &layers.config().games;
    if games.is_empty() {
        return layers.clone();
    }
    let named = args.game.as_deref().and_then(|name| named(layers, name));
    let windows =
        if args.source == SourceArg::Desktop && named.is_none() { profile::windows(target) } else { Vec::new() };
    let by_window = || {
        let fits = |game: &GameConfig| {
            let of = of_game(game);
            windows.iter().any(|window| of.fits(&window.app, &window.instance, &window.title.0))
        };
        games.iter().find(|(_, game)| fits(game)).map(|(name, _)| name.as_str())
    };
    let Some(name) = named.or_else(by_window) else { return layers.clone() };
    text::say(&text::printable(&format!("configuration: [games.{name}]")));
    layers.for_game(name)
}

/// The section of a name, or the one whose game is called so.
pub(super) fn named<'a>(layers: &'a Layers, name: &str) -> Option<&'a str> {
    let is_it = |(section, game): &(&String, &GameConfig)| {
        section.eq_ignore_ascii_case(name) || game.game.as_deref().is_some_and(|game| game.eq_ignore_ascii_case(name))
    };
    layers.config().games.iter().find(is_it).map(|(section, _)| section.as_str())
}

fn of_game(game: &GameConfig) -> WindowMatch {
    let lower = |names: &[String]| names.iter().map(|name| name.to_lowercase()).collect();
    WindowMatch { apps: lower(&game.apps), titles: lower(&game.titles), whole_titles: Vec::new() }
}
