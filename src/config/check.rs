//! Everything that is wrong with a file, each with its line and column, and the name that was probably meant.

use toml::Value;
use toml_edit::{Document, Item, TableLike};

use super::keys::{self, Config, GAMES, Key, OF_A_GAME, SECTIONS, STUDY};
use super::layers::line_of;
use super::nearest::nearest;

/// A fault of a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// The line, from 1.
    pub line: usize,
    /// The character in it, from 1.
    pub column: usize,
    /// What is wrong, and what was probably meant.
    pub what: String,
}

/// Says what is wrong with the value of a key that has the right type: what only those above know, encoders and profiles.
pub type Meaning<'a> = &'a dyn Fn(&Key, &Value) -> Result<(), String>;

/// Finds the faults of a file, in its order.
pub fn faults(text: &str, meaning: Meaning<'_>) -> Vec<Fault> {
    let mut checker = Checker { text, meaning, faults: Vec::new() };
    match Document::parse(text) {
        Ok(document) => checker.file(document.as_table()),
        Err(error) => checker.at(error.span().map_or(0, |span| span.start), error.message().to_owned()),
    }
    checker.faults.sort_by_key(|fault| (fault.line, fault.column));
    checker.faults
}

struct Checker<'a> {
    text: &'a str,
    meaning: Meaning<'a>,
    faults: Vec<Fault>,
}

impl Checker<'_> {
    fn at(&mut self, at: usize, what: String) {
        let before = self.text.get(..at).unwrap_or(self.text);
        let begin = before.rfind('\n').map_or(0, |newline| newline + 1);
        let column = 1 + before[begin..].chars().count();
        self.faults.push(Fault { line: line_of(self.text, at), column, what });
    }

    /// Says something of a key, where that stands.
    fn of_key(&mut self, table: &dyn TableLike, name: &str, what: String) {
        let span = table.get_key_value(name).and_then(|(key, item)| key.span().or_else(|| item.span()));
        self.at(span.map_or(0, |span| span.start), what);
    }

    fn file(&mut self, file: &dyn TableLike) {
        for (name, item) in file.iter() {
            let section = SECTIONS.iter().find(|(section, _)| *section == name);
            match (section, item.as_table_like()) {
                (Some((_, keys)), Some(table)) => self.section("", keys, table),
                (None, Some(games)) if name == GAMES => self.games(games),
                (None, _) if name != GAMES => {
                    let names = SECTIONS.iter().map(|(section, _)| *section).chain([GAMES]);
                    let meant = elsewhere(name, "")
                        .or_else(|| nearest(name, names).map(|near| format!("did you mean [{near}]?")));
                    self.of_key(file, name, unknown(name, meant));
                }
                _ => self.of_key(file, name, format!("'{name}' is a table: write [{name}]")),
            }
        }
    }

    fn games(&mut self, games: &dyn TableLike) {
        for (name, item) in games.iter() {
            let Some(game) = item.as_table_like() else {
                self.of_key(games, name, format!("'{name}' is a table: write [{GAMES}.{name}]"));
                continue;
            };
            let prefix = format!("{GAMES}.{name}.");
            for (part, item) in game.iter() {
                let section = SECTIONS.iter().find(|(section, _)| *section == part && part != STUDY);
                match (section, item.as_table_like()) {
                    (Some((_, keys)), Some(table)) => {
                        if table.contains_key("consent") && part == "record" {
                            let what = "consent is given for every recording or for one, and not for a game".to_owned();
                            self.of_key(table, "consent", what);
                        }
                        self.section(&prefix, keys, table);
                    }
                    (Some(_), None) => self.of_key(game, part, format!("'{part}' is a table: write {part}.KEY = …")),
                    (None, _) => self.of_a_game(game, part, item),
                }
            }
        }
    }

    fn of_a_game(&mut self, game: &dyn TableLike, name: &str, item: &Item) {
        if let Some(key) = OF_A_GAME.iter().find(|key| key.name == name) {
            return self.value(key, item);
        }
        let names = OF_A_GAME.iter().map(|key| key.name).chain(SECTIONS.iter().map(|(name, _)| *name));
        let near = nearest(name, names).map(|near| format!("did you mean '{near}'?"));
        let meant = keys::all().find(|key| key.name == name).map(|key| format!("write {}", key.path()));
        self.of_key(game, name, unknown(name, meant.or(near)));
    }

    fn section(&mut self, prefix: &str, keys: &[Key], table: &dyn TableLike) {
        for (name, item) in table.iter() {
            if let Some(key) = keys.iter().find(|key| key.name == name) {
                self.value(key, item);
                continue;
            }
            let near = nearest(name, keys.iter().map(|key| key.name)).map(|near| format!("did you mean '{near}'?"));
            self.of_key(table, name, unknown(name, elsewhere(name, prefix).or(near)));
        }
    }

    fn value(&mut self, key: &Key, item: &Item) {
        let at = item.span().map_or(0, |span| span.start);
        let Some(value) = value_of(item) else { return };
        let wrapped = if key.section == GAMES {
            let game = toml::Table::from_iter([(key.name.to_owned(), value.clone())]);
            let games = toml::Table::from_iter([("a".to_owned(), Value::Table(game))]);
            toml::Table::from_iter([(GAMES.to_owned(), Value::Table(games))])
        } else {
            let section = toml::Table::from_iter([(key.name.to_owned(), value.clone())]);
            toml::Table::from_iter([(key.section.to_owned(), Value::Table(section))])
        };
        // The first line: behind it the parser names the keys on the way.
        let of_type = wrapped.try_into::<Config>().map(drop);
        let of_type = of_type.map_err(|error| error.message().lines().next().unwrap_or_default().to_owned());
        if let Err(what) = of_type.and_then(|()| (self.meaning)(key, &value)) {
            self.at(at, format!("{}: {what}", key.name));
        }
    }
}

/// The value of an item, without its place.
fn value_of(item: &Item) -> Option<Value> {
    let value = item.clone().into_value().ok()?;
    let mut table: toml::Table = format!("value = {}", value.to_string().trim()).parse().ok()?;
    table.remove("value")
}

fn unknown(name: &str, meant: Option<String>) -> String {
    let short = crate::base::shown::short(name, 100);
    format!("there is no key '{short}'{}", meant.map_or_else(String::new, |meant| format!("; {meant}")))
}

/// Where a key of this name stands.
fn elsewhere(name: &str, prefix: &str) -> Option<String> {
    keys::all().find(|key| key.name == name).map(|key| format!("it belongs into [{prefix}{}]", key.section))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let meaning = |key: &Key, value: &Value| match (key.name, value.as_integer()) {
            ("fps", Some(fps)) if fps > 240 => Err(format!("{fps} is too many")),
            _ => Ok(()),
        };
        faults(text, &meaning).iter().map(|fault| format!("{}:{}: {}", fault.line, fault.column, fault.what)).collect()
    }

    #[test]
    fn every_fault_is_found_with_its_place_and_what_was_meant() {
        let text = "[record]\nfsp = 60\n  gop = \"often\"\nfps = 1000\nmasks = []\n\n[privcy]\nkeys = \"all\"\n\
                    [hotkeys]\npause = \"p\"\n[games.doom]\nfps = 60\nrecord.fsp = 1\napp = [\"x\"]\nrecord.consent = [\"screen\"]\n";
        let found = found(text);
        for (begin, what) in [
            ("2:1: ", "did you mean 'fps'?"),
            ("3:9: gop: ", "invalid type: string"),
            ("4:7: fps: ", "1000 is too many"),
            ("5:1: ", "it belongs into [privacy]"),
            ("7:2: ", "did you mean [privacy]?"),
            ("10:9: pause: ", "pressed while typing"),
            ("12:1: ", "write record.fps"),
            ("13:8: ", "did you mean 'fps'?"),
            ("14:1: ", "did you mean 'apps'?"),
            ("15:8: ", "not for a game"),
        ] {
            assert!(
                found.iter().any(|line| line.starts_with(begin) && line.contains(what)),
                "{begin}{what}: {found:#?}"
            );
        }
        assert_eq!(found.len(), 10, "{found:#?}");
    }

    #[test]
    fn a_file_that_is_none_has_one_fault_and_a_good_one_none() {
        assert_eq!(found("[record]\nfps = 30 40\n").len(), 1);
        assert!(found("\nrecord = 1\n")[0].starts_with("2:1: 'record' is a table"));
        assert_eq!(
            found("[record]\nfps = 30\n[games.a]\napps = [\"b\"]\nprivacy.keys = \"none\"\n"),
            Vec::<String>::new()
        );
        assert_eq!(found(&super::super::template::text()), Vec::<String>::new());
    }

    #[test]
    fn what_is_good_here_is_read_and_what_is_read_is_good_here() {
        for text in [
            "",
            "[record]\nout = \"x\"",
            "record.fps = 5",
            "[record]\nx = 1",
            "[games]\na = 1",
            "[games.a]\nb = 1",
            "[games.a.consent]\ntext = \"x\"",
            "[consent]\ntext = \"x\"\nversion = \"1\"",
            "[record.tags]\na = \"b\"",
            "[record]\ntags = { a = 1 }",
            "x",
        ] {
            assert_eq!(found(text).is_empty(), Config::parse(text).is_ok(), "{text}");
        }
    }
}
