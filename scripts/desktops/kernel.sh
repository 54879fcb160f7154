#!/usr/bin/env bash
# Runs tests of the input helper on a real kernel, in qemu: a keyboard of uinput's, and the kernel's own word on what is taken back (EVIOCREVOKE),
# which the devices of the other tests (FUSE) cannot show. It takes the Debian kernel package, and a minute or two.
#
#   scripts/desktops/kernel.sh           after `cargo test --workspace --no-run`; needs scripts/setup.sh desktops
set -euo pipefail
cd "$(dirname "$0")/../.."
tests=$(cargo test --workspace --locked --no-run --message-format=json 2>/dev/null |
    sed -n 's/.*"name":"main".*"kind":\["test"\].*//; s/.*"executable":"\([^"]*\/deps\/main-[^"]*\)".*/\1/p' | tail -n 1)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
kept=target/kernel
if ! compgen -G "$kept/boot/vmlinuz*" >/dev/null; then
    package=$(apt-cache depends linux-image-amd64 | sed -n 's/.*Depends: //p' | head -n 1)
    (cd "$work" && apt-get download "$package" >/dev/null && dpkg-deb -x "$package"*.deb kernel)
    mkdir -p "$kept" && cp -r "$work/kernel/." "$kept"
fi
root=$work/root
here=$PWD
mkdir -p "$root"/{bin,dev,proc,sys,tmp,run,etc,"$here/target/debug/deps"}
cp /bin/busybox "$root/bin/"
put() {
    install -D "$1" "$root$1"
    ldd "$1" 2>/dev/null | grep -o '/[^ ]*' | while read -r library; do install -D "$library" "$root$library"; done
}
put /usr/bin/dbus-daemon
# Without what is only for debuggers.
objcopy --strip-debug "$tests" "$work/main"
install -D "$work/main" "$root$tests"
ldd "$tests" | grep -o '/[^ ]*' | while read -r library; do install -D "$library" "$root$library"; done
install -D target/debug/watchcap-input-helper "$root$here/target/debug/watchcap-input-helper"
for module in drivers/input/evdev drivers/input/misc/uinput; do
    cp "$kept"/lib/modules/*/kernel/$module.ko "$root/"
done
echo 'root:x:0:0:root:/:/bin/sh' >"$root/etc/passwd"
echo 'root:x:0:' >"$root/etc/group"
cat >"$root/init" <<END
#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t devtmpfs d /dev; mount -t proc p /proc; mount -t sysfs s /sys; mount -t tmpfs t /tmp
insmod /evdev.ko; insmod /uinput.ko; ip link set lo up
export PATH=/bin:/usr/bin TMPDIR=/tmp CARGO_MANIFEST_DIR=$here RUST_BACKTRACE=1
mkdir -p $here
$tests input_helper::the_real_kernel --nocapture --test-threads=1 && echo KERNEL: PASSED
poweroff -f
END
chmod +x "$root/init"
(cd "$root" && find . | cpio -o -H newc 2>/dev/null) >"$work/image"
# Without KVM, which virtual machines of others do not hand on reliably.
timeout 300 qemu-system-x86_64 -accel tcg -m 2048 -nographic -no-reboot -nic none -kernel "$kept"/boot/vmlinuz* \
    -initrd "$work/image" -append "console=ttyS0 quiet panic=-1" </dev/null | tee "$work/said"
# A test that did not try says so and passes, and so does a filter that names none: what it prints at its end is what counts.
if grep -q 'NOT RUN' "$work/said" || ! grep -q 'lent, taken back, lent anew, grabbed, taken back' "$work/said"; then
    echo "kernel.sh: the test of the real kernel was not run to its end" >&2
    exit 1
fi
grep -q 'KERNEL: PASSED' "$work/said"
