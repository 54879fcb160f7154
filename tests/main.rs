//! Every integration test, in one binary: one link instead of ten. A file in this folder that is not listed here fails a test.

#![expect(clippy::print_stdout, reason = "tests print what they measured")]
#![expect(clippy::disallowed_methods, reason = "tests wait for real programs and read real clocks")]

mod support;

mod capture_input;
mod chaos;
mod cli;
mod control;
mod export;
mod faults;
mod finalize;
mod golden;
mod interrupted;
mod long;
mod playback;
mod power;
mod privacy;
mod privacy_race;
mod record;
mod recorder;
mod recover;
mod redact;
mod replay;
mod screen;
mod session;
mod tidy;
