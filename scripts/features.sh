#!/usr/bin/env bash
# Compiles the program with none of its features, and with each alone. No part of `make lint`: each one compiles other dependencies.
set -euo pipefail
cd "$(dirname "$0")/.."
for features in "" x11 wayland wayland-portal evdev sound capture-xcap capture-poll; do
    echo "features: '$features'"
    cargo clippy --locked --lib --bins --no-default-features --features "$features" -- -D warnings
done
