//! Every key of the configuration, once: its place, type, meaning, an example, what holds without it, and the flag and variable over it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use super::error::quoted_at_most;
use crate::base::hotkeys::{Action, Chord};

/// A key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// The table that it is in.
    pub section: &'static str,
    /// Its name there.
    pub name: &'static str,
    /// What it means, as it stands in its documentation.
    pub(crate) about: &'static str,
    /// A value, as it stands in a file.
    pub example: &'static str,
    /// What holds when no file, variable or flag says otherwise, for people.
    pub default: &'static str,
    /// The flag of `watchcap record` that stands over it; empty: none.
    pub flag: &'static str,
    /// The variable of the environment that stands over it; empty: none.
    pub variable: &'static str,
    /// Lists that add up: what the system's file keeps out, no other file lets in.
    pub adds: bool,
}

impl Key {
    /// Returns what it means.
    pub fn about(&self) -> &'static str {
        self.about.trim()
    }

    /// Returns it as it is named in messages: `record.fps`.
    pub fn path(&self) -> String {
        format!("{}.{}", self.section, self.name)
    }
}

/// Makes the type that a table is read into, and the list of its keys.
macro_rules! section {
    (
        #[doc = $doc:literal] $section:ident as $type:ident in $list:ident;
        $(#[doc = $about:literal] $name:ident: $of:ty, $example:literal, $default:literal $(, flag $flag:literal)? $(, variable $variable:literal)?
        $(, adds $adds:literal)?;)+
        $(also $table:ident: $inner:ty;)*
    ) => {
        #[doc = $doc]
        #[derive(Debug, Default, Clone, Deserialize, PartialEq)]
        #[serde(deny_unknown_fields, default)]
        pub struct $type {
            $(#[doc = $about] pub $name: $of,)+
            $(#[doc = "The table of this name, for this game alone."] pub $table: $inner,)*
        }

        const $list: &[Key] = &[$(Key {
            section: stringify!($section),
            name: stringify!($name),
            about: $about,
            example: $example,
            default: $default,
            flag: concat!($($flag)?),
            variable: concat!($($variable)?),
            adds: !concat!($(stringify!($adds))?).is_empty(),
        },)+];
    };
}

section! {
    /// `[record]`: defaults for `watchcap record`.
    record as RecordConfig in RECORD;
    /// Folder in which sessions are made; made when it is not there.
    out: Option<PathBuf>, "\"/data/sessions\"", "the current folder", flag "--out", variable "WATCHCAP_OUT";
    /// Streams for which consent stands in every recording: screen, input, audio. Not in the system's file, and not for a game.
    consent: Vec<String>, "[\"screen\", \"input\"]", "none: it is asked for", flag "--consent", variable "WATCHCAP_CONSENT";
    /// Frames per second, 1 to 240.
    fps: Option<u32>, "30", "30", flag "--fps";
    /// Kilobits per second, 100 to 200000.
    bitrate_kbps: Option<u32>, "8000", "by size and rate, 4666 at 1080p30", flag "--bitrate-kbps";
    /// Seconds between keyframes at the most, 0.01 to 60.
    gop: Option<f64>, "0.5", "0.5", flag "--gop";
    /// Encoding time against picture: fast, balanced, sharp.
    quality: Option<String>, "\"fast\"", "fast", flag "--quality";
    /// What encodes: auto, or a name of `watchcap doctor`.
    encoder: Option<String>, "\"auto\"", "auto", flag "--encoder";
    /// Codec of the video: h264, h265, av1.
    codec: Option<String>, "\"h264\"", "that of the encoder, h264 where it is chosen by itself", flag "--codec";
    /// Resolution of the colours: 420, 444.
    chroma: Option<String>, "\"420\"", "420", flag "--chroma";
    /// Lose nothing: red, green and blue as they are on the screen.
    lossless: Option<bool>, "false", "false", flag "--lossless";
    /// What encodes where the encoder is missing or too slow.
    encoder_fallback: Option<String>, "\"openh264\"", "none: record refuses to begin", flag "--encoder-fallback";
    /// PNG pictures beside the video: when a burst begins, and how many frames it takes.
    png_burst: Option<String>, "\"every=60s,frames=5\"", "none", flag "--png-burst";
    /// Inputs on which a PNG picture is taken: click, key.
    png_on: Vec<String>, "[\"click\"]", "none", flag "--png-on";
    /// Sound to record: mic, system, both, a device, synthetic, off.
    audio: Option<String>, "\"system\"", "off", flag "--audio";
    /// Codec of the sound: aac, flac.
    audio_codec: Option<String>, "\"aac\"", "aac", flag "--audio-codec";
    /// Draw the pointer.
    cursor: Option<bool>, "true", "true", flag "--cursor";
    /// What to do with an unchanged screen: repeat, skip.
    unchanged: Option<String>, "\"repeat\"", "repeat", flag "--unchanged";
    /// Seconds for which a closed window or a monitor that is off is waited for, 0 to 86400.
    wait_target: Option<f64>, "30", "30", flag "--wait-target";
    /// Percent of the frames that may be dropped before the exit code is 3.
    max_dropped: Option<f64>, "1.0", "1.0", flag "--max-dropped";
    /// What the person is to do, in one line.
    task: Option<String>, "\"Write a letter\"", "none", flag "--task";
    /// The name by which a study calls the person: one that says nothing of who it is.
    participant: Option<String>, "\"P-017\"", "none", flag "--participant";
    /// A small sign on the screen that says that it is recorded: auto (for a participant, or with a consent text of your own), on, off, or its corner.
    sign: Option<String>, "\"auto\"", "auto", flag "--sign";
    /// Tags, value by key; one of the flag stands over one with the same key.
    tags: BTreeMap<String, String>, "{ condition = \"a\" }", "none", flag "--tag";
}

section! {
    /// `[privacy]`: what is kept out of every recording.
    privacy as PrivacyConfig in PRIVACY;
    /// Areas that are black in every picture: X,Y,WIDTH,HEIGHT in pixels or percent.
    masks: Vec<String>, "[\"0%,95%,100%,5%\"]", "none", flag "--mask", adds true;
    /// Mask notification windows.
    notifications: Option<bool>, "true", "true", flag "--mask-notifications";
    /// Mask password managers and screen lockers, and withhold what is typed there.
    exclude_usual: Option<bool>, "true", "true";
    /// More applications to mask: class or instance of the window, * for any characters.
    exclude_apps: Vec<String>, "[\"signal*\"]", "none", flag "--exclude-app", adds true;
    /// More windows to mask, by any part of their title.
    exclude_titles: Vec<String>, "[\"payslip\"]", "none", flag "--exclude-title", adds true;
    /// Which keys are recorded with their codes: all, no-text, none.
    keys: Option<String>, "\"all\"", "all", flag "--keys";
    /// Keys that keep their codes under no-text, by their W3C codes.
    game_keys: Vec<String>, "[\"KeyW\", \"Space\"]", "none", adds true;
    /// What to mask and withhold in a game: a profile, auto, none; your own are in profiles/ beside this file.
    profile: Option<String>, "\"auto\"", "auto", flag "--profile";
}

section! {
    /// `[hotkeys]`: chords while recording, as `ctrl+alt+p`; their keys are kept out of the recording.
    hotkeys as HotkeyConfig in HOTKEYS;
    /// Pause, and go on.
    pause: Option<Chord>, "\"ctrl+alt+p\"", "none", flag "--hotkey";
    /// Set a mark.
    mark: Option<Chord>, "\"F9\"", "none", flag "--hotkey";
    /// Set a mark, and take a PNG picture.
    png: Option<Chord>, "\"ctrl+F9\"", "none", flag "--hotkey";
    /// Stop and seal.
    stop: Option<Chord>, "\"ctrl+alt+s\"", "none", flag "--hotkey";
    /// Take all consent back, which ends the recording.
    withdraw: Option<Chord>, "\"ctrl+alt+w\"", "none", flag "--hotkey";
}

section! {
    /// `[consent]`: a study's own text, shown at the prompt before what the program says.
    consent as ConsentConfig in CONSENT;
    /// The text: plain, line feeds are kept.
    text: Option<String>, "\"We look at how people write letters.\"", "none";
    /// A file with the text, in its place: from the configuration's folder on, at most 16 KiB.
    text_file: Option<PathBuf>, "\"consent.txt\"", "none";
    /// The text's version, which goes into the metadata with the text's SHA-256.
    version: Option<String>, "\"2026-11\"", "none";
    /// Who answers questions.
    contact: Option<String>, "\"kim@example.org\"", "none";
}

section! {
    /// `[games.NAME]`: for the windows of one game; the tables above may stand in it.
    games as GameConfig in GAME;
    /// Applications: class or instance of the window, * for any characters.
    apps: Vec<String>, "[\"chocolate-doom\"]", "none";
    /// Parts of titles of windows.
    titles: Vec<String>, "[\"Freedoom\"]", "none";
    /// Name of the game, for the metadata.
    game: Option<String>, "\"Doom\"", "none", flag "--game";
    also record: RecordConfig;
    also privacy: PrivacyConfig;
    also hotkeys: HotkeyConfig;
}

/// The tables that a file may have, and a game of it.
pub const SECTIONS: [(&str, &[Key]); 4] =
    [("record", RECORD), ("privacy", PRIVACY), ("hotkeys", HOTKEYS), (STUDY, CONSENT)];
/// The table that no game has.
pub const STUDY: &str = "consent";
/// The table of tables, one for each game.
pub const GAMES: &str = "games";
/// Keys of a game itself.
pub const OF_A_GAME: &[Key] = GAME;

/// Returns every key outside of the games.
pub fn all() -> impl Iterator<Item = &'static Key> {
    SECTIONS.into_iter().flat_map(|(_, keys)| keys)
}

/// What files say, or one.
#[derive(Debug, Default, Clone, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Defaults for `watchcap record`.
    pub record: RecordConfig,
    /// What is kept out of every recording.
    pub privacy: PrivacyConfig,
    /// Hotkeys while recording.
    pub hotkeys: HotkeyConfig,
    /// A study's own text of consent.
    pub consent: ConsentConfig,
    /// By game.
    pub games: BTreeMap<String, GameConfig>,
    /// Name of the game whose tables are in force here ([`super::layers::Layers::for_game`]), for the metadata.
    #[serde(skip)]
    pub game: Option<String>,
}

impl HotkeyConfig {
    /// The chord of an action.
    pub fn of(&self, action: Action) -> Option<Chord> {
        match action {
            Action::Pause => self.pause,
            Action::Mark => self.mark,
            Action::Png => self.png,
            Action::Stop => self.stop,
            Action::Withdraw => self.withdraw,
        }
    }
}

impl Config {
    /// Reads a configuration from memory.
    ///
    /// # Errors
    /// What is wrong with it first, with its line.
    pub fn parse(text: &str) -> Result<Self, String> {
        let config: Self = toml::from_str(text).map_err(|error| quoted_at_most(text, &error))?;
        match config.games.iter().find(|(_, game)| !game.record.consent.is_empty()) {
            Some((name, _)) => {
                Err(format!("[games.{name}] has consent, which is given for every recording or for one"))
            }
            None => Ok(config),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_is_not_quoted() {
        let long = "x".repeat(300_000);
        for (text, what) in [
            (format!("\n\n{long}"), "line 3: "),
            (format!("\n[record]\n{long} = 1"), "line 3: unknown field `xxx"),
            (format!("\na = {}", "[".repeat(100_000)), "line 2: "),
        ] {
            let error = Config::parse(&text).expect_err("it was accepted");
            assert!(error.len() < 2000 && error.starts_with(what), "{} bytes: {:.80}", error.len(), error);
        }
    }

    #[test]
    fn every_key_has_a_meaning_an_example_that_is_taken_and_a_place() {
        for key in all() {
            assert!(key.about().ends_with('.') && !key.default.is_empty(), "{}", key.path());
            let text = format!("[{}]\n{} = {}\n", key.section, key.name, key.example);
            assert!(Config::parse(&text).is_ok(), "{text}: {:?}", Config::parse(&text));
        }
        let hotkeys = Config::parse("[hotkeys]\nstop = \"F9\"\npause = \"ctrl+alt+p\"\n").expect("a good file").hotkeys;
        assert_eq!(hotkeys.of(Action::Pause).map(|chord| chord.to_string()).as_deref(), Some("ctrl+alt+KeyP"));
        assert_eq!(hotkeys.of(Action::Mark), None);
    }
}
