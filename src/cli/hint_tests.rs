//! Every option and every command that the program's own texts name is one that it takes: a hint that is refused is worse than none.
//!
//! Read are the string literals of all sources: each `watchcap VERB …` and each `--option VALUE` in them is compared with the command
//! line. Which verb an option without one belongs to follows from the module that says it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::builder::ValueParser;
use clap::{Arg, Command, CommandFactory as _};

use super::Cli;
use super::record::may_miss;
use crate::capture::{CaptureError, Facet, FacetSet};
use crate::recorder::RecordError;

/// Words that may stand behind an option and are none of its values.
const PROSE: [&str; 34] = [
    "is", "are", "and", "or", "if", "does", "do", "calls", "takes", "take", "it", "for", "to", "with", "without",
    "names", "says", "needs", "in", "as", "not", "was", "has", "of", "the", "a", "can", "cannot", "must", "may",
    "where", "when", "there", "too",
];

/// Files below `src` that are not tests.
fn sources() -> Vec<(PathBuf, String)> {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of sources") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs") && !name.ends_with("tests.rs") {
                let text = std::fs::read_to_string(&path).expect("a source");
                files.push((path, text));
            }
        }
    }
    files
}

/// The string literals of a source before its tests, without its comments.
fn literals(source: &str) -> Vec<String> {
    let source = source.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let mut chars = source.chars().peekable();
    let mut found = Vec::new();
    while let Some(c) = chars.next() {
        match c {
            '/' if chars.peek() == Some(&'/') => chars.by_ref().take_while(|c| *c != '\n').for_each(drop),
            // A character, and not a lifetime.
            '\'' => {
                let mut ahead = chars.clone();
                match (ahead.next(), ahead.next()) {
                    (Some('\\'), _) => {
                        chars.next();
                        chars.next();
                        chars.by_ref().take_while(|c| *c != '\'').for_each(drop);
                    }
                    (Some(_), Some('\'')) => drop((chars.next(), chars.next())),
                    _ => {}
                }
            }
            'r' if matches!(chars.peek(), Some('"' | '#')) => {
                let mut ahead = chars.clone();
                let hashes = std::iter::from_fn(|| ahead.next_if_eq(&'#')).count();
                if ahead.next() == Some('"') {
                    let end = format!("\"{}", "#".repeat(hashes));
                    let text: String = ahead.clone().collect();
                    let length = text.find(&end).map_or(text.len(), |at| at + end.len());
                    found.push(text[..length.saturating_sub(end.len())].to_owned());
                    chars = ahead;
                    for _ in text[..length].chars() {
                        chars.next();
                    }
                }
            }
            '"' => {
                let mut text = String::new();
                while let Some(c) = chars.next() {
                    match c {
                        '"' => break,
                        // A line that goes on.
                        '\\' if chars.peek() == Some(&'\n') => while chars.next_if(|c| c.is_whitespace()).is_some() {},
                        '\\' => text.extend(chars.next()),
                        c => text.push(c),
                    }
                }
                found.push(text);
            }
            _ => {}
        }
    }
    found
}

/// The verbs that a module's texts are about; none: any.
fn verbs_of(path: &Path) -> Vec<&'static str> {
    let path = path.to_string_lossy();
    let about = |part: &str| path.contains(&format!("/src/{part}"));
    match () {
        () if about("cmd/record") || about("recorder/") || about("capture/") || about("encode/") => {
            // `doctor` and `targets` try the sources, and `demo` records.
            vec!["record"]
        }
        () if about("export/") || about("cmd/export") => vec!["export"],
        () if about("clip/") || about("cmd/clip") => vec!["export"],
        () if about("redact/") || about("cmd/redact") => vec!["redact"],
        () if about("migrate/") || about("cmd/migrate") || about("cmd/import") => vec!["migrate"],
        () => Vec::new(),
    }
}

/// One option in a text, with the word behind it.
fn options(text: &str) -> Vec<(String, Option<String>)> {
    let is_part = |c: char| c.is_ascii_lowercase() || c == '-' || c.is_ascii_digit();
    let mut found = Vec::new();
    for (at, _) in text.match_indices("--") {
        let before = text[..at].chars().next_back();
        let rest = &text[at + 2..];
        let name: String = rest.chars().take_while(|c| is_part(*c)).collect();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '-')
            || !name.starts_with(|c: char| c.is_ascii_lowercase())
        {
            continue;
        }
        let behind = &rest[name.len()..];
        let value = behind.strip_prefix([' ', '=']).map(|behind| {
            behind.chars().take_while(|c| !c.is_whitespace() && !"`;:)(\"'".contains(*c)).collect::<String>()
        });
        let value = value.map(|value| value.trim_end_matches(['.', ',']).to_owned()).filter(|value| !value.is_empty());
        found.push((name.trim_end_matches('-').to_owned(), value));
    }
    found
}

fn arg<'c>(verb: &'c Command, name: &str) -> Option<&'c Arg> {
    verb.get_arguments()
        .find(|arg| arg.get_long() == Some(name) || arg.get_all_aliases().is_some_and(|all| all.contains(&name)))
}

/// Why a verb does not take an option with a value; `None` when it does.
fn refusal(verb: &Command, name: &str, value: Option<&str>) -> Option<String> {
    if ["help", "version"].contains(&name) {
        return None;
    }
    let Some(arg) = arg(verb, name) else { return Some(format!("{} has no --{name}", verb.get_name())) };
    let value = value.filter(|_| arg.get_action().takes_values())?;
    // A placeholder: `{}`, `NAME`, or the text goes on.
    if value.contains('{') || value.starts_with(|c: char| c.is_ascii_uppercase() || c == '-') || PROSE.contains(&value)
    {
        return None;
    }
    let parser: &ValueParser = arg.get_value_parser();
    let many = arg.get_value_delimiter().map_or_else(|| vec![value], |by| value.split(by).collect());
    many.into_iter().filter(|value| !value.is_empty()).find_map(|value| {
        let known: Vec<String> =
            parser.possible_values().into_iter().flatten().map(|value| value.get_name().to_owned()).collect();
        (!known.is_empty() && !known.iter().any(|known| known == value))
            .then(|| format!("{} takes no --{name} {value}, but {}", verb.get_name(), known.join(", ")))
    })
}

/// What of a text the command line refuses.
fn refusals(command: &Command, about: &[&str], text: &str) -> Vec<String> {
    let verbs: Vec<&Command> = command.get_subcommands().collect();
    let mut wrong = Vec::new();
    let mut of_a_verb = BTreeSet::new();
    for (at, _) in text.match_indices("watchcap ") {
        let rest = &text[at + "watchcap ".len()..];
        let word: String = rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == '-').collect();
        let quoted = text[..at].ends_with('`');
        let Some(verb) = verbs.iter().find(|verb| verb.get_name() == word) else {
            if quoted && !word.is_empty() {
                wrong.push(format!("there is no verb {word}"));
            }
            continue;
        };
        let end = rest.find(['`', ';', ')', '\n']).unwrap_or(rest.len());
        for (name, value) in options(&rest[..end]) {
            // `record` without --source is about the desktop; what a verb's own verbs take counts as its own.
            let own = std::iter::once(*verb).chain(verb.get_subcommands());
            let said: Vec<_> = own.map(|verb| refusal(verb, &name, value.as_deref())).collect();
            if said.iter().all(Option::is_some) && arg(command, &name).is_none() {
                wrong.extend(said.into_iter().flatten().take(1));
            }
            of_a_verb.insert(name);
        }
    }
    for (name, value) in options(text).into_iter().filter(|(name, _)| !of_a_verb.contains(name)) {
        let mut candidates: Vec<&Command> =
            verbs.iter().copied().filter(|verb| about.contains(&verb.get_name())).collect();
        if candidates.is_empty() {
            candidates.clone_from(&verbs);
            candidates.extend(verbs.iter().flat_map(|verb| verb.get_subcommands()));
        }
        let said: Vec<_> = candidates.iter().map(|verb| refusal(verb, &name, value.as_deref())).collect();
        if said.iter().all(Option::is_some) && arg(command, &name).is_none() {
            // The most telling: of a verb that has the option at all.
            let telling = said.iter().flatten().find(|said| said.contains("takes no")).or(said.iter().flatten().next());
            wrong.extend(telling.cloned());
        }
    }
    wrong
}

#[test]
#[cfg_attr(
    not(target_os = "linux"),
    ignore = "the texts are of every system, and the program takes the values of its own"
)]
fn no_text_names_an_option_or_a_command_that_is_refused() {
    let command = Cli::command();
    let (mut read, mut wrong) = (0, Vec::new());
    for (path, source) in sources() {
        for text in literals(&source).iter().filter(|text| text.contains("--") || text.contains("watchcap ")) {
            read += 1;
            wrong.extend(
                refusals(&command, &verbs_of(&path), text)
                    .into_iter()
                    .map(|why| format!("{}: {why}: {text:?}", path.display())),
            );
        }
    }
    assert!(read > 100, "only {read} texts were read");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_refused_is_found() {
    let command = Cli::command();
    let found = |text: &str| refusals(&command, &["record"], text).len();
    assert_eq!(found("go on without it with --allow-missing screen"), 1);
    assert_eq!(found("go on without it with --allow-missing input,keys"), 0);
    assert_eq!(found("try it with --source synthetic; or `watchcap targets`"), 0);
    assert_eq!(found("try it with --source nothing"), 1);
    assert_eq!(found("--source is without effect"), 0);
    assert_eq!(found("seal it with: watchcap finalize --gain {}"), 1);
    assert_eq!(found("see `watchcap finalise`"), 1);
    assert_eq!(found("choose another name with --no-such-option"), 1);
    assert_eq!(literals("let a = \"x \\\n    y\"; // \"no\"\nlet b = '\"'; r#\"raw \"q\"\"#"), ["x y", "raw \"q\""]);
}

#[test]
fn what_hints_are_made_of_is_taken() {
    let command = Cli::command();
    let check = |hint: Option<String>| {
        let hint = hint.unwrap_or_default();
        let wrong = refusals(&command, &["record"], &hint);
        assert!(wrong.is_empty(), "{hint}: {wrong:?}");
        hint
    };
    for what in FacetSet::PROMISED.iter().map(Facet::name) {
        let hint = check(RecordError::Missing { backend: "poll".into(), what: what.into() }.hint());
        assert!(hint.ends_with(&format!("--allow-missing {what}")) && may_miss().any(|may| may == what));
    }
    for what in ["input", "screen", "targets", "keys and pictures"] {
        for backend in ["x11-shm", "xcap", "xi2", "poll", "this build"] {
            check(CaptureError::Unavailable { backend, what: what.into(), detail: String::new() }.hint());
        }
    }
}
