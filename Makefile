# Everything is set up in .venv by the command that needs it: only Python 3.11+ and make are asked for.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet --quiet

.PHONY: demo test lint docs bench clean

demo: $(VENV)/demo-installed  ## one climate scenario normalized with the statistics of another
	@$(BIN)/dasknorm demo

test: $(VENV)/dev-installed  ## every test, the long ones too
	@$(BIN)/python -m pytest

lint: $(VENV)/dev-installed  ## style, layout and types
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy

docs: $(VENV)/docs-installed  ## the site, every example run and every warning an error
	@$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going --nitpicky docs docs/_build
	@echo "the site is in docs/_build/index.html"

bench: $(VENV)/bench-installed  ## speeds, each beside its rivals in the same run
	@$(BIN)/python -m benchmarks

clean:
	@rm -rf $(VENV) demo-output build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@rm -rf docs/_build docs/api docs/gallery docs/tutorial docs/sg_execution_times.rst
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "dasknorm needs Python 3.11 or newer; name one: make PYTHON=python3.12")'
	@echo "making $(VENV)"
	@$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(VENV)/%-installed: pyproject.toml $(VENV)/made
	@echo "installing dasknorm[$*] in $(VENV)"
	@$(PIP) install --editable '.[$*]'
	@touch $(if $(filter dev,$*),$(VENV)/demo-installed) $@  # dev has all that demo has
