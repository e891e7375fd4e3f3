# The one front door. `make` lists what it can do.
.DEFAULT_GOAL := help
SHELL := bash
TIMED := scripts/timed
SECONDS_EACH ?= 300

.PHONY: help run console build test check interop bench bench-core counts soak fuzz deny clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-10s %s\n", $$1, $$2 }'

run: console ## Build the page and the server, and start it on 127.0.0.1:8080 (ARGS="--listen …")
	cargo run --package tieline-cli -- serve $(ARGS)

console: ## Build the page that the server shows (Node 20.19 or later; without it a plain page is served)
	@scripts/console

build: console ## Build the released program, target/release/tieline
	cargo build --release --package tieline-cli

test: ## Install what is missing, and pass everything (a sample of the long suites)
	@$(TIMED) 'tools' scripts/setup
	@$(TIMED) 'page' $(MAKE) --no-print-directory console
	@$(TIMED) 'page tests' npm --prefix web/console run --silent check
	@$(TIMED) 'TypeScript client' scripts/sdk
	@$(TIMED) 'format and lints' $(MAKE) --no-print-directory lint
	@$(TIMED) 'unit, property and end-to-end tests' cargo test --workspace --all-features --quiet
	@$(TIMED) 'documentation' $(MAKE) --no-print-directory doc
	@# With the tests, so that what was built for them is not built again in another form.
	@$(TIMED) 'programs for interop' cargo build --quiet --workspace --all-features --lib --bins --tests
	@SAMPLE=1 $(TIMED) 'interop (sample)' interop/run

check: lint ## The quick part: format, lints, unit tests, documentation
	cargo test --workspace --all-features --lib --quiet
	$(MAKE) --no-print-directory doc

.PHONY: lint doc
lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-features --all-targets --quiet -- --deny warnings

doc:
	RUSTDOCFLAGS='--deny warnings' cargo doc --workspace --all-features --no-deps --quiet

interop: console ## Run other people's clients, servers and suites (SUITE=NAME for one)
	@scripts/setup
	@cargo build --quiet --package tieline-cli --package interop-client --package tieline-capi
	@interop/run $(SUITE)

bench: ## Measure the server against other people's (CELLS=… to choose)
	@bench/run $(if $(CELLS),--cells '$(CELLS)') $(ARGS)

bench-core: ## Measure the protocol core
	@scripts/callgrind
	cargo bench --package tieline-proto

counts: ## Count the core's instructions, the same on every machine (valgrind)
	@scripts/callgrind
	cargo bench --package tieline-proto --bench counts

soak: build ## Wear the server for twenty minutes (MINUTES=20): are memory and descriptors back?
	@bench/soak $(if $(MINUTES),--minutes $(MINUTES))

fuzz: ## Fuzz every target for five minutes (SECONDS_EACH=300, TARGET=NAME for one)
	@fuzz/run $(SECONDS_EACH) $(TARGET)

deny: ## Check licences, sources and known vulnerabilities of the dependencies
	@command -v cargo-deny >/dev/null || cargo install --locked --quiet cargo-deny
	cargo deny check

clean: ## Remove what was built
	cargo clean
	rm -rf web/console/dist web/console/node_modules fuzz/target bench/target bench/results
