"""The public names of the package."""

import importlib
import inspect
import pkgutil
import subprocess
import sys

import pytest
from support.optional import WITHOUT_COMPILER, needs

import dasknorm

ARROW = ["containers.nested_columns", "containers.pyarrow", "containers.parquet", "cli.parquet"]
ARROW += [f"blocks.arrow_{name}" for name in ("arrays", "columns", "groups", "tables")]
LIBRARIES = {"dasknorm.containers.dask_dataframe": "pyarrow"}
LIBRARIES |= {f"dasknorm.{name}": "pyarrow" for name in ARROW}
LIBRARIES |= {"dasknorm.containers.polars": "polars", "dasknorm.sklearn": "sklearn"}
LIBRARIES |= {"dasknorm.containers.scipy_sparse": "scipy"}
LIBRARIES |= {"dasknorm.reports.plots": "matplotlib"}  # whose files are not even found without it
LIBRARIES |= {f"dasknorm.io.serving.{name}": name for name in ("keras", "torch")}
MODULES = [
    pytest.param(name, marks=needs(LIBRARIES[name])) if name in LIBRARIES else name
    for _, name, _ in pkgutil.walk_packages(dasknorm.__path__, "dasknorm.")
    if not name.endswith("__main__")
]


@pytest.mark.parametrize("name", ["dasknorm", *MODULES])
def test_modules_import_and_list_their_names(name):
    """Each module imports and has a docstring; ``__all__`` lists existing names, once each."""
    module = importlib.import_module(name)
    assert module.__doc__, f"{name} has no docstring"
    names = list(getattr(module, "__all__", ()))
    assert len(set(names)) == len(names)
    assert all(hasattr(module, public) for public in names)


def test_dir_lists_public_names_only():
    """``dir(dasknorm)`` lists the public names, in order, and no folders of the package."""
    assert dir(dasknorm) == sorted(dasknorm.__all__)


@pytest.mark.parametrize("name", dasknorm.__all__)
def test_public_objects_are_documented(name):
    """Everything public has a docstring, its public methods too."""
    thing = getattr(dasknorm, name)
    if name == "__version__":
        return
    assert inspect.getdoc(thing)
    if inspect.isclass(thing):
        for method, value in vars(thing).items():
            if not method.startswith("_") and callable(value):
                assert inspect.getdoc(getattr(thing, method)), f"{name}.{method}"


def test_import_is_light():
    """Importing dasknorm wakes neither the compiler nor any optional library."""
    code = WITHOUT_COMPILER + "before = set(sys.modules); import dasknorm; "
    code += "print(*{m.split('.')[0] for m in set(sys.modules) - before})"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"distributed", "rich", "matplotlib", "zarr", "h5netcdf", "click"}
    heavy |= {"sklearn", "torch", "keras"}
    assert not heavy & set(run.stdout.split())


def test_small_data_never_wake_the_compiler():
    """A frame of 1000 x 10 is adapted and normalized without Numba being imported."""
    code = f"""{WITHOUT_COMPILER}
import numpy as np, pandas as pd, dasknorm as dn
frame = pd.DataFrame(np.random.default_rng(0).normal(size=(1000, 10)))
z = dn.adapt(frame).normalize(frame)
assert abs(z.to_numpy().std() - 1) < 1e-12
"""
    subprocess.run([sys.executable, "-c", code], check=True)
