# The few commands of the project. `make` lists them.

.DEFAULT_GOAL := help
.PHONY: help run test bench soak audit fmt generate

help: ## lists the commands
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-17s %s\n", $$1, $$2}'

run: ## builds the release and serves on 127.0.0.1:8080, data in ./freehold-data
	@scripts/need-cargo
	cargo build --locked --release --package freehold-server --bin freehold
	@exec $${CARGO_TARGET_DIR:-target}/release/freehold serve

test: ## the whole gate, from set-up to the SDKs: what a change has to pass
	@scripts/gate

bench: ## measures the gateway against a bare proxy, on loopback
	@scripts/need-cargo
	cargo run --locked --release --package freehold-testkit --bin freehold-bench

soak: ## runs the server under load and faults for a while, and checks the books
	@scripts/need-cargo
	cargo run --locked --release --package freehold-testkit --bin freehold-soak

audit: ## asks the advisory databases about our dependencies; needs the network
	@scripts/audit

fmt: ## formats the code
	cargo fmt --all

generate: ## writes the generated files anew
	cargo xtask generate
