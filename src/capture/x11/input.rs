//! XInput2 raw events of every device, on a connection of their own, with the active window in the same order.
//!
//! Events are read in batches: all that is there, then one question for the pointer's position when something in the
//! batch needs it. An event carries the sequence number of the last request that the server had handled before it,
//! which tells what happened before the answer. The last pointer event of a batch has the position that the server
//! told; the earlier ones have theirs from [`path::walk`], or none where that walk does not end where the pointer is.
//!
//! Auto-repeat: servers of the X.Org family make it above the raw events, so a held key sends one raw press and nothing
//! is invented here. A raw press with the repeat flag, or of a key that is down already (an injector that repeats by
//! itself, a second keyboard), is handed over as a repeat, never as a press. A key whose release was not sent
//! (a device unplugged while held) is released when the server's own key map says that it is up.
//!
//! Motion is raw, device counts. Devices that post places have none ([`path`] says how they are recognised); XTEST
//! motion has one only where the pointer's way proves that the numbers were steps.
//!
//! Wheels: from the scrolling axes of a device that has them, else from the press of buttons 4 to 7; the server sends
//! both for one turn, so only one is ever read.
//!
//! What it does not do: keys by character (that is the layout's business), touch, pressure; a button beyond the nine
//! that X11 names is reported as lost, since the format has no name for it. While another client has grabbed the
//! server, the question for the position waits, and so does the order to stop.

mod clock;
mod decode;
mod devices;
mod path;
mod stamp;

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use x11rb::connection::{Connection, RequestConnection};
use x11rb::errors::{ConnectionError, ReplyError};
use x11rb::protocol::Event;
use x11rb::protocol::xinput::{self, ConnectionExt as _, KeyEventFlags, XIEventMask, XIQueryPointerReply};
use x11rb::protocol::xproto::{ConnectionExt as _, EventMask, Mapping, Window};
use x11rb::rust_connection::RustConnection;

use self::clock::calibrate;
use self::decode::{Decoded, buttons_down, decode, is_pointer, keys_down};
use self::devices::{ALL_DEVICES, ALL_MASTER_DEVICES, Devices};
use self::path::{Meaning, Point, Step};
use self::stamp::ServerClock;
use super::focus::Focus;
use super::guard::Guard;
use crate::capture::{CaptureError, InitialState, InputDescription, InputSink, InputSource, RawInput, StopFlag};
use crate::event::{HidUsage, Source};
use crate::hid;
use crate::privacy::exclude::{Exclusions, Reason};
use crate::time::{Clock, MonoNs};

/// How long the connection is waited on at once: half of the 100 ms in which [`InputSource::run`] must obey `stop`.
const WAIT: Duration = Duration::from_millis(50);
/// Events in one batch. At 8 kHz, the fastest mice there are, 32 ms: more is not taken before what was read is
/// handed over. An event and its stamp are about 150 bytes: 40 KB.
const MAX_BATCH: usize = 256;
/// While keys are held and nothing else happens, how often the server is asked whether they still are.
const CHECK_HELD: Duration = Duration::from_secs(1);
/// The pointer's position is asked for once in this time, not for every event. Events are read, and stamped, as they
/// come; only the handing over is later while the mouse moves, by this and [`GATHER_SLACK`]: of the 10 ms that a crash
/// may cost, 4.5.
const GATHER: Duration = Duration::from_millis(3);
/// The wait for more is this much longer, so that the next event of a 1000 Hz mouse ends it and not a timer, which would
/// wake this thread once more. Measured in turns with the same build on two busy cores, per event at about 900 Hz: asking
/// every time 34 to 37 us of processor (three runs), gathering without the slack no different (32 to 51 us against
/// 34 to 39, four runs), with it 25 to 29 (three runs).
const GATHER_SLACK: Duration = Duration::from_micros(1_500);
/// XInput version asked for. 2.1 sends raw events during other clients' grabs; 2.2 is what its successors send too.
const XI_VERSION: (u16, u16) = (2, 2);

/// Opens the input of a display, or of the one in `DISPLAY`.
///
/// # Errors
/// [`CaptureError::NoDisplay`] when there is none, [`CaptureError::Unavailable`] when the server's XInput is older than
/// 2.1, [`CaptureError::Gone`] when it goes away meanwhile.
pub fn open(
    display: Option<&str>,
    exclusions: Arc<Exclusions>,
    clock: Arc<dyn Clock>,
) -> Result<Box<dyn InputSource>, CaptureError> {
    let (conn, screen) = super::connect(display)?;
    Ok(Box::new(Xi2::open(conn, screen, exclusions, clock)?))
}

/// Whether a display is still there, at the price of one `poll`. For backends whose library ends the whole process when
/// the server goes away, as libX11 does.
pub struct ServerWatch {
    conn: RustConnection,
}

impl ServerWatch {
    /// Connects, and stays silent from then on.
    ///
    /// # Errors
    /// [`CaptureError::NoDisplay`] when there is none.
    pub fn open(display: Option<&str>) -> Result<Self, CaptureError> {
        super::connect(display).map(|(conn, _)| Self { conn })
    }

    /// # Errors
    /// [`CaptureError::Gone`] once the server has closed the connection.
    pub fn check(&self) -> Result<(), CaptureError> {
        // Also reads what the server may send unasked (MappingNotify), so that it does not pile up.
        while self.conn.poll_for_event().map_err(gone)?.is_some() {}
        Ok(())
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
fn gone(error: ConnectionError) -> CaptureError {
    CaptureError::Gone { what: "display", detail: error.to_string() }
}

fn refused(error: ReplyError) -> CaptureError {
    match error {
        ReplyError::ConnectionError(error) => gone(error),
        ReplyError::X11Error(error) => {
            CaptureError::System { what: "an X11 request for input", detail: format!("{:?}", error.error_kind) }
        }
    }
}

/// An event that was read and not yet handed over.
struct Read {
    event: Event,
    /// The last request that the server had handled before this event.
    sequence: u64,
    arrival: MonoNs,
}

struct Xi2 {
    conn: RustConnection,
    root: Window,
    clock: Arc<dyn Clock>,
    /// The master pointer whose position is asked for.
    pointer: u16,
    stamps: ServerClock,
    devices: Devices,
    /// What each button number (from 1) was mapped to by the person (left-handed mice).
    mapping: Vec<u8>,
    focus: Focus,
    guard: Guard,
    /// What was told of whether it is secret what is typed.
    secret: Option<Reason>,
    /// The active window at the start, not told yet.
    first_focus: Option<RawInput>,
    /// Keycodes are evdev's; else only some are known.
    evdev: bool,
    size: (f64, f64),
    initial: InitialState,
    description: InputDescription,
    /// Events before these requests are already in the initial state.
    keys_from: u64,
    pointer_from: u64,
    /// Keys that are down.
    held: BTreeSet<u32>,
    held_checked: MonoNs,
    /// Where the pointer was after the last batch that moved it.
    at: Option<Point>,
    /// When that was asked for.
    located: MonoNs,
    queue: VecDeque<Read>,
    /// Nothing was read from the connection since it was found empty, so that it may be waited on.
    drained: bool,
}

impl Xi2 {
    fn open(
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
        let guard = Guard::open(&conn, root, exclusions, None)?.for_the_keyboard();
        let mut source = Self::listen(conn, root, size, clock, stamps, (focus, guard)).map_err(refused)?;
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
        (focus, guard): (Focus, Guard),
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
        let evdev = devices::has_evdev_keycodes(&conn)?;
        if !evdev {
            tracing::warn!(target: "capture", "the server's keycodes are not evdev's: some keys have no HID usage");
        }
        let description = InputDescription {
            backend: Source::Xi2.name().into(),
            devices: devices.names.clone(),
            keyboard_layout: devices::keyboard_layout(&conn, root)?,
            poll_us: None,
            keys: true,
            buttons: true,
            wheel: true,
            relative_motion: true,
            position: true,
            focus: true,
            tells_secrets: true,
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
            secret: None,
            first_focus: None,
            evdev,
            size,
            initial: InitialState::default(),
            description,
            keys_from: 0,
            pointer_from: 0,
            held: BTreeSet::new(),
            held_checked: MonoNs(i64::MIN),
            at: None,
            located: MonoNs(i64::MIN),
            queue: VecDeque::with_capacity(MAX_BATCH),
            drained: false,
            conn,
        })
    }

    fn take_initial(&mut self) -> Result<(), ReplyError> {
        let keys = self.conn.query_keymap()?;
        let pointer = self.conn.xinput_xi_query_pointer(self.root, self.pointer)?;
        (self.keys_from, self.pointer_from) = (keys.sequence_number(), pointer.sequence_number());
        self.held = keys_down(&keys.reply()?.keys).collect();
        let reply = pointer.reply()?;
        self.first_focus = self.focus.refresh(&self.conn)?;
        let unclear = self.guard.is_unclear(self.focus.active()).then_some(Reason::FocusUnclear);
        self.secret = self.who_is_secret().or(unclear);
        self.at = Some(position(&reply));
        self.initial = InitialState {
            keys: self.held.iter().map(|&native| (self.usage(native), native)).collect(),
            // The server has put the mapping on these numbers already.
            buttons: buttons_down(&reply.buttons).collect(),
            pointer: self.at,
            secret: self.secret,
        };
        Ok(())
    }

    /// The physical key of a keycode, where the server's numbering leaves no doubt.
    fn usage(&self, keycode: u32) -> Option<HidUsage> {
        if self.evdev || devices::is_common_keycode(keycode) { hid::usage_of_x11(keycode) } else { None }
    }

    /// Reads what is there into the queue, without waiting.
    fn fill(&mut self) -> Result<(), ConnectionError> {
        self.drained = false;
        while self.queue.len() < MAX_BATCH {
            let Some((event, sequence)) = self.conn.poll_for_event_with_sequence()? else {
                self.drained = true;
                break;
            };
            // The stamp is taken after the read: never before the event.
            self.queue.push_back(Read { event, sequence, arrival: self.clock.now() });
        }
        Ok(())
    }

    /// Waits until there is something to read, or `limit` (under a second) is over, or a signal came; whether something is.
    fn wait(&self, limit: Duration) -> Result<bool, CaptureError> {
        let limit = Timespec { tv_sec: 0, tv_nsec: i64::from(limit.subsec_nanos()) };
        let mut fds = [PollFd::new(self.conn.stream(), PollFlags::IN)];
        match poll(&mut fds, Some(&limit)) {
            // A hang-up is readable: the next read says what it is.
            Ok(ready) => Ok(ready > 0),
            Err(rustix::io::Errno::INTR) => Ok(false),
            Err(error) => Err(CaptureError::System { what: "poll", detail: error.to_string() }),
        }
    }

    fn needs_pointer(&self) -> bool {
        self.queue.iter().any(|read| {
            matches!(
                read.event,
                Event::XinputRawMotion(_) | Event::XinputRawButtonPress(_) | Event::XinputRawButtonRelease(_)
            )
        })
    }

    /// How long to go on reading before the batch is handed over; `None` when it is time.
    fn gathering(&self) -> Option<Duration> {
        if !self.drained || self.queue.len() >= MAX_BATCH || !self.needs_pointer() {
            return None;
        }
        let rest = self.located.plus(GATHER).since(self.clock.now());
        (!rest.is_zero()).then_some(rest)
    }

    /// Asks where the pointer is, and reads all that happened before the answer.
    fn locate(&mut self) -> Result<(XIQueryPointerReply, u64), ReplyError> {
        let cookie = self.conn.xinput_xi_query_pointer(self.root, self.pointer)?;
        let sequence = cookie.sequence_number();
        let reply = cookie.reply()?;
        self.located = self.clock.now();
        // Reading the answer has read the events before it: they are in the connection's buffer, before later ones.
        self.fill()?;
        Ok((reply, sequence))
    }

    /// Hands over one batch from the queue.
    fn batch(&mut self, sink: &InputSink) -> Result<(), ReplyError> {
        let mut answer = None;
        let mut count = self.queue.len();
        if self.needs_pointer() {
            let (reply, sequence) = self.locate()?;
            count = self.queue.iter().take_while(|read| read.sequence < sequence).count();
            answer = Some(reply);
        }
        let last_title = self.queue.iter().take(count).rposition(|read| self.focus.is_title(&read.event));
        let mut decoded = Vec::with_capacity(count);
        for (index, Read { event, sequence, arrival }) in self.queue.drain(..count).enumerate() {
            if self.focus.is_title(&event) && last_title.is_some_and(|last| index < last) {
                continue;
            }
            let known = match event {
                Event::XinputRawKeyPress(_) | Event::XinputRawKeyRelease(_) => self.keys_from,
                Event::XinputRawButtonPress(_) | Event::XinputRawButtonRelease(_) | Event::XinputRawMotion(_) => {
                    self.pointer_from
                }
                _ => 0,
            };
            if sequence >= known {
                decoded.push((arrival, sequence, decode(event, &self.devices, &self.mapping)));
            }
        }
        let (places, meaning) = self.place(&decoded, answer.as_ref());
        let mut places = places.into_iter();
        for (arrival, sequence, event) in decoded {
            self.guard.reached(sequence);
            let place = if is_pointer(&event) { places.next().flatten() } else { None };
            // Following the focus asks the server, which may read events into the connection's buffer.
            self.drained &= !matches!(event, Decoded::Other(_));
            self.hand_over(event, arrival, place, meaning, sink)?;
        }
        if let Some(reply) = answer {
            self.drained &= !self.focus.is_news(reply.child);
            let told = self.focus.pointer_over(&self.conn, reply.child)?;
            self.tell_secret(self.located, sink);
            self.tell_focus(told, None, sink);
        }
        Ok(())
    }

    /// A position for each pointer event of the batch, and what relative-looking numbers meant.
    fn place(
        &mut self,
        decoded: &[(MonoNs, u64, Decoded)],
        answer: Option<&XIQueryPointerReply>,
    ) -> (Vec<Option<Point>>, Meaning) {
        let mut places = Vec::new();
        let Some(reply) = answer else { return (places, Meaning::Unknown) };
        let steps: Vec<Step> = decoded
            .iter()
            .filter(|(_, _, event)| is_pointer(event))
            .map(|(_, _, event)| if let Decoded::Move { step, .. } = event { *step } else { Step::Still })
            .collect();
        let end = position(reply);
        let meaning = path::walk(self.at, &steps, end, self.size, &mut places);
        self.at = Some(end);
        (places, meaning)
    }

    fn hand_over(
        &mut self,
        event: Decoded,
        arrival: MonoNs,
        place: Option<Point>,
        meaning: Meaning,
        sink: &InputSink,
    ) -> Result<(), ReplyError> {
        let send = |stamps: &mut ServerClock, time, input| {
            sink.send(stamps.stamp(time, arrival), Source::Xi2, input);
        };
        match event {
            Decoded::Key { event, down } => {
                let was_down = if down { !self.held.insert(event.detail) } else { self.held.remove(&event.detail) };
                let repeat = down && (was_down || event.flags.contains(KeyEventFlags::KEY_REPEAT));
                let usage = self.usage(event.detail);
                let unclear = self.guard.is_unclear(self.focus.active()).then_some(Reason::FocusUnclear);
                self.tell(self.who_is_secret().or(unclear), arrival, sink);
                send(&mut self.stamps, event.time, RawInput::Key { usage, native: event.detail, down, repeat });
            }
            Decoded::Button { time, button, pressed } => {
                send(&mut self.stamps, time, RawInput::Button { button, pressed, position: place });
            }
            Decoded::Wheel { time, axis, delta } => {
                send(&mut self.stamps, time, RawInput::Wheel { axis, delta, hi_res: false, position: place });
            }
            Decoded::Nameless { time } => {
                let t = self.stamps.stamp(time, arrival);
                sink.send(t, Source::Xi2, RawInput::Lost { reason: "button_without_name", count: Some(1), until: t });
            }
            Decoded::Move { time, step, raw, injected, scrolls } => {
                if step != Step::Still {
                    let steps = match meaning {
                        Meaning::Relative => true,
                        Meaning::Absolute => false,
                        Meaning::Unknown => !injected,
                    };
                    let motion = raw.filter(|_| steps);
                    send(&mut self.stamps, time, RawInput::Motion { position: place, motion });
                }
                for (axis, delta) in scrolls {
                    send(&mut self.stamps, time, RawInput::Wheel { axis, delta, hi_res: true, position: place });
                }
            }
            Decoded::Other(event) => self.other(&event, arrival, sink)?,
        }
        Ok(())
    }

    /// Events that are no input: they change what the source knows.
    fn other(&mut self, event: &Event, arrival: MonoNs, sink: &InputSink) -> Result<(), ReplyError> {
        match event {
            Event::XinputHierarchy(_) => self.devices = Devices::query(&self.conn)?,
            Event::MappingNotify(e) if e.request == Mapping::POINTER => {
                self.mapping = self.conn.get_pointer_mapping()?.reply()?.map;
            }
            Event::ConfigureNotify(e) if e.window == self.root => {
                self.size = (f64::from(e.width), f64::from(e.height));
            }
            _ => {
                self.guard.event(&self.conn, event)?;
                self.guard.settle(&self.conn)?;
                let told = self.focus.event(&self.conn, event)?;
                let time = if let Event::PropertyNotify(e) = event { Some((e.time, arrival)) } else { None };
                self.tell_secret(arrival, sink);
                self.tell_focus(told, time, sink);
            }
        }
        Ok(())
    }

    /// Tells whether what is typed from here on is secret, where that has changed.
    fn tell_secret(&mut self, arrival: MonoNs, sink: &InputSink) {
        self.tell(self.who_is_secret(), arrival, sink);
    }

    /// Why what is typed is secret, as far as windows tell.
    fn who_is_secret(&self) -> Option<Reason> {
        self.guard.secret().or(self.focus.secret())
    }

    fn tell(&mut self, reason: Option<Reason>, arrival: MonoNs, sink: &InputSink) {
        if reason != self.secret {
            self.secret = reason;
            sink.send(self.stamps.at(arrival), Source::Xi2, RawInput::Secret { reason });
        }
    }

    fn tell_focus(&mut self, told: Option<RawInput>, time: Option<(u32, MonoNs)>, sink: &InputSink) {
        if let Some(told) = told {
            let t = match time {
                Some((time, arrival)) => self.stamps.stamp(time, arrival),
                None => self.stamps.at(self.clock.now()),
            };
            sink.send(t, Source::Xi2, told);
        }
    }

    /// Once for each wait: what no event tells.
    fn idle(&mut self, sink: &InputSink) -> Result<(), ReplyError> {
        if !self.queue.is_empty() {
            return Ok(());
        }
        let now = self.clock.now();
        if self.focus.is_due(now) {
            self.drained = false;
            let told = self.focus.idle(&self.conn, now)?;
            self.tell_secret(now, sink);
            self.tell_focus(told, None, sink);
        }
        if self.held.is_empty() || now.since(self.held_checked) < CHECK_HELD {
            return Ok(());
        }
        self.held_checked = now;
        let down: BTreeSet<u32> = keys_down(&self.conn.query_keymap()?.reply()?.keys).collect();
        // Releases that were sent before the answer are in the queue now, and come from there.
        self.fill()?;
        if self.queue.is_empty() {
            let released: Vec<u32> = self.held.difference(&down).copied().collect();
            for native in released {
                self.held.remove(&native);
                let usage = self.usage(native);
                let t = self.stamps.at(now);
                sink.send(t, Source::Xi2, RawInput::Key { usage, native, down: false, repeat: false });
            }
        }
        Ok(())
    }
}

impl InputSource for Xi2 {
    fn describe(&self) -> InputDescription {
        self.description.clone()
    }

    fn initial(&self) -> InitialState {
        self.initial.clone()
    }

    fn run(mut self: Box<Self>, sink: &InputSink, stop: &StopFlag) -> Result<(), CaptureError> {
        let told = self.first_focus.take();
        self.tell_focus(told, None, sink);
        while !stop.is_set() {
            if !self.drained && self.queue.len() < MAX_BATCH {
                self.fill().map_err(gone)?;
            }
            if self.queue.is_empty() {
                if self.wait(WAIT)? {
                    self.fill().map_err(gone)?;
                }
                self.idle(sink).map_err(refused)?;
                continue;
            }
            match self.gathering() {
                Some(rest) => {
                    if self.wait(rest + GATHER_SLACK)? {
                        self.fill().map_err(gone)?;
                    }
                }
                None => self.batch(sink).map_err(refused)?,
            }
        }
        if !self.queue.is_empty() {
            self.batch(sink).map_err(refused)?;
        }
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

fn position(reply: &XIQueryPointerReply) -> Point {
    (f64::from(reply.root_x) / 65_536.0, f64::from(reply.root_y) / 65_536.0)
}
