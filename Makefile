# Everything is made inside the checkout: .venv for tools, build for what they write.
PYTHON ?= python3
BIN := .venv/bin
# What each group of targets needs; a later one includes the earlier.
DEMO_EXTRAS := report
TEST_EXTRAS := $(DEMO_EXTRAS) bigquery emulator notify spark test
DEV_EXTRAS := $(TEST_EXTRAS) dev
PIP := -m pip install --quiet --disable-pip-version-check --no-cache-dir
export HYPOTHESIS_STORAGE_DIRECTORY := build/hypothesis
export PYTHONPYCACHEPREFIX := $(CURDIR)/build/pycache
export IPYTHONDIR := $(CURDIR)/build/ipython
export JUPYTER_CONFIG_DIR := $(CURDIR)/build/jupyter
export JUPYTER_RUNTIME_DIR := $(CURDIR)/build/jupyter
DEMO := build/demo
SEASON := 2025-26
KILLS := 400
EACH := 40
BASE := origin/main
CASE := startup
# The moment of the commit: what is built from it is the same, whenever and wherever.
EPOCH = SOURCE_DATE_EPOCH=$(or $(shell git log -1 --format=%ct 2>/dev/null),1580601600)
FORMS := $(filter-out %/config.yml,$(wildcard .github/ISSUE_TEMPLATE/*.yml))

.PHONY: help dev demo test azurite axe integrations notebooks lint types imports audit oldest docs \
        changelog dist sbom bench bench-compare faults soak fuzz mutation clean
.DEFAULT_GOAL := help

help: ## list the targets
	@awk -F ':.*## ' '/^##@ / { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

##@ Start here

# .venv is made and extended as targets need it; nothing is done when it is up to date.
.venv/.demo: pyproject.toml uv.lock
	$(PYTHON) .ci/install.py $(DEMO_EXTRAS)
	@touch $@

.venv/.test: pyproject.toml uv.lock
	$(PYTHON) .ci/install.py $(TEST_EXTRAS)
	@touch $@ .venv/.demo

.venv/.dev: pyproject.toml uv.lock
	$(PYTHON) .ci/install.py $(DEV_EXTRAS)
	@touch $@ .venv/.test .venv/.demo

demo: .venv/.demo ## simulate a season, score it into a Delta table, and leave an HTML report
	@mkdir -p build
	$(BIN)/fsq demo $(DEMO) --season $(SEASON)
	$(BIN)/fsq backfill --source $(DEMO)/season_$(SEASON).parquet --store $(DEMO)/warehouse/ml_feature_store_v2 --season $(SEASON)
	@echo; echo "On one date an upstream job did not run:"; echo
	$(BIN)/fsq check --store $(DEMO)/warehouse/ml_feature_store_v2 --date 2026-02-06 || test $$? -eq 1
	$(BIN)/fsq report --store $(DEMO)/warehouse/ml_feature_store_v2 --out $(DEMO)/report.html

dev: .venv/.dev ## set up for development, and say how to check each commit
	@echo "Ready. To check every commit before it is made: $(BIN)/pre-commit install"

clean: ## remove what was made, .venv included
	rm -rf .venv build *.egg-info

##@ Check a change, as CI does

test: .venv/.test ## run every test, doctests included
	@mkdir -p build
	$(BIN)/python -m pytest -n 2 --dist loadgroup

azurite: ## get the emulator of Azure, with which its tests run; they are skipped without it
	@mkdir -p build/azurite
	npm install --prefix build/azurite --cache build/npm-cache --no-audit --no-fund azurite@3
	rm -rf build/npm-cache

axe: ## get axe-core, with which a test looks for barriers in reports; it is skipped without it
	@mkdir -p build/axe
	npm install --prefix build/axe --cache build/npm-cache --no-audit --no-fund axe-core@4
	rm -rf build/npm-cache

integrations: .venv/.test ## run what the guides show of Airflow, Dagster, dbt, Feast, MLflow and Prefect
	@mkdir -p build
	$(BIN)/python .ci/integrations.py
	$(BIN)/python -m pytest -n 2 tests/integrations

notebooks: .venv/.test ## execute the notebooks; OVERWRITE=1 keeps what they show
	@mkdir -p build/jupyter build/notebooks
	TMPDIR=$(CURDIR)/build/notebooks $(BIN)/python -m pytest --nbmake --nbmake-timeout=300 $(if $(OVERWRITE),--overwrite) notebooks

lint: .venv/.dev ## check style, format, the lock file, and the files that GitHub reads
	$(if $(wildcard $(BIN)/uv),UV_CACHE_DIR=build/uv-cache $(BIN)/uv lock --check --quiet --python $(BIN)/python)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-actions .github/actions/*/action.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-issue-config .github/ISSUE_TEMPLATE/config.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-issue-forms $(FORMS)

types: .venv/.dev ## check types, strictly
	$(BIN)/mypy

imports: .venv/.dev ## check which package imports which, and that no imports form a circle
	$(BIN)/lint-imports --no-logo --cache-dir build/import_linter

audit: .venv/.dev ## list what each extra brings, by licence; fail on one that is not listed, or unfit versions
	$(BIN)/python -m pip check
	$(BIN)/python .ci/audit.py

oldest: ## run the tests with the oldest versions that pyproject.toml allows
	@mkdir -p build
	test -x build/oldest/bin/python || $(PYTHON) -m venv build/oldest
	$(PYTHON) .ci/oldest.py > build/oldest.txt
	build/oldest/bin/python $(PIP) --constraint build/oldest.txt --editable '.[bigquery,emulator,report,spark,test]'
	build/oldest/bin/python -m pytest -n 2 tests fsq

##@ Write about it, release it

docs: .venv/.dev ## build the documentation into build/site; fail on broken links and missing docstrings
	$(BIN)/python .ci/docs.py

changelog: .venv/.dev ## show what the next release changes; VERSION=0.3.0 writes it to CHANGELOG.md
	$(BIN)/towncrier build $(if $(VERSION),--version $(VERSION) --yes,--version Unreleased --draft)

dist: .venv/.dev ## build wheel and sdist into build/dist, check them, and try the wheel with every Python here
	rm -rf build/dist
	$(EPOCH) $(BIN)/python -m build --outdir build/dist
	$(if $(TAG),test -e build/dist/*-$(TAG:v%=%).tar.gz)
	$(BIN)/twine check --strict build/dist/*
	$(BIN)/check-wheel-contents build/dist/*.whl
	$(EPOCH) $(BIN)/python .ci/reproducible.py build/dist
	$(BIN)/python .ci/wheel.py build/dist

sbom: .venv/.dev ## list what the wheel in build/dist needs, as CycloneDX, in build/sbom
	$(EPOCH) $(BIN)/python .ci/sbom.py build/dist

##@ Measure it; these take long

bench: .venv/.test ## time a season stage by stage, against other ways, and up to twenty seasons
	@mkdir -p build
	$(BIN)/fsq bench --rounds 3 --against oracle,pandas,duckdb,polars-naive --scale --end-to-end --out build/bench.svg

bench-compare: .venv/.test ## measure CASE (startup) here and where BASE (origin/main) was left, in turns; fail at 15 %
	@mkdir -p build
	$(BIN)/python -m benchmarks.with_main --base $(BASE) --case $(CASE) --rounds 5

faults: .venv/.test ## kill KILLS (400) commands, race writers and cut wires on every kind of store; takes hours
	$(BIN)/python -m tests.soak.faults $(KILLS)

soak: .venv/.test ## load large inputs, and say how long it takes and with how much memory
	$(BIN)/python -m tests.soak

fuzz: .venv/.test ## feed every reader with 100,000 hostile inputs; takes half an hour or more
	$(BIN)/python -m tests.fuzz

mutation: .venv/.dev ## change EACH (40) operators, numbers and steps per package; see which no test notices
	$(BIN)/python -m tests.mutation --each $(EACH)
