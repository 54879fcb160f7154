//! From the finger to the picture on a real compositor: one hand presses a button on a device that the recorder reads, and then, with the
//! same stamp, on the compositor's seat, as the kernel hands it to every reader. A client shows how many presses it has had.
#![cfg(all(target_os = "linux", feature = "evdev", feature = "wayland"))]

use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use watchcap::base::time::{Clock as _, SystemClock};
use watchcap::capture::synthetic::Barcode;
use watchcap::media::frames::FrameReader;
use watchcap::session::table::read::SessionReader;
use watchcap::session::table::row::OwnedRow;
use wayland_client::globals::{GlobalListContents, registry_queue_init};
use wayland_client::protocol::wl_pointer::ButtonState;
use wayland_client::protocol::wl_registry::{self, WlRegistry};
use wayland_client::{Connection, Dispatch, EventQueue, QueueHandle, delegate_noop};
use wayland_protocols_wlr::virtual_pointer::v1::client::zwlr_virtual_pointer_manager_v1::ZwlrVirtualPointerManagerV1;
use wayland_protocols_wlr::virtual_pointer::v1::client::zwlr_virtual_pointer_v1::ZwlrVirtualPointerV1;

use crate::support::device::{Device, may_mount, recording};
use crate::support::sway::Sway;
use crate::support::{Running, example, run, watchcap};

const PATIENCE: Duration = Duration::from_secs(20);
const BTN_LEFT: u32 = 0x110;
const PRESSES: usize = 20;

/// A pointer of the compositor's seat.
struct Hand {
    events: EventQueue<Nothing>,
    pointer: ZwlrVirtualPointerV1,
}

struct Nothing;

impl Dispatch<WlRegistry, GlobalListContents> for Nothing {
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

delegate_noop!(Nothing: ignore ZwlrVirtualPointerManagerV1);
delegate_noop!(Nothing: ignore ZwlrVirtualPointerV1);

impl Hand {
    fn new(sway: &Sway) -> Self {
        let socket = UnixStream::connect(sway.runtime_dir().join(&sway.wayland)).expect("a compositor");
        let connection = Connection::from_socket(socket).expect("a connection");
        let (globals, events) = registry_queue_init::<Nothing>(&connection).expect("its globals");
        let manager: ZwlrVirtualPointerManagerV1 = globals.bind(&events.handle(), 1..=2, ()).expect("virtual pointers");
        let pointer = manager.create_virtual_pointer(None, &events.handle(), ());
        let mut hand = Self { events, pointer };
        hand.pointer.motion_absolute(0, 320, 400, 640, 480);
        hand.pointer.frame();
        hand.go();
        hand
    }

    fn go(&mut self) {
        self.events.roundtrip(&mut Nothing).expect("the compositor answers");
    }

    fn press(&mut self, ns: i64, state: ButtonState) {
        self.pointer.button((ns / 1_000_000) as u32, BTN_LEFT, state);
        self.pointer.frame();
        self.go();
    }
}

fn pause(ms: u64) {
    std::thread::sleep(Duration::from_millis(ms));
}

fn wait_for(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "{what}");
        pause(20);
    }
}

/// When the client committed the picture of each number of presses.
fn commits(log: &Path) -> Vec<i64> {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    lines.filter(|line| line["kind"] == "paint").filter_map(|line| line["before"].as_i64()).collect()
}

#[test]
fn a_press_is_before_the_first_picture_that_shows_it_and_no_earlier_picture_does() {
    if may_mount() {
        let sway = Sway::start((640, 480), false);
        presses(&sway, "a monitor", true, &["--allow-missing", "masks,redaction,focus,position,lock"]);
    }
}

/// The recorded window is the active one by its identifier, which both ways tell, so its inputs are recorded.
#[test]
fn a_press_on_a_window_that_is_recorded_alone_is_before_the_first_picture_that_shows_it() {
    if !may_mount() {
        return;
    }
    let Some(sway) = Sway::start_newer((640, 480)) else { return };
    let window = ["--app", "barcode_client", "--allow-missing", "position,lock"];
    presses(&sway, "a monitor of Debian testing", true, &["--allow-missing", "masks,redaction,focus,position,lock"]);
    presses(&sway, "a window", true, &window);
    presses(&sway, "a window, by the lists of windows", false, &window);
}

/// One hand moves the pointer of the seat; nobody asks for positions to be missing. Sway tells them where it does not draw the pointer into the pictures.
#[test]
fn the_places_of_the_pointer_are_recorded_where_the_compositor_tells_them() {
    if !may_mount() {
        return;
    }
    let Some(sway) = Sway::start_newer((640, 480)) else { return };
    let (folder, out) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let about = serde_json::json!({ "name": "Test Mouse", "keys": [BTN_LEFT], "rel": [0, 1] });
    let mut mouse = Device::plug(&folder.path().join("event0"), &about);
    let mut command = recording(folder.path(), out.path(), "30");
    let said = sway.file("said");
    let stderr = std::fs::File::create(&said).expect("a file");
    command
        .args(["--cursor", "off", "--allow-missing", "masks,redaction,focus,lock"])
        .stdout(Stdio::null())
        .stderr(stderr);
    let running = Running(sway.admit(&mut command).spawn().expect("it runs"));
    let began = Instant::now();
    while !out.path().join("s/log").is_dir() {
        let said = || std::fs::read_to_string(&said).unwrap_or_default();
        assert!(began.elapsed() < PATIENCE, "it does not begin: {}", said());
        pause(20);
    }
    // The seat has had no pointer until now.
    let mut hand = Hand::new(&sway);
    pause(500);
    let mut done = Vec::new();
    for step in 0..PRESSES as u32 {
        let at = (40 + step * 25, 60 + step * 17);
        let t = SystemClock.now().0;
        hand.pointer.motion_absolute((t / 1_000_000) as u32, at.0, at.1, 640, 480);
        hand.pointer.frame();
        hand.go();
        done.push((t, at));
        pause(100 + u64::from(step) * 7 % 33);
    }
    // Buttons have no place of their own. While the pointer rests it is known, and not while it moves, nor once it is gone.
    let (mut rested, mut moving) = (Vec::new(), Vec::new());
    for step in 0..PRESSES as u32 {
        let at = (600 - step * 25, 60 + step * 17);
        let t = mouse.does("ev 2 0 5");
        hand.pointer.motion_absolute((t / 1_000_000) as u32, at.0, at.1, 640, 480);
        hand.pointer.frame();
        hand.go();
        moving.push(mouse.does(&format!("ev 1 {BTN_LEFT} 1")));
        mouse.does(&format!("ev 1 {BTN_LEFT} 0"));
        pause(250 + u64::from(step) * 7 % 33);
        rested.push((mouse.does(&format!("ev 1 {BTN_LEFT} 1")), at));
        mouse.does(&format!("ev 1 {BTN_LEFT} 0"));
        pause(20);
    }
    let (code, _) = running.stop("INT", PATIENCE);
    assert!(code == 0 || code == 3, "{code}");
    drop(mouse);
    let session = out.path().join("s");
    let (code, _, err) = run(watchcap().arg("verify").arg(&session));
    assert_eq!(code, 0, "{err}");
    let reader = SessionReader::open(&session).expect("a session");
    let rows = reader.events().rows().collect::<Result<Vec<OwnedRow>, _>>().expect("rows");
    let moves = rows.iter().filter(|row| row.event_type == "mouse_move");
    let told: Vec<(i64, f32, f32)> =
        moves.filter_map(|row| Some((row.t_ns, row.mouse_x? * 640.0, row.mouse_y? * 480.0))).collect();
    let mut late = Vec::new();
    for (t, (x, y)) in &done {
        let is_it = |told: &&(i64, f32, f32)| (told.1 - *x as f32).abs() < 1.5 && (told.2 - *y as f32).abs() < 1.5;
        let Some((at, ..)) = told.iter().find(is_it) else { continue };
        assert!(at >= t, "{x},{y} was told {} ns before it was done", t - at);
        late.push((at - t) / 1000);
    }
    late.sort_unstable();
    println!("{} places told, {} of {PRESSES} of the hand: late by {late:?} us", told.len(), late.len());
    assert!(late.len() * 10 >= PRESSES * 9, "{} of {PRESSES}:\n{told:?}\n{done:?}", late.len());
    assert!(late[late.len() / 2] < 50_000, "{late:?}");
    let clicks: Vec<&OwnedRow> =
        rows.iter().filter(|row| row.event_type == "mouse_click" && row.pressed == Some(true)).collect();
    let click = |t: i64| clicks.iter().find(|row| row.t_ns == t).expect("a press");
    assert!(moving.iter().all(|t| click(*t).mouse_x.is_none()), "a place while the pointer moves");
    let mut known = 0;
    for (t, (x, y)) in &rested {
        let Some((found_x, found_y)) = click(*t).mouse_x.zip(click(*t).mouse_y) else { continue };
        let is_it = (found_x * 640.0 - *x as f32).abs() < 1.5 && (found_y * 480.0 - *y as f32).abs() < 1.5;
        assert!(is_it, "pressed at {x},{y}, and said to be at {},{}", found_x * 640.0, found_y * 480.0);
        known += 1;
    }
    println!(
        "{known} of {PRESSES} presses while the pointer rests have its place, and none of {PRESSES} while it moves"
    );
    assert!(known * 10 >= PRESSES * 8, "{known} of {PRESSES} have a place");
}

/// `by_socket`: sway tells the active window by its socket, else by its list of windows.
fn presses(sway: &Sway, of: &str, by_socket: bool, more: &[&str]) {
    for fps in ["30", "60"] {
        let log = sway.file(&format!("{of}, presses{fps}"));
        let mut client = example("wayland_client");
        client.args(["--count", "presses", "--log"]).arg(&log).stderr(Stdio::null());
        let client = Running(sway.admit(&mut client).spawn().expect("a client"));
        wait_for("the client does not paint", || !commits(&log).is_empty());
        let (folder, out) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let about = serde_json::json!({ "name": "Test Mouse", "keys": [BTN_LEFT], "rel": [0, 1] });
        let mut mouse = Device::plug(&folder.path().join("event0"), &about);
        let mut command = recording(folder.path(), out.path(), fps);
        let said = sway.file("said");
        let stderr = std::fs::File::create(&said).expect("a file");
        command.args(more).stdout(Stdio::null()).stderr(stderr);
        let command = sway.admit(&mut command);
        if !by_socket {
            command.env_remove("SWAYSOCK");
        }
        let running = Running(command.spawn().expect("it runs"));
        let began = Instant::now();
        while !out.path().join("s/log").is_dir() {
            let said = || std::fs::read_to_string(&said).unwrap_or_default();
            assert!(began.elapsed() < PATIENCE, "it does not begin: {}", said());
            pause(20);
        }
        let mut hand = Hand::new(sway);
        pause(700);
        let mut told = Vec::new();
        for at in 0..PRESSES {
            let ns = mouse.does(&format!("ev 1 {BTN_LEFT} 1"));
            hand.press(ns, ButtonState::Pressed);
            told.push(ns);
            pause(60);
            let ns = mouse.does(&format!("ev 1 {BTN_LEFT} 0"));
            hand.press(ns, ButtonState::Released);
            // At no fixed place between two pictures.
            pause(80 + at as u64 * 7 % 33);
        }
        let (code, _) = running.stop("INT", PATIENCE);
        assert!(code == 0 || code == 3, "{code}");
        drop((client, mouse));
        println!("{of}:");
        check(&out.path().join("s"), &told, &commits(&log), fps);
    }
}

/// Holds a recording against what was done.
fn check(session: &Path, told: &[i64], commits: &[i64], fps: &str) {
    let (code, _, err) = run(watchcap().arg("verify").arg(session));
    assert_eq!(code, 0, "{err}");
    let reader = SessionReader::open(session).expect("a session");
    let rows = reader.events().rows().collect::<Result<Vec<OwnedRow>, _>>().expect("rows");
    let presses: Vec<&OwnedRow> =
        rows.iter().filter(|row| row.event_type == "mouse_click" && row.pressed == Some(true)).collect();
    assert_eq!(presses.iter().map(|row| row.t_ns).collect::<Vec<_>>(), told, "the kernel's stamps, all of them");
    assert_eq!(commits.len(), PRESSES + 1, "each press was shown");
    let mut video = FrameReader::open(&session.join("frames.mp4")).expect("a video");
    let frames: Vec<&OwnedRow> = rows.iter().filter(|row| row.event_type == "frame").collect();
    let mut first: Vec<Option<i64>> = vec![None; PRESSES + 1];
    let mut shown_at = Vec::new();
    for (at, row) in frames.iter().enumerate() {
        let picture = video.decode(at).expect("a picture");
        let luma = picture.planes().0;
        let number = Barcode { cell: 16 }.read(|x, y| luma[(y - 16) * 640 + x - 16]).map(|number| number as usize);
        shown_at.push(number);
        let Some(number) = number else { continue };
        first[number].get_or_insert(row.t_ns);
        assert!(commits[number] <= row.t_ns, "frame {at} shows press {number} before it was drawn");
        assert!(number == 0 || told[number - 1] <= row.t_ns, "frame {at} shows press {number} before it was made");
    }
    let mut errors = Vec::new();
    for (at, press) in presses.iter().enumerate() {
        assert!(told[at] <= commits[at + 1], "press {at} was drawn before it was made");
        // The picture that the row names is the last one of before: it does not show the press.
        let before = press.frame_ref.and_then(|frame| usize::try_from(frame).ok()).expect("a frame before");
        assert!(shown_at[before].is_none_or(|number| number <= at), "press {at} is shown by the picture before it");
        errors.extend(first[at + 1].map(|shown| (shown - told[at]) / 1000));
    }
    // A machine that stands still for a while drops pictures, and says so; presses it does not.
    assert!(errors.len() * 10 >= PRESSES * 9, "{} of {PRESSES} presses are in a picture", errors.len());
    errors.sort_unstable();
    let (median, worst) = (errors[errors.len() / 2], errors[errors.len() - 1]);
    println!(
        "{fps} fps: {} presses, from the press to the time of the first picture that shows it: median {median} us, worst {worst} us",
        presses.len()
    );
}
