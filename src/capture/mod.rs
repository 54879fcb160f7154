//! Where pictures and inputs come from: the two seams, [`ScreenSource`] and [`InputSource`], and what they hand over.
//!
//! Sources only produce. They do not know the log, the encoder or each other; the recorder's one loop puts what they
//! say in order. No type of a platform appears in this file, so everything above it can be tested without a screen.

#[cfg(any(feature = "capture-xcap", all(target_os = "linux", feature = "x11")))]
mod letterbox;
pub mod pacing;
pub mod platform;
pub mod portable;
pub mod synthetic;
#[cfg(all(target_os = "linux", feature = "x11"))]
pub mod x11;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crossbeam_channel::{Sender, TrySendError};

use crate::event::{Area, Axis, Button, Content, HidUsage, Source, Surface};
use crate::privacy::exclude::Reason;
use crate::time::MonoNs;

/// What to record of the screen.
#[derive(Clone, PartialEq, Debug, Default)]
pub enum Target {
    /// The primary monitor.
    #[default]
    Primary,
    /// A monitor, by its name (`DP-1`) or its number in `watchcap targets`.
    Monitor(String),
    /// A window by its identifier, as printed by `watchcap targets` (`0x1c00007`; decimal is accepted too).
    WindowId(String),
    /// The first window whose title contains this text (case-insensitive).
    WindowTitle(String),
    /// The first window whose application (class) is this (case-insensitive).
    WindowApp(String),
    /// A part of the desktop, in desktop pixels.
    Region {
        /// Left edge.
        x: i32,
        /// Top edge.
        y: i32,
        /// Width, even.
        width: u32,
        /// Height, even.
        height: u32,
    },
}

/// A monitor or window that can be recorded: one line of `watchcap targets`.
#[derive(Clone, PartialEq, Debug)]
pub struct TargetInfo {
    /// `monitor` or `window`.
    pub kind: &'static str,
    /// What selects it: a monitor's name, a window's identifier.
    pub id: String,
    /// A window's title, a monitor's model where known.
    pub title: Content,
    /// A window's application.
    pub app: String,
    /// A window's process.
    pub pid: Option<u32>,
    /// Where it is.
    pub surface: Surface,
    /// A monitor's refresh rate.
    pub refresh_hz: Option<f64>,
    /// The primary monitor, or the active window.
    pub primary: bool,
}

/// What a screen source says of itself once it is open; goes into the metadata.
#[derive(Clone, PartialEq, Debug)]
pub struct ScreenDescription {
    /// The backend and its way: `x11-shm`, `x11-shm-composite`, `xcap`, `synthetic`.
    pub backend: String,
    /// The area that is recorded, at the start.
    pub surface: Surface,
    /// Refresh rate of the monitor, where the system tells.
    pub refresh_hz: Option<f64>,
    /// The pointer is drawn into the pictures.
    pub cursor: bool,
    /// The source can tell that nothing changed (else every picture counts as changed).
    pub sees_changes: bool,
    /// The kind and name of what is recorded (`monitor screen`, `window 0x…`, `region`).
    pub target: String,
    /// Identifier of the recorded window when the target is a window.
    pub window_id: Option<String>,
    /// The source tells where windows are that must not be seen ([`ScreenSource::covered`]), or none can be in the picture.
    pub masks_windows: bool,
}

/// A part of the picture that must not be seen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Covered {
    /// Where it is in the picture.
    pub area: Area,
    /// Why it must not be seen.
    pub reason: Reason,
}

/// Packed 32-bit pixels in memory order B, G, R, X.
pub struct BgraView<'a> {
    /// The bytes; row `y` begins at `y * stride`.
    pub data: &'a mut [u8],
    /// Bytes from one row to the next, at least `width * 4`.
    pub stride: usize,
    /// Pixels per row.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

/// What became of a request for a picture.
#[derive(Clone, PartialEq, Debug)]
pub struct Grab {
    /// When the picture was taken: the moment at which the pixels were there, so that what it shows is never newer.
    pub t: MonoNs,
    /// From asking to having, microseconds.
    pub capture_us: u32,
    /// False: nothing changed since the last grab, the pixels are the same.
    pub changed: bool,
    /// The surface moved or changed its size since the last grab. The pixels are already letterboxed into the size
    /// that the surface had at the start.
    pub surface: Option<Surface>,
}

/// A source of pictures. Used by one thread; opened in that thread, so it need not be `Send`.
pub trait ScreenSource {
    /// What it is; the same from start to end.
    fn describe(&self) -> ScreenDescription;

    /// Takes a picture. With `whole`, all of it is taken even when nothing seems to have changed.
    ///
    /// # Errors
    /// [`CaptureError::Gone`] when the screen, the window or the server is no more; the recording then ends cleanly.
    fn grab(&mut self, whole: bool) -> Result<Grab, CaptureError>;

    /// The picture last taken, always of the size that the surface had at the start. May be painted on (masks): what
    /// was painted stays until the next grab with `whole`, or until those pixels change.
    fn pixels(&mut self) -> BgraView<'_>;

    /// What of the picture last taken must not be seen: every excluded window that was up when it was taken, and for a
    /// while after. Never less than that; not sorted.
    fn covered(&self) -> Vec<Covered> {
        Vec::new()
    }

    /// Where a rectangle of the surface (pixels from its corner, at the size it has now) is in the picture.
    fn place(&self, area: Area) -> Area {
        area
    }
}

/// An input as a source sees it: positions are desktop pixels, not yet relative to the surface.
#[derive(Clone, PartialEq)]
pub enum RawInput {
    /// A key changed.
    Key {
        /// The physical key, when it has a HID usage.
        usage: Option<HidUsage>,
        /// The system's own code.
        native: u32,
        /// Went down, else up.
        down: bool,
        /// The source knows that this is auto-repeat. (The recorder finds repeats by itself as well.)
        repeat: bool,
    },
    /// The mouse moved.
    Motion {
        /// Where the pointer is, desktop pixels; `None` when unknown.
        position: Option<(f64, f64)>,
        /// Relative motion in device counts; `None` when the source has none.
        motion: Option<(f64, f64)>,
    },
    /// A button changed.
    Button {
        /// Which.
        button: Button,
        /// Went down, else up.
        pressed: bool,
        /// Where the pointer was, desktop pixels.
        position: Option<(f64, f64)>,
    },
    /// A wheel turned.
    Wheel {
        /// Which way it turns.
        axis: Axis,
        /// Steps; up and right are positive.
        delta: f64,
        /// The delta may be a fraction of a step.
        hi_res: bool,
        /// Where the pointer was, desktop pixels.
        position: Option<(f64, f64)>,
    },
    /// Another window is the active one.
    Focus {
        /// Its identifier, empty when there is none.
        window_id: String,
        /// Its title.
        title: Content,
        /// Its application.
        app: String,
        /// Its process.
        pid: Option<u32>,
    },
    /// From here on, until it says otherwise, what is typed must not be known: why; `None`: it may be.
    Secret {
        /// Why.
        reason: Option<Reason>,
    },
    /// Events that the source knows it did not deliver.
    Lost {
        /// Why, a word in `snake_case`.
        reason: &'static str,
        /// How many, when it can be known.
        count: Option<u64>,
        /// Until when.
        until: MonoNs,
    },
}

/// An input with its time.
#[derive(Clone, PartialEq)]
pub struct StampedInput {
    /// When it happened.
    pub t: MonoNs,
    /// Who saw it.
    pub source: Source,
    /// What it was.
    pub input: RawInput,
}

/// What an input source says of itself once it is open; goes into the metadata.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct InputDescription {
    /// The backend: `xi2`, `poll`, `synthetic`.
    pub backend: String,
    /// Names of the devices it listens to.
    pub devices: Vec<String>,
    /// Keyboard layout as the system names it (`us`, `de(nodeadkeys)`), where it tells.
    pub keyboard_layout: Option<String>,
    /// Period of polling in microseconds, for a source that polls.
    pub poll_us: Option<u64>,
    /// It reports keys.
    pub keys: bool,
    /// It reports buttons.
    pub buttons: bool,
    /// It reports wheels.
    pub wheel: bool,
    /// It reports relative motion.
    pub relative_motion: bool,
    /// It reports the pointer's position.
    pub position: bool,
    /// It reports which window is active.
    pub focus: bool,
    /// It tells when what is typed must not be known ([`RawInput::Secret`]).
    pub tells_secrets: bool,
}

/// What was held, and where the pointer was, when the source was opened.
#[derive(Clone, PartialEq, Default)]
pub struct InitialState {
    /// Keys that were down: usage and native code.
    pub keys: Vec<(Option<HidUsage>, u32)>,
    /// Buttons that were down.
    pub buttons: Vec<Button>,
    /// Pointer, desktop pixels.
    pub pointer: Option<(f64, f64)>,
    /// What was typed then must not be known.
    pub secret: Option<Reason>,
}

/// A source of inputs. Opened and run in one thread, so it need not be `Send`.
pub trait InputSource {
    /// What it is; the same from start to end.
    fn describe(&self) -> InputDescription;

    /// What was held when it was opened.
    fn initial(&self) -> InitialState;

    /// Hands over every input until `stop` is set, then returns; within 100 ms of it.
    ///
    /// Order: what is sent is in the order in which it happened. The first thing sent is the active window
    /// ([`RawInput::Focus`]) where the source knows it.
    ///
    /// # Errors
    /// [`CaptureError::Gone`] when the source is no more (server gone, permission revoked).
    fn run(self: Box<Self>, sink: &InputSink, stop: &StopFlag) -> Result<(), CaptureError>;
}

/// Opens a screen source in the thread that will use it.
pub type OpenScreen = Box<dyn FnOnce() -> Result<Box<dyn ScreenSource>, CaptureError> + Send>;
/// Opens an input source in the thread that will run it.
pub type OpenInput = Box<dyn FnOnce() -> Result<Box<dyn InputSource>, CaptureError> + Send>;

/// The screen and the input of one recording, not yet open.
pub struct Sources {
    /// Opens the screen.
    pub screen: OpenScreen,
    /// Opens the input; `None` when input is not recorded.
    pub input: Option<OpenInput>,
}

/// Asks threads to end. Cloned freely; once set it stays set.
#[derive(Clone, Debug, Default)]
pub struct StopFlag(Arc<AtomicBool>);

impl StopFlag {
    /// A flag that is not set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for the end.
    pub fn set(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether the end was asked for.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// How long the end of a source waits to report a loss: within the two seconds in which a recording ends.
const LAST_WORD: std::time::Duration = std::time::Duration::from_millis(500);

/// The input side's end of the bounded queue to the recorder. Never blocks: what does not fit is counted, and the count
/// follows as a [`RawInput::Lost`] as soon as there is room.
pub struct InputSink {
    queue: Sender<StampedInput>,
    lost: AtomicU64,
    lost_since: AtomicU64,
    /// A [`RawInput::Secret`] that found no room: nothing may pass before it.
    owed: Mutex<Option<StampedInput>>,
}

impl InputSink {
    /// A sink into a bounded queue.
    pub fn new(queue: Sender<StampedInput>) -> Self {
        Self { queue, lost: AtomicU64::new(0), lost_since: AtomicU64::new(0), owed: Mutex::new(None) }
    }

    /// Hands over one input.
    pub fn send(&self, t: MonoNs, source: Source, input: RawInput) {
        let mut owed = self.owed.lock().unwrap_or_else(PoisonError::into_inner);
        if let RawInput::Secret { .. } = &input {
            // The newest word counts; an older one that was never heard is without meaning.
            *owed = Some(StampedInput { t, source, input });
            self.pay(&mut owed);
            return;
        }
        if !self.pay(&mut owed) {
            if self.lost.fetch_add(1, Ordering::Relaxed) == 0 {
                self.lost_since.store(t.0 as u64, Ordering::Relaxed);
            }
            return;
        }
        let lost = self.lost.load(Ordering::Relaxed);
        if lost > 0 {
            let since = MonoNs(self.lost_since.load(Ordering::Relaxed) as i64);
            let report = RawInput::Lost { reason: "queue_full", count: Some(lost), until: t };
            if self.queue.try_send(StampedInput { t: since, source, input: report }).is_err() {
                self.lost.fetch_add(1, Ordering::Relaxed);
                return;
            }
            self.lost.store(0, Ordering::Relaxed);
        }
        match self.queue.try_send(StampedInput { t, source, input }) {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                if self.lost.fetch_add(1, Ordering::Relaxed) == 0 {
                    self.lost_since.store(t.0 as u64, Ordering::Relaxed);
                }
            }
        }
    }

    /// Hands over what is owed; whether nothing is owed any more.
    fn pay(&self, owed: &mut Option<StampedInput>) -> bool {
        if let Some(secret) = owed.take()
            && let Err(TrySendError::Full(secret) | TrySendError::Disconnected(secret)) = self.queue.try_send(secret)
        {
            *owed = Some(secret);
        }
        owed.is_none()
    }

    /// Reports what was lost and not reported yet, at the end of the source; waits for room up to [`LAST_WORD`].
    pub fn report_rest(&self, until: MonoNs) {
        let lost = self.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let t = MonoNs(self.lost_since.load(Ordering::Relaxed) as i64);
            let input = RawInput::Lost { reason: "queue_full", count: Some(lost), until };
            // The source's own name does not matter to a gap; the recorder is who states it.
            let report = StampedInput { t, source: Source::Recorder, input };
            if self.queue.send_timeout(report, LAST_WORD).is_err() {
                tracing::error!(lost, "inputs were lost at the end and could not be reported");
            }
        }
    }
}

/// Why a source cannot be opened or cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// There is no display to connect to.
    #[error("no display: {detail}")]
    NoDisplay {
        /// What the system said.
        detail: String,
    },
    /// The target does not exist.
    #[error("no such target: {wanted}")]
    NoTarget {
        /// What was asked for.
        wanted: String,
    },
    /// The target has a size that cannot be recorded.
    #[error("cannot record a surface of {width}x{height} pixels: {why}")]
    BadSize {
        /// Its width.
        width: u32,
        /// Its height.
        height: u32,
        /// What is wrong with it.
        why: String,
        /// The nearest size that can be recorded, as a hint.
        nearest: Option<(u32, u32)>,
    },
    /// The backend lacks something that was asked for.
    #[error("{backend} cannot provide {what}: {detail}")]
    Unavailable {
        /// Which backend.
        backend: &'static str,
        /// Which stream or ability.
        what: String,
        /// Why.
        detail: String,
    },
    /// The source was there and is no more.
    #[error("{what} is gone: {detail}")]
    Gone {
        /// `display`, `window`, `screen`.
        what: &'static str,
        /// What the system said.
        detail: String,
    },
    /// The system refused something it should not have.
    #[error("{what} failed: {detail}")]
    System {
        /// The operation.
        what: &'static str,
        /// What the system said.
        detail: String,
    },
}

impl CaptureError {
    /// What the person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoDisplay { .. } => {
                Some("set DISPLAY to a running X server, or try the built-in picture with --source synthetic".into())
            }
            Self::NoTarget { .. } => Some("`watchcap targets` lists what can be recorded".into()),
            Self::BadSize { nearest, .. } => nearest.map(|(width, height)| format!("{width}x{height} can be recorded")),
            Self::Unavailable { what, .. } => {
                Some(format!("go on without it with --allow-missing {}", what.replace(' ', "-")))
            }
            Self::Gone { .. } | Self::System { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_is_counted_and_reported_in_order() {
        let (queue, out) = crossbeam_channel::bounded(2);
        let sink = InputSink::new(queue);
        let motion = || RawInput::Motion { position: None, motion: Some((1.0, 0.0)) };
        for t in 1..=5 {
            sink.send(MonoNs(t), Source::Synthetic, motion());
        }
        assert_eq!(out.try_iter().map(|i| i.t.0).collect::<Vec<_>>(), [1, 2]);
        sink.send(MonoNs(9), Source::Synthetic, motion());
        let got: Vec<_> = out.try_iter().collect();
        assert!(matches!(got[0].input, RawInput::Lost { count: Some(3), until: MonoNs(9), .. }), "no report");
        assert_eq!((got[0].t, got[1].t), (MonoNs(3), MonoNs(9)));
        sink.send(MonoNs(10), Source::Synthetic, motion());
        sink.send(MonoNs(11), Source::Synthetic, motion());
        sink.send(MonoNs(12), Source::Synthetic, motion());
        assert_eq!(out.try_iter().count(), 2);
        sink.report_rest(MonoNs(20));
        let rest: Vec<_> = out.try_iter().collect();
        assert!(matches!(rest[0].input, RawInput::Lost { count: Some(1), until: MonoNs(20), .. }), "no last report");
        assert_eq!(rest[0].t, MonoNs(12));
    }
}
