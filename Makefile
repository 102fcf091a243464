# Everything is set up in .venv by the command that needs it: only Python 3.11+ and make are asked for.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet --quiet

OTHER = .venvs/$(notdir $(PYTHON))
UV := .venvs/uv/bin/uv
SUITE := $(patsubst %,tests/test_%.py,public containers containers_pandas containers_xarray \
  containers_polars containers_arrow invariants statistics extrema multi_statistic transformed \
  per_variable stats fields grouped climatology tendencies weights file_backed store store_refusals \
  store_tools layer sklearn cli cli_bare testing extending)
# What one library says of another of another age is not for us to mend.
TRY = -m pytest -p no:cacheprovider -W ignore::DeprecationWarning -W ignore::FutureWarning $(SUITE)

.PHONY: demo test lint docs bench clean test-bare test-oldest test-python test-training test-formats training dist

demo: $(VENV)/demo-installed  ## one climate scenario normalized with the statistics of another
	@$(BIN)/python examples/demo.py

test: $(VENV)/dev-installed  ## every test, the long ones too
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

test-bare: $(OTHER)-bare/test-installed  ## the core of the tests, without any optional library
	@$(OTHER)-bare/bin/python $(TRY)

test-oldest: $(OTHER)-oldest/all,demo,test-installed  ## ... with the oldest dependencies that are allowed
	@$(OTHER)-oldest/bin/python $(TRY)

test-python: $(OTHER)/all,demo,test-installed  ## ... with PYTHON=python3.13, or another
	@$(OTHER)/bin/python $(TRY)

test-training:  ## what needs PyTorch and Keras, in an environment of its own
	@$(MAKE) --no-print-directory VENV=.venvs/training PINNED=torch==2.13.0 training

training: $(VENV)/training,all,demo,test-installed
	@$(BIN)/python -m pytest dasknorm/api dasknorm/io/serving tests/test_serving*.py "tests/test_docs.py::test_examples_run[training.md]"

test-formats: $(OTHER)-grib/all,demo,test,grib-installed $(OTHER)-tiff/all,demo,test,tiff-installed  ## ... with GRIB and TIFF files
	@$(OTHER)-tiff/bin/python -m pytest tests/test_cli_files.py tests/test_real_files.py -k tif
	@$(OTHER)-grib/bin/python -m pytest tests/test_cli_files.py tests/test_real_files.py -k grib

dist: $(VENV)/release-installed  ## wheel and sdist, built twice and compared, for a release
	@$(BIN)/python .ci/build.py

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
	@rm -rf $(VENV) .venvs demo-output build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@rm -rf docs/_build docs/api docs/gallery docs/tutorial docs/sg_execution_times.rst
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

# The other environments are made by uv, in seconds, and can be of the lowest versions.

export UV_PYTHON_DOWNLOADS := never

$(UV):
	@$(PYTHON) -m venv --clear .venvs/uv
	@.venvs/uv/bin/python -m pip --disable-pip-version-check --quiet install 'uv>=0.5'

.venvs/%-installed: pyproject.toml $(UV)
	@echo "installing dasknorm[$(notdir $*)] in .venvs/$(patsubst %/,%,$(dir $*))"
	@$(UV) venv --quiet --clear --python $(PYTHON) $(@D)
	@$(UV) pip install --quiet --python $(@D) $(if $(findstring oldest,$*),--resolution lowest-direct) \
	  --editable '.[$(notdir $*)]'
	@touch $@
