//! Requests to the portal: a call returns at once, and a signal brings its answer, which may be a person's.

use std::collections::HashMap;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};
use zbus::MatchRule;
use zbus::blocking::{Connection, MessageIterator, Proxy};
use zbus::export::serde::Serialize;
use zbus::message::Type;
use zbus::zvariant::{DynamicType, OwnedObjectPath, OwnedValue};

use super::portal::SERVICE;
use crate::base::time::{Clock as _, SystemClock};

const INTERFACE: &str = "org.freedesktop.portal.Request";
/// Answers that may wait: one request is made at a time.
const WAITING: usize = 16;

/// What an answer has in it.
pub(super) type Results = HashMap<String, OwnedValue>;

/// Why a request has no results.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Refusal {
    /// The person closed the dialog.
    Cancelled,
    /// The portal ended it for a reason that it does not tell.
    Ended,
    /// Nobody answered in time.
    Late,
    /// The call itself failed: why.
    Failed(String),
}

impl From<zbus::Error> for Refusal {
    fn from(error: zbus::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

struct Response {
    request: String,
    code: u32,
    results: Results,
}

/// Answers to the requests of a connection.
pub(super) struct Requests {
    responses: Receiver<Response>,
}

impl Requests {
    /// Begins to listen, which must be before the first request: an answer may come before the call returns.
    pub(super) fn listen(bus: &Connection) -> zbus::Result<Self> {
        let rule = MatchRule::builder()
            .msg_type(Type::Signal)
            .sender(SERVICE)?
            .interface(INTERFACE)?
            .member("Response")?
            .build();
        let messages = MessageIterator::for_match_rule(rule, bus, Some(WAITING))?;
        let (told, responses) = bounded(WAITING);
        let listen = move || {
            for message in messages.map_while(Result::ok) {
                let request = message.header().path().map(ToString::to_string).unwrap_or_default();
                let Ok((code, results)) = message.body().deserialize::<(u32, Results)>() else { continue };
                if told.send(Response { request, code, results }).is_err() {
                    return;
                }
            }
        };
        std::thread::Builder::new().name("portal answers".into()).spawn(listen)?;
        Ok(Self { responses })
    }

    /// Makes a request and waits for its answer.
    pub(super) fn make<B>(&self, of: &Proxy<'_>, method: &str, body: &B, within: Duration) -> Result<Results, Refusal>
    where
        B: Serialize + DynamicType,
    {
        let request: OwnedObjectPath = of.call(method, body)?;
        let until = SystemClock.now().plus(within);
        loop {
            match self.responses.recv_timeout(until.since(SystemClock.now())) {
                // Of one that was given up.
                Ok(response) if response.request != request.as_str() => {}
                Ok(Response { code: 0, results, .. }) => return Ok(results),
                Ok(Response { code: 1, .. }) => return Err(Refusal::Cancelled),
                Ok(_) => return Err(Refusal::Ended),
                Err(RecvTimeoutError::Timeout) => return Err(Refusal::Late),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Refusal::Failed("the session bus hangs up".to_owned()));
                }
            }
        }
    }
}
