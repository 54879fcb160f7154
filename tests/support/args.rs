//! What the test programs share: arguments as `--name value`, the monotonic clock, JSON lines, the order to stop.
//!
//! Not a library of the product: included by path into each program.

#![allow(dead_code, reason = "each program uses its part of this file")]

use std::fs::File;
use std::io::{BufWriter, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Any error, shown and ended with.
pub(crate) type Failure = Box<dyn std::error::Error>;

/// Arguments of the form `--name value`.
pub(crate) struct Args(Vec<String>);

impl Args {
    /// Those of this process.
    pub(crate) fn new() -> Self {
        Self(std::env::args().skip(1).collect())
    }

    /// The value after `--name`.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let at = self.0.iter().position(|arg| arg.strip_prefix("--") == Some(name))?;
        self.0.get(at + 1).map(String::as_str)
    }

    /// The value after `--name` as a number, or the default.
    pub(crate) fn number<T: std::str::FromStr>(&self, name: &str, default: T) -> Result<T, Failure> {
        match self.get(name) {
            Some(text) => text.parse().map_err(|_not_shown| format!("--{name} {text} is not a number").into()),
            None => Ok(default),
        }
    }
}

/// `CLOCK_MONOTONIC`, ns.
pub(crate) fn now() -> i64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

/// Sleeps until `CLOCK_MONOTONIC` is at `until` ns, or a signal comes.
pub(crate) fn sleep_until(until: i64) {
    let request = rustix::thread::Timespec { tv_sec: until / 1_000_000_000, tv_nsec: until % 1_000_000_000 };
    // Interrupted or over: the caller looks at its stop flag and at the clock either way.
    if rustix::thread::clock_nanosleep_absolute(rustix::thread::ClockId::Monotonic, &request).is_err() {}
}

/// Set by SIGTERM and SIGINT.
pub(crate) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Begins to listen.
    pub(crate) fn new() -> Result<Self, Failure> {
        let flag = Arc::new(AtomicBool::new(false));
        for signal in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT] {
            signal_hook::flag::register(signal, Arc::clone(&flag))?;
        }
        Ok(Self(flag))
    }

    /// Whether it came.
    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// A file of JSON objects, one a line; nowhere when no path was given.
pub(crate) struct Lines(Option<BufWriter<File>>);

impl Lines {
    /// Creates the file.
    #[allow(clippy::disallowed_methods, reason = "a program of the tests, and no file of a session")]
    pub(crate) fn create(path: Option<&str>) -> Result<Self, Failure> {
        Ok(Self(path.map(File::create).transpose()?.map(BufWriter::new)))
    }

    /// Appends a line.
    pub(crate) fn write(&mut self, line: &serde_json::Value) -> Result<(), Failure> {
        if let Some(file) = &mut self.0 {
            writeln!(file, "{line}")?;
        }
        Ok(())
    }

    /// Makes what was written visible to readers.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        if let Some(file) = &mut self.0 {
            file.flush()?;
        }
        Ok(())
    }
}

/// SplitMix64: the same numbers for the same seed, everywhere and for ever.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// The next number below `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound.max(1)
    }
}
