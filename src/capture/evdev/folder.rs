//! The folder of the devices: those that may be read, and which may not.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::ops::Range;
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};

use watchcap_input_helper::follow::{self, Follow};
use watchcap_input_helper::kind::{BTN_MOUSE, REL_X};
use watchcap_input_helper::wire::MAX_DEVICES;

use super::device::{Device, FOLDER, Wants};
use super::held::DeviceId;
use crate::base::time::MonoNs;

/// The name of the backend, and of its inputs.
pub(super) const NAME: &str = "evdev";

/// Keys of the main block of a keyboard.
const TYPED: Range<u16> = 1..0x59;
/// The first code behind the buttons of mice and gamepads.
const KEY_OK: u16 = 0x160;

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
    /// One of those is a keyboard, a mouse, a touchpad or a gamepad, or may be one.
    pub(super) lacks: bool,
}

impl Found {
    /// Whether a keyboard or a mouse is there. Gamepads alone are no input of a desktop, which lets its user read them.
    pub(super) fn has_input(&self) -> bool {
        self.devices.iter().any(|(_, device)| device.pad.is_none())
    }
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
        let mut found = Found { devices: Vec::new(), denied: Vec::new(), lacks: false };
        for number in self.follow.numbers().into_iter().take(MAX_DEVICES) {
            let path = self.follow.path_of(number);
            let id = self.next;
            self.next += 1;
            match Device::open(&path, id, self.wants) {
                Ok(device) => found.devices.extend(device.map(|device| (path, device))),
                Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                    found.denied.push(told_name(number));
                    found.lacks |= is_missed(number);
                }
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

/// Whether a device that may not be opened is one that is asked for, by what the kernel tells everybody: no power button, no lid, no keys for brightness.
fn is_missed(number: u32) -> bool {
    let place = Path::new("/sys/class/input").join(follow::name(number)).join("device/capabilities");
    let mask = |kind: &str| std::fs::read_to_string(place.join(kind)).ok();
    // What cannot be known may be one.
    let (Some(keys), Some(relative)) = (mask("key"), mask("rel")) else { return true };
    has_any(&keys, TYPED) || has_any(&keys, BTN_MOUSE..KEY_OK) || has_any(&relative, REL_X..REL_X + 1)
}

/// Whether a mask has one of these codes: words of the kernel's length in hexadecimal digits, the highest first.
fn has_any(mask: &str, mut codes: Range<u16>) -> bool {
    let words: Vec<_> = mask.split_ascii_whitespace().rev().map(|word| u64::from_str_radix(word, 16)).collect();
    let bits = usize::BITS as u16;
    codes.any(|code| match words.get(usize::from(code / bits)) {
        Some(Ok(word)) => word >> (code % bits) & 1 == 1,
        // What cannot be read may be one.
        Some(Err(_)) => true,
        None => false,
    })
}

/// The name of a device that may not be opened, which the kernel tells everybody.
fn told_name(number: u32) -> String {
    let node = follow::name(number);
    let told = Path::new("/sys/class/input").join(&node).join("device/name");
    let told = std::fs::read_to_string(told).ok().map(|name| name.trim().to_owned());
    told.filter(|name| !name.is_empty()).unwrap_or_else(|| Path::new(FOLDER).join(node).display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_of_the_kernel_tells_keyboards_and_mice_from_buttons_of_the_machine() {
        // As kernels of 64 bits tell them: a keyboard, a power button, keys of a screen, a mouse.
        let keyboard = "402000000 3803078f800d001 feffffdfffefffff fffffffffffffffe";
        let (power, screen) = ("8000 10000000000000 0", "3e000b00000000 0 0 0");
        let mouse = "ff0000 0 0 0 0";
        if usize::BITS == 64 {
            for (mask, is_typed, is_clicked) in
                [(keyboard, true, false), (power, false, false), (screen, false, false), (mouse, false, true)]
            {
                assert_eq!(has_any(mask, TYPED), is_typed, "{mask}");
                assert_eq!(has_any(mask, BTN_MOUSE..KEY_OK), is_clicked, "{mask}");
            }
        }
        assert!(has_any("3", REL_X..REL_X + 1) && !has_any("0\n", REL_X..REL_X + 1) && !has_any("", TYPED));
        assert!(has_any("what is none", TYPED), "what cannot be read counts");
    }
}
