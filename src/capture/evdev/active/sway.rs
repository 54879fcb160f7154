//! sway's protocol for scripts (`sway-ipc(7)`, i3's own): a connection for events, and one for questions.
//!
//! A message is `i3-ipc`, the length of its text and its type as 32-bit numbers of the machine's order, and a text of JSON. sway has one thread:
//! it writes the events of a change before it answers a question that came after the change.

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
/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// Types of messages.
const SUBSCRIBE: u32 = 2;
const GET_TREE: u32 = 4;
/// A question with a short answer.
const GET_BINDING_STATE: u32 = 12;

/// What tells of another active window, or of another name of it.
const EVENTS: &[u8] = br#"["window","workspace","shutdown"]"#;
/// The type of the event that the compositor ends.
const SHUTDOWN: u32 = 0x8000_0006;

/// A sway that is listened to.
pub(super) struct Sway {
    events: UnixStream,
    questions: UnixStream,
    /// Bytes of an event that has not come whole.
    begun: Vec<u8>,
    /// The active window was never asked for.
    is_new: bool,
}

impl Sway {
    /// Connects to a socket.
    pub(super) fn connect(path: &Path) -> io::Result<Self> {
        let mut events = UnixStream::connect(path)?;
        let questions = UnixStream::connect(path)?;
        for stream in [&events, &questions] {
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_write_timeout(Some(PATIENCE))?;
        }
        let answer = ask(&mut events, SUBSCRIBE, EVENTS)?;
        if !sway_tree::is_success(&answer) {
            return Err(io::Error::other("it refuses to tell of windows"));
        }
        events.set_nonblocking(true)?;
        Ok(Self { events, questions, begun: Vec::new(), is_new: true })
    }

    /// Reads the events that have come: their texts.
    fn drain(&mut self) -> io::Result<Vec<Vec<u8>>> {
        let mut buffer = [0; 16 << 10];
        loop {
            match self.events.read(&mut buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => self.begun.extend_from_slice(&buffer[..read]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
            if self.begun.len() > HEADER + MAX_MESSAGE {
                break;
            }
        }
        let mut events = Vec::new();
        while let Some(header) = self.begun.first_chunk() {
            let (length, kind) = parse(header)?;
            if self.begun.len() < HEADER + length {
                break;
            }
            if kind == SHUTDOWN {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it ends"));
            }
            events.push(self.begun[HEADER..HEADER + length].to_vec());
            self.begun.drain(..HEADER + length);
        }
        Ok(events)
    }
}

impl Desk for Sway {
    fn wait(&mut self, limit: Duration) -> io::Result<()> {
        let limit = Timespec { tv_sec: 0, tv_nsec: limit.subsec_nanos().into() };
        let mut fds = [PollFd::from_borrowed_fd(std::os::fd::AsFd::as_fd(&self.events), PollFlags::IN)];
        match poll(&mut fds, Some(&limit)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn look(&mut self) -> io::Result<Vec<Option<Active>>> {
        ask(&mut self.questions, GET_BINDING_STATE, b"")?;
        let events = self.drain()?;
        if events.is_empty() && !self.is_new {
            return Ok(Vec::new());
        }
        self.is_new = false;
        // One that was active for a moment only is in an event and not in the tree, which knows what events do not tell: no window.
        let mut active: Vec<_> = events.iter().filter_map(|event| sway_tree::focused_by(event)).map(Some).collect();
        active.push(sway_tree::active(&ask(&mut self.questions, GET_TREE, b"")?)?);
        Ok(active)
    }
}

/// Sends a message and reads its answer.
fn ask(stream: &mut UnixStream, kind: u32, text: &[u8]) -> io::Result<Vec<u8>> {
    let mut message = Vec::with_capacity(HEADER + text.len());
    message.extend_from_slice(MAGIC);
    message.extend_from_slice(&(text.len() as u32).to_ne_bytes());
    message.extend_from_slice(&kind.to_ne_bytes());
    message.extend_from_slice(text);
    stream.write_all(&message)?;
    let mut header = [0; HEADER];
    stream.read_exact(&mut header)?;
    let (length, answers) = parse(&header)?;
    if answers != kind {
        return Err(invalid("it answers another question"));
    }
    let mut answer = vec![0; length];
    stream.read_exact(&mut answer)?;
    Ok(answer)
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
