//! Finds what a target names among the monitors.

use super::connection::BACKEND;
use super::output::Output;
use crate::base::event::Surface;
use crate::capture::{CaptureError, Target};

/// What is recorded.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    /// The monitor, by its name, or by its number in the registry where it has none.
    name: String,
    global: u32,
    /// Upper left corner in its pictures, and the size, when it is a part.
    pub(super) part: Option<((u32, u32), (u32, u32))>,
    /// How it is called in the metadata.
    pub(super) called: String,
}

impl Subject {
    /// Returns the monitor, when it is there.
    pub(super) fn find<'a>(&self, outputs: &'a [Output]) -> Option<&'a Output> {
        outputs
            .iter()
            .find(|output| if self.name.is_empty() { output.global == self.global } else { output.name == self.name })
    }

    /// Returns where the surface is on the desktop, when its picture has this size.
    pub(super) fn surface(&self, output: &Output, picture: (u32, u32)) -> Surface {
        let whole = output.surface();
        match self.part {
            Some(((x, y), (width, height))) => {
                Surface { x: whole.x + x as i32, y: whole.y + y as i32, width, height, scale: whole.scale }
            }
            None => Surface { width: picture.0, height: picture.1, ..whole },
        }
    }
}

/// Finds what a target names. Monitors are numbered from 1, in the order of the compositor.
pub(super) fn find(outputs: &[Output], target: &Target) -> Result<Subject, CaptureError> {
    let missing = |wanted: String| CaptureError::NoTarget { wanted };
    let (output, part) = match target {
        Target::Primary => (outputs.first().ok_or_else(|| missing("a monitor".into()))?, None),
        Target::Monitor(wanted) => {
            let named = outputs.iter().find(|output| output.name == *wanted);
            let numbered = || outputs.get(wanted.parse::<usize>().ok()?.checked_sub(1)?);
            (named.or_else(numbered).ok_or_else(|| missing(format!("monitor {wanted}")))?, None)
        }
        Target::Region { x, y, width, height } => {
            let inside = |output: &&Output| {
                let surface = output.surface();
                let within = |at: i32, start: i32, length: u32| {
                    (0..i64::from(length)).contains(&(i64::from(at) - i64::from(start)))
                };
                within(*x, surface.x, surface.width) && within(*y, surface.y, surface.height)
            };
            let output = outputs
                .iter()
                .find(inside)
                .ok_or_else(|| missing(format!("a region at {x},{y} (no monitor is there)")))?;
            if !output.is_in_pixels() {
                return Err(unavailable(
                    "a region",
                    "its monitor is scaled or turned: record the monitor, and crop afterwards",
                ));
            }
            let surface = output.surface();
            let corner = ((x - surface.x) as u32, (y - surface.y) as u32);
            check_region(corner, (*width, *height), (surface.width, surface.height))?;
            (output, Some((corner, (*width, *height))))
        }
        Target::WindowId(_) | Target::WindowTitle(_) | Target::WindowApp(_) => {
            return Err(unavailable(
                "a window",
                "this protocol copies monitors only: record one with --monitor, or a part of it with --region",
            ));
        }
    };
    if output.is_turned {
        return Err(unavailable("a monitor that is turned", "its pictures would lie on their side"));
    }
    let called = if part.is_some() { "region".into() } else { format!("monitor {}", output.name) };
    Ok(Subject { name: output.name.clone(), global: output.global, part, called })
}

fn unavailable(what: &str, detail: &str) -> CaptureError {
    CaptureError::Unavailable { backend: BACKEND, what: what.into(), detail: detail.into() }
}

/// A region must be even and inside of its monitor.
fn check_region(corner: (u32, u32), size: (u32, u32), monitor: (u32, u32)) -> Result<(), CaptureError> {
    let room = (monitor.0.saturating_sub(corner.0), monitor.1.saturating_sub(corner.1));
    let nearest = ((size.0.min(room.0) & !1).max(2), (size.1.min(room.1) & !1).max(2));
    if nearest == size && room.0 >= 2 && room.1 >= 2 {
        return Ok(());
    }
    let why = format!("a region is even, and inside of its monitor of {}x{}", monitor.0, monitor.1);
    Err(CaptureError::BadSize { width: size.0, height: size.1, why, nearest: Some(nearest) })
}
