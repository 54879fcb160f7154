//! A Wayland client whose window says which frame it shows, and when that was committed: ground truth for what a recorder sees.
//!
//! ```text
//! wayland_client [--rate 60] [--seconds 0] [--log paints.jsonl] [--app-id barcode_client] [--title barcode] [--count presses] [--colour ff00ff] [--titles one,two]
//! ```
//! With a name of its own it is placed by the compositor, else it is fullscreen. The window covers the screen, which is 640 pixels wide at least. The picture: 40 cells of 16 x 16 from (0, 0), white = 1: 32 bits of the
//! frame number, most significant first, then 8 bits of CRC-8 (polynomial 0x07, start 0). Below, a bar that wanders. Each frame is logged as
//! `{"kind":"paint","frame":n,"before":ns}`: `CLOCK_MONOTONIC` before it was committed. When the compositor had it on the screen, by its own word
//! (wp_presentation), stands in a second file, `LOG.shown`, as `{"kind":"shown","frame":n,"t":ns}`; `drawn` is when the client heard that it was drawn. With `--count presses` the number is that of the presses of
//! buttons so far, and a frame is painted for each. With `--colour` there is nothing but that in it; with `--titles` it takes another title with each tenth frame.

#[path = "args.rs"]
mod args;

use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt as _;

use args::{Args, Failure, Lines, Stop, now};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::MemfdFlags;
use serde_json::json;
use wayland_client::globals::{GlobalListContents, registry_queue_init};
use wayland_client::protocol::{
    wl_buffer::{self, WlBuffer},
    wl_callback::{self, WlCallback},
    wl_compositor::WlCompositor,
    wl_pointer::{self, WlPointer},
    wl_registry::{self, WlRegistry},
    wl_seat::{self, WlSeat},
    wl_shm::{Format, WlShm},
    wl_shm_pool::WlShmPool,
    wl_surface::WlSurface,
};
use wayland_client::{Connection, Dispatch, QueueHandle, WEnum, delegate_noop};
use wayland_protocols::wp::presentation_time::client::{
    wp_presentation::WpPresentation,
    wp_presentation_feedback::{self, WpPresentationFeedback},
};
use wayland_protocols::xdg::shell::client::{
    xdg_surface::{self, XdgSurface},
    xdg_toplevel::{self, XdgToplevel},
    xdg_wm_base::{self, XdgWmBase},
};

const CELL: usize = 16;
const BUFFERS: usize = 3;

struct Buffer {
    proxy: WlBuffer,
    file: File,
    busy: bool,
}

#[derive(Default)]
struct State {
    size: (i32, i32),
    is_configured: bool,
    is_closed: bool,
    /// Presses of buttons.
    presses: u32,
    buffers: Vec<Buffer>,
    /// Frames that were on the screen, and when.
    shown: Vec<(u32, i64)>,
    /// Frames that it had drawn, and when that was heard: not before they were on the screen.
    drawn: Vec<(u32, i64)>,
}

impl Dispatch<WlCallback, u32> for State {
    fn event(
        state: &mut Self,
        _: &WlCallback,
        _: wl_callback::Event,
        frame: &u32,
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        state.drawn.push((*frame, now()));
    }
}

impl Dispatch<WpPresentationFeedback, u32> for State {
    fn event(
        state: &mut Self,
        _: &WpPresentationFeedback,
        event: wp_presentation_feedback::Event,
        frame: &u32,
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let wp_presentation_feedback::Event::Presented { tv_sec_hi, tv_sec_lo, tv_nsec, .. } = event {
            let seconds = i64::from(tv_sec_hi) << 32 | i64::from(tv_sec_lo);
            state.shown.push((*frame, seconds * 1_000_000_000 + i64::from(tv_nsec)));
        }
    }
}

impl Dispatch<WlRegistry, GlobalListContents> for State {
    fn event(
        _: &mut Self,
        _: &WlRegistry,
        _: wl_registry::Event,
        _: &GlobalListContents,
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
    }
}

impl Dispatch<WlBuffer, ()> for State {
    fn event(
        state: &mut Self,
        buffer: &WlBuffer,
        event: wl_buffer::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if matches!(event, wl_buffer::Event::Release) {
            state.buffers.iter_mut().filter(|known| known.proxy == *buffer).for_each(|known| known.busy = false);
        }
    }
}

impl Dispatch<XdgWmBase, ()> for State {
    fn event(
        _: &mut Self,
        base: &XdgWmBase,
        event: xdg_wm_base::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let xdg_wm_base::Event::Ping { serial } = event {
            base.pong(serial);
        }
    }
}

impl Dispatch<XdgSurface, ()> for State {
    fn event(
        state: &mut Self,
        surface: &XdgSurface,
        event: xdg_surface::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let xdg_surface::Event::Configure { serial } = event {
            surface.ack_configure(serial);
            state.is_configured = true;
        }
    }
}

impl Dispatch<XdgToplevel, ()> for State {
    fn event(
        state: &mut Self,
        _: &XdgToplevel,
        event: xdg_toplevel::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        match event {
            xdg_toplevel::Event::Configure { width, height, .. } if width > 0 && (width, height) != state.size => {
                state.size = (width, height);
                state.buffers.clear();
            }
            xdg_toplevel::Event::Close => state.is_closed = true,
            _ => {}
        }
    }
}

impl Dispatch<WlSeat, ()> for State {
    fn event(_: &mut Self, seat: &WlSeat, event: wl_seat::Event, (): &(), _: &Connection, queue: &QueueHandle<Self>) {
        if let wl_seat::Event::Capabilities { capabilities: WEnum::Value(has) } = event
            && has.contains(wl_seat::Capability::Pointer)
        {
            seat.get_pointer(queue, ());
        }
    }
}

impl Dispatch<WlPointer, ()> for State {
    fn event(
        state: &mut Self,
        _: &WlPointer,
        event: wl_pointer::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        let pressed = WEnum::Value(wl_pointer::ButtonState::Pressed);
        if matches!(event, wl_pointer::Event::Button { state, .. } if state == pressed) {
            state.presses += 1;
        }
    }
}

delegate_noop!(State: ignore WpPresentation);
delegate_noop!(State: ignore WlCompositor);
delegate_noop!(State: ignore WlShm);
delegate_noop!(State: ignore WlShmPool);
delegate_noop!(State: ignore WlSurface);

fn crc8(number: u32) -> u8 {
    let step = |crc: u8| if crc & 0x80 == 0 { crc << 1 } else { crc << 1 ^ 0x07 };
    number.to_be_bytes().into_iter().fold(0, |crc, byte| (0..8).fold(crc ^ byte, |crc, _| step(crc)))
}

/// The pixels of a frame.
fn picture(frame: u32, (width, height): (usize, usize)) -> Vec<u8> {
    let mut pixels = vec![0x40; width * height * 4];
    let word = u64::from(frame) << 8 | u64::from(crc8(frame));
    for y in 0..CELL.min(height) {
        for x in 0..(40 * CELL).min(width) {
            let is_white = word >> (39 - x / CELL) & 1 == 1;
            pixels[(y * width + x) * 4..][..4].fill(if is_white { 255 } else { 0 });
        }
    }
    let left = frame as usize * 5 % width.saturating_sub(32).max(1);
    for y in height / 2..height * 3 / 4 {
        pixels[(y * width + left) * 4..][..32.min(width - left) * 4].fill(0xc0);
    }
    pixels
}

fn make_buffers(state: &mut State, shm: &WlShm, queue: &QueueHandle<State>) -> Result<(), Failure> {
    let (width, height) = state.size;
    let bytes = width * height * 4;
    for _ in 0..BUFFERS {
        let file = rustix::fs::memfd_create(c"client", MemfdFlags::CLOEXEC)?;
        rustix::fs::ftruncate(&file, u64::try_from(bytes)?)?;
        let pool = shm.create_pool(file.as_fd(), bytes, queue, ());
        let proxy = pool.create_buffer(0, width, height, width * 4, Format::Xrgb8888, queue, ());
        pool.destroy();
        state.buffers.push(Buffer { proxy, file: File::from(file), busy: false });
    }
    Ok(())
}

fn main() -> Result<(), Failure> {
    let args = Args::new();
    let (rate, seconds): (f64, f64) = (args.number("rate", 60.0)?, args.number("seconds", 0.0)?);
    let stop = Stop::new()?;
    let mut log = Lines::create(args.get("log"))?;
    let path = args.get("log").map(|log| format!("{log}.shown"));
    let mut told = Lines::create(path.as_deref())?;
    let conn = Connection::connect_to_env()?;
    let (globals, mut events) = registry_queue_init::<State>(&conn)?;
    let queue = events.handle();
    let compositor: WlCompositor = globals.bind(&queue, 4..=6, ())?;
    let base: XdgWmBase = globals.bind(&queue, 1..=2, ())?;
    let shm: WlShm = globals.bind(&queue, 1..=1, ())?;
    let presentation: Option<WpPresentation> = globals.bind(&queue, 1..=1, ()).ok();
    let surface = compositor.create_surface(&queue, ());
    let shell = base.get_xdg_surface(&surface, &queue, ());
    let window = shell.get_toplevel(&queue, ());
    window.set_title(args.get("title").unwrap_or("barcode").into());
    window.set_app_id(args.get("app-id").unwrap_or("barcode_client").into());
    if args.get("app-id").is_none() {
        window.set_fullscreen(None);
    }
    surface.commit();
    let mut state = State { size: (640, 480), ..State::default() };
    let (start, period) = (now(), (1e9 / rate) as i64);
    let colour = args.get("colour").map(|colour| u32::from_str_radix(colour, 16)).transpose()?;
    let titles: Vec<&str> = args.get("titles").map_or_else(Vec::new, |titles| titles.split(',').collect());
    let counts_presses = args.get("count") == Some("presses");
    let _seat: Option<WlSeat> = if counts_presses { Some(globals.bind(&queue, 1..=5, ())?) } else { None };
    let (mut frame, mut due) = (0_u32, start);
    while !stop.is_set() && !state.is_closed && (seconds == 0.0 || now() - start < (seconds * 1e9) as i64) {
        events.dispatch_pending(&mut state)?;
        for (kind, all) in [("shown", &mut state.shown), ("drawn", &mut state.drawn)] {
            for (frame, t) in all.drain(..) {
                told.write(&json!({"kind":kind,"frame":frame,"t":t}))?;
                told.flush()?;
            }
        }
        let is_due = if counts_presses { frame <= state.presses } else { now() >= due };
        if state.is_configured && is_due {
            if state.buffers.is_empty() {
                make_buffers(&mut state, &shm, &queue)?;
            }
            let (width, height) = (state.size.0 as usize, state.size.1 as usize);
            if let Some(buffer) = state.buffers.iter_mut().find(|buffer| !buffer.busy) {
                let pixels = match colour {
                    Some(colour) => colour.to_le_bytes().repeat(width * height),
                    None => picture(frame, (width, height)),
                };
                buffer.file.write_all_at(&pixels, 0)?;
                if !titles.is_empty() && frame % 10 == 0 {
                    window.set_title(titles[frame as usize / 10 % titles.len()].into());
                }
                buffer.busy = true;
                surface.attach(Some(&buffer.proxy), 0, 0);
                surface.damage_buffer(0, 0, state.size.0, state.size.1);
                surface.frame(&queue, frame);
                presentation.as_ref().map(|presentation| presentation.feedback(&surface, &queue, frame));
                let before = now();
                surface.commit();
                log.write(&json!({"kind":"paint","frame":frame,"before":before}))?;
                log.flush()?;
                frame = frame.wrapping_add(1);
            }
            due = (due + period).max(now());
        }
        events.flush()?;
        let Some(guard) = events.prepare_read() else { continue };
        let rest = (due.min(now() + 50_000_000) - now()).max(0);
        let limit = Timespec { tv_sec: 0, tv_nsec: rest };
        let readable = {
            let fd = guard.connection_fd();
            poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&limit)).is_ok_and(|count| count > 0)
        };
        if readable {
            guard.read()?;
        }
    }
    log.flush()
}
