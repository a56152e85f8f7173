# make demo    a real evolution run, recorded in an embedded ClickHouse and read back
# make test    everything that has to hold
# Both do the whole set-up first; a second call skips what is done. PYTHON= chooses the interpreter.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
SOURCES := $(wildcard csrc/*.c csrc/*.h) setup.py pyproject.toml
CHECKED := genesis_ch setup.py tests bench examples

.PHONY: demo test lint bench setup clean

demo: setup
	$(BIN)/genesis-ch demo

test: setup lint
	$(BIN)/python -m pytest

lint: setup
	$(BIN)/ruff check --quiet $(CHECKED)
	$(BIN)/mypy

bench: setup
	$(BIN)/python bench/log_calls.py
	$(BIN)/python bench/million_rows.py

setup: $(STAMP)

$(STAMP): $(SOURCES)
	@sh tools/system_libraries.sh
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "genesis_ch needs Python 3.11 or newer: make PYTHON=python3.12"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "no venv: on Debian, apt-get install python3-venv"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[embedded,test]'
	@touch $(STAMP)

clean:
	rm -rf $(VENV) build genesis_ch.egg-info genesis_ch/_core.*.so
