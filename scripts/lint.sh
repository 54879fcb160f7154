#!/usr/bin/env bash
# Formatting, clippy with warnings as errors, documentation links, and a compile for Windows.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo fmt --all --check
cargo clippy --workspace --all-targets --locked -- -D warnings
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --document-private-items
# The fuzz targets need another compiler, but their lock has to follow the manifest here: `make fuzz` takes it as it is.
cargo tree --locked --quiet --depth 0 --manifest-path fuzz/Cargo.toml >/dev/null
if rustc --print target-libdir --target x86_64-pc-windows-gnu 2>/dev/null | xargs -r test -d; then
    cargo check --workspace --locked --target x86_64-pc-windows-gnu
else
    echo "lint: WARNING: NOT CHECKED: the target x86_64-pc-windows-gnu is not installed, Windows was not compiled" >&2
fi
