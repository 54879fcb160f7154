//! The protocols by which a compositor lets itself be copied.

use wayland_client::globals::GlobalList;
use wayland_client::protocol::wl_seat::WlSeat;
use wayland_client::{Dispatch, Proxy, QueueHandle};
use wayland_protocols::ext::foreign_toplevel_list::v1::client::ext_foreign_toplevel_list_v1::ExtForeignToplevelListV1;
use wayland_protocols::ext::image_capture_source::v1::client::ext_foreign_toplevel_image_capture_source_manager_v1::ExtForeignToplevelImageCaptureSourceManagerV1 as WindowSources;
use wayland_protocols::ext::image_capture_source::v1::client::ext_output_image_capture_source_manager_v1::ExtOutputImageCaptureSourceManagerV1 as OutputSources;
use wayland_protocols::ext::image_copy_capture::v1::client::ext_image_copy_capture_manager_v1::ExtImageCopyCaptureManagerV1;
use wayland_protocols_wlr::screencopy::v1::client::zwlr_screencopy_manager_v1::ZwlrScreencopyManagerV1;

use super::state::State;

/// The version of wlr-screencopy that is used: with damage, and with a word when everything was offered.
const WLR_VERSION: u32 = 3;
/// Newest version of seats that is used.
const SEAT_VERSION: u32 = 5;

/// ext-image-copy-capture, with what it copies.
#[derive(Clone)]
pub(super) struct Ext {
    pub(super) manager: ExtImageCopyCaptureManagerV1,
    pub(super) outputs: Option<OutputSources>,
    /// Windows, where they are listed too.
    pub(super) windows: Option<WindowSources>,
}

/// What there is.
#[derive(Default)]
pub(super) struct Managers {
    pub(super) ext: Option<Ext>,
    pub(super) wlr: Option<ZwlrScreencopyManagerV1>,
    pub(super) seat: Option<WlSeat>,
}

impl Managers {
    /// Takes what the compositor has. `with_windows`: it is told of all windows and their titles from now on, which somebody must read.
    pub(super) fn bind(globals: &GlobalList, queue: &QueueHandle<State>, with_windows: bool) -> Self {
        fn one<P: Proxy + 'static>(globals: &GlobalList, queue: &QueueHandle<State>, version: u32) -> Option<P>
        where
            State: Dispatch<P, ()>,
        {
            globals.bind(queue, version..=version, ()).ok()
        }
        let list = ExtForeignToplevelListV1::interface().name;
        let is_listed = if with_windows {
            one::<ExtForeignToplevelListV1>(globals, queue, 1).is_some()
        } else {
            globals.contents().with_list(|all| all.iter().any(|global| global.interface == list))
        };
        let ext = one(globals, queue, 1).map(|manager| Ext {
            manager,
            outputs: one(globals, queue, 1),
            windows: one(globals, queue, 1).filter(|_: &WindowSources| is_listed),
        });
        let seat = globals.bind(queue, 3..=SEAT_VERSION, ()).ok();
        Self { ext, wlr: one(globals, queue, WLR_VERSION), seat }
    }

    /// Whether monitors can be copied.
    pub(super) fn copies_monitors(&self) -> bool {
        self.wlr.is_some() || self.ext.as_ref().is_some_and(|ext| ext.outputs.is_some())
    }

    /// What copies monitors in sessions, which can tell of the pointer.
    pub(super) fn of_outputs(&self) -> Option<(&ExtImageCopyCaptureManagerV1, &OutputSources)> {
        let ext = self.ext.as_ref()?;
        Some((&ext.manager, ext.outputs.as_ref()?))
    }

    /// Whether windows can be copied.
    pub(super) fn copies_windows(&self) -> bool {
        self.ext.as_ref().is_some_and(|ext| ext.windows.is_some())
    }
}
