# `make test` is all that CI runs. It sets up what it needs.

TARGET := $(or $(CARGO_TARGET_DIR),target)

.PHONY: run test setup lint test-rust test-web test-browser test-proxies test-load fuzz screenshots

run:
	cargo run --release

test: setup lint test-rust test-web test-browser test-proxies test-load

# npm packages, and where it may install them Debian's browsers and the proxies of test-proxies.
setup:
	.ci/setup

lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet
	cd protocol/fuzz && cargo fmt --check
	cd protocol/fuzz && cargo clippy --all-targets --no-default-features --target-dir $(abspath $(TARGET))/fuzz -- -D warnings

test-rust:
	cargo test --workspace

# The web client's types and units.
test-web: setup
	cd web-client && npm run --silent check && npm test --silent

# The real game in a real browser, against the real binary.
test-browser: setup
	cargo build --release
	SWARD_BIN=$(abspath $(TARGET))/release/sward .ci/test-browser

# The game through real proxies, each with a file from docs/proxies; SWARD_PROXY=nginx tries only those with that in their
# name, SWARD_BLESS=1 writes docs/proxies.md.
test-proxies: setup
	cargo test -p sward-server --test proxies -- --nocapture

# A short load in which every message must arrive, once and in order, and a world in which nobody is told anything wrong.
test-load:
	cargo build --release --workspace
	$(TARGET)/release/sward-loadtest --spawn --players 100 --room-size 25 --rate 4.44 --duration 5s
	cargo build --release -p sward-server --example walkers
	$(TARGET)/release/sward-loadtest world --players 50 --duration 3s --warm-up 1s

# Random bytes for every decoder of the wire, FUZZ_S seconds each (30 unless told). Needs `cargo install cargo-fuzz`.
fuzz:
	protocol/fuzz/run

# The picture in the README.
screenshots: setup
	cargo build --release
	cd web-client && SWARD_BIN=$(abspath $(TARGET))/release/sward npm run --silent screenshots -- ../docs/pictures
