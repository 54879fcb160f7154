//! Consent that is stated when a recording is imported, beside what the recording says of it, and the hint that leads there.
//!
//! Keeps the invariant that a no stays a no: what the recording says that somebody did not agree to, or took back, cannot be stated.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::error::ImportError;
use crate::base::event::Stream;
use crate::base::shown::shell;
use crate::derive::import::options::{ENDING, Options, command_of};
use crate::session::layout;
use crate::session::metadata::{Consent, Extra, Metadata, StatedAtImport};
use crate::session::sound;

/// `consent.how` of a recording that does not say whether anyone agreed.
pub const NOT_RECORDED: &str = "not_recorded";
/// `consent.how` where it is only stated at import.
pub const STATED: &str = "stated_at_import";

/// The key of a stream in `consent`.
fn key(stream: Stream) -> Option<&'static str> {
    match stream {
        Stream::Screen => Some("record_screen"),
        Stream::Input => Some("record_input"),
        Stream::Audio => Some("record_audio"),
        Stream::Log | Stream::Clock => None,
    }
}

/// Refuses to state what the recording says was not so.
pub(crate) fn check(folder: &Path, said: Option<&Extra>, told: &Options) -> Result<(), ImportError> {
    let Some(consent) = said.and_then(|said| said.get("consent")) else { return Ok(()) };
    for stream in told.consent.iter().flat_map(|stated| &stated.streams) {
        let is_no = key(*stream).is_some_and(|key| consent.get(key) == Some(&Value::Bool(false)));
        let is_withdrawn = consent.get("withdrawn").is_some_and(|streams| streams.get(stream.name()).is_some());
        if is_no || is_withdrawn {
            return Err(ImportError::NoConsent { path: layout::metadata_path(folder), stream: stream.name() });
        }
    }
    Ok(())
}

/// Adds what was stated.
pub(crate) fn state(consent: &mut Consent, told: &Options) {
    let Some(stated) = &told.consent else { return };
    for stream in &stated.streams {
        match stream {
            Stream::Screen => consent.record_screen = Some(true),
            Stream::Input => consent.record_input = Some(true),
            Stream::Audio => consent.record_audio = Some(true),
            Stream::Log | Stream::Clock => {}
        }
    }
    if consent.how == NOT_RECORDED {
        STATED.clone_into(&mut consent.how);
    }
    consent.stated_at_import = Some(StatedAtImport {
        streams: stated.streams.iter().map(|stream| stream.name().to_owned()).collect(),
        by: stated.by.clone(),
        at: stated.at.to_rfc3339(),
        extra: Extra::new(),
    });
}

/// How consent can be stated of a session that was imported and says nothing of it; `None` when it was not imported.
pub fn hint(session: &Path, metadata: &Metadata) -> Option<String> {
    let import = metadata.import.as_ref()?;
    let consent = &metadata.consent;
    let sound = sound::is_there(metadata).then_some(("audio", consent.record_audio));
    let streams = [("screen", consent.record_screen), ("input", consent.record_input)].into_iter().chain(sound);
    let streams: Vec<_> = streams.filter(|(_, said)| *said != Some(false)).map(|(name, _)| name).collect();
    let mut told = import.told.clone();
    told.insert("consent".to_owned(), streams.join(","));
    let folder = recording_of(session).map_or_else(|| "FOLDER".to_owned(), |folder| shell(&folder));
    Some(format!("when the people who were recorded agreed to it, state it: {}", command_of(&told, &folder)))
}

/// The folder that a session was imported from, by its name, when that is there.
fn recording_of(session: &Path) -> Option<PathBuf> {
    let session = session.canonicalize().ok()?;
    let name = session.file_name()?.to_str()?;
    let (name, number) = name.rsplit_once(ENDING)?;
    let is_number = number.strip_prefix('_').is_none_or(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    let folder = session.with_file_name(name);
    (is_number && folder.is_dir()).then_some(folder)
}
