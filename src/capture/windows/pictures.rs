//! Pictures that the system hands out by itself: a session of Windows.Graphics.Capture or of the duplication, kept open and made anew.
//!
//! Invariant: what came while the session was closed is in no picture of it, since the next one begins with a picture of its own.

use serde_json::{Value, json};

use super::choice::{Abilities, Extent, Way, advice, refusal};
use super::ffi::{self, Canvas, Compositor, Duplication, Fault, Got, Item};
use super::places::{self, Monitor};
use super::tones::Levels;
use crate::base::event::Area;
use crate::capture::CaptureError;
use crate::capture::backend::ScreenPlan;

/// What is recorded.
pub(super) enum Subject {
    Monitor(String),
    Region(Area),
    Window(u64),
}

pub(super) fn unavailable(way: Way, detail: String) -> CaptureError {
    CaptureError::Unavailable { backend: way.name(), what: "screen".into(), detail }
}

/// What a session takes, of a subject at `area`; `None` for a region that no monitor has all of.
pub(super) fn item(subject: &Subject, area: Area, monitors: &[Monitor]) -> Option<Item> {
    match subject {
        Subject::Monitor(name) => Some(Item::Monitor(name.clone())),
        Subject::Region(_) => places::host(monitors, area).map(|monitor| Item::Monitor(monitor.name.clone())),
        Subject::Window(id) => Some(Item::Window(*id)),
    }
}

/// Opens a session of this way, where nothing speaks against it; `None` for the way that has none.
pub(super) fn session(
    way: Way,
    plan: &ScreenPlan,
    subject: &Subject,
    area: Area,
    monitors: &[Monitor],
) -> Result<Option<Pictures>, CaptureError> {
    if way == Way::Gdi {
        return Ok(None);
    }
    let item = item(subject, area, monitors);
    let extent = match (subject, &item) {
        (Subject::Monitor(_), _) => Extent::Monitor,
        (Subject::Region(_), Some(_)) => Extent::Part,
        (Subject::Region(_), None) => Extent::Across,
        (Subject::Window(_), _) => Extent::Window,
    };
    let has = if way == Way::Wgc { ffi::abilities() } else { Abilities::default() };
    if let Some(why) = refusal(way, extent, plan.cursor, has) {
        return Err(unavailable(way, why.into()));
    }
    let Some(item) = item else { return Ok(None) };
    let opened = Pictures::open(way, &item, plan.cursor);
    opened.map(Some).map_err(|fault| unavailable(way, format!("{}{}", fault.said, advice(fault.code))))
}

enum Taker {
    Wgc(Compositor),
    Dxgi(Duplication),
}

/// A session, and how it is opened.
pub(super) struct Pictures {
    way: Way,
    cursor: bool,
    taker: Option<Taker>,
}

impl Pictures {
    /// Opens one; `cursor`: with the pointer, where the system draws it.
    pub(super) fn open(way: Way, item: &Item, cursor: bool) -> Result<Self, Fault> {
        let mut pictures = Self { way, cursor, taker: None };
        pictures.reopen(item)?;
        Ok(pictures)
    }

    /// Begins anew.
    pub(super) fn reopen(&mut self, item: &Item) -> Result<(), Fault> {
        // The duplication of a monitor is there once in a process.
        self.taker = None;
        self.taker = Some(match (self.way, item) {
            (Way::Dxgi, Item::Monitor(name)) => Taker::Dxgi(Duplication::open(name)?),
            _ => Taker::Wgc(Compositor::open(item, self.cursor)?),
        });
        Ok(())
    }

    /// Takes nothing any more.
    pub(super) fn close(&mut self) {
        self.taker = None;
    }

    pub(super) fn is_open(&self) -> bool {
        self.taker.is_some()
    }

    /// Whether the system draws the pointer into its pictures, when that is asked for.
    pub(super) fn draws_pointer(&self) -> bool {
        self.way == Way::Wgc
    }

    /// Takes what came of `area`, which lies in what is at `within`. Behind a fault it is closed.
    pub(super) fn take(&mut self, area: Area, within: Area, into: &mut Canvas) -> Result<Got, Fault> {
        let taken = match &mut self.taker {
            None => return Ok(Got::Nothing),
            Some(Taker::Wgc(compositor)) => compositor.take(area, within, into.pixels_mut()),
            Some(Taker::Dxgi(duplication)) => duplication.take(area, within, into.pixels_mut()),
        };
        if taken.is_err() {
            self.taker = None;
        }
        taken
    }

    /// What is told of it in the metadata.
    pub(super) fn settings(&self) -> Vec<(String, Value)> {
        let hdr = |levels: Option<Levels>| {
            levels.map(|levels| json!({ "white_nits": levels.white_nits, "peak_nits": levels.peak_nits }))
        };
        let (border, card, levels, turned) = match &self.taker {
            None => (None, "", None, 0),
            Some(Taker::Wgc(taker)) => (
                Some(if taker.is_border_asked_off() { "asked_off" } else { "system" }),
                taker.card(),
                taker.levels(),
                0,
            ),
            Some(Taker::Dxgi(taker)) => (Some("none"), taker.card(), taker.levels(), taker.turn().degrees()),
        };
        let said = [
            ("border", json!(border)),
            ("adapter", json!(Some(card).filter(|card| !card.is_empty()))),
            ("hdr", json!(hdr(levels))),
            ("turned_by", json!(turned)),
        ];
        said.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }
}

/// What is told of every way.
pub(super) fn settings(pictures: Option<&Pictures>, cursor: bool) -> Vec<(String, Value)> {
    let is_stamped = pictures.is_some();
    let draws = pictures.is_some_and(Pictures::draws_pointer);
    let by = if draws { "system" } else { "recorder" };
    let mut said = vec![
        ("frame_time".to_owned(), json!(if is_stamped { "compositor" } else { "arrival" })),
        ("cursor_by".to_owned(), json!(cursor.then_some(by))),
        ("remote_session".to_owned(), json!(ffi::is_remote())),
    ];
    said.extend(pictures.map(Pictures::settings).unwrap_or_default());
    said
}
