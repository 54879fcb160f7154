//! What can be recorded.

use super::connection::Desk;
use crate::base::event::Content;
use crate::capture::{CaptureError, TargetInfo};

/// Lists the monitors, and the windows where they can be recorded; nobody tells where those are.
///
/// # Errors
/// As [`Desk::open`].
pub(super) fn list() -> Result<Vec<TargetInfo>, CaptureError> {
    let desk = Desk::open(true)?;
    let monitors = desk.state.outputs.iter().zip(1..).map(|(output, number)| TargetInfo {
        kind: "monitor",
        id: if output.name.is_empty() { format!("{number}") } else { output.name.clone() },
        title: Content(output.model.clone()),
        app: String::new(),
        instance: String::new(),
        pid: None,
        surface: Some(output.surface()),
        refresh_hz: output.refresh_hz(),
        // Wayland knows no primary monitor: the first is what is recorded when none is named.
        primary: number == 1,
    });
    let windows = desk.state.windows.known().map(|(_, facts)| TargetInfo {
        kind: "window",
        id: facts.identifier.clone(),
        title: Content(facts.title.clone()),
        app: facts.app.clone(),
        instance: String::new(),
        pid: None,
        surface: None,
        refresh_hz: None,
        primary: false,
    });
    Ok(monitors.chain(windows).collect())
}
