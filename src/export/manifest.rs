//! What an export says of itself: of which session it was made, how, and what the person agreed to.
//!
//! Keeps the invariant that it is a function of the session and of what was asked for: no time, no host, no path. It is written last, so a
//! manifest means that every file it names was there, whole.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::about::About;
use super::keys::Keys;
use super::kind::FormatKind;
use super::opt::Opt;
use super::options::{McapFor, Options};
use super::pads;
use super::sound::NAME;
use super::source::Source;
use crate::session::metadata::{Consent, Lineage, Metadata, Privacy};
use crate::session::span::Moment;
use crate::session::table::row::event_type;
use crate::session::{sound, stills};

/// End of its file's name.
pub(super) const SUFFIX: &str = "export.json";
/// End of the name of the note that says which files are getting their names; before it stands the manifest's.
pub(super) const BEGUN_SUFFIX: &str = ".begun";
/// The largest manifest that is read: 100,000 files at 150 bytes, or 4,000 episodes of `lerobot` at 15 kB.
const MAX_BYTES: u64 = 64 << 20;
/// The option by which reviewers' verdicts choose: its value says which review.
const ONLY_ACCEPTED: &str = "only_accepted";

/// The manifest of one session in one format.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Manifest {
    /// The format's name.
    pub format: String,
    /// Version of its layout.
    pub format_version: u32,
    /// Version of the program that made it.
    pub watchcap: String,
    /// The session it was made of.
    pub source: Origin,
    /// What was asked for, as far as the format takes it; what was not is null.
    pub options: Map<String, Value>,
    /// What the person agreed to, from the session's metadata.
    pub consent: Consent,
    /// What was kept out of the recording, likewise.
    pub privacy: Privacy,
    /// What the session is of, by the word of people.
    #[serde(default)]
    pub about: About,
    /// How the session was made of another one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lineage: Vec<Lineage>,
    /// The files, in the order in which they were made. Empty where a format carries this in itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileInfo>,
    /// What the session has and the export has not, by its name: `sound`, `gamepads`, `png`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
    /// What the format tells of what was made, for what is about all sessions; null for most.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub told: Value,
}

/// The session that something was made of.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Origin {
    /// Name of its folder.
    pub name: String,
    /// Its UUID.
    pub session_id: String,
    /// Version of its format.
    pub format_version: String,
    /// SHA-256 of its `integrity.sha256`.
    pub integrity_sha256: String,
}

/// A file that was made.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FileInfo {
    /// Its name, from the manifest's folder.
    pub name: String,
    /// Its size.
    pub size_bytes: u64,
    /// Its SHA-256.
    pub sha256: String,
    /// How many samples are in it, where a file holds several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples: Option<u64>,
}

/// Whether a file has the name of a manifest, or of the note of an export that was interrupted.
pub(crate) fn is_name(path: &Path) -> bool {
    let name = path.to_string_lossy();
    name.strip_suffix(BEGUN_SUFFIX).unwrap_or(&name).ends_with(&format!(".{SUFFIX}"))
}

/// The manifests in a folder that can be read, and the notes of exports that were interrupted.
pub(super) fn all_in(dir: &Path) -> impl Iterator<Item = Manifest> + use<> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path());
    entries.filter(|path| is_name(path)).filter_map(|path| Manifest::read(&path))
}

fn moment(moment: Option<Moment>) -> Value {
    match moment {
        None => Value::Null,
        Some(Moment::SinceStart(ns)) => json!({ "since_start_ns": ns }),
        Some(Moment::Frame(frame)) => json!({ "frame": frame }),
    }
}

/// What a session has and an export has not: sound, gamepads and PNG pictures, by whether they are in it.
pub(super) fn left_out(metadata: &Metadata, has_sound: bool, has_pads: bool, has_stills: bool) -> Vec<String> {
    let is_there = |kind: &str| metadata.counts.contains_key(kind);
    let pads = [event_type::GAMEPAD_BUTTON, event_type::GAMEPAD_AXIS].into_iter().any(is_there);
    let pictures = stills::count(metadata).is_some_and(|count| count > 0);
    let all = [
        (sound::is_there(metadata) && !has_sound, NAME),
        (pads && !has_pads, pads::NAME),
        (pictures && !has_stills, stills::PNG),
    ];
    all.into_iter().filter(|(is_left_out, _)| *is_left_out).map(|(_, name)| name.to_owned()).collect()
}

impl Manifest {
    /// What an export that is about to be made will say.
    pub(super) fn of(format: &dyn FormatKind, source: &Source, options: &Options, name: &str) -> Self {
        let metadata = source.reader().metadata();
        let mut asked = Map::new();
        for opt in format.takes() {
            match opt {
                Opt::Fps => drop(asked.insert("fps".into(), json!(options.fps))),
                Opt::Span => {
                    asked.insert("from".into(), moment(options.from));
                    asked.insert("to".into(), moment(options.to));
                }
                Opt::ExcludeRedacted => {
                    asked.insert("exclude_redacted".into(), json!(options.exclude_redacted));
                }
                Opt::OnlyAccepted => {
                    let hash = source.review_hash().map(|hash| hash.to_string());
                    let review = options.only_accepted.then(|| json!({ "review_sha256": hash }));
                    asked.insert(ONLY_ACCEPTED.into(), json!(review));
                }
                Opt::Resize => drop(asked.insert("resize".into(), json!(options.resize))),
                Opt::Clips => drop(asked.insert("clip_seconds".into(), json!(options.clip_seconds))),
                Opt::Shards => drop(asked.insert("shard_mb".into(), json!(options.shard_mb))),
                Opt::McapFor => drop(asked.insert("mcap_for".into(), json!(options.mcap_for.map(McapFor::name)))),
                Opt::Split => drop(asked.insert("val_percent".into(), json!(options.val_percent))),
                Opt::Space => {
                    asked.insert("keys".into(), json!(options.keys.as_ref().map(Keys::names)));
                    asked.insert("mouse".into(), json!(options.mouse));
                    asked.insert("pointer".into(), json!(options.pointer));
                    if options.gamepad {
                        asked.insert("gamepad".into(), json!(true));
                    }
                }
                Opt::Sound => drop(asked.insert("sound".into(), json!(options.sound))),
                Opt::KeepUnknown => drop(asked.insert("keep_unknown".into(), json!(options.keep_unknown))),
            }
        }
        // Whoever reads it sees that somebody took the consent back, and that it was exported all the same.
        if metadata.consent.withdrawn_of(&source.needed(format, options)).is_some() {
            asked.insert("include_withdrawn".into(), json!(options.include_withdrawn));
        }
        Self {
            format: format.name().into(),
            format_version: format.version(),
            watchcap: env!("CARGO_PKG_VERSION").into(),
            source: Origin {
                name: name.into(),
                session_id: metadata.session_id.clone(),
                format_version: metadata.format_version.clone(),
                integrity_sha256: source.integrity().to_string(),
            },
            options: asked,
            consent: metadata.consent.clone(),
            privacy: metadata.privacy.clone(),
            about: source.about.clone(),
            lineage: metadata.lineage.clone(),
            files: Vec::new(),
            left_out: left_out(
                metadata,
                options.sound && options.mcap_for != Some(McapFor::Owa),
                format.has_gamepads(options),
                format.takes_stills(),
            ),
            told: Value::Null,
        }
    }

    /// Reads one; `None` when there is none that can be read, which is made anew then, or it is not this user's: whoever made it could have
    /// anything deleted.
    pub(crate) fn read(path: &Path) -> Option<Self> {
        let found = crate::base::files::look(path).ok()?;
        if !found.is_file() || !found.is_own || found.len > MAX_BYTES {
            return None;
        }
        serde_json::from_slice(&crate::base::files::read_at_most(path, MAX_BYTES).ok()?).ok()
    }

    /// What was made of what, for people.
    pub(crate) fn what(&self) -> String {
        format!("{} of {}", self.format, self.source.name)
    }

    /// Whether it was made of the same session in the same way.
    pub(super) fn is(&self, other: &Self) -> bool {
        // Marks are a function of the session and the options, and known only when its rows were read; so is whether there was sound to take.
        let bare = |manifest: &Self| {
            let about = About { marks: Vec::new(), marks_left_out: 0, ..manifest.about.clone() };
            Self { files: Vec::new(), left_out: Vec::new(), told: Value::Null, about, ..manifest.clone() }
        };
        bare(self) == bare(other)
    }

    /// Returns the names of the options that were other ones when this was made. The place of a session among others is none of them, nor is
    /// which review it was whose verdicts were asked for.
    pub(super) fn asked_otherwise(&self, other: &Self) -> Vec<String> {
        let value = |manifest: &Self, name: &str| match manifest.options.get(name) {
            None | Some(Value::Null | Value::Bool(false)) => Value::Null,
            Some(_) if name == ONLY_ACCEPTED => Value::Bool(true),
            Some(value) => value.clone(),
        };
        other.options.keys().filter(|name| value(self, name) != value(other, name)).cloned().collect()
    }

    /// Whether its files are there, each of its size.
    pub(super) fn files_are_in(&self, dir: &Path) -> bool {
        let there = |file: &FileInfo| {
            crate::base::files::look(&dir.join(&file.name)).is_ok_and(|m| m.is_file() && m.len == file.size_bytes)
        };
        !self.files.is_empty() && self.files.iter().all(there)
    }

    /// One line of JSON, without the files: for formats that have a place for it.
    ///
    /// # Errors
    /// Never with values that JSON can say.
    pub fn to_line(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(&Self { files: Vec::new(), told: Value::Null, ..self.clone() })
    }
}
