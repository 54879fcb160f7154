//! A synthetic screen that pushes, as those of systems do that tell of pictures instead of being asked: with its own stamps, late, out of
//! order, and silent while there is nothing to be seen.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::Duration;

use super::paint::{Painter, view};
use super::screen::describe;
use super::script::Script;
use crate::base::event::Source;
use crate::base::time::{Clock, MonoNs};
use crate::capture::{
    Absence, BgraView, CaptureError, Facet, FacetSet, Latest, Look, Outlets, ScreenDescription, ScreenSource,
};

/// The name of the backend, and of the positions that it hands in.
const NAME: &str = "synthetic-pushing";
/// Period of its pictures.
const PUSH_NS: i64 = 20_000_000;
/// How late it delivers, in turn: in time, overtaken by the next, twice at the same moment.
const LATE_NS: [i64; 6] = [0, 60_000_000, 10_000_000, 30_000_000, 10_000_000, 1_000_000];

/// How a pushing screen behaves.
#[derive(Clone, Copy, Default, Debug)]
pub struct Pushing {
    /// From when to when it has nothing to show, from its opening on.
    pub hidden: Option<(Duration, Duration)>,
    /// It hands in where the pointer is.
    pub hands_in: bool,
}

/// What its thread delivers.
enum Delivery {
    Picture(Vec<u8>),
    Hidden,
}

/// Opens it: from now on its thread delivers.
pub(super) fn open(
    script: Script,
    clock: Arc<dyn Clock>,
    how: Pushing,
    outlets: Outlets,
) -> Result<Box<dyn ScreenSource>, CaptureError> {
    let (size, begin) = (script.size, clock.now());
    let latest = Latest::default();
    let pusher = Pusher { script: script.clone(), clock, how, outlets, latest: latest.clone(), begin };
    std::thread::Builder::new()
        .name("synthetic-push".into())
        .spawn(move || pusher.run())
        .map_err(|error| CaptureError::System { what: "starting a thread", detail: error.to_string() })?;
    Ok(Box::new(PushingScreen { script, size, how, latest, begin, shown: Vec::new(), hidden: None }))
}

/// The side of the system.
struct Pusher {
    script: Script,
    clock: Arc<dyn Clock>,
    how: Pushing,
    outlets: Outlets,
    latest: Latest<Delivery>,
    begin: MonoNs,
}

impl Pusher {
    fn run(self) {
        let mut painter = Painter::new(self.script.clone());
        let mut spare = Vec::new();
        let (mut next, mut waiting) = (0, BinaryHeap::new());
        let mut pointed = self.begin;
        while !self.latest.is_closed() {
            // As many as can overtake the earliest that waits.
            while waiting.len() < LATE_NS.len() {
                waiting.push(Reverse((next * PUSH_NS + LATE_NS[(next % LATE_NS.len() as i64) as usize], next)));
                next += 1;
            }
            let Some(Reverse((arrival, number))) = waiting.pop() else { return };
            self.clock.sleep_until(MonoNs(self.begin.0 + arrival));
            let t = MonoNs(self.begin.0 + number * PUSH_NS);
            let step = self.script.step(t);
            let delivery = if self.is_hidden(t) {
                Delivery::Hidden
            } else {
                painter.paint(step);
                spare.clone_from(&painter.pixels);
                Delivery::Picture(std::mem::take(&mut spare))
            };
            if let Some(Delivery::Picture(unwanted)) = self.latest.put(t, delivery) {
                spare = unwanted;
            }
            if self.how.hands_in && t > pointed && self.script.begin.get().is_some() {
                pointed = t;
                self.outlets.pointer(t, Source::named(NAME), self.script.pointer(step));
            }
        }
    }

    fn is_hidden(&self, t: MonoNs) -> bool {
        self.how.hidden.is_some_and(|(from, until)| (from..until).contains(&t.since(self.begin)))
    }
}

/// The side of the recorder.
struct PushingScreen {
    script: Script,
    size: (u32, u32),
    how: Pushing,
    latest: Latest<Delivery>,
    begin: MonoNs,
    shown: Vec<u8>,
    /// Since when there has been nothing to show.
    hidden: Option<MonoNs>,
}

impl Drop for PushingScreen {
    fn drop(&mut self) {
        self.latest.close();
    }
}

impl ScreenSource for PushingScreen {
    fn describe(&self) -> ScreenDescription {
        let hands_in = if self.how.hands_in { FacetSet::of(&[Facet::Position]) } else { FacetSet::NONE };
        ScreenDescription { backend: NAME.into(), hands_in, ..describe(self.size) }
    }

    fn look(&mut self, _whole: bool) -> Result<Look, CaptureError> {
        let taken = self.latest.take();
        if let Some((t, Delivery::Picture(picture))) = taken {
            self.script.begin.get_or_init(|| t);
            (self.shown, self.hidden) = (picture, None);
            return Ok(Look::new(t, 0));
        }
        if let Some((t, Delivery::Hidden)) = taken {
            self.hidden.get_or_insert(t);
        }
        Ok(match self.hidden {
            Some(since) => Look::Hidden { since, why: Absence::WindowMinimised },
            None => Look::same(self.latest.told().unwrap_or(self.begin), 0),
        })
    }

    fn frame(&mut self) -> Result<BgraView<'_>, CaptureError> {
        if self.shown.is_empty() {
            return Err(CaptureError::System { what: "taking a picture", detail: "none was delivered yet".into() });
        }
        Ok(view(&mut self.shown, self.size))
    }
}
