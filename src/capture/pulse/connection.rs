//! One connection to a sound server: asks and is answered, or hands over what comes.
//!
//! Bounded: a message that is longer than the protocol allows ends the connection. It waits at most [`WAIT`] at once, so that who uses it
//! can be asked to stop.

use std::collections::VecDeque;
use std::io::{Cursor, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use pulseaudio::protocol::{
    self, AuthParams, AuthReply, Command, CommandReply, DESCRIPTOR_SIZE, MAX_MEMBLOCKQ_LENGTH, MAX_VERSION, Prop,
    Props, SetClientNameReply,
};

use super::failure::Failure;
use super::place::{self, Place};
use crate::base::time::Clock;

/// How long is waited at once.
pub(super) const WAIT: Duration = Duration::from_millis(50);
/// How long an answer is waited for.
const ANSWER: Duration = Duration::from_secs(3);
/// Channel of messages that are no samples.
const CONTROL: u32 = u32::MAX;
/// Longest message; lists of many devices are long.
const LONGEST: usize = MAX_MEMBLOCKQ_LENGTH;
/// Bytes that are read at once: a fragment of 10 ms has 4 kB.
const CHUNK: usize = 16 << 10;

/// What comes from a server unasked.
pub(super) enum Incoming {
    /// Samples of a stream.
    Samples {
        /// Which stream.
        channel: u32,
        /// Their bytes.
        bytes: Vec<u8>,
    },
    /// The answer to what had this number.
    Answer {
        /// The number.
        number: u32,
        /// The message, whole.
        message: Vec<u8>,
    },
    /// What the server tells.
    Told(Box<Command>),
}

/// A connection to a sound server.
pub(super) struct Connection {
    socket: UnixStream,
    clock: Arc<dyn Clock>,
    version: u16,
    /// The number of the next question.
    next: u32,
    /// What was read and is no whole message yet.
    buffer: Vec<u8>,
    /// What came while an answer was waited for.
    waiting: VecDeque<Incoming>,
}

impl Connection {
    /// Connects to the server of this session.
    ///
    /// # Errors
    /// When there is none, or it does not let us in.
    pub(super) fn open(clock: &Arc<dyn Clock>) -> Result<Self, Failure> {
        let sockets = match place::of_session() {
            Place::Sockets(sockets) => sockets,
            Place::Elsewhere(named) => return Err(Failure::Elsewhere(named)),
        };
        let mut refused = None;
        for path in sockets {
            match Self::to(&path, Arc::clone(clock)) {
                Ok(connection) => return Ok(connection),
                // What a person can do something about is said rather than that the last of the usual places is empty.
                Err(Failure::Io(error)) if error.kind() == ErrorKind::NotFound => {
                    refused = refused.or(Some(Failure::Io(error)));
                }
                Err(failure) => refused = Some(failure),
            }
        }
        Err(refused.unwrap_or(Failure::Closed))
    }

    /// Connects to the server that listens there.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub(super) fn to(path: &Path, clock: Arc<dyn Clock>) -> Result<Self, Failure> {
        let socket = UnixStream::connect(path)?;
        socket.set_read_timeout(Some(WAIT))?;
        socket.set_write_timeout(Some(ANSWER))?;
        let (buffer, waiting) = (Vec::new(), VecDeque::new());
        let mut connection = Self { socket, clock, version: MAX_VERSION, next: 0, buffer, waiting };
        let auth =
            AuthParams { version: MAX_VERSION, supports_shm: false, supports_memfd: false, cookie: place::cookie() };
        let answer: AuthReply = connection.ask(&Command::Auth(auth))?;
        connection.version = answer.version.min(MAX_VERSION);
        let mut props = Props::new();
        props.set(Prop::ApplicationName, c"watchcap");
        let _: SetClientNameReply = connection.ask(&Command::SetClientName(props))?;
        Ok(connection)
    }

    /// Asks, and waits for the answer. What else comes meanwhile is kept.
    ///
    /// # Errors
    /// When the server refuses, does not answer, or is gone.
    pub(super) fn ask<T: CommandReply>(&mut self, question: &Command) -> Result<T, Failure> {
        let (number, until) = (self.send(question)?, self.clock.now().plus(ANSWER));
        loop {
            match self.read()? {
                Some(Incoming::Answer { number: other, message }) if other == number => {
                    return self.understood(&message);
                }
                Some(other) => self.waiting.push_back(other),
                None if self.clock.now() > until => return Err(Failure::Silent),
                None => {}
            }
        }
    }

    /// Asks, and returns the number that the answer will have.
    ///
    /// # Errors
    /// When the server is gone.
    pub(super) fn send(&mut self, question: &Command) -> Result<u32, Failure> {
        let number = self.next;
        self.next += 1;
        let mut message = Vec::new();
        protocol::write_command_message(&mut message, number, question, self.version)?;
        self.socket.write_all(&message)?;
        Ok(number)
    }

    /// Hands samples to a playback stream.
    ///
    /// # Errors
    /// When the server is gone.
    pub(super) fn play(&mut self, channel: u32, samples: &[u8]) -> Result<(), Failure> {
        let mut message = Vec::with_capacity(DESCRIPTOR_SIZE + samples.len());
        protocol::write_memblock(&mut message, channel, samples, 0)?;
        self.socket.write_all(&message)?;
        Ok(())
    }

    /// Reads an answer.
    ///
    /// # Errors
    /// When it is a refusal, or none of this kind.
    pub(super) fn understood<T: CommandReply>(&self, message: &[u8]) -> Result<T, Failure> {
        Ok(protocol::read_reply_message(&mut Cursor::new(message), self.version)?.1)
    }

    /// Returns what comes next; `None` when nothing does for [`WAIT`].
    ///
    /// # Errors
    /// When the server is gone.
    pub(super) fn receive(&mut self) -> Result<Option<Incoming>, Failure> {
        if let Some(kept) = self.waiting.pop_front() {
            return Ok(Some(kept));
        }
        self.read()
    }

    fn read(&mut self) -> Result<Option<Incoming>, Failure> {
        loop {
            if let Some(message) = self.whole_message()? {
                if let Some(incoming) = self.sorted(message)? {
                    return Ok(Some(incoming));
                }
                continue;
            }
            let held = self.buffer.len();
            self.buffer.resize(held + CHUNK, 0);
            let got = self.socket.read(&mut self.buffer[held..]);
            self.buffer.truncate(held + got.as_ref().copied().unwrap_or(0));
            match got {
                Ok(0) => return Err(Failure::Closed),
                Ok(_) => {}
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => return Ok(None),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Takes the first message out of the buffer; `None` while a part of it is missing.
    fn whole_message(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        if self.buffer.len() < DESCRIPTOR_SIZE {
            return Ok(None);
        }
        let length = protocol::read_descriptor(&mut Cursor::new(&self.buffer))?.length as usize;
        if length > LONGEST {
            return Err(Failure::Odd(format!("a message of {length} bytes")));
        }
        let length = DESCRIPTOR_SIZE + length;
        if self.buffer.len() < length {
            return Ok(None);
        }
        let rest = self.buffer.split_off(length);
        Ok(Some(std::mem::replace(&mut self.buffer, rest)))
    }

    fn sorted(&self, mut message: Vec<u8>) -> Result<Option<Incoming>, Failure> {
        let channel = protocol::read_descriptor(&mut Cursor::new(&message))?.channel;
        if channel != CONTROL {
            return Ok(Some(Incoming::Samples { channel, bytes: message.split_off(DESCRIPTOR_SIZE) }));
        }
        let command = Command::read_tag_prefixed(&mut Cursor::new(&message[DESCRIPTOR_SIZE..]), self.version);
        Ok(match command {
            Ok((number, Command::Reply | Command::Error(_))) => Some(Incoming::Answer { number, message }),
            Ok((_, told)) => Some(Incoming::Told(Box::new(told))),
            // Of newer servers, or of abilities that we do not have: nothing that was asked for.
            Err(error) => {
                tracing::debug!(%error, "the sound server said what is not understood");
                None
            }
        })
    }
}
