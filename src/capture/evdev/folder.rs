//! The folder of the devices: which there are, and which come.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::inotify;

use super::device::{Device, Wants};
use super::held::DeviceId;
use crate::base::time::MonoNs;

/// The name of the backend, and of its inputs.
pub(super) const NAME: &str = "evdev";
/// The most devices that are read.
const MAX_DEVICES: usize = 64;
/// How long a device that has come is tried: its node is there before its permission is.
const TRIED_FOR: Duration = Duration::from_secs(2);

/// Follows the folder.
pub(super) struct Folder {
    path: PathBuf,
    wants: Wants,
    news: Option<OwnedFd>,
    /// Those that came and could not be opened yet, and until when they are tried.
    coming: BTreeMap<PathBuf, MonoNs>,
    next: DeviceId,
}

/// What was found when recording began.
pub(super) struct Found {
    pub(super) devices: Vec<(PathBuf, Device)>,
    /// Those that may not be read.
    pub(super) denied: usize,
}

impl Folder {
    /// Begins to follow a folder.
    pub(super) fn open(path: &Path, wants: Wants) -> Self {
        let news = inotify::init(inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK).and_then(|news| {
            // The node is made first, and may be read later.
            inotify::add_watch(&news, path, inotify::WatchFlags::CREATE | inotify::WatchFlags::ATTRIB)?;
            Ok(news)
        });
        let news = news
            .inspect_err(|error| tracing::warn!(target: "capture", %error, "devices that come are not noticed"))
            .ok();
        Self { path: path.to_path_buf(), wants, news, coming: BTreeMap::new(), next: 0 }
    }

    /// Opens what is there.
    pub(super) fn scan(&mut self) -> Found {
        let mut found = Found { devices: Vec::new(), denied: 0 };
        let entries = std::fs::read_dir(&self.path).into_iter().flatten().flatten();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| is_device(path)).collect();
        paths.sort();
        for path in paths.into_iter().take(MAX_DEVICES) {
            match self.try_open(&path) {
                Ok(device) => found.devices.extend(device.map(|device| (path, device))),
                Err(error) => found.denied += usize::from(error.kind() == ErrorKind::PermissionDenied),
            }
        }
        found
    }

    fn try_open(&mut self, path: &Path) -> std::io::Result<Option<Device>> {
        let id = self.next;
        self.next += 1;
        Device::open(path, id, self.wants)
    }

    /// Takes in which devices came, except those that are open, and opens those that may be read by now.
    pub(super) fn arrivals(&mut self, now: MonoNs, open: &BTreeMap<PathBuf, Device>) -> Vec<(PathBuf, Device)> {
        self.read_news(now, open);
        let mut opened = Vec::new();
        let coming = std::mem::take(&mut self.coming);
        for (path, until) in coming {
            if open.len() + opened.len() >= MAX_DEVICES {
                break;
            }
            match self.try_open(&path) {
                Ok(device) => opened.extend(device.map(|device| (path, device))),
                Err(_) if now < until => drop(self.coming.insert(path, until)),
                Err(error) => tracing::warn!(target: "capture", %error, "a device that came cannot be read"),
            }
        }
        opened
    }

    fn read_news(&mut self, now: MonoNs, open: &BTreeMap<PathBuf, Device>) {
        let Some(news) = &self.news else { return };
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = inotify::Reader::new(news, &mut buffer);
        while let Ok(event) = reader.next() {
            let Some(name) = event.file_name().and_then(|name| name.to_str().ok()) else { continue };
            let path = self.path.join(name);
            if is_device(&path) && !open.contains_key(&path) && self.coming.len() < MAX_DEVICES {
                self.coming.entry(path).or_insert(now.plus(TRIED_FOR));
            }
        }
    }

    pub(super) fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.news.as_ref().map(AsFd::as_fd)
    }
}

fn is_device(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with("event"))
}
