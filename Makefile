# Everything a person or a job runs. `make` alone prints this help.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
OUT ?= demo-output

.DEFAULT_GOAL := help
.PHONY: help setup demo test check format lint types contracts docs docs-check bench clean

help: ## Print this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP) ## Make the virtual environment with everything the other targets need

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Midas needs Python 3.11 or newer: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "This Python cannot make virtual environments: on Debian, apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $(STAMP)

demo: $(STAMP) ## Scan the sample tenant through the real SDK clients; write SARIF, HTML and JSON
	@$(BIN)/midas demo --out $(OUT)

test: $(STAMP) browser ## Run every test
	$(BIN)/python -m pytest -q -n auto

# The HTML report is tested in a real browser. As root on Debian it is installed; elsewhere the tests say what is missing.
.PHONY: browser
browser:
	@command -v chromium >/dev/null || test "$$(id -u)" != 0 || ! command -v apt-get >/dev/null || { \
	    echo "installing chromium, in which the HTML report is tested"; \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null; }

check: format-check lint types contracts docs-check test ## Format, lint, types, import contracts, generated files, tests

format: $(STAMP) ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: format-check
format-check: $(STAMP)
	$(BIN)/ruff format --check .

lint: $(STAMP) ## Lint
	$(BIN)/ruff check .

types: $(STAMP) ## Check types, strictly
	$(BIN)/mypy

contracts: $(STAMP) ## Check that imports run one way
	$(BIN)/lint-imports

docs: $(STAMP) ## Make the generated files again
	$(BIN)/python -m scanner.docs

docs-check: $(STAMP) ## Fail when a generated file is stale
	$(BIN)/python -m scanner.docs --check

.PHONY: corpora
corpora: $(STAMP) ## Fetch the public repositories that `make bench` checks (about 400 MB)
	$(BIN)/python -m tests.bench.corpora

bench: $(STAMP) ## Measure speed and memory; prints figures with the machine's cores and memory
	$(BIN)/python -m tests.bench

clean: ## Remove what the other targets made
	rm -rf $(VENV) $(OUT) bench-output .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
