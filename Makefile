# Everything is made inside the checkout: .venv for tools, build for what they write.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.up-to-date
export HYPOTHESIS_STORAGE_DIRECTORY := build/hypothesis
export PYTHONPYCACHEPREFIX := $(CURDIR)/build/pycache
export IPYTHONDIR := $(CURDIR)/build/ipython
export JUPYTER_CONFIG_DIR := $(CURDIR)/build/jupyter
export JUPYTER_RUNTIME_DIR := $(CURDIR)/build/jupyter
DEMO := build/demo
SEASON := 2025-26

MINUTES := 10
SHARE := 0.4

.PHONY: help setup demo test soak fuzz mutation oldest audit lint types bench notebooks clean
.DEFAULT_GOAL := help

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "%-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP) ## make .venv with every extra; does nothing when it is up to date

$(STAMP): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("fsq needs Python 3.11 or newer") if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-cache-dir --editable '.[all]'
	touch $@

demo: setup ## simulate a season, score it into a Delta table, and leave an HTML report
	@mkdir -p build
	$(BIN)/fsq demo $(DEMO) --season $(SEASON)
	$(BIN)/fsq backfill --source $(DEMO)/season_$(SEASON).parquet --store $(DEMO)/warehouse/ml_feature_store_v2 --season $(SEASON)
	@echo; echo "On one date an upstream job did not run:"; echo
	$(BIN)/fsq check --store $(DEMO)/warehouse/ml_feature_store_v2 --date 2026-02-06 || test $$? -eq 1
	$(BIN)/fsq report --store $(DEMO)/warehouse/ml_feature_store_v2 --out $(DEMO)/report.html

test: setup ## run every test, doctests included
	@mkdir -p build
	$(BIN)/python -m pytest -n 2 --dist loadgroup

soak: setup ## kill, contend and load for MINUTES (10) and then some
	$(BIN)/python -m tests.soak $(MINUTES)

lint: setup ## check style and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup ## check types, strictly
	$(BIN)/mypy

bench: setup ## time a season stage by stage, against other ways, and up to twenty seasons
	@mkdir -p build
	$(BIN)/fsq bench --rounds 3 --against oracle,pandas,duckdb,polars-naive --scale --end-to-end --out build/bench.svg

notebooks: setup ## execute the notebooks; OVERWRITE=1 keeps what they show
	@mkdir -p build/jupyter build/notebooks
	TMPDIR=$(CURDIR)/build/notebooks $(BIN)/python -m pytest --nbmake --nbmake-timeout=300 $(if $(OVERWRITE),--overwrite) notebooks

fuzz: setup ## feed every reader with 100,000 hostile inputs; takes half an hour or more
	$(BIN)/python -m tests.fuzz

mutation: setup ## change a SHARE (0.4) of operators, numbers and steps, and see which no test notices
	$(BIN)/python -m tests.mutation --share $(SHARE)

audit: setup ## list what each extra brings, by licence; fail on one that is not listed, or unfit versions
	$(BIN)/python -m pip check
	$(BIN)/python .ci/audit.py

oldest: ## run the tests with the oldest versions that pyproject.toml allows
	@mkdir -p build
	test -x build/oldest/bin/python || $(PYTHON) -m venv build/oldest
	$(PYTHON) .ci/oldest.py > build/oldest.txt
	build/oldest/bin/python -m pip install --quiet --disable-pip-version-check --no-cache-dir --constraint build/oldest.txt --editable '.[all]'
	build/oldest/bin/python -m pytest -n 2 tests fsq

clean: ## remove what was made, .venv included
	rm -rf .venv build *.egg-info
