//! The files of a session: every name once.
//!
//! Does not read or write the content of any file; they are made private by [`crate::base::files`].

use std::io;
use std::path::{Path, PathBuf};

use crate::base::files;
use crate::base::id::FrameRef;
use crate::base::time::UtcNs;
use crate::media::track;

/// The video.
pub const FRAMES_FILE: &str = track::PICTURES_FILE;
/// The table of events.
pub const EVENTS_FILE: &str = "events.parquet";
/// The sound; present only when it was asked for and agreed to.
pub const AUDIO_FILE: &str = track::SOUND_FILE;
/// The microphone, where it was recorded beside the system's sound.
pub const MICROPHONE_FILE: &str = track::MICROPHONE_FILE;
/// What was captured, how, by whom agreed, and what was lost.
pub const METADATA_FILE: &str = "metadata.json";
/// SHA-256 of every other file; its presence means "sealed".
pub const INTEGRITY_FILE: &str = "integrity.sha256";
/// An SSH signature over the seal: beside what is sealed, never part of it.
pub const SIGNATURE_FILE: &str = "integrity.sha256.sig";
/// What people said of the session: beside what is sealed, never part of it.
pub const REVIEW_FILE: &str = "review.jsonl";
/// What people say that the session is of: beside what is sealed, never part of it.
pub const ANNOTATIONS_FILE: &str = "annotations.jsonl";
/// The log of a recording that is not finalized, or whose finalization did not come to its end.
pub const LOG_DIR: &str = "log";
/// The database of the log, inside [`LOG_DIR`].
pub const LOG_EVENTS_DIR: &str = "events";
/// PNG pictures of single frames; present only when a burst was asked for.
pub const DEBUG_DIR: &str = "debug";
/// Says what a folder was begun for, while a session is made in it of another one; gone when it is done. No seal covers it.
pub const MARK_FILE: &str = "begun.tmp";
/// Ends the name of a file that is being written and is not published yet.
pub const TEMP_SUFFIX: &str = ".tmp";
/// Begins the name of a session's directory.
pub const SESSION_PREFIX: &str = "session_";

/// What whoever named something that is no folder can do.
pub const FOLDER_HINT: &str = "give the folder that `watchcap record` printed (session_YYYYMMDD_HHMMSS)";

/// What whoever named a folder that is no sealed session can do; `log` says that a log is in it.
pub fn not_sealed_hint(path: &Path, log: bool) -> String {
    if log {
        format!("seal it first with: watchcap finalize {}", crate::base::shown::shell(path))
    } else {
        "`watchcap info` lists the sessions in the folders below one".into()
    }
}

/// How many names are tried when sessions begin in the same second: more than one a millisecond is no accident.
const MAX_NAME_TRIES: u32 = 1000;

/// What a directory holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DirState {
    /// A sealed session: `integrity.sha256` is there. (A log that is still there was not tidied up yet.)
    Sealed,
    /// A log without a seal: being recorded, left by a crash, or waiting to be finalized.
    Log,
    /// Neither.
    Nothing,
}

/// What `dir` holds, by the names in it; nothing is opened.
pub fn state_of(dir: &Path) -> DirState {
    if files::look(&integrity_path(dir)).is_ok_and(|found| found.is_file()) {
        DirState::Sealed
    } else if files::look(&log_dir(dir)).is_ok_and(|found| found.is_dir()) {
        DirState::Log
    } else {
        DirState::Nothing
    }
}

/// The session or log that `path` (which need not exist) lies in, if it does: a file that is made there would break its seal.
pub fn enclosing(path: &Path) -> Option<PathBuf> {
    let here = |part: &Path| if part.as_os_str().is_empty() { PathBuf::from(".") } else { part.to_owned() };
    let there = path.ancestors().find_map(|part| here(part).canonicalize().ok())?;
    // A folder that happens to hold one named `log` is no recording.
    let holds = |part: &&Path| state_of(part) == DirState::Sealed || log_events_dir(part).is_dir();
    there.ancestors().find(holds).map(Path::to_owned)
}

/// `frames.mp4` of a session.
pub fn frames_path(dir: &Path) -> PathBuf {
    dir.join(FRAMES_FILE)
}

/// `events.parquet` of a session.
pub fn events_path(dir: &Path) -> PathBuf {
    dir.join(EVENTS_FILE)
}

/// `audio.mp4` of a session.
pub fn audio_path(dir: &Path) -> PathBuf {
    dir.join(AUDIO_FILE)
}

/// `metadata.json` of a session.
pub fn metadata_path(dir: &Path) -> PathBuf {
    dir.join(METADATA_FILE)
}

/// `integrity.sha256` of a session.
pub fn integrity_path(dir: &Path) -> PathBuf {
    dir.join(INTEGRITY_FILE)
}

/// `review.jsonl` beside a session's sealed files, or beside a log.
pub fn review_path(dir: &Path) -> PathBuf {
    dir.join(REVIEW_FILE)
}

/// `annotations.jsonl` beside a session's sealed files.
pub fn annotations_path(dir: &Path) -> PathBuf {
    dir.join(ANNOTATIONS_FILE)
}

/// `integrity.sha256.sig` beside the seal.
pub fn signature_path(dir: &Path) -> PathBuf {
    dir.join(SIGNATURE_FILE)
}

/// Whether a file of this name in a session's folder lies beside what is sealed.
pub fn is_beside(name: &str) -> bool {
    [INTEGRITY_FILE, SIGNATURE_FILE, REVIEW_FILE, ANNOTATIONS_FILE, MARK_FILE].contains(&name)
}

/// The directory of the log.
pub fn log_dir(dir: &Path) -> PathBuf {
    dir.join(LOG_DIR)
}

/// The database of the log.
pub fn log_events_dir(dir: &Path) -> PathBuf {
    dir.join(LOG_DIR).join(LOG_EVENTS_DIR)
}

/// The video while it is being recorded.
pub fn log_frames_path(dir: &Path) -> PathBuf {
    dir.join(LOG_DIR).join(FRAMES_FILE)
}

/// The sound while it is being recorded.
pub fn log_audio_path(dir: &Path) -> PathBuf {
    dir.join(LOG_DIR).join(AUDIO_FILE)
}

/// The directory of PNG pictures.
pub fn debug_dir(dir: &Path) -> PathBuf {
    dir.join(DEBUG_DIR)
}

/// The name of the PNG of one frame inside [`DEBUG_DIR`]: ten digits, so that names sort like frames for 5 years at 60 fps.
pub fn debug_frame_name(frame: FrameRef) -> String {
    format!("frame_{:010}.png", frame.0)
}

/// The frame that a file of [`DEBUG_DIR`] is of; none when its name is another.
pub fn debug_frame_of(name: &str) -> Option<FrameRef> {
    let digits = name.strip_prefix("frame_")?.strip_suffix(".png")?;
    let frame = FrameRef(digits.parse().ok()?);
    (debug_frame_name(frame) == name).then_some(frame)
}

/// The name under which `path` is written until it is published.
pub fn temp_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(TEMP_SUFFIX);
    PathBuf::from(name)
}

/// `session_YYYYMMDD_HHMMSS` of a moment, UTC.
pub fn session_name(begun: UtcNs) -> String {
    // Years 1677 to 2262 are what an i64 of nanoseconds can say; all of them are in jiff's range.
    let stamp = jiff::Timestamp::from_nanosecond(i128::from(begun.0)).unwrap_or_default();
    format!("{SESSION_PREFIX}{}", stamp.strftime("%Y%m%d_%H%M%S"))
}

/// Returns the directory of a part, from 1, of a recording that is split: `NAME-part0001`.
pub fn part_path(base: &Path, index: u64) -> PathBuf {
    let mut name = base.file_name().unwrap_or_default().to_os_string();
    name.push(format!("-part{index:04}"));
    base.with_file_name(name)
}

/// Creates the directory of a new session, pinned, and says which it became: when the name is taken and need not be `exact`, `_2`, `_3`, … is
/// appended, so that two recordings that begin in one second never share a directory.
///
/// # Errors
/// When the directory cannot be created, or the name, or a thousand of them, is taken.
pub fn create_session_dir(wanted: &Path, exact: bool) -> io::Result<(PathBuf, files::Pin)> {
    let tries = if exact { 1 } else { MAX_NAME_TRIES };
    for number in 1..=tries {
        let mut path = wanted.to_path_buf();
        if number > 1 {
            let mut name = wanted.file_name().unwrap_or_default().to_os_string();
            name.push(format!("_{number}"));
            path.set_file_name(name);
        }
        match files::make_pinned_dir(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < tries => {}
            made => return Ok((path, made?)),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_of_one_second_get_their_own_directories() {
        let parent = tempfile::tempdir().expect("a directory");
        let begun = UtcNs(1_700_000_000_999_999_999);
        let wanted = parent.path().join(session_name(begun));
        let made: Vec<_> = (0..3)
            .map(|_| create_session_dir(&wanted, false).expect("a session"))
            .map(|(path, _)| path.file_name().expect("a name").to_string_lossy().into_owned())
            .collect();
        assert_eq!(made, ["session_20231114_221320", "session_20231114_221320_2", "session_20231114_221320_3"]);
        let taken = create_session_dir(&wanted, true).expect_err("the name is taken");
        assert_eq!(taken.kind(), io::ErrorKind::AlreadyExists);
    }

    #[test]
    fn state_follows_the_seal_and_then_the_log() {
        let parent = tempfile::tempdir().expect("a directory");
        let (dir, _pin) = create_session_dir(&parent.path().join("session"), true).expect("a session");
        assert_eq!(state_of(&dir), DirState::Nothing);
        files::create_private_dir(&log_dir(&dir)).expect("a log");
        assert_eq!(state_of(&dir), DirState::Log);
        files::create_private_file(&integrity_path(&dir)).expect("a seal");
        assert_eq!(state_of(&dir), DirState::Sealed);
        let real = dir.canonicalize().expect("a folder");
        assert_eq!(enclosing(&dir.join("not/there")), Some(real.clone()));
        assert_eq!((enclosing(&dir), enclosing(parent.path())), (Some(real), None));
        assert_eq!(state_of(&dir.join("missing")), DirState::Nothing);
    }

    #[cfg(unix)]
    #[test]
    fn what_is_made_is_private_even_where_it_was_not() {
        use std::fs;
        use std::os::unix::fs::PermissionsExt as _;

        let parent = tempfile::tempdir().expect("a directory");
        let (dir, _pin) = create_session_dir(&parent.path().join("session"), true).expect("a session");
        let file = metadata_path(&dir);
        fs::write(&file, "old").expect("a file");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("a mode");
        files::create_private_file(&file).expect("a file");
        let mode = |path: &Path| fs::metadata(path).expect("metadata").permissions().mode() & 0o777;
        assert_eq!((mode(&dir), mode(&file)), (0o700, 0o600));
        assert_eq!(fs::read(&file).expect("a file"), b"");
    }

    #[test]
    fn names_are_derived() {
        assert_eq!(debug_frame_name(FrameRef(42)), "frame_0000000042.png");
        for frame in [FrameRef(0), FrameRef(42), FrameRef(12_345_678_901)] {
            assert_eq!(debug_frame_of(&debug_frame_name(frame)), Some(frame));
        }
        for other in ["frame_42.png", "frame_+000000042.png", "frame_0000000042.png.tmp", "frame_00000000042.png", ""] {
            assert_eq!(debug_frame_of(other), None, "{other}");
        }
        assert_eq!(temp_path(Path::new("a/frames.mp4")), Path::new("a/frames.mp4.tmp"));
    }
}
