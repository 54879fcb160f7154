//! A kernel's input device of a test's own: a file of FUSE's that answers as evdev does (`tests/python/fake_evdev.py`). It takes root.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::{python_command, watchcap};

/// A device that does as it is told.
pub(crate) struct Device(Child, Option<ChildStdin>, BufReader<ChildStdout>);

impl Device {
    pub(crate) fn plug(path: &Path, about: &serde_json::Value) -> Self {
        let mut command = python_command("fake_evdev.py");
        command.arg(path).arg(about.to_string()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut device = command.spawn().expect("python");
        let (to, from) = (device.stdin.take(), device.stdout.take().expect("piped"));
        let mut device = Self(device, to, BufReader::new(from));
        assert_eq!(device.line(), "ready");
        device
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.2.read_line(&mut line).expect("it answers");
        line.trim().to_owned()
    }

    /// Does something; when.
    pub(crate) fn does(&mut self, what: &str) -> i64 {
        writeln!(self.1.as_ref().expect("plugged"), "{what}").expect("it listens");
        self.line().strip_prefix("did ").and_then(|ns| ns.parse().ok()).expect("a time")
    }

    /// Moves axes at a rate; the times of the packets. In packet `n`, from 0, an axis that is named at place `p` is at [`swept`].
    pub(crate) fn sweeps(&mut self, count: usize, hz: u32, axes: &[u16]) -> Vec<i64> {
        self.at_a_rate("sweep", count, hz, axes)
    }

    /// Moves at a rate; the times of the packets. In packet `n`, from 0, an axis that is named at place `p` moves by [`moved`].
    pub(crate) fn moves(&mut self, count: usize, hz: u32, axes: &[u16]) -> Vec<i64> {
        self.at_a_rate("move", count, hz, axes)
    }

    fn at_a_rate(&mut self, verb: &str, count: usize, hz: u32, axes: &[u16]) -> Vec<i64> {
        let axes: Vec<_> = axes.iter().map(u16::to_string).collect();
        writeln!(self.1.as_ref().expect("plugged"), "{verb} {count} {hz} {}", axes.join(" ")).expect("it listens");
        let times = self.line();
        let times = times.strip_prefix("swept").expect("times").split_whitespace();
        times.map(|ns| ns.parse().expect("a time")).collect()
    }
}

/// Where a sweep has an axis between these ends.
pub(crate) fn swept(n: usize, place: usize, (least, greatest): (i64, i64)) -> i64 {
    let step = (n as i64 + 1 + place as i64 * 7) % (2 * (greatest - least));
    greatest - (step - (greatest - least)).abs()
}

/// By how much an axis moves.
pub(crate) fn moved(n: usize, place: usize) -> f32 {
    ((n + place * 5) % 9) as f32 - 4.0
}

impl Drop for Device {
    fn drop(&mut self) {
        // It removes its file when nobody speaks to it any more.
        drop(self.1.take());
        self.0.wait().expect("its end");
    }
}

/// Whether this process may make devices; says so when it may not.
pub(crate) fn may_mount() -> bool {
    let may = rustix::process::geteuid().is_root() && Path::new("/dev/fuse").exists();
    if !may {
        println!("NOT RUN: devices of a test's own need root and /dev/fuse");
    }
    may
}

/// A recording `s` in a folder, of the screen and of the devices in another one, that a busy machine does not fail.
pub(crate) fn recording(devices: &Path, out: &Path, fps: &str) -> Command {
    let mut command = watchcap();
    command.args(["record", "--consent", "screen,input", "--duration", "60s", "--max-dropped", "100", "--fps", fps]);
    command.args(["--session", "s", "--out"]).arg(out).env("WATCHCAP_EVDEV_DIR", devices);
    command
}
