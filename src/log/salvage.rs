//! Chunks found in the raw bytes of the database file, with or without sled.
//!
//! sled keeps a value's bytes in one piece, and each chunk frames itself, so a scan for the magic finds every chunk that is still
//! whole; copies that sled left behind are dropped. Reads only; memory is one window and one index entry per chunk.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use super::chunk::{self, Header, MAGIC, MAX_LEN};
use super::{LogError, io_error};

/// Bytes read at a time: large against the overlap of one chunk (4 KiB) that is read twice.
const WINDOW: usize = 4 << 20;

/// Where a chunk stands in the file.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Its header.
    pub header: Header,
    /// Offset in the file, bytes.
    pub offset: u64,
    /// Length, bytes.
    pub len: u32,
}

/// What a scan found.
#[derive(Debug, Default)]
pub struct Scan {
    /// Whole chunks by the number of their first record; the newest copy of each.
    pub chunks: BTreeMap<u64, Place>,
    /// Places that begin like a chunk and are not one: cut off, damaged.
    pub damaged: u64,
}

/// Scans the bytes of a file for chunks.
///
/// # Errors
/// [`LogError::Io`] when the file cannot be read.
pub fn scan(path: &Path) -> Result<Scan, LogError> {
    let mut file = File::open(path).map_err(io_error("open", path))?;
    let mut found = Scan::default();
    let mut window = Vec::with_capacity(WINDOW + MAX_LEN);
    let mut base = 0u64;
    loop {
        let kept = window.len();
        let read = (&mut file).take(WINDOW as u64).read_to_end(&mut window).map_err(io_error("read", path))?;
        let last = read == 0;
        // A chunk may reach into what is read next: what begins in the last MAX_LEN bytes is looked at again then.
        let limit = if last { window.len() } else { window.len().saturating_sub(MAX_LEN) };
        let mut at = 0;
        while let Some(hit) = find(&window[at..], MAGIC) {
            at += hit;
            if at >= limit {
                break;
            }
            if let Ok((header, body)) = chunk::split(&window[at..]) {
                let len = (chunk::HEADER_LEN + body.len()) as u32;
                found.chunks.insert(header.first.0, Place { header, offset: base + at as u64, len });
                at += len as usize;
            } else {
                found.damaged += 1;
                at += 1;
            }
        }
        if last {
            return Ok(found);
        }
        let keep_from = limit.max(at.min(window.len()));
        base += keep_from as u64;
        window.drain(..keep_from);
        debug_assert!(window.len() <= MAX_LEN || kept == 0 || read < WINDOW);
    }
}

fn find(bytes: &[u8], magic: [u8; 4]) -> Option<usize> {
    bytes.windows(4).position(|part| part == magic)
}

/// Reads one chunk that a scan found.
///
/// # Errors
/// [`LogError::Io`] when the file cannot be read, [`LogError::Chunk`] when it changed since.
pub fn read(file: &mut File, path: &Path, place: &Place) -> Result<Vec<u8>, LogError> {
    let mut bytes = vec![0; place.len as usize];
    file.seek(SeekFrom::Start(place.offset)).map_err(io_error("read", path))?;
    file.read_exact(&mut bytes).map_err(io_error("read", path))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Seq;
    use crate::time::MonoNs;

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
        let mut file = File::open(&path).expect("the file");
        for (first, place) in &found.chunks {
            let chunk = read(&mut file, &path, place).expect("a chunk");
            assert_eq!(chunk::split(&chunk).expect("whole").0.first.0, *first);
        }
    }

    #[test]
    fn a_damaged_chunk_is_left_out_and_counted() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("db");
        let mut bytes = [made(0, 500), made(1, 500), made(2, 500)].concat();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 4;
        std::fs::write(&path, &bytes).expect("a file");
        let found = scan(&path).expect("a scan");
        assert_eq!(found.chunks.keys().copied().collect::<Vec<_>>(), [0, 2]);
        assert_eq!(found.damaged, 1);
    }
}
