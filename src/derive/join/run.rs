//! The steps from the parts of a series to one session: each part is compared with its seal, then the table, the video and the sound are made,
//! and what was made is sealed, read back, and only then given its name.
//!
//! Keeps the invariants that parts are only read, that nothing is encoded, and that no time moves. A part is opened when its turn comes, so that
//! a day of them takes no more memory and no more open files than one.

use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::error::JoinError;
use super::metadata::{self, Made};
use super::rows::Rows;
use super::{sound, video};
use crate::base::id::SessionId;
use crate::base::io_error::IoError;
use crate::base::progress::Step;
use crate::derive::import::consent;
use crate::session::draft::Draft;
use crate::session::layout;
use crate::session::measured::Pictures;
use crate::session::sealed::SealedSession;
use crate::session::series::{self, Part, SeriesError};
use crate::session::stills;
use crate::session::table::write::TableWriter;
use crate::session::work::Purpose;

/// Progress callback; the answer is whether to go on.
pub type Progress<'a> = &'a mut dyn FnMut(Step) -> bool;

/// What was made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Done {
    /// Its id.
    pub session_id: String,
    /// First and last part in it, from 1.
    pub parts: (u64, u64),
    /// They are all parts of the recording.
    pub is_whole: bool,
    /// Rows in it.
    pub rows: u64,
    /// Frames in it.
    pub frames: u64,
    /// Packets of sound in it; `None` without sound.
    pub sound_packets: Option<u64>,
    /// From its first to its last instant, nanoseconds.
    pub duration_ns: i64,
}

/// Makes a session of the parts in these folders, in whatever order, in the folder `out`, which must not exist.
///
/// # Errors
/// [`JoinError`]; nothing is left then.
pub fn join(dirs: &[impl AsRef<Path>], out: &Path, progress: Progress<'_>) -> Result<Done, JoinError> {
    // Without a slash at its end, behind which the folder that is worked in would lie.
    let out = out.components().as_path();
    let parts = dirs.iter().map(|dir| Part::read(dir.as_ref())).collect::<Result<Vec<_>, SeriesError>>()?;
    let parts = series::in_order(parts)?;
    if layout::enclosing(out).is_some() {
        return Err(JoinError::Inside { path: out.to_path_buf() });
    }
    if out.symlink_metadata().is_ok() {
        return Err(IoError::at("create", out)(std::io::ErrorKind::AlreadyExists.into()).into());
    }
    check(&parts, progress)?;
    let session_id = id_of(&parts);
    let purpose = Purpose { verb: "join", of: &session_id, files: &[], replaces: false };
    let draft = Draft::begin(&layout::temp_path(out), purpose)?;

    let of =
        parts.iter().flat_map(|part| part.metadata.counts.values()).fold(0_u64, |sum, rows| sum.saturating_add(*rows));
    let mut rows =
        Rows::new(TableWriter::create(&layout::events_path(draft.dir()), &session_id, &[])?, &session_id, of);
    let mut times = Vec::with_capacity(parts.len());
    for part in &parts {
        times.push(rows.take(part, open(part)?.reader(), progress)?);
    }
    let (table, measured) = rows.finish()?;
    let pictures: Pictures = video::copy(&parts, &times, &layout::frames_path(draft.dir()), progress)?;
    let mut sounds = Vec::new();
    for file in [layout::AUDIO_FILE, layout::MICROPHONE_FILE] {
        let joined = sound::copy(&parts, file, &draft.dir().join(file))?;
        sounds.extend(joined.map(|joined| (file, joined)));
    }
    let packets = sounds.iter().map(|(_, joined)| joined.told.packets);
    let sound_packets = (!sounds.is_empty()).then(|| packets.sum());
    let (rows, frames) = (table.rows, times.iter().map(|times| times.len() as u64).sum());
    let made = Made { session_id: &session_id, table, measured, pictures, sounds };
    let metadata = metadata::join(&parts, made).ok_or(SeriesError::None)?;
    let mut wanted = true;
    let checked = draft.seal(&metadata)?.check(false, &mut |at| wanted &= progress(at));
    if !wanted {
        return Err(JoinError::Cancelled);
    }
    checked?.publish(out)?;
    Ok(Done {
        session_id,
        parts: (parts.first().map_or(0, Part::index), parts.last().map_or(0, Part::index)),
        is_whole: series::is_whole(&parts),
        rows,
        frames,
        sound_packets,
        duration_ns: metadata.duration_ns,
    })
}

/// Opens a part, which must be what it was when it was put into its order.
fn open(part: &Part) -> Result<SealedSession, JoinError> {
    let session = SealedSession::open(&part.dir)?;
    if session.identity() == part.identity {
        Ok(session)
    } else {
        Err(JoinError::Mismatch { path: part.dir.clone(), what: "it was replaced meanwhile" })
    }
}

/// Refuses a part that is not what was sealed, or whose consent does not cover what it holds.
fn check(parts: &[Part], progress: Progress<'_>) -> Result<(), JoinError> {
    let first = parts.first().ok_or(SeriesError::None)?;
    for part in parts {
        let other = |what| JoinError::Other { path: part.dir.clone(), first: first.dir.clone(), what };
        let session = open(part)?;
        session.check_consent(session.holds(), None, consent::hint)?;
        let agreed = |part: &Part| {
            let consent = &part.metadata.consent;
            (consent.record_screen, consent.record_input, consent.record_audio)
        };
        if agreed(part) != agreed(first) {
            return Err(other("another consent"));
        }
        if part.metadata.clock.id != first.metadata.clock.id {
            return Err(other("another clock"));
        }
        if stills::told(&part.metadata) != stills::Told::Nothing {
            let what = "it has PNG pictures, which a part of a recording never has";
            return Err(JoinError::Mismatch { path: part.dir.clone(), what });
        }
        let mut wanted = true;
        let verified = session.verify(&mut |at| wanted &= progress(at));
        if !wanted {
            return Err(JoinError::Cancelled);
        }
        verified?;
    }
    Ok(())
}

/// The id of the session of these parts: of the time at which the first begins, and of what all of them are. The same parts give the same, so
/// that what is made is a function of them.
pub fn id_of(parts: &[Part]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.identity.to_string().as_bytes());
    }
    let digest: [u8; 32] = hash.finalize().into();
    let begin = parts.first().and_then(|part| part.metadata.captured_at.parse::<jiff::Timestamp>().ok());
    let ms = begin.and_then(|at| u64::try_from(at.as_millisecond()).ok()).unwrap_or(0);
    let random = digest.first_chunk().unwrap_or(&[0; 10]);
    SessionId(uuid::Builder::from_unix_timestamp_millis(ms, random).into_uuid()).to_string()
}
