//! `watchcap-pipewire`: one running child, and where its program is.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd as _, OwnedFd};
use std::time::Duration;

use super::answer::{Answer, GREETING, HEAD, Head, MEMORY, is_greeting};
use crate::base::child::shared::{Line, Shared};
use crate::base::child::{Helper, beside};

/// Names the program, whatever lies beside this one.
pub(super) const PROGRAM_ENV: &str = "WATCHCAP_PIPEWIRE";
/// Its name.
const PROGRAM: &str = "watchcap-pipewire";
/// How long the child may take to start: a loaded machine starts a process.
const FIRST: Duration = Duration::from_secs(20);
/// How long it may take for an answer beyond what it was told to wait.
const STALL: Duration = Duration::from_secs(5);

/// Returns the program.
///
/// # Errors
/// Why there is none that is used.
pub(super) fn program() -> Result<OsString, String> {
    beside::find(PROGRAM, PROGRAM_ENV)
}

/// A running child.
pub(super) struct Child {
    process: Helper,
    memory: Shared,
    line: Line,
}

impl Child {
    /// Starts the program for a stream. `draws`: it draws the pointer into the pictures.
    ///
    /// # Errors
    /// Why there is no child, fit to be printed.
    pub(super) fn start(program: &OsStr, node: u32, draws: bool, remote: &OwnedFd) -> Result<Self, String> {
        let args = [node.to_string(), MEMORY.to_string(), u8::from(draws).to_string()].map(OsString::from);
        let failed = |error: std::io::Error| error.to_string();
        let (process, memory, line) = Helper::start_shared(program, &args, MEMORY).map_err(failed)?;
        let mut child = Self { process, memory, line };
        let mut greeting = [0; GREETING];
        let greeted = child.line.answer(FIRST).receive(&mut greeting);
        if greeted.is_ok() && !is_greeting(greeting) {
            return Err("it speaks another protocol".to_owned());
        }
        if let Err(error) = greeted.and_then(|()| child.line.hand_over(remote.as_fd(), STALL)) {
            let said = child.end();
            return Err(if said.is_empty() { error.to_string() } else { said });
        }
        Ok(child)
    }

    /// Asks for the newest picture, one that was handed out before only if `whole`; waits this long for it.
    ///
    /// # Errors
    /// When the child does not go on.
    pub(super) fn look(&mut self, whole: bool, wait: Duration) -> std::io::Result<Answer> {
        let mut request = vec![u8::from(whole), 0, 0, 0];
        request.extend(u32::try_from(wait.as_millis()).unwrap_or(u32::MAX).to_le_bytes());
        self.line.send(&request, STALL)?;
        let other = || std::io::Error::other("it speaks another protocol");
        let mut head = [0; HEAD];
        let mut answer = self.line.answer(wait + STALL);
        answer.receive(&mut head)?;
        let head = Head::of(&head).ok_or_else(other)?;
        let mut rest = vec![0; head.rest()];
        answer.receive(&mut rest)?;
        head.with(&rest).ok_or_else(other)
    }

    /// Reads the picture that the last answer told of into pixels of its size, blue first.
    ///
    /// # Errors
    /// When it is not all there.
    pub(super) fn read(&self, is_red_first: bool, out: &mut [u8]) -> std::io::Result<()> {
        self.memory.read_at(out, 0)?;
        if is_red_first {
            out.chunks_exact_mut(4).for_each(|pixel| pixel.swap(0, 2));
        }
        Ok(())
    }

    /// Ends it; returns what it said last.
    pub(super) fn end(mut self) -> String {
        self.process.end()
    }
}
