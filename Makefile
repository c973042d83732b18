# Threadline: `make` lists what there is. Needs Python 3.11 or newer and Node 20 or newer.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup run test demo follow bench package lint format lock clean

# make run CRM=salesforce PORT=7072 SANDBOX_PORT=7444; make demo EML=mail.eml ICS=meeting.ics

VENV := .venv
BIN := $(VENV)/bin
PYTHONS := python3.13 python3.12 python3.11 python3.14 python3
BENCH ?= save cold_start throughput notifications drain replies

help: ## This list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

setup: $(VENV)/.ready node_modules/.ready ## Install everything into .venv and node_modules

run: setup ## Everything on this machine until Ctrl-C (CRM=, PORT=, SANDBOX_PORT=)
	@exec $(BIN)/python -m sandbox.run

test: setup ## Every check and every test
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

demo: setup ## Save, edit, find and delete a real mail and meeting (EML=, ICS=)
	@exec $(BIN)/python -m sandbox.demo $(if $(EML),--eml "$(EML)") $(if $(ICS),--ics "$(ICS)")

follow: setup ## What happens after a save: replies, changes, drafts, an outage
	@exec $(BIN)/python -m sandbox.demo --follow

bench: setup ## Measure (BENCH=, names of modules in bench/)
	@for name in $(BENCH); do $(BIN)/python -m bench.$$name || exit 1; done

package: setup ## What is deployed: dist/package, dist/threadline.zip (EXTRA=)
	@$(BIN)/python -m tools.package $(if $(EXTRA),--extra $(EXTRA))

lint: setup ## The checks without the tests
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup ## Format the Python code, and mend what ruff can
	$(BIN)/ruff check --fix --exit-zero
	$(BIN)/ruff format

lock: setup ## Take the newest versions that pyproject.toml allows into both lock files
	$(BIN)/uv pip compile pyproject.toml --upgrade --universal --no-header --no-annotate -q -o requirements.txt
	$(BIN)/uv pip compile pyproject.toml --upgrade --universal --no-header --no-annotate -q --group dev -c requirements.txt -o requirements-dev.txt

clean: ## Remove what runs and tests leave behind (not .venv and node_modules)
	rm -rf .sandbox .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist
	find . -name __pycache__ -not -path './.venv/*' -not -path './node_modules/*' -prune -exec rm -rf {} +

$(BIN)/python:
	@for python in $(PYTHONS); do \
	  if $$python -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    echo "making $(VENV) with $$($$python --version)"; exec $$python -m venv $(VENV); \
	  fi; \
	done; echo "Python 3.11 or newer is needed, with its venv module." >&2; exit 1

# uv installs in seconds; where it can't be had, or can't reach the registry as pip is set up to, pip does it.
$(VENV)/.ready: requirements-dev.txt | $(BIN)/python
	@echo "installing Python packages"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check uv || true
	@$(BIN)/uv pip install --quiet --python $(BIN)/python -r requirements-dev.txt \
	  || $(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

node_modules/.ready: package-lock.json
	@node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' \
	  || { echo "Node 20 or newer is needed." >&2; exit 1; }
	@echo "installing Node packages"
	@npm ci --no-audit --no-fund --loglevel=error
	@touch $@
