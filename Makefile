# `make` alone lists the targets. Needed: Python 3.11 or newer, and make.

PYTHON ?= python3
BIN := .venv/bin
BASE := .venv/installed
DEV := .venv/installed-dev
BROWSER := .venv/browser
TRACKER := collector/static/footfall.js
# Two test files at a time, in order of name, because the slow ones come first.
SIDE_BY_SIDE := -n 2 --dist loadfile --no-loadscope-reorder
WRITTEN := collector dashboards tests docs/*.py hatch_build.py

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install serve test test-unit test-integration test-browser test-fault test-house \
	test-package check bench bench-tracker bench-store soak screenshots reference lock

help: ## List these targets.
	@sed -n 's/^test-unit .*## \(.*\)/  make test-KIND|\1/p; s/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-20s %s\n", $$1, $$2 }'

install: $(BASE) $(TRACKER) ## Make .venv with the locked dependencies, the command and the tracker.

serve: install ## Install, then serve the demonstration at http://127.0.0.1:8000.
	@exec $(BIN)/footfall serve --demo

test: install $(DEV) $(BROWSER) ## Install what the tests need, then run all of them.
	$(BIN)/python -m pytest $(SIDE_BY_SIDE)

test-unit test-integration test-browser test-fault test-house: test-%: install $(DEV) ## Run the tests of one kind: unit, integration, browser, fault or house.
	$(BIN)/python -m pytest tests/$*

test-package: install $(DEV) ## Build the wheel, install it into an empty environment, serve from an empty folder.
	$(BIN)/python -m tests.package.wheel

check: install $(DEV) ## Check format, lint, types, layers, spelling and dependencies.
	$(BIN)/python hatch_build.py
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy $(WRITTEN)
	$(BIN)/lint-imports
	$(BIN)/codespell
	$(BIN)/deptry .
	$(BIN)/interrogate --quiet collector dashboards tests

bench: install $(DEV) ## Measure hits per second and memory, side by side with a no-op.
	$(BIN)/python -m tests.bench

bench-tracker: install $(DEV) $(BROWSER) ## Measure the tracker: processor time in Chromium, size beside its peers'.
	$(BIN)/python -m tests.bench.tracker

bench-store: install $(DEV) ## Measure the store and the dashboard's questions beside raw rows; half an hour.
	$(BIN)/python -m tests.bench.store --picture docs/pictures/questions.svg

soak: install $(DEV) ## Kill service and server under load for MINUTES=10, then count every hit.
	MINUTES=$(or $(MINUTES),10) $(BIN)/python -m tests.fault.soak

screenshots: install $(DEV) $(BROWSER) ## Make the screenshots of the documentation.
	$(BIN)/python docs/screenshots.py

reference: install $(DEV) ## Write docs/metrics.md and docs/sql anew from the code.
	$(BIN)/python -m tests.house.metrics_reference
	$(BIN)/python -m tests.house.sql_files

lock: ## Rewrite requirements/*.txt from pyproject.toml; needs uv.
	uv pip compile -q --no-header --universal --generate-hashes --python-version 3.11 --group build pyproject.toml -o requirements/base.txt
	uv pip compile -q --no-header --universal --generate-hashes --python-version 3.11 --group test --group lint -c requirements/base.txt -o requirements/dev.txt

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Footfall needs Python 3.11 or newer; name one with make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv .venv && test -x $@ \
		|| { rm -rf .venv; echo "$(PYTHON) cannot make a virtual environment with pip in it;"; \
		echo "on Debian and Ubuntu: apt-get install python3-venv"; exit 1; }

$(BASE): requirements/base.txt pyproject.toml hatch_build.py | $(BIN)/pip
	@echo "Installing the locked packages: 660 MB on disk, two to three minutes on a usual connection."
	$(BIN)/pip install --no-deps --require-hashes --only-binary :all: -r requirements/base.txt
	$(BIN)/pip install -q --no-deps --no-build-isolation --no-index -e .
	@touch $@

# Its size is checked by `make check` and the tests: another machine's zlib may compress a few bytes
# worse, and no installation should fail for that.
$(TRACKER): $(wildcard tracker_js/src/*.js) hatch_build.py | $(BASE)
	$(BIN)/python -c 'import hatch_build, pathlib; hatch_build.build(pathlib.Path())'
	@touch $@

$(DEV): requirements/dev.txt $(BASE)
	@echo "Installing the locked packages of the tests and linters."
	$(BIN)/pip install --no-deps --require-hashes -r requirements/dev.txt
	@touch $@

# The system's Chromium if there is one, else apt's when root, else Playwright's own.
$(BROWSER): | $(DEV)
	@command -v chromium chromium-browser google-chrome > $@ \
		|| { test "$$(id -u)" = 0 && command -v apt-get > /dev/null \
		&& apt-get install -qq -y --no-install-recommends chromium > /dev/null \
		&& command -v chromium > $@; } \
		|| $(BIN)/playwright install --with-deps chromium || $(BIN)/playwright install chromium
	@touch $@
