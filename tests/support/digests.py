"""Digests of statistics and of data of any container: equal if no bit and no label differs.

Used by the tests of reference data and of saved files. Only public addresses of the package are
used here, so a change inside it needs no change here.
"""

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

import dasknorm as dn

__all__ = ["compute_digest", "describe_settings", "describe_states", "make_numbers", "read_content"]


def make_numbers(*shape: int, seed: int = 0) -> np.ndarray:
    """Return multiples of 2**-10 from 0 up to 1024: the same for every version of NumPy."""
    raw = np.random.PCG64(seed).random_raw(int(np.prod(shape)))
    return (raw >> np.uint64(44)).astype(np.float64).reshape(shape) / 1024


def compute_digest(value: Any) -> str:
    """Return a digest of the result of `read_content`."""
    return hashlib.sha256(repr(read_content(value)).encode()).hexdigest()[:32]


def describe_states(stats: dn.Stats) -> dict[str, dict[str, Any]]:
    """Return dimensions, labels, dtype, shape and a digest of the records of each state."""
    return {repr(name): _state(state) for name, state in stats.states.items()}


def describe_settings(statistic: Any) -> Any:
    """Return the settings of a statistic, and of those inside it, without names of classes."""
    if isinstance(statistic, dict):
        return {repr(name): describe_settings(value) for name, value in statistic.items()}
    if isinstance(statistic, tuple):
        return [describe_settings(part) for part in statistic]
    if not isinstance(statistic, dn.Statistic):
        return statistic
    text = {
        name: describe_settings(value) for name, value in vars(statistic).items() if name[0] != "_"
    }
    text.pop("dtype", None)  # which some cache among their settings
    return text | {"readings": list(statistic.result_names)}


def read_content(value: Any) -> Any:
    """Return all bits, dtypes, names and labels of data; lazy data are computed."""
    for lazy in ("compute", "collect"):
        if hasattr(value, lazy):
            value = getattr(value, lazy)()
    for kind, read in READERS.items():
        if isinstance(value, kind):
            return read(value)
    if type(value).__module__.partition(".")[0] in ("polars", "pyarrow"):
        return _arrow(value)
    if hasattr(value, "indptr"):
        return [read_content(part) for part in (value.indptr, value.indices, value.data)]
    return _array(np.asanyarray(value))


def _state(state: Any) -> dict[str, Any]:
    records = np.asarray(state.data)
    kinds = {name: _place(records.dtype, name) for name in records.dtype.names}
    return {
        "dims": repr(state.dims),
        "labels": {repr(dim): _labels(index) for dim, index in state.labels.items()},
        "dtype": kinds,
        "shape": list(records.shape),
        "records": compute_digest(records),
    }


def _place(dtype: np.dtype[Any], name: str) -> str:
    kind, offset = dtype.fields[name][:2]
    return f"{offset} {kind.base.str} {list(kind.shape)}"


def _labels(index: pd.Index) -> str:
    text = repr((list(index.names), [str(label) for label in index.tolist()]))
    return text if len(text) < 100 else f"{len(index)}: {compute_digest(np.array(text))}"


def _array(array: np.ndarray) -> Any:
    """Return dtype, shape and a digest of the bits; a NaN is a NaN, whatever its sign."""
    if isinstance(array, np.ma.MaskedArray):
        return ["masked", _array(np.ma.getmaskarray(array)), _array(array.filled(0))]
    if array.dtype.names:
        return [
            (name, _place(array.dtype, name), _array(array[name])) for name in array.dtype.names
        ]
    if array.dtype.kind == "f":
        array = np.where(np.isnan(array), array.dtype.type(np.nan), array).astype(array.dtype)
    if array.dtype.kind in "mM":
        array = array.astype(f"{array.dtype.kind}8[s]")
    if array.dtype.kind in "OUT":
        return [array.shape, repr(array.tolist())]
    return [array.dtype.str, array.shape, hashlib.sha256(array.tobytes()).hexdigest()]


def _tree(tree: Any) -> Any:
    return [(node.path, read_content(node.to_dataset(inherit=False))) for node in tree.subtree]


def _dataset(ds: xr.Dataset) -> Any:
    return [(str(name), read_content(ds[name].variable)) for name in ds.variables]


def _labelled(array: xr.DataArray) -> Any:
    coords = [(str(name), read_content(coord.variable)) for name, coord in array.coords.items()]
    return [str(array.name), read_content(array.variable), coords]


def _variable(variable: xr.Variable) -> Any:
    return [variable.dims, dict(variable.attrs), _array(np.asanyarray(variable.to_numpy()))]


def _frame(frame: pd.DataFrame) -> Any:
    return [_labels(frame.index), [(str(name), _series(frame[name])) for name in frame.columns]]


def _series(series: pd.Series) -> Any:
    missing = series.isna().to_numpy(bool)
    if not pd.api.types.is_numeric_dtype(series.dtype):
        return [_array(missing), [str(v) for v in series[~missing]]]
    values = series.to_numpy(object, na_value=None)
    return [
        str(series.dtype),
        _array(missing),
        repr([None if v is None else float(v) for v in values]),
    ]


def _arrow(table: Any) -> Any:
    """Return the content of a frame of polars or a table of Arrow."""
    names = getattr(table, "column_names", None) or table.columns
    return [(name, _column(table[name])) for name in names]


def _column(column: Any) -> Any:
    values = column.to_pylist() if hasattr(column, "to_pylist") else column.to_list()
    kind = str(column.type) if hasattr(column, "type") else str(column.dtype)
    return [kind, repr(values)]


READERS: dict[type, Callable[[Any], Any]] = {
    xr.DataTree: _tree,
    xr.Dataset: _dataset,
    xr.DataArray: _labelled,
    xr.Variable: _variable,
    pd.DataFrame: _frame,
    pd.Series: _series,
}
