//! Pictures in memory that is shared with the X server.
//!
//! Owns the only `unsafe` of the screen backend: the mapping of a sealed memory file. Invariant: the server writes into
//! the memory only between a [`Canvas::request`] and its reply, and a `Canvas` is borrowed for reading only outside of
//! that time, because the request waits for its reply before it returns.

#![expect(unsafe_code, reason = "memory shared with the X server is mapped here")]

use std::os::fd::OwnedFd;
use std::ptr::NonNull;

use rustix::fs::{MemfdFlags, SealFlags};
use rustix::mm::{MapFlags, ProtFlags};
use x11rb::connection::RequestConnection;
use x11rb::errors::ReplyError;
use x11rb::protocol::shm;
use x11rb::protocol::xproto::{Drawable, ImageFormat};
use x11rb::rust_connection::RustConnection;

use super::failure;
use super::pixels::Pixels;
use crate::capture::letterbox::Picture;
use crate::capture::{BgraView, CaptureError};

/// The longest side of a picture: X coordinates are 16-bit and signed, and no encoder here takes half of that.
const MAX_SIDE: u32 = 16_384;
/// The most bytes of one picture: 256 MiB, 8192 · 8192 pixels of 4 bytes.
const MAX_BYTES: usize = 8192 * 8192 * 4;

/// A mapped, sealed memory file.
struct Mapping {
    start: NonNull<u8>,
    len: usize,
}

impl Mapping {
    /// Makes `len` zeroed bytes (not zero) that another process can map through the returned descriptor.
    fn new(len: usize) -> rustix::io::Result<(Self, OwnedFd)> {
        let file = rustix::fs::memfd_create(c"watchcap-picture", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
        rustix::fs::ftruncate(&file, len as u64)?;
        // Sealed, so that nobody who holds the descriptor can cut the file and make reading it a bus error.
        rustix::fs::fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
        // SAFETY: a fresh mapping at an address of the kernel's choice touches no memory of this process; the file is
        // `len` bytes long and stays so.
        let start = unsafe {
            rustix::mm::mmap(std::ptr::null_mut(), len, ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED, &file, 0)?
        };
        let start = NonNull::new(start.cast::<u8>()).ok_or(rustix::io::Errno::NOMEM)?;
        Ok((Self { start, len }, file))
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: the mapping is `len` readable bytes until `drop`; writers are this struct's `&mut` borrows, which
        // exclude this one, and the server, which writes only while `Canvas::request` holds `&mut Canvas`.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as for `bytes`; `&mut self` makes this the only borrow.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the address and length are those of the mapping made in `new`, and no borrow outlives `self`.
        if let Err(error) = unsafe { rustix::mm::munmap(self.start.as_ptr().cast(), self.len) } {
            tracing::debug!(%error, "shared picture not unmapped");
        }
    }
}

/// A picture of fixed size in shared memory, attached to the server.
pub(super) struct Canvas {
    mapping: Mapping,
    segment: shm::Seg,
    pixels: Pixels,
    width: u32,
    height: u32,
}

impl Canvas {
    /// Makes a black picture for drawables with such pixels, and attaches it.
    ///
    /// # Errors
    /// [`CaptureError::BadSize`] beyond the limits above, [`CaptureError::Unavailable`] when the server cannot share
    /// memory with this process.
    pub(super) fn new(conn: &RustConnection, pixels: &Pixels, width: u32, height: u32) -> Result<Self, CaptureError> {
        let bad = |why: String| CaptureError::BadSize { width, height, why, nearest: None };
        if width == 0 || height == 0 || width > MAX_SIDE || height > MAX_SIDE {
            return Err(bad(format!("a side must be 1 to {MAX_SIDE} pixels")));
        }
        let len = width as usize * height as usize * 4;
        if len > MAX_BYTES {
            return Err(bad(format!("a picture may have at most {} pixels", MAX_BYTES / 4)));
        }
        let (mapping, file) = Mapping::new(len)
            .map_err(|error| CaptureError::System { what: "allocating shared memory", detail: error.to_string() })?;
        let segment = x11rb::connection::Connection::generate_id(conn).map_err(failure::failed("attaching memory"))?;
        match shm::attach_fd(conn, segment, file, false).map_err(|error| failure::connection(&error))?.check() {
            Ok(()) => Ok(Self { mapping, segment, pixels: pixels.clone(), width, height }),
            Err(ReplyError::X11Error(error)) => Err(failure::unavailable(&format!(
                "the server did not take shared memory ({})",
                failure::describe(&error)
            ))),
            Err(ReplyError::ConnectionError(error)) => Err(failure::connection(&error)),
        }
    }

    /// The pixels of the drawables that it takes.
    pub(super) fn pixels(&self) -> &Pixels {
        &self.pixels
    }

    /// Width and height in pixels.
    pub(super) fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// Has the server write the full-width rows `rows` of the picture, whose upper left corner is at `origin` of
    /// `drawable`, into their place; returns when they are there.
    ///
    /// # Errors
    /// What the server or the connection said; `Match` when the rows are not all inside the drawable.
    pub(super) fn request(
        &mut self,
        conn: &RustConnection,
        drawable: Drawable,
        origin: (i32, i32),
        rows: &std::ops::Range<u32>,
    ) -> Result<(), ReplyError> {
        let rows = rows.start.min(self.height)..rows.end.min(self.height);
        if rows.is_empty() {
            return Ok(());
        }
        // Sides are at most MAX_SIDE, so rows and widths fit 16 bits and the offset fits 28. Origins are checked
        // against the drawable by the server, after this cast: it was one that the server itself reported.
        shm::get_image(
            conn,
            drawable,
            origin.0 as i16,
            (origin.1 + rows.start as i32) as i16,
            self.width as u16,
            (rows.end - rows.start) as u16,
            !0,
            u8::from(ImageFormat::Z_PIXMAP),
            self.segment,
            rows.start * self.width * 4,
        )?
        .reply()?;
        let row = self.width as usize * 4;
        let taken = rows.start as usize * row..rows.end as usize * row;
        self.pixels.unpack(&mut self.mapping.bytes_mut()[taken]);
        Ok(())
    }

    /// The picture, to paint on.
    pub(super) fn view(&mut self) -> BgraView<'_> {
        let (width, height) = (self.width, self.height);
        BgraView { data: self.mapping.bytes_mut(), stride: width as usize * 4, width, height }
    }

    /// The picture, to read.
    pub(super) fn picture(&self) -> Picture<'_> {
        let (width, height) = (self.width, self.height);
        Picture { data: self.mapping.bytes(), stride: width as usize * 4, width, height }
    }

    /// Takes the memory from the server; the picture is gone.
    ///
    /// # Errors
    /// The connection is gone.
    pub(super) fn detach(self, conn: &RustConnection) -> Result<(), CaptureError> {
        shm::detach(conn, self.segment).map_err(|error| failure::connection(&error))?;
        Ok(())
    }
}

/// Checks that the server has MIT-SHM with descriptor passing (1.2, of 2013).
///
/// # Errors
/// [`CaptureError::Unavailable`] when it has not.
pub(super) fn negotiate(conn: &RustConnection) -> Result<(), CaptureError> {
    let present = conn.extension_information(shm::X11_EXTENSION_NAME).map_err(|error| failure::connection(&error))?;
    if present.is_none() {
        return Err(failure::unavailable("the server has no MIT-SHM"));
    }
    let version = shm::query_version(conn)
        .map_err(|error| failure::connection(&error))?
        .reply()
        .map_err(failure::failed("asking for the version of MIT-SHM"))?;
    if (version.major_version, version.minor_version) < (1, 2) {
        return Err(failure::unavailable("the server's MIT-SHM is older than 1.2"));
    }
    Ok(())
}
