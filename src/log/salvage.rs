//! Chunks found in the raw bytes of the database file: how a log is read.
//!
//! sled keeps a value's bytes in one piece, and each chunk frames itself, so a scan for the magic finds every chunk that is
//! whole; the copies that sled makes of them are dropped. This is the way in for every reader, and not only for damaged logs:
//! opening a database with sled writes to it, and where a message is damaged sled's recovery skips or overwrites the rest of its
//! segment, intact chunks included, before anybody could have looked at them. Reads only; memory is one window and one entry of 40
//! bytes per chunk.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use memchr::memmem;

use super::LogError;
use super::chunk::{self, Header, MAGIC, MAX_LEN};
use crate::base::file_at::read_exact_at;
use crate::base::files::open_regular;
use crate::base::io_error::IoError;
use crate::base::time::MonoNs;

/// Bytes read at a time: large against the overlap of one chunk (4 KiB) that is read twice.
const WINDOW: usize = 4 << 20;

/// Places after which copies are dropped for the first time, and then whenever there are twice as many as were left: memory follows the
/// records, not the copies of them in the file.
const FIRST_TIDY: usize = 1 << 16;

/// Where a chunk stands in the file, and what of its header a merge needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// Number of its first record.
    pub first: u64,
    /// Offset in the file, bytes.
    pub offset: u64,
    /// Smallest time of its records.
    pub min_t: MonoNs,
    /// Largest time of its records.
    pub max_t: MonoNs,
    /// Length, bytes; at most [`MAX_LEN`].
    pub len: u16,
    /// Records; at most [`chunk::MAX_RECORDS`].
    pub count: u16,
    /// [`chunk::FLAG_FACTS`], [`chunk::FLAG_FRAMES`].
    pub flags: u16,
    /// It stands in the file of copies and no more in the database.
    pub copy: bool,
}

impl Place {
    fn of(header: &Header, offset: u64, len: usize) -> Self {
        Self {
            first: header.first.0,
            offset,
            min_t: header.min_t,
            max_t: header.max_t,
            len: len as u16,
            count: header.count as u16,
            flags: header.flags,
            copy: false,
        }
    }

    /// The number of the record behind its last one.
    pub fn end(&self) -> u64 {
        self.first.saturating_add(u64::from(self.count))
    }
}

/// What a scan found.
#[derive(Debug, Default)]
pub struct Scan {
    /// Whole chunks by the number of their first record, each once.
    pub chunks: Vec<Place>,
    /// Places that begin like a chunk and are not one: cut off, damaged, or just being written.
    pub damaged: u64,
    /// Most bytes of the video that a chunk vouches for.
    pub video_synced: u64,
    /// Whose chunks they are: the last 8 bytes of the session's UUID.
    pub session: Option<u64>,
    /// Bytes of the file.
    pub file_bytes: u64,
}

/// Scans the bytes of a file for chunks. With several recordings in it, only the chunks of the first one found count.
///
/// # Errors
/// [`LogError::Io`] when the file cannot be read.
pub fn scan(path: &Path) -> Result<Scan, LogError> {
    scan_from(path, 0)
}

/// Scans the bytes of a file from `offset` on: what a log that is being written has grown by.
///
/// # Errors
/// [`LogError::Io`] when the file cannot be read.
pub fn scan_from(path: &Path, offset: u64) -> Result<Scan, LogError> {
    let mut file = open_regular(path).map_err(IoError::at("open", path))?;
    file.seek(SeekFrom::Start(offset)).map_err(IoError::at("read", path))?;
    let mut found = Scan::default();
    let finder = memmem::Finder::new(&MAGIC);
    let mut window = Vec::with_capacity(WINDOW + MAX_LEN);
    let mut base = offset;
    let mut full = FIRST_TIDY;
    loop {
        let read = (&mut file).take(WINDOW as u64).read_to_end(&mut window).map_err(IoError::at("read", path))?;
        let last = read == 0;
        // A chunk may reach into what is read next: what begins in the last MAX_LEN bytes is looked at again then.
        let limit = if last { window.len() } else { window.len().saturating_sub(MAX_LEN) };
        let mut at = 0;
        while let Some(hit) = finder.find(&window[at..]) {
            at += hit;
            if at >= limit {
                break;
            }
            match chunk::split(&window[at..]) {
                Ok((header, body)) if *found.session.get_or_insert(header.session) == header.session => {
                    let len = chunk::HEADER_LEN + body.len();
                    found.chunks.push(Place::of(&header, base + at as u64, len));
                    found.video_synced = found.video_synced.max(header.video_synced);
                    at += len;
                }
                Ok(_) | Err(_) => {
                    found.damaged += 1;
                    at += 1;
                }
            }
        }
        if found.chunks.len() >= full {
            drop_copies(&mut found.chunks);
            full = FIRST_TIDY.max(2 * found.chunks.len());
        }
        if last {
            found.file_bytes = base + window.len() as u64;
            break;
        }
        let keep_from = limit.max(at.min(window.len()));
        base += keep_from as u64;
        window.drain(..keep_from);
    }
    drop_copies(&mut found.chunks);
    Ok(found)
}

/// Copies are alike: keys are never written twice. The first in the file stands, where they follow each other in order.
fn drop_copies(chunks: &mut Vec<Place>) {
    chunks.sort_unstable_by_key(|place| (place.first, place.offset));
    chunks.dedup_by_key(|place| place.first);
}

/// Bytes of a block of [`ChunkFile`]: half of one of sled's segments.
const BLOCK: u64 = 256 << 10;

/// Blocks that are kept, 4 MiB in all. In the order of their numbers chunks alternate between the segment that is being filled and
/// those to which sled moved some of them: a single window of 4 MiB was read anew for every fourteenth chunk.
const BLOCKS: usize = 16;

/// A piece of the file, and the beginning of the next for the chunk that reaches into it.
struct Block {
    number: u64,
    /// When it was used last, by the count of uses.
    used: u64,
    bytes: Vec<u8>,
}

/// Reads chunks that a scan found, a block at a time: they mostly stand in the order in which they are asked for.
pub struct ChunkFile {
    file: File,
    path: PathBuf,
    blocks: Vec<Block>,
    uses: u64,
    len: u64,
}

impl ChunkFile {
    /// Opens the file that was scanned.
    ///
    /// # Errors
    /// [`LogError::Io`] when it cannot be opened.
    pub fn open(path: &Path) -> Result<Self, LogError> {
        let file = open_regular(path).map_err(IoError::at("open", path))?;
        let len = file.metadata().map_err(IoError::at("read", path))?.len();
        Ok(Self { file, path: path.to_path_buf(), blocks: Vec::new(), uses: 0, len })
    }

    /// The bytes of a chunk; fewer when the file has become shorter.
    ///
    /// # Errors
    /// [`LogError::Io`] when the file cannot be read.
    pub fn bytes(&mut self, place: &Place) -> Result<&[u8], LogError> {
        let number = place.offset / BLOCK;
        self.uses += 1;
        let at = self.blocks.iter().position(|block| block.number == number).map_or_else(|| self.load(number), Ok)?;
        let block = &mut self.blocks[at];
        block.used = self.uses;
        let from = (place.offset - number * BLOCK) as usize;
        let until = (from + usize::from(place.len)).min(block.bytes.len());
        Ok(block.bytes.get(from..until).unwrap_or_default())
    }

    /// Reads a block, in the place of the one that was not used for the longest time; where it is among the blocks.
    fn load(&mut self, number: u64) -> Result<usize, LogError> {
        let mut bytes = if self.blocks.len() < BLOCKS {
            Vec::new()
        } else {
            let oldest = (0..self.blocks.len()).min_by_key(|at| self.blocks[*at].used).unwrap_or(0);
            self.blocks.swap_remove(oldest).bytes
        };
        let base = number * BLOCK;
        let wanted = (BLOCK + MAX_LEN as u64).min(self.len.saturating_sub(base));
        bytes.resize(wanted as usize, 0);
        read_exact_at(&self.file, &mut bytes, base).map_err(IoError::at("read", &self.path))?;
        self.blocks.push(Block { number, used: 0, bytes });
        Ok(self.blocks.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::Seq;
    use crate::base::time::MonoNs;

    fn made(first: u64, len: usize) -> Vec<u8> {
        let header = Header {
            schema: 1,
            flags: 0,
            session: 7,
            first: Seq(first),
            count: 1,
            min_t: MonoNs(0),
            max_t: MonoNs(0),
            video_synced: 0,
        };
        chunk::join(&header, &vec![(first % 251) as u8; len])
    }

    #[test]
    fn every_whole_chunk_is_found_wherever_it_stands() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("db");
        // Chunks at odd distances over more than two windows, so that some straddle the windows' ends.
        let mut bytes = Vec::new();
        let mut count = 0u64;
        while bytes.len() < 2 * WINDOW + 300_000 {
            bytes.extend_from_slice(&vec![0x57; (count as usize * 37) % 500]);
            bytes.extend_from_slice(&made(count, 1000 + (count as usize * 131) % 3000));
            count += 1;
        }
        std::fs::write(&path, &bytes).expect("a file");
        let found = scan(&path).expect("a scan");
        assert_eq!(found.chunks.len() as u64, count);
        assert_eq!(found.damaged, 0);
        let mut file = ChunkFile::open(&path).expect("the file");
        for place in found.chunks.iter().chain(found.chunks.iter().rev()) {
            let chunk = file.bytes(place).expect("a chunk");
            assert_eq!(chunk::split(chunk).expect("whole").0.first.0, place.first);
        }
        assert_eq!(file.blocks.len(), BLOCKS, "as many as are kept");
        // Where chunks alternate between two places, neither is read a second time.
        let (first, last) = (found.chunks[0], found.chunks[found.chunks.len() - 1]);
        for place in [first, last] {
            file.bytes(&place).expect("a chunk");
        }
        std::fs::write(&path, []).expect("an empty file");
        for place in [first, last, first, last] {
            assert_eq!(chunk::split(file.bytes(&place).expect("kept")).expect("whole").0.first.0, place.first);
        }
    }

    #[test]
    fn a_damaged_chunk_is_left_out_and_counted_and_a_copy_dropped() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("db");
        let mut bytes = [made(0, 500), made(1, 500), made(2, 500), made(0, 500)].concat();
        bytes[560 + 280] ^= 4;
        std::fs::write(&path, &bytes).expect("a file");
        let found = scan(&path).expect("a scan");
        assert_eq!(found.chunks.iter().map(|place| place.first).collect::<Vec<_>>(), [0, 2]);
        assert_eq!(found.damaged, 1);
    }

    #[test]
    fn copies_take_no_memory() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("db");
        let copies = 4 * FIRST_TIDY;
        std::fs::write(&path, [made(0, 10), made(1, 10)].concat().repeat(copies / 2)).expect("a file");
        let found = scan(&path).expect("a scan");
        assert_eq!(found.chunks.iter().map(|place| place.first).collect::<Vec<_>>(), [0, 1]);
        assert!(found.chunks.capacity() < copies, "{}", found.chunks.capacity());
    }
}
