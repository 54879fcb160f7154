//! What is there already: the configuration in force, consent that stands, and logs that nobody sealed.

use std::path::{Path, PathBuf};

use super::super::text;
use super::check::Check;
use crate::base::files;
use crate::base::shown::shell;
use crate::config::layers::Layers;
use crate::log::LogPaths;
use crate::log::lock::LogLock;
use crate::session::layout::{self, DirState};

/// Most folders that are looked at for logs.
const MOST: usize = 10_000;

/// The configuration that `record` would use.
pub(super) fn configuration(named: Option<&Path>) -> (Check, Option<Layers>) {
    const NAME: &str = "configuration";
    let layers = match Layers::load(named) {
        Ok(layers) => layers,
        Err(error) => return (Check::no(NAME, &error, Some(error.hint().into())), None),
    };
    let consent = match layers.config().record.consent.as_slice() {
        [] => "no standing consent".to_owned(),
        streams => format!("standing consent to {}", streams.join(", ")),
    };
    let paths: Vec<String> = layers.files.iter().map(|path| path.display().to_string()).collect();
    let paths = if paths.is_empty() { "none, all defaults".to_owned() } else { paths.join(", then ") };
    let games = match layers.config().games.len() as u64 {
        0 => String::new(),
        games => format!("; {}", text::counted(games, "game")),
    };
    // What `record` would refuse later.
    let check = match super::super::config::faults_in(&layers.files).first() {
        Some(fault) => Check::no(NAME, fault, Some("`watchcap config check` says all that is wrong".into())),
        None => Check::ok(NAME, format!("{paths}; {consent}{games}")),
    };
    (check, Some(layers))
}

/// Logs in the folder of recordings that nobody writes to: one that can be sealed, and how many there are.
pub(super) fn unsealed(folder: &Path) -> (Check, Option<PathBuf>) {
    let found = files::list(folder).unwrap_or_default();
    let is_left =
        |path: &PathBuf| layout::state_of(path) == DirState::Log && LogLock::holder(&LogPaths::of(path).lock).is_none();
    let mut logs: Vec<PathBuf> =
        found.into_iter().take(MOST).map(|(name, _)| folder.join(name)).filter(is_left).collect();
    logs.sort();
    let Some(first) = logs.first().cloned() else { return (Check::ok("logs", "none waits to be sealed".into()), None) };
    let many = text::counted(logs.len() as u64, "log");
    let detail = format!("{many} not sealed in {}: watchcap finalize {}", folder.display(), shell(&first));
    (Check::ok("logs", detail), Some(first))
}
