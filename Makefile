# Everything is made inside the checkout: .venv for tools, build for what they write.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.up-to-date
PIP := -m pip install --quiet --disable-pip-version-check --no-cache-dir
export HYPOTHESIS_STORAGE_DIRECTORY := build/hypothesis
export PYTHONPYCACHEPREFIX := $(CURDIR)/build/pycache
export IPYTHONDIR := $(CURDIR)/build/ipython
export JUPYTER_CONFIG_DIR := $(CURDIR)/build/jupyter
export JUPYTER_RUNTIME_DIR := $(CURDIR)/build/jupyter
DEMO := build/demo
SEASON := 2025-26
MINUTES := 10
SHARE := 0.4
FORMS := $(filter-out %/config.yml,$(wildcard .github/ISSUE_TEMPLATE/*.yml))

.PHONY: help setup dev demo test notebooks lint types imports audit oldest docs changelog dist \
        bench soak fuzz mutation clean
.DEFAULT_GOAL := help

help: ## list the targets
	@awk -F ':.*## ' '/^##@ / { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

##@ Start here

setup: $(STAMP) ## make .venv with every extra; does nothing when it is up to date

$(STAMP): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("fsq needs Python 3.11 or newer") if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python $(PIP) --editable '.[all]'
	touch $@

demo: setup ## simulate a season, score it into a Delta table, and leave an HTML report
	@mkdir -p build
	$(BIN)/fsq demo $(DEMO) --season $(SEASON)
	$(BIN)/fsq backfill --source $(DEMO)/season_$(SEASON).parquet --store $(DEMO)/warehouse/ml_feature_store_v2 --season $(SEASON)
	@echo; echo "On one date an upstream job did not run:"; echo
	$(BIN)/fsq check --store $(DEMO)/warehouse/ml_feature_store_v2 --date 2026-02-06 || test $$? -eq 1
	$(BIN)/fsq report --store $(DEMO)/warehouse/ml_feature_store_v2 --out $(DEMO)/report.html

dev: setup ## set up for development, and say how to check each commit
	@echo "Ready. To check every commit before it is made: $(BIN)/pre-commit install"

clean: ## remove what was made, .venv included
	rm -rf .venv build *.egg-info

##@ Check a change, as CI does

test: setup ## run every test, doctests included
	@mkdir -p build
	$(BIN)/python -m pytest -n 2 --dist loadgroup

notebooks: setup ## execute the notebooks; OVERWRITE=1 keeps what they show
	@mkdir -p build/jupyter build/notebooks
	TMPDIR=$(CURDIR)/build/notebooks $(BIN)/python -m pytest --nbmake --nbmake-timeout=300 $(if $(OVERWRITE),--overwrite) notebooks

lint: setup ## check style, format, and the files that GitHub reads
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-issue-config .github/ISSUE_TEMPLATE/config.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-issue-forms $(FORMS)

types: setup ## check types, strictly
	$(BIN)/mypy

imports: setup ## check which package imports which, and that no imports form a circle
	$(BIN)/lint-imports --no-logo --cache-dir build/import_linter

audit: setup ## list what each extra brings, by licence; fail on one that is not listed, or unfit versions
	$(BIN)/python -m pip check
	$(BIN)/python .ci/audit.py

oldest: ## run the tests with the oldest versions that pyproject.toml allows
	@mkdir -p build
	test -x build/oldest/bin/python || $(PYTHON) -m venv build/oldest
	$(PYTHON) .ci/oldest.py > build/oldest.txt
	build/oldest/bin/python $(PIP) --constraint build/oldest.txt --editable '.[bigquery,emulator,report,spark,test]'
	build/oldest/bin/python -m pytest -n 2 tests fsq

##@ Write about it, release it

docs: setup ## build the documentation into build/site; fail on broken links and missing docstrings
	$(BIN)/python .ci/docs.py

changelog: setup ## show what the next release changes; VERSION=0.2.0 writes it to CHANGELOG.md
	$(BIN)/towncrier build $(if $(VERSION),--version $(VERSION) --yes,--version Unreleased --draft)

dist: setup ## build wheel and sdist into build/dist, and try the wheel in a clean environment
	rm -rf build/dist build/dist-venv
	$(BIN)/python -m build --outdir build/dist
	$(if $(TAG),test -e build/dist/*-$(TAG:v%=%).tar.gz)
	$(PYTHON) -m venv build/dist-venv
	build/dist-venv/bin/python $(PIP) build/dist/*.whl
	build/dist-venv/bin/fsq --version

##@ Measure it; these take long

bench: setup ## time a season stage by stage, against other ways, and up to twenty seasons
	@mkdir -p build
	$(BIN)/fsq bench --rounds 3 --against oracle,pandas,duckdb,polars-naive --scale --end-to-end --out build/bench.svg

soak: setup ## kill, contend and load for MINUTES (10) and then some
	$(BIN)/python -m tests.soak $(MINUTES)

fuzz: setup ## feed every reader with 100,000 hostile inputs; takes half an hour or more
	$(BIN)/python -m tests.fuzz

mutation: setup ## change a SHARE (0.4) of operators, numbers and steps, and see which no test notices
	$(BIN)/python -m tests.mutation --share $(SHARE)
