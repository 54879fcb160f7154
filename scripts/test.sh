#!/usr/bin/env bash
# Runs the whole test suite. Tests use real servers and real time on a machine that others may load, so a test that fails beside the others
# is run once more, alone, and is counted as failed only when it fails again; its name is printed either way. More than five failures are no
# accident of timing and are not tried again.
set -uo pipefail
cd "$(dirname "$0")/.."
out=$(mktemp)
trap 'rm -f "$out"' EXIT

scripts/x264.sh || { echo "test: watchcap-x264 cannot be built" >&2; exit 1; }

# Tests interrupt recordings, and a signal that the caller ignores would stay ignored in them.
cargo_test() { env --default-signal=INT,HUP,TERM,USR2 cargo test --workspace --locked "$@"; }

cargo_test --no-fail-fast 2>&1 | tee "$out"
code=${PIPESTATUS[0]}
((code == 0)) && exit 0

# The names of a run are the indented lines of its last list "failures:".
mapfile -t names < <(awk '
    /^failures:$/ { listing = 1; next }
    /^test result:/ { listing = 0 }
    listing && /^    [^ ]/ { print $1 }' "$out" | sort -u)
failed=$(awk '/^test result:/ { for (i = 2; i <= NF; i++) if ($i == "failed;") sum += $(i - 1) } END { print sum + 0 }' "$out")
if ((failed == 0 || failed > 5 || failed != ${#names[@]})); then
    exit "$code"
fi

again=()
for name in "${names[@]}"; do
    echo "test: $name failed beside the other tests and is run once more, alone"
    cargo_test --no-fail-fast -- --exact "$name" --test-threads=1 2>&1 | tee "$out"
    code=${PIPESTATUS[0]}
    # A test that no run of it passed has not passed, whatever the exit code says.
    if ((code != 0)) || ! grep -q "^test $name \.\.\. ok$" "$out"; then again+=("$name"); fi
done
if ((${#again[@]})); then
    echo "test: failed twice: ${again[*]}" >&2
    exit 101
fi
echo "test: passed only alone: ${names[*]}"
