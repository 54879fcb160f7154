#!/usr/bin/env bash
# Builds watchcap-x264 into x264/target/release. It is no part of the workspace, and nothing of it is linked into watchcap.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --release --locked --manifest-path x264/Cargo.toml
