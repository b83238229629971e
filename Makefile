# From a bare checkout: `make demo` stylizes a clip, `make test` runs the suite. Both make their own
# virtual environment in .venv with ordinary pip, once; a second run starts in seconds.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input

# Processes of the test suite; each uses one thread.
TEST_JOBS ?= 2

# What decides which packages are there.
METADATA := setup.cfg pyproject.toml

.PHONY: demo test lint clean help

help:
	@echo "make demo   stylize three seconds of film in two styles; a side-by-side video and picture in demo/"
	@echo "make test   run the whole test suite"
	@echo "make lint   ruff check, ruff format --check, mypy"
	@echo "make clean  remove the virtual environment and what the others made"

demo: $(VENV)/.installed
	$(BIN)/python examples/demo.py --output demo

test: $(VENV)/.installed-test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(TEST_JOBS) --dist loadgroup

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf $(VENV) demo build dist *.egg-info

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(METADATA) | $(BIN)/python
	$(PIP) install --quiet --editable .
	@touch $@

$(VENV)/.installed-%: $(METADATA) | $(BIN)/python
	$(PIP) install --quiet --editable '.[$*]'
	@touch $@ $(VENV)/.installed
