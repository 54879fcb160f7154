//! The clocks of the machine, one file a system. `MonoNs` is the clock that the system's media and input stamp with, so that a stamp of
//! theirs needs no conversion:
//!
//! | system | monotonic | over a suspension | how sleep is seen |
//! |---|---|---|---|
//! | Linux | `CLOCK_MONOTONIC` | stands still | `CLOCK_BOOTTIME` goes on |
//! | macOS | `CLOCK_UPTIME_RAW`, the host time of Core Media and Quartz | stands still | `CLOCK_MONOTONIC` goes on |
//! | Windows | the performance counter, from the start of the machine | goes on | the unbiased interrupt time stands still |
//!
//! Nothing else reads a clock of the system (`clippy.toml`).

#[cfg(any(target_os = "linux", target_os = "android"))]
mod linux;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "macos", windows)))]
mod other;
mod reading;
#[cfg(windows)]
mod windows;
