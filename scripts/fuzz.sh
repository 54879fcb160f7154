#!/usr/bin/env bash
# Fuzzes every parser: builds the targets of fuzz/ with coverage, and runs each from its saved corpus and its regressions.
#
#   scripts/fuzz.sh build              only builds them
#   scripts/fuzz.sh run SECONDS [TARGET...]   runs each (or the named ones) until it has had SECONDS of CPU time, JOBS (1) at a time
#
# An input that takes FUZZ_TIMEOUT (10) seconds of wall time counts as a crash: give more where the machine is shared.
# The corpus grows in fuzz/target/corpus, outside of the repository; what crashes is put into fuzz/target/crashes/TARGET. Prints one line per
# target: seconds of CPU, executions, inputs in the corpus, edges covered, most memory of the process, crashes. Exits with 1 when there was a
# crash.
set -euo pipefail
cd "$(dirname "$0")/../fuzz"
triple=x86_64-unknown-linux-gnu
# Longest that the fuzzer runs before its CPU time is read, seconds of wall time.
round=120

# One target: rounds until it has had its CPU time. A crash ends it: the next round would only find it again.
one() {
    local target=$1 seconds=$2 grown=target/corpus/$1 crashes=target/crashes/$1 log=target/$1.log
    mkdir -p "$grown" "$crashes"
    local seeds=(corpus/"$target") dictionary=()
    [[ -d regressions/$target ]] && seeds+=(regressions/"$target")
    [[ -f dictionaries/$target ]] && dictionary=(-dict=dictionaries/"$target")
    local cpu=0 executions=0 memory=0 edges=0 left places used more failed=0
    while ((failed == 0 && (left = seconds - cpu) > 0)); do
        places=$(mktemp -d "${FUZZ_TMP:-/dev/shm}/watchcap-fuzz.XXXXXX")
        # 256 MiB of Rust's heap is the limit in the targets; the process as a whole has the decoder's memory and the fuzzer's own beside it.
        /usr/bin/env time -o target/"$target".time -f '%U %S %M' \
            env TMPDIR="$places" target/$triple/release/"$target" "$grown" "${seeds[@]}" "${dictionary[@]}" \
            -max_total_time=$((left < round ? left : round)) -timeout="${FUZZ_TIMEOUT:-10}" -rss_limit_mb=768 -max_len=65536 -artifact_prefix="$crashes/" \
            -print_final_stats=1 >"$log" 2>&1 || failed=1
        rm -rf "$places"
        read -r used more < <(awk 'END { print int($1 + $2 + 0.5), int($3 / 1024) }' target/"$target".time)
        # A round that took no time at all is none: the program could not be run.
        ((used > 0 || failed)) || { used=1 failed=1; echo "$target: did not run, see fuzz/$log" >&2; }
        cpu=$((cpu + used)) memory=$((more > memory ? more : memory))
        more=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | tail -1)
        executions=$((executions + ${more:-0}))
        more=$(grep -o 'cov: [0-9]*' "$log" | tail -1 | cut -d' ' -f2)
        edges=$((${more:-0} > edges ? ${more:-0} : edges))
    done
    printf '%-10s %9s %12s %8s %8s %8s %8s\n' \
        "$target" "$cpu" "$executions" "$(find "$grown" -type f | wc -l)" "$edges" "$memory" "$(find "$crashes" -type f | wc -l)"
    return "$failed"
}

# The build, before and without anything else: `one` is how this script calls itself.
if [[ ${1:-run} == one ]]; then
    one "$2" "$3"
    exit
fi
# What `cargo fuzz` does without a sanitizer: our code is safe Rust, and the counting allocator measures memory better.
flags="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters"
flags+=" -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing"
RUSTFLAGS=$flags cargo +nightly build -q --release --locked --target $triple
[[ ${1:-run} == build ]] && exit 0
seconds=${2:-60}
shift $(($# > 2 ? 2 : $#))
targets=("$@")
((${#targets[@]})) || mapfile -t targets < <(ls targets | sed 's/\.rs$//')
printf '%-10s %9s %12s %8s %8s %8s %8s\n' target cpu_s executions corpus edges peak_mb crashes
printf '%s\n' "${targets[@]}" | xargs -P "${JOBS:-1}" -I{} ../scripts/fuzz.sh one {} "$seconds" || exit 1
