#!/usr/bin/env bash
# A Python wheel with the program, in target/wheels. It is built without the portable backends, whose libraries are not on every system, and
# linked by zig for glibc 2.28 and later (manylinux_2_28); with `linux` it is linked as everything else, for this system and later ones.
#
#   scripts/wheel.sh [manylinux|linux] [PROFILE]
set -euo pipefail
cd "$(dirname "$0")/.."
kind=${1:-manylinux}
profile=${2:-release}
options=(--profile "$profile" --out target/wheels)
case $kind in
    manylinux) options+=(--zig --compatibility manylinux_2_28) ;;
    linux) options+=(--compatibility linux) ;;
    *) echo "wheel: unknown kind '$kind'; hint: manylinux or linux" >&2; exit 2 ;;
esac
# maturin finds zig and cargo by PATH.
PATH=$PWD/.venv-wheel/bin:$PATH maturin build "${options[@]}"
ls -l target/wheels/*.whl
