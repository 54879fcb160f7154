//! The dashboard: a recording while it is made, on a screen of its own.
//!
//! What it shows and what its keys do comes through a seam, [`Monitor`], which never waits; the program above implements it. It runs in threads
//! of its own: one draws, which may wait for a terminal that reads nothing, one reads keys. Nothing that records waits for either.

mod draw;
#[cfg(test)]
mod draw_tests;
mod readings;
mod run;

pub use self::readings::{Activity, Gauge, Group, Happened, Hold, Monitor, Order, Readings};
pub use self::run::watch;
