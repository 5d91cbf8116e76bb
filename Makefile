# One virtual environment, made on first use. Nothing here needs root.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt
SOURCES := $(shell find curator rules sample_data -type f -not -name '*.pyc')

export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1
export HF_HUB_OFFLINE := 1
export HF_HUB_DISABLE_TELEMETRY := 1

.PHONY: demo train-demo test lint bench docs format clean sbom audit

demo: $(VENV)/.installed  ## run the main job on sample_data/
	$(BIN)/curator demo demo-project

train-demo: $(VENV)/.installed $(VENV)/.installed-train  ## train a tiny model on the sample
	$(BIN)/curator train demo train-demo

test: $(VENV)/.installed $(VENV)/.installed-test  ## install what the tests need and run them
	$(BIN)/python -m pytest -n 2 --dist worksteal $(PYTEST_ARGS)

lint: $(VENV)/.installed $(VENV)/.installed-test  ## style, types, import directions, pins
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m supply.closure

sbom: $(VENV)/.installed  ## write what curator is made of, as CycloneDX: sbom.json
	$(BIN)/python -m supply.sbom $(addprefix --extra ,$(EXTRAS)) > sbom.json

# In an environment of its own: what it needs is no part of curator. What cannot be asked about fails.
audit: $(VENV)-audit/bin/pip-audit  ## ask PyPI for known vulnerabilities of all that is pinned
	$(VENV)-audit/bin/pip-audit --strict --no-deps --disable-pip -r constraints.txt

bench: $(VENV)/.installed $(VENV)/.installed-bench  ## run the benchmarks, write docs/benchmarks.md
	$(BIN)/python -m tests.benchmarks

docs: $(VENV)/.installed $(VENV)/.installed-docs  ## write the pages that come from the code, build site/
	$(BIN)/python -m docs.generate
	$(BIN)/mkdocs build --strict --quiet

format: $(VENV)/.installed-test  ## put the code in order
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:  ## remove what the targets made
	rm -rf $(VENV) $(VENV)-audit sbom.json demo-project train-demo build dist site .pytest_cache .mypy_cache .ruff_cache

$(VENV)-audit/bin/pip-audit:
	$(PYTHON) -m venv $(VENV)-audit
	$(VENV)-audit/bin/pip install --quiet --disable-pip-version-check pip-audit==2.10.1

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

# torch by itself first: its version is pinned, so that no other package chooses a larger build.
$(VENV)/.dependencies: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) torch
	$(PIP) .
	touch $@

$(VENV)/.installed: $(VENV)/.dependencies $(SOURCES)
	$(PIP) --no-deps --force-reinstall .
	touch $@

$(VENV)/.installed-test: $(VENV)/.dependencies
	$(PIP) '.[test]'
	touch $@

$(VENV)/.installed-train: $(VENV)/.dependencies
	$(PIP) '.[train]'
	touch $@

$(VENV)/.installed-docs: $(VENV)/.dependencies
	$(PIP) '.[docs]'
	touch $@

$(VENV)/.installed-bench: $(VENV)/.dependencies
	$(PIP) '.[bench]'
	touch $@
