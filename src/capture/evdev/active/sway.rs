//! sway's protocol for scripts (`sway-ipc(7)`, i3's own).
//!
//! A message is `i3-ipc`, the length of its text and its type as 32-bit numbers of the machine's order, and a text of JSON; events have the
//! highest bit of the type set. sway has one thread: it writes the events of a change before it answers a question that came after the change, and
//! on one connection they are read in that order.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::desk::{Active, Desk};
use super::sway_tree;

const MAGIC: &[u8; 6] = b"i3-ipc";
const HEADER: usize = MAGIC.len() + 8;
/// The longest message that is taken: the tree of a desktop with some thousand windows.
const MAX_MESSAGE: usize = 16 << 20;
/// How long an answer is waited for: a compositor that changes its monitors, or comes out of a suspension, may be away for seconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// Types of messages.
const SUBSCRIBE: u32 = 2;
const GET_TREE: u32 = 4;
/// A question with a short answer.
const GET_BINDING_STATE: u32 = 12;

/// What tells of another active window, or of another name of it.
const EVENTS: &[u8] = br#"["window","workspace","shutdown"]"#;
/// What the types of events have set.
const EVENT: u32 = 0x8000_0000;
/// The type of the event that the compositor ends.
const SHUTDOWN: u32 = EVENT | 6;

/// A sway that is listened to.
pub(super) struct Sway {
    stream: UnixStream,
    /// Texts of events that came before an answer.
    events: Vec<Vec<u8>>,
    /// The active window was never asked for.
    is_new: bool,
}

impl Sway {
    /// Connects to a socket.
    pub(super) fn connect(path: &Path) -> io::Result<Self> {
        let stream = UnixStream::connect(path)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut sway = Self { stream, events: Vec::new(), is_new: true };
        if !sway_tree::is_success(&sway.ask(SUBSCRIBE, EVENTS)?) {
            return Err(io::Error::other("it refuses to tell of windows"));
        }
        Ok(sway)
    }

    /// Sends a message and reads its answer, and the events before it.
    fn ask(&mut self, kind: u32, text: &[u8]) -> io::Result<Vec<u8>> {
        let mut message = Vec::with_capacity(HEADER + text.len());
        message.extend_from_slice(MAGIC);
        message.extend_from_slice(&(text.len() as u32).to_ne_bytes());
        message.extend_from_slice(&kind.to_ne_bytes());
        message.extend_from_slice(text);
        self.stream.write_all(&message)?;
        loop {
            let mut header = [0; HEADER];
            self.stream.read_exact(&mut header)?;
            let (length, what) = parse(&header)?;
            let mut text = vec![0; length];
            self.stream.read_exact(&mut text)?;
            match what {
                SHUTDOWN => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it ends")),
                event if event & EVENT != 0 => self.events.push(text),
                answer if answer == kind => return Ok(text),
                _ => return Err(invalid("it answers another question")),
            }
        }
    }
}

impl Desk for Sway {
    fn wait(&mut self, limit: Duration) -> io::Result<()> {
        let limit = Timespec { tv_sec: 0, tv_nsec: limit.subsec_nanos().into() };
        let mut fds = [PollFd::from_borrowed_fd(std::os::fd::AsFd::as_fd(&self.stream), PollFlags::IN)];
        match poll(&mut fds, Some(&limit)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn look(&mut self) -> io::Result<Vec<Option<Active>>> {
        self.ask(GET_BINDING_STATE, b"")?;
        let events = std::mem::take(&mut self.events);
        if events.is_empty() && !self.is_new {
            return Ok(Vec::new());
        }
        self.is_new = false;
        // One that was active for a moment only is in an event and not in the tree, which knows what events do not tell: no window.
        let mut active: Vec<_> = events.iter().filter_map(|event| sway_tree::focused_by(event)).map(Some).collect();
        active.push(sway_tree::active(&self.ask(GET_TREE, b"")?)?);
        Ok(active)
    }
}

/// The length of a message and its type.
fn parse(header: &[u8; HEADER]) -> io::Result<(usize, u32)> {
    let number = |at: usize| u32::from_ne_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    let (length, kind) = (number(MAGIC.len()) as usize, number(MAGIC.len() + 4));
    if !header.starts_with(MAGIC) {
        return Err(invalid("it speaks another protocol"));
    }
    if length > MAX_MESSAGE {
        return Err(invalid("a message of it is too long"));
    }
    Ok((length, kind))
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_another_protocol_or_length_are_refused() {
        let header = |magic: &[u8], length: u32| {
            let mut header = magic.to_vec();
            header.extend_from_slice(&length.to_ne_bytes());
            header.extend_from_slice(&7_u32.to_ne_bytes());
            header
        };
        let parsed = |bytes: Vec<u8>| parse(bytes.first_chunk().expect("a header")).ok();
        assert_eq!(parsed(header(b"i3-ipc", 12)), Some((12, 7)));
        assert_eq!(parsed(header(b"i3-ipc", u32::MAX)), None);
        assert_eq!(parsed(header(b"i2-ipc", 12)), None);
    }
}
