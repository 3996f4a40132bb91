# Everything one does with tramite. `make` alone lists it. Needs make and Python 3.11 or newer, nothing else.

PYTHON ?= python3
BIN     = .venv/bin
ARGS   ?=

# $(call ready,run) or $(call ready,dev): makes .venv when needed, returns at once when nothing has changed.
# $(call ready,local) does the same with .venv-local, which has PyTorch, and $(call ready,clients) with .venv-clients.
ready = @command -v $(PYTHON) >/dev/null || { \
	echo "make: $(PYTHON) was not found. Install Python 3.11 or newer, or name it: make PYTHON=/path/to/python3"; \
	exit 1; }; \
	$(PYTHON) scripts/install.py $(1)

LOCK = $(BIN)/uv pip compile --quiet --no-config --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" $(ARGS)

.DEFAULT_GOAL := help
.PHONY: help run test test-services test-browser test-clients test-local lint format lock prices clean
.PHONY: screenshots bench-client bench-gateway bench-limits bench-store bench-pipeline bench-workbench chaos chaos-gateway
.NOTPARALLEL:

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-15s %s\n", $$1, $$2}' Makefile

run: ## start the gateway and the workbench, and show an answer (ARGS="--port N --ui-port N" chooses their ports)
	$(call ready,run)
	@$(BIN)/python scripts/run.py $(ARGS)

test: lint ## check the code and run all the tests (ARGS="-k name" reaches pytest)
	@$(BIN)/python -m pytest -n auto --dist worksteal $(ARGS)
	@echo "Left out: tests/browser, which needs Chromium (make test-browser); tests/services, servers (make"
	@echo "test-services); tests/clients, programs of others (make test-clients); tests/local, PyTorch (make test-local)."

test-services: ## run the tests of the parts that need a server: Postgres, Redis (as root on Debian, install them)
	$(call ready,dev)
	@$(BIN)/python scripts/services.py $(BIN)/python -m pytest tests/services $(ARGS)

test-browser: ## run the tests of the workbench in Chromium (as root on Debian, install it)
	$(call ready,dev)
	@$(BIN)/python scripts/browser.py $(BIN)/python -m pytest tests/browser -o timeout=300 $(ARGS)

test-clients: ## run the tests with clients of others: litellm, LangChain, Node's … (the first time, install them)
	$(call ready,dev)
	$(call ready,clients)
	@$(BIN)/python scripts/clients.py $(BIN)/python -m pytest tests/clients $(ARGS)

test-local: ## run the tests of local models (the first time, install PyTorch and the rest in .venv-local)
	$(call ready,local)
	@.venv-local/bin/python -m pytest tests/local $(ARGS)

lint: ## ruff, mypy --strict and the import layers
	$(call ready,dev)
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy --strict src
	@$(BIN)/lint-imports

format: ## put the code in its standard form
	$(call ready,dev)
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

lock: ## pin the dependencies anew in requirements/ (ARGS=--upgrade takes newer versions)
	$(call ready,venv)
	@$(BIN)/python -m pip install --quiet uv
	@$(LOCK) -o requirements/dev.txt pyproject.toml requirements/run.in requirements/dev.in
	@$(LOCK) -o requirements/run.txt -c requirements/dev.txt pyproject.toml requirements/run.in
	@$(LOCK) -o requirements/local.txt -c requirements/dev.txt --excludes requirements/torch.txt requirements/local.in
	@$(LOCK) -o requirements/clients.txt requirements/clients.in
	@$(BIN)/python scripts/clients.py --lock

prices: ## compile the models' prices anew, from the genai-prices package that requirements/dev.txt pins
	$(call ready,dev)
	@$(BIN)/python scripts/prices.py

bench-client: ## measure what the client costs (writes bench/RESULTS.md)
	$(call ready,dev)
	@$(BIN)/python -m bench.client $(ARGS)

bench-gateway: ## measure the gateway beside nginx (ARGS=--peers: and other gateways; writes bench/GATEWAY.md)
	$(call ready,dev)
	@$(BIN)/python -m bench.gateway $(ARGS)

bench-limits: ## measure how limits are kept, and what that costs (writes bench/LIMITS.md)
	$(call ready,dev)
	@$(BIN)/python -m bench.limits $(ARGS)

bench-store: ## measure what a durable hold costs
	$(call ready,dev)
	@$(BIN)/python -m bench.store $(ARGS)

bench-pipeline: ## measure what limits, ledger and budgets add to a call (writes bench/PIPELINE.md)
	$(call ready,dev)
	@$(BIN)/python -m bench.governing $(ARGS)

bench-workbench: ## measure the workbench in Chromium: start, tokens on screen, stops (writes bench/WORKBENCH.md)
	$(call ready,dev)
	@$(BIN)/python scripts/browser.py $(BIN)/python -m bench.workbench $(ARGS)

chaos: ## kill processes of a thousand callers while they spend (ARGS=postgresql://… for another store)
	$(call ready,dev)
	@$(BIN)/python -m bench.chaos_pipeline $(ARGS)

chaos-gateway: ## kill workers of a gateway while its keys' budgets are spent (ARGS='--kills 50')
	$(call ready,dev)
	@$(BIN)/python -m bench.chaos_gateway $(ARGS)

screenshots: ## take the pictures of the workbench in docs/images anew (needs chromium)
	$(call ready,dev)
	@$(BIN)/python scripts/screenshots.py

clean: ## remove .venv, .venv-local, .venv-clients, caches and build products
	@rm -rf .venv .venv-local .venv-clients tests/clients/node/node_modules build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
