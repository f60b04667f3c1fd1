# Footnote. `make run` starts the product, `make test` proves it, `make check` reads it.
PYTHON ?= python3
VENV ?= .venv
WORKERS ?= auto
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
TORCH := $(shell sed -n 's/^\(torch==.*\)$$/\1/p' requirements.txt)
CHECK_ENV := SECRET_KEY=check DATA_DIR=$(VENV)/check DATABASE_URL= REDIS_URL= ENV_FILE=

.PHONY: help run dev test check format test-browser faults test-engine clean
.DEFAULT_GOAL := help

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
	$(BIN)/python -m pytest -q -n $(WORKERS)

## make check         format, lint, types, imports, migrations, docs
check: $(VENV)/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(CHECK_ENV) $(BIN)/mypy .
	$(BIN)/lint-imports
	$(CHECK_ENV) $(BIN)/python manage.py makemigrations --check --dry-run
	$(CHECK_ENV) $(BIN)/python manage.py check --fail-level WARNING
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml
	$(BIN)/python -m pytest -q tests/docs

## make format        let ruff write what it can
format: $(VENV)/.installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

## make test-browser  headless Chromium (needs a chromium on the machine)
test-browser: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -q -m browser tests/browser

## make test-engine   the marked tests on PostgreSQL and Redis (DATABASE_URL and REDIS_URL say where)
test-engine: $(VENV)/.installed-dev
	@test -n "$(DATABASE_URL)" -a -n "$(REDIS_URL)" || { echo "Set DATABASE_URL and REDIS_URL."; exit 2; }
	$(BIN)/python -m pytest -q -n $(WORKERS) -m "engine and not faults"

## make faults        real processes killed at bad moments; streams behind a real nginx
faults: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -q -m faults tests

## make clean         remove the virtual environment and the tools' caches; data/ stays
clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis staticfiles

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Footnote needs Python 3.11 or later: make run PYTHON=python3.11")'
	@echo "Making a virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "Python cannot make virtual environments here; on Debian: apt-get install python3-venv"; exit 1; }

$(VENV)/.torch: requirements.txt | $(BIN)/python
	@echo "Installing $(TORCH), the largest part"
	@test -n "$(TORCH_INDEX_URL)" -o "$$(uname -s)" != Linux -o -e /proc/driver/nvidia \
		|| echo "There is no NVIDIA GPU here: TORCH_INDEX_URL may save gigabytes, see README.md"
	@$(PIP) install --progress-bar on $(if $(TORCH_INDEX_URL),--index-url $(TORCH_INDEX_URL)) $(TORCH)
	@touch $@

$(VENV)/.installed: requirements.txt $(VENV)/.torch
	@echo "Installing what requirements.txt names"
	@$(PIP) install --progress-bar on -r requirements.txt
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	@$(PIP) install --progress-bar on -r requirements-dev.txt
	@touch $@
