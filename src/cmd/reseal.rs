//! `watchcap reseal`.

use std::path::Path;
use std::sync::Arc;

use serde_json::json;

use super::failure::{Failure, Outcome};
use super::text;
use super::ui::Bar;
use crate::base::shown::shell;
use crate::base::time::{Clock, SystemClock};
use crate::cli::ResealArgs;
use crate::derive::reseal::{Resealed, reseal};

pub(super) fn run(args: &ResealArgs) -> Result<Outcome, Failure> {
    let dir = &args.session;
    super::folder::check(dir)?;
    super::folder::check_own(dir)?;
    let expect = args.expect.as_deref().map(super::verify::sha256).transpose()?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let bar = Bar::new("check");
    let done = reseal(dir, expect, clock.as_ref(), &mut |step| bar.step(step));
    bar.end();
    let done = done?;
    if args.json {
        text::json(&json!({
            "session": dir.display().to_string(), "integrity_sha256": done.seal.to_string(),
            "lost_integrity_sha256": done.found.to_string(), "restored": done.is_restored(), "files": done.files,
            "rows": done.rows, "frames": done.frames,
        }));
    } else {
        text::out(&dir.display().to_string());
    }
    for line in said(dir, &done) {
        text::say(&text::printable(&line));
    }
    if done.signed && !done.is_restored() {
        text::warn("the signature beside it is of the lost seal, and does not hold for this one: sign it anew");
    }
    Ok(Outcome::Clean)
}

/// What was done, what it proves, and what it does not.
fn said(dir: &Path, done: &Resealed) -> Vec<String> {
    let Resealed { files, rows, frames, .. } = *done;
    let (files, rows) = (text::counted(files, "file"), text::counted(rows, "row"));
    let frames = text::counted(frames, "frame");
    if done.is_restored() {
        let same = "the seal is the one that was lost, to the byte: every file is what was sealed then".to_owned();
        return vec![format!("sealed {} again: {files}, {rows}, {frames}", dir.display()), same];
    }
    vec![
        format!("resealed {}: {files}, {rows}, {frames}", dir.display()),
        "proved: each row has the hash of its values and stands in order, each frame decodes and has the time and size that its row says, and the \
         metadata count what is there"
            .into(),
        "not proved: that nobody changed anything since it was sealed, since whoever changes a value can hash it anew; metadata.json says \
         that it was resealed, and when"
            .into(),
        format!("if these are the files of the lost seal, its SHA-256 was {}: compare it where that stands", done.found),
        format!("check it with: watchcap verify {}", shell(dir)),
    ]
}
