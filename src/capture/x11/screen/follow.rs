//! Follows the recorded surface to where it is and to the size that it has, between two pictures.

use super::super::popups::Popups;
use super::super::server;
use super::super::shm::Canvas;
use super::super::targets::{self, Monitor};
use super::{Detour, Subject, Whereabouts, X11Screen};
use crate::capture::CaptureError;
use crate::capture::letterbox::Letterbox;

impl X11Screen {
    /// Follows the surface to where it is now and to the size that it has now.
    pub(super) fn follow(&mut self, at: &Whereabouts) -> Result<(), CaptureError> {
        if self.parent_stale
            && let Subject::Window(track) = &mut self.subject
        {
            self.parent_stale = false;
            track.find_top_level(&self.conn, self.root)?;
            if let Some(popups) = &mut self.popups {
                popups.moved_into(track.top_level);
            }
        }
        let mut area = self.area;
        if let Some((x, y)) = at.origin {
            (area.x, area.y) = (x, y);
        }
        // The part of the area that there are pixels of.
        let mut visible = self.source().size();
        if self.size_stale || self.remapped {
            let remapped = std::mem::take(&mut self.remapped);
            self.size_stale = false;
            let scale = server::scale(&self.conn)?;
            match &mut self.subject {
                Subject::Window(track) => {
                    if remapped {
                        track.mapped_again(&self.conn)?;
                    } else if track.pixmap.is_some() {
                        track.name(&self.conn)?;
                    }
                    if track.pixmap.is_some() {
                        (area.width, area.height) = track.size;
                        visible = track.size;
                        self.all_dirty = true;
                    }
                }
                Subject::Monitor { name, stands_in } => {
                    let monitors = targets::monitors(&self.conn, self.root)?;
                    let is_it = |monitor: &Monitor| monitor.name == *name && monitor.stands_in == *stands_in;
                    let Some(monitor) = monitors.into_iter().find(is_it) else {
                        return Err(CaptureError::Gone {
                            what: "screen",
                            detail: format!("monitor {name} was disconnected or switched off"),
                        });
                    };
                    area = monitor.surface;
                    visible = (area.width, area.height);
                }
                Subject::Region => {
                    let desktop = targets::desktop(&self.conn, self.root)?;
                    let inside = |start: i32, length: u32, limit: u32| {
                        (i64::from(limit) - i64::from(start)).clamp(0, i64::from(length)) as u32
                    };
                    visible = (inside(area.x, area.width, desktop.width), inside(area.y, area.height, desktop.height));
                    if visible.0 == 0 || visible.1 == 0 {
                        return Err(CaptureError::Gone {
                            what: "screen",
                            detail: "the region is not on the desktop any more".into(),
                        });
                    }
                }
            }
            area.scale = scale;
        }
        let window = matches!(self.subject, Subject::Window(_));
        // A window's picture moves with it, but not its popups; on the desktop another place is another picture.
        let moves_along = window && self.popups.as_ref().is_none_or(Popups::is_empty);
        self.all_dirty |= !moves_along && (area.x, area.y) != (self.area.x, self.area.y);
        if visible != self.source().size() {
            self.resize(visible)?;
        }
        self.area = area;
        Ok(())
    }

    /// Makes the source picture one of this size.
    pub(super) fn resize(&mut self, size: (u32, u32)) -> Result<(), CaptureError> {
        if let Some(old) = self.detour.take() {
            old.canvas.detach(&self.conn)?;
        }
        let start = self.out.size();
        if size != start {
            let canvas = Canvas::new(&self.conn, self.out.pixels(), size.0, size.1)?;
            let letterbox = match self.subject {
                Subject::Region => Letterbox::in_corner(size),
                Subject::Monitor { .. } | Subject::Window(_) => Letterbox::fitted(size, start),
            };
            self.detour = Some(Detour { canvas, letterbox });
        }
        if let Some(pointer) = &mut self.pointer {
            pointer.forget();
        }
        self.dirty = None;
        self.all_dirty = true;
        Ok(())
    }
}
