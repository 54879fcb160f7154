#!/usr/bin/env bash
# Records desktops that hand out their screen through a portal: GNOME of this system, and sway of Debian testing, whose portal needs no dialog, in a
# folder that is made once (root, network, 2 GB). And what the input helper lends, and what the source makes of a real kernel's devices, in qemu. The tests are
# those of tests/desktops.rs and of tests/wayland_*.rs that need the newer sway, which say what they measured.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$(realpath -m "${WATCHCAP_FORKY:-target/desktops/forky}")
[[ $(id -u) == 0 ]] || { echo "test-desktops: needs root, to enter another Debian; hint: sudo make test-desktops" >&2; exit 1; }

mounts=(proc dev dev/shm)
leave() { for at in dev/shm dev proc; do mountpoint -q "$root/$at" && umount "$root/$at"; done; true; }
trap leave EXIT
if [[ ! -e $root/ready ]]; then
    leave
    rm -rf "$root"
    mkdir -p "$root"
    mirror=$(apt-get indextargets --format '$(REPO_URI)' | grep -v security | sort -u | head -n 1)
    debootstrap --variant=minbase --include=ca-certificates forky "$root" "${mirror:-http://deb.debian.org/debian/}" /usr/share/debootstrap/scripts/sid >/dev/null
    printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
    chmod +x "$root/usr/sbin/policy-rc.d"
fi
for at in "${mounts[@]}"; do mountpoint -q "$root/$at" || mount --bind "/$at" "$root/$at"; done
if [[ ! -e $root/ready ]]; then
    chroot "$root" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
        sway pipewire wireplumber xdg-desktop-portal xdg-desktop-portal-wlr dbus-daemon >/dev/null
    touch "$root/ready"
fi

cargo build --locked --workspace --bins --examples
cargo test --locked --workspace --no-run
scripts/desktops/kernel.sh
scripts/test_kernel.sh
WATCHCAP_TEST_DESKTOPS=$root cargo test --locked --test main -- desktops:: wayland_ext:: wayland_e2e:: wayland_privacy:: --nocapture --test-threads=1
