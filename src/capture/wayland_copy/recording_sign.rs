//! The sign on Wayland: a surface of the layer shell, above everything, that takes neither keys nor the pointer.
//!
//! Invariants:
//! - Its region of input is empty, and it wants no keys.
//! - Where it lies in the pictures of the monitor is in [`SignAreas`] before it has pixels there.
//! - It is held by the monitor's upper left corner, whatever corner it stands in, so that no compositor moves it by itself when the monitor changes
//!   its size: a picture of that moment would have it in a place that nobody was told of. It is moved here, once the new place is known.
//!   Another scale does move it in the pixels: until that is heard of, some milliseconds, nobody was told of the place that it has then.
//!
//! How large a monitor is in the compositor's units is asked with a surface that fills it and never has pixels. All are gone with their connection.

use std::fs::File;
use std::os::fd::AsFd as _;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::{MemfdFlags, SealFlags};
use wayland_client::globals::{GlobalList, registry_queue_init};
use wayland_client::protocol::wl_buffer::WlBuffer;
use wayland_client::protocol::wl_compositor::WlCompositor;
use wayland_client::protocol::wl_output::WlOutput;
use wayland_client::protocol::wl_shm::{Format, WlShm};
use wayland_client::protocol::wl_surface::WlSurface;
use wayland_client::{EventQueue, QueueHandle};
use wayland_protocols_wlr::layer_shell::v1::client::zwlr_layer_shell_v1::{Layer, ZwlrLayerShellV1};
use wayland_protocols_wlr::layer_shell::v1::client::zwlr_layer_surface_v1::{
    Anchor, KeyboardInteractivity, ZwlrLayerSurfaceV1,
};

use super::connection::{BACKEND, compositor, connect, gone, no_compositor, read_within};
use super::output;
use super::sign_place::{are_told_apart, find_spot, in_pictures, recorded};
use super::sign_state::{Role, SignState as Told, Word};
use crate::base::event::Area;
use crate::base::time::Clock;
use crate::capture::recording_sign::{
    Place, RecordingSign, SIGN, SignAreas, SignDescription, SignPlan, SignState, badge,
};
use crate::capture::{CaptureError, ScreenDescription};
use crate::privacy::cover::LINGER;

/// What shows it, in the metadata.
const BY: &str = "wayland-layer-shell";
/// What the surface is for, as compositors' rules name it.
const NAMESPACE: &str = "watchcap-recording-sign";
/// How long the compositor may take to say how large the surface is.
const FIRST_WORD: Duration = Duration::from_secs(3);

/// The sign.
struct LayerSign {
    desk: SignDesk,
    areas: Arc<SignAreas>,
    surface: WlSurface,
    layer: ZwlrLayerSurfaceV1,
    looks: [WlBuffer; 2],
    shown: SignState,
    /// Which monitor it is on, and the size that this had when it was placed: in pixels, and in the compositor's units.
    global: u32,
    monitor: [(u32, u32); 2],
    /// Pictures are taken of that monitor, or (`Some(true)`) of a part of it.
    is_part: Option<bool>,
    factor: u32,
    /// Where it is told to be.
    place: Option<Place>,
    description: SignDescription,
}

/// Shows the sign.
///
/// # Errors
/// [`CaptureError::NoCompositor`], and [`CaptureError::Unavailable`] when the compositor has no layer shell, no monitor has room, or it is not known
/// which monitor is recorded.
pub(super) fn open(
    plan: &SignPlan,
    screen: &ScreenDescription,
    areas: &Arc<SignAreas>,
) -> Result<Box<dyn RecordingSign>, CaptureError> {
    match show(plan, screen, areas) {
        Ok(sign) => Ok(Box::new(sign)),
        Err(error) => {
            // Its connection is closed, and it went with that.
            areas.all_down(plan.clock.now());
            Err(error)
        }
    }
}

fn show(plan: &SignPlan, screen: &ScreenDescription, areas: &Arc<SignAreas>) -> Result<LayerSign, CaptureError> {
    let mut desk = SignDesk::open(Arc::clone(&plan.clock))?;
    if screen.window_id.is_none() && !are_told_apart(desk.state.outputs.iter().map(|output| &*output.name)) {
        return Err(lacks("the compositor does not tell the names of its monitors".into()));
    }
    let no_room = || lacks("no monitor has room for it".into());
    let (at, corner) = find_spot(&desk.state.outputs, screen, plan.corner).ok_or_else(no_room)?;
    let output = &desk.state.outputs[at];
    let (global, proxy, name) = (output.global, output.proxy.clone(), output.name.clone());
    let (factor, whole) = (badge::factor(output.scale as f32), output.surface());
    let is_recorded = recorded(&desk.state.outputs, screen) == Some(at);
    let units = desk.measure(&proxy)?;
    let area = corner.of(Area { x: 0, y: 0, width: units.0, height: units.1 }, badge::size(1)).ok_or_else(no_room)?;
    let surface = screen.surface;
    let is_part = is_recorded.then(|| {
        (whole.x, whole.y, whole.width, whole.height) != (surface.x, surface.y, surface.width, surface.height)
    });
    let place = is_part.map(|is_part| in_pictures(whole, area, units, is_part));
    let handle = desk.queue.handle();
    let (surface, layer) = desk.surface(&proxy, Role::Sign);
    layer.set_anchor(Anchor::Left | Anchor::Top);
    let (width, height) = badge::size(1);
    layer.set_size(width, height);
    layer.set_margin(area.y, 0, 0, area.x);
    surface.commit();
    desk.word(Role::Sign)?;
    if let Some(place) = place {
        areas.up(place);
    }
    let looks = looks(&desk.shm, factor, &handle)?;
    surface.set_buffer_scale(factor as i32);
    surface.frame(&handle, ());
    let clock = Arc::clone(&plan.clock);
    let mut sign = LayerSign {
        desk,
        areas: Arc::clone(areas),
        surface,
        layer,
        looks,
        shown: SignState::Recording,
        global,
        monitor: [(whole.width, whole.height), units],
        is_part,
        factor,
        place,
        description: SignDescription { by: BY, monitor: name, corner, area },
    };
    sign.paint();
    // Until it is in a picture, and has been faded in.
    let until = clock.now().plus(FIRST_WORD);
    while !sign.desk.state.is_painted && clock.now() < until {
        sign.take_in(Duration::from_millis(50))?;
    }
    if !sign.desk.state.is_painted {
        return Err(lacks("the compositor does not show its surface".into()));
    }
    let until = clock.now().plus(LINGER);
    while place.is_some() && clock.now() < until {
        sign.take_in(until.since(clock.now()))?;
    }
    Ok(sign)
}

fn lacks(detail: String) -> CaptureError {
    CaptureError::Unavailable { backend: BACKEND, what: SIGN.into(), detail }
}

/// Its pixels in both states, shared with the compositor.
fn looks(shm: &WlShm, factor: u32, handle: &QueueHandle<Told>) -> Result<[WlBuffer; 2], CaptureError> {
    let failed = |detail: String| CaptureError::System { what: "sharing memory", detail };
    let looks = [SignState::Recording, SignState::Paused].map(|state| badge::bgrx(state, factor));
    let bytes = looks[0].len();
    let file = rustix::fs::memfd_create(c"watchcap-sign", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)
        .map_err(|error| failed(error.to_string()))?;
    let file = File::from(file);
    for (at, look) in (0..).zip(&looks) {
        file.write_all_at(look, at * bytes as u64).map_err(|error| failed(error.to_string()))?;
    }
    rustix::fs::fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)
        .map_err(|error| failed(error.to_string()))?;
    let (width, height) = badge::size(factor);
    let pool = shm.create_pool(file.as_fd(), 2 * bytes as i32, handle, ());
    let buffer = |at: i32| {
        let start = at * bytes as i32;
        pool.create_buffer(start, width as i32, height as i32, width as i32 * 4, Format::Xrgb8888, handle, ())
    };
    let buffers = [buffer(0), buffer(1)];
    pool.destroy();
    Ok(buffers)
}

/// The connection of a sign, and what was told through it.
struct SignDesk {
    queue: EventQueue<Told>,
    state: Told,
    clock: Arc<dyn Clock>,
    compositor: WlCompositor,
    shell: ZwlrLayerShellV1,
    shm: WlShm,
}

impl SignDesk {
    fn open(clock: Arc<dyn Clock>) -> Result<Self, CaptureError> {
        let conn = connect()?;
        let (globals, queue) = registry_queue_init::<Told>(&conn).map_err(|error| no_compositor(error.to_string()))?;
        let handle = queue.handle();
        let shell = globals
            .bind(&handle, 1..=4, ())
            .map_err(|_absent| lacks(format!("{} has no layer shell (zwlr_layer_shell_v1)", compositor())))?;
        let shm =
            globals.bind(&handle, 1..=1, ()).map_err(|_absent| lacks("the compositor shares no memory".into()))?;
        let compositor =
            globals.bind(&handle, 3..=5, ()).map_err(|_absent| lacks("the compositor is too old".into()))?;
        let mut desk = Self { queue, state: Told::default(), clock, compositor, shell, shm };
        desk.hear_of_monitors(&globals)?;
        Ok(desk)
    }

    fn hear_of_monitors(&mut self, globals: &GlobalList) -> Result<(), CaptureError> {
        output::follow_all(&mut self.state.outputs, globals, &self.queue.handle());
        // Once for what was bound, once for what that told.
        self.roundtrip()?;
        self.roundtrip()
    }

    /// What was asked for before it is done.
    fn roundtrip(&mut self) -> Result<(), CaptureError> {
        self.queue.roundtrip(&mut self.state).map(drop).map_err(|error| gone(&error))
    }

    /// A surface above everything, which takes nothing and reserves nothing.
    fn surface(&self, output: &WlOutput, role: Role) -> (WlSurface, ZwlrLayerSurfaceV1) {
        let handle = self.queue.handle();
        let surface = self.compositor.create_surface(&handle, ());
        let nothing = self.compositor.create_region(&handle, ());
        surface.set_input_region(Some(&nothing));
        nothing.destroy();
        let (layer, name) = (Layer::Overlay, NAMESPACE.to_owned());
        let layer = self.shell.get_layer_surface(&surface, Some(output), layer, name, &handle, role);
        layer.set_keyboard_interactivity(KeyboardInteractivity::None);
        layer.set_exclusive_zone(-1);
        (surface, layer)
    }

    /// Waits for the compositor's word on a surface: the size that it may have.
    fn word(&mut self, role: Role) -> Result<(u32, u32), CaptureError> {
        let until = self.clock.now().plus(FIRST_WORD);
        loop {
            if self.state.of(role).is_closed {
                return Err(lacks("the compositor refused its surface".into()));
            }
            if let Some(size) = self.state.of(role).size.take() {
                return Ok(size);
            }
            let left = until.since(self.clock.now());
            if left.is_zero() {
                return Err(lacks("the compositor does not answer".into()));
            }
            read_within(&mut self.queue, &mut self.state, left)?;
        }
    }

    /// The size of a monitor in the compositor's units: that of a surface which fills it.
    fn measure(&mut self, output: &WlOutput) -> Result<(u32, u32), CaptureError> {
        self.state.measure = Word::default();
        let (surface, layer) = self.surface(output, Role::Measure);
        layer.set_anchor(Anchor::all());
        layer.set_size(0, 0);
        surface.commit();
        let size = self.word(Role::Measure);
        layer.destroy();
        surface.destroy();
        size
    }
}

impl LayerSign {
    fn paint(&self) {
        let look = &self.looks[usize::from(self.shown == SignState::Paused)];
        let (width, height) = badge::size(self.factor);
        self.surface.attach(Some(look), 0, 0);
        self.surface.damage(0, 0, width as i32, height as i32);
        self.surface.commit();
    }

    fn take_in(&mut self, limit: Duration) -> Result<(), CaptureError> {
        read_within(&mut self.desk.queue, &mut self.desk.state, limit)?;
        if self.desk.state.sign.is_closed {
            let detail = "the compositor took it away, as it does when its monitor goes".into();
            return Err(CaptureError::Gone { what: "sign", detail });
        }
        Ok(())
    }

    /// Moves it into its corner, where the monitor has another size than when it was placed, or another scale.
    fn follow(&mut self) -> Result<(), CaptureError> {
        if !std::mem::take(&mut self.desk.state.is_stale) {
            return Ok(());
        }
        let Some(at) = self.desk.state.outputs.iter().position(|output| output.global == self.global) else {
            return Ok(());
        };
        let proxy = self.desk.state.outputs[at].proxy.clone();
        let units = self.desk.measure(&proxy)?;
        let whole = self.desk.state.outputs[at].surface();
        let monitor = [(whole.width, whole.height), units];
        if monitor == self.monitor {
            return Ok(());
        }
        self.monitor = monitor;
        let in_pictures = |area| self.is_part.map(|is_part| in_pictures(whole, area, units, is_part));
        let all = Area { x: 0, y: 0, width: units.0, height: units.1 };
        // Without room for it, it stays where it is.
        let area = self.description.corner.of(all, badge::size(1)).unwrap_or(self.description.area);
        // In other units the same margins are another place, until it is moved.
        let (stays, place) = (in_pictures(self.description.area), in_pictures(area));
        stays.into_iter().chain(place).for_each(|place| self.areas.up(place));
        self.layer.set_margin(area.y, 0, 0, area.x);
        self.surface.commit();
        self.desk.roundtrip()?;
        let before = std::mem::replace(&mut self.place, place);
        for left in before.into_iter().chain(stays).filter(|left| Some(*left) != place) {
            self.areas.down(left, self.desk.clock.now());
        }
        self.description.area = area;
        Ok(())
    }
}

impl RecordingSign for LayerSign {
    fn describe(&self) -> SignDescription {
        self.description.clone()
    }

    fn tend(&mut self, state: SignState, limit: Duration) -> Result<(), CaptureError> {
        if state != self.shown {
            self.shown = state;
            self.paint();
        }
        self.take_in(limit)?;
        self.follow()
    }
}
