//! Sound on Windows (WASAPI, its loopback for what the system plays) and macOS (Core Audio, its taps) through the crate `cpal`.
//!
//! Compiled and linted for both, and run on neither. Both stamp with the clock of the recording; it is compared all the same
//! ([`stamps`]), because the crate says only that it does so today.

pub(crate) mod backend;
mod devices;
mod mix;
mod source;
mod stamps;
