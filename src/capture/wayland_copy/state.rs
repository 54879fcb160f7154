//! What the compositor has told: its monitors and windows, and how the frame goes that was asked for.

use wayland_client::globals::GlobalListContents;
use wayland_client::protocol::{wl_buffer, wl_callback, wl_output, wl_registry, wl_shm, wl_shm_pool};
use wayland_client::{Connection, Dispatch, Proxy as _, QueueHandle, WEnum, delegate_noop};
use wayland_protocols::xdg::xdg_output::zv1::client::zxdg_output_manager_v1::ZxdgOutputManagerV1;
use wayland_protocols::xdg::xdg_output::zv1::client::zxdg_output_v1::{self, ZxdgOutputV1};
use wayland_protocols_wlr::screencopy::v1::client::{zwlr_screencopy_frame_v1, zwlr_screencopy_manager_v1};

use super::offer::Offer;
use super::output::{self, Output};
use super::shot::Shot;
use super::stamp::ns;
use super::toplevel::Windows;

/// What events change.
#[derive(Default)]
pub(super) struct State {
    pub(super) outputs: Vec<Output>,
    /// Tells where they are.
    pub(super) places_of: Option<ZxdgOutputManagerV1>,
    /// The windows, where they can be copied.
    pub(super) windows: Windows,
    /// Where the pointer was since the last look, pixels of the monitor, `None` where it left that; and whether there is one.
    pub(super) places: Vec<Option<(i32, i32)>>,
    pub(super) has_pointer: bool,
    /// What the session offers that was begun last.
    pub(super) offer: Offer,
    /// The frame that was asked for last.
    pub(super) shot: Shot,
    /// The question that was answered last.
    pub(super) answered: u64,
}

impl Dispatch<wl_registry::WlRegistry, GlobalListContents> for State {
    fn event(
        state: &mut Self,
        registry: &wl_registry::WlRegistry,
        event: wl_registry::Event,
        _: &GlobalListContents,
        _: &Connection,
        queue: &QueueHandle<Self>,
    ) {
        match event {
            wl_registry::Event::Global { name, interface, version }
                if interface == wl_output::WlOutput::interface().name =>
            {
                let places = state.places_of.clone();
                output::follow(&mut state.outputs, places.as_ref(), registry, (name, version), queue);
            }
            wl_registry::Event::GlobalRemove { name } => state.outputs.retain(|output| output.global != name),
            _ => {}
        }
    }
}

impl Dispatch<wl_output::WlOutput, u32> for State {
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
        }
    }
}

impl Dispatch<ZxdgOutputV1, u32> for State {
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
        }
    }
}

impl Dispatch<wl_callback::WlCallback, u64> for State {
    fn event(
        state: &mut Self,
        _: &wl_callback::WlCallback,
        _: wl_callback::Event,
        number: &u64,
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        state.answered = *number;
    }
}

impl Dispatch<zwlr_screencopy_frame_v1::ZwlrScreencopyFrameV1, u64> for State {
    fn event(
        state: &mut Self,
        _: &zwlr_screencopy_frame_v1::ZwlrScreencopyFrameV1,
        event: zwlr_screencopy_frame_v1::Event,
        number: &u64,
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        use zwlr_screencopy_frame_v1::Event;
        // A frame that was given up may still be told of.
        if *number != state.shot.number {
            return;
        }
        match event {
            Event::Buffer { format: WEnum::Value(format), width, height, stride } => {
                state.shot.offered(format, (width, height), stride);
            }
            Event::BufferDone => state.shot.is_described = true,
            Event::Flags { flags: WEnum::Value(flags) } => {
                state.shot.is_flipped = flags.contains(zwlr_screencopy_frame_v1::Flags::YInvert);
            }
            Event::Ready { tv_sec_hi, tv_sec_lo, tv_nsec } => {
                state.shot.ready = Some(ns(tv_sec_hi, tv_sec_lo, tv_nsec));
            }
            Event::Failed => state.shot.has_failed = true,
            _ => {}
        }
    }
}

delegate_noop!(State: ignore ZxdgOutputManagerV1);
delegate_noop!(State: ignore wl_shm::WlShm);
delegate_noop!(State: ignore wl_shm_pool::WlShmPool);
delegate_noop!(State: ignore wl_buffer::WlBuffer);
delegate_noop!(State: ignore zwlr_screencopy_manager_v1::ZwlrScreencopyManagerV1);
