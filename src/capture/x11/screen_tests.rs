//! Tests of the screen source against a real X server (Xvfb), which each test starts for itself.
//!
//! The truth they compare with is the core protocol's `GetImage` over the socket, which shares no code with the source.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use x11rb::COPY_DEPTH_FROM_PARENT;
use x11rb::protocol::xproto::{
    AtomEnum, ConfigureWindowAux, CreateGCAux, CreateWindowAux, Gcontext, ImageFormat, PropMode, WindowClass,
};
use x11rb::wrapper::ConnectionExt as _;

use super::super::targets::Atoms;
use super::*;
use crate::base::time::SystemClock;

/// Displays that tests may use.
const DISPLAYS: std::ops::Range<u32> = 40..50;
static NEXT_DISPLAY: AtomicU32 = AtomicU32::new(0);

const RED: u32 = 0x00ff_0000;
const GREEN: u32 = 0x0000_ff00;
const BLUE: u32 = 0x0000_00ff;
const WHITE: u32 = 0x00ff_ffff;

/// A server of this test's own, and a client that paints on it.
struct Desk {
    server: Child,
    name: String,
    conn: RustConnection,
    root: Window,
    context: Gcontext,
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.server.kill().and_then(|()| self.server.wait()).expect("the test's X server ends");
    }
}

impl Desk {
    fn new(screen: &str) -> Self {
        for _ in DISPLAYS {
            let length = DISPLAYS.end - DISPLAYS.start;
            let name = format!(":{}", DISPLAYS.start + NEXT_DISPLAY.fetch_add(1, Ordering::SeqCst) % length);
            let mut server = Command::new("Xvfb")
                .args([&name, "-displayfd", "1", "-screen", "0", screen, "-nolisten", "tcp"])
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .expect("Xvfb is installed");
            // It says its number when it is ready, and nothing when another server has the number.
            let mut said = String::new();
            let mut out = BufReader::new(server.stdout.take().expect("piped"));
            if out.read_line(&mut said).expect("Xvfb can be read") == 0 {
                server.wait().expect("it ends");
                continue;
            }
            let (conn, index) = x11rb::connect(Some(&name)).expect("it is ready");
            let root = conn.setup().roots[index].root;
            let context = conn.generate_id().expect("an id");
            conn.create_gc(context, root, &CreateGCAux::new().graphics_exposures(0)).expect("a context");
            return Self { server, name, conn, root, context };
        }
        panic!("no display free in {DISPLAYS:?}");
    }

    fn open(&self, target: &Target, cursor: bool) -> X11Screen {
        self.open_waiting(target, cursor, Duration::ZERO)
    }

    fn open_waiting(&self, target: &Target, cursor: bool, wait: Duration) -> X11Screen {
        let options = ScreenOptions { target: target.clone(), cursor, exclusions: Arc::new(Exclusions::none()), wait };
        X11Screen::open(Some(&self.name), options, Arc::new(SystemClock)).expect("the screen opens")
    }

    fn refused(&self, target: &Target) -> CaptureError {
        let exclusions = Arc::new(Exclusions::none());
        let options = ScreenOptions { target: target.clone(), cursor: false, exclusions, wait: Duration::ZERO };
        match X11Screen::open(Some(&self.name), options, Arc::new(SystemClock)) {
            Ok(_) => panic!("{target:?} was opened"),
            Err(error) => error,
        }
    }

    /// When it returns, the server has done what was asked before.
    fn sync(&self) {
        self.conn.sync().expect("the server answers");
    }

    fn fill(&self, drawable: Drawable, color: u32, (x, y, width, height): (i16, i16, u16, u16)) {
        use x11rb::protocol::xproto::ChangeGCAux;
        self.conn.change_gc(self.context, &ChangeGCAux::new().foreground(color)).expect("sent");
        self.conn.poly_fill_rectangle(drawable, self.context, &[Rectangle { x, y, width, height }]).expect("sent");
        self.sync();
    }

    /// Paints every pixel of a drawable in its own colour.
    fn paint(&self, drawable: Drawable, width: u16, height: u16) {
        let pixel = |x: u32, y: u32| ((x * 7919 + y * 104_729 + 12_345).wrapping_mul(2_654_435_761) >> 8).to_le_bytes();
        for y in 0..height {
            let row: Vec<u8> = (0..width).flat_map(|x| pixel(x.into(), y.into())).collect();
            let (format, context) = (ImageFormat::Z_PIXMAP, self.context);
            self.conn.put_image(format, drawable, context, width, 1, 0, y as i16, 0, 24, &row).expect("sent");
        }
        self.sync();
    }

    /// A window without a window manager. `background`: `None` leaves painting to the application.
    fn window(&self, parent: Window, place: (i16, i16, u16, u16), background: Option<u32>) -> Window {
        self.bordered(parent, place, background, 0)
    }

    fn bordered(
        &self,
        parent: Window,
        (x, y, width, height): (i16, i16, u16, u16),
        background: Option<u32>,
        border: u16,
    ) -> Window {
        let id = self.conn.generate_id().expect("an id");
        let mut with = CreateWindowAux::new().override_redirect(1).border_pixel(WHITE).event_mask(EventMask::EXPOSURE);
        if let Some(background) = background {
            with = with.background_pixel(background);
        }
        let class = WindowClass::INPUT_OUTPUT;
        self.conn
            .create_window(COPY_DEPTH_FROM_PARENT, id, parent, x, y, width, height, border, class, 0, &with)
            .expect("sent");
        self.conn.map_window(id).expect("sent");
        self.sync();
        id
    }

    /// The truth: blue, green, red of each pixel.
    fn truth(&self, drawable: Drawable, (x, y, width, height): (i16, i16, u16, u16)) -> Vec<u8> {
        let image = self.conn.get_image(ImageFormat::Z_PIXMAP, drawable, x, y, width, height, !0).expect("sent");
        colours(&image.reply().expect("an image").data)
    }
}

fn primary(exclusions: Arc<Exclusions>) -> ScreenOptions {
    ScreenOptions { target: Target::Primary, cursor: false, exclusions, wait: Duration::ZERO }
}

/// Drops the fourth byte of each pixel, which has no meaning.
fn colours(pixels: &[u8]) -> Vec<u8> {
    pixels.chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect()
}

fn seen(screen: &mut X11Screen) -> Vec<u8> {
    colours(screen.frame().expect("pixels").data)
}

fn colour(screen: &mut X11Screen, x: usize, y: usize) -> u32 {
    let view = screen.frame().expect("pixels");
    let at = y * view.stride + x * 4;
    u32::from_le_bytes([view.data[at], view.data[at + 1], view.data[at + 2], 0])
}

fn look(screen: &mut X11Screen) -> Look {
    screen.look(false).expect("a picture")
}

fn window_target(window: Window) -> Target {
    Target::WindowId(targets::window_id(window))
}

const ALL: (i16, i16, u16, u16) = (0, 0, 320, 240);

#[test]
fn a_picture_is_exact_and_an_unchanged_one_is_not_taken() {
    let desk = Desk::new("320x240x24");
    desk.paint(desk.root, 320, 240);
    let mut screen = desk.open(&Target::Primary, false);
    let said = screen.describe();
    assert_eq!((said.backend.as_str(), said.sees_changes, said.cursor), ("x11-shm", true, false));
    assert_eq!((said.surface.width, said.surface.height), (320, 240));
    let before = SystemClock.now();
    let first = look(&mut screen);
    assert!(first.is_new() && first.t() >= before && first.t() <= SystemClock.now());
    assert!(seen(&mut screen) == desk.truth(desk.root, ALL), "the first picture differs");
    for _ in 0..5 {
        assert!(!look(&mut screen).is_new(), "nothing changed");
    }
    assert_eq!(screen.counts, GrabCounts { whole: 1, band: 0, none: 5 });
    assert!(screen.look(true).expect("a picture").is_new());
    assert_eq!(screen.counts.whole, 2, "a whole grab is taken even when nothing changed");
}

#[test]
fn a_band_brings_the_picture_up_to_date_and_nothing_else() {
    let desk = Desk::new("320x240x24");
    desk.paint(desk.root, 320, 240);
    let mut screen = desk.open(&Target::Primary, false);
    look(&mut screen);
    desk.fill(desk.root, RED, (30, 100, 50, 7));
    desk.fill(desk.root, BLUE, (200, 110, 9, 4));
    assert!(look(&mut screen).is_new());
    assert_eq!(screen.counts, GrabCounts { whole: 1, band: 1, none: 0 });
    assert!(seen(&mut screen) == desk.truth(desk.root, ALL), "after a band the picture differs");
    assert!(!look(&mut screen).is_new());

    // What is painted on the picture stays outside of a band and goes inside of it.
    screen.frame().expect("pixels").data.fill(0x5a);
    desk.fill(desk.root, GREEN, (0, 50, 320, 10));
    assert!(look(&mut screen).is_new());
    for (y, rows) in seen(&mut screen).chunks(320 * 3).enumerate() {
        let want: &[u8] = if (50..60).contains(&y) { &[0, 0xff, 0] } else { &[0x5a; 3] };
        assert!(rows.chunks(3).all(|pixel| pixel == want), "row {y}");
    }
    // Every change is seen, however many there are between two grabs, and also while pictures are taken.
    screen.look(true).expect("a picture");
    for step in 0..200_i16 {
        desk.fill(desk.root, step as u32 * 771, (step, step, 30, 20));
        if step % 7 == 0 {
            look(&mut screen);
        }
    }
    look(&mut screen);
    assert!(seen(&mut screen) == desk.truth(desk.root, ALL), "a change was lost");
}

/// The pointer's picture blended over `below` by the definition of premultiplied alpha, in floating point.
fn with_pointer(desk: &Desk, below: &[u8], (width, height): (i32, i32), at: (i32, i32)) -> Vec<u8> {
    xfixes::query_version(&desk.conn, 5, 0).expect("sent").reply().expect("XFixes");
    let image = xfixes::get_cursor_image(&desk.conn).expect("sent").reply().expect("a pointer");
    let mut out = below.to_vec();
    for (index, argb) in image.cursor_image.iter().enumerate() {
        let index = index as i32;
        let column = at.0 - i32::from(image.xhot) + index % i32::from(image.width);
        let row = at.1 - i32::from(image.yhot) + index / i32::from(image.width);
        if (0..width).contains(&column) && (0..height).contains(&row) {
            let [blue, green, red, alpha] = argb.to_le_bytes();
            for (channel, above) in [blue, green, red].into_iter().enumerate() {
                let byte = &mut out[((row * width + column) * 3) as usize + channel];
                let kept = (f64::from(*byte) * f64::from(255 - alpha) / 255.0).round();
                *byte = (kept as u32 + u32::from(above)).min(255) as u8;
            }
        }
    }
    out
}

fn set_pointer(desk: &Desk, glyph: u16) {
    let (font, pointer) = (desk.conn.generate_id().expect("an id"), desk.conn.generate_id().expect("an id"));
    desk.conn.open_font(font, b"cursor").expect("sent");
    let full = u16::MAX;
    desk.conn.create_glyph_cursor(pointer, font, font, glyph, glyph + 1, full, 0, 0, 0, full, full).expect("sent");
    desk.conn.change_window_attributes(desk.root, &ChangeWindowAttributesAux::new().cursor(pointer)).expect("sent");
    desk.sync();
}

#[test]
fn the_pointer_is_drawn_and_erased_exactly_without_taking_a_picture() {
    let desk = Desk::new("320x240x24");
    desk.paint(desk.root, 320, 240);
    set_pointer(&desk, 68);
    let plain = desk.truth(desk.root, ALL);
    let mut screen = desk.open(&Target::Primary, true);
    let mut without = desk.open(&Target::Primary, false);
    let mut corner = desk.open(&Target::Region { x: 0, y: 0, width: 40, height: 40 }, true);
    look(&mut without);
    let mut last = None;
    for at in [(100_i16, 80_i16), (104, 83), (0, 0), (319, 239), (160, 239)] {
        desk.conn.warp_pointer(x11rb::NONE, desk.root, 0, 0, 0, 0, at.0, at.1).expect("sent");
        desk.sync();
        assert!(look(&mut screen).is_new(), "the pointer moved to {at:?}");
        let want = with_pointer(&desk, &plain, (320, 240), (at.0.into(), at.1.into()));
        assert!(want != plain, "the pointer is not visible at {at:?}");
        assert!(seen(&mut screen) == want, "the pointer at {at:?} differs");
        assert!(!look(&mut screen).is_new(), "the pointer rests");
        assert!(!look(&mut without).is_new(), "without a pointer its movement is no change");
        last = Some(at);
    }
    assert_eq!(screen.counts.whole + screen.counts.band, 1, "moving the pointer takes no picture");

    // A band under the pointer, then the pointer away: no trace.
    let (x, y) = last.expect("it moved");
    desk.fill(desk.root, GREEN, (x - 3, y - 3, 6, 3));
    assert!(look(&mut screen).is_new());
    let plain = desk.truth(desk.root, ALL);
    assert!(seen(&mut screen) == with_pointer(&desk, &plain, (320, 240), (x.into(), y.into())), "after a band");
    // Another shape at the same place is a change.
    set_pointer(&desk, 34);
    assert!(look(&mut screen).is_new(), "the pointer has another shape");
    assert!(seen(&mut screen) == with_pointer(&desk, &plain, (320, 240), (x.into(), y.into())), "another shape");

    // A region without the pointer in it, then with.
    look(&mut corner);
    assert!(seen(&mut corner) == desk.truth(desk.root, (0, 0, 40, 40)), "the region has no pointer");
    desk.conn.warp_pointer(x11rb::NONE, desk.root, 0, 0, 0, 0, 20, 20).expect("sent");
    desk.sync();
    assert!(look(&mut corner).is_new());
    let part = desk.truth(desk.root, (0, 0, 40, 40));
    assert!(seen(&mut corner) == with_pointer(&desk, &part, (40, 40), (20, 20)), "the region has the pointer");
    look(&mut screen);
    assert!(seen(&mut screen) == with_pointer(&desk, &plain, (320, 240), (20, 20)), "the pointer left a trace");
}

#[test]
fn a_region_is_exactly_its_rectangle() {
    let desk = Desk::new("320x240x24");
    desk.paint(desk.root, 320, 240);
    let region = |x, y, width, height| Target::Region { x, y, width, height };
    let mut screen = desk.open(&region(33, 17, 100, 60), false);
    look(&mut screen);
    assert!(seen(&mut screen) == desk.truth(desk.root, (33, 17, 100, 60)), "the region differs");
    // Beside it: no change. Across its edge: a band.
    desk.fill(desk.root, RED, (0, 0, 320, 17));
    desk.fill(desk.root, RED, (133, 0, 100, 200));
    assert!(!look(&mut screen).is_new(), "only what is beside the region changed");
    desk.fill(desk.root, BLUE, (120, 70, 100, 100));
    assert!(look(&mut screen).is_new());
    assert!(seen(&mut screen) == desk.truth(desk.root, (33, 17, 100, 60)), "the region differs after a change");
    assert_eq!(screen.counts, GrabCounts { whole: 1, band: 1, none: 1 });

    let nearest = |target| match desk.refused(&target) {
        CaptureError::BadSize { nearest, .. } => nearest,
        other => panic!("{other}"),
    };
    assert_eq!(nearest(region(0, 0, 101, 60)), Some((100, 60)));
    assert_eq!(nearest(region(300, 200, 100, 60)), Some((20, 40)));
    assert_eq!(nearest(region(0, 0, 0, 0)), Some((2, 2)));
    for outside in [region(-2, 0, 20, 20), region(320, 0, 20, 20), region(i32::MAX, 0, 20, 20)] {
        let error = desk.refused(&outside);
        assert!(matches!(error, CaptureError::NoTarget { .. }), "{error}");
    }
}

#[test]
fn a_window_is_taken_without_what_lies_over_it() {
    let desk = Desk::new("320x240x24");
    let window = desk.bordered(desk.root, (20, 30, 120, 80), Some(BLUE), 5);
    let inner = desk.window(window, (10, 10, 50, 40), Some(GREEN));
    // Already covered when the recording begins, in part by a window that stays.
    let cover = desk.window(desk.root, (0, 0, 100, 240), Some(RED));
    let mut screen = desk.open(&window_target(window), false);
    let said = screen.describe();
    assert_eq!(said.backend, "x11-shm-composite");
    assert_eq!(said.window_id, Some(targets::window_id(window)));
    assert_eq!(said.surface, Surface { x: 25, y: 35, width: 120, height: 80, scale: None });
    screen.look(true).expect("a picture");
    for y in 0..80 {
        for x in 0..120 {
            let want = if (10..60).contains(&x) && (10..50).contains(&y) { GREEN } else { BLUE };
            assert_eq!(colour(&mut screen, x, y), want, "at {x},{y}");
        }
    }
    look(&mut screen);
    assert!(!look(&mut screen).is_new());
    // The cover changes, and moves over all of it: nothing to see.
    desk.fill(cover, WHITE, (0, 0, 100, 240));
    desk.conn.configure_window(cover, &ConfigureWindowAux::new().width(320)).expect("sent");
    desk.sync();
    assert!(!look(&mut screen).is_new(), "what lies over the window is no change");
    // The covered window paints: seen.
    desk.paint(inner, 50, 40);
    assert!(look(&mut screen).is_new());
    assert_eq!(screen.counts.band, 1);
    let row: Vec<u8> = seen(&mut screen)[(12 * 120 + 10) * 3..][..50 * 3].to_vec();
    desk.conn.unmap_window(cover).expect("sent");
    desk.sync();
    assert!(row == desk.truth(inner, (0, 2, 50, 1)), "the inner window differs");
}

#[test]
fn a_covered_window_that_has_not_painted_yet_shows_nothing_of_the_other() {
    let desk = Desk::new("320x240x24");
    desk.fill(desk.root, RED, (0, 0, 320, 240));
    let window = desk.window(desk.root, (20, 30, 120, 80), None);
    desk.fill(window, BLUE, (0, 0, 120, 80));
    desk.window(desk.root, (0, 0, 320, 240), Some(RED));
    let mut screen = desk.open(&window_target(window), false);
    for _ in 0..3 {
        screen.look(true).expect("a picture");
        for (index, pixel) in seen(&mut screen).chunks(3).enumerate() {
            assert!(pixel[2] == 0, "the window that covers it shows at {},{}", index % 120, index / 120);
        }
    }
    // It was asked to paint, and when it does, that is recorded.
    let mut exposed = false;
    while let Some(event) = desk.conn.poll_for_event().expect("events") {
        exposed |= matches!(event, Event::Expose(event) if event.window == window);
    }
    assert!(exposed, "the application was not asked to paint");
    desk.fill(window, BLUE, (0, 0, 120, 80));
    assert!(look(&mut screen).is_new());
    assert!(seen(&mut screen).chunks(3).all(|pixel| pixel == [0xff, 0, 0]), "the window is not blue");
    // The same after it was unmapped and mapped again.
    desk.conn.unmap_window(window).expect("sent");
    desk.sync();
    look(&mut screen);
    desk.conn.map_window(window).expect("sent");
    desk.sync();
    screen.look(true).expect("a picture");
    assert!(seen(&mut screen).chunks(3).all(|pixel| pixel[2] == 0), "the window that covers it shows after mapping");
}

#[test]
fn a_window_is_followed_when_it_moves_resizes_and_hides() {
    let desk = Desk::new("320x240x24");
    let frame = desk.window(desk.root, (0, 0, 200, 200), Some(WHITE));
    let window = desk.window(frame, (10, 20, 100, 60), Some(BLUE));
    let mut screen = desk.open(&window_target(window), false);
    look(&mut screen);
    look(&mut screen);

    desk.conn.configure_window(frame, &ConfigureWindowAux::new().x(50).y(7)).expect("sent");
    desk.sync();
    let moved = look(&mut screen);
    assert_eq!(moved.surface(), Some(Surface { x: 60, y: 27, width: 100, height: 60, scale: None }));
    assert!(!moved.is_new(), "its picture is the same");
    assert_eq!(look(&mut screen).surface(), None, "said once");

    // Twice as wide: scaled to half, black above and below.
    desk.conn.configure_window(window, &ConfigureWindowAux::new().width(200)).expect("sent");
    desk.sync();
    let resized = look(&mut screen);
    assert!(resized.is_new());
    assert_eq!(resized.surface(), Some(Surface { x: 60, y: 27, width: 200, height: 60, scale: None }));
    let view = screen.frame().expect("pixels");
    assert_eq!((view.width, view.height), (100, 60), "the picture keeps its size");
    for y in 0..60 {
        let want = if (15..45).contains(&y) { BLUE } else { 0 };
        assert_eq!([0, 50, 99].map(|x| colour(&mut screen, x, y)), [want; 3], "row {y}");
    }
    desk.fill(window, GREEN, (0, 0, 200, 60));
    assert!(look(&mut screen).is_new(), "a change in the resized window");
    assert_eq!(colour(&mut screen, 50, 30), GREEN);

    // Back at its size it is exact again.
    desk.conn.configure_window(window, &ConfigureWindowAux::new().width(100)).expect("sent");
    desk.sync();
    desk.paint(window, 100, 60);
    assert!(look(&mut screen).surface().is_some());
    assert!(seen(&mut screen) == desk.truth(window, (0, 0, 100, 60)), "back at its size");

    // Hidden: the last picture stays. Shown again: the new one comes, also when only its frame was hidden.
    for (hide, mark) in [(window, RED), (frame, GREEN)] {
        let last = seen(&mut screen);
        desk.conn.unmap_window(hide).expect("sent");
        desk.sync();
        assert!(!look(&mut screen).is_new(), "hidden");
        screen.look(true).expect("a hidden window is no error");
        assert!(seen(&mut screen) == last, "the last picture stays");
        desk.conn.map_window(hide).expect("sent");
        desk.sync();
        look(&mut screen);
        desk.paint(window, 100, 60);
        desk.fill(window, mark, (0, 0, 50, 10));
        assert!(look(&mut screen).is_new(), "shown again");
        assert!(seen(&mut screen) == desk.truth(window, (0, 0, 100, 60)), "shown again");
    }

    desk.conn.destroy_window(window).expect("sent");
    desk.sync();
    let error = screen.look(false).expect_err("the window is gone");
    assert!(matches!(error, CaptureError::Gone { what: "window", .. }), "{error}");
    let error = desk.refused(&window_target(window));
    assert!(matches!(error, CaptureError::NoTarget { .. }), "{error}");
    let error = desk.refused(&window_target(desk.root));
    assert!(matches!(error, CaptureError::NoTarget { .. }), "{error}");
}

#[test]
fn the_pointer_over_a_covering_window_is_not_recorded() {
    let desk = Desk::new("320x240x24");
    set_pointer(&desk, 68);
    let window = desk.window(desk.root, (20, 30, 120, 80), Some(BLUE));
    desk.conn.warp_pointer(x11rb::NONE, desk.root, 0, 0, 0, 0, 60, 60).expect("sent");
    desk.sync();
    let mut screen = desk.open(&window_target(window), true);
    screen.look(true).expect("a picture");
    assert!(seen(&mut screen).chunks(3).any(|pixel| pixel != [0xff, 0, 0]), "the pointer is over the window");
    desk.window(desk.root, (0, 0, 100, 100), Some(RED));
    assert!(look(&mut screen).is_new(), "the pointer is over another window now");
    assert!(seen(&mut screen).chunks(3).all(|pixel| pixel == [0xff, 0, 0]), "no pointer");
}

#[test]
fn a_monitor_that_changes_is_followed_and_one_that_goes_is_gone() {
    let desk = Desk::new("320x240x24");
    desk.paint(desk.root, 320, 240);
    let name = desk.conn.intern_atom(false, b"left").expect("sent").reply().expect("an atom").atom;
    let place = |x, y, width, height| {
        let info = randr::MonitorInfo {
            name,
            x,
            y,
            width,
            height,
            width_in_millimeters: 100,
            height_in_millimeters: 100,
            ..Default::default()
        };
        // A name that is taken is refused.
        randr::delete_monitor(&desk.conn, desk.root, name).expect("sent").check().ok();
        randr::set_monitor(&desk.conn, desk.root, info).expect("sent").check().expect("a monitor");
    };
    place(0, 0, 161, 121);
    let mut screen = desk.open(&Target::Monitor("left".into()), false);
    assert_eq!(screen.describe().target, "monitor left");
    look(&mut screen);
    assert!(seen(&mut screen) == desk.truth(desk.root, (0, 0, 161, 121)), "an odd size is taken as it is");
    place(40, 8, 161, 121);
    assert_eq!(look(&mut screen).surface().map(|surface| (surface.x, surface.y)), Some((40, 8)));
    assert!(seen(&mut screen) == desk.truth(desk.root, (40, 8, 161, 121)), "at its new place");
    place(0, 0, 322 / 2, 60);
    let resized = look(&mut screen);
    assert_eq!(resized.surface().map(|surface| (surface.width, surface.height)), Some((161, 60)));
    let picture = seen(&mut screen);
    assert!(picture[..161 * 3 * 30].iter().all(|byte| *byte == 0), "black above");
    assert!(picture[161 * 3 * 30..161 * 3 * 90] == desk.truth(desk.root, (0, 0, 161, 60)), "exact in the middle");
    randr::delete_monitor(&desk.conn, desk.root, name).expect("sent").check().expect("deleted");
    let error = screen.look(false).expect_err("the monitor is gone");
    assert!(matches!(error, CaptureError::Gone { what: "screen", .. }), "{error}");
}

#[test]
fn a_killed_server_is_gone_and_a_shallow_one_unavailable() {
    let mut desk = Desk::new("320x240x24");
    let mut screen = desk.open(&Target::Primary, true);
    look(&mut screen);
    desk.server.kill().expect("killed");
    desk.server.wait().expect("ended");
    let error = screen.look(false).expect_err("the server is gone");
    assert!(matches!(error, CaptureError::Gone { what: "display", .. }), "{error}");
    let error = desk.refused(&Target::Primary);
    assert!(matches!(error, CaptureError::NoDisplay { .. }), "{error}");
    drop(screen);
    let shallow = Desk::new("320x240x16");
    let error = shallow.refused(&Target::Primary);
    assert!(matches!(error, CaptureError::Unavailable { .. }), "{error}");
    assert!(error.to_string().contains("xcap"), "{error}");
}

#[test]
fn targets_are_listed_with_title_application_process_and_place() {
    let desk = Desk::new("320x240x24");
    let atoms = Atoms::intern(&desk.conn).expect("atoms");
    let frame = desk.window(desk.root, (11, 12, 150, 150), None);
    let window = desk.window(frame, (4, 20, 101, 51), None);
    let other = desk.window(desk.root, (200, 100, 30, 40), None);
    desk.window(desk.root, (0, 200, 30, 40), None);
    let text = |window, property: u32, type_: u32, value: &[u8]| {
        desk.conn.change_property8(PropMode::REPLACE, window, property, type_, value).expect("sent");
    };
    text(window, atoms._NET_WM_NAME, atoms.UTF8_STRING, "Größe – draft".as_bytes());
    text(window, AtomEnum::WM_NAME.into(), AtomEnum::STRING.into(), b"not this");
    text(window, AtomEnum::WM_CLASS.into(), AtomEnum::STRING.into(), b"editor\0TextEditor\0");
    desk.conn.change_property32(PropMode::REPLACE, window, atoms.WM_STATE, atoms.WM_STATE, &[1, 0]).expect("sent");
    desk.conn
        .change_property32(PropMode::REPLACE, window, atoms._NET_WM_PID, AtomEnum::CARDINAL, &[4711])
        .expect("sent");
    text(other, AtomEnum::WM_NAME.into(), AtomEnum::STRING.into(), b"caf\xe9");
    desk.sync();

    let listed = targets::list(Some(&desk.name)).expect("a list");
    let monitor = &listed[0];
    assert_eq!((monitor.kind, monitor.id.as_str()), ("monitor", "screen"));
    assert_eq!(monitor.surface, Some(Surface { x: 0, y: 0, width: 320, height: 240, scale: None }));
    let windows: Vec<_> = listed.iter().filter(|target| target.kind == "window").collect();
    assert_eq!(windows.len(), 2, "without a manager: declared or named windows only");
    let find = |id| windows.iter().find(|target| target.id == targets::window_id(id)).expect("listed");
    let found = find(window);
    assert_eq!((found.title.0.as_str(), found.app.as_str(), found.pid), ("Größe – draft", "TextEditor", Some(4711)));
    assert_eq!(found.surface, Some(Surface { x: 15, y: 32, width: 101, height: 51, scale: None }));
    assert_eq!((find(other).title.0.as_str(), find(other).pid), ("café", None));

    // With a manager its list counts, and says which is active.
    let list = |windows: &[Window], active| {
        let (list, of) = (atoms._NET_CLIENT_LIST, AtomEnum::WINDOW);
        desk.conn.change_property32(PropMode::REPLACE, desk.root, list, of, windows).expect("sent");
        let now = atoms._NET_ACTIVE_WINDOW;
        desk.conn.change_property32(PropMode::REPLACE, desk.root, now, of, &[active]).expect("sent");
        desk.sync();
    };
    list(&[other, 0x00ff_fff1], other);
    let listed = targets::list(Some(&desk.name)).expect("a list");
    let windows: Vec<_> = listed.iter().filter(|target| target.kind == "window").collect();
    assert_eq!(windows.len(), 1, "a window that vanished is left out");
    assert!(windows[0].primary && windows[0].id == targets::window_id(other));

    list(&[other, window], other);
    for target in [Target::WindowTitle("GRÖSSE".into()), Target::WindowApp("nothing".into())] {
        let error = desk.refused(&target);
        assert!(matches!(error, CaptureError::NoTarget { .. }), "{error}");
    }
    for target in [Target::WindowTitle("größe".into()), Target::WindowApp("texteditor".into())] {
        let screen = desk.open(&target, false);
        assert_eq!(screen.describe().window_id, Some(targets::window_id(window)));
        assert_eq!((screen.describe().surface.width, screen.describe().surface.height), (101, 51));
    }
}

/// Not a test: what a grab costs this process. `cargo test --lib grab_costs -- --ignored --nocapture`.
#[test]
#[ignore = "measures"]
fn grab_costs() {
    let cpu = || {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
    };
    let desk = Desk::new("1920x1080x24");
    desk.paint(desk.root, 1920, 1080);
    set_pointer(&desk, 68);
    let mut screen = desk.open(&Target::Primary, true);
    look(&mut screen);
    let rounds = 300;
    for (what, whole) in [("whole 1080p", true), ("unchanged", false)] {
        let (cpu_before, before) = (cpu(), SystemClock.now());
        for _ in 0..rounds {
            screen.look(whole).expect("a picture");
        }
        let wall = SystemClock.now().since(before).as_secs_f64() * 1e3 / f64::from(rounds);
        println!("{what}: {:.4} ms CPU, {wall:.4} ms wall", (cpu() - cpu_before) / f64::from(rounds));
    }
}

/// How many readings of the clock are left, and what happens then.
type Countdown = (u32, Box<dyn FnOnce() + Send>);

/// A clock that does something to the display each time it is read, once it was wound up: between any two steps of a grab.
struct Meddling {
    countdown: std::sync::Mutex<Option<Countdown>>,
}

impl Clock for Meddling {
    fn now(&self) -> crate::base::time::MonoNs {
        let due = {
            let mut countdown = self.countdown.lock().expect("one thread");
            match countdown.as_mut() {
                Some((0, _)) => countdown.take(),
                Some((left, _)) => {
                    *left -= 1;
                    None
                }
                None => None,
            }
        };
        if let Some((_, act)) = due {
            act();
        }
        SystemClock.now()
    }
    fn anchor(&self) -> crate::base::time::Anchor {
        SystemClock.anchor()
    }
    fn sleep_until(&self, until: crate::base::time::MonoNs) {
        SystemClock.sleep_until(until);
    }
    fn name(&self) -> &'static str {
        "meddling"
    }
}

/// What another client does to a window.
type Act = Box<dyn Fn(&RustConnection, Window) + Send>;

/// A notification that is not mapped yet.
fn notification(desk: &Desk, (x, y, width, height): (i16, i16, u16, u16)) -> Window {
    let window = desk.conn.generate_id().expect("an id");
    let aux = CreateWindowAux::new().override_redirect(1).background_pixel(RED);
    let class = WindowClass::INPUT_OUTPUT;
    desk.conn.create_window(0, window, desk.root, x, y, width, height, 0, class, 0, &aux).expect("a window");
    let atom = |name: &[u8]| desk.conn.intern_atom(false, name).expect("sent").reply().expect("an atom").atom;
    let (property, kind) = (atom(b"_NET_WM_WINDOW_TYPE"), atom(b"_NET_WM_WINDOW_TYPE_NOTIFICATION"));
    desk.conn.change_property32(PropMode::REPLACE, window, property, AtomEnum::ATOM, &[kind]).expect("a type");
    desk.sync();
    window
}

/// Every red pixel of the picture lies in an area that the source calls covered; how many there are.
fn covered_red(screen: &mut X11Screen) -> usize {
    let covered = screen.covered();
    let view = screen.frame().expect("pixels");
    let mut red = 0;
    for y in 0..view.height {
        for x in 0..view.width {
            let at = y as usize * view.stride + x as usize * 4;
            if view.data[at..at + 3] == [0, 0, 255] {
                red += 1;
                let pixel = Area { x: x as i32, y: y as i32, width: 1, height: 1 };
                assert!(covered.iter().any(|c| c.area.and(pixel).is_some()), "{x},{y} is seen, covered is {covered:?}");
            }
        }
    }
    red
}

#[test]
fn what_appears_moves_or_vanishes_between_two_steps_of_a_grab_is_covered() {
    let desk = Desk::new("320x240x24");
    desk.paint(desk.root, 320, 240);
    let clock = Arc::new(Meddling { countdown: std::sync::Mutex::new(None) });
    let rules = Arc::new(Exclusions::usual());
    let (name, shared) = (Some(desk.name.as_str()), Arc::<Meddling>::clone(&clock));
    let mut screen = X11Screen::open(name, primary(rules), shared).expect("the screen opens");
    screen.look(true).expect("a picture");
    let hand = Arc::new(x11rb::connect(name).expect("another client").0);
    let (mut in_picture, mut missed) = ([0; 3], 0);
    for step in 0..8_u32 {
        let place = (10 + 30 * step as i16, 20, 20, 10);
        let window = notification(&desk, place);
        let later = ConfigureWindowAux::new().y(120 + step as i32);
        let acts: [Act; 3] = [
            Box::new(|conn, window| drop(conn.map_window(window).expect("sent").check())),
            Box::new(move |conn, window| drop(conn.configure_window(window, &later).expect("sent").check())),
            Box::new(|conn, window| drop(conn.unmap_window(window).expect("sent").check())),
        ];
        for (which, act) in acts.into_iter().enumerate() {
            let conn = Arc::clone(&hand);
            *clock.countdown.lock().expect("one thread") = Some((step, Box::new(move || act(&conn, window))));
            screen.look(true).expect("a picture");
            in_picture[which] += usize::from(covered_red(&mut screen) > 0);
            missed += usize::from(clock.countdown.lock().expect("one thread").take().is_some());
            // Whatever happened when, it has happened by now.
            screen.look(true).expect("a picture");
            covered_red(&mut screen);
        }
    }
    // Steps that a grab does not have: the others were meddled with, before and after the picture was taken.
    assert!(missed < 12, "{missed} of 24");
    assert!(in_picture.iter().all(|n| (1..=8).contains(n)), "{in_picture:?}");
}

#[test]
fn what_came_and_went_before_its_events_were_read_is_covered() {
    let desk = Desk::new("320x240x24");
    desk.paint(desk.root, 320, 240);
    let clock = Arc::new(Meddling { countdown: std::sync::Mutex::new(None) });
    let rules = Arc::new(Exclusions::usual());
    let (name, shared) = (Some(desk.name.as_str()), Arc::<Meddling>::clone(&clock));
    let mut screen = X11Screen::open(name, primary(rules), shared).expect("the screen opens");
    screen.look(true).expect("a picture");
    let hand = Arc::new(x11rb::connect(name).expect("another client").0);
    let away = ConfigureWindowAux::new().y(200);
    let goes: [Act; 3] = [
        Box::new(|conn, window| drop(conn.unmap_window(window).expect("sent").check())),
        Box::new(move |conn, window| drop(conn.configure_window(window, &away).expect("sent").check())),
        Box::new(|conn, window| drop(conn.destroy_window(window).expect("sent").check())),
    ];
    for (which, go) in goes.into_iter().enumerate() {
        let (go, mut in_picture) = (Arc::new(std::sync::Mutex::new(go)), 0);
        for step in 0..6_u32 {
            let window = notification(&desk, (10 + 30 * step as i16, 20, 20, 10));
            let (conn, again, go) = (Arc::clone(&hand), Arc::clone(&clock), Arc::clone(&go));
            let come = move || {
                conn.map_window(window).expect("sent").check().expect("it is mapped");
                // At the next step it goes.
                let act = move || go.lock().expect("one thread")(&conn, window);
                *again.countdown.lock().expect("one thread") = Some((0, Box::new(act)));
            };
            *clock.countdown.lock().expect("one thread") = Some((step, Box::new(come)));
            screen.look(true).expect("a picture");
            in_picture += usize::from(covered_red(&mut screen) > 0);
            drop(clock.countdown.lock().expect("one thread").take());
            screen.look(true).expect("a picture");
            covered_red(&mut screen);
            desk.conn.destroy_window(window).expect("sent").ignore_error();
            desk.sync();
        }
        assert!(in_picture > 0, "{which}: never in the picture");
    }
}

/// Not a test: what following windows costs a grab that takes nothing. `cargo test --lib guard_costs -- --ignored --nocapture`.
#[test]
#[ignore = "measures"]
fn guard_costs() {
    let desk = Desk::new("1920x1080x24");
    for n in 0..40 {
        desk.window(desk.root, (n * 20, n * 10, 300, 200), Some(GREEN));
    }
    let open = |rules| X11Screen::open(Some(&desk.name), primary(Arc::new(rules)), Arc::new(SystemClock));
    let cpu = || {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
    };
    for (what, shown) in [("40 windows", 0), ("40 windows, a notification", 1), ("40 windows, four notifications", 4)] {
        for n in 0..shown {
            let window = notification(&desk, (1500, 20 + n * 120, 400, 100));
            desk.conn.map_window(window).expect("sent");
        }
        desk.sync();
        for (rules, named) in [(Exclusions::none(), "not followed"), (Exclusions::usual(), "followed")] {
            let mut screen = open(rules).expect("the screen opens");
            screen.look(true).expect("a picture");
            let (cpu_before, before, rounds) = (cpu(), SystemClock.now(), 2000);
            for _ in 0..rounds {
                screen.look(false).expect("a picture");
                std::hint::black_box(screen.covered());
            }
            let wall = SystemClock.now().since(before).as_secs_f64() * 1e6 / f64::from(rounds);
            println!(
                "{what}, {named}: {:.2} us CPU, {wall:.2} us wall",
                (cpu() - cpu_before) * 1e3 / f64::from(rounds)
            );
        }
    }
}
