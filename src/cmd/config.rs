//! `watchcap config`: a new file, what holds and from where, and what is wrong.

mod meaning;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::failure::{Failure, Outcome};
use super::{games, text};
use crate::base::files;
use crate::base::shown::shell;
use crate::cli::{ConfigArgs, ConfigVerb};
use crate::config::check::{Fault, faults};
use crate::config::keys::{self, GAMES, Key, OF_A_GAME};
use crate::config::layers::Layers;
use crate::config::{MAX_BYTES, config_file, template};

pub(super) fn run(args: &ConfigArgs, named: Option<&Path>) -> Result<Outcome, Failure> {
    match &args.verb {
        ConfigVerb::Init => init(named),
        ConfigVerb::Show { origin, game, json } => show(named, *origin, game.as_deref(), *json),
        ConfigVerb::Check { files, json } => check(named, files, *json),
    }
}

fn init(named: Option<&Path>) -> Result<Outcome, Failure> {
    let Some(path) = named.map(Path::to_path_buf).or_else(config_file) else {
        return Err(Failure::usage("there is no place for a configuration file", "name one with --config"));
    };
    let failed = |error: &std::io::Error| Failure::new(&format!("cannot write {}: {error}", path.display()), None);
    if let Some(folder) = path.parent() {
        files::create_private_dirs(folder, &mut Vec::new()).map_err(|error| failed(&error))?;
    }
    let file = files::create_new_file(&path).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => Failure::new(
            &format!("{} is there already", path.display()),
            Some("edit it, or move it away; with --config FILE another one is written".into()),
        ),
        _ => failed(&error),
    })?;
    std::io::Write::write_all(&mut &file, template::text().as_bytes()).map_err(|error| failed(&error))?;
    text::out(&path.display().to_string());
    text::say(&format!("every key is in it, commented out; check it with: watchcap config check {}", shell(&path)));
    Ok(Outcome::Clean)
}

/// What holds of a key: its value as it stands in a file, and where that is from; no value where the default holds.
struct Held {
    value: Option<String>,
    json: Value,
    from: Vec<String>,
}

impl Held {
    fn of(layers: &Layers, path: &str, key: &Key) -> Self {
        let variable = std::env::var(key.variable).ok().filter(|value| !key.variable.is_empty() && !value.is_empty());
        if let Some(value) = variable {
            return Self {
                json: json!(value),
                value: Some(json!(value).to_string()),
                from: vec![key.variable.to_owned()],
            };
        }
        let value = layers.value(path);
        let from =
            layers.origins_below(path).into_iter().map(|at| format!("{}:{}", at.path.display(), at.line)).collect();
        Self { value: value.map(ToString::to_string), json: json!(value), from }
    }
}

fn show(named: Option<&Path>, origin: bool, game: Option<&str>, as_json: bool) -> Result<Outcome, Failure> {
    let mut layers = Layers::load(named)?;
    if let Some(name) = game {
        let Some(section) = games::named(&layers, name) else {
            let known: Vec<_> = layers.config().games.keys().map(String::as_str).collect();
            let hint = if known.is_empty() {
                "no file has one".to_owned()
            } else {
                format!("there are: {}", known.join(", "))
            };
            return Err(Failure::usage(format!("there is no game [{GAMES}.{name}]"), hint));
        };
        layers = layers.for_game(section);
    }
    let mut held: Vec<(String, &Key, Held)> = Vec::new();
    for key in keys::all() {
        let path = key.path();
        held.push((path.clone(), key, Held::of(&layers, &path, key)));
    }
    // Of games all that is set, unless one is in force.
    if layers.game().is_none() {
        for name in layers.config().games.keys() {
            let own = OF_A_GAME.iter().map(|key| (key.name.to_owned(), key));
            for (below, key) in own.chain(keys::all().map(|key| (key.path(), key))) {
                let path = format!("{GAMES}.{name}.{below}");
                if layers.value(&path).is_some() {
                    // A variable is for the key outside of games.
                    let key_held = Held::of(&layers, &path, &Key { variable: "", ..*key });
                    held.push((path, key, key_held));
                }
            }
        }
    }
    if as_json {
        let one = |(path, key, held): &(String, &Key, Held)| json!({ "key": path, "value": held.json, "from": held.from, "default": key.default, "flag": key.flag, "variable": key.variable });
        let paths = |paths: &[PathBuf]| paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>();
        text::json(
            &json!({ "files": paths(&layers.files), "game": layers.game(), "keys": held.iter().map(one).collect::<Vec<_>>() }),
        );
        return Ok(Outcome::Clean);
    }
    let rows: Vec<Vec<String>> = held
        .iter()
        .map(|(path, key, held)| {
            let value = held.value.clone().unwrap_or_else(|| format!("({})", key.default));
            let from = if held.value.is_none() { "default".to_owned() } else { held.from.join(", ") };
            let row = [Some(format!("{path} =")), Some(value), origin.then_some(from)];
            row.into_iter().flatten().map(|cell| text::cell(&cell)).collect()
        })
        .collect();
    text::out(&text::table(&rows).join("\n"));
    match layers.files.as_slice() {
        [] => text::say("no file is there; `watchcap config init` writes one"),
        files => {
            let list: Vec<_> = files.iter().map(|path| path.display().to_string()).collect();
            text::say(&text::printable(&format!("from {}", list.join(", then "))));
        }
    }
    Ok(Outcome::Clean)
}

/// What is wrong with these files, each with its place.
pub(super) fn faults_in(paths: &[PathBuf]) -> Vec<String> {
    let of = |path: &PathBuf| -> Vec<String> {
        let text = files::read_text_at_most(path, MAX_BYTES).unwrap_or_default();
        let found = faults(&text, &meaning::fault).into_iter();
        found.map(|Fault { line, column, what }| format!("{}:{line}:{column}: {what}", path.display())).collect()
    };
    paths.iter().flat_map(of).collect()
}

fn check(named: Option<&Path>, given: &[PathBuf], as_json: bool) -> Result<Outcome, Failure> {
    let mut paths: Vec<PathBuf> = given.to_vec();
    if paths.is_empty() {
        let in_force = crate::config::files::in_order(named).into_iter().map(|(_, path)| path);
        paths = in_force.filter(|path| path.exists() || named == Some(path.as_path())).collect();
    }
    if paths.is_empty() {
        text::say("no file is there; `watchcap config init` writes one");
    }
    let (mut wrong, mut list) = (0, Vec::new());
    for path in &paths {
        let content = files::read_text_at_most(path, MAX_BYTES).map_err(|error| {
            Failure::usage(format!("cannot read {}: {error}", path.display()), "name a file that you can read")
        })?;
        let found = faults(&content, &meaning::fault);
        wrong += found.len();
        for Fault { line, column, what } in &found {
            if as_json {
                list.push(json!({ "file": path.display().to_string(), "line": line, "column": column, "what": what }));
            } else {
                text::out(&text::cell(&format!("{}:{line}:{column}: {what}", path.display())));
            }
        }
        if found.is_empty() {
            text::say(&format!("{} is good", path.display()));
        }
    }
    if as_json {
        text::json(&json!(list));
    }
    if wrong > 0 {
        let hint = "`watchcap config init` writes a file with every key and its meaning".to_owned();
        return Err(Failure::new(&text::counted(wrong as u64, "fault"), Some(hint)));
    }
    // What only all of them together do wrong: another owner, consent in the system's file.
    if given.is_empty() {
        Layers::load(named)?;
    }
    Ok(Outcome::Clean)
}
