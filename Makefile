# The two commands that matter are `make demo` and `make test`. Everything installs what it needs first.
.PHONY: demo test lint bench build privacy chaos chaos-power torch clean chaos-corruption fuzz

build:
	scripts/setup.sh build
	cargo build --release --locked

demo: build
	target/release/watchcap demo

test:
	scripts/setup.sh test
	cargo test --workspace --locked

lint:
	scripts/setup.sh lint
	scripts/lint.sh

bench:
	scripts/setup.sh bench
	cargo build --release --locked --examples --bins
	scripts/bench.sh

# 1000 random schedules of windows that must not be seen, against a real X server: about five minutes.
privacy:
	scripts/setup.sh test
	cargo test --locked --test main --no-run
	cargo build --locked --examples
	cargo test --locked --test main -- privacy_race::campaign --ignored --nocapture

# Faults by the thousand (docs/MEASUREMENTS.md has what they found): an hour or two. SEED makes others.
SEED ?= 1
chaos:
	scripts/setup.sh chaos
	cargo build --release --locked --bins --examples
	scripts/chaos/all.sh $(SEED)

# 5000 power cuts, at the level of the disk's blocks (root, /dev/fuse, loop devices): about half an hour.
chaos-power:
	scripts/chaos/power.sh

# Flipped bits and cut ends over every file of a session and of a log: some minutes.
chaos-corruption:
	scripts/setup.sh test
	SEED=$(SEED) cargo test --locked --test main -- corruption::campaign --ignored --nocapture

# Every parser under libFuzzer, FUZZ_SECONDS of CPU time each, JOBS at a time (nightly compiler). CONTRIBUTING.md says what to do with what
# it finds.
FUZZ_SECONDS ?= 60
JOBS ?= 1
fuzz:
	scripts/setup.sh fuzz
	JOBS=$(JOBS) scripts/fuzz.sh run $(FUZZ_SECONDS)

# The examples for PyTorch, with torch from the registry (several gigabytes, in .venv-torch).
torch:
	scripts/setup.sh torch
	cargo test --locked --test main -- loading::torch --ignored --nocapture

clean:
	cargo clean
