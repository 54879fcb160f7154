//! The configuration file: defaults that a person wants for every recording. Flags stand over the environment, which stands
//! over this file.
//!
//! Unknown keys are errors, so that a misspelt setting is not silently without effect.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde::Deserialize;

use crate::base::hotkeys::{Action, Chord};

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
    /// Percent of the frames that may be dropped before the exit code is 3.
    pub max_dropped: Option<f64>,
    /// Seconds for which a window that was closed, or a monitor that was switched off, is waited for.
    pub wait_target: Option<f64>,
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

/// The configuration file that was named on the command line or in the environment, for all of this process.
static NAMED: OnceLock<PathBuf> = OnceLock::new();

/// Takes note of the configuration file that was named; a second one is not heard.
pub fn name_file(path: &Path) {
    NAMED.get_or_init(|| path.to_path_buf());
}

/// The folder of the person's own profiles: beside the configuration file, the platform's or the one that was named.
pub fn profile_dir() -> Option<PathBuf> {
    let file = NAMED.get().cloned().or_else(config_file)?;
    Some(file.with_file_name("profiles"))
}

impl ConfigError {
    /// What the person can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Io { source, .. } if source.kind() == std::io::ErrorKind::Other => {
                "make it your own (chown, chmod go-w), or name another with --config"
            }
            _ => "mend the file, or name another with --config",
        }
    }
}

/// Longest message about a file, bytes; one that quotes a longer line is said without that line.
const MAX_MESSAGE: usize = 1000;

impl Config {
    /// Reads `path`, or the platform's place when it is `None` (where a missing file is an empty one).
    ///
    /// # Errors
    /// [`ConfigError`] when the file is there and cannot be used, or was named and is not there.
    pub fn load(path: Option<&Path>) -> Result<Self, ConfigError> {
        let named = path.is_some();
        let Some(path) = path.map(Path::to_path_buf).or_else(config_file) else { return Ok(Self::default()) };
        let text = match crate::base::files::read_own_text(&path, MAX_BYTES) {
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
        toml::from_str(text).map_err(|error: toml::de::Error| {
            let whole = error.to_string();
            if whole.len() <= MAX_MESSAGE {
                return whole;
            }
            let at = error.span().map_or(0, |span| span.start).min(text.len());
            let line = 1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count();
            format!("line {line}: {}", crate::base::shown::short(error.message(), MAX_MESSAGE))
        })
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
    fn a_long_line_is_not_quoted() {
        let long = "x".repeat(300_000);
        for (text, what) in [
            (format!("\n\n{long}"), "line 3: "),
            (format!("\n[record]\n{long} = 1"), "line 3: unknown field `xxx"),
            (format!("\na = {}", "[".repeat(100_000)), "line 2: "),
        ] {
            let error = Config::parse(&text).expect_err("it was accepted");
            assert!(error.len() < 2 * MAX_MESSAGE && error.starts_with(what), "{} bytes: {:.80}", error.len(), error);
        }
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
