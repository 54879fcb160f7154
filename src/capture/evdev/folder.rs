//! The folder of the devices: those that may be read, and which may not.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};

use watchcap_input_helper::follow::{self, Follow};
use watchcap_input_helper::wire::MAX_DEVICES;

use super::device::{Device, FOLDER, Wants};
use super::held::DeviceId;
use crate::base::time::MonoNs;

/// The name of the backend, and of its inputs.
pub(super) const NAME: &str = "evdev";

/// Follows the folder.
pub(super) struct Folder {
    follow: Follow,
    wants: Wants,
    next: DeviceId,
}

/// What was found when recording began.
pub(super) struct Found {
    pub(super) devices: Vec<(PathBuf, Device)>,
    /// Those that may not be read, by their names where the system tells them.
    pub(super) denied: Vec<String>,
}

impl Folder {
    /// Begins to follow a folder.
    pub(super) fn open(path: &Path, wants: Wants) -> Self {
        let (follow, fault) = Follow::open(path);
        if let Some(error) = fault {
            tracing::warn!(target: "capture", %error, "devices that come are not noticed");
        }
        Self { follow, wants, next: 0 }
    }

    /// Opens what is there.
    pub(super) fn scan(&mut self) -> Found {
        let mut found = Found { devices: Vec::new(), denied: Vec::new() };
        for number in self.follow.numbers().into_iter().take(MAX_DEVICES) {
            let path = self.follow.path_of(number);
            let id = self.next;
            self.next += 1;
            match Device::open(&path, id, self.wants) {
                Ok(device) => found.devices.extend(device.map(|device| (path, device))),
                Err(error) if error.kind() == ErrorKind::PermissionDenied => found.denied.push(told_name(number)),
                Err(_) => {}
            }
        }
        found
    }

    /// Takes in which devices came, except those that are open, and opens those that may be read by now.
    pub(super) fn arrivals(&mut self, now: MonoNs, open: &BTreeMap<PathBuf, Device>) -> Vec<(PathBuf, Device)> {
        let Self { follow, wants, next } = self;
        let place = follow.path_of(0).with_file_name("");
        let path_of = |number| place.join(follow::name(number));
        let room = MAX_DEVICES.saturating_sub(open.len());
        let is_open = |number| open.contains_key(&path_of(number));
        let arrived = follow.arrivals(now.0, room, is_open, |number| {
            let id = *next;
            *next += 1;
            Device::open(&path_of(number), id, *wants)
        });
        for (_, error) in arrived.given_up {
            tracing::warn!(target: "capture", %error, "a device that came cannot be read");
        }
        arrived.opened.into_iter().map(|(number, device)| (path_of(number), device)).collect()
    }

    pub(super) fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.follow.fd()
    }
}

/// The name of a device that may not be opened, which the kernel tells everybody.
fn told_name(number: u32) -> String {
    let node = follow::name(number);
    let told = Path::new("/sys/class/input").join(&node).join("device/name");
    let told = std::fs::read_to_string(told).ok().map(|name| name.trim().to_owned());
    told.filter(|name| !name.is_empty()).unwrap_or_else(|| Path::new(FOLDER).join(node).display().to_string())
}
