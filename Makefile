# Every target does its own set-up: a fresh clone needs only Python (3.11+), make and git.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# `run` is enough for the command itself; `build` is what installing it needs, which dev has among its own.
REQUIREMENTS ?= dev
LOCKS := requirements/$(REQUIREMENTS).txt $(if $(filter run,$(REQUIREMENTS)),requirements/build.txt)
export PYTHONDONTWRITEBYTECODE :=
ifneq ($(ENDPOINT),real)
unexport AWS_ENDPOINT_URL AWS_PROFILE AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN
endif

.PHONY: setup demo test chromium screenshot geography check prove soak bench bench-all conformance operations catalogue messages clean format snapshots package

setup: $(VENV)/.done

$(VENV)/.done: $(LOCKS) pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "python %d.%d is too old; make PYTHON=python3.11 or later" % sys.version_info[:2])'
	@echo "setting up $(VENV): once, some minutes"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes $(addprefix -r ,$(LOCKS))
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable . \
	  || (echo "installing the project itself failed" >&2; exit 1)
	@$(BIN)/python -m compileall -q $(VENV)/lib >/dev/null 2>&1 || true
	@$(BIN)/meridian synth --out build/synth >/dev/null  # unpacks CDK's library, so that nobody waits for that later
	@touch $@

demo: setup
	@$(BIN)/python -m demo

# tests/conftest.py says in which order, and what stays on one worker.
test: setup chromium
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

# A browser for tests/browser, from Debian's or Ubuntu's packages where that may be installed; else those tests say what is missing.
chromium:
	@for name in chromium chromium-browser google-chrome google-chrome-stable; do command -v $$name >/dev/null && exit 0; done; \
	  [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null || exit 0; \
	  export DEBIAN_FRONTEND=noninteractive; install="timeout 600 apt-get install -qq -y --no-install-recommends chromium"; \
	  ($$install || (timeout 120 apt-get update -qq && $$install)) >/dev/null 2>&1 </dev/null || echo "chromium cannot be installed: the tests of the page are skipped" >&2

# The picture in the README, from a recorded status.
screenshot: setup chromium
	@$(BIN)/python -m tests.browser

# The land and the places of the map, from their sources. LAND=package/land-110m.json of `npm pack world-atlas@2.0.2`.
geography: setup
	@$(BIN)/python -m tests.geography $(LAND)

check: setup
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m tests.contract.operations --check
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/actionlint .github/workflows/*.yml starter/.github/workflows/*.yml
	@$(BIN)/zizmor --offline --no-progress --quiet .github starter

# Every ordered pair of topologies: three Regions in full, four as far as ten minutes reach. Prints what was covered.
prove: setup
	@$(BIN)/python -m tests.model

# SEEDS=n: so many simulated runs under faults, operators and clients; a seed that fails prints its trace. Then 12,000 signatures beside
# botocore's and the edge router under 10,000 strange answers and events: ten minutes. Then the combined change on the embedded AWS, broken
# off at each mutating call in each way: half an hour; the function reconcile killed at each call of a commit. Then the service's document
# and its orders, and clients through all that can happen.
soak: setup
	@$(BIN)/python -m tests.simulation --seeds $(or $(SEEDS),1000)
	@MERIDIAN_SOAK=1 $(BIN)/python -m pytest tests/handlers/test_edge_signature.py tests/embedded/test_edge_fuzz.py -n 2 --dist load -q --timeout 1800
	@MERIDIAN_SOAK=1 $(BIN)/python -m pytest tests/embedded/test_interrupted.py -n 2 --dist load -q
	@MERIDIAN_SOAK=1 $(BIN)/python -m pytest tests/plane/test_killed.py -n 0 -q
	@MERIDIAN_SOAK=1 $(BIN)/python -m pytest tests/catalogue -n 2 --dist loadfile -q --timeout 600
	@MERIDIAN_SOAK=1 $(BIN)/python -m pytest tests/handlers/test_document.py tests/handlers/test_idempotency.py tests/embedded/test_continuity.py -n 0 -q --timeout 1800

# What fails is named and keeps nothing else from being measured. bench-all: more runs, and the peer at every size; most of an hour.
bench bench-all: setup
	@failed=0; for part in benchmarks.planning benchmarks.edge benchmarks.api "benchmarks $(if $(filter bench-all,$@),--all)"; do \
	  $(BIN)/python -m $$part || failed=1; done; exit $$failed

# ENDPOINT=real: on the account of the environment, what costs next to nothing, tagged, and removed at the end.
conformance: setup
	@MERIDIAN_CONFORMANCE=$(ENDPOINT) $(BIN)/python -m pytest tests/contract/conformance -n 0 $(if $(filter real,$(ENDPOINT)),--timeout 3600)

# RUNTIME=python3.13 ARCHITECTURE=x86_64: build/meridian-<runtime>-<architecture>.zip, the code of wake and reconcile, and build/synth, from which the image of synth is
# built (handlers/synth/Dockerfile). Downloads what this machine's Python has not installed for that runtime.
package: setup
	@$(BIN)/python -m cdk_app.packaging --runtime $(or $(RUNTIME),python3.13) --architecture $(or $(ARCHITECTURE),x86_64)

operations: setup
	@$(BIN)/python -m tests.contract.operations

# DRIFT.md anew, from the table of dispositions and the hands of the tests.
catalogue: setup
	@$(BIN)/python -m tests.catalogue

# MESSAGES.md anew, from the registry of messages; refuses to change a number that was given.
messages: setup
	@$(BIN)/python -m tests.messages

format: setup
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

snapshots: setup
	@UPDATE_SNAPSHOTS=1 $(BIN)/python -m pytest tests/cdk tests/simulation/test_situations.py -n 0 -p no:randomly

clean:
	rm -rf build .hypothesis .mypy_cache .ruff_cache .pytest_cache .import_linter_cache *.egg-info
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
