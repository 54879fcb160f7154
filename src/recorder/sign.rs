//! The sign on the screen while it is recorded: shown before the first picture, tended in a thread of its own, and away with the last one.
//!
//! Invariants: no failure of it ends a recording that has begun; when it was not shown is in the log. No other thread waits for it: what it has to
//! say stands on a [`SignBoard`], at which the sequence looks. Where it may be seen, [`SignMask`] tells whoever masks pictures.

use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded};

use super::context::Running;
use super::error::RecordError;
use super::sign_board::SignBoard;
use super::sign_mask::SignMask;
use crate::base::time::{Clock, MonoNs, SystemClock};
use crate::capture::recording_sign::{OpenSign, RecordingSign, SignAreas, SignDescription, SignState, WantedSign};
use crate::capture::{CaptureError, ScreenDescription};
use crate::privacy::fact::SignFact;

/// How often the sign hears of pauses and of the end.
const TURN: Duration = Duration::from_millis(50);
/// How long after it was lost it is shown again at the earliest, and how long it is waited between tries.
const RETRY: Duration = Duration::from_secs(5);

/// The sign of a recording. It is away when this is dropped.
pub(super) struct Sign {
    /// What the log says of it.
    pub(super) fact: SignFact,
    shown: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Drop for Sign {
    fn drop(&mut self) {
        if let Some((alive, thread)) = self.shown.take() {
            drop(alive);
            // A display that does not answer keeps nobody.
            let wall = SystemClock;
            let grace = wall.now().plus(TURN * 4);
            while !thread.is_finished() && wall.now() < grace {
                wall.sleep_until(wall.now().plus(Duration::from_millis(2)));
            }
        }
    }
}

/// Shows the sign, where one is wanted.
///
/// # Errors
/// [`RecordError::NoSign`] when it is required and cannot be shown.
pub(super) fn show(
    wanted: Option<WantedSign>,
    screen: &ScreenDescription,
    areas: &Arc<SignAreas>,
    running: &Running,
) -> Result<Option<Sign>, RecordError> {
    let Some(WantedSign { mut open, required }) = wanted else { return Ok(None) };
    let sign = match open(screen, areas) {
        Ok(sign) => sign,
        Err(source) if required => return Err(RecordError::NoSign { source }),
        Err(error) => {
            tracing::warn!(%error, "no sign on the screen says that it is recorded");
            let reason = Some(reason_of(&error).to_owned());
            return Ok(Some(Sign {
                fact: SignFact { shown: Some(false), reason, ..SignFact::default() },
                shown: None,
            }));
        }
    };
    let SignDescription { by, monitor, corner, area } = sign.describe();
    let in_picture =
        SignMask::of(Arc::clone(areas), screen, Arc::clone(&running.clock)).is_some_and(|mask| mask.is_any());
    tracing::info!(by, monitor, corner = corner.name(), ?area, in_picture, "sign");
    let fact = SignFact {
        shown: Some(true),
        by: Some(by.into()),
        monitor: Some(monitor),
        corner: Some(corner.name().into()),
        in_picture: Some(in_picture),
        reason: None,
    };
    let (alive, ends) = bounded(0);
    let keeper = Keeper {
        open,
        sign: Some(sign),
        screen: screen.clone(),
        areas: Arc::clone(areas),
        board: Arc::clone(&running.sign),
        running: running.clone(),
    };
    let thread = Builder::new().name("sign".into()).spawn(move || keeper.run(&ends));
    let thread = thread.map_err(|source| RecordError::Thread { source })?;
    Ok(Some(Sign { fact, shown: Some((alive, thread)) }))
}

/// Why it is not shown, as a word.
fn reason_of(error: &CaptureError) -> &'static str {
    match error {
        CaptureError::Gone { .. } => "gone",
        CaptureError::System { .. } => "refused",
        _ => "unavailable",
    }
}

/// Keeps the sign on the screen.
struct Keeper {
    open: OpenSign,
    sign: Option<Box<dyn RecordingSign>>,
    screen: ScreenDescription,
    areas: Arc<SignAreas>,
    board: Arc<SignBoard>,
    running: Running,
}

impl Keeper {
    fn run(mut self, ends: &Receiver<()>) {
        let mut retry = self.running.clock.now();
        while ends.try_recv() == Err(TryRecvError::Empty) {
            let paused = self.running.control.is_paused();
            let state = if paused { SignState::Paused } else { SignState::Recording };
            let Some(sign) = &mut self.sign else {
                let now = self.running.clock.now();
                self.running.clock.sleep_until(now.plus(TURN));
                if now >= retry && self.board.has_room() && !self.running.stop.is_asked() {
                    retry = now.plus(RETRY);
                    self.show_again();
                }
                continue;
            };
            if let Err(error) = sign.tend(state, TURN) {
                retry = self.lose(&error);
            }
        }
    }

    /// It is not shown any more; when to try again.
    fn lose(&mut self, error: &CaptureError) -> MonoNs {
        let now = self.running.clock.now();
        self.sign = None;
        self.areas.all_down(now);
        // At the end the display may go first.
        if !self.running.stop.is_asked() {
            tracing::warn!(%error, "the sign that says that the screen is recorded is not shown any more");
            self.board.lost(now, reason_of(error));
        }
        now.plus(RETRY)
    }

    fn show_again(&mut self) {
        match (self.open)(&self.screen, &self.areas) {
            Ok(sign) => {
                tracing::warn!("the sign that says that the screen is recorded is shown again");
                self.sign = Some(sign);
                // Not before it is there: a display may take seconds for that.
                self.board.back(self.running.clock.now());
            }
            Err(error) => tracing::debug!(%error, "the sign cannot be shown again yet"),
        }
    }
}
