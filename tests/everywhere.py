"""One array in every container, with weights beside it, and in every memory layout."""

from collections.abc import Callable
from typing import Any

import dask.array as da
import numpy as np
import pandas as pd
import xarray as xr
from optional import optional

__all__ = ["CONTAINERS", "IN_CHUNKS", "IN_MEMORY", "LAYOUTS", "number", "weighted_pieces"]

Pieces = list[Any]
dd = optional("dask.dataframe")

# -- containers: from a one-dimensional array and a chunk length to what is adapted ---------------


def cut(values: np.ndarray, chunk: int) -> Pieces:
    return [values[i : i + chunk] for i in range(0, len(values), chunk)]


def frame(values: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({"x": values})


def dask_frame(values: np.ndarray, chunk: int) -> Any:
    return dd.from_pandas(frame(values), chunksize=chunk, sort=False)


def masked(values: np.ndarray) -> np.ma.MaskedArray:
    return np.ma.MaskedArray(np.append(values, 1e300), [False] * len(values) + [True])


def lazy(values: np.ndarray, chunk: int) -> da.Array:
    return da.from_array(values, chunks=chunk)


IN_MEMORY: dict[str, Callable[[np.ndarray], Any]] = {
    "numpy": lambda v: v,
    "masked": masked,
    "list": lambda v: v.tolist(),
    "pandas-frame": frame,
    "pandas-series": lambda v: frame(v)["x"],
    "xarray-array": lambda v: xr.DataArray(v, dims="t", name="x"),
    "xarray-dataset": lambda v: xr.Dataset({"x": ("t", v)}),
}
IN_CHUNKS: dict[str, Callable[[np.ndarray, int], Any]] = {
    "dask-array": lazy,
    "dask-masked": lambda v, n: da.ma.masked_equal(lazy(v, n), -1.0),
    "dask-frame": dask_frame,
    "dask-series": lambda v, n: dask_frame(v, n)["x"],
    "xarray-array-dask": lambda v, n: xr.DataArray(lazy(v, n), dims="t", name="x"),
    "xarray-dataset-dask": lambda v, n: xr.Dataset({"x": ("t", lazy(v, n))}),
}
if dd is None:
    del IN_CHUNKS["dask-frame"], IN_CHUNKS["dask-series"]
CONTAINERS: dict[str, Callable[[np.ndarray, int], Pieces]] = {
    **{
        name: lambda v, n, wrap=wrap: [wrap(part) for part in cut(v, n)]
        for name, wrap in IN_MEMORY.items()
    },
    **{name: lambda v, n, wrap=wrap: [wrap(v, n)] for name, wrap in IN_CHUNKS.items()},
}


def number(reading: Any) -> float:
    """Return the one number of a reading, whatever its kind."""
    reading = reading["x"] if isinstance(reading, (xr.Dataset, pd.Series)) else reading
    return float(np.asarray(reading).item())


def weighted_frames(values: np.ndarray, weights: np.ndarray) -> dict[str, tuple[Any, Any]]:
    """Return values as Dask frames, and a column of theirs as weights."""
    both = dask_frame(values, 300).assign(w=0.0)
    both["w"] = dd.from_pandas(pd.Series(weights), chunksize=300, sort=False)
    return {"dask-frame": (both[["x"]], both["w"]), "dask-series": (both["x"], both["w"])}


def weighted_pieces(values: np.ndarray, weights: np.ndarray) -> dict[str, tuple[Any, Any]]:
    """Return values and their weights as each kind of container takes them."""
    array, lazy_array = IN_MEMORY["xarray-array"], IN_CHUNKS["xarray-array-dask"]
    return {
        "numpy": (values, weights),
        "masked": (masked(values), np.append(weights, 5.0)),
        "list": (values.tolist(), weights.tolist()),
        "pandas-frame": (frame(values), weights),
        "pandas-series": (frame(values)["x"], pd.Series(weights)),
        "dask-array": (lazy(values, 300), weights),
        "dask-array-both": (lazy(values, 300), lazy(weights, 450)),
        **({} if dd is None else weighted_frames(values, weights)),
        "xarray-array": (array(values), xr.DataArray(weights, dims="t")),
        "xarray-array-dask": (lazy_array(values, 300), xr.DataArray(weights, dims="t")),
        "xarray-dataset": (xr.Dataset({"x": array(values)}), xr.DataArray(weights, dims="t")),
    }


# -- memory layouts ------------------------------------------------------------------------------


def strided(x: np.ndarray) -> np.ndarray:
    room = np.zeros([2 * n for n in x.shape], x.dtype)
    view = room[tuple(slice(None, None, 2) for _ in x.shape)]
    view[...] = x
    return view


def backwards(x: np.ndarray) -> np.ndarray:
    back = (slice(None, None, -1),) * x.ndim
    return np.ascontiguousarray(x[back])[back]


def read_only(x: np.ndarray) -> np.ndarray:
    view = x.view()
    view.flags.writeable = False
    return view


LAYOUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "fortran": np.asfortranarray,
    "strided": strided,
    "negative": backwards,
    "big-endian": lambda x: x.astype(x.dtype.newbyteorder(">")),
    "read-only": read_only,
    "middle-first": lambda x: np.ascontiguousarray(np.swapaxes(x, 0, 1)).swapaxes(0, 1),
    "unaligned": lambda x: np.frombuffer(b"0" + x.tobytes(), x.dtype, offset=1).reshape(x.shape),
}
