//! The facts of a recording as types: written by the recorder, read by `finalize` and the player.
//!
//! Owns the keys of the facts. Everything may be missing, since a log may be damaged and earlier builds said less: a value that is not
//! there, or is not of its type, is `None` alone and takes no other along. Facts that this release does not know are kept
//! ([`Setup::rest`]). Does not know what becomes of a fact.

mod recording;
mod tracks;

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub use recording::{
    EncoderFact, EnvFact, HeldKeyFact, InitialStateFact, InputFact, SYNC_TEST, ScreenFact, SeriesFact, SessionFact,
    SoundFact, SoundMovedFact, StillCountsFact, StillsFact, StudyFact, TimingFact,
};
pub use tracks::{TRACKS_KEY, TrackFact, tracks_json};

use crate::base::event::Stream;
use crate::base::lenient;
use crate::media::track::{TRACKS, TrackId};
use crate::privacy::fact::{ConsentFact, PrivacyFact, ProfileFact, SignAwayFact, SignFact, WithdrawalFact};

/// Key of the session's UUID.
pub const SESSION_ID_KEY: &str = "session_id";
/// Key of the name of the clock that stamps.
pub const CLOCK_KEY: &str = "clock_id";
/// Key of what is done with an unchanged picture.
pub const UNCHANGED_KEY: &str = "unchanged";
/// Key of how many frames were left out as unchanged.
pub const SKIPPED_KEY: &str = "unchanged_skipped";
/// Key of the hotkeys in force.
pub const HOTKEYS_KEY: &str = "hotkeys";
/// Key of the profiles that came into force since a window was there.
pub const PROFILES_KEY: &str = "profiles";
/// Key of the times in which the sign on the screen was not shown.
pub const SIGN_AWAY_KEY: &str = "recording_sign_away";

/// Returns the key of the fact that a stream failed, and why.
pub fn failed_key(stream: Stream) -> String {
    format!("failed_{}", stream.name())
}

/// Returns the key of the fact that consent to a stream was taken back.
pub fn withdrawn_key(stream: Stream) -> String {
    format!("withdrawn_{}", stream.name())
}

/// Returns the key of the fact that the times of a track's first packets were a guess.
pub fn sound_moved_key(track: TrackId) -> String {
    format!("sound_moved_{}", track.0)
}

/// A fact with a key of its own.
pub trait Fact: Serialize {
    /// Its key.
    const KEY: &'static str;

    /// Returns key and value, as the log takes them.
    fn entry(&self) -> (String, Value) {
        (Self::KEY.to_owned(), serde_json::to_value(self).unwrap_or_default())
    }
}

impl Fact for ConsentFact {
    const KEY: &'static str = "consent";
}
impl Fact for PrivacyFact {
    const KEY: &'static str = "privacy";
}
impl Fact for SignFact {
    const KEY: &'static str = "recording_sign";
}
impl Fact for SessionFact {
    const KEY: &'static str = "session";
}
impl Fact for StudyFact {
    const KEY: &'static str = "study";
}
impl Fact for EnvFact {
    const KEY: &'static str = "env";
}
impl Fact for ScreenFact {
    const KEY: &'static str = "screen";
}
impl Fact for InputFact {
    const KEY: &'static str = "input";
}
impl Fact for SoundFact {
    const KEY: &'static str = "audio";
}
impl Fact for StillsFact {
    const KEY: &'static str = "png";
}
impl Fact for StillCountsFact {
    const KEY: &'static str = "png_counts";
}
impl Fact for EncoderFact {
    const KEY: &'static str = "encoder";
}
impl Fact for SeriesFact {
    const KEY: &'static str = "series";
}
impl Fact for TimingFact {
    const KEY: &'static str = "timing";
}
impl Fact for InitialStateFact {
    const KEY: &'static str = "initial_state";
}

/// Everything that a log says of its recording beside its events.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Setup {
    /// The session's UUID.
    pub session_id: Option<String>,
    /// What was agreed to; `None` when the log does not say any more.
    pub consent: Option<ConsentFact>,
    /// What is recorded, by the word of a person.
    pub session: SessionFact,
    /// Which part of a longer recording it is; `None` when it is all of it.
    pub series: Option<SeriesFact>,
    /// What a study says of it.
    pub study: StudyFact,
    /// The machine.
    pub env: EnvFact,
    /// The name of the clock that stamps.
    pub clock: Option<String>,
    /// The source of the pictures.
    pub screen: Option<ScreenFact>,
    /// The source of the inputs; `None` when none were recorded.
    pub input: Option<InputFact>,
    /// The sources of the sound; `None` when none was recorded.
    pub sound: Option<SoundFact>,
    /// When PNG pictures were taken; `None` when none were by themselves.
    pub stills: Option<StillsFact>,
    /// How many PNG pictures there were.
    pub still_counts: Option<StillCountsFact>,
    /// The encoder of the pictures.
    pub encoder: EncoderFact,
    /// What was held when it began.
    pub initial_state: InitialStateFact,
    /// What was kept out.
    pub privacy: PrivacyFact,
    /// Profiles that came into force since a window of their game was there, in order.
    pub profiles: Vec<ProfileFact>,
    /// The sign on the screen; `None` when none was wanted.
    pub sign: Option<SignFact>,
    /// When it was not shown, since it had been.
    pub sign_away: Vec<SignAwayFact>,
    /// Hotkeys in force, by what they do.
    pub hotkeys: Vec<String>,
    /// What was done with unchanged pictures, a word.
    pub unchanged: Option<String>,
    /// How many frames were left out as unchanged.
    pub skipped: Option<u64>,
    /// How fast it was recorded.
    pub timing: TimingFact,
    /// Streams that failed, and why.
    pub failed: BTreeMap<Stream, String>,
    /// Streams whose consent was taken back.
    pub withdrawn: BTreeMap<Stream, WithdrawalFact>,
    /// Tracks of sound whose first packets have times that were a guess.
    pub sound_moved: BTreeMap<TrackId, SoundMovedFact>,
    /// The tracks.
    pub tracks: Vec<TrackFact>,
    /// Facts that this release does not know, JSON by key.
    pub rest: BTreeMap<String, String>,
}

impl Setup {
    /// Reads the facts of a log, JSON by key; what is no JSON is left out.
    pub fn read(facts: &BTreeMap<String, String>) -> Self {
        // What is not known is not parsed: a list may take fifty times the memory of its text.
        let mut rest = facts.clone();
        // Two facts may say the tracks, an old one and a new one.
        let tracks = TrackFact::of(|key| serde_json::from_str(rest.get(key)?).ok());
        rest.remove(TRACKS_KEY);
        rest.remove(tracks::OLD_KEY);
        let mut setup = Self {
            session_id: take(&mut rest, SESSION_ID_KEY),
            consent: fact(&mut rest),
            session: fact(&mut rest).unwrap_or_default(),
            series: fact(&mut rest),
            study: fact(&mut rest).unwrap_or_default(),
            env: fact(&mut rest).unwrap_or_default(),
            clock: take(&mut rest, CLOCK_KEY),
            screen: fact(&mut rest),
            input: fact(&mut rest),
            sound: fact(&mut rest),
            stills: fact(&mut rest),
            still_counts: fact(&mut rest),
            encoder: fact(&mut rest).unwrap_or_default(),
            initial_state: fact(&mut rest).unwrap_or_default(),
            privacy: fact(&mut rest).unwrap_or_default(),
            profiles: take_list(&mut rest, PROFILES_KEY),
            sign: fact(&mut rest),
            sign_away: take_list(&mut rest, SIGN_AWAY_KEY),
            hotkeys: take_list(&mut rest, HOTKEYS_KEY),
            unchanged: take(&mut rest, UNCHANGED_KEY),
            skipped: take(&mut rest, SKIPPED_KEY),
            timing: fact(&mut rest).unwrap_or_default(),
            failed: BTreeMap::new(),
            withdrawn: BTreeMap::new(),
            sound_moved: BTreeMap::new(),
            tracks,
            rest: BTreeMap::new(),
        };
        for stream in Stream::ALL {
            setup.failed.extend(take(&mut rest, &failed_key(stream)).map(|why| (stream, why)));
            let withdrawn: Option<WithdrawalFact> = take(&mut rest, &withdrawn_key(stream));
            setup.withdrawn.extend(withdrawn.map(|fact| (stream, fact)));
        }
        for (track, ..) in TRACKS {
            let moved: Option<SoundMovedFact> = take(&mut rest, &sound_moved_key(track));
            setup.sound_moved.extend(moved.map(|fact| (track, fact)));
        }
        Self { rest, ..setup }
    }
}

fn take<T: DeserializeOwned>(facts: &mut BTreeMap<String, String>, key: &str) -> Option<T> {
    serde_json::from_str(&facts.remove(key)?).ok()
}

fn take_list<T: DeserializeOwned>(facts: &mut BTreeMap<String, String>, key: &str) -> Vec<T> {
    let list: Vec<Value> = take(facts, key).unwrap_or_default();
    list.into_iter().filter_map(lenient::of).collect()
}

/// A fact that is there says at least that: one whose value is of another type has nothing in it.
fn fact<T: Fact + DeserializeOwned + Default>(facts: &mut BTreeMap<String, String>) -> Option<T> {
    let value: Value = take(facts, T::KEY)?;
    (!value.is_null()).then(|| lenient::of(value).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::MonoNs;

    fn read(facts: &[(&str, &str)]) -> Setup {
        Setup::read(&facts.iter().map(|(key, json)| ((*key).to_owned(), (*json).to_owned())).collect())
    }

    #[test]
    fn what_is_not_of_its_type_is_missing_alone() {
        let setup = read(&[
            ("screen", r#"{"backend":"x11","x":"left","width":640,"height":-1,"cursor":true,"new":[1]}"#),
            ("input", "7"),
            ("consent", "null"),
            ("profiles", r#"[{"name":"a","from_ns":"x"},9]"#),
            ("hotkeys", r#"["mark",3]"#),
            ("unchanged_skipped", "-1"),
            ("session", "{broken"),
        ]);
        let screen = setup.screen.expect("a screen");
        assert_eq!(
            (screen.backend.as_deref(), screen.x, screen.width, screen.height),
            (Some("x11"), None, Some(640), None)
        );
        assert_eq!(screen.settings.keys().collect::<Vec<_>>(), ["cursor", "new"]);
        assert_eq!((setup.input, setup.consent), (Some(InputFact::default()), None));
        assert_eq!(setup.profiles, [ProfileFact { name: Some("a".into()), ..ProfileFact::default() }]);
        assert_eq!(
            (setup.hotkeys, setup.skipped, setup.session),
            (vec!["mark".to_owned()], None, SessionFact::default())
        );
    }

    #[test]
    fn times_that_were_a_guess_are_moved_and_others_stay() {
        let setup = read(&[("sound_moved_1", r#"{"before":4096,"by_ns":-7}"#), ("sound_moved_2", "{}")]);
        let [known, guess] = [TrackId::SOUND, TrackId::MICROPHONE].map(|track| setup.sound_moved[&track]);
        assert_eq!((known.is_guess(), guess.is_guess()), (false, true));
        let t = MonoNs(1000);
        assert_eq!([0, 4095, 4096].map(|sample| known.time_of(sample, t).0), [993, 993, 1000]);
        assert_eq!(guess.time_of(0, t), t);
        assert!(read(&[("sound_moved_1", "7")]).sound_moved.is_empty());
    }

    #[test]
    fn what_is_written_reads_back_and_what_is_not_known_survives() {
        let encoder = EncoderFact { name: Some("openh264".into()), fps: Some(30), ..EncoderFact::default() };
        let (key, value) = encoder.entry();
        let setup =
            read(&[(&key, &value.to_string()), ("failed_audio", r#""device_gone""#), ("weather", r#"{"rain":1}"#)]);
        assert_eq!(setup.encoder, encoder);
        assert_eq!(setup.failed, BTreeMap::from([(Stream::Audio, "device_gone".to_owned())]));
        assert_eq!(setup.rest, BTreeMap::from([("weather".to_owned(), r#"{"rain":1}"#.to_owned())]));
    }
}
