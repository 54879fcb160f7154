//! The terminal: sets it up, reads it, draws to it, and gives it back as it was.
//!
//! The only file that names crossterm, reads a clock, starts the input thread and handles signals. Invariant: however the
//! player ends (a key, a signal, an error, a panic), the terminal is restored, once.

use std::io::{self, IsTerminal, Stdout, Write};
use std::panic;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Once};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, bounded, select};
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::event::{
    self, DisableMouseCapture, EnableMouseCapture, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton,
    MouseEventKind,
};
use ratatui::crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, SetTitle,
    disable_raw_mode, enable_raw_mode, supports_keyboard_enhancement,
};
use ratatui::crossterm::{cursor, execute, queue};
use ratatui::{Frame, Terminal};
use ratatui_image::picker::{Picker, ProtocolType};

use crate::app::{App, Heard, Leave, Painting, Place};
use crate::colours::{self, Said};
use crate::desk::{Command, Desk, THREADS};
use crate::keys::{Chord, Key};
use crate::msg::Msg;
use crate::theme::{Colours, Look, Theme};
use crate::timeline::{Exports, Pictures, Remark, Review, Sound, Timeline, Tone};
use crate::update::{settle, take_all, update_all};
use crate::view;
use crate::worker::{KITTY_IDS, Request, THREAD, Worker};

/// Messages of the terminal that may wait: a second of a held key (30 repeats) and of a dragged mouse, twice over. The input
/// thread waits when it is full, the terminal's own buffer holds the rest.
pub(crate) const INPUT_QUEUE: usize = 128;
/// How often the input thread looks whether it should end.
const INPUT_POLL: Duration = Duration::from_millis(50);
/// How long the input thread is waited for at the end: a few of its looks.
const INPUT_END: Duration = Duration::from_millis(200);
/// Between two pictures while playing: 60 a second, twice what recordings usually have.
const PLAYING_TICK: Duration = Duration::from_micros(16_667);
/// For how long a picture is waited for before the rest is drawn without it: scaling and sending one that is decoded takes less, and
/// nobody sees the difference.
const GRACE: Duration = Duration::from_millis(4);
/// Between two calls of a search: the screen is drawn in between.
const BUSY_TICK: Duration = Duration::from_millis(1);
/// Between two looks at the signals and at late pictures while nothing moves.
pub(crate) const IDLE_TICK: Duration = Duration::from_millis(100);

/// What is said once where there are 256 colours.
const FEW_COLOURS: &str =
    "256 colours, dithered: the terminal says of no more (set COLORTERM=truecolor if it has them)";

/// How to play.
#[derive(Clone, Copy, Default, Debug)]
pub struct Options {
    /// Draw pictures with half-blocks even where the terminal could show pixels.
    pub half_blocks: bool,
    /// Which colours.
    pub look: Look,
    /// No colours, as `NO_COLOR` in the environment asks for: pictures are drawn with dots.
    pub no_color: bool,
    /// Begin to play at once instead of standing at the start.
    pub play: bool,
    /// Where to begin, nanoseconds of the recording's monotonic clock; its start when `None`.
    pub at_ns: Option<i64>,
}

/// What to play, and what can be done with it.
pub struct Recording {
    /// What happened when.
    pub timeline: Box<dyn Timeline>,
    /// What frames look like.
    pub pictures: Box<dyn Pictures>,
    /// What plays its sound; `None` when there is none, or nothing that could.
    pub sound: Option<Box<dyn Sound>>,
    /// Where marks and verdicts go; `None` when they have no place.
    pub review: Option<Box<dyn Review>>,
    /// What takes pictures and excerpts out; `None` when nothing can.
    pub exports: Option<Box<dyn Exports>>,
}

/// Why the player could not run, or had to stop.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// Standard input or output is a file or a pipe.
    #[error("replay needs a terminal, and {stream} is not one")]
    NotATerminal {
        /// Which of them.
        stream: &'static str,
    },
    /// The terminal cannot be set up, read or written.
    #[error("the terminal failed while {doing}: {source}")]
    Terminal {
        /// What was being done.
        doing: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl ReplayError {
    /// What a person can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotATerminal { .. } => Some("run it in a terminal window, without a pipe or a redirection"),
            Self::Terminal { .. } => None,
        }
    }

    pub(crate) fn terminal(doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Terminal { doing, source }
    }
}

/// Plays a recording in the terminal until the person leaves or the system asks to end (SIGINT, SIGTERM, SIGHUP: not an
/// error, the player has nothing to lose).
///
/// # Errors
/// There is no terminal, or it fails. Data that cannot be read or decoded is no error: the player shows it.
pub fn run(recording: Recording, options: Options) -> Result<(), ReplayError> {
    let mut seat = Seat::take(&options)?;
    let opening = Opening { at_ns: options.at_ns, play: options.play, look: options.look, ..Opening::default() };
    seat.play(recording, &opening).map(drop)
}

/// How a recording is opened.
#[derive(Default)]
pub(crate) struct Opening {
    /// Where to begin.
    pub(crate) at_ns: Option<i64>,
    /// Begin to play at once.
    pub(crate) play: bool,
    /// The colours.
    pub(crate) look: Look,
    /// The queue that it is of.
    pub(crate) place: Option<Place>,
    /// Its sound is heard.
    pub(crate) hear: bool,
    /// What to say first.
    pub(crate) notice: Option<(Tone, String)>,
}

/// How a recording was left.
pub(crate) struct Left {
    /// Where to.
    pub(crate) leave: Leave,
    /// Verdicts that were given and kept, oldest first.
    pub(crate) given: Vec<Remark>,
    /// The colours that were chosen.
    pub(crate) look: Look,
    /// The sound was on.
    pub(crate) hear: bool,
}

/// The terminal while it is ours. Its parts are given up in this order: the terminal itself is the last.
pub(crate) struct Seat {
    pub(crate) terminal: Terminal<CrosstermBackend<Stdout>>,
    pub(crate) colours: Colours,
    pub(crate) input: Input,
    signals: Signals,
    painting: Painting,
    picker: Option<Picker>,
    /// What is to be said once of what can be drawn here.
    remark: Option<&'static str>,
    _guard: Guard,
}

impl Seat {
    /// Takes the terminal, and finds out what can be drawn in it.
    pub(crate) fn take(options: &Options) -> Result<Self, ReplayError> {
        require_terminal()?;
        let signals = Signals::watch().map_err(ReplayError::terminal("watching for signals"))?;
        let guard = Guard::enter().map_err(ReplayError::terminal("setting it up"))?;
        let colours = colours(options.no_color);
        let picker = if options.half_blocks || colours == Colours::None { None } else { graphics() };
        let painting = match &picker {
            Some(picker) => Painting::Graphics(picker.font_size().width, picker.font_size().height),
            None if colours == Colours::None => Painting::Dots,
            None => Painting::HalfBlocks,
        };
        // The query of the picker sets the terminal's mode back when it is done.
        enable_raw_mode().map_err(ReplayError::terminal("setting it up"))?;
        let input = Input::start().map_err(ReplayError::terminal("starting the input thread"))?;
        let terminal =
            Terminal::new(CrosstermBackend::new(io::stdout())).map_err(ReplayError::terminal("setting it up"))?;
        let remark = (colours == Colours::Indexed).then_some(FEW_COLOURS);
        Ok(Self { terminal, colours, input, signals, painting, picker, remark, _guard: guard })
    }

    /// What is to be said of what can be drawn here, the first time that it is asked for.
    pub(crate) fn take_remark(&mut self) -> Option<&'static str> {
        self.remark.take()
    }

    /// Columns and rows.
    pub(crate) fn size(&self) -> Result<(u16, u16), ReplayError> {
        let size = self.terminal.size().map_err(ReplayError::terminal("asking for its size"))?;
        Ok((size.width, size.height))
    }

    /// Names the window.
    pub(crate) fn name(title: &str) -> Result<(), ReplayError> {
        let title = format!("{title} - watchcap replay");
        execute!(io::stdout(), SetTitle(title)).map_err(ReplayError::terminal("naming its window"))
    }

    /// Forgets what is on the screen: all of it is drawn anew.
    pub(crate) fn clear(&mut self) -> Result<(), ReplayError> {
        self.terminal.clear().map_err(ReplayError::terminal("clearing it"))
    }

    /// Draws a whole screen.
    pub(crate) fn draw(&mut self, render: impl FnOnce(&mut Frame<'_>)) -> Result<(), ReplayError> {
        present(&mut self.terminal, render)
    }

    /// Whether the system asks the program to end.
    pub(crate) fn ended(&self) -> bool {
        self.signals.raised()
    }

    /// Waits in the shell's job control when the person or the system asks for it. Answers with the size when the screen has to be
    /// drawn anew.
    pub(crate) fn wait_aside(&mut self, asked: bool) -> Result<Option<(u16, u16)>, ReplayError> {
        let suspend = asked | self.signals.take_suspend();
        if suspend {
            suspend_here().map_err(ReplayError::terminal("giving it back to the shell"))?;
        }
        if !(suspend | self.signals.take_resumed()) {
            return Ok(None);
        }
        // Whoever had the terminal in between has left something on it.
        resume().map_err(ReplayError::terminal("setting it up again"))?;
        self.clear()?;
        self.size().map(Some)
    }

    /// Plays a recording until the person leaves it.
    pub(crate) fn play(&mut self, recording: Recording, opening: &Opening) -> Result<Left, ReplayError> {
        let Recording { timeline, pictures, mut sound, review, exports } = recording;
        let kitty = self.picker.as_ref().is_some_and(|picker| picker.protocol_type() == ProtocolType::Kitty);
        let worker = Worker::start(pictures, self.picker.clone());
        let worker = worker.map_err(ReplayError::terminal("starting the decoder's thread"))?;
        let can = (review.is_some(), exports.is_some());
        let desk = Desk::start(review, exports).map_err(ReplayError::terminal("starting the desk's threads"))?;
        let theme = Theme::new(self.colours, opening.look);
        let mut app = App::new(&*timeline, theme, self.painting, self.size()?);
        (app.can, app.place) = (can, opening.place);
        app.heard = match (&sound, opening.hear) {
            (None, _) => Heard::Never,
            (Some(_), false) => Heard::Muted,
            (Some(_), true) => Heard::On,
        };
        app.begin(opening.at_ns, opening.play);
        if let Some((tone, notice)) = &opening.notice {
            app.say(*tone, notice);
        } else if let Some(remark) = self.take_remark() {
            app.say(Tone::Plain, remark);
        }
        Self::name(&app.summary.title)?;
        let ended = play(&mut app, self, (&worker, &desk), sound.as_deref_mut());
        drop(sound);
        // What was said last is written before the desk is left.
        for command in app.commands.drain(..) {
            drop(desk.take(command));
        }
        drop(desk);
        if kitty {
            forget_pictures().map_err(ReplayError::terminal("deleting the pictures in it"))?;
        }
        ended?;
        let look = app.theme.look().unwrap_or(opening.look);
        // Where nothing could be heard, what was chosen before stands.
        let hear = if app.heard == Heard::Never { opening.hear } else { app.heard == Heard::On };
        Ok(Left { leave: app.leave, given: std::mem::take(&mut app.given), look, hear })
    }
}

/// Refuses what is no terminal.
pub(crate) fn require_terminal() -> Result<(), ReplayError> {
    for (stream, is_terminal) in
        [("standard input", io::stdin().is_terminal()), ("standard output", io::stdout().is_terminal())]
    {
        if !is_terminal {
            return Err(ReplayError::NotATerminal { stream });
        }
    }
    Ok(())
}

/// Draws a whole screen.
pub(crate) fn present(
    terminal: &mut Terminal<CrosstermBackend<Stdout>>,
    render: impl FnOnce(&mut Frame<'_>),
) -> Result<(), ReplayError> {
    // Between these two the terminal shows the picture before: no tearing where it knows the sequence.
    let draw = || -> io::Result<()> {
        queue!(io::stdout(), BeginSynchronizedUpdate)?;
        terminal.draw(render)?;
        execute!(io::stdout(), EndSynchronizedUpdate)
    };
    draw().map_err(ReplayError::terminal("drawing"))
}

/// The loop: draw, ask for the picture, hand over what is to be done, wait for anything, let it change the player.
fn play(
    app: &mut App<'_>,
    seat: &mut Seat,
    (worker, desk): (&Worker, &Desk),
    mut sound: Option<&mut (dyn Sound + 'static)>,
) -> Result<(), ReplayError> {
    let mut asked = None;
    let mut covered = false;
    let mut last = now();
    while !app.quit {
        if app.covered() != covered {
            // A graphics picture is not made of cells: what lay over it is only gone when everything is drawn anew.
            covered = app.covered();
            if matches!(app.painting, Painting::Graphics(..)) {
                seat.clear()?;
                (app.shown, asked) = (None, None);
            }
        }
        seat.draw(|frame| view::draw(app, frame))?;
        ask(app, worker, &mut asked);
        let mut messages = Vec::with_capacity(4);
        let mut suspend = false;
        for command in app.commands.drain(..) {
            suspend |= command == Command::Suspend;
            messages.extend(desk.take(command).map(Msg::Report));
        }
        if let Some((width, height)) = seat.wait_aside(suspend)? {
            messages.push(Msg::Resize { width, height });
            (asked, last) = (None, now());
        }
        let tick = match (app.busy(), app.player.playing()) {
            (true, _) => BUSY_TICK,
            (false, true) => PLAYING_TICK,
            (false, false) => IDLE_TICK,
        };
        let until = if messages.is_empty() { last + tick } else { now() };
        let input = &seat.input;
        select! {
            recv(input.messages) -> message => match message {
                Ok(message) => messages.push(message),
                // The input thread is gone: the terminal is.
                Err(_) => messages.push(Msg::Terminate),
            },
            recv(worker.answers) -> answer => messages.extend(answer.ok().map(Msg::Picture)),
            default(until.saturating_duration_since(now())) => {}
        }
        // What else has come in the meantime: a held key repeats faster than a slow terminal draws.
        messages.extend(input.messages.try_iter().take(INPUT_QUEUE));
        messages.extend(worker.answers.try_iter().take(1).map(Msg::Picture));
        messages.extend(desk.reports.try_iter().map(Msg::Report));
        let passed = now().saturating_duration_since(last);
        last += passed;
        messages.push(Msg::Tick(u64::try_from(passed.as_nanos()).unwrap_or(u64::MAX)));
        if seat.ended() {
            messages.push(Msg::Terminate);
        }
        take_all(app, messages);
        if let Some(sound) = sound.as_deref_mut() {
            // At once: the playhead is where it says for a moment only.
            hear(app, sound);
        }
        // The decoder begins before rows are read and cells are drawn. Where something is drawn into the picture, that is not known yet.
        match app.painting {
            Painting::Graphics(..) => prepare(app, worker, asked.as_ref()),
            Painting::HalfBlocks | Painting::Dots => ask(app, worker, &mut asked),
        }
        settle(app);
        // A picture that was decoded already is drawn at once, and not the one before it once more.
        let waits = asked.as_ref().is_some_and(|request| !app.satisfied(request));
        if waits && let Ok(answer) = worker.answers.recv_timeout(GRACE) {
            update_all(app, [Msg::Picture(answer)]);
        }
    }
    Ok(())
}

/// Tells what plays the sound where the playhead is, and takes what it says.
fn hear(app: &mut App<'_>, sound: &mut dyn Sound) {
    if app.audible() {
        sound.play(app.player.at());
    } else {
        sound.stop();
    }
    if let Some(why) = sound.trouble() {
        take_all(app, [Msg::NoSound(why)]);
        sound.stop();
    }
}

/// Asks for the picture that should be on the screen, once.
fn ask(app: &App<'_>, worker: &Worker, asked: &mut Option<Request>) {
    let wanted = app.wants();
    if wanted == *asked {
        return;
    }
    if let Some(request) = wanted.clone().filter(|request| !app.satisfied(request)) {
        worker.ask(request);
    }
    *asked = wanted;
}

/// Has the picture of another frame than the last that was asked for decoded, ready to be asked for.
fn prepare(app: &App<'_>, worker: &Worker, asked: Option<&Request>) {
    let place = |request: &Request| (request.frame, request.bounds);
    if let Some(request) = app.wants().filter(|request| !request.hurry && asked.map(place) != Some(place(request))) {
        worker.prepare(request);
    }
}

#[expect(clippy::disallowed_methods, reason = "this crate has no Clock: its one clock is read here")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// How many colours to use: what the environment says, else what the terminal answers. In raw mode, before anything else reads it.
pub(crate) fn colours(no_color: bool) -> Colours {
    match colours::said(no_color, |name| std::env::var(name).ok()) {
        Said::Sure(colours) => colours,
        // A terminal that answers this one answers the next, too: none is left that would swallow the first keys.
        Said::Nothing if supports_keyboard_enhancement().is_ok() => colours::ask(),
        Said::Nothing => Colours::Indexed,
    }
}

/// Asks the terminal whether it can show pixels.
///
/// The picker's question is read by a thread that a silent terminal leaves behind, and that then swallows the first keys. So
/// it is only asked of terminals that have just answered another question, and never inside tmux or screen, where it passes
/// through to an outer terminal that may not be there (and where it would change the person's settings to do so).
fn graphics() -> Option<Picker> {
    let is = |name: &str, prefixes: &[&str]| {
        std::env::var(name).is_ok_and(|value| prefixes.iter().any(|prefix| value.starts_with(prefix)))
    };
    // The console of Linux can show no pixels.
    if is("TERM", &["linux", "dumb", "tmux", "screen"]) || is("TERM_PROGRAM", &["tmux"]) {
        return None;
    }
    supports_keyboard_enhancement().ok()?;
    Picker::from_query_stdio().ok().filter(|picker| picker.protocol_type() != ProtocolType::Halfblocks)
}

/// What the player can draw here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Abilities {
    /// Which colours, in words.
    pub colours: &'static str,
    /// What pictures are drawn with, in words.
    pub pictures: &'static str,
}

/// Asks the terminal what [`run`] could draw in it; none where there is no terminal.
pub fn abilities() -> Option<Abilities> {
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return None;
    }
    let raw = enable_raw_mode().is_ok();
    let colours = colours(false);
    let picker = if colours == Colours::None { None } else { graphics() };
    if raw {
        drop(disable_raw_mode());
    }
    Some(Abilities {
        colours: match colours {
            Colours::True => "16.7 million colours",
            Colours::Indexed => "256 colours, dithered",
            Colours::None => "no colours",
        },
        pictures: match picker.map(|picker| picker.protocol_type()) {
            Some(ProtocolType::Kitty) => "kitty's pixels",
            Some(ProtocolType::Sixel) => "sixels",
            Some(ProtocolType::Iterm2) => "iTerm2's pixels",
            _ if colours == Colours::None => "dots",
            _ => "half-blocks",
        },
    })
}

/// Deletes the pictures that a kitty terminal stores.
fn forget_pictures() -> io::Result<()> {
    let mut out = io::stdout();
    for id in KITTY_IDS {
        write!(out, "\x1b_Ga=d,d=I,i={id},q=2;\x1b\\")?;
    }
    out.flush()
}

/// The terminal is ours.
static ACTIVE: AtomicBool = AtomicBool::new(false);

/// Gives the terminal's mode back without a word to the terminal, for a program whose thread waits for it to read: it can be typed into again.
pub fn abandon() {
    if ACTIVE.swap(false, Ordering::SeqCst) {
        drop(disable_raw_mode());
    }
}

/// Forgets that the terminal is ours, since it belongs to another program by now, or to none.
pub(crate) fn leave_alone() {
    ACTIVE.store(false, Ordering::SeqCst);
}

/// Makes the terminal ours, but for the mouse: text on it can be selected. Also once more, after another program had it.
pub(crate) fn take_screen() -> io::Result<()> {
    // Whoever had it in between may have set another mode than the one that is remembered.
    disable_raw_mode()?;
    enable_raw_mode()?;
    ACTIVE.store(true, Ordering::SeqCst);
    execute!(io::stdout(), EnterAlternateScreen, cursor::Hide)
}

/// Gives the terminal back, if it is ours. What fails is ignored: there is nobody left to tell, and the rest must be tried.
pub(crate) fn restore() {
    if ACTIVE.swap(false, Ordering::SeqCst) {
        drop(execute!(io::stdout(), EndSynchronizedUpdate, DisableMouseCapture, LeaveAlternateScreen, cursor::Show));
        drop(disable_raw_mode());
    }
}

/// Makes the terminal ours.
fn resume() -> io::Result<()> {
    enable_raw_mode()?;
    ACTIVE.store(true, Ordering::SeqCst);
    execute!(io::stdout(), EnterAlternateScreen, EnableMouseCapture, cursor::Hide)
}

/// Gives the terminal back and stops the process, as the shell's job control wants it; returns when it goes on.
#[cfg(unix)]
fn suspend_here() -> io::Result<()> {
    restore();
    signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGTSTP)
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "the same on every system")]
fn suspend_here() -> io::Result<()> {
    // There is no job control.
    Ok(())
}

/// Holds the terminal while it is ours.
struct Guard;

impl Guard {
    fn enter() -> io::Result<Self> {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let before = panic::take_hook();
            panic::set_hook(Box::new(move |info| {
                // A decoder or a disk that panics is caught and shown on the screen; the player goes on.
                let ours = |name: &str| name == THREAD || name.starts_with(THREADS);
                if ACTIVE.load(Ordering::SeqCst) && thread::current().name().is_some_and(ours) {
                    return;
                }
                restore();
                before(info);
            }));
        });
        let guard = Self;
        resume()?;
        Ok(guard)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        restore();
    }
}

/// What the system has asked for.
#[derive(Default)]
pub(crate) struct Signals {
    raised: Arc<AtomicBool>,
    suspend: Arc<AtomicBool>,
    resumed: Arc<AtomicBool>,
    #[cfg(unix)]
    ids: Vec<signal_hook::SigId>,
}

impl Signals {
    #[cfg(unix)]
    fn watch() -> io::Result<Self> {
        use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
        let mut signals = Self::default();
        let flags = [
            (SIGHUP, &signals.raised),
            (SIGINT, &signals.raised),
            (SIGQUIT, &signals.raised),
            (SIGTERM, &signals.raised),
            (SIGTSTP, &signals.suspend),
            (SIGCONT, &signals.resumed),
        ];
        let mut ids = Vec::with_capacity(flags.len());
        for (signal, flag) in flags {
            ids.push(signal_hook::flag::register(signal, Arc::clone(flag))?);
        }
        signals.ids = ids;
        Ok(signals)
    }

    /// Watches only for the process going on after it was stopped.
    #[cfg_attr(not(unix), expect(clippy::unnecessary_wraps, reason = "the same on every system"))]
    pub(crate) fn watch_resumed() -> io::Result<Self> {
        #[cfg_attr(not(unix), expect(unused_mut, reason = "there is nothing to be watched for"))]
        let mut signals = Self::default();
        #[cfg(unix)]
        signals.ids.push(signal_hook::flag::register(signal_hook::consts::SIGCONT, Arc::clone(&signals.resumed))?);
        Ok(signals)
    }

    #[cfg(not(unix))]
    #[expect(clippy::unnecessary_wraps, reason = "the same on every system")]
    fn watch() -> io::Result<Self> {
        // Control-C comes as a key in raw mode, and closing the window ends the process.
        Ok(Self::default())
    }

    /// It is to end.
    fn raised(&self) -> bool {
        self.raised.load(Ordering::SeqCst)
    }

    /// It is to stop for a while.
    fn take_suspend(&self) -> bool {
        self.suspend.swap(false, Ordering::SeqCst)
    }

    /// It was stopped (perhaps without being asked) and goes on.
    pub(crate) fn take_resumed(&self) -> bool {
        self.resumed.swap(false, Ordering::SeqCst)
    }
}

#[cfg(unix)]
impl Drop for Signals {
    fn drop(&mut self) {
        for id in self.ids.drain(..) {
            signal_hook::low_level::unregister(id);
        }
    }
}

/// The thread that reads the terminal.
pub(crate) struct Input {
    pub(crate) messages: Receiver<Msg>,
    stop: Arc<AtomicBool>,
}

impl Input {
    fn start() -> io::Result<Self> {
        let (sender, messages) = bounded(INPUT_QUEUE);
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        thread::Builder::new().name("watchcap-input".into()).spawn(move || {
            while !stopped.load(Ordering::SeqCst) {
                match event::poll(INPUT_POLL) {
                    Ok(false) => continue,
                    Ok(true) => {}
                    Err(_) => return,
                }
                let Ok(event) = event::read() else { return };
                if let Some(message) = message(&event)
                    && sender.send(message).is_err()
                {
                    return;
                }
            }
        })?;
        Ok(Self { messages, stop })
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // It may be waiting for room in the queue, so the queue is emptied until its other end is gone. A terminal that has
        // hung up can keep the library's reader busy for ever: then the thread is left to end with the process.
        let until = now() + INPUT_END;
        while self.messages.recv_deadline(until).is_ok() {}
    }
}

/// What an event of the terminal says to the player.
fn message(event: &Event) -> Option<Msg> {
    match *event {
        Event::Key(key) if key.kind != KeyEventKind::Release => chord(key).map(Msg::Key),
        Event::Resize(width, height) => Some(Msg::Resize { width, height }),
        Event::Mouse(mouse) => {
            let (column, row) = (mouse.column, mouse.row);
            match mouse.kind {
                MouseEventKind::Down(MouseButton::Left) => Some(Msg::Point { column, row, press: true }),
                MouseEventKind::Drag(MouseButton::Left) => Some(Msg::Point { column, row, press: false }),
                MouseEventKind::ScrollUp => Some(Msg::Scroll { column, row, up: true }),
                MouseEventKind::ScrollDown => Some(Msg::Scroll { column, row, up: false }),
                _ => None,
            }
        }
        _ => None,
    }
}

/// A key of the terminal library in the player's words.
fn chord(event: KeyEvent) -> Option<Chord> {
    let key = match event.code {
        KeyCode::Char(c) => Key::Char(c),
        KeyCode::Left => Key::Left,
        KeyCode::Right => Key::Right,
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        KeyCode::Tab => Key::Tab,
        KeyCode::Esc => Key::Esc,
        KeyCode::Enter => Key::Enter,
        KeyCode::Backspace => Key::Backspace,
        KeyCode::Delete => Key::Delete,
        _ => return None,
    };
    if event.modifiers.contains(KeyModifiers::ALT) {
        return None;
    }
    let shift = event.modifiers.contains(KeyModifiers::SHIFT) && !matches!(key, Key::Char(_));
    Some(Chord { key, shift, control: event.modifiers.contains(KeyModifiers::CONTROL) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{Action, action};

    #[test]
    fn keys_of_the_terminal_reach_the_table() {
        let act = |code, modifiers| {
            message(&Event::Key(KeyEvent::new(code, modifiers))).and_then(|message| match message {
                Msg::Key(chord) => action(chord),
                _ => None,
            })
        };
        assert_eq!(act(KeyCode::Char('?'), KeyModifiers::SHIFT), Some(Action::Help));
        assert_eq!(act(KeyCode::Char('c'), KeyModifiers::CONTROL), Some(Action::Quit));
        assert_eq!(act(KeyCode::Char('u'), KeyModifiers::CONTROL), None);
        assert_eq!(act(KeyCode::Char('z'), KeyModifiers::CONTROL), Some(Action::Suspend));
        assert_eq!(act(KeyCode::Right, KeyModifiers::SHIFT), Some(Action::Seconds(1)));
        assert_eq!(act(KeyCode::Right, KeyModifiers::NONE), Some(Action::Frame(1)));
        assert_eq!(act(KeyCode::Backspace, KeyModifiers::NONE), Some(Action::RealTime));
        assert_eq!(act(KeyCode::Char('q'), KeyModifiers::ALT), None);
        let mut released = KeyEvent::new(KeyCode::Char('q'), KeyModifiers::NONE);
        released.kind = KeyEventKind::Release;
        assert!(message(&Event::Key(released)).is_none());
    }
}
