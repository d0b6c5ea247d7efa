# Two commands do everything on a machine with Python 3.11+ and make: `make run` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
RUN_ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help run test properties main-job crash sim worst-fills bench bench-live bench-parts bench-recovery faults history lint format types proto dashboards clean

help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "margingate needs Python 3.11 or newer; say make PYTHON=python3.12"; exit 1; }
	@echo "making the environment in $(VENV) (once, about a minute)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --upgrade 'pip>=25.1'
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -e . --group dev
	@touch $@

run: $(READY) ## Serve a simulated BTC+ETH market on loopback, with a few accounts
	@$(BIN)/margingate serve $(RUN_ARGS)

test: $(READY) ## Run every test
	@$(BIN)/python -m pytest -q -n 2 --dist loadgroup

properties: $(READY) ## Try the properties on five times as many examples as `make test` does
	@HYPOTHESIS_PROFILE=$(or $(PROFILE),steady) $(BIN)/python -m pytest -q -n 2 --timeout=1200 tests/property

main-job: $(READY) ## Show the main job alone: 1,000 accounts, 20,000 orders, 8 clients, the oracle
	@MAIN_JOB=full $(BIN)/python -m pytest -q -s --timeout=1200 tests/integration/test_main_job.py

crash: $(READY) ## Kill the server CYCLES times under load, restart, compare (SEED=1)
	@$(BIN)/python -m tests.crash --cycles $(or $(CYCLES),50) --seed $(or $(SEED),1)

sim: $(READY) ## Simulate SEEDS=200 seeded worlds with crashes, or SEED=17 alone, and check every promise
	@$(BIN)/python -m tests.simulation --seeds $(or $(SEEDS),200) --start $(or $(START),1) \
	  $(if $(SEED),--seed $(SEED))

worst-fills: $(READY) ## Try what orders hold against their fills: BOOKS=200 of each model, or of MODEL=tims
	@$(BIN)/python -m tests.worst_fills --books $(or $(BOOKS),200) --start $(or $(START),1) \
	  $(if $(MODEL),--model "$(MODEL)")

bench: $(READY) ## Measure preview and durable check against an echo servicer
	@$(BIN)/python -m tests.bench

bench-live: $(READY) ## Measure ACCOUNTS=100000 in a market that ticks for SECONDS=60
	@$(BIN)/python -m tests.bench.live --accounts $(or $(ACCOUNTS),100000) --seconds $(or $(SECONDS),60)

bench-parts: $(READY) ## Measure the parts of a live market alone, with ACCOUNTS=100000
	@$(BIN)/python -m tests.bench.live_parts --accounts $(or $(ACCOUNTS),100000)

bench-recovery: $(READY) ## Measure a start over EVENTS=1000000 events, without and with snapshots
	@$(BIN)/python -m tests.bench.recovery --events $(or $(EVENTS),1000000)

faults: $(READY) ## Damage storage at length: bytes, syncs, full disks, power cuts
	@FAULTS=long $(BIN)/python -m pytest -q -s --timeout=3600 tests/faults

history: $(READY) ## Check at length that what concurrent clients saw is linearizable
	@HISTORY=long $(BIN)/python -m pytest -q -s --timeout=3600 tests/history

lint: $(READY) ## Check style, types and the wire contract
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@cd proto && ../$(BIN)/buf lint
	@if git rev-parse --verify --quiet HEAD~1 >/dev/null; then \
	  base=$$(git describe --tags --abbrev=0 2>/dev/null || git rev-list --max-parents=0 HEAD | tail -n 1); \
	  $(BIN)/buf breaking proto --against ".git#ref=$$base,subdir=proto"; fi

format: $(READY) ## Format the code
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format --quiet .

proto: $(READY) ## Regenerate the committed gRPC stubs
	@proto/generate.sh

dashboards: $(READY) ## Regenerate the committed Grafana dashboard
	@$(BIN)/python -m deploy.grafana.generate

clean: ## Remove the environment and everything built
	@rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
