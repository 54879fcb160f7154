//! What the server says of its input devices: names, what their axes mean, the button order, the layout.
//!
//! Asked for when the source opens and again whenever a device comes or goes. What it does not do: hear events.

use x11rb::errors::ReplyError;
use x11rb::protocol::xinput::{ConnectionExt as _, DeviceClassData, DeviceType, Fp3232, ScrollType, ValuatorMode};
use x11rb::protocol::xkb::{self, ConnectionExt as _};
use x11rb::protocol::xproto::{AtomEnum, ConnectionExt as _, Window};
use x11rb::rust_connection::RustConnection;

use crate::event::Axis;

/// XI2's number for "every device".
pub(super) const ALL_DEVICES: u16 = 0;
/// XI2's number for "every master device": each raw event once, whatever devices are attached.
pub(super) const ALL_MASTER_DEVICES: u16 = 1;
/// Devices that are kept: a server has at most 40 (`MAXDEVICES` was 20 until 2012, 40 since, 256 in new ones).
const MAX_DEVICES: usize = 256;
/// `_XKB_RULES_NAMES` is read up to this many 4-byte units; it holds five short words.
const RULES_UNITS: u32 = 256;

/// An axis that scrolls.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Scroll {
    /// Number of its valuator.
    pub(super) number: u16,
    /// Which way it turns.
    pub(super) axis: Axis,
    /// What its numbers must be divided by to have steps (positive: down, right).
    pub(super) increment: f64,
}

/// What is needed to read a device's events.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Device {
    /// Its number: the `sourceid` of raw events.
    pub(super) id: u16,
    /// Its x and y are places in units of its own, not steps.
    pub(super) absolute: bool,
    /// Its scrolling axes. Its wheel buttons of the same axis are the server's translation of them.
    pub(super) scrolls: Vec<Scroll>,
    /// It belongs to the XTEST extension: whoever injects through it does not say whether numbers are steps.
    pub(super) injected: bool,
}

/// The devices.
#[derive(Default)]
pub(super) struct Devices {
    list: Vec<Device>,
    /// Names of those that hand over events, for the metadata.
    pub(super) names: Vec<String>,
}

/// A 32.32 fixed-point number of the protocol.
pub(super) fn fixed(value: Fp3232) -> f64 {
    f64::from(value.integral) + f64::from(value.frac) / 4_294_967_296.0
}

impl Devices {
    /// Asks the server.
    pub(super) fn query(conn: &RustConnection) -> Result<Self, ReplyError> {
        let xtest = conn.intern_atom(false, b"XTEST Device")?.reply()?.atom;
        let mut devices = Self::default();
        for info in conn.xinput_xi_query_device(ALL_DEVICES)?.reply()?.infos.into_iter().take(MAX_DEVICES) {
            if info.type_ != DeviceType::SLAVE_POINTER && info.type_ != DeviceType::SLAVE_KEYBOARD {
                continue;
            }
            let property =
                conn.xinput_xi_get_property(info.deviceid, false, xtest, AtomEnum::ANY.into(), 0, 0)?.reply();
            let injected = match property {
                Ok(reply) => reply.type_ != u32::from(AtomEnum::NONE),
                // The device went away in between.
                Err(ReplyError::X11Error(_)) => false,
                Err(error) => return Err(error),
            };
            devices.names.push(String::from_utf8_lossy(&info.name).into_owned());
            let mut device = Device { id: info.deviceid, injected, ..Device::default() };
            let classes = || info.classes.iter().map(|class| &class.data);
            let mode = |number| {
                classes().find_map(|data| match data {
                    DeviceClassData::Valuator(axis) if axis.number == number => Some(axis.mode),
                    _ => None,
                })
            };
            device.absolute = mode(0) == Some(ValuatorMode::ABSOLUTE) || mode(1) == Some(ValuatorMode::ABSOLUTE);
            for data in classes() {
                let DeviceClassData::Scroll(scroll) = data else { continue };
                let increment = fixed(scroll.increment);
                // A scrolling axis that tells a place needs the place before it; its buttons tell the steps instead.
                if increment != 0.0 && mode(scroll.number) == Some(ValuatorMode::RELATIVE) {
                    let axis = match scroll.scroll_type {
                        ScrollType::HORIZONTAL => Axis::Horizontal,
                        _ => Axis::Vertical,
                    };
                    device.scrolls.push(Scroll { number: scroll.number, axis, increment });
                }
            }
            devices.list.push(device);
        }
        Ok(devices)
    }

    #[cfg(test)]
    pub(super) fn set(&mut self, list: Vec<Device>) {
        self.list = list;
    }

    /// The device that an event came from; one that is not known counts as a plain relative mouse.
    pub(super) fn get(&self, id: u16) -> Option<&Device> {
        self.list.iter().find(|device| device.id == id)
    }
}

/// The keyboard layout as `us`, `de(nodeadkeys)` or `us,de(nodeadkeys)`, from the root window's `_XKB_RULES_NAMES`.
pub(super) fn keyboard_layout(conn: &RustConnection, root: Window) -> Result<Option<String>, ReplyError> {
    let atom = conn.intern_atom(false, b"_XKB_RULES_NAMES")?.reply()?.atom;
    let names = conn.get_property(false, root, atom, AtomEnum::STRING, 0, RULES_UNITS)?.reply()?.value;
    Ok(layout_of(&String::from_utf8_lossy(&names)))
}

/// Whether the server's keycodes are evdev's plus 8, as those of every X.Org server on Linux are by default. Others (an
/// old VNC server, XQuartz) have keycodes of their own, of which only the block of the first PC keyboards is the same.
pub(super) fn has_evdev_keycodes(conn: &RustConnection) -> Result<bool, ReplyError> {
    let named = || -> Result<Option<u32>, ReplyError> {
        conn.xkb_use_extension(1, 0)?.reply()?;
        let keyboard = u16::from(xkb::ID::USE_CORE_KBD);
        Ok(conn.xkb_get_names(keyboard, xkb::NameDetail::KEYCODES)?.reply()?.value_list.keycodes_name)
    };
    match named() {
        Ok(Some(name)) => Ok(conn.get_atom_name(name)?.reply()?.name.starts_with(b"evdev")),
        // No XKB, or no name: nothing speaks against it.
        Ok(None) | Err(ReplyError::X11Error(_)) => Ok(true),
        Err(error) => Err(error),
    }
}

/// Keycodes that mean the same key whether they are evdev's or those of the XFree86 servers: Escape to the keypad's
/// point, the 102nd key, F11 and F12.
pub(super) fn is_common_keycode(keycode: u32) -> bool {
    matches!(keycode, 9..=91 | 94..=96)
}

/// The property holds rules, model, layouts, variants and options, each ended by a zero byte.
fn layout_of(names: &str) -> Option<String> {
    let mut fields = names.split('\0').skip(2);
    let layouts = fields.next().filter(|layouts| !layouts.is_empty())?;
    let mut variants = fields.next().unwrap_or("").split(',');
    let named: Vec<String> = layouts
        .split(',')
        .map(|layout| match variants.next() {
            Some(variant) if !variant.is_empty() => format!("{layout}({variant})"),
            _ => layout.to_owned(),
        })
        .collect();
    Some(named.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts_are_named_with_their_variants() {
        assert_eq!(layout_of("evdev\0pc105\0us\0\0\0").as_deref(), Some("us"));
        assert_eq!(layout_of("evdev\0pc105\0us,de\0,nodeadkeys\0caps:none\0").as_deref(), Some("us,de(nodeadkeys)"));
        assert_eq!(layout_of("evdev\0pc105\0\0\0\0"), None);
        assert_eq!(layout_of(""), None);
    }

    #[test]
    fn fixed_point_numbers_keep_sign_and_fraction() {
        assert!((fixed(Fp3232 { integral: -2, frac: 1 << 31 }) - -1.5).abs() < 1e-12);
    }
}
