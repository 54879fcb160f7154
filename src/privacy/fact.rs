//! The facts `consent`, `withdrawn_…`, `privacy`, `profiles` and `recording_sign` of a log: what was agreed to, taken back, kept out, and shown.
//!
//! Written when a recording begins and read by `finalize`. Everything may be missing: see [`lenient`].

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::base::event::Stream;
use crate::base::lenient;

/// What was agreed to: the first record of a log.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug, Default)]
#[serde(default)]
pub struct ConsentFact {
    /// The screen.
    #[serde(deserialize_with = "lenient::value")]
    pub record_screen: Option<bool>,
    /// The input.
    #[serde(deserialize_with = "lenient::value")]
    pub record_input: Option<bool>,
    /// The sound.
    #[serde(deserialize_with = "lenient::value")]
    pub record_audio: Option<bool>,
    /// How it was given, a word.
    #[serde(deserialize_with = "lenient::value")]
    pub method: Option<String>,
    /// When, RFC 3339, UTC.
    #[serde(deserialize_with = "lenient::value")]
    pub given_at: Option<String>,
    /// Which version of the text was shown; none where none was.
    #[serde(deserialize_with = "lenient::value")]
    pub text_version: Option<u32>,
    /// For what: this recording, or every one.
    #[serde(deserialize_with = "lenient::value")]
    pub scope: Option<String>,
    /// The study's own text that was shown; none where none was.
    #[serde(deserialize_with = "lenient::value", skip_serializing_if = "Option::is_none")]
    pub study_text: Option<StudyTextFact>,
    /// Keys that this release does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A study's own text of consent.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug, Default)]
pub struct StudyTextFact {
    /// Its version, by the word of who wrote it.
    pub version: String,
    /// SHA-256 of it, lowercase hex.
    pub sha256: String,
    /// Who answers questions.
    pub contact: Option<String>,
}

impl ConsentFact {
    /// Returns whether a stream was agreed to; `None` when the log does not say.
    pub fn of(&self, stream: Stream) -> Option<bool> {
        match stream {
            Stream::Screen => self.record_screen,
            Stream::Input => self.record_input,
            Stream::Audio => self.record_audio,
            Stream::Log | Stream::Clock => None,
        }
    }
}

/// Consent to a stream was taken back.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug, Default)]
#[serde(default)]
pub struct WithdrawalFact {
    /// From when on nothing was kept, monotonic nanoseconds.
    #[serde(deserialize_with = "lenient::value")]
    pub t_ns: Option<i64>,
    /// The same on the wall clock, RFC 3339, UTC.
    #[serde(deserialize_with = "lenient::value")]
    pub at: Option<String>,
    /// By what, a word.
    #[serde(deserialize_with = "lenient::value")]
    pub how: Option<String>,
    /// Keys that this release does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A place of the picture that is covered, pixels.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug, Default)]
#[serde(default)]
pub struct RegionFact {
    /// Left edge.
    #[serde(deserialize_with = "lenient::value")]
    pub x: Option<i32>,
    /// Top edge.
    #[serde(deserialize_with = "lenient::value")]
    pub y: Option<i32>,
    /// Width.
    #[serde(deserialize_with = "lenient::value")]
    pub width: Option<u32>,
    /// Height.
    #[serde(deserialize_with = "lenient::value")]
    pub height: Option<u32>,
    /// Who asked for it, a word.
    #[serde(deserialize_with = "lenient::value")]
    pub source: Option<String>,
    /// Why, a word.
    #[serde(deserialize_with = "lenient::value")]
    pub reason: Option<String>,
}

/// What was kept out of the recording, as far as the sources could do it.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug, Default)]
#[serde(default)]
pub struct PrivacyFact {
    /// Chat was covered and its keys withheld from start to end.
    #[serde(deserialize_with = "lenient::value")]
    pub chat_redacted: Option<bool>,
    /// Notifications were covered.
    #[serde(deserialize_with = "lenient::value")]
    pub notifications_masked: Option<bool>,
    /// Fixed places that were covered.
    #[serde(deserialize_with = "lenient::list")]
    pub pii_regions: Option<Vec<RegionFact>>,
    /// Programs whose windows were covered.
    #[serde(deserialize_with = "lenient::list")]
    pub excluded_apps: Option<Vec<String>>,
    /// The profile that was named.
    #[serde(deserialize_with = "lenient::value")]
    pub profile: Option<String>,
    /// How profiles were chosen, a word.
    #[serde(deserialize_with = "lenient::value")]
    pub profile_choice: Option<String>,
    /// Keys typed into a chat were withheld.
    #[serde(deserialize_with = "lenient::value")]
    pub chat_keys_withheld: Option<bool>,
    /// Inputs were kept only while the recorded window had the focus.
    #[serde(deserialize_with = "lenient::value")]
    pub input_only_with_focus: Option<bool>,
    /// Which codes of keys were kept, a word.
    #[serde(deserialize_with = "lenient::value")]
    pub keys: Option<String>,
    /// Keys that this release does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A profile that came into force since a window of its game was there.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug, Default)]
#[serde(default)]
pub struct ProfileFact {
    /// Its name.
    #[serde(deserialize_with = "lenient::value")]
    pub name: Option<String>,
    /// From when on, monotonic nanoseconds.
    #[serde(deserialize_with = "lenient::value")]
    pub from_ns: Option<i64>,
    /// The game.
    #[serde(deserialize_with = "lenient::value")]
    pub game: Option<String>,
    /// Its chat is covered, and the keys that open and close it are known.
    #[serde(deserialize_with = "lenient::value")]
    pub hides_chat: Option<bool>,
    /// The window was there in the first picture.
    #[serde(deserialize_with = "lenient::value")]
    pub at_start: Option<bool>,
}

/// The sign on the screen, as it was when recording began; no such fact where none was wanted.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug, Default)]
#[serde(default)]
pub struct SignFact {
    /// It was shown.
    #[serde(deserialize_with = "lenient::value")]
    pub shown: Option<bool>,
    /// By what, a word.
    #[serde(deserialize_with = "lenient::value")]
    pub by: Option<String>,
    /// On which monitor.
    #[serde(deserialize_with = "lenient::value")]
    pub monitor: Option<String>,
    /// In which corner of it, a word.
    #[serde(deserialize_with = "lenient::value")]
    pub corner: Option<String>,
    /// Its place was in the pictures, and masked.
    #[serde(deserialize_with = "lenient::value")]
    pub in_picture: Option<bool>,
    /// Why it was not shown, a word.
    #[serde(deserialize_with = "lenient::value")]
    pub reason: Option<String>,
}

/// A time in which the sign was not shown.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug, Default)]
#[serde(default)]
pub struct SignAwayFact {
    /// From when on, monotonic nanoseconds.
    #[serde(deserialize_with = "lenient::value")]
    pub from_ns: Option<i64>,
    /// Until when; none: to the end.
    #[serde(deserialize_with = "lenient::value")]
    pub until_ns: Option<i64>,
    /// Why, a word.
    #[serde(deserialize_with = "lenient::value")]
    pub reason: Option<String>,
}
