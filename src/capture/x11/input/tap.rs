//! What the master pointer did, through the RECORD extension: each motion and each button with its place, whatever made it.
//!
//! Raw events tell what devices did; a program that puts the pointer somewhere (`XWarpPointer`) makes none, and what a device's
//! numbers did to the pointer they do not say either. The server's record of its own pointer has both. The context also records one
//! kind of request of the connection that listens to raw events, its question for the pointer: that request stands in this stream
//! as a *mark*, between what the pointer did before it and after it, so both streams can be cut at the same moment.
//!
//! The server loses packets, marks among them, when it cannot write them at once (seen with 21.1): of a process that was stopped, or
//! got no time, the record has gaps. A packet is lost as a whole, and what is there is in order.
//!
//! Nothing of other clients' requests, and no key, is recorded. What it does not do: join both streams ([`super::join`]).

use std::os::fd::AsFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use x11rb::connection::{Connection, RequestConnection};
use x11rb::errors::{ReplyError, ReplyOrIdError};
use x11rb::protocol::record::{self, ConnectionExt as _, ExtRange, HType, Range, Range8, Range16};
use x11rb::protocol::{xinput, xproto};
use x11rb::rust_connection::RustConnection;

use super::path::Point;
use crate::base::time::{Clock, MonoNs};

/// How long a mark is waited for while nothing comes. The server writes it before, or right behind, the answer to the request that it
/// is; but what it recorded while this process got no time it holds back, and sends by and by as it is read.
const PATIENCE: Duration = Duration::from_millis(500);
/// Events that are kept until they are asked for: two seconds at 8 kHz, of 40 bytes. Beyond, motions replace the motion before them.
const MAX_DONE: usize = 16_384;
/// Why there is no record when nothing comes.
const SILENT: &str = "the server does not answer";
/// Bytes read at once.
const CHUNK: usize = 4096;
/// The longest packet: the server sends at most 1 KiB of recorded data in one; an event of an extension has no more either.
const MAX_PACKET: usize = 65_536;
/// Bytes of a packet without what follows its length, and of an event of the core protocol.
const HEAD: usize = 32;
/// Bytes of a mark: the number of the request, and the request.
const MARK: usize = 16;
/// Categories of a recorded packet: data from the server, data from a client, the begin and the end of the data.
const FROM_SERVER: u8 = 0;
const FROM_CLIENT: u8 = 1;
const START: u8 = 4;
const END: u8 = 5;

/// What the master pointer did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Deed {
    /// It moved, or was moved.
    Motion,
    /// A button went down, by its number after all mapping.
    Press(u8),
    /// A button went up.
    Release(u8),
}

/// One thing that it did.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Done {
    pub(super) deed: Deed,
    /// The server's milliseconds.
    pub(super) time: u32,
    /// Where the pointer was then; `None` on another screen of the server.
    pub(super) at: Option<Point>,
    pub(super) arrival: MonoNs,
}

/// Why there is no record any more.
#[derive(Debug)]
pub(super) struct Dead(&'static str);

impl std::fmt::Display for Dead {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

/// What was recorded, out of the bytes of the stream.
#[derive(Default)]
struct Recorded {
    root: xproto::Window,
    bytes: Vec<u8>,
    /// What the pointer did behind the last mark, and before it.
    done: Vec<Done>,
    marked: Vec<Done>,
    /// The last mark, by the number of its request.
    mark: Option<u32>,
    started: bool,
    /// The pointer is on another screen.
    elsewhere: bool,
    /// Motions that were replaced by later ones.
    replaced: u64,
}

impl Recorded {
    /// Takes the whole packets among the bytes.
    fn parse(&mut self, arrival: MonoNs) -> Result<(), Dead> {
        let mut bytes = std::mem::take(&mut self.bytes);
        let mut rest = bytes.as_slice();
        while let Some(packet) = next_packet(rest)? {
            rest = &rest[packet.len()..];
            match packet[0] {
                0 => return Err(Dead("the server refused to record")),
                1 => self.packet(packet, arrival)?,
                // Events that the server sends to everyone.
                _ => {}
            }
        }
        let taken = bytes.len() - rest.len();
        bytes.drain(..taken);
        self.bytes = bytes;
        Ok(())
    }

    /// A mark has come, or a later one.
    fn has(&self, mark: Option<u32>) -> bool {
        mark.is_none_or(|asked| self.mark.is_some_and(|mark| mark.wrapping_sub(asked) as i32 >= 0))
    }

    fn packet(&mut self, packet: &[u8], arrival: MonoNs) -> Result<(), Dead> {
        match packet[1] {
            START => self.started = true,
            END => return Err(Dead("the server ended the record")),
            FROM_CLIENT => {
                let last = packet[HEAD..].rchunks_exact(MARK).next().ok_or(Dead("a mark has no number"))?;
                self.mark = Some(u32::from_ne_bytes([last[0], last[1], last[2], last[3]]));
                self.marked.append(&mut self.done);
            }
            FROM_SERVER => packet[HEAD..].chunks_exact(HEAD).for_each(|event| self.event(event, arrival)),
            _ => {}
        }
        Ok(())
    }

    fn event(&mut self, event: &[u8], arrival: MonoNs) {
        let word = |at: usize| u32::from_ne_bytes([event[at], event[at + 1], event[at + 2], event[at + 3]]);
        let half = |at: usize| f64::from(i16::from_ne_bytes([event[at], event[at + 1]]));
        let deed = match event[0] & 0x7f {
            xproto::MOTION_NOTIFY_EVENT => {
                // Only motions are given the root that they are in.
                self.elsewhere = word(8) != self.root;
                Deed::Motion
            }
            xproto::BUTTON_PRESS_EVENT => Deed::Press(event[1]),
            xproto::BUTTON_RELEASE_EVENT => Deed::Release(event[1]),
            _ => return,
        };
        let at = (!self.elsewhere).then(|| (half(20), half(22)));
        let done = Done { deed, time: word(4), at, arrival };
        let full = self.done.len() >= MAX_DONE;
        match self.done.last_mut() {
            Some(last) if full && deed == Deed::Motion && last.deed == Deed::Motion => {
                *last = done;
                self.replaced += 1;
            }
            _ => self.done.push(done),
        }
    }

    /// Reads what is in the stream, without waiting; whether there was anything.
    fn read(&mut self, stream: impl AsFd, clock: &dyn Clock) -> Result<bool, Dead> {
        let mut any = false;
        loop {
            let from = self.bytes.len();
            self.bytes.resize(from + CHUNK, 0);
            let got = rustix::io::read(&stream, &mut self.bytes[from..]);
            self.bytes.truncate(from + *got.as_ref().unwrap_or(&0));
            match got {
                Ok(0) => return Err(Dead("the server closed the connection")),
                Ok(count) => {
                    any = true;
                    self.parse(clock.now())?;
                    if count < CHUNK {
                        return Ok(any);
                    }
                }
                Err(rustix::io::Errno::AGAIN) => return Ok(any),
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => return Err(Dead("the connection cannot be read")),
            }
        }
    }

    /// Whether it came, before nothing came for long.
    fn wait_for(
        &mut self,
        stream: impl AsFd,
        clock: &dyn Clock,
        is_there: impl Fn(&Self) -> bool,
    ) -> Result<bool, Dead> {
        let mut until = clock.now().plus(PATIENCE);
        loop {
            // Before the read: a process that was stopped on the way finds in the stream what came meanwhile.
            let rest = until.since(clock.now());
            let any = self.read(&stream, clock)?;
            if is_there(self) {
                return Ok(true);
            }
            if any {
                until = clock.now().plus(PATIENCE);
                continue;
            }
            if rest.is_zero() {
                return Ok(false);
            }
            let limit = Timespec { tv_sec: 0, tv_nsec: i64::from(rest.subsec_nanos()) };
            let mut fds = [PollFd::new(&stream, PollFlags::IN)];
            match poll(&mut fds, Some(&limit)) {
                // A signal ends a wait; reading says what there is.
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(_) => return Err(Dead("the connection cannot be waited on")),
            }
        }
    }
}

/// The packet at the begin of `bytes`; `None` when it is not all there.
fn next_packet(bytes: &[u8]) -> Result<Option<&[u8]>, Dead> {
    let Some(head) = bytes.get(..HEAD) else { return Ok(None) };
    let more = match head[0] & 0x7f {
        1 | xproto::GE_GENERIC_EVENT => u32::from_ne_bytes([head[4], head[5], head[6], head[7]]) as usize,
        _ => 0,
    };
    let len = more.saturating_mul(4).saturating_add(HEAD);
    if len > MAX_PACKET {
        return Err(Dead("a packet is too long"));
    }
    Ok(bytes.get(..len))
}

/// The record of the pointer.
pub(super) struct Tap {
    /// Only its stream is used once the context is enabled.
    data: RustConnection,
    recorded: Recorded,
    /// The mark that was asked for last, by the number of its request.
    mark: Option<u32>,
}

impl Tap {
    /// Begins to record on a connection of its own to `display`; marks are requests of `listener`.
    ///
    /// # Errors
    /// What the server said; most likely that it has no RECORD.
    pub(super) fn open(
        display: Option<&str>,
        listener: &RustConnection,
        root: xproto::Window,
        clock: &dyn Clock,
    ) -> Result<Self, String> {
        let said = |error: ReplyError| error.to_string();
        let xi = listener.extension_information(xinput::X11_EXTENSION_NAME).map_err(|error| error.to_string())?;
        let xi = xi.ok_or("no XInput")?.major_opcode;
        if listener.extension_information(record::X11_EXTENSION_NAME).map_err(|error| error.to_string())?.is_none() {
            return Err("the server has no RECORD extension".into());
        }
        let version = listener.record_query_version(1, 13).map_err(|error| error.to_string())?;
        version.reply().map_err(said)?;
        let context = listener.generate_id().map_err(|error: ReplyOrIdError| error.to_string())?;
        let question = u16::from(xinput::XI_QUERY_POINTER_REQUEST);
        let none = Range8 { first: 0, last: 0 };
        let range = Range {
            ext_requests: ExtRange {
                major: Range8 { first: xi, last: xi },
                minor: Range16 { first: question, last: question },
            },
            device_events: Range8 { first: xproto::BUTTON_PRESS_EVENT, last: xproto::MOTION_NOTIFY_EVENT },
            core_requests: none,
            core_replies: none,
            ext_replies: ExtRange { major: none, minor: Range16 { first: 0, last: 0 } },
            delivered_events: none,
            errors: none,
            client_started: false,
            client_died: false,
        };
        let clients = [listener.setup().resource_id_base];
        let created = listener.record_create_context(context, HType::FROM_CLIENT_SEQUENCE.into(), &clients, &[range]);
        created.map_err(|error| error.to_string())?.check().map_err(said)?;
        let (data, _) = x11rb::connect(display).map_err(|error| error.to_string())?;
        // The answers are many, and are read from the stream, so that reading never blocks.
        record::enable_context(&data, context).map_err(|error| error.to_string())?;
        data.flush().map_err(|error| error.to_string())?;
        let mut tap = Self { data, recorded: Recorded { root, ..Recorded::default() }, mark: None };
        match tap.wait_for(clock, |recorded| recorded.started) {
            Ok(true) => Ok(tap),
            Ok(false) => Err(SILENT.to_owned()),
            Err(Dead(why)) => Err(why.to_owned()),
        }
    }

    /// What to wait on beside the connection of raw events.
    pub(super) fn stream(&self) -> &x11rb::rust_connection::DefaultStream {
        self.data.stream()
    }

    /// A mark was asked for: the question for the pointer was sent, as the request of this number.
    pub(super) fn expect_mark(&mut self, sequence: u64) {
        // The server's record has 32 bits of it.
        self.mark = Some(sequence as u32);
    }

    /// Something is there that was not taken.
    pub(super) fn is_pending(&self) -> bool {
        !self.recorded.done.is_empty() || !self.recorded.marked.is_empty()
    }

    /// What the pointer did up to the last mark that was asked for, which is waited for; and how many of its motions are missing
    /// there. A mark that was lost ends the record.
    pub(super) fn take(&mut self, clock: &dyn Clock) -> Result<(Vec<Done>, u64), Dead> {
        let mark = self.mark;
        if !self.wait_for(clock, |recorded| recorded.has(mark))? {
            return Err(Dead(SILENT));
        }
        Ok((std::mem::take(&mut self.recorded.marked), std::mem::take(&mut self.recorded.replaced)))
    }

    /// Reads what is there, without waiting; whether there was anything.
    pub(super) fn read(&mut self, clock: &dyn Clock) -> Result<bool, Dead> {
        self.recorded.read(self.data.stream(), clock)
    }

    fn wait_for(&mut self, clock: &dyn Clock, is_there: impl Fn(&Recorded) -> bool) -> Result<bool, Dead> {
        self.recorded.wait_for(self.data.stream(), clock, is_there)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::os::unix::net::UnixStream;
    use std::sync::Mutex;

    use super::*;
    use crate::base::time::{Anchor, SystemClock};

    fn packet(category: u8, data: &[u8]) -> Vec<u8> {
        let mut packet = vec![0; HEAD];
        (packet[0], packet[1]) = (1, category);
        packet[4..8].copy_from_slice(&((data.len() / 4) as u32).to_ne_bytes());
        packet.extend_from_slice(data);
        packet
    }

    fn event(kind: u8, detail: u8, time: u32, root: u32, at: (i16, i16)) -> Vec<u8> {
        let mut event = vec![0; HEAD];
        (event[0], event[1]) = (kind, detail);
        event[4..8].copy_from_slice(&time.to_ne_bytes());
        event[8..12].copy_from_slice(&root.to_ne_bytes());
        event[20..22].copy_from_slice(&at.0.to_ne_bytes());
        event[22..24].copy_from_slice(&at.1.to_ne_bytes());
        event
    }

    fn mark(sequence: u32) -> Vec<u8> {
        packet(FROM_CLIENT, &[&sequence.to_ne_bytes()[..], &[0; 12]].concat())
    }

    fn motion(time: u32) -> Vec<u8> {
        packet(FROM_SERVER, &event(6, 0, time, 9, (1, 1)))
    }

    fn times(done: &[Done]) -> Vec<u32> {
        done.iter().map(|done| done.time).collect()
    }

    fn pair() -> (UnixStream, UnixStream) {
        let (server, tap) = UnixStream::pair().expect("a pair of sockets");
        tap.set_nonblocking(true).expect("no blocking");
        (server, tap)
    }

    /// A process that got no time finds only a part in the socket; the server holds back the rest.
    #[test]
    fn only_the_mark_that_was_asked_for_ends_the_wait() {
        let (mut server, tap) = pair();
        let mut recorded = Recorded { root: 9, ..Recorded::default() };
        // A mark of an earlier question, which nobody took.
        let early = [mark(u32::MAX), motion(5), motion(6)].concat();
        server.write_all(&early).expect("room");
        let held_back = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(30));
            server.write_all(&[motion(7), mark(2), motion(8)].concat()).expect("room");
            server
        });
        let came = recorded.wait_for(&tap, &SystemClock, |recorded| recorded.has(Some(2))).expect("no end");
        assert!(came, "the mark did not come");
        assert_eq!((times(&recorded.marked), times(&recorded.done)), (vec![5, 6, 7], vec![8]));
        drop(held_back.join().expect("the server"));
    }

    #[test]
    fn a_server_that_still_sends_is_waited_for() {
        let (mut server, tap) = pair();
        let mut recorded = Recorded { root: 9, ..Recorded::default() };
        let slow = std::thread::spawn(move || {
            for time in 0..6 {
                std::thread::sleep(PATIENCE / 5);
                server.write_all(&motion(time)).expect("room");
            }
            server.write_all(&mark(1)).expect("room");
            server
        });
        let came = recorded.wait_for(&tap, &SystemClock, |recorded| recorded.has(Some(1))).expect("no end");
        assert!(came, "the mark did not come");
        assert_eq!(times(&recorded.marked), [0, 1, 2, 3, 4, 5]);
        drop(slow.join().expect("the server"));
    }

    #[test]
    fn a_process_that_was_stopped_beyond_its_patience_reads_what_came() {
        /// Stands still once; then the process is stopped for two seconds, in which the server writes.
        struct Stopped(Mutex<(u32, UnixStream)>);
        impl Clock for Stopped {
            fn now(&self) -> MonoNs {
                let (readings, server) = &mut *self.0.lock().expect("one thread");
                *readings += 1;
                if *readings == 2 {
                    server.write_all(&[motion(5), mark(1)].concat()).expect("room");
                }
                MonoNs(if *readings < 2 { 0 } else { 2_000_000_000 })
            }
            fn anchor(&self) -> Anchor {
                SystemClock.anchor()
            }
            fn sleep_until(&self, _: MonoNs) {}
            fn name(&self) -> &'static str {
                "stopped"
            }
        }
        let (server, tap) = pair();
        let mut recorded = Recorded { root: 9, ..Recorded::default() };
        let clock = Stopped(Mutex::new((0, server)));
        let came = recorded.wait_for(&tap, &clock, |recorded| recorded.has(Some(1))).expect("no end");
        assert!(came, "the mark did not come");
        assert_eq!(times(&recorded.marked), [5]);
    }

    #[test]
    fn packets_are_read_in_any_pieces_and_cut_at_the_mark() {
        let mut bytes = packet(START, &[]);
        // An event that everyone gets, in between.
        bytes.extend(event(xproto::MAPPING_NOTIFY_EVENT, 0, 0, 0, (0, 0)));
        bytes.extend(packet(FROM_SERVER, &[event(6, 0, 7, 9, (10, -2)), event(4, 1, 8, 0, (10, -2))].concat()));
        bytes.extend(mark(70));
        bytes.extend(packet(FROM_SERVER, &event(6, 0, 9, 5, (1, 1))));
        for piece in [1, 7, 32, 4096] {
            let mut recorded = Recorded { root: 9, ..Recorded::default() };
            for part in bytes.chunks(piece) {
                recorded.bytes.extend_from_slice(part);
                recorded.parse(MonoNs(3)).expect("whole packets");
            }
            let done = |deed, time, at| Done { deed, time, at, arrival: MonoNs(3) };
            let place = Some((10.0, -2.0));
            assert!(recorded.started && recorded.mark == Some(70));
            assert_eq!(recorded.marked, [done(Deed::Motion, 7, place), done(Deed::Press(1), 8, place)]);
            assert_eq!(recorded.done, [done(Deed::Motion, 9, None)], "on another screen there is no place");
        }
    }

    #[test]
    fn what_is_no_record_ends_it() {
        for bytes in [packet(END, &[]), vec![0; HEAD], [1, 0, 0, 0, 255, 255, 255, 255].repeat(4)] {
            let mut recorded = Recorded { bytes, ..Recorded::default() };
            assert!(recorded.parse(MonoNs(0)).is_err());
        }
    }

    #[test]
    fn a_client_that_warps_without_end_costs_no_memory() {
        let mut recorded = Recorded { root: 9, ..Recorded::default() };
        for time in 0..MAX_DONE as u32 + 100 {
            recorded.event(&event(6, 0, time, 9, (1, 1)), MonoNs(0));
        }
        assert_eq!((recorded.done.len(), recorded.replaced), (MAX_DONE, 100));
        assert_eq!(recorded.done.last().map(|done| done.time), Some(MAX_DONE as u32 + 99));
    }
}
