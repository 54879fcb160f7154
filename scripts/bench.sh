#!/usr/bin/env bash
# The measurements of docs/MEASUREMENTS.md. Runs for several minutes; needs `make bench` to have installed the game and built the program.
#
#   scripts/bench.sh [capture|wayland|encode|ceilings|finalize|replay|tables|all]
set -euo pipefail
cd "$(dirname "$0")/.."
part=${1:-all}
if [[ $part == capture || $part == all ]]; then .venv/bin/python scripts/bench_capture.py; fi
if [[ $part == wayland || $part == all ]]; then .venv/bin/python scripts/bench_wayland.py; fi
if [[ $part == encode || $part == all ]]; then scripts/bench_encode.sh; fi
if [[ $part == ceilings || $part == all ]]; then .venv/bin/python scripts/bench_ceilings.py; fi
if [[ $part == finalize || $part == all ]]; then cargo bench --locked --bench finalize; fi
if [[ $part == tables || $part == all ]]; then .venv/bin/python scripts/bench_tables.py; fi
if [[ $part == replay || $part == all ]]; then .venv/bin/python scripts/bench_replay.py; fi
