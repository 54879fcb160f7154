//! Where the pointer is on a recorded monitor: a cursor session of ext-image-copy-capture, on a connection and in a thread of its own.
//!
//! The compositor tells places without a time, so each carries that of its arrival, which is not earlier than what it tells; a thread of its own has it then and not
//! when the next picture is looked for. It tells about one place a refresh, and whether the pointer has left the monitor; where it rests is proved by
//! questions ([`Rest`]), so that buttons and wheels, whose devices know no place, get that. Nothing is copied, and the pointer's image is not asked for. wlroots tells nothing while the
//! pointer is drawn into pictures, by whomever they are taken.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use wayland_client::protocol::wl_pointer::WlPointer;
use wayland_client::protocol::wl_seat::{self, WlSeat};
use wayland_client::{Connection, Dispatch, QueueHandle, WEnum, delegate_noop};
use wayland_protocols::ext::image_copy_capture::v1::client::ext_image_copy_capture_cursor_session_v1::{
    self as cursor, ExtImageCopyCaptureCursorSessionV1 as CursorSession,
};

use super::connection::{BACKEND, Desk};
use super::find::Subject;
use super::rest::Rest;
use super::state::State;
use crate::base::event::Source;
use crate::base::time::Clock;
use crate::capture::{CaptureError, Outlets, StopFlag};

/// How often the compositor is asked whether there is something new, and it is looked whether the end was asked for.
const WAIT: Duration = Duration::from_millis(15);

/// Follows the pointer until it is dropped.
pub(super) struct PointerWatch {
    stop: StopFlag,
    thread: Option<JoinHandle<()>>,
}

impl PointerWatch {
    /// Hands in where the pointer is on a monitor, where inputs are recorded; `None` where the compositor does not tell.
    ///
    /// # Errors
    /// As [`Desk::open`].
    pub(super) fn start(
        subject: &Subject,
        outlets: &Outlets,
        clock: &Arc<dyn Clock>,
    ) -> Result<Option<Self>, CaptureError> {
        if subject.is_window() || !outlets.takes_inputs() {
            return Ok(None);
        }
        let desk = Desk::open(false)?;
        let Some(seat) = desk.managers.seat.clone().filter(|_| desk.managers.of_outputs().is_some()) else {
            return Ok(None);
        };
        let stop = StopFlag::new();
        let (subject, outlets, clock, asked) = (subject.clone(), outlets.clone(), Arc::clone(clock), stop.clone());
        let mut follower = Follower { desk, seat, subject, session: None, rest: Rest::default() };
        let follow = move || {
            while !asked.is_set() {
                // That the compositor is gone the pictures say.
                if follower.look(&outlets, clock.as_ref()).is_err() {
                    break;
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name("pointer".into())
            .spawn(follow)
            .map_err(|error| CaptureError::System { what: "starting a thread", detail: error.to_string() })?;
        Ok(Some(Self { stop, thread: Some(thread) }))
    }
}

impl Drop for PointerWatch {
    fn drop(&mut self) {
        self.stop.set();
        drop(self.thread.take().map(JoinHandle::join));
    }
}

struct Follower {
    desk: Desk,
    seat: WlSeat,
    subject: Subject,
    session: Option<(CursorSession, WlPointer)>,
    rest: Rest,
}

impl Follower {
    /// Takes in what is told, and follows the monitor and the pointer as they come and go.
    fn look(&mut self, outlets: &Outlets, clock: &dyn Clock) -> Result<(), CaptureError> {
        self.begin_or_end()?;
        if let Some(question) = self.rest.next(clock.now()) {
            self.desk.question(question)?;
        }
        self.desk.read_within(WAIT)?;
        let now = clock.now();
        let places = std::mem::take(&mut self.desk.state.places);
        let source = Source::named(BACKEND);
        let corner = self.subject.output(&self.desk.state.outputs).map(super::output::Output::surface);
        let on_desktop = |(x, y): (i32, i32)| {
            corner.map(|corner| (f64::from(corner.x) + f64::from(x), f64::from(corner.y) + f64::from(y)))
        };
        // Of those that came together the last is the newest.
        if let Some(place) = places.last() {
            self.rest.told(*place, now);
            if let Some(at) = place.and_then(on_desktop) {
                outlets.pointer(now, source, at);
            }
        }
        if let Some((t, place)) = self.rest.heard(self.desk.state.answered, now) {
            outlets.proved(t, source, place.and_then(on_desktop));
        }
        Ok(())
    }

    fn begin_or_end(&mut self) -> Result<(), CaptureError> {
        let state = &self.desk.state;
        let output =
            self.subject.output(&state.outputs).filter(|_| state.has_pointer).map(|output| output.proxy.clone());
        match (output, self.session.take()) {
            (Some(output), None) => {
                let queue = self.desk.handle();
                if let Some((manager, sources)) = self.desk.managers.of_outputs() {
                    let pointer = self.seat.get_pointer(&queue, ());
                    let source = sources.create_source(&output, &queue, ());
                    let session = manager.create_pointer_cursor_session(&source, &pointer, &queue, ());
                    source.destroy();
                    self.session = Some((session, pointer));
                }
            }
            (None, Some((session, pointer))) => {
                self.desk.state.places.push(None);
                session.destroy();
                pointer.release();
            }
            (_, as_it_is) => self.session = as_it_is,
        }
        self.desk.flush()
    }
}

impl Dispatch<WlSeat, ()> for State {
    fn event(state: &mut Self, _: &WlSeat, event: wl_seat::Event, (): &(), _: &Connection, _: &QueueHandle<Self>) {
        if let wl_seat::Event::Capabilities { capabilities: WEnum::Value(has) } = event {
            state.has_pointer = has.contains(wl_seat::Capability::Pointer);
        }
    }
}

impl Dispatch<CursorSession, ()> for State {
    fn event(
        state: &mut Self,
        _: &CursorSession,
        event: cursor::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        match event {
            cursor::Event::Position { x, y } => state.places.push(Some((x, y))),
            cursor::Event::Leave => state.places.push(None),
            _ => {}
        }
    }
}

delegate_noop!(State: ignore WlPointer);
