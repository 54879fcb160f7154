//! `watchcap-pipewire`: takes the pictures of one PipeWire stream for watchcap, in a process of its own, so that watchcap starts where there is no
//! libpipewire, and goes on when that ends the process that it is in.
//!
//! It is not meant for people. It is started as `watchcap-pipewire NODE BYTES POINTER`: the node of the stream, the size of the memory, and 1 for
//! a pointer that is drawn into the pictures where it is told beside them. Standard input is memory into which pictures are written, standard
//! output a socket. What is read first from that has the connection to PipeWire with it, as a descriptor. What is sent over it is described in
//! `wire.rs`. It ends when the socket is closed.

#[cfg(target_os = "linux")]
mod cast;
#[cfg(target_os = "linux")]
mod line;
#[cfg(target_os = "linux")]
mod pixels;
#[cfg(target_os = "linux")]
mod pods;
#[cfg(target_os = "linux")]
mod pointer;
#[cfg(target_os = "linux")]
mod run;
#[cfg(target_os = "linux")]
mod wire;

use std::io::Write as _;
use std::process::ExitCode;

/// What is wrong with its arguments.
#[cfg(target_os = "linux")]
const USAGE: &str = "watchcap-pipewire is started by watchcap: record --screen-backend wayland-portal";

fn main() -> ExitCode {
    match started() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            drop(writeln!(std::io::stderr(), "{why}"));
            ExitCode::FAILURE
        }
    }
}

#[cfg(target_os = "linux")]
fn started() -> Result<(), String> {
    // As watchcap itself, whose mark does not survive the start of a program: pictures are in no core dump, and nobody reads this memory.
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)
        .map_err(|error| format!("the memory of this process cannot be kept private: {error}"))?;
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.first().is_some_and(|word| word == "--version") {
        let version = concat!("watchcap-pipewire ", env!("CARGO_PKG_VERSION"));
        return writeln!(std::io::stdout(), "{version}").map_err(|error| error.to_string());
    }
    let [node, bytes, pointer] = &words[..] else { return Err(USAGE.to_owned()) };
    let (Ok(node), Ok(bytes), "0" | "1") = (node.parse(), bytes.parse(), pointer.as_str()) else {
        return Err(USAGE.to_owned());
    };
    run::run(node, bytes, pointer == "1")
}

#[cfg(not(target_os = "linux"))]
fn started() -> Result<(), String> {
    Err("watchcap-pipewire: this system has no PipeWire".to_owned())
}
