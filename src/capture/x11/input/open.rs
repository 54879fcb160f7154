//! Opens the input source: selects events, and takes what was held.

use std::collections::VecDeque;
use std::sync::Arc;

use x11rb::connection::{Connection, RequestConnection};
use x11rb::errors::ReplyError;
use x11rb::protocol::xinput::{self, ConnectionExt as _, XIEventMask};
use x11rb::protocol::xproto::{ConnectionExt as _, EventMask, Window};
use x11rb::rust_connection::RustConnection;

use super::batch::{MAX_BATCH, ask_for_pointer, position};
use super::clock::calibrate;
use super::decode::{buttons_down, keys_down};
use super::devices::{ALL_DEVICES, ALL_MASTER_DEVICES, Devices};
use super::held::Held;
use super::keyboard::Keyboard;
use super::meaning::{Kind, Proofs};
use super::refused::{gone, refused};
use super::skipped::Skipped;
use super::source::Xi2;
use super::stamp::ServerClock;
use super::unasked::Unasked;
use super::unproved::Unproved;
use crate::base::event::Source;
use crate::base::time::{Clock, MonoNs};
use crate::capture::x11::connect::connect;
use crate::capture::x11::focus::Focus;
use crate::capture::x11::kind;
use crate::capture::x11::windows::{Followed, Windows};
use crate::capture::{CaptureError, FacetSet, InitialState, InputDescription, InputSource};
use crate::privacy::exclude::{Exclusions, Reason};

/// XInput version asked for. 2.1 sends raw events during other clients' grabs; 2.2 is what its successors send too.
const XI_VERSION: (u16, u16) = (2, 2);

/// Opens the input of a display, or of the one in `DISPLAY`.
///
/// # Errors
/// [`CaptureError::NoDisplay`] when there is none, [`CaptureError::Wayland`], [`CaptureError::Unavailable`] when the server's
/// XInput is older than 2.1, [`CaptureError::Gone`] when it goes away meanwhile.
pub fn open(
    display: Option<&str>,
    exclusions: Arc<Exclusions>,
    clock: Arc<dyn Clock>,
) -> Result<Box<dyn InputSource>, CaptureError> {
    let _connected = kind::refuse_xwayland(display)?;
    let (conn, screen) = connect(display)?;
    Ok(Box::new(Xi2::open(display, conn, screen, exclusions, clock)?))
}

impl Xi2 {
    fn open(
        display: Option<&str>,
        conn: RustConnection,
        screen: usize,
        exclusions: Arc<Exclusions>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, CaptureError> {
        let (root, size) = {
            let screen = &conn.setup().roots[screen];
            (screen.root, (f64::from(screen.width_in_pixels), f64::from(screen.height_in_pixels)))
        };
        require_xi2(&conn)?;
        let stamps = calibrate(&conn, root, clock.as_ref())?;
        let focus = Focus::open(&conn, root, EventMask::STRUCTURE_NOTIFY, Arc::clone(&exclusions)).map_err(refused)?;
        let guard = Windows::open(&conn, root, exclusions, Followed::Keyboard)?;
        let mut source = Self::listen(conn, root, size, clock, stamps, (focus, guard)).map_err(refused)?;
        source.follow_pointer(display);
        // What the server held before we listened, and only that.
        source.take_initial().map_err(refused)?;
        tracing::debug!(
            target: "capture",
            same_clock = source.stamps.is_same(),
            devices = source.devices.names.len(),
            "input is open"
        );
        Ok(source)
    }

    fn listen(
        conn: RustConnection,
        root: Window,
        size: (f64, f64),
        clock: Arc<dyn Clock>,
        stamps: ServerClock,
        (focus, guard): (Focus, Windows),
    ) -> Result<Self, ReplyError> {
        let raw = XIEventMask::RAW_KEY_PRESS
            | XIEventMask::RAW_KEY_RELEASE
            | XIEventMask::RAW_BUTTON_PRESS
            | XIEventMask::RAW_BUTTON_RELEASE
            | XIEventMask::RAW_MOTION;
        let masks = [
            xinput::EventMask { deviceid: ALL_MASTER_DEVICES, mask: vec![raw] },
            xinput::EventMask { deviceid: ALL_DEVICES, mask: vec![XIEventMask::HIERARCHY] },
        ];
        conn.xinput_xi_select_events(root, &masks)?.check()?;
        let pointer = conn.xinput_xi_get_client_pointer(x11rb::NONE)?.reply()?.deviceid;
        let devices = Devices::query(&conn)?;
        let keyboard = Keyboard::open(&conn, root)?;
        let description = InputDescription {
            backend: Source::Xi2.name().into(),
            devices: devices.names.clone(),
            keyboard_layout: keyboard.layout().names.clone(),
            warps: Some("poll"),
            poll_us: None,
            facets: FacetSet::PROMISED,
        };
        let mapping = conn.get_pointer_mapping()?.reply()?.map;
        Ok(Self {
            root,
            clock,
            pointer,
            stamps,
            devices,
            mapping,
            focus,
            guard,
            unasked: Unasked::default(),
            focuses: Skipped::new("focus_flood"),
            titles: Skipped::new("title_flood"),
            told_window: String::new(),
            secret: None,
            first_focus: None,
            keyboard,
            tap: None,
            proofs: Proofs::default(),
            unproved: Unproved::default(),
            size,
            initial: InitialState::default(),
            description,
            keys_from: 0,
            pointer_from: 0,
            held: Held::default(),
            held_checked: MonoNs(i64::MIN),
            at: None,
            located: MonoNs(i64::MIN),
            stale: false,
            queue: VecDeque::with_capacity(MAX_BATCH),
            drained: false,
            conn,
        })
    }

    fn take_initial(&mut self) -> Result<(), ReplyError> {
        let keys = self.conn.query_keymap()?;
        let pointer = ask_for_pointer(&self.conn, self.root, self.pointer, self.tap.as_mut())?;
        (self.keys_from, self.pointer_from) = (keys.sequence_number(), pointer.sequence_number());
        let down: Vec<u32> = keys_down(&keys.reply()?.keys).collect();
        self.held = Held::at_start(down.into_iter().map(|key| (key, self.keyboard.usage(key, Kind::Kernel))));
        let reply = pointer.reply()?;
        // What it did before is in the position already.
        self.deeds_before_the_answer();
        self.first_focus = self.focus.refresh(&self.conn)?;
        let unclear = self.guard.is_unclear(self.focus.active()).then_some(Reason::FocusUnclear);
        self.secret = self.who_is_secret(self.clock.now()).or(unclear);
        self.at = position(&reply);
        self.initial = InitialState {
            keys: self.held.keys().map(|(native, usage)| (usage, native)).collect(),
            // The server has put the mapping on these numbers already.
            buttons: buttons_down(&reply.buttons).collect(),
            pointer: self.at,
            secret: self.secret,
            layout: self.keyboard.layout().clone(),
            pads: Vec::new(),
        };
        Ok(())
    }
}

fn require_xi2(conn: &RustConnection) -> Result<(), CaptureError> {
    let unavailable = |detail: String| CaptureError::Unavailable { backend: "xi2", what: "input".into(), detail };
    if conn.extension_information(xinput::X11_EXTENSION_NAME).map_err(gone)?.is_none() {
        return Err(unavailable("the server has no XInput extension".into()));
    }
    let asked = conn.xinput_xi_query_version(XI_VERSION.0, XI_VERSION.1).map_err(gone)?;
    match asked.reply() {
        Ok(version) if (version.major_version, version.minor_version) >= (2, 1) => Ok(()),
        Ok(version) => Err(unavailable(format!(
            "the server has XInput {}.{}, 2.1 is needed",
            version.major_version, version.minor_version
        ))),
        Err(ReplyError::X11Error(_)) => Err(unavailable("the server has XInput 1 only".into())),
        Err(ReplyError::ConnectionError(error)) => Err(gone(error)),
    }
}
