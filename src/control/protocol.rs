//! The lines that cross the socket: one request, one reply, each one JSON object and a newline.
//!
//! Invariant: whatever bytes arrive, the answer is a request or a refusal; nothing is allocated beyond the line, whose length is
//! bounded ([`MAX_LINE`]). Pure: opens no socket. Every line names the version of the protocol; another one is refused by name.

use serde_json::{Value, json};

use crate::base::event::{Content, Stream};
use crate::log::codec::MAX_TEXT;
use crate::privacy::consent::STREAMS;

/// Version of the protocol.
pub const VERSION: u64 = 1;
/// Longest line, bytes, its newline included: a mark's text of [`MAX_TEXT`] bytes, each escaped to six, is 4,608.
pub const MAX_LINE: usize = 8192;

/// What is asked for.
#[derive(Clone, PartialEq, Debug)]
pub enum Request {
    /// How does it go?
    Status,
    /// Take nothing from now on.
    Pause,
    /// Go on.
    Resume,
    /// Set a mark.
    Mark {
        /// Its text.
        text: Content,
        /// Take PNG pictures of the frames that follow.
        png: bool,
    },
    /// End the recording.
    Stop,
    /// Take consent back.
    Withdraw {
        /// To these streams; none: to all.
        streams: Vec<Stream>,
    },
}

/// How a recording goes.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Snapshot {
    /// Its process.
    pub pid: u32,
    /// The session's folder.
    pub session: String,
    /// Nothing is taken at the moment.
    pub paused: bool,
    /// Since it began, milliseconds; pauses are part of it.
    pub elapsed_ms: u64,
    /// Frames stored.
    pub frames: u64,
    /// Frames missed.
    pub dropped_frames: u64,
    /// Input events kept.
    pub events: u64,
    /// Bytes of the video.
    pub video_bytes: u64,
    /// Streams whose consent was taken back, by name.
    pub withdrawn: Vec<String>,
    /// The monotonic time at which the request took effect, nanoseconds; `None` when it changed nothing.
    pub t_ns: Option<i64>,
}

/// A request that is not carried out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// Why, a word in `snake_case`.
    pub code: &'static str,
    /// Why, a sentence.
    pub message: String,
}

impl Refusal {
    /// A refusal.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// The line of a request.
pub fn write_request(request: &Request) -> String {
    let verb = match request {
        Request::Status => "status",
        Request::Pause => "pause",
        Request::Resume => "resume",
        Request::Mark { .. } => "mark",
        Request::Stop => "stop",
        Request::Withdraw { .. } => "withdraw",
    };
    let mut object = json!({ "watchcap": VERSION, "do": verb });
    if let Request::Mark { text, png } = request {
        object["text"] = json!(text.0);
        if *png {
            object["png"] = json!(true);
        }
    }
    if let Request::Withdraw { streams } = request {
        object["streams"] = streams.iter().map(|stream| stream.name()).collect();
    }
    format!("{object}\n")
}

/// Reads a request.
///
/// # Errors
/// [`Refusal`] for anything that is none of this version.
pub fn read_request(line: &[u8]) -> Result<Request, Refusal> {
    let bad = |message: &str| Refusal::new("bad_request", message);
    let object: Value = serde_json::from_slice(line).map_err(|_no_json| bad("the request is no JSON object"))?;
    check_version(&object).map_err(|message| Refusal::new("version", message))?;
    match object.get("do").and_then(Value::as_str) {
        Some("status") => Ok(Request::Status),
        Some("pause") => Ok(Request::Pause),
        Some("resume") => Ok(Request::Resume),
        Some("stop") => Ok(Request::Stop),
        Some("mark") => {
            let text = object.get("text").and_then(Value::as_str).ok_or_else(|| bad("a mark has a text"))?;
            if text.len() > MAX_TEXT {
                return Err(Refusal::new("too_long", format!("the text of a mark has at most {MAX_TEXT} bytes")));
            }
            let png = match object.get("png") {
                None => false,
                Some(png) => png.as_bool().ok_or_else(|| bad("png is true or false"))?,
            };
            Ok(Request::Mark { text: Content(text.to_owned()), png })
        }
        Some("withdraw") => {
            let names = object.get("streams").and_then(Value::as_array).ok_or_else(|| bad("withdraw names streams"))?;
            let named = |name: &Value| STREAMS.into_iter().find(|stream| Some(stream.name()) == name.as_str());
            let streams = names.iter().map(named).collect::<Option<_>>();
            Ok(Request::Withdraw { streams: streams.ok_or_else(|| bad("withdraw names an unknown stream"))? })
        }
        _ => Err(Refusal::new("unknown_request", "this recording does not know that request")),
    }
}

fn check_version(object: &Value) -> Result<(), String> {
    match object.get("watchcap").and_then(Value::as_u64) {
        Some(VERSION) => Ok(()),
        Some(other) => Err(format!("version {other} of the control protocol; this one speaks {VERSION}")),
        None => Err("the line names no version of the control protocol".into()),
    }
}

/// The line of a reply.
pub fn write_reply(reply: &Result<Snapshot, Refusal>) -> String {
    let object = match reply {
        Ok(s) => json!({
            "watchcap": VERSION, "ok": true, "pid": s.pid, "session": s.session, "paused": s.paused,
            "elapsed_ms": s.elapsed_ms, "frames": s.frames, "dropped_frames": s.dropped_frames, "events": s.events,
            "video_bytes": s.video_bytes, "withdrawn": s.withdrawn, "t_ns": s.t_ns,
        }),
        Err(refusal) => {
            json!({ "watchcap": VERSION, "ok": false, "error": refusal.code, "message": refusal.message })
        }
    };
    format!("{object}\n")
}

/// A reply as it was read: a snapshot, or code and sentence of a refusal.
pub type Reply = Result<Snapshot, (String, String)>;

/// Reads a reply.
///
/// # Errors
/// What is wrong with it, when it is none.
pub fn read_reply(line: &[u8]) -> Result<Reply, String> {
    let object: Value = serde_json::from_slice(line).map_err(|_no_json| "no JSON object".to_owned())?;
    let text = |key: &str| object.get(key).and_then(Value::as_str).map(str::to_owned);
    let number = |key: &str| object.get(key).and_then(Value::as_u64);
    if object.get("ok").and_then(Value::as_bool) == Some(false) {
        let pair = text("error").zip(text("message"));
        return pair.map(Err).ok_or_else(|| "a refusal without a reason".to_owned());
    }
    check_version(&object)?;
    let read = || {
        Some(Snapshot {
            pid: number("pid").and_then(|pid| u32::try_from(pid).ok())?,
            session: text("session")?,
            paused: object.get("paused")?.as_bool()?,
            elapsed_ms: number("elapsed_ms")?,
            frames: number("frames")?,
            dropped_frames: number("dropped_frames")?,
            events: number("events")?,
            video_bytes: number("video_bytes")?,
            withdrawn: object
                .get("withdrawn")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
            t_ns: object.get("t_ns").and_then(Value::as_i64),
        })
    };
    read().map(Ok).ok_or_else(|| "a reply with something missing".to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn requests_and_replies_come_back() {
        let mark = Request::Mark { text: Content("ein \"Zeichen\"\n\u{1b}[31m größer".into()), png: false };
        let with_png = Request::Mark { text: Content(String::new()), png: true };
        let withdraw = |streams: &[Stream]| Request::Withdraw { streams: streams.to_vec() };
        let withdrawals = [withdraw(&[]), withdraw(&[Stream::Input]), withdraw(&STREAMS)];
        for request in [Request::Status, Request::Pause, Request::Resume, Request::Stop, mark, with_png]
            .into_iter()
            .chain(withdrawals)
        {
            let line = write_request(&request);
            assert!(line.ends_with('\n') && line.trim_end().lines().count() == 1, "more than one line: {line}");
            assert_eq!(read_request(line.as_bytes()), Ok(request));
        }
        let snapshot =
            Snapshot { pid: 7, session: "/tmp/s".into(), paused: true, t_ns: Some(-3), ..Snapshot::default() };
        let snapshot = Snapshot { withdrawn: vec!["input".into()], ..snapshot };
        assert_eq!(read_reply(write_reply(&Ok(snapshot.clone())).as_bytes()), Ok(Ok(snapshot)));
        let refusal = write_reply(&Err(Refusal::new("busy", "later")));
        assert_eq!(read_reply(refusal.as_bytes()), Ok(Err(("busy".into(), "later".into()))));
    }

    #[test]
    fn the_longest_mark_fits_into_a_line_and_a_longer_one_is_refused() {
        let longest = Request::Mark { text: Content("\u{1}".repeat(MAX_TEXT)), png: true };
        assert!(write_request(&longest).len() <= MAX_LINE);
        let longer = Request::Mark { text: Content("a".repeat(MAX_TEXT + 1)), png: false };
        assert_eq!(read_request(write_request(&longer).as_bytes()).map_err(|r| r.code), Err("too_long"));
    }

    #[test]
    fn other_versions_and_other_requests_are_refused_by_name() {
        let code = |text: &str| read_request(text.as_bytes()).map_err(|refusal| refusal.code);
        assert_eq!(code(r#"{"watchcap":2,"do":"pause"}"#), Err("version"));
        assert_eq!(code(r#"{"do":"pause"}"#), Err("version"));
        assert_eq!(code(r#"{"watchcap":1,"do":"explode"}"#), Err("unknown_request"));
        assert_eq!(code(r#"{"watchcap":1,"do":"mark"}"#), Err("bad_request"));
        assert_eq!(code(r#"{"watchcap":1,"do":"mark","text":"","png":1}"#), Err("bad_request"));
        assert_eq!(code(r#"{"watchcap":1,"do":"withdraw"}"#), Err("bad_request"));
        assert_eq!(code(r#"{"watchcap":1,"do":"withdraw","streams":["input","log"]}"#), Err("bad_request"));
        assert_eq!(code("pause"), Err("bad_request"));
        assert_eq!(code(&"[".repeat(MAX_LINE)), Err("bad_request"));
    }

    proptest! {
        #[test]
        fn no_bytes_do_more_than_get_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let answered = read_request(&bytes).is_ok() || read_request(&bytes).is_err();
            prop_assert!(answered && (read_reply(&bytes).is_ok() || read_reply(&bytes).is_err()));
        }
    }
}
