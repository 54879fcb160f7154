//! Profiles: what is masked and withheld in a game, as TOML. Those that are built in, and the schema that all are held to.
//!
//! ```toml
//! schema = 1                      # of this file; 1 is the only one
//! name = "my-game"                # a-z, 0-9 and -; how --profile calls it
//! title = "My Game"               # for people
//! game = "My Game"                # fills `game` of the metadata unless --game does; optional
//!
//! [match]                         # windows that it is for: --profile auto (the default), and where its chat keys mean chat; optional
//! apps = ["my_game.exe"]          # class of the window, whole, without case; * for any characters
//! titles = ["My Game - "]         # part of the title, without case
//! whole_titles = ["My Game"]      # the whole title, without case: pages about the game have titles, too
//!
//! [chat]                          # optional; keys by their W3C codes (KeyboardEvent.code)
//! open = ["Enter"]                # open chat; are themselves recorded
//! close = ["Enter", "Escape"]     # close it; what is pressed in between has no code in the recording
//!
//! [keys]                          # optional
//! policy = "all"                  # all, no-text, none: unless --keys or the configuration says
//! game_keys = ["KeyW"]            # keep their codes under no-text
//!
//! [exclude]                       # optional: added to the list of excluded windows
//! apps = ["voice-chat*"]
//! titles = []
//!
//! [[mask]]                        # any number
//! reason = "chat"                 # a word for the redact rows; "chat" is what chat_redacted of the metadata speaks of
//! area = "0%,60%,30%,40%"         # pixels or percent of the picture, or else, in fractions of the picture's height:
//! corner = "bottom-left"          # top-left, top-right, bottom-left, bottom-right
//! x = 0.0                         # from the corner's vertical edge
//! y = 0.1                         # from the corner's horizontal edge
//! width = 0.5
//! height = 0.3
//! hud_scale = [0, 50]             # only when --hud-scale is in this range, or not given; optional
//! ```
//! An unknown key, a wrong value or a key that no keyboard has is an error with its line.

use serde::Deserialize;
use toml::Spanned;

use super::chat::{ChatKeys, WindowMatch};
use super::keys::KeyPolicy;
use super::mask::{AskedBy, Corner, Mask, Place};
use crate::base::event::HidUsage;
use crate::base::hid;

/// The profiles that are built in: name and text.
pub const BUILT_IN: [(&str, &str); 3] = [
    ("desktop", include_str!("../../assets/profiles/desktop.toml")),
    ("league-of-legends", include_str!("../../assets/profiles/league-of-legends.toml")),
    ("shooter", include_str!("../../assets/profiles/shooter.toml")),
];
/// The schema that this release reads.
const SCHEMA: i64 = 1;
/// Largest file of a profile, bytes.
pub const MAX_BYTES: u64 = 256 << 10;

/// A profile that was read and checked.
#[derive(Clone, Default)]
pub struct Profile {
    /// What it is called by.
    pub name: String,
    /// For people.
    pub title: String,
    /// The game, for the metadata.
    pub game: Option<String>,
    /// Windows that it is for.
    pub windows: WindowMatch,
    /// The keys of its chat.
    pub chat: Option<ChatKeys>,
    /// Which keys are recorded, when nobody says otherwise.
    pub policy: Option<KeyPolicy>,
    /// Keys that keep their codes under `no-text`.
    pub game_keys: std::collections::BTreeSet<HidUsage>,
    /// More excluded applications.
    pub exclude_apps: Vec<String>,
    /// More excluded titles.
    pub exclude_titles: Vec<String>,
    masks: Vec<(Mask, Option<(u8, u8)>)>,
}

/// What is wrong with a profile.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("line {line}: {what}")]
pub struct ProfileError {
    /// Where, from 1.
    pub line: usize,
    /// What.
    pub what: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    schema: Spanned<i64>,
    name: Spanned<String>,
    title: String,
    game: Option<String>,
    #[serde(default, rename = "match")]
    windows: MatchTable,
    chat: Option<ChatTable>,
    #[serde(default)]
    keys: KeysTable,
    #[serde(default)]
    exclude: Names,
    #[serde(default)]
    mask: Vec<Spanned<MaskTable>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Names {
    apps: Vec<Spanned<String>>,
    titles: Vec<Spanned<String>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct MatchTable {
    apps: Vec<Spanned<String>>,
    titles: Vec<Spanned<String>>,
    whole_titles: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChatTable {
    open: Spanned<Vec<Spanned<String>>>,
    close: Spanned<Vec<Spanned<String>>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct KeysTable {
    policy: Option<Spanned<String>>,
    game_keys: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MaskTable {
    reason: Spanned<String>,
    area: Option<Spanned<String>>,
    corner: Option<Spanned<String>>,
    x: Option<f64>,
    y: Option<f64>,
    width: Option<f64>,
    height: Option<f64>,
    hud_scale: Option<Spanned<[u8; 2]>>,
}

/// The line of a byte, from 1.
fn line_of(text: &str, at: usize) -> usize {
    1 + text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count()
}

fn is_word(text: &str, also: char) -> bool {
    !text.is_empty()
        && text.len() <= 64
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == also)
}

impl Profile {
    /// Reads and checks a profile.
    ///
    /// # Errors
    /// [`ProfileError`] with the line of what is wrong.
    pub fn parse(text: &str) -> Result<Self, ProfileError> {
        let file: File = toml::from_str(text).map_err(|error| ProfileError {
            line: error.span().map_or(1, |span| line_of(text, span.start)),
            what: error.message().to_owned(),
        })?;
        let wrong = |at: std::ops::Range<usize>, what: String| ProfileError { line: line_of(text, at.start), what };
        if *file.schema.get_ref() != SCHEMA {
            let found = file.schema.get_ref();
            return Err(wrong(file.schema.span(), format!("schema {found} is not known, this release reads {SCHEMA}")));
        }
        if !is_word(file.name.get_ref(), '-') {
            return Err(wrong(file.name.span(), "a name has only a-z, 0-9 and -".into()));
        }
        let keys = |names: &[Spanned<String>]| {
            let key = |name: &Spanned<String>| {
                hid::usage_of_code(name.get_ref()).ok_or_else(|| {
                    wrong(name.span(), format!("no key has the code '{}' (KeyA, Enter, …)", name.get_ref()))
                })
            };
            names.iter().map(key).collect::<Result<std::collections::BTreeSet<_>, _>>()
        };
        let words = |names: &[Spanned<String>]| {
            let word = |name: &Spanned<String>| match name.get_ref().trim() {
                "" => Err(wrong(name.span(), "an empty name fits every window".into())),
                word => Ok(word.to_lowercase()),
            };
            names.iter().map(word).collect::<Result<Vec<_>, _>>()
        };
        let windows = WindowMatch {
            apps: words(&file.windows.apps)?,
            titles: words(&file.windows.titles)?,
            whole_titles: words(&file.windows.whole_titles)?,
        };
        let chat = match &file.chat {
            None => None,
            Some(chat) => {
                for list in [&chat.open, &chat.close] {
                    if list.get_ref().is_empty() {
                        return Err(wrong(list.span(), "chat needs keys that open it and keys that close it".into()));
                    }
                }
                let (open, close) = (keys(chat.open.get_ref())?, keys(chat.close.get_ref())?);
                Some(ChatKeys { open, close, windows: windows.clone() })
            }
        };
        let policy = match &file.keys.policy {
            None => None,
            Some(name) => Some(
                KeyPolicy::named(name.get_ref())
                    .ok_or_else(|| wrong(name.span(), "the policy is all, no-text or none".into()))?,
            ),
        };
        let mut masks = Vec::new();
        for mask in &file.mask {
            masks.push(Self::mask(mask, &wrong)?);
        }
        Ok(Self {
            name: file.name.into_inner(),
            title: file.title,
            game: file.game,
            windows,
            chat,
            policy,
            game_keys: keys(&file.keys.game_keys)?,
            exclude_apps: words(&file.exclude.apps)?,
            exclude_titles: words(&file.exclude.titles)?,
            masks,
        })
    }

    fn mask(
        table: &Spanned<MaskTable>,
        wrong: &impl Fn(std::ops::Range<usize>, String) -> ProfileError,
    ) -> Result<(Mask, Option<(u8, u8)>), ProfileError> {
        let (span, mask) = (table.span(), table.get_ref());
        if !is_word(mask.reason.get_ref(), '_') {
            return Err(wrong(mask.reason.span(), "a reason has only a-z, 0-9 and _".into()));
        }
        let numbers = [mask.x, mask.y, mask.width, mask.height];
        let place = match (&mask.area, &mask.corner) {
            (Some(area), None) if numbers == [None; 4] => Place::parse(area.get_ref())
                .map_err(|error| wrong(area.span(), format!("{error}: {}", error.hint())))?,
            (None, Some(corner)) => {
                let [Some(x), Some(y), Some(width), Some(height)] = numbers else {
                    return Err(wrong(span, "a mask at a corner needs x, y, width and height".into()));
                };
                // The widest screens that are sold are 32:9, 3.56 heights.
                let sound =
                    [x, y, width, height].iter().all(|v| (0.0..=4.0).contains(v)) && width > 0.0 && height > 0.0;
                if !sound {
                    return Err(wrong(
                        span,
                        "x, y, width and height are fractions of the picture's height, 0 to 4".into(),
                    ));
                }
                let corner = match corner.get_ref().as_str() {
                    "top-left" => Corner::TopLeft,
                    "top-right" => Corner::TopRight,
                    "bottom-left" => Corner::BottomLeft,
                    "bottom-right" => Corner::BottomRight,
                    _ => {
                        let what = "the corner is top-left, top-right, bottom-left or bottom-right";
                        return Err(wrong(corner.span(), what.into()));
                    }
                };
                Place::Anchored { corner, x, y, width, height }
            }
            _ => return Err(wrong(span, "a mask has either an area or a corner with x, y, width and height".into())),
        };
        let scales = match &mask.hud_scale {
            None => None,
            Some(range) => {
                let [low, high] = *range.get_ref();
                if low > high || high > 100 {
                    return Err(wrong(range.span(), "hud_scale is from and to, 0 to 100".into()));
                }
                Some((low, high))
            }
        };
        let reason = mask.reason.get_ref().clone();
        Ok((Mask { place, asked_by: AskedBy::Profile, reason }, scales))
    }

    /// The masks for a HUD scale; for an unknown one, all of them.
    pub fn masks(&self, hud_scale: Option<u8>) -> Vec<Mask> {
        let applies = |scales: &Option<(u8, u8)>| match (scales, hud_scale) {
            (Some((low, high)), Some(scale)) => (*low..=*high).contains(&scale),
            _ => true,
        };
        self.masks.iter().filter(|(_, scales)| applies(scales)).map(|(mask, _)| mask.clone()).collect()
    }
}

#[cfg(test)]
#[path = "profile_tests.rs"]
mod tests;
