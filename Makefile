# Two commands: `make run` shows the gateway at work, `make test` proves it.
.PHONY: run test bench fuzz lint

run:
	@.ci/deps run
	cargo build --release --bin easyai
	@.ci/demo

test:
	@.ci/deps test
	cargo clippy --workspace --all-targets -- -D warnings
	.ci/with-postgres cargo test --workspace
	.ci/sdk-tests

bench:
	@.ci/deps test
	@.ci/deps-bench
	cargo build --release --workspace
	target/release/easyai-bench compare --gateway target/release/easyai

fuzz:
	.ci/fuzz

lint:
	cargo clippy --workspace --all-targets -- -D warnings
	cargo fmt --all --check
