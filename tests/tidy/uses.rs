//! Which file of the sources uses which: by the paths that stand in it, outside of unit tests.
//!
//! It reads paths from `crate`, `super` and `self`, and those that begin with a module of the file's own. A path that reaches something
//! through a re-export counts as a use of the file that re-exports.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// Files, below `src` and with slashes, and what each uses.
pub(super) type Uses = BTreeMap<String, BTreeSet<String>>;

/// The folder of `src` that a file is in, or its own name without a folder.
pub(super) fn room(file: &str) -> &str {
    file.split('/').next().unwrap_or_default().trim_end_matches(".rs")
}

/// The path of a file's module.
fn module(file: &str) -> Vec<String> {
    let path = file.trim_end_matches(".rs").trim_end_matches("/mod");
    path.split('/').map(str::to_owned).collect()
}

fn is_test(file: &str) -> bool {
    file.ends_with("_tests.rs") || file.ends_with("/tests.rs")
}

/// The uses of every file of the house. `lib.rs` and `main.rs` use everything and are left out.
pub(super) fn of_all(house: &[(String, PathBuf)]) -> Uses {
    let files = house.iter().filter(|(file, _)| file != "lib.rs");
    let files: Vec<(String, String)> = files.map(|(file, path)| (file.clone(), super::text(path))).collect();
    let modules: BTreeMap<Vec<String>, String> =
        files.iter().map(|(file, _)| (module(file), file.clone())).filter(|(_, file)| file != "main.rs").collect();
    let of = |file: &str, text: &str| {
        let own = module(file);
        let paths = paths(text).into_iter().filter_map(|path| absolute(&own, &path, &modules));
        let files = paths.filter_map(|path| (1..=path.len()).rev().find_map(|length| modules.get(&path[..length])));
        files.filter(|other| *other != file).cloned().collect()
    };
    let files = files.iter().filter(|(file, _)| file != "main.rs" && !is_test(file));
    files.map(|(file, text)| (file.clone(), of(file, text))).collect()
}

/// A path from the root of the crate; `None` when it leads out of it.
fn absolute(own: &[String], path: &[String], modules: &BTreeMap<Vec<String>, String>) -> Option<Vec<String>> {
    let (first, rest) = path.split_first()?;
    match first.as_str() {
        "crate" => Some(rest.to_vec()),
        "self" => Some([own, rest].concat()),
        "super" => {
            let ups = path.iter().take_while(|part| *part == "super").count();
            Some([own.get(..own.len().checked_sub(ups)?)?, &path[ups..]].concat())
        }
        _ => {
            let inside = [own, &path[..1]].concat();
            modules.contains_key(&inside).then(|| [own, path].concat())
        }
    }
}

/// The paths in a source: of `use`, each on its own, and those in the code that begin with a keyword.
fn paths(text: &str) -> Vec<Vec<String>> {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let code = code.split("#[cfg(all(test").next().unwrap_or_default();
    let lines: Vec<&str> = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let code = lines.join("\n");
    let mut found = Vec::new();
    for statement in code.split(';') {
        let begin = statement.rfind("use ").filter(|at| is_statement(&statement[..*at]));
        if let Some(at) = begin {
            spread(&[], &statement[at + 4..], &mut found);
        }
        let rest = begin.map_or(statement, |at| &statement[..at]);
        for start in ["crate::", "super::", "self::"] {
            for (at, _) in rest.match_indices(start) {
                // `pub(in crate::…)` says who may use something and uses nothing.
                let before = rest[..at].chars().next_back();
                if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') || rest[..at].ends_with("(in ") {
                    continue;
                }
                let path: String =
                    rest[at..].chars().take_while(|c| c.is_alphanumeric() || "_:".contains(*c)).collect();
                found.push(path.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect());
            }
        }
    }
    found
}

/// Whether a `use` behind this text begins a statement: only a visibility stands before it on its line.
fn is_statement(before: &str) -> bool {
    let line = before.rsplit('\n').next().unwrap_or_default().trim();
    line.is_empty() || line == "pub" || (line.starts_with("pub(") && line.ends_with(')'))
}

/// Takes `a::{b, c::{d, e}}` apart.
fn spread(prefix: &[String], tree: &str, found: &mut Vec<Vec<String>>) {
    let parts = |text: &str| -> Vec<String> {
        let text = text.split(" as ").next().unwrap_or_default();
        text.split("::").map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
    };
    let Some((before, inside)) = tree.split_once('{') else {
        found.push([prefix, &parts(tree)].concat());
        return;
    };
    let prefix = [prefix, &parts(before)].concat();
    let inside = inside.rsplit_once('}').map_or(inside, |(inside, _)| inside);
    let (mut depth, mut from) = (0_u32, 0);
    for (at, c) in inside.char_indices().chain([(inside.len(), ',')]) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                if !inside[from..at].trim().is_empty() {
                    spread(&prefix, &inside[from..at], found);
                }
                from = at + 1;
            }
            _ => {}
        }
    }
}

/// The files that reach each other: every circle with its files in order, in the order of the first.
pub(super) fn circles(uses: &Uses) -> Vec<Vec<String>> {
    let reach = |from: &String| {
        let (mut seen, mut next) = (BTreeSet::new(), vec![from]);
        while let Some(file) = next.pop() {
            for other in uses.get(file).into_iter().flatten() {
                if seen.insert(other) {
                    next.push(other);
                }
            }
        }
        seen
    };
    let reached: BTreeMap<&String, BTreeSet<&String>> = uses.keys().map(|file| (file, reach(file))).collect();
    let mut circles: Vec<Vec<String>> = Vec::new();
    for (file, others) in &reached {
        if others.contains(file) && !circles.iter().flatten().any(|known| known == *file) {
            let back = |other: &&&String| reached.get(**other).is_some_and(|back| back.contains(file));
            circles.push(others.iter().filter(back).map(|other| (*other).clone()).collect());
        }
    }
    circles
}

#[test]
fn paths_are_read_from_statements_and_from_code() {
    let text = "use crate::a::{self, b::{C, D as E}};\npub(crate) use super::f;\n\
                pub(in crate::j) fn g() { crate::h::i() }\n// crate::no\n";
    let found: Vec<String> = paths(text).iter().map(|path| path.join("::")).collect();
    assert_eq!(found, ["crate::a::self", "crate::a::b::C", "crate::a::b::D", "super::f", "crate::h::i"]);
    let to = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect();
    let uses: Uses = [("a", &["b"][..]), ("b", &["c"]), ("c", &["b"])].map(|(a, b)| (a.to_owned(), to(b))).into();
    assert_eq!(circles(&uses), [["b", "c"]]);
}
