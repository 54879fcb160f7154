//! The memory that the compositor copies into, read as a file.
//!
//! It is not mapped: reading it as a file costs one copy, which is needed anyway, since what is handed out may be painted on while the next
//! frame is copied; and a compositor that writes at a wrong moment can spoil a picture and nothing else.

use std::fs::File;
use std::os::fd::AsFd as _;
use std::os::unix::fs::FileExt as _;

use rustix::fs::{MemfdFlags, SealFlags};
use wayland_client::QueueHandle;
use wayland_client::protocol::wl_buffer::WlBuffer;
use wayland_client::protocol::wl_shm::WlShm;

use super::shot::{Layout, Order};
use super::state::State;
use crate::capture::CaptureError;

/// Memory for one frame.
pub(super) struct Buffer {
    pub(super) layout: Layout,
    pub(super) proxy: WlBuffer,
    file: File,
}

impl Buffer {
    /// Makes one, and shares it.
    pub(super) fn new(shm: &WlShm, layout: Layout, queue: &QueueHandle<State>) -> Result<Self, CaptureError> {
        let failed =
            |error: rustix::io::Errno| CaptureError::System { what: "sharing memory", detail: error.to_string() };
        let file = rustix::fs::memfd_create(c"watchcap-frame", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)
            .map_err(failed)?;
        rustix::fs::ftruncate(&file, layout.bytes()).map_err(failed)?;
        // Sealed, so that nobody who holds the descriptor can cut it.
        rustix::fs::fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL).map_err(failed)?;
        let [bytes, width, height, stride] =
            [layout.bytes(), layout.size.0.into(), layout.size.1.into(), layout.stride.into()].map(i32::try_from);
        let (Ok(bytes), Ok(width), Ok(height), Ok(stride)) = (bytes, width, height, stride) else {
            let detail = format!("a picture of {}x{}", layout.size.0, layout.size.1);
            return Err(CaptureError::System { what: "sharing memory", detail });
        };
        let pool = shm.create_pool(file.as_fd(), bytes, queue, ());
        let proxy = pool.create_buffer(0, width, height, stride, layout.format, queue, ());
        pool.destroy();
        Ok(Self { layout, proxy, file: File::from(file) })
    }

    /// Reads the part of the frame that begins at `corner` into packed pixels of `size`, blue first; black where there is none.
    pub(super) fn read(
        &self,
        is_flipped: bool,
        corner: (u32, u32),
        out: &mut [u8],
        size: (u32, u32),
    ) -> Result<(), CaptureError> {
        let failed =
            |error: std::io::Error| CaptureError::System { what: "reading a picture", detail: error.to_string() };
        let Layout { size: (width, height), stride, order, .. } = self.layout;
        let row_bytes = size.0 as usize * 4;
        let inside = size.0.min(width.saturating_sub(corner.0)) as usize * 4;
        if corner == (0, 0) && size == (width, height) && stride as usize == row_bytes && !is_flipped {
            self.file.read_exact_at(out, 0).map_err(failed)?;
        } else {
            for (y, row) in (0..).zip(out.chunks_exact_mut(row_bytes.max(4))) {
                let from = corner.1 + y;
                if from >= height || inside == 0 {
                    row.fill(0);
                    continue;
                }
                let line = if is_flipped { height - 1 - from } else { from };
                let at = u64::from(line) * u64::from(stride) + u64::from(corner.0) * 4;
                self.file.read_exact_at(&mut row[..inside], at).map_err(failed)?;
                row[inside..].fill(0);
            }
        }
        if order == Order::Rgbx {
            out.chunks_exact_mut(4).for_each(|pixel| pixel.swap(0, 2));
        }
        Ok(())
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.proxy.destroy();
    }
}
