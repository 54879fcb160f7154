//! The sessions and logs below a folder.

use std::path::{Path, PathBuf};

use crate::inspect::survey;
use crate::session::layout;

/// How deep folders are looked for.
const MAX_DEPTH: usize = 32;

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// Paths below the folder, with `/` between their parts, sorted.
    pub paths: Vec<String>,
    /// Folders that could not be read, or whose names are not UTF-8.
    pub unreadable: Vec<PathBuf>,
}

/// Looks through the folders below `dir`. Links are not followed, so nothing is found twice and no circle is walked; what is not
/// published yet (`….tmp`) is left out.
pub fn below(dir: &Path) -> Found {
    let mut found = Found::default();
    walk(dir, "", 0, &mut found);
    found.paths.sort_unstable();
    found
}

fn walk(dir: &Path, prefix: &str, depth: usize, found: &mut Found) {
    let Ok(entries) = std::fs::read_dir(dir) else { return found.unreadable.push(dir.to_path_buf()) };
    for entry in entries {
        let Ok(entry) = entry else { return found.unreadable.push(dir.to_path_buf()) };
        if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        let path = entry.path();
        let Ok(name) = entry.file_name().into_string() else {
            found.unreadable.push(path);
            continue;
        };
        if name.ends_with(layout::TEMP_SUFFIX) {
            continue;
        }
        let inside = format!("{prefix}{name}");
        if survey::is_recording(&path) {
            found.paths.push(inside);
        } else if depth < MAX_DEPTH {
            walk(&path, &format!("{inside}/"), depth + 1, found);
        } else {
            found.unreadable.push(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_found_at_any_depth_and_links_are_not_followed() {
        let dir = tempfile::tempdir().expect("a folder");
        for (folder, file) in [
            ("a/b/c/s1", layout::INTEGRITY_FILE),
            ("s2", layout::METADATA_FILE),
            ("s2/inner", layout::INTEGRITY_FILE),
            ("s3.tmp", layout::INTEGRITY_FILE),
        ] {
            std::fs::create_dir_all(dir.path().join(folder)).expect("a folder");
            std::fs::write(dir.path().join(folder).join(file), "").expect("a file");
        }
        std::fs::create_dir_all(layout::log_dir(&dir.path().join("l"))).expect("a folder");
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(dir.path(), dir.path().join("circle")).expect("a link");
            std::os::unix::fs::symlink(dir.path().join("s2"), dir.path().join("again")).expect("a link");
        }
        let found = below(dir.path());
        assert_eq!(found.paths, ["a/b/c/s1", "l", "s2"]);
        assert!(found.unreadable.is_empty());
    }
}
