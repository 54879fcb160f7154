//! An X client whose window says which frame it shows, and when: ground truth for what a recorder sees.
//!
//! ```text
//! barcode_client [--display :50] [--x 0] [--y 0] [--width 640] [--height 360] [--rate 60] [--seconds 0]
//!                [--override true] [--title TEXT] [--log paints.jsonl]
//! ```
//! Without `--override true` the window is a normal one, placed by the window manager if there is one; `--seconds 0`
//! paints until SIGTERM. The first line of the log is the window: `{"kind":"window","id":…}`.
//!
//! The picture, in window pixels; the window is at least 640 x 120:
//!
//! ```text
//! cells    40 cells of 16 x 16 from (0, 0), white = 1: 32 bits of the frame number, most significant first, then
//!          8 bits of CRC-8 (polynomial 0x07, start 0) over the number's four bytes, big endian
//! patch    64 x 64 at (0, 32): the colour (200, 40, 0), always, to check the colour matrix
//! keys     64 x 64 at (80, 32): (0, 0, 255) or (255, 255, 0); changes at each key press that the window receives
//! motion   from (0, 104) down: vertical bars of 32 pixels that wander 5 pixels to the right with each frame
//! ```
//! A frame is drawn into a pixmap, then copied by one request, so that no grab sees half of one. Each paint is logged
//! as `{"kind":"paint","frame":n,"key":k,"before":ns,"after":ns}`: before the copy was sent, and after the server has
//! answered a question sent behind it. A key press that arrives is painted at once (the same frame number, other
//! colour) and logged as `{"kind":"key","code":38,"key":k,"read":ns,"before":ns,"after":ns}`. Times are
//! `CLOCK_MONOTONIC`.

#[path = "args.rs"]
mod args;

use args::{Args, Failure, Lines, Stop, now};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde_json::json;
use x11rb::connection::Connection;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    AtomEnum, ChangeGCAux, ConnectionExt as _, CreateGCAux, CreateWindowAux, EventMask, Gcontext, Pixmap, PropMode,
    Rectangle, Window, WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

const CELL: u16 = 16;
const CELLS: u32 = 40;
const PATCH: u16 = 64;
const PATCH_Y: i16 = 32;
const KEY_X: i16 = 80;
const MOTION_Y: i16 = 104;
const BAR: i16 = 32;
const SPEED: u32 = 5;
const SMALLEST: (u16, u16) = (CELL * CELLS as u16, 120);

/// CRC-8, polynomial x^8 + x^2 + x + 1.
fn crc8(bytes: [u8; 4]) -> u8 {
    bytes.into_iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ byte, |crc: u8, _| if crc & 0x80 == 0 { crc << 1 } else { crc << 1 ^ 0x07 })
    })
}

struct Client {
    conn: RustConnection,
    window: Window,
    pixmap: Pixmap,
    gc: Gcontext,
    size: (u16, u16),
}

impl Client {
    fn open(args: &Args) -> Result<Self, Failure> {
        let (conn, screen) = x11rb::connect(args.get("display"))?;
        let screen = conn.setup().roots[screen].clone();
        if screen.root_depth != 24 {
            return Err(format!("the screen has depth {}, 24 is needed", screen.root_depth).into());
        }
        let size = (args.number("width", 640)?, args.number("height", 360)?);
        if size.0 < SMALLEST.0 || size.1 < SMALLEST.1 {
            return Err(format!("the window must be at least {}x{}", SMALLEST.0, SMALLEST.1).into());
        }
        let (window, pixmap, gc) = (conn.generate_id()?, conn.generate_id()?, conn.generate_id()?);
        let unmanaged = args.number("override", false)?;
        let aux = CreateWindowAux::new()
            .override_redirect(u32::from(unmanaged))
            .event_mask(EventMask::KEY_PRESS | EventMask::EXPOSURE | EventMask::STRUCTURE_NOTIFY);
        let (x, y) = (args.number("x", 0)?, args.number("y", 0)?);
        let (class, root) = (WindowClass::INPUT_OUTPUT, screen.root);
        conn.create_window(24, window, root, x, y, size.0, size.1, 0, class, screen.root_visual, &aux)?.check()?;
        let title = args.get("title").unwrap_or("barcode");
        conn.change_property8(PropMode::REPLACE, window, AtomEnum::WM_NAME, AtomEnum::STRING, title.as_bytes())?;
        let names = b"barcode_client\0BarcodeClient\0";
        conn.change_property8(PropMode::REPLACE, window, AtomEnum::WM_CLASS, AtomEnum::STRING, names)?;
        // USPosition | USSize: a window manager keeps the place that was asked for.
        let hints = [3, i32::from(x) as u32, i32::from(y) as u32, u32::from(size.0), u32::from(size.1)];
        let hints: Vec<u32> = hints.into_iter().chain([0; 13]).collect();
        conn.change_property32(PropMode::REPLACE, window, AtomEnum::WM_NORMAL_HINTS, AtomEnum::WM_SIZE_HINTS, &hints)?;
        conn.create_pixmap(24, pixmap, window, size.0, size.1)?.check()?;
        conn.create_gc(gc, window, &CreateGCAux::new().graphics_exposures(0))?.check()?;
        conn.map_window(window)?;
        let client = Self { conn, window, pixmap, gc, size };
        // Painted from the first moment on: the first Expose says that the window is on the screen.
        client.conn.flush()?;
        while !matches!(client.conn.wait_for_event()?, Event::Expose(_)) {}
        Ok(client)
    }

    fn fill(&self, colour: u32, boxes: &[Rectangle]) -> Result<(), Failure> {
        self.conn.change_gc(self.gc, &ChangeGCAux::new().foreground(colour))?;
        self.conn.poly_fill_rectangle(self.pixmap, self.gc, boxes)?;
        Ok(())
    }

    /// Draws a frame into the pixmap and shows it; the times before and after showing it.
    fn paint(&self, frame: u32, key: bool) -> Result<(i64, i64), Failure> {
        let (width, height) = self.size;
        self.fill(0, &[Rectangle { x: 0, y: 0, width, height }])?;
        let bits = u64::from(frame) << 8 | u64::from(crc8(frame.to_be_bytes()));
        let cells: Vec<Rectangle> = (0..CELLS)
            .filter(|cell| bits >> (CELLS - 1 - cell) & 1 == 1)
            .map(|cell| Rectangle { x: (cell as u16 * CELL) as i16, y: 0, width: CELL, height: CELL })
            .collect();
        self.fill(0x00ff_ffff, &cells)?;
        let square = |x| [Rectangle { x, y: PATCH_Y, width: PATCH, height: PATCH }];
        self.fill(200 << 16 | 40 << 8, &square(0))?;
        self.fill(if key { 0x00ff_ff00 } else { 0x0000_00ff }, &square(KEY_X))?;
        let colours = [0x00c0_3030, 0x0030_c030, 0x0030_30c0, 0x0080_8080];
        let shift = (frame.wrapping_mul(SPEED) % (BAR as u32 * colours.len() as u32)) as i16;
        for (n, colour) in colours.into_iter().enumerate() {
            let period = BAR * colours.len() as i16;
            let bars: Vec<Rectangle> = (-1..=width as i16 / period)
                .map(|i| Rectangle {
                    x: i * period + n as i16 * BAR + shift,
                    y: MOTION_Y,
                    width: BAR as u16,
                    height: height - MOTION_Y as u16,
                })
                .collect();
            self.fill(colour, &bars)?;
        }
        // The drawing has been done before the clock is read: only the copy lies between the two times.
        self.sync()?;
        let before = now();
        self.conn.copy_area(self.pixmap, self.window, self.gc, 0, 0, 0, 0, width, height)?;
        self.sync()?;
        Ok((before, now()))
    }

    /// Waits until the server has done what was asked so far.
    fn sync(&self) -> Result<(), Failure> {
        self.conn.get_input_focus()?.reply()?;
        Ok(())
    }

    /// The next event, waited for until `until`; `None` when none came.
    fn event(&self, until: i64) -> Result<Option<Event>, Failure> {
        if let Some(event) = self.conn.poll_for_event()? {
            return Ok(Some(event));
        }
        let rest = until - now();
        if rest <= 0 {
            return Ok(None);
        }
        let limit = Timespec { tv_sec: rest / 1_000_000_000, tv_nsec: rest % 1_000_000_000 };
        match poll(&mut [PollFd::new(self.conn.stream(), PollFlags::IN)], Some(&limit)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(self.conn.poll_for_event()?),
            Err(error) => Err(error.into()),
        }
    }
}

fn main() -> Result<(), Failure> {
    let args = Args::new();
    let rate: f64 = args.number("rate", 60.0)?;
    if !(0.1..=1000.0).contains(&rate) {
        return Err("--rate takes 0.1 to 1000".into());
    }
    let seconds: f64 = args.number("seconds", 0.0)?;
    let stop = Stop::new()?;
    let mut log = Lines::create(args.get("log"))?;
    let client = Client::open(&args)?;
    log.write(&json!({"kind":"window","id":client.window,"at":now()}))?;
    log.flush()?;
    let start = now();
    let period = (1e9 / rate) as i64;
    let (mut frame, mut key, mut due) = (0_u32, false, start);
    while !stop.is_set() && (seconds == 0.0 || now() - start < (seconds * 1e9) as i64) {
        if now() >= due {
            let (before, after) = client.paint(frame, key)?;
            log.write(&json!({"kind":"paint","frame":frame,"key":u8::from(key),"before":before,"after":after}))?;
            frame = frame.wrapping_add(1);
            due = (due + period).max(now());
        }
        // Signals interrupt this wait; at 20 Hz the flag is seen without one too.
        match client.event(due.min(now() + 50_000_000))? {
            Some(Event::KeyPress(press)) => {
                let read = now();
                key = !key;
                let (before, after) = client.paint(frame.wrapping_sub(1), key)?;
                let line = json!({"kind":"key","code":press.detail,"key":u8::from(key),"read":read,"before":before,"after":after});
                log.write(&line)?;
            }
            Some(Event::Expose(_)) => {
                let (before, after) = client.paint(frame.wrapping_sub(1), key)?;
                let line = json!({"kind":"paint","frame":frame.wrapping_sub(1),"key":u8::from(key),"before":before,"after":after});
                log.write(&line)?;
            }
            Some(Event::DestroyNotify(_)) => break,
            _ => {}
        }
    }
    log.flush()
}
