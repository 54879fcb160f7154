//! Whether the session of the user who asked is in front and not locked, as logind tells. What cannot be known is a session that is closed.
//!
//! Asked often, in a thread of its own, so that a bus that hangs holds nobody up: an answer that is old counts for nothing.

use std::collections::HashMap;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::time::Timespec;
use zbus::blocking::Connection;
use zbus::blocking::connection::Builder;
use zbus::zvariant::{OwnedObjectPath, OwnedValue};

use watchcap_input_helper::wire::Why;

use super::gate::State;

/// How often it is asked: a lock is noticed within this and an answer of the bus.
const EVERY: Timespec = Timespec { tv_sec: 0, tv_nsec: 40_000_000 };
/// How long an answer counts.
const FRESH_NS: i64 = 1_000_000_000;
/// How long the bus may take for one.
const PATIENCE: Duration = Duration::from_secs(2);

const SERVICE: &str = "org.freedesktop.login1";
const MANAGER_PATH: &str = "/org/freedesktop/login1";
const MANAGER: &str = "org.freedesktop.login1.Manager";
const SESSION: &str = "org.freedesktop.login1.Session";
const USER: &str = "org.freedesktop.login1.User";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
/// What logind says of a process in no session: desktops start programs beside it.
const IN_NONE: &str = "org.freedesktop.login1.NoSessionForPID";
/// The seat that the devices belong to.
const SEAT: &str = "seat0";

type Properties = HashMap<String, OwnedValue>;

/// Reads the clock that does not stand and does not jump, nanoseconds.
pub(crate) fn now_ns() -> i64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    now.tv_sec.saturating_mul(1_000_000_000).saturating_add(now.tv_nsec)
}

/// Follows a session.
pub(crate) struct Watch(Arc<Mutex<(State, i64)>>);

impl Watch {
    /// Begins to follow the session of a process of a user.
    ///
    /// # Errors
    /// When there is none, or nobody tells.
    pub(crate) fn begin(bus: UnixStream, uid: u32, pid: u32) -> Result<Self, String> {
        let failed = |error: zbus::Error| format!("logind does not tell whether the session is locked: {error}");
        let bus = Builder::async_io_unix_stream(bus).method_timeout(PATIENCE).build().map_err(failed)?;
        let session = session(&bus, uid, pid).map_err(failed)?;
        let first = properties(&bus, &session, SESSION).map_err(failed)?;
        let state = judge(&first, uid)?;
        let told = Arc::new(Mutex::new((state, now_ns())));
        let tell = Arc::clone(&told);
        let follow = move || {
            loop {
                let _rest = rustix::thread::nanosleep(&EVERY);
                // The time of the question: what holds then is what is answered, or later.
                let asked = now_ns();
                let answer = properties(&bus, &session, SESSION).map_err(|error| error.to_string());
                let state = answer.and_then(|session| judge(&session, uid)).unwrap_or(State::Closed(Why::Unknown));
                *tell.lock().unwrap_or_else(PoisonError::into_inner) = (state, asked);
            }
        };
        std::thread::Builder::new().name("logind".into()).spawn(follow).map_err(|error| error.to_string())?;
        Ok(Self(told))
    }

    /// What is known now.
    pub(crate) fn state(&self, now_ns: i64) -> State {
        let (state, asked) = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if now_ns.saturating_sub(asked) > FRESH_NS { State::Closed(Why::Unknown) } else { state }
    }
}

fn properties(bus: &Connection, path: &OwnedObjectPath, interface: &str) -> zbus::Result<Properties> {
    bus.call_method(Some(SERVICE), path, Some(PROPERTIES), "GetAll", &interface)?.body().deserialize()
}

/// The session of a process; of one that is in none, the one on which its user's programs are shown.
fn session(bus: &Connection, uid: u32, pid: u32) -> zbus::Result<OwnedObjectPath> {
    match bus.call_method(Some(SERVICE), MANAGER_PATH, Some(MANAGER), "GetSessionByPID", &pid) {
        Err(zbus::Error::MethodError(name, _, _)) if name.as_str() == IN_NONE => {
            let user = bus.call_method(Some(SERVICE), MANAGER_PATH, Some(MANAGER), "GetUser", &uid)?;
            let user: OwnedObjectPath = user.body().deserialize()?;
            let mut user = properties(bus, &user, USER)?;
            let display = user.remove("Display").ok_or_else(|| zbus::Error::Failure("no display".into()))?;
            let (_, path): (String, OwnedObjectPath) = display.try_into()?;
            Ok(path)
        }
        other => other?.body().deserialize(),
    }
}

/// What the properties of a session say.
///
/// # Errors
/// When it is one for which nothing is lent: of somebody else, at no seat, from elsewhere.
fn judge(session: &Properties, uid: u32) -> Result<State, String> {
    let of = |name: &str| session.get(name).and_then(|value| value.try_clone().ok());
    let flag = |name: &str| of(name).and_then(|value| bool::try_from(value).ok());
    let text = |name: &str| of(name).and_then(|value| String::try_from(value).ok());
    let first = |name: &str| of(name).and_then(|value| <(String, OwnedObjectPath)>::try_from(value).ok());
    let owner = of("User").and_then(|value| <(u32, OwnedObjectPath)>::try_from(value).ok());
    if owner.is_none_or(|(owner, _)| owner != uid) {
        return Err(format!("the session is not of user {uid}, who asked"));
    }
    if first("Seat").is_none_or(|(seat, _)| seat != SEAT) || flag("Remote") != Some(false) {
        return Err(format!("the session is not at {SEAT}, to which keyboards and mice belong"));
    }
    // Not that of a login screen.
    if !text("Class").is_some_and(|class| class.starts_with("user")) {
        return Err("the session is none of a user".to_owned());
    }
    Ok(match (flag("Active"), flag("LockedHint")) {
        (Some(true), Some(false)) => State::Open,
        (Some(false), _) => State::Closed(Why::Inactive),
        (_, Some(true)) => State::Closed(Why::Locked),
        _ => State::Closed(Why::Unknown),
    })
}

#[cfg(test)]
mod tests {
    use zbus::zvariant::{ObjectPath, Value};

    use super::*;

    fn told(change: Option<(&str, Option<Value<'static>>)>) -> Properties {
        let path = ObjectPath::from_static_str_unchecked("/");
        let all = [
            ("User", Value::from((1000_u32, path.clone()))),
            ("Seat", Value::from(("seat0", path))),
            ("Remote", Value::from(false)),
            ("Class", Value::from("user")),
            ("Active", Value::from(true)),
            ("LockedHint", Value::from(false)),
        ];
        let owned = |value: Value<'static>| value.try_to_owned().expect("a value");
        let mut all: Properties = all.into_iter().map(|(name, value)| (name.to_owned(), owned(value))).collect();
        match change {
            Some((name, Some(value))) => drop(all.insert(name.to_owned(), owned(value))),
            Some((name, None)) => drop(all.remove(name)),
            None => {}
        }
        all
    }

    #[test]
    fn a_session_is_open_only_when_all_of_it_says_so() {
        let path = || ObjectPath::from_static_str_unchecked("/");
        let is = |change| judge(&told(change), 1000);
        assert_eq!(is(None), Ok(State::Open));
        assert_eq!(is(Some(("Class", Some("user-early".into())))), Ok(State::Open));
        assert_eq!(is(Some(("LockedHint", Some(true.into())))), Ok(State::Closed(Why::Locked)));
        assert_eq!(is(Some(("Active", Some(false.into())))), Ok(State::Closed(Why::Inactive)));
        for name in ["Active", "LockedHint"] {
            assert_eq!(is(Some((name, None))), Ok(State::Closed(Why::Unknown)), "no {name}");
            assert_eq!(is(Some((name, Some("yes".into())))), Ok(State::Closed(Why::Unknown)), "{name} of another type");
        }
        for change in [
            ("User", Some(Value::from((1001_u32, path())))),
            ("User", None),
            ("Seat", Some(Value::from(("seat1", path())))),
            ("Seat", Some(Value::from(("", path())))),
            ("Seat", None),
            ("Remote", Some(Value::from(true))),
            ("Remote", None),
            ("Class", Some(Value::from("greeter"))),
            ("Class", Some(Value::from("lock-screen"))),
            ("Class", Some(Value::from("background"))),
            ("Class", None),
        ] {
            let name = format!("{change:?}");
            assert!(is(Some(change)).is_err(), "{name}");
        }
        assert!(judge(&told(None), 0).is_err(), "root is not that user either");
    }

    #[test]
    fn an_old_answer_counts_for_nothing() {
        let watch = Watch(Arc::new(Mutex::new((State::Open, 5))));
        assert_eq!(watch.state(5 + FRESH_NS), State::Open);
        assert_eq!(watch.state(6 + FRESH_NS), State::Closed(Why::Unknown));
    }
}
