#!/usr/bin/env bash
# Installs a package in a clean Debian and a clean Ubuntu, made by debootstrap, and runs what a new user would: help, manual, completions, doctor,
# demo. Then removes it, and looks for what is left. As root; the systems are kept as archives in target/roots.
#
#   scripts/test_deb.sh PACKAGE [debian|ubuntu ...]
set -euo pipefail
cd "$(dirname "$0")/.."
deb=$(realpath "$1")
shift
systems=("$@")
((${#systems[@]})) || systems=(debian ubuntu)
[[ $(id -u) == 0 ]] || { echo "test-deb: ERROR: chroot needs root" >&2; exit 1; }
# Beside the other users' folders: dpkg's sandboxes have to reach it.
roots=$PWD/target/roots
mkdir -p "$roots"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The package depends on the libraries of the Debian that it was built on; Ubuntu 24.04 has the same ones or later.
debian=$(. /etc/os-release && echo "${VERSION_CODENAME:-bookworm}")
ubuntu=noble
# The keys of Ubuntu's archive, which Debian does not have: a package of Ubuntu's, by its hash.
ubuntu_keys=http://archive.ubuntu.com/ubuntu/pool/main/u/ubuntu-keyring/ubuntu-keyring_2023.11.28.1_all.deb
ubuntu_keys_sha256=36de43b15853ccae0028e9a767613770c704833f82586f28eb262f0311adb8a8

# Makes an archive of a clean system, if there is none.
clean() {
    local system=$1 archive=$roots/$1-$2.tar
    [[ -s $archive ]] && return
    echo "test-deb: making a clean $system $2" >&2
    local root=$work/clean-$system
    case $system in
        debian) debootstrap --variant=minbase "$2" "$root" http://deb.debian.org/debian >"$work/log" || return 1 ;;
        ubuntu)
            curl -fsS -o "$work/keys.deb" "$ubuntu_keys" || return 1
            echo "$ubuntu_keys_sha256  $work/keys.deb" | sha256sum --quiet -c || return 1
            dpkg-deb -x "$work/keys.deb" "$work/keys"
            # Every release of Ubuntu is made by the same script, which an older debootstrap knows under older names.
            debootstrap --variant=minbase --components=main,universe \
                --keyring="$work/keys/usr/share/keyrings/ubuntu-archive-keyring.gpg" \
                "$2" "$root" http://archive.ubuntu.com/ubuntu gutsy >"$work/log" || return 1
            ;;
    esac
    tar -C "$root" -cf "$archive.tmp" . && mv "$archive.tmp" "$archive"
    rm -rf "$root"
}

# What runs inside.
inside() {
    cat <<'END'
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
find / -xdev \( -path /proc -o -path /tmp -o -path /var/cache -o -path /var/lib/apt -o -path /var/log \) -prune -o -name '*watchcap*' -print | sort >/tmp/before
apt-get update -q >/dev/null
apt-get install -q -y --no-install-recommends /tmp/watchcap.deb >/tmp/install.log 2>&1 || { tail -n 20 /tmp/install.log; exit 1; }
dpkg -s watchcap | grep -E '^(Version|Depends):'
dpkg --verify watchcap
useradd -m somebody
as() { su somebody -c "cd && $1"; }
as 'watchcap --version'
as 'watchcap --help' >/tmp/help && grep -q record /tmp/help
test -s /usr/share/man/man1/watchcap-record.1.gz && gzip -dc /usr/share/man/man1/watchcap-record.1.gz | grep -q '^.TH'
bash -n /usr/share/bash-completion/completions/watchcap
bash -c '. /usr/share/bash-completion/completions/watchcap; COMP_WORDS=(watchcap ver); COMP_CWORD=1; _watchcap watchcap ver watchcap; echo "${COMPREPLY[@]}"' | grep -qx verify
as 'watchcap config init' && as 'watchcap config check'
# 3: finished, though a busy machine missed frames.
as 'watchcap demo --duration 2s --no-replay' || [ $? = 3 ]
as 'watchcap verify demo-recordings'
as 'watchcap doctor' >/tmp/doctor 2>&1 && { echo "doctor finds a screen where there is none"; cat /tmp/doctor; exit 1; }
grep -E 'ok +encoder \(openh264\)' /tmp/doctor || { cat /tmp/doctor; exit 1; }
# The helper that lends input devices: what polkit is told of it, and that nobody starts it by itself.
lender=/usr/libexec/watchcap-input-helper
[ "$(stat -c '%a %u %g' $lender)" = '755 0 0' ] || { echo "$lender is not root's alone"; exit 1; }
getcap $lender 2>/dev/null | grep . && { echo "$lender has capabilities"; exit 1; }
as $lender >/tmp/lender 2>&1 && { echo "$lender runs for anybody"; exit 1; }
grep -q 'started by watchcap through pkexec' /tmp/lender || { cat /tmp/lender; exit 1; }
PKEXEC_UID=0 $lender </dev/null >/tmp/lender 2>&1 || true
grep -q 'no socket of watchcap' /tmp/lender || { cat /tmp/lender; exit 1; }
# What is for tests is not in what is given to others.
$lender --test / / 0 >/tmp/lender 2>&1 || true
grep -q 'started by watchcap through pkexec' /tmp/lender || { cat /tmp/lender; exit 1; }
apt-get install -q -y --no-install-recommends pkexec >/tmp/pkexec.log 2>&1 || apt-get install -q -y --no-install-recommends policykit-1 >/tmp/pkexec.log 2>&1 ||
    { tail -n 20 /tmp/pkexec.log; exit 1; }
mkdir -p /run/dbus
dbus-daemon --system --nofork >/tmp/bus.log 2>&1 &
bus=$!
sleep 1
/usr/lib/polkit-1/polkitd --no-debug >/tmp/polkitd.log 2>&1 &
polkitd=$!
sleep 2
pkaction --verbose --action-id org.watchcap.input-helper >/tmp/action || { cat /tmp/action /tmp/polkitd.log; exit 1; }
for line in 'implicit any: *no$' 'implicit inactive: *no$' 'implicit active: *auth_admin$' 'exec.path -> /usr/libexec/watchcap-input-helper$'; do
    grep -q "$line" /tmp/action || { echo "polkit does not know: $line"; cat /tmp/action; exit 1; }
done
# Somebody who sits at no screen is not even asked.
as "pkexec $lender </dev/null" >/tmp/pkexec.out 2>&1 && { echo "pkexec starts it for anybody"; exit 1; }
cat /tmp/pkexec.out
kill $polkitd $bus
apt-get purge -q -y watchcap >/dev/null 2>&1
find / -xdev \( -path /proc -o -path /home -o -path /tmp -o -path /var/cache -o -path /var/lib/apt -o -path /var/log \) -prune -o -name '*watchcap*' -print | sort >/tmp/after
diff /tmp/before /tmp/after
END
}

failed=0
for system in "${systems[@]}"; do
    release=${!system}
    if ! clean "$system" "$release"; then
        echo "test-deb: WARNING: NOT TESTED: no clean $system $release can be had here:" >&2
        tail -n 5 "$work/log" >&2 2>/dev/null || true
        [[ $system == ubuntu ]] || failed=1
        continue
    fi
    root=$work/$system
    mkdir -p "$root"
    tar -C "$root" -xf "$roots/$system-$release.tar"
    cp "$deb" "$root/tmp/watchcap.deb"
    cp /etc/resolv.conf "$root/etc/resolv.conf"
    # A proxy of this machine, and the certificate that it signs with.
    cp /etc/apt/apt.conf.d/*proxy* "$root/etc/apt/apt.conf.d/" 2>/dev/null || true
    inside >"$root/tmp/inside.sh"
    echo "test-deb: $system $release" >&2
    # Mounts of a namespace of its own go with it.
    if unshare --mount bash -c 'mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" && exec chroot "$1" /bin/bash /tmp/inside.sh' - "$root"; then
        echo "test-deb: $system $release: installed, used and removed" >&2
    else
        echo "test-deb: ERROR: $system $release" >&2
        failed=1
    fi
    rm -rf --one-file-system "$root"
done
exit $failed
