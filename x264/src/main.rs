//! `watchcap-x264`: encodes pictures of watchcap with libx264, in a process of its own, so that neither the licence nor a crash of the library is
//! watchcap's.
//!
//! Copyright (C) 2026 the authors of watchcap. This program is free software; you can redistribute it and/or modify it under the terms of the
//! GNU General Public License as published by the Free Software Foundation; either version 2 of the License, or (at your option) any later
//! version. It comes without any warranty; see LICENSE.
//!
//! It is not meant for people. Standard input is the memory with the pictures, `slots` of them one behind the other; standard output a socket
//! over which it is asked and answers. Everything is little-endian:
//!
//! | message | bytes |
//! |---|---|
//! | greeting, once | `WX264` and a zero, version of this protocol u16, build of libx264 u32, length u32, parameter sets behind start codes |
//! | request | slot u8, quantiser u8, 1 for an IDR u8, 0 u8 |
//! | answer | 1 for an IDR u8, 0 u8 three times, length u32, the coded picture behind start codes |
//!
//! Which pictures are IDRs, and their quantisers, watchcap decides. Every request has one answer, in order. It ends when the socket is closed.

mod door;

use std::io::{Read, Write};
use std::process::ExitCode;

use door::{Encoder, Settings};

/// Version of the protocol.
const VERSION: u16 = 1;
/// Begins the greeting.
const MAGIC: &[u8; 6] = b"WX264\0";

/// Reads `WIDTH HEIGHT FPS SLOTS QUALITY PIXELS LOSSLESS`.
fn settings(words: &[String]) -> Option<Settings> {
    let [width, height, fps, slots, quality, pixels, lossless] =
        words.iter().map(|word| word.parse::<i32>().ok()).collect::<Option<Vec<_>>>()?[..]
    else {
        return None;
    };
    let even = pixels != 0 || (width % 2 == 0 && height % 2 == 0);
    let fits = (16..=16_384).contains(&width)
        && (16..=16_384).contains(&height)
        && (1..=1000).contains(&fps)
        && (1..=64).contains(&slots)
        && (0..=2).contains(&quality)
        && (0..=2).contains(&pixels)
        && (0..=1).contains(&lossless);
    (even && fits).then_some(Settings { width, height, fps, slots, quality, pixels, lossless: lossless == 1 })
}

fn run(settings: &Settings) -> Result<(), String> {
    let (memory, mut line) = door::inherited();
    let mut encoder = Encoder::open(&memory, settings).ok_or("libx264 cannot be opened like that")?;
    let sets = encoder.headers().ok_or("libx264 makes no parameter sets")?;
    let mut greeting = MAGIC.to_vec();
    greeting.extend(VERSION.to_le_bytes());
    greeting.extend((door::build() as u32).to_le_bytes());
    greeting.extend((sets.len() as u32).to_le_bytes());
    greeting.extend(sets);
    line.write_all(&greeting).map_err(|error| error.to_string())?;
    let mut request = [0; 4];
    let mut answer = Vec::new();
    loop {
        match line.read_exact(&mut request) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(error.to_string()),
        }
        let [slot, qp, idr, _] = request;
        let made = encoder.encode(i32::from(slot), i32::from(qp), idr == 1);
        let (coded, keyframe) = made.ok_or("libx264 made no picture")?;
        answer.clear();
        answer.extend([u8::from(keyframe), 0, 0, 0]);
        answer.extend((coded.len() as u32).to_le_bytes());
        answer.extend(coded);
        line.write_all(&answer).map_err(|error| error.to_string())?;
    }
}

fn main() -> ExitCode {
    if !door::is_private() {
        eprintln!("the memory of this process cannot be kept private");
        return ExitCode::FAILURE;
    }
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.first().is_some_and(|word| word == "--version") {
        println!("watchcap-x264 {} (libx264 {})", env!("CARGO_PKG_VERSION"), door::build());
        return ExitCode::SUCCESS;
    }
    let Some(settings) = settings(&words) else {
        eprintln!("watchcap-x264 is started by watchcap: record --encoder x264");
        return ExitCode::from(2);
    };
    match run(&settings) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}
