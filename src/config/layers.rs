//! Files over each other: what holds, and which line of which file each value is from.
//!
//! A value of a later file stands over that of an earlier one; lists that keep something out add up. A game's tables stand over all of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml::{Table, Value};
use toml_edit::{Document, Item, TableLike};

use super::error::ConfigError;
use super::files::{self, Owner};
use super::keys::{self, Config, GAMES, STUDY};

/// A line of a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Origin {
    /// The file.
    pub path: PathBuf,
    /// The line, from 1.
    pub line: usize,
}

/// What files say together.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    table: Table,
    origins: BTreeMap<String, Vec<Origin>>,
    /// The files that were there, the one that stands over the others last.
    pub files: Vec<PathBuf>,
    game: Option<String>,
    config: Config,
}

impl Layers {
    /// Reads the system's files and the person's: `named`, or the one in the platform's place.
    ///
    /// # Errors
    /// [`ConfigError`] when a file is there and cannot be used, or was named and is not there.
    pub fn load(named: Option<&Path>) -> Result<Self, ConfigError> {
        let mut layers = Self::default();
        for (owner, path) in files::in_order(named) {
            match files::read(&path)? {
                Some(text) => layers.put(owner, &path, &text)?,
                None if named == Some(path.as_path()) => {
                    let source = std::io::ErrorKind::NotFound.into();
                    return Err(ConfigError::Io { path, source });
                }
                None => {}
            }
        }
        Ok(layers)
    }

    /// Puts a file over what is there.
    fn put(&mut self, owner: Owner, path: &Path, text: &str) -> Result<(), ConfigError> {
        let invalid = |detail: String| ConfigError::Invalid { path: path.to_path_buf(), detail };
        let own = Config::parse(text).map_err(invalid)?;
        if owner == Owner::System && !own.record.consent.is_empty() {
            return Err(ConfigError::ForOthers { path: path.to_path_buf() });
        }
        let table: Table = text.parse().map_err(|error: toml::de::Error| invalid(error.to_string()))?;
        merge(&mut self.table, from_its_folder(table, path), "");
        let document = Document::parse(text).map_err(|error| invalid(error.to_string()))?;
        let mut found = BTreeMap::new();
        lines(document.as_table(), "", text, &mut found);
        for (key, line) in found {
            let origins = self.origins.entry(key.clone()).or_default();
            if !adds(&key) {
                origins.clear();
            }
            origins.push(Origin { path: path.to_path_buf(), line });
        }
        self.files.push(path.to_path_buf());
        self.config = self.table.clone().try_into().map_err(|error: toml::de::Error| invalid(error.to_string()))?;
        Ok(())
    }

    /// Returns all of it.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Returns the name of the game whose tables are in force.
    pub fn game(&self) -> Option<&str> {
        self.game.as_deref()
    }

    /// Returns the value of a key, `record.fps`; none when no file has it.
    pub fn value(&self, path: &str) -> Option<&Value> {
        path.split('.')
            .try_fold((None, Some(&self.table)), |(_, table), part| {
                let value = table?.get(part)?;
                Some((Some(value), value.as_table()))
            })?
            .0
    }

    /// Returns where a value is from: one line, or each line of a list that adds up.
    pub fn origins(&self, path: &str) -> &[Origin] {
        self.origins.get(path).map(Vec::as_slice).unwrap_or_default()
    }

    /// Returns where a value is from, and, of a table, where its values are.
    pub fn origins_below(&self, path: &str) -> Vec<&Origin> {
        let below = format!("{path}.");
        let inside = self.origins.iter().filter(|(key, _)| *key == path || key.starts_with(&below));
        inside.flat_map(|(_, origins)| origins).collect()
    }

    /// Returns what holds for a game: its tables over the others. Nothing changes when there are none.
    #[must_use]
    pub fn for_game(&self, name: &str) -> Self {
        let mut layers = self.clone();
        let Some(game) = self.table.get(GAMES).and_then(|games| games.get(name)).and_then(Value::as_table) else {
            return layers;
        };
        let is_table = |name: &str| keys::SECTIONS.iter().any(|(section, _)| *section == name);
        let over: Table = game.clone().into_iter().filter(|(name, _)| is_table(name)).collect();
        merge(&mut layers.table, over, "");
        let of_the_game = format!("{GAMES}.{name}.");
        for (key, origins) in &self.origins {
            let Some(key) =
                key.strip_prefix(&of_the_game).filter(|key| is_table(key.split('.').next().unwrap_or_default()))
            else {
                continue;
            };
            let there = layers.origins.entry(key.to_owned()).or_default();
            if !adds(key) {
                there.clear();
            }
            there.extend(origins.iter().cloned());
        }
        // Each part was read before.
        layers.config = layers.table.clone().try_into().unwrap_or_else(|_read_before| self.config.clone());
        layers.config.game = self.config.games.get(name).and_then(|game| game.game.clone());
        layers.game = Some(name.to_owned());
        layers
    }
}

impl Config {
    /// Reads the system's files and the person's, as [`Layers::load`].
    ///
    /// # Errors
    /// As there.
    pub fn load(named: Option<&Path>) -> Result<Self, ConfigError> {
        Ok(Layers::load(named)?.config)
    }

    /// Reads one file, which must be there.
    ///
    /// # Errors
    /// [`ConfigError`] when it cannot be used.
    pub fn of_file(path: &Path) -> Result<Self, ConfigError> {
        let missing = || ConfigError::Io { path: path.to_path_buf(), source: std::io::ErrorKind::NotFound.into() };
        let text = files::read(path)?.ok_or_else(missing)?;
        Self::parse(&text).map_err(|detail| ConfigError::Invalid { path: path.to_path_buf(), detail })
    }
}

/// Makes the path of a text of consent one from the folder of the file that names it.
fn from_its_folder(mut table: Table, path: &Path) -> Table {
    let file = table.get_mut(STUDY).and_then(|table| table.get_mut("text_file"));
    if let (Some(Value::String(file)), Some(folder)) = (file, path.parent()) {
        *file = folder.join(&*file).to_string_lossy().into_owned();
    }
    table
}

/// Whether a key is a list that adds up.
fn adds(path: &str) -> bool {
    keys::all().any(|key| key.adds && key.path() == path)
}

fn inside(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") }
}

/// Puts the values of a table over those of another.
fn merge(into: &mut Table, from: Table, prefix: &str) {
    for (name, value) in from {
        let path = inside(prefix, &name);
        match (into.get_mut(&name), value) {
            (Some(Value::Table(there)), Value::Table(table)) => merge(there, table, &path),
            (Some(Value::Array(there)), Value::Array(list)) if adds(&path) => {
                for value in list {
                    if !there.contains(&value) {
                        there.push(value);
                    }
                }
            }
            (_, value) => drop(into.insert(name, value)),
        }
    }
}

/// Finds the line of every value.
fn lines(table: &dyn TableLike, prefix: &str, text: &str, found: &mut BTreeMap<String, usize>) {
    for (name, item) in table.iter() {
        let path = inside(prefix, name);
        if let Some(inner) = item.as_table_like() {
            lines(inner, &path, text, found);
        } else {
            let span = table.get_key_value(name).and_then(|(key, _)| key.span()).or_else(|| Item::span(item));
            found.insert(path, line_of(text, span.map_or(0, |span| span.start)));
        }
    }
}

/// The line of a place in a text, from 1.
pub(super) fn line_of(text: &str, at: usize) -> usize {
    1 + text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layers(files: &[(Owner, &str, &str)]) -> Result<Layers, ConfigError> {
        let mut layers = Layers::default();
        for (owner, path, text) in files {
            layers.put(*owner, Path::new(path), text)?;
        }
        Ok(layers)
    }

    #[test]
    fn a_later_file_stands_over_an_earlier_one_and_what_keeps_out_adds_up() {
        let system =
            "[record]\nfps = 60\nquality = \"sharp\"\n[privacy]\nexclude_apps = [\"mail\"]\nmasks = [\"0,0,2,2\"]\n";
        let own = "[record]\nfps = 30\nconsent = [\"screen\"]\n\n[privacy]\nexclude_apps = [\"mail\", \"chat\"]\n";
        let layers = layers(&[(Owner::System, "sys", system), (Owner::Person, "own", own)]).expect("two files");
        let config = layers.config();
        assert_eq!((config.record.fps, config.record.quality.as_deref()), (Some(30), Some("sharp")));
        assert_eq!((config.privacy.exclude_apps.join(","), config.privacy.masks.len()), ("mail,chat".into(), 1));
        let at = |path: &str| {
            let origins = layers.origins(path).iter();
            origins.map(|at| format!("{}:{}", at.path.display(), at.line)).collect::<Vec<_>>().join(" ")
        };
        assert_eq!((at("record.fps"), at("record.quality")), ("own:2".into(), "sys:3".into()));
        assert_eq!((at("privacy.exclude_apps"), at("record.gop")), ("sys:5 own:6".into(), String::new()));
        assert_eq!(layers.value("record.fps").and_then(Value::as_integer), Some(30));
    }

    #[test]
    fn a_game_stands_over_both() {
        let own = "[record]\nfps = 30\ngop = 1.0\n[privacy]\nexclude_apps = [\"mail\"]\n\
                   [games.doom]\napps = [\"doom\"]\ngame = \"Doom\"\nrecord.fps = 60\nprivacy.exclude_apps = [\"chat\"]\n";
        let layers = layers(&[(Owner::Person, "own", own)]).expect("a file");
        let doom = layers.for_game("doom");
        let record = &doom.config().record;
        assert_eq!((record.fps, record.gop, doom.config().game.as_deref()), (Some(60), Some(1.0), Some("Doom")));
        assert_eq!(doom.config().privacy.exclude_apps, ["mail", "chat"], "what is kept out adds up");
        assert_eq!((doom.origins("record.fps")[0].line, doom.origins("privacy.exclude_apps").len()), (9, 2));
        assert_eq!((layers.config().record.fps, layers.for_game("quake").config().record.fps), (Some(30), Some(30)));
    }

    #[test]
    fn nobody_consents_for_others_or_for_a_game() {
        let consent = "[record]\nconsent = [\"screen\"]\n";
        let refused = layers(&[(Owner::System, "sys", consent)]).expect_err("it was taken");
        assert!(matches!(refused, ConfigError::ForOthers { .. }), "{refused}");
        let game = "[games.doom.record]\nconsent = [\"screen\"]\n";
        let refused = layers(&[(Owner::Person, "own", game)]).expect_err("it was taken").to_string();
        assert!(refused.contains("[games.doom]"), "{refused}");
    }
}
