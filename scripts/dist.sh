#!/usr/bin/env bash
# What is given to others, of the release build: the program without its debug information, and that in a file beside it, which gdb finds by
# the link in the program. cargo's own `strip` and `split-debuginfo` do one or the other, and leave the debug information of the C++ parts in.
#
#   scripts/dist.sh [PROGRAM [FOLDER]]       target/release/watchcap into target/dist
set -euo pipefail
cd "$(dirname "$0")/.."
program=${1:-target/release/watchcap}
folder=${2:-target/dist}
name=$(basename "$program")
mkdir -p "$folder"
objcopy --only-keep-debug --compress-debug-sections=zlib "$program" "$folder/$name.debug"
objcopy --strip-all "$program" "$folder/$name"
(cd "$folder" && objcopy --add-gnu-debuglink="$name.debug" "$name")
chmod 755 "$folder/$name"
chmod 644 "$folder/$name.debug"
ls -l "$program" "$folder/$name" "$folder/$name.debug" | awk '{ printf "%12d  %s\n", $5, $NF }'
