# Everything starts here. `make` alone lists the targets; each one sets up what it needs.

PYTHON ?= python3
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

.DEFAULT_GOAL := help
.PHONY: help setup run test formatting lint types contracts tests unit infra format synth layers bench lock clean

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup:  ## Make .venv from requirements.lock (nothing but Python 3.11+ is needed; no-op when up to date)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Postern needs Python 3.11 or later; '$(PYTHON)' is $$($(PYTHON) --version 2>/dev/null || echo missing)." >&2; \
	  echo "Name another one:  make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -m tools.set_up

run: setup  ## Start the whole service on this machine and send it the sample messages
	@$(BIN)/postern up

test: setup  ## Pass every gate: formatting, lint, contracts, types, tests
	@$(BIN)/python -m tools.gates

formatting lint types contracts tests unit infra: setup
	@$(BIN)/python -m tools.gates $@

lint:  ## Ruff's rules
types:  ## mypy, strict
contracts:  ## Which package may import which
unit:  ## Tests of the units only
infra:  ## Tests of the synthesized template only

format: setup  ## Rewrite the sources in the one format, and fix what lint can fix
	@$(BIN)/ruff check --fix-only --quiet . && $(BIN)/ruff format .

synth: setup  ## Synthesize the CloudFormation template into cdk.out
	@CDK_OUTDIR=cdk.out $(BIN)/python app.py

layers: setup  ## Build the vendored layers for Lambda and the front end's image
	@$(BIN)/python -m layers.vendor.build

bench: setup  ## Run the benchmarks
	@$(BIN)/python -m bench

lock: setup  ## Write requirements.lock anew from pyproject.toml (UPGRADE=1 takes newer versions)
	@$(BIN)/uv pip compile pyproject.toml --all-extras --group dev --group bench \
	  --universal --python-version 3.11 --fork-strategy fewest --generate-hashes \
	  --no-header --no-emit-index-url --quiet $(if $(UPGRADE),--upgrade) --output-file requirements.lock
	@$(PYTHON) -m tools.set_up

clean:  ## Remove what was made here (but .postern, which holds mail)
	rm -rf .venv build cdk.out layers/vendor/build .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
