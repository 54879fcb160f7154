#!/usr/bin/env bash
# Takes a zip for Windows apart as a person would, and runs what is in it under Wine, without a library of the compiler's: the demo, which records,
# verifies and looks; the session is verified by the program of this system as well. The manifests beside the zip have to name its bytes.
#
#   scripts/test_windows_zip.sh ZIP [PROGRAM]        with target/debug/watchcap as the judge
set -euo pipefail
cd "$(dirname "$0")/.."
archive=$(realpath "$1")
judge=${2:-target/debug/watchcap}
folder=$(dirname "$archive")
name=$(basename "$archive" .zip)
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
sha256=$(sha256sum "$archive" | cut -d' ' -f1)
python3 - "$folder" "$sha256" "$name" <<'END'
import json
import pathlib
import sys

folder, sha256, name = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
scoop = json.loads((folder / "scoop/watchcap.json").read_text())["architecture"]["64bit"]
assert scoop["hash"] == sha256 and scoop["extract_dir"] == name, "scoop names another zip"
lines = dict(line.split(": ", 1) for line in (folder / "winget/Watchcap.Watchcap.installer.yaml").read_text().splitlines()[1:])
(installer,) = json.loads(lines["Installers"])
(nested,) = json.loads(lines["NestedInstallerFiles"])
assert installer["InstallerSha256"] == sha256.upper() and installer["InstallerUrl"] == scoop["url"], "winget names another zip"
assert nested["RelativeFilePath"] == name + "\\watchcap.exe", "winget names another file"
END
python3 -m zipfile -e "$archive" "$root"
for file in watchcap.exe LICENSE-MIT LICENSE-APACHE README.md WINDOWS.md completions/watchcap.ps1; do
    test -s "$root/$name/$file" || { echo "test-windows-zip: ERROR: $file is not in it" >&2; exit 1; }
done
grep -q Register-ArgumentCompleter "$root/$name/completions/watchcap.ps1"
mkdir "$root/work"
run() { (cd "$root/work" && WATCHCAP_WINE_ALONE=1 timeout 300 "$OLDPWD/scripts/wine/run.sh" "$root/$name/watchcap.exe" "$@" </dev/null >"$root/out" 2>"$root/err"); }
run --version || { cat "$root/err" >&2; exit 1; }
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
grep -q "watchcap $version" "$root/out"
# 3: a busy machine was too slow for some pictures.
run demo --duration 2s --no-replay || [[ $? == 3 ]] || { cat "$root/out" "$root/err" >&2; exit 1; }
session=$(find "$root/work" -name integrity.sha256 -printf '%h\n')
"$judge" verify "$session"
echo "$archive: runs alone under Wine"
