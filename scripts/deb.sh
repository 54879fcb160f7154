#!/usr/bin/env bash
# The Debian package of a built program: stripped, with manual pages, completions, desktop entries, a systemd unit of the user and a udev rule
# that is not active. What it depends on is computed from what it links.
#
#   scripts/deb.sh [PROGRAM [FOLDER]]        target/release/watchcap into target/dist/watchcap_VERSION_ARCHITECTURE.deb
set -euo pipefail
cd "$(dirname "$0")/.."
program=$(realpath "${1:-target/release/watchcap}")
# What takes pictures from PipeWire, and what lends input devices, beside it.
helper=$(dirname "$program")/watchcap-pipewire
lender=$(dirname "$program")/watchcap-input-helper
for built in "$helper" "$lender"; do
    [[ -x $built ]] || { echo "deb: ERROR: $built is not built" >&2; exit 1; }
done
folder=${2:-target/dist}
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
architecture=$(dpkg --print-architecture)
mkdir -p "$folder"
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
package=$root/package
umask 022

scripts/dist.sh "$program" "$root/stripped" >/dev/null
stripped=$root/stripped/$(basename "$program")
install -D -m 755 "$stripped" "$package/usr/bin/watchcap"
scripts/dist.sh "$helper" "$root/stripped" >/dev/null
install -D -m 755 "$root/stripped/watchcap-pipewire" "$package/usr/bin/watchcap-pipewire"
# Where polkit knows it. Neither setuid nor with capabilities: pkexec starts it, and asks first.
scripts/dist.sh "$lender" "$root/stripped" >/dev/null
install -D -m 755 "$root/stripped/watchcap-input-helper" "$package/usr/libexec/watchcap-input-helper"
install -D -m 644 -t "$package/usr/share/polkit-1/actions" scripts/package/org.watchcap.input-helper.policy
"$program" --quiet man "$root/man"
for page in "$root"/man/*.1; do
    gzip -9n "$page"
    install -D -m 644 "$page.gz" "$package/usr/share/man/man1/$(basename "$page").gz"
done
completion() { mkdir -p "$(dirname "$package/$2")" && "$program" completions "$1" >"$package/$2" && chmod 644 "$package/$2"; }
completion bash usr/share/bash-completion/completions/watchcap
completion zsh usr/share/zsh/vendor-completions/_watchcap
completion fish usr/share/fish/vendor_completions.d/watchcap.fish
# PowerShell has no folder of its own for them: a profile reads it with `. FILE`.
completion powershell usr/share/watchcap/completions/watchcap.ps1
install -D -m 644 -t "$package/usr/share/applications" scripts/package/*.desktop
install -D -m 644 -t "$package/usr/lib/systemd/user" scripts/package/watchcap-record.service
install -D -m 644 -t "$package/usr/share/doc/watchcap" scripts/package/70-watchcap-input.rules README.md FORMAT.md SECURITY.md
gzip -9nc CHANGELOG.md >"$package/usr/share/doc/watchcap/changelog.gz"
{
    echo "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/"
    echo "Upstream-Name: watchcap"
    echo
    echo "Files: *"
    echo "Copyright: the authors of watchcap"
    echo "License: MIT or Apache-2.0"
    sed 's/^$/./; s/^/ /' LICENSE-MIT
    echo " ."
    echo " The Apache License 2.0 is in /usr/share/common-licenses/Apache-2.0."
} >"$package/usr/share/doc/watchcap/copyright"

# dpkg-shlibdeps wants a source package around it.
mkdir -p "$root/debian"
printf 'Source: watchcap\n\nPackage: watchcap\nArchitecture: any\n' >"$root/debian/control"
needs=$(cd "$root" && dpkg-shlibdeps -O "$package/usr/bin/watchcap" "$package/usr/libexec/watchcap-input-helper" -dRecommends "$package/usr/bin/watchcap-pipewire" 2>/dev/null)
depends=$(sed -n 's/^shlibs:Depends=//p' <<<"$needs")
# Without it everything but the desktop's portal works.
pipewire=$(sed -n 's/^shlibs:Recommends=//p' <<<"$needs")
[[ -n $depends ]] || { echo "deb: ERROR: dpkg-shlibdeps does not say what it needs" >&2; exit 1; }
mkdir "$package/DEBIAN"
cat >"$package/DEBIAN/control" <<END
Package: watchcap
Version: $version
Architecture: $architecture
Maintainer: the authors of watchcap <watchcap@example.invalid>
Installed-Size: $(du -k -s "$package/usr" | cut -f1)
Depends: $depends
Recommends: ffmpeg, pkexec | policykit-1${pipewire:+, $pipewire}
Suggests: openssh-client
Section: video
Priority: optional
Description: records a screen and every input, for machine learning
 One clock, a log that survives a crash, and a sealed session that pyarrow,
 pandas, Polars, DuckDB and PyAV load: frames.mp4, events.parquet and
 metadata.json. With a player for the terminal, checks, redaction and exports.
END
(cd "$package" && find usr -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum >DEBIAN/md5sums)
find "$package" -print0 | xargs -0 touch -h -d "@${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}"
out=$folder/watchcap_${version}_$architecture.deb
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)} \
    dpkg-deb --root-owner-group -Zxz --build "$package" "$out" >/dev/null
echo "$out"
