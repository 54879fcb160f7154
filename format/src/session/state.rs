//! The state of a recording at an instant, folded from the rows up to it: what is held, which window is active, whether it is paused,
//! which gaps and redacted spans last, where the pointer and the surface are.
//!
//! Invariant: memory is bounded, whatever the rows say; cloning costs a counter for each row that is kept.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::held::{Change, Held};
use crate::base::pad::MAX_PADS;
use crate::session::table::row::{OwnedRow, event_type};

/// How much may last at one time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bounds {
    /// Most gaps and redacted spans.
    pub spans: usize,
    /// Most bytes of them, with those that have ended since they were looked through.
    pub bytes: usize,
}

/// What the rows so far have left. Everything that lasts is kept as the row that began it.
#[derive(Clone)]
pub struct State {
    held: Held<Arc<OwnedRow>>,
    /// The last `focus` row.
    pub focus: Option<Arc<OwnedRow>>,
    /// The last `layout` row.
    pub layout: Option<Arc<OwnedRow>>,
    /// The last `window` row.
    pub surface: Option<Arc<OwnedRow>>,
    /// The `pause` row of the pause that lasts.
    pub pause: Option<Arc<OwnedRow>>,
    /// The last `gamepad_connect` row of each gamepad that is there.
    pub pads: BTreeMap<i32, Arc<OwnedRow>>,
    /// Where the pointer was last.
    pub pointer: Option<(f32, f32)>,
    spans: Vec<Arc<OwnedRow>>,
    span_bytes: usize,
    /// How many spans there are when those that have ended are dropped: twice as many as were left, so that all rows take linear time.
    drop_at: usize,
    bounds: Bounds,
    is_overfull: bool,
}

impl State {
    /// The state before the first row.
    pub fn new(bounds: Bounds) -> Self {
        Self {
            held: Held::default(),
            focus: None,
            layout: None,
            surface: None,
            pause: None,
            pads: BTreeMap::new(),
            pointer: None,
            spans: Vec::new(),
            span_bytes: 0,
            drop_at: 0,
            bounds,
            is_overfull: false,
        }
    }

    /// Takes the next row.
    pub fn apply(&mut self, row: &OwnedRow) {
        if let (Some(x), Some(y)) = (row.mouse_x, row.mouse_y) {
            self.pointer = Some((x, y));
        }
        match row.event_type.as_str() {
            event_type::KEY_DOWN
            | event_type::KEY_UP
            | event_type::MOUSE_CLICK
            | event_type::GAMEPAD_BUTTON
            | event_type::GAMEPAD_AXIS => {
                if let Change::Again(press) | Change::Continued(press) | Change::Moved(press) =
                    self.held.apply(&row.as_row(), || Arc::new(row.clone()))
                {
                    *press = Arc::new(row.clone());
                }
            }
            event_type::GAMEPAD_CONNECT => {
                if let Some(pad) = row.pad.filter(|pad| (0..i32::from(MAX_PADS)).contains(pad)) {
                    self.pads.insert(pad, Arc::new(row.clone()));
                }
            }
            event_type::GAMEPAD_DISCONNECT => {
                if let Some(pad) = row.pad {
                    self.pads.remove(&pad);
                    self.held.forget_pad(pad);
                }
            }
            event_type::FOCUS => self.focus = Some(Arc::new(row.clone())),
            event_type::LAYOUT => self.layout = Some(Arc::new(row.clone())),
            event_type::WINDOW => self.surface = Some(Arc::new(row.clone())),
            event_type::PAUSE if self.pause.is_none() => self.pause = Some(Arc::new(row.clone())),
            event_type::RESUME => self.pause = None,
            event_type::GAP | event_type::REDACT => self.add_span(row),
            _ => {}
        }
    }

    fn add_span(&mut self, row: &OwnedRow) {
        if self.spans.len() >= self.drop_at.max(16).min(self.bounds.spans) {
            self.forget_before(row.t_ns);
            self.drop_at = self.spans.len() * 2;
        }
        let bytes = self.span_bytes + row.bytes();
        if self.spans.len() < self.bounds.spans && bytes <= self.bounds.bytes {
            self.spans.push(Arc::new(row.clone()));
            self.span_bytes = bytes;
        } else {
            self.is_overfull = true;
        }
    }

    /// Forgets spans that ended before an instant.
    fn forget_before(&mut self, t_ns: i64) {
        self.spans.retain(|span| span.until_ns() >= t_ns);
        self.span_bytes = self.spans.iter().map(|span| span.bytes()).sum();
    }

    /// The presses of keys that are held, in their order.
    pub fn keys(&self) -> Vec<&OwnedRow> {
        self.presses(&[event_type::KEY_DOWN, event_type::KEY_UP])
    }

    /// The presses of buttons that are held, in their order.
    pub fn buttons(&self) -> Vec<&OwnedRow> {
        self.presses(&[event_type::MOUSE_CLICK])
    }

    /// The last rows of the controls of gamepads that are not at rest, in their order.
    pub fn pad_controls(&self) -> Vec<&OwnedRow> {
        self.presses(&[event_type::GAMEPAD_BUTTON, event_type::GAMEPAD_AXIS])
    }

    fn presses(&self, of: &[&str]) -> Vec<&OwnedRow> {
        let rows = self.held.told().map(Arc::as_ref);
        let mut rows: Vec<_> = rows.filter(|row| of.contains(&row.event_type.as_str())).collect();
        rows.sort_by_key(|row| (row.t_ns, row.seq));
        rows
    }

    /// Gaps and redacted spans that last at `t_ns` or longer, in the order of their rows.
    pub fn spans_at(&self, t_ns: i64) -> impl Iterator<Item = &OwnedRow> {
        self.spans.iter().map(Arc::as_ref).filter(move |span| span.until_ns() >= t_ns)
    }

    /// Whether more was held or lasted at once than is kept.
    pub fn is_overfull(&self) -> bool {
        self.is_overfull || self.held.is_overfull()
    }
}
