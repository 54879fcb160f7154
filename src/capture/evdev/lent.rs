//! The devices that `watchcap-input-helper` lends: asks for them, takes them, and hears when they are taken back.
//!
//! The helper follows the session (logind) and revokes the devices when it is locked or left; it says so first. What it says is in
//! `input-helper/src/wire.rs`. When it says anything else, or is gone, no device of it is read any more: nobody would take it back.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::File;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use watchcap_input_helper::follow::name;
use watchcap_input_helper::line::{self, Brought};
use watchcap_input_helper::wire::{Heard, MAX_DEVICES, Why, Word, hello};

use super::device::{Device, FOLDER, Wants};
use super::folder::NAME;
use super::gate::Session;
use super::held::DeviceId;
use crate::base::child::Helper;
use crate::base::time::Clock;
use crate::capture::CaptureError;

/// What [`CaptureError::Gone`] calls it.
pub(super) const HELPER: &str = "watchcap-input-helper";
/// How long the person may take to answer, and how long the helper to begin then.
const ANSWER: Duration = Duration::from_mins(5);
const BEGIN: Duration = Duration::from_secs(20);
/// How long it may take to end by itself.
const END: Duration = Duration::from_millis(500);
/// How long is waited at once.
const WAIT: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
/// Packets that are read at once: all devices, and a word.
const BATCH: usize = MAX_DEVICES + 1;
/// What pkexec ends with when the person did not agree, and when it could not ask or polkit refused.
const DISMISSED: i32 = 126;
const REFUSED: i32 = 127;
/// What pkexec says last when polkit refused.
const REPORTED: &str = "This incident has been reported.";

/// The helper, and what it lends.
pub(super) struct Lent {
    /// Closed first: by that the helper ends.
    socket: Option<OwnedFd>,
    process: Helper,
    heard: Heard,
    wants: Wants,
    session: Session,
    came: VecDeque<(PathBuf, Device)>,
    next: DeviceId,
}

impl Lent {
    /// Starts the helper, which has the person asked, and waits for what it lends, or that the session is closed.
    ///
    /// # Errors
    /// [`CaptureError::Unavailable`] when the person or the system refuses.
    pub(super) fn ask(command: &[OsString], wants: Wants, clock: &Arc<dyn Clock>) -> Result<Self, CaptureError> {
        let [program, args @ ..] = command else { return Err(refused("there is no helper")) };
        let start = Helper::start_asking(program, args);
        let (process, socket) = start.map_err(|error| refused(&format!("pkexec does not start: {error}")))?;
        let mut lent = Self {
            socket: Some(socket),
            process,
            heard: Heard::default(),
            wants,
            session: Session::Closed,
            came: VecDeque::new(),
            next: 0,
        };
        if let Err(error) = lent.hello() {
            return Err(refused(&lent.last_word(&error.to_string())));
        }
        let mut until = clock.now().plus(ANSWER);
        loop {
            match lent.listen() {
                Ok(Some(Word::Greeting)) => until = clock.now().plus(BEGIN),
                Ok(Some(Word::Open | Word::Closed(_))) => return Ok(lent),
                Ok(Some(Word::Device(_)) | None) => {}
                Err(why) => return Err(refused(&lent.last_word(&why))),
            }
            if clock.now() >= until {
                return Err(refused("the helper does not answer"));
            }
            lent.wait();
        }
    }

    fn hello(&self) -> std::io::Result<()> {
        let socket = self.socket.as_ref().ok_or(std::io::ErrorKind::NotConnected)?;
        line::send(socket.as_fd(), &hello(), None)
    }

    fn wait(&self) {
        let Some(socket) = &self.socket else { return };
        let _woken = poll(&mut [PollFd::from_borrowed_fd(socket.as_fd(), PollFlags::IN)], Some(&WAIT));
    }

    /// Takes in what the helper says, up to a word about the session: what comes behind it waits until that was acted on.
    ///
    /// # Errors
    /// When it has ended, or says what it must not.
    fn listen(&mut self) -> Result<Option<Word>, String> {
        for _ in 0..BATCH {
            let Some(socket) = &self.socket else { return Err("it has ended".into()) };
            let packet = match line::receive(socket.as_fd()) {
                Brought::Nothing => return Ok(None),
                Brought::HungUp => return self.give_up("it has ended"),
                Brought::Packet(packet) => packet,
            };
            match self.heard.take(packet.bytes(), packet.descriptors.len()) {
                Ok(Word::Device(number)) => self.take(number, packet.descriptors),
                Ok(word) => {
                    match word {
                        Word::Open => self.session = Session::Open,
                        Word::Closed(why) => self.closed(why),
                        Word::Greeting | Word::Device(_) => {}
                    }
                    return Ok(Some(word));
                }
                Err(error) => return self.give_up(&format!("it says what it must not: {error}")),
            }
        }
        Ok(None)
    }

    fn give_up<T>(&mut self, why: &str) -> Result<T, String> {
        self.socket = None;
        self.came.clear();
        Err(why.to_owned())
    }

    fn closed(&mut self, why: Why) {
        let why = match why {
            Why::Locked => "the session is locked",
            Why::Inactive => "another session is in front",
            Why::Unknown => "nobody tells whether the session is locked",
        };
        tracing::info!(target: "capture", "the helper takes all devices back: {why}");
        self.session = Session::Closed;
        self.came.clear();
    }

    /// Takes a device, where it is one that is wanted.
    fn take(&mut self, number: u32, descriptors: Vec<OwnedFd>) {
        let path = Path::new(FOLDER).join(name(number));
        for descriptor in descriptors.into_iter().take(MAX_DEVICES - self.came.len().min(MAX_DEVICES)) {
            let id = self.next;
            self.next = self.next.wrapping_add(1);
            match Device::of(File::from(descriptor), &path, id, self.wants) {
                Ok(device) => self.came.extend(device.map(|device| (path.clone(), device))),
                // It is unplugged already, or taken back.
                Err(error) => tracing::debug!(target: "capture", %error, "a device that was lent is not read"),
            }
        }
    }

    /// What the helper said, or pkexec.
    fn last_word(&mut self, why: &str) -> String {
        let code = self.process.finish(END).flatten();
        let said = self.process.end();
        match code {
            Some(DISMISSED) => "the question whether it may read them was answered with no".to_owned(),
            Some(REFUSED) if said.is_empty() || said == REPORTED => {
                "polkit does not allow it: it asks whoever is in front of the machine, and nobody else".to_owned()
            }
            Some(REFUSED) => format!("polkit does not allow it: {said}"),
            _ if said.is_empty() => format!("the helper: {why}"),
            _ => said,
        }
    }

    /// What holds now. To be called as long as it tells of a change.
    ///
    /// # Errors
    /// [`CaptureError::Gone`] when the helper has ended.
    pub(super) fn session(&mut self) -> Result<Session, CaptureError> {
        match self.listen() {
            Ok(_) => Ok(self.session),
            Err(why) => Err(CaptureError::Gone { what: HELPER, detail: self.last_word(&why) }),
        }
    }

    /// Takes those that came, as many as there is room for.
    pub(super) fn arrivals(&mut self, room: usize) -> Vec<(PathBuf, Device)> {
        let taken = self.came.len().min(room);
        self.came.drain(..taken).collect()
    }

    /// Becomes readable when it says something.
    pub(super) fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.socket.as_ref().map(|socket| socket.as_fd())
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        // It takes the devices back then, and ends.
        self.socket = None;
        let _late = self.process.finish(END);
    }
}

/// Why it lends none.
fn refused(why: &str) -> CaptureError {
    let detail = format!("watchcap-input-helper lends no devices: {why}");
    CaptureError::Unavailable { backend: NAME, what: "input".into(), detail }
}
