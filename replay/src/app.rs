//! The state of the player: what is drawn.
//!
//! Invariants: the playhead is inside the session; all text here has been cleaned; what is drawn is read from here and
//! never asked from the timeline while drawing. How messages change it is in `update.rs`; this file brings everything that
//! hangs on the playhead, the zoom and the size up to date afterwards ([`App::refresh`]). There is no clock and no I/O of its
//! own: it asks the [`Timeline`] that it was given, the pictures it wants are told by [`App::wants`] to whoever runs the
//! worker, and what else is to be done outside is in [`App::commands`].

use crate::desk::Command;
use crate::filter::Filter;
use crate::lens::{Lens, Part};
use crate::picture::{CLICK_STEPS, Drawing, Pointer};
use crate::player::Player;
use crate::prompt::Prompt;
use crate::text::{SECOND, clean};
use crate::theme::Theme;
use crate::timeline::{
    Density, Direction, FrameInfo, HeldKey, InputState, Lanes, Levels, Overlay, Remark, Rows, Spans, Summary, Timeline,
    Tone,
};
use crate::view;
use crate::worker::{Answer, Request};
use crate::zoom::Zoom;

/// Rows that are asked for on each side of the playhead: four screens of the event table on a large terminal (60 lines), so
/// that playing asks once in a while and not for every picture.
pub(crate) const ROWS_AROUND: usize = 256;
/// Rows that must be left on a side before more are asked for: a screen of them.
const ROWS_MARGIN: usize = 64;
/// After rows could not be read they are not asked for again until the playhead is this far away, nanoseconds.
const RETRY_AFTER: i64 = SECOND / 2;
/// Held keys that are kept: more than a keyboard reports and more than fit on a line.
const MAX_HELD: usize = 32;
/// Notes that are kept: they share a line.
const MAX_NOTES: usize = 4;
/// Facts of the side panel that are kept: more than a tall terminal shows.
const MAX_FACTS: usize = 128;
/// Masks and presses that are drawn over a picture: more would hide it.
const MAX_OVERLAY: usize = 32;
/// Remarks that are kept for drawing: 65,536 of a person's notes are weeks of work (100 bytes each, 6.5 MB).
pub(crate) const MAX_REMARKS: usize = 1 << 16;
/// How long a press is seen over the picture, nanoseconds.
pub(crate) const CLICK_AGE: i64 = SECOND / 2;
/// While events are still being counted, the counts are asked for again after this time, nanoseconds.
const RECOUNT: u64 = 500_000_000;
/// A picture that is late by this much is said to be on its way, nanoseconds. Sooner than that the word would only flicker.
pub(crate) const LATE: u64 = 300_000_000;
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

/// Whether the sound is heard.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Heard {
    /// There is nothing to play, or nothing that plays it.
    #[default]
    Never,
    /// It could be.
    Muted,
    /// Whenever the player goes on in real time.
    On,
}

/// What keys are meant for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Mode {
    /// The player.
    Normal,
    /// The help, from a line of it on.
    Help(u16),
    /// A line that is typed.
    Prompt(Prompt),
    /// The choice of a verdict.
    Verdict,
    /// The choice of an export.
    Export,
}

/// A search that goes on, a call at a time.
#[derive(Clone, Debug)]
pub(crate) struct Searching {
    /// What for, as the person would say it.
    pub(crate) what: String,
    /// Which way.
    pub(crate) direction: Direction,
    /// How far it has come.
    pub(crate) from: i64,
    /// What matches.
    pub(crate) filter: Filter,
    /// The nearest remark, when that would do as well.
    pub(crate) remark: Option<i64>,
    /// Nothing was found that way, and that is said; the other way is looked at only to tell whether there is any at all.
    pub(crate) missed: bool,
}

/// Where in a queue the recording is that is played.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    /// Which it is, 0-based.
    pub(crate) index: usize,
    /// Of how many.
    pub(crate) count: usize,
    /// A verdict on another recording can be taken back.
    pub(crate) undo: bool,
    /// The next one goes on where this one ends: they are parts of one recording.
    pub(crate) goes_on: bool,
}

/// Where to, once the player is left.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Leave {
    /// Out of the program.
    #[default]
    Quit,
    /// To the list of the queue.
    List,
    /// To the next recording of the queue.
    Next,
    /// To the one before.
    Previous,
    /// To the next one, which goes on where this one ends, and is played on.
    Part,
    /// To the next one that nobody has judged.
    Unjudged,
    /// To the recording that was judged last, whose verdict is taken back.
    Undo,
}

/// A word to the person, for a while.
#[derive(Clone, Debug)]
pub(crate) struct Notice {
    /// The word.
    pub(crate) text: String,
    /// How it is meant.
    pub(crate) tone: Tone,
    /// For how long yet, nanoseconds.
    pub(crate) left: u64,
}

/// What could not be read, one sentence each.
#[derive(Default)]
struct Problems {
    rows: Option<String>,
    state: Option<String>,
    overlay: Option<String>,
    density: Option<String>,
}

/// The player.
pub(crate) struct App<'a> {
    pub(crate) timeline: &'a dyn Timeline,
    /// What is known of the recording.
    pub(crate) summary: Summary,
    /// The playhead.
    pub(crate) player: Player,
    /// The part that the timeline shows.
    pub(crate) zoom: Zoom,
    /// The colours.
    pub(crate) theme: Theme,
    /// How pictures are drawn.
    pub(crate) painting: Painting,
    /// Columns and rows of the terminal.
    pub(crate) size: (u16, u16),
    /// What keys are meant for.
    pub(crate) mode: Mode,
    /// What the side panel shows.
    pub(crate) panel: Panel,
    /// The lanes of the event table, when there is no filter.
    pub(crate) lanes: Lanes,
    /// The filter, with the words it was made of.
    pub(crate) filter: Option<(String, Filter)>,
    /// What lies over the picture is shown.
    pub(crate) overlaid: bool,
    /// The magnifier, while it is on.
    pub(crate) lens: Option<Lens>,
    /// Rows around the playhead.
    pub(crate) rows: Rows,
    /// What is held at the playhead.
    pub(crate) state: InputState,
    /// What lies over the picture at the playhead.
    pub(crate) overlay: Overlay,
    /// Event counts for what the timeline shows, in the buckets of the bar.
    pub(crate) density: Density,
    /// How loud it is there; `None` without sound.
    pub(crate) levels: Option<Levels>,
    /// What is the matter with parts of what the timeline shows.
    pub(crate) spans: Spans,
    /// The frame at the playhead.
    pub(crate) frame: Option<(u64, FrameInfo)>,
    /// Which part of a recording that was split the playhead is in, and of how many.
    pub(crate) part_of: Option<(u64, u64)>,
    /// Frames per second before the playhead, where there are enough to tell.
    pub(crate) fps: Option<f64>,
    /// The latest picture that arrived.
    pub(crate) shown: Option<Answer>,
    /// Where the range A–B begins and ends, as far as it was said.
    pub(crate) range: (Option<i64>, Option<i64>),
    /// The playhead stays at the end while the recording grows.
    pub(crate) follow: bool,
    /// What reviewers said, in order of their first instants.
    pub(crate) remarks: Vec<Remark>,
    /// There is a place for remarks, and something that exports.
    pub(crate) can: (bool, bool),
    /// Whether the sound is heard.
    pub(crate) heard: Heard,
    /// How far the export is that runs: done, whole.
    pub(crate) exporting: Option<(u64, u64)>,
    /// The search that goes on.
    pub(crate) searching: Option<Searching>,
    /// A word to the person.
    pub(crate) notice: Option<Notice>,
    /// What is to be done outside, oldest first.
    pub(crate) commands: Vec<Command>,
    /// The player is to end.
    pub(crate) quit: bool,
    /// Where to, then.
    pub(crate) leave: Leave,
    /// The queue that the recording is of.
    pub(crate) place: Option<Place>,
    /// Verdicts that were given since the recording was opened, oldest first.
    pub(crate) given: Vec<Remark>,
    /// Where to once the verdict is kept that is being written.
    pub(crate) moving: Option<Leave>,
    /// Which way the playhead went last.
    pub(crate) heading: Direction,
    /// A key repeats: the playhead moved again so soon after it moved that pictures cannot all be decoded.
    pub(crate) hurry: bool,
    /// Since the person last moved the playhead, nanoseconds.
    pub(crate) rested: u64,
    pub(crate) dragging: bool,
    /// Where the mouse holds the magnified part.
    pub(crate) held_at: Option<(u16, u16)>,
    problems: Problems,
    /// How many of [`App::rows`] were at or before the playhead, and after it, when they were read.
    rows_loaded: (usize, usize),
    version: u64,
    state_of: Option<i64>,
    counted: Option<(Zoom, usize)>,
    pub(crate) density_age: u64,
    pub(crate) waited: u64,
}

impl<'a> App<'a> {
    /// A player that stands at the start of a recording, for a terminal of so many columns and rows.
    pub(crate) fn new(timeline: &'a dyn Timeline, theme: Theme, painting: Painting, size: (u16, u16)) -> Self {
        let version = timeline.refresh();
        let summary = cleaned_summary(timeline.summary());
        let player = Player::new(summary.start_ns, summary.end_ns);
        let mut app = Self {
            timeline,
            zoom: Zoom::whole(player.start(), player.end()),
            player,
            summary,
            theme,
            painting,
            size,
            mode: Mode::Normal,
            panel: Panel::Events,
            lanes: Lanes::NOTABLE,
            filter: None,
            overlaid: true,
            lens: None,
            rows: Rows::default(),
            state: InputState::default(),
            overlay: Overlay::default(),
            density: Density::default(),
            levels: timeline.levels(0, 0, 0),
            spans: Spans::default(),
            frame: None,
            part_of: None,
            fps: None,
            shown: None,
            range: (None, None),
            follow: false,
            remarks: Vec::new(),
            can: (true, true),
            heard: Heard::Never,
            exporting: None,
            searching: None,
            notice: None,
            commands: Vec::new(),
            quit: false,
            leave: Leave::default(),
            place: None,
            given: Vec::new(),
            moving: None,
            heading: Direction::Forward,
            hurry: false,
            rested: 0,
            dragging: false,
            held_at: None,
            problems: Problems::default(),
            rows_loaded: (0, 0),
            version,
            state_of: None,
            counted: None,
            density_age: 0,
            waited: 0,
        };
        app.load_rows();
        app.aim();
        app.refresh();
        app
    }

    /// Begins elsewhere than at the start, by playing, or at the end of a recording that grows.
    pub(crate) fn begin(&mut self, at_ns: Option<i64>, play: bool) {
        if let Some(at_ns) = at_ns {
            self.player.seek(at_ns);
        } else if self.summary.live {
            self.player.seek(self.player.end());
            self.follow = true;
        }
        if play {
            self.player.toggle();
        }
        self.aim();
        self.refresh();
    }

    /// The picture that should be on the screen, when there is one and a place for it.
    pub(crate) fn wants(&self) -> Option<Request> {
        let (frame, _) = self.frame?;
        let part = self.part();
        let bounds = match part {
            // All of its pixels: the part is cut out of it.
            Some(_) => (self.summary.width, self.summary.height),
            None => self.pane()?,
        };
        let drawing = match self.painting {
            Painting::Graphics(..) if self.overlaid => self.drawing(),
            _ => Drawing::default(),
        };
        let hurry = self.hurry || self.player.fast();
        Some(Request { frame, bounds, part, hurry, heading: self.heading, drawing })
    }

    /// Whether what is on the screen is what a request asks for.
    pub(crate) fn satisfied(&self, request: &Request) -> bool {
        self.shown.as_ref().is_some_and(|answer| {
            let was = &answer.request;
            answer.frame == request.frame
                && (was.bounds, was.part, &was.drawing) == (request.bounds, request.part, &request.drawing)
        })
    }

    /// The pixels that a picture may have, `None` when there is no place for one.
    pub(crate) fn pane(&self) -> Option<(u32, u32)> {
        view::picture_bounds(self.layout()?.picture, self.painting)
    }

    /// Where everything is on the screen.
    pub(crate) fn layout(&self) -> Option<view::Layout> {
        view::layout(self.size, self.lens.is_some(), self.levels.is_some(), self.summary.pads)
    }

    /// The part of the picture that is magnified.
    pub(crate) fn part(&self) -> Option<Part> {
        let (picture, pane) = self.lens_sides()?;
        self.lens.map(|lens| lens.part(picture, pane))
    }

    /// What the magnifier is for: the size of the picture and of its pane.
    pub(crate) fn lens_sides(&self) -> Option<((u32, u32), (u32, u32))> {
        let picture = (self.summary.width, self.summary.height);
        Some((picture, self.pane()?)).filter(|_| picture.0 > 0 && picture.1 > 0)
    }

    /// A place in the picture (0–1 inside) in what is shown of it (0–1 inside).
    pub(crate) fn share(&self, place: (f32, f32)) -> (f32, f32) {
        let size = (self.summary.width, self.summary.height);
        self.part().map_or(place, |part| part.share(place, size))
    }

    /// What is drawn into the picture where the terminal shows pixels.
    fn drawing(&self) -> Drawing {
        // Beyond ten pictures away it makes no difference where.
        let share = |v: f32| (v.clamp(-10.0, 10.0) * 1000.0) as i32;
        let pointer = self.state.pointer.map(|at| self.share(at)).map(|(x, y)| Pointer {
            x: share(x),
            y: share(y),
            pressed: !self.state.buttons.is_empty(),
        });
        let masks = self.overlay.masks.iter();
        let masks = masks.map(|m| {
            let ((left, top), (right, bottom)) = (self.share((m.x, m.y)), self.share((m.x + m.width, m.y + m.height)));
            [share(left), share(top), share(right), share(bottom)]
        });
        let masks = masks.collect();
        let at = self.player.at();
        let age = |t_ns: i64| (at.saturating_sub(t_ns).clamp(0, CLICK_AGE) * i64::from(CLICK_STEPS) / CLICK_AGE) as u8;
        let clicks = self.overlay.clicks.iter().map(|c| (self.share((c.x, c.y)), age(c.t_ns)));
        let clicks = clicks.map(|((x, y), age)| (share(x), share(y), age)).collect();
        Drawing { pointer, masks, clicks }
    }

    /// Something lies over the picture where a graphics protocol would hide it.
    pub(crate) fn covered(&self) -> bool {
        matches!(self.mode, Mode::Help(_) | Mode::Verdict | Mode::Export)
    }

    /// It moves on: by itself, or because the recording grows and nobody has paused that.
    pub(crate) fn runs(&self) -> bool {
        self.player.playing() || (self.follow && !self.state.paused)
    }

    /// The sound of the playhead's instant is to be heard now.
    pub(crate) fn audible(&self) -> bool {
        self.heard == Heard::On && self.player.in_real_time()
    }

    /// There is work to go on with although nothing happens.
    pub(crate) fn busy(&self) -> bool {
        self.searching.is_some()
    }

    /// The picture of the playhead's frame has been waited for so long that it should be said.
    pub(crate) fn late(&self) -> bool {
        self.waited >= LATE
    }

    /// What is on the screen is the picture of another frame, given for the one at the playhead until that is decoded.
    pub(crate) fn stands_in(&self) -> bool {
        let wanted = self.frame.map(|(index, _)| index);
        self.shown.as_ref().is_some_and(|answer| Some(answer.request.frame) == wanted && Some(answer.frame) != wanted)
    }

    /// The range A–B, when both of its ends were said.
    pub(crate) fn range_set(&self) -> Option<(i64, i64)> {
        let (a, b) = (self.range.0?, self.range.1?);
        (a < b).then_some((a, b))
    }

    /// What could not be read, one sentence each.
    pub(crate) fn problems(&self) -> impl Iterator<Item = &str> {
        let problems = &self.problems;
        [&problems.rows, &problems.state, &problems.overlay, &problems.density].into_iter().filter_map(Option::as_deref)
    }

    /// How many of [`App::rows`] are at or before the playhead.
    pub(crate) fn rows_before(&self) -> usize {
        let at = self.player.at();
        self.rows.rows.partition_point(|row| row.t_ns <= at)
    }

    /// What the event table shows.
    pub(crate) fn listed(&self) -> Filter {
        self.filter.as_ref().map_or(Filter::lanes(self.lanes), |(_, filter)| filter.clone())
    }

    /// Tells the person something for a few seconds.
    pub(crate) fn say(&mut self, tone: Tone, text: &str) {
        self.notice = Some(Notice { text: clean(text), tone, left: view::NOTICE_TIME });
    }

    /// Takes in what was recorded in the meantime.
    pub(crate) fn grow(&mut self) {
        let version = self.timeline.refresh();
        if version == self.version {
            return;
        }
        self.version = version;
        let (was_live, was) = (self.summary.live, std::mem::take(&mut self.summary.state));
        self.summary = cleaned_summary(self.timeline.summary());
        self.player.set_end(self.summary.end_ns);
        self.zoom.within(self.player.start(), self.player.end());
        if self.follow {
            self.player.seek(self.player.end());
        }
        (self.state_of, self.counted) = (None, None);
        self.load_rows();
        if was_live && !self.summary.live {
            self.follow = false;
            self.say(Tone::Warn, &format!("the recording has ended: {}", self.summary.state));
        } else if was != self.summary.state {
            self.say(Tone::Plain, &format!("the recording is now: {}", self.summary.state));
        }
    }

    /// Finds the frame at the playhead, which costs nothing: its picture can be asked for before rows are read.
    pub(crate) fn aim(&mut self) {
        let index = self.timeline.frame_at(self.player.at());
        self.frame = index.and_then(|index| Some((index, self.timeline.frame(index)?)));
        self.part_of = self.timeline.part_at(self.player.at());
    }

    /// Brings everything that hangs on the playhead, the zoom and the size up to date, the frame apart, which [`App::aim`] has found.
    pub(crate) fn refresh(&mut self) {
        let at = self.player.at();
        self.fps = self.frame.and_then(|(index, info)| self.rate(index, info));
        if self.state_of != Some(at) {
            self.state_of = Some(at);
            self.zoom.show(at, self.player.start(), self.player.end());
            match self.timeline.state_at(at) {
                Ok(state) => (self.state, self.problems.state) = (cleaned_state(state), None),
                Err(problem) => {
                    self.state = InputState::default();
                    self.problems.state = Some(format!("held keys cannot be read: {}", clean(&problem)));
                }
            }
            match self.timeline.overlay(at.saturating_sub(CLICK_AGE), at) {
                Ok(overlay) => (self.overlay, self.problems.overlay) = (cleaned_overlay(overlay), None),
                Err(problem) => {
                    self.overlay = Overlay::default();
                    self.problems.overlay = Some(format!("masks cannot be read: {}", clean(&problem)));
                }
            }
        }
        if let Some((picture, pane)) = self.lens_sides()
            && let Some(lens) = &mut self.lens
        {
            lens.follow(self.state.pointer, picture, pane);
        }
        if self.rows_run_out() {
            self.load_rows();
        }
        let buckets = self.layout().map_or(0, |layout| usize::from(layout.bar().width));
        let heard = self.levels.as_ref().is_none_or(|levels| levels.complete);
        let stale = !(self.density.complete && self.spans.complete && heard) && self.density_age >= RECOUNT;
        if buckets > 0 && (self.counted != Some((self.zoom, buckets)) || stale) {
            (self.counted, self.density_age) = (Some((self.zoom, buckets)), 0);
            self.count(buckets);
        }
    }

    /// Counts events and finds what is the matter in what the timeline shows.
    fn count(&mut self, buckets: usize) {
        let (from, until) = (self.zoom.from(), self.zoom.until());
        let density = self.timeline.density(from, until, buckets);
        let spans = self.timeline.spans(from, until, buckets);
        self.levels = self.timeline.levels(from, until, buckets);
        self.problems.density = None;
        self.density = density.unwrap_or_else(|problem| {
            self.problems.density = Some(format!("events cannot be counted: {}", clean(&problem)));
            Density { complete: true, ..Density::default() }
        });
        self.spans = spans.unwrap_or_else(|problem| {
            self.problems.density = Some(format!("gaps cannot be read: {}", clean(&problem)));
            Spans { complete: true, ..Spans::default() }
        });
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
        // Where fewer than a screen came, asking again at each step would bring no more: half of them have to be used up.
        let margin = |loaded: usize| ROWS_MARGIN.min(loaded.div_ceil(2));
        let more = self.problems.rows.is_none();
        (before < margin(self.rows_loaded.0) && self.rows.from_ns > self.player.start() && more)
            || (after < margin(self.rows_loaded.1) && self.rows.until_ns < self.player.end() && more)
    }

    pub(crate) fn load_rows(&mut self) {
        let at = self.player.at();
        match self.timeline.rows(at, ROWS_AROUND, ROWS_AROUND, &self.listed()) {
            Ok(mut rows) => {
                for row in &mut rows.rows {
                    (row.kind, row.text) = (clean(&row.kind), clean(&row.text));
                }
                // Order is what the search for the playhead stands on; a damaged file may not have it.
                rows.rows.sort_by_key(|row| row.t_ns);
                (rows.from_ns, rows.until_ns) = (rows.from_ns.min(at), rows.until_ns.max(at));
                (self.rows, self.problems.rows) = (rows, None);
                let before = self.rows_before();
                self.rows_loaded = (before, self.rows.rows.len() - before);
            }
            Err(problem) => {
                let around = (at.saturating_sub(RETRY_AFTER), at.saturating_add(RETRY_AFTER));
                self.rows = Rows { rows: Vec::new(), from_ns: around.0, until_ns: around.1 };
                self.problems.rows = Some(format!("events cannot be read: {}", clean(&problem)));
            }
        }
    }
}

/// The summary, cleaned and bounded.
fn cleaned_summary(mut summary: Summary) -> Summary {
    for text in [&mut summary.title, &mut summary.path, &mut summary.state] {
        *text = clean(text);
    }
    summary.no_pictures = summary.no_pictures.map(|why| clean(&why));
    summary.facts.truncate(MAX_FACTS);
    for fact in &mut summary.facts {
        (fact.name, fact.value) = (clean(&fact.name), clean(&fact.value));
    }
    summary.drift_ppm = summary.drift_ppm.filter(|drift| drift.is_finite());
    summary
}

/// The overlay at an instant, cleaned and bounded.
fn cleaned_overlay(mut overlay: Overlay) -> Overlay {
    overlay.masks.truncate(MAX_OVERLAY);
    overlay
        .masks
        .retain(|m| [m.x, m.y, m.width, m.height].iter().all(|v| v.is_finite()) && m.width > 0.0 && m.height > 0.0);
    for mask in &mut overlay.masks {
        mask.reason = clean(&mask.reason);
    }
    overlay.clicks.truncate(MAX_OVERLAY);
    overlay.clicks.retain(|click| click.x.is_finite() && click.y.is_finite());
    overlay
}

/// The most gamepads that are shown.
const MAX_PADS: usize = 4;

/// The state at an instant, cleaned and bounded.
fn cleaned_state(mut state: InputState) -> InputState {
    state.keys.truncate(MAX_HELD);
    for key in &mut state.keys {
        if let HeldKey::Code(code) = key {
            *code = clean(code);
        }
    }
    state.buttons.truncate(crate::view::BUTTONS.len());
    state.pads.truncate(MAX_PADS);
    for pad in &mut state.pads {
        let axes = pad.sticks.iter_mut().flat_map(|(x, y)| [x, y]).chain(&mut pad.triggers);
        axes.filter(|at| !at.is_finite()).for_each(|at| *at = 0.0);
    }
    state.notes.truncate(MAX_NOTES);
    for note in &mut state.notes {
        *note = clean(note);
    }
    state.window = clean(&state.window);
    state.pointer = state.pointer.filter(|(x, y)| x.is_finite() && y.is_finite());
    state
}

#[cfg(test)]
#[path = "app_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "lens_tests.rs"]
mod lens_tests;
