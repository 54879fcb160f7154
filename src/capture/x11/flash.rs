//! The window of `sync-test` on X11: XTEST injects the key, and every step is stamped around the server's answer.

use std::sync::Arc;
use std::time::Duration;

use x11rb::COPY_DEPTH_FROM_PARENT;
use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{AtomEnum, ConfigureWindowAux, PropMode};
use x11rb::protocol::xproto::{
    ChangeGCAux, ConnectionExt as _, CreateGCAux, CreateWindowAux, EventMask, Gcontext, InputFocus, KEY_PRESS_EVENT,
    KEY_RELEASE_EVENT, Rectangle, StackMode, Window, WindowClass,
};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

use super::{connect, failure, kind};
use crate::base::time::{Clock, MonoNs};
use crate::capture::CaptureError;
use crate::capture::flash::{Flash, FlashWindow};

/// Where the window is, and its size, pixels.
const AREA: (i16, i16, u16, u16) = (64, 64, 256, 256);
/// F13 of an evdev keyboard: no program does anything on it.
const KEYCODE: u8 = 191;
/// Its USB HID usage.
const USAGE: u16 = 0x68;
/// How long something that was asked of the display is waited for.
const PATIENCE: Duration = Duration::from_secs(2);
/// Between two looks whether it came.
const LOOK_EVERY: Duration = Duration::from_micros(200);

/// The window.
pub(crate) struct X11Flash {
    conn: RustConnection,
    window: Window,
    paint: Gcontext,
    colours: [u32; 2],
    is_white: bool,
    clock: Arc<dyn Clock>,
}

/// Opens the window, gives it the keyboard, and waits until it is shown.
///
/// # Errors
/// When there is no display, or one that shows no window.
pub(crate) fn open(clock: Arc<dyn Clock>) -> Result<Box<dyn FlashWindow + Send>, CaptureError> {
    kind::refuse_xwayland(None)?;
    let (conn, screen) = connect(None)?;
    let lost = |error| failure::connection(&error);
    let (root, colours) = {
        let screen = &conn.setup().roots[screen];
        (screen.root, [screen.black_pixel, screen.white_pixel])
    };
    let version = conn.xtest_get_version(2, 2).map_err(lost)?.reply();
    version.map_err(failure::failed("asking for XTEST"))?;
    let failed = failure::failed("opening a window");
    let window = conn.generate_id().map_err(&failed)?;
    // No window manager moves it, and it is above the others.
    let with = CreateWindowAux::new()
        .override_redirect(1)
        .background_pixel(colours[0])
        .event_mask(EventMask::EXPOSURE | EventMask::KEY_PRESS);
    let (x, y, width, height) = AREA;
    conn.create_window(
        COPY_DEPTH_FROM_PARENT,
        window,
        root,
        x,
        y,
        width,
        height,
        0,
        WindowClass::INPUT_OUTPUT,
        0,
        &with,
    )
    .map_err(lost)?;
    conn.change_property8(PropMode::REPLACE, window, AtomEnum::WM_NAME, AtomEnum::STRING, b"watchcap sync-test")
        .map_err(lost)?;
    let paint = conn.generate_id().map_err(&failed)?;
    conn.create_gc(paint, window, &CreateGCAux::new().foreground(colours[0])).map_err(lost)?;
    conn.map_window(window).map_err(lost)?;
    let mut flash = X11Flash { conn, window, paint, colours, is_white: false, clock };
    flash.wait_for(|event| matches!(event, Event::Expose(_)))?;
    flash.take_the_keyboard()?;
    Ok(Box::new(flash))
}

impl X11Flash {
    /// Waits for an event.
    fn wait_for(&mut self, is_it: impl Fn(&Event) -> bool) -> Result<(), CaptureError> {
        let until = self.clock.now().plus(PATIENCE);
        self.conn.flush().map_err(|error| failure::connection(&error))?;
        loop {
            while let Some(event) = self.conn.poll_for_event().map_err(|error| failure::connection(&error))? {
                if is_it(&event) {
                    return Ok(());
                }
            }
            let now = self.clock.now();
            if now > until {
                let detail = "it does not answer within two seconds".into();
                return Err(CaptureError::System { what: "waiting for the test's window", detail });
            }
            self.clock.sleep_until(now.plus(LOOK_EVERY));
        }
    }

    fn take_the_keyboard(&mut self) -> Result<(), CaptureError> {
        let lost = |error| failure::connection(&error);
        let above = ConfigureWindowAux::new().stack_mode(StackMode::ABOVE);
        self.conn.configure_window(self.window, &above).map_err(lost)?;
        self.conn.set_input_focus(InputFocus::POINTER_ROOT, self.window, x11rb::CURRENT_TIME).map_err(lost)?;
        self.conn.flush().map_err(lost)
    }

    fn has_the_keyboard(&self) -> Result<bool, CaptureError> {
        let focus = self.conn.get_input_focus().map_err(|error| failure::connection(&error))?.reply();
        Ok(focus.map_err(failure::failed("asking for the focus"))?.focus == self.window)
    }

    /// Sends what `send` asks for; the times before that, and when the server has answered a question behind it.
    fn around(
        &self,
        send: impl FnOnce(&RustConnection) -> Result<(), x11rb::errors::ConnectionError>,
    ) -> Result<(MonoNs, MonoNs), CaptureError> {
        let before = self.clock.now();
        send(&self.conn).map_err(|error| failure::connection(&error))?;
        let answer = self.conn.get_input_focus().map_err(|error| failure::connection(&error))?.reply();
        answer.map_err(failure::failed("asking for the focus"))?;
        Ok((before, self.clock.now()))
    }

    fn key_goes(&self, kind: u8) -> Result<(MonoNs, MonoNs), CaptureError> {
        self.around(|conn| {
            conn.xtest_fake_input(kind, KEYCODE, x11rb::CURRENT_TIME, x11rb::NONE, 0, 0, 0)?.ignore_error();
            Ok(())
        })
    }
}

impl FlashWindow for X11Flash {
    fn area(&self) -> (i32, i32, u32, u32) {
        let (x, y, width, height) = AREA;
        (x.into(), y.into(), width.into(), height.into())
    }

    fn key(&self) -> u16 {
        USAGE
    }

    fn flash(&mut self) -> Result<Option<Flash>, CaptureError> {
        if !self.has_the_keyboard()? {
            self.take_the_keyboard()?;
            return Ok(None);
        }
        let injected = self.key_goes(KEY_PRESS_EVENT)?;
        let came = self.wait_for(|event| matches!(event, Event::KeyPress(event) if event.detail == KEYCODE));
        // Whatever happened: nothing stays down.
        if let Err(error) = came {
            self.key_goes(KEY_RELEASE_EVENT)?;
            return Err(error);
        }
        self.is_white = !self.is_white;
        let colour = self.colours[usize::from(self.is_white)];
        let (.., width, height) = AREA;
        let painted = self.around(|conn| {
            conn.change_gc(self.paint, &ChangeGCAux::new().foreground(colour))?;
            conn.poly_fill_rectangle(self.window, self.paint, &[Rectangle { x: 0, y: 0, width, height }])?;
            Ok(())
        })?;
        self.key_goes(KEY_RELEASE_EVENT)?;
        Ok(Some(Flash { injected, painted, is_white: self.is_white }))
    }
}
