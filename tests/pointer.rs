//! Pointers and keyboards of the real world against real servers (Xvfb, Xephyr, Xvnc): warped, confined and remote pointers, maps and
//! layouts that change, two keyboards, two screens, connections that the server does not trust.
#![cfg(all(target_os = "linux", feature = "x11"))]

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};

use watchcap::base::event::{Button, Layout};
use watchcap::base::time::{Clock as _, SystemClock};
use watchcap::capture::{CaptureError, RawInput};
use x11rb::connection::Connection;
use x11rb::protocol::xkb::{self, ConnectionExt as _};
use x11rb::protocol::xproto::{
    BUTTON_PRESS_EVENT, BUTTON_RELEASE_EVENT, ConnectionExt as _, CreateWindowAux, EventMask, GrabMode,
    KEY_PRESS_EVENT, KEY_RELEASE_EVENT, MOTION_NOTIFY_EVENT, ModMask, WindowClass,
};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

use crate::capture_input::{PATIENCE, Program, Running, Server, pause};

/// Detail of a faked motion: steps, or a place.
const STEPS: u8 = 1;
const PLACE: u8 = 0;

/// A client that does things.
struct Hand {
    conn: RustConnection,
    root: u32,
}

impl Hand {
    fn on(server: &Server) -> Self {
        let (conn, root) = server.connect();
        Self { conn, root }
    }

    fn fake(&self, kind: u8, detail: u8, to: (i16, i16)) {
        let root = if kind == MOTION_NOTIFY_EVENT { self.root } else { x11rb::NONE };
        let sent = self.conn.xtest_fake_input(kind, detail, x11rb::CURRENT_TIME, root, to.0, to.1, 0);
        sent.expect("send").check().expect("fake");
    }

    fn step(&self, by: (i16, i16)) {
        self.fake(MOTION_NOTIFY_EVENT, STEPS, by);
    }

    fn place(&self, at: (i16, i16)) {
        self.fake(MOTION_NOTIFY_EVENT, PLACE, at);
    }

    fn click(&self, button: u8) {
        self.fake(BUTTON_PRESS_EVENT, button, (0, 0));
        self.fake(BUTTON_RELEASE_EVENT, button, (0, 0));
    }

    fn tap(&self, key: u8) {
        self.fake(KEY_PRESS_EVENT, key, (0, 0));
        self.fake(KEY_RELEASE_EVENT, key, (0, 0));
    }

    fn warp(&self, root: u32, (x, y): (i16, i16)) {
        self.conn.warp_pointer(x11rb::NONE, root, 0, 0, 0, 0, x, y).expect("send").check().expect("warp");
    }

    /// A window that confines the pointer, as a game does.
    fn confine(&self, (x, y): (i16, i16), (width, height): (u16, u16)) -> u32 {
        let window = self.conn.generate_id().expect("an id");
        let with = CreateWindowAux::new().override_redirect(1);
        let class = WindowClass::INPUT_OUTPUT;
        self.conn.create_window(0, window, self.root, x, y, width, height, 0, class, 0, &with).expect("send");
        self.conn.map_window(window).expect("send");
        let (mask, mode) = (EventMask::POINTER_MOTION, GrabMode::ASYNC);
        let grabbed = self.conn.grab_pointer(true, window, mask, mode, mode, window, x11rb::NONE, x11rb::CURRENT_TIME);
        grabbed.expect("send").reply().expect("grabbed");
        window
    }
}

fn run(server: &Server, program: &str, args: &[&str]) {
    let mut command = Command::new(program);
    command.args(args).env("DISPLAY", &server.display).stdin(Stdio::null());
    let output = command.output().unwrap_or_else(|error| panic!("{program} (scripts/setup.sh test): {error}"));
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
}

/// What is left of the inputs without the active window, as text.
fn said(input: &RawInput) -> Option<String> {
    let at = |position: &Option<(f64, f64)>| match position {
        Some((x, y)) => format!("{x:.0},{y:.0}"),
        None => "?".into(),
    };
    match input {
        RawInput::Focus { .. }
        | RawInput::Secret { .. }
        | RawInput::Proved { .. }
        | RawInput::Pad { .. }
        | RawInput::PadLost { .. } => None,
        RawInput::Key { native, down, repeat, usage } => {
            Some(format!("key {native} {down} {repeat} {}", usage.is_some()))
        }
        RawInput::Motion { position, motion: None, warped: true } => Some(format!("warp {}", at(position))),
        RawInput::Motion { position, motion: Some((dx, dy)), warped: false } => {
            Some(format!("{} by {dx:.0},{dy:.0}", at(position)))
        }
        RawInput::Motion { position, .. } => Some(format!("{} by ?", at(position))),
        RawInput::Button { button, pressed, position } => {
            Some(format!("{} {} at {}", button.name(), if *pressed { "down" } else { "up" }, at(position)))
        }
        RawInput::Wheel { delta, position, .. } => Some(format!("wheel {delta:.0} at {}", at(position))),
        RawInput::Layout(Layout { names, group }) => Some(format!("layout {names:?} {group:?}")),
        RawInput::Unproved { count, .. } => Some(format!("unproved {count}")),
        RawInput::Skipped { count, reason, .. } => Some(format!("skipped {count} {reason}")),
        RawInput::Lost { reason, .. } => Some(format!("lost {reason}")),
    }
}

/// Ends the source; what it handed over.
fn told(source: Running) -> Vec<String> {
    pause(150);
    let (inputs, _) = source.end();
    // What was not proved is reported for the time from the first of it on.
    let happened = inputs.iter().filter(|input| !matches!(input.input, RawInput::Unproved { .. }));
    assert!(happened.is_sorted_by_key(|input| input.t), "stamps go back");
    inputs.iter().filter_map(|input| said(&input.input)).collect()
}

#[test]
fn every_warp_is_told_and_a_drag_by_warping_has_its_path() {
    let server = Server::free("Xvfb", &["-screen", "0", "640x480x24"], None);
    let hand = Hand::on(&server);
    hand.place((20, 20));
    let source = Running::xi2(&server);
    assert_eq!(source.description.warps, Some("record"));
    // All of it at once, as a script does.
    let warp = |to| {
        hand.conn.warp_pointer(x11rb::NONE, hand.root, 0, 0, 0, 0, to, 10).expect("send");
    };
    warp(100);
    hand.conn.xtest_fake_input(BUTTON_PRESS_EVENT, 1, 0, 0, 0, 0, 0).expect("send");
    warp(150);
    warp(200);
    hand.conn.xtest_fake_input(BUTTON_RELEASE_EVENT, 1, 0, 0, 0, 0, 0).expect("send");
    // To where it is already: nothing changes.
    warp(200);
    hand.conn.xtest_fake_input(MOTION_NOTIFY_EVENT, STEPS, 0, hand.root, 5, 6, 0).expect("send");
    hand.conn.sync().expect("done");
    pause(100);
    run(&server, "xdotool", &["mousemove", "400", "300", "click", "3"]);
    let wanted = [
        "warp 100,10",
        "left down at 100,10",
        "warp 150,10",
        "warp 200,10",
        "left up at 200,10",
        "205,16 by 5,6",
        "warp 400,300",
        "right down at 400,300",
        "right up at 400,300",
    ];
    assert_eq!(told(source), wanted);
}

#[test]
fn steps_in_a_window_that_confines_are_all_told() {
    let server = Server::free("Xvfb", &["-screen", "0", "640x480x24"], None);
    let hand = Hand::on(&server);
    let source = Running::xi2(&server);
    hand.step((2, 2));
    hand.confine((100, 100), (50, 50));
    let mut sent = (2.0, 2.0);
    for (dx, dy) in [(30, 3), (-7, -3), (0, 20), (5, -20), (40, 40), (9, 9)].iter().cycle().take(120) {
        hand.step((*dx, *dy));
        sent = (sent.0 + f64::from(*dx), sent.1 + f64::from(*dy));
    }
    pause(150);
    let (inputs, _) = source.end();
    let mut got = (0.0, 0.0);
    for input in &inputs {
        match &input.input {
            RawInput::Motion { motion: Some((dx, dy)), .. } => got = (got.0 + dx, got.1 + dy),
            RawInput::Motion { motion: None, warped: false, .. } | RawInput::Unproved { .. } => {
                panic!("a step is not known")
            }
            _ => {}
        }
    }
    assert_eq!(got, sent);
}

#[test]
fn a_step_that_nothing_proves_is_a_gap_and_no_motion() {
    let server = Server::free("Xvfb", &["-screen", "0", "640x480x24"], None);
    let hand = Hand::on(&server);
    hand.confine((100, 100), (1, 1));
    hand.step((1, 1));
    let source = Running::xi2(&server);
    hand.step((7, 3));
    hand.step((7, 3));
    assert_eq!(told(source), ["100,100 by ?", "100,100 by ?", "unproved 2"]);
}

#[test]
fn places_of_a_nested_server_are_no_motion() {
    let outer = Server::free("Xvfb", &["-screen", "0", "800x600x24"], None);
    let inner = Server::free("Xephyr", &["-screen", "640x480"], Some(&outer.display));
    let hand = Hand::on(&outer);
    let source = Running::xi2(&inner);
    for corner in [(300, 200), (639, 479), (0, 0), (639, 479), (5, 5)] {
        for back in (0..5).rev() {
            let near = |at: i16| if at > 100 { at - back * 3 } else { at + back * 3 };
            hand.place((near(corner.0), near(corner.1)));
            pause(15);
        }
    }
    pause(150);
    let (inputs, _) = source.end();
    let moves: Vec<_> = inputs.iter().filter(|i| matches!(i.input, RawInput::Motion { .. })).collect();
    assert!(moves.len() >= 15, "only {} motions arrived", moves.len());
    for input in moves {
        let RawInput::Motion { position, motion, .. } = &input.input else { continue };
        assert!(motion.is_none(), "a place was taken for a step: {motion:?} at {position:?}");
    }
}

/// A client of a VNC server.
struct Vnc(TcpStream);

impl Vnc {
    /// Starts the server too.
    fn start() -> (Server, Self) {
        let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its number").port();
        let port_text = port.to_string();
        let args = ["-geometry", "640x480", "-SecurityTypes", "None", "-localhost", "-rfbport", &port_text];
        let server = Server::free("Xvnc", &args, None);
        let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("set");
        let take = |stream: &mut TcpStream, count: usize| {
            let mut bytes = vec![0; count];
            stream.read_exact(&mut bytes).expect("it answers");
            bytes
        };
        take(&mut stream, 12);
        stream.write_all(b"RFB 003.008\n").expect("sent");
        let kinds = take(&mut stream, 1)[0];
        take(&mut stream, kinds.into());
        stream.write_all(&[1]).expect("sent");
        take(&mut stream, 4);
        stream.write_all(&[1]).expect("sent");
        take(&mut stream, 24);
        (server, Self(stream))
    }

    fn key(&mut self, down: bool, keysym: u32) {
        let mut message = vec![4, u8::from(down), 0, 0];
        message.extend_from_slice(&keysym.to_be_bytes());
        self.0.write_all(&message).expect("sent");
        pause(100);
    }

    fn pointer(&mut self, buttons: u8, x: u16, y: u16) {
        let mut message = vec![5, buttons];
        message.extend_from_slice(&x.to_be_bytes());
        message.extend_from_slice(&y.to_be_bytes());
        self.0.write_all(&message).expect("sent");
        pause(20);
    }
}

#[test]
fn a_key_and_a_button_of_two_devices_are_what_the_desktop_makes_of_them() {
    let (server, mut vnc) = Vnc::start();
    let hand = Hand::on(&server);
    let source = Running::xi2(&server);
    vnc.key(true, u32::from(b'w'));
    hand.tap(25);
    vnc.key(false, u32::from(b'w'));
    // Of a button the server waits for the last that holds it.
    vnc.pointer(1, 200, 100);
    hand.click(1);
    pause(50);
    vnc.pointer(0, 210, 100);
    let told = told(source);
    let keys: Vec<_> = told.iter().filter(|text| text.starts_with("key")).collect();
    assert_eq!(keys, ["key 25 true false true", "key 25 false false true"], "{told:?}");
    let clicks: Vec<_> = told.iter().filter(|text| text.starts_with("left")).collect();
    assert_eq!(clicks, ["left down at 200,100", "left up at 210,100"], "{told:?}");
}

#[test]
fn places_of_a_vnc_client_are_no_motion() {
    let (server, mut vnc) = Vnc::start();
    let source = Running::xi2(&server);
    for (x, y) in [(300, 200), (310, 210), (639, 479), (0, 0), (639, 479), (3, 4)] {
        vnc.pointer(0, x, y);
    }
    let told = told(source);
    let places: Vec<_> = told.iter().filter(|text| text.contains(" by ")).collect();
    assert!(places.iter().any(|text| *text == "639,479 by ?") && places.len() >= 5, "{told:?}");
    assert!(places.iter().all(|text| text.ends_with(" by ?")), "{told:?}");
}

#[test]
fn the_button_map_of_one_device_counts() {
    let server = Server::free("Xvfb", &["-screen", "0", "640x480x24"], None);
    let hand = Hand::on(&server);
    hand.place((50, 60));
    let source = Running::xi2(&server);
    hand.click(1);
    run(&server, "xinput", &["set-button-map", "Virtual core XTEST pointer", "3", "0", "1"]);
    for button in [1, 2, 3] {
        hand.click(button);
    }
    let told = told(source);
    let wanted = [(Button::Left, 0), (Button::Right, 1), (Button::Left, 3)]
        .map(|(button, _)| ["down", "up"].map(|way| format!("{} {way} at 50,60", button.name())));
    assert_eq!(told, wanted.concat(), "the middle one is switched off");
}

#[test]
fn layouts_and_groups_are_told_in_order_with_the_keys() {
    let server = Server::free("Xvfb", &["-screen", "0", "640x480x24"], None);
    run(&server, "setxkbmap", &["us,de", "-variant", ",nodeadkeys"]);
    let hand = Hand::on(&server);
    hand.conn.xkb_use_extension(1, 0).expect("send").reply().expect("XKB");
    let switch = |group: u8| {
        let (none, mods) = (ModMask::from(0_u16), ModMask::from(0_u16));
        let keyboard = u16::from(xkb::ID::USE_CORE_KBD);
        let sent = hand.conn.xkb_latch_lock_state(keyboard, none, mods, true, group.into(), none, false, 0);
        sent.expect("send").check().expect("switched");
        pause(60);
    };
    switch(1);
    let source = Running::xi2(&server);
    let names = |names: &str| Some(names.to_owned());
    assert_eq!(source.initial.layout, Layout { names: names("us,de(nodeadkeys)"), group: Some(1) });
    switch(0);
    hand.tap(38);
    switch(1);
    hand.tap(38);
    run(&server, "setxkbmap", &["fr", "-variant", ""]);
    pause(100);
    let told = told(source);
    let key = ["key 38 true false true".to_owned(), "key 38 false false true".to_owned()];
    let layout = |names: &str, group: u8| format!("layout {:?} {:?}", Some(names), Some(group));
    assert_eq!(told[0], layout("us,de(nodeadkeys)", 0), "{told:?}");
    assert_eq!(told[1..3], key, "{told:?}");
    assert_eq!(told[3], layout("us,de(nodeadkeys)", 1), "{told:?}");
    assert_eq!(told[4..6], key, "{told:?}");
    assert!(told.last().is_some_and(|last| last.starts_with("layout Some(\"fr\")")), "{told:?}");
}

#[test]
fn a_character_that_no_key_has_is_no_physical_key() {
    let server = Server::free("Xvfb", &["-screen", "0", "640x480x24"], None);
    let hand = Hand::on(&server);
    // Keycodes that the layout leaves empty; of one of them we know what its physical key would be.
    let setup = hand.conn.setup();
    let (first, last) = (setup.min_keycode, setup.max_keycode);
    let map = hand.conn.get_keyboard_mapping(first, last - first + 1).expect("send").reply().expect("the map");
    let each = usize::from(map.keysyms_per_keycode);
    let empty = (first..=last)
        .zip(map.keysyms.chunks(each))
        .filter(|(_, keysyms)| keysyms.iter().all(|keysym| *keysym == 0))
        .map(|(code, _)| code);
    let spare = empty.into_iter().find(|code| watchcap::base::hid::usage_of_x11((*code).into()).is_some());
    let spare = spare.expect("a keycode without a character whose key has a usage");
    let source = Running::xi2(&server);
    hand.tap(spare);
    let snowman = 0x0100_2603;
    hand.conn.change_keyboard_mapping(1, spare, 1, &[snowman]).expect("send").check().expect("changed");
    hand.tap(spare);
    hand.conn.change_keyboard_mapping(1, spare, 1, &[0]).expect("send").check().expect("changed");
    hand.tap(38);
    let told = told(source);
    let taps = |code: u8, known: bool| ["true", "false"].map(|down| format!("key {code} {down} false {known}"));
    assert_eq!(told, [taps(spare, true), taps(spare, false), taps(38, true)].concat());
}

#[test]
fn on_another_screen_there_is_motion_and_no_place() {
    let server = Server::free("Xvfb", &["-screen", "0", "640x480x24", "-screen", "1", "320x240x24"], None);
    let hand = Hand::on(&server);
    hand.place((300, 200));
    let source = Running::xi2(&server);
    hand.step((5, 5));
    let other = hand.conn.setup().roots[1].root;
    hand.warp(other, (100, 100));
    pause(50);
    hand.step((7, 3));
    hand.click(1);
    hand.warp(hand.root, (50, 60));
    hand.step((1, 2));
    let wanted =
        ["305,205 by 5,5", "warp ?", "? by 7,3", "left down at ?", "left up at ?", "warp 50,60", "51,62 by 1,2"];
    assert_eq!(told(source), wanted);
}

#[test]
fn without_the_servers_record_warps_are_found_by_asking() {
    let server = Server::free("Xvfb", &["-screen", "0", "640x480x24", "-extension", "RECORD"], None);
    let hand = Hand::on(&server);
    let source = Running::xi2(&server);
    assert_eq!(source.description.warps, Some("poll"));
    for to in [(100, 100), (300, 200)] {
        hand.warp(hand.root, to);
        pause(200);
    }
    let told = told(source);
    assert_eq!(told, ["warp 100,100", "warp 300,200"]);
}

#[test]
fn an_untrusted_connection_is_named_with_the_way_out() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = |name: &str| dir.path().join(name).display().to_string();
    let (server_file, client_file) = (path("server"), path("client"));
    let number = Server::free("Xvfb", &["-screen", "0", "320x240x24"], None).display.clone();
    let xauth = |file: &str, args: &[&str]| {
        let status = Command::new("xauth").args(["-q", "-f", file]).args(args).env("XAUTHORITY", file).status();
        assert!(status.expect("xauth (scripts/setup.sh test)").success(), "{args:?}");
    };
    xauth(&server_file, &["add", &number, ".", &"5a".repeat(16)]);
    let mut command = Command::new("Xvfb");
    command.args([&number, "-noreset", "-auth", &server_file, "-screen", "0", "320x240x24"]);
    let _server = Program::start(&mut command);
    std::fs::copy(&server_file, &client_file).expect("copied");
    let until = SystemClock.now().plus(PATIENCE);
    loop {
        let asked = Command::new("xdpyinfo").args(["-display", &number]).env("XAUTHORITY", &server_file).output();
        if asked.expect("xdpyinfo (scripts/setup.sh test)").status.success() {
            break;
        }
        assert!(SystemClock.now() < until, "Xvfb did not start");
        pause(50);
    }
    xauth(&client_file, &["generate", &number, ".", "untrusted", "timeout", "600"]);
    for more in [&["record", "--consent", "screen,input", "--duration", "1s"][..], &["targets"], &["doctor"]] {
        let output = Command::new(env!("CARGO_BIN_EXE_watchcap"))
            .args(more)
            .current_dir(dir.path())
            .env("DISPLAY", &number)
            .env("XAUTHORITY", &client_file)
            .env_remove("WAYLAND_DISPLAY")
            .output()
            .expect("watchcap runs");
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(said.contains("does not trust this connection") && said.contains("ssh -Y"), "{more:?}: {said}");
        let said = said.replace("needs no display", "");
        assert!(!said.contains("no display:"), "{more:?}: {said}");
    }
    let error = CaptureError::Untrusted { display: number };
    assert!(error.hint().is_some_and(|hint| hint.contains("ssh -Y")));
}
