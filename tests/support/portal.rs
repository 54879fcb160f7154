//! A session bus of a test's own with a desktop portal on it that asks nobody, and a program in the place of `watchcap-pipewire` that makes pictures
//! up: no PipeWire and no desktop are needed.
#![allow(
    clippy::unused_self,
    clippy::used_underscore_binding,
    reason = "methods of D-Bus, whose shape the portal has made"
)]

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use zbus::blocking::{Connection, connection};
use zbus::message::Header;
use zbus::zvariant::{ObjectPath, OwnedFd, OwnedObjectPath, OwnedValue, Value};

use super::{Running, watchcap};

type Options = HashMap<String, OwnedValue>;

/// What the portal was asked, and what it does.
#[derive(Clone, Default)]
pub(crate) struct Behaviour {
    /// The response to `Start`: 0 as chosen, 1 as cancelled.
    pub(crate) response: u32,
    /// The node that is handed out; the program that makes pictures up does what that says ([`PIPEWIRE`]).
    pub(crate) node: u32,
    pub(crate) cursors: u32,
    /// The options of each `SelectSources`: cursor mode, persist mode and token.
    pub(crate) selected: Vec<(Option<u32>, Option<u32>, Option<String>)>,
    pub(crate) session: Option<String>,
    pub(crate) starts: u32,
}

#[derive(Clone, Default)]
struct Casts(Arc<Mutex<Behaviour>>);

/// Answers a request before the call returns, as the portal may.
async fn respond(
    bus: &zbus::Connection,
    header: &Header<'_>,
    options: &Options,
    code: u32,
    results: Options,
) -> OwnedObjectPath {
    let sender = header.sender().expect("a sender").trim_start_matches(':').replace('.', "_");
    let token = text(options, "handle_token").expect("a token");
    let path = format!("/org/freedesktop/portal/desktop/request/{sender}/{token}");
    bus.emit_signal(None::<&str>, path.as_str(), "org.freedesktop.portal.Request", "Response", &(code, results))
        .await
        .expect("a signal");
    ObjectPath::try_from(path).expect("a path").into()
}

fn text(options: &Options, name: &str) -> Option<String> {
    options.get(name).and_then(|value| String::try_from(value.try_clone().ok()?).ok())
}

fn number(options: &Options, name: &str) -> Option<u32> {
    options.get(name).and_then(|value| u32::try_from(value).ok())
}

fn value<'a>(value: impl Into<Value<'a>>) -> OwnedValue {
    OwnedValue::try_from(value.into()).expect("a value")
}

#[zbus::interface(name = "org.freedesktop.portal.ScreenCast")]
impl Casts {
    #[zbus(property, name = "version")]
    fn version(&self) -> u32 {
        4
    }
    #[zbus(property)]
    fn available_source_types(&self) -> u32 {
        3
    }
    #[zbus(property)]
    fn available_cursor_modes(&self) -> u32 {
        self.0.lock().expect("no panic").cursors
    }
    async fn create_session(
        &self,
        options: Options,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &zbus::Connection,
    ) -> OwnedObjectPath {
        let session = format!(
            "/org/freedesktop/portal/desktop/session/t/{}",
            text(&options, "session_handle_token").expect("a token")
        );
        self.0.lock().expect("no panic").session = Some(session.clone());
        respond(bus, &header, &options, 0, [("session_handle".to_owned(), value(session))].into()).await
    }
    async fn select_sources(
        &self,
        _session: OwnedObjectPath,
        options: Options,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &zbus::Connection,
    ) -> OwnedObjectPath {
        let asked =
            (number(&options, "cursor_mode"), number(&options, "persist_mode"), text(&options, "restore_token"));
        self.0.lock().expect("no panic").selected.push(asked);
        respond(bus, &header, &options, 0, Options::new()).await
    }
    async fn start(
        &self,
        _session: OwnedObjectPath,
        _parent: String,
        options: Options,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &zbus::Connection,
    ) -> OwnedObjectPath {
        let (response, node, starts) = {
            let mut behaviour = self.0.lock().expect("no panic");
            behaviour.starts += 1;
            (behaviour.response, behaviour.node, behaviour.starts)
        };
        let about: HashMap<&str, Value<'_>> =
            [("position", Value::from((100, 50))), ("size", Value::from((160, 120)))].into();
        let results = [
            ("streams".to_owned(), value(vec![(node, about)])),
            ("restore_token".to_owned(), value(format!("token-{starts}"))),
        ];
        respond(bus, &header, &options, response, results.into()).await
    }
    fn open_pipe_wire_remote(&self, _session: OwnedObjectPath, _options: Options) -> OwnedFd {
        let (one, _other) = UnixStream::pair().expect("a pair");
        std::os::fd::OwnedFd::from(one).into()
    }
}

/// The bus, and the portal on it.
pub(crate) struct Portal {
    _daemon: Running,
    bus: Connection,
    behaviour: Arc<Mutex<Behaviour>>,
    address: String,
    pub(crate) folder: tempfile::TempDir,
}

impl Portal {
    pub(crate) fn start(behaviour: Behaviour) -> Self {
        let mut daemon = Command::new("dbus-daemon");
        daemon.args(["--session", "--nofork", "--nopidfile", "--print-address=1"]);
        let mut daemon = daemon
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("dbus-daemon is missing: run scripts/setup.sh test");
        let mut address = String::new();
        BufReader::new(daemon.stdout.take().expect("its output")).read_line(&mut address).expect("an address");
        let address = address.trim().to_owned();
        let casts = Casts(Arc::new(Mutex::new(behaviour)));
        let behaviour = Arc::clone(&casts.0);
        let bus = connection::Builder::address(address.as_str())
            .and_then(|builder| builder.name("org.freedesktop.portal.Desktop"))
            .and_then(|builder| builder.serve_at("/org/freedesktop/portal/desktop", casts))
            .and_then(connection::Builder::build)
            .expect("a portal");
        let folder = tempfile::tempdir().expect("a folder");
        let program = folder.path().join("pipewire");
        std::fs::write(&program, PIPEWIRE).expect("a program");
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("it can be run");
        Self { _daemon: Running(daemon), bus, behaviour, address, folder }
    }

    /// What was asked so far.
    pub(crate) fn behaviour(&self) -> Behaviour {
        self.behaviour.lock().expect("no panic").clone()
    }

    pub(crate) fn does(&self, change: impl FnOnce(&mut Behaviour)) {
        change(&mut self.behaviour.lock().expect("no panic"));
    }

    /// Ends the cast, as the desktop's button for that does.
    pub(crate) fn close(&self) {
        let session = self.behaviour().session.expect("a session");
        let interface = "org.freedesktop.portal.Session";
        self.bus.emit_signal(None::<&str>, session.as_str(), interface, "Closed", &()).expect("a signal");
    }

    /// Where the configuration is.
    pub(crate) fn config(&self) -> PathBuf {
        self.folder.path().join("config")
    }

    /// The program on this desktop.
    pub(crate) fn watchcap(&self) -> Command {
        let mut command = watchcap();
        command.env("DBUS_SESSION_BUS_ADDRESS", &self.address).env("XDG_SESSION_TYPE", "wayland");
        command.env("XDG_CURRENT_DESKTOP", "Test").env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
        command.env("XDG_CONFIG_HOME", self.config()).env("WATCHCAP_PIPEWIRE", self.folder.path().join("pipewire"));
        command
    }
}

/// In the place of `watchcap-pipewire`: a picture every 20 ms, stamped 3 ms before it is there, the upper half of which brightens. Node 2 kills itself
/// once, node 3 says after a while that PipeWire has hung up, node 4 shows a monitor that is turned, node 5 becomes larger, node 6 has the pointer.
const PIPEWIRE: &str = r#"#!/usr/bin/env python3
import array, os, signal, socket, struct, sys, time
node, memory, pointer = (int(word) for word in sys.argv[1:4])
line = socket.socket(fileno=1)
line.sendall(b"WPIPE\0" + struct.pack("<H", 2))
assert line.recvmsg(1, socket.CMSG_SPACE(4))[1], "no connection"
died = os.path.join(os.path.dirname(sys.argv[0]), "died")
last = first = time.monotonic_ns()
while True:
    request = line.recv(8, socket.MSG_WAITALL)
    if not request:
        break
    now = time.monotonic_ns()
    if node == 2 and now - first > 700_000_000 and not os.path.exists(died):
        open(died, "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
    kind, text, places, turned = 0, b"", b"", 0
    width, height = (200, 120) if node == 5 and now - first > 700_000_000 else (160, 120)
    arrival = last
    if node == 3 and now - first > 700_000_000:
        kind, text = 3, b"PipeWire hangs up: a test"
    elif now - last > 20_000_000 or (request[0] and last == first):
        kind, last, arrival = 1, now, now
        turned = 1 if node == 4 else 0
        bright = (now - first) // 20_000_000 % 200
        os.pwrite(0, bytes([bright] * (width * height * 2)) + bytes(width * height * 2), 0)
        if node == 6:
            places = struct.pack("<qqii", now - 3_000_000, now, 7, 9)
    elif request[0]:
        kind = 2
    head = struct.pack("<BBBBIIIqqqqIIII", kind, 0, turned, 0, width, height, len(places) // 24,
                       arrival - 3_000_000, arrival, now, 3_000_000, 0, len(text), 60_000, kind == 1)
    line.sendall(head + places + text)
"#;
