# `make up` builds Welkin and starts a region; `make test` checks everything. `make help` lists the rest.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

CARGO_HOME ?= $(HOME)/.cargo
VENV := .venv
REQUIREMENTS := tests/acceptance/requirements.txt
# Clients of other ages and languages that the acceptance tests drive.
VENV_2020 := .venv-2020
JS := tests/clients/js/node_modules
CLIENTS := $(VENV_2020)/installed $(JS)/installed

# Where the region of `make up` lives (unless welkin.toml or WELKIN_DATA_DIR say so), and what else it is told:
# make up DATA_DIR=other ARGS="--listen 127.0.0.1:4577"
DATA_DIR ?=
ARGS ?=
# Crash cycles of `make soak`.
CYCLES ?= 500
# And the keys of its long bucket, and the size of its large object: each takes some 5 GB of disk.
KEYS ?= 10000000
GIB ?= 5
FOLDER := $(if $(DATA_DIR),--data-dir $(DATA_DIR))
# What the acceptance tests run: the build that the other tests use, so that a clean checkout compiles once.
WELKIN := $(CURDIR)/target/debug/welkin

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

.PHONY: up
up: install ## install what is needed, build, and start a region in the foreground
	$(CARGO_HOME)/bin/welkin image build tiny --if-missing $(FOLDER)
	exec $(CARGO_HOME)/bin/welkin up $(FOLDER) $(ARGS)

.PHONY: build
build: needs ## an optimised binary in target/release
	cargo build --release --locked --package welkin

.PHONY: install
install: build ## the binary into cargo's folder of programs, which is on your path
	@install -D target/release/welkin $(CARGO_HOME)/bin/welkin
	@echo "welkin is in $(CARGO_HOME)/bin"

.PHONY: needs
needs:
	@scripts/install-needs run

.PHONY: test
test: test-needs lint test-rust test-postgres test-acceptance ## everything that must pass, in the order of cost

.PHONY: test-needs
test-needs:
	@scripts/install-needs test

.PHONY: lint
lint: $(VENV)/installed ## formatting, warnings, the project's own rules, generated files in sync
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets --quiet -- --deny warnings
	cargo xtask tidy
	PATH="$(CURDIR)/$(VENV)/bin:$$PATH" cargo xtask codegen --check
	cargo xtask coverage --check
	@if command -v cargo-deny > /dev/null; then cargo deny --log-level error check; else echo "cargo-deny is not installed: skipped"; fi
	@if command -v cargo-machete > /dev/null; then cargo machete; else echo "cargo-machete is not installed: skipped"; fi

.PHONY: test-rust
test-rust: test-needs $(VENV)/installed ## the tests of the crates
	@if cargo nextest --version > /dev/null 2>&1; then \
	    cargo nextest run --locked --workspace --no-fail-fast; \
	else \
	    cargo test --locked --workspace --lib --bins --tests --no-fail-fast; \
	fi

.PHONY: test-postgres
test-postgres: test-needs ## the tests of the services once more, with their facts in PostgreSQL
	@if cargo nextest --version > /dev/null 2>&1; then \
	    WELKIN_TEST_STORE=postgres cargo nextest run --locked --workspace --profile postgres --no-fail-fast; \
	else \
	    WELKIN_TEST_STORE=postgres cargo test --locked --package ec2 --package s3 --package region --no-fail-fast; \
	fi

.PHONY: test-acceptance
test-acceptance: test-needs $(VENV)/installed $(CLIENTS) ## the real binary, driven by the AWS CLI and boto3 (T="-k s3" for some)
	cargo build --locked --package welkin
	WELKIN_BIN=$(WELKIN) $(VENV)/bin/python -m pytest tests/acceptance $(T)

.PHONY: soak
soak: test-needs $(VENV)/installed ## 500 crash cycles for each crash test, where `make test` has 20 (CYCLES=2000 for more), and what is large: 5 GiB, ten million keys
	@if cargo nextest --version > /dev/null 2>&1; then \
	    CRASH_CYCLES=$(CYCLES) LIST_KEYS=$(KEYS) cargo nextest run --locked --workspace --profile soak --no-fail-fast \
	        -E 'binary(crash) | binary(scale)'; \
	else \
	    CRASH_CYCLES=$(CYCLES) LIST_KEYS=$(KEYS) cargo test --locked --workspace --test crash --test scale --no-fail-fast; \
	fi
	cargo build --locked --package welkin
	cd tests/acceptance && WELKIN_BIN=$(WELKIN) CRASH_CYCLES=$(CYCLES) SOAK_GIB=$(GIB) \
	    $(CURDIR)/$(VENV)/bin/python -m pytest -s test_s3_crash.py test_s3_rot.py test_s3_gigabytes.py

.PHONY: fuzz
fuzz: needs ## search for bytes that break a decoder (TIME=60 seconds for each target, TARGET="dns xml" for some)
	@command -v g++ > /dev/null || { echo "libFuzzer needs a C++ compiler: apt-get install g++" >&2; exit 1; }
	scripts/fuzz -t $(or $(TIME),60) $(TARGET)

.PHONY: bench
bench: needs $(VENV)/installed ## the numbers of SPECIFICATION.md, measured here (BENCH="--only boot" for some; a clean build only with "--only build")
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --requirement tests/bench/requirements.txt
	cargo build --release --locked --package welkin --package bench
	target/release/bench $(BENCH)

.PHONY: generate
generate: $(VENV)/installed ## everything that is generated: crates/api and docs/coverage
	PATH="$(CURDIR)/$(VENV)/bin:$$PATH" cargo xtask codegen
	cargo xtask coverage

.PHONY: fmt
fmt: ## format the code
	cargo fmt --all

.PHONY: doc
doc: ## the crates' documentation in target/doc
	RUSTDOCFLAGS="--deny warnings" cargo doc --locked --workspace --no-deps --document-private-items

.PHONY: clean
clean: ## remove everything built and fetched
	cargo clean
	rm -rf $(VENV) $(VENV_2020) $(JS) .cache

$(VENV)/installed: $(REQUIREMENTS) | test-needs
	python3 -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --requirement $(REQUIREMENTS)
	@touch $@

$(VENV_2020)/installed: tests/clients/requirements-2020.txt | test-needs
	python3 -m venv $(VENV_2020)
	$(VENV_2020)/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

$(JS)/installed: tests/clients/js/package-lock.json | test-needs
	cd tests/clients/js && npm ci --no-audit --no-fund --silent
	@touch $@
