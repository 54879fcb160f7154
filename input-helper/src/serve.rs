//! From the start to the end: greets, lends while the session is open, takes back when it is not, and ends when the recorder hangs up.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use watchcap_input_helper::line::{self, Brought};
use watchcap_input_helper::wire::{Why, Word, read_hello};

use super::gate::{Gate, State, Turn};
use super::lent::Devices;
use super::logind::{Watch, now_ns};
use super::revoke::is_over;
use super::{apart, asker};

/// How long is waited at once, nanoseconds: the session is looked at this often.
const WAIT_NS: i64 = 20_000_000;
/// How long the recorder's hello may take: it is there before this process is.
const HELLO_NS: i64 = 5_000_000_000;

/// Does all of it.
///
/// # Errors
/// What was refused, or failed.
pub(crate) fn run() -> Result<(), String> {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    let asked = asker::asked(&args, std::env::var_os("PKEXEC_UID"))?;
    let ended = apart::stand()?;
    let stdin = io::stdin();
    let line = stdin.as_fd();
    let pid = asker::holder(line, asked.uid)?;
    let bus = UnixStream::connect(&asked.bus)
        .map_err(|error| format!("{}: {error}: nobody tells whether the session is locked", asked.bus.display()))?;
    apart::shut_in(&asked.devices)?;
    // Threads begin behind this, and have no rights either.
    let watch = Watch::begin(bus, asked.uid, pid)?;
    hello(line, &ended)?;
    let devices = Devices::of(Path::new("/"), asked.is_test).map_err(|error| format!("devices: {error}"))?;
    say(line, Word::Greeting)?;
    serve(line, devices, &watch, &ended)
}

/// Waits for the recorder's hello.
fn hello(line: BorrowedFd<'_>, ended: &Arc<AtomicBool>) -> Result<(), String> {
    let until = now_ns().saturating_add(HELLO_NS);
    while now_ns() < until && !ended.load(Ordering::SeqCst) {
        match line::receive(line) {
            Brought::Packet(packet) if packet.descriptors.is_empty() => {
                return read_hello(packet.bytes()).map_err(|error| error.to_string());
            }
            Brought::Packet(_) => return Err("watchcap hands over descriptors".to_owned()),
            Brought::HungUp => return Err("watchcap has hung up".to_owned()),
            Brought::Nothing => wait(&mut [PollFd::from_borrowed_fd(line, PollFlags::IN)])?,
        }
    }
    Err("watchcap says nothing".to_owned())
}

fn say(line: BorrowedFd<'_>, word: Word) -> Result<(), String> {
    line::send(line, &word.bytes(), None).map_err(|error| format!("watchcap does not listen: {error}"))
}

/// Lends and takes back. Whatever ends it, the devices are revoked with `devices`.
fn serve(line: BorrowedFd<'_>, mut devices: Devices, watch: &Watch, ended: &Arc<AtomicBool>) -> Result<(), String> {
    let why = take_turns(line, &mut devices, watch, ended);
    // So that a recorder that is still there does not take its devices for unplugged. Whether it listens or not, they go.
    let _told = say(line, Word::Closed(Why::Unknown));
    devices.revoke_all();
    why
}

fn take_turns(
    line: BorrowedFd<'_>,
    devices: &mut Devices,
    watch: &Watch,
    ended: &Arc<AtomicBool>,
) -> Result<(), String> {
    let mut gate = Gate::default();
    while !ended.load(Ordering::SeqCst) {
        let now = now_ns();
        match gate.look(watch.state(now), now) {
            // Said first, so that the recorder knows why its devices are gone. Whether it listens or not, they go.
            Turn::Shut(why) => {
                let told = say(line, Word::Closed(why));
                devices.revoke_all();
                told?;
            }
            Turn::Opened => {
                if lend_all(line, devices, watch)? {
                    say(line, Word::Open)?;
                }
            }
            Turn::Nothing => {}
        }
        if gate.is_open() {
            lend_those_that_came(line, devices, watch)?;
        }
        let gone = look(line, devices)?;
        for number in gone {
            devices.forget(number);
        }
        match line::receive(line) {
            Brought::Nothing => {}
            Brought::HungUp => break,
            Brought::Packet(_) => return Err("watchcap says more than hello".to_owned()),
        }
    }
    Ok(())
}

/// Lends all devices that are there; false when the session was closed meanwhile.
fn lend_all(line: BorrowedFd<'_>, devices: &mut Devices, watch: &Watch) -> Result<bool, String> {
    for number in devices.numbers() {
        if watch.state(now_ns()) != State::Open {
            return Ok(false);
        }
        match devices.open(number) {
            Ok(Some(device)) => lend(line, devices, number, device)?,
            Err(error) if error.kind() == io::ErrorKind::Unsupported => return Err(error.to_string()),
            // It is no input, or unplugged, or not ready: one that becomes ready is told of.
            Ok(None) | Err(_) => {}
        }
    }
    Ok(true)
}

fn lend_those_that_came(line: BorrowedFd<'_>, devices: &mut Devices, watch: &Watch) -> Result<(), String> {
    let arrived = devices.arrivals(now_ns());
    for (number, device) in arrived.opened {
        // One that came while the session was being locked stays here, and is found when that is over.
        if watch.state(now_ns()) == State::Open {
            lend(line, devices, number, device)?;
        }
    }
    let fault = arrived.given_up.into_iter().find(|(_, error)| error.kind() == io::ErrorKind::Unsupported);
    fault.map_or(Ok(()), |(_, error)| Err(error.to_string()))
}

/// Hands a device over, and keeps it to take it back: first, so that it is taken back also when handing it over fails half way.
fn lend(line: BorrowedFd<'_>, devices: &mut Devices, number: u32, device: std::fs::File) -> Result<(), String> {
    let handed = device.try_clone().map_err(|error| format!("device {number}: {error}"))?;
    devices.keep(number, device).map_err(|error| format!("device {number} could not be taken back: {error}"))?;
    line::send(line, &Word::Device(number).bytes(), Some(handed.as_fd()))
        .map_err(|error| format!("watchcap does not listen: {error}"))
}

/// Waits until something is to be done; which devices are unplugged or given up.
fn look(line: BorrowedFd<'_>, devices: &Devices) -> Result<Vec<u32>, String> {
    let lent: Vec<_> = devices.lent().collect();
    // What a device tells is not looked at: only that it is gone.
    let mut fds: Vec<_> = lent.iter().map(|(_, fd)| PollFd::from_borrowed_fd(*fd, PollFlags::empty())).collect();
    fds.push(PollFd::from_borrowed_fd(line, PollFlags::IN));
    fds.extend(devices.news().map(|news| PollFd::from_borrowed_fd(news, PollFlags::IN)));
    wait(&mut fds)?;
    Ok(lent.iter().zip(&fds).filter(|(_, fd)| is_over(fd)).map(|((number, _), _)| *number).collect())
}

fn wait(fds: &mut [PollFd<'_>]) -> Result<(), String> {
    let limit = Timespec { tv_sec: 0, tv_nsec: WAIT_NS };
    match poll(fds, Some(&limit)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(format!("poll: {error}")),
    }
}
