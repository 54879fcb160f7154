# The two commands that matter are `make demo` and `make test`. Everything installs what it needs first.
.PHONY: demo test lint bench build clean

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

clean:
	cargo clean
