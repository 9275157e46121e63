# `make test` is all that CI runs. It sets up what it needs.

TARGET := $(or $(CARGO_TARGET_DIR),target)

.PHONY: run test setup lint test-rust test-web test-browser test-load screenshots

run:
	cargo run --release

test: setup lint test-rust test-web test-browser test-load

# npm packages, and Debian's chromium where it may install it.
setup:
	.ci/setup

lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet

test-rust:
	cargo test --workspace

# The web client's types and units.
test-web: setup
	cd web-client && npm run --silent check && npm test --silent

# The real game in a real browser, against the real binary.
test-browser: setup
	cargo build --release
	SWARD_BIN=$(abspath $(TARGET))/release/sward .ci/test-browser

# A short load in which every message must arrive, once and in order.
test-load:
	cargo build --release --workspace
	$(TARGET)/release/sward-loadtest --spawn --players 100 --room-size 25 --rate 4.44 --duration 5s

# The picture in the README.
screenshots: setup
	cargo build --release
	cd web-client && SWARD_BIN=$(abspath $(TARGET))/release/sward npm run --silent screenshots -- ../docs/pictures
