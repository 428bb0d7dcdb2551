# Two commands: `make demo` shows the product on a simulated fleet, `make test` passes the tests. Each sets itself up.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
HELM   := $(VENV)/.helm
ENGINES ?= /tmp/pdwatch-engines
DYNAMO ?= /tmp/pdwatch-dynamo
DEMO_ARGS ?= --scenario decode_bound --serve --for 2m

.PHONY: help demo test live-engines check format bench bench-dynamo soak golden services screen boards clean

help: ## List the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

demo: $(STAMP) ## Watch a simulated prefill/decode fleet with pdwatch (stops by itself; DEMO_ARGS to change)
	$(BIN)/pdwatch demo $(DEMO_ARGS)

$(HELM): pyproject.toml $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[helm]'
	@touch $@

services: $(HELM) ## Install the real programs that tests start: Prometheus, Alertmanager, node_exporter, etcd, tmux, Helm's library
	@sh tests/live/install.sh

test: $(STAMP) services ## Run all tests
	REQUIRE_LIVE=1 PATH="$$PATH:/usr/sbin" $(BIN)/python -m pytest $(TEST_ARGS)

live-engines: $(STAMP) ## Test against the real Dynamo, vllm-router and sglang-router, on CPU (takes 500 MB in ENGINES)
	@PYTHON=$(PYTHON) sh tests/live/engines/install.sh $(ENGINES)
	LIVE_ENGINES=$(ENGINES) $(BIN)/python -m pytest tests/live/engines

check: $(STAMP) ## Lint, format, types, import directions
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: $(STAMP) ## Format and mend what lint can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(STAMP) ## Print every benchmark
	@for program in benchmarks/*.py; do case $$program in */_*|*/soak.py) ;; *) echo "== $$program"; $(BIN)/python -m benchmarks.$$(basename $$program .py) || exit 1;; esac; done

bench-dynamo: $(STAMP) ## Compare with Dynamo's planner in Dynamo's simulator, on CPU (takes 1.3 GB in DYNAMO; ten minutes; DYNAMO_ARGS="--loads burst")
	@PYTHON=$(PYTHON) sh benchmarks/dynamo/install.sh $(DYNAMO)
	DYN_LOG=off $(DYNAMO)/bin/python -m benchmarks.dynamo --pdwatch $(BIN)/pdwatch $(DYNAMO_ARGS)

soak: $(STAMP) ## Hurt a demo fleet at random for 20 minutes, then check that nothing grew (SOAK_ARGS="--minutes 3")
	$(BIN)/python -m benchmarks.soak $(SOAK_ARGS)

golden: $(STAMP) ## Write the golden files and generated docs anew
	$(BIN)/python -m pytest --golden-update $(TEST_ARGS)

screen: $(STAMP) ## Draw the README's picture of the terminal anew
	$(BIN)/python docs/screen.py

boards: $(STAMP) ## Draw the pictures of the dashboards anew (needs Prometheus, Chromium, pngquant; nine minutes)
	$(BIN)/python docs/boards.py

clean: ## Remove what the other targets made
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .hypothesis .import_linter_cache
