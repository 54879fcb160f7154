#!/usr/bin/env bash
# Power cuts, at the level of the disk's blocks: records on a disk that remembers every write and flush, and looks at what is left after
# each of --cuts cuts (5000). Takes root, /dev/fuse and loop devices. What else it takes: tests/support/power/main.rs.
#
#   scripts/chaos/power.sh [--cuts 5000] [--seed 1] [--traces N] [--kind seal|later|killed|screen]
#   scripts/chaos/power.sh --again target/power/seed1-trace3 --cut SEED      a cut that broke a promise, once more
set -euo pipefail
cd "$(dirname "$0")/../.."
scripts/setup.sh test
cargo build --locked -q --bins --examples
case " $* " in
    *" --cuts "* | *" --again "*) ;;
    *) set -- --cuts 5000 "$@" ;;
esac
exec "${CARGO_TARGET_DIR:-target}/debug/examples/power_cuts" --keep target/power "$@"
