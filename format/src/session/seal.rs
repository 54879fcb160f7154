//! The seal of a session: publishing files, hashing them, writing and reading `integrity.sha256`.
//!
//! Invariant: a file appears under its final name only when its bytes are on the disk, and `integrity.sha256` appears
//! last, when every other file has. Does not look into any file it hashes.

use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::layout;
use crate::base::files::{Kind, open_regular};
use crate::base::io_error::IoError;

/// Bytes read at once when a file is hashed: large enough that a read costs nothing beside its hashing, small enough to
/// stay in the cache of a core.
const READ_BYTES: usize = 1 << 20;

/// The largest integrity file that is read: a burst of 100,000 PNGs at 100 bytes a line, with room.
pub const MAX_INTEGRITY_BYTES: u64 = 16 << 20;

/// The most files that a session may hold; beyond, its directory is not one of ours.
const MAX_FILES: usize = 200_000;

/// How deep directories lie in a session: `debug/` is one.
const MAX_DEPTH: usize = 4;

/// SHA-256 of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FileHash(pub [u8; 32]);

impl FileHash {
    /// From 64 lowercase hexadecimal digits, as `sha256sum` writes them.
    pub fn parse(hex: &str) -> Option<Self> {
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        };
        let (pairs, []) = hex.as_bytes().as_chunks::<2>() else { return None };
        if pairs.len() != 32 {
            return None;
        }
        let mut out = [0; 32];
        for (byte, [high, low]) in out.iter_mut().zip(pairs) {
            *byte = digit(*high)? << 4 | digit(*low)?;
        }
        Some(Self(out))
    }
}

impl std::fmt::Display for FileHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// One line of `integrity.sha256`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IntegrityEntry {
    /// Path inside the session, parts separated by `/`.
    pub name: String,
    /// What the file must hash to.
    pub hash: FileHash,
}

/// Why a session cannot be sealed or its seal not be read.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// A file or folder cannot be worked with.
    #[error(transparent)]
    Io(#[from] IoError),
    /// A line of the integrity file is not of its format.
    #[error("{} line {line}: {why}", path.display())]
    Line {
        /// The integrity file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The integrity file is larger than any that is written.
    #[error("{} has {size_bytes} bytes, more than {MAX_INTEGRITY_BYTES}", path.display())]
    TooBig {
        /// The integrity file.
        path: PathBuf,
        /// Its size.
        size_bytes: u64,
    },
    /// Something has the name under which a session is to be made, and was not made here for that.
    #[error("{} is in the way: it is not what an interrupted try left", path.display())]
    InTheWay {
        /// What.
        path: PathBuf,
    },
    /// Another process makes a session there.
    #[error("{} is being written by another process", path.display())]
    Busy {
        /// Where.
        path: PathBuf,
    },
    /// Something in the directory cannot be part of a session.
    #[error("{} cannot be part of a session: {why}", path.display())]
    Foreign {
        /// What.
        path: PathBuf,
        /// Why.
        why: &'static str,
    },
}

impl SealError {
    /// What the person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Io(error) if error.kind() == io::ErrorKind::StorageFull => {
                Some("free some disk space, then run `watchcap finalize` again".into())
            }
            Self::Line { .. } | Self::TooBig { .. } => {
                Some("the seal is damaged; take the session from a copy, no tool can vouch for this one".into())
            }
            Self::Busy { .. } => Some("wait until it is done".into()),
            Self::InTheWay { .. } => Some("move it away".into()),
            Self::Foreign { .. } => Some("move it out of the session's directory".into()),
            Self::Io(_) => None,
        }
    }
}

/// Brings a file under its final name: its bytes to the disk, then the name, then the directory to the disk. What had
/// the name before is replaced in one step.
///
/// # Errors
/// When one of the three fails. The rename is then either done or not; doing it all again is right in both cases when
/// the temporary file is still there.
pub fn publish(temp: &Path, target: &Path) -> Result<(), SealError> {
    Ok(crate::base::files::publish(temp, target).map_err(IoError::at("publish", temp))?)
}

/// Gives a finished session's directory its name, which must be free, and brings that name to the disk.
///
/// # Errors
/// When the name is taken, or the system refuses.
pub fn publish_dir(work: &Path, target: &Path) -> Result<(), SealError> {
    Ok(crate::base::files::rename_dir(work, target).map_err(IoError::at("publish as", target))?)
}

/// Exchanges the names of two directories beside each other, in one step where the system can.
///
/// # Errors
/// When the system refuses; without such a step (see [`crate::base::files::exchange`]) the first name may be free then.
pub fn swap_dirs(new: &Path, old: &Path) -> Result<(), SealError> {
    Ok(crate::base::files::exchange(new, old).map_err(IoError::at("exchange", old))?)
}

/// Brings the names in a directory to the disk. (Windows has no such call and does so by itself.)
///
/// # Errors
/// When the directory cannot be opened or synced.
pub fn sync_dir(dir: &Path) -> Result<(), SealError> {
    Ok(crate::base::files::sync_dir(dir).map_err(IoError::at("sync the directory", dir))?)
}

/// Writes a small file whole: privately, to its temporary name, and then publishes it.
///
/// # Errors
/// When it cannot be written or published.
pub fn publish_bytes(target: &Path, bytes: &[u8]) -> Result<(), SealError> {
    let temp = layout::temp_path(target);
    let mut file = crate::base::files::create_private_file(&temp).map_err(IoError::at("create", &temp))?;
    file.write_all(bytes).map_err(IoError::at("write", &temp))?;
    drop(file);
    publish(&temp, target)
}

/// SHA-256 of a file; `progress` is told the bytes read each time.
///
/// # Errors
/// When the file cannot be read.
pub fn hash_file(path: &Path, progress: &mut dyn FnMut(u64)) -> Result<FileHash, SealError> {
    let mut file = open_regular(path).map_err(IoError::at("open", path))?;
    let mut buffer = vec![0; READ_BYTES];
    let mut hasher = Sha256::new();
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(FileHash(hasher.finalize().into())),
            Ok(read) => {
                hasher.update(&buffer[..read]);
                progress(read as u64);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(IoError::at("read", path)(error).into()),
        }
    }
}

/// What lies in a session's directory: everything but the log, the seal, what lies beside it, and what is not published yet.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Listing {
    /// Regular files, as paths inside the session, sorted by their bytes.
    pub files: Vec<String>,
    /// What is neither a regular file nor a directory, or has a name no session uses: links, sockets, odd names.
    pub foreign: Vec<PathBuf>,
    /// Directories with nothing in them, as paths inside the session.
    pub empty: Vec<String>,
}

/// Lists a session's directory, without following any link.
///
/// # Errors
/// When a directory cannot be read, or holds more than a session can.
pub fn list_files(dir: &Path) -> Result<Listing, SealError> {
    let mut listing = Listing::default();
    list_into(dir, "", 0, &mut listing)?;
    listing.files.sort_unstable();
    listing.foreign.sort_unstable();
    listing.empty.sort_unstable();
    Ok(listing)
}

fn list_into(dir: &Path, prefix: &str, depth: usize, listing: &mut Listing) -> Result<(), SealError> {
    for (name, kind) in crate::base::files::list(dir).map_err(IoError::at("list", dir))? {
        let path = dir.join(&name);
        let Ok(name) = name.into_string() else {
            listing.foreign.push(path);
            continue;
        };
        let beside = layout::is_beside(&name);
        if depth == 0 && (name == layout::LOG_DIR && kind == Kind::Folder || beside && kind == Kind::File) {
            continue;
        }
        let inside = format!("{prefix}{name}");
        if listing.files.len() + listing.foreign.len() + listing.empty.len() >= MAX_FILES {
            return Err(SealError::Foreign { path: dir.to_owned(), why: "it holds more files than a session can" });
        }
        if name_fault(&inside).is_some() {
            listing.foreign.push(path);
        } else if kind == Kind::Folder && depth < MAX_DEPTH {
            let before = (listing.files.len(), listing.foreign.len(), listing.empty.len());
            list_into(&path, &format!("{inside}/"), depth + 1, listing)?;
            if before == (listing.files.len(), listing.foreign.len(), listing.empty.len()) {
                listing.empty.push(inside);
            }
        } else if kind == Kind::File {
            listing.files.push(inside);
        } else {
            listing.foreign.push(path);
        }
    }
    Ok(())
}

/// Checks that everything in the folder can be sealed.
///
/// # Errors
/// [`SealError::Foreign`] when there is something that is no regular file with a plain name.
pub fn check_names(dir: &Path) -> Result<Listing, SealError> {
    let mut listing = list_files(dir)?;
    match listing.foreign.pop() {
        Some(path) => Err(SealError::Foreign { path, why: "only regular files with plain names are" }),
        None => Ok(listing),
    }
}

/// Hashes every file of a session, writes `integrity.sha256` last of all, and with that the session is sealed.
/// `known` holds hashes that were made while writing (the video is not read again); a file that is not in it is read.
/// Temporary files that an earlier try left are removed first.
///
/// # Errors
/// When something in the directory cannot be part of a session, or a file cannot be read or written.
pub fn seal(dir: &Path, known: &[IntegrityEntry], progress: &mut dyn FnMut(u64)) -> Result<(), SealError> {
    let listing = check_names(dir)?;
    let mut text = String::new();
    let mut synced_dirs = Vec::new();
    for name in &listing.files {
        let path = dir.join(name);
        if name.ends_with(layout::TEMP_SUFFIX) {
            crate::base::files::remove_file(&path).map_err(IoError::at("remove", &path))?;
            continue;
        }
        let hash = match known.iter().find(|entry| entry.name == *name) {
            Some(entry) => entry.hash,
            None => hash_file(&path, progress)?,
        };
        text.push_str(&format_line(name, hash));
        // What lies deeper was not published one by one.
        if let Some((parent, _)) = name.rsplit_once('/') {
            crate::base::files::sync_file(&path).map_err(IoError::at("sync", &path))?;
            if synced_dirs.last().is_none_or(|last| last != parent) {
                synced_dirs.push(parent.to_owned());
            }
        }
    }
    for parent in synced_dirs {
        sync_dir(&dir.join(parent))?;
    }
    publish_bytes(&layout::integrity_path(dir), text.as_bytes())
}

/// Hashes files of a session, which must be named in the order of [`list_files`].
///
/// # Errors
/// When one cannot be read.
pub fn hash_all(dir: &Path, names: &[String], progress: &mut dyn FnMut(u64)) -> Result<Vec<IntegrityEntry>, SealError> {
    let one = |name: &String| {
        let hash = hash_file(&dir.join(name), progress)?;
        Ok(IntegrityEntry { name: name.clone(), hash })
    };
    names.iter().map(one).collect()
}

/// Returns the bytes of `integrity.sha256` for these files: what [`seal`] writes.
pub fn text_of(entries: &[IntegrityEntry]) -> String {
    entries.iter().map(|entry| format_line(&entry.name, entry.hash)).collect()
}

/// One line as `sha256sum` writes it in text mode: two spaces.
fn format_line(name: &str, hash: FileHash) -> String {
    format!("{hash}  {name}\n")
}

/// Reads the seal of a session.
///
/// # Errors
/// When it cannot be read, or says anything that [`seal`] does not write.
pub fn read_integrity(dir: &Path) -> Result<Vec<IntegrityEntry>, SealError> {
    let path = layout::integrity_path(dir);
    let file = open_regular(&path).map_err(IoError::at("open", &path))?;
    let size_bytes = file.metadata().map_err(IoError::at("look at", &path))?.len();
    if size_bytes > MAX_INTEGRITY_BYTES {
        return Err(SealError::TooBig { path, size_bytes });
    }
    let mut bytes = Vec::new();
    file.take(MAX_INTEGRITY_BYTES).read_to_end(&mut bytes).map_err(IoError::at("read", &path))?;
    parse_integrity(&bytes).map_err(|(line, why)| SealError::Line { path, line, why })
}

/// The entries of an integrity file.
///
/// # Errors
/// The number of the first bad line, from 1, and what is wrong with it.
pub fn parse_integrity(bytes: &[u8]) -> Result<Vec<IntegrityEntry>, (usize, &'static str)> {
    let mut entries: Vec<IntegrityEntry> = Vec::new();
    let text = std::str::from_utf8(bytes)
        .map_err(|error| (bytes[..error.valid_up_to()].split(|byte| *byte == b'\n').count(), "it is not UTF-8"))?;
    let Some(lines) = text.strip_suffix('\n') else {
        return Err((text.split('\n').count(), "the last line has no end"));
    };
    for (index, line) in lines.split('\n').enumerate() {
        let number = index + 1;
        if line.ends_with('\r') {
            return Err((number, "the line ends in CR LF, as no seal is written: the file was converted"));
        }
        if line.starts_with('\\') {
            return Err((number, "the name is escaped with a backslash, as no name of a session has to be"));
        }
        let Some((hex, name)) = line.split_at_checked(64).and_then(|(hex, rest)| Some((hex, rest.strip_prefix("  ")?)))
        else {
            return Err((number, "expected 64 digits, two spaces and a name"));
        };
        let Some(hash) = FileHash::parse(hex) else {
            return Err((number, "the hash is not 64 lowercase hexadecimal digits"));
        };
        if let Some(why) = name_fault(name) {
            return Err((number, why));
        }
        let beside = layout::is_beside(name);
        if beside || name.split('/').next() == Some(layout::LOG_DIR) {
            return Err((number, "the name is not one that is sealed"));
        }
        // Sorted, what is there twice stands one behind the other.
        match entries.last().map(|before| before.name.as_str().cmp(name)) {
            Some(std::cmp::Ordering::Equal) => return Err((number, "the name is there twice")),
            Some(std::cmp::Ordering::Greater) => return Err((number, "the names are not in the order of their bytes")),
            _ => {}
        }
        if entries.len() == MAX_FILES {
            return Err((number, "there are more files than a session can hold"));
        }
        entries.push(IntegrityEntry { name: name.to_owned(), hash });
    }
    Ok(entries)
}

/// What is wrong with a name as a path inside a session. Nothing that a shell, a terminal or `sha256sum` would take for
/// something else than a name gets through.
fn name_fault(name: &str) -> Option<&'static str> {
    if name.is_empty() || name.starts_with('/') {
        return Some("the name is empty or absolute");
    }
    if name.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Some("the name has an empty part, `.` or `..`");
    }
    if name.split('/').count() > MAX_DEPTH + 1 {
        return Some("the name lies deeper than a session does");
    }
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte)) {
        return Some("the name has a character other than letters, digits, `.`, `_`, `-` and `/`");
    }
    None
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn hash_of(bytes: &[u8]) -> FileHash {
        FileHash(Sha256::digest(bytes).into())
    }

    #[test]
    fn a_seal_names_every_file_and_reads_back() {
        let dir = tempfile::tempdir().expect("a directory");
        let dir = dir.path();
        publish_bytes(&layout::metadata_path(dir), b"{}").expect("a file");
        publish_bytes(&layout::frames_path(dir), b"video").expect("a file");
        fs::create_dir(layout::debug_dir(dir)).expect("a directory");
        fs::write(layout::debug_dir(dir).join("frame_0000000001.png"), b"png").expect("a file");
        fs::write(dir.join("events.parquet.tmp"), b"left behind").expect("a file");
        crate::base::files::create_private_dir(&layout::log_dir(dir)).expect("a directory");
        fs::write(layout::log_dir(dir).join("x"), b"log").expect("a file");
        fs::write(layout::review_path(dir), b"a review").expect("a file");
        let known = [IntegrityEntry { name: "frames.mp4".into(), hash: hash_of(b"video") }];
        let mut read = 0;
        seal(dir, &known, &mut |bytes| read += bytes).expect("a seal");
        assert_eq!(read, 5, "the metadata and the picture are read, the video is not");
        let entries = read_integrity(dir).expect("a seal");
        let names: Vec<_> = entries.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(names, ["debug/frame_0000000001.png", "frames.mp4", "metadata.json"]);
        assert_eq!(entries[2].hash, hash_of(b"{}"));
        assert_eq!(list_files(dir).expect("a listing").files, names);
        let text = fs::read_to_string(layout::integrity_path(dir)).expect("a seal");
        assert!(text.ends_with(&format!("{}  metadata.json\n", hash_of(b"{}"))), "{text}");
        // Sealing again changes nothing.
        seal(dir, &[], &mut |_| {}).expect("a seal");
        assert_eq!(fs::read_to_string(layout::integrity_path(dir)).expect("a seal"), text);
    }

    #[test]
    fn a_seal_that_says_anything_else_is_refused() {
        let hash = hash_of(b"");
        let upper = hash.to_string().to_uppercase();
        let line = |name: &str| format!("{hash}  {name}\n");
        for (text, number) in [
            (line("/etc/passwd"), 1),
            (line("../x"), 1),
            (line("a/../../x"), 1),
            (line("a//b"), 1),
            (line("./a"), 1),
            (line(""), 1),
            (line("a\u{1b}[2J"), 1),
            (line("a\\b"), 1),
            (line("integrity.sha256"), 1),
            (line("log/events"), 1),
            (line("review.jsonl"), 1),
            (line("a") + &line("a"), 2),
            (line("b") + &line("a"), 2),
            (line("a") + "\n", 2),
            (line("a") + "x", 2),
            (format!("{hash} *a\n"), 1),
            (format!("{hash}  a"), 1),
            (format!("{upper}  a\n"), 1),
            (format!("{}  a\n", &upper[1..]), 1),
            (String::new(), 1),
            ("é".repeat(40) + "  a\n", 1),
        ] {
            let fault = parse_integrity(text.as_bytes()).expect_err(&text);
            assert_eq!(fault.0, number, "{text:?}: {}", fault.1);
        }
        let good = line("a") + &line("b");
        assert_eq!(parse_integrity(good.as_bytes()).expect("a seal").len(), 2);
        assert_eq!(parse_integrity(b"a\n\xff\n"), Err((2, "it is not UTF-8")));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_not_sealed() {
        let dir = tempfile::tempdir().expect("a directory");
        std::os::unix::fs::symlink("/etc/passwd", dir.path().join("frames.mp4")).expect("a link");
        assert!(matches!(seal(dir.path(), &[], &mut |_| {}), Err(SealError::Foreign { .. })));
        assert_eq!(layout::state_of(dir.path()), layout::DirState::Nothing);
    }
}
