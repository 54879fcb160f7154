//! What can be recorded.

use super::connection::Desk;
use crate::base::event::Content;
use crate::capture::{CaptureError, TargetInfo};

/// Lists the monitors.
///
/// # Errors
/// As [`Desk::open`].
pub(super) fn list() -> Result<Vec<TargetInfo>, CaptureError> {
    let desk = Desk::open()?;
    let targets = desk.state.outputs.iter().zip(1..).map(|(output, number)| TargetInfo {
        kind: "monitor",
        id: if output.name.is_empty() { format!("{number}") } else { output.name.clone() },
        title: Content(output.model.clone()),
        app: String::new(),
        instance: String::new(),
        pid: None,
        surface: output.surface(),
        refresh_hz: output.refresh_hz(),
        // Wayland knows no primary monitor: the first is what is recorded when none is named.
        primary: number == 1,
    });
    Ok(targets.collect())
}
