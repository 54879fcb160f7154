#!/usr/bin/env bash
# Runs a Windows program of this project under Wine, without a window: what cargo calls as the runner of x86_64-pc-windows-gnu, and the tests
# in tests/wine.rs as well. The Wine prefix lies under target/ and is made by the first run, in about twenty seconds.
#
#   scripts/wine/run.sh PROGRAM.exe [ARGUMENT…]
#
# Wine's services stay for a while and hold on to the standard output that they were started with: whoever reads it through a pipe to its
# end waits for them. They are started here without one.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
export WINEPREFIX=${WATCHCAP_WINEPREFIX:-${CARGO_TARGET_DIR:-$root/target}/wine-prefix}
export WINEDEBUG=${WINEDEBUG:--all} WINEDLLOVERRIDES=mscoree,mshtml=
# The C++ runtime of the compiler, which the program links dynamically; a program that has to run alone gets none.
if [[ -z ${WATCHCAP_WINE_ALONE:-} ]]; then
    runtime=$(dirname "$(x86_64-w64-mingw32-g++ -print-file-name=libstdc++-6.dll)")
    export WINEPATH=$runtime
fi

prepare() {
    local log=$WINEPREFIX.log
    echo "wine: making a prefix in $WINEPREFIX" >&2
    wineboot=$(command -v wineboot || echo "wine wineboot")
    $wineboot -i >"$log" 2>&1 </dev/null
    # Debian's Wine calls itself Windows 7, on which Rust's programs do not run.
    wine winecfg -v win10 >>"$log" 2>&1 </dev/null
    # Wine 8 lacks the one function of bcryptprimitives.dll that Rust's standard library asks for.
    if [[ ! -e $WINEPREFIX/drive_c/windows/system32/bcryptprimitives.dll ]]; then
        x86_64-w64-mingw32-gcc -O1 -shared -o "$WINEPREFIX/drive_c/windows/system32/bcryptprimitives.dll" \
            "$here/bcryptprimitives.c" -ladvapi32
    fi
    wineserver -w
    touch "$WINEPREFIX/ready"
}

if [[ ! -e $WINEPREFIX/ready ]]; then
    mkdir -p "$(dirname "$WINEPREFIX")"
    (
        flock 9
        [[ -e $WINEPREFIX/ready ]] || prepare
    ) 9>"$WINEPREFIX.lock"
fi
exec wine "$@"
