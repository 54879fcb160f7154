//! What is told through ext-image-copy-capture and the list of windows that belongs to it.

use std::sync::OnceLock;

use wayland_client::protocol::wl_output::Transform;
use wayland_client::{Connection, Dispatch, Proxy as _, QueueHandle, WEnum, delegate_noop, event_created_child};
use wayland_protocols::ext::foreign_toplevel_list::v1::client::ext_foreign_toplevel_handle_v1::{
    self as toplevel, ExtForeignToplevelHandleV1,
};
use wayland_protocols::ext::foreign_toplevel_list::v1::client::ext_foreign_toplevel_list_v1::{
    self as list, ExtForeignToplevelListV1,
};
use wayland_protocols::ext::image_capture_source::v1::client::ext_foreign_toplevel_image_capture_source_manager_v1::ExtForeignToplevelImageCaptureSourceManagerV1;
use wayland_protocols::ext::image_capture_source::v1::client::ext_image_capture_source_v1::ExtImageCaptureSourceV1;
use wayland_protocols::ext::image_capture_source::v1::client::ext_output_image_capture_source_manager_v1::ExtOutputImageCaptureSourceManagerV1;
use wayland_protocols::ext::image_copy_capture::v1::client::ext_image_copy_capture_frame_v1::{
    self as frame, ExtImageCopyCaptureFrameV1, FailureReason,
};
use wayland_protocols::ext::image_copy_capture::v1::client::ext_image_copy_capture_manager_v1::ExtImageCopyCaptureManagerV1;
use wayland_protocols::ext::image_copy_capture::v1::client::ext_image_copy_capture_session_v1::{
    self as session, ExtImageCopyCaptureSessionV1,
};

use super::stamp::ns;
use super::state::State;

impl State {
    /// Takes in what is told of a session; one that was given up may still be told of.
    fn session(&mut self, number: u64, event: &session::Event) {
        if number != self.offer.number {
            return;
        }
        match *event {
            session::Event::BufferSize { width, height } => self.offer.sized((width, height)),
            session::Event::ShmFormat { format: WEnum::Value(format) } => self.offer.takes(format),
            session::Event::Done => {
                self.offer.done();
                self.shot.described(self.offer.holds.as_ref());
            }
            session::Event::Stopped => self.shot.has_failed = true,
            _ => {}
        }
    }

    /// Takes in what is told of a frame.
    fn frame(&mut self, number: u64, event: &frame::Event) {
        if number != self.shot.number {
            return;
        }
        match *event {
            frame::Event::Transform { transform } => match transform {
                WEnum::Value(Transform::Normal) => {}
                WEnum::Value(Transform::Flipped180) => self.shot.is_flipped = true,
                _ => self.shot.is_turned = true,
            },
            frame::Event::PresentationTime { tv_sec_hi, tv_sec_lo, tv_nsec } => {
                self.shot.presented = Some(ns(tv_sec_hi, tv_sec_lo, tv_nsec));
            }
            frame::Event::Ready => self.shot.copied(),
            frame::Event::Failed { reason: WEnum::Value(FailureReason::BufferConstraints) } => {
                self.shot.is_refused = true;
            }
            frame::Event::Failed { .. } => self.shot.has_failed = true,
            _ => {}
        }
    }
}

impl Dispatch<ExtImageCopyCaptureSessionV1, u64> for State {
    fn event(
        state: &mut Self,
        _: &ExtImageCopyCaptureSessionV1,
        event: session::Event,
        number: &u64,
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        state.session(*number, &event);
    }
}

impl Dispatch<ExtImageCopyCaptureFrameV1, u64> for State {
    fn event(
        state: &mut Self,
        _: &ExtImageCopyCaptureFrameV1,
        event: frame::Event,
        number: &u64,
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        state.frame(*number, &event);
    }
}

/// The number of a window, given when its handle comes.
#[derive(Default)]
pub(super) struct Number(OnceLock<u64>);

impl Dispatch<ExtForeignToplevelListV1, ()> for State {
    fn event(
        state: &mut Self,
        _: &ExtForeignToplevelListV1,
        event: list::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let list::Event::Toplevel { toplevel } = event {
            let number = state.windows.add(Some(toplevel.clone()));
            if let Some(Number(place)) = toplevel.data::<Number>() {
                place.get_or_init(|| number);
            }
        }
    }

    event_created_child!(State, ExtForeignToplevelListV1, [list::EVT_TOPLEVEL_OPCODE => (ExtForeignToplevelHandleV1, Number::default())]);
}

impl Dispatch<ExtForeignToplevelHandleV1, Number> for State {
    fn event(
        state: &mut Self,
        _: &ExtForeignToplevelHandleV1,
        event: toplevel::Event,
        Number(number): &Number,
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let Some(number) = number.get() {
            state.windows.event(*number, event);
        }
    }
}

delegate_noop!(State: ignore ExtImageCopyCaptureManagerV1);
delegate_noop!(State: ignore ExtOutputImageCaptureSourceManagerV1);
delegate_noop!(State: ignore ExtForeignToplevelImageCaptureSourceManagerV1);
delegate_noop!(State: ignore ExtImageCaptureSourceV1);

#[cfg(test)]
mod tests {
    use super::*;
    use wayland_client::protocol::wl_shm::Format;

    fn describe(state: &mut State, number: u64, width: u32) {
        let shm_format = session::Event::ShmFormat { format: WEnum::Value(Format::Xrgb8888) };
        for event in [session::Event::BufferSize { width, height: 480 }, shm_format, session::Event::Done] {
            state.session(number, &event);
        }
    }

    #[test]
    fn what_is_told_of_a_session_or_a_frame_that_was_given_up_counts_no_more() {
        let mut state = State::default();
        describe(&mut state, 1, 640);
        assert!(!state.shot.is_described, "another session");
        describe(&mut state, 0, 640);
        assert_eq!(state.shot.layout.map(|layout| layout.size), Some((640, 480)));
        state.frame(7, &frame::Event::Ready);
        state.session(1, &session::Event::Stopped);
        assert!(state.shot.ready.is_none() && !state.shot.has_failed);
        state.shot.is_copying = true;
        state.frame(0, &frame::Event::PresentationTime { tv_sec_hi: 0, tv_sec_lo: 7, tv_nsec: 5 });
        state.frame(0, &frame::Event::Transform { transform: WEnum::Value(Transform::Flipped180) });
        state.frame(0, &frame::Event::Ready);
        assert_eq!((state.shot.ready, state.shot.is_flipped), (Some(7_000_000_005), true));
    }

    #[test]
    fn a_frame_fails_is_refused_or_lies_on_its_side() {
        let failed = |event: &dyn Fn(&mut State)| {
            let mut state = State::default();
            describe(&mut state, 0, 640);
            state.shot.is_copying = true;
            event(&mut state);
            (state.shot.has_failed, state.shot.is_refused, state.shot.is_outdated, state.shot.is_turned)
        };
        let of =
            |reason| move |state: &mut State| state.frame(0, &frame::Event::Failed { reason: WEnum::Value(reason) });
        assert_eq!(failed(&of(FailureReason::Unknown)), (true, false, false, false));
        assert_eq!(failed(&of(FailureReason::Stopped)), (true, false, false, false));
        assert_eq!(failed(&of(FailureReason::BufferConstraints)), (false, true, false, false));
        assert_eq!(failed(&|state| state.session(0, &session::Event::Stopped)), (true, false, false, false));
        assert_eq!(failed(&|state| describe(state, 0, 800)), (false, false, true, false));
        assert_eq!(failed(&|state| describe(state, 0, 640)), (false, false, false, false));
        let turned = frame::Event::Transform { transform: WEnum::Value(Transform::_90) };
        assert_eq!(failed(&|state| state.frame(0, &turned)), (false, false, false, true));
    }
}
