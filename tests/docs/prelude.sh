# Sourced before the blocks of a document: what stands in for a build, a recording without an end, and the player.
set -eu
PATH="$PWD/bin:$PATH"
mkdir -p bin target/release
exec 2>&1
# How many frames a busy machine misses is not what a page is about.
mkdir -p "$HOME/.config/watchcap"
printf '[record]\nmax_dropped = 100\n' >"$HOME/.config/watchcap/config.toml"

at() { echo "== $1"; }

# Runs a block that ends with another code than 0.
ends_with() {
    local wanted=$1 code=0
    cat >block.sh
    bash -e block.sh || code=$?
    [ "$code" = "$wanted" ] || { echo "exit $code, and the page says $wanted"; return 1; }
}

# Runs a Python block by the interpreter that has the module that it needs.
python_with() {
    local module=$1 line=$2 python
    cat >block.py
    for python in "$PYTHON" "$CONSUMERS"; do
        if [ -x "$python" ] && "$python" -c "import $module" >/dev/null 2>&1; then
            "$python" block.py
            return
        fi
    done
    echo "== skipped: line $line needs $module, which make test-consumers installs"
}

# watchcap: a recording of the desktop ends after a while, and the player gets a terminal and a `q`.
cat >bin/watchcap <<'END'
#!/bin/bash
arguments=" $* "
case $arguments in
    *" record "*" --duration "* | *" record "*" -d "* | *" record "*" --help "*) exec "$WATCHCAP" "$@" ;;
    *" record "*) exec "$WATCHCAP" "$@" --duration 1s ;;
    *" replay "*" --check "*) exec "$WATCHCAP" "$@" ;;
    *" replay "*) { sleep 2; printf q; sleep 1; } | TERM=xterm-256color script -qefc "stty cols 100 rows 40; '$WATCHCAP' $*" /dev/null >/dev/null ;;
    *) exec "$WATCHCAP" "$@" ;;
esac
END
# Targets of make are looked up and not run: they build, and run this test.
printf '#!/bin/sh\nfor target; do grep -q "^$target:" "$REPOSITORY/Makefile" || { echo "no target $target"; exit 1; }; done\n' >bin/make
# A build is what runs here; its flags are checked by cargo.
real_cargo=$(command -v cargo)
real_home=$(getent passwd "$(id -u)" | cut -d: -f6)
cat >bin/cargo <<END
#!/bin/sh
export RUSTUP_HOME="${RUSTUP_HOME:-$real_home/.rustup}" CARGO_HOME="${CARGO_HOME:-$real_home/.cargo}"
[ "\$1" = build ] && cd "$REPOSITORY" && exec "$real_cargo" metadata --manifest-path "$REPOSITORY/Cargo.toml" --no-deps --format-version 1 --locked --offline >/dev/null
END
# Python with the readers; a virtual environment is that one.
cat >bin/python3 <<'END'
#!/bin/sh
[ "$1 $2" = "-m venv" ] && { ln -sfn "$(dirname "$(dirname "$PYTHON")")" "$3"; exit; }
exec "$PYTHON" "$@"
END
printf '#!/bin/sh\n[ "$1" = install ]\n' >bin/pip
# DuckDB's command line, by its module.
printf '#!/bin/sh\n[ "$1" = -c ] && exec "$PYTHON" -c "import duckdb, sys; print(duckdb.execute(sys.argv[1]).fetchall())" "$2"\n' >bin/duckdb
chmod +x bin/*
ln -sf "$PWD/bin/watchcap" target/release/watchcap
ln -sf "$REPOSITORY/scripts" "$REPOSITORY/examples" .
