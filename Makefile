# The front door. Each target makes what it needs; run `make` to see them.
PYTHON ?= python3
PORT ?= 8000
VENV := .venv
BIN := $(VENV)/bin
.DEFAULT_GOAL := help
.PHONY: help demo test check fix messages bench soak lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/ready ## Start the site on 127.0.0.1:$PORT with a discussion that is going on now
	@$(BIN)/python manage.py demo

test: $(VENV)/ready node_modules/ready system ## Set up and run every test
	$(BIN)/python -m pytest tests --ignore=tests/browser -n 2
	$(BIN)/python -m pytest tests/browser -n 3 --dist worksteal --reruns 1 -rR  # pages wait more than they work

check: $(VENV)/ready ## Lint, types, templates, floors; changes nothing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/djlint templates --lint --quiet
	$(BIN)/lint-imports --no-cache
	$(BIN)/python manage.py makemigrations --check --dry-run

fix: $(VENV)/ready ## Format, and mend what can be mended by itself
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

messages: $(VENV)/ready ## Bring the catalogue of Japanese words up to date with the sources (needs gettext)
	$(BIN)/python manage.py makemessages --locale ja --no-obsolete --no-location --no-wrap \
	  --ignore node_modules --ignore $(VENV) --ignore tests --ignore benchmarks
	$(BIN)/python manage.py compilemessages --locale ja --ignore node_modules --ignore $(VENV)

bench: $(VENV)/ready ## Measure; prints ratios of one run on this machine
	$(BIN)/python -m benchmarks

soak: $(VENV)/ready node_modules/ready system ## Long fault runs with fresh random seeds
	$(BIN)/python -m pytest tests/faults --soak

lock: ## Pin what pyproject.toml asks for (needs uv)
	uv pip compile pyproject.toml --all-extras --generate-hashes --no-emit-index-url --no-header --python-version 3.11 -o requirements-dev.txt

clean: ## Remove what the targets above made, except your data
	rm -rf $(VENV) node_modules

$(VENV)/ready: requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "chatlog needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1). Try: make PYTHON=python3.12 …" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' \
	  || { echo "This Python has no venv module. On Debian: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

node_modules/ready: package-lock.json
	@command -v npm >/dev/null \
	  || { echo "The tests run an independent Cosmos DB server and axe-core from npm, which is missing. On Debian: apt-get install npm" >&2; exit 1; }
	npm ci --no-fund --no-audit
	@touch $@

.PHONY: system
system:
	@sh tests/install_system_packages.sh
