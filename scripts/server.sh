#!/usr/bin/env bash
# The build for servers: X11 natively, and no library of the system but libc's (libc, libm, libgcc_s). Builds it, looks at what it links, and
# records two seconds of a real X server with it.
#
#   scripts/server.sh [PROFILE]        dev (the default) or release; the program is target/server/watchcap
set -euo pipefail
cd "$(dirname "$0")/.."
profile=${1:-dev}
target=${CARGO_TARGET_DIR:-target}
mkdir -p "$target/server/lib"
# The C++ runtime of the encoder, of which only the static one is in this folder.
ln -sf "$(g++ -print-file-name=libstdc++.a)" "$target/server/lib/libstdc++.a"
cargo rustc --locked --profile "$profile" --bin watchcap --no-default-features --features x11 -- -L "native=$target/server/lib"
built=debug
if [[ $profile != dev ]]; then built=$profile; fi
cp "$target/$built/watchcap" "$target/server/watchcap"

libraries=$(ldd "$target/server/watchcap" | awk '{ print $1 }' | sort)
echo "server: links" $libraries
foreign=$(grep -vE '^(linux-vdso\.so\.1|libc\.so\.6|libm\.so\.6|libgcc_s\.so\.1|/lib64/ld-linux-.*|/lib/ld-linux-.*)$' <<<"$libraries" || true)
if [[ -n $foreign ]]; then
    echo "server: ERROR: it needs more than libc:" $foreign >&2
    exit 1
fi

if ! command -v Xvfb >/dev/null 2>&1; then
    echo "server: WARNING: NOT TESTED: Xvfb is not installed (scripts/setup.sh test), nothing was recorded" >&2
    exit 0
fi
folder=$(mktemp -d)
mkfifo "$folder/number"
Xvfb -displayfd 3 -screen 0 640x480x24 -nolisten tcp -noreset 3>"$folder/number" 2>/dev/null &
server=$!
trap 'kill $server 2>/dev/null; wait $server 2>/dev/null || true; rm -rf "$folder"' EXIT
read -r number <"$folder/number"
export DISPLAY=:$number XDG_CONFIG_HOME=$folder
unset WAYLAND_DISPLAY XDG_SESSION_TYPE
"$target/server/watchcap" record --consent screen,input --duration 2s --fps 15 --out "$folder" --session two
"$target/server/watchcap" verify "$folder/two"
