# make demo    a real evolution run, recorded in an embedded ClickHouse and read back
# make test    everything that has to hold
# make engines the schema, query and delivery tests against ClickHouse 24.8 and newer, some minutes; ENGINES="24.8 25.8" chooses
# make bench   what is claimed about time and size, measured: some minutes; the tables of bench/*.md
# make faults  the fault tests in their long form, under an hour, with clang and valgrind; the table of docs/reliability.md
# Each does the whole set-up first; a second call skips what is done. PYTHON= chooses the interpreter.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
SOURCES := $(wildcard csrc/*.c csrc/*.h) setup.py pyproject.toml
CHECKED := genesis_ch setup.py tests bench examples

.PHONY: demo test lint engines faults bench clean

demo: $(VENV)/.demo
	$(BIN)/genesis-ch demo

# What goes by the clock has the machine to itself; the rest, which mostly waits, runs three files at a time.
test: lint
	$(BIN)/python -m pytest tests/faults
	$(BIN)/python -m pytest --ignore=tests/faults --numprocesses=3 --dist=loadfile

lint: $(VENV)/.test
	$(BIN)/ruff check --quiet --no-cache $(CHECKED)
	$(BIN)/mypy

engines: $(VENV)/.test
	$(BIN)/python tests/engines/run.py build/engines $(ENGINES)

faults: $(VENV)/.test
	@sh tools/system_libraries.sh faults
	$(BIN)/python tests/faults/long.py build/faults

bench: $(VENV)/.test
	timeout 300 $(BIN)/python bench/log_calls.py
	timeout 600 $(BIN)/python bench/million_rows.py
	timeout 600 $(BIN)/python bench/queries.py
	timeout 300 $(BIN)/python bench/codecs.py
	timeout 600 $(BIN)/python bench/rollup.py

$(BIN)/python:
	@sh tools/system_libraries.sh
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "genesis_ch needs Python 3.11 or newer: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "no venv: on Debian, apt-get install python3-venv"; exit 1; }

$(VENV)/.demo: $(BIN)/python $(SOURCES)
	$(INSTALL) --editable '.[embedded]'
	@touch $@

$(VENV)/.test: $(BIN)/python $(SOURCES)
	$(INSTALL) --editable '.[test]'
	@touch $@ $(VENV)/.demo

clean:
	rm -rf $(VENV) build genesis_ch.egg-info genesis_ch/_core.*.so
