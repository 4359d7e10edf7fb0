NEWEST = $(firstword $(foreach minor,14 13 12 11,$(shell python3.$(minor) -c pass 2>/dev/null && echo python3.$(minor))) python3)
PYTHON ?= $(NEWEST)
PY := .venv/bin/python
LOCK := $(PY) -m uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-header --quiet --upgrade
INSTALL := $(PY) -m pip install --quiet --disable-pip-version-check
BROWSER := $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)

.PHONY: run stop demo test screenshots lint bench soak lock clean

run: .venv/installed
	@exec $(PY) manage.py up

stop: .venv/installed
	@$(PY) manage.py up --stop

demo: .venv/installed
	@$(PY) manage.py migrate --verbosity 0 && $(PY) manage.py demo

test: lint
	@test -n "$(BROWSER)" || echo "No chromium was found: the browser tests are left out."
	$(PY) -m pytest --numprocesses auto $(if $(BROWSER),,-m "not browser") $(ARGS)

screenshots: .venv/installed-dev
	SCREENSHOTS=on $(PY) -m pytest tests/browser/test_screenshots.py

lint: .venv/installed-dev
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy .
	DJANGO_SETTINGS_MODULE=tests.settings $(PY) manage.py makemigrations --check --dry-run

bench: .venv/installed-dev
	@$(INSTALL) --require-hashes --requirement requirements-bench.txt
	$(PY) -m tests.bench $(ARGS)

soak: .venv/installed-dev
	SOAK_EXAMPLES=$(or $(EXAMPLES),500) SOAK_KILLS=100 $(PY) -m pytest tests/walls/test_properties.py \
		tests/machines/test_schemathesis.py tests/analytics/test_crashes.py $(ARGS)

lock: .venv/installed
	$(INSTALL) uv
	$(LOCK) --output-file requirements.txt
	$(LOCK) --group dev --constraint requirements.txt --output-file requirements-dev.txt
	$(subst pyproject.toml,--group pyproject.toml:build,$(LOCK)) --output-file requirements-build.txt
	$(subst pyproject.toml,--group pyproject.toml:bench,$(LOCK)) --constraint requirements.txt --output-file requirements-bench.txt

clean: stop
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis var/test

.venv/installed: requirements.txt requirements-build.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Commonhold needs Python 3.11 or newer: set PYTHON.")'
	@echo "Installing what Commonhold needs into .venv"
	@$(PYTHON) -m venv .venv
	@$(INSTALL) --require-hashes --requirement requirements.txt --requirement requirements-build.txt
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/installed-dev: requirements-dev.txt .venv/installed
	@echo "Installing what the tests need into .venv"
	@$(INSTALL) --require-hashes --requirement requirements-dev.txt
	@touch $@
