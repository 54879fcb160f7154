//! What people said of the old session (`review.jsonl`, `annotations.jsonl`), said of the new one.
//!
//! A remark names the edition that was judged, by its seal. The new session says the same in every row and shows the same pictures, which
//! was checked: so a verdict on the old edition is carried over to the new one. A remark that was stale stays stale.

use std::path::Path;

use serde_json::Value;

use super::error::MigrateError;
use crate::base::io_error::IoError;
use crate::session::edition;
use crate::session::layout;
use crate::session::lines::MAX_BYTES;
use crate::session::seal::{self, FileHash};

/// Brings what people said of `session` to the sealed session in `work`.
pub(crate) fn carry(session: &Path, work: &Path) -> Result<(), MigrateError> {
    [layout::REVIEW_FILE, layout::ANNOTATIONS_FILE].into_iter().try_for_each(|file| carry_file(file, session, work))
}

fn carry_file(file: &str, session: &Path, work: &Path) -> Result<(), MigrateError> {
    let path = session.join(file);
    if !path.symlink_metadata().is_ok_and(|found| found.is_file()) {
        return Ok(());
    }
    let bytes = crate::base::files::read_at_most(&path, MAX_BYTES).map_err(IoError::at("read", &path))?;
    let carried = readdressed(&bytes, edition::identity(session)?, edition::identity(work)?);
    seal::publish_bytes(&work.join(file), &carried)?;
    Ok(())
}

/// The lines, with `to` where they say `from`. What is no remark stays as it is.
fn readdressed(bytes: &[u8], from: FileHash, to: FileHash) -> Vec<u8> {
    let (from, to) = (Value::from(from.to_string()), Value::from(to.to_string()));
    let mut out = Vec::with_capacity(bytes.len());
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        match serde_json::from_slice::<Value>(line) {
            Ok(mut remark) if remark.get("integrity_sha256") == Some(&from) => {
                remark["integrity_sha256"] = to.clone();
                out.extend_from_slice(remark.to_string().as_bytes());
                out.push(b'\n');
            }
            _ => out.extend_from_slice(line),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_remarks_on_the_old_edition_are_readdressed() {
        let (from, to, other) = (FileHash([1; 32]), FileHash([2; 32]), FileHash([3; 32]));
        let line =
            |hash: FileHash, note: &str| format!("{{\"v\":1,\"integrity_sha256\":\"{hash}\",\"note\":\"{note}\"}}\n");
        let before = [line(from, "ü"), line(other, "stale"), "{\"v\":1,\"cut".to_owned()].concat();
        let after = [line(to, "ü"), line(other, "stale"), "{\"v\":1,\"cut".to_owned()].concat();
        assert_eq!(readdressed(before.as_bytes(), from, to), after.as_bytes());
    }
}
