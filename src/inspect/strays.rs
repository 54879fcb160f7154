//! Files that are of no session: what is known of who puts them into folders.
//!
//! Names alone: nothing is opened.

use std::path::Path;

use crate::session::layout;
use crate::session::seal;

/// Names, whole or with `*` at one end, and who makes such files.
const KNOWN: [(&str, &str); 24] = [
    (".DS_Store", "made by macOS Finder, which keeps the folder's view there"),
    ("._*", "made by macOS on foreign disks, for attributes of the file of that name"),
    (".Spotlight-V100", "made by macOS, for its search"),
    (".Trashes", "made by macOS, for what is deleted"),
    (".fseventsd", "made by macOS, for changes of files"),
    ("__MACOSX", "made by macOS in ZIP files"),
    ("Thumbs.db", "made by Windows Explorer, for small pictures"),
    ("ehthumbs.db", "made by Windows, for small pictures of videos"),
    ("desktop.ini", "made by Windows Explorer, for the folder's view"),
    ("$RECYCLE.BIN", "made by Windows, for what is deleted"),
    (".directory", "made by KDE's Dolphin, for the folder's view"),
    (".Trash-*", "made by Linux desktops, for what is deleted"),
    ("lost+found", "made by the file system, for what a check finds"),
    (".nfs*", "made by an NFS client: a file that was deleted while a program has it open; it goes with that program"),
    (
        ".fuse_hidden*",
        "made by a FUSE disk: a file that was deleted while a program has it open; it goes with that program",
    ),
    ("@eaDir", "made by Synology's disk stations, for small pictures"),
    (".stfolder", "made by Syncthing, as its mark"),
    (".syncthing.*", "made by Syncthing: a file that is on its way"),
    (".dropbox*", "made by Dropbox"),
    (".~lock.*", "made by LibreOffice while it has the file open"),
    ("*~", "the copy of an editor"),
    ("*.swp", "made by vim while it has the file open"),
    ("*.part", "a download that is not at its end"),
    ("*.tmp", "left by a program that was interrupted"),
];

/// Returns who makes files of this name; none when that is not known. `name` may be a path inside of a session.
pub fn maker(name: &str) -> Option<&'static str> {
    let last = name.rsplit('/').next().unwrap_or(name);
    let fits = |pattern: &str| match (pattern.strip_suffix('*'), pattern.strip_prefix('*')) {
        (Some(begin), _) => last.starts_with(begin),
        (None, Some(end)) => last.len() > end.len() && last.ends_with(end),
        (None, None) => last.eq_ignore_ascii_case(pattern),
    };
    KNOWN.iter().find(|(pattern, _)| fits(pattern)).map(|(_, maker)| *maker)
}

/// Returns what lies in the folder of a sealed session and is not of it, by path inside of it; empty when the seal cannot be read.
pub fn below(dir: &Path) -> Vec<String> {
    let (Ok(listing), Ok(entries)) = (seal::list_files(dir), seal::read_integrity(dir)) else { return Vec::new() };
    let is_sealed = |name: &str| entries.iter().any(|entry| entry.name == name) || layout::is_beside(name);
    let foreign = listing.foreign.iter().filter_map(|path| Some(path.strip_prefix(dir).ok()?.display().to_string()));
    let mut strays: Vec<String> = listing.files.into_iter().filter(|name| !is_sealed(name)).collect();
    strays.extend(foreign);
    strays.extend(listing.empty);
    strays.sort_unstable();
    strays
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strays_are_known_by_their_names_and_sessions_have_none() {
        for name in [".DS_Store", "debug/.DS_Store", "thumbs.db", "._frames.mp4", ".nfs0000000000a1", "metadata.json~"]
        {
            assert!(maker(name).is_some(), "{name}");
        }
        for name in [layout::FRAMES_FILE, layout::EVENTS_FILE, layout::METADATA_FILE, "notes.txt", "~", "part"] {
            assert_eq!(maker(name), None, "{name}");
        }
    }

    #[test]
    fn what_is_not_in_the_seal_is_a_stray() {
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::write(dir.path().join("metadata.json"), "{}").expect("a file");
        seal::seal(dir.path(), &[], &mut |_| {}).expect("a seal");
        std::fs::write(dir.path().join("review.jsonl"), "").expect("a file");
        assert_eq!(below(dir.path()), Vec::<String>::new());
        std::fs::write(dir.path().join(".DS_Store"), "x").expect("a file");
        std::fs::write(dir.path().join("a b"), "x").expect("a file");
        assert_eq!(below(dir.path()), [".DS_Store", "a b"]);
    }
}
