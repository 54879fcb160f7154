//! The devices that are lent: opened here, and revoked here, which reaches the descriptor that the recorder has.
//!
//! Invariant: none is lent that cannot be revoked, and none outlives this value.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::path::{Path, PathBuf};

use input_linux::EvdevHandle;
use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;

use watchcap_input_helper::follow::{Arrived, Follow, name};
use watchcap_input_helper::kind::Kind;
use watchcap_input_helper::wire::MAX_DEVICES;

use super::revoke::{Kept, is, is_back, rest, revoke};

/// The number that the kernel has for input devices.
const INPUT_MAJOR: u32 = 13;

/// Opens devices.
struct Opener {
    folder: PathBuf,
    /// The devices are those of a test.
    is_test: bool,
    /// It was tried that this kernel revokes.
    is_tried: bool,
}

/// The devices of a folder.
pub(crate) struct Devices {
    follow: Follow,
    opener: Opener,
    lent: BTreeMap<u32, Kept>,
    /// Those that are being taken back one at a time.
    leaving: Vec<Kept>,
}

impl Devices {
    /// Those of a folder, none of which is lent yet.
    ///
    /// # Errors
    /// When those that come would not be noticed.
    pub(crate) fn of(folder: &Path, is_test: bool) -> io::Result<Self> {
        let (follow, fault) = Follow::open(folder);
        let opener = Opener { folder: folder.to_path_buf(), is_test, is_tried: false };
        fault.map_or(Ok(Self { follow, opener, lent: BTreeMap::new(), leaving: Vec::new() }), Err)
    }

    /// The numbers of those that are there.
    pub(crate) fn numbers(&mut self) -> Vec<u32> {
        self.follow.forget();
        self.follow.numbers()
    }

    /// Opens one; `None` when it is no input, is lent already, or there is no room.
    ///
    /// # Errors
    /// When it cannot be opened; [`io::ErrorKind::Unsupported`] when it could not be taken back.
    pub(crate) fn open(&mut self, number: u32) -> io::Result<Option<File>> {
        let has_room = !self.lent.contains_key(&number) && self.lent.len() < MAX_DEVICES;
        if has_room { self.opener.open(number) } else { Ok(None) }
    }

    /// Opens those that have come.
    pub(crate) fn arrivals(&mut self, now_ns: i64) -> Arrived<File> {
        let Self { follow, opener, lent, .. } = self;
        let room = MAX_DEVICES.saturating_sub(lent.len());
        follow.arrivals(now_ns, room, |number| lent.contains_key(&number), |number| opener.open(number))
    }

    /// Keeps one that is about to be lent, to take it back. Another one of its number is unplugged.
    ///
    /// # Errors
    /// When it could not be taken back: it must not be lent.
    pub(crate) fn keep(&mut self, number: u32, device: File) -> io::Result<()> {
        self.forget(number);
        self.lent.insert(number, Kept::of(device, self.opener.is_test)?);
        Ok(())
    }

    /// Takes one back: it is unplugged, or the recorder has given it up. Nobody waits for that here.
    pub(crate) fn forget(&mut self, number: u32) {
        self.leaving.retain(|device| !device.is_back());
        if let Some(mut device) = self.lent.remove(&number) {
            device.begin();
            self.leaving.push(device);
        }
    }

    /// Takes all of them back, and waits until they are. As long as one is not, none is lent and this process does not end: nobody else would take
    /// it back.
    pub(crate) fn revoke_all(&mut self) {
        self.leaving.extend(std::mem::take(&mut self.lent).into_values());
        for device in &mut self.leaving {
            device.begin();
        }
        loop {
            self.leaving.retain(|device| !device.is_back());
            if self.leaving.is_empty() {
                return;
            }
            rest();
        }
    }

    /// Those that are lent, to notice which go.
    pub(crate) fn lent(&self) -> impl Iterator<Item = (u32, BorrowedFd<'_>)> {
        self.lent.iter().map(|(number, device)| (*number, device.fd()))
    }

    /// Becomes readable when one comes.
    pub(crate) fn news(&self) -> Option<BorrowedFd<'_>> {
        self.follow.fd()
    }
}

impl Drop for Devices {
    fn drop(&mut self) {
        self.revoke_all();
    }
}

impl Opener {
    fn open(&mut self, number: u32) -> io::Result<Option<File>> {
        let found = self.open_once(number)?;
        if found.is_some() && !self.is_tried {
            self.try_to_revoke(number)?;
            self.is_tried = true;
        }
        Ok(found)
    }

    fn open_once(&self, number: u32) -> io::Result<Option<File>> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NOCTTY;
        let device = File::from(rustix::fs::open(self.folder.join(name(number)), flags, Mode::empty())?);
        let about = rustix::fs::fstat(&device)?;
        let is_input = FileType::from_raw_mode(about.st_mode) == FileType::CharacterDevice
            && rustix::fs::major(about.st_rdev) == INPUT_MAJOR;
        if !is_input && !self.is_test {
            return Ok(None);
        }
        let handle = EvdevHandle::new(device.as_fd());
        // It says at least that much of itself, or is not ready yet.
        handle.device_id()?;
        let is_lent = Kind::of(&handle).is_input();
        Ok(is_lent.then_some(device))
    }

    /// Revokes a descriptor that nobody has, and looks whether that holds.
    fn try_to_revoke(&self, number: u32) -> io::Result<()> {
        let Some(mut device) = self.open_once(number)? else { return Ok(()) };
        let revoked = revoke(&device, self.is_test).and_then(|()| match device.read(&mut [0; 24 * 64]) {
            Err(error) if is(&error, Errno::NODEV) && is_back(device.as_fd()) => Ok(()),
            _ => Err(io::Error::other("it can still be read")),
        });
        revoked.map_err(|error| {
            io::Error::new(io::ErrorKind::Unsupported, format!("this kernel does not take devices back: {error}"))
        })
    }
}
