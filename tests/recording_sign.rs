//! The sign on the screen while it records: seen by who sits there, in no picture, and in nobody's way. Real windows on a real X server, every frame
//! decoded, and the screen looked at by another client.
#![cfg(all(target_os = "linux", feature = "x11"))]

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;
use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::randr::{self, MonitorInfo};
use x11rb::protocol::xproto::{
    AtomEnum, BUTTON_PRESS_EVENT, BUTTON_RELEASE_EVENT, ChangeWindowAttributesAux, ConfigureWindowAux,
    ConnectionExt as _, EventMask, ImageFormat, MOTION_NOTIFY_EVENT, Window,
};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;

use crate::privacy::{desk, frames, metadata, number, of_type, record, rows, stop};
use crate::support::{Display, Running, run, watchcap};

const PATIENCE: Duration = Duration::from_secs(10);
/// Size of the desktop, and where the sign is in its usual corner.
const DESK: (u32, u32) = (400, 300);
const PLACE: (usize, usize, usize, usize) = (300, 268, 92, 24);

/// Another client, who looks at the screen.
struct Eye {
    conn: RustConnection,
    root: Window,
    size: (u32, u32),
}

impl Eye {
    fn on(display: &Display, size: (u32, u32)) -> Self {
        let (conn, screen) = x11rb::connect(Some(&display.name)).expect("a connection");
        let root = conn.setup().roots[screen].root;
        Self { conn, root, size }
    }

    /// The screen: red, green and blue of every pixel.
    fn screen(&self) -> Vec<[u8; 3]> {
        let (width, height) = (self.size.0 as u16, self.size.1 as u16);
        let image = self.conn.get_image(ImageFormat::Z_PIXMAP, self.root, 0, 0, width, height, !0).expect("a request");
        image.reply().expect("an image").data.chunks_exact(4).map(|p| [p[2], p[1], p[0]]).collect()
    }

    /// Where red pixels are: the box around them.
    fn red(&self) -> Option<(usize, usize, usize, usize)> {
        let width = self.size.0 as usize;
        let screen = self.screen();
        let red =
            || screen.iter().enumerate().filter(|(_, pixel)| is_red(**pixel)).map(|(at, _)| (at % width, at / width));
        let (left, right) = (red().map(|at| at.0).min()?, red().map(|at| at.0).max()?);
        let (top, bottom) = (red().map(|at| at.1).min()?, red().map(|at| at.1).max()?);
        Some((left, top, right, bottom))
    }

    /// The sign's window.
    fn sign(&self) -> Option<Window> {
        let tree = self.conn.query_tree(self.root).expect("a request").reply().expect("the tree");
        tree.children.into_iter().find(|window| {
            let class = self.conn.get_property(false, *window, AtomEnum::WM_CLASS, AtomEnum::STRING, 0, 64);
            let class = class.expect("a request").reply();
            class.is_ok_and(|class| class.value.starts_with(b"watchcap-recording-sign"))
        })
    }

    fn fake(&self, kind: u8, detail: u8, (x, y): (i16, i16)) {
        let sent = self.conn.xtest_fake_input(kind, detail, x11rb::CURRENT_TIME, self.root, x, y, 0);
        sent.expect("a request").check().expect("a fake input");
    }
}

fn is_red(pixel: [u8; 3]) -> bool {
    pixel[0] > 150 && pixel[1] < 90 && pixel[2] < 90
}

fn wait_for(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The sign's circle is where it belongs.
fn is_in_its_corner(red: Option<(usize, usize, usize, usize)>) -> bool {
    let (x, y, width, height) = PLACE;
    red.is_some_and(|(left, top, right, bottom)| {
        left >= x && top >= y && right < x + width && bottom < y + height && right - left == 11 && bottom - top == 11
    })
}

/// Every picture is without the sign, and black where it was; the rows say so of each of them.
fn check_masked(session: &Path) {
    let rows = rows(session);
    let shown = frames(session, &rows);
    assert!(shown.len() > 10);
    let spans: Vec<&Value> = of_type(&rows, &["redact"]).filter(|row| row["reason"] == "recording_sign").collect();
    let (x, y, width, height) = PLACE;
    for frame in &shown {
        assert_eq!(frame.count(is_red), 0, "the sign is to be seen at {}", frame.t);
        for at in [(x + 2, y + 2), (x + width - 3, y + height - 3), (x + width / 2, y + height / 2)] {
            assert!(frame.at(at.0, at.1).iter().all(|c| *c < 40), "{at:?} is not black at {}", frame.t);
        }
        assert!(!frame.at(x - 6, y + 4).iter().all(|c| *c < 40), "more is black than the sign's place");
        let is_told = spans.iter().any(|row| {
            let (from, until) = (row["t_ns"].as_i64().expect("a time"), number(row, "until_ns"));
            let place = ["x", "y", "width", "height"].map(|key| number(row, key) as usize);
            row["what"] == "pixels" && (from..=until).contains(&frame.t) && place == [x, y, width, height]
        });
        assert!(is_told, "no row tells of the mask at {}", frame.t);
    }
    let (code, _, err) = run(watchcap().arg("verify").arg(session));
    assert_eq!(code, 0, "{err}");
}

#[test]
fn it_is_on_the_screen_and_in_no_picture_and_clicks_go_through_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let (display, mut windows) = desk(DESK);
    let eye = Eye::on(&display, DESK);
    assert_eq!(eye.red(), None);
    let recorder = record(&display, dir.path(), &["--fps", "30", "--sign", "on"]);
    wait_for("it is not shown", || is_in_its_corner(eye.red()));
    assert!(eye.screen()[(PLACE.1 + 12) * DESK.0 as usize + PLACE.0 + 60] != [0, 0, 0], "the word is there as well");

    // Clicks go to what is under it, and the keyboard to whoever has it.
    let under = windows.id("desk") as Window;
    let clicks = ChangeWindowAttributesAux::new().event_mask(EventMask::BUTTON_PRESS);
    eye.conn.change_window_attributes(under, &clicks).expect("a request").check().expect("listening");
    windows.command("focus desk");
    let middle = ((PLACE.0 + 40) as i16, (PLACE.1 + 12) as i16);
    eye.fake(MOTION_NOTIFY_EVENT, 0, middle);
    let pointer = eye.conn.query_pointer(eye.root).expect("a request").reply().expect("the pointer");
    assert_eq!((pointer.root_x, pointer.root_y, pointer.child), (middle.0, middle.1, under));
    eye.fake(BUTTON_PRESS_EVENT, 1, (0, 0));
    eye.fake(BUTTON_RELEASE_EVENT, 1, (0, 0));
    let event = eye.conn.wait_for_event().expect("an event");
    assert!(matches!(event, Event::ButtonPress(event) if event.event == under), "{event:?}");
    let focus = eye.conn.get_input_focus().expect("a request").reply().expect("the focus").focus;
    assert_eq!(focus, under);

    // What comes over it is not over it for long.
    windows.command("open cover 200 200 200 100 3060a0");
    wait_for("it stays covered", || is_in_its_corner(eye.red()));
    windows.command("wait 300");
    windows.command("close cover");
    // It says that it is paused, and that it goes on.
    let session = dir.path().join("s");
    let paused = |verb: &str| assert_eq!(run(watchcap().arg(verb).arg(&session)).0, 0, "{verb}");
    paused("pause");
    wait_for("it does not say that it is paused", || eye.red().is_none());
    assert!(eye.sign().is_some());
    paused("resume");
    wait_for("it does not say that it goes on", || is_in_its_corner(eye.red()));
    // Another program moves it: it comes back.
    let sign = eye.sign().expect("a window");
    eye.conn.configure_window(sign, &ConfigureWindowAux::new().y(200)).expect("a request").check().expect("moved");
    wait_for("it stays where it was moved to", || is_in_its_corner(eye.red()));
    windows.command("wait 900");
    let session = stop(recorder, dir.path());
    wait_for("it stays behind", || eye.red().is_none() && eye.sign().is_none());

    let told = &metadata(&session)["privacy"]["recording_sign"];
    assert_eq!((&told["shown"], &told["by"], &told["corner"]), (&true.into(), &"x11".into(), &"bottom-right".into()));
    assert_eq!(
        (&told["in_picture"], &told["away"], &told["monitor"]),
        (&true.into(), &Value::Array(vec![]), &"screen".into())
    );
    let rows = rows(&session);
    let focus: Vec<_> = of_type(&rows, &["focus"]).map(|row| row["app"].to_string()).collect();
    assert!(!focus.iter().any(|app| app.contains("watchcap")), "{focus:?}");
    let reasons: Vec<_> = of_type(&rows, &["redact"]).map(|row| row["reason"].to_string()).collect();
    assert!(
        reasons.iter().all(|reason| reason == "\"recording_sign\""),
        "no rule takes it for something else: {reasons:?}"
    );
    // Where it was moved to for a moment is left out: that mask comes with the next picture.
    let until = frames(&session, &rows).len();
    assert!(until > 30);
}

#[test]
fn every_picture_is_masked_where_it_is_from_the_first_to_the_last() {
    let dir = tempfile::tempdir().expect("a folder");
    let (display, mut windows) = desk(DESK);
    let recorder = record(&display, dir.path(), &["--fps", "30", "--sign", "bottom-right"]);
    windows.command("open cover 200 200 200 100 3060a0");
    windows.command("wait 1200");
    windows.command("close cover");
    windows.command("wait 300");
    check_masked(&stop(recorder, dir.path()));
}

#[test]
fn it_is_beside_what_is_recorded_where_there_is_room_and_then_nothing_is_masked() {
    let dir = tempfile::tempdir().expect("a folder");
    let (display, mut windows) = desk(DESK);
    let eye = Eye::on(&display, DESK);
    // A part of the monitor: another corner. The upper half is free.
    let region = ["--fps", "30", "--sign", "on", "--region", "0,150,400,150"];
    let recorder = record(&display, dir.path(), &region);
    wait_for("it is not above", || eye.red().is_some_and(|(.., bottom)| bottom < 32));
    windows.command("wait 300");
    let session = stop(recorder, dir.path());
    check_unmasked(&session, "top-right");

    // A window: its pictures show it alone.
    let dir = tempfile::tempdir().expect("a folder");
    windows.command("open app 250 200 150 100 3060a0 class=App title=App managed");
    let id = windows.id("app").to_string();
    let recorder = record(&display, dir.path(), &["--fps", "30", "--sign", "on", "--window", &id]);
    wait_for("it is not shown", || is_in_its_corner(eye.red()));
    windows.command("wait 300");
    let session = stop(recorder, dir.path());
    check_unmasked(&session, "bottom-right");
    windows.command("close app");

    // Another monitor.
    let dir = tempfile::tempdir().expect("a folder");
    let all =
        randr::get_screen_resources_current(&eye.conn, eye.root).expect("a request").reply().expect("the outputs");
    for (name, x) in [("LEFT", 0), ("RIGHT", 200)] {
        let atom = eye.conn.intern_atom(false, name.as_bytes()).expect("a request").reply().expect("an atom").atom;
        let monitor = MonitorInfo {
            name: atom,
            primary: x == 0,
            automatic: false,
            x,
            y: 0,
            width: 200,
            height: 300,
            width_in_millimeters: 50,
            height_in_millimeters: 75,
            // Else there would be one more monitor, of this output.
            outputs: if x == 0 { all.outputs.clone() } else { Vec::new() },
        };
        randr::set_monitor(&eye.conn, eye.root, monitor).expect("a request").check().expect("a monitor");
    }
    let recorder = record(&display, dir.path(), &["--fps", "30", "--sign", "on", "--monitor", "RIGHT"]);
    wait_for("it is not on the other monitor", || eye.red().is_some_and(|(.., right, _)| right < 200));
    windows.command("wait 300");
    let session = stop(recorder, dir.path());
    check_unmasked(&session, "bottom-right");
    assert_eq!(metadata(&session)["privacy"]["recording_sign"]["monitor"], "LEFT");
}

/// Nothing is black, and nothing red.
fn check_unmasked(session: &Path, corner: &str) {
    let told = &metadata(session)["privacy"]["recording_sign"];
    assert_eq!((&told["shown"], &told["in_picture"], &told["corner"]), (&true.into(), &false.into(), &corner.into()));
    let rows = rows(session);
    assert_eq!(of_type(&rows, &["redact"]).count(), 0);
    for frame in frames(session, &rows) {
        assert_eq!(frame.count(|p| is_red(p) || p.iter().all(|c| *c < 40)), 0, "at {}", frame.t);
    }
}

#[test]
fn one_that_is_destroyed_is_told_and_comes_back_and_the_recording_goes_on() {
    let dir = tempfile::tempdir().expect("a folder");
    let (display, mut windows) = desk(DESK);
    let eye = Eye::on(&display, DESK);
    let recorder = record(&display, dir.path(), &["--fps", "10", "--sign", "on"]);
    let sign = eye.sign().expect("a window");
    eye.conn.destroy_window(sign).expect("a request").check().expect("destroyed");
    assert_eq!(eye.red(), None);
    wait_for("it does not come back", || is_in_its_corner(eye.red()));
    windows.command("wait 500");
    let session = stop(recorder, dir.path());
    let err = std::fs::read_to_string(dir.path().join("stderr.txt")).expect("what it said");
    assert!(err.contains("is not shown any more") && err.contains("is shown again"), "{err}");
    let metadata = metadata(&session);
    let away = metadata["privacy"]["recording_sign"]["away"].as_array().expect("a list");
    assert_eq!((away.len(), &away[0]["reason"]), (1, &"gone".into()));
    let lasted = away[0]["until_ns"].as_i64().expect("a time") - away[0]["from_ns"].as_i64().expect("a time");
    assert!((4_000_000_000..9_000_000_000).contains(&lasted), "{lasted}");
    let rows = rows(&session);
    for frame in frames(&session, &rows) {
        assert_eq!(frame.count(is_red), 0, "the sign is to be seen at {}", frame.t);
    }
}

#[test]
fn one_of_a_killed_recorder_is_gone_with_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let (display, _windows) = desk(DESK);
    let eye = Eye::on(&display, DESK);
    let recorder = record(&display, dir.path(), &["--sign", "top-left"]);
    wait_for("it is not shown", || eye.red().is_some_and(|(left, top, ..)| left < 60 && top < 32));
    recorder.stop("KILL", PATIENCE);
    wait_for("it stays behind", || eye.red().is_none() && eye.sign().is_none());
    let (code, _, err) = run(watchcap().arg("finalize").arg(dir.path().join("s")));
    assert_eq!(code, 3, "{err}");
    let told = &metadata(&dir.path().join("s"))["privacy"]["recording_sign"];
    assert_eq!((&told["shown"], &told["corner"]), (&true.into(), &"top-left".into()));
}

#[test]
fn a_participant_has_one_by_itself_and_nobody_else() {
    let (display, _windows) = desk(DESK);
    let with = |extra: &[&str]| {
        let dir = tempfile::tempdir().expect("a folder");
        let recorder = record(&display, dir.path(), extra);
        metadata(&stop(recorder, dir.path()))["privacy"]["recording_sign"].clone()
    };
    assert_eq!(with(&[]), Value::Null);
    assert_eq!(with(&["--participant", "P-017"])["shown"], true);
    assert_eq!(with(&["--participant", "P-017", "--sign", "off"]), Value::Null);
}

#[test]
fn where_none_can_be_shown_it_is_refused_or_told() {
    let (display, _windows) = desk(DESK);
    let dir = tempfile::tempdir().expect("a folder");
    let mut command = watchcap();
    command.args([
        "record",
        "--consent",
        "screen",
        "--screen-backend",
        "xcap",
        "--allow-missing",
        "masks",
        "--duration",
        "1s",
    ]);
    command.env("DISPLAY", &display.name).args(["--session", "s", "--out"]).arg(dir.path()).stdin(Stdio::null());
    let (code, _, err) = run(command.args(["--sign", "on"]));
    assert_eq!(code, 1, "{err}");
    assert!(err.contains("no sign can be shown on the screen: xcap cannot") && err.contains("--sign off"), "{err}");
    assert!(!dir.path().join("s").exists());

    let mut command = watchcap();
    command.args([
        "record",
        "--consent",
        "screen",
        "--screen-backend",
        "xcap",
        "--allow-missing",
        "masks",
        "--duration",
        "1s",
    ]);
    command.env("DISPLAY", &display.name).args(["--session", "s", "--out"]).arg(dir.path()).stdin(Stdio::null());
    let (code, _, err) = run(command.args(["--participant", "P-017"]));
    assert!(code == 0 || code == 3, "{err}");
    assert!(err.contains("no sign on the screen says that it is recorded"), "{err}");
    let told = &metadata(&dir.path().join("s"))["privacy"]["recording_sign"];
    assert_eq!((&told["shown"], &told["by"], &told["in_picture"]), (&false.into(), &Value::Null, &Value::Null));
    assert_eq!((&told["away"][0]["reason"], &told["away"][0]["until_ns"]), (&"unavailable".into(), &Value::Null));

    let (code, _, err) =
        run(watchcap().args(["record", "--source", "synthetic", "--sign", "on", "--out"]).arg(dir.path()));
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("the built-in picture is on no screen"), "{err}");
}

#[test]
fn under_a_compositor_what_it_may_draw_around_it_is_masked_as_well() {
    let dir = tempfile::tempdir().expect("a folder");
    let (display, mut windows) = desk(DESK);
    let eye = Eye::on(&display, DESK);
    let name = eye.conn.intern_atom(false, b"_NET_WM_CM_S0").expect("a request").reply().expect("an atom").atom;
    let owner = windows.id("desk") as Window;
    eye.conn.set_selection_owner(owner, name, x11rb::CURRENT_TIME).expect("a request").check().expect("owned");
    let recorder = record(&display, dir.path(), &["--fps", "20", "--sign", "on"]);
    windows.command("open cover 200 200 200 100 3060a0");
    wait_for("it stays covered", || is_in_its_corner(eye.red()));
    windows.command("wait 300");
    let session = stop(recorder, dir.path());
    let rows = rows(&session);
    let places: Vec<_> =
        of_type(&rows, &["redact"]).map(|row| ["x", "y", "width", "height"].map(|key| number(row, key))).collect();
    assert!(places.contains(&[284, 252, 116, 48]), "{places:?}");
    for frame in frames(&session, &rows) {
        assert_eq!(frame.count(is_red), 0, "the sign is to be seen at {}", frame.t);
    }
}

#[test]
fn each_part_of_a_split_recording_says_when_it_was_not_shown_and_so_does_all_of_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let (display, _windows) = desk(DESK);
    let eye = Eye::on(&display, DESK);
    let mut command = watchcap();
    command.args([
        "record",
        "--consent",
        "screen",
        "--session",
        "s",
        "--split",
        "3s",
        "--duration",
        "8s",
        "--fps",
        "10",
    ]);
    command.args(["--sign", "on", "--out"]).arg(dir.path()).env("DISPLAY", &display.name);
    let recorder = Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs"));
    wait_for("it does not begin", || dir.path().join("s-part0001/log").is_dir() && eye.sign().is_some());
    let sign = eye.sign().expect("a window");
    eye.conn.destroy_window(sign).expect("a request").check().expect("destroyed");
    assert_eq!(recorder.wait(), 0);
    let part = |n: u32| metadata(&dir.path().join(format!("s-part000{n}")));
    let away = |metadata: &Value| metadata["privacy"]["recording_sign"]["away"].as_array().expect("a list").clone();
    let (first, second) = (part(1), part(2));
    let (lost, goes_on) = (away(&first), away(&second));
    assert_eq!((lost.len(), &lost[0]["until_ns"], &lost[0]["reason"]), (1, &Value::Null, &"gone".into()));
    assert_eq!((goes_on.len(), &goes_on[0]["from_ns"]), (1, &second["clock"]["t0_ns"]));
    for n in 1..=3 {
        let session = dir.path().join(format!("s-part000{n}"));
        let rows = rows(&session);
        assert!(frames(&session, &rows).iter().all(|frame| frame.count(is_red) == 0), "part {n}");
    }
    let whole = dir.path().join("whole");
    let (code, _, err) = run(watchcap().arg("join").arg(dir.path()).arg("--out").arg(&whole));
    assert_eq!(code, 0, "{err}");
    let joined = away(&metadata(&whole));
    assert_eq!((joined.len(), &joined[0]["from_ns"]), (1, &lost[0]["from_ns"]));
    let lasted = joined[0]["until_ns"].as_i64().expect("it came back") - joined[0]["from_ns"].as_i64().expect("a time");
    assert!((4_000_000_000..8_000_000_000).contains(&lasted), "{lasted}");
}
