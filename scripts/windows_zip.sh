#!/usr/bin/env bash
# The zip for Windows, of a build with mingw-w64: one program that needs no library but the system's, licences, pages, completions for PowerShell;
# its debug information in a zip of its own; and the manifests of scoop and winget, made of the version and of the zip's own hash.
#
#   scripts/windows_zip.sh [PROFILE [FOLDER]]        release into target/dist
set -euo pipefail
cd "$(dirname "$0")/.."
profile=${1:-release}
folder=${2:-target/dist}
target=x86_64-pc-windows-gnu
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
repository=$(sed -n '/^\[workspace.package\]/,/^\[/s/^repository = "\(.*\)"/\1/p' Cargo.toml)
name=watchcap-$version-windows-x86_64
build=${CARGO_TARGET_DIR:-target}
directory=$profile
if [[ $profile == dev ]]; then directory=debug; fi

# The linker takes the first library of a name that it finds, and would take the one that is a DLL: this folder has only the other.
static=$PWD/target/windows-static
mkdir -p "$static" "$folder"
ln -sf "$(x86_64-w64-mingw32-g++ -print-file-name=libstdc++.a)" "$static/libstdc++.a"
cargo rustc --locked --profile "$profile" --target "$target" --bin watchcap -- -C "link-arg=-L$static" -C link-arg=-static
exe=$build/$target/$directory/watchcap.exe

# Nothing of the compiler's may be asked for, and what Windows reads of a program has to be in it.
libraries=$(x86_64-w64-mingw32-objdump -p "$exe" | sed -n 's/^\s*DLL Name: //p')
if grep -iE '^(libstdc|libgcc|libwinpthread)' <<<"$libraries"; then
    echo "windows-zip: ERROR: the program asks for that library" >&2
    exit 1
fi
x86_64-w64-mingw32-objdump -h "$exe" | grep -q '\.rsrc' && grep -aq PerMonitorV2 "$exe" ||
    { echo "windows-zip: ERROR: the program has no manifest" >&2; exit 1; }

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
umask 022
package=$root/$name
mkdir -p "$package/completions" "$root/$name-symbols"
x86_64-w64-mingw32-objcopy --only-keep-debug "$exe" "$root/$name-symbols/watchcap.debug"
x86_64-w64-mingw32-objcopy --strip-all "$exe" "$package/watchcap.exe"
(cd "$package" && x86_64-w64-mingw32-objcopy --add-gnu-debuglink="$root/$name-symbols/watchcap.debug" watchcap.exe)
cp LICENSE-MIT LICENSE-APACHE README.md CHANGELOG.md FORMAT.md SECURITY.md "$package"
cp docs/guides/windows.md "$package/WINDOWS.md"
# By the very program that is packed. Into a file: Wine's services would hold a pipe open.
WATCHCAP_WINE_ALONE=1 scripts/wine/run.sh "$package/watchcap.exe" completions powershell >"$package/completions/watchcap.ps1" </dev/null

epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
python3 scripts/package/zip.py "$epoch" "$root" "$name" "$folder/$name.zip"
python3 scripts/package/zip.py "$epoch" "$root" "$name-symbols" "$folder/$name-symbols.zip"
python3 scripts/package/windows_manifests.py "$version" "$repository" "$epoch" "$folder/$name.zip" "$folder"
ls -l "$exe" "$folder/$name.zip" "$folder/$name-symbols.zip" | awk '{ printf "%12d  %s\n", $5, $NF }'
