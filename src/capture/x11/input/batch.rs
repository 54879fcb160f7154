//! Reads events in batches, and hands each batch over with where the pointer was.

use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use x11rb::connection::Connection;
use x11rb::cookie::Cookie;
use x11rb::errors::{ConnectionError, ReplyError};
use x11rb::protocol::Event;
use x11rb::protocol::xinput::{ConnectionExt as _, XIQueryPointerReply};
use x11rb::protocol::xproto::Window;
use x11rb::rust_connection::RustConnection;

use super::decode::{Decoded, decode};
use super::path::Point;
use super::pointer::Happened;
use super::refused::gone;
use super::source::{Read, Xi2};
use super::tap::Tap;
use crate::capture::{CaptureError, InputSink};

/// Events in one batch. At 8 kHz, the fastest mice there are, 32 ms: more is not taken before what was read is
/// handed over. An event and its stamp are about 150 bytes: 40 KB.
pub(super) const MAX_BATCH: usize = 256;
/// The pointer's position is asked for once in this time, not for every event. Events are read, and stamped, as they
/// come; only the handing over is later while the mouse moves, by this and [`super::run::GATHER_SLACK`]: of the 10 ms that a crash
/// may cost, 4.5.
const GATHER: Duration = Duration::from_millis(3);

impl Xi2 {
    /// Reads what is there into the queue, up to `limit` events, without waiting.
    pub(super) fn fill(&mut self, limit: usize) -> Result<(), ConnectionError> {
        self.drained = false;
        while self.queue.len() < limit {
            let Some((event, sequence)) = self.conn.poll_for_event_with_sequence()? else {
                self.drained = true;
                break;
            };
            // The stamp is taken after the read: never before the event.
            self.queue.push_back(Read { event, sequence, arrival: self.clock.now() });
        }
        Ok(())
    }

    /// Waits until there is something to read, or `limit` (under a second) is over, or a signal came; reads it. With `all`, what
    /// the pointer did ends the wait too.
    pub(super) fn wait(&mut self, limit: Duration, all: bool) -> Result<(), CaptureError> {
        let limit = Timespec { tv_sec: 0, tv_nsec: i64::from(limit.subsec_nanos()) };
        let events = || PollFd::new(self.conn.stream(), PollFlags::IN);
        let tap = self.tap.as_ref().filter(|_| all);
        // A hang-up is readable: the next read says what it is.
        let (result, readable, deeds) = if let Some(tap) = tap {
            let mut fds = [events(), PollFd::new(tap.stream(), PollFlags::IN)];
            let result = poll(&mut fds, Some(&limit));
            (result, !fds[0].revents().is_empty(), !fds[1].revents().is_empty())
        } else {
            let mut fds = [events()];
            let result = poll(&mut fds, Some(&limit));
            (result, !fds[0].revents().is_empty(), false)
        };
        match result {
            Ok(0) | Err(rustix::io::Errno::INTR) => return Ok(()),
            Ok(_) => {}
            Err(error) => return Err(CaptureError::System { what: "poll", detail: error.to_string() }),
        }
        if deeds {
            self.read_tap();
        }
        if readable {
            self.fill(MAX_BATCH).map_err(gone)?;
        }
        Ok(())
    }

    /// The pointer did something, or may have, that was not handed over.
    pub(super) fn needs_pointer(&self) -> bool {
        self.stale
            || self.tap.as_ref().is_some_and(Tap::is_pending)
            || self.queue.iter().any(|read| {
                matches!(
                    read.event,
                    Event::XinputRawMotion(_) | Event::XinputRawButtonPress(_) | Event::XinputRawButtonRelease(_)
                )
            })
    }

    /// How long to go on reading before the batch is handed over; `None` when it is time.
    pub(super) fn gathering(&self) -> Option<Duration> {
        if !self.drained || self.queue.len() >= MAX_BATCH || !self.needs_pointer() {
            return None;
        }
        let rest = self.located.plus(GATHER).since(self.clock.now());
        (!rest.is_zero()).then_some(rest)
    }

    /// Asks where the pointer is, and reads all that happened before the answer.
    pub(super) fn locate(&mut self) -> Result<(XIQueryPointerReply, u64), ReplyError> {
        let cookie = ask_for_pointer(&self.conn, self.root, self.pointer, self.tap.as_mut())?;
        let sequence = cookie.sequence_number();
        let reply = cookie.reply()?;
        self.located = self.clock.now();
        self.stale = false;
        // Reading the answer has read the events before it: they are in the connection's buffer, before later ones. All of them are
        // taken, however many, since what the pointer did ends at the answer too.
        self.fill(usize::MAX)?;
        Ok((reply, sequence))
    }

    /// Hands over one batch from the queue.
    pub(super) fn batch(&mut self, sink: &InputSink) -> Result<(), ReplyError> {
        self.ask_for_devices()?;
        let mut answer = None;
        let mut count = self.queue.len();
        if self.needs_pointer() {
            let (reply, sequence) = self.locate()?;
            count = self.queue.iter().take_while(|read| read.sequence < sequence).count();
            answer = Some(reply);
        }
        let mut decoded = Vec::with_capacity(count);
        for Read { event, sequence, arrival } in self.queue.drain(..count) {
            let known = match event {
                Event::XinputRawKeyPress(_) | Event::XinputRawKeyRelease(_) => self.keys_from,
                Event::XinputRawButtonPress(_) | Event::XinputRawButtonRelease(_) | Event::XinputRawMotion(_) => {
                    self.pointer_from
                }
                _ => 0,
            };
            if sequence >= known {
                decoded.push((arrival, sequence, decode(event, &self.devices)));
            }
        }
        let happened = match &answer {
            Some(reply) => self.happened(decoded, position(reply)),
            None => decoded.into_iter().map(|(at, sequence, event)| Happened::Other(at, sequence, event)).collect(),
        };
        for happened in happened {
            match happened {
                Happened::Pointer(done) => {
                    self.ask_if_room(sink)?;
                    self.pointer_did(done, sink);
                }
                Happened::Other(arrival, sequence, event) => {
                    self.guard.reached(sequence);
                    match event {
                        Decoded::Key { event, down } => {
                            self.ask_before_a_key(sink)?;
                            self.key(&event, down, arrival, sink);
                        }
                        Decoded::Other(event) => self.other(&event, sequence, arrival)?,
                        // Handed over with what it did.
                        Decoded::Button { .. } | Decoded::Move { .. } => {}
                    }
                }
            }
        }
        if let Some(reply) = answer {
            self.drained &= !self.focus.is_news(reply.child);
            let told = self.focus.pointer_over(&self.conn, reply.child)?;
            self.tell_secret(self.located, sink);
            self.tell_focus(told, None, sink);
        }
        self.ask_if_room(sink)?;
        self.tell_skipped(false, sink);
        Ok(())
    }
}

/// Sends the question for the pointer, which is a mark in the record of what the pointer did.
pub(super) fn ask_for_pointer<'c>(
    conn: &'c RustConnection,
    root: Window,
    pointer: u16,
    tap: Option<&mut Tap>,
) -> Result<Cookie<'c, RustConnection, XIQueryPointerReply>, ConnectionError> {
    let cookie = conn.xinput_xi_query_pointer(root, pointer)?;
    if let Some(tap) = tap {
        tap.expect_mark(cookie.sequence_number());
    }
    Ok(cookie)
}

/// Where the pointer is; `None` on another screen of the server.
pub(super) fn position(reply: &XIQueryPointerReply) -> Option<Point> {
    reply.same_screen.then(|| (f64::from(reply.root_x) / 65_536.0, f64::from(reply.root_y) / 65_536.0))
}
