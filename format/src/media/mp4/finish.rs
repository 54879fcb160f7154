//! Turns the video of a log into the video of a session, in place: cut behind the last access unit, make the last box's
//! length true, put the index behind it.
//!
//! Invariant: the finished bytes are a function of the access units, the box size, the end and the index, never of how far
//! an earlier try got, so it may be killed at any instruction and run again. It copies no video. It does not build the
//! index (`finalize::moov`) and does not move the file.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::base::file_at::{read_exact_at, write_all_at};
use crate::base::files::open_regular;
use crate::media::mp4::append::{BOX_HEADER, BOX_SIZE, BoxLayout, FIRST_BOX, FTYP, HashCheckpoint, VideoError, header};

/// Most boxes of a video: 8 TiB in boxes of 64 MiB. Bounds the time that a file made of tiny boxes costs.
const MAX_BOXES: u64 = 1 << 17;

/// Bytes read at a time for comparing and hashing: large enough that the calls do not count, small beside every bound.
const PIECE: usize = 1 << 20;

/// What finishing will leave in the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FinishPlan {
    layout: BoxLayout,
    last_box: u64,
    data_end: u64,
    len: u64,
}

impl FinishPlan {
    /// For access units that end at `data_end` (with none at all, `FIRST_BOX + BOX_HEADER`) and an index of `moov_len` bytes.
    ///
    /// # Errors
    /// When no access unit can end at `data_end`.
    pub fn new(layout: BoxLayout, data_end: u64, moov_len: u64) -> Result<Self, VideoError> {
        let refused = VideoError::DataEnd { data_end, box_size: layout.box_size() };
        let last_box = layout.last_box(data_end).ok_or_else(|| refused.clone())?;
        let len = data_end.checked_add(moov_len).ok_or(refused)?;
        Ok(Self { layout, last_box, data_end, len })
    }

    /// Where the last box starts: the bytes before it are those of the closed boxes.
    pub fn last_box_start(&self) -> u64 {
        self.layout.start(self.last_box)
    }

    /// Every byte range outside of the access units and the index, as it must be: box headers, with where they stand.
    fn headers(&self) -> impl Iterator<Item = (u64, [u8; 8])> + '_ {
        let closed = (0..self.last_box).map(|index| (self.layout.start(index), self.layout.declared_header()));
        closed.chain(std::iter::once((self.last_box_start(), header(self.data_end - self.last_box_start()))))
    }
}

/// A finished video file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Finished {
    /// Where the last box starts: a [`HashCheckpoint`] up to here holds for the finished file.
    pub last_box_start: u64,
    /// Where the index starts.
    pub data_end: u64,
    /// Bytes of the file.
    pub len: u64,
}

/// Finishes the video at `path`, whose access units end at `data_end`, with the index `moov`. What lies behind `data_end`
/// is cut. The file is synced when this returns. May be run again after any interruption, and on a finished file.
///
/// # Errors
/// When the file is shorter than `data_end`, no access unit can end there, or the system fails.
pub fn finish(path: &Path, layout: BoxLayout, data_end: u64, moov: &[u8]) -> Result<Finished, VideoError> {
    let plan = FinishPlan::new(layout, data_end, moov.len() as u64)?;
    let file = crate::base::files::own(path)
        .map_err(|source| VideoError::Open { path: path.to_owned(), source: Arc::new(source) })?;
    let settle = |action| move |source| VideoError::Settle { path: path.to_owned(), action, source: Arc::new(source) };
    let found = file.metadata().map_err(settle("ask the length of"))?.len();
    if found < data_end {
        return Err(VideoError::Short { path: path.to_owned(), found, data_end });
    }
    if found != plan.len || !holds(path, &file, data_end, moov)? {
        file.set_len(data_end).map_err(settle("cut"))?;
    }
    // A header that a crash or a bad sector left wrong is put right as well: its bytes are known.
    put(path, &file, 0, &FTYP)?;
    for (offset, bytes) in plan.headers() {
        put(path, &file, offset, &bytes)?;
    }
    put(path, &file, data_end, moov)?;
    file.sync_all().map_err(settle("sync"))?;
    Ok(Finished { last_box_start: plan.last_box_start(), data_end, len: plan.len })
}

/// Writes `bytes` at `offset` unless they stand there already.
fn put(path: &Path, file: &File, offset: u64, bytes: &[u8]) -> Result<(), VideoError> {
    if holds(path, file, offset, bytes)? {
        return Ok(());
    }
    write_all_at(file, bytes, offset).map_err(|source| VideoError::Write {
        path: path.to_owned(),
        offset,
        len: bytes.len() as u64,
        source: Arc::new(source),
    })
}

/// Whether `bytes` stand at `offset`.
fn holds(path: &Path, file: &File, offset: u64, bytes: &[u8]) -> Result<bool, VideoError> {
    let mut piece = vec![0; bytes.len().min(PIECE)];
    let mut at = offset;
    for wanted in bytes.chunks(PIECE) {
        let found = &mut piece[..wanted.len()];
        match read_exact_at(file, found, at) {
            Ok(()) if found == wanted => at += wanted.len() as u64,
            Ok(()) => return Ok(false),
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(false),
            Err(source) => {
                return Err(VideoError::Read { path: path.to_owned(), offset: at, source: Arc::new(source) });
            }
        }
    }
    Ok(true)
}

/// The box size of a video that says nothing about it elsewhere: what its first box declares. A finished video of one box
/// declares that box's true length, which finishes to the same bytes; when the first header is damaged, [`BOX_SIZE`].
///
/// # Errors
/// When the file cannot be read.
pub fn detect_layout(path: &Path) -> Result<BoxLayout, VideoError> {
    let file =
        open_regular(path).map_err(|source| VideoError::Open { path: path.to_owned(), source: Arc::new(source) })?;
    let mut bytes = [0; BOX_HEADER as usize];
    match read_exact_at(&file, &mut bytes, FIRST_BOX) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return BoxLayout::new(BOX_SIZE),
        Err(source) => {
            return Err(VideoError::Read { path: path.to_owned(), offset: FIRST_BOX, source: Arc::new(source) });
        }
    }
    let declared = u64::from(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]));
    if &bytes[4..] == b"mdat"
        && let Ok(layout) = BoxLayout::new(declared)
    {
        return Ok(layout);
    }
    BoxLayout::new(BOX_SIZE)
}

/// Where the contents of the last box end: the file's length, or, when an earlier try has patched the last box already, where that
/// box says it ends; an index, or a part of one, may stand behind it. So the answer is the same whenever finishing is begun anew.
///
/// # Errors
/// When the file cannot be read.
pub fn data_len(path: &Path, layout: BoxLayout) -> Result<u64, VideoError> {
    let read = |offset| move |source| VideoError::Read { path: path.to_owned(), offset, source: Arc::new(source) };
    let file =
        open_regular(path).map_err(|source| VideoError::Open { path: path.to_owned(), source: Arc::new(source) })?;
    let len = file.metadata().map_err(read(0))?.len();
    let head_at = |at: u64| {
        let mut head = [0; BOX_HEADER as usize];
        read_exact_at(&file, &mut head, at).map(|()| head).map_err(read(at))
    };
    if len / layout.box_size() > MAX_BOXES {
        return Err(VideoError::BoxSize { found: layout.box_size() });
    }
    for range in layout.contents(len) {
        let start = range.start - BOX_HEADER;
        let head = head_at(start)?;
        // Any other length that is not the declared one is damage, and boxes lie where arithmetic says.
        let said = u64::from(u32::from_be_bytes([head[0], head[1], head[2], head[3]]));
        let end = start + said;
        if &head[4..] != b"mdat" || said < BOX_HEADER || said > layout.box_size() || end > len {
            continue;
        }
        // The true length of a finished video's only box was taken for the size of all boxes, or the last box is full.
        let ends = said < layout.box_size() || end + BOX_HEADER > len || {
            let behind = head_at(end)?;
            &behind[4..] == b"moov" || (behind == [0; 8] && layout.box_size() != BOX_SIZE)
        };
        if ends {
            return Ok(end);
        }
    }
    Ok(len)
}

/// SHA-256 of a finished file, read from the checkpoint on. A checkpoint that is damaged, or lies behind the start of the
/// last box (whose header finishing changed), is not used: then the whole file is read.
///
/// # Errors
/// When the file cannot be read.
pub fn sha256_of_file_from(
    path: &Path,
    checkpoint: Option<&HashCheckpoint>,
    finished: &Finished,
) -> Result<[u8; 32], VideoError> {
    let file =
        open_regular(path).map_err(|source| VideoError::Open { path: path.to_owned(), source: Arc::new(source) })?;
    let usable = checkpoint
        .filter(|checkpoint| checkpoint.offset <= finished.last_box_start)
        .and_then(|checkpoint| Some((checkpoint.resume()?, checkpoint.offset)));
    let (mut hash, mut at) = usable.unwrap_or_else(|| (Sha256::new(), 0));
    let mut piece = vec![0; PIECE];
    while at < finished.len {
        let now = &mut piece[..(finished.len - at).min(PIECE as u64) as usize];
        read_exact_at(&file, now, at).map_err(|source| VideoError::Read {
            path: path.to_owned(),
            offset: at,
            source: Arc::new(source),
        })?;
        hash.update(&*now);
        at += now.len() as u64;
    }
    Ok(hash.finalize().into())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::media::mp4::append::VideoWriter;

    const MOOV: &[u8] = b"\0\0\0\x18moov0123456789abcdef";

    /// A log's video of several boxes, with more bytes of a lost access unit behind the end than the index has; and the end.
    fn log_video(dir: &Path, units: usize) -> (PathBuf, BoxLayout, u64, HashCheckpoint) {
        let path = dir.join("frames.mp4");
        let mut writer = VideoWriter::create(&path, 512).unwrap();
        for index in 0..units {
            writer.append(&vec![index as u8 | 1; 150 + index]).unwrap();
        }
        let (end, closed) = (writer.len(), writer.closed_hash());
        write_all_at(&writer.sync_handle().unwrap(), &[0x55; 100], end).unwrap();
        (path, writer.layout(), end, closed)
    }

    fn top_level(bytes: &[u8]) -> Vec<(String, usize, usize)> {
        let (mut at, mut boxes) = (0, Vec::new());
        while at < bytes.len() {
            let size = u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
            boxes.push((String::from_utf8(bytes[at + 4..at + 8].to_vec()).unwrap(), at, size));
            at += size;
        }
        assert_eq!(at, bytes.len(), "the boxes do not tile the file");
        boxes
    }

    #[test]
    fn finishing_is_the_same_from_every_point_at_which_it_may_be_interrupted() {
        let dir = tempfile::tempdir().unwrap();
        let (path, layout, end, closed) = log_video(dir.path(), 9);
        let original = std::fs::read(&path).unwrap();
        let finished = finish(&path, layout, end, MOOV).unwrap();
        let wanted = std::fs::read(&path).unwrap();
        assert_eq!(wanted.len() as u64, finished.len);
        assert_eq!(&wanted[end as usize..], MOOV);
        let boxes = top_level(&wanted);
        assert!(boxes.len() > 4, "{boxes:?}");
        assert_eq!(boxes.last().map(|(kind, at, _)| (kind.as_str(), *at)), Some(("moov", end as usize)));
        assert_eq!(closed.offset, finished.last_box_start);

        let cut = original[..end as usize].to_vec();
        let mut patched = cut.clone();
        let last = finished.last_box_start as usize;
        patched[last..last + 8].copy_from_slice(&wanted[last..last + 8]);
        let mut states = vec![original, cut, patched.clone(), wanted.clone()];
        for part in [1, 8, MOOV.len() - 1] {
            states.push([&patched[..], &MOOV[..part]].concat());
        }
        // A length that grew before the bytes did, as after a power cut.
        states.push([&patched[..], &vec![0; MOOV.len()][..]].concat());
        let mut bad_header = wanted.clone();
        bad_header[32..40].copy_from_slice(b"damaged!");
        states.push(bad_header);
        for (number, state) in states.into_iter().enumerate() {
            std::fs::write(&path, state).unwrap();
            assert_eq!(finish(&path, layout, end, MOOV).unwrap(), finished);
            assert_eq!(std::fs::read(&path).unwrap(), wanted, "from state {number}");
        }
        assert_eq!(detect_layout(&path).unwrap(), layout);
    }

    #[test]
    fn the_end_of_the_data_is_the_same_from_every_point_of_an_earlier_try() {
        let dir = tempfile::tempdir().unwrap();
        for units in [2, 9] {
            let (path, layout, end, _) = log_video(dir.path(), units);
            File::options().write(true).open(&path).unwrap().set_len(end).unwrap();
            assert_eq!(data_len(&path, layout).unwrap(), end, "cut");
            finish(&path, layout, end, MOOV).unwrap();
            let wanted = std::fs::read(&path).unwrap();
            for part in [0, 1, 7, 8, MOOV.len()] {
                std::fs::write(&path, &wanted[..end as usize + part]).unwrap();
                assert_eq!(data_len(&path, detect_layout(&path).unwrap()).unwrap(), end, "{part} bytes of the index");
            }
            std::fs::write(&path, [&wanted[..end as usize], &[0; 24][..]].concat()).unwrap();
            assert_eq!(data_len(&path, detect_layout(&path).unwrap()).unwrap(), end, "an index of zeros");
        }
    }

    #[test]
    fn the_hash_goes_on_from_the_checkpoint_or_starts_anew() {
        let dir = tempfile::tempdir().unwrap();
        let (path, layout, end, closed) = log_video(dir.path(), 12);
        let finished = finish(&path, layout, end, MOOV).unwrap();
        let whole: [u8; 32] = Sha256::digest(std::fs::read(&path).unwrap()).into();
        assert_eq!(sha256_of_file_from(&path, Some(&closed), &finished).unwrap(), whole);
        assert_eq!(sha256_of_file_from(&path, None, &finished).unwrap(), whole);
        let mut bad = closed.clone();
        bad.state[40] = 200;
        assert_eq!(sha256_of_file_from(&path, Some(&bad), &finished).unwrap(), whole);

        // Proof that the bytes before the checkpoint are not read again: they may be anything.
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[100] ^= 0xff;
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(sha256_of_file_from(&path, Some(&closed), &finished).unwrap(), whole);

        // Cut back into an earlier box (references were lost): the checkpoint is too late and must not be used.
        let (path, layout, _, closed) = log_video(dir.path(), 12);
        let earlier = finish(&path, layout, FIRST_BOX + BOX_HEADER + 150, MOOV).unwrap();
        assert!(closed.offset > earlier.last_box_start);
        let whole: [u8; 32] = Sha256::digest(std::fs::read(&path).unwrap()).into();
        assert_eq!(sha256_of_file_from(&path, Some(&closed), &earlier).unwrap(), whole);
    }

    #[test]
    fn a_single_box_finishes_alike_with_the_detected_layout_and_empty_works() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("v");
        let mut writer = VideoWriter::create(&path, BOX_SIZE).unwrap();
        writer.append(&[7; 100]).unwrap();
        let layout = detect_layout(&path).unwrap();
        assert_eq!(layout.box_size(), BOX_SIZE);
        finish(&path, layout, writer.len(), MOOV).unwrap();
        let wanted = std::fs::read(&path).unwrap();
        finish(&path, detect_layout(&path).unwrap(), writer.len(), MOOV).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), wanted);
        assert_eq!(wanted.len(), 140 + MOOV.len());

        // Windows replaces nothing that is open.
        drop(writer);
        let writer = VideoWriter::create(&path, BOX_SIZE).unwrap();
        finish(&path, layout, writer.len(), MOOV).unwrap();
        assert_eq!(top_level(&std::fs::read(&path).unwrap())[1], ("mdat".into(), 32, 8));
    }

    #[test]
    fn impossible_ends_are_refused_and_change_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let (path, layout, end, _) = log_video(dir.path(), 4);
        let before = std::fs::read(&path).unwrap();
        assert!(matches!(finish(&path, layout, 33, MOOV), Err(VideoError::DataEnd { data_end: 33, .. })));
        assert!(matches!(finish(&path, layout, end + 1_000, MOOV), Err(VideoError::Short { .. })));
        assert!(matches!(
            finish(&path, layout, u64::MAX, MOOV),
            Err(VideoError::DataEnd { .. } | VideoError::Short { .. })
        ));
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }
}
