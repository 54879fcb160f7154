//! Connections that have not said all of their request yet, side by side, so that those which say nothing keep nobody waiting.
//!
//! Bounded: at most [`MAX_WAITING`] at a time, each for [`PATIENCE`] and one line. When there are more, the one that waits longest goes:
//! whoever means something says it at once.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::base::time::{Clock, MonoNs, SystemClock};
use crate::control::protocol::{MAX_LINE, Refusal, Request, Snapshot, read_request, write_reply};

/// Time that one connection gets to say its request.
const PATIENCE: Duration = Duration::from_millis(500);
/// Connections that are waited for at a time.
const MAX_WAITING: usize = 64;
/// Connections that are taken in one turn, so that the others have theirs.
const MAX_TAKEN: usize = 16;

/// A connection and what it has said so far.
struct Connection {
    stream: UnixStream,
    line: Vec<u8>,
    until: MonoNs,
}

/// The connections of a socket.
#[derive(Default)]
pub(super) struct Waiting {
    all: VecDeque<Connection>,
}

impl Waiting {
    /// Waits for something to happen, `longest` at the most, and answers those that have said their request.
    pub(super) fn turn(
        &mut self,
        listener: &UnixListener,
        longest: Duration,
        obey: &dyn Fn(Request) -> Result<Snapshot, Refusal>,
    ) {
        let now = SystemClock.now();
        let left = self.all.front().map_or(longest, |first| first.until.since(now).min(longest));
        let wait = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: i64::from(left.subsec_nanos()) };
        let mut fds = vec![PollFd::new(listener, PollFlags::IN)];
        fds.extend(self.all.iter().map(|connection| PollFd::new(&connection.stream, PollFlags::IN)));
        if poll(&mut fds, Some(&wait)).is_err() {
            return;
        }
        drop(fds);
        for _ in 0..MAX_TAKEN {
            // Nobody there, or the peer went away again.
            let Ok((stream, _)) = listener.accept() else { break };
            self.take(stream);
        }
        let now = SystemClock.now();
        self.all.retain_mut(|connection| match connection.said(now) {
            None => true,
            Some(said) => {
                connection.answer(&said.and_then(|line| read_request(&line)).and_then(obey));
                false
            }
        });
    }

    fn take(&mut self, stream: UnixStream) {
        if let Err(error) = stream.set_nonblocking(true) {
            tracing::debug!(%error, "a control connection failed");
            return;
        }
        let mut connection = Connection { stream, line: Vec::new(), until: SystemClock.now().plus(PATIENCE) };
        if !is_ours(&connection.stream) {
            tracing::warn!("another user tried to control the recording and was refused");
            let only = Refusal::new("not_owner", "only the user who records can control the recording");
            connection.answer(&Err(only));
            return;
        }
        if self.all.len() == MAX_WAITING
            && let Some(mut longest) = self.all.pop_front()
        {
            longest.answer(&Err(slow()));
        }
        self.all.push_back(connection);
    }
}

fn slow() -> Refusal {
    Refusal::new("too_slow", "the request did not arrive in time")
}

impl Connection {
    /// What it has said up to the first newline or its end, or why it is not waited for any more; nothing while it is.
    fn said(&mut self, now: MonoNs) -> Option<Result<Vec<u8>, Refusal>> {
        let mut buffer = [0; 1024];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return Some(Ok(std::mem::take(&mut self.line))),
                Ok(read) => self.line.extend_from_slice(&buffer[..read]),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    return (now >= self.until).then(|| Err(slow()));
                }
                Err(_) => return Some(Err(slow())),
            }
            if let Some(end) = self.line.iter().position(|byte| *byte == b'\n') {
                self.line.truncate(end);
                return Some(Ok(std::mem::take(&mut self.line)));
            }
            if self.line.len() > MAX_LINE {
                return Some(Err(Refusal::new("too_long", "the request is too long")));
            }
        }
    }

    /// Answers; whoever does not take the few bytes of it goes without.
    fn answer(&mut self, reply: &Result<Snapshot, Refusal>) {
        if let Err(error) = self.stream.write_all(write_reply(reply).as_bytes()) {
            tracing::debug!(%error, "a control connection failed");
        }
    }
}

/// Whether the peer is this user, as the kernel says. Another user is refused whoever it is, root too.
fn is_ours(stream: &UnixStream) -> bool {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    return rustix::net::sockopt::socket_peercred(stream.as_fd())
        .is_ok_and(|peer| peer.uid.as_raw() == super::place::user());
    // Elsewhere the rights of the folder and of the socket are what keeps others out.
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    {
        let _ = stream.as_fd();
        true
    }
}
