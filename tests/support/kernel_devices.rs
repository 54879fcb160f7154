//! What the real kernel does with devices, and what the recorder's source makes of it: run inside a virtual machine of its own
//! (`scripts/test_kernel.sh`), since it makes devices that every program there would hear.
//!
//! ```text
//! kernel_devices          makes devices through /dev/uinput, has a reader beside it, and says what it found; ends with 1 where something is wrong
//! kernel_devices read     that reader: the inputs that the source hands in, a line each
//! ```

#![expect(clippy::disallowed_methods, reason = "it writes to a device of the kernel's")]

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, bounded};
use input_linux::{EvdevHandle, EventKind, InputId, Key, RelativeAxis, UInputHandle};
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, Signal, kill_process, pidfd_getfd, pidfd_open};
use watchcap::base::time::{Clock as _, SystemClock};
use watchcap::capture::backend::InputPlan;
use watchcap::capture::{InputSink, RawInput, StampedInput, StopFlag, registry};

type Failure = Box<dyn std::error::Error>;

/// Codes of the kernel.
const A: u16 = 30;
const S: u16 = 31;
const D: u16 = 32;
const LEFT: u16 = 0x110;
/// Kinds of events.
const SYN: u16 = 0;
const KEY: u16 = 1;
const REL: u16 = 2;
/// How long something is waited for that must come, and how long for what must not.
const PATIENCE: Duration = Duration::from_secs(10);
const SILENCE: Duration = Duration::from_millis(400);

/// Prints a line to whoever looks at the machine.
macro_rules! say {
    ($($what:tt)*) => { writeln!(std::io::stdout(), $($what)*)? };
}

fn wait(long: Duration) {
    SystemClock.sleep_until(SystemClock.now().plus(long));
}

fn main() -> Result<(), Failure> {
    if std::env::args().nth(1).as_deref() == Some("read") { read() } else { check() }
}

/// Hands on what the source reports.
fn read() -> Result<(), Failure> {
    let plan = InputPlan {
        exclusions: Arc::default(),
        gamepads: true,
        may_miss_lock: true,
        poll_period: Duration::from_millis(5),
        clock: Arc::new(SystemClock),
    };
    let backend = registry::choice(registry::inputs(), "evdev").ok_or("this build has no evdev")?;
    let open = registry::open_inputs(backend, &plan)?.pop().ok_or("no source")?;
    let source = open()?;
    let (queue, inputs) = bounded::<StampedInput>(65_536);
    say!("ready");
    let print = std::thread::spawn(move || {
        let mut out = std::io::stdout().lock();
        for input in inputs {
            let t = input.t.0;
            let said = match input.input {
                RawInput::Key { native, down, repeat: false, .. } => format!("key {native} {}", u8::from(down)),
                RawInput::Button { button, pressed, .. } => format!("button {} {}", button.name(), u8::from(pressed)),
                RawInput::Motion { motion: Some((dx, dy)), .. } => format!("motion {dx} {dy}"),
                RawInput::Lost { reason, .. } => format!("lost {reason}"),
                _ => continue,
            };
            if writeln!(out, "{t} {said}").and_then(|()| out.flush()).is_err() {
                break;
            }
        }
    });
    source.run(&InputSink::new(queue), &StopFlag::new())?;
    drop(print.join());
    Ok(())
}

/// A device of a program.
struct Device {
    file: File,
    node: PathBuf,
}

impl Device {
    fn make(name: &str, keys: &[u16], axes: &[RelativeAxis]) -> Result<Self, Failure> {
        let file = File::options().write(true).open("/dev/uinput")?;
        let handle = UInputHandle::new(file.as_fd());
        handle.set_evbit(EventKind::Key)?;
        for code in keys {
            handle.set_keybit(Key::from_code(*code).map_err(|error| format!("{error}"))?)?;
        }
        if !axes.is_empty() {
            handle.set_evbit(EventKind::Relative)?;
        }
        for axis in axes {
            handle.set_relbit(*axis)?;
        }
        let before = nodes()?;
        // Not that of programs: what is tested is a device of the hardware's.
        handle.create(&InputId { bustype: 3, vendor: 1, product: 1, version: 1 }, name.as_bytes(), 0, &[])?;
        let began = SystemClock.now();
        loop {
            if let Some(node) = nodes()?.difference(&before).next() {
                return Ok(Self { file, node: node.clone() });
            }
            if SystemClock.now().since(began) > PATIENCE {
                return Err(format!("{name} has no file").into());
            }
            wait(Duration::from_millis(5));
        }
    }

    /// Does these at once; between which two moments, nanoseconds.
    fn does(&mut self, events: &[(u16, u16, i32)]) -> Result<(i64, i64), Failure> {
        let mut bytes = Vec::new();
        for (kind, code, value) in events.iter().chain(&[(SYN, 0, 0)]) {
            bytes.extend([0; 16]);
            bytes.extend(kind.to_le_bytes());
            bytes.extend(code.to_le_bytes());
            bytes.extend(value.to_le_bytes());
        }
        let before = SystemClock.now().0;
        self.file.write_all(&bytes)?;
        Ok((before, SystemClock.now().0))
    }
}

fn nodes() -> Result<BTreeSet<PathBuf>, Failure> {
    let entries = std::fs::read_dir("/dev/input")?.collect::<Result<Vec<_>, _>>()?;
    Ok(entries.iter().map(std::fs::DirEntry::path).filter(|path| path.to_string_lossy().contains("event")).collect())
}

/// The reader, and what it says.
struct Reader {
    child: Child,
    lines: Receiver<String>,
}

impl Reader {
    fn start() -> Result<Self, Failure> {
        let mut child = Command::new(std::env::current_exe()?).arg("read").stdout(Stdio::piped()).spawn()?;
        let out = BufReader::new(child.stdout.take().ok_or("piped")?);
        let (to, lines) = bounded(65_536);
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                if to.send(line).is_err() {
                    break;
                }
            }
        });
        let reader = Self { child, lines };
        let first = reader.lines.recv_timeout(PATIENCE)?;
        if first != "ready" {
            return Err(format!("the reader says: {first}").into());
        }
        wait(SILENCE);
        Ok(reader)
    }

    fn pid(&self) -> Result<Pid, Failure> {
        Ok(Pid::from_raw(i32::try_from(self.child.id())?).ok_or("no process")?)
    }

    /// The next input, and its time.
    fn next(&self, what: &str) -> Result<(i64, String), Failure> {
        let line = self.lines.recv_timeout(PATIENCE).map_err(|error| format!("{what} does not come: {error}"))?;
        let (t, said) = line.split_once(' ').ok_or("no time")?;
        Ok((t.parse()?, said.to_owned()))
    }

    /// Waits for exactly this; its time.
    fn expects(&self, said: &str) -> Result<i64, Failure> {
        let (t, found) = self.next(said)?;
        if found == said { Ok(t) } else { Err(format!("expected `{said}`, found `{found}`").into()) }
    }

    /// What comes within a time in which nothing else is done.
    fn rest(&self) -> Vec<String> {
        let mut rest = Vec::new();
        while let Ok(line) = self.lines.recv_timeout(SILENCE) {
            rest.push(line.split_once(' ').map_or(line.clone(), |(_, said)| said.to_owned()));
        }
        rest
    }

    fn is_silent(&self, why: &str) -> Result<(), Failure> {
        let rest = self.rest();
        if rest.is_empty() { Ok(()) } else { Err(format!("{why}: {rest:?}").into()) }
    }

    /// Its own descriptor of a device: the same one, not another.
    fn descriptor(&self, node: &Path) -> Result<OwnedFd, Failure> {
        let pid = self.pid()?;
        let process = pidfd_open(pid, PidfdFlags::empty())?;
        for entry in std::fs::read_dir(format!("/proc/{}/fd", pid.as_raw_nonzero()))? {
            let entry = entry?;
            if std::fs::read_link(entry.path()).is_ok_and(|of| of == node) {
                let number = entry.file_name().to_string_lossy().parse()?;
                return Ok(pidfd_getfd(&process, number, PidfdGetfdFlags::empty())?);
            }
        }
        Err("the reader does not have the device".into())
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn key(code: u16, down: bool) -> (u16, u16, i32) {
    (KEY, code, i32::from(down))
}

fn check() -> Result<(), Failure> {
    let mut keyboard = Device::make("Test Keyboard", &[A, S, D], &[])?;
    let mut mouse = Device::make("Test Mouse", &[LEFT], &[RelativeAxis::X, RelativeAxis::Y])?;
    let reader = Reader::start()?;
    stamps(&mut keyboard, &mut mouse, &reader)?;
    overflow(&mut keyboard, &reader)?;
    grab(&mut keyboard, &reader)?;
    revoke(&mut keyboard, &reader)?;
    unplug(mouse, &reader)?;
    say!("kernel: all as it should be");
    Ok(())
}

/// The kernel's stamps are on the clock of the recording, and between the moments before and behind.
fn stamps(keyboard: &mut Device, mouse: &mut Device, reader: &Reader) -> Result<(), Failure> {
    let mut right = 0;
    for at in 0..200 {
        let down = at % 2 == 0;
        let within = keyboard.does(&[key(A, down)])?;
        let t = reader.expects(&format!("key {A} {}", u8::from(down)))?;
        // Microseconds, cut.
        right += u32::from((within.0 - 1000..=within.1).contains(&t));
        mouse.does(&[(REL, 0, at % 7 + 1), (REL, 1, -3)])?;
        reader.expects(&format!("motion {} -3", at % 7 + 1))?;
    }
    say!(
        "kernel: {right} of 200 stamps of keys lie where they were pressed, and 200 of 200 motions came in one packet"
    );
    if right == 200 { Ok(()) } else { Err("stamps of another clock".into()) }
}

/// The reader gets no time: the queue of the device runs over, and a key that was held is up by then, and another one down.
fn overflow(keyboard: &mut Device, reader: &Reader) -> Result<(), Failure> {
    keyboard.does(&[key(A, true)])?;
    reader.expects(&format!("key {A} 1"))?;
    kill_process(reader.pid()?, Signal::STOP)?;
    for _ in 0..200 {
        keyboard.does(&[key(S, true)])?;
        keyboard.does(&[key(S, false)])?;
    }
    keyboard.does(&[key(A, false)])?;
    keyboard.does(&[key(D, true)])?;
    kill_process(reader.pid()?, Signal::CONT)?;
    let mut came = Vec::new();
    while came.last().is_none_or(|said| said != &format!("key {D} 1")) {
        came.push(reader.next("what is held after an overflow")?.1);
    }
    came.extend(reader.rest());
    let lost = came.iter().filter(|said| *said == "lost device_overflow").count();
    let last = |code: u16| came.iter().rev().find(|said| said.starts_with(&format!("key {code} "))).cloned();
    say!("kernel: 404 events at once: {lost} overflow told, {} inputs came", came.len());
    if lost == 0 || last(A) != Some(format!("key {A} 0")) || last(S).is_some_and(|said| said != format!("key {S} 0")) {
        return Err(format!("after an overflow: {came:?}").into());
    }
    keyboard.does(&[key(D, false)])?;
    reader.expects(&format!("key {D} 0")).map(drop)
}

/// Another program takes the device for itself: it falls silent, and speaks again.
fn grab(keyboard: &mut Device, reader: &Reader) -> Result<(), Failure> {
    let file = File::open(&keyboard.node)?;
    let other = EvdevHandle::new(file.as_fd());
    other.grab(true)?;
    for down in [true, false] {
        keyboard.does(&[key(A, down)])?;
    }
    reader.is_silent("a device that another one has grabbed")?;
    other.grab(false)?;
    for down in [true, false] {
        keyboard.does(&[key(A, down)])?;
        reader.expects(&format!("key {A} {}", u8::from(down)))?;
    }
    say!("kernel: grabbed by another: silent, and heard again behind it");
    Ok(())
}

/// The descriptor is revoked while a key is held: that is released, the end is told, and nobody else loses anything.
fn revoke(keyboard: &mut Device, reader: &Reader) -> Result<(), Failure> {
    let other = File::open(&keyboard.node)?;
    keyboard.does(&[key(A, true)])?;
    reader.expects(&format!("key {A} 1"))?;
    EvdevHandle::new(reader.descriptor(&keyboard.node)?).revoke()?;
    reader.expects(&format!("key {A} 0"))?;
    reader.expects("lost device_gone")?;
    keyboard.does(&[key(A, false)])?;
    reader.is_silent("a device that was revoked")?;
    let mut bytes = [0; 24];
    std::io::Read::read_exact(&mut &other, &mut bytes)?;
    say!("kernel: revoked: what was held is released, the loss is told, and another reader still hears it");
    Ok(())
}

/// It is unplugged while a button is held; and another device comes.
fn unplug(mut mouse: Device, reader: &Reader) -> Result<(), Failure> {
    mouse.does(&[key(LEFT, true)])?;
    reader.expects("button left 1")?;
    drop(mouse);
    reader.expects("button left 0")?;
    reader.expects("lost device_gone")?;
    let mut next = Device::make("Next Keyboard", &[A], &[])?;
    wait(Duration::from_secs(1));
    next.does(&[key(A, true)])?;
    reader.expects(&format!("key {A} 1"))?;
    say!("kernel: unplugged: what was held is released, the loss is told, and one that comes is heard");
    Ok(())
}
