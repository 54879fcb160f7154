//! The loop of the queue: the list, a recording, the next one, the list again.

use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::select;

use super::draw;
use super::library::Library;
use super::list::{List, Wish};
use super::scout::{Scout, cleaned};
use crate::app::{Leave, Place};
use crate::msg::Msg;
use crate::terminal::{IDLE_TICK, INPUT_QUEUE, Opening, Options, ReplayError, Seat, now};
use crate::theme::{Look, Theme};
use crate::timeline::{Tone, Verdict};

/// Shows the recordings of a library as a list to review, and plays those that are chosen, until the person leaves or the system asks to
/// end.
///
/// # Errors
/// There is no terminal, or it fails. A recording that cannot be opened is no error: the list says so.
pub fn review(library: Arc<dyn Library>, options: Options) -> Result<(), ReplayError> {
    let mut seat = Seat::take(&options)?;
    let names = library.names();
    let scout = Scout::start(&library, names.len())
        .map_err(|source| ReplayError::Terminal { doing: "starting the queue's threads", source })?;
    let theme = Theme::new(seat.colours, options.look);
    let mut list = List::new(&library.title(), &names, theme, seat.size()?);
    if let Some(remark) = seat.take_remark() {
        list.say(Tone::Plain, remark);
    }
    let mut queue = Queue { library, scout, list, look: options.look, hear: false };
    loop {
        let mut next = match queue.choose(&mut seat)? {
            Wish::Open(index) => Some((index, None, false)),
            Wish::Undo => {
                // The list stays: what it was is seen there.
                if let Some((index, (tone, text))) = queue.undo() {
                    queue.list.choose(index);
                    queue.list.say(tone, &text);
                }
                None
            }
            Wish::Suspend => None,
            Wish::Quit => return Ok(()),
        };
        while let Some((index, notice, play)) = next.take() {
            match queue.watch(&mut seat, index, notice, play)? {
                Next::Play(index, notice, play) => next = Some((index, notice, play)),
                Next::List => seat.clear()?,
                Next::Quit => return Ok(()),
            }
        }
    }
}

/// A word to the person, and how it is meant.
type Word = (Tone, String);

/// What comes after a recording.
enum Next {
    /// A recording, what is said first, and whether it is played at once.
    Play(usize, Option<Word>, bool),
    List,
    Quit,
}

struct Queue {
    library: Arc<dyn Library>,
    scout: Scout,
    list: List,
    look: Look,
    /// The sound was on in the last one.
    hear: bool,
}

impl Queue {
    /// Shows the list until something is to be done outside of it.
    fn choose(&mut self, seat: &mut Seat) -> Result<Wish, ReplayError> {
        Seat::name(&self.list.title)?;
        let (width, height) = seat.size()?;
        self.list.update(&Msg::Resize { width, height });
        let mut last = now();
        loop {
            self.scout.focus(self.list.chosen);
            for found in self.scout.found.try_iter() {
                self.list.learn(found);
            }
            seat.draw(|frame| draw::draw(&self.list, frame))?;
            let mut messages = Vec::with_capacity(4);
            let (input, scout) = (&seat.input, &self.scout);
            select! {
                recv(input.messages) -> message => messages.push(message.unwrap_or(Msg::Terminate)),
                recv(scout.found) -> found => {
                    if let Ok(found) = found {
                        self.list.learn(found);
                    }
                }
                default(IDLE_TICK) => {}
            }
            messages.extend(seat.input.messages.try_iter().take(INPUT_QUEUE));
            let passed: Duration = now().saturating_duration_since(last);
            last += passed;
            messages.push(Msg::Tick(u64::try_from(passed.as_nanos()).unwrap_or(u64::MAX)));
            if seat.ended() {
                messages.push(Msg::Terminate);
            }
            let mut suspend = false;
            for message in messages {
                match self.list.update(&message) {
                    Some(Wish::Suspend) => suspend = true,
                    Some(wish) => {
                        self.look = self.list.theme.look().unwrap_or(self.look);
                        return Ok(wish);
                    }
                    None => {}
                }
            }
            if let Some((width, height)) = seat.wait_aside(suspend)? {
                self.list.update(&Msg::Resize { width, height });
                last = now();
            }
        }
    }

    /// Plays a recording; answers with what comes after it.
    fn watch(&mut self, seat: &mut Seat, index: usize, notice: Option<Word>, play: bool) -> Result<Next, ReplayError> {
        self.list.choose(index);
        self.scout.focus(index);
        let recording = match self.library.open(index) {
            Ok(recording) => recording,
            Err(problem) => {
                self.list.say(Tone::Bad, &problem);
                return Ok(Next::List);
            }
        };
        let place = Place {
            index,
            count: self.list.lines.len(),
            undo: !self.list.given.is_empty(),
            goes_on: self.goes_on(index),
        };
        seat.clear()?;
        let left = seat.play(
            recording,
            &Opening { look: self.look, hear: self.hear, place: Some(place), notice, play, ..Opening::default() },
        )?;
        (self.look, self.hear) = (left.look, left.hear);
        self.list.theme.set_look(left.look);
        self.list.given.extend(left.given.into_iter().map(|remark| (index, remark)));
        self.scout.look_again(index);
        Ok(match left.leave {
            Leave::Quit => Next::Quit,
            Leave::List => Next::List,
            Leave::Next => Next::Play(index + 1, None, false),
            Leave::Part => Next::Play(index + 1, None, true),
            Leave::Previous => Next::Play(index.saturating_sub(1), None, false),
            Leave::Unjudged => self.next_unjudged(index),
            Leave::Undo => match self.undo() {
                Some((index, word)) => Next::Play(index, Some(word), false),
                None => Next::List,
            },
        })
    }

    /// Whether the next recording goes on where one ends.
    fn goes_on(&self, index: usize) -> bool {
        index + 1 < self.list.lines.len() && self.library.look(index).goes_on_in(&self.library.look(index + 1))
    }

    /// The next one that nobody has judged: read anew, so that it is true of what is on the disk now.
    fn next_unjudged(&mut self, index: usize) -> Next {
        let verdict = self.list.given.last().and_then(|(_, remark)| remark.verdict).map_or("", Verdict::word);
        let before = self.list.lines.get(index).map_or("", |line| &line.name);
        let word = format!("kept: {verdict} {before}");
        for next in index + 1..self.list.lines.len() {
            let entry = cleaned(self.library.look(next));
            let open = entry.is_open();
            self.list.lines[next].entry = Some(entry);
            if open {
                return Next::Play(next, Some((Tone::Good, word)), false);
            }
        }
        self.list.say(Tone::Good, &format!("{word}; all after it have a verdict"));
        Next::List
    }

    /// Takes back the last verdict; answers with the recording and with what became of it.
    fn undo(&mut self) -> Option<(usize, Word)> {
        let (index, remark) = self.list.given.pop()?;
        let name = self.list.lines.get(index).map_or(String::new(), |line| line.name.clone());
        let undone = self.library.open(index).and_then(|recording| match recording.review {
            Some(mut review) => review.undo(&remark),
            None => Err("there is no place for verdicts".into()),
        });
        self.scout.look_again(index);
        let word = remark.verdict.map_or("mark", Verdict::word);
        Some((
            index,
            match undone {
                Ok(()) => (Tone::Good, format!("taken back: {word} {name}")),
                Err(problem) => {
                    self.list.given.push((index, remark));
                    (Tone::Bad, format!("NOT taken back: {word} {name}: {problem}"))
                }
            },
        ))
    }
}
