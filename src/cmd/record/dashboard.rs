//! `watchcap record --dashboard`: what the dashboard shows of the recording, what its keys do, and when it has the terminal.
//!
//! Invariant: nothing that records waits for it. The recording offers a status and pictures, which are left out when the dashboard is just reading
//! the ones before; its threads have a low priority; and at the end its terminal is waited for by no more than [`LAST`].

use std::io::IsTerminal as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, TryLockError};
use std::thread::JoinHandle;
use std::time::Duration;

use watchcap_replay::{Hold, Monitor, Options, Order, Picture, Readings};

use super::foreground;
use super::locked::lock;
use super::rates::Rates;
use super::readings::About;
use crate::base::event::Content;
use crate::base::priority;
use crate::base::time::{Clock as _, MonoNs, SystemClock};
use crate::cli::RecordArgs;
use crate::cmd::failure::Failure;
use crate::cmd::{held, text};
use crate::control::Recording;
use crate::control::protocol::Request;
use crate::encode::masked::Masked;
use crate::media::picture::FrameStamp;
use crate::media::rgb;
use crate::recorder::{Offer, Status, Tap};

/// Between two pictures that are kept for it, nanoseconds: one costs the encoder a fresh buffer.
const PICTURE_NS: i64 = 450_000_000;
/// How long its terminal is waited for at the end.
const LAST: Duration = Duration::from_secs(1);

/// Refuses what it cannot be used with.
pub(super) fn check(args: &RecordArgs) -> Result<(), Failure> {
    if !args.dashboard {
        return Ok(());
    }
    let refuse = |why: &str, hint: &str| Err(Failure::usage(format!("no dashboard can be shown: {why}"), hint));
    if args.json {
        return refuse("with --json standard output is for results", "leave out --dashboard, or --json");
    }
    if text::is_quiet() {
        return refuse("--quiet asks for nothing to be shown", "leave out --dashboard, or --quiet");
    }
    let streams = [
        ("input", std::io::stdin().is_terminal()),
        ("output", std::io::stdout().is_terminal()),
        ("error", std::io::stderr().is_terminal()),
    ];
    if let Some((stream, _)) = streams.iter().find(|(_, is_terminal)| !is_terminal) {
        let hint = "run it in a terminal window, without a pipe or a redirection, or leave out --dashboard";
        return refuse(&format!("standard {stream} is no terminal"), hint);
    }
    if foreground::hold() == Hold::Others {
        return refuse(
            "this program is in the background of its terminal",
            "start it without &, or leave out --dashboard",
        );
    }
    Ok(())
}

/// The latest picture, and its number.
#[derive(Default)]
struct Preview(Mutex<Option<(u64, Masked)>>);

/// Keeps a picture twice a second.
struct Keeper {
    preview: Arc<Preview>,
    next: MonoNs,
    number: u64,
}

impl Tap for Keeper {
    fn offer(&mut self, picture: &Masked, stamp: FrameStamp) -> Offer {
        if stamp.t < self.next {
            return Offer::Passed;
        }
        let mut kept = match self.preview.0.try_lock() {
            Ok(kept) => kept,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return Offer::Passed,
        };
        self.number += 1;
        *kept = Some((self.number, picture.clone()));
        self.next = MonoNs(stamp.t.0.saturating_add(PICTURE_NS));
        Offer::Taken
    }
}

/// What its threads read.
struct Watched {
    about: About,
    orders: Recording,
    begun: AtomicU64,
    title: Mutex<String>,
    latest: Mutex<(Status, f64, f64)>,
    preview: Arc<Preview>,
    is_over: AtomicBool,
}

/// The dashboard of a recording.
pub(super) struct Dashboard {
    watched: Arc<Watched>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Dashboard {
    /// Of a recording that has not begun; and the tap that shows it the pictures.
    pub(super) fn new(orders: Recording, fps: u32) -> (Self, Box<dyn Tap>) {
        let preview = Arc::new(Preview::default());
        let tap = Box::new(Keeper { preview: Arc::clone(&preview), next: MonoNs(i64::MIN), number: 0 });
        let watched = Watched {
            about: About { fps },
            orders,
            begun: AtomicU64::new(0),
            title: Mutex::default(),
            latest: Mutex::default(),
            preview,
            is_over: AtomicBool::new(false),
        };
        (Self { watched: Arc::new(watched), thread: Mutex::default() }, tap)
    }

    /// The recording has begun: the terminal is the dashboard's, and what is said waits. Without it the recording goes on all the same.
    pub(super) fn start(&self, folder: &Path) {
        self.set_folder(folder);
        self.watched.begun.store(self.watched.orders.clock.now().0.max(0) as u64, Ordering::SeqCst);
        held::hold_panics();
        held::hold();
        let watched = Arc::clone(&self.watched);
        let show = move || {
            priority::lower();
            let monitor: Arc<dyn Monitor> = watched;
            let shown = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                watchcap_replay::watch(&monitor, &Options::default())
            }));
            let failed = match shown {
                Ok(Ok(())) => return,
                Ok(Err(error)) => error.to_string(),
                Err(_panic) => "it failed by a fault of this program".to_owned(),
            };
            held::release();
            text::warn(&format!("the dashboard ended: {failed}; the recording goes on"));
        };
        match std::thread::Builder::new().name("dashboard".into()).spawn(show) {
            Ok(thread) => *lock(&self.thread) = Some(thread),
            Err(error) => {
                held::release();
                text::warn(&format!("no dashboard can be shown: {error}; the recording goes on"));
            }
        }
    }

    /// It records into this folder now.
    pub(super) fn set_folder(&self, folder: &Path) {
        let name = folder.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        *lock(&self.watched.title) = name;
    }

    /// How the recording goes. Left out when the one before is just being read.
    pub(super) fn tell(&self, status: &Status, rates: &Rates) {
        if let Ok(mut latest) = self.watched.latest.try_lock() {
            *latest = (status.clone(), rates.fps, rates.events_per_s);
        }
    }

    /// The recording has ended: the terminal is given back, and what waited is written. A terminal that takes nothing is given up.
    pub(super) fn end(&self) {
        self.watched.is_over.store(true, Ordering::SeqCst);
        let Some(thread) = lock(&self.thread).take() else { return };
        let until = SystemClock.now().plus(LAST);
        while !thread.is_finished() && SystemClock.now() < until {
            SystemClock.sleep_until(SystemClock.now().plus(Duration::from_millis(10)));
        }
        if thread.is_finished() {
            drop(thread.join());
            held::release();
            return;
        }
        held::give_up();
        if foreground::hold() == Hold::Ours {
            watchcap_replay::abandon();
        }
        tracing::warn!(target: text::SAID, "the terminal takes nothing: what is said goes to the log file alone");
    }
}

impl Drop for Dashboard {
    fn drop(&mut self) {
        self.end();
    }
}

impl Monitor for Watched {
    fn readings(&self) -> Readings {
        let (status, fps, inputs) = lock(&self.latest).clone();
        let title = lock(&self.title).clone();
        let begun = self.begun.load(Ordering::SeqCst);
        self.about.readings(&status, (fps, inputs), (title, begun), self.orders.stop.is_asked())
    }

    fn picture(&self, after: u64, bounds: (u32, u32)) -> Option<(u64, Picture)> {
        let (number, picture) = lock(&self.preview.0).clone().filter(|(number, _)| *number > after)?;
        let size = rgb::fit(picture.size(), bounds);
        let rgb = rgb::to_rgb_scaled(picture.planar(), picture.size(), size).ok()?;
        Some((number, Picture { width: rgb.width, height: rgb.height, rgb: rgb.data }))
    }

    fn order(&self, order: Order) -> Result<String, String> {
        let paused = self.orders.control.is_paused();
        let (request, done) = match order {
            Order::Pause if paused => (Request::Resume, "recording again"),
            Order::Pause => (Request::Pause, "paused: nothing is taken until p is pressed again"),
            Order::Mark => (Request::Mark { text: Content::default(), png: false }, "mark set"),
            Order::Stop => (Request::Stop, "stopping"),
        };
        self.orders.obey(request).map(|_t| done.to_owned()).map_err(|refusal| refusal.message)
    }

    fn hold(&self) -> Hold {
        foreground::hold()
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::FrameRef;
    use crate::media::picture::{Planar, Sampling};
    use crate::recorder::{Control, Stop};

    #[test]
    fn pictures_are_kept_twice_a_second_and_nobody_waits_for_a_reader() {
        let orders = Recording { control: Control::new(), stop: Stop::new(), clock: Arc::new(SystemClock) };
        let (dashboard, mut tap) = Dashboard::new(orders, 30);
        let picture = Masked::not_captured(Planar::new(Sampling::Yuv420, 64, 36));
        let mut offer = |ms: i64| tap.offer(&picture, FrameStamp { frame_ref: FrameRef(0), t: MonoNs(ms * 1_000_000) });
        assert_eq!(
            (offer(0), offer(100), offer(449), offer(450)),
            (Offer::Taken, Offer::Passed, Offer::Passed, Offer::Taken)
        );
        let reading = dashboard.watched.preview.0.lock().expect("a reader");
        assert_eq!(offer(1000), Offer::Passed);
        drop(reading);
        let (number, shown) = dashboard.watched.picture(0, (32, 32)).expect("a picture");
        assert_eq!((number, shown.width, shown.height, shown.rgb.len()), (2, 32, 18, 32 * 18 * 3));
        assert!(dashboard.watched.picture(2, (32, 32)).is_none(), "it was seen");
    }

    #[test]
    fn its_keys_ask_what_the_socket_asks() {
        let orders = Recording { control: Control::new(), stop: Stop::new(), clock: Arc::new(SystemClock) };
        let (dashboard, _tap) = Dashboard::new(orders.clone(), 30);
        let refused = dashboard.watched.order(Order::Mark).expect_err("it does not run");
        assert_eq!(refused, "the recording is not running");
        orders.control.set_running(true);
        assert!(dashboard.watched.order(Order::Pause).is_ok() && orders.control.is_paused());
        assert!(dashboard.watched.order(Order::Pause).is_ok() && !orders.control.is_paused());
        assert!(dashboard.watched.order(Order::Stop).is_ok() && orders.stop.is_asked());
    }
}
