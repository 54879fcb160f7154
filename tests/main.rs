//! Every integration test, in one binary: one link instead of ten. A file in this folder that is not listed here fails a test.

#![expect(clippy::print_stdout, reason = "tests print what they measured")]
#![expect(clippy::disallowed_methods, reason = "tests wait for real programs and read real clocks")]

// Shared with the fuzz targets: what each does with its bytes, and the allocator that counts.
#[path = "../fuzz/src/meter.rs"]
mod meter;
#[path = "../fuzz/src/targets.rs"]
mod targets;

mod support;

mod capture_input;
mod catalog;
mod chaos;
mod cli;
mod clip;
mod control;
mod corruption;
mod export;
mod faults;
mod finalize;
mod fuzz_corpus;
mod golden;
mod hostile;
mod hotkeys;
mod import;
mod interrupted;
mod loading;
mod long;
mod migrate;
mod playback;
mod power;
mod privacy;
mod privacy_race;
mod qa;
mod record;
mod recorder;
mod recover;
mod redact;
mod replay;
mod screen;
mod session;
mod tidy;
mod withdraw;

#[global_allocator]
static METER: meter::Meter = meter::Meter;
