//! A logind of a test's own: a bus with one session, which is locked, left and opened by a word.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use zbus::zvariant::{ObjectPath, OwnedObjectPath};

use super::Running;

const PATIENCE: Duration = Duration::from_secs(20);
/// The session, by the name that the recorder asks for its own, and by the one that the manager gives it.
const OWN: &str = "/org/freedesktop/login1/session/auto";
const SESSION: &str = "/org/freedesktop/login1/session/_31";
const USER: &str = "/org/freedesktop/login1/user/_0";

/// What the session is.
pub(crate) struct Told {
    locked: AtomicBool,
    left: AtomicBool,
    /// Programs are in no session of their own, as those that a desktop starts.
    apart: AtomicBool,
    uid: u32,
    seat: &'static str,
}

/// The bus, and who answers on it.
pub(crate) struct Logind {
    bus: Running,
    folder: tempfile::TempDir,
    /// Its address.
    pub(crate) address: String,
    told: Arc<Told>,
    _connection: zbus::blocking::Connection,
}

struct Session(Arc<Told>);
struct Manager(Arc<Told>);
struct User;

fn path(path: &'static str) -> OwnedObjectPath {
    ObjectPath::from_static_str_unchecked(path).into()
}

#[zbus::interface(name = "org.freedesktop.login1.Session")]
#[expect(clippy::unused_self, reason = "properties of the interface")]
impl Session {
    #[zbus(property)]
    fn active(&self) -> bool {
        !self.0.left.load(Ordering::SeqCst)
    }
    #[zbus(property)]
    fn locked_hint(&self) -> bool {
        self.0.locked.load(Ordering::SeqCst)
    }
    #[zbus(property)]
    fn remote(&self) -> bool {
        false
    }
    #[zbus(property)]
    fn class(&self) -> &'static str {
        "user"
    }
    #[zbus(property)]
    fn user(&self) -> (u32, OwnedObjectPath) {
        (self.0.uid, path(USER))
    }
    #[zbus(property)]
    fn seat(&self) -> (String, OwnedObjectPath) {
        (self.0.seat.to_owned(), path("/"))
    }
}

#[zbus::interface(name = "org.freedesktop.login1.User")]
#[expect(clippy::unused_self, reason = "a property of the interface")]
impl User {
    #[zbus(property)]
    fn display(&self) -> (String, OwnedObjectPath) {
        ("1".to_owned(), path(SESSION))
    }
}

#[derive(Debug, zbus::DBusError)]
#[zbus(prefix = "org.freedesktop.login1")]
enum Refused {
    #[zbus(error)]
    ZBus(zbus::Error),
    #[zbus(name = "NoSessionForPID")]
    NoSessionForPid(String),
}

#[zbus::interface(name = "org.freedesktop.login1.Manager")]
impl Manager {
    #[zbus(name = "GetSessionByPID")]
    fn session_by_pid(&self, pid: u32) -> Result<OwnedObjectPath, Refused> {
        assert!(pid > 1, "the process that asked");
        if self.0.apart.load(Ordering::SeqCst) {
            return Err(Refused::NoSessionForPid("it is in none".to_owned()));
        }
        Ok(path(SESSION))
    }
    #[zbus(name = "GetUser")]
    fn user(&self, uid: u32) -> OwnedObjectPath {
        assert_eq!(uid, self.0.uid);
        path(USER)
    }
}

impl Logind {
    /// One whose session is open, at the seat of the devices, and root's.
    pub(crate) fn start() -> Self {
        Self::start_for(0, "seat0")
    }

    /// One whose session is open, of this user and at this seat.
    pub(crate) fn start_for(uid: u32, seat: &'static str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let config = folder.path().join("bus.conf");
        let address = format!("unix:path={}", folder.path().join("bus").display());
        let text = format!(
            "<busconfig><type>session</type><listen>{address}</listen><auth>EXTERNAL</auth><policy context=\"default\"><allow user=\"*\"/>\
             <allow own=\"*\"/><allow send_destination=\"*\"/><allow receive_sender=\"*\"/></policy></busconfig>"
        );
        std::fs::write(&config, text).expect("a configuration");
        let mut bus = Command::new("dbus-daemon");
        bus.arg("--nofork").arg(format!("--config-file={}", config.display())).stdout(Stdio::null());
        let bus = Running(bus.spawn().expect("dbus-daemon is missing: run scripts/setup.sh test"));
        let told = Arc::new(Told {
            locked: AtomicBool::new(false),
            left: AtomicBool::new(false),
            apart: AtomicBool::new(false),
            uid,
            seat,
        });
        let began = Instant::now();
        let connection = loop {
            let made = zbus::blocking::connection::Builder::address(address.as_str())
                .and_then(|builder| builder.name("org.freedesktop.login1"))
                .and_then(|builder| builder.serve_at(OWN, Session(Arc::clone(&told))))
                .and_then(|builder| builder.serve_at(SESSION, Session(Arc::clone(&told))))
                .and_then(|builder| builder.serve_at(USER, User))
                .and_then(|builder| builder.serve_at("/org/freedesktop/login1", Manager(Arc::clone(&told))))
                .and_then(zbus::blocking::connection::Builder::build);
            match made {
                Ok(connection) => break connection,
                Err(error) => assert!(began.elapsed() < PATIENCE, "no bus: {error}"),
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        Self { bus, folder, address, told, _connection: connection }
    }

    pub(crate) fn lock(&self, is: bool) {
        self.told.locked.store(is, Ordering::SeqCst);
    }

    /// Another session is in front.
    pub(crate) fn leave(&self, is: bool) {
        self.told.left.store(is, Ordering::SeqCst);
    }

    /// Programs are in no session.
    pub(crate) fn apart(&self, is: bool) {
        self.told.apart.store(is, Ordering::SeqCst);
    }

    /// Stops the bus in the middle of everything, or lets it go on.
    pub(crate) fn hang(&self, is: bool) {
        let signal = if is { "-STOP" } else { "-CONT" };
        let id = self.bus.0.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().expect("kill").success());
    }

    /// The socket of the bus.
    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join("bus")
    }
}
