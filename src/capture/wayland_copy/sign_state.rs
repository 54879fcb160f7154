//! What the compositor has told the sign: its monitors, and what became of the sign's surface.

use wayland_client::globals::GlobalListContents;
use wayland_client::protocol::{
    wl_buffer, wl_callback, wl_compositor, wl_output, wl_region, wl_registry, wl_shm, wl_shm_pool, wl_surface,
};
use wayland_client::{Connection, Dispatch, QueueHandle, delegate_noop};
use wayland_protocols::xdg::xdg_output::zv1::client::zxdg_output_manager_v1::ZxdgOutputManagerV1;
use wayland_protocols::xdg::xdg_output::zv1::client::zxdg_output_v1::{self, ZxdgOutputV1};
use wayland_protocols_wlr::layer_shell::v1::client::{zwlr_layer_shell_v1, zwlr_layer_surface_v1};

use super::output::Output;

/// Which surface something is said of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Role {
    /// The sign.
    Sign,
    /// One that is never shown, and tells how large its monitor is.
    Measure,
}

/// The compositor's last word on a surface.
#[derive(Default)]
pub(super) struct Word {
    /// The size that it may have, once it was told.
    pub(super) size: Option<(u32, u32)>,
    /// The compositor has taken it away.
    pub(super) is_closed: bool,
}

/// What events change.
#[derive(Default)]
pub(super) struct SignState {
    pub(super) outputs: Vec<Output>,
    pub(super) sign: Word,
    pub(super) measure: Word,
    /// Something was told of a monitor: its mode, its scale or its place may be another one.
    pub(super) is_stale: bool,
    /// A picture with the surface in it is on its way.
    pub(super) is_painted: bool,
}

impl SignState {
    /// What was said of a surface.
    pub(super) fn of(&mut self, role: Role) -> &mut Word {
        match role {
            Role::Sign => &mut self.sign,
            Role::Measure => &mut self.measure,
        }
    }
}

impl Dispatch<wl_registry::WlRegistry, GlobalListContents> for SignState {
    fn event(
        _: &mut Self,
        _: &wl_registry::WlRegistry,
        _: wl_registry::Event,
        _: &GlobalListContents,
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        // Monitors that come later are found when the sign is shown anew.
    }
}

impl Dispatch<wl_output::WlOutput, u32> for SignState {
    fn event(
        state: &mut Self,
        _: &wl_output::WlOutput,
        event: wl_output::Event,
        global: &u32,
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let Some(output) = state.outputs.iter_mut().find(|output| output.global == *global) {
            output.event(event);
            state.is_stale = true;
        }
    }
}

impl Dispatch<ZxdgOutputV1, u32> for SignState {
    fn event(
        state: &mut Self,
        _: &ZxdgOutputV1,
        event: zxdg_output_v1::Event,
        global: &u32,
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let Some(output) = state.outputs.iter_mut().find(|output| output.global == *global) {
            output.place_event(&event);
            state.is_stale = true;
        }
    }
}

impl Dispatch<zwlr_layer_surface_v1::ZwlrLayerSurfaceV1, Role> for SignState {
    fn event(
        state: &mut Self,
        surface: &zwlr_layer_surface_v1::ZwlrLayerSurfaceV1,
        event: zwlr_layer_surface_v1::Event,
        role: &Role,
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        match event {
            zwlr_layer_surface_v1::Event::Configure { serial, width, height } => {
                surface.ack_configure(serial);
                state.of(*role).size = Some((width, height));
            }
            zwlr_layer_surface_v1::Event::Closed => state.of(*role).is_closed = true,
            _ => {}
        }
    }
}

impl Dispatch<wl_callback::WlCallback, ()> for SignState {
    fn event(
        state: &mut Self,
        _: &wl_callback::WlCallback,
        _: wl_callback::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        state.is_painted = true;
    }
}

delegate_noop!(SignState: ignore ZxdgOutputManagerV1);
delegate_noop!(SignState: ignore wl_buffer::WlBuffer);
delegate_noop!(SignState: ignore wl_compositor::WlCompositor);
delegate_noop!(SignState: ignore wl_region::WlRegion);
delegate_noop!(SignState: ignore wl_shm::WlShm);
delegate_noop!(SignState: ignore wl_shm_pool::WlShmPool);
delegate_noop!(SignState: ignore wl_surface::WlSurface);
delegate_noop!(SignState: ignore zwlr_layer_shell_v1::ZwlrLayerShellV1);
