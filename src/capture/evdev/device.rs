//! One device: opened for reading, told to stamp on the monotonic clock, and asked what it is and what it holds.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use input_linux::{AbsoluteAxis, EvdevHandle};
use rustix::fs::OFlags;
use watchcap_input_helper::kind::{BTN_GAMEPAD, KEY_BYTES, Kind, has};

use super::decode::{EVENT_BYTES, REL_HWHEEL_HI_RES, REL_WHEEL_HI_RES, RawEvent, decode};
use super::gamepad::{FIRST_OTHER_AXIS, PadMap, Span, goes_by_letters};
use super::held::DeviceId;
use super::packet::{Packets, Takes};
use crate::base::pad::PadAbout;

/// Where the kernel's devices are.
pub(super) const FOLDER: &str = "/dev/input";
/// `CLOCK_MONOTONIC`.
const MONOTONIC: i32 = 1;
/// Events taken from a device at once.
const BATCH: usize = 64;
/// The longest name that is kept, characters.
const MAX_NAME: usize = 128;
/// A device of a program (`BUS_VIRTUAL`): what a remapper made of the keys of others.
const BUS_VIRTUAL: u16 = 0x06;

/// An open device.
pub(super) struct Device {
    pub(super) id: DeviceId,
    /// Its name, and that a program made it.
    pub(super) name: String,
    pub(super) packets: Packets,
    /// It is a gamepad: what it says of itself, and its controls.
    pub(super) pad: Option<(PadAbout, PadMap)>,
    file: File,
}

/// Which devices are read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Wants {
    /// Keyboards, mice and gamepads.
    All,
    /// Keyboards and mice.
    Desktop,
    /// Gamepads alone, beside a source of keys and the mouse.
    Gamepads,
}

/// What became of reading.
pub(super) enum Read {
    Events(Vec<RawEvent>),
    /// It is unplugged, or was taken away.
    Gone,
}

impl Device {
    /// Opens a device; `None` when it is none of those that are wanted: it has neither keys nor buttons nor axes that are recorded.
    ///
    /// # Errors
    /// When it may not be read, or is none.
    pub(super) fn open(path: &Path, id: DeviceId, wants: Wants) -> std::io::Result<Option<Self>> {
        Self::of(File::open(path)?, path, id, wants)
    }

    /// Takes a device that is open; as [`Self::open`]. By its path its driver is known.
    ///
    /// # Errors
    /// When it is none.
    pub(super) fn of(file: File, path: &Path, id: DeviceId, wants: Wants) -> std::io::Result<Option<Self>> {
        rustix::fs::fcntl_setfl(&file, OFlags::NONBLOCK)?;
        let handle = EvdevHandle::new(file.as_fd());
        handle.set_clock_id(MONOTONIC)?;
        let kind = Kind::of(&handle);
        let (has_keys, has_motion) = (kind.has_keys(), kind.has_motion());
        let (is_absolute, is_pad) = (kind.is_absolute(), kind.is_pad());
        let is_wanted = match wants {
            Wants::Gamepads => is_pad,
            Wants::Desktop => !is_pad && (has_keys || has_motion),
            Wants::All => is_pad || has_keys || has_motion,
        };
        if !is_wanted {
            return Ok(None);
        }
        let name = handle.device_name().map(|name| String::from_utf8_lossy(&name).into_owned()).unwrap_or_default();
        let ids = handle.device_id().ok();
        let is_virtual = ids.is_some_and(|id| id.bustype == BUS_VIRTUAL);
        let name: String = name.trim_end_matches('\0').chars().take(MAX_NAME).collect();
        if is_pad {
            let codes = (0..FIRST_OTHER_AXIS).filter(|code| kind.has_absolute(*code));
            let spans: Vec<Span> = codes.filter_map(|code| span(&handle, code)).map(|(span, _)| span).collect();
            let standard = kind.has_key(BTN_GAMEPAD);
            let letters = goes_by_letters(ids.map_or(0, |id| id.vendor), &name, driver(path).as_deref());
            let about = PadAbout {
                name: name.clone(),
                vendor: ids.map(|id| id.vendor),
                product: ids.map(|id| id.product),
                standard,
            };
            let packets = Packets::new(Takes { pad: true, ..Takes::default() });
            return Ok(Some(Self {
                id,
                name,
                packets,
                pad: Some((about, PadMap::new(standard, letters, &spans))),
                file,
            }));
        }
        let takes = Takes {
            motion: has_motion && !is_absolute,
            hi_res: kind.has_relative(REL_WHEEL_HI_RES),
            hi_res_across: kind.has_relative(REL_HWHEEL_HI_RES),
            pad: false,
        };
        if is_absolute {
            tracing::warn!(target: "capture", "{name}: it posts places, so it has no motion (touchpad, tablet, virtual machine)");
        }
        let name = if is_virtual { format!("{name} (virtual)") } else { name };
        Ok(Some(Self { id, name, packets: Packets::new(takes), pad: None, file }))
    }

    /// Returns the codes that it holds. What it has told before and was not read is dropped by the kernel, so nothing counts twice.
    pub(super) fn held(&self) -> std::io::Result<BTreeSet<u16>> {
        let mut down = [0; KEY_BYTES];
        EvdevHandle::new(self.file.as_fd()).key_state(&mut down)?;
        Ok((0..(KEY_BYTES * 8) as u16).filter(|code| has(&down, *code)).collect())
    }

    /// Returns where these axes are.
    pub(super) fn axes(&self, codes: &[u16]) -> Vec<(u16, i32)> {
        let handle = EvdevHandle::new(self.file.as_fd());
        codes.iter().filter_map(|code| span(&handle, *code)).map(|(span, raw)| (span.code, raw)).collect()
    }

    /// Reads what is there.
    pub(super) fn read(&mut self) -> Read {
        let mut bytes = [0; EVENT_BYTES * BATCH];
        match self.file.read(&mut bytes) {
            Ok(count) => Read::Events(decode(&bytes[..count]).collect()),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
                Read::Events(Vec::new())
            }
            Err(_) => Read::Gone,
        }
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// The ends of an axis, and where it is.
fn span(handle: &EvdevHandle<BorrowedFd<'_>>, code: u16) -> Option<(Span, i32)> {
    let axis = AbsoluteAxis::from_code(code).ok()?;
    let info = handle.absolute_info(axis).ok()?;
    Some((Span { code, min: info.minimum, max: info.maximum }, info.value))
}

/// The name of the driver of a device, where the kernel tells.
fn driver(path: &Path) -> Option<String> {
    let name = path.strip_prefix(FOLDER).ok()?;
    let link = Path::new("/sys/class/input").join(name).join("device/device/driver");
    Some(std::fs::read_link(link).ok()?.file_name()?.to_str()?.to_owned())
}
