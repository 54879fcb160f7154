#!/usr/bin/env bash
# Fuzzes every parser: builds the targets of fuzz/ with coverage, and runs each from its saved corpus and its regressions.
#
#   scripts/fuzz.sh build              only builds them
#   scripts/fuzz.sh run SECONDS [TARGET...]   runs each (or the named ones) for SECONDS of wall time, one after the other
#
# The corpus grows in fuzz/target/corpus, outside of the repository; what crashes is put into fuzz/target/crashes/TARGET. Prints one line per
# target: seconds of CPU, executions, inputs in the corpus, edges covered, crashes. Exits with 1 when there was a crash.
set -euo pipefail
cd "$(dirname "$0")/../fuzz"
what=${1:-run}; seconds=${2:-60}
shift $(($# > 2 ? 2 : $#))
triple=x86_64-unknown-linux-gnu
# What `cargo fuzz` does without a sanitizer: our code is safe Rust, and the counting allocator measures memory better.
flags="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters"
flags+=" -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing"
RUSTFLAGS=$flags cargo +nightly build -q --release --locked --target $triple
[[ $what == build ]] && exit 0
targets=("$@")
((${#targets[@]})) || mapfile -t targets < <(ls targets | sed 's/\.rs$//')
failed=0
printf '%-10s %9s %12s %8s %8s %8s\n' target cpu_s executions corpus edges crashes
for target in "${targets[@]}"; do
    grown=target/corpus/$target crashes=target/crashes/$target log=target/$target.log
    mkdir -p "$grown" "$crashes"
    seeds=(corpus/"$target")
    [[ -d regressions/$target ]] && seeds+=(regressions/"$target")
    dictionary=()
    [[ -f dictionaries/$target ]] && dictionary=(-dict=dictionaries/"$target")
    places=$(mktemp -d "${FUZZ_TMP:-/dev/shm}/watchcap-fuzz.XXXXXX")
    # 256 MiB of Rust's heap is the limit in the targets; the process as a whole has the decoder's memory and the fuzzer's own beside it.
    /usr/bin/env time -o target/"$target".time -f '%U %S' \
        env TMPDIR="$places" target/$triple/release/"$target" "$grown" "${seeds[@]}" "${dictionary[@]}" \
        -max_total_time="$seconds" -timeout=10 -rss_limit_mb=768 -max_len=65536 -artifact_prefix="$crashes/" \
        -print_final_stats=1 >"$log" 2>&1 || failed=1
    rm -rf "$places"
    executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | tail -1)
    edges=$(grep -o 'cov: [0-9]*' "$log" | tail -1 | cut -d' ' -f2)
    printf '%-10s %9s %12s %8s %8s %8s\n' "$target" "$(awk 'END{print int($1 + $2)}' target/"$target".time)" "${executions:-0}" \
        "$(ls "$grown" | wc -l)" "${edges:-0}" "$(ls "$crashes" | wc -l)"
done
exit $failed
