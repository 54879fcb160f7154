//! The state of the player and how messages change it.
//!
//! Invariants: the playhead is inside the session; all text here has been cleaned; what is drawn is read from here and
//! never asked from the timeline while drawing. [`update`] has no clock and no I/O of its own: it asks the [`Timeline`]
//! that it was given, and the pictures it wants are told by [`App::wants`] to whoever runs the worker.

use crate::filter::Filter;
use crate::keys::{self, Action};
use crate::msg::Msg;
use crate::picture::Pointer;
use crate::player::Player;
use crate::text::{SECOND, clean};
use crate::theme::Theme;
use crate::timeline::{Density, Direction, Found, FrameInfo, HeldKey, InputState, Lanes, Rows, Summary, Timeline};
use crate::view;
use crate::worker::{Answer, Request};

/// Rows that are asked for on each side of the playhead: four screens of the event table on a large terminal (60 lines), so
/// that playing asks once in a while and not for every picture.
const ROWS_AROUND: usize = 256;
/// Rows that must be left on a side before more are asked for: a screen of them.
const ROWS_MARGIN: usize = 64;
/// After rows could not be read they are not asked for again until the playhead is this far away, nanoseconds.
const RETRY_AFTER: i64 = SECOND / 2;
/// Held keys that are kept: more than a keyboard reports and more than fit on a line.
const MAX_HELD: usize = 32;
/// Notes that are kept: they share a line.
const MAX_NOTES: usize = 4;
/// Lines of details that are kept: more than a tall terminal shows.
const MAX_DETAILS: usize = 128;
/// While events are still being counted, the counts are asked for again after this time, nanoseconds.
const RECOUNT: u64 = 500_000_000;
/// A picture that is late by this much is said to be on its way, nanoseconds. Sooner than that the word would only flicker.
const LATE: u64 = 300_000_000;
/// A step by one frame where there are no frames, nanoseconds: one of 30 per second.
const FRAMELESS_STEP: i64 = SECOND / 30;
/// How often a search is gone on with before it is given up.
const SEARCH_CALLS: usize = 64;
/// The span over which the frame rate is measured, nanoseconds.
const RATE_SPAN: i64 = SECOND;

/// How pictures become cells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Painting {
    /// Two pixels in a cell, in colours.
    HalfBlocks,
    /// Eight dots in a cell, without colours.
    Dots,
    /// By a graphics protocol; a cell is that many pixels wide and high.
    Graphics(u16, u16),
}

/// What the side panel shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Panel {
    /// The event table.
    Events,
    /// What is known of the recording.
    Details,
}

/// The player.
pub(crate) struct App<'a> {
    timeline: &'a dyn Timeline,
    /// What is known of the recording.
    pub(crate) summary: Summary,
    /// The playhead.
    pub(crate) player: Player,
    /// The colours.
    pub(crate) theme: Theme,
    /// How pictures are drawn.
    pub(crate) painting: Painting,
    /// Columns and rows of the terminal.
    pub(crate) size: (u16, u16),
    /// The help is open.
    pub(crate) help: bool,
    /// What the side panel shows.
    pub(crate) panel: Panel,
    /// The lanes of the event table.
    pub(crate) lanes: Lanes,
    /// Rows around the playhead.
    pub(crate) rows: Rows,
    /// What is held at the playhead.
    pub(crate) state: InputState,
    /// Event counts for the whole session, in the buckets of the bar.
    pub(crate) density: Density,
    /// The frame at the playhead.
    pub(crate) frame: Option<(u64, FrameInfo)>,
    /// Frames per second before the playhead, where there are enough to tell.
    pub(crate) fps: Option<f64>,
    /// The latest picture that arrived.
    pub(crate) shown: Option<Answer>,
    /// The program is to end.
    pub(crate) quit: bool,
    rows_problem: Option<String>,
    state_problem: Option<String>,
    density_problem: Option<String>,
    seek_problem: Option<String>,
    state_of: Option<i64>,
    density_of: Option<usize>,
    density_age: u64,
    waited: u64,
    dragging: bool,
}

impl<'a> App<'a> {
    /// A player that stands at the start of a recording, for a terminal of so many columns and rows.
    pub(crate) fn new(timeline: &'a dyn Timeline, theme: Theme, painting: Painting, size: (u16, u16)) -> Self {
        let mut summary = timeline.summary();
        for text in [&mut summary.title, &mut summary.path, &mut summary.state] {
            *text = clean(text);
        }
        summary.facts.truncate(MAX_DETAILS);
        for fact in &mut summary.facts {
            (fact.name, fact.value) = (clean(&fact.name), clean(&fact.value));
        }
        let mut app = Self {
            timeline,
            player: Player::new(summary.start_ns, summary.end_ns),
            summary,
            theme,
            painting,
            size,
            help: false,
            panel: Panel::Events,
            lanes: Lanes::NOTABLE,
            rows: Rows::default(),
            state: InputState::default(),
            density: Density::default(),
            frame: None,
            fps: None,
            shown: None,
            quit: false,
            rows_problem: None,
            state_problem: None,
            density_problem: None,
            seek_problem: None,
            state_of: None,
            density_of: None,
            density_age: 0,
            waited: 0,
            dragging: false,
        };
        app.load_rows();
        app.refresh();
        app
    }

    /// Begins elsewhere than at the start, or by playing.
    pub(crate) fn begin(&mut self, at_ns: Option<i64>, play: bool) {
        if let Some(at_ns) = at_ns {
            self.player.seek(at_ns);
        }
        if play {
            self.player.toggle();
        }
        self.refresh();
    }

    /// The picture that should be on the screen, when there is one and a place for it.
    pub(crate) fn wants(&self) -> Option<Request> {
        let (frame, _) = self.frame?;
        let layout = view::layout(self.size)?;
        let bounds = view::picture_bounds(layout.picture, self.painting)?;
        let pointer = match (self.painting, self.state.pointer) {
            // Beyond ten pictures away it makes no difference where.
            (Painting::Graphics(..), Some((x, y))) => Some(Pointer {
                x: (x.clamp(-10.0, 10.0) * 1000.0) as i32,
                y: (y.clamp(-10.0, 10.0) * 1000.0) as i32,
                pressed: !self.state.buttons.is_empty(),
            }),
            _ => None,
        };
        Some(Request { frame, bounds, pointer })
    }

    /// The picture of the playhead's frame has been waited for so long that it should be said.
    pub(crate) fn late(&self) -> bool {
        self.waited >= LATE
    }

    /// What could not be read, one sentence each.
    pub(crate) fn problems(&self) -> impl Iterator<Item = &str> {
        [&self.seek_problem, &self.rows_problem, &self.state_problem, &self.density_problem]
            .into_iter()
            .filter_map(Option::as_deref)
    }

    /// How many of [`App::rows`] are at or before the playhead.
    pub(crate) fn rows_before(&self) -> usize {
        let at = self.player.at();
        self.rows.rows.partition_point(|row| row.t_ns <= at)
    }

    /// Brings everything that hangs on the playhead and on the size up to date.
    fn refresh(&mut self) {
        let at = self.player.at();
        self.frame = self.timeline.frame_at(at).and_then(|i| Some((i, self.timeline.frame(i)?)));
        self.fps = self.frame.and_then(|(index, info)| self.rate(index, info));
        if self.state_of != Some(at) {
            self.state_of = Some(at);
            match self.timeline.state_at(at) {
                Ok(state) => (self.state, self.state_problem) = (cleaned_state(state), None),
                Err(problem) => {
                    self.state = InputState::default();
                    self.state_problem = Some(format!("held keys cannot be read: {}", clean(&problem)));
                }
            }
        }
        if self.rows_run_out() {
            self.load_rows();
        }
        let buckets = view::layout(self.size).map_or(0, |layout| usize::from(layout.bar().width));
        let stale = !self.density.complete && self.density_age >= RECOUNT;
        if buckets > 0 && (self.density_of != Some(buckets) || stale) {
            (self.density_of, self.density_age) = (Some(buckets), 0);
            match self.timeline.density(self.player.start(), self.player.end(), buckets) {
                Ok(density) => (self.density, self.density_problem) = (density, None),
                Err(problem) => {
                    self.density = Density { complete: true, ..Density::default() };
                    self.density_problem = Some(format!("events cannot be counted: {}", clean(&problem)));
                }
            }
        }
    }

    /// Frames per second over the span before a frame: intervals, not frames, so that it is right from the second frame on.
    fn rate(&self, index: u64, info: FrameInfo) -> Option<f64> {
        let first = self.timeline.frame_at(info.t_ns.saturating_sub(RATE_SPAN)).unwrap_or(0);
        let intervals = index.checked_sub(first).filter(|n| *n > 0)?;
        let span = info.t_ns.checked_sub(self.timeline.frame(first)?.t_ns).filter(|ns| *ns > 0)?;
        Some(intervals as f64 * SECOND as f64 / span as f64)
    }

    fn rows_run_out(&self) -> bool {
        let at = self.player.at();
        if at < self.rows.from_ns || at > self.rows.until_ns {
            return true;
        }
        let before = self.rows_before();
        let after = self.rows.rows.len() - before.min(self.rows.rows.len());
        (before < ROWS_MARGIN && self.rows.from_ns > self.player.start() && self.rows_problem.is_none())
            || (after < ROWS_MARGIN && self.rows.until_ns < self.player.end() && self.rows_problem.is_none())
    }

    fn load_rows(&mut self) {
        let at = self.player.at();
        match self.timeline.rows(at, ROWS_AROUND, ROWS_AROUND, &Filter::lanes(self.lanes)) {
            Ok(mut rows) => {
                for row in &mut rows.rows {
                    (row.kind, row.text) = (clean(&row.kind), clean(&row.text));
                }
                // Order is what the search for the playhead stands on; a damaged file may not have it.
                rows.rows.sort_by_key(|row| row.t_ns);
                (rows.from_ns, rows.until_ns) = (rows.from_ns.min(at), rows.until_ns.max(at));
                (self.rows, self.rows_problem) = (rows, None);
            }
            Err(problem) => {
                let around = (at.saturating_sub(RETRY_AFTER), at.saturating_add(RETRY_AFTER));
                self.rows = Rows { rows: Vec::new(), from_ns: around.0, until_ns: around.1 };
                self.rows_problem = Some(format!("events cannot be read: {}", clean(&problem)));
            }
        }
    }

    fn step_frame(&mut self, by: i8) {
        self.player.pause();
        if self.summary.frames == 0 {
            self.player.skip(FRAMELESS_STEP * i64::from(by));
            return;
        }
        let to = match (self.timeline.frame_at(self.player.at()), by > 0) {
            (None, false) => return,
            (None, true) => 0,
            (Some(index), true) => index.saturating_add(1),
            (Some(index), false) => index.saturating_sub(1),
        };
        if let Some(info) = self.timeline.frame(to.min(self.summary.frames - 1)) {
            self.player.seek(info.t_ns);
        }
    }

    fn step_event(&mut self, by: i8) {
        self.player.pause();
        let direction = if by > 0 { Direction::Forward } else { Direction::Back };
        let filter = Filter::lanes(self.lanes);
        let mut from = self.player.at();
        for _ in 0..SEARCH_CALLS {
            match self.timeline.nearest(from, direction, &filter) {
                Ok(Found::At(t_ns)) => return self.player.seek(t_ns),
                Ok(Found::UpTo(t_ns)) => from = t_ns,
                Ok(Found::Nothing) => return,
                Err(problem) => {
                    self.seek_problem = Some(format!("the event cannot be found: {}", clean(&problem)));
                    return;
                }
            }
        }
    }

    fn act(&mut self, action: Action) {
        self.seek_problem = None;
        match action {
            Action::Quit if self.help => self.help = false,
            Action::Quit => self.quit = true,
            Action::Help => self.help = !self.help,
            Action::Toggle => self.player.toggle(),
            Action::Faster => self.player.faster(),
            Action::Slower => self.player.slower(),
            Action::Frame(by) => self.step_frame(by),
            Action::Event(by) => self.step_event(by),
            Action::Seconds(by) => self.player.skip(SECOND * i64::from(by)),
            Action::Start => self.player.seek(self.player.start()),
            Action::End => {
                self.player.pause();
                self.player.seek(self.player.end());
            }
            Action::AllRows => {
                self.lanes = if self.lanes == Lanes::ALL { Lanes::NOTABLE } else { Lanes::ALL };
                self.load_rows();
            }
            Action::Panel => {
                self.panel = if self.panel == Panel::Events { Panel::Details } else { Panel::Events };
            }
        }
    }

    fn point(&mut self, column: u16, row: u16, press: bool) {
        let Some(layout) = view::layout(self.size) else { return };
        if self.help {
            self.help = !press;
            return;
        }
        let bar = layout.bar();
        if press {
            self.dragging = bar.contains((column, row).into());
        }
        if self.dragging {
            let part = column.clamp(bar.left(), bar.right().saturating_sub(1)) - bar.left();
            // The last column is the end: nothing else could be clicked to get there.
            let part = if part + 1 >= bar.width { bar.width } else { part };
            self.player.seek_share(u64::from(part), u64::from(bar.width));
        } else if press && layout.picture.contains((column, row).into()) {
            self.player.toggle();
        } else if press
            && layout.side.contains((column, row).into())
            && let Some(t_ns) = view::row_at(self, &layout, row)
        {
            self.player.pause();
            self.player.seek(t_ns);
        }
    }
}

/// The state at an instant, cleaned and bounded.
fn cleaned_state(mut state: InputState) -> InputState {
    state.keys.truncate(MAX_HELD);
    for key in &mut state.keys {
        if let HeldKey::Code(code) = key {
            *code = clean(code);
        }
    }
    state.buttons.truncate(crate::view::BUTTONS.len());
    state.notes.truncate(MAX_NOTES);
    for note in &mut state.notes {
        *note = clean(note);
    }
    state.window = clean(&state.window);
    state.pointer = state.pointer.filter(|(x, y)| x.is_finite() && y.is_finite());
    state
}

/// Changes the player by a message.
pub(crate) fn update(app: &mut App<'_>, msg: Msg) {
    match msg {
        Msg::Key(chord) => match keys::action(chord) {
            Some(action) => app.act(action),
            None => return,
        },
        Msg::Point { column, row, press } => app.point(column, row, press),
        Msg::Scroll { column, row, up } => {
            let over_side = view::layout(app.size).is_some_and(|layout| layout.side.contains((column, row).into()));
            match (over_side, up) {
                (true, up) => app.step_event(if up { -1 } else { 1 }),
                (false, up) => app.player.skip(if up { -SECOND } else { SECOND }),
            }
        }
        Msg::Resize { width, height } => app.size = (width, height),
        Msg::Tick(ns) => {
            app.player.advance(ns);
            app.density_age = app.density_age.saturating_add(ns);
            app.waited = app.waited.saturating_add(ns);
        }
        Msg::Picture(answer) => (app.shown, app.waited) = (Some(answer), 0),
        Msg::Terminate => app.quit = true,
    }
    app.refresh();
    // The pointer moves many times in a frame: only a picture of another frame is one that is waited for.
    let wanted = app.frame.map(|(index, _)| index);
    if wanted == app.shown.as_ref().map(|answer| answer.request.frame) || wanted.is_none() {
        app.waited = 0;
    }
}

#[cfg(test)]
#[path = "app_tests.rs"]
mod tests;
