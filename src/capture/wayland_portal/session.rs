//! A screen cast of the portal: how it is asked for, what it is of, and when it ends.

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use zbus::MatchRule;
use zbus::blocking::MessageIterator;
use zbus::message::Type;
use zbus::zvariant::{ObjectPath, OwnedObjectPath, Value};

use super::portal::{MONITOR, Portal, SERVICE};
use super::request::{Refusal, Requests, Results};
use super::token;
use crate::base::files;
use crate::capture::CaptureError;

const INTERFACE: &str = "org.freedesktop.portal.Session";
/// How long the portal may take for what it asks nobody about.
const PATIENCE: Duration = Duration::from_secs(25);
/// How long a person may take to choose.
const PERSON: Duration = Duration::from_mins(5);
/// The first version that remembers what a person chose.
const REMEMBERS: u32 = 4;
/// The permission holds until the person takes it back.
const UNTIL_REVOKED: u32 = 2;

/// What of a stream the portal tells, as far as it does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Stream {
    /// Its node in PipeWire.
    pub(super) node: u32,
    /// Where it is on the desktop, in the desktop's own units.
    pub(super) position: Option<(i32, i32)>,
    /// How large it is, in the desktop's own units: pictures of a scaled monitor have more pixels.
    pub(super) size: Option<(i32, i32)>,
}

/// A running cast. It ends with its handle.
pub(super) struct Cast {
    portal: Portal,
    session: OwnedObjectPath,
    pub(super) stream: Stream,
    closed: Arc<AtomicBool>,
}

impl Cast {
    /// Asks the desktop, and through it the person, for a monitor.
    ///
    /// # Errors
    /// [`CaptureError::Portal`] when it is refused, or not answered.
    pub(super) fn start(portal: Portal, cursor: u32) -> Result<Self, CaptureError> {
        let requests = Requests::listen(&portal.bus).map_err(|error| refused(error.into()))?;
        let name = |what: &str| format!("watchcap_{what}_{}", std::process::id());
        let options: HashMap<&str, Value<'_>> =
            [("handle_token", Value::from(name("create"))), ("session_handle_token", Value::from(name("session")))]
                .into();
        // The portal looks once who asks. No picture is taken yet, but inputs and sound are open: keys that are held, titles of windows and the
        // first sound may be in memory.
        let create = || requests.make(&portal.casts, "CreateSession", &(options,), PATIENCE);
        let results = files::looked_at(create).map_err(refused)?;
        let session = session_of(&results).ok_or_else(|| refused(Refusal::Ended))?;
        let closed = Arc::new(AtomicBool::new(false));
        watch(&portal, &session, &closed).map_err(|error| refused(error.into()))?;
        let none = Stream { node: 0, position: None, size: None };
        // From here on the session is closed with its handle, also when it is refused.
        let mut cast = Self { portal, session, stream: none, closed };

        let mut options: HashMap<&str, Value<'_>> = [
            ("handle_token", Value::from(name("select"))),
            ("types", Value::from(MONITOR)),
            ("multiple", Value::from(false)),
        ]
        .into();
        if cursor != 0 && cast.portal.cursors & cursor != 0 {
            options.insert("cursor_mode", Value::from(cursor));
        }
        if cast.portal.version >= REMEMBERS {
            options.insert("persist_mode", Value::from(UNTIL_REVOKED));
            options.extend(token::kept().map(|token| ("restore_token", Value::from(token))));
        }
        let session = cast.session.clone();
        requests.make(&cast.portal.casts, "SelectSources", &(&session, options), PATIENCE).map_err(refused)?;

        let options: HashMap<&str, Value<'_>> = [("handle_token", Value::from(name("start")))].into();
        let results = requests.make(&cast.portal.casts, "Start", &(&session, "", options), PERSON).map_err(refused)?;
        if let Some(Value::Str(token)) = results.get("restore_token").map(|value| plain(value)) {
            token::keep(token);
        }
        cast.stream = stream_of(&results).ok_or_else(|| refused(Refusal::Ended))?;
        Ok(cast)
    }

    /// Returns a new connection to PipeWire, which sees the stream and nothing else.
    ///
    /// # Errors
    /// [`CaptureError::Portal`] when the portal gives none.
    pub(super) fn remote(&self) -> Result<OwnedFd, CaptureError> {
        let options: HashMap<&str, Value<'_>> = HashMap::new();
        let remote: zbus::zvariant::OwnedFd = self
            .portal
            .casts
            .call("OpenPipeWireRemote", &(&self.session, options))
            .map_err(|error| refused(error.into()))?;
        Ok(remote.into())
    }

    /// Returns what the portal says of itself.
    pub(super) fn version(&self) -> u32 {
        self.portal.version
    }

    /// Returns whether the desktop has ended it.
    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }
}

impl Drop for Cast {
    fn drop(&mut self) {
        if !self.is_closed() {
            let closed = self.portal.bus.call_method(Some(SERVICE), &self.session, Some(INTERFACE), "Close", &());
            if let Err(error) = closed {
                tracing::debug!(%error, "the cast is ended with its connection");
            }
        }
        // Ends the threads that listen, too.
        drop(self.portal.bus.clone().close());
    }
}

/// Takes note of the end of a session.
fn watch(portal: &Portal, session: &ObjectPath<'_>, closed: &Arc<AtomicBool>) -> zbus::Result<()> {
    let rule = MatchRule::builder()
        .msg_type(Type::Signal)
        .sender(SERVICE)?
        .interface(INTERFACE)?
        .member("Closed")?
        .path(session)?
        .build();
    let mut messages = MessageIterator::for_match_rule(rule, &portal.bus, Some(1))?;
    let closed = Arc::clone(closed);
    let listen = move || {
        // Also when the bus hangs up.
        drop(messages.next());
        closed.store(true, Ordering::SeqCst);
    };
    std::thread::Builder::new().name("portal session".into()).spawn(listen)?;
    Ok(())
}

fn refused(why: Refusal) -> CaptureError {
    let (detail, hint) = match why {
        Refusal::Cancelled => (
            "the desktop's dialog was cancelled".to_owned(),
            "start again, and choose a monitor in the desktop's dialog",
        ),
        Refusal::Late => (
            "nobody has answered the desktop's dialog".to_owned(),
            "start again, and choose a monitor in the desktop's dialog",
        ),
        Refusal::Ended => {
            ("it ended the request, and does not say why".to_owned(), "see why: journalctl -b -t xdg-desktop-portal")
        }
        Refusal::Failed(detail) => (detail, "see why: journalctl -b -t xdg-desktop-portal"),
    };
    CaptureError::Portal { detail, hint }
}

/// What is inside of a value of any type.
fn plain<'a>(value: &'a Value<'a>) -> &'a Value<'a> {
    match value {
        Value::Value(inside) => plain(inside),
        other => other,
    }
}

fn session_of(results: &Results) -> Option<OwnedObjectPath> {
    match plain(results.get("session_handle")?) {
        // A string by an old mistake of the portal, which stays.
        Value::Str(path) => ObjectPath::try_from(path.as_str()).ok().map(Into::into),
        Value::ObjectPath(path) => Some(path.to_owned().into()),
        _ => None,
    }
}

/// The first stream: no more than one is asked for.
fn stream_of(results: &Results) -> Option<Stream> {
    let Value::Array(streams) = plain(results.get("streams")?) else { return None };
    let Value::Structure(stream) = plain(streams.iter().next()?) else { return None };
    let [node, told] = stream.fields() else { return None };
    let (Value::U32(node), Value::Dict(told)) = (plain(node), plain(told)) else { return None };
    let pair = |name: &str| {
        let is_it = |key: &Value<'_>| matches!(plain(key), Value::Str(key) if key.as_str() == name);
        let (_, value) = told.iter().find(|(key, _)| is_it(key))?;
        let Value::Structure(pair) = plain(value) else { return None };
        match pair.fields() {
            [first, second] => match (plain(first), plain(second)) {
                (Value::I32(first), Value::I32(second)) => Some((*first, *second)),
                _ => None,
            },
            _ => None,
        }
    };
    Some(Stream { node: *node, position: pair("position"), size: pair("size") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use zbus::zvariant::OwnedValue;

    fn results(name: &str, value: Value<'_>) -> Results {
        [(name.to_owned(), OwnedValue::try_from(value).expect("a value"))].into()
    }

    #[test]
    fn a_stream_is_read_with_what_is_told_of_it() {
        let told = |told: HashMap<&'static str, Value<'static>>| results("streams", Value::from(vec![(42_u32, told)]));
        let all = [
            ("source_type", Value::from(1_u32)),
            ("position", Value::from((1920, 0))),
            ("size", Value::from((1280, 720))),
        ];
        let stream = Stream { node: 42, position: Some((1920, 0)), size: Some((1280, 720)) };
        assert_eq!(stream_of(&told(all.into())), Some(stream));
        let wrong = [("position", Value::from("left")), ("size", Value::from((1_u32, 2_u32)))];
        assert_eq!(stream_of(&told(wrong.into())), Some(Stream { node: 42, position: None, size: None }));
        assert_eq!(stream_of(&results("streams", Value::from(Vec::<u32>::new()))), None);
        assert_eq!(stream_of(&results("streams", Value::from("none"))), None);
        assert_eq!(stream_of(&results("other", Value::from(1))), None);
    }

    #[test]
    fn a_session_is_named_by_a_text_or_a_path() {
        let path = "/org/freedesktop/portal/desktop/session/1_1/w";
        let named = |value| session_of(&results("session_handle", value)).map(|path| path.to_string());
        assert_eq!(named(Value::from(path)).as_deref(), Some(path));
        assert_eq!(named(Value::from(ObjectPath::try_from(path).expect("a path"))).as_deref(), Some(path));
        assert_eq!(named(Value::from("no path")), None);
        assert_eq!(named(Value::from(1)), None);
    }

    #[test]
    fn a_cancelled_dialog_says_what_to_do() {
        let error = refused(Refusal::Cancelled);
        assert!(error.to_string().contains("dialog was cancelled"), "{error}");
        assert!(error.hint().is_some_and(|hint| hint.contains("choose a monitor")));
    }
}
