#!/usr/bin/env bash
# What the kernel itself does with input devices (an overflow, a grab by another program, a revoke, unplugging), in a virtual machine of its own:
# devices made here would be heard by every program. Debian's kernel, the modules evdev and uinput, and tests/support/kernel_devices.rs, which says
# what it found. Emulated, since machines in machines hang with /dev/kvm: half a minute.
set -euo pipefail
cd "$(dirname "$0")/.."
for tool in qemu-system-x86_64 dpkg-deb busybox; do
    command -v $tool >/dev/null || { echo "kernel: NOT RUN: $tool is missing; hint: scripts/setup.sh kernel"; exit 0; }
done
[[ $(uname -m) == x86_64 ]] || { echo "kernel: NOT RUN: this is $(uname -m), and the machine is an x86_64"; exit 0; }
work=$(realpath -m target/kernel)
mkdir -p "$work"
if ! compgen -G "$work/kernel/boot/vmlinuz-*" >/dev/null; then
    rm -rf "$work/kernel" "$work"/linux-image-*.deb
    package=$(apt-cache depends linux-image-amd64 | sed -n 's/.*Depends: //p' | head -n 1)
    [[ $package ]] || { echo "kernel: NOT RUN: no package linux-image-amd64; hint: apt-get update"; exit 0; }
    (cd "$work" && apt-get download -q "$package")
    dpkg-deb -x "$work"/linux-image-*.deb "$work/kernel"
    rm "$work"/linux-image-*.deb
fi

cargo build --locked --example kernel_devices
program=$PWD/target/debug/examples/kernel_devices
root=$work/root
rm -rf "$root"
mkdir -p "$root"/{bin,dev,proc,sys,tmp}
cp "$(command -v busybox)" "$root/bin/busybox"
for module in evdev uinput; do
    found=$(find "$work/kernel" -name "$module.ko*" -print -quit)
    case $found in
        *.xz) xz -dc "$found" >"$root/$module.ko" ;;
        *.zst) zstd -qdc "$found" >"$root/$module.ko" ;;
        *) cp "$found" "$root/$module.ko" ;;
    esac
done
strip -o "$root/bin/kernel_devices" "$program"
ldd "$program" | grep -o '/[^ ]*' | while read -r library; do
    mkdir -p "$root$(dirname "$library")"
    cp -L "$library" "$root$library"
done
cat >"$root/init" <<'INIT'
#!/bin/busybox sh
b=/bin/busybox
$b mount -t devtmpfs dev /dev; $b mount -t proc proc /proc; $b mount -t sysfs sys /sys
$b insmod /evdev.ko; $b insmod /uinput.ko
$b mkdir -p /dev/input
RUST_BACKTRACE=1 /bin/kernel_devices; echo "kernel: ended with $?"
$b poweroff -f
INIT
chmod +x "$root/init"
(cd "$root" && find . | busybox cpio -o -H newc 2>/dev/null | gzip -1 >"$work/initrd.gz")
said=$work/said
timeout 180 qemu-system-x86_64 -accel tcg -m 512 -nographic -no-reboot -nic none -kernel "$work"/kernel/boot/vmlinuz-* \
    -initrd "$work/initrd.gz" -append "console=ttyS0 quiet panic=-1" </dev/null >"$said" 2>&1 || true
tr -d '\r' <"$said" | grep -ao 'kernel: .*\|^Error.*' || true
grep -aq 'kernel: ended with 0' "$said" || { echo "kernel: FAILED; what the machine said:" >&2; tail -n 40 "$said" >&2; exit 1; }
