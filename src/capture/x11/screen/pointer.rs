//! The pointer of the recorded surface: its shape, and where it is in the picture.

use x11rb::errors::ReplyError;
use x11rb::protocol::xfixes;

use super::super::cursor::Sprite;
use super::super::failure;
use super::{Subject, Whereabouts, X11Screen};
use crate::capture::CaptureError;

impl X11Screen {
    /// Reads the pointer's shape anew.
    pub(super) fn read_shape(&mut self) -> Result<(), CaptureError> {
        let Some(pointer) = &mut self.pointer else { return Ok(()) };
        self.shape_stale = false;
        let image = xfixes::get_cursor_image(&self.conn).map_err(|error| failure::connection(&error))?.reply();
        match image {
            Ok(image) => {
                let (size, hot) = ((image.width, image.height), (image.xhot, image.yhot));
                pointer.set_sprite(Sprite::new(size, hot, image.cursor_image));
            }
            // No pointer has been shown on this server yet.
            Err(ReplyError::X11Error(_)) => pointer.set_sprite(None),
            Err(ReplyError::ConnectionError(error)) => return Err(failure::connection(&error)),
        }
        Ok(())
    }

    /// Where the pointer is in the source picture; `None` when it is not over what is recorded.
    pub(super) fn pointer_at(&self, at: &Whereabouts) -> Option<(i32, i32)> {
        let pointer = at.pointer?;
        let inside = (pointer.0 - self.area.x, pointer.1 - self.area.y);
        if let Subject::Window(track) = &self.subject {
            // Over another window that covers this one, the pointer is that window's business.
            let (width, height) = track.size;
            let within = (0..width as i32).contains(&inside.0) && (0..height as i32).contains(&inside.1);
            let is_its =
                at.over == track.top_level || self.popups.as_ref().is_some_and(|popups| popups.contains(at.over));
            if !within || !is_its {
                return None;
            }
        }
        Some(inside)
    }

    /// Lifts the pointer off the source picture.
    pub(super) fn lift(&mut self) {
        let canvas = self.detour.as_mut().map_or(&mut self.out, |detour| &mut detour.canvas);
        if let Some(pointer) = &mut self.pointer {
            pointer.lift(&mut canvas.view());
        }
    }
}
