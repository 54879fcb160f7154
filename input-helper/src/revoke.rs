//! How a device is taken back: by a thread that was begun before it was lent, and that does nothing else.
//!
//! The kernel takes one back (`EVIOCREVOKE`) behind whatever else is asked of the same device by others who have it, and that may last: so each device
//! has a thread, and one that has to wait holds up no other. The thread is there before it is needed, when the system may have no room for one.
//!
//! Invariant: what was begun is tried until the device is back. An interruption or a refusal of the kernel is no end of it.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use input_linux::EvdevHandle;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

/// How long is waited between two attempts, and two looks.
const AGAIN: Timespec = Timespec { tv_sec: 0, tv_nsec: 2_000_000 };
/// Bytes of a thread's stack, of which it needs little.
const STACK: usize = 128 << 10;
/// A device of a test is told by this clock, which there is not, to take itself back: no file of FUSE's can be revoked.
#[cfg(debug_assertions)]
const REVOKES: i32 = -0x0049_4852;

/// A device that is lent, or is being taken back. Without this value it is taken back, too.
pub(crate) struct Kept {
    device: Arc<File>,
    /// Nothing is sent: that it is closed begins it.
    keep: Option<SyncSender<()>>,
}

impl Kept {
    /// Keeps a device that is about to be lent.
    ///
    /// # Errors
    /// When there is no thread for it: it must not be lent.
    pub(crate) fn of(device: File, is_test: bool) -> io::Result<Self> {
        let (keep, kept) = sync_channel(1);
        let device = Arc::new(device);
        let own = Arc::clone(&device);
        let take_back = move || take_back(&own, &kept, is_test);
        std::thread::Builder::new().name("revoke".into()).stack_size(STACK).spawn(take_back)?;
        Ok(Self { device, keep: Some(keep) })
    }

    /// Begins to take it back.
    pub(crate) fn begin(&mut self) {
        self.keep = None;
    }

    /// Whether it is back.
    pub(crate) fn is_back(&self) -> bool {
        is_back(self.fd())
    }

    /// The device.
    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.device.as_fd()
    }
}

fn take_back(device: &File, kept: &Receiver<()>, is_test: bool) {
    let _closed = kept.recv();
    while !is_back(device.as_fd()) {
        if revoke(device, is_test).is_err() {
            rest();
        }
    }
}

/// Waits a little. A signal ends that, and nothing else by it.
pub(crate) fn rest() {
    let _rested = rustix::thread::nanosleep(&AGAIN);
}

/// Whether a device tells nothing any more: it is taken back, or unplugged. The kernel answers that without waiting for anybody.
pub(crate) fn is_back(device: BorrowedFd<'_>) -> bool {
    let mut fds = [PollFd::from_borrowed_fd(device, PollFlags::empty())];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut fds, Some(&at_once)).is_ok() && is_over(&fds[0])
}

/// Whether that is what waiting for a device said.
pub(crate) fn is_over(fd: &PollFd<'_>) -> bool {
    fd.revents().intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL)
}

pub(crate) fn is(error: &io::Error, errno: Errno) -> bool {
    error.raw_os_error() == Some(errno.raw_os_error())
}

/// Takes a device back, from whoever has this descriptor or one made of it.
///
/// # Errors
/// What the kernel said; never that it was interrupted.
pub(crate) fn revoke(device: &File, is_test: bool) -> io::Result<()> {
    loop {
        match revoke_once(device, is_test) {
            Err(error) if is(&error, Errno::INTR) => {}
            // It was unplugged meanwhile.
            Err(error) if is(&error, Errno::NODEV) => return Ok(()),
            other => return other,
        }
    }
}

fn revoke_once(device: &File, is_test: bool) -> io::Result<()> {
    let handle = EvdevHandle::new(device.as_fd());
    let revoked = handle.revoke();
    #[cfg(debug_assertions)]
    let revoked = match revoked {
        Err(error) if is_test && is(&error, Errno::FAULT) => handle.set_clock_id(REVOKES),
        other => other,
    };
    #[cfg(not(debug_assertions))]
    let _ = is_test;
    revoked
}
