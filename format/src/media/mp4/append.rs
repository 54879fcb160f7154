//! The video of a log: `log/frames.mp4`, written once, in its final place in the file.
//!
//! ```text
//! ftyp (32 bytes) | mdat, box_size bytes | mdat, box_size bytes | … | mdat, declared box_size, still filling
//! ```
//! Box k starts at `32 + k * box_size`, whatever it holds. Invariants: an access unit never straddles two boxes; what a
//! closed box has left over is zero; so every declared size is true, apart from the last box's, which
//! [`crate::media::mp4::finish`] patches. This file appends; it syncs nothing by itself ([`VideoWriter::sync_handle`]) and keeps
//! no index (that is the frame references' work in the log).

use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::digest::common::hazmat::SerializableState;
use sha2::{Digest, Sha256};

use crate::base::file_at::write_all_at;

/// What a video file starts with.
pub const FTYP: [u8; 32] = *b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41";

/// Where the first box starts.
pub const FIRST_BOX: u64 = FTYP.len() as u64;

/// Bytes of a box, header included: about a minute of 1080p at 8 Mbit/s. It bounds what a clean stop has left to hash
/// (0.2–0.4 s without SHA instructions) and, at 64 MiB, costs 8 bytes of header and at most one access unit of filler.
pub const BOX_SIZE: u64 = 64 << 20;

/// Smallest box: its header and one tiny access unit. Only tests come near.
pub const MIN_BOX_SIZE: u64 = 64;

/// Largest box: its size is a 32-bit field, and salvage holds one box in memory (256 MiB is the bound of every reader).
pub const MAX_BOX_SIZE: u64 = 256 << 20;

/// Length and type: what a box has before its contents.
pub const BOX_HEADER: u64 = 8;

/// Bytes of a serialised SHA-256 state: eight words, the block count, how many bytes wait, and room for a block less one.
pub const HASH_STATE_LEN: usize = 32 + 8 + 64;

/// Why the video of a log cannot be written, finished or scanned. Cheap to clone: a poisoned writer repeats its first one.
#[derive(Clone, Debug, thiserror::Error)]
pub enum VideoError {
    /// The file cannot be made or opened.
    #[error("cannot open {}: {source}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: Arc<io::Error>,
    },
    /// Bytes did not reach the file.
    #[error("cannot write {len} bytes at {offset} of {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Where.
        offset: u64,
        /// How many.
        len: u64,
        /// What the system said.
        source: Arc<io::Error>,
    },
    /// Bytes could not be read.
    #[error("cannot read {} at {offset}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Where.
        offset: u64,
        /// What the system said.
        source: Arc<io::Error>,
    },
    /// The file's length could not be changed, or the file could not be synced.
    #[error("cannot {action} {}: {source}", path.display())]
    Settle {
        /// The file.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// What the system said.
        source: Arc<io::Error>,
    },
    /// A box of this size cannot be.
    #[error("a video box of {found} bytes is not possible: {MIN_BOX_SIZE} to {MAX_BOX_SIZE} are")]
    BoxSize {
        /// Which size was asked for.
        found: u64,
    },
    /// The access unit is empty or larger than a box. Nothing was written, and this writer can go on.
    #[error("an access unit of {len} bytes does not fit a box: 1 to {most} bytes do")]
    UnitSize {
        /// Its length.
        len: u64,
        /// The largest that fits.
        most: u64,
    },
    /// No access unit can end there.
    #[error("the video cannot end at {data_end}: that is not inside the contents of a box of {box_size} bytes")]
    DataEnd {
        /// The end asked for.
        data_end: u64,
        /// The boxes' size.
        box_size: u64,
    },
    /// The file is shorter than what is said to be in it.
    #[error("{} ends at {found}, but access units were recorded up to {data_end}", path.display())]
    Short {
        /// The file.
        path: PathBuf,
        /// Its length.
        found: u64,
        /// The end of the last access unit.
        data_end: u64,
    },
}

impl VideoError {
    /// The kind of the system's error behind this one.
    pub fn io_kind(&self) -> Option<io::ErrorKind> {
        match self {
            Self::Open { source, .. }
            | Self::Write { source, .. }
            | Self::Read { source, .. }
            | Self::Settle { source, .. } => Some(source.kind()),
            Self::BoxSize { .. } | Self::UnitSize { .. } | Self::DataEnd { .. } | Self::Short { .. } => None,
        }
    }

    /// What the person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Write { source, .. } | Self::Settle { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                Some("the disk is full: make room; what was recorded before is kept".into())
            }
            Self::Short { .. } => Some("give the end of the last access unit whose bytes check".into()),
            _ => None,
        }
    }
}

/// Where the boxes lie: plain arithmetic on the one number that shapes the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BoxLayout {
    box_size: u64,
}

impl BoxLayout {
    /// Boxes of `box_size` bytes, header included.
    ///
    /// # Errors
    /// [`VideoError::BoxSize`] outside [`MIN_BOX_SIZE`]..=[`MAX_BOX_SIZE`].
    pub fn new(box_size: u64) -> Result<Self, VideoError> {
        if (MIN_BOX_SIZE..=MAX_BOX_SIZE).contains(&box_size) {
            Ok(Self { box_size })
        } else {
            Err(VideoError::BoxSize { found: box_size })
        }
    }

    /// Bytes of a box, header included.
    pub fn box_size(self) -> u64 {
        self.box_size
    }

    /// The largest access unit.
    pub fn largest_unit(self) -> u64 {
        self.box_size - BOX_HEADER
    }

    /// Where box `index` starts (its header).
    pub fn start(self, index: u64) -> u64 {
        FIRST_BOX + index * self.box_size
    }

    /// What an unpatched box says of itself.
    pub fn declared_header(self) -> [u8; 8] {
        header(self.box_size)
    }

    /// The box that is the last one when the last access unit ends at `data_end`; none when no access unit can end there.
    pub fn last_box(self, data_end: u64) -> Option<u64> {
        let past = data_end.checked_sub(FIRST_BOX)?;
        let (index, inside) = (past / self.box_size, past % self.box_size);
        match inside {
            // Exactly at the end of a full box: no later box is needed.
            0 => index.checked_sub(1),
            1..BOX_HEADER => None,
            _ => Some(index),
        }
    }

    /// The contents of each box of a file of `len` bytes, clipped to the file.
    pub fn contents(self, len: u64) -> impl Iterator<Item = Range<u64>> {
        (0..)
            .map(move |index| self.start(index) + BOX_HEADER..self.start(index + 1).min(len))
            .take_while(|range| range.start < range.end)
    }
}

/// The header of an `mdat` box of `size` bytes.
pub(crate) fn header(size: u64) -> [u8; 8] {
    let mut bytes = *b"\0\0\0\0mdat";
    // Both callers stay below MAX_BOX_SIZE, which is far below 2^32.
    bytes[..4].copy_from_slice(&(size as u32).to_be_bytes());
    bytes
}

/// Where an access unit went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Extent {
    /// Its first byte, from the start of the file.
    pub offset: u64,
    /// Its bytes.
    pub len: u32,
    /// CRC32C of them.
    pub crc32c: u32,
}

impl Extent {
    /// The byte after the last one.
    pub fn end(self) -> u64 {
        self.offset + u64::from(self.len)
    }
}

/// A SHA-256 that stands at a byte of the file and can go on from there, also in another process.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HashCheckpoint {
    /// How many bytes of the file are in it.
    pub offset: u64,
    /// The serialised state, as the `sha2` crate of this release makes it.
    pub state: [u8; HASH_STATE_LEN],
}

impl HashCheckpoint {
    pub(crate) fn of(hash: &Sha256, offset: u64) -> Self {
        let mut state = [0; HASH_STATE_LEN];
        state.copy_from_slice(&hash.serialize());
        Self { offset, state }
    }

    /// The hash, to go on with; none when the state is damaged or does not stand at `offset`.
    pub fn resume(&self) -> Option<Sha256> {
        let mut blocks = [0; 8];
        blocks.copy_from_slice(&self.state[32..40]);
        let hashed = u64::from_le_bytes(blocks).checked_mul(64)?.checked_add(u64::from(self.state[40]))?;
        if hashed != self.offset {
            return None;
        }
        Sha256::deserialize(&self.state.into()).ok()
    }
}

/// Appends access units. One writer per file; other handles may read and sync at the same time.
pub struct VideoWriter {
    path: PathBuf,
    file: File,
    layout: BoxLayout,
    /// The box that is being filled.
    index: u64,
    /// Where the next access unit goes if it fits.
    position: u64,
    /// Over everything before `position`, the open box's header as it is declared.
    running: Sha256,
    closed: HashCheckpoint,
    first_error: Option<VideoError>,
}

impl std::fmt::Debug for VideoWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VideoWriter")
            .field("path", &self.path)
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}

impl VideoWriter {
    /// Makes the file, readable by its owner alone (0600 whatever the umask); what had its name before is gone.
    ///
    /// # Errors
    /// When the file cannot be made, or the box size is impossible.
    pub fn create(path: &Path, box_size: u64) -> Result<Self, VideoError> {
        let layout = BoxLayout::new(box_size)?;
        let open = |source| VideoError::Open { path: path.to_owned(), source: Arc::new(source) };
        // Readable too: a handle cloned from this one may check what was written. New: filler is whatever the file system has past the
        // end, and past the end of an empty file that is zero.
        let file = crate::base::files::create_private_file(path).map_err(open)?;

        let mut running = Sha256::new();
        running.update(FTYP);
        let closed = HashCheckpoint::of(&running, FIRST_BOX);
        running.update(layout.declared_header());
        let position = FIRST_BOX + BOX_HEADER;
        let writer =
            Self { path: path.to_owned(), file, layout, index: 0, position, running, closed, first_error: None };
        let mut start = FTYP.to_vec();
        start.extend_from_slice(&layout.declared_header());
        writer.write(&start, 0)?;
        Ok(writer)
    }

    fn write(&self, bytes: &[u8], offset: u64) -> Result<(), VideoError> {
        write_all_at(&self.file, bytes, offset).map_err(|source| VideoError::Write {
            path: self.path.clone(),
            offset,
            len: bytes.len() as u64,
            source: Arc::new(source),
        })
    }

    /// Appends one access unit (NAL units behind their lengths). When this returns, the bytes are the operating system's:
    /// they outlive this process, and a power cut once the file was synced.
    ///
    /// # Errors
    /// When the system does not take the bytes: from then on every call gives that first error again, since what the file
    /// holds past the last good access unit is not known. An access unit of an impossible size is refused without harm.
    pub fn append(&mut self, unit: &[u8]) -> Result<Extent, VideoError> {
        if let Some(first) = &self.first_error {
            return Err(first.clone());
        }
        let len = unit.len() as u64;
        if len == 0 || len > self.layout.largest_unit() {
            return Err(VideoError::UnitSize { len, most: self.layout.largest_unit() });
        }
        let result = self.append_fitting(unit);
        if let Err(error) = &result {
            self.first_error = Some(error.clone());
        }
        result
    }

    fn append_fitting(&mut self, unit: &[u8]) -> Result<Extent, VideoError> {
        let next_box = self.layout.start(self.index + 1);
        if self.position + unit.len() as u64 > next_box {
            // Writing past the end leaves zeros in between: that is the filler.
            self.write(&self.layout.declared_header(), next_box)?;
            hash_zeros(&mut self.running, next_box - self.position);
            self.closed = HashCheckpoint::of(&self.running, next_box);
            self.running.update(self.layout.declared_header());
            self.index += 1;
            self.position = next_box + BOX_HEADER;
        }
        let offset = self.position;
        self.write(unit, offset)?;
        self.running.update(unit);
        self.position += unit.len() as u64;
        Ok(Extent { offset, len: unit.len() as u32, crc32c: crc32c::crc32c(unit) })
    }

    /// Another handle on the same file, so that a thread of its own can sync it.
    ///
    /// # Errors
    /// When the system has no more handles.
    pub fn sync_handle(&self) -> Result<File, VideoError> {
        self.file.try_clone().map_err(|source| VideoError::Open { path: self.path.clone(), source: Arc::new(source) })
    }

    /// Where the data ends: the end of the last access unit.
    pub fn len(&self) -> u64 {
        self.position
    }

    /// Whether no access unit was appended yet.
    pub fn is_empty(&self) -> bool {
        self.position == FIRST_BOX + BOX_HEADER
    }

    /// Where the boxes lie.
    pub fn layout(&self) -> BoxLayout {
        self.layout
    }

    /// The hash of everything before the open box. Those bytes stay as they are in the finished file, so hashing may go on
    /// from here after a stop or a crash.
    pub fn closed_hash(&self) -> HashCheckpoint {
        self.closed.clone()
    }
}

fn hash_zeros(hash: &mut Sha256, mut count: u64) {
    const ZEROS: [u8; 4096] = [0; 4096];
    while count > 0 {
        let now = count.min(ZEROS.len() as u64);
        hash.update(&ZEROS[..now as usize]);
        count -= now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(seed: u64, len: usize) -> Vec<u8> {
        (0..len as u64).map(|at| (seed.wrapping_mul(31).wrapping_add(at) % 255 + 1) as u8).collect()
    }

    #[test]
    fn units_never_straddle_and_filler_is_zero_on_a_used_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("frames.mp4");
        std::fs::write(&path, vec![0xff; 9_000]).unwrap();
        let mut writer = VideoWriter::create(&path, 256).unwrap();
        assert!(writer.is_empty());
        let layout = writer.layout();
        let mut extents = Vec::new();
        for seed in 0..40 {
            let bytes = unit(seed, 1 + (seed as usize * 37) % 248);
            extents.push((writer.append(&bytes).unwrap(), bytes));
        }
        let file = std::fs::read(&path).unwrap();
        assert_eq!(file.len() as u64, writer.len());
        assert_eq!(&file[..32], &FTYP);
        let mut used = vec![false; file.len()];
        for (extent, bytes) in &extents {
            let range = extent.offset as usize..extent.end() as usize;
            assert_eq!(&file[range.clone()], &bytes[..]);
            assert_eq!(extent.crc32c, crc32c::crc32c(bytes));
            let index = (extent.offset - FIRST_BOX) / 256;
            assert!(extent.offset >= layout.start(index) + BOX_HEADER && extent.end() <= layout.start(index + 1));
            used[range].fill(true);
        }
        let mut boxes = 0;
        for range in layout.contents(file.len() as u64) {
            boxes += 1;
            let start = (range.start - BOX_HEADER) as usize;
            assert_eq!(&file[start..range.start as usize], &layout.declared_header());
            for at in range.start as usize..range.end as usize {
                assert!(used[at] || file[at] == 0, "filler at {at} is {}", file[at]);
            }
        }
        assert!(boxes > 5, "only {boxes} boxes were tried");
    }

    #[test]
    fn a_unit_that_just_fits_fills_the_box() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = VideoWriter::create(&dir.path().join("v"), 64).unwrap();
        assert_eq!(writer.append(&unit(1, 56)).unwrap().offset, 40);
        assert_eq!(writer.append(&unit(2, 1)).unwrap().offset, 104);
        assert_eq!(writer.append(&unit(3, 56)).unwrap().offset, 168);
        assert!(matches!(writer.append(&unit(4, 57)), Err(VideoError::UnitSize { len: 57, most: 56 })));
        assert!(matches!(writer.append(&[]), Err(VideoError::UnitSize { len: 0, .. })));
        assert_eq!(writer.append(&unit(5, 56)).unwrap().offset, 232, "a refused unit must not poison the writer");
    }

    #[test]
    fn closed_hash_is_the_hash_of_the_closed_boxes_and_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("v");
        let mut writer = VideoWriter::create(&path, 300).unwrap();
        let mut offsets = Vec::new();
        for seed in 0..25 {
            writer.append(&unit(seed, 90 + seed as usize)).unwrap();
            let checkpoint = writer.closed_hash();
            let file = std::fs::read(&path).unwrap();
            let closed = &file[..checkpoint.offset as usize];
            assert_eq!(checkpoint.resume().unwrap().finalize(), Sha256::digest(closed));
            let mut on = checkpoint.resume().unwrap();
            on.update(&file[checkpoint.offset as usize..]);
            assert_eq!(on.finalize(), Sha256::digest(&file));
            offsets.push(checkpoint.offset);
            let mut moved = checkpoint.clone();
            moved.offset += 1;
            assert!(moved.resume().is_none());
            let mut damaged = checkpoint;
            damaged.state[HASH_STATE_LEN - 1] ^= 1;
            assert!(damaged.resume().is_none());
        }
        offsets.dedup();
        assert!(offsets.len() > 5, "{offsets:?}");
    }

    #[test]
    fn last_box_is_the_one_that_holds_the_end() {
        let layout = BoxLayout::new(100).unwrap();
        assert_eq!(layout.last_box(0), None);
        assert_eq!(layout.last_box(32), None);
        assert_eq!(layout.last_box(39), None);
        assert_eq!(layout.last_box(40), Some(0));
        assert_eq!(layout.last_box(131), Some(0));
        assert_eq!(layout.last_box(132), Some(0));
        assert_eq!(layout.last_box(133), None);
        assert_eq!(layout.last_box(139), None);
        assert_eq!(layout.last_box(140), Some(1));
        assert!(BoxLayout::new(8).is_err() && BoxLayout::new(1 << 32).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_private_and_a_failed_write_poisons() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("v");
        std::fs::write(&path, b"x").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let mut writer = VideoWriter::create(&path, 4096).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
        writer.append(&unit(1, 10)).unwrap();

        // A handle that cannot write makes the system refuse.
        writer.file = File::open(&path).unwrap();
        let first = writer.append(&unit(2, 10)).unwrap_err().to_string();
        assert!(first.contains("at 50 of"), "{first}");
        writer.file = File::options().write(true).open(&path).unwrap();
        assert_eq!(writer.append(&unit(2, 10)).unwrap_err().to_string(), first);
        assert_eq!(writer.len(), 50);
    }
}
