# Footnote. `make run` starts the product, `make test` proves it, `make check` reads it.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
TORCH := $(shell sed -n 's/^\(torch==.*\)$$/\1/p' requirements.txt)

.PHONY: help run dev test check format test-browser faults test-engine clean

help:
	@sed -n 's/^## //p' Makefile

## make run           install, prepare and start everything in one process group
run: $(VENV)/.installed
	@$(BIN)/python manage.py up

## make dev           the same, with reload of web, worker and templates
dev: $(VENV)/.installed
	@DEBUG=$${DEBUG:-1} $(BIN)/python manage.py up --reload

## make test          the tests, in embedded mode (needs Python and make alone)
test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -q

## make check         format, lint, types, imports, migrations, docs
check: $(VENV)/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy .
	$(BIN)/lint-imports
	SECRET_KEY=check DATA_DIR=$(VENV)/check $(BIN)/python manage.py makemigrations --check --dry-run
	SECRET_KEY=check DATA_DIR=$(VENV)/check $(BIN)/python manage.py check --fail-level WARNING
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml
	$(BIN)/python -m pytest -q tests/docs

## make test-browser  headless Chromium (needs a chromium on the machine)
test-browser: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -q -m browser tests/browser

## make faults        real processes killed at bad moments
faults: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -q -m faults tests

## make test-engine   the marked tests on PostgreSQL and Redis (DATABASE_URL and REDIS_URL say where)
test-engine: $(VENV)/.installed-dev
	@test -n "$(DATABASE_URL)" -a -n "$(REDIS_URL)" || { echo "Set DATABASE_URL and REDIS_URL."; exit 2; }
	$(BIN)/python -m pytest -q -m engine

format: $(VENV)/.installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache staticfiles

$(VENV)/bin/python:
	@echo "Making a virtual environment in $(VENV)"
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Footnote needs Python 3.11 or later.")'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.torch: $(VENV)/bin/python
	@echo "Installing $(TORCH) (the largest part; TORCH_INDEX_URL chooses where it comes from)"
	@$(PIP) install --progress-bar on $(if $(TORCH_INDEX_URL),--index-url $(TORCH_INDEX_URL)) $(TORCH)
	@touch $@

$(VENV)/.installed: requirements.txt $(VENV)/.torch
	@echo "Installing what requirements.txt names"
	@$(PIP) install --progress-bar on -r requirements.txt
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	@$(PIP) install --progress-bar on -r requirements-dev.txt
	@touch $@
