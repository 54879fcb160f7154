# The two commands that matter are `make demo` and `make test`. Everything installs what it needs first.
.PHONY: x264 install-input-helper deb test-deb windows-zip test-windows-zip wheel test-wheel docs demo test test-lockers test-desktops test-kernel test-consumers test-server test-wine lint bench bench-sound soak build dist privacy chaos chaos-power torch clean chaos-corruption fuzz

build:
	scripts/setup.sh build
	cargo build --release --locked -p watchcap -p watchcap-pipewire -p watchcap-input-helper

# watchcap-x264, a program of its own under the GPL, beside the program: `record` takes it then.
x264:
	scripts/setup.sh x264
	scripts/x264.sh
	install -D -m 755 x264/target/release/watchcap-x264 target/release/watchcap-x264

# What lends the kernel's input devices to a recording, where polkit looks for it: after `make build`, as root. The Debian package has it. To remove it:
# rm /usr/libexec/watchcap-input-helper /usr/share/polkit-1/actions/org.watchcap.input-helper.policy
install-input-helper:
	install -D -m 755 target/release/watchcap-input-helper $(DESTDIR)/usr/libexec/watchcap-input-helper
	install -D -m 644 -t $(DESTDIR)/usr/share/polkit-1/actions scripts/package/org.watchcap.input-helper.policy

# The program that is given to others, in target/dist: stripped, with its debug information in a file beside it.
dist: build
	scripts/dist.sh

# The Debian package, in target/dist; and what installs, uses and removes it in a clean Debian and a clean Ubuntu (root, network).
deb:
	scripts/setup.sh deb
	cargo build --release --locked -p watchcap -p watchcap-pipewire -p watchcap-input-helper
	scripts/deb.sh

test-deb: deb
	scripts/test_deb.sh target/dist/watchcap_*.deb

# The zip for Windows with the manifests of scoop and winget, in target/dist, built here by mingw-w64; and what takes it apart and runs it under Wine.
windows-zip:
	scripts/setup.sh wine
	scripts/windows_zip.sh

test-windows-zip: windows-zip
	cargo build --locked
	scripts/test_windows_zip.sh target/dist/watchcap-*-windows-x86_64.zip

# A Python wheel with the program, in target/wheels, which needs no library but libc's; and what installs and uses it in a new environment.
wheel:
	scripts/setup.sh wheel
	scripts/wheel.sh

test-wheel: wheel
	scripts/test_wheel.sh

demo: build
	target/release/watchcap demo

# Last comes the build for servers, which records two seconds with no library but libc.
test:
	scripts/setup.sh test
	scripts/test.sh
	scripts/server.sh

lint:
	scripts/setup.sh lint
	scripts/lint.sh

# The build that needs no library but libc: what it links, and two seconds of a real X server.
test-server:
	scripts/setup.sh test
	scripts/server.sh

# The Windows program under Wine: its unit tests, and a recording's whole road. The first build takes minutes.
test-wine:
	scripts/setup.sh test
	scripts/setup.sh wine
	scripts/wine/test.sh

bench:
	scripts/setup.sh bench
	cargo build --release --locked --examples --bins
	scripts/bench.sh

# Hours of recording in parts, with every injected input compared: whether memory, open files, threads and CPU time stay flat. And a day on a clock
# that runs fast.
SOAK_MINUTES ?= 120
soak:
	scripts/setup.sh bench
	cargo build --release --locked --bins --examples
	.venv/bin/python scripts/soak.py --minutes $(SOAK_MINUTES)
	cargo bench --locked --bench day

# Where recorded clicks are in time, on PulseAudio and on PipeWire: SOUND_SECONDS each, and some kills.
SOUND_SECONDS ?= 120
bench-sound:
	scripts/setup.sh bench
	cargo build --release --locked --bins
	.venv/bin/python scripts/sound_rig.py pulseaudio --seconds $(SOUND_SECONDS)
	.venv/bin/python scripts/sound_rig.py pipewire --seconds $(SOUND_SECONDS)

# 1000 random schedules of windows that must not be seen, against a real X server: about five minutes.
privacy:
	scripts/setup.sh test
	cargo test --locked --test main --no-run
	cargo build --locked --examples
	cargo test --locked --test main -- privacy_race::campaign --ignored --nocapture

# Every screen locker, prompt, password manager and notification daemon that Debian has, beside a recording: about ten minutes.
test-lockers:
	scripts/setup.sh lockers
	cargo build --locked --bins
	.venv/bin/python scripts/lockers.py target/debug/watchcap

# The portal of real desktops, headless: GNOME of this system, and sway of Debian testing in a folder of its own (root, network, 2 GB): some minutes.
test-desktops:
	scripts/setup.sh desktops
	scripts/test_desktops.sh

# Input devices of a real kernel in a virtual machine: an overflow, a grab by another program, a revoke, unplugging. Half a minute.
test-kernel:
	scripts/setup.sh kernel
	scripts/test_kernel.sh

# The book (target/book): https://rust-lang.github.io/mdBook.
docs:
	scripts/setup.sh docs
	mdbook build

# Faults by the thousand (docs/MEASUREMENTS.md has what they found): an hour or two. SEED makes others.
SEED ?= 1
chaos:
	scripts/setup.sh chaos
	cargo build --release --locked --bins --examples --features faults
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

# The lerobot package itself on what `export lerobot` makes: reading, training, its tools; many sessions on Ray Data, on PySpark and from a real S3
# server. Several gigabytes, in .venv-consumers.
test-consumers:
	scripts/setup.sh consumers
	cargo test --locked --test main -- consumers:: docs::exports_with_every_package --ignored --nocapture

clean:
	cargo clean
