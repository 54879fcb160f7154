//! How a frame is asked for: the seam between the protocols and [`screen`](super::screen), which is the same for both.
//!
//! wlr-screencopy describes each frame, and then is asked to copy it at once or when something has changed. ext-image-copy-capture describes
//! the frames of a session; the first of a session is copied at once, each other when something has changed since the one before. So to have one at once
//! is to begin another session. Invariants: of a monitor the new session begins before the old one ends, since a compositor may drop what nobody copies; of a window
//! the old one ends first, since sway hands out no first frame of a still window that another session copies; and at most one frame of a session exists.

use wayland_protocols::ext::image_copy_capture::v1::client::ext_image_copy_capture_frame_v1::ExtImageCopyCaptureFrameV1;
use wayland_protocols::ext::image_copy_capture::v1::client::ext_image_copy_capture_manager_v1::Options;
use wayland_protocols::ext::image_copy_capture::v1::client::ext_image_copy_capture_session_v1::ExtImageCopyCaptureSessionV1;
use wayland_protocols_wlr::screencopy::v1::client::zwlr_screencopy_frame_v1::ZwlrScreencopyFrameV1;
use wayland_protocols_wlr::screencopy::v1::client::zwlr_screencopy_manager_v1::ZwlrScreencopyManagerV1;

use super::buffer::Buffer;
use super::connection::Desk;
use super::find::Subject;
use super::managers::Ext;
use crate::capture::CaptureError;

/// A protocol, with what was asked for through it.
enum Way {
    Wlr { manager: ZwlrScreencopyManagerV1, frame: Option<ZwlrScreencopyFrameV1> },
    Ext { managers: Ext, session: Option<ExtImageCopyCaptureSessionV1>, frame: Option<ExtImageCopyCaptureFrameV1> },
}

/// Asks for frames of a subject.
pub(super) struct Copier {
    way: Way,
    cursor: bool,
    /// A frame is asked for, and was not given up.
    pub(super) is_asked: bool,
}

impl Copier {
    /// One for this subject; `None` where the compositor has no way to copy it.
    pub(super) fn new(desk: &Desk, subject: &Subject, cursor: bool) -> Option<Self> {
        let managers = &desk.managers;
        let ext = managers
            .ext
            .clone()
            .filter(|ext| if subject.is_window() { ext.windows.is_some() } else { ext.outputs.is_some() });
        let way = match ext {
            Some(managers) => Way::Ext { managers, session: None, frame: None },
            None if subject.is_window() => return None,
            None => Way::Wlr { manager: managers.wlr.clone()?, frame: None },
        };
        Some(Self { way, cursor, is_asked: false })
    }

    /// The name of the protocol.
    pub(super) fn name(&self) -> &'static str {
        match self.way {
            Way::Wlr { .. } => "wlr",
            Way::Ext { .. } => "ext",
        }
    }

    /// Asks for a frame, once something has changed or at once. How it is to lie is told then, or was told before.
    ///
    /// # Errors
    /// [`CaptureError::Gone`] when the subject, or the compositor, is.
    pub(super) fn ask(&mut self, desk: &mut Desk, subject: &Subject, when_changed: bool) -> Result<(), CaptureError> {
        self.give_up();
        let has_failed = desk.state.shot.has_failed;
        desk.state.shot = desk.state.shot.next();
        let gone = || CaptureError::Gone { what: subject.kind(), detail: "it went away".into() };
        let queue = desk.handle();
        match &mut self.way {
            Way::Wlr { manager, frame } => {
                let output = subject.output(&desk.state.outputs).ok_or_else(gone)?.proxy.clone();
                let number = desk.state.shot.number;
                *frame = Some(manager.capture_output(i32::from(self.cursor), &output, &queue, number));
            }
            Way::Ext { managers, session, .. } => {
                if session.is_none() || !when_changed || has_failed {
                    // sway draws a window that is copied already only when it changes, for a new session too.
                    if subject.is_window() {
                        session.take().iter().for_each(ExtImageCopyCaptureSessionV1::destroy);
                    }
                    let source = if subject.is_window() {
                        let window = subject.window(&desk.state.windows).and_then(|(window, _)| window.proxy.clone());
                        managers.windows.as_ref().zip(window).map(|(of, window)| of.create_source(&window, &queue, ()))
                    } else {
                        let output = subject.output(&desk.state.outputs).map(|output| output.proxy.clone());
                        managers.outputs.as_ref().zip(output).map(|(of, output)| of.create_source(&output, &queue, ()))
                    };
                    let source = source.ok_or_else(gone)?;
                    desk.state.offer = desk.state.offer.next();
                    let options = if self.cursor { Options::PaintCursors } else { Options::empty() };
                    let number = desk.state.offer.number;
                    let begun = managers.manager.create_session(&source, options, &queue, number);
                    source.destroy();
                    if let Some(ended) = session.replace(begun) {
                        ended.destroy();
                    }
                }
                desk.state.shot.described(desk.state.offer.holds.as_ref());
            }
        }
        self.is_asked = true;
        desk.flush()
    }

    /// Has the frame that was asked for, and described, copied.
    ///
    /// # Errors
    /// As [`Desk::flush`].
    pub(super) fn copy(&mut self, desk: &mut Desk, buffer: &Buffer, when_changed: bool) -> Result<(), CaptureError> {
        desk.state.shot.is_copying = true;
        match &mut self.way {
            Way::Wlr { frame: Some(frame), .. } if when_changed => frame.copy_with_damage(&buffer.proxy),
            Way::Wlr { frame: Some(frame), .. } => frame.copy(&buffer.proxy),
            Way::Ext { session: Some(session), frame, .. } => {
                let asked = session.create_frame(&desk.handle(), desk.state.shot.number);
                asked.attach_buffer(&buffer.proxy);
                // All of it, whatever was copied into it before: the compositor may not have kept account of that.
                let side = |length: u32| i32::try_from(length).unwrap_or(i32::MAX);
                let (width, height) = buffer.layout.size;
                asked.damage_buffer(0, 0, side(width), side(height));
                asked.capture();
                *frame = Some(asked);
            }
            Way::Wlr { frame: None, .. } | Way::Ext { session: None, .. } => {}
        }
        desk.flush()
    }

    /// Asks no more for what was asked for.
    pub(super) fn give_up(&mut self) {
        self.is_asked = false;
        match &mut self.way {
            Way::Wlr { frame, .. } => frame.take().iter().for_each(ZwlrScreencopyFrameV1::destroy),
            Way::Ext { frame, .. } => frame.take().iter().for_each(ExtImageCopyCaptureFrameV1::destroy),
        }
    }

    /// Ends the session, too: what it copied is gone.
    pub(super) fn end(&mut self) {
        self.give_up();
        if let Way::Ext { session, .. } = &mut self.way {
            session.take().iter().for_each(ExtImageCopyCaptureSessionV1::destroy);
        }
    }
}
