#!/usr/bin/env bash
# Every campaign once, with the release build: scripts/chaos/all.sh [SEED]. Goes on after a failure, and ends with one when there was any.
set -uo pipefail
cd "$(dirname "$0")/../.."
seed=${1:-1}
failed=0
campaign() {
    local program=$1
    shift
    .venv/bin/python "scripts/chaos/$program" --binary target/release/watchcap --clients target/release/examples --seed "$seed" "$@" || failed=1
}
campaign kill.py --runs 500 --dir /dev/shm
campaign kill.py --runs 500 --dir /var/tmp
campaign syscalls.py --dir /var/tmp
campaign enospc.py
campaign stalls.py --dir /var/tmp
campaign ffmpeg.py --dir /var/tmp
target/release/examples/power_cuts --cuts 5000 --seed "$seed" --keep target/power
case $? in 0 | 77) ;; *) failed=1 ;; esac
SEED=$seed cargo test --locked --test main -- corruption::campaign --ignored --nocapture || failed=1
exit "$failed"
