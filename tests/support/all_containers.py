"""One array in every container, with weights, and in every memory layout."""

from collections.abc import Callable
from typing import Any

import dask.array as da
import numpy as np
import pandas as pd
import xarray as xr

from support.optional import import_optional

__all__ = ["CONTAINERS", "IN_CHUNKS", "IN_MEMORY", "LAYOUTS", "make_weighted_data", "to_float"]

Pieces = list[Any]
dd = import_optional("dask.dataframe")

# -- containers: from a one-dimensional array and a chunk length to what is adapted ---------------


def split(values: np.ndarray, chunk: int) -> Pieces:
    return [values[i : i + chunk] for i in range(0, len(values), chunk)]


def make_frame(values: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({"x": values})


def make_dask_frame(values: np.ndarray, chunk: int) -> Any:
    return dd.from_pandas(make_frame(values), chunksize=chunk, sort=False)


def mask_last(values: np.ndarray) -> np.ma.MaskedArray:
    return np.ma.MaskedArray(np.append(values, 1e300), [False] * len(values) + [True])


def make_dask_array(values: np.ndarray, chunk: int) -> da.Array:
    return da.from_array(values, chunks=chunk)


IN_MEMORY: dict[str, Callable[[np.ndarray], Any]] = {
    "numpy": lambda v: v,
    "masked": mask_last,
    "list": lambda v: v.tolist(),
    "pandas-frame": make_frame,
    "pandas-series": lambda v: make_frame(v)["x"],
    "xarray-array": lambda v: xr.DataArray(v, dims="t", name="x"),
    "xarray-dataset": lambda v: xr.Dataset({"x": ("t", v)}),
}
IN_CHUNKS: dict[str, Callable[[np.ndarray, int], Any]] = {
    "dask-array": make_dask_array,
    "dask-masked": lambda v, n: da.ma.masked_equal(make_dask_array(v, n), -1.0),
    "dask-frame": make_dask_frame,
    "dask-series": lambda v, n: make_dask_frame(v, n)["x"],
    "xarray-array-dask": lambda v, n: xr.DataArray(make_dask_array(v, n), dims="t", name="x"),
    "xarray-dataset-dask": lambda v, n: xr.Dataset({"x": ("t", make_dask_array(v, n))}),
}
if dd is None:
    del IN_CHUNKS["dask-frame"], IN_CHUNKS["dask-series"]
CONTAINERS: dict[str, Callable[[np.ndarray, int], Pieces]] = {
    **{
        name: lambda v, n, wrap=wrap: [wrap(part) for part in split(v, n)]
        for name, wrap in IN_MEMORY.items()
    },
    **{name: lambda v, n, wrap=wrap: [wrap(v, n)] for name, wrap in IN_CHUNKS.items()},
}


def to_float(reading: Any) -> float:
    """Return a single result of any type as a float."""
    reading = reading["x"] if isinstance(reading, (xr.Dataset, pd.Series)) else reading
    return float(np.asarray(reading).item())


def make_weighted_frames(values: np.ndarray, weights: np.ndarray) -> dict[str, tuple[Any, Any]]:
    """Return values as Dask DataFrames, with one of their columns as weights."""
    both = make_dask_frame(values, 300).assign(w=0.0)
    both["w"] = dd.from_pandas(pd.Series(weights), chunksize=300, sort=False)
    return {"dask-frame": (both[["x"]], both["w"]), "dask-series": (both["x"], both["w"])}


def make_weighted_data(values: np.ndarray, weights: np.ndarray) -> dict[str, tuple[Any, Any]]:
    """Return values and their weights as each kind of container takes them."""
    array, lazy_array = IN_MEMORY["xarray-array"], IN_CHUNKS["xarray-array-dask"]
    return {
        "numpy": (values, weights),
        "masked": (mask_last(values), np.append(weights, 5.0)),
        "list": (values.tolist(), weights.tolist()),
        "pandas-frame": (make_frame(values), weights),
        "pandas-series": (make_frame(values)["x"], pd.Series(weights)),
        "dask-array": (make_dask_array(values, 300), weights),
        "dask-array-both": (make_dask_array(values, 300), make_dask_array(weights, 450)),
        **({} if dd is None else make_weighted_frames(values, weights)),
        "xarray-array": (array(values), xr.DataArray(weights, dims="t")),
        "xarray-array-dask": (lazy_array(values, 300), xr.DataArray(weights, dims="t")),
        "xarray-dataset": (xr.Dataset({"x": array(values)}), xr.DataArray(weights, dims="t")),
    }


# -- memory layouts ------------------------------------------------------------------------------


def copy_strided(x: np.ndarray) -> np.ndarray:
    room = np.zeros([2 * n for n in x.shape], x.dtype)
    view = room[tuple(slice(None, None, 2) for _ in x.shape)]
    view[...] = x
    return view


def copy_reversed(x: np.ndarray) -> np.ndarray:
    back = (slice(None, None, -1),) * x.ndim
    return np.ascontiguousarray(x[back])[back]


def view_read_only(x: np.ndarray) -> np.ndarray:
    view = x.view()
    view.flags.writeable = False
    return view


LAYOUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "fortran": np.asfortranarray,
    "strided": copy_strided,
    "negative": copy_reversed,
    "big-endian": lambda x: x.astype(x.dtype.newbyteorder(">")),
    "read-only": view_read_only,
    "middle-first": lambda x: np.ascontiguousarray(np.swapaxes(x, 0, 1)).swapaxes(0, 1),
    "unaligned": lambda x: np.frombuffer(b"0" + x.tobytes(), x.dtype, offset=1).reshape(x.shape),
}
