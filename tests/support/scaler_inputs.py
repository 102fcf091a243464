"""Two hundred rows of three columns in every container that a scaler accepts."""

import dask.array as da
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from support.optional import needs

__all__ = ["CONTAINERS", "NAMES", "PARAMS", "X", "make_dask_frame", "to_array"]

X = np.random.default_rng(4).normal([3.0, -2.0, 1e4], [2.0, 1e-3, 50.0], (200, 3))
NAMES = ["a", "b", "c"]


def make_dask_frame(x):
    dd = pytest.importorskip("dask.dataframe")
    return dd.from_pandas(pd.DataFrame(x, columns=NAMES), npartitions=3)


def to_array(result):
    result = result.compute() if hasattr(result, "compute") else result
    return np.asarray(result.toarray() if hasattr(result, "toarray") else result)


CONTAINERS = {
    "numpy": lambda x: x,
    "list": lambda x: x.tolist(),
    "Fortran order": np.asfortranarray,
    "masked": lambda x: np.ma.masked_invalid(x),
    "dask array": lambda x: da.from_array(x, chunks=(60, 2)),
    "pandas": lambda x: pd.DataFrame(x, columns=NAMES),
    "mixed pandas": lambda x: pd.DataFrame(x, columns=NAMES).astype({"b": "Float64"}),
    "dask frame": pytest.param(make_dask_frame, marks=needs("pyarrow")),
    "xarray": lambda x: xr.DataArray(x, dims=("time", "feature")),
    "chunked xarray": lambda x: xr.DataArray(x, dims=("time", "feature")).chunk(time=60),
    "Python numbers": lambda x: x.astype(object),
}
PARAMS = [
    pytest.param(*kind.values, marks=kind.marks, id=name)
    if hasattr(kind, "marks")
    else pytest.param(kind, id=name)
    for name, kind in CONTAINERS.items()
]
