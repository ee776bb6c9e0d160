# Everything a person or a build does with Minqing. Needs Python 3.11 or newer and make; brings the rest itself.

.DEFAULT_GOAL := help
SHELL := /bin/sh
MAKEFLAGS += --no-print-directory
VENV ?= .venv
BIN := $(VENV)/bin
# The first Python on the path that is new enough; PYTHON=... chooses another.
PYTHON ?= $(shell for candidate in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	command -v $$candidate >/dev/null 2>&1 && $$candidate -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	2>/dev/null && echo $$candidate && exit; done; echo python3)
WORKERS ?= 2
DATA ?=
ARGS ?=

.PHONY: help install install-dev run test check fmt lock demo bench chaos verify clean

help: ## show this help
	@echo "Minqing (民情): a city's appeal pipeline. Targets:"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "Environment: MINQING_DATA_DIR (./var), INTAKE_PORT (8001), DISPATCH_PORT (8002), FEEDBACK_PORT (8003);"
	@echo "INTAKE_DATABASE_URL, DISPATCH_DATABASE_URL, FEEDBACK_DATABASE_URL, REDIS_URL for servers of yours."

install: ## make the virtual environment with what running needs
	@$(PYTHON) deploy/bootstrap.py --venv $(VENV)

install-dev: ## the same with what testing and checking need
	@$(PYTHON) deploy/bootstrap.py --venv $(VENV) --dev

run: install ## start the whole system; Ctrl-C stops it
	@$(BIN)/minqing run --with-parent $(ARGS)

test: install-dev ## run all tests on embedded servers (WORKERS=2, ARGS="-k name")
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup -q $(ARGS)

check: install-dev ## format, lint, types, import contracts, migrations
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m deploy.migration_check

fmt: install-dev ## format the code and put imports in order
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

demo: install ## send a city's real requests through a stack of its own (DATA=path for a whole file)
	@$(BIN)/minqing demo $(if $(DATA),--data $(DATA)) $(ARGS)

bench: install ## measure, in ratios of one run; writes bench.json
	@$(BIN)/minqing bench $(ARGS)

chaos: install ## kill every part under load and check that nothing was lost
	@$(BIN)/minqing chaos $(ARGS)

verify: install ## check that every event was applied exactly once
	@$(BIN)/minqing verify $(ARGS)

lock: install-dev ## resolve the dependencies anew into both lock files
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		--extra build --output-file requirements.lock $(ARGS) pyproject.toml
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		--extra build --extra dev --output-file requirements-dev.lock $(ARGS) pyproject.toml

clean: ## remove the virtual environment and caches; ./var, where the data is, stays
	@rm -rf $(VENV) .venv.lock .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
