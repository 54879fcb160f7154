//! The configuration file: defaults that a person wants for every recording. Flags stand over the environment, which stands
//! over this file.
//!
//! Unknown keys are errors, so that a misspelt setting is not silently without effect.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::hotkeys::{Action, Chord};

/// Largest configuration file, bytes: far above any that a person writes.
pub const MAX_BYTES: u64 = 1 << 20;

/// What the file may hold.
#[derive(Debug, Default, Clone, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Defaults for `watchcap record`.
    pub record: RecordConfig,
    /// What is kept out of every recording.
    pub privacy: PrivacyConfig,
    /// Hotkeys while recording.
    pub hotkeys: HotkeyConfig,
}

/// `[hotkeys]`: a chord for each, `ctrl+alt+p`; none when not given.
#[derive(Debug, Default, Clone, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct HotkeyConfig {
    /// Pauses, and goes on.
    pub pause: Option<Chord>,
    /// Sets a mark.
    pub mark: Option<Chord>,
    /// Ends the recording.
    pub stop: Option<Chord>,
    /// Takes consent back, which ends the recording.
    pub withdraw: Option<Chord>,
}

impl HotkeyConfig {
    /// The chord of an action.
    pub fn of(&self, action: Action) -> Option<Chord> {
        match action {
            Action::Pause => self.pause,
            Action::Mark => self.mark,
            Action::Stop => self.stop,
            Action::Withdraw => self.withdraw,
        }
    }
}

/// `[privacy]`
#[derive(Debug, Default, Clone, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct PrivacyConfig {
    /// Areas that are black in every picture: `X,Y,WIDTH,HEIGHT` in pixels or percent.
    pub masks: Vec<String>,
    /// Mask notification windows; true when not given.
    pub notifications: Option<bool>,
    /// Exclude password managers and screen lockers; true when not given.
    pub exclude_usual: Option<bool>,
    /// More applications (classes of windows) to exclude.
    pub exclude_apps: Vec<String>,
    /// Parts of titles of windows to exclude.
    pub exclude_titles: Vec<String>,
    /// `all`, `no-text`, `none`.
    pub keys: Option<String>,
    /// Keys that keep their codes under `no-text`, by their W3C codes (`KeyW`).
    pub game_keys: Vec<String>,
    /// Name of a profile, `auto` or `none`.
    pub profile: Option<String>,
}

/// `[record]`
#[derive(Debug, Default, Clone, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct RecordConfig {
    /// Folder in which sessions are made.
    pub out: Option<PathBuf>,
    /// Streams for which consent stands: `screen`, `input`.
    pub consent: Vec<String>,
    /// Frames per second.
    pub fps: Option<u32>,
    /// Kilobits per second.
    pub bitrate_kbps: Option<u32>,
    /// Seconds between keyframes.
    pub gop: Option<f64>,
    /// `fast`, `balanced`, `sharp`.
    pub quality: Option<String>,
    /// Draw the pointer.
    pub cursor: Option<bool>,
    /// `repeat`, `skip`.
    pub unchanged: Option<String>,
}

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}", path = path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not what it should be.
    #[error("{path} is no configuration: {detail}", path = path.display())]
    Invalid {
        /// Which.
        path: PathBuf,
        /// What is wrong, with its line.
        detail: String,
    },
}

/// The platform's place of the configuration file; `None` where there is no home.
pub fn config_file() -> Option<PathBuf> {
    directories::ProjectDirs::from("", "", "watchcap").map(|dirs| dirs.config_dir().join("config.toml"))
}

/// The folder of the person's own profiles.
pub fn profile_dir() -> Option<PathBuf> {
    directories::ProjectDirs::from("", "", "watchcap").map(|dirs| dirs.config_dir().join("profiles"))
}

impl Config {
    /// Reads `path`, or the platform's place when it is `None` (where a missing file is an empty one).
    ///
    /// # Errors
    /// [`ConfigError`] when the file is there and cannot be used, or was named and is not there.
    pub fn load(path: Option<&Path>) -> Result<Self, ConfigError> {
        let named = path.is_some();
        let Some(path) = path.map(Path::to_path_buf).or_else(config_file) else { return Ok(Self::default()) };
        let text = match crate::files::read_text_at_most(&path, MAX_BYTES) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !named => return Ok(Self::default()),
            Err(source) => return Err(ConfigError::Io { path, source }),
        };
        Self::parse(&text).map_err(|detail| ConfigError::Invalid { path, detail })
    }

    /// Reads a configuration from memory.
    ///
    /// # Errors
    /// What is wrong with it, with its line.
    pub fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_key_is_an_error_with_its_line() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("config.toml");
        std::fs::write(&path, "[record]\nfps = 60\nbitrat_kbps = 9\n").expect("a file");
        let error = Config::load(Some(&path)).expect_err("it was accepted").to_string();
        assert!(error.contains("bitrat_kbps") && error.contains("line 3"), "{error}");
        std::fs::write(&path, "[record]\nfps = 60\nconsent = [\"screen\"]\n").expect("a file");
        assert_eq!(Config::load(Some(&path)).expect("a good file").record.fps, Some(60));
        assert!(Config::load(Some(&dir.path().join("none.toml"))).is_err());
    }

    #[test]
    fn a_hotkey_that_is_pressed_while_typing_is_an_error_with_its_line() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("config.toml");
        std::fs::write(&path, "[hotkeys]\nstop = \"F9\"\npause = \"p\"\n").expect("a file");
        let error = Config::load(Some(&path)).expect_err("it was accepted").to_string();
        assert!(error.contains("line 3") && error.contains("'p' is pressed while typing"), "{error}");
        std::fs::write(&path, "[hotkeys]\nstop = \"F9\"\npause = \"ctrl+alt+p\"\n").expect("a file");
        let hotkeys = Config::load(Some(&path)).expect("a good file").hotkeys;
        assert_eq!(hotkeys.of(Action::Pause).map(|chord| chord.to_string()).as_deref(), Some("ctrl+alt+KeyP"));
        assert_eq!(hotkeys.of(Action::Mark), None);
    }
}
