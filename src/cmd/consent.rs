//! `watchcap consent`: shows and edits the consent that stands in the configuration file, and leaves the rest of it as it is; takes back that
//! to a recording that runs.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::json;
use toml_edit::{Array, DocumentMut, Item, Table, Value};

use super::failure::{Failure, Outcome};
use super::record::asking;
use super::text;
use crate::base::event::Stream;
use crate::cli::{ConsentArgs, ConsentVerb};
use crate::config::{self, Config};
use crate::privacy::consent::{self, Asked, ConsentError, STREAMS};

pub(super) fn run(args: &ConsentArgs, named: Option<&Path>) -> Result<Outcome, Failure> {
    if let Some(ConsentVerb::Withdraw { stream, which }) = &args.verb {
        return super::control::withdraw(stream, which);
    }
    let Some(path) = named.map(Path::to_path_buf).or_else(config::config_file) else {
        return Err(Failure::usage("there is no place for a configuration file", "name one with --config"));
    };
    let wrong = |error: ConsentError| Failure::wrong(&error, error.hint());
    match args.verb.as_ref().unwrap_or(&ConsentVerb::Show { json: false }) {
        ConsentVerb::Show { json } => show(&path, *json),
        ConsentVerb::Grant { streams } => {
            let granted = consent::parse(streams).map_err(wrong)?;
            let config = if path.exists() { Config::load(Some(&path))? } else { Config::default() };
            let study = asking::study_text(&config.consent)?;
            let streams: Vec<Stream> = granted.iter().copied().collect();
            text::say(&consent::text(&Asked {
                what: "whatever you tell it to, in every recording",
                streams: &streams,
                place: "into a new folder where you say",
                duration: None,
                pause: None,
                study: study.as_ref(),
            }));
            edit(&path, |standing| standing.extend(granted))
        }
        ConsentVerb::Withdraw { .. } => Ok(Outcome::Clean),
        ConsentVerb::Revoke { streams } => {
            let revoked = consent::parse(streams).map_err(wrong)?;
            edit(&path, |standing| standing.retain(|stream| !revoked.is_empty() && !revoked.contains(stream)))
        }
    }
}

/// The consent in the file; none where there is no file.
fn standing(path: &Path) -> Result<BTreeSet<Stream>, Failure> {
    if !path.exists() {
        return Ok(BTreeSet::new());
    }
    let names = Config::of_file(path)?.record.consent;
    consent::parse(&names).map_err(|error| Failure::wrong(&error, error.hint()))
}

fn show(path: &Path, as_json: bool) -> Result<Outcome, Failure> {
    let standing = standing(path)?;
    if as_json {
        let flags: serde_json::Map<_, _> =
            STREAMS.into_iter().map(|stream| (stream.name().to_owned(), json!(standing.contains(&stream)))).collect();
        text::json(&json!({ "file": path.display().to_string(), "standing": flags }));
        return Ok(Outcome::Clean);
    }
    for stream in STREAMS {
        let says = match (standing.contains(&stream), stream) {
            (true, Stream::Audio) => "consent stands: what --audio names is recorded without being asked about",
            (true, _) => "consent stands: it is recorded without being asked about",
            (false, _) => "no consent: asked about, or given with --consent, each time",
        };
        text::out(&format!("{:7}{says}", stream.name()));
    }
    text::say(&format!("from {}", path.display()));
    Ok(Outcome::Clean)
}

/// Changes the list in the file, and says what stands now.
fn edit(path: &Path, change: impl FnOnce(&mut BTreeSet<Stream>)) -> Result<Outcome, Failure> {
    let mut streams = standing(path)?;
    let before = streams.clone();
    change(&mut streams);
    if streams != before || (path.exists() && streams.is_empty()) {
        write(path, &streams)?;
    }
    show(path, false)
}

fn write(path: &Path, streams: &BTreeSet<Stream>) -> Result<(), Failure> {
    let failed =
        |error: &dyn std::fmt::Display| Failure::new(&format!("cannot write {}: {error}", path.display()), None);
    let before = if path.exists() {
        crate::base::files::read_text_at_most(path, config::MAX_BYTES).map_err(|error| failed(&error))?
    } else {
        String::new()
    };
    let mut document: DocumentMut = before.parse().map_err(|error: toml_edit::TomlError| failed(&error))?;
    let record = document.entry("record").or_insert_with(|| Item::Table(Table::new()));
    let list: Array = streams.iter().map(|stream| stream.name()).collect();
    match (record.as_table_like_mut(), streams.is_empty()) {
        (Some(record), true) => drop(record.remove("consent")),
        (Some(record), false) => match record.get_mut("consent").and_then(Item::as_value_mut) {
            // The comment behind it stays.
            Some(value) => {
                let decor = value.decor().clone();
                *value = Value::Array(list);
                *value.decor_mut() = decor;
            }
            None => drop(record.insert("consent", toml_edit::value(list))),
        },
        (None, _) => return Err(failed(&"'record' in it is no table")),
    }
    if let Some(folder) = path.parent() {
        crate::base::files::create_private_dirs(folder, &mut Vec::new()).map_err(|error| failed(&error))?;
    }
    replace(path, document.to_string().as_bytes()).map_err(|error| failed(&error))
}

/// Puts a new file in the place of the old one, so that neither a crash nor a full disk leaves half of it.
fn replace(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let mut beside: PathBuf = path.to_path_buf();
    beside.as_mut_os_string().push(".tmp");
    let mut file = crate::base::files::create_private_file(&beside)?;
    file.write_all(content)?;
    drop(file);
    crate::base::files::publish(&beside, path)
}
