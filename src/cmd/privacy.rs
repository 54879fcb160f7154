//! What a recording keeps out: flags over configuration over profile, as one plan.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::failure::Failure;
use super::{profile, text};
use crate::base::hotkeys::{Action, Chord, Hotkeys};
use crate::capture::Target;
use crate::cli::{KeysArg, OnOff, RecordArgs, SourceArg};
use crate::config::{HotkeyConfig, PrivacyConfig};
use crate::privacy::exclude::Exclusions;
use crate::privacy::games::Games;
use crate::privacy::keys::{KeyPolicy, KeyRules, parse_keys};
use crate::privacy::mask::{AskedBy, Mask, Place};
use crate::privacy::profile::Profile;
use crate::privacy::{Choice, FoundProfile, Plan};

/// The plan, and the game that the profile is for.
pub(super) fn plan(
    args: &RecordArgs,
    config: &PrivacyConfig,
    target: &Target,
) -> Result<(Plan, Option<String>), Failure> {
    let named = args.profile.as_deref().or(config.profile.as_deref());
    if args.hud_scale.is_some() && named == Some("none") {
        return Err(Failure::usage("--hud-scale is for a profile, and there is none", "name one with --profile"));
    }
    let Chosen { choice, profile, games } = chosen(named, args, target)?;
    let mut masks = Vec::new();
    for (texts, asked_by) in [(&args.mask, AskedBy::Flag), (&config.masks, AskedBy::Config)] {
        for area in texts {
            let place = Place::parse(area).map_err(|error| Failure::usage(error.to_string(), error.hint()))?;
            masks.push(Mask { place, asked_by, reason: "mask".into() });
        }
    }
    let game = profile.as_ref().and_then(|profile| profile.game.clone());
    let mut exclusions = exclusions(args, config, profile.as_ref());
    exclusions.games = Games::new(&games, args.hud_scale);
    let mut plan = Plan {
        masks,
        exclusions: Arc::new(exclusions),
        keys: keys(args, config, profile.as_ref(), &games)?,
        choice,
        ..Plan::default()
    };
    if let Some(profile) = profile {
        let masks = profile.masks(args.hud_scale);
        if choice == Choice::Named {
            plan.masks.extend(masks);
            plan.profile = Some(profile.name);
        } else {
            plan.at_start = Some(FoundProfile { name: profile.name, masks });
        }
    }
    Ok((plan, game))
}

/// The hotkeys: flags over configuration.
pub(super) fn hotkeys(args: &RecordArgs, config: &HotkeyConfig) -> Result<Hotkeys, Failure> {
    let hint = "like --hotkey pause=ctrl+alt+p; actions are pause, mark, png, stop, withdraw";
    let mut given: BTreeMap<Action, Option<Chord>> =
        Action::ALL.into_iter().filter_map(|action| Some((action, Some(config.of(action)?)))).collect();
    for text in &args.hotkey {
        let (action, chord) = text
            .split_once('=')
            .and_then(|(name, chord)| Some((Action::named(name.trim())?, chord.trim())))
            .ok_or_else(|| Failure::usage(format!("'{text}' is no hotkey"), hint))?;
        let chord = match chord {
            "none" => None,
            chord => Some(Chord::parse(chord).map_err(|error| Failure::usage(error.to_string(), hint))?),
        };
        given.insert(action, chord);
    }
    let mut hotkeys = Hotkeys::default();
    for (action, chord) in given.into_iter().filter_map(|(action, chord)| Some((action, chord?))) {
        hotkeys.set(action, chord).map_err(|other| {
            let message = format!("{chord} is the hotkey of both {} and {}", other.name(), action.name());
            Failure::usage(message, "give each its own")
        })?;
    }
    Ok(hotkeys)
}

/// What was chosen.
struct Chosen {
    choice: Choice,
    /// The profile that was named, or that is for a window that is open.
    profile: Option<Profile>,
    /// Profiles that windows choose while recording.
    games: Vec<Profile>,
}

fn chosen(named: Option<&str>, args: &RecordArgs, target: &Target) -> Result<Chosen, Failure> {
    match named {
        Some("none") => Ok(Chosen { choice: Choice::None, profile: None, games: Vec::new() }),
        // There are no windows.
        None | Some("auto") if args.source == SourceArg::Synthetic => {
            Ok(Chosen { choice: Choice::Auto, profile: None, games: Vec::new() })
        }
        None | Some("auto") => {
            let games = profile::for_windows()?;
            let profile = profile::fitting(&games, target).cloned();
            match (&profile, named) {
                (Some(profile), _) => text::say(&format!("profile: {}", profile.name)),
                (None, Some(_)) => text::say("no profile is for a window that is open; one that comes is looked at"),
                (None, None) => {}
            }
            Ok(Chosen { choice: Choice::Auto, profile, games })
        }
        Some(name) => {
            let profile = profile::find(name)?;
            Ok(Chosen { choice: Choice::Named, profile: Some(profile), games: Vec::new() })
        }
    }
}

fn exclusions(args: &RecordArgs, config: &PrivacyConfig, profile: Option<&Profile>) -> Exclusions {
    let mut rules = if config.exclude_usual.unwrap_or(true) { Exclusions::usual() } else { Exclusions::none() };
    let flag = args.mask_notifications.map(|flag| flag == OnOff::On);
    rules.notifications = flag.or(config.notifications).unwrap_or(true);
    let more = profile.map(|profile| (&profile.exclude_apps, &profile.exclude_titles));
    let lists = [(&args.exclude_app, &args.exclude_title), (&config.exclude_apps, &config.exclude_titles)];
    for (apps, titles) in lists.into_iter().chain(more) {
        for name in apps {
            rules.add_app(name);
        }
        for part in titles {
            rules.add_title(part);
        }
    }
    rules
}

fn keys(
    args: &RecordArgs,
    config: &PrivacyConfig,
    profile: Option<&Profile>,
    games: &[Profile],
) -> Result<KeyRules, Failure> {
    let policy = match (args.keys, config.keys.as_deref()) {
        (Some(KeysArg::All), _) => KeyPolicy::All,
        (Some(KeysArg::NoText), _) => KeyPolicy::NoText,
        (Some(KeysArg::None), _) => KeyPolicy::None,
        (None, Some(name)) => KeyPolicy::named(name)
            .ok_or_else(|| Failure::usage(format!("unknown 'keys' setting '{name}'"), "all, no-text or none"))?,
        (None, None) => profile.and_then(|profile| profile.policy).unwrap_or_default(),
    };
    let mut game_keys = parse_keys(&config.game_keys).map_err(|name| {
        Failure::usage(format!("no key has the code '{name}'"), "game_keys are W3C codes: KeyW, Digit1, Space")
    })?;
    game_keys.extend(profile.iter().flat_map(|profile| profile.game_keys.iter().copied()));
    // A profile that a window chose is among the games.
    let chats = match games {
        [] => profile.map(std::slice::from_ref).unwrap_or_default(),
        games => games,
    };
    let chats = chats.iter().filter_map(|profile| profile.chat.clone()).collect();
    Ok(KeyRules { policy, game_keys, chats })
}
