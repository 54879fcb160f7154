//! Every integration test, in one binary: one link instead of ten. A file in this folder that is not listed here fails a test.

#![expect(clippy::print_stdout, reason = "tests print what they measured")]
#![expect(clippy::disallowed_methods, reason = "tests wait for real programs and read real clocks")]

// Shared with the fuzz targets: what each does with its bytes, and the allocator that counts.
#[path = "../fuzz/src/meter.rs"]
mod meter;
#[path = "../fuzz/src/targets.rs"]
mod targets;

mod support;

mod aac;
mod attacks;
mod av1;
mod capture_input;
mod cases;
mod catalog;
mod chaos;
mod cli;
mod clip;
mod computer_use;
mod config;
mod consumers;
mod control;
mod corruption;
mod dashboard;
mod delete;
mod desktops;
mod docs;
mod doctor;
mod encoders;
mod evdev;
mod evdev_lent;
mod export;
mod export_lerobot;
mod export_many;
mod export_readers;
mod faults;
mod ffmpeg;
mod finalize;
mod floods;
mod folders;
mod full_chroma;
mod fuzz_corpus;
mod gamepads;
mod golden;
mod h265;
mod help;
mod hostile;
mod hotkeys;
mod import;
mod input_helper;
mod interrupted;
mod join;
mod keep;
mod library;
mod loading;
mod lockers;
mod long;
mod metadata_schema;
mod migrate;
mod playback;
mod png;
mod pointer;
mod portal;
mod power;
mod privacy;
mod privacy_race;
mod pulse;
mod qa;
mod record;
mod recorder;
mod recording_sign;
mod recover;
mod redact;
mod replay;
mod report;
mod reseal;
mod screen;
mod session;
mod sound;
mod sound_derived;
mod sources;
mod split;
mod study;
mod sync_test;
mod tidy;
mod tracks;
mod wayland;
mod wayland_copy;
mod wayland_e2e;
mod wayland_ext;
mod wayland_privacy;
mod windows;
mod wine;
mod wine_desktop;
mod wine_ends;
mod wine_targets;
mod withdraw;
mod worst;
mod x264;

#[global_allocator]
static METER: meter::Meter = meter::Meter;
