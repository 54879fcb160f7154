#!/usr/bin/env bash
# Builds the Windows program, runs the unit tests of all its crates under Wine, and then tests/wine.rs and tests/wine_desktop.rs, which record, kill,
# seal, verify and export, and record a desktop of Wine. About 18 minutes of CPU from cold.
set -euo pipefail
cd "$(dirname "$0")/../.."
target=x86_64-pc-windows-gnu
cargo build --workspace --locked --bins --target "$target"
# The snapshots of the player are looked for below it; it would ask cargo, which is not in Wine.
export INSTA_WORKSPACE_ROOT=$PWD
CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER=$PWD/scripts/wine/run.sh cargo test --workspace --locked --lib --target "$target"
cargo build --workspace --locked --bins
WATCHCAP_TEST_WINE=1 cargo test --workspace --locked --test main -- wine --nocapture
