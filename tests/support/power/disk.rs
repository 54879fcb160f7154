//! A disk in memory that remembers: one file over FUSE, under a loop device, which notes every block write and every flush with its
//! time.
//!
//! Speaks the kernel's protocol itself, for a file system that is one regular file: six requests, no library. Writes are answered at once,
//! as a disk's cache does; a flush after a given time, while writes go on. What a flush has covered when it is answered is what was written
//! before it came.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::args::{Failure, now};
use super::trace::{Flush, Piece, Written};

/// Bytes of a block that is kept.
const BLOCK: usize = 4096;
/// Largest write that the kernel may send, bytes; and pages of it.
const MAX_WRITE: u32 = 1 << 20;

mod op {
    pub(super) const GETATTR: u32 = 3;
    pub(super) const OPEN: u32 = 14;
    pub(super) const READ: u32 = 15;
    pub(super) const WRITE: u32 = 16;
    pub(super) const RELEASE: u32 = 18;
    pub(super) const FSYNC: u32 = 20;
    pub(super) const INIT: u32 = 26;
    /// These have no answer.
    pub(super) const SILENT: [u32; 3] = [2, 36, 42];
}
const ENOSYS: i32 = 38;

/// The contents of a disk: blocks that were written; the others are zero.
pub(crate) struct Blocks {
    size: u64,
    blocks: Vec<Option<Box<[u8]>>>,
}

impl Blocks {
    fn new(size: u64) -> Self {
        Self { size, blocks: (0..size as usize / BLOCK).map(|_| None).collect() }
    }

    /// What a file holds.
    pub(crate) fn of_file(path: &Path) -> Result<Self, Failure> {
        let bytes = std::fs::read(path)?;
        let mut disk = Self::new(bytes.len() as u64);
        for (at, block) in bytes.chunks(BLOCK).enumerate().filter(|(_, block)| block.iter().any(|byte| *byte != 0)) {
            disk.write((at * BLOCK) as u64, block);
        }
        Ok(disk)
    }

    /// Everything that is not zero, block by block.
    pub(crate) fn pieces(&self) -> Vec<Piece> {
        let of = |(at, block): (usize, &Option<Box<[u8]>>)| {
            Some(Piece { offset: (at * BLOCK) as u64, bytes: block.as_ref()?.to_vec() })
        };
        self.blocks.iter().enumerate().filter_map(of).collect()
    }

    fn read(&self, offset: u64, len: usize) -> Vec<u8> {
        let mut out = vec![0; len.min(self.size.saturating_sub(offset) as usize)];
        let mut at = 0;
        while at < out.len() {
            let (block, inside) = ((offset as usize + at) / BLOCK, (offset as usize + at) % BLOCK);
            let part = (BLOCK - inside).min(out.len() - at);
            if let Some(Some(block)) = self.blocks.get(block) {
                out[at..at + part].copy_from_slice(&block[inside..inside + part]);
            }
            at += part;
        }
        out
    }

    fn write(&mut self, offset: u64, bytes: &[u8]) {
        let mut at = 0;
        while at < bytes.len() {
            let (block, inside) = ((offset as usize + at) / BLOCK, (offset as usize + at) % BLOCK);
            let part = (BLOCK - inside).min(bytes.len() - at);
            if let Some(block) = self.blocks.get_mut(block) {
                let block = block.get_or_insert_with(|| vec![0; BLOCK].into());
                block[inside..inside + part].copy_from_slice(&bytes[at..at + part]);
            }
            at += part;
        }
    }
}

/// What the disk holds and what came to it.
struct State {
    blocks: Blocks,
    recording: bool,
    writes: Vec<Written>,
    flushes: Vec<Flush>,
}

/// The disk, served under a loop device until it is dropped.
pub(crate) struct Disk {
    state: Arc<Mutex<State>>,
    server: Option<std::thread::JoinHandle<()>>,
    file: std::path::PathBuf,
    /// The loop device.
    pub(crate) device: String,
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs a program of the system; its output.
pub(crate) fn system(command: &mut Command) -> Result<String, Failure> {
    let done = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if done.status.success() {
        return Ok(String::from_utf8_lossy(&done.stdout).trim().to_owned());
    }
    Err(format!("{command:?}: {}", String::from_utf8_lossy(&done.stderr).trim()).into())
}

impl Disk {
    /// Serves `blocks` as the file `path`, which is there and empty, and puts a loop device over it. Each flush takes `flush`.
    pub(crate) fn serve(blocks: Blocks, path: &Path, flush: Duration) -> Result<Self, Failure> {
        let fuse = File::options().read(true).write(true).open("/dev/fuse")?;
        // The kernel reads our bytes, never the file's: its place is only a name. The channel is handed over as standard input.
        let mut mount = Command::new("mount");
        mount.args(["-i", "-t", "fuse", "-o", "fd=0,rootmode=100600,user_id=0,group_id=0", "watchcap-disk"]).arg(path);
        mount.stdin(Stdio::from(fuse.try_clone()?));
        let state = Arc::new(Mutex::new(State { blocks, recording: true, writes: Vec::new(), flushes: Vec::new() }));
        system(&mut mount)?;
        let server = std::thread::Builder::new().name("disk".into()).spawn({
            let (fuse, state) = (Arc::new(fuse), Arc::clone(&state));
            move || serve(&fuse, &state, flush)
        });
        let mut disk = Self { state, server: Some(server?), file: path.to_path_buf(), device: String::new() };
        disk.device = system(Command::new("losetup").args(["--find", "--show", "--direct-io=on"]).arg(path))?;
        Ok(disk)
    }

    /// Ends remembering; what was written and flushed so far.
    pub(crate) fn stop(&self) -> (Vec<Written>, Vec<Flush>) {
        let mut state = lock(&self.state);
        state.recording = false;
        (std::mem::take(&mut state.writes), std::mem::take(&mut state.flushes))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        for (program, of) in [("losetup", vec!["-d", &self.device]), ("umount", vec![&self.file.to_string_lossy()])] {
            if let Err(error) = system(Command::new(program).args(of)) {
                super::say(&format!("the disk is not put away: {error}"));
            }
        }
        if self.server.take().is_some_and(|server| server.join().is_err()) {
            super::say("the disk's server panicked");
        }
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).map_or(0, |part| u32::from_le_bytes(part.try_into().unwrap_or_default()))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).map_or(0, |part| u64::from_le_bytes(part.try_into().unwrap_or_default()))
}

/// Answers a request; one that was taken back in the meantime needs none.
fn answer(fuse: &File, unique: u64, error: i32, body: &[u8]) {
    let mut out = Vec::with_capacity(16 + body.len());
    out.extend_from_slice(&(16 + body.len() as u32).to_le_bytes());
    out.extend_from_slice(&(-error).to_le_bytes());
    out.extend_from_slice(&unique.to_le_bytes());
    out.extend_from_slice(body);
    let mut fuse = fuse;
    if let Err(error) = fuse.write_all(&out)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        super::say(&format!("the kernel does not take an answer: {error}"));
    }
}

/// Takes requests until the file is unmounted.
fn serve(fuse: &Arc<File>, state: &Arc<Mutex<State>>, flush: Duration) {
    let mut buffer = vec![0; MAX_WRITE as usize + (64 << 10)];
    loop {
        let len = match (&**fuse).read(&mut buffer) {
            Ok(len) => len,
            Err(error) if matches!(error.raw_os_error(), Some(2 | 4 | 11)) => continue,
            Err(_) => return,
        };
        let request = &buffer[..len];
        let (code, unique, body) = (u32_at(request, 4), u64_at(request, 8), request.get(40..).unwrap_or_default());
        match code {
            op::INIT => {
                let mut out = [0; 64];
                for (at, value) in [(0, 7), (4, 31.min(u32_at(body, 4))), (8, MAX_WRITE), (20, MAX_WRITE), (24, 1)] {
                    out[at..at + 4].copy_from_slice(&value.to_le_bytes());
                }
                // Large writes, reads in parallel, 256 pages a request.
                out[12..16].copy_from_slice(&(1u32 | 1 << 5 | 1 << 22).to_le_bytes());
                out[16..20].copy_from_slice(&[64, 0, 48, 0]);
                out[28..30].copy_from_slice(&256u16.to_le_bytes());
                answer(fuse, unique, 0, &out);
            }
            op::GETATTR => {
                let mut out = [0; 104];
                let size = lock(state).blocks.size;
                out[0] = 60;
                for (at, value) in [(16, 1), (24, size), (32, size / 512)] {
                    out[at..at + 8].copy_from_slice(&value.to_le_bytes());
                }
                for (at, value) in [(76, 0o100_600u32), (80, 1), (96, 4096)] {
                    out[at..at + 4].copy_from_slice(&value.to_le_bytes());
                }
                answer(fuse, unique, 0, &out);
            }
            // Direct: nothing of it is in the page cache.
            op::OPEN => answer(fuse, unique, 0, &[1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]),
            op::READ => {
                let bytes = lock(state).blocks.read(u64_at(body, 8), u32_at(body, 16) as usize);
                answer(fuse, unique, 0, &bytes);
            }
            op::WRITE => {
                let (offset, size) = (u64_at(body, 8), u32_at(body, 16));
                let bytes = body.get(40..40 + size as usize).unwrap_or_default();
                let mut state = lock(state);
                state.blocks.write(offset, bytes);
                if state.recording {
                    state.writes.push(Written { t: now(), piece: Piece { offset, bytes: bytes.to_vec() } });
                }
                drop(state);
                answer(fuse, unique, 0, &[size.to_le_bytes(), [0; 4]].concat());
            }
            op::FSYNC => {
                let (begin, covers) = (now(), lock(state).writes.len());
                let done = {
                    let (fuse, state) = (Arc::clone(fuse), Arc::clone(state));
                    move || {
                        let mut state = lock(&state);
                        if state.recording {
                            state.flushes.push(Flush { begin, end: now(), covers });
                        }
                        drop(state);
                        answer(&fuse, unique, 0, &[]);
                    }
                };
                if flush.is_zero() {
                    done();
                } else {
                    std::thread::spawn(move || {
                        std::thread::sleep(flush);
                        done();
                    });
                }
            }
            op::RELEASE => answer(fuse, unique, 0, &[]),
            code if op::SILENT.contains(&code) => {}
            _ => answer(fuse, unique, ENOSYS, &[]),
        }
    }
}
