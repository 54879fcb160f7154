//! What the server says of its input devices: names, what their axes mean, who stands behind them.
//!
//! Asked for when the source opens and again whenever a device comes or goes. What it does not do: hear events.

use x11rb::errors::ReplyError;
use x11rb::protocol::xinput::{
    ConnectionExt as _, DeviceClassData, DeviceType, Fp3232, ScrollType, ValuatorMode, XIGetPropertyReply,
};
use x11rb::protocol::xproto::{AtomEnum, ConnectionExt as _};
use x11rb::rust_connection::RustConnection;

use super::meaning::Kind;
use crate::base::event::Axis;

/// XI2's number for "every device".
pub(super) const ALL_DEVICES: u16 = 0;
/// XI2's number for "every master device": each raw event once, whatever devices are attached.
pub(super) const ALL_MASTER_DEVICES: u16 = 1;
/// Devices that are kept: a server has at most 40 (`MAXDEVICES` was 20 until 2012, 40 since, 256 in new ones).
const MAX_DEVICES: usize = 256;

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
    /// Who stands behind it, and whether its numbers can be believed to be steps.
    pub(super) kind: Kind,
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
        let xtest = conn.intern_atom(false, b"XTEST Device")?;
        // Set by the drivers evdev and libinput: the name of the kernel's device.
        let node = conn.intern_atom(false, b"Device Node")?;
        let (xtest, node) = (xtest.reply()?.atom, node.reply()?.atom);
        let mut devices = Self::default();
        for info in conn.xinput_xi_query_device(ALL_DEVICES)?.reply()?.infos.into_iter().take(MAX_DEVICES) {
            if info.type_ != DeviceType::SLAVE_POINTER && info.type_ != DeviceType::SLAVE_KEYBOARD {
                continue;
            }
            let property = |name| conn.xinput_xi_get_property(info.deviceid, false, name, AtomEnum::ANY.into(), 0, 0);
            let (injected, kernel) = (property(xtest)?, property(node)?);
            let is_set = |reply: Result<XIGetPropertyReply, ReplyError>| match reply {
                Ok(reply) => Ok(reply.type_ != u32::from(AtomEnum::NONE)),
                // The device went away in between.
                Err(ReplyError::X11Error(_)) => Ok(false),
                Err(error) => Err(error),
            };
            let kind = match (is_set(injected.reply())?, is_set(kernel.reply())?) {
                (true, _) => Kind::Injected,
                (false, true) => Kind::Kernel,
                (false, false) => Kind::Virtual,
            };
            devices.names.push(String::from_utf8_lossy(&info.name).into_owned());
            let mut device = Device { id: info.deviceid, kind, ..Device::default() };
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

    /// Whether a device has an axis that scrolls this way; of no device in particular, whether any has.
    pub(super) fn scrolls(&self, id: Option<u16>, axis: Axis) -> bool {
        let mut devices = self.list.iter().filter(|device| id.is_none_or(|id| id == device.id));
        devices.any(|device| device.scrolls.iter().any(|scroll| scroll.axis == axis))
    }

    /// The device that an event came from; one that is not known counts as a plain relative mouse.
    pub(super) fn get(&self, id: u16) -> Option<&Device> {
        self.list.iter().find(|device| device.id == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixed_point_numbers_keep_sign_and_fraction() {
        assert!((fixed(Fp3232 { integral: -2, frac: 1 << 31 }) - -1.5).abs() < 1e-12);
    }
}
