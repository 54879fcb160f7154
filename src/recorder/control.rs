//! What a person may ask of a running recording: pause, go on, set a mark, take consent back.
//!
//! Invariant: the moment of a request is read from the clock under the same lock that guards the state it changes. So a picture
//! whose time is at or after a pause is never admitted, whatever the threads were doing. Nothing here waits: an order that finds
//! no room is refused, and then nothing has changed.

use std::sync::{Arc, Mutex, PoisonError};

use crossbeam_channel::{Receiver, Sender, bounded};

use super::mutes::Mutes;
use super::status::Status;
use super::stop::Stop;
use crate::base::event::{Content, Source, Stream};
use crate::base::time::{Clock, MonoNs};
use crate::privacy::consent::{STREAMS, WITHDRAWN};

/// Orders that wait for the sequence, which looks at least every 50 ms: more than a person can give in a second.
const ORDERS: usize = 64;

/// What the sequence has to write.
pub(crate) enum Order {
    /// From here on nothing is taken.
    Pause(MonoNs, Source),
    /// From here on everything is taken again.
    Resume(MonoNs, Source),
    /// A mark.
    Mark(MonoNs, Content),
}

/// By which way consent was taken back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// `watchcap consent withdraw`, through the control socket.
    Command,
    /// SIGUSR2.
    Signal,
    /// A hotkey.
    Hotkey,
}

impl Way {
    /// The name in the metadata.
    pub fn name(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Signal => "signal",
            Self::Hotkey => "hotkey",
        }
    }
}

/// Consent to one stream that was taken back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Withdrawal {
    /// From here on nothing of the stream is kept.
    pub(crate) t: MonoNs,
    /// How it was said.
    pub(crate) way: Way,
}

/// Why an order is not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum OrderError {
    /// The stream that was named is not recorded, so there is no consent to take back.
    #[error("the {stream} is not recorded", stream = .0.name())]
    NotRecorded(Stream),
    /// The recording has ended, or has not begun.
    #[error("the recording is not running")]
    NotRunning,
    /// Too many orders wait.
    #[error("too many requests wait to be written")]
    Busy,
    /// A picture was asked for in a pause.
    #[error("the recording is paused: no picture is taken in a pause")]
    Paused,
    /// A picture was asked for of a recording that is split: it would have to be in the folder of its part.
    #[error("no PNG pictures are taken of a recording that is split")]
    Split,
}

#[derive(Default)]
struct State {
    running: bool,
    records_input: bool,
    records_sound: bool,
    screen_withdrawn: Option<Withdrawal>,
    input_withdrawn: Option<Withdrawal>,
    sound_withdrawn: Option<Withdrawal>,
    /// Pauses that sound may still fall into.
    mutes: Mutes,
    paused_since: Option<MonoNs>,
    /// When the last pause ended.
    resumed: Option<MonoNs>,
    /// For how many frames PNG pictures were asked for, and when last.
    stills: Option<(MonoNs, u32)>,
    /// For how many a mark asks.
    still_frames: u32,
    /// None are taken: the recording is split.
    no_stills: bool,
    status: Status,
}

impl State {
    fn ask_for_stills(&mut self, t: MonoNs, frames: u32) {
        let (asked, more) = self.stills.unwrap_or((t, 0));
        self.stills = Some((asked.max(t), more.max(frames).max(1)));
    }
}

/// The controls of one recording. Cloned freely; all clones are the same recording's.
#[derive(Clone)]
pub struct Control {
    state: Arc<Mutex<State>>,
    orders: Sender<Order>,
    wait_orders: Receiver<Order>,
}

impl Default for Control {
    fn default() -> Self {
        let (orders, wait_orders) = bounded(ORDERS);
        Self { state: Arc::default(), orders, wait_orders }
    }
}

impl Control {
    /// Controls that nobody has touched.
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn order(&self, state: &State, order: Order) -> Result<(), OrderError> {
        if !state.running {
            return Err(OrderError::NotRunning);
        }
        self.orders.try_send(order).map_err(|_full| OrderError::Busy)
    }

    /// Pauses: neither pixels nor inputs are taken from the moment that is returned. When it is paused already, that is the
    /// moment at which it was.
    ///
    /// # Errors
    /// [`OrderError`]; then nothing has changed.
    pub fn pause(&self, clock: &dyn Clock) -> Result<MonoNs, OrderError> {
        self.pause_by(Source::Recorder, clock)
    }

    /// The same, asked for by a key of this source.
    pub(crate) fn pause_by(&self, source: Source, clock: &dyn Clock) -> Result<MonoNs, OrderError> {
        let mut state = self.state();
        if let Some(since) = state.paused_since {
            return Ok(since);
        }
        let t = clock.now();
        self.order(&state, Order::Pause(t, source))?;
        state.paused_since = Some(t);
        state.mutes.begin(t);
        state.status.paused = true;
        Ok(t)
    }

    /// Goes on from the moment that is returned; `None` when it was not paused.
    ///
    /// # Errors
    /// [`OrderError`]; then nothing has changed.
    pub fn resume(&self, clock: &dyn Clock) -> Result<Option<MonoNs>, OrderError> {
        self.resume_by(Source::Recorder, clock)
    }

    /// The same, asked for by a key of this source.
    pub(crate) fn resume_by(&self, source: Source, clock: &dyn Clock) -> Result<Option<MonoNs>, OrderError> {
        let mut state = self.state();
        if state.paused_since.is_none() {
            return Ok(None);
        }
        let t = clock.now();
        self.order(&state, Order::Resume(t, source))?;
        (state.paused_since, state.resumed) = (None, Some(t));
        state.mutes.end(t);
        state.status.paused = false;
        Ok(Some(t))
    }

    /// Sets a mark at the moment that is returned, also in a pause.
    ///
    /// # Errors
    /// [`OrderError`]; then there is no mark.
    pub fn mark(&self, text: Content, clock: &dyn Clock) -> Result<MonoNs, OrderError> {
        let state = self.state();
        let t = clock.now();
        self.order(&state, Order::Mark(t, text))?;
        Ok(t)
    }

    /// Sets a mark, and asks for PNG pictures of the frames that follow.
    ///
    /// # Errors
    /// [`OrderError`]; then there is neither. In a pause there are no pictures, so it is refused.
    pub fn mark_with_png(&self, text: Content, clock: &dyn Clock) -> Result<MonoNs, OrderError> {
        let mut state = self.state();
        if state.paused_since.is_some() && state.running {
            return Err(OrderError::Paused);
        }
        if state.no_stills {
            return Err(OrderError::Split);
        }
        let t = clock.now();
        self.order(&state, Order::Mark(t, text))?;
        let frames = state.still_frames;
        state.ask_for_stills(t, frames);
        Ok(t)
    }

    /// Asks for PNG pictures of the frames behind `t`: of as many as a mark does, or of this many. None are taken in a pause.
    pub(crate) fn ask_for_stills(&self, t: MonoNs, frames: Option<u32>) {
        let mut state = self.state();
        if state.paused_since.is_none() {
            let frames = frames.unwrap_or(state.still_frames);
            state.ask_for_stills(t, frames);
        }
    }

    /// For how many frames PNG pictures were asked for, the first of which is the one of this time; once.
    pub(crate) fn take_stills(&self, t: MonoNs) -> u32 {
        let mut state = self.state();
        match state.stills {
            Some((asked, frames)) if asked < t => {
                state.stills = None;
                frames
            }
            _ => 0,
        }
    }

    /// No PNG pictures are taken.
    pub(crate) fn set_no_stills(&self) {
        self.state().no_stills = true;
    }

    /// For how many frames a mark asks.
    pub(crate) fn set_still_frames(&self, frames: u32) {
        self.state().still_frames = frames;
    }

    /// Takes consent back from the moment that is returned: the stream is closed, and what was taken of it since is dropped. Without the
    /// screen there is no recording, so it ends; an empty list means every stream. When it was taken back already, that is the moment
    /// at which it was. There is no way back in the same recording, and no queue that could be full.
    ///
    /// # Errors
    /// [`OrderError`]; then nothing has changed.
    pub fn withdraw(&self, streams: &[Stream], way: Way, clock: &dyn Clock, stop: &Stop) -> Result<MonoNs, OrderError> {
        let mut state = self.state();
        if !state.running {
            return Err(OrderError::NotRunning);
        }
        let recorded = |stream: &Stream| match stream {
            Stream::Screen => true,
            Stream::Input => state.records_input,
            Stream::Audio => state.records_sound,
            Stream::Log | Stream::Clock => false,
        };
        if let Some(missing) = streams.iter().find(|stream| !recorded(stream)) {
            return Err(OrderError::NotRecorded(*missing));
        }
        let all = streams.is_empty();
        let (screen, input) = (all || streams.contains(&Stream::Screen), streams.contains(&Stream::Input));
        let new = Withdrawal { t: clock.now(), way };
        let mut t = None;
        if screen {
            t = Some(state.screen_withdrawn.get_or_insert(new).t);
        }
        if input || (all && state.records_input) {
            t = t.max(Some(state.input_withdrawn.get_or_insert(new).t));
        }
        let sound = streams.contains(&Stream::Audio);
        if sound || (all && state.records_sound) {
            t = t.max(Some(state.sound_withdrawn.get_or_insert(new).t));
        }
        drop(state);
        if screen {
            stop.ask(WITHDRAWN);
        } else if input {
            stop.close_input();
        }
        if sound && !screen {
            stop.close_sound();
        }
        Ok(t.unwrap_or(new.t))
    }

    /// The consent to a stream that was taken back.
    pub(crate) fn withdrawn(&self, stream: Stream) -> Option<Withdrawal> {
        let state = self.state();
        match stream {
            Stream::Screen => state.screen_withdrawn,
            Stream::Input => state.input_withdrawn,
            Stream::Audio => state.sound_withdrawn,
            Stream::Log | Stream::Clock => None,
        }
    }

    /// From when on no input is kept: consent to it was taken back, or to the screen, which ends the recording.
    pub(crate) fn input_until(&self) -> Option<MonoNs> {
        let state = self.state();
        [state.screen_withdrawn, state.input_withdrawn].into_iter().flatten().map(|withdrawn| withdrawn.t).min()
    }

    /// From when on no sound is kept: consent to it was taken back, or to the screen, which ends the recording.
    pub(crate) fn sound_until(&self) -> Option<MonoNs> {
        let state = self.state();
        [state.screen_withdrawn, state.sound_withdrawn].into_iter().flatten().map(|withdrawn| withdrawn.t).min()
    }

    /// The parts of a stretch of time whose sound is not kept, since it was paused.
    pub(crate) fn mutes(&self, from: MonoNs, until: MonoNs) -> Vec<(MonoNs, MonoNs)> {
        self.state().mutes.within(from, until)
    }

    /// The streams whose consent was taken back.
    pub fn withdrawn_streams(&self) -> Vec<Stream> {
        STREAMS.into_iter().filter(|stream| self.withdrawn(*stream).is_some()).collect()
    }

    /// How the recording goes, as of a quarter of a second ago at most.
    pub fn status(&self) -> Status {
        self.state().status.clone()
    }

    /// Whether it is paused.
    pub fn is_paused(&self) -> bool {
        self.state().paused_since.is_some()
    }

    /// Whether a picture that was taken at `t` may be kept: it was not in a pause that still lasts, and consent stood.
    pub(crate) fn admits(&self, t: MonoNs) -> bool {
        let state = self.state();
        let withdrawn = state.screen_withdrawn.map(|withdrawn| withdrawn.t);
        // A source that stamps its own pictures may hand one over after the pause that was made in it.
        state.paused_since.is_none_or(|since| t < since)
            && state.resumed.is_none_or(|resumed| t >= resumed)
            && withdrawn.is_none_or(|since| t < since)
    }

    /// Orders are taken from now on, or are no more.
    pub(crate) fn set_running(&self, running: bool) {
        self.state().running = running;
    }

    /// Whether the input is recorded beside the screen, or was until consent to it was taken back.
    pub fn records_input(&self) -> bool {
        self.state().records_input
    }

    /// Whether the input is recorded beside the screen.
    pub(crate) fn set_records_input(&self, records: bool) {
        self.state().records_input = records;
    }

    /// Whether sound is recorded beside the screen.
    pub(crate) fn set_records_sound(&self, records: bool) {
        self.state().records_sound = records;
    }

    /// Makes the status known to whoever asks.
    pub(crate) fn publish(&self, status: Status) -> Status {
        let mut state = self.state();
        state.status = Status {
            paused: state.paused_since.is_some(),
            input_withdrawn: state.input_withdrawn.is_some(),
            sound_withdrawn: state.sound_withdrawn.is_some(),
            ..status
        };
        state.status.clone()
    }

    /// What the sequence has to write.
    pub(crate) fn orders(&self) -> &Receiver<Order> {
        &self.wait_orders
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::{ManualClock, UtcNs};

    #[test]
    fn a_pause_admits_what_was_before_it_and_nothing_after() {
        let clock = ManualClock::new(MonoNs(100), UtcNs(0));
        let control = Control::new();
        assert_eq!(control.pause(&clock), Err(OrderError::NotRunning));
        assert!(!control.is_paused(), "a refused order changed something");
        control.set_running(true);
        assert_eq!(control.resume(&clock), Ok(None));
        assert_eq!(control.pause(&clock), Ok(MonoNs(100)));
        clock.advance_to(MonoNs(150));
        assert_eq!(control.pause(&clock), Ok(MonoNs(100)), "paused twice");
        assert!(control.admits(MonoNs(99)) && !control.admits(MonoNs(100)) && !control.admits(MonoNs(151)));
        assert_eq!(control.resume(&clock), Ok(Some(MonoNs(150))));
        assert!(control.admits(MonoNs(150)) && !control.admits(MonoNs(149)), "one of the pause that comes late");
        assert_eq!(control.orders().len(), 2, "one pause and one resume");
    }

    #[test]
    fn a_mark_asks_for_pictures_but_not_in_a_pause() {
        let clock = ManualClock::new(MonoNs(100), UtcNs(0));
        let control = Control::new();
        assert_eq!(control.mark_with_png(Content::default(), &clock), Err(OrderError::NotRunning));
        control.set_running(true);
        assert_eq!(control.mark_with_png(Content::default(), &clock), Ok(MonoNs(100)));
        let take = |ns: i64| control.take_stills(MonoNs(ns));
        assert_eq!((take(99), take(100), take(101), take(102)), (0, 0, 1, 0), "the frame behind it, once");
        control.set_still_frames(5);
        control.ask_for_stills(MonoNs(90), Some(1));
        control.mark_with_png(Content::default(), &clock).expect("a mark");
        assert_eq!((take(100), take(101), control.orders().len()), (0, 5, 2));
        control.pause(&clock).expect("a pause");
        assert_eq!(control.mark_with_png(Content::default(), &clock), Err(OrderError::Paused));
        control.ask_for_stills(MonoNs(120), None);
        assert_eq!((take(200), control.orders().len()), (0, 3));
    }

    #[test]
    fn an_order_that_finds_no_room_changes_nothing() {
        let clock = ManualClock::new(MonoNs(0), UtcNs(0));
        let control = Control::new();
        control.set_running(true);
        for _ in 0..ORDERS {
            control.mark(Content::default(), &clock).expect("room");
        }
        assert_eq!(control.mark(Content::default(), &clock), Err(OrderError::Busy));
        assert_eq!(control.pause(&clock), Err(OrderError::Busy));
        assert!(!control.is_paused() && control.admits(MonoNs(1)));
    }

    #[test]
    fn consent_is_taken_back_once_and_also_when_orders_find_no_room() {
        let clock = ManualClock::new(MonoNs(100), UtcNs(0));
        let (control, stop) = (Control::new(), Stop::new());
        let withdraw = |streams: &[Stream]| control.withdraw(streams, Way::Command, &clock, &stop);
        assert_eq!(withdraw(&[]), Err(OrderError::NotRunning));
        control.set_running(true);
        assert_eq!(withdraw(&[Stream::Input]), Err(OrderError::NotRecorded(Stream::Input)));
        assert_eq!(withdraw(&[Stream::Audio]), Err(OrderError::NotRecorded(Stream::Audio)));
        control.set_records_input(true);
        control.set_records_sound(true);
        for _ in 0..ORDERS {
            control.mark(Content::default(), &clock).expect("room");
        }
        assert_eq!(withdraw(&[Stream::Input]), Ok(MonoNs(100)));
        assert!(stop.input_flag().is_set() && !stop.is_asked(), "the screen goes on");
        assert!(!stop.sound_flag().is_set() && control.sound_until().is_none(), "the sound too");
        assert_eq!(withdraw(&[Stream::Audio]), Ok(MonoNs(100)));
        assert!(stop.sound_flag().is_set() && !stop.is_asked() && control.sound_until() == Some(MonoNs(100)));
        assert!(control.admits(MonoNs(200)) && control.input_until() == Some(MonoNs(100)));
        clock.advance_to(MonoNs(150));
        assert_eq!(withdraw(&[Stream::Input]), Ok(MonoNs(100)), "taken back twice");
        assert_eq!(withdraw(&[]), Ok(MonoNs(150)));
        assert_eq!(stop.reason(), WITHDRAWN);
        assert!(control.admits(MonoNs(149)) && !control.admits(MonoNs(150)));
        assert_eq!(control.withdrawn(Stream::Input).map(|w| w.t), Some(MonoNs(100)), "its first moment stands");
        assert_eq!(control.withdrawn_streams(), [Stream::Screen, Stream::Input, Stream::Audio]);
    }
}
