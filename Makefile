# Two commands: `make run` shows the gateway at work, `make test` proves it.
.PHONY: run test bench lint deps

# Debian keeps PostgreSQL's programs out of the PATH; the tests look for them there.
deps:
	@.ci/deps

run:
	cargo build --release --bin easyai
	@.ci/demo

test: deps
	cargo clippy --workspace --all-targets -- -D warnings
	.ci/with-postgres cargo test --workspace
	.ci/sdk-tests

bench: deps
	@.ci/deps-bench
	cargo build --release --workspace
	target/release/easyai-bench compare --gateway target/release/easyai

lint:
	cargo clippy --workspace --all-targets -- -D warnings
