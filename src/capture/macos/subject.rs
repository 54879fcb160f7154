//! What is recorded, and where that is now.

use super::ffi::desk::{self, Apps};
use super::ffi::stream::Of;
use super::places::{Desktop, Display};
use super::points::Points;
use crate::base::event::Area;
use crate::capture::{Absence, CaptureError};

/// What is recorded.
#[derive(Clone, Copy)]
pub(super) enum Subject {
    Display(u32),
    /// A part of the desktop, pixels.
    Region(Area),
    Window(u32),
}

/// Where the subject is: pixels, their number for a point, and what a stream is asked for.
pub(super) struct Found {
    pub(super) area: Area,
    pub(super) scale: f64,
    pub(super) of: Of,
    pub(super) part: Option<Points>,
}

/// What keeps the subject away, and whether it may come again.
pub(super) enum Away {
    For(Absence),
    Lost(Absence, CaptureError),
}

pub(super) fn gone(what: &'static str, detail: &str) -> CaptureError {
    CaptureError::Gone { what, detail: detail.into() }
}

/// A display that sleeps comes again, however long that is.
fn is_awake(display: &Display) -> Result<(), Away> {
    if display.asleep { Err(Away::For(Absence::MonitorGone)) } else { Ok(()) }
}

impl Subject {
    /// Looks where it is.
    pub(super) fn find(self, desktop: &Desktop, apps: &mut Apps) -> Result<Found, Away> {
        match self {
            Self::Display(id) => {
                let display = desktop.0.iter().find(|display| display.id == id);
                let lost = || Away::Lost(Absence::MonitorGone, gone("screen", "the monitor is not there any more"));
                let display = display.ok_or_else(lost)?;
                is_awake(display)?;
                Ok(Found { area: desktop.area(display), scale: display.scale, of: Of::Display(id), part: None })
            }
            Self::Region(area) => {
                let lost = |_| Away::Lost(Absence::RegionGone, gone("screen", "no display has the region any more"));
                let (display, part) = desktop.region(area).map_err(lost)?;
                is_awake(display)?;
                Ok(Found { area, scale: display.scale, of: Of::Display(display.id), part: Some(part) })
            }
            Self::Window(id) => {
                let lost = || Away::Lost(Absence::WindowGone, gone("window", "it was closed"));
                let facts = desk::window(id, apps).ok_or_else(lost)?;
                let (area, scale) = desktop.area_of(facts.points);
                if !facts.on_screen || area.width < 2 || area.height < 2 {
                    return Err(Away::For(Absence::WindowMinimised));
                }
                Ok(Found { area, scale, of: Of::Window(id), part: None })
            }
        }
    }
}
