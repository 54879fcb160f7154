#!/usr/bin/env bash
# Installs the newest wheel in a new environment, and uses it as a trainer would: records, verifies, exports and loads.
#
#   scripts/test_wheel.sh [WHEEL]
set -euo pipefail
cd "$(dirname "$0")/.."
wheel=$(realpath "${1:-$(ls -t target/wheels/*.whl | head -n 1)}")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check --no-index "$wheel"
cd "$folder"
# Nothing of this person's configuration, and no display.
export HOME=$folder XDG_CONFIG_HOME=$folder/config
unset DISPLAY WAYLAND_DISPLAY
run() { "$folder/venv/bin/watchcap" "$@"; }
run --version
# 3: finished, though a busy machine missed frames.
run demo --duration 2s --no-replay || [ $? = 3 ]
run verify demo-recordings
run export actions demo-recordings --out train
test -n "$(ls train/*.parquet)"
links=$(ldd "$folder/venv/bin/watchcap" | awk '{ print $1 }' | sort | tr '\n' ' ')
echo "test-wheel: links $links"
"$folder/venv/bin/pip" uninstall -q -y watchcap
test ! -e "$folder/venv/bin/watchcap"
echo "test-wheel: $(basename "$wheel"): installed, used and removed"
