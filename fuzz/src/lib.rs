//! Runs a target under libFuzzer: with the counting allocator, and with panics that end the process unless they are caught on purpose.

#![allow(missing_docs, reason = "a crate of the fuzzer's own")]

use std::path::PathBuf;
use std::sync::OnceLock;

mod meter;
mod targets;

#[global_allocator]
static METER: meter::Meter = meter::Meter;

fn folder() -> &'static PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        // In the place of libFuzzer's hook, which ends the process at panics that the reader catches, too.
        std::panic::set_hook(Box::new(|info| {
            if !watchcap_format::base::panics::is_caught() {
                eprintln!("{info}");
                std::process::abort();
            }
        }));
        let folder = std::env::temp_dir().join(format!("watchcap-fuzz-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        folder
    })
}

/// Runs the target of a name once.
pub fn run(name: &str, data: &[u8]) {
    let folder = folder();
    let (_, target) = targets::TARGETS.iter().find(|(known, _)| *known == name).expect("a target");
    let ((), most) = meter::most_held(|| target(data, folder));
    assert!(most <= targets::MAX_BYTES, "{most} bytes at once");
}
