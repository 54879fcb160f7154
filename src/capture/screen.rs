//! The seam of pictures: [`ScreenSource`], and what it hands over.

use serde_json::Value;

use super::error::CaptureError;
use super::facet::FacetSet;
use super::look::{Behind, Look};
use super::outlets::Outlets;
use crate::base::event::{Area, Surface};
use crate::privacy::cover::Covered;

/// What a screen source says of itself once it is open; goes into the metadata.
#[derive(Clone, PartialEq, Debug)]
pub struct ScreenDescription {
    /// The backend and its way: `x11-shm`, `x11-shm-composite`, `xcap`, `synthetic`.
    pub backend: String,
    /// The area that is recorded, at the start.
    pub surface: Surface,
    /// Refresh rate of the monitor, where the system tells.
    pub refresh_hz: Option<f64>,
    /// The pointer is drawn into the pictures.
    pub cursor: bool,
    /// The source can tell that nothing changed (else every picture counts as changed).
    pub sees_changes: bool,
    /// The kind and name of what is recorded, and what was asked for (`monitor screen`, `window 0x…, app "xterm"`, `region`).
    pub target: String,
    /// Identifier of the recorded window when the target is a window.
    pub window_id: Option<String>,
    /// The source tells where windows are that must not be seen ([`ScreenSource::covered`]), or none can be in the picture.
    pub masks_windows: bool,
    /// What shows the pictures, with its kind, vendor and version, where it tells: goes into `env.display_server`.
    pub display_server: Option<String>,
    /// It tells windows by the name of their program, too.
    pub names_programs: bool,
    /// Which inputs it hands in beside its pictures ([`Outlets`]).
    pub hands_in: FacetSet,
    /// What else it tells of itself, for the metadata.
    pub settings: Vec<(String, Value)>,
}

/// Packed 32-bit pixels in memory order B, G, R, X.
pub struct BgraView<'a> {
    /// The bytes; row `y` begins at `y * stride`.
    pub data: &'a mut [u8],
    /// Bytes from one row to the next, at least `width * 4`.
    pub stride: usize,
    /// Pixels per row.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

/// A source of pictures. Used by one thread; opened in that thread, so it need not be `Send`.
pub trait ScreenSource {
    /// What it is; the same from start to end.
    fn describe(&self) -> ScreenDescription;

    /// Is told which ways were tried before it, and why they were not taken. Before the first look.
    fn passed_over(&mut self, _refused: &[String]) {}

    /// Looks for a picture. With `whole`, all of it is taken even when nothing seems to have changed; a source that is told of pictures
    /// has nothing else to hand out than the last one, and says so.
    ///
    /// # Errors
    /// [`CaptureError::Gone`] when the screen, the window or the server is no more; the recording then ends cleanly.
    fn look(&mut self, whole: bool) -> Result<Look, CaptureError>;

    /// Is called in a pause in the place of [`look`](Self::look): takes no picture, and only keeps up what must be listened to.
    ///
    /// # Errors
    /// As there.
    fn rest(&mut self) -> Result<(), CaptureError> {
        Ok(())
    }

    /// Hands out the picture of the last [`Look::New`], always of the size that the surface had at the start. It may be painted on (masks):
    /// what was painted stays until the next look with `whole`, or until those pixels change.
    ///
    /// # Errors
    /// [`CaptureError`] when the system takes the picture back before it was read.
    fn frame(&mut self) -> Result<BgraView<'_>, CaptureError>;

    /// What of the picture last taken must not be seen: every excluded window that was up when it was taken, and for a
    /// while after. Never less than that; not sorted.
    fn covered(&self) -> Vec<Covered> {
        Vec::new()
    }

    /// By how much repeats are behind, and what came later than that since this was asked last; `None` of a source that is asked for pictures,
    /// whose repeats are of the moment.
    fn behind(&mut self) -> Option<Behind> {
        None
    }

    /// Where the pointer was at the last look, desktop pixels; `None` where that is not known without an input.
    fn pointer(&self) -> Option<(i32, i32)> {
        None
    }

    /// The games ([`crate::privacy::games`]) that had a window so far, by their place in the list, a bit each.
    fn games(&self) -> u64 {
        0
    }

    /// Where a rectangle of the surface (pixels from its corner, at the size it has now) is in the picture.
    fn place(&self, area: Area) -> Area {
        area
    }
}

/// Opens a screen source in the thread that will use it.
pub type OpenScreen = Box<dyn FnOnce(Outlets) -> Result<Box<dyn ScreenSource>, CaptureError> + Send>;
