//! How messages change the player: what each key, click and answer does.
//!
//! Invariant: `update` is pure but for what it asks of the timeline: no clock (time comes in [`Msg::Tick`]) and no I/O (what
//! is to be done outside goes to [`App::commands`]). The last thing it does is to bring the state up to date.

use crate::app::{App, Heard, Leave, MAX_REMARKS, Mode, Panel, Searching};
use crate::desk::{Command, Report};
use crate::filter::Filter;
use crate::goto::{self, Place};
use crate::keys::{self, Action, Chord, Goal, Key, Take};
use crate::lens::{Lens, Scale};
use crate::msg::Msg;
use crate::prompt::{Asks, Prompt, Typed};
use crate::text::{SECOND, clean};
use crate::timeline::{Direction, Export, Found, Lane, Lanes, Remark, Tone, Verdict};
use crate::view;

/// A step by one frame where there are no frames, nanoseconds: one of 30 per second.
const FRAMELESS_STEP: i64 = SECOND / 30;
/// Two moves within this time are a key that repeats (every 33 ms, after 250 ms or so), nanoseconds.
const REPEAT: u64 = 150_000_000;
/// The longest note that is kept of what somebody else wrote, characters: a line of a prompt.
const NOTE_CHARS: usize = 240;

/// Changes the player by a message.
#[cfg(test)]
pub(crate) fn update(app: &mut App<'_>, msg: Msg) {
    update_all(app, [msg]);
}

/// Changes the player by messages in their order. What was asked for by the first of them and is outdated by the last is never
/// looked up: this is how a held key does not run ahead of what it moves.
pub(crate) fn update_all(app: &mut App<'_>, messages: impl IntoIterator<Item = Msg>) {
    take_all(app, messages);
    settle(app);
}

/// Lets messages change the player, as far as to which frame it stands at: [`App::wants`] is true of that, what hangs on it is not.
pub(crate) fn take_all(app: &mut App<'_>, messages: impl IntoIterator<Item = Msg>) {
    for message in messages {
        let before = app.player.at();
        app.apply(message);
        app.heading = match app.player.at().cmp(&before) {
            std::cmp::Ordering::Less => Direction::Back,
            std::cmp::Ordering::Greater => Direction::Forward,
            std::cmp::Ordering::Equal => app.heading,
        };
    }
    app.aim();
}

/// Brings up to date what hangs on the playhead, which may mean to read rows.
pub(crate) fn settle(app: &mut App<'_>) {
    app.refresh();
    // The pointer moves many times in a frame: only a picture of another frame is one that is waited for.
    let wanted = app.frame.map(|(index, _)| index);
    if wanted.is_none() || wanted == app.shown.as_ref().map(|answer| answer.frame) {
        app.waited = 0;
    }
}

impl App<'_> {
    fn apply(&mut self, message: Msg) {
        let before = self.player.at();
        let by_hand = matches!(message, Msg::Key(_) | Msg::Point { .. } | Msg::Scroll { .. });
        match message {
            Msg::Key(chord) => self.key(chord),
            Msg::Point { column, row, press } => self.point(column, row, press),
            Msg::Scroll { column, row, up } => self.scroll(column, row, up),
            Msg::Resize { width, height } => self.size = (width, height),
            Msg::Tick(ns) => self.tick(ns),
            Msg::Picture(answer) => (self.shown, self.waited) = (Some(answer), 0),
            Msg::Report(report) => self.report(report),
            Msg::NoSound(why) => {
                self.heard = Heard::Muted;
                self.say(Tone::Bad, &format!("no sound is heard: {why}"));
            }
            Msg::Terminate => self.quit = true,
        }
        if by_hand && self.player.at() != before {
            self.hurry = self.rested < REPEAT;
            self.rested = 0;
            self.follow &= self.player.at() == self.player.end();
        }
    }

    fn tick(&mut self, ns: u64) {
        let playing = self.player.playing();
        self.player.advance(ns);
        // Played up to what there is: from here on it follows.
        let ended = playing && !self.player.playing();
        self.follow |= self.summary.live && ended;
        if ended && self.exporting.is_none() && self.place.is_some_and(|place| place.goes_on) {
            self.leave(Leave::Part);
        }
        for clock in [&mut self.density_age, &mut self.waited, &mut self.rested] {
            *clock = clock.saturating_add(ns);
        }
        self.hurry &= self.rested < REPEAT;
        if let Some(notice) = &mut self.notice {
            notice.left = notice.left.saturating_sub(ns);
        }
        self.notice = self.notice.take().filter(|notice| notice.left > 0);
        self.grow();
        self.search_on();
    }

    fn report(&mut self, report: Report) {
        match report {
            Report::Remarks(Ok(mut remarks)) => {
                remarks.truncate(MAX_REMARKS);
                for remark in &mut remarks {
                    remark.note = clean(&remark.note).chars().take(NOTE_CHARS).collect();
                }
                self.remarks = remarks;
                self.remarks.sort_by_key(|remark| remark.from_ns);
            }
            Report::Remarks(Err(problem)) => self.say(Tone::Bad, &format!("remarks cannot be read: {problem}")),
            Report::Kept(remark, Ok(())) => {
                let word = remark.verdict.map_or("mark", Verdict::word);
                if self.summary.provisional && remark.verdict.is_some() {
                    self.say(Tone::Warn, &format!("kept: {word}, for what is here; once sealed, say it again"));
                } else {
                    self.say(Tone::Good, &format!("kept: {word} {}", remark.note));
                }
                if remark.verdict.is_some() {
                    self.given.push(remark.clone());
                    if let Some(leave) = self.moving.take() {
                        self.leave(leave);
                    }
                }
                let at = self.remarks.partition_point(|known| known.from_ns <= remark.from_ns);
                if self.remarks.len() < MAX_REMARKS {
                    self.remarks.insert(at, remark);
                }
            }
            Report::Kept(_, Err(problem)) => {
                // It has to be seen: the player stays.
                self.moving = None;
                self.say(Tone::Bad, &format!("NOT kept: {problem}"));
            }
            Report::Undone(remark, Ok(())) => {
                let word = remark.verdict.map_or("mark", Verdict::word);
                self.say(Tone::Good, &format!("taken back: {word} {}", remark.note));
                if let Some(at) = self.remarks.iter().rposition(|known| *known == remark) {
                    self.remarks.remove(at);
                }
            }
            Report::Undone(remark, Err(problem)) => {
                self.given.push(remark);
                self.say(Tone::Bad, &format!("NOT taken back: {problem}"));
            }
            Report::Progress(done, whole) => self.exporting = self.exporting.map(|_| (done, whole)),
            Report::Exported(result) => {
                self.exporting = None;
                match result {
                    Ok(what) => self.say(Tone::Good, &what),
                    Err(problem) => self.say(Tone::Bad, &format!("not exported: {problem}")),
                }
            }
        }
    }

    fn key(&mut self, chord: Chord) {
        match &mut self.mode {
            Mode::Prompt(prompt) => match prompt.key(chord) {
                Typed::More => {}
                Typed::Never => self.mode = Mode::Normal,
                Typed::Done => self.typed(),
            },
            Mode::Verdict => self.choose_verdict(chord),
            Mode::Export => self.choose_export(chord),
            Mode::Help(first) => match chord.key {
                Key::Up => *first = first.saturating_sub(1),
                Key::Down => *first = first.saturating_add(1).min(view::help_length(self.size)),
                Key::PageUp | Key::Home => *first = 0,
                Key::PageDown | Key::End => *first = view::help_length(self.size),
                Key::Esc | Key::Enter => self.mode = Mode::Normal,
                _ => match keys::action(chord) {
                    Some(Action::Close | Action::Quit | Action::Help) => self.mode = Mode::Normal,
                    Some(Action::Suspend) => self.act(Action::Suspend),
                    _ => {}
                },
            },
            Mode::Normal => {
                let magnified = self.lens.and_then(|_| keys::find(keys::LENS, chord));
                if let Some(action) = magnified.or_else(|| keys::action(chord)) {
                    self.act(action);
                }
            }
        }
    }

    fn act(&mut self, action: Action) {
        // Any other wish ends a search; leaving the player needs no more.
        if !matches!(
            action,
            Action::Theme
                | Action::Panel
                | Action::Overlay
                | Action::Help
                | Action::Back
                | Action::Magnify
                | Action::Lens(..)
                | Action::LensFollow
        ) {
            self.searching = None;
        }
        let (start, end) = (self.player.start(), self.player.end());
        match action {
            Action::Quit => self.leave(Leave::Quit),
            Action::Close => self.leave(if self.place.is_some() { Leave::List } else { Leave::Quit }),
            Action::Recording(by) => self.go_to_recording(by),
            Action::Undo => self.undo(),
            Action::Suspend => self.commands.push(Command::Suspend),
            Action::Help => self.mode = Mode::Help(0),
            Action::Toggle => {
                if self.follow {
                    self.follow = false;
                } else if self.summary.live && !self.player.playing() && self.player.at() == end {
                    self.follow = true;
                } else {
                    self.player.toggle();
                }
            }
            Action::Faster => self.player.faster(),
            Action::Slower => self.player.slower(),
            Action::RealTime => self.player.real_time(),
            Action::Sound => self.toggle_sound(),
            Action::SetA => self.set_range((Some(self.player.at()), self.range.1), 0),
            Action::SetB => self.set_range((self.range.0, Some(self.player.at())), 1),
            Action::Loop => self.toggle_loop(),
            Action::ForgetRange => {
                self.range = (None, None);
                self.player.set_repeat(None);
            }
            Action::Frame(by) => self.step_frames(i64::from(by)),
            Action::Seconds(by) => self.player.skip(SECOND * i64::from(by)),
            Action::Start => self.player.seek(start),
            Action::End => {
                self.player.pause();
                self.player.seek(end);
                self.follow = self.summary.live;
            }
            Action::Tenth(tenth) => self.player.seek_share(u64::from(tenth), 10),
            Action::Goto => self.mode = Mode::Prompt(Prompt::new(Asks::Goto, "")),
            Action::Search => {
                let words = self.filter.as_ref().map_or("", |(words, _)| words);
                self.mode = Mode::Prompt(Prompt::new(Asks::Search, words));
            }
            Action::Jump(goal, by) => self.jump(goal, if by > 0 { Direction::Forward } else { Direction::Back }),
            Action::Back => self.back(),
            Action::Zoom(by) => self.zoom.zoom(by > 0, self.player.at(), start, end),
            Action::ZoomOut => self.zoom = crate::zoom::Zoom::whole(start, end),
            Action::Pan(by) => self.zoom.pan(by > 0, start, end),
            Action::Mark | Action::Verdict if !self.can.0 => {
                self.say(Tone::Warn, "there is no place for marks and verdicts here");
            }
            Action::Export if !self.can.1 => self.say(Tone::Warn, "nothing can be exported from here"),
            Action::Mark => {
                self.player.pause();
                let at = self.player.at();
                self.mode = Mode::Prompt(Prompt::new(Asks::Note { verdict: None, from_ns: at, until_ns: at }, ""));
            }
            Action::Verdict => {
                self.player.pause();
                self.mode = Mode::Verdict;
            }
            Action::Export => {
                self.player.pause();
                self.mode = Mode::Export;
            }
            Action::AllRows => {
                self.lanes = if self.lanes == Lanes::ALL { Lanes::NOTABLE } else { Lanes::ALL };
                self.filter = None;
                self.load_rows();
            }
            Action::Panel => {
                self.panel = if self.panel == Panel::Events { Panel::Details } else { Panel::Events };
            }
            Action::Overlay => self.overlaid = !self.overlaid,
            Action::Magnify => self.magnify(),
            Action::Lens(x, y) => {
                if let Some((picture, pane)) = self.lens_sides()
                    && let Some(lens) = &mut self.lens
                {
                    lens.step((x, y), picture, pane);
                }
            }
            Action::LensFollow => {
                if let Some(lens) = &mut self.lens {
                    lens.follow_again();
                }
            }
            Action::Theme => match self.theme.look() {
                Some(look) => {
                    self.theme.set_look(look.next());
                    self.say(Tone::Plain, &format!("colours: {}", look.next().name()));
                }
                None => self.say(Tone::Plain, "no colours: NO_COLOR"),
            },
        }
    }

    /// Magnifies the picture, more, or not.
    fn magnify(&mut self) {
        self.lens = match self.lens {
            None if self.summary.width == 0 => {
                self.say(Tone::Warn, "there is no picture to magnify");
                None
            }
            None => Some(Lens::new(Scale::One)),
            Some(lens) => lens.larger(),
        };
    }

    /// Ends the player.
    fn leave(&mut self, leave: Leave) {
        (self.quit, self.leave) = (true, leave);
    }

    fn go_to_recording(&mut self, by: i8) {
        match self.place {
            None => self.say(Tone::Warn, "there is one recording here: replay the folder that holds several"),
            Some(place) if by > 0 && place.index + 1 >= place.count => self.say(Tone::Warn, "this is the last one"),
            Some(place) if by < 0 && place.index == 0 => self.say(Tone::Warn, "this is the first one"),
            Some(_) => self.leave(if by > 0 { Leave::Next } else { Leave::Previous }),
        }
    }

    /// Takes back the last verdict: on this recording, else on the one of the queue that was judged last.
    fn undo(&mut self) {
        match (self.given.pop(), self.place) {
            (Some(remark), _) => self.commands.push(Command::Undo(remark)),
            (None, Some(place)) if place.undo => self.leave(Leave::Undo),
            (None, _) => self.say(Tone::Warn, "no verdict was given since the player was started"),
        }
    }

    /// Stops a search, else drops the filter, else forgets the notice.
    fn back(&mut self) {
        if self.searching.take().is_none_or(|search| search.missed) {
            if self.filter.take().is_some() {
                self.load_rows();
            } else {
                self.notice = None;
            }
        }
    }

    /// Sets A (0) or B (1); the other end moves out of the way when they would be the wrong way round.
    fn set_range(&mut self, mut range: (Option<i64>, Option<i64>), moved: u8) {
        if let (Some(a), Some(b)) = range
            && a >= b
        {
            range = if moved == 0 { (range.0, None) } else { (None, range.1) };
        }
        self.range = range;
        if self.player.repeat().is_some() {
            self.player.set_repeat(self.range_set());
        }
    }

    fn toggle_sound(&mut self) {
        match self.heard {
            Heard::Never if self.summary.provisional => self.say(Tone::Warn, "sound is heard once this is sealed"),
            Heard::Never => self.say(Tone::Warn, "there is no sound in it"),
            Heard::Muted => {
                self.heard = Heard::On;
                self.say(Tone::Good, "sound on, while it plays at 1×");
            }
            Heard::On => {
                self.heard = Heard::Muted;
                self.say(Tone::Plain, "sound off");
            }
        }
    }

    fn toggle_loop(&mut self) {
        match (self.player.repeat(), self.range_set()) {
            (Some(_), _) => self.player.set_repeat(None),
            (None, Some((a, b))) => {
                self.player.set_repeat(Some((a, b)));
                if !(a..b).contains(&self.player.at()) {
                    self.player.seek(a);
                }
            }
            (None, None) => self.say(Tone::Warn, "set A with a and B with b first"),
        }
    }

    fn step_frames(&mut self, by: i64) {
        self.player.pause();
        if self.summary.frames == 0 {
            self.player.skip(FRAMELESS_STEP.saturating_mul(by));
            return;
        }
        let to = match (self.timeline.frame_at(self.player.at()), by > 0) {
            (None, false) => return,
            (None, true) => by.unsigned_abs() - 1,
            (Some(index), _) => index.saturating_add_signed(by),
        };
        self.show_frame(to.min(self.summary.frames - 1));
    }

    fn show_frame(&mut self, index: u64) {
        if let Some(info) = self.timeline.frame(index) {
            self.player.seek(info.t_ns);
        }
    }

    fn jump(&mut self, goal: Goal, direction: Direction) {
        self.player.pause();
        let (what, filter) = match goal {
            Goal::Listed => {
                let words = self.filter.as_ref().map_or("event of the table", |(words, _)| words.as_str());
                (words.to_owned(), self.listed())
            }
            Goal::Lane(lane) => {
                let (what, words) = match lane {
                    Lane::Key => ("key going down", "type:key_down -repeat"),
                    Lane::Click => ("click", "pressed"),
                    Lane::Wheel => ("turn of the wheel", ""),
                    Lane::Focus => ("focus change", ""),
                    Lane::Gap => ("gap", ""),
                    Lane::Mark => ("mark", ""),
                    Lane::Pad | Lane::Stick | Lane::Motion | Lane::Frame | Lane::System => ("event", ""),
                };
                (what.to_owned(), Filter::parse(words).within(Lanes::only(lane)))
            }
        };
        let from = self.player.at();
        let remark = (goal == Goal::Lane(Lane::Mark)).then(|| self.near_remark(from, direction)).flatten();
        self.searching = Some(Searching { what, direction, from, filter, remark, missed: false });
        self.search_on();
    }

    /// The nearest remark strictly before or after an instant.
    fn near_remark(&self, at: i64, direction: Direction) -> Option<i64> {
        let times = self.remarks.iter().map(|remark| remark.from_ns);
        let inside = times.filter(|t| (self.player.start()..=self.player.end()).contains(t));
        match direction {
            Direction::Forward => inside.filter(|t| *t > at).min(),
            Direction::Back => inside.filter(|t| *t < at).max(),
        }
    }

    /// Goes on with a search for one call.
    fn search_on(&mut self) {
        let Some(mut search) = self.searching.take() else { return };
        if search.missed {
            self.look_elsewhere(search);
            return;
        }
        let forward = search.direction == Direction::Forward;
        let beyond = |t: i64, of: i64| if forward { t >= of } else { t <= of };
        match self.timeline.nearest(search.from, search.direction, &search.filter) {
            Ok(Found::UpTo(t_ns)) => {
                // One that does not come further never will.
                let further = t_ns != search.from && beyond(t_ns, search.from);
                let within = (self.player.start()..=self.player.end()).contains(&t_ns);
                match search.remark.filter(|remark| beyond(t_ns, *remark)) {
                    Some(remark) => self.player.seek(remark),
                    None if further && within => {
                        search.from = t_ns;
                        self.searching = Some(search);
                    }
                    None => self.nothing(search),
                }
            }
            Ok(Found::At(t_ns)) => {
                let nearer = search.remark.filter(|remark| beyond(t_ns, *remark));
                self.player.seek(nearer.unwrap_or(t_ns));
            }
            Ok(Found::Nothing) => match search.remark {
                Some(remark) => self.player.seek(remark),
                None => self.nothing(search),
            },
            Err(problem) => self.say(Tone::Bad, &format!("the search failed: {problem}")),
        }
    }

    /// Says that nothing was found, and looks whether there is any the other way.
    fn nothing(&mut self, search: Searching) {
        let at = self.player.at();
        // From a hair beside the playhead, so that what stands exactly there counts.
        let (which, direction, from) = match search.direction {
            Direction::Forward => ("after", Direction::Back, at.saturating_add(1)),
            Direction::Back => ("before", Direction::Forward, at.saturating_sub(1)),
        };
        self.say(Tone::Warn, &format!("no {} {which} this", search.what));
        let remarks = search.filter.asks_of() == Lanes::only(Lane::Mark) && !self.remarks.is_empty();
        if !remarks {
            self.look_elsewhere(Searching { direction, from, missed: true, ..search });
        }
    }

    /// Goes on for one call with finding out whether there is any at all.
    fn look_elsewhere(&mut self, mut search: Searching) {
        match self.timeline.nearest(search.from, search.direction, &search.filter) {
            Ok(Found::Nothing) => self.say(Tone::Warn, &format!("no {} anywhere", search.what)),
            Ok(Found::UpTo(t_ns)) => {
                let further =
                    if search.direction == Direction::Forward { t_ns > search.from } else { t_ns < search.from };
                if further && (self.player.start()..=self.player.end()).contains(&t_ns) {
                    search.from = t_ns;
                    self.searching = Some(search);
                }
            }
            // There is one, or it cannot be told.
            Ok(Found::At(_)) | Err(_) => {}
        }
    }

    /// What was typed is done.
    fn typed(&mut self) {
        let Mode::Prompt(mut prompt) = std::mem::replace(&mut self.mode, Mode::Normal) else { return };
        let text = prompt.text();
        match prompt.asks {
            Asks::Goto => match goto::parse(&text) {
                Ok(place) => {
                    if let Err(problem) = self.go(place) {
                        prompt.problem = Some(problem);
                        self.mode = Mode::Prompt(prompt);
                    }
                }
                Err(problem) => {
                    prompt.problem = Some(clean(&problem));
                    self.mode = Mode::Prompt(prompt);
                }
            },
            Asks::Search => {
                let filter = Filter::parse(&text);
                self.filter = (!filter.is_plain()).then_some((text, filter));
                self.load_rows();
                if self.filter.is_some() {
                    self.jump(Goal::Listed, Direction::Forward);
                }
            }
            Asks::Note { verdict, from_ns, until_ns } => {
                self.commands.push(Command::Keep(Remark { from_ns, until_ns, verdict, note: text.trim().to_owned() }));
            }
        }
    }

    fn go(&mut self, place: Place) -> Result<(), String> {
        match place {
            Place::Frame(index) if index >= self.summary.frames => {
                return Err(match self.summary.frames {
                    0 => "there are no frames".into(),
                    frames => format!("the last frame is {}", frames - 1),
                });
            }
            Place::Frame(index) => self.show_frame(index),
            Place::Time(ns) if ns > self.player.length() => {
                let hours = self.player.length() >= 3_600_000_000_000;
                return Err(format!("it ends at {}", crate::text::clock(self.player.length(), hours)));
            }
            // Inside the session: no longer than it is.
            Place::Time(ns) => self.player.seek(self.player.start().saturating_add_unsigned(ns)),
            Place::Share(share) => self.player.seek_share((share * 1e9) as u64, 1_000_000_000),
            Place::Frames(by) => self.step_frames(by),
            Place::Further(ns) => self.player.skip(ns),
        }
        self.player.pause();
        Ok(())
    }

    fn choose_verdict(&mut self, chord: Chord) {
        self.mode = Mode::Normal;
        let Key::Char(typed) = chord.key else { return };
        let chosen = keys::VERDICTS.into_iter().find(|(key, ..)| *key == typed.to_ascii_lowercase());
        let Some((_, verdict, _)) = chosen.filter(|_| !chord.control) else { return };
        let (from_ns, until_ns) = self.range_set().unwrap_or((self.player.start(), self.player.end()));
        if typed.is_ascii_lowercase() {
            self.mode = Mode::Prompt(Prompt::new(Asks::Note { verdict: Some(verdict), from_ns, until_ns }, ""));
        } else if self.place.is_some() {
            self.moving = Some(Leave::Unjudged);
            self.commands.push(Command::Keep(Remark {
                from_ns,
                until_ns,
                verdict: Some(verdict),
                note: String::new(),
            }));
        }
    }

    fn choose_export(&mut self, chord: Chord) {
        self.mode = Mode::Normal;
        let chosen = keys::TAKES.into_iter().find(|(key, ..)| chord == Chord::plain(Key::Char(*key)));
        let export = match (chosen.map(|(_, take, _)| take), self.exporting) {
            (Some(Take::Cancel), Some(_)) => return self.commands.push(Command::Cancel),
            (Some(Take::Frame), None) => match self.frame {
                Some((index, _)) => Export::Frame(index),
                None => return self.say(Tone::Warn, "there is no frame here"),
            },
            (Some(Take::Excerpt), None) => match self.range_set() {
                Some((from_ns, until_ns)) => Export::Excerpt { from_ns, until_ns },
                None => return self.say(Tone::Warn, "set A with a and B with b first"),
            },
            _ => return,
        };
        self.exporting = Some((0, 0));
        self.commands.push(Command::Export(export));
    }

    fn point(&mut self, column: u16, row: u16, press: bool) {
        let Some(layout) = self.layout() else { return };
        if self.covered() {
            if press {
                self.mode = Mode::Normal;
            }
            return;
        }
        let bar = layout.bar();
        if press {
            self.searching = None;
            self.dragging = bar.contains((column, row).into());
        }
        if self.dragging {
            let part = column.clamp(bar.left(), bar.right().saturating_sub(1)) - bar.left();
            self.player.seek(self.zoom.instant(part, bar.width));
        } else if self.lens.is_some() && layout.picture.contains((column, row).into()) {
            self.drag_lens((column, row), press);
        } else if press && layout.picture.contains((column, row).into()) {
            self.act(Action::Toggle);
        } else if press
            && layout.side.contains((column, row).into())
            && let Some(t_ns) = view::row_at(self, &layout, row)
        {
            self.player.pause();
            self.player.seek(t_ns);
        }
    }

    /// The magnified part is dragged by what lies under the mouse.
    fn drag_lens(&mut self, to: (u16, u16), press: bool) {
        let before = self.held_at.replace(to).filter(|_| !press);
        let (Some(before), Some((picture, pane)), Some(part), Some(layout)) =
            (before, self.lens_sides(), self.part(), self.layout())
        else {
            return;
        };
        let one = |before: u16, to: u16, pane: u32, cells: u16, from: u32| {
            let moved = (i64::from(before) - i64::from(to)) * i64::from(pane) / i64::from(cells.max(1));
            from.saturating_add_signed((moved / i64::from(part.times)) as i32)
        };
        let left = one(before.0, to.0, pane.0, layout.picture.width, part.left);
        let top = one(before.1, to.1, pane.1, layout.picture.height, part.top);
        if let Some(lens) = &mut self.lens {
            lens.place((left, top), picture, pane);
        }
    }

    fn scroll(&mut self, column: u16, row: u16, up: bool) {
        let Some(layout) = self.layout() else { return };
        if let Mode::Help(first) = &mut self.mode {
            let to = if up { first.saturating_sub(1) } else { *first + 1 };
            *first = to.min(view::help_length(self.size));
            return;
        }
        let at = (column, row).into();
        let bar = layout.bar();
        if layout.lanes.contains(at) {
            let part = column.clamp(bar.left(), bar.right().saturating_sub(1)) - bar.left();
            let around = self.zoom.instant(part, bar.width);
            self.zoom.zoom(up, around, self.player.start(), self.player.end());
        } else if layout.side.contains(at) {
            self.jump(Goal::Listed, if up { Direction::Back } else { Direction::Forward });
        } else {
            self.player.skip(if up { -SECOND } else { SECOND });
        }
    }
}
