#!/usr/bin/env bash
# Installs what watchcap needs beyond a Rust toolchain: system libraries and tools (Debian/Ubuntu), and the Python
# packages that the acceptance tests use, in a virtual environment under .venv. Safe to run again; does nothing when
# everything is there. On other systems it prints the list and goes on.
#
#   scripts/setup.sh build     what `cargo build` needs
#   scripts/setup.sh test      the above, and real servers, decoders and readers for the tests (the default)
#   scripts/setup.sh lint      the above `build`, and the compilers and the target for the Windows check
#   scripts/setup.sh torch     the above `test`, and torch in .venv-torch: several gigabytes
#   scripts/setup.sh bench     the above `test`, and the game that the benchmark records
#   scripts/setup.sh fuzz      the above `build`, and the nightly compiler, which libFuzzer needs: what `make fuzz` needs
#   scripts/setup.sh chaos     the above `test` (whose slice of the campaigns needs strace too): what `make chaos` needs
set -euo pipefail
cd "$(dirname "$0")/.."
what=${1:-test}

build_packages=(
    build-essential pkg-config nasm clang libclang-dev           # C and C++ of openh264 (with its assembly), bindings of xcap
    libx11-dev libxcb1-dev libxrandr-dev                          # device_query, xcap on X11
    libdbus-1-dev libpipewire-0.3-dev libwayland-dev libegl-dev libgbm-dev  # xcap links these on Linux; they cannot be turned off
)
test_packages=(
    xvfb x11-utils x11-xserver-utils xterm xfonts-base openbox                # a real X server, real clients, a real window manager
    ffmpeg tmux python3 python3-venv                              # real decoder, real terminal, real readers
    e2fsprogs util-linux mount                                    # a disk of its own, for power cuts (as root)
)
lint_packages=(gcc-mingw-w64-x86-64 g++-mingw-w64-x86-64)
bench_packages=(chocolate-doom freedoom time)
chaos_packages=(strace util-linux mount)                                      # faults at system calls, taskset, small file systems

packages=("${build_packages[@]}")
case $what in
    build) ;;
    fuzz) packages+=(time) ;;
    test | chaos) packages+=("${test_packages[@]}" "${chaos_packages[@]}") ;;
    lint) packages+=("${lint_packages[@]}") ;;
    bench) packages+=("${test_packages[@]}" "${bench_packages[@]}") ;;
    torch) packages+=("${test_packages[@]}") ;;
    *) echo "setup: unknown part '$what'; hint: build, test, lint, torch, bench, fuzz or chaos" >&2; exit 2 ;;
esac

if ! command -v apt-get >/dev/null 2>&1; then
    echo "setup: not a Debian or Ubuntu system; install the equivalents of:" >&2
    printf '    %s\n' "${packages[@]}" >&2
else
    missing=()
    for package in "${packages[@]}"; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    if ((${#missing[@]})); then
        sudo=()
        if [[ $(id -u) != 0 ]]; then sudo=(sudo); fi
        echo "setup: installing ${missing[*]}" >&2
        "${sudo[@]}" apt-get update -q >/dev/null
        DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install -q -y --no-install-recommends "${missing[@]}" >/dev/null
    fi
fi

if ! command -v cargo >/dev/null 2>&1; then
    echo "setup: no Rust toolchain; hint: install rustup, then run this again" >&2
    exit 1
fi

if [[ $what == fuzz ]] && ! cargo +nightly --version >/dev/null 2>&1; then
    rustup toolchain install nightly --profile minimal --no-self-update
fi

if [[ $what == lint ]]; then
    # rust-toolchain.toml names the target, so rustup adds it by itself where it can; say so loudly where it cannot.
    if command -v rustup >/dev/null 2>&1; then
        rustup target add x86_64-pc-windows-gnu >/dev/null 2>&1 || echo "setup: WARNING: the target x86_64-pc-windows-gnu cannot be fetched" >&2
    fi
fi

environment() {
    if ! cmp -s "$2" "$1/requirements.txt"; then
        echo "setup: making $1 for $3" >&2
        rm -rf "$1"
        python3 -m venv "$1"
        "$1/bin/pip" install -q --disable-pip-version-check -r "$2"
        cp "$2" "$1/requirements.txt"
    fi
}
if [[ $what == test || $what == torch || $what == bench || $what == chaos ]]; then
    environment .venv scripts/requirements.txt "the Python readers"
fi
if [[ $what == torch ]]; then
    environment .venv-torch scripts/requirements-torch.txt "torch"
fi
