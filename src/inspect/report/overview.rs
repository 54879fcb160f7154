//! The page over the sessions below a folder.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::run::{Embed, Made, ReportError, check_target, report, way};
use super::{known, page};
use crate::base::progress::Step;
use crate::inspect::catalog::columns::{Col, Entry};
use crate::inspect::catalog::{entry, find};
use crate::session::layout::{self, DirState};
use crate::session::{edition, seal};

/// Name of the page in the folder that it is about.
pub const OVERVIEW_FILE: &str = "report.html";

/// What was made.
#[derive(Debug, Default)]
pub struct Overview {
    /// The page.
    pub path: PathBuf,
    /// Sealed sessions, logs and damaged ones that stand in it.
    pub sessions: u64,
    /// Pages of sessions that were made.
    pub pages: Vec<Made>,
    /// Sessions without a page, and why.
    pub failed: Vec<(PathBuf, ReportError)>,
    /// Folders that could not be looked into.
    pub unreadable: Vec<PathBuf>,
}

/// Makes the page over the sessions below `dir`, and with `each` that of every sealed session, beside its folder.
///
/// # Errors
/// When the page cannot be written.
pub fn overview(
    dir: &Path,
    out: &Path,
    each: Option<Embed>,
    progress: &mut dyn FnMut(Step),
) -> Result<Overview, ReportError> {
    check_target(out)?;
    let found = find::below(dir);
    let mut done = Overview { path: out.to_path_buf(), unreadable: found.unreadable, ..Overview::default() };
    let (mut rows, of) = (Vec::new(), found.paths.len() as u64);
    for path in &found.paths {
        progress(Step { what: "sessions", done: done.sessions, of });
        done.sessions += 1;
        let session = dir.join(path);
        let state = layout::state_of(&session);
        let entry = match state {
            DirState::Log => entry::of_log(&session, path),
            DirState::Nothing => entry::not_sealed(path),
            DirState::Sealed => {
                let seal = edition::identity(&session).map(|hash| hash.to_string()).unwrap_or_default();
                entry::of_session(&session, path, &seal)
            }
        };
        let page = super::run::beside(&session);
        if let Some(embed) = each.filter(|_| state == DirState::Sealed) {
            match report(&session, &page, embed, &mut |_| {}) {
                Ok(made) => done.pages.push(made),
                Err(error) => done.failed.push((session.clone(), error)),
            }
        }
        let link = page.is_file().then(|| way(out, &page));
        rows.push(row(&entry, link.as_deref()));
    }
    let title = dir.canonicalize().unwrap_or_else(|_missing| dir.to_path_buf());
    let title = title.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let data = json!({
        "title": title, "sessions": rows, "unreadable": done.unreadable.len(),
        "made": format!("Made by watchcap {}.", env!("CARGO_PKG_VERSION")),
    });
    seal::publish_bytes(out, page::overview(&title, &data).as_bytes())?;
    Ok(done)
}

fn row(entry: &Entry, link: Option<&str>) -> Value {
    json!({
        "path": entry.text(Col::Path), "link": link, "state": entry.text(Col::State), "problem": entry.text(Col::Problem),
        "captured": entry.int(Col::CapturedAt), "ns": entry.int(Col::DurationNs),
        "length": entry.int(Col::DurationNs).map(known::length), "game": entry.text(Col::Game), "target": entry.text(Col::Target),
        "frames": entry.int(Col::Frames), "dropped": entry.int(Col::DroppedFrames), "fps": entry.float(Col::CaptureFps),
        "keys": entry.int(Col::KeyDown), "clicks": entry.int(Col::Clicks), "moves": entry.int(Col::MouseMove),
        "gaps": entry.int(Col::Gap), "redacted": entry.int(Col::Redact), "bytes": entry.int(Col::SizeBytes),
        "verdict": entry.text(Col::Verdict), "check": entry.text(Col::Check),
    })
}
