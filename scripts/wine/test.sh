#!/usr/bin/env bash
# Builds the Windows program, runs its unit tests under Wine, and then tests/wine.rs, which records, kills, seals, verifies and exports.
set -euo pipefail
cd "$(dirname "$0")/../.."
target=x86_64-pc-windows-gnu
cargo build --locked --bins --target "$target"
CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER=$PWD/scripts/wine/run.sh cargo test --locked --lib --target "$target" -- --skip needs_ffmpeg
WATCHCAP_TEST_WINE=1 cargo test --locked --test main -- wine:: --nocapture
