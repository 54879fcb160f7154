//! The threads of the dashboard: one draws, one reads keys.
//!
//! Invariants: the terminal is touched only while it is ours, since a program in the background is stopped for it, and a closed one would keep
//! the reader busy; what a key asks for is done by the thread that reads it, whatever the other one waits for; however it ends, the terminal
//! is restored.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::layout::Rect;

use super::draw::{Screen, bounds, draw};
use super::readings::{Hold, Monitor, Order};
use crate::app::Painting;
use crate::terminal::{self, Options, ReplayError, Signals, now};
use crate::theme::{Colours, Theme};
use crate::timeline::Tone;

/// Between two screens.
const SCREEN: Duration = Duration::from_millis(200);
/// Between two pictures.
const PICTURE: Duration = Duration::from_millis(500);
/// How often is looked whether it is to end, and whose the terminal is.
const LOOK: Duration = Duration::from_millis(50);
/// How often keys are looked for.
const KEYS: Duration = Duration::from_millis(30);
/// The most that are read at once.
const MOST_KEYS: usize = 64;
/// How long a word to the person is seen.
const NOTICE: Duration = Duration::from_secs(4);

/// What both threads know.
#[derive(Default)]
struct Shared {
    help: AtomicBool,
    /// All of the screen is to be drawn anew.
    anew: AtomicBool,
    /// The thread that draws has ended.
    ended: AtomicBool,
    notice: Mutex<Option<(Tone, String, Instant)>>,
}

impl Shared {
    fn notice(&self) -> MutexGuard<'_, Option<(Tone, String, Instant)>> {
        self.notice.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Holds the terminal; gives it back when that is allowed.
struct Taken<'a>(&'a dyn Monitor);

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        match self.0.hold() {
            Hold::Ours => terminal::restore(),
            Hold::Others | Hold::Gone => terminal::leave_alone(),
        }
    }
}

/// Shows a recording in the terminal until it is over. In a thread of its own, which waits for the terminal as long as that takes.
///
/// # Errors
/// There is no terminal, or it fails: the recording goes on without.
pub fn watch(monitor: &Arc<dyn Monitor>, options: &Options) -> Result<(), ReplayError> {
    terminal::require_terminal()?;
    let signals = Signals::watch_resumed().map_err(ReplayError::terminal("watching for signals"))?;
    let _taken = Taken(monitor.as_ref());
    terminal::take_screen().map_err(ReplayError::terminal("setting it up"))?;
    let colours = terminal::colours(options.no_color);
    // What was asked of the terminal may have set its mode back.
    terminal::take_screen().map_err(ReplayError::terminal("setting it up"))?;
    let shared = Arc::new(Shared::default());
    let (wake, woken) = bounded(1);
    let ended = Ended(Arc::clone(&shared));
    thread::Builder::new()
        .name("watchcap-keys".into())
        .spawn({
            let (monitor, shared) = (Arc::clone(monitor), Arc::clone(&shared));
            move || keys(monitor.as_ref(), &shared, &wake)
        })
        .map_err(ReplayError::terminal("starting the input thread"))?;
    let painting = if colours == Colours::None { Painting::Dots } else { Painting::HalfBlocks };
    let screen =
        Screen { theme: Theme::new(colours, options.look), painting, help: false, notice: None, picture: None };
    let shown = show(monitor.as_ref(), screen, (&shared, &woken), &signals);
    drop(ended);
    shown
}

/// Tells the other thread that this one has ended, also by a panic.
struct Ended(Arc<Shared>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.ended.store(true, Ordering::SeqCst);
    }
}

/// Draws until the recording is over.
fn show(
    monitor: &dyn Monitor,
    mut screen: Screen,
    (shared, woken): (&Shared, &Receiver<()>),
    signals: &Signals,
) -> Result<(), ReplayError> {
    let setting_up = || ReplayError::terminal("setting it up");
    let mut terminal = Terminal::new(CrosstermBackend::new(io::stdout())).map_err(setting_up())?;
    let (mut seen, mut seen_in, mut looked) = (0, None, None);
    let mut away = false;
    while !monitor.is_over() {
        match monitor.hold() {
            Hold::Ours => {}
            Hold::Others => {
                away = true;
                wait(woken, LOOK);
                continue;
            }
            Hold::Gone => return Err(ReplayError::terminal("showing the dashboard")(io::ErrorKind::BrokenPipe.into())),
        }
        if std::mem::take(&mut away) | signals.take_resumed() {
            terminal::take_screen().map_err(setting_up())?;
            shared.anew.store(true, Ordering::SeqCst);
        }
        if shared.anew.swap(false, Ordering::SeqCst) {
            terminal.clear().map_err(ReplayError::terminal("clearing it"))?;
        }
        let size = terminal.size().map_err(ReplayError::terminal("asking for its size"))?;
        let within = bounds(Rect::new(0, 0, size.width, size.height), screen.painting);
        if within != seen_in {
            // Of another size than the one that is there.
            (seen, seen_in, looked) = (0, within, None);
        }
        if let Some(within) = within
            && looked.is_none_or(|last| now().saturating_duration_since(last) >= PICTURE)
            && let Some((number, picture)) = monitor.picture(seen, within)
        {
            (seen, looked, screen.picture) = (number, Some(now()), Some(picture));
        }
        screen.help = shared.help.load(Ordering::SeqCst);
        screen.notice = {
            let mut notice = shared.notice();
            drop(notice.take_if(|(.., since)| now().saturating_duration_since(*since) >= NOTICE));
            notice.as_ref().map(|(tone, said, _)| (*tone, said.clone()))
        };
        let readings = monitor.readings();
        terminal::present(&mut terminal, |frame| draw(&readings, &screen, frame.area(), frame.buffer_mut()))?;
        let next = now() + SCREEN;
        while !monitor.is_over() && now() < next && !wait(woken, LOOK) {}
    }
    Ok(())
}

/// Waits; whether it was woken.
fn wait(woken: &Receiver<()>, longest: Duration) -> bool {
    match woken.recv_timeout(longest) {
        Ok(()) => true,
        Err(crossbeam_channel::RecvTimeoutError::Timeout) => false,
        // The other thread is gone: its terminal is.
        Err(crossbeam_channel::RecvTimeoutError::Disconnected) => {
            thread::park_timeout(longest);
            false
        }
    }
}

/// Reads keys and does what they ask for.
fn keys(monitor: &dyn Monitor, shared: &Shared, wake: &Sender<()>) {
    while !monitor.is_over() && !shared.ended.load(Ordering::SeqCst) {
        // It does not wait for the terminal itself: that would go on when the program was sent into the background meanwhile, and read there
        // what was typed for another program, for which the system stops it.
        thread::park_timeout(KEYS);
        match monitor.hold() {
            Hold::Ours => {}
            Hold::Others => continue,
            Hold::Gone => return,
        }
        for _ in 0..MOST_KEYS {
            match event::poll(Duration::ZERO) {
                Ok(true) => {}
                Ok(false) => break,
                Err(_) => return,
            }
            match event::read() {
                Ok(Event::Key(key)) if key.kind != KeyEventKind::Release => press(key, monitor, shared),
                Ok(Event::Resize(..)) => {}
                Ok(_) => continue,
                Err(_) => return,
            }
            // It is full when the other one has been woken already, and has nobody behind it when that one has ended.
            if wake.try_send(()).is_err_and(|error| error.is_disconnected()) {
                return;
            }
        }
    }
}

/// What a key asks for.
fn order(key: KeyEvent) -> Option<Order> {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    if key.modifiers.contains(KeyModifiers::ALT) {
        return None;
    }
    match key.code {
        KeyCode::Char('c') if control => Some(Order::Stop),
        KeyCode::Char('q') if !control => Some(Order::Stop),
        KeyCode::Char('p') if !control => Some(Order::Pause),
        KeyCode::Char('m') if !control => Some(Order::Mark),
        _ => None,
    }
}

fn press(key: KeyEvent, monitor: &dyn Monitor, shared: &Shared) {
    if let Some(order) = order(key) {
        // A key that is held down pauses once.
        if key.kind == KeyEventKind::Repeat {
            return;
        }
        let (tone, said) = match monitor.order(order) {
            Ok(done) => (Tone::Good, done),
            Err(why) => (Tone::Bad, why),
        };
        *shared.notice() = Some((tone, said, now()));
        return;
    }
    match key.code {
        KeyCode::Char('?') => drop(shared.help.fetch_xor(true, Ordering::SeqCst)),
        KeyCode::Esc => shared.help.store(false, Ordering::SeqCst),
        KeyCode::Char('l') if key.modifiers.contains(KeyModifiers::CONTROL) => {
            shared.anew.store(true, Ordering::SeqCst);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_ask_for_what_the_help_says() {
        let of = |code, modifiers| order(KeyEvent::new(code, modifiers));
        let (none, control) = (KeyModifiers::NONE, KeyModifiers::CONTROL);
        assert_eq!(of(KeyCode::Char('p'), none), Some(Order::Pause));
        assert_eq!(of(KeyCode::Char('m'), none), Some(Order::Mark));
        assert_eq!(
            (of(KeyCode::Char('q'), none), of(KeyCode::Char('c'), control)),
            (Some(Order::Stop), Some(Order::Stop))
        );
        assert_eq!((of(KeyCode::Char('c'), none), of(KeyCode::Char('q'), KeyModifiers::ALT)), (None, None));
        assert_eq!((of(KeyCode::Char('z'), control), of(KeyCode::Esc, none)), (None, None));
    }
}
