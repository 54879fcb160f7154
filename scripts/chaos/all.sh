#!/usr/bin/env bash
# Every campaign once, with the release build: scripts/chaos/all.sh [SEED]. Goes on after a failure, and ends with one when there was any.
# A campaign that takes root and has it not ends with 77: it was skipped, which is said at the end and is neither passed nor failed.
set -uo pipefail
cd "$(dirname "$0")/../.."
seed=${1:-1}
failed=0
skipped=()
# Campaigns interrupt recordings, and a signal that the caller ignores (a job in the background) would stay ignored in them.
run() {
    env --default-signal=INT,HUP,TERM "$@"
    case $? in 0) ;; 77) skipped+=("${*:1:2}") ;; *) failed=1 ;; esac
}
campaign() {
    local program=$1
    shift
    run .venv/bin/python "scripts/chaos/$program" --binary target/release/watchcap --clients target/release/examples --seed "$seed" "$@"
}
campaign kill.py --runs 500 --dir /dev/shm
campaign kill.py --runs 500 --dir /var/tmp
campaign syscalls.py --dir /var/tmp
campaign kill.py --runs 100 --dir /var/tmp --audio --encoder ffmpeg:libx264
campaign stalls.py --runs 30 --dir /var/tmp --audio --encoder ffmpeg:libx264
campaign syscalls.py --step 10 --dir /var/tmp --audio --encoder ffmpeg:libx264
if [[ -x x264/target/release/watchcap-x264 ]]; then campaign kill.py --runs 100 --dir /var/tmp --audio --encoder x264; fi
campaign enospc.py
campaign stalls.py --dir /var/tmp
campaign ffmpeg.py --dir /var/tmp
run target/release/examples/power_cuts --cuts 5000 --seed "$seed" --keep target/power
run target/release/examples/power_cuts --cuts 1000 --seed "$seed" --keep target/power --audio synthetic --encoder ffmpeg:libx264
run env SEED="$seed" cargo test --locked --test main -- corruption::campaign --ignored --nocapture
((${#skipped[@]})) && printf 'SKIPPED, since it takes root: %s\n' "${skipped[@]}"
exit "$failed"
