# Everything is set up in .venv by the command that needs it: only Python 3.11+ and make are asked for.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet --quiet

.PHONY: demo test test-training training lint bench clean

demo: $(VENV)/demo-installed  ## one climate scenario normalized with the statistics of another
	@$(BIN)/dasknorm demo

test: $(VENV)/dev-installed  ## every test, the long ones too
	@$(BIN)/python -m pytest

test-training:  ## what needs PyTorch and Keras, in a .venv-training of its own
	@$(MAKE) --no-print-directory VENV=.venv-training PINNED="torch==2.13.0 'setuptools<81'" training

training: $(VENV)/training,all,demo,test-installed
	@$(BIN)/python -m pytest dasknorm/outward.py dasknorm/serving tests/test_serving*.py "tests/test_docs.py::test_examples_run[training.md]"

lint: $(VENV)/dev-installed  ## style, layout and types
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy

bench: $(VENV)/bench-installed  ## speeds, each beside its rivals in the same run
	@$(BIN)/python -m benchmarks

clean:
	@rm -rf $(VENV) .venv-training demo-output build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "dasknorm needs Python 3.11 or newer; name one: make PYTHON=python3.12")'
	@echo "making $(VENV)"
	@$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(VENV)/%-installed: pyproject.toml $(VENV)/made
	@echo "installing dasknorm[$*] in $(VENV)"
	@$(PIP) install $(PINNED) --editable '.[$*]'
	@touch $(if $(filter dev,$*),$(VENV)/demo-installed) $@  # dev has all that demo has
