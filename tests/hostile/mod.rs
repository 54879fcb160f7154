//! Files, folders and names from strangers: every answer is an error or what is there, in bounded memory and time, and nothing that was
//! captured reaches a terminal as anything but text.

mod limits;
#[cfg(unix)]
mod places;
#[cfg(target_os = "linux")]
mod player;
mod seals;
#[cfg(unix)]
mod settings;
#[cfg(target_os = "linux")]
mod swaps;
pub(crate) mod tables;
#[cfg(target_os = "linux")]
mod terminal;

use std::path::{Path, PathBuf};

/// A small sealed session that is the same each time.
fn golden(dir: &Path) -> PathBuf {
    let session = dir.join("session");
    crate::support::copy_tree(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/session-1.0.0"), &session);
    session
}
