//! A monitor, as the compositor describes it: in pixels, and where it tells that (`xdg-output`) its place and size on the desktop, in the units of
//! the compositor. wlroots says of each monitor that it is at 0,0 where only `wl_output` is asked.

use wayland_client::globals::{GlobalList, GlobalListContents};
use wayland_client::protocol::wl_output::{self, WlOutput};
use wayland_client::protocol::wl_registry::WlRegistry;
use wayland_client::{Dispatch, Proxy as _, QueueHandle, WEnum};
use wayland_protocols::xdg::xdg_output::zv1::client::zxdg_output_manager_v1::ZxdgOutputManagerV1 as Places;
use wayland_protocols::xdg::xdg_output::zv1::client::zxdg_output_v1::{self, ZxdgOutputV1};

use crate::base::event::{Area, Surface};

/// The most monitors that are followed.
const MAX_OUTPUTS: usize = 64;
/// Newest version of `wl_output` that is used: with names.
const VERSION: u32 = 4;
/// Newest version of `zxdg_output_manager_v1` that is used.
const PLACES_VERSION: u32 = 3;
/// The longest name that is kept, bytes.
const MAX_NAME: usize = 256;

/// A monitor.
pub(super) struct Output {
    /// Its number in the registry.
    pub(super) global: u32,
    pub(super) proxy: WlOutput,
    /// Its name (`DP-1`); empty when the compositor tells none.
    pub(super) name: String,
    pub(super) model: String,
    position: (i32, i32),
    /// Its corner and its size in the compositor's units, where these are told.
    corner: Option<(i32, i32)>,
    units: Option<(i32, i32)>,
    /// Its size in pixels.
    mode: (i32, i32),
    refresh_mhz: i32,
    /// Its scale, rounded up to a whole number.
    pub(super) scale: i32,
    /// Pictures of it are turned or mirrored.
    pub(super) is_turned: bool,
}

/// What hears of monitors.
pub(super) trait Hears:
    Dispatch<WlOutput, u32>
    + Dispatch<ZxdgOutputV1, u32>
    + Dispatch<Places, ()>
    + Dispatch<WlRegistry, GlobalListContents>
    + 'static
{
}

impl<S> Hears for S where
    S: Dispatch<WlOutput, u32>
        + Dispatch<ZxdgOutputV1, u32>
        + Dispatch<Places, ()>
        + Dispatch<WlRegistry, GlobalListContents>
        + 'static
{
}

/// Follows a monitor that the compositor has, by its number in the registry and the version of its interface. `places` tells where it is.
pub(super) fn follow<S: Hears>(
    outputs: &mut Vec<Output>,
    places: Option<&Places>,
    registry: &WlRegistry,
    (global, version): (u32, u32),
    queue: &QueueHandle<S>,
) {
    if outputs.len() < MAX_OUTPUTS {
        let proxy = registry.bind(global, version.min(VERSION), queue, global);
        // Told with it, and as long as the connection lasts.
        if let Some(places) = places {
            places.get_xdg_output(&proxy, queue, global);
        }
        outputs.push(Output::new(global, proxy));
    }
}

/// Follows all monitors that the compositor has now; returns what tells where those that come later are.
pub(super) fn follow_all<S: Hears>(
    outputs: &mut Vec<Output>,
    globals: &GlobalList,
    queue: &QueueHandle<S>,
) -> Option<Places> {
    let places = globals.bind(queue, 1..=PLACES_VERSION, ()).ok();
    let all: Vec<_> = globals.contents().with_list(|list| {
        let all = list.iter().filter(|global| global.interface == WlOutput::interface().name);
        all.map(|global| (global.name, global.version)).collect()
    });
    for output in all {
        follow(outputs, places.as_ref(), globals.registry(), output, queue);
    }
    places
}

impl Output {
    fn new(global: u32, proxy: WlOutput) -> Self {
        Self {
            global,
            proxy,
            name: String::new(),
            model: String::new(),
            position: (0, 0),
            corner: None,
            units: None,
            mode: (0, 0),
            refresh_mhz: 0,
            scale: 1,
            is_turned: false,
        }
    }

    /// Takes in what the compositor tells of it.
    pub(super) fn event(&mut self, event: wl_output::Event) {
        match event {
            wl_output::Event::Geometry { x, y, make, model, transform, .. } => {
                self.position = (x, y);
                self.model = cut(&format!("{make} {model}"));
                self.is_turned = transform != WEnum::Value(wl_output::Transform::Normal);
            }
            wl_output::Event::Mode { flags: WEnum::Value(flags), width, height, refresh }
                if flags.contains(wl_output::Mode::Current) =>
            {
                (self.mode, self.refresh_mhz) = ((width, height), refresh);
            }
            wl_output::Event::Scale { factor } => self.scale = factor,
            wl_output::Event::Name { name } => self.name = cut(&name),
            _ => {}
        }
    }

    /// Takes in what the compositor tells of its place on the desktop.
    pub(super) fn place_event(&mut self, event: &zxdg_output_v1::Event) {
        match *event {
            zxdg_output_v1::Event::LogicalPosition { x, y } => self.corner = Some((x, y)),
            zxdg_output_v1::Event::LogicalSize { width, height } => self.units = Some((width, height)),
            _ => {}
        }
    }

    /// Returns its refresh rate, where the compositor tells.
    pub(super) fn refresh_hz(&self) -> Option<f64> {
        (self.refresh_mhz > 0).then(|| f64::from(self.refresh_mhz) / 1000.0)
    }

    /// Returns whether a place on the desktop is the same place in its pictures, but for its corner.
    pub(super) fn is_in_pixels(&self) -> bool {
        self.scale == 1 && !self.is_turned && self.units.is_none_or(|units| units == self.mode)
    }

    /// Returns where its corner is on the desktop, and its size in pixels. Its true scale may be a fraction, which this protocol does not tell.
    pub(super) fn surface(&self) -> Surface {
        let (x, y) = self.corner.unwrap_or(self.position);
        Surface { x, y, width: side(self.mode.0), height: side(self.mode.1), scale: None }
    }

    /// Returns what of the desktop it is, in the compositor's units; in pixels, where those are not told.
    pub(super) fn place(&self) -> Area {
        let Surface { x, y, .. } = self.surface();
        let (width, height) = self.units.unwrap_or(self.mode);
        Area { x, y, width: side(width), height: side(height) }
    }
}

fn side(length: i32) -> u32 {
    u32::try_from(length).unwrap_or(0)
}

/// The beginning of a name.
fn cut(name: &str) -> String {
    name.trim()
        .chars()
        .scan(0, |bytes, c| {
            *bytes += c.len_utf8();
            (*bytes <= MAX_NAME).then_some(c)
        })
        .collect()
}
